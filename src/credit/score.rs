//! How well a customer pays, from plain statistics. Pure, in whole numbers.
//!
//! Out of 100 points a customer loses
//!
//! - up to 40 for days late, weighted by amount: 40 × days ÷ 60, at 60 days or more all of them;
//! - up to 25 for the share of the amount that was paid late: 25 × share;
//! - up to 15 for getting slower: 15 × slope ÷ 10, the slope in days a month of the months' weighted days late (least
//!   squares, at least three months); a customer who gets faster gains nothing by it;
//! - up to 20 for promises not kept: 20 × broken ÷ (broken + kept).
//!
//! What is open and past due counts with the days it is late today. Fewer than three items: no score.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Items without which there is no score.
pub const LEAST_ITEMS: usize = 3;
/// Months without which there is no slope.
const LEAST_MONTHS: usize = 3;

/// An item that was paid, or is past due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paid {
    /// When it was due.
    pub due_on: NaiveDate,
    /// When the last of it was paid; `None`: it is open, and past due.
    pub paid_on: Option<NaiveDate>,
    /// Minor units, more than 0.
    pub minor: i64,
}

/// A score with what it is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = CreditScore)]
pub struct Score {
    /// 0 to 100; `null`: too little history.
    pub score: Option<i16>,
    /// Items it is made from.
    pub items: usize,
    /// Days late, weighted by amount, in thousandths of a day; early counts as on time.
    pub days_late_milli: Option<i64>,
    /// Share of the amount that was late, in thousandths.
    pub late_milli: Option<i64>,
    /// Change of the days late, in thousandths of a day a month; `null`: fewer than three months.
    pub slope_milli: Option<i64>,
    /// Share of promises broken, in thousandths; `null`: there were none.
    pub broken_milli: Option<i64>,
}

/// Works the score out at `today`.
#[must_use]
pub fn score(paid: &[Paid], kept: u32, broken: u32, today: NaiveDate) -> Score {
    let counted: Vec<(Paid, i64)> = paid
        .iter()
        .filter(|one| one.paid_on.is_some() || one.due_on < today)
        .map(|one| (*one, days_late(one, today)))
        .collect();
    let promises = i64::from(kept) + i64::from(broken);
    let broken_milli = (promises > 0).then(|| i64::from(broken) * 1000 / promises);
    let empty = Score {
        score: None,
        items: counted.len(),
        days_late_milli: None,
        late_milli: None,
        slope_milli: None,
        broken_milli,
    };
    let Some(days_late_milli) = weighted(counted.iter().map(|(one, days)| (one.minor, *days))) else { return empty };
    if counted.len() < LEAST_ITEMS {
        return empty;
    }
    let late_milli = weighted(counted.iter().map(|(one, days)| (one.minor, i64::from(*days > 0)))).unwrap_or(0);
    let slope_milli = slope(&counted);
    let lost_milli = 40 * days_late_milli.min(60_000) / 60
        + 25 * late_milli
        + 15 * slope_milli.unwrap_or(0).clamp(0, 10_000) / 10
        + 20 * broken_milli.unwrap_or(0);
    let score = i16::try_from(((100_000 - lost_milli).max(0) + 500) / 1000).ok();
    Score { score, days_late_milli: Some(days_late_milli), late_milli: Some(late_milli), slope_milli, ..empty }
}

/// Days after the due date on which it was paid, or is open today; early is 0.
fn days_late(one: &Paid, today: NaiveDate) -> i64 {
    (one.paid_on.unwrap_or(today) - one.due_on).num_days().max(0)
}

/// The mean of values weighted by amounts, in thousandths; `None` without any amount.
fn weighted(values: impl Iterator<Item = (i64, i64)>) -> Option<i64> {
    let (weights, sum) = values.fold((0_i128, 0_i128), |(weights, sum), (minor, value)| {
        (weights + i128::from(minor), sum + i128::from(minor) * i128::from(value))
    });
    (weights > 0).then(|| i64::try_from(sum * 1000 / weights).unwrap_or(i64::MAX))
}

