//! The progress of a debtor's line.

use axum::{extract::State, http::StatusCode};

use super::{
    posted::{Document, Posted, Refused},
    tell::tell,
};
use crate::{
    app::App,
    call::{
        End, Event,
        apply::Source,
        observed::{event_of, moment},
        voice,
    },
    carrier::{AmdResult, CallStatus, DialResult},
};

/// Initiated, ringing, answered, over.
pub(super) async fn status(State(app): State<App>, posted: Posted) -> Result<StatusCode, Refused> {
    let status = CallStatus::try_from(&posted.form)?;
    let heard = posted.heard(Source::Status, &status.dedupe_key(), Some(&status.call));
    let mut events: Vec<Event> = event_of(status.status, moment(status.at, posted.at)).into_iter().collect();
    events.extend(status.answered_by.map(Event::Detected));
    tell(&app, &posted, heard, events).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Machine detection's verdict.
pub(super) async fn amd(State(app): State<App>, posted: Posted) -> Result<StatusCode, Refused> {
    let verdict = AmdResult::try_from(&posted.form)?;
    let heard = posted.heard(Source::Amd, &format!("{}/{:?}", verdict.call, verdict.answered_by), Some(&verdict.call));
    tell(&app, &posted, heard, vec![Event::Detected(verdict.answered_by)]).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The debtor has left the conference: the line is over, or has nothing left to wait for.
pub(super) async fn dial(State(app): State<App>, posted: Posted) -> Result<Document, Refused> {
    let result = DialResult::try_from(&posted.form)?;
    let heard = posted.heard(Source::Dial, result.call.as_str(), Some(&result.call));
    let event = match result.line.end() {
        Some(status) => Event::Ended(End { at: posted.at, status }),
        None => Event::EndAsked,
    };
    tell(&app, &posted, heard, vec![event]).await?;
    Ok(Document(voice::goodbye()))
}
