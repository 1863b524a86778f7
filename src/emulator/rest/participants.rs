//! Participants of a conference: call somebody into it, change, remove, list.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde_json::{Value, json};

use super::{Refused, calls, form::Form, list as pages, without_suffix};
use crate::emulator::{
    conference::{Conference, Participant},
    exchange::Exchange,
    params::rfc2822,
    twiml::Element,
};

/// `POST Conferences/{sid or name}/Participants.json`: calls somebody into the conference.
pub(super) async fn create(
    State(exchange): State<Arc<Exchange>>,
    Path((_, conference)): Path<(String, String)>,
    form: Form,
) -> Result<(StatusCode, Json<Value>), Refused> {
    let known =
        exchange.books().conferences.get(&conference).map(|conference| (conference.name.clone(), conference.is_over()));
    let name = match known {
        Some((_, true)) => return Err(Refused::bad(16022, "Conference has ended")),
        Some((name, false)) => name,
        None if conference.starts_with("CF") => return Err(Refused::not_found(&format!("/Conferences/{conference}"))),
        None => conference,
    };
    let coached = form.get("CallSidToCoach").filter(|_| form.flag("Coaching").unwrap_or(false));
    let order = calls::participant_order(&form, vec![noun(&form, &name, coached)])?;
    let sid = exchange.open_conference(&name);
    let behaviour = exchange.behaviour(&order.to);
    let call_sid = exchange.place(order, behaviour, Duration::ZERO);
    let participant = Participant {
        call_sid,
        label: form.get("Label").map(str::to_owned),
        muted: form.flag("Muted").unwrap_or(false),
        hold: false,
        coaches: coached.map(str::to_owned),
        start_on_enter: form.flag("StartConferenceOnEnter").unwrap_or(true),
        end_on_exit: form.flag("EndConferenceOnExit").unwrap_or(false),
        joined: exchange.clock.now(),
    };
    Ok((StatusCode::CREATED, Json(show(&exchange, &sid, &participant, "queued"))))
}

/// `GET Conferences/{sid}/Participants.json`: empty once the conference is over.
pub(super) async fn list(
    State(exchange): State<Arc<Exchange>>,
    Path((account, sid)): Path<(String, String)>,
    form: Form,
) -> Result<Json<Value>, Refused> {
    let participants = {
        let books = exchange.books();
        let conference =
            books.conferences.get(&sid).ok_or_else(|| Refused::not_found(&format!("/Conferences/{sid}")))?;
        conference.participants.iter().map(|each| (each.call_sid.clone(), each.clone())).collect()
    };
    let wanted = |each: &Participant| {
        pages::is(&form, "Muted", &each.muted.to_string())
            && pages::is(&form, "Hold", &each.hold.to_string())
            && pages::is(&form, "Coaching", &each.coaches.is_some().to_string())
    };
    let path = format!("/2010-04-01/Accounts/{account}/Conferences/{sid}/Participants.json");
    pages::page(&form, &path, "participants", &participants, wanted, |each| show(&exchange, &sid, each, "connected"))
}

/// `GET Conferences/{sid}/Participants/{call or label}.json`.
pub(super) async fn fetch(
    State(exchange): State<Arc<Exchange>>,
    Path((_, sid, file)): Path<(String, String, String)>,
) -> Result<Json<Value>, Refused> {
    let participant = find(&exchange, &sid, without_suffix(&file)?)?;
    Ok(Json(show(&exchange, &sid, &participant, "connected")))
}

