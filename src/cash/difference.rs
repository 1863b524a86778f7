//! Differences between what came and what was expected: each is worked to an end by somebody, and says how.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::{
    lines::BankLine,
    receive::{Apply, Receipt, Received, receive_late},
    store::{differences, lines::KnownPart},
};
use crate::{
    allocation::DifferenceKind,
    error::{Error, Result},
    ids::{AccountId, BankLineId, DifferenceId, InstalmentId, PaymentId, UserId},
    ledger::{self, Document, Reversal},
    money::Money,
    named::named,
};

/// How a difference was worked to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DifferenceOutcome)]
pub enum Outcome {
    /// The rest was paid.
    Collected,
    /// It was applied after all.
    Applied,
    /// It was given up.
    WrittenOff,
    /// It was credited.
    Credited,
    /// It was paid back.
    Refunded,
    /// It was moved to the account that it belongs to.
    Moved,
    /// The debtor disputes it.
    Disputed,
    /// It is right as it is.
    Explained,
    /// What it came from was taken back: a payment, or its application to an item.
    TakenBack,
}

named!(Outcome {
    Collected => "collected", Applied => "applied", WrittenOff => "written_off", Credited => "credited",
    Refunded => "refunded", Moved => "moved", Disputed => "disputed", Explained => "explained",
    TakenBack => "taken_back",
});

/// A difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Difference {
    /// Its id.
    pub id: DifferenceId,
    /// Whose customers.
    pub portfolio: String,
    /// Its kind.
    pub kind: DifferenceKind,
    /// The account, where it is known.
    pub account: Option<AccountId>,
    /// The account's number.
    pub account_number: Option<String>,
    /// The payment.
    pub payment: Option<PaymentId>,
    /// The item.
    pub instalment: Option<InstalmentId>,
    /// The bank line.
    pub bank_line: Option<BankLineId>,
    /// How much.
    pub amount: Money,
    /// Since when.
    pub opened_at: DateTime<Utc>,
    /// How it was worked to an end; `null` while it is open.
    pub outcome: Option<Outcome>,
    /// What was noted.
    pub note: String,
    /// Who closed it; `null` where a posting settled it.
    pub closed_by: Option<UserId>,
    /// When.
    pub closed_at: Option<DateTime<Utc>>,
}

pub(super) async fn open_unidentified(conn: &mut PgConnection, line: &BankLine, now: DateTime<Utc>) -> Result<()> {
    let new = differences::New {
        portfolio: &line.portfolio,
        kind: DifferenceKind::Unidentified,
        account: None,
        payment: None,
        line: Some(line.id),
        amount: Money::new(line.amount.minor.abs(), line.amount.currency),
    };
    differences::open(conn, &new, now).await
}

pub(super) async fn open_returned(
    conn: &mut PgConnection,
    line: &BankLine,
    account: AccountId,
    payment: PaymentId,
    now: DateTime<Utc>,
) -> Result<()> {
    let new = differences::New {
        portfolio: &line.portfolio,
        kind: DifferenceKind::Returned,
        account: Some(account),
        payment: Some(payment),
        line: Some(line.id),
        amount: Money::new(line.amount.minor.abs(), line.amount.currency),
    };
    differences::open(conn, &new, now).await
}

/// The bank told an entry again with another amount: `line` is what it says now, `was` the line of what it said before.
pub(super) async fn open_corrected(
    conn: &mut PgConnection,
    portfolio: &str,
    line: BankLineId,
    by: Money,
    was: &KnownPart,
    now: DateTime<Utc>,
) -> Result<()> {
    let kind = DifferenceKind::Corrected;
    let (account, payment) = (was.account, was.payment);
    let new = differences::New { portfolio, kind, account, payment, line: Some(line), amount: by };
    differences::open(conn, &new, now).await
}

pub(super) async fn close_of_line(
    conn: &mut PgConnection,
    line: BankLineId,
    outcome: &str,
    note: &str,
    by: UserId,
    now: DateTime<Utc>,
) -> Result<()> {
    differences::close_of_line(conn, line, outcome, note, by, now).await
}

/// Closes a difference.
///
/// # Errors
/// [`Error::Invalid`] without a note; [`Error::Conflict`] if there is no such open difference.
pub async fn close(
    conn: &mut PgConnection,
    id: DifferenceId,
    outcome: Outcome,
    note: &str,
    by: UserId,
    now: DateTime<Utc>,
) -> Result<()> {
    if !(1..=500).contains(&note.trim().chars().count()) {
        return Err(Error::invalid("note", "1 to 500 characters: how was it worked to an end?"));
    }
    if differences::close(conn, id, outcome.as_str(), note, by, now).await? {
        Ok(())
    } else {
        Err(Error::Conflict("no such open difference".to_owned()))
    }
}

/// Moves a payment to the account that it belongs to: it is taken back here and recorded there, of the day on which it was
/// received, and the difference that says so is closed. Where that day is closed, it counts for the first that is open.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Conflict`] if the payment no longer stands or is above the limit of `by`.
pub async fn move_payment(
    conn: &mut PgConnection,
    payment: PaymentId,
    to: AccountId,
    reason: &str,
    by: UserId,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Received> {
    let was = differences::payment(conn, payment).await?.ok_or(Error::NotFound("payment"))?;
    if was.account == to {
        return Err(Error::invalid("account", "it is there already"));
    }
    let new = differences::New {
        portfolio: &was.portfolio,
        kind: DifferenceKind::WrongCustomer,
        account: Some(was.account),
        payment: Some(payment),
        line: None,
        amount: was.amount,
    };
    differences::open(conn, &new, now).await?;
    differences::close_of_payment(conn, payment, "moved", reason, by, now).await?;
    let reversal = Reversal { document: Document::Payment(payment), reason: reason.to_owned(), returned: false };
    ledger::reverse(conn, &reversal, by, today, now).await?;
    let receipt = Receipt {
        account: to,
        amount: was.amount,
        received_on: was.received_on,
        method: was.method,
        reference: was.reference,
        remitted: Vec::new(),
        apply: Apply::Rules,
    };
    let received = receive_late(conn, &receipt, by, today, now).await?;
    differences::relink_line(conn, payment, received.payment, to).await?;
    Ok(received)
}
