//! What is owed: open items and their age, postings, payments, allocations. Balances are always derived.
//!
//! A posting belongs to a [`document`] and is never changed: [`post`] adds, and takes back by mirrored postings. What is
//! above its author's [`limit`] waits for an [`approval`]. The database itself refuses what does not add up.

pub mod approval;
pub mod document;
pub mod invoice;
pub mod limit;
pub mod part;
pub mod post;
pub mod store;
pub mod terms;

pub use document::{Adjustment, AdjustmentKind, CreditNote, Document, PaymentState, Refund, Reversal, Source};
pub use post::{adjust, apply, clear, credit, posted, refund, reverse, unapply};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ids::{AccountId, InstalmentId, InvoiceId, UserId},
    money::{Currency, Money},
    named::named,
};

/// An invoice instalment with something left to pay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct OpenItem {
    /// The instalment.
    pub instalment: InstalmentId,
    /// Its invoice.
    pub invoice: InvoiceId,
    /// The invoice's number.
    pub invoice_number: String,
    /// Which instalment of the invoice, from 1.
    pub seq: i16,
    /// Invoice date.
    pub issued_on: NaiveDate,
    /// Due date.
    pub due_on: NaiveDate,
    /// The debtor's order, if known.
    pub po_number: Option<String>,
    /// What was billed.
    pub amount: Money,
    /// What is left to pay; more than 0.
    pub open: Money,
    /// How much of that is disputed.
    pub disputed: Money,
}

impl OpenItem {
    /// Days past due at `today`; negative where it is not due yet.
    #[must_use]
    pub fn age(&self, today: NaiveDate) -> i64 {
        (today - self.due_on).num_days()
    }
}

/// Open minor units by days past due: current, 1–30, 31–60, 61–90, 91–120, over 120.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Aging(pub [i64; 6]);

impl Aging {
    /// Sorts open amounts with their due dates into buckets.
    pub fn new(open: impl IntoIterator<Item = (NaiveDate, i64)>, today: NaiveDate) -> Self {
        let mut buckets = [0; 6];
        for (due_on, minor) in open {
            buckets[bucket((today - due_on).num_days())] += minor;
        }
        Self(buckets)
    }

    /// The aging of `items` at `today`.
    #[must_use]
    pub fn of(items: &[OpenItem], today: NaiveDate) -> Self {
        Self::new(items.iter().map(|item| (item.due_on, item.open.minor)), today)
    }

    /// Sum of the buckets.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.0.iter().sum()
    }

    /// The buckets as money.
    #[must_use]
    pub fn in_currency(&self, currency: Currency) -> [Money; 6] {
        self.0.map(|minor| Money::new(minor, currency))
    }
}

/// Index of the bucket for so many days past due.
fn bucket(age: i64) -> usize {
    match age {
        ..=0 => 0,
        1..=30 => 1,
        31..=60 => 2,
        61..=90 => 3,
        91..=120 => 4,
        _ => 5,
    }
}

/// An account's figures, kept up to date in the transaction of whatever changes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Figures {
    /// The account.
    pub account: AccountId,
    /// How many open items.
    pub open_items: i32,
    /// Sum of open items.
    pub open: Money,
    /// Cash not applied to any item.
    pub unapplied: Money,
    /// Disputed amounts.
    pub disputed: Money,
    /// Open less unapplied less disputed: what a caller may ask for.
    pub collectible: Money,
    /// Earliest due date among items with an undisputed part.
    pub oldest_due_on: Option<NaiveDate>,
    /// Date of the open promise that is due first.
    pub open_promise_on: Option<NaiveDate>,
    /// Promises broken so far.
    pub broken_promises: i32,
    /// Promises kept so far.
    pub kept_promises: i32,
    /// The newest promise was broken.
    pub promise_broken: bool,
    /// When the figures were worked out.
    pub refreshed_at: DateTime<Utc>,
}

/// How a payment found its item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AllocationMode {
    /// The debtor, or the file, named the item.
    Specified,
    /// The payment's reference names it.
    Reference,
    /// The amount fits this item alone.
    Exact,
    /// The amount fits one combination of items alone.
    Combination,
    /// The amount is all that may be asked for.
    ClearAccount,
    /// The amount is all that is past due.
    ClearPastDue,
    /// The oldest item first.
    OldestFirst,
    /// Another system applied it.
    Imported,
}

named!(AllocationMode {
    Specified => "specified", Reference => "reference", Exact => "exact", Combination => "combination",
    ClearAccount => "clear_account", ClearPastDue => "clear_past_due", OldestFirst => "oldest_first",
    Imported => "imported",
});

/// How an allocation came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// By which rule.
    pub mode: AllocationMode,
    /// In words.
    pub explanation: String,
    /// Who decided it; `None`: the rule alone.
    pub by: Option<UserId>,
}

impl Way {
    /// Somebody said so.
    #[must_use]
    pub fn specified(explanation: impl Into<String>, by: Option<UserId>) -> Self {
        Self { mode: AllocationMode::Specified, explanation: explanation.into(), by }
    }
}

/// An invoice to post.
#[derive(Clone, Debug)]
pub struct NewInvoice {
    /// Who owes it.
    pub account: AccountId,
    /// Unique for the account, 1 to 64 characters.
    pub number: String,
    /// Invoice date.
    pub issued_on: NaiveDate,
    /// The debtor's order.
    pub po_number: Option<String>,
    /// Its currency: that of the account.
    pub currency: Currency,
    /// Due date and minor units of each instalment, in order; at least one, each more than 0.
    pub instalments: Vec<(NaiveDate, i64)>,
}

/// Money received.
#[derive(Clone, Debug)]
pub struct NewPayment {
    /// Who paid.
    pub account: AccountId,
    /// More than 0, in the account's currency.
    pub amount: Money,
    /// When it was received.
    pub received_on: NaiveDate,
    /// How: `transfer`, `card`, `cheque` …
    pub method: String,
    /// What the payer wrote.
    pub reference: String,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(days: i64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, 1).unwrap() + chrono::TimeDelta::days(days)
    }

    #[test]
    fn buckets_begin_the_day_after_the_due_date_and_every_thirty_days() {
        let ages = [-400, 0, 1, 30, 31, 60, 61, 90, 91, 120, 121, 4000];
        assert_eq!(ages.map(bucket), [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
    }

    #[test]
    fn an_item_lies_in_the_bucket_of_its_age() {
        let aging = Aging::new([(day(0), 5), (day(-1), 7), (day(-31), 11), (day(9), 13)], day(0));
        assert_eq!(aging.0, [18, 7, 11, 0, 0, 0]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_between_buckets(items in prop::collection::vec((-500_i64..500, 1_i64..1_000_000_000), 0..50)) {
            let total: i64 = items.iter().map(|(_, minor)| minor).sum();
            let aging = Aging::new(items.iter().map(|(days, minor)| (day(*days), *minor)), day(0));
            prop_assert_eq!(aging.total(), total);
        }
    }
}
