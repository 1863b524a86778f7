//! Twilio's names for things: the only place, with [`rest`], where its field names and values occur.
//!
//! Also reads what look-alikes post: ids of any form, numbers as text or with a fraction, three ways to write a
//! moment, and values that Twilio does not know.

pub mod rest;

use thiserror::Error;

use super::{
    event::{
        AmdResult, CallStatus, ConferenceEvent, ConferenceEventKind, DialResult, DialStatus, LeftBecause,
        RecordingEvent, RecordingStatus, Status, VoiceRequest,
    },
    params::Params,
    sid::Sid,
    timestamp,
};
use crate::call::{AnsweredBy, Direction};

/// The request does not say what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{field} is missing or no id")]
pub struct MissingId {
    /// Name of the field.
    pub field: &'static str,
}

impl From<MissingId> for crate::error::Error {
    fn from(missing: MissingId) -> Self {
        Self::invalid(missing.field, "missing, or not 1 to 128 visible ASCII characters")
    }
}

fn id(params: &Params, field: &'static str) -> Result<Sid, MissingId> {
    params.sid(field).ok_or(MissingId { field })
}

impl TryFrom<&Params> for VoiceRequest {
    type Error = MissingId;

    fn try_from(params: &Params) -> Result<Self, MissingId> {
        Ok(Self {
            call: id(params, "CallSid")?,
            account: id(params, "AccountSid")?,
            from: params.party("From"),
            to: params.party("To"),
            status: status(params.text("CallStatus")),
            direction: direction(params.text("Direction")),
            answered_by: params.text("AnsweredBy").map(answered_by),
            parent: params.sid("ParentCallSid"),
            application: params.sid("ApplicationSid"),
            digits: params.text("Digits").map(str::to_owned),
            error_code: params.number("ErrorCode"),
        })
    }
}

impl TryFrom<&Params> for CallStatus {
    type Error = MissingId;

    fn try_from(params: &Params) -> Result<Self, MissingId> {
        Ok(Self {
            call: id(params, "CallSid")?,
            account: id(params, "AccountSid")?,
            status: status(params.text("CallStatus")),
            sequence: params.number("SequenceNumber"),
            at: params.text("Timestamp").and_then(timestamp::read),
            // `Duration` is in begun minutes, for the bill.
            seconds: params.number("CallDuration"),
            sip_code: params.number("SipResponseCode"),
            answered_by: params.text("AnsweredBy").map(answered_by),
            parent: params.sid("ParentCallSid"),
            source: params.text("CallbackSource").map(str::to_owned),
        })
    }
}

impl TryFrom<&Params> for AmdResult {
    type Error = MissingId;

    fn try_from(params: &Params) -> Result<Self, MissingId> {
        Ok(Self {
            call: id(params, "CallSid")?,
            account: id(params, "AccountSid")?,
            answered_by: params.text("AnsweredBy").map_or(AnsweredBy::Unknown, answered_by),
            took_ms: params.number("MachineDetectionDuration"),
        })
    }
}

impl TryFrom<&Params> for ConferenceEvent {
    type Error = MissingId;

    fn try_from(params: &Params) -> Result<Self, MissingId> {
        Ok(Self {
            conference: id(params, "ConferenceSid")?,
            account: id(params, "AccountSid")?,
            name: params.text("FriendlyName").map(str::to_owned),
            kind: conference_event(params.text("StatusCallbackEvent")),
            call: params.sid("CallSid").or_else(|| params.sid("CallSidEndingConference")),
            label: params
                .text("ParticipantLabel")
                .or_else(|| params.text("ParticipantLabelEndingConference"))
                .map(str::to_owned),
            muted: params.flag("Muted"),
            hold: params.flag("Hold"),
            coaching: params.flag("Coaching"),
            left_because: params.text("ReasonParticipantLeft").map(left_because),
            participant_status: status(params.text("ParticipantCallStatus")),
            sequence: params.number("SequenceNumber"),
            at: params.text("Timestamp").and_then(timestamp::read),
        })
    }
}

impl TryFrom<&Params> for DialResult {
    type Error = MissingId;

    fn try_from(params: &Params) -> Result<Self, MissingId> {
        Ok(Self {
            call: id(params, "CallSid")?,
            account: id(params, "AccountSid")?,
            status: dial_status(params.text("DialCallStatus")),
            line: status(params.text("CallStatus")),
            dialled: params.sid("DialCallSid"),
            seconds: params.number("DialCallDuration"),
            bridged: params.flag("DialBridged"),
            recording: params.sid("RecordingSid"),
        })
    }
}

