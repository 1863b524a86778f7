//! Calls: create, fetch, update, list, delete, and what was posted about them.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde_json::{Value, json};

use super::{Refused, form::Form, list as pages, without_suffix};
use crate::emulator::{
    exchange::Exchange,
    faults::CreateFate,
    leg::{Command, Detection, Direction, Instructions, Leg, Order, RecordingOrder, Status},
    params::{Params, rfc2822},
    people::Reaction,
    twiml,
};

/// How long an answer to a create is withheld when it is made to time out.
const SILENCE: Duration = Duration::from_mins(1);

/// `POST Calls.json`.
pub(super) async fn create(
    State(exchange): State<Arc<Exchange>>,
    form: Form,
) -> Result<(StatusCode, Json<Value>), Refused> {
    let order = order(&form, instructions(&form)?)?;
    let fate = exchange.create_fate();
    let too_many =
        || Refused { status: StatusCode::TOO_MANY_REQUESTS, code: 20429, message: "Too Many Requests".to_owned() };
    if fate == CreateFate::TooMany {
        return Err(too_many());
    }
    let behaviour = exchange.behaviour(&order.to);
    if behaviour.reaction == Reaction::Invalid {
        return Err(Refused::bad(21217, "Phone number does not appear to be valid"));
    }
    let failed = Refused {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        code: 20500,
        message: "An internal server error has occurred".to_owned(),
    };
    if fate == (CreateFate::ServerError { carried_out: false }) {
        return Err(failed);
    }
    let queued = exchange.turn().ok_or_else(too_many)?;
    let sid = exchange.place(order, behaviour, queued);
    match fate {
        CreateFate::ServerError { .. } => return Err(failed),
        CreateFate::Silent => tokio::time::sleep(SILENCE).await,
        CreateFate::Good | CreateFate::TooMany => {}
    }
    let created = exchange.leg(&sid, |leg| as_created(&exchange, leg)).ok_or_else(|| Refused::not_found(&sid))?;
    Ok((StatusCode::CREATED, Json(created)))
}

/// `GET Calls/{sid}.json`.
pub(super) async fn fetch(
    State(exchange): State<Arc<Exchange>>,
    Path((_, file)): Path<(String, String)>,
) -> Result<Json<Value>, Refused> {
    let sid = without_suffix(&file)?;
    let now = exchange.clock.now();
    let hidden = exchange.faults().not_found_yet();
    let visible = |leg: &Leg| !hidden || (now - leg.created).num_milliseconds() > 1_000;
    let shown = exchange.leg(sid, |leg| visible(leg).then(|| show(&exchange, leg))).flatten();
    shown.map(Json).ok_or_else(|| Refused::not_found(&format!("/Calls/{sid}.json")))
}

/// `POST Calls/{sid}.json`: end it, or make it do something else.
pub(super) async fn update(
    State(exchange): State<Arc<Exchange>>,
    Path((_, file)): Path<(String, String)>,
    form: Form,
) -> Result<Json<Value>, Refused> {
    let sid = without_suffix(&file)?;
    let status =
        exchange.leg(sid, |leg| leg.status).ok_or_else(|| Refused::not_found(&format!("/Calls/{sid}.json")))?;
    let wrong_state = || Refused::bad(21220, "Call is not in-progress. Cannot redirect.");
    let command = match form.get("Status") {
        Some("canceled") if status < Status::InProgress => Command::Cancel,
        Some("completed") if !status.is_over() => Command::Complete,
        Some("canceled" | "completed") => return Err(wrong_state()),
        Some(_) => return Err(Refused::bad(20001, "Status is not valid")),
        None => {
            let instructions = instructions(&form)?;
            let fallback = form.target("FallbackUrl", "FallbackMethod")?;
            if status != Status::InProgress {
                return Err(wrong_state());
            }
            Command::Redirect(instructions, fallback)
        }
    };
    if let (Some(callback), Some(_)) = (form.callback("StatusCallback", &EVENTS, &["completed"])?, form.get("Url")) {
        exchange.leg(sid, |leg| leg.callback = Some(callback));
    }
    exchange.command(sid, command);
    // The answer shows the call as it is once the line has heard of it.
    tokio::task::yield_now().await;
    let shown = exchange.leg(sid, |leg| show(&exchange, leg)).ok_or_else(|| Refused::not_found(sid))?;
    Ok(Json(shown))
}

