//! The house's own do-not-call list.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    account::house_list::Entry,
    error::{Error, Result},
};

/// The id of the entry that stands for `value`.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn house_entry(conn: &mut PgConnection, value: &str) -> Result<Uuid> {
    sqlx::query_scalar!("SELECT id FROM do_not_call WHERE scope = 'house' AND value = $1 AND revoked_at IS NULL", value)
        .fetch_optional(conn)
        .await?
        .ok_or(Error::NotFound("entry of the house's list"))
}

/// The value of an entry that stands.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn house_value(conn: &mut PgConnection, id: Uuid) -> Result<String> {
    sqlx::query_scalar!("SELECT value FROM do_not_call WHERE scope = 'house' AND id = $1 AND revoked_at IS NULL", id)
        .fetch_optional(conn)
        .await?
        .ok_or(Error::NotFound("entry of the house's list"))
}

/// Entries, those taken off among them, newest first, from `after` on.
///
/// # Errors
/// If Postgres fails.
pub async fn house_entries(conn: &mut PgConnection, after: Option<Uuid>, limit: i64) -> Result<Vec<Entry>> {
    let entries = sqlx::query_as!(
        Entry,
        r#"SELECT d.id, d.value, d.reason, d.at, u.name AS "by?", d.revoked_at, r.name AS "revoked_by?"
           FROM do_not_call d LEFT JOIN users u ON u.id = d.user_id LEFT JOIN users r ON r.id = d.revoked_by
           WHERE d.scope = 'house' AND ($1::uuid IS NULL OR d.id < $1) ORDER BY d.id DESC LIMIT $2"#,
        after,
        limit
    );
    Ok(entries.fetch_all(conn).await?)
}
