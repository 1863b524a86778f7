//! What came of a reopened period: posting by posting, and figure by figure.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::{Total, store};
use crate::{
    error::Result,
    ids::{AccountId, CloseId},
    money::Money,
};

/// Lines of a difference that are shown; there is the count of all of them.
pub const MOST_LINES: i64 = 1000;

/// What lies in a period and came after it was first closed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Difference {
    /// The close that was reopened.
    pub before: CloseId,
    /// The close that followed; absent: the period has not been closed again.
    pub after: Option<CloseId>,
    /// What the reopened close had found, by currency.
    pub totals_before: Vec<Total>,
    /// What the next one found.
    pub totals_after: Vec<Total>,
    /// How many postings and allocations came in between.
    pub count: i64,
    /// The first 1000 of them.
    pub lines: Vec<Line>,
    /// How many accounts' figures differ between the two closes, and the first 1000 of these.
    pub accounts_changed: i64,
    /// Accounts whose balances differ.
    pub accounts: Vec<AccountChange>,
}

/// A posting or allocation that came later.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PeriodLine)]
pub struct Line {
    /// `posting` or `allocation`.
    pub what: String,
    /// Its id.
    pub id: i64,
    /// Whose.
    pub account: AccountId,
    /// The account's number.
    pub number: String,
    /// Kind of a posting, or how an allocation came about.
    pub kind: String,
    /// The amount.
    pub amount: Money,
    /// The day it belongs to.
    pub business_date: NaiveDate,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// The posting or allocation that it takes back.
    pub reverses: Option<i64>,
}

/// An account whose kept figures differ.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AccountChange {
    /// The account.
    pub account: AccountId,
    /// Its number.
    pub number: String,
    /// What it owed by the first close.
    pub before: Money,
    /// What it owed by the second.
    pub after: Money,
}

/// The difference of a reopened close to the one that followed, or to now.
///
/// # Errors
/// [`crate::error::Error::NotFound`], [`crate::error::Error::Conflict`] if the close was never reopened.
pub async fn of(conn: &mut PgConnection, id: CloseId) -> Result<Difference> {
    let before = store::marks(conn, id).await?;
    let after = match before.followed_by {
        Some(after) => Some(store::marks(conn, after).await?),
        None => None,
    };
    let (count, lines) = store::later_lines(conn, &before, after.as_ref()).await?;
    let (accounts_changed, accounts) = match &after {
        Some(after) => store::changed_accounts(conn, id, after.id).await?,
        None => (0, Vec::new()),
    };
    Ok(Difference {
        before: id,
        after: after.as_ref().map(|after| after.id),
        totals_before: store::totals(conn, id).await?,
        totals_after: match &after {
            Some(after) => store::totals(conn, after.id).await?,
            None => Vec::new(),
        },
        count,
        lines,
        accounts_changed,
        accounts,
    })
}
