//! What each role may agree to. Pure.

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::{
    agent::Role,
    error::{Error, Result},
    plan::{Due, PlanTaken},
};

/// By role; what a department may not agree to at all is not here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authorities {
    /// Callers.
    pub agent: Authority,
    /// Supervisors.
    pub supervisor: Authority,
    /// Administrators.
    pub admin: Authority,
}

/// What one role may agree to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// Promises.
    pub promise: PromiseLimits,
    /// Instalment plans.
    pub plan: PlanLimits,
    /// Settlements.
    pub settlement: SettlementLimits,
}

/// Which instalment plans may be agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanLimits {
    /// Instalments besides the down payment, 0 to 250; 0: no plans.
    pub most_instalments: u16,
    /// Calendar days to the last one, 0 to 3660.
    pub most_days: u16,
    /// Smallest instalment, minor units.
    pub least_instalment_minor: i64,
    /// Smallest down payment in per cent of the whole, 0 to 100.
    pub least_down_percent: u8,
}

/// Which settlements may be agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettlementLimits {
    /// The least that is paid in per cent of what is settled, 1 to 100; 100: no settlements.
    pub floor_percent: u8,
}

/// Which promises may be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromiseLimits {
    /// Smallest amount, minor units.
    pub least_minor: i64,
    /// Smallest amount in per cent of what may be asked for; the higher of the two applies.
    pub least_percent: u8,
    /// Calendar days to the promised day, 0 to 366.
    pub most_days: u16,
    /// Promises open at the same time for an account, 1 to 250.
    pub most_open: u8,
    /// Smallest amount of each promise besides the first, minor units.
    pub least_further_minor: i64,
}

/// A promise that somebody wants to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Minor units.
    pub amount_minor: i64,
    /// The promised day.
    pub due_on: NaiveDate,
    /// Promises that stay open besides it.
    pub besides: usize,
    /// What may be asked for, minor units.
    pub collectible_minor: i64,
}

impl Authorities {
    /// What the role may agree to; `None`: nothing.
    #[must_use]
    pub fn of(&self, role: Role) -> Option<&Authority> {
        match role {
            Role::Department => None,
            Role::Agent => Some(&self.agent),
            Role::Supervisor => Some(&self.supervisor),
            Role::Admin => Some(&self.admin),
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        [("agent", &self.agent), ("supervisor", &self.supervisor), ("admin", &self.admin)].into_iter().try_for_each(
            |(role, authority)| {
                authority.promise.check(&format!("authority.{role}.promise"))?;
                authority.plan.check(&format!("authority.{role}.plan"))?;
                match authority.settlement.floor_percent {
                    1..=100 => Ok(()),
                    _ => Err(Error::invalid(format!("authority.{role}.settlement.floor_percent"), "1 to 100")),
                }
            },
        )
    }
}

impl PromiseLimits {
    /// Passes, or names the field of the promise that is outside of the limits.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the field and the range.
    pub fn allow(&self, wanted: &Wanted, today: NaiveDate) -> Result<()> {
        let ask = "ask a supervisor for more";
        if wanted.besides >= usize::from(self.most_open) {
            let most = self.most_open;
            return Err(Error::invalid("promise.besides", format!("at most {most} promises at a time: {ask}")));
        }
        let until = today + Days::new(self.most_days.into());
        if !(today..=until).contains(&wanted.due_on) {
            return Err(Error::invalid("promise.due_on", format!("{today} to {until}: {ask}")));
        }
        let least = self.least(wanted);
        if wanted.amount_minor < least {
            return Err(Error::invalid("promise.amount_minor", format!("at least {least} minor units: {ask}")));
        }
        Ok(())
    }

    /// The higher of amount and share; a promise of all that may be asked for is always enough.
    fn least(&self, wanted: &Wanted) -> i64 {
        let collectible = wanted.collectible_minor.max(1);
        let first = self.least_minor.max(percent_of(collectible, self.least_percent));
        let least = if wanted.besides == 0 { first } else { self.least_further_minor };
        least.min(collectible)
    }

