//! What an agent at a desk does: come, go, take calls, pause.
//!
//! Every log-in at a desk has a fencing number. What an older log-in asks for is refused in the transaction that would
//! do it, so that two desks of one agent can never disagree.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    apply, leg,
    presence::{Event, Presence, State},
    ready,
    store::{self, Agent},
};
use crate::{
    app::App,
    error::{Error, Result},
    ids::{CallId, UserId},
    outbox::{self, Effect},
};

/// How much one request prolongs the wrap-up.
pub const WRAP_EXTENSION: TimeDelta = TimeDelta::seconds(60);

/// The longest wrap-up, extensions included.
pub const LONGEST_WRAP_UP: TimeDelta = TimeDelta::minutes(15);

/// Longest reason of a pause, in characters.
const LONGEST_REASON: usize = 60;

/// What a desk may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Calls.
    Ready,
    /// No calls, now or after the present one.
    Pause(String),
    /// More time to wrap up: [`WRAP_EXTENSION`], up to [`LONGEST_WRAP_UP`] altogether.
    ExtendWrapUp,
    /// To log out.
    LogOut,
}

/// A desk has said hello: the agent is at work, older log-ins are fenced off. Gives the agent as it is now.
///
/// # Errors
/// Those of Postgres.
pub async fn come(app: &App, user: UserId) -> Result<Agent> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    store::ensure(&mut tx, user, now).await?;
    let before = store::lock(&mut tx, user).await?.ok_or(Error::NotFound("agent"))?;
    store::open_session(&mut tx, user, &format!("desk-{}", Uuid::new_v4()), now).await?;
    let _ = apply(&mut tx, &before, &Event::LoggedIn, now, Some(user)).await?;
    let mut effects = vec![Effect::AgentChanged { agent: user }];
    effects.extend(leg::wanted(&before));
    outbox::enqueue(&mut tx, &effects, now).await?;
    let agent = store::get(&mut *tx, user).await?.ok_or(Error::NotFound("agent"))?;
    tx.commit().await?;
    app.outbox.ring();
    Ok(agent)
}

/// The socket of log-in `session` is gone. The agent gets no calls until it is back; what it does stays as it is for
/// the time that [`vanished`](super::vanished) tolerates.
///
/// # Errors
/// Those of Postgres and Redis.
pub async fn lose_socket(app: &App, user: UserId, session: i64) -> Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if !store::close_session(&mut tx, user, session, now).await? {
        return Ok(());
    }
    outbox::enqueue(&mut tx, &[Effect::AgentChanged { agent: user }], now).await?;
    let agent = store::get(&mut *tx, user).await?.ok_or(Error::NotFound("agent"))?;
    tx.commit().await?;
    app.outbox.ring();
    ready::sync(app, &agent).await
}

/// Does what log-in `session` of the agent asks for.
///
/// # Errors
/// [`Error::Conflict`] where the present state does not allow it or another log-in has taken over, [`Error::Invalid`].
pub async fn ask(app: &App, user: UserId, session: i64, ask: &Ask) -> Result<Presence> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let agent = lock_session(&mut tx, user, session).await?;
    if *ask == Ask::Ready {
        prepare_for_calls(&mut tx, &agent, now).await?;
    }
    let event = event_of(ask, &agent)?;
    let outcome = apply(&mut tx, &agent, &event, now, Some(user)).await?;
    let presence = outcome.map_err(|why| Error::Conflict(why.to_owned()))?;
    let agent = store::get(&mut *tx, user).await?.ok_or(Error::NotFound("agent"))?;
    tx.commit().await?;
    app.outbox.ring();
    // Whoever pauses gets no call from this moment on: the outbox would come a little later.
    if !agent.takes_calls() {
        ready::sync(app, &agent).await?;
    }
    Ok(presence)
}

/// Passes if log-in `session` of the agent is the present one and the agent is busy with `call`.
///
/// # Errors
/// [`Error::Conflict`] otherwise.
pub async fn must_be_on(app: &App, user: UserId, session: i64, call: CallId) -> Result<()> {
    let agent = store::get(&app.db, user).await?.ok_or(Error::NotFound("agent"))?;
    must_be_current(&agent, session)?;
    if agent.presence.call() == Some(call) {
        Ok(())
    } else {
        Err(Error::Conflict("you are not on this call".to_owned()))
    }
}

/// The agent's row, locked, if log-in `session` is the present one.
async fn lock_session(conn: &mut PgConnection, user: UserId, session: i64) -> Result<Agent> {
    let agent = store::lock(conn, user).await?.ok_or(Error::NotFound("agent"))?;
    must_be_current(&agent, session)?;
    Ok(agent)
}

fn must_be_current(agent: &Agent, session: i64) -> Result<()> {
    if agent.session == session { Ok(()) } else { Err(Error::Conflict("another log-in has taken over".to_owned())) }
}

/// Calls need a campaign and a voice leg: the only campaign that runs is taken where none is assigned, and a leg that
/// is down is called again.
pub(super) async fn prepare_for_calls(conn: &mut PgConnection, agent: &Agent, now: DateTime<Utc>) -> Result<()> {
    if agent.campaign.is_none() {
        let only = store::only_running_campaign(conn).await?;
        let only =
            only.ok_or_else(|| Error::Conflict("no campaign is assigned to you: ask a supervisor".to_owned()))?;
        store::set_campaign(conn, agent.user, Some(only), now, Some(agent.user)).await?;
    }
    let effects: Vec<Effect> = leg::wanted(agent).into_iter().collect();
    outbox::enqueue(conn, &effects, now).await
}

fn event_of(ask: &Ask, agent: &Agent) -> Result<Event> {
    Ok(match ask {
        Ask::Ready => Event::ReadyAsked,
        Ask::Pause(reason) => Event::PauseAsked(checked_reason(reason)?),
        Ask::ExtendWrapUp => Event::WrapExtended(extension(agent)?),
        Ask::LogOut => Event::LoggedOut,
    })
}

/// A reason of 1 to 60 characters.
pub(super) fn checked_reason(reason: &str) -> Result<String> {
    let reason = reason.trim();
    if (1..=LONGEST_REASON).contains(&reason.chars().count()) {
        Ok(reason.to_owned())
    } else {
        Err(Error::invalid("reason", "1 to 60 characters"))
    }
}

fn extension(agent: &Agent) -> Result<TimeDelta> {
    let State::WrapUp { until, .. } = agent.presence.state else {
        return Err(Error::Conflict("not wrapping up".to_owned()));
    };
    let left = agent.presence.since + LONGEST_WRAP_UP - until;
    if left > TimeDelta::zero() {
        Ok(left.min(WRAP_EXTENSION))
    } else {
        Err(Error::Conflict("a wrap-up lasts at most 15 minutes".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_trimmed_and_bounded() {
        assert_eq!(checked_reason(" lunch ").unwrap(), "lunch");
        assert!(checked_reason("  ").is_err());
        assert!(checked_reason(&"é".repeat(60)).is_ok());
        assert!(checked_reason(&"é".repeat(61)).is_err());
    }
}
