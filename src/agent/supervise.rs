//! What supervisors do to live agents and calls.
//!
//! A supervisor joins the conference of the call's agent, and leaves it with the call: the conference goes on for the
//! agent's next one.

mod store;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use self::store::{Leg, Talk};
use crate::{
    agent::{
        self, Principal, Role, apply, at_desk,
        presence::{Event, Presence, State},
        ready,
    },
    app::App,
    call::{
        self,
        apply::{Heard, Source, tell},
    },
    carrier::{self, AddParticipant, CallUpdate, ParticipantUpdate, Party, Sid, Voice},
    desk::{self, protocol::Body},
    disposition,
    error::{Error, Result},
    ids::{CallId, UserId},
};

/// How long a supervisor's device rings, in seconds.
const RING_SECONDS: u16 = 30;

/// A state a supervisor may put an agent into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub enum Forced {
    /// Takes calls.
    Ready,
    /// Takes no calls, now or after the present one.
    Paused {
        /// Why; 1 to 60 characters.
        reason: String,
    },
    /// Logged out; the call the agent may be on ends.
    Offline,
}

/// Puts an agent into a state. By supervisors.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`], [`Error::Conflict`] where the present state does not allow it.
pub async fn force_state(app: &App, by: &Principal, agent: UserId, to: Forced) -> Result<Presence> {
    by.must_be(Role::Supervisor)?;
    let event = match &to {
        Forced::Ready => Event::ReadyAsked,
        Forced::Paused { reason } => Event::PauseAsked(at_desk::checked_reason(reason)?),
        Forced::Offline => Event::Vanished,
    };
    if to == Forced::Offline {
        let_call_go(app, agent).await?;
    }
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let before = agent::store::lock(&mut tx, agent).await?.ok_or(Error::NotFound("agent"))?;
    if to == Forced::Ready {
        at_desk::prepare_for_calls(&mut tx, &before, now).await?;
    }
    let presence = apply(&mut tx, &before, &event, now, Some(by.user)).await?;
    let presence = presence.map_err(|why| Error::Conflict(why.to_owned()))?;
    let session = if to == Forced::Offline { Some(store::fence(&mut tx, agent).await?) } else { None };
    let detail = serde_json::to_value(&to).map_err(Error::internal("writing the audit"))?;
    store::audit(&mut tx, by.user, "force_state", agent, detail, now).await?;
    let after = agent::store::get(&mut *tx, agent).await?.ok_or(Error::NotFound("agent"))?;
    tx.commit().await?;
    app.outbox.ring();
    ready::sync(app, &after).await?;
    if let Some(session) = session {
        let text = "A supervisor has logged you out".to_owned();
        desk::push(app, agent, Body::Notice { text }).await?;
        desk::log::announce(app, agent, session).await?;
    }
    Ok(presence)
}

/// The call of an agent who is sent off line: a talk ends, a wrap-up is recorded as not recorded.
async fn let_call_go(app: &App, agent: UserId) -> Result<()> {
    let now = app.clock.now();
    let agent = agent::store::get(&app.db, agent).await?.ok_or(Error::NotFound("agent"))?;
    match agent.presence.state {
        State::Reserved { call } | State::OnCall { call } => {
            let heard = Heard::own(Source::Supervisor, call, "agent logged out", now);
            tell(app, call, heard, call::Event::AgentLost).await.map(drop)
        }
        State::WrapUp { call, .. } => {
            let mut tx = app.db.begin().await?;
            disposition::automatic::give_up(&mut tx, call, now).await?;
            Ok(tx.commit().await?)
        }
        State::Offline | State::Ready | State::Paused { .. } => Ok(()),
    }
}

/// How a supervisor takes part in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Listen,
    Whisper,
    Barge,
}

impl Part {
    fn as_str(self) -> &'static str {
        match self {
            Self::Listen => "listen",
            Self::Whisper => "whisper",
            Self::Barge => "barge",
        }
    }

    fn voice(self, agent: &Sid) -> Voice {
        match self {
            Self::Listen => Voice::Listen,
            Self::Whisper => Voice::Whisper { to: agent.clone() },
            Self::Barge => Voice::Talk,
        }
    }
}

/// Joins the call muted: calls the supervisor's device into the conference, or mutes it if it is there already.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`], [`Error::Conflict`] if nobody talks or the supervisor has no device.
pub async fn listen(app: &App, by: &Principal, call: CallId) -> Result<()> {
    take_part(app, by, call, Part::Listen).await
}

/// As [`listen`], but the agent (only) hears the supervisor.
///
/// # Errors
/// As [`listen`].
pub async fn whisper(app: &App, by: &Principal, call: CallId) -> Result<()> {
    take_part(app, by, call, Part::Whisper).await
}

