//! The persons behind an account, and the ways to reach them.

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    account::{NewPoint, PointKind, change},
    app::App,
    http::{
        auth::Agent,
        extract::{Body, Id},
        problem::{Problems, Result},
    },
    ids::{AccountId, ContactId, ContactPointId},
};

use super::Added;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(add_contact))
        .routes(routes!(add_point))
        .routes(routes!(mark_invalid, mark_valid))
}

/// A person to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewContact {
    /// The person's name, 1 to 120 characters.
    name: String,
    /// `payables`, `approver`, `owner`, `guarantor`, `attorney` …; 1 to 40 characters.
    role: String,
}

/// A way to reach a contact.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewContactPoint {
    /// Whose it is.
    contact: ContactId,
    /// Telephone, email or postal address.
    kind: PointKind,
    /// E.164 for a phone; 1 to 200 characters.
    value: String,
    /// `work`, `mobile`, `home` …; 1 to 20 characters.
    label: String,
}

/// Why a contact point is of no use.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Invalid {
    /// 1 to 200 characters.
    reason: String,
}

/// Adds a person to an account.
#[utoipa::path(post, path = "/api/accounts/{id}/contacts", tag = "accounts", params(("id" = AccountId, Path)),
    request_body = NewContact, responses((status = 201, body = Added<ContactId>), Problems))]
async fn add_contact(
    State(app): State<App>,
    Agent(by): Agent,
    Id(id): Id<AccountId>,
    Body(new): Body<NewContact>,
) -> Result<impl IntoResponse> {
    let id = change::add_contact(&app, by.user, id, &new.name, &new.role).await?;
    Ok((StatusCode::CREATED, Json(Added { id })))
}

/// Adds a phone, email or address; it is tried after those the account has.
#[utoipa::path(post, path = "/api/accounts/{id}/points", tag = "accounts", params(("id" = AccountId, Path)),
    request_body = NewContactPoint, responses((status = 201, body = Added<ContactPointId>), Problems))]
async fn add_point(
    State(app): State<App>,
    Agent(by): Agent,
    Id(id): Id<AccountId>,
    Body(new): Body<NewContactPoint>,
) -> Result<impl IntoResponse> {
    let point = NewPoint { kind: new.kind, value: new.value, label: new.label };
    let id = change::add_point(&app, by.user, id, new.contact, &point).await?;
    Ok((StatusCode::CREATED, Json(Added { id })))
}

/// Marks a contact point as of no use: it is not called any more.
#[utoipa::path(put, path = "/api/points/{id}/invalid", tag = "accounts", params(("id" = ContactPointId, Path)),
    request_body = Invalid, responses((status = 204), Problems))]
async fn mark_invalid(
    State(app): State<App>,
    Agent(by): Agent,
    Id(id): Id<ContactPointId>,
    Body(why): Body<Invalid>,
) -> Result<StatusCode> {
    change::set_point_invalid(&app, by.user, id, Some(&why.reason)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Marks a contact point as usable again.
#[utoipa::path(delete, path = "/api/points/{id}/invalid", tag = "accounts", params(("id" = ContactPointId, Path)),
    responses((status = 204), Problems))]
async fn mark_valid(State(app): State<App>, Agent(by): Agent, Id(id): Id<ContactPointId>) -> Result<StatusCode> {
    change::set_point_invalid(&app, by.user, id, None).await?;
    Ok(StatusCode::NO_CONTENT)
}
