//! Many calls at a time.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool, Postgres, Transaction, types::Json};
use uuid::Uuid;

use crate::{
    call::{Facts, heard::Heard},
    error::Result,
    ids::CallId,
    outbox,
};

/// Begins a transaction whose statements all go by keys: planned once, not anew for every number of them, and by the
/// indexes even while Postgres takes a table that has just begun to fill for an empty one.
pub(super) async fn begin(db: &PgPool) -> Result<Transaction<'static, Postgres>> {
    const BY_KEYS: &str = "BEGIN; SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off";
    Ok(db.begin_with(BY_KEYS).await?)
}

/// Those of the keys whose events are stored.
pub(super) async fn stored(conn: &mut PgConnection, keys: &[&str]) -> Result<HashSet<String>> {
    let stored = sqlx::query_scalar!("SELECT dedupe_key FROM call_event WHERE dedupe_key = ANY($1)", keys as _)
        .fetch_all(conn)
        .await?;
    Ok(stored.into_iter().collect())
}

/// An event to store.
pub(super) struct EventRow<'a> {
    pub(super) call: CallId,
    pub(super) heard: &'a Heard,
    pub(super) verdict: &'static str,
}

/// What is written back about a call.
pub(super) struct CallChange<'a> {
    pub(super) call: CallId,
    /// `None`: nothing was learnt, the call stays as it is.
    pub(super) facts: Option<&'a Facts>,
    pub(super) sid: Option<&'a str>,
    pub(super) heard_at: DateTime<Utc>,
}

/// Stores the events, the calls and the effects in one statement; gives the number of events that were new.
pub(super) async fn write(
    conn: &mut PgConnection,
    events: &[EventRow<'_>],
    calls: &[CallChange<'_>],
    effects: &[outbox::Effect],
    now: DateTime<Utc>,
) -> Result<usize> {
    let event = |field: fn(&Heard) -> &str| events.iter().map(|event| field(event.heard)).collect::<Vec<&str>>();
    let facts: Vec<Option<&Facts>> = calls.iter().map(|call| call.facts).collect();
    let of =
        |field: fn(&Facts) -> Option<DateTime<Utc>>| facts.iter().map(|facts| field((*facts)?)).collect::<Vec<_>>();
    let effects = outbox::Rows::of(effects)?;
    let new = sqlx::query_scalar!(
        r#"WITH event AS (
             INSERT INTO call_event (call_id, source, dedupe_key, body, received_at, verdict)
             SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[])
             ON CONFLICT (dedupe_key) DO NOTHING RETURNING id),
           written AS (
             UPDATE call SET
               facts = coalesce(new.facts, call.facts), version = version + (new.facts IS NOT NULL)::int,
               state = coalesce(new.state, call.state), outcome = coalesce(new.outcome, call.outcome),
               live = coalesce(new.live, call.live),
               ringing_at = coalesce(new.ringing_at, call.ringing_at),
               answered_at = coalesce(new.answered_at, call.answered_at),
               bridged_at = coalesce(new.bridged_at, call.bridged_at),
               ended_at = coalesce(new.ended_at, call.ended_at),
               sid = coalesce(call.sid, new.sid), heard_at = greatest(call.heard_at, new.heard_at)
             FROM unnest($7::uuid[], $8::jsonb[], $9::text[], $10::text[], $11::bool[], $12::timestamptz[],
                         $13::timestamptz[], $14::timestamptz[], $15::timestamptz[], $16::text[], $17::timestamptz[])
               AS new (id, facts, state, outcome, live, ringing_at, answered_at, bridged_at, ended_at, sid, heard_at)
             WHERE call.id = new.id),
           queued AS (
             INSERT INTO outbox (dedupe_key, lane, payload, created_at, run_at)
             SELECT key, lane, payload, $21, $21
             FROM unnest($18::text[], $19::text[], $20::jsonb[]) AS new (key, lane, payload)
             ON CONFLICT (dedupe_key) DO UPDATE
             SET version = outbox.version + 1, attempts = 0, failed_at = NULL, run_at = excluded.run_at)
           SELECT count(*) AS "new!" FROM event"#,
        &events.iter().map(|event| event.call.0).collect::<Vec<Uuid>>(),
        event(|heard| heard.source.as_str()) as _,
        event(|heard| &heard.dedupe_key) as _,
        event(|heard| &heard.body) as _,
        &events.iter().map(|event| event.heard.at).collect::<Vec<_>>(),
        events.iter().map(|event| event.verdict).collect::<Vec<_>>() as _,
        &calls.iter().map(|call| call.call.0).collect::<Vec<Uuid>>(),
        facts.iter().map(|facts| facts.map(Json)).collect::<Vec<_>>() as _,
        facts.iter().map(|facts| Some((*facts)?.state().as_str())).collect::<Vec<_>>() as _,
        facts.iter().map(|facts| Some((*facts)?.outcome()?.as_str())).collect::<Vec<_>>() as _,
        facts.iter().map(|facts| Some((*facts)?.is_live())).collect::<Vec<_>>() as _,
        of(|facts| facts.on_the_line(facts.ringing_at)) as _,
        of(|facts| facts.on_the_line(facts.answered_at)) as _,
        of(|facts| facts.on_the_line(facts.joined_at)) as _,
        of(|facts| facts.end.map(|end| end.at)) as _,
        calls.iter().map(|call| call.sid).collect::<Vec<_>>() as _,
        &calls.iter().map(|call| call.heard_at).collect::<Vec<_>>(),
        &effects.keys,
        &effects.lanes,
        &effects.payloads,
        now
    )
    .fetch_one(conn)
    .await?;
    Ok(usize::try_from(new).unwrap_or_default())
}
