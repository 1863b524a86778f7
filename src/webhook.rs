//! 1 · What the carrier posts: verified, stored, handed on, answered.

use axum::Router;

use crate::app::App;

/// `POST /webhooks/twilio/{answer,status,amd,conference,dial,recording,agent,inbound,fallback,hold}`.
pub fn router(app: App) -> Router {
    let _ = app;
    todo!()
}
