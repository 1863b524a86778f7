//! What a payment is for: rules that find the items, and say how they found them. Pure.
//!
//! The rules are tried in the order of the [`Policy`] until one fits. What a debtor disputes is left out by all of them,
//! nothing is ever paid beyond what is open, and what no rule takes stays unapplied. Where two answers are as good as
//! each other a rule gives none.

mod combination;
pub mod policy;
mod reference;
mod rules;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use policy::{Policy, Step};

use crate::{
    ids::InstalmentId,
    ledger::{
        AllocationMode,
        part::{Part, Parts},
    },
    named::named,
};

/// An open item as the rules see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The instalment.
    pub instalment: InstalmentId,
    /// The number of its invoice.
    pub number: String,
    /// The debtor's order.
    pub po_number: Option<String>,
    /// When it is due.
    pub due_on: NaiveDate,
    /// What is open of it, minor units.
    pub parts: Parts,
    /// How much of that is disputed, minor units.
    pub disputed: i64,
}

impl Item {
    /// What may be paid of it, minor units: what is open and not disputed.
    #[must_use]
    pub fn free(&self) -> i64 {
        (self.parts.total() - self.disputed).max(0)
    }

    /// What may be paid of each part; a dispute is about what was billed before it is about what came on top.
    fn free_parts(&self) -> Parts {
        let mut parts = self.parts;
        for (part, minor) in self.parts.spread(&LOWERED, self.disputed) {
            *parts.of(part) -= minor;
        }
        parts
    }
}

/// What lowers an item is laid on what was billed first.
const LOWERED: [Part; 3] = [Part::Principal, Part::Interest, Part::Fee];

/// A line of a remittance advice: the debtor says what is paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Remitted {
    /// Number of the invoice.
    pub invoice: String,
    /// How much of it, minor units; as much as is left where it is not given.
    #[serde(default)]
    pub minor: Option<i64>,
}

/// Money to apply.
#[derive(Clone, Copy, Debug)]
pub struct Receipt<'a> {
    /// What is left of it, minor units, more than 0.
    pub minor: i64,
    /// What the payer wrote.
    pub reference: &'a str,
    /// What the payer says it is for.
    pub remitted: &'a [Remitted],
    /// The day on which it is applied: what is due before is past due.
    pub today: NaiveDate,
}

/// A part of an item to be paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Line {
    /// The item.
    pub instalment: InstalmentId,
    /// Which part of it.
    pub part: Part,
    /// Minor units, more than 0.
    pub minor: i64,
}

/// A difference between what came and what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// Less than the item that it was for.
    ShortPay,
    /// More than it was for.
    Overpay,
    /// The same payment came twice.
    Duplicate,
    /// It was posted to another customer's account.
    WrongCustomer,
    /// Nobody knows whose it is.
    Unidentified,
    /// The bank took it back.
    Returned,
    /// The bank told an entry again, with another amount.
    Corrected,
}

named!(DifferenceKind {
    ShortPay => "short_pay", Overpay => "overpay", Duplicate => "duplicate", WrongCustomer => "wrong_customer",
    Unidentified => "unidentified", Returned => "returned", Corrected => "corrected",
});

/// A difference that an application leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Leftover {
    /// Its kind.
    pub kind: DifferenceKind,
    /// The item, if it is about one.
    pub instalment: Option<InstalmentId>,
    /// Minor units, more than 0.
    pub minor: i64,
}

/// What to do with a payment, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Proposal {
    /// The rule that fits; `None`: none does, and all of it stays unapplied.
    pub mode: Option<AllocationMode>,
    /// Why, for people.
    pub explanation: String,
    /// What is paid.
    pub lines: Vec<Line>,
    /// What is too little to ask for, settled as small balances.
    pub settled: Vec<Line>,
    /// What does not add up and is to be worked on.
    pub differences: Vec<Leftover>,
    /// What stays unapplied, minor units.
    pub left_minor: i64,
}

/// Finds what a payment is for among the open `items` of its account.
#[must_use]
pub fn propose(policy: &Policy, receipt: &Receipt<'_>, items: &[Item]) -> Proposal {
    let mut items: Vec<&Item> = items.iter().filter(|item| item.free() > 0).collect();
    items.sort_by(|a, b| (a.due_on, &a.number, a.instalment).cmp(&(b.due_on, &b.number, b.instalment)));
    let mut remarks = Vec::new();
    for step in &policy.steps {
        match rules::attempt(*step, policy, receipt, &items) {
            rules::Outcome::Fits(hit) => return proposal(policy, receipt, &items, *step, &hit, &remarks),
            rules::Outcome::Ends(reason) => return unapplied(receipt, &[reason]),
            rules::Outcome::Passes(Some(remark)) => remarks.push(remark),
            rules::Outcome::Passes(None) => {}
        }
    }
    remarks.push(if items.is_empty() { "Nothing is open." } else { "No rule fits." }.to_owned());
    unapplied(receipt, &remarks)
}

fn unapplied(receipt: &Receipt<'_>, remarks: &[String]) -> Proposal {
    Proposal {
        mode: None,
        explanation: remarks.join(" "),
        lines: Vec::new(),
        settled: Vec::new(),
        differences: Vec::new(),
        left_minor: receipt.minor,
    }
}

fn proposal(
    policy: &Policy,
    receipt: &Receipt<'_>,
    items: &[&Item],
    step: Step,
    hit: &rules::Hit,
    remarks: &[String],
) -> Proposal {
    let (mut lines, mut settled, mut differences) = (Vec::new(), Vec::new(), Vec::new());
    for (nth, minor) in &hit.shares {
        let Some(item) = items.get(*nth) else { continue };
        let mut parts = item.free_parts();
        for (part, minor) in parts.spread(&policy.order, *minor) {
            *parts.of(part) -= minor;
            lines.push(Line { instalment: item.instalment, part, minor });
        }
        let missing = item.free() - minor;
        if hit.meant && policy.tolerates(missing, item.free()) {
            let rest = parts.spread(&LOWERED, missing);
            settled.extend(rest.into_iter().map(|(part, minor)| Line { instalment: item.instalment, part, minor }));
        } else if hit.meant && missing > 0 && (*minor > 0 || item.due_on <= receipt.today) {
            let kind = DifferenceKind::ShortPay;
            differences.push(Leftover { kind, instalment: Some(item.instalment), minor: missing });
        }
    }
    let left_minor = receipt.minor - lines.iter().map(|line| line.minor).sum::<i64>();
    if left_minor > 0 {
        differences.push(Leftover { kind: DifferenceKind::Overpay, instalment: None, minor: left_minor });
    }
    let explanation = std::iter::once(&hit.explanation).chain(remarks).cloned().collect::<Vec<_>>().join(" ");
    Proposal { mode: Some(step.mode()), explanation, lines, settled, differences, left_minor }
}

#[cfg(test)]
mod tests;
