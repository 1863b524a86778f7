//! The score of an entry within its lane: integer points, one component for each reason, each 0 to its weight.
//!
//! Amounts and ages count by their logarithm: owing twice as much is worth the same step everywhere between the
//! bounds, so that a few very large accounts do not hide the order among all others.

use chrono::{DateTime, Datelike, NaiveDate, Utc};

use super::{Components, Number, Standing, Window};
use crate::{
    answer::{HourOfWeek, Profile},
    campaign::{Settings, Weights},
};

/// Amounts up to 2¹⁰ minor units score nothing, from 2²⁷ (1.3 million units of two decimals) on everything.
const BALANCE_BITS: (u32, u32) = (10, 27);
/// An age of 511 days past due and more scores everything.
const AGE_BITS: (u32, u32) = (0, 9);
/// Fractional bits of [`log2`].
const FRACTION: u32 = 8;
/// A number where people answer so many times as often as usual scores everything, in thousandths.
const REACH_MILLI: u32 = 2000;

/// All components but the chance of an answer, which depends on the hour of the call: see [`answer_chance`].
#[must_use]
pub fn components(standing: &Standing, number: &Number, settings: &Settings, business_date: NaiveDate) -> Components {
    let weights = &settings.weights;
    Components {
        balance: balance(weights, standing.collectible_minor),
        age: age(weights, standing.oldest_due_on, business_date),
        promise_history: promise_history(weights, standing.broken_promises, standing.kept_promises),
        freshness: freshness(weights, standing.attempts, settings.limits.attempts_per_account),
        reach: share(weights.reach, number.reach_milli, REACH_MILLI),
        answer_chance: 0,
    }
}

