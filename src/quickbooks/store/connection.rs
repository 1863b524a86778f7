//! The connection and its tokens.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::{
    error::{Error, Result},
    ids::UserId,
    quickbooks::{Connected, oauth::Tokens, read::Progress, seal::Seal},
};

/// Tokens as they are stored.
pub struct Sealed {
    access: Vec<u8>,
    access_until: DateTime<Utc>,
    refresh: Vec<u8>,
    refresh_until: DateTime<Utc>,
}

impl Sealed {
    /// Closes tokens.
    ///
    /// # Errors
    /// Only a defect.
    pub fn of(seal: &Seal, tokens: &Tokens) -> Result<Self> {
        Ok(Self {
            access: seal.close(&tokens.access)?,
            access_until: tokens.access_until,
            refresh: seal.close(&tokens.refresh)?,
            refresh_until: tokens.refresh_until,
        })
    }
}

/// Remembers a state that may come back once, and forgets those that did not in time.
pub async fn keep_state(
    conn: &mut PgConnection,
    state: &[u8],
    user: UserId,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!("DELETE FROM quickbooks_state WHERE expires_at < $1", now).execute(&mut *conn).await?;
    sqlx::query!(
        "INSERT INTO quickbooks_state (state_sha256, user_id, expires_at) VALUES ($1, $2, $3)",
        state,
        user.0,
        until
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a state that came back: who began, if it was begun and has not come back before.
pub async fn take_state(conn: &mut PgConnection, state: &[u8], now: DateTime<Utc>) -> Result<Option<UserId>> {
    Ok(sqlx::query_scalar!(
        r#"DELETE FROM quickbooks_state WHERE state_sha256 = $1 AND expires_at >= $2 RETURNING user_id AS "user: UserId""#,
        state,
        now
    )
    .fetch_optional(conn)
    .await?)
}

/// Stores a connection, in place of an earlier one of the same company.
///
/// # Errors
/// [`Error::Conflict`] if another company is connected, or kept in that portfolio.
pub async fn connect(
    conn: &mut PgConnection,
    (realm, portfolio): (&str, &str),
    tokens: &Sealed,
    by: UserId,
    now: DateTime<Utc>,
) -> Result<()> {
    let other = sqlx::query_scalar!(
        r#"SELECT realm FROM quickbooks_connection
           WHERE realm <> $1 AND (portfolio = $2 OR disconnected_at IS NULL) LIMIT 1"#,
        realm,
        portfolio
    )
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(other) = other {
        return Err(Error::Conflict(format!(
            "company {other} is connected, or kept in portfolio {portfolio}: disconnect it, or set another QUICKBOOKS_PORTFOLIO"
        )));
    }
    sqlx::query!(
        "INSERT INTO quickbooks_connection
             (realm, portfolio, connected_by, connected_at, write_since, access_token, access_until, refresh_token,
              refresh_until, next_at)
         VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8, $4)
         ON CONFLICT (realm) DO UPDATE SET connected_by = $3, connected_at = $4, disconnected_at = NULL, broken_at = NULL,
             access_token = $5, access_until = $6, refresh_token = $7, refresh_until = $8, claimed_by = NULL,
             claimed_until = NULL, next_at = $4, failures = 0, error = NULL, portfolio = $2",
        realm,
        portfolio,
        by.0,
        now,
        tokens.access,
        tokens.access_until,
        tokens.refresh,
        tokens.refresh_until
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The company that is connected.
///
/// # Errors
/// Those of Postgres.
pub async fn connected(conn: &mut PgConnection) -> Result<Option<Connected>> {
    Ok(sqlx::query_as!(
        Connected,
        r#"SELECT c.realm, c.portfolio, c.connected_at, u.name AS "connected_by?", c.refresh_until, c.broken_at, c.synced_at,
                  c.next_at, c.error, c.cursor_at, c.reading IS NOT NULL OR c.cursor_at IS NULL AS "reading_everything!",
                  (SELECT count(*) FROM quickbooks_object o WHERE o.realm = c.realm AND o.pending_on IS NOT NULL
                       AND o.problem IS NULL) AS "waiting_to_read!",
                  (SELECT count(*) FROM quickbooks_object o WHERE o.realm = c.realm AND o.problem IS NOT NULL) AS "problems!",
                  (SELECT count(*) FROM quickbooks_write w WHERE w.realm = c.realm AND w.state IN ('waiting', 'sent'))
                      AS "waiting_to_write!",
                  (SELECT count(*) FROM quickbooks_write w WHERE w.realm = c.realm AND w.state = 'conflict') AS "conflicts!"
           FROM quickbooks_connection c LEFT JOIN users u ON u.id = c.connected_by WHERE c.disconnected_at IS NULL"#
    )
    .fetch_optional(conn)
    .await?)
}

/// The connection as whoever works at it needs it.
pub struct Claimed {
    pub realm: String,
    pub portfolio: String,
    pub access: Vec<u8>,
    pub access_until: DateTime<Utc>,
}

/// Takes the right to work at the connection until a moment, if there is one and nobody else has it.
pub async fn claim(
    conn: &mut PgConnection,
    by: Uuid,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<Claimed>> {
    Ok(sqlx::query_as!(
        Claimed,
        r#"UPDATE quickbooks_connection SET claimed_by = $1, claimed_until = $3
           WHERE disconnected_at IS NULL AND (claimed_by IS NULL OR claimed_until < $2)
           RETURNING realm, portfolio, access_token AS "access!", access_until AS "access_until!""#,
        by,
        now,
        until
    )
    .fetch_optional(conn)
    .await?)
}

/// Keeps the right; false: somebody else has it by now.
pub async fn hold(conn: &mut PgConnection, realm: &str, by: Uuid, until: DateTime<Utc>) -> Result<bool> {
    let held = sqlx::query!(
        "UPDATE quickbooks_connection SET claimed_until = $3 WHERE realm = $1 AND claimed_by = $2",
        realm,
        by,
        until
    );
    Ok(held.execute(conn).await?.rows_affected() == 1)
}

pub async fn release(conn: &mut PgConnection, realm: &str, by: Uuid) -> Result<()> {
    sqlx::query!(
        "UPDATE quickbooks_connection SET claimed_by = NULL, claimed_until = NULL WHERE realm = $1 AND claimed_by = $2",
        realm,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The stored refresh token, for whoever has the right to work.
pub async fn refresh_token(conn: &mut PgConnection, realm: &str, by: Uuid) -> Result<Option<Vec<u8>>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT refresh_token AS "token!" FROM quickbooks_connection
           WHERE realm = $1 AND claimed_by = $2 AND refresh_token IS NOT NULL"#,
        realm,
        by
    )
    .fetch_optional(conn)
    .await?)
}

/// Stores the next pair in place of the one whose refresh token was `used`; false: that is not the one any more.
pub async fn rotate(conn: &mut PgConnection, realm: &str, used: &[u8], next: &Sealed) -> Result<bool> {
    let rotated = sqlx::query!(
        "UPDATE quickbooks_connection SET access_token = $3, access_until = $4, refresh_token = $5, refresh_until = $6
         WHERE realm = $1 AND refresh_token = $2",
        realm,
        used,
        next.access,
        next.access_until,
        next.refresh,
        next.refresh_until
    );
    Ok(rotated.execute(conn).await?.rows_affected() == 1)
}

/// Forgets the tokens; gives the refresh token.
pub async fn disconnect(conn: &mut PgConnection, realm: &str, now: DateTime<Utc>) -> Result<Option<Vec<u8>>> {
    Ok(sqlx::query_scalar!(
        r#"UPDATE quickbooks_connection c SET access_token = NULL, refresh_token = NULL, disconnected_at = $2,
               claimed_by = NULL, claimed_until = NULL
           FROM (SELECT realm, refresh_token FROM quickbooks_connection WHERE realm = $1 FOR UPDATE) o
           WHERE c.realm = o.realm AND c.disconnected_at IS NULL RETURNING o.refresh_token"#,
        realm,
        now
    )
    .fetch_optional(conn)
    .await?
    .flatten())
}

pub async fn audit(conn: &mut PgConnection, by: UserId, action: &str, realm: &str, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "INSERT INTO audit (at, user_id, action, object_kind, object_id) VALUES ($1, $2, $3, 'quickbooks', $4)",
        now,
        by.0,
        action,
        realm
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Has the connection worked at as soon as possible; false: nothing is connected.
pub async fn hurry(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<bool> {
    let hurried = sqlx::query!(
        "UPDATE quickbooks_connection SET next_at = least(next_at, $1) WHERE disconnected_at IS NULL AND broken_at IS NULL",
        now
    );
    Ok(hurried.execute(conn).await?.rows_affected() == 1)
}

/// Up to when changes were read, and how far reading everything has come.
pub async fn progress(conn: &mut PgConnection, realm: &str) -> Result<(Option<DateTime<Utc>>, Option<Progress>)> {
    let row = sqlx::query!(
        r#"SELECT cursor_at, reading AS "reading: Json<Progress>" FROM quickbooks_connection WHERE realm = $1"#,
        realm
    )
    .fetch_one(conn)
    .await?;
    Ok((row.cursor_at, row.reading.map(|progress| progress.0)))
}

/// Notes how far reading everything has come, or with `None` that everything is read up to `cursor`.
pub async fn set_progress(
    conn: &mut PgConnection,
    realm: &str,
    progress: Option<&Progress>,
    cursor: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE quickbooks_connection
         SET reading = $2, cursor_at = CASE WHEN $2::jsonb IS NULL THEN $3::timestamptz ELSE cursor_at END WHERE realm = $1",
        realm,
        progress.map(Json) as _,
        cursor
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether the connection is to be worked at now.
pub async fn is_due(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM quickbooks_connection
                          WHERE disconnected_at IS NULL AND broken_at IS NULL AND next_at <= $1) AS "due!""#,
        now
    )
    .fetch_one(conn)
    .await?)
}

/// Notes that a step succeeded; with `whole`, that there was nothing left to do.
pub async fn succeeded(
    conn: &mut PgConnection,
    realm: &str,
    whole: bool,
    next: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE quickbooks_connection SET failures = 0, error = NULL, next_at = $3,
             synced_at = CASE WHEN $2 THEN $4 ELSE synced_at END WHERE realm = $1",
        realm,
        whole,
        next,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that a step failed; gives how many have in a row.
pub async fn failed(
    conn: &mut PgConnection,
    realm: &str,
    error: &str,
    broken: bool,
    now: DateTime<Utc>,
) -> Result<i32> {
    Ok(sqlx::query_scalar!(
        "UPDATE quickbooks_connection SET failures = failures + 1, error = $2,
             broken_at = CASE WHEN $3 THEN $4::timestamptz ELSE broken_at END WHERE realm = $1 RETURNING failures",
        realm,
        error,
        broken,
        now
    )
    .fetch_one(conn)
    .await?)
}

/// The connection is worked at again at that moment.
pub async fn later(conn: &mut PgConnection, realm: &str, next: DateTime<Utc>) -> Result<()> {
    sqlx::query!("UPDATE quickbooks_connection SET next_at = $2 WHERE realm = $1", realm, next).execute(conn).await?;
    Ok(())
}
