//! Calls as the API shows them.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use crate::{
    call::{self, Direction},
    error::{Error, Result},
    ids::{AccountId, CallId, CampaignId, DecisionId, UserId},
};

use super::{CallView, EventView, Wanted};

struct Row {
    id: CallId,
    campaign: Option<CampaignId>,
    account: Option<AccountId>,
    account_number: Option<String>,
    account_name: Option<String>,
    direction: String,
    to_number: String,
    from_number: String,
    state: String,
    outcome: Option<String>,
    agent: Option<UserId>,
    agent_name: Option<String>,
    disposition: Option<String>,
    disposition_label: Option<String>,
    decision: Option<DecisionId>,
    created_at: DateTime<Utc>,
    answered_at: Option<DateTime<Utc>>,
    bridged_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    identity_confirmed_at: Option<DateTime<Utc>>,
}

/// Calls, newest first, beginning before the given place.
pub(super) async fn list(
    db: &PgPool,
    wanted: &Wanted,
    before: Option<(DateTime<Utc>, CallId)>,
    limit: i64,
) -> Result<Vec<CallView>> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT c.id AS "id: CallId", c.campaign_id AS "campaign: CampaignId", c.account_id AS "account: AccountId",
                  a.number AS "account_number?", a.name AS "account_name?", c.direction, c.to_number, c.from_number,
                  c.state, c.outcome, c.agent_id AS "agent: UserId", u.name AS "agent_name?", d.code AS "disposition?",
                  k.label AS "disposition_label?", c.decision_id AS "decision: DecisionId", c.created_at, c.answered_at, c.bridged_at, c.ended_at,
                  (c.facts ->> 'identity_confirmed_at')::timestamptz AS identity_confirmed_at
           FROM call c
           LEFT JOIN account a ON a.id = c.account_id
           LEFT JOIN users u ON u.id = c.agent_id
           LEFT JOIN call_disposition d ON d.call_id = c.id
           LEFT JOIN disposition k ON k.set_name = d.set_name AND k.code = d.code
           WHERE ($1::uuid IS NULL OR c.agent_id = $1)
             AND ($2::uuid IS NULL OR c.campaign_id = $2)
             AND ($3::uuid IS NULL OR c.account_id = $3)
             AND ($4::text IS NULL OR c.state = $4)
             AND ($5::timestamptz IS NULL OR c.created_at >= $5)
             AND ($6::timestamptz IS NULL OR (c.created_at, c.id) < ($6, $7))
           ORDER BY c.created_at DESC, c.id DESC LIMIT $8"#,
        wanted.agent.map(|id| id.0),
        wanted.campaign.map(|id| id.0),
        wanted.account.map(|id| id.0),
        wanted.state.map(call::State::as_str),
        wanted.since,
        before.map(|(at, _)| at),
        before.map(|(_, id)| id.0),
        limit
    );
    rows.fetch_all(db).await?.into_iter().map(Row::read).collect()
}

/// One call.
pub(super) async fn get(db: &PgPool, call: CallId) -> Result<CallView> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT c.id AS "id: CallId", c.campaign_id AS "campaign: CampaignId", c.account_id AS "account: AccountId",
                  a.number AS "account_number?", a.name AS "account_name?", c.direction, c.to_number, c.from_number,
                  c.state, c.outcome, c.agent_id AS "agent: UserId", u.name AS "agent_name?", d.code AS "disposition?",
                  k.label AS "disposition_label?", c.decision_id AS "decision: DecisionId", c.created_at, c.answered_at, c.bridged_at, c.ended_at,
                  (c.facts ->> 'identity_confirmed_at')::timestamptz AS identity_confirmed_at
           FROM call c
           LEFT JOIN account a ON a.id = c.account_id
           LEFT JOIN users u ON u.id = c.agent_id
           LEFT JOIN call_disposition d ON d.call_id = c.id
           LEFT JOIN disposition k ON k.set_name = d.set_name AND k.code = d.code
           WHERE c.id = $1"#,
        call.0
    );
    row.fetch_optional(db).await?.ok_or(Error::NotFound("call"))?.read()
}

/// What was heard about a call, in the order in which it came in.
pub(super) async fn events(db: &PgPool, call: CallId) -> Result<Vec<EventView>> {
    let events = sqlx::query_as!(
        EventView,
        "SELECT source, verdict, received_at FROM call_event WHERE call_id = $1 ORDER BY id LIMIT 500",
        call.0
    );
    Ok(events.fetch_all(db).await?)
}

impl Row {
    fn read(self) -> Result<CallView> {
        let unreadable = |what: &'static str| Error::internal("reading a stored call")(what);
        let direction = match self.direction.as_str() {
            "outbound" => Direction::Outbound,
            "inbound" => Direction::Inbound,
            _ => return Err(unreadable("unknown direction")),
        };
        let outcome = self.outcome.as_deref().map(|name| call::Outcome::from_name(name).ok_or("unknown outcome"));
        Ok(CallView {
            id: self.id,
            campaign: self.campaign,
            account: self.account,
            account_number: self.account_number,
            account_name: self.account_name,
            direction,
            number: if direction == Direction::Outbound { self.to_number } else { self.from_number },
            state: call::State::from_name(&self.state).ok_or("unknown state").map_err(unreadable)?,
            outcome: outcome.transpose().map_err(unreadable)?,
            agent: self.agent,
            agent_name: self.agent_name,
            disposition: self.disposition,
            disposition_label: self.disposition_label,
            decision: self.decision,
            created_at: self.created_at,
            answered_at: self.answered_at,
            bridged_at: self.bridged_at,
            ended_at: self.ended_at,
            identity_confirmed_at: self.identity_confirmed_at,
        })
    }
}
