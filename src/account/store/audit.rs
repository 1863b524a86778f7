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
    sqlx::query!(
        "INSERT INTO audit (at, user_id, action, object_kind, object_id, detail)
         VALUES ($1, $2, $3, 'account', $4, $5)",
        now,
        by.0,
        action,
        account.to_string(),
        detail
    )
    .execute(conn)
    .await?;
    Ok(())
}
