//! The documents behind postings. Each is posted once, by somebody, for a reason, and taken back by a reversal.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ids::{AccountId, AdjustmentId, CreditNoteId, DisputeId, InstalmentId, InvoiceId, PaymentId, RefundId, UserId},
    money::Money,
    named::named,
};

/// A credit note: less is owed. What of it goes to no item is left on the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreditNote {
    /// Whose.
    pub account: AccountId,
    /// Unique for the account's credit notes, 1 to 64 characters.
    pub number: String,
    /// More than 0, in the account's currency.
    pub amount: Money,
    /// Which items it is for and how many minor units of each; together no more than the amount.
    #[serde(default)]
    pub items: Vec<(InstalmentId, i64)>,
    /// Why, 1 to 500 characters.
    pub reason: String,
    /// The dispute that it settles.
    #[serde(default)]
    pub dispute: Option<DisputeId>,
}

/// What an adjustment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdjustmentKind {
    /// Given up as a bad debt.
    WriteOff,
    /// Too little to ask for.
    SmallBalance,
    /// Earned by paying early, or granted.
    Discount,
    /// Kept by a bank on the way.
    BankCharge,
    /// Deducted by the debtor, and accepted.
    ShortPay,
    /// For being late; more is owed.
    Interest,
    /// For being late; more is owed.
    Fee,
    /// Interest or fees, forgiven.
    Waiver,
}

named!(AdjustmentKind {
    WriteOff => "write_off", SmallBalance => "small_balance", Discount => "discount", BankCharge => "bank_charge",
    ShortPay => "short_pay", Interest => "interest", Fee => "fee", Waiver => "waiver",
});

impl AdjustmentKind {
    /// More is owed after it.
    #[must_use]
    pub fn raises(self) -> bool {
        matches!(self, Self::Interest | Self::Fee)
    }
}

/// A change of one item that is neither invoice, payment nor credit note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Adjustment {
    /// Whose.
    pub account: AccountId,
    /// Of which item.
    pub instalment: InstalmentId,
    /// What it is.
    pub kind: AdjustmentKind,
    /// More than 0; what lowers an item, no more than is open of it.
    pub amount: Money,
    /// Why, 1 to 500 characters.
    pub reason: String,
    /// Who approved it, where it is above the limit of whoever posts it.
    #[serde(default)]
    pub approved_by: Option<UserId>,
}

/// Where what is applied or paid back comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A payment.
    Payment(PaymentId),
    /// A credit note.
    CreditNote(CreditNoteId),
}

impl Source {
    /// The payment, if it is one.
    #[must_use]
    pub fn payment(self) -> Option<PaymentId> {
        if let Self::Payment(payment) = self { Some(payment) } else { None }
    }

    /// The credit note, if it is one.
    #[must_use]
    pub fn credit_note(self) -> Option<CreditNoteId> {
        if let Self::CreditNote(note) = self { Some(note) } else { None }
    }
}

impl From<PaymentId> for Source {
    fn from(payment: PaymentId) -> Self {
        Self::Payment(payment)
    }
}

impl From<CreditNoteId> for Source {
    fn from(note: CreditNoteId) -> Self {
        Self::CreditNote(note)
    }
}

/// Money paid back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Refund {
    /// Whose.
    pub account: AccountId,
    /// From what.
    pub source: Source,
    /// More than 0 and no more than is unapplied of it.
    pub amount: Money,
    /// Why, 1 to 500 characters.
    pub reason: String,
}

/// Something that was posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Document {
    /// A payment.
    Payment(PaymentId),
    /// A credit note.
    CreditNote(CreditNoteId),
    /// An adjustment.
    Adjustment(AdjustmentId),
    /// A refund.
    Refund(RefundId),
    /// An invoice.
    Invoice(InvoiceId),
}

/// The taking back of something that was posted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reversal {
    /// What is taken back.
    pub document: Document,
    /// Why, 1 to 500 characters.
    pub reason: String,
    /// A payment that the bank returned; otherwise it was a mistake.
    #[serde(default)]
    pub returned: bool,
}

/// What has become of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentState {
    /// It has come in; the bank may still return it.
    Received,
    /// The bank has it for good.
    Cleared,
    /// The bank returned it: no funds, a closed account, a wish of the payer.
    Returned,
    /// It was recorded by mistake.
    Reversed,
}

named!(PaymentState { Received => "received", Cleared => "cleared", Returned => "returned", Reversed => "reversed" });
