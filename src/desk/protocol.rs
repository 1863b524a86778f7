//! Every message between a desk page and the service, version [`VERSION`]; `docs/DESK.md` has an example of each.
//!
//! The client says [`ClientMessage::Hello`] first, giving the number of the last message it got. The service answers
//! with [`Body::Hello`], and either repeats what was missed or sends one [`Body::Snapshot`].

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    agent::presence::Presence,
    call,
    compliance::prompts::Spoken,
    ids::{AccountId, CallId, CampaignId, ContactPointId, InstalmentId, UserId},
    money::Money,
    queue::{Components, Lane},
};

/// Version of the protocol; a desk of another version is told so and closed.
pub const VERSION: u16 = 1;

/// What a desk sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientMessage {
    /// First message of a connection.
    Hello {
        /// The client's [`VERSION`].
        protocol: u16,
        /// Number of the last message received in this session, if it reconnects.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_seq: Option<u64>,
    },
    /// Take calls.
    Ready,
    /// Take no calls, now or after the present one.
    Pause {
        /// Why; 1 to 60 characters.
        reason: String,
    },
    /// The pop of this call is on the screen.
    PopShown {
        /// The call.
        call: CallId,
    },
    /// A person is on the line, whatever machine detection says.
    HumanConfirmed {
        /// The call.
        call: CallId,
    },
    /// The agent has made sure who is speaking: the rest of the account may be shown.
    IdentityConfirmed {
        /// The call.
        call: CallId,
    },
    /// Hang up.
    HangUp {
        /// The call.
        call: CallId,
    },
    /// Dial the previewed account.
    PreviewDial {
        /// The planned call.
        call: CallId,
    },
    /// Give the previewed account back.
    PreviewSkip {
        /// The planned call.
        call: CallId,
    },
    /// More time to wrap up.
    ExtendWrapUp,
    /// Log out of the desk.
    LogOut,
    /// Answer to a [`Body::Ping`], or a sign of life.
    Pong,
}

/// What the service sends: a numbered body.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServerMessage {
    /// Counts up by one within a session; 0 for messages that are not repeated (hello, snapshot, ping, error).
    pub seq: u64,
    /// When it was made, by the service's clock.
    pub at: DateTime<Utc>,
    /// What it says.
    #[serde(flatten)]
    pub body: Body,
}

/// Contents of a message from the service.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Body {
    /// Answer to the client's hello.
    Hello {
        /// The service's [`VERSION`].
        protocol: u16,
        /// Who is logged in.
        agent: UserId,
        /// Name to show.
        name: String,
        /// Fencing number of this log-in; a later one takes over.
        session: i64,
        /// True: what was missed follows, message by message; false: a snapshot follows.
        resumed: bool,
    },
    /// Everything the page shows, when it starts afresh.
    Snapshot {
        /// Number of the last message included; the next has this plus one.
        last_seq: u64,
        /// The agent's presence.
        presence: Presence,
        /// The pop on the screen, if the agent is busy with a call.
        pop: Option<Box<Pop>>,
        /// State of that call.
        call: Option<CallView>,
    },
    /// The agent's presence changed.
    Presence {
        /// The new presence.
        presence: Presence,
    },
    /// An account comes onto the screen, before the voice does.
    Pop {
        /// The account.
        pop: Box<Pop>,
    },
    /// The call on the screen changed.
    Call {
        /// Its state.
        call: CallView,
    },
    /// Another log-in of the same agent has taken over; this connection is closed.
    TakenOver,
    /// Something the agent has to know, e.g. from a supervisor.
    Notice {
        /// Text to show.
        text: String,
    },
    /// A client's message could not be obeyed; nothing changed.
    Error {
        /// What was wrong, naming the field.
        detail: String,
    },
    /// Sign of life; answer with pong within 10 s.
    Ping,
}

/// State of the call on the screen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallView {
    /// The call.
    pub call: CallId,
    /// Its state.
    pub state: call::State,
    /// Its outcome, once over.
    pub outcome: Option<call::Outcome>,
    /// When the present talk began.
    pub bridged_at: Option<DateTime<Utc>>,
    /// When the wrap-up ends by itself.
    pub wrap_until: Option<DateTime<Utc>>,
}

