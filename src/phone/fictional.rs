//! Numbers that belong to nobody: 555-0100 to 555-0199 of real area codes.

use super::Phone;

/// Area codes of the United States with the state they lie in, spread over its zones as its people are, roughly.
const AREA_CODES: [(u16, &str); 96] = [
    (201, "NJ"),
    (202, "DC"),
    (203, "CT"),
    (207, "ME"),
    (212, "NY"),
    (215, "PA"),
    (216, "OH"),
    (239, "FL"),
    (240, "MD"),
    (248, "MI"),
    (252, "NC"),
    (267, "PA"),
    (276, "VA"),
    (301, "MD"),
    (302, "DE"),
    (303, "CO"),
    (304, "WV"),
    (305, "FL"),
    (307, "WY"),
    (309, "IL"),
    (310, "CA"),
    (312, "IL"),
    (313, "MI"),
    (314, "MO"),
    (315, "NY"),
    (316, "KS"),
    (317, "IN"),
    (318, "LA"),
    (319, "IA"),
    (320, "MN"),
    (323, "CA"),
    (330, "OH"),
    (334, "AL"),
    (336, "NC"),
    (361, "TX"),
    (385, "UT"),
    (386, "FL"),
    (401, "RI"),
    (402, "NE"),
    (404, "GA"),
    (405, "OK"),
    (406, "MT"),
    (407, "FL"),
    (408, "CA"),
    (410, "MD"),
    (412, "PA"),
    (413, "MA"),
    (414, "WI"),
    (415, "CA"),
    (417, "MO"),
    (478, "GA"),
    (479, "AR"),
    (480, "AZ"),
    (501, "AR"),
    (502, "KY"),
    (503, "OR"),
    (504, "LA"),
    (505, "NM"),
    (507, "MN"),
    (508, "MA"),
    (509, "WA"),
    (512, "TX"),
    (513, "OH"),
    (515, "IA"),
    (518, "NY"),
    (520, "AZ"),
    (559, "CA"),
    (585, "NY"),
    (601, "MS"),
    (602, "AZ"),
    (603, "NH"),
    (608, "WI"),
    (612, "MN"),
    (614, "OH"),
    (615, "TN"),
    (617, "MA"),
    (619, "CA"),
    (636, "MO"),
    (689, "FL"),
    (702, "NV"),
    (703, "VA"),
    (704, "NC"),
    (713, "TX"),
    (719, "CO"),
    (757, "VA"),
    (770, "GA"),
    (773, "IL"),
    (801, "UT"),
    (802, "VT"),
    (803, "SC"),
    (804, "VA"),
    (808, "HI"),
    (816, "MO"),
    (843, "SC"),
    (901, "TN"),
    (916, "CA"),
];

/// How many different numbers [`nth`] gives.
pub const COUNT: u64 = 100 * AREA_CODES.len() as u64;

/// The number at `index`, and the state its area code lies in. Neighbouring indices lie in different states; numbers
/// repeat after [`COUNT`].
///
/// # Panics
/// Never: the digits are put together here.
#[must_use]
pub fn nth(index: u64) -> (Phone, &'static str) {
    let areas = AREA_CODES.len() as u64;
    // 37 and 96 have no common factor: a walk in steps of 37 sees every area code before the first comes again.
    let (area, state) = AREA_CODES[usize::try_from(index.wrapping_mul(37) % areas).unwrap_or_default()];
    let line = index / areas % 100;
    let phone = format!("+1{area}55501{line:02}").parse();
    (phone.expect("twelve characters of E.164"), state)
}

/// A number for an account, the same whenever seed and account number are.
#[must_use]
pub fn for_account(seed: u64, account: &str) -> Phone {
    // FNV-1a: spreads short texts evenly, and stays the same on every machine and in every release.
    let start = 0xcbf2_9ce4_8422_2325 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let hash = account.bytes().fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    nth((hash ^ (hash >> 32)) % COUNT).0
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashSet};

    use super::*;
    use crate::phone::zones;

    #[test]
    fn all_of_them_are_different_fictional_and_in_a_zone_of_their_state() {
        let mut seen = HashSet::new();
        for index in 0..COUNT {
            let (phone, state) = nth(index);
            assert!(phone.is_fictional());
            let of_state = zones::of_region(Some("US"), Some(state), None);
            assert!(zones::of_number(&phone).iter().all(|zone| of_state.contains(zone)), "{phone:?} {state}");
            assert!(seen.insert(phone));
        }
    }

    #[test]
    fn a_hundred_accounts_are_spread_over_the_zones() {
        let zones: BTreeSet<_> = (0..100)
            .flat_map(|number| zones::of_number(&for_account(7, &format!("A-{number}"))))
            .map(chrono_tz::Tz::name)
            .collect();
        for zone in ["America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"] {
            assert!(zones.contains(zone), "{zones:?}");
        }
    }

    #[test]
    fn an_account_keeps_its_number_and_another_seed_gives_another() {
        assert_eq!(for_account(1, "1001"), for_account(1, "1001"));
        assert_ne!(for_account(1, "1001"), for_account(2, "1001"));
    }
}