/// Least squares of the months' weighted days late over the months in which something fell due.
fn slope(counted: &[(Paid, i64)]) -> Option<i64> {
    let mut months: BTreeMap<i64, Vec<(i64, i64)>> = BTreeMap::new();
    for (one, days) in counted {
        let month = i64::from(one.due_on.year()) * 12 + i64::from(one.due_on.month0());
        months.entry(month).or_default().push((one.minor, *days));
    }
    if months.len() < LEAST_MONTHS {
        return None;
    }
    let first = *months.keys().next()?;
    let points: Vec<(i128, i128)> = months
        .into_iter()
        .filter_map(|(month, values)| Some((i128::from(month - first), i128::from(weighted(values.into_iter())?))))
        .collect();
    let n = i128::try_from(points.len()).ok()?;
    let (sx, sy): (i128, i128) = points.iter().fold((0, 0), |(sx, sy), (x, y)| (sx + x, sy + y));
    let (sxy, sxx): (i128, i128) = points.iter().fold((0, 0), |(sxy, sxx), (x, y)| (sxy + x * y, sxx + x * x));
    let under = n * sxx - sx * sx;
    (under != 0).then(|| i64::try_from((n * sxy - sx * sy) / under).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn paid(due_on: &str, late: i64, minor: i64) -> Paid {
        Paid { due_on: day(due_on), paid_on: Some(day(due_on) + TimeDelta::days(late)), minor }
    }

    const TODAY: &str = "2026-06-30";

    #[test]
    fn too_little_history_is_no_score() {
        assert_eq!(score(&[], 0, 0, day(TODAY)).score, None);
        let two = [paid("2026-01-31", 0, 100), paid("2026-02-28", 0, 100)];
        assert_eq!(score(&two, 1, 1, day(TODAY)).score, None);
        assert_eq!(score(&two, 1, 1, day(TODAY)).broken_milli, Some(500));
    }

    #[test]
    fn who_always_pays_on_time_has_all_points_and_early_is_no_better() {
        let on_time: Vec<Paid> = ["2026-01-31", "2026-02-28", "2026-03-31"].map(|due| paid(due, 0, 100)).to_vec();
        let early: Vec<Paid> = ["2026-01-31", "2026-02-28", "2026-03-31"].map(|due| paid(due, -20, 100)).to_vec();
        for history in [on_time, early] {
            let found = score(&history, 3, 0, day(TODAY));
            assert_eq!((found.score, found.days_late_milli, found.slope_milli), (Some(100), Some(0), Some(0)));
        }
    }

    #[test]
    fn each_part_costs_what_it_says() {
        // 30 days late, all of it, no slower: 20 + 25 points; every second promise broken: 10 more.
        let slow: Vec<Paid> = ["2026-01-31", "2026-02-28", "2026-03-31"].map(|due| paid(due, 30, 100)).to_vec();
        assert_eq!(score(&slow, 0, 0, day(TODAY)).score, Some(55));
        assert_eq!(score(&slow, 2, 2, day(TODAY)).score, Some(45));
        // 0, 5, 10 days: five days a month slower costs 7.5; 5 days on average 3.3; two thirds late 16.7.
        let slower = [paid("2026-01-31", 0, 100), paid("2026-02-28", 5, 100), paid("2026-03-31", 10, 100)];
        let found = score(&slower, 0, 0, day(TODAY));
        assert_eq!((found.slope_milli, found.days_late_milli, found.late_milli), (Some(5000), Some(5000), Some(666)));
        assert_eq!(found.score, Some(73));
    }

    #[test]
    fn what_is_open_counts_by_today_and_what_is_not_due_does_not_count() {
        let open = Paid { due_on: day("2026-05-31"), paid_on: None, minor: 100 };
        let not_due = Paid { due_on: day(TODAY), paid_on: None, minor: 1_000_000 };
        let found = score(&[open, open, open, not_due], 0, 0, day(TODAY));
        assert_eq!((found.items, found.days_late_milli), (3, Some(30_000)));
    }

    #[test]
    fn a_large_invoice_weighs_more_than_a_small_one() {
        let found = score(
            &[paid("2026-01-31", 10, 900), paid("2026-02-28", 0, 50), paid("2026-03-31", 0, 50)],
            0,
            0,
            day(TODAY),
        );
        assert_eq!((found.days_late_milli, found.late_milli), (Some(9000), Some(900)));
    }

    proptest! {
        #[test]
        fn a_score_is_between_0_and_100_and_later_is_never_better(
            history in prop::collection::vec((0_i64..300, 0_i64..200, 1_i64..1_000_000_000_000), 3..30), kept in 0_u32..9, broken in 0_u32..9, more in 0_i64..100
        ) {
            let at = |extra: i64| -> Vec<Paid> {
                history.iter().map(|(due, late, minor)| {
                    let due_on = day("2025-07-01") + TimeDelta::days(*due);
                    Paid { due_on, paid_on: Some(due_on + TimeDelta::days(late + extra)), minor: *minor }
                }).collect()
            };
            let (now, later) = (score(&at(0), kept, broken, day(TODAY)), score(&at(more), kept, broken, day(TODAY)));
            let (now, later) = (now.score.expect("enough history"), later.score.expect("enough history"));
            prop_assert!((0..=100).contains(&now));
            prop_assert!(later <= now, "{later} is more than {now}");
        }
    }
}