    fn check(&self, at: &str) -> Result<()> {
        let wrong = |field: &str, range: &str| Err(Error::invalid(format!("{at}.{field}"), range));
        if self.least_minor < 1 {
            return wrong("least_minor", "1 or more minor units");
        }
        if self.least_further_minor < 1 {
            return wrong("least_further_minor", "1 or more minor units");
        }
        if self.least_percent > 100 {
            return wrong("least_percent", "0 to 100");
        }
        if self.most_days > 366 {
            return wrong("most_days", "0 to 366");
        }
        if !(1..=250).contains(&self.most_open) {
            return wrong("most_open", "1 to 250");
        }
        Ok(())
    }
}

impl Authority {
    /// Passes, or names the field of the plan that is outside of the limits.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the field and the range.
    pub fn allow_plan(&self, plan: &PlanTaken, parts: &[Due], today: NaiveDate) -> Result<()> {
        let limits = &self.plan;
        let wrong = |field: &str, detail: String| Err(Error::invalid(format!("plan.{field}"), detail));
        if plan.instalments > limits.most_instalments {
            return wrong("instalments", format!("at most {}", limits.most_instalments));
        }
        let until = today + Days::new(limits.most_days.into());
        if parts.last().is_some_and(|part| part.due_on > until) {
            return wrong("first_on", format!("the last instalment is due by {until}"));
        }
        let instalments = &parts[usize::from(plan.down_minor > 0)..];
        let least = limits.least_instalment_minor;
        if instalments.len() > 1 && instalments.iter().any(|part| part.amount_minor < least) {
            return wrong("instalments", format!("each at least {least} minor units"));
        }
        let down = percent_of(plan.total_minor, limits.least_down_percent);
        if plan.down_minor < down {
            return wrong("down_minor", format!("at least {down} minor units"));
        }
        let floor = percent_of(plan.covers_minor.unwrap_or(plan.total_minor), self.settlement.floor_percent);
        if plan.covers_minor.is_some_and(|covers| covers > plan.total_minor) && plan.total_minor < floor {
            return wrong("total_minor", format!("at least {floor} minor units of what is settled"));
        }
        Ok(())
    }
}

impl PlanLimits {
    fn check(&self, at: &str) -> Result<()> {
        let wrong = |field: &str, range: &str| Err(Error::invalid(format!("{at}.{field}"), range));
        if self.most_instalments > 250 {
            return wrong("most_instalments", "0 to 250");
        }
        if self.most_days > 3_660 {
            return wrong("most_days", "0 to 3660");
        }
        if self.least_instalment_minor < 1 {
            return wrong("least_instalment_minor", "1 or more minor units");
        }
        if self.least_down_percent > 100 {
            return wrong("least_down_percent", "0 to 100");
        }
        Ok(())
    }
}

/// A share of an amount, rounded up.
fn percent_of(minor: i64, percent: u8) -> i64 {
    i64::try_from((i128::from(minor) * i128::from(percent) + 99) / 100).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: PromiseLimits =
        PromiseLimits { least_minor: 1_000, least_percent: 25, most_days: 30, most_open: 2, least_further_minor: 500 };

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, 10).unwrap()
    }

    fn wanted(amount_minor: i64, collectible_minor: i64) -> Wanted {
        Wanted { amount_minor, due_on: today(), besides: 0, collectible_minor }
    }

    fn refused(wanted: Wanted) -> Option<String> {
        match LIMITS.allow(&wanted, today()) {
            Err(Error::Invalid { field, .. }) => Some(field),
            _ => None,
        }
    }

    #[test]
    fn the_higher_of_amount_and_share_applies() {
        assert_eq!(refused(wanted(2_500, 10_000)), None);
        assert_eq!(refused(wanted(2_499, 10_000)).as_deref(), Some("promise.amount_minor"), "25 per cent");
        assert_eq!(refused(wanted(2_501, 10_001)), None, "rounded up");
        assert_eq!(refused(wanted(2_500, 10_001)).as_deref(), Some("promise.amount_minor"));
        assert_eq!(refused(wanted(999, 3_000)).as_deref(), Some("promise.amount_minor"), "the amount");
        assert_eq!(refused(wanted(600, 600)), None, "all there is");
    }

    #[test]
    fn the_last_day_is_allowed_and_the_one_after_is_not() {
        let on = |days| Wanted { due_on: today() + Days::new(days), ..wanted(10_000, 10_000) };
        assert_eq!(refused(on(30)), None);
        assert_eq!(refused(on(31)).as_deref(), Some("promise.due_on"));
    }

    #[test]
    fn each_further_promise_has_a_least_amount_of_its_own_and_they_are_counted() {
        let further = |amount, besides| Wanted { besides, ..wanted(amount, 10_000) };
        assert_eq!(refused(further(500, 1)), None);
        assert_eq!(refused(further(499, 1)).as_deref(), Some("promise.amount_minor"));
        assert_eq!(refused(further(500, 2)).as_deref(), Some("promise.besides"));
    }
}
