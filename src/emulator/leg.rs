//! A leg: one telephone line from the carrier to a device, and what was asked for when it was made.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio::sync::{Notify, mpsc};

use super::{params::Params, post::Target, twiml::Element};

/// Where a leg stands, in the order in which it gets there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    /// Taken; waits for its turn among the calls per second.
    Queued,
    /// On its way.
    Initiated,
    /// The far end rings.
    Ringing,
    /// Answered.
    InProgress,
    /// Answered and over.
    Completed,
    /// Engaged.
    Busy,
    /// Could not be completed.
    Failed,
    /// Rang out.
    NoAnswer,
    /// Given up before the answer.
    Canceled,
}

impl Status {
    /// The name in webhooks.
    pub(super) fn told(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Initiated => "initiated",
            Self::Ringing => "ringing",
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::Failed => "failed",
            Self::NoAnswer => "no-answer",
            Self::Canceled => "canceled",
        }
    }

    /// The name in REST, which does not know `initiated`.
    pub(super) fn shown(self) -> &'static str {
        if self == Self::Initiated { "queued" } else { self.told() }
    }

    /// Nothing more can happen.
    pub(super) fn is_over(self) -> bool {
        self >= Self::Completed
    }

    /// The event on whose subscription this status is told.
    pub(super) fn event(self) -> &'static str {
        match self {
            Self::Queued | Self::Initiated => "initiated",
            Self::Ringing => "ringing",
            Self::InProgress => "answered",
            _ => "completed",
        }
    }
}

/// Who called whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// Somebody called us.
    Inbound,
    /// Made by REST.
    OutboundApi,
    /// Made by `<Dial>`.
    OutboundDial,
}

impl Direction {
    /// The carrier's name for it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::OutboundApi => "outbound-api",
            Self::OutboundDial => "outbound-dial",
        }
    }
}

/// Where events are posted, and which.
#[derive(Clone, Debug)]
pub(super) struct Callback {
    /// The address.
    pub(super) target: Target,
    /// Names of the events subscribed to.
    pub(super) events: Vec<String>,
}

impl Callback {
    /// The address, if the event is subscribed to.
    pub(super) fn wants(&self, event: &str) -> Option<&Target> {
        self.events.iter().any(|name| name == event).then_some(&self.target)
    }
}

/// What a leg does once it is answered.
#[derive(Clone, Debug)]
pub(super) enum Instructions {
    /// Fetch a document, adding these parameters to the base set.
    Fetch(Target, Params),
    /// Obey these verbs.
    Obey(Vec<Element>),
    /// Talk to the leg that dialled it.
    Bridge,
}

/// Machine detection as asked for.
#[derive(Clone, Debug)]
pub(super) struct Detection {
    /// Do not wait for the verdict; post it here.
    pub(super) callback: Option<Target>,
    /// Give up and say `unknown` after this time.
    pub(super) timeout: Duration,
    /// Wait for the end of the greeting.
    pub(super) message_end: bool,
}

/// A recording as asked for.
#[derive(Clone, Debug)]
pub(super) struct RecordingOrder {
    /// 1 or 2.
    pub(super) channels: u8,
    /// The carrier's name of what asked for it.
    pub(super) source: &'static str,
    /// Where its end is posted.
    pub(super) callback: Option<Callback>,
}

/// Everything that was asked for when a leg was made.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) to: String,
    pub(super) from: String,
    pub(super) direction: Direction,
    /// The leg that dialled it.
    pub(super) parent: Option<String>,
    pub(super) instructions: Instructions,
    /// Asked when the instructions cannot be had or obeyed.
    pub(super) fallback: Option<Target>,
    pub(super) callback: Option<Callback>,
    /// How long it rings.
    pub(super) ring_limit: Duration,
    /// How long it lasts at most, from the answer.
    pub(super) time_limit: Duration,
    pub(super) detection: Option<Detection>,
    pub(super) recording: Option<RecordingOrder>,
    /// The dialling leg, which wants to know how it goes.
    pub(super) reports: Option<mpsc::Sender<Report>>,
}

/// A child leg tells the leg that dialled it.
#[derive(Clone, Debug)]
pub(super) struct Report {
    pub(super) sid: String,
    pub(super) status: Status,
    /// Seconds from answer to end.
    pub(super) seconds: i64,
}

/// What is known about a leg; kept after its end.
#[derive(Clone, Debug)]
pub(super) struct Leg {
    pub(super) sid: String,
    pub(super) to: String,
    pub(super) from: String,
    pub(super) direction: Direction,
    pub(super) parent: Option<String>,
    pub(super) status: Status,
    pub(super) created: DateTime<Utc>,
    pub(super) started: Option<DateTime<Utc>>,
    pub(super) answered: Option<DateTime<Utc>>,
    pub(super) ended: Option<DateTime<Utc>>,
    pub(super) answered_by: Option<String>,
    /// The verdict was waited for, so every request repeats it.
    pub(super) tells_answered_by: bool,
    /// Time in the queue.
    pub(super) queued: Duration,
    pub(super) callback: Option<Callback>,
    /// Number of the next status callback; counts those subscribed to.
    pub(super) sequence: u32,
    /// SIP response of a leg that was not answered.
    pub(super) sip: Option<u16>,
    /// Its line.
    pub(super) commands: mpsc::Sender<Command>,
    /// Signalled after every callback about it.
    pub(super) posted: Arc<Notify>,
}

/// What is asked of a line.
#[derive(Clone, Debug)]
pub(super) enum Command {
    /// End it, if it is not answered yet.
    Cancel,
    /// End it.
    Complete,
    /// Leave off and do this instead.
    Redirect(Instructions, Option<Target>),
    /// Whether somebody else can be heard now.
    Talking(bool),
    /// It was taken out of its conference.
    Removed,
}

impl Leg {
    /// Seconds from answer to end, 0 if it was never answered.
    pub(super) fn seconds(&self) -> i64 {
        match (self.answered, self.ended) {
            (Some(answered), Some(ended)) => (ended - answered).num_seconds(),
            _ => 0,
        }
    }

    /// What the final status callback adds.
    pub(super) fn ending(&self) -> Params {
        let seconds = self.seconds();
        let minutes = (seconds + 59) / 60;
        Params::default().with("CallDuration", seconds).with("Duration", minutes).with_some("SipResponseCode", self.sip)
    }
}