/// What the agent sees of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pop {
    /// The call it belongs to.
    pub call: CallId,
    /// Who called whom.
    pub direction: call::Direction,
    /// True: the agent decides whether to dial.
    pub preview: bool,
    /// The campaign, if any.
    pub campaign: Option<CampaignId>,
    /// Its name.
    pub campaign_name: String,
    /// The account; `None` for an inbound call from an unknown number, and while it is held back.
    pub account: Option<PopAccount>,
    /// Whom to ask for, while everything about the debt is held back.
    #[serde(default)]
    pub ask_for: Option<PopContact>,
    /// The number on the line.
    pub number: String,
    /// Why this account is next: the lane, score and components it was claimed with.
    pub reasons: Option<Reasons>,
    /// What to say, filled in.
    pub script: String,
    /// What the policies that apply ask the agent to say and do, in this order.
    #[serde(default)]
    pub prompts: Vec<Spoken>,
    /// Nothing about the debt is sent until the agent has confirmed who is speaking.
    #[serde(default)]
    pub identity_first: bool,
    /// Set whose dispositions may be recorded.
    pub disposition_set: String,
}

impl Pop {
    /// What is sent before the agent has confirmed who is speaking: whom to ask for, and nothing about a debt. Most
    /// prompts would tell a stranger what the call is about.
    #[must_use]
    pub fn held_back(self) -> Self {
        let ask_for = self.account.map(|PopAccount { name, contact, .. }| PopContact {
            name: if contact.name.is_empty() { name } else { contact.name },
            role: String::new(),
            ..contact
        });
        let due = self.prompts.into_iter().filter(|prompt| prompt.before_identity);
        Self {
            ask_for,
            account: None,
            reasons: None,
            script: String::new(),
            campaign_name: String::new(),
            prompts: due.collect(),
            ..self
        }
    }
}

/// The queue's reasons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reasons {
    /// Lane.
    pub lane: Lane,
    /// Score.
    pub score: u32,
    /// What it is made of.
    pub components: Components,
}

/// The account part of a pop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PopAccount {
    /// Account id.
    pub id: AccountId,
    /// Customer number.
    pub number: String,
    /// Debtor's name.
    pub name: String,
    /// The contact reached.
    pub contact: PopContact,
    /// Open items less unapplied cash.
    pub balance: Money,
    /// Balance less disputed amounts.
    pub collectible: Money,
    /// Cash not applied.
    pub unapplied: Money,
    /// Open amounts by days past due: current, 1–30, 31–60, 61–90, 91–120, over 120.
    pub aging: [Money; 6],
    /// Open items, oldest first; at most 50.
    pub open_items: Vec<PopItem>,
    /// How many more there are.
    pub more_items: u32,
    /// Promises, newest first; at most 10.
    pub promises: Vec<PopPromise>,
    /// Open disputes, and those of the last 30 days with their answer.
    pub disputes: Vec<PopDispute>,
    /// Latest calls, newest first; at most 10.
    pub calls: Vec<PopCall>,
    /// Latest notes, newest first; at most 10.
    pub notes: Vec<PopNote>,
    /// What to heed, in plain words.
    pub warnings: Vec<String>,
}

/// The contact reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PopContact {
    /// The contact point, if known.
    pub contact_point: Option<ContactPointId>,
    /// The person's name.
    pub name: String,
    /// The person's role at the account.
    pub role: String,
    /// Local time zone names of the number.
    pub zones: Vec<String>,
}

/// An open item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PopItem {
    /// The instalment.
    pub id: InstalmentId,
    /// Invoice number.
    pub invoice: String,
    /// Instalment, from 1.
    pub seq: i16,
    /// Due date.
    pub due_on: NaiveDate,
    /// Days past due; negative: not due yet.
    pub age: i32,
    /// Left to pay.
    pub open: Money,
    /// The disputed part of it.
    pub disputed: Money,
}

/// A promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PopPromise {
    /// Amount.
    pub amount: Money,
    /// Date.
    pub due_on: NaiveDate,
    /// `open`, `kept`, `partially_kept`, `broken` or `cancelled`.
    pub status: String,
    /// When it was taken.
    pub taken_at: DateTime<Utc>,
}

/// A dispute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PopDispute {
    /// Reason.
    pub reason: String,
    /// Owning department.
    pub department: String,
    /// Amount.
    pub amount: Money,
    /// Since when.
    pub opened_at: DateTime<Utc>,
    /// `open`, or how it ended within the last 30 days.
    #[serde(default)]
    pub status: String,
    /// The day by which the department has to answer.
    #[serde(default)]
    pub due_on: Option<NaiveDate>,
    /// What the department has answered.
    #[serde(default)]
    pub answer: String,
}

/// An earlier call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PopCall {
    /// When.
    pub at: DateTime<Utc>,
    /// Who called whom.
    pub direction: call::Direction,
    /// How it ended.
    pub outcome: Option<call::Outcome>,
    /// Disposition label.
    pub disposition: Option<String>,
    /// The agent's name.
    pub agent: Option<String>,
}

/// A note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PopNote {
    /// When.
    pub at: DateTime<Utc>,
    /// Who wrote it.
    pub by: Option<String>,
    /// Text.
    pub body: String,
}

#[cfg(test)]
mod tests;
