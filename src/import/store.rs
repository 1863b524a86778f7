//! The import in Postgres. Rows travel as one JSON array a statement, so that a batch of thousands of rows costs some
//! twenty statements.

pub mod accounts;
pub mod items;
pub mod missing;

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet},
};

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::{
    error::Result,
    outbox::{self, Effect},
};

/// A file that is being taken in.
pub struct NewBatch<'a> {
    /// Id of the batch.
    pub id: Uuid,
    /// Portfolio.
    pub portfolio: &'a str,
    /// Name of the file, without its folder.
    pub file_name: &'a str,
    /// Its SHA-256.
    pub sha256: &'a [u8],
    /// Name of the mapping.
    pub mapping: &'a str,
    /// The portfolio's day.
    pub as_of: NaiveDate,
}

/// Rows by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Read from the file.
    pub read: u64,
    /// Of items, or customers, that were not known.
    pub new: u64,
    /// That changed something known.
    pub changed: u64,
    /// That agree with what is known.
    pub same: u64,
    /// Refused.
    pub rejected: u64,
    /// Of invoices not issued yet on the portfolio's day.
    pub not_issued: u64,
}

/// What a row is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Key<'a> {
    /// Account number.
    pub account: &'a str,
    /// What the file knows the invoice by; empty for the account itself.
    pub invoice: Cow<'a, str>,
    /// Instalment; 0 for the account itself.
    pub seq: i16,
    /// Line of the file.
    pub line: i64,
}

/// Notes that an import has begun, and forgets what imports that broke off a day ago had met.
pub async fn begin(conn: &mut PgConnection, batch: &NewBatch<'_>, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "DELETE FROM import_seen s USING import_batch b WHERE b.id = s.batch_id AND b.started_at < $1",
        now - chrono::TimeDelta::days(1)
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO import_batch (id, portfolio, file_name, file_sha256, mapping, as_of, started_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        batch.id,
        batch.portfolio,
        batch.file_name,
        batch.sha256,
        batch.mapping,
        batch.as_of,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that an import has ended.
pub async fn finish(conn: &mut PgConnection, batch: Uuid, counts: Counts, now: DateTime<Utc>) -> Result<()> {
    let count = |rows: u64| i64::try_from(rows).unwrap_or(i64::MAX);
    sqlx::query!(
        "UPDATE import_batch SET rows_read = $2, rows_new = $3, rows_changed = $4, rows_same = $5, rows_rejected = $6,
                finished_at = $7 WHERE id = $1",
        batch,
        count(counts.read),
        count(counts.new),
        count(counts.changed),
        count(counts.same),
        count(counts.rejected),
        now
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("DELETE FROM import_seen WHERE batch_id = $1", batch).execute(conn).await?;
    Ok(())
}

/// Two imports into one portfolio take turns, batch by batch.
pub async fn lock_portfolio(conn: &mut PgConnection, portfolio: &str) -> Result<()> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('import'), hashtext($1))", portfolio).fetch_one(conn).await?;
    Ok(())
}

/// Notes what the rows are about; gives line and instalment of those that are the first in the file.
pub async fn mark_seen(conn: &mut PgConnection, batch: Uuid, keys: &[Key<'_>]) -> Result<HashSet<(i64, i16)>> {
    let rows = sqlx::query!(
        "INSERT INTO import_seen (batch_id, account, invoice, seq, line)
         SELECT $1, account, invoice, seq, line
         FROM jsonb_to_recordset($2) AS k (account text, invoice text, seq smallint, line bigint)
         ORDER BY line ON CONFLICT DO NOTHING RETURNING line, seq",
        batch,
        Json(keys) as _
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.line, row.seq)).collect())
}

/// The line on which the file first spoke about `key`.
pub async fn first_line(conn: &mut PgConnection, batch: Uuid, key: &Key<'_>) -> Result<Option<i64>> {
    Ok(sqlx::query_scalar!(
        "SELECT line FROM import_seen WHERE batch_id = $1 AND account = $2 AND invoice = $3 AND seq = $4",
        batch,
        key.account,
        &*key.invoice,
        key.seq
    )
    .fetch_optional(conn)
    .await?)
}

/// Has the queues follow, after commit. Without a campaign there is no queue.
pub async fn requeue(conn: &mut PgConnection, effects: &[Effect], now: DateTime<Utc>) -> Result<()> {
    let queued =
        sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM campaign) AS "queued!""#).fetch_one(&mut *conn).await?;
    if queued { outbox::enqueue(conn, effects, now).await } else { Ok(()) }
}

/// Accounts, open items and their sum in minor units, by currency, of a portfolio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Accounts.
    pub accounts: i64,
    /// Open items.
    pub open_items: i64,
    /// Sum of open items, minor units.
    pub open_minor: i64,
}

/// What a portfolio amounts to, by currency code.
pub async fn totals(conn: &mut PgConnection, portfolio: &str) -> Result<BTreeMap<String, Totals>> {
    let rows = sqlx::query!(
        r#"SELECT a.currency::text AS "currency!", count(*) AS "accounts!", coalesce(sum(s.open_items), 0)::bigint AS "open_items!",
                  coalesce(sum(s.open_minor), 0)::bigint AS "open_minor!"
           FROM account a LEFT JOIN account_standing s ON s.account_id = a.id WHERE a.portfolio = $1 GROUP BY 1"#,
        portfolio
    )
    .fetch_all(conn)
    .await?;
    let totals = |accounts, open_items, open_minor| Totals { accounts, open_items, open_minor };
    Ok(rows.into_iter().map(|row| (row.currency, totals(row.accounts, row.open_items, row.open_minor))).collect())
}
