//! Where reminders are stopped or paused.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::{Error, Result},
    ids::{AccountId, UserId},
    reminder::{NewStop, Stop},
};

/// Adds a stop.
///
/// # Errors
/// [`Error::NotFound`] without the invoice at the account.
pub async fn add_stop(
    conn: &mut PgConnection,
    by: UserId,
    account: AccountId,
    new: &NewStop,
    now: DateTime<Utc>,
) -> Result<Uuid> {
    let id = Uuid::now_v7();
    let added = sqlx::query!(
        "INSERT INTO reminder_stop (id, account_id, invoice_id, reason, until_on, stopped_by, stopped_at)
         SELECT $1, $2, $3, $4, $5, $6, $7
         WHERE $3::uuid IS NULL OR EXISTS (SELECT FROM invoice WHERE id = $3 AND account_id = $2)",
        id,
        account.0,
        new.invoice.map(|invoice| invoice.0),
        new.reason.trim(),
        new.until_on,
        by.0,
        now
    )
    .execute(conn)
    .await?;
    if added.rows_affected() == 0 { Err(Error::NotFound("invoice at this account")) } else { Ok(id) }
}

/// Lifts a stop. Gives its account.
///
/// # Errors
/// [`Error::NotFound`] if it does not stand.
pub async fn lift_stop(conn: &mut PgConnection, by: UserId, stop: Uuid, now: DateTime<Utc>) -> Result<AccountId> {
    sqlx::query_scalar!(
        r#"UPDATE reminder_stop SET lifted_by = $2, lifted_at = $3 WHERE id = $1 AND lifted_at IS NULL
           RETURNING account_id AS "account: AccountId""#,
        stop,
        by.0,
        now
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("stop that stands"))
}

/// The stops of an account, those that are over as well, newest first, at most 200.
///
/// # Errors
/// If Postgres is not available.
pub async fn stops(conn: &mut PgConnection, account: AccountId) -> Result<Vec<Stop>> {
    Ok(sqlx::query_as!(
        Stop,
        r#"SELECT p.id, v.number AS "invoice?", p.reason, p.until_on, u.name AS "by?", p.stopped_at AS at, p.lifted_at,
                  l.name AS "lifted_by?"
           FROM reminder_stop p LEFT JOIN invoice v ON v.id = p.invoice_id LEFT JOIN users u ON u.id = p.stopped_by
           LEFT JOIN users l ON l.id = p.lifted_by
           WHERE p.account_id = $1 ORDER BY p.stopped_at DESC LIMIT 200"#,
        account.0
    )
    .fetch_all(conn)
    .await?)
}
