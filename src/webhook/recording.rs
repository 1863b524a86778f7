//! News of recordings.

use axum::{extract::State, http::StatusCode};

use super::{
    posted::{Posted, Refused},
    store,
    tell::tell,
};
use crate::{app::App, call::apply::Source, carrier::RecordingEvent};

/// In progress, completed, absent or failed: the row of the recording follows.
pub(super) async fn recording(State(app): State<App>, posted: Posted) -> Result<StatusCode, Refused> {
    let event = RecordingEvent::try_from(&posted.form)?;
    let key = format!("{}/{:?}", event.recording, event.status);
    let heard = posted.heard(Source::Recording, &key, event.call.as_ref());
    let call = tell(&app, &posted, heard, Vec::new()).await?;
    store::keep_recording(&app.db, call, &event, posted.at).await?;
    Ok(StatusCode::NO_CONTENT)
}
