//! `/api/floor`: the board, from the same state as `/ws/floor`.

use axum::{Json, extract::State};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    floor::{self, view::FloorView},
};

use super::{
    auth::Supervisor,
    problem::{Problems, Result},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(board))
}

/// The live board: agents, calls in progress, queues, and the day's sums.
#[utoipa::path(get, path = "/api/floor", tag = "floor", responses((status = 200, body = FloorView), Problems))]
async fn board(State(app): State<App>, _: Supervisor) -> Result<Json<FloorView>> {
    Ok(Json(floor::refresh(&app).await?))
}
