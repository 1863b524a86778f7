//! What time the demonstration shows: the portfolio's day, mid-morning, and never earlier than what has happened.

use chrono::{DateTime, Datelike as _, Days, NaiveDate, NaiveTime, Utc, Weekday};

use super::OFFICE;

/// The day itself, or the Monday after a weekend.
pub(super) fn weekday(day: NaiveDate) -> NaiveDate {
    let ahead = match day.weekday() {
        Weekday::Sat => 2,
        Weekday::Sun => 1,
        _ => 0,
    };
    day + Days::new(ahead)
}

/// 10:30 at the office: debtors from the Atlantic to the Rockies may be called, the Pacific follows in half an hour.
pub(super) fn morning(day: NaiveDate) -> DateTime<Utc> {
    let time = NaiveTime::from_hms_opt(10, 30, 0).unwrap_or_default();
    // No zone changes its clock in the middle of the morning.
    let local = day.and_time(time);
    local.and_local_timezone(OFFICE).earliest().map_or_else(|| local.and_utc(), |at| at.to_utc())
}

/// The first morning of a weekday that is not before `first` or the `last` thing that happened.
pub(super) fn opening(first: DateTime<Utc>, last: Option<DateTime<Utc>>) -> DateTime<Utc> {
    let not_before = last.map_or(first, |last| last.max(first));
    let day = weekday(not_before.with_timezone(&OFFICE).date_naive());
    if morning(day) >= not_before { morning(day) } else { morning(weekday(day + Days::new(1))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn the_first_opening_is_the_morning_of_the_portfolios_day() {
        let day = NaiveDate::from_ymd_opt(2013, 3, 6).unwrap();
        assert_eq!(opening(morning(day), None), at("2013-03-06T15:30:00Z"));
        let saturday = NaiveDate::from_ymd_opt(2013, 3, 9).unwrap();
        assert_eq!(weekday(saturday), NaiveDate::from_ymd_opt(2013, 3, 11).unwrap());
        // Summer time began in the night to Sunday.
        assert_eq!(opening(morning(weekday(saturday)), None), at("2013-03-11T14:30:00Z"));
    }

    #[test]
    fn another_start_goes_on_with_the_next_working_day() {
        let first = at("2013-03-06T15:30:00Z");
        assert_eq!(opening(first, Some(at("2013-03-06T16:00:00Z"))), at("2013-03-07T15:30:00Z"));
        assert_eq!(opening(first, Some(at("2013-03-08T16:00:00Z"))), at("2013-03-11T14:30:00Z"));
        assert_eq!(opening(first, Some(at("2013-03-06T15:00:00Z"))), first);
    }
}
