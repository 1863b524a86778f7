//! What the shutdown waits for.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use crate::error::Result;

/// Number of calls dialled before a moment whose debtor may yet pick up or is waiting for an agent.
pub(super) async fn unbridged(db: &PgPool, dialled_before: DateTime<Utc>) -> Result<i64> {
    let calls = sqlx::query_scalar!(
        r#"SELECT count(*) AS "calls!" FROM call
           WHERE live AND state IN ('dialing', 'ringing', 'answered', 'held') AND created_at <= $1"#,
        dialled_before,
    )
    .fetch_one(db)
    .await?;
    Ok(calls)
}
