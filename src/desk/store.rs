//! What a pop is read from, and what is noted about it.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::value::RawValue;
use sqlx::{PgConnection, PgPool, types::Json};

use super::protocol::{CallView, Pop, PopCall, PopDispute, PopNote, PopPromise};
use crate::{
    call,
    campaign::Settings,
    error::{Error, Result},
    ids::{AccountId, CallId, CampaignId, ContactPointId, UserId},
};

/// The call, its campaign, and the account in one row.
pub(super) struct Head {
    pub(super) id: CallId,
    pub(super) direction: String,
    pub(super) state: String,
    pub(super) to_number: String,
    pub(super) from_number: String,
    pub(super) queue_entry: Option<serde_json::Value>,
    pub(super) campaign_id: Option<CampaignId>,
    pub(super) campaign_name: Option<String>,
    pub(super) settings: Option<Json<Settings>>,
    pub(super) account_id: Option<AccountId>,
    pub(super) account_number: Option<String>,
    pub(super) account_name: Option<String>,
    pub(super) currency: Option<String>,
    pub(super) language: Option<String>,
    pub(super) contact_point_id: Option<ContactPointId>,
    pub(super) zones: Option<Vec<String>>,
    pub(super) person_name: Option<String>,
    pub(super) role: Option<String>,
    pub(super) open_minor: Option<i64>,
    pub(super) unapplied_minor: Option<i64>,
    /// Came in by bank and seems to be the account's, but is not booked.
    pub(super) on_bank_minor: i64,
    /// Money of just the amount that may be asked for came in by bank, and nobody knows from whom.
    pub(super) unidentified_alike: bool,
    pub(super) disputed_minor: Option<i64>,
    pub(super) collectible_minor: Option<i64>,
    pub(super) broken_promises: Option<i32>,
    pub(super) promise_broken: Option<bool>,
    /// Reasons of the holds in force.
    pub(super) holds: Vec<String>,
    /// Why it is with somebody higher up, and with whom.
    pub(super) escalated: Option<String>,
    /// Another number of the account is on the do-not-call list.
    pub(super) other_number_barred: bool,
}

/// By id.
pub(super) async fn heads(conn: &mut PgConnection, calls: &[CallId], now: DateTime<Utc>) -> Result<Vec<Head>> {
    let calls: Vec<uuid::Uuid> = calls.iter().map(|call| call.0).collect();
    Ok(sqlx::query_as!(
        Head,
        r#"SELECT c.id AS "id: CallId", c.direction, c.state, c.to_number, c.from_number, c.queue_entry,
                  c.campaign_id AS "campaign_id: CampaignId", g.name AS "campaign_name?",
                  g.settings AS "settings?: Json<Settings>",
                  a.id AS "account_id?: AccountId", a.number AS "account_number?", a.name AS "account_name?",
                  a.currency::text AS "currency?", a.language,
                  p.id AS "contact_point_id?: ContactPointId", p.zones AS "zones?", n.name AS "person_name?", k.role AS "role?",
                  s.open_minor AS "open_minor?", s.unapplied_minor AS "unapplied_minor?",
                  s.disputed_minor AS "disputed_minor?", s.collectible_minor AS "collectible_minor?",
                  s.broken_promises AS "broken_promises?", s.promise_broken AS "promise_broken?",
                  array(SELECT DISTINCT h.reason FROM account_hold h
                        WHERE h.account_id = a.id AND h.released_at IS NULL AND (h.until_at IS NULL OR h.until_at > $2)
                        ORDER BY h.reason) AS "holds!",
                  (SELECT e.level || ', ' || e.reason FROM escalation e
                   WHERE e.account_id = a.id AND e.ended_at IS NULL) AS escalated,
                  EXISTS (SELECT FROM contact_point o
                          JOIN do_not_call d ON d.scope = 'number' AND d.value = o.value AND d.revoked_at IS NULL
                          WHERE o.account_id = a.id AND o.kind = 'phone' AND o.id IS DISTINCT FROM p.id)
                      AS "other_number_barred!",
                  (SELECT coalesce(sum(b.minor), 0)::bigint FROM bank_line b
                   WHERE b.account_id = a.id AND b.state = 'open' AND b.minor > 0) AS "on_bank_minor!",
                  EXISTS (SELECT FROM bank_line b WHERE b.portfolio = a.portfolio AND b.minor = s.collectible_minor
                          AND b.state IN ('open', 'unidentified') AND b.account_id IS NULL AND b.minor > 0)
                      AS "unidentified_alike!"
           FROM call c
           LEFT JOIN campaign g ON g.id = c.campaign_id
           LEFT JOIN account a ON a.id = c.account_id
           LEFT JOIN contact_point p ON p.id = c.contact_point_id
           LEFT JOIN contact k ON k.id = p.contact_id
           LEFT JOIN person n ON n.id = k.person_id
           LEFT JOIN account_standing s ON s.account_id = a.id
           WHERE c.id = ANY($1) ORDER BY c.id"#,
        &calls,
        now
    )
    .fetch_all(conn)
    .await?)
}

