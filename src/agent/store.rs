//! The rows of agents.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, PgPool};

use super::{
    leg::LegState,
    presence::{Presence, State},
};
use crate::{
    error::{Error, Result},
    ids::{CallId, CampaignId, UserId},
    phone::Phone,
};

/// An agent as stored.
#[derive(Clone, Debug)]
pub struct Agent {
    /// The user.
    pub user: UserId,
    /// The campaign it takes calls of.
    pub campaign: Option<CampaignId>,
    /// What it is doing.
    pub presence: Presence,
    /// Fencing number of its latest log-in at a desk.
    pub session: i64,
    /// Its desk's socket is open.
    pub connected: bool,
    /// The last sign of life of its desk.
    pub seen_at: Option<DateTime<Utc>>,
    /// Its voice leg.
    pub leg: LegState,
    /// The carrier's id of the leg.
    pub leg_sid: Option<String>,
    /// Since when the leg is in that state.
    pub leg_since: Option<DateTime<Utc>>,
    /// The conference the leg is parked in; one for each log-in.
    pub conference: Option<String>,
    /// Raised by every change.
    pub version: i64,
    /// Where the leg rings.
    pub device: Option<String>,
}

impl Agent {
    /// The next answered call may go to this agent.
    #[must_use]
    pub fn takes_calls(&self) -> bool {
        self.presence.state == State::Ready && self.connected && self.leg == LegState::Up
    }

    /// The agent may call somebody by hand: ready or paused, at a desk, the voice leg up.
    ///
    /// # Errors
    /// Why not, for the agent to read.
    pub fn may_call_by_hand(&self) -> Result<(), &'static str> {
        match self.presence.state {
            State::Offline => Err("open your desk first"),
            State::Reserved { .. } | State::OnCall { .. } | State::WrapUp { .. } => Err("you are busy with a call"),
            State::Ready | State::Paused { .. } if !self.connected => Err("open your desk first"),
            State::Ready | State::Paused { .. } if self.leg != LegState::Up => Err("your telephone is not connected"),
            State::Ready | State::Paused { .. } => Ok(()),
        }
    }
}

struct Row {
    user_id: UserId,
    campaign_id: Option<CampaignId>,
    state: String,
    since: DateTime<Utc>,
    reason: Option<String>,
    call_id: Option<CallId>,
    wrap_until: Option<DateTime<Utc>>,
    next_reason: Option<String>,
    session: i64,
    connected: bool,
    seen_at: Option<DateTime<Utc>>,
    leg_sid: Option<String>,
    leg_state: String,
    leg_since: Option<DateTime<Utc>>,
    conference: Option<String>,
    version: i64,
    device: Option<String>,
}

impl TryFrom<Row> for Agent {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let broken = |what: &str| Error::internal("reading an agent")(what.to_owned());
        let call = || row.call_id.ok_or_else(|| broken("busy without a call"));
        let state = match row.state.as_str() {
            "offline" => State::Offline,
            "ready" => State::Ready,
            "reserved" => State::Reserved { call: call()? },
            "on_call" => State::OnCall { call: call()? },
            "wrap_up" => {
                State::WrapUp { call: call()?, until: row.wrap_until.ok_or_else(|| broken("wrap-up without an end"))? }
            }
            "paused" => State::Paused { reason: row.reason.clone().unwrap_or_default() },
            _ => return Err(broken("unknown state")),
        };
        Ok(Self {
            user: row.user_id,
            campaign: row.campaign_id,
            presence: Presence { state, since: row.since, pause_next: row.next_reason },
            session: row.session,
            connected: row.connected,
            seen_at: row.seen_at,
            leg: LegState::from_name(&row.leg_state).ok_or_else(|| broken("unknown state of the leg"))?,
            leg_sid: row.leg_sid,
            leg_since: row.leg_since,
            conference: row.conference,
            version: row.version,
            device: row.device,
        })
    }
}

/// The agent; `None` if the user has never been at a desk.
///
/// # Errors
/// Those of Postgres.
pub async fn get(db: impl PgExecutor<'_>, user: UserId) -> Result<Option<Agent>> {
    sqlx::query_as!(
        Row,
        r#"SELECT a.user_id AS "user_id: UserId", a.campaign_id AS "campaign_id: CampaignId", a.state, a.since, a.reason,
                  a.call_id AS "call_id: CallId", a.wrap_until, a.next_reason, a.session, a.connected, a.seen_at,
                  a.leg_sid, a.leg_state, a.leg_since, a.conference, a.version, u.device
           FROM agent a JOIN users u ON u.id = a.user_id WHERE a.user_id = $1"#,
        user.0
    )
    .fetch_optional(db)
    .await?
    .map(Agent::try_from)
    .transpose()
}

