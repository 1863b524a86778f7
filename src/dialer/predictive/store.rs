//! What the predictive pacer is shown and told, and what is kept of it.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgPool, types::Json};

use crate::{
    call::Outcome,
    error::Result,
    ids::{CallId, CampaignId, UserId},
    pacing::predictive::{Agent, Doing, HORIZON, Heard, Hour, Line, Pacer, Resolution},
};

/// No call takes longer from the dial to the disposition.
const LONGEST_CALL: TimeDelta = TimeDelta::hours(4);
/// An answer is taken for a person's when machine detection has had this time.
const DETECTED: TimeDelta = TimeDelta::seconds(5);
/// The longest window of the budget of abandoned calls.
const BUDGETED: TimeDelta = TimeDelta::days(30);

/// The floor of a campaign.
pub(super) struct Floor {
    pub(super) agents: Vec<Agent>,
    pub(super) lines: Vec<(CallId, Line)>,
    pub(super) waiting: u32,
    /// All lines that are, or may be, up.
    pub(super) live: u32,
    /// Calls a second that came in by themselves within the last hour.
    pub(super) inbound: f64,
    /// In how many milliseconds callbacks of the campaign fall due, those within the forecast's horizon.
    pub(super) callbacks: Vec<i64>,
}

/// Reads the floor.
pub(super) async fn floor(db: &PgPool, campaign: CampaignId, now: DateTime<Utc>) -> Result<Floor> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id: CallId", created_at, ringing_at, answer_chance, direction = 'outbound' AS "outbound!",
                  -- what an agent dialled by hand or was shown has its agent already
                  direction = 'outbound' AND state IN ('dialing', 'ringing') AND agent_id IS NULL AS "in_flight!",
                  -- who called us waits for an agent like who answered
                  (state IN ('answered', 'held') AND agent_id IS NULL AND facts->>'hold_expired_at' IS NULL)
                      AS "waiting!"
           FROM call WHERE live AND campaign_id = $1"#,
        campaign.0
    )
    .fetch_all(db)
    .await?;
    let inbound = sqlx::query_scalar!(
        r#"SELECT count(*)::float8 AS "calls!" FROM call
           WHERE campaign_id = $1 AND direction = 'inbound' AND created_at > $2"#,
        campaign.0,
        now - TimeDelta::hours(1)
    )
    .fetch_one(db)
    .await?;
    let millis = |at: DateTime<Utc>| at.timestamp_millis();
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Ok(Floor {
        agents: agents(db, campaign).await?,
        lines: rows
            .iter()
            .filter(|row| row.in_flight)
            .map(|row| {
                let (dialled, ringing) = (millis(row.created_at), row.ringing_at.map(millis));
                (row.id, Line { dialled, ringing, answered: None, chance: row.answer_chance })
            })
            .collect(),
        waiting: count(rows.iter().filter(|row| row.waiting).count()),
        live: count(rows.iter().filter(|row| row.outbound).count()),
        inbound: inbound / 3600.0,
        callbacks: callbacks(db, campaign, now).await?,
    })
}

async fn callbacks(db: &PgPool, campaign: CampaignId, now: DateTime<Utc>) -> Result<Vec<i64>> {
    let horizon = TimeDelta::seconds(i64::try_from(HORIZON).unwrap_or(0));
    let due = sqlx::query_scalar!(
        "SELECT due_at FROM callback WHERE status = 'open' AND due_at > $2 AND due_at <= $3 AND campaign_id = $1",
        campaign.0,
        now,
        now + horizon
    );
    Ok(due.fetch_all(db).await?.into_iter().map(|due| (due - now).num_milliseconds()).collect())
}

/// Agents who take calls of the campaign; an agent belongs to one campaign, so none is counted twice.
async fn agents(db: &PgPool, campaign: CampaignId) -> Result<Vec<Agent>> {
    let rows = sqlx::query!(
        r#"SELECT a.user_id AS "id: UserId", a.state, a.since,
                  (a.next_reason IS NOT NULL OR NOT a.connected OR a.leg_state <> 'up') AS "leaving!",
                  extract(epoch FROM c.ended_at - c.bridged_at)::float8 AS talked
           FROM agent a LEFT JOIN call c ON c.id = a.call_id
           WHERE a.campaign_id = $1 AND a.state IN ('ready', 'reserved', 'on_call', 'wrap_up')"#,
        campaign.0
    )
    .fetch_all(db)
    .await?;
    let agent = |id: UserId, state: &str, since: DateTime<Utc>, leaving: bool, talked: Option<f64>| Agent {
        id: id.0,
        doing: match state {
            "ready" => Doing::Idle,
            "wrap_up" => Doing::Wrapping(milliseconds(talked.unwrap_or(0.0))),
            _ => Doing::Talking,
        },
        since: since.timestamp_millis(),
        leaving,
    };
    Ok(rows.into_iter().map(|row| agent(row.id, &row.state, row.since, row.leaving, row.talked)).collect())
}

/// A call, with the moments that a pacer hears about.
struct Told {
    created_at: DateTime<Utc>,
    answered_at: Option<DateTime<Utc>>,
    bridged_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    outcome: Option<String>,
    agent: Option<UserId>,
    disposed_at: Option<DateTime<Utc>>,
    answer_chance: f64,
    connected_late: bool,
}

