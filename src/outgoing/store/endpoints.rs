//! The addresses and their secrets.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::{Error, Result},
    ids::{EndpointId, UserId},
    outgoing::{Endpoint, Kind, NewEndpoint},
};

/// Whether any address is told of anything.
pub async fn anybody_listens(conn: &mut PgConnection) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM webhook_endpoint WHERE ended_at IS NULL AND disabled_at IS NULL) AS "listens!""#
    )
    .fetch_one(conn)
    .await?)
}

pub async fn count(conn: &mut PgConnection) -> Result<i64> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM webhook_endpoint WHERE ended_at IS NULL"#)
        .fetch_one(conn)
        .await?)
}

pub async fn insert(
    conn: &mut PgConnection,
    id: EndpointId,
    new: &NewEndpoint,
    by: UserId,
    now: DateTime<Utc>,
) -> Result<()> {
    let kinds: Vec<String> = new.kinds.iter().map(|kind| kind.as_str().to_owned()).collect();
    sqlx::query!(
        "INSERT INTO webhook_endpoint (id, url, description, kinds, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        id.0,
        new.url,
        new.description,
        &kinds,
        by.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The addresses that have not ended, in the order in which they were added.
///
/// # Errors
/// Those of Postgres.
pub async fn list(conn: &mut PgConnection) -> Result<Vec<Endpoint>> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: EndpointId", url, description, kinds, created_at, failing_since, disabled_at, disabled_why
           FROM webhook_endpoint WHERE ended_at IS NULL ORDER BY created_at, id"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Row::endpoint).collect())
}

/// The address.
///
/// # Errors
/// [`Error::NotFound`] if there is none of that id, or it has ended.
pub async fn get(conn: &mut PgConnection, id: EndpointId) -> Result<Endpoint> {
    list(conn).await?.into_iter().find(|endpoint| endpoint.id == id).ok_or(Error::NotFound("endpoint"))
}

struct Row {
    id: EndpointId,
    url: String,
    description: String,
    kinds: Vec<String>,
    created_at: DateTime<Utc>,
    failing_since: Option<DateTime<Utc>>,
    disabled_at: Option<DateTime<Utc>>,
    disabled_why: Option<String>,
}

impl Row {
    fn endpoint(self) -> Endpoint {
        Endpoint {
            id: self.id,
            url: self.url,
            description: self.description,
            kinds: self.kinds.iter().filter_map(|kind| Kind::from_name(kind)).collect(),
            created_at: self.created_at,
            failing_since: self.failing_since,
            disabled_at: self.disabled_at,
            disabled_why: self.disabled_why,
        }
    }
}

pub async fn add_secret(conn: &mut PgConnection, id: EndpointId, secret: &[u8], now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "INSERT INTO webhook_secret (id, endpoint_id, secret, created_at) VALUES ($1, $2, $3, $4)",
        Uuid::now_v7(),
        id.0,
        secret,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The secrets so far sign until `at` and no longer.
pub async fn expire_secrets(conn: &mut PgConnection, id: EndpointId, at: DateTime<Utc>) -> Result<()> {
    sqlx::query!("UPDATE webhook_secret SET expires_at = $2 WHERE endpoint_id = $1 AND expires_at IS NULL", id.0, at)
        .execute(conn)
        .await?;
    Ok(())
}

/// Disables for a reason, or enables.
pub async fn disable(conn: &mut PgConnection, id: EndpointId, why: Option<&str>, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "UPDATE webhook_endpoint SET disabled_why = $2, disabled_at = CASE WHEN $2::text IS NULL THEN NULL ELSE $3::timestamptz END,
                failing_since = CASE WHEN $2::text IS NULL THEN NULL ELSE failing_since END
         WHERE id = $1 AND ((disabled_at IS NULL) <> ($2::text IS NULL))",
        id.0,
        why,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn end(conn: &mut PgConnection, id: EndpointId, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!("UPDATE webhook_endpoint SET ended_at = $2 WHERE id = $1", id.0, now).execute(conn).await?;
    Ok(())
}

/// Notes that the address did not take something; gives since when it takes nothing.
pub async fn failing(conn: &mut PgConnection, id: EndpointId, now: DateTime<Utc>) -> Result<DateTime<Utc>> {
    Ok(sqlx::query_scalar!(
        r#"UPDATE webhook_endpoint SET failing_since = coalesce(failing_since, $2) WHERE id = $1
           RETURNING failing_since AS "since!""#,
        id.0,
        now
    )
    .fetch_one(conn)
    .await?)
}

pub async fn audit(
    conn: &mut PgConnection,
    by: UserId,
    action: &str,
    id: EndpointId,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO audit (at, user_id, action, object_kind, object_id) VALUES ($1, $2, $3, 'webhook_endpoint', $4)",
        now,
        by.0,
        action,
        id.to_string()
    )
    .execute(conn)
    .await?;
    Ok(())
}
