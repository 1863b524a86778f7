//! `/api/campaigns/{id}/queue`: who is called next and why, who is held out and why.

mod store;

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Path, State},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    app::App,
    campaign, compliance,
    error::Error,
    ids::{AccountId, CampaignId, ContactPointId, DecisionId},
    money::Currency,
    queue::{self, Hold, Lane, Rebuilt, Upcoming, Wait},
};

use super::{
    auth::{Agent, Supervisor},
    extract::{Id, Query},
    page::{Page, Paging},
    problem::{Problem, Problems, Result},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(next))
        .routes(routes!(held))
        .routes(routes!(held_accounts))
        .routes(routes!(refused))
        .routes(routes!(rebuild))
}

/// An entry to come, and whose it is.
#[derive(Serialize, ToSchema)]
struct QueueEntry {
    /// Place and reasons.
    #[serde(flatten)]
    upcoming: Upcoming,
    /// Whose it is.
    #[serde(flatten)]
    debtor: Debtor,
}

/// Whose an entry is.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Debtor {
    /// Customer number.
    number: String,
    /// Debtor's name.
    name: String,
    /// Currency of the amounts.
    currency: Currency,
}

/// How many accounts are where.
#[derive(Serialize, ToSchema)]
struct HeldOut {
    /// Ready entries by lane, closed windows included.
    ready: BTreeMap<Lane, u64>,
    /// Entries that wait for a moment, by why they do.
    waiting: BTreeMap<Wait, u64>,
    /// Accounts that are kept out, by reason.
    held: BTreeMap<Hold, u64>,
    /// Entries lent to a dial attempt right now.
    leased: u64,
}

/// An account that is kept out.
#[derive(Serialize, ToSchema)]
struct HeldAccount {
    /// The account.
    account: AccountId,
    /// Whose it is.
    #[serde(flatten)]
    debtor: Debtor,
}

/// The next entries in the very order in which they will be dialled, each with lane, score, components and window.
#[utoipa::path(get, path = "/api/campaigns/{id}/queue", tag = "queue", params(("id" = CampaignId, Path), Paging),
    responses((status = 200, body = Page<QueueEntry>), Problems))]
async fn next(
    State(app): State<App>,
    _: Agent,
    Id(id): Id<CampaignId>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<QueueEntry>>> {
    let (limit, cursor) = (paging.limit()?, paging.after::<String>()?);
    let page = queue::next(&app, id, cursor.as_deref(), limit as usize).await?;
    let debtors = store::debtors(&app.db, page.items.iter().map(|entry| entry.account)).await?;
    // An account that is gone since has no name to show; it will not be dialled either.
    let items = page.items.into_iter().filter_map(|upcoming| {
        let debtor = debtors.get(&upcoming.account)?.clone();
        Some(QueueEntry { upcoming, debtor })
    });
    Ok(Json(Page::carried_on(items.collect(), page.next.as_ref())?))
}

/// How many accounts are ready, waiting, kept out by each reason, and lent.
#[utoipa::path(get, path = "/api/campaigns/{id}/queue/held", tag = "queue", params(("id" = CampaignId, Path)),
    responses((status = 200, body = HeldOut), Problems))]
async fn held(State(app): State<App>, _: Agent, Id(id): Id<CampaignId>) -> Result<Json<HeldOut>> {
    must_exist(&app, id).await?;
    let (ready, waiting, held, leased) = tokio::try_join!(
        queue::depth(&app, id),
        queue::waiting(&app, id),
        queue::held(&app, id),
        queue::leased(&app, id)
    )?;
    Ok(Json(HeldOut { ready, waiting, held, leased }))
}

/// The accounts that are kept out by a reason.
#[utoipa::path(get, path = "/api/campaigns/{id}/queue/held/{reason}", tag = "queue",
    params(("id" = CampaignId, Path), ("reason" = Hold, Path), Paging),
    responses((status = 200, body = Page<HeldAccount>), Problems))]
async fn held_accounts(
    State(app): State<App>,
    _: Agent,
    Path((id, reason)): Path<(String, String)>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<HeldAccount>>> {
    let id = id.parse::<Uuid>().map(CampaignId).map_err(|_| Problem::invalid("id", "expected a UUID"))?;
    let reason = named(&reason)?;
    let (limit, cursor) = (paging.limit()?, paging.after::<String>()?);
    must_exist(&app, id).await?;
    let page = queue::held_accounts(&app, id, reason, cursor.as_deref(), limit as usize).await?;
    let debtors = store::debtors(&app.db, page.items.iter().copied()).await?;
    let items = page.items.into_iter().filter_map(|account| {
        let debtor = debtors.get(&account)?.clone();
        Some(HeldAccount { account, debtor })
    });
    Ok(Json(Page::carried_on(items.collect(), page.next.as_ref())?))
}

/// A number that the last look refused.
#[derive(Serialize, ToSchema)]
struct RefusedNumber {
    /// Its account.
    account: AccountId,
    /// Whose it is.
    #[serde(flatten)]
    debtor: Debtor,
    /// The number.
    contact_point: ContactPointId,
    /// The rule.
    rule: String,
    /// From when on it is offered again; absent: not before a fact about the account changes.
    next_allowed_at: Option<DateTime<Utc>>,
    /// The receipt, `/api/decisions/{id}`.
    decision: DecisionId,
}

/// The numbers that the last look refused and that are not offered again before their moment, each with rule and receipt.
#[utoipa::path(get, path = "/api/campaigns/{id}/queue/refused", tag = "queue", params(("id" = CampaignId, Path), Paging),
    responses((status = 200, body = Page<RefusedNumber>), Problems))]
async fn refused(
    State(app): State<App>,
    _: Agent,
    Id(id): Id<CampaignId>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<RefusedNumber>>> {
    let (limit, after) = (paging.limit()?, paging.after::<ContactPointId>()?);
    must_exist(&app, id).await?;
    let numbers = {
        let mut conn = app.db.acquire().await.map_err(Error::from)?;
        compliance::store::refused(&mut conn, id, app.clock.now(), after, i64::from(limit) + 1).await?
    };
    let debtors = store::debtors(&app.db, numbers.iter().map(|number| number.account)).await?;
    let items = numbers.into_iter().filter_map(|number| {
        let debtor = debtors.get(&number.account)?.clone();
        let compliance::store::Refused { account, contact_point, decision, rule, next_allowed_at } = number;
        Some(RefusedNumber { account, debtor, contact_point, rule, next_allowed_at, decision })
    });
    Ok(Json(Page::of(items.collect(), limit, |number| number.contact_point)?))
}

/// Builds the queue anew from Postgres.
#[utoipa::path(post, path = "/api/campaigns/{id}/queue/rebuild", tag = "queue", params(("id" = CampaignId, Path)),
    responses((status = 200, body = Rebuilt), Problems))]
async fn rebuild(State(app): State<App>, _: Supervisor, Id(id): Id<CampaignId>) -> Result<Json<Rebuilt>> {
    Ok(Json(queue::rebuild(&app, id).await?))
}

async fn must_exist(app: &App, campaign: CampaignId) -> Result<()> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    campaign::store::get(&mut conn, campaign).await?;
    Ok(())
}

fn named(reason: &str) -> Result<Hold> {
    Hold::ALL.into_iter().find(|hold| hold.as_str() == reason).ok_or_else(|| {
        let known = Hold::ALL.map(Hold::as_str).join(", ");
        Problem::invalid("reason", format!("expected one of {known}"))
    })
}
