//! Conferences: list, fetch, end.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use serde_json::{Value, json};

use super::{Refused, form::Form, list as pages, without_suffix};
use crate::emulator::{conference::Conference, exchange::Exchange, params::rfc2822};

/// `GET Conferences.json`.
pub(super) async fn list(State(exchange): State<Arc<Exchange>>, form: Form) -> Result<Json<Value>, Refused> {
    pages::within(&form, "DateCreated", Some(exchange.clock.now()))?;
    pages::within(&form, "DateUpdated", Some(exchange.clock.now()))?;
    let books = exchange.books();
    let wanted = |conference: &Conference| {
        pages::is(&form, "FriendlyName", &conference.name)
            && pages::is(&form, "Status", conference.status.name())
            && pages::within(&form, "DateCreated", Some(conference.created)).unwrap_or(false)
            && pages::within(&form, "DateUpdated", Some(conference.updated)).unwrap_or(false)
    };
    let path = format!("/2010-04-01/Accounts/{}/Conferences.json", exchange.config.account_sid);
    pages::page(&form, &path, "conferences", &books.conferences, wanted, |conference| show(&exchange, conference))
}

/// `GET Conferences/{sid}.json`.
pub(super) async fn fetch(
    State(exchange): State<Arc<Exchange>>,
    Path((_, file)): Path<(String, String)>,
) -> Result<Json<Value>, Refused> {
    let sid = without_suffix(&file)?;
    let shown = exchange.books().conferences.get(sid).map(|conference| show(&exchange, conference));
    shown.map(Json).ok_or_else(|| Refused::not_found(&format!("/Conferences/{sid}.json")))
}

/// `POST Conferences/{sid}.json`: ends it.
pub(super) async fn update(
    State(exchange): State<Arc<Exchange>>,
    Path((account, file)): Path<(String, String)>,
    form: Form,
) -> Result<Json<Value>, Refused> {
    match form.get("Status") {
        Some("completed") => exchange.end_conference(without_suffix(&file)?),
        Some(_) => return Err(Refused::bad(20001, "Status is not valid")),
        None => {}
    }
    fetch(State(exchange), Path((account, file))).await
}

fn show(exchange: &Exchange, conference: &Conference) -> Value {
    let account = &exchange.config.account_sid;
    let uri = format!("/2010-04-01/Accounts/{account}/Conferences/{}", conference.sid);
    json!({
        "sid": conference.sid,
        "account_sid": account,
        "friendly_name": conference.name,
        "status": conference.status.name(),
        "region": "us1",
        "api_version": "2010-04-01",
        "date_created": rfc2822(conference.created),
        "date_updated": rfc2822(conference.updated),
        "reason_conference_ended": conference.ended.as_ref().map(|(reason, _)| reason),
        "call_sid_ending_conference": conference.ended.as_ref().and_then(|(_, by)| by.as_ref()),
        "uri": format!("{uri}.json"),
        "subresource_uris": {
            "participants": format!("{uri}/Participants.json"),
            "recordings": format!("{uri}/Recordings.json"),
        },
    })
}
