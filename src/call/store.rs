//! The rows of calls and of what was heard about them.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool, types::Json};

use super::{CallbackToken, Facts, apply::Heard};
use crate::{
    agent::ready,
    error::{Error, Result},
    ids::{AccountId, CallId, CampaignId, ContactPointId, DecisionId, LeaseId, PersonId, UserId},
    outbox,
};

/// A call as its decisions need it.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its id.
    pub id: CallId,
    /// The campaign it belongs to; `None`: an inbound call that found none.
    pub campaign: Option<CampaignId>,
    /// The account; `None`: an inbound call from an unknown number.
    pub account: Option<AccountId>,
    /// The agent who promised the callback that this call makes.
    pub promised_by: Option<UserId>,
    /// The agent who owns the account.
    pub owner: Option<UserId>,
    /// The number that was dialled, as a contact point.
    pub contact_point: Option<ContactPointId>,
    /// The carrier's id of the customer's leg, once known.
    pub sid: Option<String>,
    /// Secret part of the callback addresses.
    pub token: CallbackToken,
    /// What has been learnt.
    pub facts: Facts,
    /// Conference the debtor is, or will be, in.
    pub conference: Option<String>,
    /// Our number: the caller id, or the number that was called.
    pub our_number: String,
    /// The debtor's number.
    pub their_number: String,
    /// When the attempt was committed, or the call came in.
    pub created_at: DateTime<Utc>,
    /// Raised with every change of the facts, and when the carrier's id becomes known.
    pub version: i64,
}

struct Fields {
    id: CallId,
    campaign_id: Option<CampaignId>,
    account_id: Option<AccountId>,
    promised_by: Option<UserId>,
    owner_id: Option<UserId>,
    contact_point_id: Option<ContactPointId>,
    sid: Option<String>,
    callback_token: String,
    facts: Json<Facts>,
    conference: Option<String>,
    to_number: String,
    from_number: String,
    created_at: DateTime<Utc>,
    version: i64,
}

impl Row {
    /// Whom the debtor is to reach, if they are free: who promised to call back, then who owns the account.
    pub fn preferred(&self) -> impl Iterator<Item = UserId> {
        ready::preferred(self.promised_by, self.owner)
    }
}

impl From<Fields> for Row {
    fn from(row: Fields) -> Self {
        let (our_number, their_number) = match row.facts.0.direction {
            super::Direction::Outbound => (row.from_number, row.to_number),
            super::Direction::Inbound => (row.to_number, row.from_number),
        };
        Self {
            our_number,
            their_number,
            created_at: row.created_at,
            version: row.version,
            id: row.id,
            campaign: row.campaign_id,
            account: row.account_id,
            promised_by: row.promised_by,
            owner: row.owner_id,
            contact_point: row.contact_point_id,
            sid: row.sid,
            token: CallbackToken::from_stored(row.callback_token),
            facts: row.facts.0,
            conference: row.conference,
        }
    }
}

/// Reads a call without locking it.
///
/// # Errors
/// Those of Postgres.
pub async fn get(db: &PgPool, call: CallId) -> Result<Option<Row>> {
    let row = sqlx::query_as!(
        Fields,
        r#"SELECT call.id AS "id: CallId", campaign_id AS "campaign_id: CampaignId",
             account_id AS "account_id: AccountId", account.owner_id AS "owner_id: UserId",
             callback_agent(account_id, call.created_at) AS "promised_by: UserId",
             contact_point_id AS "contact_point_id: ContactPointId", sid, callback_token,
             facts AS "facts: Json<Facts>", conference, to_number, from_number, call.created_at, call.version
           FROM call LEFT JOIN account ON account.id = account_id WHERE call.id = $1"#,
        call.0
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Row::from))
}

/// Locks a call until the transaction ends.
pub(super) async fn lock(conn: &mut PgConnection, call: CallId) -> Result<Option<Row>> {
    let row = sqlx::query_as!(
        Fields,
        r#"SELECT call.id AS "id: CallId", campaign_id AS "campaign_id: CampaignId",
             account_id AS "account_id: AccountId", account.owner_id AS "owner_id: UserId",
             callback_agent(account_id, call.created_at) AS "promised_by: UserId",
             contact_point_id AS "contact_point_id: ContactPointId", sid, callback_token,
             facts AS "facts: Json<Facts>", conference, to_number, from_number, call.created_at, call.version
           FROM call LEFT JOIN account ON account.id = account_id WHERE call.id = $1 FOR UPDATE OF call"#,
        call.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Row::from))
}

/// Of these calls, those that nobody has picked up and that may still be.
pub(super) async fn unanswered(conn: &mut PgConnection, calls: &[CallId]) -> Result<Vec<CallId>> {
    let calls: Vec<uuid::Uuid> = calls.iter().map(|call| call.0).collect();
    let unanswered = sqlx::query_scalar!(
        r#"SELECT id AS "id: CallId" FROM call WHERE id = ANY($1) AND live AND answered_at IS NULL"#,
        &calls
    )
    .fetch_all(conn)
    .await?;
    Ok(unanswered)
}