/// How long the answer to a dispute is shown.
const ANSWER_SHOWN: TimeDelta = TimeDelta::days(30);

/// What happened on the account before, newest first.
pub(super) struct History {
    pub(super) promises: Json<Vec<PopPromise>>,
    pub(super) disputes: Json<Vec<PopDispute>>,
    pub(super) calls: Json<Vec<PopCall>>,
    pub(super) notes: Json<Vec<PopNote>>,
}

pub(super) async fn history(
    conn: &mut PgConnection,
    account: AccountId,
    but: CallId,
    now: DateTime<Utc>,
) -> Result<History> {
    Ok(sqlx::query_as!(
        History,
        r#"SELECT
             (SELECT coalesce(jsonb_agg(row.line), '[]') FROM (
                 SELECT jsonb_build_object('amount', jsonb_build_object('minor', amount_minor, 'currency', currency),
                                           'due_on', due_on, 'status', status, 'taken_at', taken_at) AS line
                 FROM promise WHERE account_id = $1 ORDER BY taken_at DESC LIMIT 10) row)
               AS "promises!: Json<Vec<PopPromise>>",
             (SELECT coalesce(jsonb_agg(row.line), '[]') FROM (
                 SELECT jsonb_build_object(
                            'reason', d.reason, 'department', d.department, 'opened_at', d.opened_at,
                            'status', d.status, 'due_on', d.due_on, 'answer', d.answer,
                            'amount', jsonb_build_object('minor', sum(i.amount_minor), 'currency', a.currency)) AS line
                 FROM dispute d JOIN dispute_item i ON i.dispute_id = d.id JOIN account a ON a.id = d.account_id
                 WHERE d.account_id = $1 AND (d.status = 'open' OR d.closed_at > $3)
                 GROUP BY d.id, a.currency ORDER BY d.opened_at DESC LIMIT 10) row)
               AS "disputes!: Json<Vec<PopDispute>>",
             (SELECT coalesce(jsonb_agg(row.line), '[]') FROM (
                 SELECT jsonb_build_object('at', c.created_at, 'direction', c.direction, 'outcome', c.outcome,
                                           'disposition', e.label, 'agent', u.name) AS line
                 FROM call c
                 LEFT JOIN call_disposition d ON d.call_id = c.id
                 LEFT JOIN disposition e ON e.set_name = d.set_name AND e.code = d.code
                 LEFT JOIN users u ON u.id = c.agent_id
                 WHERE c.account_id = $1 AND c.id <> $2 ORDER BY c.created_at DESC LIMIT 10) row)
               AS "calls!: Json<Vec<PopCall>>",
             (SELECT coalesce(jsonb_agg(row.line), '[]') FROM (
                 SELECT jsonb_build_object('at', n.at, 'by', u.name, 'body', n.body) AS line
                 FROM note n LEFT JOIN users u ON u.id = n.user_id
                 WHERE n.account_id = $1 ORDER BY n.at DESC LIMIT 10) row)
               AS "notes!: Json<Vec<PopNote>>""#,
        account.0,
        but.0,
        now - ANSWER_SHOWN
    )
    .fetch_one(conn)
    .await?)
}

/// Keeps the pop with its call.
pub(super) async fn keep_pop(conn: &mut PgConnection, call: CallId, pop: Option<&Pop>) -> Result<()> {
    sqlx::query!("UPDATE call SET pop = $2 WHERE id = $1", call.0, pop.map(Json) as _).execute(conn).await?;
    Ok(())
}

/// The pop that was kept, if the call has one, and whether the agent has confirmed who is speaking.
pub(super) async fn kept_pop(db: &PgPool, call: CallId) -> Result<(Option<Box<Pop>>, bool)> {
    let row = sqlx::query!(
        r#"SELECT pop AS "pop: Json<Box<Pop>>", facts ->> 'identity_confirmed_at' IS NOT NULL AS "confirmed!"
           FROM call WHERE id = $1"#,
        call.0
    )
    .fetch_optional(db)
    .await?
    .ok_or(Error::NotFound("call"))?;
    Ok((row.pop.map(|pop| pop.0), row.confirmed))
}

