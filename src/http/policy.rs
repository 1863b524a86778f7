//! What may be done and why not: `may-contact`, wishes, the waterfall, receipts.

mod packs;

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    account::{self, change},
    agent,
    app::App,
    campaign::{self, Campaign, Mode, Settings},
    compliance::{
        may_contact::{self, MayContact},
        replay::{self, Replayed},
        waterfall::{self, Waterfall},
        wish::Wish,
    },
    error::{Error, Result as UseCase},
    ids::{AccountId, CampaignId, DecisionId, PersonId, UserId},
};

use super::{
    accounts::Added,
    auth::{Agent, Supervisor},
    extract::{Body, Id, Query},
    page::{self, Page},
    problem::{Problem, Problems, Result},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(may_contact))
        .routes(routes!(wish))
        .routes(routes!(revoke_wish))
        .routes(routes!(fall))
        .routes(routes!(behind))
        .routes(routes!(decision))
        .merge(packs::routes())
}

/// For which campaign.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
struct Asked {
    /// As for a call of this campaign. Without it, as for a call by hand: of the campaign you are assigned to, else under
    /// the house's rules.
    #[param(value_type = Option<Uuid>)]
    campaign: Option<CampaignId>,
}

/// Whether the account may be contacted now: each number and address with every rule, its counts, and the next moment.
#[utoipa::path(get, path = "/api/accounts/{id}/may-contact", tag = "policy", params(("id" = AccountId, Path), Asked),
    responses((status = 200, body = MayContact), Problems))]
async fn may_contact(
    State(app): State<App>,
    Agent(by): Agent,
    Id(id): Id<AccountId>,
    Query(asked): Query<Asked>,
) -> Result<Json<MayContact>> {
    let (now, today) = (app.clock.now(), app.clock.business_date());
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    let campaign = match asked.campaign {
        Some(campaign) => campaign::store::get(&mut conn, campaign).await?,
        None => by_hand(&app, &mut conn, by.user).await?,
    };
    Ok(Json(may_contact::ask(&mut conn, &app.policies, &campaign, id, now, today).await?))
}

/// A call that `agent` dials by hand, and waits for.
async fn by_hand(app: &App, conn: &mut PgConnection, agent: UserId) -> UseCase<Campaign> {
    let assigned = agent::store::get(&mut *conn, agent).await?.and_then(|agent| agent.campaign);
    if let Some(campaign) = assigned {
        return Ok(Campaign { mode: Mode::Preview, ..campaign::store::get(conn, campaign).await? });
    }
    Ok(Campaign {
        id: CampaignId(Uuid::nil()),
        name: String::new(),
        state: campaign::State::Paused,
        mode: Mode::Preview,
        ratio_milli: 1000,
        settings: Settings::default(),
        version: 0,
        updated_at: app.clock.now(),
    })
}

/// A time or place at which a debtor does not want to be called.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewWish {
    /// Whose wish; absent: everybody's at the account.
    #[serde(default)]
    person: Option<PersonId>,
    /// What is not wanted.
    wish: Wish,
}

/// Records a time or place at which a debtor does not want to be called; it counts from now on, in every campaign.
#[utoipa::path(post, path = "/api/accounts/{id}/wishes", tag = "policy", params(("id" = AccountId, Path)),
    request_body = NewWish, responses((status = 201, body = Added<Uuid>), Problems))]
async fn wish(
    State(app): State<App>,
    Agent(by): Agent,
    Id(id): Id<AccountId>,
    Body(NewWish { person, wish }): Body<NewWish>,
) -> Result<impl IntoResponse> {
    if let Some((field, detail)) = wish.fault() {
        return Err(Problem::invalid(format!("wish.{field}"), detail));
    }
    let id = change::add_wish(&app, by.user, id, person, &wish).await?;
    Ok((StatusCode::CREATED, Json(Added { id })))
}

/// Takes such a wish back, because the debtor asked for it.
#[utoipa::path(delete, path = "/api/wishes/{id}", tag = "policy", params(("id" = Uuid, Path)),
    responses((status = 204), Problems))]
async fn revoke_wish(State(app): State<App>, Agent(by): Agent, Id(id): Id<Uuid>) -> Result<StatusCode> {
    change::revoke_wish(&app, by.user, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which part of the list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
struct Part {
    /// Where to go on: `next` of the answer before. Opaque.
    cursor: Option<String>,
}

/// A part of the list, step by step.
#[derive(Serialize, ToSchema)]
struct Fallen {
    /// The accounts looked at.
    #[serde(flatten)]
    waterfall: Waterfall,
    /// Give this as `cursor` to look at the rest of the list; absent: this was the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Why is nothing dialling? How many accounts of the list each step and each rule holds out now, and how many are ready;
/// up to 10,000 accounts at once.
#[utoipa::path(get, path = "/api/campaigns/{id}/waterfall", tag = "policy", params(("id" = CampaignId, Path), Part),
    responses((status = 200, body = Fallen), Problems))]
async fn fall(
    State(app): State<App>,
    _: Supervisor,
    Id(id): Id<CampaignId>,
    Query(Part { cursor }): Query<Part>,
) -> Result<Json<Fallen>> {
    let after = page::after(cursor.as_deref())?;
    let campaign = read(&app, id).await?;
    let (waterfall, next) = waterfall::fall(&app, &campaign, after, waterfall::MOST).await?;
    Ok(Json(Fallen { waterfall, next: next.as_ref().map(page::cursor).transpose()? }))
}

/// Which step.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct OfStep {
    /// As the waterfall names it, `held:attorney` or `rule:calling_hours`.
    step: String,
    /// Where to go on: `next` of the answer before. Opaque.
    cursor: Option<String>,
}

/// The accounts that a step of the waterfall holds out, up to 200 of the next 10,000 of the list: a part may be empty
/// though the list goes on.
#[utoipa::path(get, path = "/api/campaigns/{id}/waterfall/accounts", tag = "policy",
    params(("id" = CampaignId, Path), OfStep), responses((status = 200, body = Page<account::Summary>), Problems))]
async fn behind(
    State(app): State<App>,
    _: Supervisor,
    Id(id): Id<CampaignId>,
    Query(OfStep { step, cursor }): Query<OfStep>,
) -> Result<Json<Page<account::Summary>>> {
    if !waterfall::is_step(&step) {
        return Err(Problem::invalid("step", "expected a step of the waterfall, such as `held:attorney`"));
    }
    let after = page::after(cursor.as_deref())?;
    let campaign = read(&app, id).await?;
    let (accounts, next) = waterfall::behind(&app, &campaign, &step, after, waterfall::MOST).await?;
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    let items = account::store::summaries(&mut conn, &accounts).await?;
    Ok(Json(Page::carried_on(items, next.as_ref())?))
}

async fn read(app: &App, id: CampaignId) -> UseCase<Campaign> {
    campaign::store::get(&mut *app.db.acquire().await?, id).await
}

/// The receipt of a verdict: what was asked, what every rule found, and whether the same comes out again.
#[utoipa::path(get, path = "/api/decisions/{id}", tag = "policy", params(("id" = DecisionId, Path)),
    responses((status = 200, body = Replayed), Problems))]
async fn decision(State(app): State<App>, _: Agent, Id(id): Id<DecisionId>) -> Result<Json<Replayed>> {
    Ok(Json(replay::replay(&app.db, id).await?))
}
