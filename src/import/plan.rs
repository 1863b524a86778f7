//! What an item of a file changes in the ledger. Pure: what is known and what the file says, in; changes, out.

use chrono::NaiveDate;
use uuid::Uuid;

use super::record::{Disputed, Item, Paid};

/// What the ledger knows about an instalment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The instalment.
    pub instalment: Uuid,
    /// Its invoice.
    pub invoice: Uuid,
    /// What its source counts the invoice by; empty where no file has said.
    pub series: String,
    /// Invoice date.
    pub issued_on: NaiveDate,
    /// The debtor's order.
    pub po_number: Option<String>,
    /// Due date.
    pub due_on: NaiveDate,
    /// The posting that stands for its amount; none where nothing is owed.
    pub posting: Option<Posting>,
    /// The payment that an import recorded for it.
    pub paid: Option<Payment>,
    /// Allocated from payments that no import recorded, credited and adjusted; minor units.
    pub allocated_minor: i64,
    /// The dispute that an import opened for it.
    pub dispute: Dispute,
}

/// A posting that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Its id.
    pub id: i64,
    /// Minor units.
    pub minor: i64,
}

/// An imported payment that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Its id.
    pub id: Uuid,
    /// When it was received.
    pub on: NaiveDate,
    /// What was received, minor units.
    pub minor: i64,
}

/// The dispute that an import opened for an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dispute {
    /// None.
    None,
    /// It stands, over so many minor units.
    Open(Uuid, i64),
    /// It was decided: what the file repeats does not open it again.
    Closed,
}

/// What is to be changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The instalment is not known yet.
    pub new: bool,
    /// Invoice date, order or series differ.
    pub header: bool,
    /// The due date differs.
    pub due: bool,
    /// This posting no longer stands.
    pub unpost: Option<i64>,
    /// Post this amount, minor units.
    pub post: Option<i64>,
    /// This payment no longer stands.
    pub unpay: Option<Uuid>,
    /// Less is owed on this instalment than was applied: all of that is unapplied.
    pub unapply: Option<Uuid>,
    /// Record and allocate a payment.
    pub pay: Option<Pay>,
    /// What happens to the dispute.
    pub dispute: Option<Contest>,
}

/// A payment to record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pay {
    /// When it was received.
    pub on: NaiveDate,
    /// What was received, minor units.
    pub minor: i64,
    /// How much of it goes to the item; the rest stays unapplied.
    pub applied_minor: i64,
}

/// What happens to the dispute of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contest {
    /// One is opened over so many minor units.
    Open(i64),
    /// It now covers so many minor units.
    Resize(Uuid, i64),
    /// It ends: the file says that it is settled, or no longer disputed.
    End(Uuid),
}

impl Plan {
    /// Whether everything is as the file says already.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The first business date that it posts to; `None` where it posts nothing. A new item counts from its invoice date
    /// (`issued_on`), a correction from the day of the file that brings it.
    #[must_use]
    pub fn first_posting(&self, issued_on: NaiveDate, as_of: NaiveDate) -> Option<NaiveDate> {
        let posted = self.post.map(|_| if self.new { issued_on } else { as_of });
        let reversed = (self.unpost.is_some() || self.unpay.is_some()).then_some(as_of);
        posted.into_iter().chain(reversed).chain(self.pay.map(|pay| pay.on)).min()
    }
}

/// The changes that make the ledger agree with `item`, as the portfolio stood on `as_of`.
#[must_use]
pub fn plan(known: Option<&Known>, item: &Item, as_of: NaiveDate) -> Plan {
    let Some(known) = known else { return plan_new(item) };
    let mut plan = Plan {
        header: known.issued_on != item.issued_on
            || known.po_number != item.po_number
            || (!item.series.is_empty() && known.series != item.series),
        due: known.due_on != item.due_on,
        ..Plan::default()
    };
    let posted = known.posting.map_or(0, |posting| posting.minor);
    if posted != item.minor {
        plan.unpost = known.posting.map(|posting| posting.id);
        plan.post = (item.minor != 0).then_some(item.minor);
        plan.unapply = (item.minor.max(0) < known.allocated_minor).then_some(known.instalment);
    }
    let left = (item.minor - known.allocated_minor).max(0);
    let pay = item.paid.and_then(|paid| payment(paid, left));
    let applied = match (known.paid, pay) {
        (Some(old), Some(new)) if (old.on, old.minor) == (new.on, new.minor) && plan.post.is_none() => {
            new.applied_minor
        }
        // The file is of an earlier day than the payment: it cannot know about it.
        (Some(old), None) if old.on > as_of => {
            plan.unapply = plan.unapply.or((old.minor.min(posted) > left).then_some(known.instalment));
            old.minor.min(left)
        }
        (old, new) => {
            plan.unpay = old.map(|old| old.id);
            plan.pay = new;
            new.map_or(0, |new| new.applied_minor)
        }
    };
    plan.dispute = contest(known.dispute, item.disputed.as_ref(), left - applied);
    plan
}

/// The item as it is once the source no longer lists it: what was paid or credited stays, and nothing else is owed.
#[must_use]
pub fn settled(known: &Known, number: &str, seq: i16) -> Item {
    let posted = known.posting.map_or(0, |posting| posting.minor);
    let paid = known.paid.map_or(0, |paid| paid.minor.min(posted - known.allocated_minor));
    Item {
        number: number.to_owned(),
        series: known.series.clone(),
        seq,
        issued_on: known.issued_on,
        due_on: known.due_on,
        minor: (known.allocated_minor + paid).max(0),
        po_number: known.po_number.clone(),
        disputed: None,
        paid: known.paid.map(|paid| Paid { on: paid.on, minor: Some(paid.minor) }),
    }
}

fn plan_new(item: &Item) -> Plan {
    if item.minor == 0 {
        return Plan::default();
    }
    let pay = item.paid.and_then(|paid| payment(paid, item.minor));
    let left = item.minor - pay.map_or(0, |pay| pay.applied_minor);
    let dispute = contest(Dispute::None, item.disputed.as_ref(), left);
    Plan { new: true, post: Some(item.minor), pay, dispute, ..Plan::default() }
}

/// A payment for an item with `left` minor units to pay; none where there is nothing to record.
fn payment(paid: Paid, left: i64) -> Option<Pay> {
    let minor = paid.minor.unwrap_or(left);
    (minor > 0).then_some(Pay { on: paid.on, minor, applied_minor: minor.min(left).max(0) })
}

fn contest(known: Dispute, disputed: Option<&Disputed>, open: i64) -> Option<Contest> {
    let contested = disputed.map_or(0, |disputed| disputed.minor.unwrap_or(open).min(open));
    match known {
        Dispute::None => (contested > 0).then_some(Contest::Open(contested)),
        Dispute::Open(dispute, _) if contested <= 0 => Some(Contest::End(dispute)),
        Dispute::Open(dispute, minor) => (minor != contested).then_some(Contest::Resize(dispute, contested)),
        Dispute::Closed => None,
    }
}

#[cfg(test)]
mod tests;
