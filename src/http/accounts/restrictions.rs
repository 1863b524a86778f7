//! Wishes not to be called, and holds.

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    account::{DoNotCall, HoldReason, NewHold, change},
    app::App,
    http::{
        auth::{Agent, Supervisor},
        extract::{Body, Id},
        problem::{Problem, Problems, Result},
    },
    ids::{AccountId, PersonId},
    phone::Phone,
};

use super::Added;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(do_not_call))
        .routes(routes!(revoke_do_not_call))
        .routes(routes!(hold))
        .routes(routes!(release))
}

/// A wish not to be called, or its end.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Wish {
    /// Whom it covers.
    scope: Scope,
    /// With scope `number`: one of the account's numbers (E.164).
    #[serde(default)]
    phone: Option<Phone>,
    /// With scope `person`: one of the account's persons.
    #[serde(default)]
    person: Option<PersonId>,
    /// Why, 1 to 200 characters.
    reason: String,
}

/// Whom a wish not to be called covers.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Scope {
    /// One number, whoever has it.
    Number,
    /// One person, at any number and account.
    Person,
    /// Everybody at this account.
    Account,
}

impl Wish {
    fn whom(&self, account: AccountId) -> Result<DoNotCall> {
        let missing = |field| Problem::invalid(field, "is required with this scope");
        Ok(match self.scope {
            Scope::Number => DoNotCall::Number(self.phone.clone().ok_or_else(|| missing("phone"))?),
            Scope::Person => DoNotCall::Person(self.person.ok_or_else(|| missing("person"))?),
            Scope::Account => DoNotCall::Account(account),
        })
    }
}

/// Records a wish not to be called; it counts from now on, in every campaign.
#[utoipa::path(post, path = "/api/accounts/{id}/do-not-call", tag = "accounts", params(("id" = AccountId, Path)),
    request_body = Wish, responses((status = 204), Problems))]
async fn do_not_call(
    State(app): State<App>,
    Agent(by): Agent,
    Id(id): Id<AccountId>,
    Body(wish): Body<Wish>,
) -> Result<StatusCode> {
    change::do_not_call(&app, by.user, id, &wish.whom(id)?, &wish.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a wish not to be called back, because the debtor asked for it.
#[utoipa::path(post, path = "/api/accounts/{id}/do-not-call/revoke", tag = "accounts",
    params(("id" = AccountId, Path)), request_body = Wish, responses((status = 204), Problems))]
async fn revoke_do_not_call(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Id(id): Id<AccountId>,
    Body(wish): Body<Wish>,
) -> Result<StatusCode> {
    change::revoke_do_not_call(&app, by.user, id, &wish.whom(id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A hold to place.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Place {
    /// Reason.
    reason: HoldReason,
    /// At most 4000 characters.
    #[serde(default)]
    note: String,
    /// Until when; absent: until released.
    #[serde(default)]
    until_at: Option<DateTime<Utc>>,
}

/// Puts an account on hold: it is not called.
#[utoipa::path(post, path = "/api/accounts/{id}/holds", tag = "accounts", params(("id" = AccountId, Path)),
    request_body = Place, responses((status = 201, body = Added<Uuid>), Problems))]
async fn hold(
    State(app): State<App>,
    Agent(by): Agent,
    Id(id): Id<AccountId>,
    Body(Place { reason, note, until_at }): Body<Place>,
) -> Result<impl IntoResponse> {
    let hold = NewHold { reason, note, until_at, call: None };
    let id = change::place_hold(&app, by.user, id, &hold).await?;
    Ok((StatusCode::CREATED, Json(Added { id })))
}

/// Ends a hold.
#[utoipa::path(delete, path = "/api/holds/{id}", tag = "accounts", params(("id" = Uuid, Path)),
    responses((status = 204), Problems))]
async fn release(State(app): State<App>, Supervisor(by): Supervisor, Id(id): Id<Uuid>) -> Result<StatusCode> {
    change::release_hold(&app, by.user, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
