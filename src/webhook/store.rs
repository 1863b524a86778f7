//! What webhooks need to know besides the call.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use crate::{
    call::store::Row,
    carrier::{RecordingEvent, RecordingStatus},
    error::Result,
    ids::{AccountId, CallId, CallbackId, CampaignId, ContactPointId, PersonId},
    phone::Phone,
};

/// Who calls from a number.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) account: AccountId,
    pub(super) person: PersonId,
    pub(super) contact_point: ContactPointId,
    /// The campaign that called the account last.
    pub(super) campaign: Option<CampaignId>,
}

/// The account a number belongs to; of several the one that was called last.
pub(super) async fn caller(db: &PgPool, number: &Phone) -> Result<Option<Caller>> {
    let caller = sqlx::query_as!(
        Caller,
        r#"SELECT point.account_id AS "account: AccountId", contact.person_id AS "person: PersonId",
             point.id AS "contact_point: ContactPointId", latest.campaign_id AS "campaign: CampaignId"
           FROM contact_point AS point
           JOIN contact ON contact.id = point.contact_id
           JOIN account ON account.id = point.account_id
           LEFT JOIN LATERAL (
               SELECT campaign_id, created_at FROM call WHERE account_id = point.account_id AND direction = 'outbound'
               ORDER BY created_at DESC LIMIT 1) AS latest ON true
           WHERE point.kind = 'phone' AND point.value = $1
           ORDER BY account.status = 'open' DESC, latest.created_at DESC NULLS LAST, point.position, point.id LIMIT 1"#,
        number.as_str()
    )
    .fetch_optional(db)
    .await?;
    Ok(caller)
}

/// The campaign that calls from one of our numbers; of several the one changed last.
pub(super) async fn campaign_of_number(db: &PgPool, number: &str) -> Result<Option<CampaignId>> {
    let campaign = sqlx::query_scalar!(
        r#"SELECT id AS "id: CampaignId" FROM campaign WHERE settings->'caller_ids' @> to_jsonb($1::text)
           ORDER BY updated_at DESC LIMIT 1"#,
        number
    )
    .fetch_optional(db)
    .await?;
    Ok(campaign)
}

/// Records that an inbound call has to be returned, once for each call; false: it is recorded already.
pub(super) async fn record_callback(
    conn: &mut PgConnection,
    call: &Row,
    account: AccountId,
    now: DateTime<Utc>,
) -> Result<bool> {
    let recorded = sqlx::query!(
        "INSERT INTO callback (id, account_id, campaign_id, contact_point_id, due_at, status, call_id, created_at)
         SELECT $1, $2, $3, $4, $6, 'open', $5, $6 WHERE NOT EXISTS (SELECT FROM callback WHERE call_id = $5)",
        CallbackId::generate().0,
        account.0,
        call.campaign.map(|id| id.0),
        call.contact_point.map(|id| id.0),
        call.id.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(recorded.rows_affected() == 1)
}

/// Keeps the newest state of a recording; one that is ready, absent or failed does not go back.
pub(super) async fn keep_recording(
    db: &PgPool,
    call: Option<CallId>,
    event: &RecordingEvent,
    now: DateTime<Utc>,
) -> Result<()> {
    let status = match event.status {
        RecordingStatus::InProgress => "in_progress",
        RecordingStatus::Completed => "completed",
        RecordingStatus::Absent => "absent",
        RecordingStatus::Failed => "failed",
        RecordingStatus::Other => "other",
    };
    let seconds = event.seconds.and_then(|seconds| i32::try_from(seconds).ok());
    sqlx::query!(
        "INSERT INTO recording (sid, call_id, status, url, duration_s, channels, started_at, updated_at)
         VALUES ($1, $2, $3, coalesce($4, ''), $5, $6, $7, $8)
         ON CONFLICT (sid) DO UPDATE SET
             status = CASE WHEN recording.status IN ('completed', 'absent', 'failed') THEN recording.status
                           ELSE excluded.status END,
             call_id = coalesce(recording.call_id, excluded.call_id),
             url = CASE WHEN excluded.url = '' THEN recording.url ELSE excluded.url END,
             duration_s = coalesce(excluded.duration_s, recording.duration_s),
             channels = coalesce(excluded.channels, recording.channels),
             started_at = coalesce(recording.started_at, excluded.started_at),
             updated_at = excluded.updated_at",
        event.recording.as_str(),
        call.map(|id| id.0),
        status,
        event.url,
        seconds,
        event.channels.map(i16::from),
        event.started_at,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}
