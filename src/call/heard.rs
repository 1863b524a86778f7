//! Something heard about a call, and who said it.

use chrono::{DateTime, Utc};

use crate::ids::CallId;

/// Who said something about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The carrier's answer to the request to dial.
    Create,
    /// The debtor picked up.
    Answer,
    /// Progress of the customer's leg.
    Status,
    /// Machine detection.
    Amd,
    /// Who is in the conference.
    Conference,
    /// The debtor has left the conference.
    Dial,
    /// Recordings.
    Recording,
    /// An inbound call.
    Inbound,
    /// The waiting for an agent is over.
    Hold,
    /// The carrier could not fetch or obey an instruction.
    Fallback,
    /// The progress of an agent's leg.
    AgentLeg,
    /// The carrier, asked by us.
    Sweeper,
    /// The dialer.
    Dialer,
    /// The agent, at the desk.
    Desk,
    /// A supervisor.
    Supervisor,
    /// The service: timers and losses.
    Service,
}

impl Source {
    /// The name used in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Answer => "answer",
            Self::Status => "status",
            Self::Amd => "amd",
            Self::Conference => "conference",
            Self::Dial => "dial",
            Self::Recording => "recording",
            Self::Inbound => "inbound",
            Self::Hold => "hold",
            Self::Fallback => "fallback",
            Self::AgentLeg => "agent_leg",
            Self::Sweeper => "sweeper",
            Self::Dialer => "dialer",
            Self::Desk => "desk",
            Self::Supervisor => "supervisor",
            Self::Service => "service",
        }
    }
}

/// Something heard about a call, as it came.
#[derive(Clone)]
pub struct Heard {
    /// Who said it.
    pub source: Source,
    /// Identifies the event: told twice, it is recorded once.
    pub dedupe_key: String,
    /// As it came; empty for our own. May hold personal data.
    pub body: String,
    /// When it was heard.
    pub at: DateTime<Utc>,
    /// The carrier's id of the customer's leg, if it was named: the first one is adopted.
    pub sid: Option<String>,
}

impl std::fmt::Debug for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Heard").field("source", &self.source).field("at", &self.at).finish_non_exhaustive()
    }
}

impl Heard {
    /// Something of our own about `call`, that happens at most once for each `what`.
    #[must_use]
    pub fn own(source: Source, call: CallId, what: &str, at: DateTime<Utc>) -> Self {
        Self { source, dedupe_key: format!("{call} {what}"), body: String::new(), at, sid: None }
    }

    /// The carrier's answer to the request to dial; `sid` where it took the call.
    #[must_use]
    pub fn create(call: CallId, sid: Option<String>, at: DateTime<Utc>) -> Self {
        Self { sid, ..Self::own(Source::Create, call, "create", at) }
    }
}