/// `GET Calls.json`.
pub(super) async fn list(State(exchange): State<Arc<Exchange>>, form: Form) -> Result<Json<Value>, Refused> {
    // A filter that cannot be read is refused even where nothing would be compared with it.
    pages::within(&form, "StartTime", Some(exchange.clock.now()))?;
    pages::within(&form, "EndTime", Some(exchange.clock.now()))?;
    let books = exchange.books();
    let wanted = |leg: &Leg| {
        pages::is(&form, "To", &leg.to)
            && pages::is(&form, "From", &leg.from)
            && pages::is(&form, "Status", leg.status.shown())
            && pages::is(&form, "ParentCallSid", leg.parent.as_deref().unwrap_or(""))
            && pages::within(&form, "StartTime", leg.started.or(Some(leg.created))).unwrap_or(false)
            && pages::within(&form, "EndTime", leg.ended).unwrap_or(false)
    };
    let path = format!("/2010-04-01/Accounts/{}/Calls.json", exchange.config.account_sid);
    pages::page(&form, &path, "calls", &books.legs, wanted, |leg| show(&exchange, leg))
}

/// `DELETE Calls/{sid}.json`: only of a call that is over.
pub(super) async fn delete(
    State(exchange): State<Arc<Exchange>>,
    Path((_, file)): Path<(String, String)>,
) -> Result<StatusCode, Refused> {
    let sid = without_suffix(&file)?;
    let mut books = exchange.books();
    match books.legs.get(sid).map(|leg| leg.status.is_over()) {
        None => Err(Refused::not_found(&format!("/Calls/{sid}.json"))),
        Some(false) => {
            let message = "Call is in progress and cannot be deleted".to_owned();
            Err(Refused { status: StatusCode::CONFLICT, code: 20409, message })
        }
        Some(true) => {
            books.legs.remove(sid);
            Ok(StatusCode::NO_CONTENT)
        }
    }
}

/// `GET Calls/{sid}/Events.json`: the requests made to the application about it.
pub(super) async fn events(
    State(exchange): State<Arc<Exchange>>,
    Path((_, sid)): Path<(String, String)>,
) -> Json<Value> {
    let about = |(name, value): &(String, String)| name == "CallSid" && *value == sid;
    let events: Vec<Value> = exchange
        .poster
        .history()
        .into_iter()
        .filter(|posted| posted.params.iter().any(about))
        .map(|posted| {
            let parameters: serde_json::Map<String, Value> =
                posted.params.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
            json!({
                "request": { "method": "POST", "url": posted.url, "parameters": parameters },
                "response": { "response_code": posted.status, "date_created": rfc2822(posted.at) },
            })
        })
        .collect();
    Json(json!({ "events": events, "page": 0, "page_size": events.len(), "next_page_uri": null }))
}

/// Events of a status callback.
pub(super) const EVENTS: [&str; 4] = ["initiated", "ringing", "answered", "completed"];
/// Events of a recording callback.
pub(super) const RECORDING_EVENTS: [&str; 3] = ["in-progress", "completed", "absent"];

fn order(form: &Form, instructions: Instructions) -> Result<Order, Refused> {
    let to = form.get("To").ok_or_else(|| Refused::bad(21201, "No 'To' number is specified"))?;
    let from = form.get("From").ok_or_else(|| Refused::bad(21213, "'From' number is required"))?;
    if !is_address(to) {
        return Err(Refused::bad(21211, "The 'To' number is not a valid phone number"));
    }
    if !is_address(from) {
        return Err(Refused::bad(21212, "The 'From' number is not a valid phone number"));
    }
    let seconds = |name, range, code, default| {
        form.number(name, range, code).map(|value| Duration::from_secs(value.unwrap_or(default)))
    };
    Ok(Order {
        to: to.to_owned(),
        from: from.to_owned(),
        direction: Direction::OutboundApi,
        parent: None,
        instructions,
        fallback: form.target("FallbackUrl", "FallbackMethod")?,
        callback: form.callback("StatusCallback", &EVENTS, &["completed"])?,
        ring_limit: seconds("Timeout", 1..=600, 21208, 60)?,
        time_limit: seconds("TimeLimit", 1..=86_400, 20001, 14_400)?,
        detection: detection(form)?,
        recording: recording(form)?,
        reports: None,
    })
}

/// What a line is told to do: `Url`, or else `Twiml`.
fn instructions(form: &Form) -> Result<Instructions, Refused> {
    if let Some(target) = form.target("Url", "Method")? {
        return Ok(Instructions::Fetch(target, Params::default()));
    }
    let Some(document) = form.get("Twiml") else {
        return Err(Refused::bad(21205, "Url parameter is required"));
    };
    if document.chars().count() > 4_000 {
        return Err(Refused::bad(20001, "Twiml is longer than 4000 characters"));
    }
    let verbs = twiml::parse(document).map_err(|fault| Refused::bad(fault.0, "Twiml cannot be obeyed"))?;
    Ok(Instructions::Obey(verbs))
}