/// Reads calls without locking them.
pub(super) async fn many(conn: &mut PgConnection, calls: &[CallId]) -> Result<Vec<Row>> {
    let calls: Vec<uuid::Uuid> = calls.iter().map(|call| call.0).collect();
    let rows = sqlx::query_as!(
        Fields,
        r#"SELECT call.id AS "id!: CallId", campaign_id AS "campaign_id: CampaignId",
             account_id AS "account_id: AccountId", account.owner_id AS "owner_id: UserId",
             callback_agent(account_id, call.created_at) AS "promised_by: UserId",
             contact_point_id AS "contact_point_id: ContactPointId", sid, callback_token AS "callback_token!",
             facts AS "facts!: Json<Facts>", conference, to_number AS "to_number!",
             from_number AS "from_number!", call.created_at AS "created_at!", call.version AS "version!"
           FROM call LEFT JOIN account ON account.id = account_id WHERE call.id = ANY($1)"#,
        &calls
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Row::from).collect())
}

/// The call whose customer's leg the carrier knows as `sid`.
///
/// # Errors
/// Those of Postgres.
pub async fn id_of_sid(db: &PgPool, sid: &str) -> Result<Option<CallId>> {
    let id =
        sqlx::query_scalar!(r#"SELECT id AS "id: CallId" FROM call WHERE sid = $1"#, sid).fetch_optional(db).await?;
    Ok(id)
}

/// The call of a campaign that has been waiting longest for an agent.
///
/// # Errors
/// Those of Postgres.
pub async fn oldest_waiting(db: &PgPool, campaign: CampaignId) -> Result<Option<CallId>> {
    let id = sqlx::query_scalar!(
        r#"SELECT id AS "id: CallId" FROM call
           WHERE campaign_id = $1 AND live AND state = 'held' AND agent_id IS NULL AND facts->>'hold_expired_at' IS NULL
           ORDER BY answered_at LIMIT 1"#,
        campaign.0
    )
    .fetch_optional(db)
    .await?;
    Ok(id)
}

/// A call to insert.
#[derive(Debug)]
pub(crate) struct NewCall<'a> {
    pub(crate) id: CallId,
    pub(crate) campaign: Option<CampaignId>,
    pub(crate) account: Option<AccountId>,
    pub(crate) person: Option<PersonId>,
    pub(crate) contact_point: Option<ContactPointId>,
    pub(crate) to: &'a str,
    pub(crate) from: &'a str,
    pub(crate) sid: Option<&'a str>,
    pub(crate) token: &'a CallbackToken,
    pub(crate) facts: &'a Facts,
    pub(crate) decision: Option<DecisionId>,
    pub(crate) lease: Option<LeaseId>,
    pub(crate) queue_entry: Option<serde_json::Value>,
    /// Relative to the mean of all calls.
    pub(crate) answer_chance: f64,
}

/// Inserts a call; false: another call to the account, person or number is live, or the carrier's id is known.
pub(crate) async fn insert(conn: &mut PgConnection, call: &NewCall<'_>, now: DateTime<Utc>) -> Result<bool> {
    let facts = call.facts;
    let direction = match facts.direction {
        super::Direction::Outbound => "outbound",
        super::Direction::Inbound => "inbound",
    };
    let inserted = sqlx::query!(
        "INSERT INTO call (id, campaign_id, account_id, person_id, contact_point_id, direction, to_number, from_number,
             sid, callback_token, facts, state, live, agent_id, decision_id, lease, queue_entry, created_at,
             answered_at, heard_at, answer_chance)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $18, $20)
         ON CONFLICT DO NOTHING",
        call.id.0,
        call.campaign.map(|id| id.0),
        call.account.map(|id| id.0),
        call.person.map(|id| id.0),
        call.contact_point.map(|id| id.0),
        direction,
        call.to,
        call.from,
        call.sid,
        call.token.as_str(),
        Json(facts) as _,
        facts.state().as_str(),
        facts.is_live(),
        facts.agent.map(|(_, agent)| agent.0),
        call.decision.map(|id| id.0),
        call.lease.map(|id| id.0),
        call.queue_entry,
        now,
        facts.answered_at,
        call.answer_chance
    )
    .execute(conn)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// What a transaction writes back about the call it has locked.
pub(super) struct Change<'a> {
    pub(super) heard: &'a Heard,
    pub(super) verdict: &'static str,
    /// `None`: nothing was learnt, the call stays as it is.
    pub(super) facts: Option<&'a Facts>,
    pub(super) effects: &'a [outbox::Effect],
}

/// What became of writing back.
pub(super) struct Written {
    /// False: the event had been stored before, and nothing is changed.
    pub(super) fresh: bool,
    /// Conference of the call's agent.
    pub(super) conference: Option<String>,
}

