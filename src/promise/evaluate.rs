//! What has become of promises: a pure function of the promises, the postings and the day. The order in which postings
//! were recorded does not matter, and taking one back takes back what it had kept.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ids::{InstalmentId, PromiseId},
    named::named,
};

/// What was promised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The promise.
    pub id: PromiseId,
    /// Minor units, more than 0.
    pub amount_minor: i64,
    /// How much may be missing of a promise that is kept all the same, minor units.
    pub tolerance_minor: i64,
    /// When it was taken: what was recorded before does not keep it.
    pub taken_at: DateTime<Utc>,
    /// The last day on which a payment keeps it: the promised day, rolled to a business day, and the grace after it in
    /// business days.
    pub deadline: NaiveDate,
    /// Only money that has cleared counts.
    pub cleared_only: bool,
    /// The day on which it was replaced or taken back. After the deadline that changes nothing any more.
    pub withdrawn_on: Option<NaiveDate>,
    /// The items it is for.
    pub items: Vec<InstalmentId>,
}

/// A credit of an item, such as a credit note, that was not reversed. It keeps no promise: less is owed, and so less
/// is promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credited {
    /// The item.
    pub item: InstalmentId,
    /// Minor units, more than 0.
    pub minor: i64,
    /// When the credit was recorded, whenever it was applied.
    pub recorded_at: DateTime<Utc>,
}

/// A payment allocated to an item, and not reversed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paid {
    /// The item.
    pub item: InstalmentId,
    /// Minor units, more than 0.
    pub minor: i64,
    /// The day on which the money came, whenever it was applied.
    pub on: NaiveDate,
    /// When the payment was recorded, whenever it was applied.
    pub recorded_at: DateTime<Utc>,
    /// The bank says that it is there to stay.
    pub cleared: bool,
}

/// What has become of a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Its time is not over.
    Open,
    /// Paid in full in time.
    Kept,
    /// Paid in part in time.
    PartiallyKept,
    /// Nothing was paid in time.
    Broken,
    /// Replaced or withdrawn, or all of it was credited.
    Cancelled,
}

/// What has become of a promise, and by how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// In a word.
    pub status: Status,
    /// What was paid in time, minor units.
    pub paid_minor: i64,
    /// What was credited since it was taken, minor units: that much less is promised.
    pub credited_minor: i64,
    /// The day on which the money came that kept it.
    pub kept_on: Option<NaiveDate>,
}

/// What has become of each promise at `today`, in the order given. Each cent keeps one promise, and each credited cent
/// shrinks one: the one taken first takes it first, of those taken together the one that is due first.
#[must_use]
pub fn evaluate(promises: &[Terms], paid: &[Paid], credited: &[Credited], today: NaiveDate) -> Vec<Judged> {
    let (mut paid, mut credited) = (paid.to_vec(), credited.to_vec());
    paid.sort_by_key(|paid| (paid.on, paid.recorded_at, paid.item, paid.cleared));
    credited.sort_by_key(|credited| (credited.recorded_at, credited.item));
    let mut order: Vec<usize> = (0..promises.len()).collect();
    order.sort_by_key(|at| (promises[*at].taken_at, promises[*at].deadline, promises[*at].id));
    let mut judged = vec![WITHDRAWN; promises.len()];
    for at in order {
        let promise = &promises[at];
        if promise.withdrawn_on.is_some_and(|on| on <= promise.deadline) {
            continue;
        }
        let credited_minor = shrunk(promise, &mut credited);
        let wanted = promise.amount_minor - credited_minor;
        let (paid_minor, last_on) = take(promise, wanted, &mut paid);
        let status = status(promise, wanted, paid_minor, today);
        let kept_on = last_on.filter(|_| status == Status::Kept);
        judged[at] = Judged { status, paid_minor, credited_minor, kept_on };
    }
    judged
}

const WITHDRAWN: Judged = Judged { status: Status::Cancelled, paid_minor: 0, credited_minor: 0, kept_on: None };

/// How much of the promise was credited since.
fn shrunk(promise: &Terms, left: &mut [Credited]) -> i64 {
    let mut shrunk = 0;
    for credited in left {
        if promise.items.contains(&credited.item) && credited.recorded_at > promise.taken_at {
            let part = credited.minor.min(promise.amount_minor - shrunk);
            credited.minor -= part;
            shrunk += part;
        }
    }
    shrunk
}

/// Takes from what is left as much as the promise wants, earliest payments first. Gives the day of the last one, too.
fn take(promise: &Terms, wanted: i64, left: &mut [Paid]) -> (i64, Option<NaiveDate>) {
    let (mut taken, mut last_on) = (0, None);
    for paid in left {
        let counts = promise.items.contains(&paid.item)
            && paid.recorded_at > promise.taken_at
            && paid.on <= promise.deadline
            && (paid.cleared || !promise.cleared_only);
        let part = if counts { paid.minor.min(wanted - taken) } else { 0 };
        if part > 0 {
            paid.minor -= part;
            taken += part;
            last_on = Some(paid.on);
        }
    }
    (taken, last_on)
}

fn status(promise: &Terms, wanted: i64, taken: i64, today: NaiveDate) -> Status {
    if wanted == 0 {
        Status::Cancelled
    } else if taken > 0 && taken >= wanted - promise.tolerance_minor {
        Status::Kept
    } else if today <= promise.deadline {
        Status::Open
    } else if taken > 0 {
        Status::PartiallyKept
    } else {
        Status::Broken
    }
}

/// The level of a new promise for `items`: one more than the promises for the same item that were not kept. One that was
/// kept in full, credited, upheld as disputed or a mistake of ours does not count.
#[must_use]
pub fn level(items: &[InstalmentId], earlier: &[(Terms, Status, Option<CancelReason>)]) -> u16 {
    let not_kept = |status: Status, why: Option<CancelReason>| match status {
        Status::PartiallyKept | Status::Broken => true,
        Status::Cancelled => matches!(why, Some(CancelReason::Replaced | CancelReason::Withdrawn)),
        Status::Open | Status::Kept => false,
    };
    let times = |item: &InstalmentId| {
        earlier.iter().filter(|(terms, status, why)| terms.items.contains(item) && not_kept(*status, *why)).count()
    };
    let most = items.iter().map(times).max().unwrap_or(0);
    u16::try_from(most).unwrap_or(u16::MAX).saturating_add(1)
}

/// Why a promise is not looked at any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PromiseCancelReason)]
pub enum CancelReason {
    /// The debtor promised something else.
    Replaced,
    /// The debtor took it back.
    Withdrawn,
    /// What was promised is disputed, and the debtor was right.
    DisputeUpheld,
    /// All of it was credited.
    Credited,
    /// Its plan ended.
    PlanEnded,
    /// It was recorded by mistake.
    Error,
}

named!(Status { Open => "open", Kept => "kept", PartiallyKept => "partially_kept", Broken => "broken", Cancelled => "cancelled" });
named!(CancelReason {
    Replaced => "replaced", Withdrawn => "withdrawn", DisputeUpheld => "dispute_upheld", Credited => "credited",
    PlanEnded => "plan_ended", Error => "error",
});

#[cfg(test)]
mod tests;
