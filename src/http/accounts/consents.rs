//! Consent, language, and the history of everything that was wished.

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    account::{Restriction, consent, store},
    app::App,
    error::Error,
    http::{
        auth::Agent,
        extract::{Body, Id},
        problem::{Problems, Result},
    },
    ids::AccountId,
};

/// Entries of a history at most.
const MOST: i64 = 500;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(record)).routes(routes!(language)).routes(routes!(restrictions))
}

/// Records that a debtor gave or withdrew consent. Withdrawn consent to `calls` bars the number from now on; consent to
/// `frequency` lifts the limits of the policies that know it, for as long as they say.
#[utoipa::path(post, path = "/api/accounts/{id}/consents", tag = "accounts", params(("id" = AccountId, Path)),
    request_body = consent::NewConsent, responses((status = 204), Problems))]
async fn record(
    State(app): State<App>,
    Agent(by): Agent,
    Id(id): Id<AccountId>,
    Body(said): Body<consent::NewConsent>,
) -> Result<StatusCode> {
    consent::record(&app, by.user, id, &said).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The language a debtor speaks.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Speaks {
    /// A BCP 47 tag such as `es`; `null`: not known, and so no reason to hold the account.
    language: Option<String>,
}

/// Sets the language: the account is called by campaigns that speak it.
#[utoipa::path(put, path = "/api/accounts/{id}/language", tag = "accounts", params(("id" = AccountId, Path)),
    request_body = Speaks, responses((status = 204), Problems))]
async fn language(
    State(app): State<App>,
    Agent(by): Agent,
    Id(id): Id<AccountId>,
    Body(Speaks { language }): Body<Speaks>,
) -> Result<StatusCode> {
    consent::set_language(&app, by.user, id, language.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What was ever wished.
#[derive(Serialize, ToSchema)]
struct History {
    /// Newest first, up to 500.
    items: Vec<Restriction>,
}

/// Everything that was ever wished, held, consented to or taken back about the account, with who recorded it and when.
#[utoipa::path(get, path = "/api/accounts/{id}/restrictions", tag = "accounts", params(("id" = AccountId, Path)),
    responses((status = 200, body = History), Problems))]
async fn restrictions(State(app): State<App>, _: Agent, Id(id): Id<AccountId>) -> Result<Json<History>> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    store::get(&mut conn, id).await?;
    Ok(Json(History { items: store::restrictions(&mut conn, id, MOST).await? }))
}
