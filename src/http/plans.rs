//! Instalment plans and settlements.

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    ids::{AccountId, PlanId},
    plan::{self, InFull, Plan, PlanTaken, Preview, Status},
};

use super::{
    auth::{Agent, Supervisor},
    extract::{Body, Id},
    problem::{Problems, Result},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, agree))
        .routes(routes!(preview))
        .routes(routes!(read))
        .routes(routes!(approve))
        .routes(routes!(refuse))
        .routes(routes!(resume))
        .routes(routes!(end))
}

/// The account's plans.
#[derive(Serialize, ToSchema)]
struct Plans {
    /// Newest first, at most 50.
    items: Vec<Plan>,
}

/// A plan that was agreed.
#[derive(Serialize, ToSchema)]
struct Agreed {
    /// Its id.
    id: PlanId,
    /// `active`, or `proposed` where somebody else has to approve it.
    status: Status,
}

/// What was said.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlanNote)]
struct Said {
    /// At most 4000 characters.
    #[serde(default)]
    note: String,
}

/// The account's plans.
#[utoipa::path(get, path = "/api/accounts/{id}/plans", tag = "agreements", params(("id" = AccountId, Path)),
    responses((status = 200, body = Plans), Problems))]
async fn list(State(app): State<App>, _: Agent, Id(id): Id<AccountId>) -> Result<Json<Plans>> {
    Ok(Json(Plans { items: plan::of_account(&app, id).await? }))
}

/// Agrees a plan otherwise than on a call; beyond your limits it is proposed to somebody whose limits reach.
#[utoipa::path(post, path = "/api/accounts/{id}/plans", tag = "agreements", params(("id" = AccountId, Path)),
    request_body = PlanTaken, responses((status = 201, body = Agreed), Problems))]
async fn agree(
    State(app): State<App>,
    Agent(by): Agent,
    Id(account): Id<AccountId>,
    Body(taken): Body<PlanTaken>,
) -> Result<impl IntoResponse> {
    let (id, status) = plan::agree(&app, &by, account, &taken).await?;
    Ok((StatusCode::CREATED, Json(Agreed { id, status })))
}

/// Works out the instalments of a plan, and whose limits it needs; agrees to nothing.
#[utoipa::path(post, path = "/api/accounts/{id}/plans/preview", tag = "agreements", params(("id" = AccountId, Path)),
    request_body = PlanTaken, responses((status = 200, body = Preview), Problems))]
async fn preview(
    State(app): State<App>,
    Agent(by): Agent,
    Id(account): Id<AccountId>,
    Body(taken): Body<PlanTaken>,
) -> Result<Json<Preview>> {
    Ok(Json(plan::preview(&app, &by, account, &taken).await?))
}

/// Reads a plan with everything about it.
#[utoipa::path(get, path = "/api/plans/{id}", tag = "agreements", params(("id" = PlanId, Path)),
    responses((status = 200, body = InFull), Problems))]
async fn read(State(app): State<App>, _: Agent, Id(id): Id<PlanId>) -> Result<Json<InFull>> {
    Ok(Json(plan::read(&app, id).await?))
}

/// Approves a plan that somebody else has proposed, within your limits.
#[utoipa::path(post, path = "/api/plans/{id}/approve", tag = "agreements", params(("id" = PlanId, Path)),
    responses((status = 204), Problems))]
async fn approve(State(app): State<App>, Supervisor(by): Supervisor, Id(id): Id<PlanId>) -> Result<StatusCode> {
    plan::approve(&app, &by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Refuses a plan that was proposed.
#[utoipa::path(post, path = "/api/plans/{id}/refuse", tag = "agreements", params(("id" = PlanId, Path)),
    request_body = Said, responses((status = 204), Problems))]
async fn refuse(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Id(id): Id<PlanId>,
    Body(said): Body<Said>,
) -> Result<StatusCode> {
    plan::refuse(&app, &by, id, &said.note).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Goes on with a plan whose later instalments wait; what is missing is added to the last one.
#[utoipa::path(post, path = "/api/plans/{id}/resume", tag = "agreements", params(("id" = PlanId, Path)),
    request_body = Said, responses((status = 204), Problems))]
async fn resume(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Id(id): Id<PlanId>,
    Body(said): Body<Said>,
) -> Result<StatusCode> {
    plan::resume(&app, &by, id, &said.note).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a plan: what is outstanding of it is due again.
#[utoipa::path(post, path = "/api/plans/{id}/end", tag = "agreements", params(("id" = PlanId, Path)),
    request_body = Said, responses((status = 204), Problems))]
async fn end(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Id(id): Id<PlanId>,
    Body(said): Body<Said>,
) -> Result<StatusCode> {
    plan::end(&app, &by, id, &said.note).await?;
    Ok(StatusCode::NO_CONTENT)
}
