//! The call: one attempt on one contact point, from the decision to dial to the disposition.
//!
//! A call is *what has been learnt about it*: [`Facts`] only grow, by merges that do not depend on the order or the
//! number of times an event is told. State and outcome are derived from the facts, so late, doubled and reordered
//! webhooks cannot lead astray. See [`machine::step`].

pub mod apply;
pub mod attempt;
pub mod callbacks;
pub mod connect;
pub mod effects;
pub mod group;
pub mod heard;
pub mod held;
pub mod hints;
pub mod machine;
pub mod observed;
pub mod recent;
pub mod store;
pub mod sweeper;
pub mod voice;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ids::UserId, named::named};

/// Where a call stands; ordered by rank, and a call never goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CallState)]
pub enum State {
    /// Shown to an agent for preview; nobody has been asked to dial.
    Planned,
    /// The attempt is committed and the carrier is being asked.
    Dialing,
    /// The far end rings.
    Ringing,
    /// Somebody or something picked up; no agent is on the line yet.
    Answered,
    /// Picked up, no agent was free, waiting for one up to the limit.
    Held,
    /// The debtor is in the agent's conference.
    Bridged,
    /// The line is down; the agent has not recorded the disposition yet.
    Wrapping,
    /// Nothing more can happen.
    Done,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The line was engaged.
    Busy,
    /// It rang out.
    NoAnswer,
    /// The carrier could not or would not place it.
    Failed,
    /// Given up by us before anybody picked up.
    Canceled,
    /// An answering machine or fax picked up.
    Machine,
    /// A person answered and no agent was on the line within the limit.
    Abandoned,
    /// A person was on the line with an agent, or hung up before the limit.
    Completed,
}

/// The carrier's verdict on who picked up, weakest first: a stronger one replaces a weaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnsweredBy {
    /// Detection gave up; treated as a person.
    Unknown,
    /// A person.
    Human,
    /// A fax machine.
    Fax,
    /// A greeting or a beep.
    Machine,
}

/// What became of the request to dial, weakest knowledge first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Create {
    /// Not asked yet (preview), or inbound.
    NotAsked,
    /// The attempt is committed; the answer is outstanding.
    Asked,
    /// The request timed out or the carrier failed: it may be ringing. Never dialled again.
    Unknown,
    /// The carrier took it.
    Accepted,
    /// The carrier refused, or has no trace of it; nothing rings.
    Rejected {
        /// The carrier's error code, 0 where it gave none.
        code: u32,
        /// The code says that the number itself cannot be called.
        bad_number: bool,
    },
}

/// The final status of the customer's leg. Should the carrier ever name two, the later in this list stays: what an
/// agent may have talked on can become a call that reached nobody, never the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndStatus {
    /// It was answered and has ended.
    Completed,
    /// Engaged.
    Busy,
    /// Rang out.
    NoAnswer,
    /// Canceled before it was answered.
    Canceled,
    /// Could not be placed.
    Failed,
}

/// The end of the customer's leg. Of two, the earlier moment and the later [`EndStatus`] stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// When.
    pub at: DateTime<Utc>,
    /// How.
    pub status: EndStatus,
}

/// Outbound or inbound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// We called.
    Outbound,
    /// The debtor called.
    Inbound,
}

/// All that has been learnt about a call. Kept as JSON in `call.facts`, without what is not known: it is read and written
/// with every word of the carrier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Who called whom.
    pub direction: Direction,
    /// Within how many milliseconds of the answer an agent must be on the line.
    pub bridge_limit_ms: u32,
    /// The request to dial.
    pub create: Create,
    /// First sign of ringing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ringing_at: Option<DateTime<Utc>>,
    /// First sign that the call was picked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<DateTime<Utc>>,
    /// Verdict of machine detection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<AnsweredBy>,
    /// The agent says that a person is on the line, whatever detection thinks.
    pub human_confirmed: bool,
    /// The agent has made sure who is speaking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_confirmed_at: Option<DateTime<Utc>>,
    /// When no agent was free on answer: when the waiting ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_until: Option<DateTime<Utc>>,
    /// The agent given to the call, and when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<(DateTime<Utc>, UserId)>,
    /// The waiting ended without an agent; the recorded message is played.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_expired_at: Option<DateTime<Utc>>,
    /// The debtor entered the agent's conference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joined_at: Option<DateTime<Utc>>,
    /// The agent's leg or socket was lost while the debtor was on the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_lost_at: Option<DateTime<Utc>>,
    /// We asked the carrier to end or cancel it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_asked_at: Option<DateTime<Utc>>,
    /// The customer's leg is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
    /// A disposition is recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disposed_at: Option<DateTime<Utc>>,
}