fn detection(form: &Form) -> Result<Option<Detection>, Refused> {
    let message_end = match form.get("MachineDetection") {
        None => return Ok(None),
        Some("Enable" | "true") => false,
        Some("DetectMessageEnd") => true,
        Some(_) => return Err(Refused::bad(21234, "MachineDetection is not valid")),
    };
    let asynchronous = form.flag("AsyncAmd").unwrap_or(false);
    let callback = form.target("AsyncAmdStatusCallback", "AsyncAmdStatusCallbackMethod")?;
    if asynchronous && callback.is_none() {
        return Err(Refused::bad(21262, "AsyncAmdStatusCallback is required with AsyncAmd"));
    }
    let timeout = form.number("MachineDetectionTimeout", 3..=59, 21263)?.unwrap_or(30);
    let callback = callback.filter(|_| asynchronous);
    Ok(Some(Detection { callback, timeout: Duration::from_secs(timeout), message_end }))
}

fn recording(form: &Form) -> Result<Option<RecordingOrder>, Refused> {
    let callback = form.callback("RecordingStatusCallback", &RECORDING_EVENTS, &["completed"])?;
    let channels = if form.get("RecordingChannels") == Some("dual") { 2 } else { 1 };
    let asked = form.flag("Record").unwrap_or(false);
    Ok(asked.then_some(RecordingOrder { channels, source: "OutboundAPI", callback }))
}

/// `+` and digits, or the address of a device.
fn is_address(text: &str) -> bool {
    let number = text.strip_prefix('+').unwrap_or(text);
    let digits = (7..=15).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    digits || text.starts_with("client:") || text.starts_with("sip:")
}

/// A call as REST shows it.
fn show(exchange: &Exchange, leg: &Leg) -> Value {
    let account = &exchange.config.account_sid;
    let uri = format!("/2010-04-01/Accounts/{account}/Calls/{}", leg.sid);
    let over = leg.status.is_over();
    let minutes = (leg.seconds() + 59) / 60;
    json!({
        "sid": leg.sid,
        "account_sid": account,
        "to": leg.to,
        "to_formatted": leg.to,
        "from": leg.from,
        "from_formatted": leg.from,
        "parent_call_sid": leg.parent,
        "phone_number_sid": null,
        "status": leg.status.shown(),
        "start_time": leg.started.map(rfc2822),
        "end_time": leg.ended.map(rfc2822),
        "duration": over.then(|| leg.seconds().to_string()),
        // Thousandths of a dollar and a half a minute, as a text with a sign.
        "price": over.then(|| format!("-{}.{:05}", minutes * 1_400 / 100_000, minutes * 1_400 % 100_000)),
        "price_unit": "USD",
        "direction": leg.direction.name(),
        "answered_by": leg.answered_by,
        "api_version": "2010-04-01",
        "annotation": null,
        "forwarded_from": null,
        "group_sid": null,
        "caller_name": null,
        "queue_time": leg.queued.as_millis().to_string(),
        "trunk_sid": null,
        "date_created": rfc2822(leg.created),
        "date_updated": rfc2822(leg.ended.or(leg.answered).or(leg.started).unwrap_or(leg.created)),
        "uri": format!("{uri}.json"),
        "subresource_uris": {
            "notifications": format!("{uri}/Notifications.json"),
            "recordings": format!("{uri}/Recordings.json"),
            "events": format!("{uri}/Events.json"),
        },
    })
}

/// The answer to a create: the call is queued, and every time and price is still null.
fn as_created(exchange: &Exchange, leg: &Leg) -> Value {
    let mut shown = show(exchange, leg);
    shown["status"] = json!("queued");
    for unknown in ["date_created", "date_updated", "start_time", "end_time", "duration", "price", "answered_by"] {
        shown[unknown] = Value::Null;
    }
    shown
}

/// The order of a leg that goes into a conference, made by the Participants resource; detection never holds it up.
pub(super) fn participant_order(form: &Form, verbs: Vec<twiml::Element>) -> Result<Order, Refused> {
    let order = order(form, Instructions::Obey(verbs))?;
    let callback = form.target("AmdStatusCallback", "AmdStatusCallbackMethod")?;
    let detection = callback.and_then(|callback| Some(Detection { callback: Some(callback), ..order.detection? }));
    Ok(Order { detection, ..order })
}
