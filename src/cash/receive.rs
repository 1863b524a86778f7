//! Money that comes in one by one: recorded, and applied by the rules or as somebody says.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::{Unapplied, plan, run, store};
use crate::{
    allocation::{Proposal, Remitted},
    error::{Error, Result},
    ids::{AccountId, InstalmentId, PaymentId, UserId},
    ledger::{self, NewPayment, Way},
    money::Money,
    period,
};

/// Lines of a remittance advice at most.
const MOST_REMITTED: usize = 1_000;

/// Money that came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// Whose.
    pub account: AccountId,
    /// More than 0, in the account's currency.
    pub amount: Money,
    /// When; not later than today.
    pub received_on: NaiveDate,
    /// How: `transfer`, `card`, `cheque` …, 1 to 40 characters.
    pub method: String,
    /// What the payer wrote, at most 500 characters.
    #[serde(default)]
    pub reference: String,
    /// What the payer says it is for.
    #[serde(default)]
    pub remitted: Vec<Remitted>,
    /// What is done with it.
    #[serde(default)]
    pub apply: Apply,
}

/// What is done with money that came in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Apply {
    /// The rules say what it is for.
    #[default]
    Rules,
    /// It stays on the account.
    OnAccount,
    /// So many minor units of each item.
    Items(Vec<(InstalmentId, i64)>),
}

/// A payment that was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Received {
    /// The payment.
    pub payment: PaymentId,
    /// What the rules did with it; `None`: they were not asked.
    pub proposal: Option<Proposal>,
}

/// Says what the rules would do with a payment; changes nothing.
///
/// # Errors
/// [`Error::Invalid`] or [`Error::NotFound`].
pub async fn preview(conn: &mut PgConnection, receipt: &Receipt, today: NaiveDate) -> Result<Proposal> {
    checked(receipt, today)?;
    let books = store::books(conn, &[receipt.account]).await?;
    let of = Unapplied {
        payment: PaymentId(uuid::Uuid::nil()),
        account: receipt.account,
        minor: receipt.amount.minor,
        reference: receipt.reference.clone(),
        remitted: receipt.remitted.clone(),
    };
    plan(&books, vec![of], today)?.pop().map(|planned| planned.proposal).ok_or(Error::NotFound("account"))
}

/// Looks for what is wrong with money before anybody is asked whether it may be recorded.
///
/// # Errors
/// As [`receive`].
pub async fn check(conn: &mut PgConnection, receipt: &Receipt, today: NaiveDate) -> Result<()> {
    checked(receipt, today)?;
    in_currency(conn, receipt).await?;
    period::refuse_closed(conn, receipt.account, receipt.received_on).await
}

/// Locks the account, and passes if the money is in its currency.
async fn in_currency(conn: &mut PgConnection, receipt: &Receipt) -> Result<()> {
    let currency = ledger::store::lock_account(conn, receipt.account).await?;
    if receipt.amount.currency == currency {
        Ok(())
    } else {
        Err(Error::invalid("amount.currency", format!("the account is in {currency}")))
    }
}

/// Records a payment and applies it.
///
/// # Errors
/// [`Error::Invalid`] for what is wrong or more than is open, [`Error::Conflict`] if its day is closed; nothing is
/// recorded then.
pub async fn receive(
    conn: &mut PgConnection,
    receipt: &Receipt,
    by: UserId,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Received> {
    checked(receipt, today)?;
    period::refuse_closed(conn, receipt.account, receipt.received_on).await?;
    book(conn, receipt, receipt.received_on, by, today, now).await
}

/// Records money that the bank has, whatever our books say: if its day lies in a closed period, it counts for the first
/// day that is open, and was received when it was.
///
/// # Errors
/// As [`receive`], but not for a closed day.
pub(super) async fn receive_late(
    conn: &mut PgConnection,
    receipt: &Receipt,
    by: UserId,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Received> {
    checked(receipt, today)?;
    let counts_on = period::first_open(conn, receipt.account, receipt.received_on).await?;
    book(conn, receipt, counts_on, by, today, now).await
}

async fn book(
    conn: &mut PgConnection,
    receipt: &Receipt,
    counts_on: NaiveDate,
    by: UserId,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Received> {
    in_currency(conn, receipt).await?;
    let new = NewPayment {
        account: receipt.account,
        amount: receipt.amount,
        received_on: receipt.received_on,
        method: receipt.method.clone(),
        reference: receipt.reference.clone(),
    };
    let payment = ledger::store::record_payment_on(conn, &new, counts_on, now).await?;
    store::note_received(conn, payment, &receipt.remitted, by).await?;
    store::differences::open_if_twice(conn, payment, now).await?;
    let proposal = match &receipt.apply {
        Apply::Rules => Some(by_rules(conn, receipt, payment, by, today, now).await?),
        Apply::OnAccount => None,
        Apply::Items(items) => {
            for (instalment, minor) in items {
                let way = Way::specified("Chosen by hand.", Some(by));
                ledger::store::allocate_with(conn, payment.into(), *instalment, *minor, &way, today, now).await?;
            }
            None
        }
    };
    ledger::posted(conn, &[receipt.account], today, now).await?;
    Ok(Received { payment, proposal })
}

async fn by_rules(
    conn: &mut PgConnection,
    receipt: &Receipt,
    payment: PaymentId,
    by: UserId,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Proposal> {
    let books = store::books(conn, &[receipt.account]).await?;
    let of = Unapplied {
        payment,
        account: receipt.account,
        minor: receipt.amount.minor,
        reference: receipt.reference.clone(),
        remitted: receipt.remitted.clone(),
    };
    let planned = plan(&books, vec![of], today)?;
    run::write(conn, &planned, Some(by), today, now).await?;
    planned.into_iter().next().map(|planned| planned.proposal).ok_or(Error::NotFound("account"))
}

fn checked(receipt: &Receipt, today: NaiveDate) -> Result<()> {
    if receipt.amount.minor <= 0 {
        return Err(Error::invalid("amount", "more than 0"));
    }
    if receipt.received_on > today {
        return Err(Error::invalid("received_on", format!("not later than {today}")));
    }
    if !(1..=40).contains(&receipt.method.chars().count()) {
        return Err(Error::invalid("method", "1 to 40 characters"));
    }
    if receipt.reference.chars().count() > 500 {
        return Err(Error::invalid("reference", "at most 500 characters"));
    }
    if receipt.remitted.len() > MOST_REMITTED {
        return Err(Error::invalid("remitted", "at most 1000 lines"));
    }
    if receipt.remitted.iter().any(|line| line.minor.is_some_and(|minor| minor <= 0)) {
        return Err(Error::invalid("remitted.minor", "more than 0"));
    }
    Ok(())
}
