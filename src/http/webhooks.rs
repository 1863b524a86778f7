//! `/api/webhooks`: the addresses that are told what happens. For administrators.

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    error::Error,
    ids::{DeliveryId, EndpointId},
    outgoing::{
        self, Endpoint, NewEndpoint,
        store::{self, Delivery},
    },
};

use super::{
    auth::Admin,
    extract::{Body, Id, Query},
    page::{Page, Paging},
    problem::{Problems, Result},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(enable, end))
        .routes(routes!(rotate))
        .routes(routes!(deliveries))
        .routes(routes!(resend))
}

/// The addresses.
#[derive(Serialize, ToSchema)]
struct Endpoints {
    /// In the order in which they were added; at most 50.
    items: Vec<Endpoint>,
}

/// Lists the addresses.
#[utoipa::path(get, path = "/api/webhooks", tag = "webhooks", responses((status = 200, body = Endpoints), Problems))]
async fn list(State(app): State<App>, _: Admin) -> Result<Json<Endpoints>> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    Ok(Json(Endpoints { items: store::list(&mut conn).await? }))
}

/// An address with its secret, which is not shown again.
#[derive(Serialize, ToSchema)]
struct WithSecret {
    /// The address.
    #[serde(flatten)]
    endpoint: Endpoint,
    /// `whsec_…`, for the check of the signatures.
    secret: String,
}

/// Adds an address; the answer holds its secret, which is not shown again.
#[utoipa::path(post, path = "/api/webhooks", tag = "webhooks", request_body = NewEndpoint,
    responses((status = 201, body = WithSecret), Problems))]
async fn add(State(app): State<App>, Admin(by): Admin, Body(new): Body<NewEndpoint>) -> Result<impl IntoResponse> {
    let (endpoint, secret) = outgoing::add(&app, &by, new).await?;
    Ok((StatusCode::CREATED, Json(WithSecret { endpoint, secret: secret.expose_secret().to_owned() })))
}

/// Whether an address is told.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Enable {
    /// It is.
    enabled: bool,
}

/// Tells the address again, or nothing for now.
#[utoipa::path(put, path = "/api/webhooks/{id}", tag = "webhooks", params(("id" = EndpointId, Path)),
    request_body = Enable, responses((status = 200, body = Endpoint), Problems))]
async fn enable(
    State(app): State<App>,
    Admin(by): Admin,
    Id(id): Id<EndpointId>,
    Body(Enable { enabled }): Body<Enable>,
) -> Result<Json<Endpoint>> {
    Ok(Json(outgoing::enable(&app, &by, id, enabled).await?))
}

/// Ends the address for good.
#[utoipa::path(delete, path = "/api/webhooks/{id}", tag = "webhooks", params(("id" = EndpointId, Path)),
    responses((status = 204), Problems))]
async fn end(State(app): State<App>, Admin(by): Admin, Id(id): Id<EndpointId>) -> Result<StatusCode> {
    outgoing::end(&app, &by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A secret, which is not shown again.
#[derive(Serialize, ToSchema)]
struct NewSecret {
    /// `whsec_…`
    secret: String,
}

/// Gives the address a new secret; for 24 hours the old one signs along.
#[utoipa::path(post, path = "/api/webhooks/{id}/secret", tag = "webhooks", params(("id" = EndpointId, Path)),
    responses((status = 200, body = NewSecret), Problems))]
async fn rotate(State(app): State<App>, Admin(by): Admin, Id(id): Id<EndpointId>) -> Result<Json<NewSecret>> {
    let secret = outgoing::rotate(&app, &by, id).await?;
    Ok(Json(NewSecret { secret: secret.expose_secret().to_owned() }))
}

/// What was told to an address and what it answered, the newest first.
#[utoipa::path(get, path = "/api/webhooks/{id}/deliveries", tag = "webhooks", params(("id" = EndpointId, Path), Paging),
    responses((status = 200, body = Page<Delivery>), Problems))]
async fn deliveries(
    State(app): State<App>,
    _: Admin,
    Id(id): Id<EndpointId>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Delivery>>> {
    let (limit, before) = (paging.limit()?, paging.after::<(DateTime<Utc>, DeliveryId)>()?);
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    store::get(&mut conn, id).await?;
    let found = store::deliveries(&mut conn, id, before, i64::from(limit) + 1).await?;
    Ok(Json(Page::of(found, limit, |delivery| (delivery.created_at, delivery.id))?))
}

/// Posts what was told once more, whatever became of it.
#[utoipa::path(post, path = "/api/webhook-deliveries/{id}/resend", tag = "webhooks", params(("id" = DeliveryId, Path)),
    responses((status = 202), Problems))]
async fn resend(State(app): State<App>, Admin(by): Admin, Id(id): Id<DeliveryId>) -> Result<StatusCode> {
    outgoing::resend(&app, &by, id).await?;
    Ok(StatusCode::ACCEPTED)
}
