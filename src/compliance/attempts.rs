//! How often a number and a person may be tried: counting, and when the count allows the next attempt.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use super::hours::start_of_day;
use crate::campaign::Limits;

/// Seven consecutive days, to the second: an attempt falls out of the count when it is that old.
const WEEK: TimeDelta = TimeDelta::days(7);

/// The earliest moment, not before `now`, at which a number's attempts allow another on the same local day.
///
/// Where the number may be in several zones, the limit holds for the day in each of them.
#[must_use]
pub fn number_allowed_at(
    limits: &Limits,
    zones: &[Tz],
    attempts: &[DateTime<Utc>],
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    let limit = usize::from(limits.attempts_per_number_per_day);
    let used_up = |zone: &&Tz| {
        let today = local_day(now, **zone);
        attempts.iter().filter(|at| local_day(**at, **zone) == today).count() >= limit
    };
    zones.iter().filter(used_up).map(|zone| next_day(now, *zone)).max().unwrap_or(now)
}

/// The earliest moment, not before `now`, at which a person's attempts, newest first, allow another in seven days.
#[must_use]
pub fn person_allowed_at(limits: &Limits, attempts: &[DateTime<Utc>], now: DateTime<Utc>) -> DateTime<Utc> {
    let limit = usize::from(limits.attempts_per_person_per_week);
    let oldest_that_counts = limit.checked_sub(1).and_then(|index| attempts.get(index));
    oldest_that_counts.map_or(now, |at| (*at + WEEK).max(now))
}

fn local_day(at: DateTime<Utc>, zone: Tz) -> NaiveDate {
    at.with_timezone(&zone).date_naive()
}

fn next_day(now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    start_of_day(local_day(now, zone) + Days::new(1), zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW_YORK: Tz = chrono_tz::America::New_York;
    const LOS_ANGELES: Tz = chrono_tz::America::Los_Angeles;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_number_rests_until_the_next_local_day() {
        let limits = Limits { attempts_per_number_per_day: 1, ..Limits::default() };
        let now = at("2026-03-10T20:00:00Z");
        assert_eq!(number_allowed_at(&limits, &[NEW_YORK], &[], now), now);
        assert_eq!(
            number_allowed_at(&limits, &[NEW_YORK], &[at("2026-03-10T13:00:00Z")], now),
            at("2026-03-11T04:00:00Z")
        );
        // 23:30 of the day before in New York
        assert_eq!(number_allowed_at(&limits, &[NEW_YORK], &[at("2026-03-10T03:30:00Z")], now), now);
    }

    #[test]
    fn of_several_zones_the_one_whose_day_ends_last_decides() {
        let limits = Limits { attempts_per_number_per_day: 1, ..Limits::default() };
        let now = at("2026-03-10T20:00:00Z");
        let tried = [at("2026-03-10T13:00:00Z")];
        assert_eq!(number_allowed_at(&limits, &[NEW_YORK, LOS_ANGELES], &tried, now), at("2026-03-11T07:00:00Z"));
    }

    #[test]
    fn attempts_exactly_at_the_limit_block_and_one_below_does_not() {
        let limits = Limits { attempts_per_person_per_week: 3, ..Limits::default() };
        let now = at("2026-03-10T12:00:00Z");
        let tried = [at("2026-03-09T12:00:00Z"), at("2026-03-08T12:00:00Z"), at("2026-03-05T12:00:00Z")];
        assert_eq!(person_allowed_at(&limits, &tried[..2], now), now);
        assert_eq!(person_allowed_at(&limits, &tried, now), at("2026-03-12T12:00:00Z"));
    }

    #[test]
    fn an_attempt_counts_for_seven_days_to_the_second() {
        let limits = Limits { attempts_per_person_per_week: 1, ..Limits::default() };
        let tried = [at("2026-03-03T12:00:00Z")];
        let free = at("2026-03-10T12:00:00Z");
        assert_eq!(person_allowed_at(&limits, &tried, free), free);
        assert_eq!(person_allowed_at(&limits, &tried, free - TimeDelta::seconds(1)), free);
    }
}
