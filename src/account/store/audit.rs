//! Who changed what about an account.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{
    error::Result,
    ids::{AccountId, UserId},
};

/// Records that `by` did `action` to the account. `detail` holds ids and reasons, no personal data.
///
/// # Errors
/// Those of Postgres.
pub async fn audit(
    conn: &mut PgConnection,
    by: UserId,
    action: &str,
    account: AccountId,
    detail: serde_json::Value,
    now: DateTime<Utc>,
) -> Result<()> {
    audit_of(conn, by, action, ("account", &account.to_string()), detail, now).await
}

/// As [`audit`], of anything: its kind and its id.
///
/// # Errors
/// Those of Postgres.
pub async fn audit_of(
    conn: &mut PgConnection,
    by: UserId,
    action: &str,
    (kind, id): (&str, &str),
    detail: serde_json::Value,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO audit (at, user_id, action, object_kind, object_id, detail) VALUES ($1, $2, $3, $4, $5, $6)",
        now,
        by.0,
        action,
        kind,
        id,
        detail
    )
    .execute(conn)
    .await?;
    Ok(())
}
