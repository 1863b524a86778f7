//! The rows behind the board.

use chrono::{DateTime, Utc};
use sqlx::{PgPool, types::Json};

use crate::{
    agent::presence::{Presence, State},
    call::{self, Create, Direction, Facts},
    campaign,
    clock::Clock,
    error::{Error, Result},
    ids::{CallId, CampaignId, UserId},
    money::{Currency, Money},
    pacing::reason::Reason,
};

use super::reducer::{FloorAgent, FloorCall, PickedUp};

/// A campaign without its queue.
#[derive(Debug)]
pub struct CampaignRow {
    /// Which.
    pub id: CampaignId,
    /// Name.
    pub name: String,
    /// Whether it dials.
    pub state: campaign::State,
    /// How it dials.
    pub mode: campaign::Mode,
    /// Lines per ready agent, in thousandths.
    pub ratio_milli: u32,
    /// When the dialer last looked at it, what it did and why.
    pub latest: Option<(DateTime<Utc>, Reason)>,
}

/// Which calls to read.
#[derive(Clone, Copy, Debug)]
pub enum Calls<'a> {
    /// Those with these ids.
    Of(&'a [CallId]),
    /// Those that are not done, those with these ids, and all that began at or after the moment.
    Since(DateTime<Utc>, &'a [CallId]),
}

struct CallRow {
    id: CallId,
    version: i64,
    campaign_id: Option<CampaignId>,
    state: String,
    outcome: Option<String>,
    created_at: DateTime<Utc>,
    facts: Json<Facts>,
    contact: bool,
    promised_minor: Option<i64>,
    currency: Option<String>,
}

/// Calls as the board counts them; days are those of the clock's zone.
///
/// # Errors
/// Those of Postgres, or if a row makes no sense.
pub async fn calls(db: &PgPool, which: Calls<'_>, clock: &Clock) -> Result<Vec<FloorCall>> {
    let (open, since, ids) = match which {
        Calls::Of(ids) => (false, DateTime::<Utc>::MAX_UTC, ids),
        Calls::Since(since, ids) => (true, since, ids),
    };
    // Year 9999: beyond it Postgres' own representation ends earlier than chrono's.
    let since = since.min(DateTime::from_timestamp(253_402_300_799, 0).unwrap_or(since));
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query_as!(
        CallRow,
        r#"SELECT c.id AS "id!: CallId", c.version AS "version!", c.campaign_id AS "campaign_id: CampaignId",
                  c.state AS "state!", c.outcome, c.created_at AS "created_at!", c.facts AS "facts!: Json<Facts>",
                  coalesce(d.category = 'right_party', false) AS "contact!",
                  p.minor AS promised_minor, p.currency
           FROM call c
           LEFT JOIN call_disposition d ON d.call_id = c.id
           LEFT JOIN LATERAL (SELECT sum(amount_minor)::bigint AS minor, min(currency) AS currency
                              FROM promise WHERE account_id = c.account_id AND call_id = c.id) p ON true
           WHERE $1 AND c.live OR c.created_at >= $2 OR c.id = ANY($3)"#,
        open,
        since,
        &ids
    );
    rows.fetch_all(db).await?.into_iter().map(|row| row.read(clock)).collect()
}

/// Calls that were over and began before the moment, and whose disposition was recorded since.
///
/// # Errors
/// Those of Postgres.
pub async fn recorded_late(db: &PgPool, since: DateTime<Utc>) -> Result<Vec<CallId>> {
    let calls = sqlx::query_scalar!(
        r#"SELECT c.id AS "id: CallId" FROM call_disposition d JOIN call c ON c.id = d.call_id
           WHERE d.at >= $1 AND c.created_at < $1"#,
        since
    );
    Ok(calls.fetch_all(db).await?)
}

/// Agents, of the given ids or all; at most 1000.
///
/// # Errors
/// Those of Postgres, or if a row makes no sense.
pub async fn agents(db: &PgPool, ids: Option<&[UserId]>, read_at: DateTime<Utc>) -> Result<Vec<FloorAgent>> {
    let ids: Option<Vec<_>> = ids.map(|ids| ids.iter().map(|id| id.0).collect());
    let rows = sqlx::query_as!(
        AgentRow,
        r#"SELECT a.user_id AS "id: UserId", u.name, a.campaign_id AS "campaign: CampaignId", a.state, a.since,
                  a.reason, a.call_id AS "call: CallId", a.wrap_until, a.next_reason, a.connected,
                  a.leg_state = 'up' AS "voice!"
           FROM agent a JOIN users u ON u.id = a.user_id
           WHERE $1::uuid[] IS NULL OR a.user_id = ANY($1)
           ORDER BY u.name LIMIT 1000"#,
        ids.as_deref()
    );
    rows.fetch_all(db).await?.into_iter().map(|row| row.read(read_at)).collect()
}

/// Every campaign.
///
/// # Errors
/// Those of Postgres, or if a row makes no sense.
pub async fn campaigns(db: &PgPool) -> Result<Vec<CampaignRow>> {
    let rows = sqlx::query!(
        r#"SELECT c.id AS "id!: CampaignId", c.name AS "name!", c.state AS "state!", c.mode AS "mode!",
                  c.ratio_milli AS "ratio_milli!", l.at AS "at?",
                  l.reason AS "reason?: Json<Reason>"
           FROM campaign c LEFT JOIN pacing_latest l ON l.campaign_id = c.id"#
    );
    let read = |text: String| serde_json::Value::String(text);
    rows.fetch_all(db)
        .await?
        .into_iter()
        .map(|row| {
            Ok(CampaignRow {
                id: row.id,
                name: row.name,
                state: serde_json::from_value(read(row.state)).map_err(unreadable)?,
                mode: serde_json::from_value(read(row.mode)).map_err(unreadable)?,
                ratio_milli: row.ratio_milli.unsigned_abs(),
                latest: row.at.zip(row.reason.map(|Json(reason)| reason)),
            })
        })
        .collect()
}

struct AgentRow {
    id: UserId,
    name: String,
    campaign: Option<CampaignId>,
    state: String,
    since: DateTime<Utc>,
    reason: Option<String>,
    call: Option<CallId>,
    wrap_until: Option<DateTime<Utc>>,
    next_reason: Option<String>,
    connected: bool,
    voice: bool,
}

impl AgentRow {
    fn read(self, read_at: DateTime<Utc>) -> Result<FloorAgent> {
        let state = match (self.state.as_str(), self.call, self.wrap_until) {
            ("offline", ..) => State::Offline,
            ("ready", ..) => State::Ready,
            ("paused", ..) => State::Paused { reason: self.reason.unwrap_or_default() },
            ("reserved", Some(call), _) => State::Reserved { call },
            ("on_call", Some(call), _) => State::OnCall { call },
            ("wrap_up", Some(call), Some(until)) => State::WrapUp { call, until },
            _ => return Err(unreadable("an agent is busy without a call")),
        };
        let presence = Presence { state, since: self.since, pause_next: self.next_reason };
        let Self { id, name, campaign, connected, voice, .. } = self;
        Ok(FloorAgent { id, name, campaign, presence, connected, voice, read_at })
    }
}

impl CallRow {
    fn read(self, clock: &Clock) -> Result<FloorCall> {
        let Json(facts) = &self.facts;
        let picked_up = match (facts.answered_at.or(facts.joined_at), facts.is_machine()) {
            (None, _) => None,
            (Some(_), true) => Some(PickedUp::Machine),
            (Some(_), false) => Some(PickedUp::Person),
        };
        let promised = match (self.promised_minor, self.currency) {
            (Some(minor), Some(currency)) => Some(Money::new(minor, Currency::parse(&currency).map_err(unreadable)?)),
            _ => None,
        };
        let outcome = self.outcome.as_deref().map(|name| call::Outcome::from_name(name).ok_or("unknown outcome"));
        Ok(FloorCall {
            id: self.id,
            version: self.version,
            campaign: self.campaign_id,
            day: self.created_at.with_timezone(&clock.house_zone()).date_naive(),
            direction: facts.direction,
            state: call::State::from_name(&self.state).ok_or("unknown state").map_err(unreadable)?,
            outcome: outcome.transpose().map_err(unreadable)?,
            placed: facts.direction == Direction::Outbound
                && matches!(facts.create, Create::Asked | Create::Unknown | Create::Accepted),
            picked_up,
            contact: self.contact,
            promised,
        })
    }
}

fn unreadable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::internal("reading a row of the floor")(source)
}
