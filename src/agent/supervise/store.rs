//! The rows of supervisors' legs.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::{
    carrier::Sid,
    error::{Error, Result},
    ids::{CallId, UserId},
};

/// A call that a supervisor wants to join.
pub(super) struct Talk {
    pub(super) call: CallId,
    pub(super) agent: UserId,
    bridged: bool,
    conference: Option<String>,
    agent_sid: Option<String>,
}

/// A supervisor's leg that has not ended.
pub(super) struct Leg {
    pub(super) id: Uuid,
    sid: Option<String>,
}

impl Talk {
    /// The conference in which debtor and agent talk now.
    pub(super) fn conference(&self) -> Option<&str> {
        self.conference.as_deref().filter(|_| self.bridged)
    }

    pub(super) fn agent_line(&self) -> Result<Sid> {
        let sid = self.agent_sid.as_deref().ok_or_else(|| Error::Conflict("the agent has no line".to_owned()))?;
        sid.parse().map_err(Error::internal("reading the agent's line"))
    }
}

impl Leg {
    /// The supervisor's line; `None` while the device is being called.
    pub(super) fn line(&self) -> Result<Option<Sid>> {
        self.sid.as_deref().map(str::parse).transpose().map_err(Error::internal("reading a supervisor's line"))
    }
}

/// The call; `None` if there is none, or none with an agent.
pub(super) async fn talk(db: &PgPool, call: CallId) -> Result<Option<Talk>> {
    let row = sqlx::query!(
        r#"SELECT c.state = 'bridged' AS "bridged!", c.conference, a.user_id AS "agent: UserId", a.leg_sid
           FROM call c JOIN agent a ON a.user_id = c.agent_id WHERE c.id = $1"#,
        call.0
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Talk {
        call,
        agent: row.agent,
        bridged: row.bridged,
        conference: row.conference,
        agent_sid: row.leg_sid,
    }))
}

pub(super) async fn device(db: &PgPool, user: UserId) -> Result<Option<String>> {
    Ok(sqlx::query_scalar!("SELECT device FROM users WHERE id = $1", user.0).fetch_optional(db).await?.flatten())
}

pub(super) async fn open_leg(db: &PgPool, call: CallId, user: UserId) -> Result<Option<Leg>> {
    Ok(sqlx::query_as!(
        Leg,
        "SELECT id, sid FROM call_leg WHERE call_id = $1 AND user_id = $2 AND ended_at IS NULL ORDER BY began_at LIMIT 1",
        call.0,
        user.0
    )
    .fetch_optional(db)
    .await?)
}

/// Legs of those of the calls that have no talk any more.
pub(super) async fn legs_left_over(db: &PgPool, calls: &[CallId]) -> Result<Vec<Leg>> {
    let calls: Vec<Uuid> = calls.iter().map(|call| call.0).collect();
    Ok(sqlx::query_as!(
        Leg,
        "SELECT l.id, l.sid FROM call_leg l JOIN call c ON c.id = l.call_id
         WHERE l.call_id = ANY($1) AND l.ended_at IS NULL AND c.state IN ('wrapping', 'done')",
        &calls
    )
    .fetch_all(db)
    .await?)
}

pub(super) async fn begin_leg(
    conn: &mut PgConnection,
    call: CallId,
    user: UserId,
    part: &str,
    now: DateTime<Utc>,
) -> Result<Uuid> {
    let id = Uuid::now_v7();
    sqlx::query!(
        "INSERT INTO call_leg (id, call_id, user_id, role, began_at) VALUES ($1, $2, $3, $4, $5)",
        id,
        call.0,
        user.0,
        part,
        now
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// Notes the line of a leg. False: the leg has ended meanwhile.
pub(super) async fn set_line(db: &PgPool, leg: Uuid, sid: &str) -> Result<bool> {
    let done =
        sqlx::query!("UPDATE call_leg SET sid = $2 WHERE id = $1 AND ended_at IS NULL", leg, sid).execute(db).await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn set_part(db: &PgPool, leg: Uuid, part: &str) -> Result<()> {
    sqlx::query!("UPDATE call_leg SET role = $2 WHERE id = $1", leg, part).execute(db).await?;
    Ok(())
}

pub(super) async fn end_leg(db: &PgPool, leg: Uuid, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!("UPDATE call_leg SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL", leg, now).execute(db).await?;
    Ok(())
}

/// Raises the fencing number of the agent's log-in: an open desk is closed. Gives the new number.
pub(super) async fn fence(conn: &mut PgConnection, agent: UserId) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        "UPDATE agent SET session = session + 1, version = version + 1 WHERE user_id = $1 RETURNING session",
        agent.0
    )
    .fetch_one(conn)
    .await?)
}

/// Records what a supervisor did to an agent.
pub(super) async fn audit(
    conn: &mut PgConnection,
    by: UserId,
    action: &str,
    agent: UserId,
    detail: serde_json::Value,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO audit (at, user_id, action, object_kind, object_id, detail) VALUES ($1, $2, $3, 'agent', $4, $5)",
        now,
        by.0,
        action,
        agent.to_string(),
        detail
    )
    .execute(conn)
    .await?;
    Ok(())
}
