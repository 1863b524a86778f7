//! The escalation ladder, and which step an account has reached. Pure.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    error::{Error, Result},
    named::named,
};

/// To whom an account goes when callers get no further.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EscalationLadder)]
pub struct Ladder {
    /// An account that went back down is not raised by the same cause for so many calendar days, 1 to 365.
    pub quiet_days: u16,
    /// From low to high.
    #[serde(rename = "level")]
    pub levels: Vec<Level>,
    /// What leads there by itself.
    #[serde(rename = "trigger", default)]
    pub triggers: Vec<Trigger>,
}

/// A step of the ladder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EscalationLevel)]
pub struct Level {
    /// Its code.
    pub code: String,
    /// What people read.
    pub name: String,
    /// Code of the department that gets the task.
    pub department: String,
    /// What it does to calls.
    pub contact: Contact,
}

/// What a level does to calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Contact {
    /// They go on.
    Keeps,
    /// Only supervisors call, by hand.
    SupervisorOnly,
    /// Nobody calls.
    Stops,
}

named!(Contact { Keeps => "keeps", SupervisorOnly => "supervisor_only", Stops => "stops" });

/// Something that leads to a level by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EscalationTrigger)]
pub struct Trigger {
    /// What.
    pub when: When,
    /// Code of the level.
    pub level: String,
}

/// What leads to a level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = EscalationCause)]
pub enum When {
    /// So many promises were broken since the account went back down last.
    BrokenPromises {
        /// 1 or more.
        count: u16,
    },
    /// A dispute is not answered on its day.
    DisputeLate,
    /// Something is so many days past due, and so much may be asked for.
    PastDue {
        /// 1 or more.
        days: u16,
        /// Minor units.
        over_minor: i64,
    },
    /// A call was recorded with this disposition.
    Disposition {
        /// Its code.
        code: String,
    },
    /// The debtor is represented by an attorney.
    Attorney,
    /// The debtor is bankrupt.
    Bankruptcy,
}

impl When {
    /// Its name, kept with what it led to.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        match self {
            Self::BrokenPromises { .. } => "broken_promises",
            Self::DisputeLate => "dispute_late",
            Self::PastDue { .. } => "past_due",
            Self::Disposition { .. } => "disposition",
            Self::Attorney => "attorney",
            Self::Bankruptcy => "bankruptcy",
        }
    }

    /// Why, for people.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::BrokenPromises { count } => format!("{count} promises were broken"),
            Self::DisputeLate => "a dispute was not answered in time".to_owned(),
            Self::PastDue { days, .. } => format!("more than {days} days past due"),
            Self::Disposition { code } => format!("a call was recorded as {code}"),
            Self::Attorney => "represented by an attorney".to_owned(),
            Self::Bankruptcy => "bankrupt".to_owned(),
        }
    }
}

/// Holds of debtors who are left alone: that stops, and does not escalate.
const SPARED: [&str; 3] = ["vulnerable", "hardship", "deceased"];

/// What is known of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Promises broken since it went back down last.
    pub broken: u32,
    /// A dispute is past its day.
    pub dispute_late: bool,
    /// Days that the oldest collectible item is past due; 0 or less: not past due.
    pub past_due_days: i64,
    /// What may be asked for, minor units.
    pub collectible_minor: i64,
    /// The disposition that is being recorded.
    pub disposition: Option<String>,
    /// Reasons of the holds that stand.
    pub holds: HashSet<String>,
    /// Code of the level it is at.
    pub at: Option<String>,
    /// Causes that led to a level from which it went back down a short time ago.
    pub quiet: HashSet<String>,
}

impl Ladder {
    /// The level of a code.
    #[must_use]
    pub fn level(&self, code: &str) -> Option<&Level> {
        self.levels.iter().find(|level| level.code == code)
    }

    fn rank(&self, code: &str) -> Option<usize> {
        self.levels.iter().position(|level| level.code == code)
    }

    /// Whether the first level is above the second, if there is a second.
    #[must_use]
    pub fn is_above(&self, code: &str, other: Option<&str>) -> bool {
        other.and_then(|other| self.rank(other)) < self.rank(code)
    }

    /// The level after the one it is at, or the lowest; `None`: it is at the highest.
    #[must_use]
    pub fn next_above(&self, at: Option<&str>) -> Option<&Level> {
        let next = at.and_then(|at| self.rank(at)).map_or(0, |rank| rank + 1);
        self.levels.get(next)
    }

    /// The highest level that the facts lead to, and why; `None`: it stays where it is.
    #[must_use]
    pub fn reached(&self, facts: &Facts) -> Option<(&Level, &When)> {
        if SPARED.iter().any(|reason| facts.holds.contains(*reason)) {
            return None;
        }
        let met = self.triggers.iter().filter(|trigger| {
            is_met(&trigger.when, facts)
                && !facts.quiet.contains(trigger.when.cause())
                && self.is_above(&trigger.level, facts.at.as_deref())
        });
        let highest = met.max_by_key(|trigger| self.rank(&trigger.level))?;
        Some((self.level(&highest.level)?, &highest.when))
    }

