//! What a carrier is asked, in the words of this service.

use chrono::NaiveDate;

use super::{Party, Sid, Status, circuit::Trouble};

/// What the line does once it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instructions {
    /// Ask this absolute address.
    Url(String),
    /// Obey this document, at most 4000 characters; addresses inside are absolute.
    Twiml(String),
}

/// A line to be placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateCall {
    /// Whom to call.
    pub to: Party,
    /// The caller id: a number of ours.
    pub from: Party,
    /// What happens on answer.
    pub instructions: Instructions,
    /// Asked instead where the answer address fails; not used with [`Instructions::Twiml`].
    pub fallback_url: Option<String>,
    /// Told of initiated, ringing, answered and completed.
    pub status_url: Option<String>,
    /// How long it rings, in seconds, 5 to 600.
    pub ring_seconds: u16,
    /// Longest duration in seconds; the carrier's own limit (4 h) where absent.
    pub limit_seconds: Option<u32>,
    /// Whether to find out who picked up.
    pub machine_detection: Option<MachineDetection>,
    /// Told of the recording, which begins on answer, one channel a side; without it nothing is recorded.
    pub recording_url: Option<String>,
}

/// Machine detection that runs while the parties talk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineDetection {
    /// Told of the verdict.
    pub verdict_url: String,
    /// Give up after so many seconds, 3 to 59; the carrier's 30 where absent.
    pub timeout_seconds: Option<u8>,
    /// A greeting longer than so many milliseconds is a machine's, 1000 to 6000; the carrier's 2400 where absent.
    pub speech_threshold_ms: Option<u16>,
    /// So many milliseconds of silence end a greeting, 500 to 5000; the carrier's 1200 where absent.
    pub speech_end_threshold_ms: Option<u16>,
    /// So many milliseconds of silence at the start are "unknown", 2000 to 10000; the carrier's 5000 where absent.
    pub silence_timeout_ms: Option<u16>,
}

impl MachineDetection {
    /// Detection with the carrier's own thresholds.
    #[must_use]
    pub fn reporting_to(verdict_url: impl Into<String>) -> Self {
        Self {
            verdict_url: verdict_url.into(),
            timeout_seconds: None,
            speech_threshold_ms: None,
            speech_end_threshold_ms: None,
            silence_timeout_ms: None,
        }
    }
}

/// What became of the request to place a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreateResult {
    /// The carrier took it.
    Accepted {
        /// The line.
        sid: Sid,
    },
    /// The carrier refused it; nothing rings, and asking again would not help. See [`super::Meaning::of`].
    Rejected {
        /// The carrier's error code, the HTTP status where it gave none.
        code: u32,
        /// The number itself cannot be called.
        bad_number: bool,
    },
    /// It certainly was not placed, and may be asked again later.
    NotPlaced(NotPlaced),
    /// It may be ringing. Never to be dialled again: wait for a callback, or reconcile.
    Unknown,
}

/// Why a line certainly was not placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotPlaced {
    /// Nobody took the connection.
    Unreachable,
    /// Too many requests, or too many lines at once.
    Busy,
    /// The circuit is open: the carrier does not know us.
    Refused(Trouble),
}

/// What to do with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallUpdate {
    /// Give up a line that has not been answered. Never touches an answered one.
    Cancel,
    /// End the line, whatever it does.
    Complete,
    /// Ask this absolute address what to do now.
    Redirect {
        /// The address.
        url: String,
    },
    /// Obey this document now.
    Twiml(String),
}

/// What became of an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Updated {
    /// Done; where the line stands now.
    Done(Status),
    /// The line is over, or (for a cancel) answered, or not yet to be redirected.
    WrongState,
}

/// Which lines to list; everything given must match.
#[derive(Clone, Debug, Default)]
pub struct ListCalls {
    /// Called party.
    pub to: Option<Party>,
    /// Caller id.
    pub from: Option<Party>,
    /// Where they stand.
    pub status: Option<Status>,
    /// Begun on this UTC day or later; carriers compare days, not moments.
    pub started_since: Option<NaiveDate>,
}

/// What a participant may say and hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Voice {
    /// Hears and is heard by all.
    Talk,
    /// Hears all, heard by nobody.
    Listen,
    /// Hears all, heard by one participant only.
    Whisper {
        /// The line of the one who hears it.
        to: Sid,
    },
}

/// A participant to be dialled into a conference.
#[derive(Clone, Debug)]
pub struct AddParticipant {
    /// Whom to call.
    pub to: Party,
    /// The caller id: a number of ours.
    pub from: Party,
    /// What it may say and hear.
    pub voice: Voice,
    /// A name for it, unique in the conference, at most 128 characters, without personal data.
    pub label: Option<String>,
    /// How long it rings, in seconds, 5 to 600.
    pub ring_seconds: u16,
    /// Told of the participant's line.
    pub status_url: Option<String>,
    /// Whether its leaving ends the conference.
    pub ends_conference: bool,
}

/// What to do with a participant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParticipantUpdate {
    /// Change what it may say and hear.
    Voice(Voice),
    /// Put it on hold, with what this address plays, or the carrier's music.
    Hold {
        /// The address.
        music_url: Option<String>,
    },
    /// Take it back from hold.
    Resume,
}
