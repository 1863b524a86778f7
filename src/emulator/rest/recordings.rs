//! Recordings: start, pause, stop, list, fetch, delete; the sound is a second of silence.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde_json::{Value, json};

use super::{Refused, calls::RECORDING_EVENTS, form::Form, list as pages, without_suffix};
use crate::emulator::{
    exchange::Exchange,
    leg::{RecordingOrder, Status},
    params::rfc2822,
    recording::{self, Recording, RecordingStatus},
};

/// `GET Recordings.json`.
pub(super) async fn list(State(exchange): State<Arc<Exchange>>, form: Form) -> Result<Json<Value>, Refused> {
    list_those(&exchange, &form, "Recordings.json", |recording| {
        pages::is(&form, "CallSid", &recording.call_sid)
            && pages::is(&form, "ConferenceSid", recording.conference_sid.as_deref().unwrap_or(""))
    })
}

/// `GET Calls/{sid}/Recordings.json`.
pub(super) async fn of_call(
    State(exchange): State<Arc<Exchange>>,
    Path((_, sid)): Path<(String, String)>,
    form: Form,
) -> Result<Json<Value>, Refused> {
    list_those(&exchange, &form, &format!("Calls/{sid}/Recordings.json"), |recording| recording.call_sid == sid)
}

/// `POST Calls/{sid}/Recordings.json`: starts one.
pub(super) async fn start(
    State(exchange): State<Arc<Exchange>>,
    Path((_, sid)): Path<(String, String)>,
    form: Form,
) -> Result<(StatusCode, Json<Value>), Refused> {
    let status = exchange.leg(&sid, |leg| leg.status).ok_or_else(|| Refused::not_found(&format!("/Calls/{sid}")))?;
    if status != Status::InProgress {
        return Err(Refused::bad(21220, "Requested resource is not eligible for recording"));
    }
    let callback = form.callback("RecordingStatusCallback", &RECORDING_EVENTS, &["completed"])?;
    let channels = if form.get("RecordingChannels") == Some("dual") { 2 } else { 1 };
    let order = RecordingOrder { channels, source: "StartCallRecordingAPI", callback };
    let recording = recording::begin(&exchange, &sid, None, order);
    Ok((StatusCode::CREATED, Json(find(&exchange, &recording)?)))
}

/// `POST Calls/{sid}/Recordings/{sid or Twilio.CURRENT}.json`: pauses, resumes or stops one.
pub(super) async fn update(
    State(exchange): State<Arc<Exchange>>,
    Path((_, call_sid, file)): Path<(String, String, String)>,
    form: Form,
) -> Result<Json<Value>, Refused> {
    let which = without_suffix(&file)?;
    let sid = {
        let books = exchange.books();
        let running = books.recordings.values().rev().find(|recording| {
            recording.call_sid == call_sid
                && !recording.status.is_over()
                && (which == "Twilio.CURRENT" || recording.sid == which)
        });
        running
            .map(|recording| recording.sid.clone())
            .ok_or_else(|| Refused::not_found(&format!("/Recordings/{which}")))?
    };
    let status = match form.get("Status") {
        Some("stopped") => None,
        Some("paused") => Some(RecordingStatus::Paused),
        Some("in-progress") => Some(RecordingStatus::InProgress),
        _ => return Err(Refused::bad(20001, "Status is not valid")),
    };
    match status {
        None => recording::end(&exchange, &sid),
        Some(status) => {
            if let Some(recording) = exchange.books().recordings.get_mut(&sid) {
                recording.status = status;
            }
        }
    }
    find(&exchange, &sid).map(Json)
}

/// `GET Calls/{sid}/Recordings/{sid}.json`.
pub(super) async fn fetch_of_call(
    State(exchange): State<Arc<Exchange>>,
    Path((_, _, file)): Path<(String, String, String)>,
) -> Result<Json<Value>, Refused> {
    find(&exchange, without_suffix(&file)?).map(Json)
}

/// `GET Recordings/{sid}.json`, or its sound as `.wav` or `.mp3`.
pub(super) async fn fetch(
    State(exchange): State<Arc<Exchange>>,
    Path((_, file)): Path<(String, String)>,
) -> Result<Response, Refused> {
    let sid = file.split('.').next().unwrap_or("");
    let shown = find(&exchange, sid)?;
    Ok(match file.rsplit_once('.') {
        Some((_, "json")) => Json(shown).into_response(),
        _ => ([(header::CONTENT_TYPE, "audio/x-wav")], silence()).into_response(),
    })
}

/// `DELETE Recordings/{sid}.json`.
pub(super) async fn delete(
    State(exchange): State<Arc<Exchange>>,
    Path((_, file)): Path<(String, String)>,
) -> Result<StatusCode, Refused> {
    let sid = without_suffix(&file)?;
    let removed = exchange.books().recordings.remove(sid);
    removed.map(|_| StatusCode::NO_CONTENT).ok_or_else(|| Refused::not_found(&format!("/Recordings/{sid}.json")))
}

fn list_those(
    exchange: &Exchange,
    form: &Form,
    path: &str,
    wanted: impl Fn(&Recording) -> bool,
) -> Result<Json<Value>, Refused> {
    let path = format!("/2010-04-01/Accounts/{}/{path}", exchange.config.account_sid);
    let books = exchange.books();
    pages::page(form, &path, "recordings", &books.recordings, wanted, |recording| show(exchange, recording))
}

fn find(exchange: &Exchange, sid: &str) -> Result<Value, Refused> {
    let shown = exchange.books().recordings.get(sid).map(|recording| show(exchange, recording));
    shown.ok_or_else(|| Refused::not_found(&format!("/Recordings/{sid}.json")))
}

fn show(exchange: &Exchange, recording: &Recording) -> Value {
    let account = &exchange.config.account_sid;
    json!({
        "sid": recording.sid,
        "account_sid": account,
        "call_sid": recording.call_sid,
        "conference_sid": recording.conference_sid,
        "status": recording.status.name(),
        "channels": recording.channels,
        "source": recording.source,
        "start_time": rfc2822(recording.started),
        "duration": recording.ended.map(|_| recording.seconds().to_string()),
        "date_created": rfc2822(recording.started),
        "date_updated": rfc2822(recording.ended.unwrap_or(recording.started)),
        "media_url": recording::url(exchange, &recording.sid),
        "api_version": "2010-04-01",
        "uri": format!("/2010-04-01/Accounts/{account}/Recordings/{}.json", recording.sid),
    })
}

/// A WAV file with one second of silence: 8 kHz, 8 bits, one channel.
fn silence() -> Vec<u8> {
    const RATE: u32 = 8_000;
    let mut wav = Vec::with_capacity(44 + RATE as usize);
    wav.extend_from_slice(b"RIFF");
    wav.extend_from_slice(&(36 + RATE).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt ");
    wav.extend_from_slice(&16_u32.to_le_bytes());
    wav.extend_from_slice(&[1, 0, 1, 0]);
    wav.extend_from_slice(&RATE.to_le_bytes());
    wav.extend_from_slice(&RATE.to_le_bytes());
    wav.extend_from_slice(&[1, 0, 8, 0]);
    wav.extend_from_slice(b"data");
    wav.extend_from_slice(&RATE.to_le_bytes());
    wav.resize(44 + RATE as usize, 0x80);
    wav
}
