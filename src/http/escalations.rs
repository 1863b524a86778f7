//! The escalation ladder of an account: where it is, up by hand, back down.

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    agreement,
    app::App,
    escalation::{self, Escalation, ladder::Level},
    ids::{AccountId, EscalationId},
};

use super::{
    accounts::Added,
    auth::{Agent, Supervisor},
    extract::{Body, Id},
    problem::{Problems, Result},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, raise)).routes(routes!(back_down))
}

/// Where an account is on the ladder.
#[derive(Serialize, ToSchema)]
struct Escalations {
    /// Newest first, at most 100; the first one stands if it has not ended.
    items: Vec<Escalation>,
    /// The ladder, from low to high.
    levels: Vec<Level>,
}

/// A level to put an account on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EscalateAccount)]
struct Raise {
    /// Code of the level.
    level: String,
    /// 1 to 1000 characters.
    reason: String,
}

/// Why an account goes back down.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BackDown)]
struct Down {
    /// 1 to 1000 characters.
    reason: String,
}

/// The account's escalations, and the ladder.
#[utoipa::path(get, path = "/api/accounts/{id}/escalations", tag = "agreements", params(("id" = AccountId, Path)),
    responses((status = 200, body = Escalations), Problems))]
async fn list(State(app): State<App>, _: Agent, Id(id): Id<AccountId>) -> Result<Json<Escalations>> {
    let items = escalation::of_account(&app, id).await?;
    Ok(Json(Escalations { items, levels: agreement::store::rules(&app.db).await?.escalation.levels }))
}

/// Puts an account on a level, which gets a task. Callers raise, supervisors also lower.
#[utoipa::path(post, path = "/api/accounts/{id}/escalations", tag = "agreements", params(("id" = AccountId, Path)),
    request_body = Raise, responses((status = 201, body = Added<EscalationId>), Problems))]
async fn raise(
    State(app): State<App>,
    Agent(by): Agent,
    Id(id): Id<AccountId>,
    Body(new): Body<Raise>,
) -> Result<impl IntoResponse> {
    let id = escalation::by_hand(&app, &by, id, &new.level, &new.reason).await?;
    Ok((StatusCode::CREATED, Json(Added { id })))
}

/// Takes an account back down: callers look after it again.
#[utoipa::path(post, path = "/api/accounts/{id}/escalations/end", tag = "agreements", params(("id" = AccountId, Path)),
    request_body = Down, responses((status = 204), Problems))]
async fn back_down(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Id(id): Id<AccountId>,
    Body(down): Body<Down>,
) -> Result<StatusCode> {
    escalation::back_down(&app, &by, id, &down.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}