/// As [`listen`], but everybody hears the supervisor.
///
/// # Errors
/// As [`listen`].
pub async fn barge(app: &App, by: &Principal, call: CallId) -> Result<()> {
    take_part(app, by, call, Part::Barge).await
}

/// Takes the supervisor off the call again.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`] if the supervisor is not on the call; those of the carrier.
pub async fn leave(app: &App, by: &Principal, call: CallId) -> Result<()> {
    by.must_be(Role::Supervisor)?;
    let leg = store::open_leg(&app.db, call, by.user).await?.ok_or(Error::NotFound("supervisor on this call"))?;
    end_leg(app, &leg).await
}

/// Carries out [`Effect::CallChanged`](crate::outbox::Effect::CallChanged): when a talk is over, the supervisors
/// who are still on it go too.
///
/// # Errors
/// Those of the carrier and Postgres.
pub async fn calls_changed(app: &App, calls: &[CallId]) -> Result<()> {
    for leg in store::legs_left_over(&app.db, calls).await? {
        end_leg(app, &leg).await?;
    }
    Ok(())
}

async fn take_part(app: &App, by: &Principal, call: CallId, part: Part) -> Result<()> {
    by.must_be(Role::Supervisor)?;
    let talk = store::talk(&app.db, call).await?.ok_or(Error::NotFound("call"))?;
    let conference = talk.conference().ok_or_else(|| Error::Conflict("nobody talks on this call now".to_owned()))?;
    let agent = talk.agent_line()?;
    if let Some(leg) = store::open_leg(&app.db, call, by.user).await?
        && change_part(app, &leg, conference, part, &agent).await?
    {
        return Ok(());
    }
    join(app, by, &talk, conference, part, &agent).await
}

/// False: the supervisor's line has left the conference by itself.
async fn change_part(app: &App, leg: &Leg, conference: &str, part: Part, agent: &Sid) -> Result<bool> {
    let Some(line) = leg.line()? else {
        return Err(Error::Conflict("your device is being called: answer it first".to_owned()));
    };
    let update = ParticipantUpdate::Voice(part.voice(agent));
    let running = app.carrier.find_conferences(conference).await?;
    for conference in running.iter().filter(|conference| !conference.over) {
        match app.carrier.update_participant(&conference.sid, &line, &update).await {
            Ok(()) => {
                store::set_part(&app.db, leg.id, part.as_str()).await?;
                return Ok(true);
            }
            Err(carrier::Error::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    store::end_leg(&app.db, leg.id, app.clock.now()).await?;
    Ok(false)
}

/// The leg is committed before the device is called, so that it is never forgotten.
async fn join(app: &App, by: &Principal, talk: &Talk, conference: &str, part: Part, agent: &Sid) -> Result<()> {
    let (to, from) = ends(app, by, talk).await?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let leg = store::begin_leg(&mut tx, talk.call, by.user, part.as_str(), now).await?;
    audit_part(&mut tx, by, talk, part, now).await?;
    tx.commit().await?;
    let participant = AddParticipant {
        to,
        from,
        voice: part.voice(agent),
        label: Some(format!("supervisor-{leg}")),
        ring_seconds: RING_SECONDS,
        status_url: None,
        ends_conference: false,
    };
    let line = match app.carrier.add_participant(conference, &participant).await {
        Ok(line) => line,
        Err(error) => {
            store::end_leg(&app.db, leg, app.clock.now()).await?;
            return Err(error.into());
        }
    };
    if !store::set_line(&app.db, leg, line.as_str()).await? {
        // The call ended while the device was being called.
        app.carrier.update_call(&line, &CallUpdate::Complete).await?;
    }
    Ok(())
}

async fn audit_part(
    conn: &mut PgConnection,
    by: &Principal,
    talk: &Talk,
    part: Part,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<()> {
    let detail = serde_json::json!({ "call": talk.call });
    store::audit(conn, by.user, part.as_str(), talk.agent, detail, now).await
}

/// The supervisor's device, and the number it is called from.
async fn ends(app: &App, by: &Principal, talk: &Talk) -> Result<(Party, Party)> {
    let device = store::device(&app.db, by.user).await?.and_then(|device| Party::read(&device));
    let device = device.ok_or_else(|| Error::Conflict("you have no device that could be called".to_owned()))?;
    Ok((device, Party::Phone(agent::leg::caller_id(app, talk.agent).await?)))
}

/// The carrier first: a leg that could not be ended is tried again.
async fn end_leg(app: &App, leg: &Leg) -> Result<()> {
    if let Some(line) = leg.line()? {
        app.carrier.update_call(&line, &CallUpdate::Complete).await?;
    }
    store::end_leg(&app.db, leg.id, app.clock.now()).await
}
