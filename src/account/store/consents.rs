//! Consent, language, and everything that was ever wished about an account.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, types::Json};

use crate::{
    account::{
        PointKind, Restriction,
        consent::{Action, NewConsent, Purpose},
    },
    error::{Error, Result},
    ids::{AccountId, UserId},
};

/// Records what a debtor said. Gives the accounts that have the number or address.
///
/// # Errors
/// [`Error::NotFound`] without the number or address at the account.
pub async fn record_consent(
    conn: &mut PgConnection,
    account: AccountId,
    consent: &NewConsent,
    by: UserId,
    now: DateTime<Utc>,
) -> Result<Vec<AccountId>> {
    let value = sqlx::query_scalar!(
        "WITH said AS (
             INSERT INTO consent_event (contact_point_id, channel, purpose, action, source, at, recorded_at, user_id)
             SELECT id, kind, $3, $4, $5, $6, $7, $8 FROM contact_point
             WHERE id = $1 AND account_id = $2 AND kind = $9 RETURNING contact_point_id)
         SELECT value FROM contact_point WHERE id IN (SELECT contact_point_id FROM said)",
        consent.contact_point.0,
        account.0,
        consent.purpose as Purpose,
        consent.action as Action,
        consent.source.trim(),
        consent.at.unwrap_or(now),
        now,
        by.0,
        consent.purpose.channel() as PointKind
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(Error::NotFound("number or address at this account"))?;
    let touched = sqlx::query_scalar!(
        r#"SELECT DISTINCT account_id AS "account: AccountId" FROM contact_point WHERE kind = $2 AND value = $1"#,
        value,
        consent.purpose.channel() as PointKind
    );
    Ok(touched.fetch_all(conn).await?)
}

/// Sets the language of an account.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn set_language(
    conn: &mut PgConnection,
    account: AccountId,
    language: Option<&str>,
    now: DateTime<Utc>,
) -> Result<()> {
    let set = sqlx::query!("UPDATE account SET language = $2, updated_at = $3 WHERE id = $1", account.0, language, now)
        .execute(conn)
        .await?;
    if set.rows_affected() == 0 { Err(Error::NotFound("account")) } else { Ok(()) }
}

/// Whatever was wished, held, consented to or taken back about an account, newest first, at most `limit`.
///
/// # Errors
/// If Postgres fails.
pub async fn restrictions(conn: &mut PgConnection, account: AccountId, limit: i64) -> Result<Vec<Restriction>> {
    let rows =
        sqlx::query_file_as!(Row, "src/account/store/restrictions.sql", account.0, limit).fetch_all(conn).await?;
    Ok(rows.into_iter().map(Row::read).collect())
}

struct Row {
    what: String,
    detail: Json<serde_json::Value>,
    at: DateTime<Utc>,
    by: Option<String>,
    ended_at: Option<DateTime<Utc>>,
    ended_by: Option<String>,
}

impl Row {
    fn read(self) -> Restriction {
        let Self { what, detail, at, by, ended_at, ended_by } = self;
        Restriction { what, detail: detail.0, at, by, ended_at, ended_by }
    }
}
