//! The clock is passed in: rules take `now`, loops and handlers hold a [`Clock`].

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// What the service takes for the present.
///
/// Production runs on the system's time. A demonstration of an old portfolio runs on a shifted time, so that ages and
/// calling hours are those of the portfolio's day; tests set and advance it.
#[derive(Clone, Debug)]
pub struct Clock {
    source: Source,
    house_zone: Tz,
}

#[derive(Clone, Debug)]
enum Source {
    /// System time plus a fixed shift.
    Running { shift: TimeDelta },
    /// Stands still until told otherwise; microseconds since the epoch.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The system's time; `house_zone` decides which calendar day it is at the office.
    #[must_use]
    pub fn system(house_zone: Tz) -> Self {
        Self { source: Source::Running { shift: TimeDelta::zero() }, house_zone }
    }

    /// A clock that shows `start` now and runs on at normal speed.
    #[must_use]
    pub fn starting_at(start: DateTime<Utc>, house_zone: Tz) -> Self {
        Self { source: Source::Running { shift: start - system_now() }, house_zone }
    }

    /// A clock for tests that only [`Clock::advance`] moves.
    #[must_use]
    pub fn manual(start: DateTime<Utc>, house_zone: Tz) -> Self {
        Self { source: Source::Manual(Arc::new(AtomicI64::new(start.timestamp_micros()))), house_zone }
    }

    /// The present moment, in whole microseconds as Postgres keeps it.
    ///
    /// # Panics
    /// If a manual clock was set beyond the year 262000.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        let micros = match &self.source {
            Source::Running { shift } => (system_now() + *shift).timestamp_micros(),
            Source::Manual(micros) => micros.load(Ordering::SeqCst),
        };
        DateTime::from_timestamp_micros(micros).expect("a clock shows a representable time")
    }

    /// The calendar day at the office: ages and promise dates are counted from it.
    #[must_use]
    pub fn business_date(&self) -> NaiveDate {
        self.now().with_timezone(&self.house_zone).date_naive()
    }

    /// When a day begins at the office; where a change of the clocks skips midnight, an hour later.
    #[must_use]
    pub fn start_of(&self, day: NaiveDate) -> DateTime<Utc> {
        let midnight = day.and_time(NaiveTime::MIN);
        let start = |local| self.house_zone.from_local_datetime(&local).earliest();
        start(midnight).or_else(|| start(midnight + TimeDelta::hours(1))).map_or(midnight.and_utc(), |at| at.to_utc())
    }

    /// The office's zone.
    #[must_use]
    pub fn house_zone(&self) -> Tz {
        self.house_zone
    }

    /// Moves a manual clock forward; a running clock moves by itself.
    pub fn advance(&self, by: TimeDelta) {
        if let Source::Manual(micros) = &self.source {
            micros.fetch_add(by.num_microseconds().unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where the system's time is read")]
fn system_now() -> DateTime<Utc> {
    Utc::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("RFC 3339")
    }

    #[test]
    fn the_business_date_is_that_of_the_office() {
        let clock = Clock::manual(at("2013-07-01T03:59:59Z"), chrono_tz::America::New_York);
        assert_eq!(clock.business_date().to_string(), "2013-06-30");
        clock.advance(TimeDelta::seconds(1));
        assert_eq!(clock.business_date().to_string(), "2013-07-01");
    }

    #[test]
    fn a_day_begins_at_the_offices_midnight() {
        let starts = |zone, day: &str| Clock::system(zone).start_of(day.parse().expect("a date"));
        assert_eq!(starts(chrono_tz::America::New_York, "2026-01-15"), at("2026-01-15T05:00:00Z"));
        assert_eq!(starts(chrono_tz::America::New_York, "2026-07-15"), at("2026-07-15T04:00:00Z"));
        // Midnight of this day does not exist in Santiago.
        assert_eq!(starts(chrono_tz::America::Santiago, "2023-09-03"), at("2023-09-03T04:00:00Z"));
    }

    #[test]
    fn a_shifted_clock_runs_on() {
        let clock = Clock::starting_at(at("2013-07-01T15:00:00Z"), chrono_tz::UTC);
        let first = clock.now();
        assert!(first >= at("2013-07-01T15:00:00Z") && first < at("2013-07-01T15:01:00Z"));
        assert!(clock.now() >= first);
    }
}
