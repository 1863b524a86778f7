//! `/api/agents`: who is at a desk, and what supervisors do to them.

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    agent::{
        self,
        presence::Presence,
        supervise::{self, Forced},
    },
    app::App,
    floor::{self, view::AgentView},
    ids::{CallId, CampaignId, UserId},
};

use super::{
    auth::Supervisor,
    extract::{Body, Id},
    problem::{Problem, Problems, Result},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(force_state))
        .routes(routes!(assign))
        .routes(routes!(listen))
        .routes(routes!(whisper))
        .routes(routes!(barge))
        .routes(routes!(leave))
}

/// The agents who have been at a desk.
#[derive(Serialize, ToSchema)]
struct Agents {
    /// By name; at most 1000.
    items: Vec<AgentView>,
}

/// A state to put an agent into.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewState {
    /// The state.
    state: ForcedState,
    /// With `paused`: why, 1 to 60 characters.
    #[serde(default)]
    reason: Option<String>,
}

/// The states a supervisor may put an agent into.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ForcedState {
    /// Takes calls.
    Ready,
    /// Takes no calls, now or after the present one.
    Paused,
    /// Logged out; the call the agent may be on ends.
    Offline,
}

impl NewState {
    fn forced(self) -> Result<Forced> {
        match (self.state, self.reason) {
            (ForcedState::Ready, None) => Ok(Forced::Ready),
            (ForcedState::Offline, None) => Ok(Forced::Offline),
            (ForcedState::Paused, Some(reason)) => Ok(Forced::Paused { reason }),
            (ForcedState::Paused, None) => Err(Problem::invalid("reason", "is required with this state")),
            (_, Some(_)) => Err(Problem::invalid("reason", "only goes with the state `paused`")),
        }
    }
}

/// The campaign whose calls an agent takes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Assignment {
    /// The campaign; `null`: none.
    campaign: Option<CampaignId>,
}

/// Lists the agents, those who are offline included.
#[utoipa::path(get, path = "/api/agents", tag = "agents", responses((status = 200, body = Agents), Problems))]
async fn list(State(app): State<App>, _: Supervisor) -> Result<Json<Agents>> {
    let items = floor::store::agents(&app.db, None, app.clock.now()).await?.iter().map(AgentView::from).collect();
    Ok(Json(Agents { items }))
}

/// Puts an agent into a state.
#[utoipa::path(put, path = "/api/agents/{id}/state", tag = "agents", params(("id" = UserId, Path)),
    request_body = NewState, responses((status = 200, body = Presence), Problems))]
async fn force_state(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Id(agent): Id<UserId>,
    Body(to): Body<NewState>,
) -> Result<Json<Presence>> {
    Ok(Json(supervise::force_state(&app, &by, agent, to.forced()?).await?))
}

/// Lets an agent take the calls of a campaign.
#[utoipa::path(put, path = "/api/agents/{id}/campaign", tag = "agents", params(("id" = UserId, Path)),
    request_body = Assignment, responses((status = 204), Problems))]
async fn assign(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Id(agent): Id<UserId>,
    Body(assignment): Body<Assignment>,
) -> Result<StatusCode> {
    agent::assign(&app, &by, agent, assignment.campaign).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Calls the supervisor's device into the call, muted.
#[utoipa::path(post, path = "/api/calls/{id}/listen", tag = "agents", params(("id" = CallId, Path)),
    responses((status = 204), Problems))]
async fn listen(State(app): State<App>, Supervisor(by): Supervisor, Id(call): Id<CallId>) -> Result<StatusCode> {
    supervise::listen(&app, &by, call).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// As listen, but the agent hears the supervisor.
#[utoipa::path(post, path = "/api/calls/{id}/whisper", tag = "agents", params(("id" = CallId, Path)),
    responses((status = 204), Problems))]
async fn whisper(State(app): State<App>, Supervisor(by): Supervisor, Id(call): Id<CallId>) -> Result<StatusCode> {
    supervise::whisper(&app, &by, call).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// As listen, but everybody hears the supervisor.
#[utoipa::path(post, path = "/api/calls/{id}/barge", tag = "agents", params(("id" = CallId, Path)),
    responses((status = 204), Problems))]
async fn barge(State(app): State<App>, Supervisor(by): Supervisor, Id(call): Id<CallId>) -> Result<StatusCode> {
    supervise::barge(&app, &by, call).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes the supervisor off the call again.
#[utoipa::path(post, path = "/api/calls/{id}/leave", tag = "agents", params(("id" = CallId, Path)),
    responses((status = 204), Problems))]
async fn leave(State(app): State<App>, Supervisor(by): Supervisor, Id(call): Id<CallId>) -> Result<StatusCode> {
    supervise::leave(&app, &by, call).await?;
    Ok(StatusCode::NO_CONTENT)
}
