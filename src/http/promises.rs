//! Promises to pay apart from a call: read, take, take back, allow.

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    disposition::PromiseTaken,
    ids::{AccountId, PromiseId},
    promise::{self, Promise, evaluate::CancelReason},
};

use super::{
    accounts::Added,
    auth::{Agent, Supervisor},
    extract::{Body, Id, Query},
    page::{Page, Paging},
    problem::{Problems, Result},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, take)).routes(routes!(cancel)).routes(routes!(approve))
}

/// The account's promises, newest first.
#[utoipa::path(get, path = "/api/accounts/{id}/promises", tag = "agreements", params(("id" = AccountId, Path), Paging),
    responses((status = 200, body = Page<Promise>), Problems))]
async fn list(
    State(app): State<App>,
    _: Agent,
    Id(id): Id<AccountId>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Promise>>> {
    let (limit, before) = (paging.limit()?, paging.after::<PromiseId>()?);
    let promises = promise::of_account(&app, id, before, i64::from(limit) + 1).await?;
    Ok(Json(Page::of(promises, limit, |promise| promise.id)?))
}

/// Takes a promise that was given otherwise than on a call. The limits of your role count, else an approval.
#[utoipa::path(post, path = "/api/accounts/{id}/promises", tag = "agreements", params(("id" = AccountId, Path)),
    request_body = PromiseTaken, responses((status = 201, body = Added<PromiseId>), Problems))]
async fn take(
    State(app): State<App>,
    Agent(by): Agent,
    Id(id): Id<AccountId>,
    Body(taken): Body<PromiseTaken>,
) -> Result<impl IntoResponse> {
    let id = promise::take_by_hand(&app, &by, id, &taken).await?;
    Ok((StatusCode::CREATED, Json(Added { id })))
}

/// Why a promise is cancelled.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CancelPromise)]
struct Cancel {
    /// Callers may cancel what the debtor has withdrawn; everything else is for supervisors.
    reason: CancelReason,
}

/// Cancels an open promise. One whose time is over was broken, and stays so.
#[utoipa::path(post, path = "/api/promises/{id}/cancel", tag = "agreements", params(("id" = PromiseId, Path)),
    request_body = Cancel, responses((status = 204), Problems))]
async fn cancel(
    State(app): State<App>,
    Agent(by): Agent,
    Id(id): Id<PromiseId>,
    Body(cancel): Body<Cancel>,
) -> Result<StatusCode> {
    promise::cancel(&app, &by, id, cancel.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A promise to allow.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ApprovePromise)]
struct Approve {
    /// At least so much, minor units.
    least_minor: i64,
    /// By this day at the latest.
    last_due_on: NaiveDate,
}

/// Allows a caller one promise on the account that is outside of the caller's limits, within yours; for a day.
#[utoipa::path(post, path = "/api/accounts/{id}/promise-approvals", tag = "agreements",
    params(("id" = AccountId, Path)), request_body = Approve, responses((status = 204), Problems))]
async fn approve(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Id(id): Id<AccountId>,
    Body(Approve { least_minor, last_due_on }): Body<Approve>,
) -> Result<StatusCode> {
    promise::approve(&app, &by, id, least_minor, last_due_on).await?;
    Ok(StatusCode::NO_CONTENT)
}
