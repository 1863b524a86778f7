//! What of the open items may be asked for in a reminder: never what is disputed, promised, part of a plan, covered by
//! cash that is not applied yet, or stopped. Pure; each cent is left out for one reason.

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use crate::ids::InstalmentId;

/// An open item, as far as reminders know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// The instalment.
    pub instalment: InstalmentId,
    /// When it is due.
    pub due_on: NaiveDate,
    /// What is open, minor units, more than 0.
    pub open_minor: i64,
    /// Of that, disputed.
    pub disputed_minor: i64,
    /// Its invoice, or the whole account, is stopped or paused.
    pub paused: bool,
}

/// What was agreed and not broken: this much will come, for these items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// A promise, or an instalment of a plan.
    pub reason: Reason,
    /// What is still to come of it, minor units.
    pub minor: i64,
    /// The items; empty: whatever is open.
    pub items: Vec<InstalmentId>,
    /// It covers all that is open on its items, whatever its amount: a plan in force.
    pub whole: bool,
}

/// What may be asked for of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Claim {
    /// The instalment.
    pub instalment: InstalmentId,
    /// When it is due.
    pub due_on: NaiveDate,
    /// Minor units, more than 0.
    pub minor: i64,
}

/// What is open and not asked for, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LeftOut {
    /// The instalment.
    pub instalment: InstalmentId,
    /// Why.
    pub reason: Reason,
    /// Minor units, more than 0.
    pub minor: i64,
}

/// Why something open is not asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = LeftOutReason)]
pub enum Reason {
    /// The debtor disputes it.
    Disputed,
    /// Reminders of it are stopped or paused.
    Paused,
    /// It was promised, and the promise is not broken.
    Promised,
    /// It is part of a plan or settlement in force.
    Planned,
    /// Cash that is not applied yet covers it.
    Covered,
}

/// Works out what may be asked for, and what is left out for which reason. Promises take from their items, the one due
/// first before the others; so does cash from what then remains.
#[must_use]
pub fn claims(items: &[Item], agreed: &[Agreed], unapplied_minor: i64) -> (Vec<Claim>, Vec<LeftOut>) {
    let mut order: Vec<(Item, i64)> = items.iter().map(|item| (*item, item.open_minor)).collect();
    order.sort_by_key(|(item, _)| (item.due_on, item.instalment));
    let mut left_out = Vec::new();
    let mut take = |item: &mut (Item, i64), reason: Reason, most: i64| {
        let minor = most.min(item.1).max(0);
        if minor > 0 {
            item.1 -= minor;
            left_out.push(LeftOut { instalment: item.0.instalment, reason, minor });
        }
        minor
    };
    for item in &mut order {
        take(item, Reason::Disputed, item.0.disputed_minor);
        if item.0.paused {
            take(item, Reason::Paused, i64::MAX);
        }
    }
    for one in agreed {
        let mut to_come = if one.whole { i64::MAX } else { one.minor };
        for item in order.iter_mut().filter(|(item, _)| one.items.is_empty() || one.items.contains(&item.instalment)) {
            to_come -= take(item, one.reason, to_come);
        }
    }
    let mut cash = unapplied_minor;
    for item in &mut order {
        cash -= take(item, Reason::Covered, cash);
    }
    let claims = order.into_iter().filter(|(_, minor)| *minor > 0);
    let claims = claims.map(|(item, minor)| Claim { instalment: item.instalment, due_on: item.due_on, minor });
    (claims.collect(), left_out)
}
