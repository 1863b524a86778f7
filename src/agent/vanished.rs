//! Agents whose socket or voice is gone: whoever does not come back in time is logged out, and does not strand a debtor.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    change,
    leg::{self, LegState},
    presence::{Event, State},
    ready,
    store::{self, Agent},
};
use crate::{
    app::App,
    call::{
        self,
        apply::{Heard, Source},
    },
    error::Result,
    ids::CallId,
};

/// A socket that has been gone for this long takes its agent off line, unless the agent is busy with a call.
pub const SOCKET_TOLERANCE: TimeDelta = TimeDelta::seconds(60);

/// A debtor waits for the voice of an agent whose leg was lost for at most this long.
pub const LEG_TOLERANCE: TimeDelta = TimeDelta::seconds(15);

/// A socket that nobody has vouched for so long is gone: its node died. Nodes vouch every 10 s.
pub const SILENCE: TimeDelta = TimeDelta::seconds(45);

/// What to do about an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Nothing.
    Fine,
    /// The node of its socket died: note that the socket is gone.
    SocketLost,
    /// The call's callbacks about the leg were lost.
    LegNeverCame,
    /// Its debtor is alone.
    Stranded(CallId),
    /// It is gone.
    Gone,
}

/// Looks at every agent at work once.
///
/// # Errors
/// Those of Postgres and Redis.
pub async fn step(app: &App) -> Result<()> {
    let now = app.clock.now();
    for agent in store::at_work(&app.db).await? {
        match judge(&agent, now) {
            Verdict::Fine => {}
            Verdict::SocketLost => super::at_desk::lose_socket(app, agent.user, agent.session).await?,
            Verdict::LegNeverCame => leg::give_up_calling(app, agent.user).await?,
            Verdict::Stranded(call) => strand(app, call).await?,
            Verdict::Gone => leave(app, &agent).await?,
        }
    }
    Ok(())
}

fn judge(agent: &Agent, now: DateTime<Utc>) -> Verdict {
    let longer = |since: Option<DateTime<Utc>>, than: TimeDelta| since.is_none_or(|since| now - since > than);
    if agent.connected && longer(agent.seen_at, SILENCE) {
        return Verdict::SocketLost;
    }
    if agent.leg == LegState::Calling && longer(agent.leg_since, leg::CALLING_LIMIT) {
        return Verdict::LegNeverCame;
    }
    match agent.presence.state {
        State::Reserved { call } | State::OnCall { call }
            if agent.leg != LegState::Up && longer(agent.leg_since, LEG_TOLERANCE) =>
        {
            Verdict::Stranded(call)
        }
        State::Ready | State::Paused { .. } if !agent.connected && longer(agent.seen_at, SOCKET_TOLERANCE) => {
            Verdict::Gone
        }
        _ => Verdict::Fine,
    }
}

/// Tells the call, which ends the line; the agent is let go when the line is over.
async fn strand(app: &App, call: CallId) -> Result<()> {
    let heard = Heard::own(Source::Service, call, "agent lost", app.clock.now());
    call::apply::tell(app, call, heard, call::Event::AgentLost).await.map(drop)
}

async fn leave(app: &App, agent: &Agent) -> Result<()> {
    let mut tx = app.db.begin().await?;
    change(&mut tx, agent.user, Event::Vanished, app.clock.now(), None).await?;
    let after = store::get(&mut *tx, agent.user).await?;
    tx.commit().await?;
    app.outbox.ring();
    match after {
        Some(after) => ready::sync(app, &after).await,
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{agent::presence::Presence, ids::UserId};

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn agent(state: State) -> Agent {
        let since = now() - TimeDelta::hours(1);
        Agent {
            user: UserId::generate(),
            campaign: None,
            presence: Presence { state, since, pause_next: None },
            session: 1,
            connected: true,
            seen_at: Some(now()),
            leg: LegState::Up,
            leg_sid: Some("CA0".to_owned()),
            leg_since: Some(since),
            conference: Some("desk-0".to_owned()),
            version: 1,
            device: None,
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "it fills fields that are optional")]
    fn ago(delta: TimeDelta) -> Option<DateTime<Utc>> {
        Some(now() - delta)
    }

    #[test]
    fn a_whole_agent_is_fine_in_every_state() {
        let call = CallId::generate();
        for state in
            [State::Ready, State::Reserved { call }, State::OnCall { call }, State::WrapUp { call, until: now() }]
        {
            assert_eq!(judge(&agent(state), now()), Verdict::Fine);
        }
    }

    #[test]
    fn a_lost_socket_is_tolerated_up_to_the_limit() {
        let lost = |seen_at| Agent { connected: false, seen_at, ..agent(State::Ready) };
        assert_eq!(judge(&lost(ago(SOCKET_TOLERANCE)), now()), Verdict::Fine);
        assert_eq!(judge(&lost(ago(SOCKET_TOLERANCE + TimeDelta::milliseconds(1))), now()), Verdict::Gone);
    }

    #[test]
    fn a_talk_goes_on_without_the_socket_but_not_without_the_voice() {
        let call = CallId::generate();
        let talking = agent(State::OnCall { call });
        let no_socket = Agent { connected: false, seen_at: ago(TimeDelta::hours(1)), ..talking.clone() };
        assert_eq!(judge(&no_socket, now()), Verdict::Fine);
        let no_voice = Agent { leg: LegState::Down, leg_since: ago(LEG_TOLERANCE), ..talking.clone() };
        assert_eq!(judge(&no_voice, now()), Verdict::Fine);
        let too_long = Agent { leg_since: ago(LEG_TOLERANCE + TimeDelta::seconds(1)), ..no_voice };
        assert_eq!(judge(&too_long, now()), Verdict::Stranded(call));
    }

    #[test]
    fn the_wrap_up_is_left_to_its_timer() {
        let wrapping = agent(State::WrapUp { call: CallId::generate(), until: now() });
        let gone = Agent { connected: false, seen_at: ago(TimeDelta::hours(1)), leg: LegState::Down, ..wrapping };
        assert_eq!(judge(&gone, now()), Verdict::Fine);
    }

    #[test]
    fn a_socket_that_no_node_vouches_for_is_lost() {
        let silent = Agent { seen_at: ago(SILENCE + TimeDelta::seconds(1)), ..agent(State::Ready) };
        assert_eq!(judge(&silent, now()), Verdict::SocketLost);
    }

    #[test]
    fn a_leg_that_never_came_is_given_up() {
        let calling = Agent { leg: LegState::Calling, leg_since: ago(TimeDelta::seconds(91)), ..agent(State::Ready) };
        assert_eq!(judge(&calling, now()), Verdict::LegNeverCame);
    }
}
