//! Cash runs: proposals for a batch of payments, shown first, and then applied exactly as shown. If anything they were
//! made of has changed in between, nothing is applied.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::{Book, Planned, plan, store};
use crate::{
    allocation::Proposal,
    db,
    error::{Error, Result},
    ids::{AccountId, CashRunId, PaymentId, UserId},
    ledger,
    money::Money,
};

/// Payments of a run at most: it is applied in one transaction.
pub const MOST_PAYMENTS: i64 = 5_000;

/// A run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Run {
    /// Its id.
    pub id: CashRunId,
    /// Whose payments.
    pub portfolio: String,
    /// `previewed`, `applied` or `discarded`.
    pub state: String,
    /// The day of which it is.
    pub on_day: NaiveDate,
    /// Who made it.
    pub made_by: Option<UserId>,
    /// When.
    pub made_at: DateTime<Utc>,
    /// Who applied or discarded it.
    pub decided_by: Option<UserId>,
    /// When.
    pub decided_at: Option<DateTime<Utc>>,
    /// Payments.
    pub payments: i64,
    /// Payments for which a rule fits.
    pub fitting: i64,
}

/// What is proposed for a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RunLine {
    /// Its place in the run.
    pub nth: i32,
    /// The payment.
    pub payment: PaymentId,
    /// Whose it is.
    pub account: AccountId,
    /// The account's number.
    pub account_number: String,
    /// What is left of the payment.
    pub amount: Money,
    /// What the payer wrote.
    pub reference: String,
    /// What to do with it, and why.
    pub proposal: Proposal,
}

/// Proposes what to do with the unapplied payments of a portfolio, account by account, those of an account the oldest
/// first, at most 5000; changes nothing else. `after`: go on after this account, the last one of the run before.
///
/// # Errors
/// Those of Postgres.
pub async fn preview(
    conn: &mut PgConnection,
    portfolio: &str,
    after: Option<AccountId>,
    by: Option<UserId>,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<CashRunId> {
    let policies = store::runs::policies(conn, portfolio).await?;
    let payments = store::unapplied(conn, portfolio, after, MOST_PAYMENTS).await?;
    let accounts = accounts(payments.iter().map(|payment| payment.account));
    let books = books(conn, &accounts).await?;
    let planned = plan(&books, payments, today)?;
    let id = CashRunId::generate();
    store::runs::insert(conn, id, (portfolio, &policies), &planned, by, today, now).await?;
    Ok(id)
}

/// Applies a run as it was shown; gives how many payments found something.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] if it was applied or discarded, if the day is another one, or if something
/// changed in between: then nothing is applied, and the run has to be made anew.
pub async fn apply(
    conn: &mut PgConnection,
    id: CashRunId,
    by: Option<UserId>,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<usize> {
    if store::runs::decide(conn, id, "applied", by, now).await? != Some(today) {
        return Err(Error::Conflict("no run of today that was not applied or discarded".to_owned()));
    }
    let shown = store::runs::planned(conn, id).await?;
    let accounts = accounts(shown.iter().map(|planned| planned.of.account));
    store::lock(conn, &accounts).await?;
    let moved = store::runs::moved(conn, id).await?;
    let changed = changed(conn, &shown, &moved, today).await?;
    if changed > 0 {
        let detail = format!("{changed} payments are not as they were shown: make the run anew; nothing was applied");
        return Err(Error::Conflict(detail));
    }
    write(conn, &shown, by, today, now).await
}

/// How many payments are not as they were shown. Only accounts that have `moved` since are worked out again: what happened
/// may be a promise, which touches no payment.
async fn changed(
    conn: &mut PgConnection,
    shown: &[Planned],
    moved: &BTreeSet<AccountId>,
    today: NaiveDate,
) -> Result<usize> {
    let shown: Vec<&Planned> = shown.iter().filter(|planned| moved.contains(&planned.of.account)).collect();
    if shown.is_empty() {
        return Ok(0);
    }
    let books = books(conn, &moved.iter().copied().collect::<Vec<_>>()).await?;
    let payments = store::still_unapplied(conn, &shown).await?;
    let again = plan(&books, payments, today)?;
    let differ = shown.iter().zip(&again).filter(|(shown, again)| shown.fingerprint != again.fingerprint).count();
    Ok(shown.len().abs_diff(again.len()) + differ)
}

/// Writes proposals that fit what is open, and brings what hangs on them up to date. The accounts are locked.
pub(super) async fn write(
    conn: &mut PgConnection,
    planned: &[Planned],
    by: Option<UserId>,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<usize> {
    store::runs::write(conn, planned, by, today, now).await?;
    store::differences::open_left_over(conn, planned, now).await?;
    let fitting = || planned.iter().filter(|planned| planned.proposal.mode.is_some());
    let touched = accounts(fitting().map(|planned| planned.of.account));
    if !touched.is_empty() {
        ledger::posted(conn, &touched, today, now).await?;
    }
    Ok(fitting().count())
}

async fn books(conn: &mut PgConnection, accounts: &[AccountId]) -> Result<BTreeMap<AccountId, Book>> {
    db::plan_for_many(conn).await?;
    let books = store::books(conn, accounts).await?;
    db::plan_as_usual(conn).await?;
    Ok(books)
}

fn accounts(of: impl Iterator<Item = AccountId>) -> Vec<AccountId> {
    let mut accounts: Vec<AccountId> = of.collect();
    accounts.sort_unstable();
    accounts.dedup();
    accounts
}
