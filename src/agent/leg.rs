//! The agent's voice leg: parked in a conference of its own from log-in to log-out.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::store::{self, Agent};
use crate::{
    app::App,
    call::callbacks,
    carrier::{self, CallUpdate, CreateCall, CreateResult, Instructions, Party, Sid},
    desk::{self, protocol::Body},
    error::{Error, Result},
    ids::UserId,
    named::named,
    outbox::{self, Effect},
    phone::Phone,
};

/// How long an agent's device rings, in seconds.
const RING_SECONDS: u16 = 30;

/// A leg that has not been picked up for this long is taken for down: its callbacks were lost.
pub(super) const CALLING_LIMIT: TimeDelta = TimeDelta::seconds(90);

/// Where a voice leg stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegState {
    /// There is none.
    Down,
    /// The device is being called.
    Calling,
    /// Parked in the agent's conference, or in it with a debtor.
    Up,
}

named!(LegState { Down => "down", Calling => "calling", Up => "up" });

/// The effect that brings the leg up, where the service can: a softphone without an address dials in by itself.
pub(super) fn wanted(agent: &Agent) -> Option<Effect> {
    (agent.leg == LegState::Down && agent.device.is_some()).then_some(Effect::CallAgentLeg { agent: agent.user })
}

/// Carries out [`Effect::CallAgentLeg`]: calls the agent's device unless its leg is up or being called.
///
/// # Errors
/// Those of the carrier and Postgres.
pub async fn call(app: &App, agent: UserId) -> Result<()> {
    let from = caller_id(app, agent).await?;
    let Some(device) = claim(app, agent).await? else { return Ok(()) };
    let to = Party::read(&device).ok_or_else(|| Error::internal("calling an agent's device")("malformed device"))?;
    let create = CreateCall {
        to,
        from: Party::Phone(from),
        instructions: Instructions::Url(callbacks::agent_url(&app.config, agent)),
        fallback_url: None,
        status_url: Some(callbacks::agent_status_url(&app.config, agent)),
        ring_seconds: RING_SECONDS,
        limit_seconds: None,
        machine_detection: None,
        recording_url: None,
    };
    match app.carrier.create_call(&create).await {
        CreateResult::Accepted { sid } => note(app, agent, LegState::Calling, Some(sid.as_str())).await,
        CreateResult::Rejected { .. } => {
            note(app, agent, LegState::Down, None).await?;
            let text = "Your telephone could not be called: check the device, then press ready".to_owned();
            desk::push(app, agent, Body::Notice { text }).await.map(drop)
        }
        CreateResult::NotPlaced(_) => {
            note(app, agent, LegState::Down, None).await?;
            Err(Error::Unavailable { what: "the carrier", source: "the agent's leg was not placed".into() })
        }
        // It may be ringing: its own callback tells, or the limit passes.
        CreateResult::Unknown => Ok(()),
    }
}

/// The number that an agent, and a supervisor who joins the agent's call, are called from: the configured one, else the
/// first of the agent's campaign.
pub(super) async fn caller_id(app: &App, agent: UserId) -> Result<Phone> {
    if let Some(configured) = &app.config.carrier.agent_caller_id {
        return Ok(configured.clone());
    }
    store::campaign_number(&app.db, agent).await?.ok_or_else(|| {
        let why = "no number to call agents from: give CARRIER_AGENT_CALLER_ID, or the agent's campaign a caller id";
        Error::Conflict(why.to_owned())
    })
}

/// Marks the leg as being called; gives the device, unless there is nothing to call.
async fn claim(app: &App, user: UserId) -> Result<Option<String>> {
    let mut tx = app.db.begin().await?;
    let Some(agent) = store::lock(&mut tx, user).await? else { return Ok(None) };
    let Some(device) = agent.device.filter(|_| agent.leg == LegState::Down && agent.conference.is_some()) else {
        return Ok(None);
    };
    store::save_leg(&mut tx, user, LegState::Calling, None, app.clock.now()).await?;
    tx.commit().await?;
    Ok(Some(device))
}