/// `POST Conferences/{sid}/Participants/{call or label}.json`.
pub(super) async fn update(
    State(exchange): State<Arc<Exchange>>,
    Path((_, sid, file)): Path<(String, String, String)>,
    form: Form,
) -> Result<Json<Value>, Refused> {
    let which = without_suffix(&file)?;
    let coached = form.get("CallSidToCoach").map(str::to_owned);
    let coaching = form.flag("Coaching");
    if let (Some(true) | None, Some(coached)) = (coaching, &coached) {
        find(&exchange, &sid, coached)
            .map_err(|_| Refused::bad(13240, "The call to coach is not in the conference"))?;
    }
    let changed = exchange.change_participant(&sid, which, |participant| {
        participant.muted = form.flag("Muted").unwrap_or(participant.muted);
        participant.hold = form.flag("Hold").unwrap_or(participant.hold);
        participant.end_on_exit = form.flag("EndConferenceOnExit").unwrap_or(participant.end_on_exit);
        participant.coaches = match coaching {
            Some(false) => None,
            Some(true) | None => coached.or(participant.coaches.take()),
        };
    });
    let changed = changed.ok_or_else(|| Refused::not_found(&format!("/Participants/{which}")))?;
    Ok(Json(show(&exchange, &sid, &changed, "connected")))
}

/// `DELETE Conferences/{sid}/Participants/{call or label}.json`: takes it out of the conference.
pub(super) async fn remove(
    State(exchange): State<Arc<Exchange>>,
    Path((_, sid, file)): Path<(String, String, String)>,
) -> Result<StatusCode, Refused> {
    let participant = find(&exchange, &sid, without_suffix(&file)?)?;
    exchange.leave(&sid, &participant.call_sid, "participant_updated_via_api", "in-progress", true);
    Ok(StatusCode::NO_CONTENT)
}

fn find(exchange: &Exchange, sid: &str, which: &str) -> Result<Participant, Refused> {
    let books = exchange.books();
    let conference = books.conferences.get(sid).filter(|conference| !Conference::is_over(conference));
    let participant = conference.and_then(|conference| conference.participant(which)).cloned();
    participant.ok_or_else(|| Refused::not_found(&format!("/Conferences/{sid}/Participants/{which}.json")))
}

/// `<Dial><Conference>` with what the form asks for.
fn noun(form: &Form, name: &str, coached: Option<&str>) -> Element {
    const SAME: [(&str, &str); 12] = [
        ("Label", "participantLabel"),
        ("Muted", "muted"),
        ("StartConferenceOnEnter", "startConferenceOnEnter"),
        ("EndConferenceOnExit", "endConferenceOnExit"),
        ("WaitUrl", "waitUrl"),
        ("WaitMethod", "waitMethod"),
        ("MaxParticipants", "maxParticipants"),
        ("ConferenceRecord", "record"),
        ("ConferenceStatusCallback", "statusCallback"),
        ("ConferenceStatusCallbackMethod", "statusCallbackMethod"),
        ("ConferenceRecordingStatusCallback", "recordingStatusCallback"),
        ("ConferenceRecordingStatusCallbackMethod", "recordingStatusCallbackMethod"),
    ];
    let given = SAME.iter().filter_map(|(field, attribute)| Some((*attribute, form.get(field)?.to_owned())));
    let coach = coached.map(|sid| ("coach", sid.to_owned()));
    let events = form.all("ConferenceStatusCallbackEvent").join(" ");
    let events = (!events.is_empty()).then_some(("statusCallbackEvent", events));
    let mut dial = Element::new("Dial", "", []);
    dial.children.push(Element::new("Conference", name, given.chain(coach).chain(events)));
    dial
}

fn show(exchange: &Exchange, sid: &str, participant: &Participant, status: &str) -> Value {
    let account = &exchange.config.account_sid;
    let since = rfc2822(participant.joined);
    json!({
        "account_sid": account,
        "call_sid": participant.call_sid,
        "conference_sid": sid,
        "label": participant.label,
        "status": status,
        "muted": participant.muted,
        "hold": participant.hold,
        "coaching": participant.coaches.is_some(),
        "call_sid_to_coach": participant.coaches,
        "start_conference_on_enter": participant.start_on_enter,
        "end_conference_on_exit": participant.end_on_exit,
        "queue_time": "0",
        "date_created": since,
        "date_updated": since,
        "uri": format!("/2010-04-01/Accounts/{account}/Conferences/{sid}/Participants/{}.json", participant.call_sid),
    })
}