/// Every agent that is not offline, by id; at most 5000.
///
/// # Errors
/// Those of Postgres.
pub async fn at_work(db: &PgPool) -> Result<Vec<Agent>> {
    sqlx::query_as!(
        Row,
        r#"SELECT a.user_id AS "user_id: UserId", a.campaign_id AS "campaign_id: CampaignId", a.state, a.since, a.reason,
                  a.call_id AS "call_id: CallId", a.wrap_until, a.next_reason, a.session, a.connected, a.seen_at,
                  a.leg_sid, a.leg_state, a.leg_since, a.conference, a.version, u.device
           FROM agent a JOIN users u ON u.id = a.user_id WHERE a.state <> 'offline' ORDER BY a.user_id LIMIT 5000"#
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(Agent::try_from)
    .collect()
}

/// The agent, its row locked until the transaction ends.
pub(crate) async fn lock(conn: &mut PgConnection, user: UserId) -> Result<Option<Agent>> {
    sqlx::query_as!(
        Row,
        r#"SELECT a.user_id AS "user_id: UserId", a.campaign_id AS "campaign_id: CampaignId", a.state, a.since, a.reason,
                  a.call_id AS "call_id: CallId", a.wrap_until, a.next_reason, a.session, a.connected, a.seen_at,
                  a.leg_sid, a.leg_state, a.leg_since, a.conference, a.version, u.device
           FROM agent a JOIN users u ON u.id = a.user_id WHERE a.user_id = $1 FOR UPDATE OF a"#,
        user.0
    )
    .fetch_optional(conn)
    .await?
    .map(Agent::try_from)
    .transpose()
}

/// Makes the row of a user who comes to a desk for the first time.
pub(super) async fn ensure(conn: &mut PgConnection, user: UserId, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "INSERT INTO agent (user_id, state, since) VALUES ($1, 'offline', $2) ON CONFLICT DO NOTHING",
        user.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes a new presence and its line in the log.
pub(super) async fn save_presence(
    conn: &mut PgConnection,
    user: UserId,
    presence: &Presence,
    now: DateTime<Utc>,
    by: Option<UserId>,
) -> Result<()> {
    let (reason, wrap_until) = match &presence.state {
        State::Paused { reason } => (Some(reason.as_str()), None),
        State::WrapUp { until, .. } => (None, Some(*until)),
        _ => (None, None),
    };
    sqlx::query!(
        "WITH log AS (INSERT INTO agent_log (user_id, campaign_id, state, reason, call_id, by_user, at)
                      SELECT $1, campaign_id, $2, $4, $5, $8, $9 FROM agent WHERE user_id = $1)
         UPDATE agent SET state = $2, since = $3, reason = $4, call_id = $5, wrap_until = $6, next_reason = $7,
                          version = version + 1
         WHERE user_id = $1",
        user.0,
        presence.state.name(),
        presence.since,
        reason,
        presence.call().map(|call| call.0),
        wrap_until,
        presence.pause_next,
        by.map(|by| by.0),
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes the agent's campaign and a line in the log: from `now` on it works for another one.
pub(super) async fn set_campaign(
    conn: &mut PgConnection,
    user: UserId,
    campaign: Option<CampaignId>,
    now: DateTime<Utc>,
    by: Option<UserId>,
) -> Result<()> {
    sqlx::query!(
        "WITH log AS (INSERT INTO agent_log (user_id, campaign_id, state, reason, call_id, by_user, at)
                      SELECT $1, $2, state, reason, call_id, $4, $3 FROM agent WHERE user_id = $1)
         UPDATE agent SET campaign_id = $2, version = version + 1 WHERE user_id = $1",
        user.0,
        campaign.map(|campaign| campaign.0),
        now,
        by.map(|by| by.0)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The campaign that runs, if it is the only one.
pub(super) async fn only_running_campaign(conn: &mut PgConnection) -> Result<Option<CampaignId>> {
    let running = sqlx::query_scalar!(r#"SELECT id AS "id: CampaignId" FROM campaign WHERE state = 'running' LIMIT 2"#)
        .fetch_all(conn)
        .await?;
    Ok(if let [only] = running[..] { Some(only) } else { None })
}

pub(super) async fn campaign_exists(conn: &mut PgConnection, campaign: CampaignId) -> Result<bool> {
    let found = sqlx::query_scalar!("SELECT 1 FROM campaign WHERE id = $1", campaign.0).fetch_optional(conn).await?;
    Ok(found.is_some())
}

/// A new log-in at a desk: raises the fencing number, and gives it.
pub(super) async fn open_session(
    conn: &mut PgConnection,
    user: UserId,
    conference: &str,
    now: DateTime<Utc>,
) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        "UPDATE agent SET session = session + 1, connected = true, seen_at = $2, version = version + 1,
                          conference = CASE WHEN state = 'offline' OR conference IS NULL THEN $3 ELSE conference END
         WHERE user_id = $1 RETURNING session",
        user.0,
        now,
        conference
    )
    .fetch_one(conn)
    .await?)
}

/// The socket of log-in `session` is gone. False: another log-in has taken over, nothing changes.
pub(super) async fn close_session(
    conn: &mut PgConnection,
    user: UserId,
    session: i64,
    now: DateTime<Utc>,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE agent SET connected = false, seen_at = $3, version = version + 1
         WHERE user_id = $1 AND session = $2 AND connected",
        user.0,
        session,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes the state of the leg.
pub(super) async fn save_leg(
    conn: &mut PgConnection,
    user: UserId,
    state: LegState,
    sid: Option<&str>,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE agent SET leg_state = $2, leg_sid = $3, leg_since = $4, version = version + 1 WHERE user_id = $1",
        user.0,
        state.as_str(),
        sid,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Agents whose wrap-up is over, and the call they were recording; at most `limit`.
pub(super) async fn wraps_expired(db: &PgPool, now: DateTime<Utc>, limit: i64) -> Result<Vec<(UserId, CallId)>> {
    let rows = sqlx::query!(
        r#"SELECT user_id AS "user_id: UserId", call_id AS "call_id!: CallId" FROM agent
           WHERE state = 'wrap_up' AND wrap_until <= $1 AND call_id IS NOT NULL ORDER BY wrap_until LIMIT $2"#,
        now,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.user_id, row.call_id)).collect())
}

/// Calls that wait for a disposition although no agent is wrapping them up any more, over since before `cutoff`.
pub(super) async fn forsaken_calls(db: &PgPool, cutoff: DateTime<Utc>, limit: i64) -> Result<Vec<CallId>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT c.id AS "id: CallId" FROM call c
           WHERE c.state = 'wrapping' AND c.ended_at < $1
             AND NOT EXISTS (SELECT 1 FROM agent a WHERE a.call_id = c.id)
           ORDER BY c.ended_at LIMIT $2"#,
        cutoff,
        limit
    )
    .fetch_all(db)
    .await?)
}

