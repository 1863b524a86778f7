//! Terms, credit limit, holds of deliveries, reviews; the customer behind the account; the time line.

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    account::{
        store,
        timeline::{Entry, Place},
    },
    app::App,
    credit::{self, Credit, NewParty, NewTerms, PartySummary, Review, rule::Rules},
    error::Error,
    http::{
        auth::{Agent, Supervisor},
        extract::{Body, Id, Query},
        page::{Page, Paging},
        problem::{Problem, Problems, Result},
    },
    ids::AccountId,
};

use super::Added;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(timeline))
        .routes(routes!(read, change))
        .routes(routes!(hold))
        .routes(routes!(release))
        .routes(routes!(review))
        .routes(routes!(party, join_party))
        .routes(routes!(parties))
        .routes(routes!(rules, set_rules))
}

/// Everything that happened with the account, newest first: calls, letters, notes, promises, payments, disputes, holds,
/// consent, tasks, reviews and decisions.
#[utoipa::path(get, path = "/api/accounts/{id}/timeline", tag = "accounts", params(("id" = AccountId, Path), Paging),
    responses((status = 200, body = Page<Entry>), Problems))]
async fn timeline(
    State(app): State<App>,
    _: Agent,
    Id(id): Id<AccountId>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Entry>>> {
    let (limit, before) = (paging.limit()?, paging.after::<Place>()?);
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    store::get(&mut conn, id).await?;
    let entries = store::timeline(&mut conn, id, before.as_ref(), i64::from(limit) + 1).await?;
    Ok(Json(Page::of(entries, limit, |entry| Place(entry.at, entry.key.clone()))?))
}

/// Terms, limit, exposure, holds of deliveries, and the newest review.
#[utoipa::path(get, path = "/api/accounts/{id}/credit", tag = "credit", params(("id" = AccountId, Path)),
    responses((status = 200, body = Credit), Problems))]
async fn read(State(app): State<App>, _: Agent, Id(id): Id<AccountId>) -> Result<Json<Credit>> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    Ok(Json(credit::of(&mut conn, id).await?))
}

/// Changes terms and limit; the holds that the rules then ask for are placed or lifted at once.
#[utoipa::path(patch, path = "/api/accounts/{id}/credit", tag = "credit", params(("id" = AccountId, Path)),
    request_body = NewTerms, responses((status = 204), Problems))]
async fn change(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Id(id): Id<AccountId>,
    Body(new): Body<NewTerms>,
) -> Result<StatusCode> {
    credit::change_terms(&app, by.user, id, &new).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Why deliveries are held.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewCreditHold {
    /// 1 to 200 characters.
    note: String,
}

/// Holds deliveries.
#[utoipa::path(post, path = "/api/accounts/{id}/credit/holds", tag = "credit", params(("id" = AccountId, Path)),
    request_body = NewCreditHold, responses((status = 201, body = Added<Uuid>), Problems))]
async fn hold(
    State(app): State<App>,
    Agent(by): Agent,
    Id(id): Id<AccountId>,
    Body(new): Body<NewCreditHold>,
) -> Result<impl IntoResponse> {
    let id = credit::hold(&app, by.user, id, &new.note).await?;
    Ok((StatusCode::CREATED, Json(Added { id })))
}

/// Until when, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Release {
    /// The last day on which the rules do not place it again; at most 366 days ahead.
    until: NaiveDate,
    /// 1 to 200 characters.
    note: String,
}

/// Releases deliveries until a day.
#[utoipa::path(post, path = "/api/credit-holds/{id}/release", tag = "credit", params(("id" = Uuid, Path)),
    request_body = Release, responses((status = 204), Problems))]
async fn release(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Id(id): Id<Uuid>,
    Body(new): Body<Release>,
) -> Result<StatusCode> {
    credit::release(&app, by.user, id, new.until, &new.note).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Reviews the credit now.
#[utoipa::path(post, path = "/api/accounts/{id}/credit/review", tag = "credit", params(("id" = AccountId, Path)),
    responses((status = 200, body = Review), Problems))]
async fn review(State(app): State<App>, Agent(by): Agent, Id(id): Id<AccountId>) -> Result<Json<Review>> {
    Ok(Json(credit::review(&app, Some(by.user), id).await?))
}

/// Puts the account under a customer, which is made or changed.
#[utoipa::path(put, path = "/api/accounts/{id}/party", tag = "credit", params(("id" = AccountId, Path)),
    request_body = NewParty, responses((status = 200, body = Added<Uuid>), Problems))]
async fn party(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Id(id): Id<AccountId>,
    Body(new): Body<NewParty>,
) -> Result<Json<Added<Uuid>>> {
    Ok(Json(Added { id: credit::set_party(&app, by.user, id, &new).await? }))
}

/// Which customer an account belongs to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Membership {
    /// The customer, which stays as it is; null: none.
    #[serde(deserialize_with = "Option::deserialize")]
    party: Option<Uuid>,
}

/// Puts the account under a customer that is there, or under none.
#[utoipa::path(patch, path = "/api/accounts/{id}/party", tag = "credit", params(("id" = AccountId, Path)),
    request_body = Membership, responses((status = 204), Problems))]
async fn join_party(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Id(id): Id<AccountId>,
    Body(Membership { party }): Body<Membership>,
) -> Result<StatusCode> {
    credit::join_party(&app, by.user, id, party).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which customers.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Named {
    /// How the name begins, in any case; 2 to 100 characters.
    name: String,
}

/// Customers by how their names begin, to put an account under one; at most 20.
#[utoipa::path(get, path = "/api/parties", tag = "credit", params(Named),
    responses((status = 200, body = [PartySummary]), Problems))]
async fn parties(State(app): State<App>, _: Agent, Query(wanted): Query<Named>) -> Result<Json<Vec<PartySummary>>> {
    let name = wanted.name.trim();
    if !(2..=100).contains(&name.chars().count()) {
        return Err(Problem::invalid("name", "2 to 100 characters"));
    }
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    Ok(Json(credit::store::parties(&mut conn, name).await?))
}

/// Whose rules.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
struct OfPortfolio {
    /// The portfolio; absent: those for all that have none of their own.
    portfolio: String,
}

/// The rules for credit holds and reviews.
#[utoipa::path(get, path = "/api/credit-rules", tag = "credit", params(OfPortfolio),
    responses((status = 200, body = Rules), Problems))]
async fn rules(State(app): State<App>, _: Agent, Query(of): Query<OfPortfolio>) -> Result<Json<Rules>> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    Ok(Json(credit::store::rules(&mut conn, &of.portfolio).await?))
}

/// Sets the rules for credit holds and reviews.
#[utoipa::path(put, path = "/api/credit-rules", tag = "credit", params(OfPortfolio), request_body = Rules,
    responses((status = 204), Problems))]
async fn set_rules(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Query(of): Query<OfPortfolio>,
    Body(rules): Body<Rules>,
) -> Result<StatusCode> {
    credit::set_rules(&app, by.user, &of.portfolio, &rules).await?;
    Ok(StatusCode::NO_CONTENT)
}
