//! What is heard from a carrier, in the words of this service.
//!
//! Everything is optional but the ids. A value this service does not know is `Other`, never an error: carriers add
//! values without notice. The readers are in [`super::twilio`].

use chrono::{DateTime, Utc};

use super::{Party, Sid};
use crate::call::{AnsweredBy, Direction, End, EndStatus};

/// Where a line stands, as the carrier sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Taken by the carrier, not dialled yet.
    Queued,
    /// Being dialled.
    Initiated,
    /// The far end rings.
    Ringing,
    /// Picked up.
    InProgress,
    /// Was picked up, and is over.
    Completed,
    /// Engaged.
    Busy,
    /// Rang out.
    NoAnswer,
    /// Could not be placed.
    Failed,
    /// Given up before it was answered.
    Canceled,
    /// Absent, or unknown to this service.
    Other,
}

impl Status {
    /// How the line ended, if it has.
    #[must_use]
    pub fn end(self) -> Option<EndStatus> {
        match self {
            Self::Completed => Some(EndStatus::Completed),
            Self::Busy => Some(EndStatus::Busy),
            Self::NoAnswer => Some(EndStatus::NoAnswer),
            Self::Failed => Some(EndStatus::Failed),
            Self::Canceled => Some(EndStatus::Canceled),
            Self::Queued | Self::Initiated | Self::Ringing | Self::InProgress | Self::Other => None,
        }
    }
}

/// The carrier asks what to do with a line: it was answered, it comes in, or an instruction has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoiceRequest {
    /// The line.
    pub call: Sid,
    /// The carrier account it belongs to.
    pub account: Sid,
    /// Who calls; a softphone is named here, and nothing else it sends is to be trusted.
    pub from: Option<Party>,
    /// Who is called; blank for a softphone.
    pub to: Option<Party>,
    /// Where the line stands.
    pub status: Status,
    /// Outbound or inbound, where told.
    pub direction: Option<Direction>,
    /// Verdict of machine detection, only where the carrier waited for it.
    pub answered_by: Option<AnsweredBy>,
    /// The line this one was dialled from.
    pub parent: Option<Sid>,
    /// The softphone's application.
    pub application: Option<Sid>,
    /// Keys pressed during a gather.
    pub digits: Option<String>,
    /// On the fallback address: what went wrong with the first one.
    pub error_code: Option<u32>,
}

/// A line's progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallStatus {
    /// The line.
    pub call: Sid,
    /// The carrier account it belongs to.
    pub account: Sid,
    /// Where the line stands.
    pub status: Status,
    /// Order among the events of this line; gaps and repetitions carry no meaning.
    pub sequence: Option<u32>,
    /// When it happened, by the carrier's clock.
    pub at: Option<DateTime<Utc>>,
    /// How long the line was up, in seconds.
    pub seconds: Option<u32>,
    /// The network's answer, e.g. 486 for busy.
    pub sip_code: Option<u16>,
    /// Verdict of machine detection, only where the carrier waited for it.
    pub answered_by: Option<AnsweredBy>,
    /// The line this one was dialled from.
    pub parent: Option<Sid>,
    /// Which of the carrier's sources reports.
    pub source: Option<String>,
}

impl CallStatus {
    /// What the same report has in common with its repetitions.
    #[must_use]
    pub fn dedupe_key(&self) -> String {
        let source = self.source.as_deref().unwrap_or("status");
        let sequence = self.sequence.unwrap_or(0);
        format!("{}/{source}/{sequence}/{:?}", self.call, self.status)
    }

    /// The end of the line, if this reports it; `heard_at` stands in where the carrier gives no time.
    #[must_use]
    pub fn end(&self, heard_at: DateTime<Utc>) -> Option<End> {
        self.status.end().map(|status| End { at: self.at.unwrap_or(heard_at), status })
    }
}

/// The verdict of machine detection, told while the line goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AmdResult {
    /// The line.
    pub call: Sid,
    /// The carrier account it belongs to.
    pub account: Sid,
    /// Who picked up.
    pub answered_by: AnsweredBy,
    /// How long detection took, in milliseconds.
    pub took_ms: Option<u32>,
}