/// Stores the event, the facts with their mirrored columns, and the effects, in one statement: the answer to the
/// carrier waits for it.
pub(super) async fn keep(conn: &mut PgConnection, call: CallId, change: &Change<'_>) -> Result<Written> {
    let Some(facts) = change.facts else { return hear(conn, call, change).await };
    let heard = change.heard;
    let effects = outbox::Rows::of(change.effects)?;
    let written = sqlx::query_as!(
        Written,
        r#"WITH event AS (
             INSERT INTO call_event (call_id, source, dedupe_key, body, received_at, verdict)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (dedupe_key) DO NOTHING RETURNING id),
           written AS (
             UPDATE call SET facts = $7, state = $8, outcome = $9, live = $10, agent_id = $11,
               conference = coalesce(conference, (SELECT conference FROM agent WHERE user_id = $11)),
               ringing_at = $12, answered_at = $13, bridged_at = $14, ended_at = $15,
               sid = coalesce(sid, $16), heard_at = greatest(heard_at, $5), version = version + 1, connected_late = $20
             WHERE id = $1 AND EXISTS (SELECT FROM event) RETURNING conference),
           queued AS (
             INSERT INTO outbox (dedupe_key, lane, payload, created_at, run_at)
             SELECT key, lane, payload, $5, $5
             FROM unnest($17::text[], $18::text[], $19::jsonb[]) AS new (key, lane, payload)
             WHERE EXISTS (SELECT FROM event)
             ON CONFLICT (dedupe_key) DO UPDATE
             SET version = outbox.version + 1, attempts = 0, failed_at = NULL, run_at = excluded.run_at)
           SELECT EXISTS (SELECT FROM event) AS "fresh!", (SELECT conference FROM written) AS conference"#,
        call.0,
        heard.source.as_str(),
        heard.dedupe_key,
        heard.body,
        heard.at,
        change.verdict,
        Json(facts) as _,
        facts.state().as_str(),
        facts.outcome().map(super::Outcome::as_str),
        facts.is_live(),
        facts.agent.map(|(_, agent)| agent.0),
        facts.on_the_line(facts.ringing_at),
        facts.on_the_line(facts.answered_at),
        facts.on_the_line(facts.joined_at),
        facts.end.map(|end| end.at),
        heard.sid,
        &effects.keys,
        &effects.lanes,
        &effects.payloads,
        facts.was_connected_late()
    )
    .fetch_one(conn)
    .await?;
    Ok(written)
}

/// Nothing was learnt: the event is stored, and the line may have been named.
async fn hear(conn: &mut PgConnection, call: CallId, change: &Change<'_>) -> Result<Written> {
    let heard = change.heard;
    let fresh = store_event(&mut *conn, Some(call), heard, change.verdict).await?;
    if fresh {
        sqlx::query!(
            "UPDATE call SET sid = coalesce(sid, $2), heard_at = greatest(heard_at, $3),
               version = version + (sid IS NULL AND $2::text IS NOT NULL)::int
             WHERE id = $1",
            call.0,
            heard.sid,
            heard.at
        )
        .execute(conn)
        .await?;
    }
    Ok(Written { fresh, conference: None })
}

/// Stores a raw event; false: it had been stored before.
pub(crate) async fn store_event(
    conn: &mut PgConnection,
    call: Option<CallId>,
    heard: &Heard,
    verdict: &str,
) -> Result<bool> {
    let stored = sqlx::query!(
        "INSERT INTO call_event (call_id, source, dedupe_key, body, received_at, verdict)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (dedupe_key) DO NOTHING",
        call.map(|id| id.0),
        heard.source.as_str(),
        heard.dedupe_key,
        heard.body,
        heard.at,
        verdict
    )
    .execute(conn)
    .await?;
    Ok(stored.rows_affected() == 1)
}

/// Counts an attempt on the account in its campaign.
pub(super) async fn count_attempt(
    conn: &mut PgConnection,
    campaign: CampaignId,
    account: AccountId,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO campaign_account (campaign_id, account_id, attempts, last_attempt_at) VALUES ($1, $2, 1, $3)
         ON CONFLICT (campaign_id, account_id) DO UPDATE
         SET attempts = campaign_account.attempts + 1, last_attempt_at = excluded.last_attempt_at",
        campaign.0,
        account.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Marks a contact point as one that the carrier cannot call.
pub(super) async fn mark_invalid(
    conn: &mut PgConnection,
    point: ContactPointId,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE contact_point SET invalid_reason = $2, invalid_at = $3 WHERE id = $1 AND invalid_at IS NULL",
        point.0,
        reason,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The settings of a campaign.
pub(super) async fn settings(conn: &mut PgConnection, campaign: CampaignId) -> Result<crate::campaign::Settings> {
    let settings = sqlx::query_scalar!(
        r#"SELECT settings AS "settings: Json<crate::campaign::Settings>" FROM campaign WHERE id = $1"#,
        campaign.0
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("campaign"))?;
    Ok(settings.0)
}
