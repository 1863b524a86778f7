//! The jurisdictions whose law may protect whoever answers a number: those of the number and those of the address, all
//! of them, because either may be out of date and the stricter rule wins.

use std::collections::BTreeSet;

use super::{
    Phone, numbers,
    zones::{self, Place},
};

/// The City of New York: its boroughs as cities of an address are written.
const BOROUGHS: [&str; 8] =
    ["new york", "new york city", "nyc", "manhattan", "brooklyn", "bronx", "queens", "staten island"];

/// First three digits of the postal codes of the City of New York; some lie partly outside, and count.
const BOROUGH_POSTAL: [&str; 9] = ["100", "101", "102", "103", "104", "111", "112", "113", "114"];

/// Every jurisdiction that `phone` or the address points to: country (`US`), state or province (`US-MA`), and
/// `US-NY-NYC`. Where of a country nothing but itself is known, `US-*`: any part of it may be the one. Empty where nothing
/// is known.
#[must_use]
pub fn of_point(phone: Option<&Phone>, place: Place<'_>, city: Option<&str>) -> BTreeSet<String> {
    let mut found = phone.map(of_number).unwrap_or_default();
    if let Some(country) = place.country.map(str::trim).filter(|country| !country.is_empty()) {
        let country = country.to_ascii_uppercase();
        let states = zones::states(&country, place.region, place.postal);
        if country == "US" && states.contains(&"NY") && is_new_york_city(city, place.postal) {
            found.insert("US-NY-NYC".to_owned());
        }
        found.extend(states.iter().map(|state| format!("{country}-{state}")));
        found.insert(country);
    }
    let unknown: Vec<String> =
        found.iter().filter(|one| is_country(one) && !has_part(&found, one)).map(|one| format!("{one}-*")).collect();
    found.extend(unknown);
    found
}

/// Whether a jurisdiction that a pack names is the one that was found, or may be: `US-MA` for `US-MA` and for `US-*`.
#[must_use]
pub fn may_be(named: &str, found: &str) -> bool {
    named == found || found.strip_suffix('*').is_some_and(|country| named.starts_with(country))
}

fn is_country(jurisdiction: &str) -> bool {
    !jurisdiction.contains('-')
}

/// Whether a part of `country` is among those found.
fn has_part(found: &BTreeSet<String>, country: &str) -> bool {
    found.iter().any(|one| one.strip_prefix(country).is_some_and(|rest| rest.starts_with('-')))
}

/// Jurisdictions of a number alone.
fn of_number(phone: &Phone) -> BTreeSet<String> {
    let places = phone.as_str().get(1..5).and_then(numbers::places);
    let places = places.into_iter().flatten();
    let countries = places.clone().filter_map(|place| place.get(..2));
    let mut found: BTreeSet<String> = places.copied().chain(countries).map(str::to_owned).collect();
    if found.is_empty() {
        found.extend(phone.country());
    }
    found
}

fn is_new_york_city(city: Option<&str>, postal: Option<&str>) -> bool {
    let by_city = city.is_some_and(|city| BOROUGHS.contains(&city.trim().to_ascii_lowercase().as_str()));
    let by_postal = postal.is_some_and(|postal| {
        let postal = postal.trim();
        BOROUGH_POSTAL.iter().any(|start| postal.starts_with(start))
            || postal.starts_with("11004")
            || postal.starts_with("116")
    });
    by_city || by_postal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(phone: &str, place: Place<'_>, city: Option<&str>) -> Vec<String> {
        of_point(Some(&phone.parse().unwrap()), place, city).into_iter().collect()
    }

    fn us<'a>(region: Option<&'a str>, postal: Option<&'a str>) -> Place<'a> {
        Place { country: Some("US"), region, postal, ..Place::default() }
    }

    #[test]
    fn number_and_address_count_together() {
        assert_eq!(of("+16175550100", Place::default(), None), ["US", "US-MA"]);
        assert_eq!(of("+16175550100", us(Some("NH"), None), None), ["US", "US-MA", "US-NH"]);
        assert_eq!(of("+442079460018", us(Some("Ohio"), None), None), ["GB", "GB-*", "US", "US-OH"]);
    }

    #[test]
    fn the_city_of_new_york_is_found_by_number_city_or_postal_code() {
        let city = ["US", "US-NY", "US-NY-NYC"];
        assert_eq!(of("+12125550100", Place::default(), None), city);
        assert_eq!(of("+15185550100", us(Some("NY"), None), Some("Brooklyn ")), city);
        assert_eq!(of("+15185550100", us(None, Some("10451")), None), city);
        assert_eq!(of("+15185550100", us(Some("NY"), Some("12207")), Some("Albany")), ["US", "US-NY"]);
    }

    #[test]
    fn what_says_nothing_leaves_nothing() {
        assert_eq!(of_point(None, Place::default(), None), BTreeSet::new());
    }

    #[test]
    fn of_a_country_alone_any_part_may_be_the_one() {
        assert_eq!(of("+15555550100", us(None, None), None), ["US", "US-*"]);
        assert_eq!(of("+18005550100", us(None, None), None), ["US", "US-*"], "toll-free");
        assert_eq!(of("+18005550100", us(None, Some("02134")), None), ["US", "US-MA"], "the address decides");
        assert_eq!(of("+16175550100", us(None, None), None), ["US", "US-MA"], "the number decides");
        for (named, found, may) in [
            ("US-MA", "US-*", true),
            ("US-NY-NYC", "US-*", true),
            ("US", "US", true),
            ("US", "US-*", false),
            ("CA-ON", "US-*", false),
            ("US-MA", "US-NH", false),
        ] {
            assert_eq!(may_be(named, found), may, "{named} {found}");
        }
    }

    #[test]
    fn a_postal_code_adds_its_state_to_the_one_that_is_named() {
        assert_eq!(
            of("+12125550100", us(Some("OH"), Some("90001")), None),
            ["US", "US-CA", "US-NY", "US-NY-NYC", "US-OH"]
        );
    }
}