/// What happened in a conference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConferenceEventKind {
    /// Two participants hear each other. Reported missing at times: rely on [`Self::Joined`].
    Started,
    /// The last participant has gone.
    Ended,
    /// A participant came in.
    Joined,
    /// A participant went, or never came in ([`LeftBecause::AddFailed`]).
    Left,
    /// A participant cannot be heard.
    Muted,
    /// A participant can be heard again.
    Unmuted,
    /// A participant is on hold.
    Held,
    /// A participant is back from hold.
    Unheld,
    /// A participant's settings changed.
    Modified,
    /// A participant began to speak.
    SpeechStarted,
    /// A participant stopped speaking.
    SpeechStopped,
    /// An announcement is over.
    AnnouncementEnded,
    /// An announcement could not be played.
    AnnouncementFailed,
    /// Absent, or unknown to this service.
    Other,
}

/// Why a participant is not in the conference any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeftBecause {
    /// Hung up.
    HungUp,
    /// Sent elsewhere, or removed, by us.
    Updated,
    /// We ended the conference.
    ConferenceEnded,
    /// A participant whose leaving ends the conference left.
    ModeratorLeft,
    /// Was dialled and never came in.
    AddFailed,
    /// Unknown to this service.
    Other,
}

/// Something happened in a conference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConferenceEvent {
    /// The conference.
    pub conference: Sid,
    /// The carrier account it belongs to.
    pub account: Sid,
    /// The name we gave it.
    pub name: Option<String>,
    /// What happened.
    pub kind: ConferenceEventKind,
    /// The participant's line; for [`ConferenceEventKind::Ended`] the line that ended it.
    pub call: Option<Sid>,
    /// The label we gave the participant.
    pub label: Option<String>,
    /// Whether the participant is muted.
    pub muted: Option<bool>,
    /// Whether the participant is on hold.
    pub hold: Option<bool>,
    /// Whether the participant whispers to an agent.
    pub coaching: Option<bool>,
    /// Why the participant left.
    pub left_because: Option<LeftBecause>,
    /// Where the participant's line stands.
    pub participant_status: Status,
    /// Order among the events of this conference.
    pub sequence: Option<u32>,
    /// When it happened, by the carrier's clock.
    pub at: Option<DateTime<Utc>>,
}

impl ConferenceEvent {
    /// What the same report has in common with its repetitions.
    #[must_use]
    pub fn dedupe_key(&self) -> String {
        let call = self.call.as_ref().map_or("", Sid::as_str);
        match self.sequence {
            Some(sequence) => format!("{}/{sequence}", self.conference),
            None => format!("{}/{:?}/{call}", self.conference, self.kind),
        }
    }
}

/// How a dial instruction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DialStatus {
    /// The dialled party was connected, and the connection is over.
    Completed,
    /// The line left a conference.
    Answered,
    /// Engaged.
    Busy,
    /// Rang out.
    NoAnswer,
    /// Could not be placed.
    Failed,
    /// Given up before it was answered.
    Canceled,
    /// Absent, or unknown to this service.
    Other,
}

/// A dial instruction has ended; the carrier asks what to do next with the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialResult {
    /// The line that dialled.
    pub call: Sid,
    /// The carrier account it belongs to.
    pub account: Sid,
    /// How it ended.
    pub status: DialStatus,
    /// Where the line that dialled stands.
    pub line: Status,
    /// The dialled line; absent for a conference.
    pub dialled: Option<Sid>,
    /// How long the parties were connected, in seconds.
    pub seconds: Option<u32>,
    /// Whether the parties were connected.
    pub bridged: Option<bool>,
    /// The recording of it.
    pub recording: Option<Sid>,
}

/// Where a recording stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordingStatus {
    /// Being made.
    InProgress,
    /// Ready to fetch.
    Completed,
    /// There is none: too short, or silent.
    Absent,
    /// Could not be made.
    Failed,
    /// Absent, or unknown to this service.
    Other,
}

/// News of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingEvent {
    /// The recording.
    pub recording: Sid,
    /// The carrier account it belongs to.
    pub account: Sid,
    /// The line that was recorded (the dialling one where a dial was).
    pub call: Option<Sid>,
    /// The conference that was recorded.
    pub conference: Option<Sid>,
    /// Where it stands.
    pub status: RecordingStatus,
    /// Where the sound is, without the ending that chooses the format.
    pub url: Option<String>,
    /// Length in seconds.
    pub seconds: Option<u32>,
    /// 1 or 2.
    pub channels: Option<u8>,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// What is wrong with it; 16101 is too short.
    pub error_code: Option<u32>,
}
