//! Calling hours in the debtor's own zones. Where a number may be in several zones, every one of them must allow the
//! call: it is convenient only when it is convenient at all indicated places (12 CFR 1006.6(b)(1), comment 6(b)(1)(i)-2).

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use crate::campaign::HoursRule;

/// No call is placed in the last minute of a span: ringing and the first words fall inside it.
pub const MARGIN: TimeDelta = TimeDelta::seconds(60);
/// How far ahead [`next_open`] looks: spans repeat weekly, one more day covers a change of the clocks.
const HORIZON: Days = Days::new(8);

/// How often spans of several lists are looked through for a moment that all of them allow.
const LOOKS: usize = 64;

/// Whether a call may be placed `now` into all of `zones`. Without a zone or a rule nothing is allowed.
#[must_use]
pub fn is_open(rules: &[HoursRule], zones: &[Tz], now: DateTime<Utc>) -> bool {
    is_open_for(rules, zones, MARGIN, now)
}

/// As [`is_open`], where ringing and the first words take `margin`.
#[must_use]
pub fn is_open_for(rules: &[HoursRule], zones: &[Tz], margin: TimeDelta, now: DateTime<Utc>) -> bool {
    !zones.is_empty() && zones.iter().all(|zone| rules.iter().any(|rule| is_inside(rule, *zone, margin, now)))
}

/// The earliest moment, `now` or later, at which [`is_open`]; `None` if that is not within eight days.
#[must_use]
pub fn next_open(rules: &[HoursRule], zones: &[Tz], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    next_open_for(rules, zones, MARGIN, now)
}

/// As [`next_open`], where ringing and the first words take `margin`.
#[must_use]
pub fn next_open_for(
    rules: &[HoursRule],
    zones: &[Tz],
    margin: TimeDelta,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    if is_open_for(rules, zones, margin, now) {
        return Some(now);
    }
    // It can only become open at the start of some span in one of the zones.
    let mut starts: Vec<DateTime<Utc>> = zones.iter().flat_map(|zone| starts_after(rules, *zone, now)).collect();
    starts.sort_unstable();
    starts.into_iter().find(|start| is_open_for(rules, zones, margin, *start))
}

/// As [`next_open`], where each of several lists of spans must allow the call.
#[must_use]
pub fn next_open_in_all(lists: &[Vec<HoursRule>], zones: &[Tz], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let mut at = now;
    // Each look passes at least the start of a span of a week.
    for _ in 0..LOOKS {
        let next = lists.iter().try_fold(at, |latest, rules| Some(latest.max(next_open(rules, zones, at)?)))?;
        if next == at {
            return Some(at);
        }
        at = next;
    }
    None
}

/// The end of the span that `now` lies in, to the very second; `None` if it lies outside.
#[must_use]
pub fn end_of_span(rule: &HoursRule, zone: Tz, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let day = now.with_timezone(&zone).date_naive();
    is_inside(rule, zone, TimeDelta::zero(), now).then(|| instant(day.and_time(rule.to), zone))
}

/// When the spans that allow a call `now` into all of `zones` end, the first of them; `None` if one of the lists does not
/// allow it.
#[must_use]
pub fn closes_at(lists: &[Vec<HoursRule>], zones: &[Tz], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let in_zone = |rules: &[HoursRule], zone| rules.iter().filter_map(|rule| end_of_span(rule, zone, now)).max();
    let ends = lists.iter().flat_map(|rules| zones.iter().map(|zone| in_zone(rules, *zone)));
    ends.collect::<Option<Vec<_>>>()?.into_iter().min()
}

/// Midnight of a day in a zone; where the clocks skip it, the first moment after.
#[must_use]
pub fn start_of_day(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    instant(day.and_time(chrono::NaiveTime::MIN), zone)
}

fn is_inside(rule: &HoursRule, zone: Tz, margin: TimeDelta, now: DateTime<Utc>) -> bool {
    let day = now.with_timezone(&zone).date_naive();
    let (from, to) = (instant(day.and_time(rule.from), zone), instant(day.and_time(rule.to), zone));
    rule.days.contains(&day.weekday()) && from <= now && now < to - margin
}

