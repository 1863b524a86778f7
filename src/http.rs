//! 6 · The staff API under `/api`, and everything else that is reached over HTTP. Thin: one file a resource.

use axum::{Router, routing::get};

use crate::app::App;

/// Every route of the service.
pub fn router(app: App) -> Router {
    Router::new().route("/healthz", get(async || "ok\n")).with_state(app)
}
