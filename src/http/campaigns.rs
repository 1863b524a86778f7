//! `/api/campaigns`: whom to call and how. Reading for everybody, steering for supervisors.

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    campaign::{self, Campaign, Mode, NewCampaign, Settings, store},
    error::{Error, Result as UseCase},
    floor,
    ids::CampaignId,
};

use super::{
    auth::{Agent, Supervisor},
    extract::{Body, Id},
    problem::{Problems, Result},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read))
        .routes(routes!(update_settings))
        .routes(routes!(start))
        .routes(routes!(pause))
        .routes(routes!(drain))
        .routes(routes!(set_ratio))
        .routes(routes!(set_mode))
}

/// The campaigns.
#[derive(Serialize, ToSchema)]
struct Campaigns {
    /// By name.
    items: Vec<Campaign>,
}

/// New settings.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewSettings {
    /// Version of the campaign that was changed; another one by now is a conflict.
    version: i64,
    /// All of the settings; what is left out goes back to its default.
    settings: Settings,
}

/// A new ratio.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRatio {
    /// Lines per ready agent in thousandths, 1000 to 5000.
    #[schema(minimum = 1000, maximum = 5000)]
    ratio_milli: u32,
}

/// A new mode.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewMode {
    /// How it dials.
    mode: Mode,
}

/// Lists the campaigns.
#[utoipa::path(get, path = "/api/campaigns", tag = "campaigns", responses((status = 200, body = Campaigns), Problems))]
async fn list(State(app): State<App>, _: Agent) -> Result<Json<Campaigns>> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    Ok(Json(Campaigns { items: store::list(&mut conn).await? }))
}

/// Creates a campaign; it starts paused.
#[utoipa::path(post, path = "/api/campaigns", tag = "campaigns", request_body = NewCampaign,
    responses((status = 201, body = Campaign), Problems))]
async fn create(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Body(new): Body<NewCampaign>,
) -> Result<impl IntoResponse> {
    let created = shown(&app, campaign::create(&app, Some(by.user), new).await).await?;
    Ok((StatusCode::CREATED, created))
}

/// Reads a campaign.
#[utoipa::path(get, path = "/api/campaigns/{id}", tag = "campaigns", params(("id" = CampaignId, Path)),
    responses((status = 200, body = Campaign), Problems))]
async fn read(State(app): State<App>, _: Agent, Id(id): Id<CampaignId>) -> Result<Json<Campaign>> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    Ok(Json(store::get(&mut conn, id).await?))
}

/// Replaces the settings; the queue is built anew.
#[utoipa::path(put, path = "/api/campaigns/{id}/settings", tag = "campaigns", params(("id" = CampaignId, Path)),
    request_body = NewSettings, responses((status = 200, body = Campaign), Problems))]
async fn update_settings(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Id(id): Id<CampaignId>,
    Body(new): Body<NewSettings>,
) -> Result<Json<Campaign>> {
    shown(&app, campaign::update_settings(&app, Some(by.user), id, new.version, new.settings).await).await
}

/// Starts dialling.
#[utoipa::path(post, path = "/api/campaigns/{id}/start", tag = "campaigns", params(("id" = CampaignId, Path)),
    responses((status = 200, body = Campaign), Problems))]
async fn start(State(app): State<App>, Supervisor(by): Supervisor, Id(id): Id<CampaignId>) -> Result<Json<Campaign>> {
    shown(&app, campaign::start(&app, Some(by.user), id).await).await
}

/// Places no new calls; calls in progress go on.
#[utoipa::path(post, path = "/api/campaigns/{id}/pause", tag = "campaigns", params(("id" = CampaignId, Path)),
    responses((status = 200, body = Campaign), Problems))]
async fn pause(State(app): State<App>, Supervisor(by): Supervisor, Id(id): Id<CampaignId>) -> Result<Json<Campaign>> {
    shown(&app, campaign::pause(&app, Some(by.user), id).await).await
}

/// Places no new calls, and pauses when the last call is done.
#[utoipa::path(post, path = "/api/campaigns/{id}/drain", tag = "campaigns", params(("id" = CampaignId, Path)),
    responses((status = 200, body = Campaign), Problems))]
async fn drain(State(app): State<App>, Supervisor(by): Supervisor, Id(id): Id<CampaignId>) -> Result<Json<Campaign>> {
    shown(&app, campaign::drain(&app, Some(by.user), id).await).await
}

/// Sets the lines per ready agent.
#[utoipa::path(put, path = "/api/campaigns/{id}/ratio", tag = "campaigns", params(("id" = CampaignId, Path)),
    request_body = NewRatio, responses((status = 200, body = Campaign), Problems))]
async fn set_ratio(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Id(id): Id<CampaignId>,
    Body(new): Body<NewRatio>,
) -> Result<Json<Campaign>> {
    shown(&app, campaign::set_ratio(&app, Some(by.user), id, new.ratio_milli).await).await
}

/// Sets how the campaign dials.
#[utoipa::path(put, path = "/api/campaigns/{id}/mode", tag = "campaigns", params(("id" = CampaignId, Path)),
    request_body = NewMode, responses((status = 200, body = Campaign), Problems))]
async fn set_mode(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Id(id): Id<CampaignId>,
    Body(new): Body<NewMode>,
) -> Result<Json<Campaign>> {
    shown(&app, campaign::set_mode(&app, Some(by.user), id, new.mode).await).await
}

/// The campaign as it is now, on every supervisor's board as well. The change is made: a board that cannot be told
/// now catches up by itself.
async fn shown(app: &App, changed: UseCase<Campaign>) -> Result<Json<Campaign>> {
    let campaign = changed?;
    if let Err(error) = floor::campaign_changed(app, campaign.id).await {
        tracing::warn!(%error, "the floor could not be told about a campaign");
    }
    Ok(Json(campaign))
}
