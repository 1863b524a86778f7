//! `/api/dispositions/{set}`: the catalogue from which an agent chooses.

use axum::{
    Json,
    extract::{Path, State},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    disposition::{self, Disposition},
};

use super::{
    auth::Agent,
    problem::{Problems, Result},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(of_set))
}

/// A set of dispositions.
#[derive(Serialize, ToSchema)]
struct Catalogue {
    /// In the order in which they are shown; those that the service records itself included.
    items: Vec<Disposition>,
}

/// The dispositions of a set.
#[utoipa::path(get, path = "/api/dispositions/{set}", tag = "dispositions",
    params(("set" = String, Path, example = "standard")), responses((status = 200, body = Catalogue), Problems))]
async fn of_set(State(app): State<App>, _: Agent, Path(set): Path<String>) -> Result<Json<Catalogue>> {
    Ok(Json(Catalogue { items: disposition::of_set(&app, &set).await? }))
}