/// What happened to the campaign's calls after `since`, up to and including `until`, in the order of time.
pub(super) async fn heard(
    db: &PgPool,
    campaign: CampaignId,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<Heard>> {
    let calls = sqlx::query_as!(
        Told,
        r#"SELECT c.created_at, c.answered_at, c.bridged_at, c.ended_at, c.outcome,
                  c.agent_id AS "agent: UserId", d.at AS "disposed_at?", c.answer_chance, c.connected_late
           FROM call c LEFT JOIN call_disposition d ON d.call_id = c.id
           -- what an agent dialled by hand came out of no queue, and needed no other agent
           WHERE c.campaign_id = $1 AND c.direction = 'outbound' AND c.queue_entry IS NOT NULL AND c.created_at > $2
             AND greatest(c.heard_at, d.at) > $3"#,
        campaign.0,
        since - LONGEST_CALL,
        since - TimeDelta::minutes(1)
    )
    .fetch_all(db)
    .await?;
    let mut heard: Vec<(DateTime<Utc>, Heard)> = calls.iter().flat_map(Told::heard).collect();
    heard.retain(|(at, _)| *at > since && *at <= until);
    heard.sort_by_key(|(at, _)| *at);
    Ok(heard.into_iter().map(|(_, heard)| heard).collect())
}

/// Answers by people up to a moment, as far as any window of the budget reaches, an hour each, in the order of time: what
/// [`heard`] would have told of them, whichever pacer dialled, for the law does not ask.
pub(super) async fn answered(db: &PgPool, campaign: CampaignId, until: DateTime<Utc>) -> Result<Vec<Hour>> {
    let hours = sqlx::query!(
        r#"SELECT min(at) AS "first!", count(*)::float8 AS "answers!",
                  count(*) FILTER (WHERE abandoned)::float8 AS "abandoned!"
           FROM (SELECT outcome = 'abandoned' OR connected_late AS abandoned,
                        CASE outcome WHEN 'abandoned' THEN ended_at
                                     ELSE bridged_at + make_interval(secs => $3) END AS at
                 FROM call WHERE campaign_id = $1 AND direction = 'outbound' AND queue_entry IS NOT NULL
                   AND created_at > $2 AND (outcome = 'abandoned' OR bridged_at IS NOT NULL AND outcome <> 'machine')
                ) AS answer
           WHERE at <= $4 GROUP BY date_trunc('hour', at, 'UTC') ORDER BY 1"#,
        campaign.0,
        until - BUDGETED,
        DETECTED.as_seconds_f64(),
        until
    )
    .fetch_all(db)
    .await?;
    let hour = |at: DateTime<Utc>, answers, abandoned| Hour::of(at.timestamp_millis(), answers, abandoned);
    Ok(hours.into_iter().map(|row| hour(row.first, row.answers, row.abandoned)).collect())
}

impl Told {
    fn heard(&self) -> impl Iterator<Item = (DateTime<Utc>, Heard)> + use<> {
        [self.resolved(), self.answer(), self.served()].into_iter().flatten()
    }

    fn outcome(&self) -> Option<Outcome> {
        Outcome::from_name(self.outcome.as_deref()?)
    }

    fn resolved(&self) -> Option<(DateTime<Utc>, Heard)> {
        let (at, how) = match self.answered_at {
            Some(at) => (at, Resolution::Answered),
            None => (
                self.ended_at?,
                match self.outcome()? {
                    Outcome::Busy => Resolution::Busy,
                    Outcome::NoAnswer => Resolution::NoAnswer,
                    Outcome::Canceled => Resolution::Cancelled,
                    _ => Resolution::Failed,
                },
            ),
        };
        let dialled = self.created_at.timestamp_millis();
        Some((at, Heard::Resolved { dialled, at: at.timestamp_millis(), how, chance: self.answer_chance }))
    }

    /// A machine that an agent heard is no answer by a person; who was given an agent too late counts as abandoned.
    fn answer(&self) -> Option<(DateTime<Utc>, Heard)> {
        let outcome = self.outcome();
        if outcome == Some(Outcome::Abandoned) {
            let at = self.ended_at?;
            return Some((at, Heard::Abandoned { at: at.timestamp_millis() }));
        }
        let bridged = self.bridged_at.filter(|_| outcome != Some(Outcome::Machine))?;
        let moment = bridged + DETECTED;
        let at = moment.timestamp_millis();
        Some((moment, if self.connected_late { Heard::Abandoned { at } } else { Heard::Connected { at } }))
    }

    fn served(&self) -> Option<(DateTime<Utc>, Heard)> {
        let (bridged, ended, disposed) = (self.bridged_at?, self.ended_at?, self.disposed_at?);
        let talk = (ended - bridged).num_milliseconds().max(0);
        let wrap = (disposed - ended).num_milliseconds().max(0);
        Some((disposed.max(ended), Heard::Served { agent: self.agent?.0, talk, wrap }))
    }
}

/// The pacer as it was kept, and up to when it had heard.
pub(super) async fn kept(db: &PgPool, campaign: CampaignId) -> Result<Option<(Pacer, DateTime<Utc>)>> {
    let row = sqlx::query!("SELECT state, heard_until FROM pacer WHERE campaign_id = $1", campaign.0)
        .fetch_optional(db)
        .await?;
    // A pacer of another version of the service is begun anew.
    Ok(row.and_then(|row| Some((serde_json::from_value(row.state).ok()?, row.heard_until))))
}

/// Keeps the pacer.
pub(super) async fn keep(db: &PgPool, campaign: CampaignId, pacer: &Pacer, heard_until: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "INSERT INTO pacer (campaign_id, state, heard_until) VALUES ($1, $2, $3)
         ON CONFLICT (campaign_id) DO UPDATE SET state = excluded.state, heard_until = excluded.heard_until",
        campaign.0,
        Json(pacer) as _,
        heard_until
    )
    .execute(db)
    .await?;
    Ok(())
}

#[expect(clippy::cast_possible_truncation, reason = "the length of a call")]
fn milliseconds(seconds: f64) -> i64 {
    (seconds * 1000.0) as i64
}
