//! What the build made of libphonenumber's data and our corrections (`build.rs`).

use chrono_tz::Tz;

include!(concat!(env!("OUT_DIR"), "/numbers.rs"));

/// Zones of the numbers that begin with `digits`: an area code with its `1`, or the code of another country.
pub(super) fn zones(digits: &str) -> Option<&'static [Tz]> {
    find(ZONES, digits)
}

/// States and provinces of an area code with its `1`.
pub(super) fn places(area: &str) -> Option<&'static [&'static str]> {
    find(PLACES, area)
}

fn find<T>(table: &'static [(&str, &[T])], digits: &str) -> Option<&'static [T]> {
    table.binary_search_by_key(&digits, |(known, _)| known).ok().map(|at| table[at].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_in_the_order_in_which_they_are_searched() {
        assert!(ZONES.is_sorted_by_key(|(digits, _)| digits) && PLACES.is_sorted_by_key(|(area, _)| area));
        assert!(ZONES.iter().all(|(digits, _)| zones(digits).is_some_and(|zones| !zones.is_empty())));
        assert!(PLACES.iter().all(|(area, _)| places(area).is_some_and(|places| !places.is_empty())));
    }

    #[test]
    fn every_area_has_places_of_a_known_country() {
        for (area, places) in PLACES {
            assert!(area.len() == 4 && area.starts_with('1'), "{area}");
            assert!(places.iter().all(|place| place.starts_with("US-") || place.starts_with("CA-")), "{area}");
        }
        assert!(PLACES.len() > 400);
    }

    #[test]
    fn countries_go_by_their_own_code() {
        for (code, zone) in [("49", Tz::Europe__Berlin), ("91", Tz::Asia__Calcutta), ("420", Tz::Europe__Prague)] {
            assert_eq!(zones(code), Some(&[zone][..]), "{code}");
        }
        assert!(zones("7").is_some_and(|zones| zones.len() > 10), "Russia and Kazakhstan");
        assert_eq!(zones("1"), None, "it says nothing");
    }
}
