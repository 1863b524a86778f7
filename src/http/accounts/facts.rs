//! What staff learn about a debtor: zone, address, kind of party; and who owns the account.

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    account::{
        facts::{self, Address, PartyKind},
        store,
    },
    app::App,
    error::Error,
    http::{
        auth::{Agent, Supervisor},
        extract::{Body, Id},
        problem::{Problems, Result},
    },
    ids::{AccountId, UserId},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(zone))
        .routes(routes!(address))
        .routes(routes!(party_kind))
        .routes(routes!(owner))
        .routes(routes!(owners))
}

/// The zone that a debtor stated.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StatedZone {
    /// An IANA time zone such as `America/Chicago`; `null`: none.
    zone: Option<String>,
}

/// Sets the zone that the debtor stated: the account is called only where it allows it, too.
#[utoipa::path(put, path = "/api/accounts/{id}/zone", tag = "accounts", params(("id" = AccountId, Path)),
    request_body = StatedZone, responses((status = 204), Problems))]
async fn zone(
    State(app): State<App>,
    Agent(by): Agent,
    Id(id): Id<AccountId>,
    Body(StatedZone { zone }): Body<StatedZone>,
) -> Result<StatusCode> {
    facts::set_zone(&app, by.user, id, zone.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sets the address, all of it: zones and jurisdictions of the account's numbers follow.
#[utoipa::path(put, path = "/api/accounts/{id}/address", tag = "accounts", params(("id" = AccountId, Path)),
    request_body = Address, responses((status = 204), Problems))]
async fn address(
    State(app): State<App>,
    Agent(by): Agent,
    Id(id): Id<AccountId>,
    Body(address): Body<Address>,
) -> Result<StatusCode> {
    facts::set_address(&app, by.user, id, &address).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who owes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Owes {
    /// It decides on the law that applies.
    party_kind: PartyKind,
}

/// Sets whether a natural person or a business owes; for supervisors.
#[utoipa::path(put, path = "/api/accounts/{id}/party-kind", tag = "accounts", params(("id" = AccountId, Path)),
    request_body = Owes, responses((status = 204), Problems))]
async fn party_kind(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Id(id): Id<AccountId>,
    Body(Owes { party_kind }): Body<Owes>,
) -> Result<StatusCode> {
    facts::set_party_kind(&app, by.user, id, party_kind).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who owns an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Owns {
    /// An agent who may log in; `null`: nobody.
    owner: Option<UserId>,
}

/// Gives the account to an agent, who gets its answered calls first when ready; for supervisors.
#[utoipa::path(put, path = "/api/accounts/{id}/owner", tag = "accounts", params(("id" = AccountId, Path)),
    request_body = Owns, responses((status = 204), Problems))]
async fn owner(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Id(id): Id<AccountId>,
    Body(Owns { owner }): Body<Owns>,
) -> Result<StatusCode> {
    facts::set_owner(&app, by.user, id, owner).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An agent who may own accounts.
#[derive(Serialize, ToSchema)]
struct PossibleOwner {
    /// The agent.
    id: UserId,
    /// The agent's name.
    name: String,
}

/// The agents who may own accounts, by name; at most 1000.
#[utoipa::path(get, path = "/api/owners", tag = "accounts",
    responses((status = 200, body = Vec<PossibleOwner>), Problems))]
async fn owners(State(app): State<App>, _: Agent) -> Result<Json<Vec<PossibleOwner>>> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    let agents = store::agents(&mut conn).await?;
    Ok(Json(agents.into_iter().map(|(id, name)| PossibleOwner { id, name }).collect()))
}
