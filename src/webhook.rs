//! What the carrier posts: verified, stored, handed on, answered.
//!
//! The signature is checked on the raw request before anything else: without a good one nothing is read, stored or
//! logged but the path. A request about a call carries the call's id and secret token in its address; the first one
//! adopts the carrier's id of the line, even if it comes before the answer to the request to dial.
//!
//! What has been told before, comes late, or is about a call nobody knows gets a 2xx like everything else: the carrier
//! must not repeat it. Only what we could not store gets a 5xx, and the carrier repeats it.

mod agent;
mod answer;
mod conference;
mod inbound;
mod line;
mod posted;
mod recording;
mod store;
mod tell;

use axum::{Router, routing::post};

use crate::{app::App, call::callbacks::PATH};

/// Longest body, in bytes.
pub const BODY_LIMIT: usize = 64 * 1024;

/// `POST /webhooks/twilio/{answer,status,amd,conference,dial,recording,agent,inbound,fallback,hold}`.
pub fn router(app: App) -> Router {
    let path = |name: &str| format!("{PATH}/{name}");
    Router::new()
        .route(&path("answer"), post(answer::answer))
        .route(&path("hold"), post(answer::hold))
        .route(&path("fallback"), post(answer::fallback))
        .route(&path("status"), post(line::status))
        .route(&path("amd"), post(line::amd))
        .route(&path("dial"), post(line::dial))
        .route(&path("conference"), post(conference::conference))
        .route(&path("recording"), post(recording::recording))
        .route(&path("agent"), post(agent::agent))
        .route(&path("inbound"), post(inbound::inbound))
        .with_state(app)
}
