//! Twilio's REST API: the forms it takes and the JSON it answers with.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{answered_by, direction, status};
use crate::{
    call::{AnsweredBy, Direction},
    carrier::{
        event::Status,
        params::whole_number,
        party::Party,
        request::{AddParticipant, CallUpdate, CreateCall, Instructions, ListCalls, ParticipantUpdate, Voice},
        sid::Sid,
        timestamp,
    },
};

/// Version of the API, the first segment of every path.
pub const VERSION: &str = "2010-04-01";
/// Resource of the lines.
pub const CALLS: &str = "Calls";
/// Resource of the conferences.
pub const CONFERENCES: &str = "Conferences";
/// Resource of a conference's participants.
pub const PARTICIPANTS: &str = "Participants";
/// Resource of the recordings.
pub const RECORDINGS: &str = "Recordings";
/// Stands for the recording that is being made.
pub const CURRENT_RECORDING: &str = "Twilio.CURRENT";

/// A form or a query: names and values.
pub type Form = Vec<(&'static str, String)>;

/// The form that places a line.
#[must_use]
pub fn create(call: &CreateCall) -> Form {
    let mut form = vec![("To", call.to.address()), ("From", call.from.address())];
    match &call.instructions {
        Instructions::Url(url) => {
            form.push(("Url", url.clone()));
            form.extend(call.fallback_url.clone().map(|url| ("FallbackUrl", url)));
        }
        Instructions::Twiml(document) => form.push(("Twiml", document.clone())),
    }
    if let Some(url) = &call.status_url {
        form.push(("StatusCallback", url.clone()));
        // One field each: joined in one, the carrier would report nothing at all.
        form.extend(
            ["initiated", "ringing", "answered", "completed"].map(|event| ("StatusCallbackEvent", event.into())),
        );
    }
    form.push(("Timeout", call.ring_seconds.to_string()));
    form.extend(call.limit_seconds.map(|seconds| ("TimeLimit", seconds.to_string())));
    if let Some(detection) = &call.machine_detection {
        form.extend([
            ("MachineDetection", "Enable".to_owned()),
            ("AsyncAmd", "true".to_owned()),
            ("AsyncAmdStatusCallback", detection.verdict_url.clone()),
        ]);
        let mut tune = |name, value: Option<String>| form.extend(value.map(|value| (name, value)));
        tune("MachineDetectionTimeout", detection.timeout_seconds.map(|value| value.to_string()));
        tune("MachineDetectionSpeechThreshold", detection.speech_threshold_ms.map(|value| value.to_string()));
        tune("MachineDetectionSpeechEndThreshold", detection.speech_end_threshold_ms.map(|value| value.to_string()));
        tune("MachineDetectionSilenceTimeout", detection.silence_timeout_ms.map(|value| value.to_string()));
    }
    if let Some(url) = &call.recording_url {
        form.extend([
            ("Record", "true".to_owned()),
            ("RecordingChannels", "dual".to_owned()),
            ("RecordingStatusCallback", url.clone()),
        ]);
    }
    form
}

/// The form that changes a line.
#[must_use]
pub fn update(update: &CallUpdate) -> Form {
    vec![match update {
        CallUpdate::Cancel => ("Status", "canceled".to_owned()),
        CallUpdate::Complete => ("Status", "completed".to_owned()),
        CallUpdate::Redirect { url } => ("Url", url.clone()),
        CallUpdate::Twiml(document) => ("Twiml", document.clone()),
    }]
}

/// The query that lists lines.
#[must_use]
pub fn list(wanted: &ListCalls, page_size: u16) -> Form {
    let mut query = vec![("PageSize", page_size.to_string())];
    query.extend(wanted.to.as_ref().map(|party| ("To", party.address())));
    query.extend(wanted.from.as_ref().map(|party| ("From", party.address())));
    query.extend(wanted.status.and_then(status_name).map(|name| ("Status", name.to_owned())));
    // The sign is part of the name.
    query.extend(wanted.started_since.map(|day| ("StartTime>", day.to_string())));
    query
}

/// The form that dials a participant into a conference.
#[must_use]
pub fn add_participant(participant: &AddParticipant) -> Form {
    let mut form = vec![
        ("To", participant.to.address()),
        ("From", participant.from.address()),
        ("Beep", "false".to_owned()),
        ("EarlyMedia", "false".to_owned()),
        ("EndConferenceOnExit", participant.ends_conference.to_string()),
        ("Timeout", participant.ring_seconds.to_string()),
    ];
    form.extend(voice(&participant.voice));
    form.extend(participant.label.clone().map(|label| ("Label", label)));
    if let Some(url) = &participant.status_url {
        form.push(("StatusCallback", url.clone()));
        form.extend(
            ["initiated", "ringing", "answered", "completed"].map(|event| ("StatusCallbackEvent", event.into())),
        );
    }
    form
}

/// The form that changes a participant.
#[must_use]
pub fn update_participant(update: &ParticipantUpdate) -> Form {
    match update {
        ParticipantUpdate::Voice(change) => voice(change),
        ParticipantUpdate::Hold { music_url } => {
            let mut form = vec![("Hold", "true".to_owned())];
            form.extend(music_url.clone().map(|url| ("HoldUrl", url)));
            form
        }
        ParticipantUpdate::Resume => vec![("Hold", "false".to_owned())],
    }
}

fn voice(voice: &Voice) -> Form {
    let (muted, coached) = match voice {
        Voice::Talk => (false, None),
        Voice::Listen => (true, None),
        Voice::Whisper { to } => (false, Some(to)),
    };
    let mut form = vec![("Muted", muted.to_string()), ("Coaching", coached.is_some().to_string())];
    form.extend(coached.map(|line| ("CallSidToCoach", line.to_string())));
    form
}

/// The form that ends a conference.
#[must_use]
pub fn end_conference() -> Form {
    vec![("Status", "completed".to_owned())]
}

/// The query that finds a conference by the name we gave it.
#[must_use]
pub fn find_conference(name: &str) -> Form {
    vec![("FriendlyName", name.to_owned()), ("PageSize", "20".to_owned())]
}

/// The form that pauses the recording that is being made (silence takes its place), or goes on with it.
#[must_use]
pub fn pause_recording(pause: bool) -> Form {
    if pause {
        vec![("Status", "paused".to_owned()), ("PauseBehavior", "silence".to_owned())]
    } else {
        vec![("Status", "in-progress".to_owned())]
    }
}

fn status_name(status: Status) -> Option<&'static str> {
    Some(match status {
        Status::Queued => "queued",
        Status::Initiated | Status::Ringing => "ringing",
        Status::InProgress => "in-progress",
        Status::Completed => "completed",
        Status::Busy => "busy",
        Status::NoAnswer => "no-answer",
        Status::Failed => "failed",
        Status::Canceled => "canceled",
        Status::Other => return None,
    })
}

