//! What has become of a plan, and when its instalments are announced. Pure.

use std::ops::RangeInclusive;

use chrono::{Days, NaiveDate};

use crate::{business_day::BusinessDays, promise::evaluate::Status};

/// What has become of a plan by what has become of its instalments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// Every instalment so far was paid.
    Running,
    /// All of it was paid, or credited.
    Fulfilled,
    /// An instalment was not paid in time, or not in full.
    Broken,
}

/// A broken instalment breaks the plan; it is fulfilled when none is open. The order does not matter.
#[must_use]
pub fn judge(instalments: &[Status]) -> Course {
    let any = |wanted: &[Status]| instalments.iter().any(|status| wanted.contains(status));
    if any(&[Status::Broken, Status::PartiallyKept]) {
        Course::Broken
    } else if any(&[Status::Open]) || instalments.is_empty() {
        Course::Running
    } else {
        Course::Fulfilled
    }
}

/// An instrument that is postdated by more than this many days needs a notice (12 CFR 1006.22(c)(1)).
const POSTDATED_DAYS: u64 = 5;

/// The days on which the written notice of a deposit has to go out: not more than ten and not less than three business
/// days before it (12 CFR 1006.22(c)(1)); `None`: it is not postdated by more than five days, and needs none.
#[must_use]
pub fn notice_window(
    taken_on: NaiveDate,
    deposit_on: NaiveDate,
    days: &BusinessDays,
) -> Option<RangeInclusive<NaiveDate>> {
    (deposit_on > taken_on + Days::new(POSTDATED_DAYS))
        .then(|| days.before(deposit_on, 10)..=days.before(deposit_on, 3))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_instalment_that_was_not_kept_breaks_the_plan() {
        use Status::{Broken, Cancelled, Kept, Open, PartiallyKept};
        assert_eq!(judge(&[Kept, Open, Open]), Course::Running);
        assert_eq!(judge(&[Kept, Broken, Open]), Course::Broken);
        assert_eq!(judge(&[Kept, PartiallyKept]), Course::Broken, "in part is not enough");
        assert_eq!(judge(&[Kept, Kept, Cancelled]), Course::Fulfilled, "the last one was credited");
        assert_eq!(judge(&[Open, Kept, Kept]), Course::Running, "later ones paid early do not stand in for it");
    }

    #[test]
    fn a_postdated_instrument_is_announced_ten_to_three_business_days_before() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let book = crate::compliance::book::Book::shipped().unwrap();
        let days = BusinessDays::keeping(book.calendar("us_federal").cloned());
        // Thanksgiving, 26 November 2026, is none of the ten.
        let window = notice_window(day("2026-11-02"), day("2026-12-01"), &days).unwrap();
        assert_eq!((*window.start(), *window.end()), (day("2026-11-16"), day("2026-11-25")));
        assert_eq!(notice_window(day("2026-11-02"), day("2026-11-07"), &days), None, "five days");
        assert!(notice_window(day("2026-11-02"), day("2026-11-08"), &days).is_some(), "six days");
    }

    proptest! {
        #[test]
        fn the_order_of_instalments_does_not_matter(mut codes in prop::collection::vec(0_usize..5, 0..12), by in 0_usize..12) {
            const ALL: [Status; 5] =
                [Status::Open, Status::Kept, Status::PartiallyKept, Status::Broken, Status::Cancelled];
            let before = judge(&codes.iter().map(|code| ALL[*code]).collect::<Vec<_>>());
            if !codes.is_empty() {
                let by = by % codes.len();
                codes.rotate_left(by);
            }
            prop_assert_eq!(before, judge(&codes.iter().map(|code| ALL[*code]).collect::<Vec<_>>()));
        }
    }
}
