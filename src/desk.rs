//! 4 · The desk: the agent's live connection.

pub mod pop;
pub mod protocol;

use axum::Router;

use crate::{
    app::App,
    error::Result,
    ids::{CallId, UserId},
};
use protocol::Body;

/// `GET /ws/desk`.
pub fn router(app: App) -> Router {
    todo!()
}

/// Numbers a message, keeps it for a desk that reconnects, and sends it to the agent's desk on whichever node it is.
/// One round trip to Redis. Gives the number.
///
/// # Errors
/// Those of Redis.
pub async fn push(app: &App, agent: UserId, body: Body) -> Result<u64> {
    todo!()
}

/// Carries out [`Effect::CallChanged`](crate::outbox::Effect::CallChanged): tells the desk that shows the call.
///
/// # Errors
/// Those of Postgres and Redis.
pub async fn call_changed(app: &App, call: CallId) -> Result<()> {
    todo!()
}