/// Notes what the carrier answered, unless the leg's own callback was faster.
async fn note(app: &App, user: UserId, state: LegState, sid: Option<&str>) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let Some(agent) = store::lock(&mut tx, user).await? else { return Ok(()) };
    if agent.leg == LegState::Calling && agent.leg_sid.is_none() {
        store::save_leg(&mut tx, user, state, sid, app.clock.now()).await?;
    }
    Ok(tx.commit().await?)
}

/// Carries out [`Effect::EndAgentLeg`].
///
/// # Errors
/// Those of the carrier.
pub async fn end(app: &App, _agent: UserId, sid: &str) -> Result<()> {
    let sid = sid.parse::<Sid>().map_err(Error::internal("ending an agent's leg"))?;
    match app.carrier.update_call(&sid, &CallUpdate::Complete).await {
        // A leg that the carrier does not know is as ended as can be.
        Ok(_) | Err(carrier::Error::NotFound) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The leg `sid` of the agent was picked up (or its softphone dialled in): it is up from now on. Gives the name of the
/// conference to park it in; `None`: the agent is not at a desk, the leg is to be hung up.
///
/// # Errors
/// Those of Postgres.
pub async fn up(app: &App, user: UserId, sid: &str) -> Result<Option<String>> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let Some(agent) = store::lock(&mut tx, user).await? else { return Ok(None) };
    let Some(conference) = agent.conference.clone() else { return Ok(None) };
    let known = agent.leg_sid.as_deref() == Some(sid);
    if agent.leg == LegState::Up && known {
        return Ok(Some(conference));
    }
    let mut effects = vec![Effect::AgentChanged { agent: user }];
    if let Some(older) = agent.leg_sid.filter(|_| !known) {
        effects.push(Effect::EndAgentLeg { agent: user, sid: older });
    }
    store::save_leg(&mut tx, user, LegState::Up, Some(sid), now).await?;
    outbox::enqueue(&mut tx, &effects, now).await?;
    tx.commit().await?;
    app.outbox.ring();
    Ok(Some(conference))
}

/// The leg `sid` of the agent is over. Nothing happens if it is not the present one. An agent in the middle of a call
/// is called back at once.
///
/// # Errors
/// Those of Postgres.
pub async fn down(app: &App, user: UserId, sid: &str) -> Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let Some(agent) = store::lock(&mut tx, user).await? else { return Ok(()) };
    if agent.leg_sid.as_deref() != Some(sid) {
        return Ok(());
    }
    store::save_leg(&mut tx, user, LegState::Down, None, now).await?;
    let mut effects = vec![Effect::AgentChanged { agent: user }];
    if agent.presence.call().is_some() && agent.device.is_some() && agent.leg == LegState::Up {
        effects.push(Effect::CallAgentLeg { agent: user });
    }
    outbox::enqueue(&mut tx, &effects, now).await?;
    tx.commit().await?;
    app.outbox.ring();
    let text = "Your telephone has hung up: press ready to be called again".to_owned();
    desk::push(app, user, Body::Notice { text }).await.map(drop)
}

/// The agent is offline: its leg ends, and its conference is never used again.
pub(super) async fn release(conn: &mut PgConnection, agent: &Agent, now: DateTime<Utc>) -> Result<()> {
    store::clear_desk(conn, agent.user, now).await?;
    let end = agent.leg_sid.clone().map(|sid| Effect::EndAgentLeg { agent: agent.user, sid });
    outbox::enqueue(conn, &end.into_iter().collect::<Vec<_>>(), now).await
}

/// The callbacks of a leg that is being called were lost: it is taken for down.
pub(super) async fn give_up_calling(app: &App, user: UserId) -> Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let Some(agent) = store::lock(&mut tx, user).await? else { return Ok(()) };
    if agent.leg == LegState::Calling && agent.leg_since.is_none_or(|since| now - since > CALLING_LIMIT) {
        store::save_leg(&mut tx, user, LegState::Down, None, now).await?;
        outbox::enqueue(&mut tx, &[Effect::AgentChanged { agent: user }], now).await?;
    }
    tx.commit().await?;
    app.outbox.ring();
    Ok(())
}