/// Points for the chance that a person answers a call made `now` into `window`, as learnt: that of its least favourable
/// zone, relative to the best hour of the week.
#[must_use]
pub fn answer_chance(weight: u16, profile: &Profile, window: &Window, now: DateTime<Utc>) -> u16 {
    let chances = window.zones().iter().map(|zone| profile.at(HourOfWeek::of(now, *zone)));
    let least = chances.min_by(f64::total_cmp).unwrap_or(0.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in 0 to 1000")]
    let thousandths = (least.clamp(0.0, 1.0) * 1000.0).round() as u32;
    share(weight, thousandths, 1000)
}

impl Components {
    /// The score: the sum of all components.
    #[must_use]
    pub fn sum(&self) -> u32 {
        [self.balance, self.age, self.promise_history, self.freshness, self.reach, self.answer_chance]
            .into_iter()
            .map(u32::from)
            .sum()
    }
}

fn balance(weights: &Weights, collectible_minor: i64) -> u16 {
    logarithmic(weights.balance, u64::try_from(collectible_minor).unwrap_or(0), BALANCE_BITS)
}

fn age(weights: &Weights, oldest_due_on: Option<NaiveDate>, business_date: NaiveDate) -> u16 {
    let days = oldest_due_on.map_or(0, |due| business_date.num_days_from_ce() - due.num_days_from_ce());
    logarithmic(weights.age, u64::try_from(days).unwrap_or(0) + 1, AGE_BITS)
}

/// Half the weight without a history; an eighth of it more for each promise broken beyond those kept, or less.
fn promise_history(weights: &Weights, broken: u32, kept: u32) -> u16 {
    let eighths = (4 + i64::from(broken) - i64::from(kept)).clamp(0, 8);
    share(weights.promise_history, u32::try_from(eighths).unwrap_or(0), 8)
}

fn freshness(weights: &Weights, attempts: u32, limit: u8) -> u16 {
    let limit = u32::from(limit);
    share(weights.freshness, limit.saturating_sub(attempts), limit)
}

/// `weight` × how far `log2(value)` has come from `bits.0` to `bits.1`.
fn logarithmic(weight: u16, value: u64, bits: (u32, u32)) -> u16 {
    let (from, to) = (bits.0 << FRACTION, bits.1 << FRACTION);
    share(weight, log2(value).clamp(from, to) - from, to - from)
}

/// Binary logarithm in 1/256, straight between powers of two (at most 0.09 too low); 0 for 0.
fn log2(value: u64) -> u32 {
    let Some(whole) = value.checked_ilog2() else { return 0 };
    let beyond = u128::from(value - (1 << whole));
    let fraction = (beyond << FRACTION) >> whole;
    (whole << FRACTION) + u32::try_from(fraction).unwrap_or(0)
}

/// `weight × part / whole`, rounded down.
fn share(weight: u16, part: u32, whole: u32) -> u16 {
    if whole == 0 {
        return 0;
    }
    let points = u64::from(weight) * u64::from(part.min(whole)) / u64::from(whole);
    u16::try_from(points).unwrap_or(weight)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;
    use crate::answer::{self, Book, Tally};

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn amounts_score_by_their_logarithm_between_the_bounds() {
        let weights = Weights { balance: 1000, ..Weights::default() };
        assert_eq!(balance(&weights, -500), 0);
        assert_eq!(balance(&weights, 1 << 10), 0);
        assert_eq!(balance(&weights, 1 << 27), 1000);
        assert_eq!(balance(&weights, i64::MAX), 1000);
        let step = |bits: u32| balance(&weights, 1 << (bits + 1)) - balance(&weights, 1 << bits);
        assert!((step(12)).abs_diff(step(24)) <= 1, "twice as much is worth the same everywhere");
    }

    #[test]
    fn age_starts_at_the_due_date() {
        let weights = Weights { age: 900, ..Weights::default() };
        let today = day("2026-03-10");
        assert_eq!(age(&weights, None, today), 0);
        assert_eq!(age(&weights, Some(today), today), 0);
        assert_eq!(age(&weights, Some(today + TimeDelta::days(5)), today), 0);
        assert_eq!(age(&weights, Some(today - TimeDelta::days(1)), today), 100);
        assert_eq!(age(&weights, Some(today - TimeDelta::days(511)), today), 900);
        assert_eq!(age(&weights, Some(today - TimeDelta::days(5000)), today), 900);
    }

    #[test]
    fn broken_promises_raise_and_kept_ones_lower() {
        let weights = Weights { promise_history: 80, ..Weights::default() };
        assert_eq!(promise_history(&weights, 0, 0), 40);
        assert_eq!(promise_history(&weights, 1, 0), 50);
        assert_eq!(promise_history(&weights, 0, 1), 30);
        assert_eq!(promise_history(&weights, 9, 0), 80);
        assert_eq!(promise_history(&weights, 0, 9), 0);
    }

    #[test]
    fn the_least_favourable_zone_decides_the_chance_of_an_answer() {
        let now = "2026-03-10T14:00:00Z".parse().unwrap(); // 10 h in New York, 7 h in Los Angeles
        let new_york = Window::new([chrono_tz::America::New_York]);
        let both = Window::new([chrono_tz::America::New_York, chrono_tz::America::Los_Angeles]);
        let book = Book::default();
        let points = |window: &Window| answer_chance(1000, book.profile(), window, now);
        assert_eq!(points(&new_york), 1000);
        assert_eq!(points(&both), 240);
        assert_eq!(points(&Window::new([])), 0);
    }

    #[test]
    fn a_number_that_was_never_called_scores_half_of_its_reach() {
        let all = Tally::of_people(1_000_000.0, 200_000.0);
        let points = |dials, people| share(100, answer::reach(Tally::of_people(dials, people), all), REACH_MILLI);
        assert_eq!(points(0.0, 0.0), 50);
        assert_eq!(points(4.0, 0.0), 25);
        assert_eq!(points(1_000.0, 1_000.0), 100);
        assert!(points(3.0, 1.0) > 50);
    }

    proptest! {
        #[test]
        fn every_component_stays_within_its_weight(
            weight in 0_u16..=1000, amount: i64, days in -4000_i64..40_000, broken: u32, kept: u32, attempts: u32,
            limit: u8, seconds in 0_i64..4_000_000_000,
        ) {
            let weights = Weights {
                balance: weight, age: weight, promise_history: weight, freshness: weight, reach: weight,
                answer_chance: weight,
            };
            let today = day("2026-03-10");
            let now = DateTime::from_timestamp(seconds, 0).unwrap();
            let window = Window::new([chrono_tz::Asia::Kathmandu, chrono_tz::America::Chicago]);
            prop_assert!(balance(&weights, amount) <= weight);
            prop_assert!(age(&weights, Some(today - TimeDelta::days(days)), today) <= weight);
            prop_assert!(promise_history(&weights, broken, kept) <= weight);
            prop_assert!(freshness(&weights, attempts, limit) <= weight);
            prop_assert!(answer_chance(weight, Book::default().profile(), &window, now) <= weight);
        }

        #[test]
        fn owing_more_never_scores_less(one: i64, other: i64) {
            let weights = Weights { balance: 1000, ..Weights::default() };
            prop_assert!(balance(&weights, one.min(other)) <= balance(&weights, one.max(other)));
        }
    }
}
