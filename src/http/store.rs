//! The figures of operation that are read from Postgres.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use crate::error::Result;

/// State of the outbox.
#[derive(Debug)]
pub struct Outbox {
    /// Effects that wait to be carried out.
    pub waiting: i64,
    /// Of those, due since before the given moment.
    pub overdue: i64,
    /// Effects that were given up.
    pub failed: i64,
}

/// Counts the outbox; `overdue` counts what was due before that moment.
pub async fn outbox(db: &PgPool, overdue: DateTime<Utc>) -> Result<Outbox> {
    let row = sqlx::query_as!(
        Outbox,
        r#"SELECT count(*) FILTER (WHERE failed_at IS NULL) AS "waiting!",
                  count(*) FILTER (WHERE failed_at IS NULL AND run_at < $1) AS "overdue!",
                  count(*) FILTER (WHERE failed_at IS NOT NULL) AS "failed!"
           FROM outbox"#,
        overdue
    );
    Ok(row.fetch_one(db).await?)
}

/// Calls that are not done, by state.
pub async fn calls_by_state(db: &PgPool) -> Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(r#"SELECT state, count(*) AS "count!" FROM call WHERE live GROUP BY state"#);
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (row.state, row.count)).collect())
}

/// Agents by state.
pub async fn agents_by_state(db: &PgPool) -> Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(r#"SELECT state, count(*) AS "count!" FROM agent GROUP BY state"#);
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (row.state, row.count)).collect())
}
