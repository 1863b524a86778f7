//! Periods of the books: closed, a month or a year is what it is.
//!
//! A [`close`] looks through a list of what is still open ([`checklist`]), locks the portfolio through the period's last
//! day, and keeps its aging and control totals, sealed by a hash. A period that is reopened, with a reason, can be closed
//! again; what came of it is the [`difference`], posting by posting and figure by figure.
//!
//! Whatever posts asks [`refuse_closed`] first, for an error that says what to do. The database refuses on its own as
//! well, in a trigger on postings and allocations.

mod calendar;
pub mod checklist;
pub mod difference;
pub mod store;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

pub use self::{calendar::Period, store::locked_through};
use self::{
    checklist::{Finding, FindingKind},
    store::NewClose,
};
use crate::{
    agent::{Principal, Role},
    app::App,
    error::{Error, Result},
    ids::{AccountId, CloseId, UserId},
    money::Currency,
    report::{self, aging::Parts},
};

/// A close of a period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Close {
    /// Its id.
    pub id: CloseId,
    /// Whose books.
    pub portfolio: String,
    /// The month (`2026-02`) or year (`2026`).
    #[schema(value_type = String, example = "2026-02")]
    pub period: Period,
    /// Nothing gets a business date up to this day while the close stands.
    pub locked_through: NaiveDate,
    /// What was found before, and which of it was accepted.
    pub checklist: Vec<Finding>,
    /// Why what was found was accepted.
    pub note: String,
    /// By whom.
    pub closed_by: Option<UserId>,
    /// When.
    pub closed_at: DateTime<Utc>,
    /// The reopened close of the same period that this one follows.
    pub follows: Option<CloseId>,
    /// When it was reopened; absent: it stands.
    pub reopened_at: Option<DateTime<Utc>>,
    /// By whom it was reopened.
    pub reopened_by: Option<UserId>,
    /// Why it was reopened.
    pub reopen_reason: Option<String>,
    /// SHA-256 over the figures that are kept, in hexadecimal digits.
    pub content_hash: String,
}

/// What a period came to in one currency, minor units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = PeriodTotal)]
pub struct Total {
    /// The currency.
    pub currency: Currency,
    /// The last day of each bucket but the last.
    pub ends: Vec<i32>,
    /// Accounts that owed or were owed.
    pub accounts: i64,
    /// What was owed by age, by due date.
    #[serde(flatten)]
    pub parts: Parts,
    /// The sum of all postings up to the last day.
    pub control_minor: i64,
    /// Invoiced in the period.
    pub invoiced_minor: i64,
    /// Paid in the period, what was taken back taken off; negative lowers what is owed.
    pub paid_minor: i64,
    /// Credited in the period; negative.
    pub credited_minor: i64,
    /// Adjusted and refunded in the period.
    pub adjusted_minor: i64,
    /// Postings up to the last day.
    pub postings: i64,
    /// Allocations up to the last day.
    pub allocations: i64,
}

/// Which period is to be closed.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ToClose {
    /// Whose books.
    pub portfolio: String,
    /// The month (`2026-02`) or year (`2026`); it is over.
    #[schema(value_type = String, example = "2026-02")]
    pub period: Period,
    /// What the check list found and is closed over all the same.
    #[serde(default)]
    pub accept: Vec<FindingKind>,
    /// Why; required where something is accepted. At most 1000 characters.
    #[serde(default)]
    pub note: String,
    /// The set of buckets that its aging is kept by; the house's usual one unless given.
    #[serde(default)]
    pub buckets: Option<String>,
}

