//! The call and its agent in one statement.

use sqlx::{PgConnection, types::Json};

use crate::{
    agent::presence::Presence,
    call::{Facts, apply::Heard, store::Row},
    error::Result,
    ids::UserId,
    outbox,
};

/// What is written when a call gets its agent.
pub(super) struct Change<'a> {
    /// The call as it was read.
    pub(super) row: &'a Row,
    pub(super) heard: &'a Heard,
    pub(super) facts: &'a Facts,
    pub(super) agent: UserId,
    /// What the agent is doing from now on.
    pub(super) presence: &'a Presence,
    pub(super) effects: &'a [outbox::Effect],
}

/// What was written.
pub(super) struct Written {
    pub(super) conference: Option<String>,
    pub(super) version: i64,
}

/// Stores the event, the facts, the agent's presence and the effects, if the call is still as it was read, the agent is
/// ready, and the event is new; else nothing, and `None`.
pub(super) async fn give(conn: &mut PgConnection, change: &Change<'_>) -> Result<Option<Written>> {
    let Change { row, heard, facts, presence, .. } = change;
    let effects = outbox::Rows::of(change.effects)?;
    let written = sqlx::query_as!(
        Written,
        r#"WITH free AS (
             SELECT agent.conference, agent.campaign_id FROM call, agent
             WHERE call.id = $1 AND call.version = $2 AND agent.user_id = $3 AND agent.state = 'ready'
             FOR UPDATE),
           event AS (
             INSERT INTO call_event (call_id, source, dedupe_key, body, received_at, verdict)
             SELECT $1, $4, $5, $6, $7, 'applied' FROM free ON CONFLICT (dedupe_key) DO NOTHING RETURNING id),
           reserved AS (
             UPDATE agent SET state = $8, since = $9, reason = NULL, call_id = $1, wrap_until = NULL,
               version = version + 1
             WHERE user_id = $3 AND EXISTS (SELECT FROM event)),
           logged AS (
             INSERT INTO agent_log (user_id, campaign_id, state, call_id, at)
             SELECT $3, free.campaign_id, $8, $1, $7 FROM free, event),
           queued AS (
             INSERT INTO outbox (dedupe_key, lane, payload, created_at, run_at)
             SELECT key, lane, payload, $7, $7
             FROM unnest($15::text[], $16::text[], $17::jsonb[]) AS new (key, lane, payload)
             WHERE EXISTS (SELECT FROM event)
             ON CONFLICT (dedupe_key) DO UPDATE
             SET version = outbox.version + 1, attempts = 0, failed_at = NULL, run_at = excluded.run_at)
           UPDATE call SET facts = $10, state = $11, agent_id = $3,
             conference = coalesce(call.conference, free.conference),
             ringing_at = $12, answered_at = $13, sid = coalesce(sid, $14), heard_at = greatest(heard_at, $7),
             version = call.version + 1, connected_late = $18
           FROM free WHERE call.id = $1 AND EXISTS (SELECT FROM event)
           RETURNING call.conference, call.version"#,
        row.id.0,
        row.version,
        change.agent.0,
        heard.source.as_str(),
        heard.dedupe_key,
        heard.body,
        heard.at,
        presence.state.name(),
        presence.since,
        Json(facts) as _,
        facts.state().as_str(),
        facts.on_the_line(facts.ringing_at),
        facts.on_the_line(facts.answered_at),
        heard.sid,
        &effects.keys,
        &effects.lanes,
        &effects.payloads,
        facts.was_connected_late()
    )
    .fetch_optional(conn)
    .await;
    match written {
        Err(error) if is_deadlock(&error) => Ok(None),
        written => Ok(written?),
    }
}

/// Two transactions wanted each other's rows, and this one was given up.
fn is_deadlock(error: &sqlx::Error) -> bool {
    const DEADLOCK: &str = "40P01";
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == DEADLOCK)
}
