//! `/api/disputes`: what debtors contest, and what departments answer.

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    agreement::{self, DisputeReason},
    app::App,
    disposition::DisputeOpened,
    dispute::{self, Decided, Decision, Dispute, InFull, NewEvidence},
    ids::{AccountId, DisputeId},
};

use super::{
    accounts::Added,
    auth::{Agent, Anybody},
    extract::{Body, Id, Query},
    page::{Page, Paging},
    problem::{Problem, Problems, Result},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, open))
        .routes(routes!(read))
        .routes(routes!(decide))
        .routes(routes!(refer))
        .routes(routes!(upload))
        .routes(routes!(download))
        .routes(routes!(reasons))
}

/// The reasons from which a caller chooses.
#[derive(Serialize, ToSchema)]
struct Reasons {
    /// In the order of the rules.
    items: Vec<DisputeReason>,
}

/// Why debtors contest an item, which department answers, and how soon.
#[utoipa::path(get, path = "/api/dispute-reasons", tag = "agreements",
    responses((status = 200, body = Reasons), Problems))]
async fn reasons(State(app): State<App>, _: Anybody) -> Result<Json<Reasons>> {
    Ok(Json(Reasons { items: agreement::store::rules(&app.db).await?.dispute_reasons }))
}

/// The account's disputes, newest first.
#[utoipa::path(get, path = "/api/accounts/{id}/disputes", tag = "agreements", params(("id" = AccountId, Path), Paging),
    responses((status = 200, body = Page<Dispute>), Problems))]
async fn list(
    State(app): State<App>,
    _: Agent,
    Id(id): Id<AccountId>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Dispute>>> {
    let (limit, before) = (paging.limit()?, paging.after::<DisputeId>()?);
    let disputes = dispute::of_account(&app, id, before, i64::from(limit) + 1).await?;
    Ok(Json(Page::of(disputes, limit, |dispute| dispute.id)?))
}

/// Opens a dispute that was told otherwise than on a call.
#[utoipa::path(post, path = "/api/accounts/{id}/disputes", tag = "agreements", params(("id" = AccountId, Path)),
    request_body = DisputeOpened, responses((status = 201, body = Added<DisputeId>), Problems))]
async fn open(
    State(app): State<App>,
    Agent(by): Agent,
    Id(id): Id<AccountId>,
    Body(opened): Body<DisputeOpened>,
) -> Result<impl IntoResponse> {
    let id = dispute::open_by_hand(&app, &by, id, &opened).await?;
    Ok((StatusCode::CREATED, Json(Added { id })))
}

/// Reads a dispute with everything about it. Comments are with its task.
#[utoipa::path(get, path = "/api/disputes/{id}", tag = "agreements", params(("id" = DisputeId, Path)),
    responses((status = 200, body = InFull), Problems))]
async fn read(State(app): State<App>, Anybody(by): Anybody, Id(id): Id<DisputeId>) -> Result<Json<InFull>> {
    Ok(Json(dispute::read(&app, &by, id).await?))
}

/// What became of a decision.
#[derive(Serialize, ToSchema)]
struct Became {
    /// Closed, or handed to supervision for the credit.
    state: Decided,
}

/// Decides a dispute: valid and partial are credited, the rest is collected again.
#[utoipa::path(post, path = "/api/disputes/{id}/decision", tag = "agreements", params(("id" = DisputeId, Path)),
    request_body = Decision, responses((status = 200, body = Became), Problems))]
async fn decide(
    State(app): State<App>,
    Anybody(by): Anybody,
    Id(id): Id<DisputeId>,
    Body(decision): Body<Decision>,
) -> Result<Json<Became>> {
    Ok(Json(Became { state: dispute::decide(&app, &by, id, &decision).await? }))
}

/// Evidence that is kept elsewhere.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Referred {
    /// 1 to 200 characters.
    name: String,
    /// Where it is: an address, or the id of a document store; 1 to 1000 characters.
    reference: String,
}

/// Adds evidence that is kept elsewhere.
#[utoipa::path(post, path = "/api/disputes/{id}/evidence", tag = "agreements", params(("id" = DisputeId, Path)),
    request_body = Referred, responses((status = 201, body = Added<Uuid>), Problems))]
async fn refer(
    State(app): State<App>,
    Anybody(by): Anybody,
    Id(id): Id<DisputeId>,
    Body(new): Body<Referred>,
) -> Result<impl IntoResponse> {
    let id = dispute::add_evidence(&app, &by, id, &new.name, &NewEvidence::Reference(new.reference)).await?;
    Ok((StatusCode::CREATED, Json(Added { id })))
}

/// Name of a file.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Named {
    /// 1 to 200 characters.
    name: String,
}

/// Adds a file of at most 250,000 bytes as evidence; its media type is the request's.
#[utoipa::path(post, path = "/api/disputes/{id}/files", tag = "agreements", params(("id" = DisputeId, Path), Named),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, body = Added<Uuid>), Problems))]
async fn upload(
    State(app): State<App>,
    Anybody(by): Anybody,
    Id(id): Id<DisputeId>,
    Query(Named { name }): Query<Named>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<impl IntoResponse> {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !(3..=100).contains(&media_type.len()) || !media_type.contains('/') {
        return Err(Problem::invalid("content-type", "the media type of the file, such as application/pdf"));
    }
    let file = NewEvidence::File(media_type.to_owned(), bytes.to_vec());
    let id = dispute::add_evidence(&app, &by, id, &name, &file).await?;
    Ok((StatusCode::CREATED, Json(Added { id })))
}

/// A file that was added as evidence. It is saved, never shown in the page.
#[utoipa::path(get, path = "/api/evidence/{id}", tag = "agreements", params(("id" = Uuid, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), Problems))]
async fn download(State(app): State<App>, Anybody(by): Anybody, Id(id): Id<Uuid>) -> Result<impl IntoResponse> {
    let (_, _, bytes) = dispute::evidence(&app, &by, id).await?;
    // The sender's media type and name are not repeated: a browser could be led to run what it gets.
    let headers = [(header::CONTENT_TYPE, "application/octet-stream"), (header::CONTENT_DISPOSITION, "attachment")];
    Ok((headers, bytes))
}