/// Closes a period. By supervisors. While it works out the figures, what would be posted waits.
///
/// # Errors
/// [`Error::Invalid`] for a period that is not over or a missing note, [`Error::NotFound`] for a set of buckets that there is
/// not, [`Error::Conflict`] if the books are closed through it already or something on the list is neither done nor accepted.
pub async fn close(app: &App, by: &Principal, wanted: &ToClose) -> Result<Close> {
    by.must_be(Role::Supervisor)?;
    let (now, last_day) = (app.clock.now(), wanted.period.last_day());
    if last_day >= app.clock.business_date() {
        return Err(Error::invalid("period", format!("over: its last day is {last_day}")));
    }
    if wanted.note.chars().count() > 1000 || (wanted.note.trim().is_empty() && !wanted.accept.is_empty()) {
        return Err(Error::invalid("note", "1 to 1000 characters where something is accepted"));
    }
    let mut tx = app.db.begin().await?;
    store::wait_for_postings(&mut tx).await?;
    if !store::portfolio_exists(&mut tx, &wanted.portfolio).await? {
        return Err(Error::NotFound("portfolio"));
    }
    refuse_twice(&mut tx, wanted).await?;
    let buckets = report::store::sets::choose(&mut tx, wanted.buckets.as_deref()).await?;
    let mut findings = checklist::of(&mut tx, &wanted.portfolio, last_day, now).await?;
    checklist::accept(&mut findings, &wanted.accept)?;
    let new = NewClose {
        id: CloseId::generate(),
        portfolio: &wanted.portfolio,
        period: wanted.period,
        findings: &findings,
        ends: &buckets.ends,
        note: wanted.note.trim(),
        by: by.user,
        now,
    };
    store::keep(&mut tx, &new).await?;
    let close = store::get(&mut tx, new.id).await?;
    tx.commit().await?;
    Ok(close)
}

/// A year may be closed after its last month, and nothing else twice or before what is closed.
async fn refuse_twice(conn: &mut PgConnection, wanted: &ToClose) -> Result<()> {
    let last_day = wanted.period.last_day();
    for standing in store::standing(conn, &wanted.portfolio).await? {
        if standing.period == wanted.period || standing.locked_through > last_day {
            let (period, through) = (standing.period, standing.locked_through);
            return Err(Error::Conflict(format!("the books are closed through {through}, with period {period}")));
        }
    }
    Ok(())
}

/// Reopens the period that was closed last. By administrators.
///
/// # Errors
/// [`Error::Invalid`] without a reason of 1 to 1000 characters; [`Error::Conflict`] if it is open, or a later period is
/// closed and has to be reopened first.
pub async fn reopen(app: &App, by: &Principal, id: CloseId, reason: &str) -> Result<Close> {
    by.must_be(Role::Admin)?;
    let reason = reason.trim();
    if !(1..=1000).contains(&reason.chars().count()) {
        return Err(Error::invalid("reason", "1 to 1000 characters"));
    }
    let mut tx = app.db.begin().await?;
    store::wait_for_postings(&mut tx).await?;
    let close = store::get(&mut tx, id).await?;
    if close.reopened_at.is_some() {
        return Err(Error::Conflict("the period has been reopened".to_owned()));
    }
    let standing = store::standing(&mut tx, &close.portfolio).await?;
    // Closed in the order of their last days, the year after its last month.
    if let Some(last) = standing.last().filter(|last| last.id != id) {
        return Err(Error::Conflict(format!("period {} was closed later: reopen it first", last.period)));
    }
    store::reopen(&mut tx, id, by.user, reason, app.clock.now()).await?;
    let close = store::get(&mut tx, id).await?;
    tx.commit().await?;
    Ok(close)
}

/// Passes if something with this business date may be posted to the account.
///
/// # Errors
/// [`Error::Conflict`] that names the day through which the books of the account's portfolio are closed.
pub async fn refuse_closed(conn: &mut PgConnection, account: AccountId, business_date: NaiveDate) -> Result<()> {
    match store::locked_for(conn, account).await? {
        Some(through) if business_date <= through => Err(Error::Conflict(closed(business_date, through))),
        _ => Ok(()),
    }
}

/// The first day from `business_date` on to which something may be posted to the account.
///
/// # Errors
/// Those of Postgres.
pub async fn first_open(conn: &mut PgConnection, account: AccountId, business_date: NaiveDate) -> Result<NaiveDate> {
    let through = store::locked_for(conn, account).await?;
    let next = through.and_then(|through| through.succ_opt());
    Ok(next.map_or(business_date, |next| next.max(business_date)))
}

/// Why nothing is posted to a day.
#[must_use]
pub fn closed(day: NaiveDate, through: NaiveDate) -> String {
    format!("{day} lies in a closed period: the books are closed through {through}")
}
