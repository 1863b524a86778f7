//! Many calls at a time.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::{
    call::{Facts, heard::Heard},
    error::Result,
    ids::CallId,
};

/// An event to store.
pub(super) struct EventRow<'a> {
    pub(super) call: CallId,
    pub(super) heard: &'a Heard,
    pub(super) verdict: &'static str,
}

/// What is written back about a call.
pub(super) struct CallChange<'a> {
    pub(super) call: CallId,
    /// The call's version that was read; a call that has another one by now is left as it is.
    pub(super) version: i64,
    /// `None`: nothing was learnt, the call stays as it is.
    pub(super) facts: Option<&'a Facts>,
    pub(super) sid: Option<&'a str>,
    pub(super) heard_at: DateTime<Utc>,
}

/// What was written.
pub(super) struct Written {
    /// The versions they have now.
    pub(super) calls: HashMap<CallId, i64>,
    /// Keys of the events; one that is missing had been stored before.
    pub(super) events: HashSet<String>,
}

/// Stores the calls that are still as they were read, and their events, in one statement, which is a transaction of its
/// own where the caller has begun none. `calls` are in the order of their ids, in which they are locked.
pub(super) async fn write(
    conn: &mut PgConnection,
    calls: &[CallChange<'_>],
    events: &[EventRow<'_>],
) -> Result<Written> {
    let event = |field: fn(&Heard) -> &str| events.iter().map(|event| field(event.heard)).collect::<Vec<&str>>();
    let facts: Vec<Option<&Facts>> = calls.iter().map(|call| call.facts).collect();
    let of =
        |field: fn(&Facts) -> Option<DateTime<Utc>>| facts.iter().map(|facts| field((*facts)?)).collect::<Vec<_>>();
    let written = sqlx::query!(
        r#"WITH written AS (
             UPDATE call SET
               facts = coalesce(new.facts, call.facts),
               version = call.version + (new.facts IS NOT NULL OR call.sid IS NULL AND new.sid IS NOT NULL)::int,
               state = coalesce(new.state, call.state), outcome = coalesce(new.outcome, call.outcome),
               live = coalesce(new.live, call.live), connected_late = coalesce(new.late, call.connected_late),
               ringing_at = coalesce(new.ringing_at, call.ringing_at),
               answered_at = coalesce(new.answered_at, call.answered_at),
               bridged_at = coalesce(new.bridged_at, call.bridged_at),
               ended_at = coalesce(new.ended_at, call.ended_at),
               sid = coalesce(call.sid, new.sid), heard_at = greatest(call.heard_at, new.heard_at)
             FROM unnest($1::uuid[], $2::bigint[], $3::jsonb[], $4::text[], $5::text[], $6::bool[], $7::timestamptz[],
                         $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::text[], $12::timestamptz[],
                         $19::bool[])
               AS new (id, version, facts, state, outcome, live, ringing_at, answered_at, bridged_at, ended_at, sid,
                       heard_at, late)
             WHERE call.id = new.id AND call.version = new.version
             RETURNING call.id, call.version),
           event AS (
             INSERT INTO call_event (call_id, source, dedupe_key, body, received_at, verdict)
             -- An array and not a join: hash joins are off here (`db::by_keys`), and a nested loop costs more.
             SELECT told.* FROM unnest($13::uuid[], $14::text[], $15::text[], $16::text[], $17::timestamptz[], $18::text[])
               AS told (call_id, source, dedupe_key, body, received_at, verdict)
             WHERE told.call_id = ANY (ARRAY (SELECT id FROM written))
             ON CONFLICT (dedupe_key) DO NOTHING RETURNING dedupe_key)
           SELECT array(SELECT id FROM written ORDER BY id) AS "calls!: Vec<CallId>",
                  array(SELECT version FROM written ORDER BY id) AS "versions!",
                  array(SELECT dedupe_key FROM event) AS "events!""#,
        &calls.iter().map(|call| call.call.0).collect::<Vec<Uuid>>(),
        &calls.iter().map(|call| call.version).collect::<Vec<_>>(),
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
        &events.iter().map(|event| event.call.0).collect::<Vec<Uuid>>(),
        event(|heard| heard.source.as_str()) as _,
        event(|heard| &heard.dedupe_key) as _,
        event(|heard| &heard.body) as _,
        &events.iter().map(|event| event.heard.at).collect::<Vec<_>>(),
        events.iter().map(|event| event.verdict).collect::<Vec<_>>() as _,
        facts.iter().map(|facts| Some((*facts)?.was_connected_late())).collect::<Vec<_>>() as _
    )
    .fetch_one(conn)
    .await?;
    let calls = written.calls.into_iter().zip(written.versions).collect();
    Ok(Written { calls, events: written.events.into_iter().collect() })
}
