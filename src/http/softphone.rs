//! `/api/softphone/token`: lets the agent's browser be its telephone.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{app::App, carrier::token};

use super::{
    auth::Agent,
    problem::{Problems, Result},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(issue))
}

/// A token for the carrier's voice SDK.
#[derive(Serialize, ToSchema)]
struct SoftphoneToken {
    /// The token.
    token: String,
    /// The identity under which the browser is known to the carrier.
    identity: String,
    /// When it ends; ask for another before.
    expires_at: DateTime<Utc>,
}

/// Makes a softphone token for whoever is logged in; 409 where the installation has no softphone.
#[utoipa::path(post, path = "/api/softphone/token", tag = "agents",
    responses((status = 200, body = SoftphoneToken), Problems))]
async fn issue(State(app): State<App>, Agent(by): Agent) -> Result<Json<SoftphoneToken>> {
    let now = app.clock.now();
    let token = token::access_token(&app.config.carrier, by.user, now)?;
    Ok(Json(SoftphoneToken { token, identity: token::identity(by.user), expires_at: now + token::LIFETIME }))
}