/// A line as the carrier keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRecord {
    /// The line.
    pub sid: Sid,
    /// Where it stands.
    pub status: Status,
    /// Who was called.
    pub to: Option<Party>,
    /// The caller id.
    pub from: Option<Party>,
    /// Outbound or inbound.
    pub direction: Option<Direction>,
    /// When it was asked for.
    pub created_at: Option<DateTime<Utc>>,
    /// When it began; null until then.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// How long it was up, in seconds.
    pub seconds: Option<u32>,
    /// How long the carrier let it wait, in milliseconds; should be near 0.
    pub queued_ms: Option<u32>,
    /// Verdict of machine detection.
    pub answered_by: Option<AnsweredBy>,
    /// The line this one was dialled from.
    pub parent: Option<Sid>,
}

/// A conference as the carrier keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConferenceRecord {
    /// The conference.
    pub sid: Sid,
    /// The name we gave it.
    pub name: Option<String>,
    /// Whether it has ended.
    pub over: bool,
}

/// A participant as the carrier keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParticipantRecord {
    /// Its line.
    pub call: Sid,
    /// The label we gave it.
    pub label: Option<String>,
    /// Whether it is muted.
    pub muted: bool,
    /// Whether it is on hold.
    pub hold: bool,
    /// Whether it whispers to one participant.
    pub coaching: bool,
}

/// Reads a line; `None` where the JSON is none.
#[must_use]
pub fn call_record(json: &Value) -> Option<CallRecord> {
    Some(CallRecord {
        sid: sid(json, "sid")?,
        status: status(json["status"].as_str()),
        to: json["to"].as_str().and_then(Party::read),
        from: json["from"].as_str().and_then(Party::read),
        direction: direction(json["direction"].as_str()),
        created_at: moment(json, "date_created"),
        started_at: moment(json, "start_time"),
        ended_at: moment(json, "end_time"),
        seconds: number(json, "duration"),
        queued_ms: number(json, "queue_time"),
        answered_by: json["answered_by"].as_str().map(answered_by),
        parent: sid(json, "parent_call_sid"),
    })
}

/// Reads a conference; `None` where the JSON is none.
#[must_use]
pub fn conference_record(json: &Value) -> Option<ConferenceRecord> {
    Some(ConferenceRecord {
        sid: sid(json, "sid")?,
        name: json["friendly_name"].as_str().map(str::to_owned),
        over: json["status"].as_str() == Some("completed"),
    })
}

/// Reads a participant; `None` where the JSON is none.
#[must_use]
pub fn participant_record(json: &Value) -> Option<ParticipantRecord> {
    Some(ParticipantRecord {
        call: sid(json, "call_sid")?,
        label: json["label"].as_str().map(str::to_owned),
        muted: json["muted"] == true,
        hold: json["hold"] == true,
        coaching: json["coaching"] == true,
    })
}

/// The records of a page, under `key`; those that cannot be read are left out.
#[must_use]
pub fn page<T>(json: &Value, key: &str, read: fn(&Value) -> Option<T>) -> Vec<T> {
    json[key].as_array().into_iter().flatten().filter_map(read).collect()
}

/// The address of the next page.
#[must_use]
pub fn next_page(json: &Value) -> Option<&str> {
    json["next_page_uri"].as_str().filter(|uri| !uri.is_empty())
}

/// The error code of a refusal, the HTTP status where it carries none.
#[must_use]
pub fn error_code(json: &Value, http_status: u16) -> u32 {
    number(json, "code").filter(|code| *code != 0).unwrap_or_else(|| http_status.into())
}

/// A number that may be written as text.
fn number(json: &Value, key: &str) -> Option<u32> {
    match &json[key] {
        Value::String(text) => whole_number(text),
        Value::Number(number) => whole_number(&number.to_string()),
        _ => None,
    }
}

fn sid(json: &Value, key: &str) -> Option<Sid> {
    json[key].as_str()?.parse().ok()
}

fn moment(json: &Value, key: &str) -> Option<DateTime<Utc>> {
    json[key].as_str().and_then(timestamp::read)
}
