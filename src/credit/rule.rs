//! When deliveries are held, and what limit a customer may have. Pure.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::named::named;

/// The rules of a portfolio, as data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreditRules)]
pub struct Rules {
    /// Hold an account that owes more than its limit, or whose family does.
    pub hold_over_limit: bool,
    /// Hold an account with items more than so many days overdue, 1 to 365; `null`: no such rule.
    pub hold_overdue_days: Option<u16>,
    /// … if they come to more than so many minor units, 0 or more.
    pub hold_overdue_minor: i64,
    /// Points by which a score changes that somebody should look at it, 1 to 100.
    pub flag_points: i16,
    /// Days after which a customer is reviewed anew, 1 to 365.
    pub review_days: u16,
    /// A limit for who has no history yet, minor units, 0 or more.
    pub starting_limit_minor: i64,
}

impl Default for Rules {
    /// No hold by itself; reviewed every month.
    fn default() -> Self {
        Self {
            hold_over_limit: false,
            hold_overdue_days: None,
            hold_overdue_minor: 0,
            flag_points: 15,
            review_days: 30,
            starting_limit_minor: 0,
        }
    }
}

impl Rules {
    /// What is wrong with them, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<(&'static str, &'static str)> {
        let days = |days: u16| (1..=365).contains(&days);
        if self.hold_overdue_days.is_some_and(|given| !days(given)) {
            return Some(("hold_overdue_days", "1 to 365"));
        }
        if self.hold_overdue_minor < 0 {
            return Some(("hold_overdue_minor", "0 or more minor units"));
        }
        if !(1..=100).contains(&self.flag_points) {
            return Some(("flag_points", "1 to 100"));
        }
        if !days(self.review_days) {
            return Some(("review_days", "1 to 365"));
        }
        (self.starting_limit_minor < 0).then_some(("starting_limit_minor", "0 or more minor units"))
    }
}

/// Why deliveries are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CreditHoldReason)]
pub enum Reason {
    /// More is owed than the limit.
    OverLimit,
    /// Too much is overdue for too long.
    Overdue,
    /// A person said so.
    ByHand,
}

named!(Reason { OverLimit => "over_limit", Overdue => "overdue", ByHand => "by_hand" });

/// What the rules look at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Exposure {
    /// What the account owes less cash that is not applied, minor units.
    pub own_minor: i64,
    /// Its limit.
    pub limit_minor: Option<i64>,
    /// The same of the whole family, in the account's currency.
    pub family_minor: i64,
    /// The family's limit, where it has one in that currency.
    pub family_limit_minor: Option<i64>,
    /// Due date and undisputed minor units of each open item.
    #[serde(skip)]
    pub items: Vec<(NaiveDate, i64)>,
}

/// The reasons for which deliveries are to be held at `today`.
#[must_use]
pub fn holds(rules: &Rules, exposure: &Exposure, today: NaiveDate) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let over = |limit: Option<i64>, owed: i64| limit.is_some_and(|limit| owed > limit);
    let over_limit =
        over(exposure.limit_minor, exposure.own_minor) || over(exposure.family_limit_minor, exposure.family_minor);
    if rules.hold_over_limit && over_limit {
        reasons.push(Reason::OverLimit);
    }
    if let Some(days) = rules.hold_overdue_days {
        let late = |due_on: &NaiveDate| (today - *due_on).num_days() > i64::from(days);
        let overdue: i64 = exposure.items.iter().filter(|(due_on, _)| late(due_on)).map(|(_, minor)| minor).sum();
        if overdue > rules.hold_overdue_minor {
            reasons.push(Reason::Overdue);
        }
    }
    reasons
}

/// A limit by rule: twice what is billed in a month on average, times the score; for who has no score, the starting
/// limit. In whole hundreds of the minor unit.
#[must_use]
pub fn proposal(rules: &Rules, score: Option<i16>, billed_a_month_minor: i64) -> i64 {
    let Some(score) = score else { return rules.starting_limit_minor };
    let wanted = i128::from(billed_a_month_minor.max(0)) * 2 * i128::from(score.clamp(0, 100)) / 100;
    i64::try_from(wanted / 10_000 * 10_000).unwrap_or(i64::MAX)
}

/// Whether a change of the score has to be looked at.
#[must_use]
pub fn is_flagged(rules: &Rules, before: Option<i16>, after: Option<i16>) -> bool {
    matches!((before, after), (Some(before), Some(after)) if (before - after).abs() >= rules.flag_points)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    const RULES: Rules = Rules {
        hold_over_limit: true,
        hold_overdue_days: Some(30),
        hold_overdue_minor: 1000,
        flag_points: 15,
        review_days: 30,
        starting_limit_minor: 50_000,
    };

    #[test]
    fn the_limit_itself_may_be_owed() {
        let mut exposure = Exposure { own_minor: 500, limit_minor: Some(500), ..Exposure::default() };
        assert_eq!(holds(&RULES, &exposure, day("2026-03-10")), []);
        exposure.own_minor = 501;
        assert_eq!(holds(&RULES, &exposure, day("2026-03-10")), [Reason::OverLimit]);
        exposure.limit_minor = None;
        assert_eq!(holds(&RULES, &exposure, day("2026-03-10")), [], "no limit is no limit of 0");
        exposure.family_limit_minor = Some(900);
        exposure.family_minor = 901;
        assert_eq!(holds(&RULES, &exposure, day("2026-03-10")), [Reason::OverLimit], "the family's counts as well");
    }

    #[test]
    fn overdue_is_more_than_so_many_days_and_more_than_so_much() {
        let exposure = |due: &str, minor| Exposure { items: vec![(day(due), minor)], ..Exposure::default() };
        let today = day("2026-03-31");
        assert_eq!(holds(&RULES, &exposure("2026-03-01", 5000), today), [], "thirty days are not more than thirty");
        assert_eq!(holds(&RULES, &exposure("2026-02-28", 5000), today), [Reason::Overdue]);
        assert_eq!(holds(&RULES, &exposure("2026-02-28", 1000), today), []);
        assert_eq!(holds(&Rules { hold_overdue_days: None, ..RULES }, &exposure("2025-02-28", 5000), today), []);
    }

    #[test]
    fn a_new_customer_gets_the_starting_limit_and_a_known_one_by_its_score() {
        assert_eq!(proposal(&RULES, None, 1_000_000), 50_000);
        assert_eq!(proposal(&RULES, Some(80), 1_000_000), 1_600_000);
        assert_eq!(proposal(&RULES, Some(0), 1_000_000), 0);
        assert_eq!(proposal(&RULES, Some(100), -5), 0);
    }

    #[test]
    fn a_change_of_fifteen_points_is_flagged_in_both_directions() {
        assert!(is_flagged(&RULES, Some(80), Some(65)) && is_flagged(&RULES, Some(65), Some(80)));
        assert!(!is_flagged(&RULES, Some(80), Some(66)));
        assert!(!is_flagged(&RULES, None, Some(10)) && !is_flagged(&RULES, Some(10), None));
    }
}