fn starts_after(rules: &[HoursRule], zone: Tz, now: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> {
    let today = now.with_timezone(&zone).date_naive();
    let days = today.iter_days().take_while(move |day| *day <= today + HORIZON);
    days.flat_map(move |day| {
        rules.iter().filter(move |rule| rule.days.contains(&day.weekday())).map(move |rule| day.and_time(rule.from))
    })
    .map(move |local| instant(local, zone))
    .filter(move |start| *start > now)
}

/// The moment of a local time: the earlier one where the clocks show it twice, the end of the gap where they skip it.
fn instant(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    let shown = zone.from_local_datetime(&local).earliest();
    // Gaps are at most a few hours long; 15 minutes divide every one of them.
    let after_gap = || {
        (1..=96)
            .map(|quarters| local + TimeDelta::minutes(15 * quarters))
            .find_map(|later| zone.from_local_datetime(&later).earliest())
    };
    shown.or_else(after_gap).map_or_else(|| local.and_utc(), |time| time.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveTime, Weekday};
    use proptest::prelude::*;

    use super::*;

    const NEW_YORK: Tz = chrono_tz::America::New_York;
    const LOS_ANGELES: Tz = chrono_tz::America::Los_Angeles;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn rule(days: &[Weekday], from: &str, to: &str) -> HoursRule {
        HoursRule { days: days.to_vec(), from: from.parse().unwrap(), to: to.parse().unwrap() }
    }

    fn every_day(from: &str, to: &str) -> Vec<HoursRule> {
        use Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
        vec![rule(&[Mon, Tue, Wed, Thu, Fri, Sat, Sun], from, to)]
    }

    #[test]
    fn the_first_span_that_ends_closes() {
        let (long, short) = (every_day("08:00:00", "20:00:00"), every_day("09:00:00", "17:00:00"));
        let noon = at("2026-01-14T20:00:00Z");
        assert_eq!(closes_at(std::slice::from_ref(&long), &[LOS_ANGELES], noon), Some(at("2026-01-15T04:00:00Z")));
        assert_eq!(
            closes_at(std::slice::from_ref(&long), &[LOS_ANGELES, NEW_YORK], noon),
            Some(at("2026-01-15T01:00:00Z"))
        );
        assert_eq!(closes_at(&[long, short.clone()], &[NEW_YORK], noon), Some(at("2026-01-14T22:00:00Z")));
        assert_eq!(closes_at(&[short], &[NEW_YORK], at("2026-01-14T22:00:00Z")), None, "it is over");
    }

    #[test]
    fn the_first_second_is_inside_and_the_last_minute_is_not() {
        let rules = every_day("08:00:00", "20:00:00");
        // winter: New York is five hours behind
        assert!(!is_open(&rules, &[NEW_YORK], at("2026-01-14T12:59:59Z")));
        assert!(is_open(&rules, &[NEW_YORK], at("2026-01-14T13:00:00Z")));
        assert!(is_open(&rules, &[NEW_YORK], at("2026-01-15T00:58:59Z")));
        assert!(!is_open(&rules, &[NEW_YORK], at("2026-01-15T00:59:00Z")));
    }

    #[test]
    fn every_zone_must_allow_it() {
        let rules = every_day("08:00:00", "20:00:00");
        let nine_in_new_york = at("2026-01-14T14:00:00Z");
        assert!(is_open(&rules, &[NEW_YORK], nine_in_new_york));
        assert!(!is_open(&rules, &[NEW_YORK, LOS_ANGELES], nine_in_new_york));
        assert_eq!(next_open(&rules, &[NEW_YORK, LOS_ANGELES], nine_in_new_york), Some(at("2026-01-14T16:00:00Z")));
    }

    #[test]
    fn of_several_lists_all_must_allow_it() {
        let lists = [every_day("08:00:00", "20:00:00"), vec![rule(&[Weekday::Tue], "14:00:00", "16:00:00")]];
        // Wednesday noon; the next Tuesday, 14 h
        let next = next_open_in_all(&lists, &[NEW_YORK], at("2026-01-14T17:00:00Z"));
        assert_eq!(next, Some(at("2026-01-20T19:00:00Z")));
        assert_eq!(next_open_in_all(&lists, &[NEW_YORK], next.unwrap()), next);
        let never = [every_day("08:00:00", "10:00:00"), every_day("10:00:00", "12:00:00")];
        assert_eq!(next_open_in_all(&never, &[NEW_YORK], at("2026-01-14T17:00:00Z")), None);
    }

    #[test]
    fn without_zone_or_rule_nothing_is_allowed() {
        let now = at("2026-01-14T15:00:00Z");
        assert!(!is_open(&every_day("08:00:00", "20:00:00"), &[], now));
        assert!(!is_open(&[], &[NEW_YORK], now));
        assert_eq!(next_open(&[], &[NEW_YORK], now), None);
        assert_eq!(next_open(&every_day("08:00:00", "20:00:00"), &[], now), None);
    }

    #[test]
    fn the_weekend_is_skipped() {
        let rules = [rule(&[Weekday::Mon, Weekday::Fri], "09:00:00", "17:00:00")];
        let friday_evening = at("2026-01-16T23:00:00Z");
        assert_eq!(next_open(&rules, &[NEW_YORK], friday_evening), Some(at("2026-01-19T14:00:00Z")));
    }

    #[test]
    fn the_window_follows_the_change_of_the_clocks() {
        let rules = every_day("08:00:00", "20:00:00");
        // clocks go forward on 8 March and back on 1 November 2026
        assert_eq!(next_open(&rules, &[NEW_YORK], at("2026-03-07T06:00:00Z")), Some(at("2026-03-07T13:00:00Z")));
        assert_eq!(next_open(&rules, &[NEW_YORK], at("2026-03-08T06:00:00Z")), Some(at("2026-03-08T12:00:00Z")));
        assert_eq!(next_open(&rules, &[NEW_YORK], at("2026-10-31T06:00:00Z")), Some(at("2026-10-31T12:00:00Z")));
        assert_eq!(next_open(&rules, &[NEW_YORK], at("2026-11-01T06:00:00Z")), Some(at("2026-11-01T13:00:00Z")));
    }

    #[test]
    fn a_start_that_the_clocks_skip_is_the_end_of_the_gap() {
        let rules = every_day("02:30:00", "05:00:00");
        assert_eq!(next_open(&rules, &[NEW_YORK], at("2026-03-08T06:00:00Z")), Some(at("2026-03-08T07:00:00Z")));
        assert!(is_open(&rules, &[NEW_YORK], at("2026-03-08T07:00:00Z")));
    }

    #[test]
    fn a_day_starts_at_local_midnight() {
        let day = NaiveDate::from_ymd_opt(2026, 3, 8).unwrap();
        assert_eq!(start_of_day(day, NEW_YORK), at("2026-03-08T05:00:00Z"));
    }

    proptest! {
        #[test]
        fn next_open_is_open_and_nothing_before_it_is(
            minute in 0_i64..60 * 24 * 400, from in 0_u32..23, hours in 1_u32..10, probe in 0.0_f64..1.0,
        ) {
            let to = NaiveTime::from_hms_opt((from + hours).min(23), 30, 0).unwrap();
            let rules = [HoursRule {
                days: vec![Weekday::Tue, Weekday::Wed, Weekday::Sat],
                from: NaiveTime::from_hms_opt(from, 0, 0).unwrap(),
                to,
            }];
            let zones = [NEW_YORK, chrono_tz::America::Chicago];
            let now = at("2026-01-01T00:00:00Z") + TimeDelta::minutes(minute);
            let Some(open) = next_open(&rules, &zones, now) else { return Ok(()) };
            prop_assert!(is_open(&rules, &zones, open));
            #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a probe between two moments")]
            let between = now + TimeDelta::seconds(((open - now).num_seconds() as f64 * probe) as i64);
            prop_assert!(between >= open || !is_open(&rules, &zones, between));
        }
    }
}
