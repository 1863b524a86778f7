//! The rules as they are kept: their text, comments and all.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::{PgConnection, PgExecutor};

use super::{Rules, STANDARD};
use crate::{
    account,
    business_day::BusinessDays,
    compliance,
    error::{Error, Result},
    ids::{AccountId, UserId},
};

const KEY: &str = "agreements";

/// The text in force.
///
/// # Errors
/// Those of Postgres.
pub async fn text(db: impl PgExecutor<'_>) -> Result<String> {
    let kept = sqlx::query_scalar!(r#"SELECT value #>> '{}' AS "text!" FROM setting WHERE key = $1"#, KEY)
        .fetch_optional(db)
        .await?;
    Ok(kept.unwrap_or_else(|| STANDARD.to_owned()))
}

/// The rules in force.
///
/// # Errors
/// Those of Postgres; a text that an older program has saved and this one cannot read.
pub async fn rules(db: impl PgExecutor<'_>) -> Result<Rules> {
    Rules::read(&text(db).await?).map_err(Error::internal("reading the agreement rules"))
}

/// The business days of an account, for who decides in a transaction and has no book at hand: those of the book that the
/// service put down last.
///
/// # Errors
/// [`Error::NotFound`] without the account; those of Postgres.
pub async fn business_days(conn: &mut PgConnection, account: AccountId) -> Result<BusinessDays> {
    let rules = rules(&mut *conn).await?;
    let account = account::store::get(conn, account).await?;
    let name = rules.calendar_of(&account.portfolio, account.country.as_deref());
    Ok(BusinessDays::keeping(compliance::store::calendar(conn, name).await?))
}

pub(super) async fn save(conn: &mut PgConnection, text: &str, by: UserId, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "INSERT INTO setting (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        KEY,
        json!(text)
    )
    .execute(&mut *conn)
    .await?;
    account::store::audit_of(conn, by, "save_agreements", ("setting", KEY), json!({ "text": text }), now).await
}

/// Departments that cannot go: they have log-ins or open tasks.
pub(super) async fn departments_in_use(conn: &mut PgConnection) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT department AS "department!" FROM users WHERE department IS NOT NULL AND disabled_at IS NULL
           UNION SELECT department FROM task WHERE state = 'open' ORDER BY 1"#
    )
    .fetch_all(conn)
    .await?)
}
