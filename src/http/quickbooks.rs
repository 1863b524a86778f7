//! `/api/quickbooks`: the live connection to `QuickBooks Online`. For administrators.

use axum::{
    Json, Router,
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    app::App,
    quickbooks::{self, CALLBACK_PATH, Decision, Granted, Link, Problem, State as WriteState, Status, Write},
};

use super::{
    auth::Admin,
    extract::{Body, Id, Query},
    page::{self, Page},
    problem::{Problems, Result},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(status, disconnect))
        .routes(routes!(connect))
        .routes(routes!(sync))
        .routes(routes!(writes))
        .routes(routes!(decide))
        .routes(routes!(problems))
}

/// Where Intuit sends the administrator back to. The browser brings no session cookie from another site: the state, which is
/// given out once and to administrators only, is the right to connect.
pub(super) fn callback(app: App) -> Router {
    Router::new().route(CALLBACK_PATH, get(come_back)).with_state(app)
}

/// How the connection stands.
#[utoipa::path(get, path = "/api/quickbooks", tag = "quickbooks", responses((status = 200, body = Status), Problems))]
async fn status(State(app): State<App>, _: Admin) -> Result<Json<Status>> {
    Ok(Json(quickbooks::status(&Link::of(&app)).await?))
}

/// Where access is granted.
#[derive(Serialize, ToSchema)]
#[schema(as = QuickBooksPage)]
struct Where {
    /// Intuit's page; open it in the browser within 10 minutes.
    url: String,
}

/// Begins to connect a company.
#[utoipa::path(post, path = "/api/quickbooks/connect", tag = "quickbooks",
    responses((status = 200, body = Where), Problems))]
async fn connect(State(app): State<App>, Admin(by): Admin) -> Result<Json<Where>> {
    Ok(Json(Where { url: quickbooks::begin(&app, &by).await?.into() }))
}

/// Ends the connection; what was read stays.
#[utoipa::path(delete, path = "/api/quickbooks", tag = "quickbooks", responses((status = 204), Problems))]
async fn disconnect(State(app): State<App>, Admin(by): Admin) -> Result<StatusCode> {
    quickbooks::disconnect(&app, &by).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Has what changed read and written now; the status says when it is done.
#[utoipa::path(post, path = "/api/quickbooks/sync", tag = "quickbooks", responses((status = 202), Problems))]
async fn sync(State(app): State<App>, _: Admin) -> Result<StatusCode> {
    quickbooks::hurry(&Link::of(&app)).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Which payments are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    /// In which state; in any unless given.
    state: Option<WriteState>,
    /// Where to go on: `next` of the page before. Opaque.
    cursor: Option<String>,
    /// Entries at most, 1 to 200; 50 unless given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// Payments recorded here and what has become of each there, the newest first.
#[utoipa::path(get, path = "/api/quickbooks/writes", tag = "quickbooks", params(Wanted),
    responses((status = 200, body = Page<Write>), Problems))]
async fn writes(State(app): State<App>, _: Admin, Query(wanted): Query<Wanted>) -> Result<Json<Page<Write>>> {
    let (limit, before) = (page::limit(wanted.limit)?, page::after(wanted.cursor.as_deref())?);
    let found = quickbooks::writes(&Link::of(&app), wanted.state, before, i64::from(limit) + 1).await?;
    Ok(Json(Page::of(found, limit, |write| write.id)?))
}

/// What somebody decides.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = QuickBooksDecided)]
struct Decided {
    /// What is done.
    decision: Decision,
    /// Why, at most 500 characters.
    #[serde(default)]
    note: String,
}

/// Decides about a payment that could not be written there: it is tried again, or set aside.
#[utoipa::path(post, path = "/api/quickbooks/writes/{id}", tag = "quickbooks", params(("id" = Uuid, Path)),
    request_body = Decided, responses((status = 200, body = Write), Problems))]
async fn decide(
    State(app): State<App>,
    Admin(by): Admin,
    Id(id): Id<Uuid>,
    Body(Decided { decision, note }): Body<Decided>,
) -> Result<Json<Write>> {
    Ok(Json(quickbooks::decide(&app, &by, id, decision, &note).await?))
}

/// Objects that could not be taken in.
#[derive(Serialize, ToSchema)]
#[schema(as = QuickBooksProblems)]
struct NotTaken {
    /// By kind and id, at most 200.
    items: Vec<Problem>,
}

/// Lists what was read and could not be taken in, with the reason.
#[utoipa::path(get, path = "/api/quickbooks/problems", tag = "quickbooks",
    responses((status = 200, body = NotTaken), Problems))]
async fn problems(State(app): State<App>, _: Admin) -> Result<Json<NotTaken>> {
    Ok(Json(NotTaken { items: quickbooks::problems(&Link::of(&app)).await? }))
}

async fn come_back(State(app): State<App>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let of = |wanted: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    let (state, code, realm) = (of("state"), of("code"), of("realmId"));
    let said = if of("error").is_empty() {
        match quickbooks::finish(&app, &Granted { state: &state, code: &code, realm: &realm }).await {
            Ok(()) => "connected".to_owned(),
            Err(error) => error.to_string(),
        }
    } else {
        "access was not granted".to_owned()
    };
    let said: String = form_urlencoded::byte_serialize(said.as_bytes()).collect();
    Redirect::to(&format!("/connections?quickbooks={said}")).into_response()
}
