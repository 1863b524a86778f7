//! The desk: the agent's live connection.
//!
//! A message to an agent is numbered and kept in Redis and published in one round trip ([`push`]); the node that holds
//! the agent's socket forwards it. A desk that reconnects, to any node, says the last number it has and gets the rest.

mod command;
pub mod hub;
pub mod log;
pub mod pop;
pub mod protocol;
pub mod session;
pub mod socket;
mod store;

use std::{sync::Arc, time::Duration};

use axum::{Router, routing::get};

use crate::{
    app::App,
    error::Result,
    ids::{CallId, UserId},
    lifecycle::Lifecycle,
    worker,
};
use protocol::Body;

/// `GET /ws/desk`.
pub fn router(app: App) -> Router {
    Router::new().route("/ws/desk", get(socket::upgrade)).with_state(app)
}

/// Numbers a message, keeps it for a desk that reconnects, and sends it to the agent's desk on whichever node it is.
/// One round trip to Redis. Gives the number.
///
/// # Errors
/// Those of Redis.
pub async fn push(app: &App, agent: UserId, body: Body) -> Result<u64> {
    log::push(app, agent, &body).await
}

/// Carries out [`Effect::CallChanged`](crate::outbox::Effect::CallChanged): tells the desks that show the calls.
///
/// # Errors
/// Those of Postgres and Redis.
pub async fn calls_changed(app: &App, calls: &[CallId]) -> Result<()> {
    for (agent, call) in store::shown(&app.db, calls).await? {
        push(app, agent, Body::Call { call }).await?;
    }
    Ok(())
}

/// Starts the loops of the desks: the listener of this node, vouching for its sockets, and pops that nobody has seen.
pub fn spawn(app: &App, lifecycle: &Lifecycle) {
    let listener = app.clone();
    worker::spawn(lifecycle, "desk listener", Duration::from_secs(5), app.desk.lost(), move || {
        let app = listener.clone();
        async move { app.desk.listen(&app).await }
    });
    let present = app.clone();
    worker::spawn(lifecycle, "desks present", Duration::from_secs(10), Arc::default(), move || {
        let app = present.clone();
        async move { store::vouch(&app.db, &app.desk.present(), app.clock.now()).await }
    });
    let unseen = app.clone();
    worker::spawn(lifecycle, "pops unseen", Duration::from_secs(1), Arc::default(), move || {
        let app = unseen.clone();
        async move { pop::send_unseen(&app).await }
    });
}
