//! Closed periods in Postgres.

use chrono::NaiveDate;
use sqlx::PgConnection;

use crate::{error::Result, ids::AccountId};

/// The last day through which the books of a portfolio are closed.
///
/// # Errors
/// Those of Postgres.
pub async fn locked_through(conn: &mut PgConnection, portfolio: &str) -> Result<Option<NaiveDate>> {
    Ok(sqlx::query_scalar!(
        "SELECT max(locked_through) FROM period_close WHERE portfolio = $1 AND reopened_at IS NULL",
        portfolio
    )
    .fetch_one(conn)
    .await?)
}

/// The same, for the portfolio of an account.
pub(super) async fn locked_for(conn: &mut PgConnection, account: AccountId) -> Result<Option<NaiveDate>> {
    Ok(sqlx::query_scalar!(
        "SELECT max(c.locked_through) FROM account a
         JOIN period_close c ON c.portfolio = a.portfolio AND c.reopened_at IS NULL WHERE a.id = $1",
        account.0
    )
    .fetch_one(conn)
    .await?)
}
