//! Who gets nothing more on credit, and since when.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    credit::{
        Hold,
        rule::{Exposure, Reason},
    },
    error::{Error, Result},
    ids::{AccountId, UserId},
};

/// Holds that stand, by id and reason.
///
/// # Errors
/// If Postgres is not available.
pub async fn standing(conn: &mut PgConnection, account: AccountId) -> Result<Vec<(Uuid, Reason)>> {
    let rows =
        sqlx::query!("SELECT id, reason FROM credit_hold WHERE account_id = $1 AND released_at IS NULL", account.0)
            .fetch_all(conn)
            .await?;
    rows.into_iter().map(|row| Ok((row.id, reason(&row.reason)?))).collect()
}

/// Whether such a hold was released until a day that is not over.
///
/// # Errors
/// If Postgres is not available.
pub async fn is_released(
    conn: &mut PgConnection,
    account: AccountId,
    reason: Reason,
    today: NaiveDate,
) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM credit_hold WHERE account_id = $1 AND reason = $2 AND released_until >= $3) AS "is!""#,
        account.0,
        reason.as_str(),
        today
    )
    .fetch_one(conn)
    .await?)
}

/// Places a hold with the figures it is placed on; `None`: one of that reason stands.
///
/// # Errors
/// Those of Postgres.
pub async fn place(
    conn: &mut PgConnection,
    account: AccountId,
    reason: Reason,
    exposure: &Exposure,
    by: Option<UserId>,
    note: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Option<Uuid>> {
    let facts = serde_json::to_value(exposure).map_err(Error::internal("writing a credit hold"))?;
    Ok(sqlx::query_scalar!(
        "INSERT INTO credit_hold (id, account_id, reason, facts, placed_by, placed_at, note)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING id",
        Uuid::now_v7(),
        account.0,
        reason.as_str(),
        facts,
        by.map(|user| user.0),
        now,
        note
    )
    .fetch_optional(conn)
    .await?)
}

/// Releases a hold. Gives its account.
///
/// # Errors
/// [`Error::NotFound`] if it does not stand.
pub async fn release(
    conn: &mut PgConnection,
    hold: Uuid,
    by: Option<UserId>,
    until: Option<NaiveDate>,
    note: &str,
    now: DateTime<Utc>,
) -> Result<AccountId> {
    sqlx::query_scalar!(
        r#"UPDATE credit_hold SET released_by = $2, released_at = $3, released_until = $4, note = $5
           WHERE id = $1 AND released_at IS NULL RETURNING account_id AS "account: AccountId""#,
        hold,
        by.map(|user| user.0),
        now,
        until,
        note
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("credit hold that stands"))
}

/// Holds, those that stand first, then the newest; at most 50.
///
/// # Errors
/// If Postgres is not available.
pub async fn holds(conn: &mut PgConnection, account: AccountId) -> Result<Vec<Hold>> {
    let rows = sqlx::query!(
        r#"SELECT h.id, h.reason, h.note, h.placed_at, u.name AS "by?", h.released_at, h.released_until,
                  r.name AS "released_by?"
           FROM credit_hold h LEFT JOIN users u ON u.id = h.placed_by LEFT JOIN users r ON r.id = h.released_by
           WHERE h.account_id = $1 ORDER BY h.released_at IS NULL DESC, h.placed_at DESC LIMIT 50"#,
        account.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Hold {
                id: row.id,
                reason: reason(&row.reason)?,
                note: row.note,
                placed_at: row.placed_at,
                by: row.by,
                released_at: row.released_at,
                released_until: row.released_until,
                released_by: row.released_by,
            })
        })
        .collect()
}

fn reason(name: &str) -> Result<Reason> {
    Reason::from_name(name).ok_or_else(|| Error::internal("reading a credit hold")("unknown reason"))
}
