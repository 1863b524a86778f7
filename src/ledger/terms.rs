//! Payment terms: which part of an invoice is due when. Pure; the terms themselves are data.

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Hundred per cent in basis points.
const WHOLE_BP: i64 = 10_000;

/// Payment terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The instalments, 1 to 120; their shares add up to 10,000.
    pub parts: Vec<TermPart>,
    /// What may be taken off for paying early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount: Option<EarlyDiscount>,
}

/// An instalment of the terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TermPart {
    /// Its share, basis points, 1 to 10,000.
    pub share_bp: i64,
    /// Days after the invoice date, 0 to 3650.
    pub net_days: u16,
    /// The due date moves to the end of its month.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub end_of_month: bool,
}

/// A discount for paying early.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EarlyDiscount {
    /// Its share, basis points.
    pub share_bp: i64,
    /// Days after the invoice date up to which it may be taken.
    pub days: u16,
}

impl Terms {
    /// What is wrong with them, if anything is.
    #[must_use]
    pub fn fault(&self) -> Option<&'static str> {
        let in_range = |part: &TermPart| (1..=WHOLE_BP).contains(&part.share_bp) && part.net_days <= 3650;
        if !(1..=120).contains(&self.parts.len()) || !self.parts.iter().all(in_range) {
            Some("1 to 120 instalments, each of 1 to 10000 basis points, due after 0 to 3650 days")
        } else if self.parts.iter().map(|part| part.share_bp).sum::<i64>() != WHOLE_BP {
            Some("the shares of the instalments add up to 10000 basis points")
        } else {
            None
        }
    }

    /// Due date and minor units of each instalment of an invoice. Every cent is in one: shares are rounded down, and the
    /// last instalment takes the rest.
    #[must_use]
    pub fn instalments(&self, total_minor: i64, issued_on: NaiveDate) -> Vec<(NaiveDate, i64)> {
        let mut left = total_minor;
        let last = self.parts.len().saturating_sub(1);
        let share = |part: &TermPart| {
            let minor = i128::from(total_minor) * i128::from(part.share_bp) / i128::from(WHOLE_BP);
            i64::try_from(minor).unwrap_or_default()
        };
        self.parts
            .iter()
            .enumerate()
            .map(|(nth, part)| {
                let minor = if nth == last { left } else { share(part) };
                left -= minor;
                (part.due_on(issued_on), minor)
            })
            .collect()
    }
}

impl TermPart {
    fn due_on(&self, issued_on: NaiveDate) -> NaiveDate {
        let due_on = issued_on + Days::new(self.net_days.into());
        if !self.end_of_month {
            return due_on;
        }
        let next = due_on.with_day(1).and_then(|first| first.checked_add_months(Months::new(1)));
        next.and_then(|first| first.pred_opt()).unwrap_or(due_on)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn part(share_bp: i64, net_days: u16) -> TermPart {
        TermPart { share_bp, net_days, end_of_month: false }
    }

    #[test]
    fn a_third_that_does_not_divide_goes_to_the_last() {
        let terms = Terms { parts: vec![part(3333, 30), part(3333, 60), part(3334, 90)], discount: None };
        let minor: Vec<i64> = terms.instalments(100, day("2026-01-15")).iter().map(|(_, minor)| *minor).collect();
        assert_eq!((minor, terms.fault()), (vec![33, 33, 34], None));
    }

    #[test]
    fn the_end_of_the_month_is_that_of_the_day_after_the_net_days() {
        let terms = TermPart { end_of_month: true, ..part(10_000, 30) };
        assert_eq!(terms.due_on(day("2026-01-01")), day("2026-01-31"));
        assert_eq!(terms.due_on(day("2026-01-02")), day("2026-02-28"));
        assert_eq!(terms.due_on(day("2024-01-30")), day("2024-02-29"));
    }

    #[test]
    fn shares_that_are_not_the_whole_are_refused() {
        assert!(Terms { parts: vec![part(9_999, 0)], discount: None }.fault().is_some());
        assert!(Terms { parts: Vec::new(), discount: None }.fault().is_some());
    }

    proptest! {
        #[test]
        fn no_cent_is_lost(total in 1_i64..10_000_000_000, cuts in prop::collection::vec(1_i64..3_000, 0..4)) {
            let mut parts: Vec<TermPart> = cuts.iter().map(|cut| part(*cut, 10)).collect();
            parts.push(part(WHOLE_BP - cuts.iter().sum::<i64>().min(WHOLE_BP - 1), 30));
            let terms = Terms { parts, discount: None };
            let sum: i64 = terms.instalments(total, day("2026-01-15")).iter().map(|(_, minor)| minor).sum();
            prop_assert_eq!(sum, total);
        }
    }
}