    /// Names the entry and the field that is wrong.
    pub(crate) fn check(&self, is_department: impl Fn(&str) -> bool) -> Result<()> {
        let wrong = |field: String, detail: &str| Err(Error::invalid(format!("escalation.{field}"), detail));
        if !(1..=365).contains(&self.quiet_days) {
            return wrong("quiet_days".to_owned(), "1 to 365 days");
        }
        let mut codes = HashSet::new();
        for level in &self.levels {
            if !(1..=32).contains(&level.code.len()) || !codes.insert(level.code.as_str()) {
                return wrong(format!("level.{}.code", level.code), "1 to 32 characters, each once");
            }
            if !is_department(&level.department) {
                return wrong(format!("level.{}.department", level.code), "is no department");
            }
        }
        if self.levels.is_empty() {
            return wrong("level".to_owned(), "at least one");
        }
        for trigger in &self.triggers {
            let cause = trigger.when.cause();
            if self.level(&trigger.level).is_none() {
                return wrong(format!("trigger.{cause}.level"), "is no level");
            }
            let possible = match trigger.when {
                When::BrokenPromises { count } => count >= 1,
                When::PastDue { days, over_minor } => days >= 1 && over_minor >= 0,
                _ => true,
            };
            if !possible {
                return wrong(format!("trigger.{cause}"), "counts and days are 1 or more, amounts 0 or more");
            }
        }
        Ok(())
    }
}

fn is_met(when: &When, facts: &Facts) -> bool {
    match when {
        When::BrokenPromises { count } => facts.broken >= u32::from(*count),
        When::DisputeLate => facts.dispute_late,
        When::PastDue { days, over_minor } => {
            facts.past_due_days > i64::from(*days) && facts.collectible_minor > *over_minor
        }
        When::Disposition { code } => facts.disposition.as_ref() == Some(code),
        When::Attorney | When::Bankruptcy => facts.holds.contains(when.cause()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agreement::{Rules, STANDARD};

    fn ladder() -> Ladder {
        Rules::read(STANDARD).unwrap().escalation
    }

    fn held(reason: &str) -> HashSet<String> {
        HashSet::from([reason.to_owned()])
    }

    fn reached(facts: &Facts) -> Option<(String, &'static str)> {
        ladder().reached(facts).map(|(level, when)| (level.code.clone(), when.cause()))
    }

    #[test]
    fn each_cause_leads_to_its_level_and_not_before() {
        let facts = Facts::default();
        let at = |code: &str, cause| Some((code.to_owned(), cause));
        assert_eq!(reached(&facts), None);
        assert_eq!(reached(&Facts { broken: 2, ..facts.clone() }), None);
        assert_eq!(reached(&Facts { broken: 3, ..facts.clone() }), at("supervisor", "broken_promises"));
        assert_eq!(reached(&Facts { dispute_late: true, ..facts.clone() }), at("supervisor", "dispute_late"));
        let late = |days, minor| Facts { past_due_days: days, collectible_minor: minor, ..Facts::default() };
        assert_eq!(reached(&late(120, 10_000_001)), None, "more than 120 days");
        assert_eq!(reached(&late(121, 10_000_000)), None, "more than the amount");
        assert_eq!(reached(&late(121, 10_000_001)), at("credit_manager", "past_due"));
        let said = Facts { disposition: Some("complaint".to_owned()), ..facts.clone() };
        assert_eq!(reached(&said), at("supervisor", "disposition"));
        assert_eq!(reached(&Facts { holds: held("attorney"), ..facts.clone() }), at("legal", "attorney"));
        let bankrupt = Facts { holds: held("bankruptcy"), broken: 9, ..facts };
        assert_eq!(reached(&bankrupt), at("legal", "bankruptcy"), "the highest");
    }

    #[test]
    fn it_only_goes_up_and_not_again_at_once() {
        let broken = Facts { broken: 3, ..Facts::default() };
        assert_eq!(reached(&Facts { at: Some("supervisor".to_owned()), ..broken.clone() }), None);
        assert_eq!(reached(&Facts { at: Some("legal".to_owned()), ..broken.clone() }), None);
        let quiet = HashSet::from(["broken_promises".to_owned()]);
        assert_eq!(reached(&Facts { quiet: quiet.clone(), ..broken.clone() }), None);
        let more = Facts { quiet, holds: held("attorney"), at: Some("supervisor".to_owned()), ..broken };
        assert_eq!(reached(&more).map(|(level, _)| level).as_deref(), Some("legal"));
    }

    #[test]
    fn vulnerability_stops_and_does_not_escalate() {
        for hold in SPARED {
            let facts = Facts { holds: held(hold), broken: 9, dispute_late: true, ..Facts::default() };
            assert_eq!(reached(&facts), None, "{hold}");
        }
    }

    #[test]
    fn a_wrong_entry_is_named() {
        let wrong = |change: fn(&mut Ladder)| {
            let mut ladder = ladder();
            change(&mut ladder);
            match ladder.check(|code| code != "x") {
                Err(Error::Invalid { field, .. }) => field,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(wrong(|ladder| ladder.quiet_days = 0), "escalation.quiet_days");
        assert_eq!(
            wrong(|ladder| ladder.levels[0].department = "x".to_owned()),
            "escalation.level.supervisor.department"
        );
        assert_eq!(wrong(|ladder| ladder.levels[1].code = "supervisor".to_owned()), "escalation.level.supervisor.code");
        assert_eq!(wrong(|ladder| ladder.triggers[1].level = "x".to_owned()), "escalation.trigger.dispute_late.level");
        let never = |ladder: &mut Ladder| ladder.triggers[0].when = When::BrokenPromises { count: 0 };
        assert_eq!(wrong(never), "escalation.trigger.broken_promises");
    }
}
