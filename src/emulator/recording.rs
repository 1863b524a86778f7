//! Recordings: begun, ended and told about; the sound itself is silence.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

use super::{
    exchange::{Exchange, forget, new_sid},
    leg::{Callback, RecordingOrder},
    params::{Params, rfc2822},
};

/// A recording.
#[derive(Clone, Debug)]
pub(super) struct Recording {
    pub(super) sid: String,
    /// The leg; for a conference's recording, empty.
    pub(super) call_sid: String,
    pub(super) conference_sid: Option<String>,
    pub(super) status: RecordingStatus,
    pub(super) channels: u8,
    pub(super) source: &'static str,
    pub(super) started: DateTime<Utc>,
    pub(super) ended: Option<DateTime<Utc>>,
    callback: Option<Callback>,
    posted: Arc<Notify>,
}

/// Where a recording stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RecordingStatus {
    /// Running.
    InProgress,
    /// Interrupted, as while card numbers are spoken.
    Paused,
    /// Done.
    Completed,
    /// Shorter than a second: there is nothing.
    Absent,
}

impl RecordingStatus {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::InProgress => "in-progress",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Absent => "absent",
        }
    }

    pub(super) fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Absent)
    }
}

impl Recording {
    pub(super) fn seconds(&self) -> i64 {
        self.ended.map_or(0, |ended| (ended - self.started).num_seconds())
    }
}

/// Begins to record a leg, or the conference it is in.
pub(super) fn begin(
    exchange: &Arc<Exchange>,
    call_sid: &str,
    conference_sid: Option<String>,
    order: RecordingOrder,
) -> String {
    let sid = new_sid("RE");
    let recording = Recording {
        sid: sid.clone(),
        call_sid: if conference_sid.is_some() { String::new() } else { call_sid.to_owned() },
        conference_sid,
        status: RecordingStatus::InProgress,
        channels: order.channels,
        source: order.source,
        started: exchange.clock.now(),
        ended: None,
        callback: order.callback,
        posted: Arc::new(Notify::new()),
    };
    let mut books = exchange.books();
    books.recordings.insert(sid.clone(), recording);
    forget(&mut books.recordings, |recording| recording.status.is_over());
    drop(books);
    tell(exchange, &sid);
    sid
}

/// Ends a recording that is not over.
pub(super) fn end(exchange: &Arc<Exchange>, sid: &str) {
    let now = exchange.clock.now();
    let ended = exchange.books().recordings.get_mut(sid).is_some_and(|recording| {
        if recording.status.is_over() {
            return false;
        }
        recording.ended = Some(now);
        let long_enough = recording.seconds() >= 1;
        recording.status = if long_enough { RecordingStatus::Completed } else { RecordingStatus::Absent };
        true
    });
    if ended {
        tell(exchange, sid);
    }
}

/// Ends what REST began to record on a leg.
pub(super) fn end_all_of(exchange: &Arc<Exchange>, call_sid: &str) {
    let open: Vec<String> = exchange
        .books()
        .recordings
        .values()
        .filter(|recording| recording.call_sid == call_sid && !recording.status.is_over())
        .map(|recording| recording.sid.clone())
        .collect();
    for sid in open {
        end(exchange, &sid);
    }
}

/// What an `action` address is told about a recording.
pub(super) fn action(exchange: &Exchange, sid: &str) -> Params {
    let Some(recording) = exchange.books().recordings.get(sid).cloned() else { return Params::default() };
    Params::default()
        .with("RecordingUrl", url(exchange, sid))
        .with("RecordingSid", sid)
        .with("RecordingDuration", recording.seconds())
}

/// Where the sound is.
pub(super) fn url(exchange: &Exchange, sid: &str) -> String {
    format!("{}2010-04-01/Accounts/{}/Recordings/{sid}", exchange.base_url, exchange.config.account_sid)
}

fn tell(exchange: &Arc<Exchange>, sid: &str) {
    let Some(recording) = exchange.books().recordings.get(sid).cloned() else { return };
    let target = recording.callback.as_ref().and_then(|callback| callback.wants(recording.status.name()));
    let Some(target) = target.cloned() else { return };
    let params = Params::default().with("AccountSid", &exchange.config.account_sid);
    let params = match &recording.conference_sid {
        Some(conference) => params.with("ConferenceSid", conference),
        None => params.with("CallSid", &recording.call_sid),
    };
    let params = params
        .with("RecordingSid", sid)
        .with("RecordingUrl", url(exchange, sid))
        .with("RecordingStatus", recording.status.name())
        .with("RecordingDuration", recording.seconds())
        .with("RecordingChannels", recording.channels)
        .with("RecordingStartTime", rfc2822(recording.started))
        .with("RecordingSource", recording.source)
        .with("RecordingTrack", "both")
        .with("ErrorCode", if recording.status == RecordingStatus::Absent { 16101 } else { 0 });
    exchange.post("recording", target, params, recording.posted);
}
