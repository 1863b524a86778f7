//! A person is on the line: give the call an agent, or let it wait, and say so to the carrier.
//!
//! The agent is picked in Redis before the transaction, reserved in it, and sees the account before the carrier is
//! answered. An agent who was picked and not reserved is offered again.

mod at_once;
mod store;

use tracing::{error, warn};

use super::{
    Direction, Event, Facts, Step,
    apply::{Heard, Kept, Locked, Verdict},
    machine,
    store::{self as calls, Row},
    voice,
};
use crate::{
    agent,
    app::App,
    carrier::twiml::Response,
    desk,
    error::{Error, Result},
    ids::UserId,
};

/// Picks in Redis for one answer: entries that Postgres contradicts are stale.
const PICKS: usize = 3;

/// Why the carrier asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Somebody picked up, or called us.
    Answered,
    /// The time to wait is over.
    HoldOver,
}

/// Decides what happens with the line, and gives the instruction for the carrier. The same request twice gets the
/// same instruction.
///
/// # Errors
/// Those of Postgres, and of Redis while an agent is picked.
pub async fn connect(app: &App, row: &Row, heard: &Heard, moment: Moment) -> Result<Response> {
    for last in (0..PICKS).map(|pick| pick + 1 == PICKS) {
        let picked = pick(app, row, heard, moment).await?;
        let decided = decide(app, row, heard, moment, picked, last).await;
        let reserved = decided.as_ref().is_ok_and(|decided| decided.as_ref().is_some_and(|decided| decided.reserved));
        if let Some(agent) = picked
            && !reserved
            && let Err(error) = agent::agent_changed(app, agent).await
        {
            warn!(error = &error as &dyn std::error::Error, "an agent who was picked in vain is not offered again yet");
        }
        if let Some(decided) = decided? {
            if let Some(agent) = picked.filter(|_| reserved) {
                if !decided.shown {
                    show(app, row, agent).await;
                }
                desk::pop::note_sent(app, row.id).await?;
            }
            app.outbox.ring();
            return instruct(app, row, &decided.kept).await;
        }
    }
    Err(Error::internal("giving a call an agent")("no decision was reached"))
}

struct Decided {
    kept: Kept,
    reserved: bool,
    /// The agent has been sent the pop.
    shown: bool,
}

async fn pick(app: &App, row: &Row, heard: &Heard, moment: Moment) -> Result<Option<UserId>> {
    let facts = match machine::step(&row.facts, &Event::Answered, heard.at) {
        Step::Next { facts, .. } => facts,
        Step::Ignored(_) => row.facts.clone(),
    };
    let repeated = moment == Moment::Answered && row.facts.held_until.is_some();
    match row.campaign {
        Some(campaign) if facts.may_take_agent() && !repeated => {
            agent::ready::pick(app, campaign, row.preferred()).await
        }
        _ => Ok(None),
    }
}

/// One statement where it can be, else one transaction; `None`: the picked agent was not ready any more, and another one
/// may be picked.
async fn decide(
    app: &App,
    row: &Row,
    heard: &Heard,
    moment: Moment,
    picked: Option<UserId>,
    last: bool,
) -> Result<Option<Decided>> {
    if let Some(agent) = picked
        && let Some(kept) = at_once::give(app, row, heard, agent).await?
    {
        return Ok(Some(Decided { kept, reserved: true, shown: true }));
    }
    let mut tx = app.db.begin().await?;
    let mut call = Locked::lock(&mut tx, row.id).await?.ok_or(Error::NotFound("call"))?;
    call.learn(&Event::Answered, heard.at);
    let mut reserved = false;
    if let Some(agent) = picked {
        reserved = call.give_to(&mut tx, agent, heard.at).await?;
        if !reserved && call.row.facts.may_take_agent() && !last {
            return Ok(None);
        }
    }
    if call.row.facts.may_take_agent() {
        call.learn(&without_agent(&call.row.facts, moment, heard), heard.at);
    }
    call.bridged_by_answer();
    let kept = call.keep(&mut tx, heard).await?;
    if kept.verdict == Verdict::Duplicate {
        return Ok(Some(Decided { kept, reserved: false, shown: false }));
    }
    tx.commit().await?;
    Ok(Some(Decided { kept, reserved, shown: false }))
}

/// Nobody is free: a debtor we called waits up to the limit once, a caller is told that we call back.
fn without_agent(facts: &Facts, moment: Moment, heard: &Heard) -> Event {
    if facts.direction == Direction::Inbound || moment == Moment::HoldOver {
        return Event::HoldExpired;
    }
    let limit = chrono::TimeDelta::milliseconds(i64::from(facts.bridge_limit_ms));
    Event::Held { until: heard.at + limit }
}

/// The instruction that follows from what is known.
async fn instruct(app: &App, row: &Row, kept: &Kept) -> Result<Response> {
    let facts = &kept.facts;
    if facts.line_is_over() || facts.wants_hangup() {
        return Ok(voice::goodbye());
    }
    if let Some((_, agent)) = facts.agent {
        let conference = kept.conference.as_deref().ok_or_else(no_conference)?;
        return Ok(voice::bridge(&app.config, row, agent, conference));
    }
    if facts.hold_expired_at.is_none() {
        return Ok(voice::wait(&app.config, row, facts));
    }
    match (facts.direction, row.campaign) {
        (Direction::Inbound, _) => Ok(voice::call_you_back(row.account.is_some())),
        (Direction::Outbound, Some(campaign)) => {
            let mut conn = app.db.acquire().await?;
            let settings = calls::settings(&mut conn, campaign).await?;
            Ok(voice::abandoned(&settings, &row.our_number))
        }
        (Direction::Outbound, None) => Ok(voice::goodbye()),
    }
}

/// Puts the account on the agent's screen. A pop that cannot be sent does not keep the voices apart: the sweeper sends
/// it again.
pub(super) async fn show(app: &App, row: &Row, agent: UserId) {
    let sent = match app.recent.pop(row.id) {
        Some(pop) => desk::pop::show_prepared(app, agent, &pop.first).await,
        None => desk::pop::show(app, agent, row.id).await,
    };
    if let Err(error) = sent {
        error!(call = %row.id, error = &error as &dyn std::error::Error, "the screen-pop could not be sent");
    }
}

fn no_conference() -> Error {
    Error::internal("connecting a debtor")("the agent has no conference")
}
