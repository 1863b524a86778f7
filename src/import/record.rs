//! What a row says about an account, checked.

use std::borrow::Cow;

use chrono::NaiveDate;
use serde::Serialize;

use super::source::RawRow;
use crate::{money::Currency, phone::Phone};

/// Why a row is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Column at fault; empty for the row as a whole.
    pub column: String,
    /// What is wrong.
    pub reason: String,
}

/// What a row says.
#[derive(Clone, Debug)]
pub struct Record {
    /// The row as it was, for the rejects file.
    pub raw: RawRow,
    /// The debtor.
    pub account: AccountFacts,
    /// Whom to talk to.
    pub contact: ContactFacts,
    /// What is owed.
    pub items: Vec<Item>,
    /// A promise that was taken before.
    pub promise: Option<PromiseFacts>,
}

/// The debtor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the columns of table account")]
pub struct AccountFacts {
    pub number: String,
    pub currency: Currency,
    pub name: String,
    pub kind: String,
    pub country: Option<String>,
    pub region: Option<String>,
    pub city: Option<String>,
    pub postal_code: Option<String>,
    pub address_line: Option<String>,
    pub zone: Option<String>,
    pub language: Option<String>,
    pub terms: Option<String>,
    /// Login of the agent who owns the relation.
    pub owner: Option<String>,
}

/// Whom to talk to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactFacts {
    /// Name; where the file gives none, that of the account.
    pub name: String,
    /// Role at the account.
    pub role: String,
    /// Email address.
    pub email: Option<String>,
    /// Numbers with their labels, in the order in which they are tried.
    pub phones: Vec<(Phone, String)>,
}

/// An invoice instalment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Invoice number.
    pub number: String,
    /// What the source counts its invoices by, where numbers begin anew, as in `1000/2026`, `2026` or `1000/`; empty where
    /// the file does not say.
    pub series: String,
    /// Which instalment, from 1.
    pub seq: i16,
    /// Invoice date.
    pub issued_on: NaiveDate,
    /// Due date.
    pub due_on: NaiveDate,
    /// Minor units; negative for a credit note, 0 where nothing is owed.
    pub minor: i64,
    /// The debtor's order.
    pub po_number: Option<String>,
    /// If it is disputed.
    pub disputed: Option<Disputed>,
    /// What was paid on or before the portfolio's day.
    pub paid: Option<Paid>,
}

/// What is contested of an item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disputed {
    /// Why.
    pub reason: String,
    /// Minor units, more than 0; `None`, or more than is open: all that is open.
    pub minor: Option<i64>,
}

/// A payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paid {
    /// When.
    pub on: NaiveDate,
    /// Minor units; `None`: all that was left.
    pub minor: Option<i64>,
}

/// A promise that was taken before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromiseFacts {
    /// When it was taken.
    pub taken_on: NaiveDate,
    /// When payment was promised for.
    pub due_on: NaiveDate,
    /// Minor units.
    pub minor: i64,
    /// `open`, `kept`, `partially_kept`, `broken` or `cancelled`.
    pub status: String,
}

impl Item {
    /// What the file knows the invoice by.
    pub(super) fn name(&self) -> Cow<'_, str> {
        if self.series.is_empty() {
            Cow::Borrowed(&self.number)
        } else {
            Cow::Owned(format!("{}/{}", self.series, self.number))
        }
    }
}
