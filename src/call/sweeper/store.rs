//! Which calls have gone silent.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use crate::{
    error::Result,
    ids::{CallId, UserId},
};

/// Calls whose line is known and whose state should not last that long without a word: ringing longer than the ring
/// time and 30 s, answered or waiting for a minute, talking for ten minutes, ending for 15 s.
pub(super) async fn silent(db: &PgPool, now: DateTime<Utc>, limit: i64) -> Result<Vec<CallId>> {
    let calls = sqlx::query_scalar!(
        r#"SELECT call.id AS "id: CallId" FROM call LEFT JOIN campaign ON campaign.id = campaign_id
           WHERE live AND sid IS NOT NULL AND ended_at IS NULL AND call.state <> 'wrapping'
             AND heard_at < $1::timestamptz - CASE
               WHEN facts->>'end_asked_at' IS NOT NULL OR facts->>'disposed_at' IS NOT NULL
                 OR facts->>'agent_lost_at' IS NOT NULL OR facts->>'answered_by' IN ('machine', 'fax')
                 THEN interval '15 seconds'
               WHEN call.state IN ('dialing', 'ringing')
                 THEN make_interval(secs => 30 + coalesce((settings->'limits'->>'ring_seconds')::float8, 60))
               WHEN call.state = 'bridged' THEN interval '10 minutes'
               ELSE interval '1 minute' END
           ORDER BY heard_at LIMIT $2"#,
        now,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(calls)
}

/// Dials without a line that were asked for before `asked_before`.
pub(super) async fn unknown(db: &PgPool, asked_before: DateTime<Utc>, limit: i64) -> Result<Vec<CallId>> {
    let calls = sqlx::query_scalar!(
        r#"SELECT id AS "id: CallId" FROM call
           WHERE live AND sid IS NULL AND state = 'dialing' AND heard_at < $1 ORDER BY heard_at LIMIT $2"#,
        asked_before,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(calls)
}

/// Debtors whose waiting ended before `ended_before` and who neither got an agent nor the message.
pub(super) async fn waiting_too_long(db: &PgPool, ended_before: DateTime<Utc>, limit: i64) -> Result<Vec<CallId>> {
    let calls = sqlx::query_scalar!(
        r#"SELECT id AS "id: CallId" FROM call
           WHERE live AND state = 'held' AND agent_id IS NULL AND facts->>'hold_expired_at' IS NULL
             AND (facts->>'held_until')::timestamptz < $1
           ORDER BY answered_at LIMIT $2"#,
        ended_before,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(calls)
}

/// Calls that are not wrapping up, and whose agent is not on them any more.
pub(super) async fn lost_agents(db: &PgPool, limit: i64) -> Result<Vec<CallId>> {
    let calls = sqlx::query_scalar!(
        r#"SELECT call.id AS "id: CallId" FROM call JOIN agent ON agent.user_id = call.agent_id
           WHERE live AND call.state <> 'wrapping' AND agent.call_id IS DISTINCT FROM call.id
             AND facts->>'agent_lost_at' IS NULL
           ORDER BY heard_at LIMIT $1"#,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(calls)
}

/// An account that is shown to an agent.
pub(super) struct Shown {
    pub(super) call: CallId,
    pub(super) agent: UserId,
}

/// Accounts that were shown before `shown_before` and that nobody has decided on; where the agent's desk has been gone
/// since `gone_since`, whenever they were shown.
pub(super) async fn undecided(
    db: &PgPool,
    shown_before: DateTime<Utc>,
    gone_since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Shown>> {
    let shown = sqlx::query_as!(
        Shown,
        r#"SELECT call.id AS "call: CallId", agent.user_id AS "agent: UserId"
           FROM call JOIN agent ON agent.user_id = call.agent_id
           WHERE live AND call.state = 'planned'
             AND (created_at < $1 OR NOT agent.connected AND coalesce(agent.seen_at, '-infinity') < $2)
           ORDER BY created_at LIMIT $3"#,
        shown_before,
        gone_since,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(shown)
}

/// The lines of all calls to a number since a moment.
pub(super) async fn lines_to(db: &PgPool, number: &str, since: DateTime<Utc>) -> Result<Vec<String>> {
    let lines = sqlx::query_scalar!(
        r#"SELECT sid AS "sid!" FROM call WHERE to_number = $1 AND created_at >= $2 AND sid IS NOT NULL"#,
        number,
        since
    )
    .fetch_all(db)
    .await?;
    Ok(lines)
}

/// The carrier was asked: it is not asked again before the call has been silent for as long once more.
pub(super) async fn touch(db: &PgPool, call: CallId, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!("UPDATE call SET heard_at = greatest(heard_at, $2) WHERE id = $1", call.0, now).execute(db).await?;
    Ok(())
}