impl TryFrom<&Params> for RecordingEvent {
    type Error = MissingId;

    fn try_from(params: &Params) -> Result<Self, MissingId> {
        Ok(Self {
            recording: id(params, "RecordingSid")?,
            account: id(params, "AccountSid")?,
            call: params.sid("CallSid"),
            conference: params.sid("ConferenceSid"),
            status: recording_status(params.text("RecordingStatus")),
            url: params.text("RecordingUrl").map(str::to_owned),
            seconds: params.number("RecordingDuration"),
            channels: params.number("RecordingChannels"),
            started_at: params.text("RecordingStartTime").and_then(timestamp::read),
            // 0 means that nothing is wrong.
            error_code: params.number("ErrorCode").filter(|code| *code != 0),
        })
    }
}

/// Where a line stands; look-alikes say `trying` and `early-media`, and spell `cancelled` both ways.
fn status(text: Option<&str>) -> Status {
    match text.unwrap_or_default() {
        "queued" => Status::Queued,
        "initiated" | "trying" => Status::Initiated,
        "ringing" | "early-media" => Status::Ringing,
        "in-progress" | "answered" => Status::InProgress,
        "completed" => Status::Completed,
        "busy" => Status::Busy,
        "no-answer" => Status::NoAnswer,
        "failed" => Status::Failed,
        "canceled" | "cancelled" => Status::Canceled,
        _ => Status::Other,
    }
}

fn direction(text: Option<&str>) -> Option<Direction> {
    match text? {
        "inbound" => Some(Direction::Inbound),
        "outbound-api" | "outbound-dial" | "outbound" => Some(Direction::Outbound),
        _ => None,
    }
}

/// `machine_start`, `machine_end_beep`, `machine_end_silence`, `machine_end_other` are all machines.
fn answered_by(text: &str) -> AnsweredBy {
    match text {
        "human" => AnsweredBy::Human,
        "fax" => AnsweredBy::Fax,
        machine if machine.starts_with("machine") => AnsweredBy::Machine,
        _ => AnsweredBy::Unknown,
    }
}

fn conference_event(text: Option<&str>) -> ConferenceEventKind {
    match text.unwrap_or_default() {
        "conference-start" => ConferenceEventKind::Started,
        "conference-end" => ConferenceEventKind::Ended,
        "participant-join" => ConferenceEventKind::Joined,
        "participant-leave" => ConferenceEventKind::Left,
        "participant-mute" => ConferenceEventKind::Muted,
        "participant-unmute" => ConferenceEventKind::Unmuted,
        "participant-hold" => ConferenceEventKind::Held,
        "participant-unhold" => ConferenceEventKind::Unheld,
        "participant-modify" => ConferenceEventKind::Modified,
        "participant-speech-start" => ConferenceEventKind::SpeechStarted,
        "participant-speech-stop" => ConferenceEventKind::SpeechStopped,
        "announcement-end" => ConferenceEventKind::AnnouncementEnded,
        "announcement-fail" => ConferenceEventKind::AnnouncementFailed,
        _ => ConferenceEventKind::Other,
    }
}

fn left_because(text: &str) -> LeftBecause {
    match text {
        "participant_hung_up" => LeftBecause::HungUp,
        "participant_updated_via_api" => LeftBecause::Updated,
        "conference_ended_via_api" => LeftBecause::ConferenceEnded,
        "moderator_ended_conference" => LeftBecause::ModeratorLeft,
        "participant_add_failed" => LeftBecause::AddFailed,
        _ => LeftBecause::Other,
    }
}

fn dial_status(text: Option<&str>) -> DialStatus {
    match text.unwrap_or_default() {
        "completed" => DialStatus::Completed,
        "answered" => DialStatus::Answered,
        "busy" => DialStatus::Busy,
        "no-answer" => DialStatus::NoAnswer,
        "failed" => DialStatus::Failed,
        "canceled" | "cancelled" => DialStatus::Canceled,
        _ => DialStatus::Other,
    }
}

fn recording_status(text: Option<&str>) -> RecordingStatus {
    match text.unwrap_or_default() {
        "in-progress" => RecordingStatus::InProgress,
        "completed" => RecordingStatus::Completed,
        "absent" => RecordingStatus::Absent,
        "failed" => RecordingStatus::Failed,
        _ => RecordingStatus::Other,
    }
}

#[cfg(test)]
mod tests;
