//! `/api/do-not-call`: the house's own list.

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    account::{house_list, store},
    app::App,
    error::Error,
};

use super::{
    accounts::Added,
    auth::Supervisor,
    extract::{Body, Id, Query},
    page::{Page, Paging},
    problem::{Problems, Result},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(remove))
}

/// Numbers that nobody of the house calls, whichever account has them; those taken off are shown as well. Newest first.
#[utoipa::path(get, path = "/api/do-not-call", tag = "accounts", params(Paging),
    responses((status = 200, body = Page<house_list::Entry>), Problems))]
async fn list(
    State(app): State<App>,
    _: Supervisor,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<house_list::Entry>>> {
    let (limit, after) = (paging.limit()?, paging.after::<Uuid>()?);
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    let entries = store::house_entries(&mut conn, after, i64::from(limit) + 1).await?;
    Ok(Json(Page::of(entries, limit, |entry| entry.id)?))
}

/// A number to bar.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Bar {
    /// E.164, `+` and 7 to 15 digits; or `+`, at least 2 digits and `*` for all that begin so.
    #[schema(example = "+1900*")]
    value: String,
    /// Why, 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    reason: String,
}

/// Puts a number, or all that begin so, on the house's list; it counts from now on, in every campaign and by hand.
#[utoipa::path(post, path = "/api/do-not-call", tag = "accounts", request_body = Bar,
    responses((status = 201, body = Added<Uuid>), Problems))]
async fn add(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Body(Bar { value, reason }): Body<Bar>,
) -> Result<impl IntoResponse> {
    let id = house_list::add(&app, by.user, &value, &reason).await?;
    Ok((StatusCode::CREATED, Json(Added { id })))
}

/// Takes an entry off the house's list.
#[utoipa::path(delete, path = "/api/do-not-call/{id}", tag = "accounts", params(("id" = Uuid, Path)),
    responses((status = 204), Problems))]
async fn remove(State(app): State<App>, Supervisor(by): Supervisor, Id(id): Id<Uuid>) -> Result<StatusCode> {
    house_list::remove(&app, by.user, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
