//! The rows of the outbox.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, PgPool};

use super::{Effect, Lane};
use crate::error::{Error, Result};

/// A row that this worker may carry out until the claim runs out.
#[derive(Debug)]
pub(super) struct Claimed {
    pub(super) id: i64,
    pub(super) version: i64,
    /// Tries so far, this one included.
    pub(super) attempts: i32,
    pub(super) effect: Effect,
}

/// Effects as columns. Sorted, and each key once: two transactions that enqueue the same keys take the row locks in the
/// same order.
pub(crate) struct Rows {
    pub(crate) keys: Vec<String>,
    pub(crate) lanes: Vec<String>,
    pub(crate) payloads: Vec<serde_json::Value>,
}

impl Rows {
    pub(crate) fn of(effects: &[Effect]) -> Result<Self> {
        let mut rows: Vec<(String, &Effect)> = effects.iter().map(|effect| (effect.key(), effect)).collect();
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        rows.dedup_by(|a, b| a.0 == b.0);
        let lanes = rows.iter().map(|(_, effect)| effect.lane().as_str().to_owned()).collect();
        let payloads = rows.iter().map(|(_, effect)| serde_json::to_value(effect)).collect::<Result<_, _>>();
        let payloads = payloads.map_err(Error::internal("writing an effect"))?;
        Ok(Self { keys: rows.into_iter().map(|(key, _)| key).collect(), lanes, payloads })
    }
}

pub(super) async fn enqueue(conn: &mut PgConnection, effects: &[Effect], now: DateTime<Utc>) -> Result<()> {
    if effects.is_empty() {
        return Ok(());
    }
    let rows = Rows::of(effects)?;
    sqlx::query!(
        "INSERT INTO outbox (dedupe_key, lane, payload, created_at, run_at)
         SELECT key, lane, payload, $4, $4 FROM unnest($1::text[], $2::text[], $3::jsonb[]) AS new (key, lane, payload)
         ON CONFLICT (dedupe_key) DO UPDATE
         SET version = outbox.version + 1, attempts = 0, failed_at = NULL, run_at = excluded.run_at",
        &rows.keys,
        &rows.lanes,
        &rows.payloads,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Claims up to `limit` rows that are due. Never waits for a row that another worker or transaction holds.
///
/// Materialized: as a part of the join, the choice would be made anew for every row that it is joined with, and the
/// limit would be none.
pub(super) async fn claim(
    db: &PgPool,
    lane: Lane,
    limit: i64,
    now: DateTime<Utc>,
    claim: TimeDelta,
) -> Result<Vec<Claimed>> {
    let rows = sqlx::query!(
        "WITH due AS MATERIALIZED (
             SELECT id FROM outbox
             WHERE lane = $1 AND failed_at IS NULL AND run_at <= $2 AND (claimed_until IS NULL OR claimed_until <= $2)
             ORDER BY run_at, id LIMIT $4 FOR UPDATE SKIP LOCKED)
         UPDATE outbox SET claimed_until = $3, attempts = attempts + 1 FROM due WHERE outbox.id = due.id
         RETURNING outbox.id, version, attempts, payload",
        lane.as_str(),
        now,
        now + claim,
        limit
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let effect = serde_json::from_value(row.payload).map_err(Error::internal("reading an effect"))?;
            Ok(Claimed { id: row.id, version: row.version, attempts: row.attempts, effect })
        })
        .collect()
}

/// Takes away what was carried out; a row that was enqueued again meanwhile becomes free to be carried out once more.
pub(super) async fn settle(db: &PgPool, rows: &[&Claimed]) -> Result<()> {
    let (ids, versions): (Vec<i64>, Vec<i64>) = rows.iter().map(|row| (row.id, row.version)).unzip();
    // Never waits for a row: a transaction that enqueues holds some and may want others of ours.
    let gone = sqlx::query_scalar!(
        "WITH free AS (
             SELECT outbox.id FROM outbox
             JOIN unnest($1::bigint[], $2::bigint[]) AS done (id, version)
                 ON outbox.id = done.id AND outbox.version = done.version
             FOR UPDATE OF outbox SKIP LOCKED)
         DELETE FROM outbox USING free WHERE outbox.id = free.id RETURNING outbox.id",
        &ids,
        &versions
    )
    .fetch_all(db)
    .await?;
    if gone.len() < rows.len() {
        let gone: HashSet<i64> = gone.into_iter().collect();
        for row in rows.iter().filter(|row| !gone.contains(&row.id)) {
            settle_one(db, row).await?;
        }
    }
    Ok(())
}

async fn settle_one(db: &PgPool, row: &Claimed) -> Result<()> {
    let gone = sqlx::query!("DELETE FROM outbox WHERE id = $1 AND version = $2", row.id, row.version)
        .execute(db)
        .await?
        .rows_affected();
    if gone == 0 {
        sqlx::query!("UPDATE outbox SET claimed_until = NULL WHERE id = $1", row.id).execute(db).await?;
    }
    Ok(())
}

/// Notes a failure: try again at `retry_at`, or give up.
pub(super) async fn fail(
    db: &PgPool,
    row: &Claimed,
    error: &str,
    retry_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<()> {
    let failed_at = retry_at.is_none().then_some(now);
    sqlx::query!(
        "UPDATE outbox SET claimed_until = NULL, last_error = $3,
             run_at = CASE WHEN version = $2 THEN coalesce($4, run_at) ELSE run_at END,
             failed_at = CASE WHEN version = $2 THEN $5 ELSE failed_at END
         WHERE id = $1",
        row.id,
        row.version,
        error,
        retry_at,
        failed_at
    )
    .execute(db)
    .await?;
    Ok(())
}
