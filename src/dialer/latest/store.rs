//! Why campaigns dial as they do, as it is kept.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{PgPool, types::Json};
use utoipa::ToSchema;

use crate::{error::Result, ids::CampaignId, pacing::reason::Reason};

/// Notes why a campaign dialled as it did, in the place of what was noted before.
pub(super) async fn note(db: &PgPool, campaign: CampaignId, reason: &Reason, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "INSERT INTO pacing_latest (campaign_id, at, reason) VALUES ($1, $2, $3)
         ON CONFLICT (campaign_id) DO UPDATE SET at = excluded.at, reason = excluded.reason",
        campaign.0,
        now,
        Json(reason) as _
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Records a decision.
pub(super) async fn record(db: &PgPool, campaign: CampaignId, reason: &Reason, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "INSERT INTO pacing_decision (campaign_id, at, reason) VALUES ($1, $2, $3)",
        campaign.0,
        now,
        Json(reason) as _
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Drops the decisions of before `old`.
pub(super) async fn drop_before(db: &PgPool, old: DateTime<Utc>) -> Result<()> {
    sqlx::query!("DELETE FROM pacing_decision WHERE at < $1", old).execute(db).await?;
    Ok(())
}

/// A recorded decision.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PacingRecord)]
pub struct Recorded {
    /// Its number, in the order of recording.
    pub id: i64,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// Its inputs, what was done, and what limited it; with the forecast in predictive mode.
    #[schema(value_type = Reason)]
    pub reason: Json<Reason>,
}

/// The decisions of a campaign, newest first, those before the one that `before` names by time and number.
///
/// # Errors
/// If Postgres fails.
pub async fn decisions(
    db: &PgPool,
    campaign: CampaignId,
    before: Option<(DateTime<Utc>, i64)>,
    limit: i64,
) -> Result<Vec<Recorded>> {
    let (at, id) = before.unzip();
    let rows = sqlx::query_as!(
        Recorded,
        r#"SELECT id, at, reason AS "reason: Json<Reason>" FROM pacing_decision
           WHERE campaign_id = $1 AND ($2::timestamptz IS NULL OR (at, id) < ($2, $3::bigint))
           ORDER BY at DESC, id DESC LIMIT $4"#,
        campaign.0,
        at,
        id,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}
