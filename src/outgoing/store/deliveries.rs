//! Events, and what became of each at each address.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, types::Json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    error::{Error, Result},
    ids::{DeliveryId, EndpointId},
};

/// An event to keep.
#[derive(Serialize)]
pub struct NewEvent {
    pub id: Uuid,
    pub kind: &'static str,
    pub account: Uuid,
    pub body: String,
}

/// Keeps the events that somebody listens for; gives a delivery for each and each of who listens.
pub async fn insert_events(
    conn: &mut PgConnection,
    events: &[NewEvent],
    now: DateTime<Utc>,
) -> Result<Vec<DeliveryId>> {
    let rows = sqlx::query_scalar!(
        r#"WITH new AS (SELECT * FROM jsonb_to_recordset($1) AS n (id uuid, kind text, account uuid, body text)),
                heard AS (SELECT n.*, e.id AS endpoint FROM new n
                          JOIN webhook_endpoint e ON n.kind = ANY (e.kinds) AND e.ended_at IS NULL AND e.disabled_at IS NULL),
                kept AS (INSERT INTO webhook_event (id, kind, account_id, body, created_at)
                         SELECT DISTINCT id, kind, account, body, $2::timestamptz FROM heard)
           INSERT INTO webhook_delivery (id, event_id, endpoint_id, next_at, created_at)
           SELECT gen_random_uuid(), id, endpoint, $2::timestamptz, $2::timestamptz FROM heard RETURNING id AS "id: DeliveryId""#,
        Json(events) as _,
        now
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// A delivery to make now.
pub struct Due {
    pub endpoint: EndpointId,
    pub url: String,
    pub event: Uuid,
    pub body: String,
    /// Tries before this one.
    pub attempts: i32,
    pub secrets: Vec<Vec<u8>>,
}

/// The delivery, where it is still wanted.
pub async fn due(conn: &mut PgConnection, id: DeliveryId, now: DateTime<Utc>) -> Result<Option<Due>> {
    Ok(sqlx::query_as!(
        Due,
        r#"SELECT e.id AS "endpoint: EndpointId", e.url, v.id AS event, v.body, d.attempts,
                  ARRAY(SELECT secret FROM webhook_secret s
                        WHERE s.endpoint_id = e.id AND (s.expires_at IS NULL OR s.expires_at > $2)
                        ORDER BY s.created_at DESC) AS "secrets!"
           FROM webhook_delivery d JOIN webhook_event v ON v.id = d.event_id JOIN webhook_endpoint e ON e.id = d.endpoint_id
           WHERE d.id = $1 AND d.state = 'pending' AND e.ended_at IS NULL AND e.disabled_at IS NULL"#,
        id.0,
        now
    )
    .fetch_optional(conn)
    .await?)
}

/// What came of a try.
pub struct Outcome {
    pub status: Option<i16>,
    pub error: Option<String>,
    pub milliseconds: i32,
}

pub async fn note_attempt(
    conn: &mut PgConnection,
    id: DeliveryId,
    outcome: &Outcome,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "WITH tried AS (UPDATE webhook_delivery SET attempts = attempts + 1 WHERE id = $1)
         INSERT INTO webhook_attempt (delivery_id, at, status, error, milliseconds) VALUES ($1, $2, $3, $4, $5)",
        id.0,
        now,
        outcome.status,
        outcome.error,
        outcome.milliseconds
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// It was taken, and so the address works.
pub async fn delivered(conn: &mut PgConnection, id: DeliveryId, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "WITH done AS (UPDATE webhook_delivery SET state = 'delivered', delivered_at = $2, next_at = NULL WHERE id = $1
                       RETURNING endpoint_id)
         UPDATE webhook_endpoint e SET failing_since = NULL FROM done WHERE e.id = done.endpoint_id AND failing_since IS NOT NULL",
        id.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn give_up(conn: &mut PgConnection, id: DeliveryId) -> Result<()> {
    sqlx::query!("UPDATE webhook_delivery SET state = 'failed', next_at = NULL WHERE id = $1", id.0)
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn try_again(conn: &mut PgConnection, id: DeliveryId, at: DateTime<Utc>) -> Result<()> {
    sqlx::query!("UPDATE webhook_delivery SET next_at = $2 WHERE id = $1", id.0, at).execute(conn).await?;
    Ok(())
}

/// As if it had never been tried.
pub async fn begin_again(conn: &mut PgConnection, id: DeliveryId, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "UPDATE webhook_delivery SET state = 'pending', attempts = 0, next_at = $2, delivered_at = NULL WHERE id = $1",
        id.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn endpoint_of(conn: &mut PgConnection, id: DeliveryId) -> Result<EndpointId> {
    sqlx::query_scalar!(r#"SELECT endpoint_id AS "id: EndpointId" FROM webhook_delivery WHERE id = $1"#, id.0)
        .fetch_optional(conn)
        .await?
        .ok_or(Error::NotFound("delivery"))
}

/// An event, and what became of it at an address.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = WebhookDelivery)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// The event's id: `webhook-id`.
    pub event: Uuid,
    /// What was told, word for word.
    pub body: String,
    /// `pending`, `delivered` or `failed`.
    pub state: String,
    /// When it is tried next.
    pub next_at: Option<DateTime<Utc>>,
    /// When it happened.
    pub created_at: DateTime<Utc>,
    /// When it was taken.
    pub delivered_at: Option<DateTime<Utc>>,
    /// Every try, the first first.
    #[schema(value_type = Vec<Attempt>)]
    pub attempts: Json<Vec<Attempt>>,
}

/// A try.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = WebhookAttempt)]
pub struct Attempt {
    /// When.
    pub at: DateTime<Utc>,
    /// HTTP status of the answer; absent: there was none.
    pub status: Option<i16>,
    /// Why there was none.
    pub error: Option<String>,
    /// How long it took.
    pub milliseconds: i32,
}

/// Deliveries to an address, the newest first, before `before`.
///
/// # Errors
/// Those of Postgres.
pub async fn deliveries(
    conn: &mut PgConnection,
    endpoint: EndpointId,
    before: Option<(DateTime<Utc>, DeliveryId)>,
    limit: i64,
) -> Result<Vec<Delivery>> {
    let (at, id) = before.map_or((None, None), |(at, id)| (Some(at), Some(id.0)));
    Ok(sqlx::query_as!(
        Delivery,
        r#"SELECT d.id AS "id: DeliveryId", v.id AS event, v.body, d.state, d.next_at, d.created_at, d.delivered_at,
                  coalesce((SELECT jsonb_agg(jsonb_build_object('at', a.at, 'status', a.status, 'error', a.error,
                                'milliseconds', a.milliseconds) ORDER BY a.id)
                            FROM webhook_attempt a WHERE a.delivery_id = d.id), '[]') AS "attempts!: Json<Vec<Attempt>>"
           FROM webhook_delivery d JOIN webhook_event v ON v.id = d.event_id
           WHERE d.endpoint_id = $1 AND ($2::timestamptz IS NULL OR (d.created_at, d.id) < ($2, $3))
           ORDER BY d.created_at DESC, d.id DESC LIMIT $4"#,
        endpoint.0,
        at,
        id,
        limit
    )
    .fetch_all(conn)
    .await?)
}