/// Notes when a pop was sent; keeps it, if it is not kept yet.
pub(super) async fn note_sent(db: &PgPool, call: CallId, pop: Option<&RawValue>, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "UPDATE call SET pop = coalesce(pop, $3), pop_sent_at = $2 WHERE id = $1",
        call.0,
        now,
        pop.map(Json) as _
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(super) async fn note_shown(db: &PgPool, call: CallId, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!("UPDATE call SET pop_acked_at = $2 WHERE id = $1 AND pop_acked_at IS NULL", call.0, now)
        .execute(db)
        .await?;
    Ok(())
}

/// Pops sent before `cutoff` to agents who are busy with the call, at a desk, and have not shown it; at most `limit`.
pub(super) async fn unseen(db: &PgPool, cutoff: DateTime<Utc>, limit: i64) -> Result<Vec<(UserId, CallId)>> {
    let rows = sqlx::query!(
        r#"SELECT a.user_id AS "user_id: UserId", c.id AS "id: CallId"
           FROM agent a JOIN call c ON c.id = a.call_id
           WHERE a.connected AND a.state IN ('reserved', 'on_call')
             AND c.pop_acked_at IS NULL AND (c.pop_sent_at IS NULL OR c.pop_sent_at < $1) AND c.answered_at < $1
           LIMIT $2"#,
        cutoff,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.user_id, row.id)).collect())
}

struct Shown {
    id: CallId,
    state: String,
    outcome: Option<String>,
    bridged_at: Option<DateTime<Utc>>,
    wrap_until: Option<DateTime<Utc>>,
}

impl TryFrom<Shown> for CallView {
    type Error = Error;

    fn try_from(row: Shown) -> Result<Self> {
        let state = call::State::from_name(&row.state).ok_or_else(|| Error::internal("reading a call")("state"))?;
        let outcome = row.outcome.as_deref().and_then(call::Outcome::from_name);
        Ok(Self { call: row.id, state, outcome, bridged_at: row.bridged_at, wrap_until: row.wrap_until })
    }
}

/// Of these calls, those that an agent is busy with, as the desk shows them.
pub(super) async fn shown(db: &PgPool, calls: &[CallId]) -> Result<Vec<(UserId, CallView)>> {
    let calls: Vec<uuid::Uuid> = calls.iter().map(|call| call.0).collect();
    let rows = sqlx::query!(
        r#"SELECT c.id AS "id: CallId", c.state, c.outcome, c.bridged_at, a.user_id AS "user_id: UserId", a.wrap_until
           FROM agent a JOIN call c ON c.id = a.call_id WHERE a.call_id = ANY($1)"#,
        &calls
    );
    let rows = rows.fetch_all(db).await?.into_iter().map(|row| {
        let agent = row.user_id;
        let (id, state, outcome) = (row.id, row.state, row.outcome);
        let shown = Shown { id, state, outcome, bridged_at: row.bridged_at, wrap_until: row.wrap_until };
        Ok((agent, shown.try_into()?))
    });
    rows.collect()
}

/// A call as the desk shows it.
pub(super) async fn call_view(db: &PgPool, call: CallId) -> Result<Option<CallView>> {
    let row = sqlx::query_as!(
        Shown,
        r#"SELECT c.id AS "id: CallId", c.state, c.outcome, c.bridged_at, a.wrap_until
           FROM call c LEFT JOIN agent a ON a.call_id = c.id WHERE c.id = $1"#,
        call.0
    )
    .fetch_optional(db)
    .await?;
    row.map(CallView::try_from).transpose()
}

/// This node vouches for its sockets.
pub(super) async fn vouch(db: &PgPool, present: &[(UserId, i64)], now: DateTime<Utc>) -> Result<()> {
    let (agents, sessions): (Vec<uuid::Uuid>, Vec<i64>) =
        present.iter().map(|(agent, session)| (agent.0, *session)).unzip();
    sqlx::query!(
        "UPDATE agent SET seen_at = $3
         FROM unnest($1::uuid[], $2::bigint[]) AS here (user_id, session)
         WHERE agent.user_id = here.user_id AND agent.session = here.session AND agent.connected",
        &agents,
        &sessions,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}