/// Who is ready for a campaign: since when, and the version that says so.
pub(super) async fn ready_for(db: &PgPool, campaign: CampaignId) -> Result<Vec<(UserId, DateTime<Utc>, i64)>> {
    let rows = sqlx::query!(
        r#"SELECT user_id AS "user_id: UserId", since, version FROM agent
           WHERE campaign_id = $1 AND state = 'ready' AND connected AND leg_state = 'up'"#,
        campaign.0
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.user_id, row.since, row.version)).collect())
}

/// The first number that the agent's campaign calls from.
pub(super) async fn campaign_number(db: &PgPool, user: UserId) -> Result<Option<Phone>> {
    let number = sqlx::query_scalar!(
        "SELECT c.settings #>> '{caller_ids,0}' FROM agent a JOIN campaign c ON c.id = a.campaign_id WHERE a.user_id = $1",
        user.0
    )
    .fetch_optional(db)
    .await?;
    number.flatten().map(|number| number.parse()).transpose().map_err(Error::internal("reading a campaign's number"))
}

/// The agent is offline: no socket, no leg, and the conference's name is used up.
pub(super) async fn clear_desk(conn: &mut PgConnection, user: UserId, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "UPDATE agent SET connected = false, seen_at = $2, leg_state = 'down', leg_sid = NULL, leg_since = $2,
                          conference = NULL
         WHERE user_id = $1",
        user.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks the call's row: it comes before the agent's.
pub(super) async fn lock_call(conn: &mut PgConnection, call: CallId) -> Result<()> {
    sqlx::query!("SELECT 1 AS one FROM call WHERE id = $1 FOR UPDATE", call.0).fetch_optional(conn).await?;
    Ok(())
}