/// Something learnt about a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The attempt is committed: the carrier will be asked (again after preview).
    Dialed,
    /// The carrier answered the request to dial.
    CreateAccepted,
    /// The carrier refused the request to dial.
    CreateRejected {
        /// The carrier's error code, 0 where it gave none.
        code: u32,
        /// The number itself cannot be called.
        bad_number: bool,
    },
    /// Nobody knows whether the carrier placed it.
    CreateUnknown,
    /// The far end rings, or the carrier says it has begun.
    Ringing,
    /// Picked up: the answer webhook, or a status that says so.
    Answered,
    /// Machine detection's verdict.
    Detected(AnsweredBy),
    /// The agent says that it is a person.
    HumanConfirmed,
    /// The agent has made sure who is speaking.
    IdentityConfirmed,
    /// No agent was free; wait until the given moment.
    Held {
        /// End of the waiting.
        until: DateTime<Utc>,
    },
    /// An agent was given to the call.
    AgentAssigned(UserId),
    /// The waiting ended without an agent.
    HoldExpired,
    /// The debtor's leg entered the conference.
    CustomerJoined,
    /// The agent's leg or socket is lost.
    AgentLost,
    /// Somebody wants the call to end: the agent hangs up, skips the preview, or a supervisor drops it.
    EndAsked,
    /// The customer's leg is over.
    Ended(End),
    /// A disposition was recorded.
    Disposed,
}

/// What has to be done because of a transition. Presence and automatic dispositions change in the same transaction;
/// what concerns the carrier and the queue goes through the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Cancel a line that has not been answered.
    CancelLine,
    /// End a line that has been answered.
    HangUp,
    /// Move a waiting debtor into the agent's conference.
    Bridge(UserId),
    /// The agent talks: `reserved → on_call`.
    AgentTalks(UserId),
    /// The talk is over: `on_call → wrap_up`.
    AgentWrapsUp(UserId),
    /// The agent is not needed any more: back to `ready`.
    ReleaseAgent(UserId),
    /// Mark the contact point as one that cannot be called.
    MarkNumberInvalid {
        /// The carrier's error code.
        code: u32,
    },
    /// No agent will see this outcome: record it.
    DisposeAutomatically(Outcome),
    /// The account's place in its queues has to be worked out again.
    Requeue,
}

/// Why an event changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ignored {
    /// It had been told before.
    Known,
    /// Recorded too late to matter: the call is over.
    Over,
}

/// The result of telling a call something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The facts grew.
    Next {
        /// The facts with the event merged in.
        facts: Facts,
        /// What has to be done, in order.
        effects: Vec<Effect>,
    },
    /// Nothing to learn from it.
    Ignored(Ignored),
}

impl Facts {
    /// A call we are about to make; `bridge_limit_ms` as in [`Facts::bridge_limit_ms`].
    #[must_use]
    pub fn outbound(bridge_limit_ms: u32) -> Self {
        Self {
            direction: Direction::Outbound,
            bridge_limit_ms,
            create: Create::NotAsked,
            ringing_at: None,
            answered_at: None,
            answered_by: None,
            human_confirmed: false,
            identity_confirmed_at: None,
            held_until: None,
            agent: None,
            hold_expired_at: None,
            joined_at: None,
            agent_lost_at: None,
            end_asked_at: None,
            end: None,
            disposed_at: None,
        }
    }

    /// A call that reached us at `now`.
    #[must_use]
    pub fn inbound(bridge_limit_ms: u32, now: DateTime<Utc>) -> Self {
        Self { direction: Direction::Inbound, answered_at: Some(now), ..Self::outbound(bridge_limit_ms) }
    }
}

/// The secret part of a call's callback addresses: a captured signed request of one call says nothing about another.
/// Does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct CallbackToken(String);

impl CallbackToken {
    /// A new random token, 128 bits in URL-safe letters.
    #[must_use]
    pub fn generate() -> Self {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        Self(URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>()))
    }

    /// As stored.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text for an address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether an address carried this token; takes the same time wherever they differ.
    #[must_use]
    pub fn matches(&self, given: &str) -> bool {
        subtle::ConstantTimeEq::ct_eq(self.0.as_bytes(), given.as_bytes()).into()
    }
}

impl std::fmt::Debug for CallbackToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CallbackToken")
    }
}

named!(State {
    Planned => "planned", Dialing => "dialing", Ringing => "ringing", Answered => "answered",
    Held => "held", Bridged => "bridged", Wrapping => "wrapping", Done => "done",
});
named!(Outcome {
    Busy => "busy", NoAnswer => "no_answer", Failed => "failed", Canceled => "canceled",
    Machine => "machine", Abandoned => "abandoned", Completed => "completed",
});
