use super::*;

fn number(text: &str) -> Vec<&'static str> {
    names(&of_number(&text.parse().unwrap()))
}

fn point(text: &str, place: Place<'_>) -> Vec<&'static str> {
    names(&of_point(&text.parse().unwrap(), place))
}

fn names(zones: &[Tz]) -> Vec<&'static str> {
    zones.iter().map(|zone| zone.name()).collect()
}

const CHICAGO_AND_NEW_YORK: [&str; 2] = ["America/Chicago", "America/New_York"];

fn us(region: &str) -> Place<'_> {
    Place { country: Some("US"), region: Some(region), ..Place::default() }
}

#[test]
fn every_line_of_the_tables_is_read() {
    let well_formed = |list: &str| list.split(' ').all(|name| name.parse::<Tz>().is_ok());
    for line in lines(include_str!("../regions.csv")) {
        assert!(line.split(',').count() == 5 && well_formed(line.rsplit(',').next().unwrap()), "{line}");
    }
    assert_eq!(REGIONS.len(), 50 + 1 + 5 + 13, "states, the District, territories, provinces");
}

#[test]
fn an_area_code_across_a_boundary_has_both_zones_whatever_the_exchange() {
    assert_eq!(number("+14235550100"), CHICAGO_AND_NEW_YORK);
    assert_eq!(number("+14232345678"), CHICAGO_AND_NEW_YORK);
    assert_eq!(number("+18505550100"), CHICAGO_AND_NEW_YORK, "not Eastern only, as 850-555 is said to be");
    assert_eq!(number("+12085550100"), ["America/Boise", "America/Denver", "America/Los_Angeles"]);
}

#[test]
fn overlays_share_the_zones_of_the_codes_they_lie_over() {
    for (overlay, parent) in
        [("364", "270"), ("930", "812"), ("448", "850"), ("458", "541"), ("729", "423"), ("986", "208")]
    {
        let of = |code: &str| number(&format!("+1{code}5550100"));
        assert_eq!(of(overlay), of(parent), "{overlay} lies over {parent}");
        assert!(of(parent).len() > 1, "{parent} crosses a boundary");
    }
}

#[test]
fn orlando_is_eastern_in_all_its_codes() {
    for code in ["407", "689", "321"] {
        assert_eq!(number(&format!("+1{code}5550100")), ["America/New_York"], "{code}");
    }
}

#[test]
fn other_countries_go_by_their_country_code() {
    assert_eq!(number("+493023125000"), ["Europe/Berlin"]);
    assert_eq!(number("+61255501234").len(), 8, "an Australian mobile may be anywhere");
    assert!(number("+442079460018").contains(&"Europe/London"));
}

#[test]
fn number_and_address_count_together() {
    assert_eq!(point("+12125550100", us("CA")), ["America/Los_Angeles", "America/New_York"]);
    assert_eq!(point("+12125550100", us("NY")), ["America/New_York"]);
    let stated = Place { stated: Some(chrono_tz::America::Denver), ..us("NY") };
    assert_eq!(point("+12125550100", stated), ["America/Denver", "America/New_York"]);
    assert_eq!(point("+12125550100", Place { country: Some("US"), ..Place::default() }), ["America/New_York"]);
    assert_eq!(
        point("+12125550100", Place { country: Some("DE"), ..Place::default() }),
        ["America/New_York", "Europe/Berlin"]
    );
}

#[test]
fn a_toll_free_number_leaves_it_to_the_address_and_else_to_the_whole_country() {
    assert_eq!(point("+18005550100", us("Texas")), ["America/Chicago", "America/Denver"]);
    let whole = point("+18005550100", Place::default());
    for zone in ["America/New_York", "America/Los_Angeles", "America/Anchorage", "Pacific/Honolulu"] {
        assert!(whole.contains(&zone), "{zone}");
    }
    assert!(!whole.contains(&"Pacific/Guam"));
}

#[test]
fn a_postal_code_stands_in_for_a_missing_state_and_adds_to_one_that_is_given() {
    let zip = |postal| names(&of_region(Some("US"), None, Some(postal)));
    assert_eq!(zip("10001"), ["America/New_York"]);
    assert_eq!(zip("79901-1234"), ["America/Chicago", "America/Denver"], "El Paso: all of Texas");
    assert_eq!(zip("00000"), [""; 0]);
    assert_eq!(names(&of_region(Some("CA"), None, Some("V6B 1A1"))).len(), 4);
    assert_eq!(
        names(&of_region(Some("US"), Some("Ohio"), Some("90001"))),
        ["America/Los_Angeles", "America/New_York"],
        "either may be out of date"
    );
    assert_eq!(names(&of_region(Some("US"), Some("NY"), Some("10001"))), ["America/New_York"]);
    assert_eq!(names(&of_region(Some("US"), Some("Ohio"), Some("00000"))), ["America/New_York"]);
    let moved = Place { postal: Some("90001"), ..us("OH") };
    assert_eq!(
        point("+12125550100", moved),
        ["America/Los_Angeles", "America/New_York"],
        "nobody in Los Angeles is called at 5 a.m."
    );
}

#[test]
fn split_states_have_both_their_zones() {
    for state in ["IN", "TN", "KY", "FL", "ND", "SD", "NE", "KS", "TX", "ID", "OR", "MI", "AZ"] {
        assert!(of_region(Some("US"), Some(state), None).len() >= 2, "{state}");
    }
}
