//! Receipts read back.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, types::Json};

use crate::{
    compliance::{Finding, PermitRequest, Receipt, Refusal},
    error::{Error, Result},
    ids::{CampaignId, DecisionId},
};

struct Row {
    id: DecisionId,
    at: DateTime<Utc>,
    facts: Json<PermitRequest>,
    findings: Json<Vec<Finding>>,
    policy_version: Option<String>,
    rule: Option<String>,
    cite: Option<String>,
    next_allowed_at: Option<DateTime<Utc>>,
}

/// The receipt of a verdict.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn receipt(conn: &mut PgConnection, decision: DecisionId) -> Result<Receipt> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: DecisionId", at, facts AS "facts: Json<PermitRequest>",
                  findings AS "findings: Json<Vec<Finding>>", policy_version, rule, cite, next_allowed_at
           FROM dial_decision WHERE id = $1"#,
        decision.0
    )
    .fetch_optional(conn)
    .await?;
    row.map(Row::read).ok_or(Error::NotFound("decision"))
}

/// Receipts since a moment, newest first, from `after` on; of one campaign or of all.
///
/// # Errors
/// If Postgres fails.
pub async fn receipts_since(
    conn: &mut PgConnection,
    campaign: Option<CampaignId>,
    since: DateTime<Utc>,
    after: Option<(DateTime<Utc>, DecisionId)>,
    limit: i64,
) -> Result<Vec<Receipt>> {
    let (until, last) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: DecisionId", at, facts AS "facts: Json<PermitRequest>",
                  findings AS "findings: Json<Vec<Finding>>", policy_version, rule, cite, next_allowed_at
           FROM dial_decision
           WHERE at >= $1 AND ($2::uuid IS NULL OR campaign_id = $2)
             AND ($3::timestamptz IS NULL OR (at, id) < ($3, $4::uuid))
           ORDER BY at DESC, id DESC LIMIT $5"#,
        since,
        campaign.map(|campaign| campaign.0),
        until,
        last.map(|decision| decision.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Row::read).collect())
}

impl Row {
    fn read(self) -> Receipt {
        let Self { id, at, facts, findings, policy_version, rule, cite, next_allowed_at } = self;
        let facts_of = |rule: &str| findings.0.iter().find(|finding| finding.rule == rule).map(|one| one.facts.clone());
        let refusal = rule.map(|rule| Refusal {
            facts: facts_of(&rule).unwrap_or_default(),
            cite: cite.unwrap_or_default(),
            rule,
            next_allowed_at,
        });
        let request = PermitRequest { decision: id, ..facts.0 };
        Receipt { request, at, policy_version: policy_version.unwrap_or_default(), findings: findings.0, refusal }
    }
}
