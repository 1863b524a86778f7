//! Verdicts as stored: one row each, allowed or not, never changed.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{PermitRequest, Refusal};
use crate::{
    error::{Error, Result},
    ids::CampaignId,
};

/// Stores the verdict on `request`; `refusal: None` says that it was allowed.
///
/// # Errors
/// If Postgres fails.
pub async fn insert_decision(
    conn: &mut PgConnection,
    campaign: CampaignId,
    request: &PermitRequest,
    refusal: Option<&Refusal>,
    now: DateTime<Utc>,
) -> Result<()> {
    let facts = serde_json::to_value(request).map_err(Error::internal("writing down the facts of a verdict"))?;
    sqlx::query!(
        "INSERT INTO dial_decision
             (id, campaign_id, account_id, contact_point_id, at, permitted, rule, next_allowed_at, facts, policy)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        request.decision.0,
        campaign.0,
        request.account.0,
        request.contact_point.0,
        now,
        refusal.is_none(),
        refusal.map(|refusal| refusal.rule.as_str()),
        refusal.and_then(|refusal| refusal.next_allowed_at),
        facts,
        request.policy,
    )
    .execute(conn)
    .await?;
    Ok(())
}
