//! The time line, in one query.

use sqlx::PgConnection;

use crate::{
    account::timeline::{Entry, Place},
    error::Result,
    ids::{AccountId, DecisionId},
};

/// At most `limit` entries, newest first, those before `before` only.
///
/// # Errors
/// If Postgres is not available.
pub async fn timeline(
    conn: &mut PgConnection,
    account: AccountId,
    before: Option<&Place>,
    limit: i64,
) -> Result<Vec<Entry>> {
    Ok(sqlx::query_file_as!(
        Entry,
        "src/account/store/timeline.sql",
        account.0,
        before.map(|place| place.0),
        before.map_or("", |place| place.1.as_str()),
        limit
    )
    .fetch_all(conn)
    .await?)
}
