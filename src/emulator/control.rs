//! `/emulator/…`: what tests and people steer the emulator by. Not part of the carrier's contract; needs no log-in.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::{get, post, put},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    exchange::{Exchange, Forced},
    faults::Faults,
    inbound,
    post::Posted,
};

/// Which requests to list.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Which {
    /// Only those that name this leg or conference.
    sid: Option<String>,
    /// Only `voice`, `status`, `amd`, `conference` or `recording`.
    kind: Option<String>,
    /// At most so many, the latest; 1 to 10,000.
    limit: Option<usize>,
}

/// Who calls in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Caller {
    from: String,
    to: String,
}

pub(super) fn router() -> Router<Arc<Exchange>> {
    Router::new()
        .route("/emulator/next", post(force))
        .route("/emulator/posted", get(posted))
        .route("/emulator/inbound", post(call_in))
        .route("/emulator/faults", put(set_faults).get(faults))
        .route("/emulator/statistics", get(statistics))
}

/// Makes the next call, or the next one to a number, behave in a given way.
async fn force(State(exchange): State<Arc<Exchange>>, Json(forced): Json<Forced>) -> StatusCode {
    exchange.force(forced);
    StatusCode::NO_CONTENT
}

async fn posted(State(exchange): State<Arc<Exchange>>, Query(which): Query<Which>) -> Json<Vec<Posted>> {
    let meant = |posted: &Posted| {
        which.kind.as_deref().is_none_or(|kind| posted.kind == kind)
            && which.sid.as_deref().is_none_or(|sid| posted.params.iter().any(|(_, value)| value == sid))
    };
    let mut posted: Vec<Posted> = exchange.poster.history().into_iter().filter(meant).collect();
    let skipped = posted.len().saturating_sub(which.limit.unwrap_or(200).clamp(1, 10_000));
    Json(posted.split_off(skipped))
}

async fn call_in(State(exchange): State<Arc<Exchange>>, Json(caller): Json<Caller>) -> Response {
    match inbound::call(&exchange, &caller.from, &caller.to) {
        Ok(sid) => (StatusCode::CREATED, Json(json!({ "sid": sid }))).into_response(),
        Err(error) => (StatusCode::CONFLICT, Json(json!({ "detail": error.to_string() }))).into_response(),
    }
}

async fn set_faults(State(exchange): State<Arc<Exchange>>, Json(faults): Json<Faults>) -> StatusCode {
    exchange.set_faults(faults);
    StatusCode::NO_CONTENT
}

async fn faults(State(exchange): State<Arc<Exchange>>) -> Json<Faults> {
    Json(exchange.faults())
}

async fn statistics(State(exchange): State<Arc<Exchange>>) -> Json<Value> {
    Json(exchange.statistics())
}
