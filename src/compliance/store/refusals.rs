//! What the last look refused, for the queue: the number is not offered again before its moment, or before a fact about
//! its account changes.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    compliance::{PermitRequest, Refusal},
    error::Result,
    ids::{AccountId, CampaignId, ContactPointId, DecisionId},
};

/// Rules whose facts the queue reads itself: it knows sooner when they change.
const KNOWN_TO_THE_QUEUE: [&str; 9] = [
    "known_policy",
    "account_open",
    "one_call_at_a_time",
    "hold",
    "callable_number",
    "do_not_call",
    "something_to_collect",
    "open_promise",
    "attempts_per_account",
];

/// A number that is not offered.
#[derive(Debug)]
pub struct Refused {
    /// Its account.
    pub account: AccountId,
    /// The number.
    pub contact_point: ContactPointId,
    /// The receipt.
    pub decision: DecisionId,
    /// The rule.
    pub rule: String,
    /// From when on it is offered again; `None`: not before a fact changes.
    pub next_allowed_at: Option<DateTime<Utc>>,
}

/// Notes a refusal in the transaction of its receipt; a later one of the same number takes its place.
pub(super) async fn note(
    conn: &mut PgConnection,
    campaign: CampaignId,
    request: &PermitRequest,
    policy_version: &str,
    refusal: &Refusal,
) -> Result<()> {
    if KNOWN_TO_THE_QUEUE.contains(&refusal.rule.as_str()) {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO dial_refusal
             (campaign_id, contact_point_id, account_id, decision_id, rule, next_allowed_at, policy_version)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (campaign_id, contact_point_id) DO UPDATE
         SET decision_id = excluded.decision_id, rule = excluded.rule, next_allowed_at = excluded.next_allowed_at,
             policy_version = excluded.policy_version",
        campaign.0,
        request.contact_point.0,
        request.account.0,
        request.decision.0,
        refusal.rule,
        refusal.next_allowed_at,
        policy_version
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Something about the accounts has changed: they are looked at anew.
///
/// # Errors
/// If Postgres fails.
pub async fn forget_refusals(conn: &mut PgConnection, accounts: &[AccountId]) -> Result<()> {
    let accounts: Vec<Uuid> = accounts.iter().map(|account| account.0).collect();
    sqlx::query!("DELETE FROM dial_refusal WHERE account_id = ANY ($1)", &accounts).execute(conn).await?;
    Ok(())
}

/// The rules of a campaign have changed (`None`: so much that all accounts of all of them are looked at anew).
///
/// # Errors
/// If Postgres fails.
pub async fn forget_refusals_of(conn: &mut PgConnection, campaign: Option<CampaignId>) -> Result<()> {
    let campaign = campaign.map(|campaign| campaign.0);
    sqlx::query!("DELETE FROM dial_refusal WHERE $1::uuid IS NULL OR campaign_id = $1", campaign).execute(conn).await?;
    Ok(())
}

/// Whether anything was refused by other policies than those of `version`; it is forgotten.
///
/// # Errors
/// If Postgres fails.
pub async fn forget_other_policies(conn: &mut PgConnection, version: &str) -> Result<bool> {
    let forgotten = sqlx::query!("DELETE FROM dial_refusal WHERE policy_version <> $1", version).execute(conn).await?;
    Ok(forgotten.rows_affected() > 0)
}

/// Numbers that are not offered at `now`, by contact point from `after` on.
///
/// # Errors
/// If Postgres fails.
pub async fn refused(
    conn: &mut PgConnection,
    campaign: CampaignId,
    now: DateTime<Utc>,
    after: Option<ContactPointId>,
    limit: i64,
) -> Result<Vec<Refused>> {
    let refused = sqlx::query_as!(
        Refused,
        r#"SELECT account_id AS "account: AccountId", contact_point_id AS "contact_point: ContactPointId",
                  decision_id AS "decision: DecisionId", rule, next_allowed_at
           FROM dial_refusal
           WHERE campaign_id = $1 AND (next_allowed_at IS NULL OR next_allowed_at > $2)
             AND ($3::uuid IS NULL OR contact_point_id > $3)
           ORDER BY contact_point_id LIMIT $4"#,
        campaign.0,
        now,
        after.map(|point| point.0),
        limit
    );
    Ok(refused.fetch_all(conn).await?)
}
