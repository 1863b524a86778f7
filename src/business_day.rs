//! Days on which the office and the banks work.

use std::collections::BTreeSet;

use chrono::{Datelike, Days, NaiveDate, Weekday};

use crate::compliance::calendar::Calendar;

/// Which days are business days: all but Saturdays, Sundays and the holidays given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BusinessDays {
    holidays: BTreeSet<NaiveDate>,
    calendar: Option<Calendar>,
}

impl BusinessDays {
    /// With these holidays.
    #[must_use]
    pub fn new(holidays: impl IntoIterator<Item = NaiveDate>) -> Self {
        Self { holidays: holidays.into_iter().collect(), calendar: None }
    }

    /// With the holidays of a calendar, in every year.
    #[must_use]
    pub fn keeping(calendar: Option<Calendar>) -> Self {
        Self { holidays: BTreeSet::new(), calendar }
    }

    /// Whether it is one.
    #[must_use]
    pub fn contains(&self, day: NaiveDate) -> bool {
        !matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
            && !self.holidays.contains(&day)
            && self.calendar.as_ref().is_none_or(|calendar| calendar.holiday(day).is_none())
    }

    /// The day itself if it is a business day, else the next one.
    #[must_use]
    pub fn roll(&self, day: NaiveDate) -> NaiveDate {
        day.iter_days().find(|day| self.contains(*day)).unwrap_or(day)
    }

    /// The business day `count` business days before `day`, which is rolled first.
    #[must_use]
    pub fn before(&self, day: NaiveDate, count: u8) -> NaiveDate {
        let earlier = |day: NaiveDate| day.iter_days().rev().skip(1).find(|day| self.contains(*day)).unwrap_or(day);
        (0..count).fold(self.roll(day), |day, _| earlier(day))
    }

    /// The business day `count` business days after `day`, which is rolled first.
    #[must_use]
    pub fn after(&self, day: NaiveDate, count: u8) -> NaiveDate {
        (0..count).fold(self.roll(day), |day, _| self.roll(day + Days::new(1)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    #[test]
    fn a_saturday_rolls_to_monday_and_a_holiday_on_to_tuesday() {
        assert_eq!(BusinessDays::default().roll(day("2026-08-29")), day("2026-08-31"));
        let summer = BusinessDays::new([day("2026-08-31")]);
        assert_eq!(summer.roll(day("2026-08-29")), day("2026-09-01"));
        assert_eq!(summer.roll(day("2026-08-28")), day("2026-08-28"), "a Friday stays");
    }

    #[test]
    fn grace_counts_business_days_only() {
        let days = BusinessDays::default();
        assert_eq!(days.after(day("2026-03-13"), 1), day("2026-03-16"), "Friday and one is Monday");
        assert_eq!(days.after(day("2026-03-14"), 1), day("2026-03-17"), "Saturday is Monday, and one is Tuesday");
        assert_eq!(days.after(day("2026-03-13"), 0), day("2026-03-13"));
    }

    #[test]
    fn the_holidays_of_a_calendar_are_kept_in_every_year() {
        let book = crate::compliance::book::Book::shipped().unwrap();
        let days = BusinessDays::keeping(book.calendar("us_federal").cloned());
        assert_eq!(days.roll(day("2026-11-26")), day("2026-11-27"), "Thanksgiving");
        assert_eq!(days.after(day("2027-12-23"), 1), day("2027-12-27"), "Christmas is kept on the Friday before");
        assert_eq!(days.roll(day("2028-07-04")), day("2028-07-05"));
    }

    proptest! {
        #[test]
        fn more_days_never_end_earlier(offset in 0_u64..4000, count in 0_u8..30) {
            let (days, start) = (BusinessDays::default(), day("2026-01-01") + Days::new(offset));
            let (end, later) = (days.after(start, count), days.after(start, count + 1));
            prop_assert!(days.contains(end) && end >= start && later > end);
            prop_assert_eq!(days.before(end, count), days.roll(start), "and back again");
        }
    }
}
