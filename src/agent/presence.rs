//! Presence as a pure machine: `offline → ready → reserved → on_call → wrap_up → ready | paused(reason)`.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::CallId;

/// What an agent is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "state")]
#[schema(as = PresenceState)]
pub enum State {
    /// Not logged in at a desk.
    Offline,
    /// Waiting for a call.
    Ready,
    /// Chosen for a call whose debtor is being connected, shown one to preview, or calling somebody by hand.
    Reserved {
        /// The call.
        call: CallId,
    },
    /// Talking.
    OnCall {
        /// The call.
        call: CallId,
    },
    /// Recording the disposition.
    WrapUp {
        /// The call.
        call: CallId,
        /// When the service ends it.
        until: DateTime<Utc>,
    },
    /// Not taking calls.
    Paused {
        /// Break, training, meeting …
        reason: String,
    },
}

/// An agent's state and what it wants after the present call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Presence {
    /// What the agent is doing.
    #[serde(flatten)]
    pub state: State,
    /// Since when.
    pub since: DateTime<Utc>,
    /// A pause asked for during a call; taken once the call is disposed of.
    pub pause_next: Option<String>,
}

/// Something that may change an agent's presence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A desk said hello. Does not by itself make ready.
    LoggedIn,
    /// The agent wants calls.
    ReadyAsked,
    /// The agent wants a pause, now or after the call.
    PauseAsked(String),
    /// Chosen for a call.
    Reserved(CallId),
    /// The agent calls somebody by hand; a pause goes on afterwards.
    CallsByHand(CallId),
    /// The debtor is connected.
    Bridged(CallId),
    /// The call does not need the agent any more and there is nothing to record.
    Released(CallId),
    /// The talk is over; time to record the disposition, until the given moment.
    TalkEnded(CallId, DateTime<Utc>),
    /// The disposition is recorded.
    Disposed(CallId),
    /// The agent asked for more time to wrap up.
    WrapExtended(TimeDelta),
    /// The wrap-up time is over (the service's timer).
    WrapExpired,
    /// Socket or voice leg is gone for longer than tolerated.
    Vanished,
    /// The agent logs out.
    LoggedOut,
}

/// Result of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A new presence.
    Next(Presence),
    /// Nothing changes, and why.
    Ignored(&'static str),
}

/// Applies `event` at `now`. A call's event only touches an agent who is on that very call.
#[must_use]
#[expect(clippy::match_same_arms, reason = "the arms of each event stand together")]
pub fn step(presence: &Presence, event: &Event, now: DateTime<Utc>) -> Step {
    use State::{Offline, OnCall, Paused, Ready, Reserved, WrapUp};
    let go = |state: State| Step::Next(Presence { state, since: now, pause_next: presence.pause_next.clone() });
    let next_up = || Step::Next(presence.after_call(now));
    match (&presence.state, event) {
        (Offline, Event::LoggedIn) => go(Paused { reason: "logged in".to_owned() }),
        (_, Event::LoggedIn) => Step::Ignored("already at a desk"),

        (Offline, Event::ReadyAsked) => Step::Ignored("not at a desk"),
        (Paused { .. }, Event::ReadyAsked) => go(Ready),
        (_, Event::ReadyAsked) if presence.pause_next.is_some() => {
            Step::Next(Presence { pause_next: None, ..presence.clone() })
        }
        (_, Event::ReadyAsked) => Step::Ignored("already taking calls"),

        (Offline, Event::PauseAsked(_)) => Step::Ignored("not at a desk"),
        (Ready | Paused { .. }, Event::PauseAsked(reason)) => go(Paused { reason: reason.clone() }),
        (_, Event::PauseAsked(reason)) => Step::Next(Presence { pause_next: Some(reason.clone()), ..presence.clone() }),

        (Ready, Event::Reserved(call)) => go(Reserved { call: *call }),
        (_, Event::Reserved(_)) => Step::Ignored("not ready"),

        (Ready, Event::CallsByHand(call)) => go(Reserved { call: *call }),
        (Paused { reason }, Event::CallsByHand(call)) => {
            let state = Reserved { call: *call };
            Step::Next(Presence { state, since: now, pause_next: Some(reason.clone()) })
        }
        (_, Event::CallsByHand(_)) => Step::Ignored("not free"),

        (Reserved { call }, Event::Bridged(on)) if call == on => go(OnCall { call: *call }),
        (_, Event::Bridged(_)) => Step::Ignored("not reserved for this call"),

        (Reserved { call } | OnCall { call } | WrapUp { call, .. }, Event::Released(on)) if call == on => next_up(),
        (_, Event::Released(_)) => Step::Ignored("not on this call"),

        (Reserved { call } | OnCall { call }, Event::TalkEnded(on, until)) if call == on => {
            go(WrapUp { call: *call, until: *until })
        }
        (_, Event::TalkEnded(..)) => Step::Ignored("not on this call"),

        (WrapUp { call, .. }, Event::Disposed(on)) if call == on => next_up(),
        (_, Event::Disposed(_)) => Step::Ignored("not wrapping up this call"),

        (WrapUp { call, until }, Event::WrapExtended(by)) => {
            Step::Next(Presence { state: WrapUp { call: *call, until: *until + *by }, ..presence.clone() })
        }
        (_, Event::WrapExtended(_)) => Step::Ignored("not wrapping up"),

        (WrapUp { until, .. }, Event::WrapExpired) if *until <= now => next_up(),
        (_, Event::WrapExpired) => Step::Ignored("wrap-up is not over"),

        (Offline, Event::Vanished | Event::LoggedOut) => Step::Ignored("already offline"),
        (_, Event::Vanished) => Step::Next(Presence { state: Offline, since: now, pause_next: None }),
        (Reserved { .. } | OnCall { .. } | WrapUp { .. }, Event::LoggedOut) => Step::Ignored("busy with a call"),
        (_, Event::LoggedOut) => Step::Next(Presence { state: Offline, since: now, pause_next: None }),
    }
}

impl Presence {
    /// Not at a desk, as of `now`.
    #[must_use]
    pub fn offline(now: DateTime<Utc>) -> Self {
        Self { state: State::Offline, since: now, pause_next: None }
    }

    /// The call the agent is busy with.
    #[must_use]
    pub fn call(&self) -> Option<CallId> {
        match self.state {
            State::Reserved { call } | State::OnCall { call } | State::WrapUp { call, .. } => Some(call),
            State::Offline | State::Ready | State::Paused { .. } => None,
        }
    }

    /// Where the agent goes when nothing keeps it busy: the pause it asked for, else ready.
    fn after_call(&self, now: DateTime<Utc>) -> Self {
        let state = match &self.pause_next {
            Some(reason) => State::Paused { reason: reason.clone() },
            None => State::Ready,
        };
        Self { state, since: now, pause_next: None }
    }
}

impl State {
    /// The name used in the database and the API.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Ready => "ready",
            Self::Reserved { .. } => "reserved",
            Self::OnCall { .. } => "on_call",
            Self::WrapUp { .. } => "wrap_up",
            Self::Paused { .. } => "paused",
        }
    }
}

#[cfg(test)]
mod tests;
