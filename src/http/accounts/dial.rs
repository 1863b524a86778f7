//! Calling by hand.

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    agent::Role,
    app::App,
    dialer,
    error::Error,
    http::{
        auth::Agent,
        extract::{Body, Id},
        problem::{Problems, Result},
    },
    ids::{AccountId, CallId, CampaignId, ContactPointId},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(dial))
}

/// A number to call.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Dial {
    /// One of the account's numbers.
    contact_point: ContactPointId,
    /// The campaign the call is made for: its numbers to call from, its hours and limits. Absent: the one you are
    /// assigned to. Only supervisors name one: another campaign may keep to other limits.
    #[serde(default)]
    campaign: Option<CampaignId>,
}

/// A call that is being placed.
#[derive(Serialize, ToSchema)]
struct Dialed {
    /// The call.
    call: CallId,
}

/// Calls a number of the account by hand. You have to be at your desk, ready or paused. Every rule is asked as for the
/// dialer's own calls: a refusal (409) carries `refusal` with the rule, its source, and the next allowed moment.
#[utoipa::path(post, path = "/api/accounts/{id}/dial", tag = "calls", params(("id" = AccountId, Path)),
    request_body = Dial, responses((status = 201, body = Dialed), Problems))]
async fn dial(
    State(app): State<App>,
    Agent(by): Agent,
    Id(id): Id<AccountId>,
    Body(wanted): Body<Dial>,
) -> Result<impl IntoResponse> {
    if wanted.campaign.is_some() && by.role < Role::Supervisor {
        return Err(Error::Forbidden.into());
    }
    let call = dialer::by_hand::dial(&app, by.user, id, wanted.contact_point, wanted.campaign).await?;
    tracing::Span::current().record("call", tracing::field::display(call));
    Ok((StatusCode::CREATED, Json(Dialed { call })))
}
