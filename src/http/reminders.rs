//! `/api/reminders`: ladders, what would go out today and why not, what waits for approval; stops of an account.

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    app::App,
    error::Error,
    ids::AccountId,
    reminder::{self, Listed, NewLadder, NewStop, Stop, run, store},
};

use super::{
    accounts::Added,
    auth::{Agent, Supervisor},
    extract::{Body, Id, Query},
    page::{self, Page, Paging},
    problem::{Problem, Problems, Result},
};

/// Accounts in a preview unless the client asks for another number: each is decided anew.
const MOST_PREVIEWED: u32 = 200;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(ladders, keep))
        .routes(routes!(preview))
        .routes(routes!(list))
        .routes(routes!(approve))
        .routes(routes!(reject))
        .routes(routes!(of_account))
        .routes(routes!(stop))
        .routes(routes!(lift))
}

/// Every ladder.
#[derive(Serialize, ToSchema)]
struct Ladders {
    /// In the order in which an account looks for its own.
    items: Vec<Listed>,
    /// Whether mail can go out at all.
    mail_is_on: bool,
}

/// Which reminders are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    /// `proposed`, `done` or `dropped`; all unless given.
    state: Option<String>,
    /// Where to go on: `next` of the page before. Opaque.
    cursor: Option<String>,
    /// Entries at most, 1 to 200; 50 unless given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// Why a reminder is not sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Reject {
    /// 1 to 200 characters.
    reason: String,
    /// Days for which the account is not reminded, 1 to 90.
    days: u8,
}

/// What became of an approval.
#[derive(Serialize, ToSchema)]
struct Approved {
    /// It went out; `false`: it was not due any more, and was dropped.
    sent: bool,
}

/// The reminders of an account.
#[derive(Serialize, ToSchema)]
struct OfAccount {
    /// What a run would do today.
    outlook: run::Outlook,
    /// The last 50, newest first.
    reminders: Vec<store::Shown>,
    /// Stops, those that are over as well, newest first.
    stops: Vec<Stop>,
}

/// The ladders of reminders.
#[utoipa::path(get, path = "/api/reminders/ladders", tag = "reminders",
    responses((status = 200, body = Ladders), Problems))]
async fn ladders(State(app): State<App>, _: Agent) -> Result<Json<Ladders>> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    Ok(Json(Ladders { items: store::ladders(&mut conn).await?, mail_is_on: app.mail.is_on() }))
}

/// Keeps a ladder, in place of the one of its name. What was sent stays; the next step is the first not yet taken.
#[utoipa::path(put, path = "/api/reminders/ladders", tag = "reminders", request_body = NewLadder,
    responses((status = 200, body = Added<Uuid>), Problems))]
async fn keep(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Body(new): Body<NewLadder>,
) -> Result<Json<Added<Uuid>>> {
    Ok(Json(Added { id: reminder::keep(&app, by.user, &new).await? }))
}

/// What a run would do now, account by account: the step and what it asks for, or why nothing is due. Sends nothing.
#[utoipa::path(get, path = "/api/reminders/preview", tag = "reminders", params(Paging),
    responses((status = 200, body = Page<run::Outlook>), Problems))]
async fn preview(
    State(app): State<App>,
    _: Supervisor,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<run::Outlook>>> {
    let (limit, after) = (paging.limit()?.min(MOST_PREVIEWED), paging.after::<AccountId>()?);
    let found = run::preview(&app, after, i64::from(limit) + 1).await?;
    Ok(Json(Page::of(found, limit, |one| one.account)?))
}

/// Reminders of all accounts, newest first.
#[utoipa::path(get, path = "/api/reminders", tag = "reminders", params(Wanted),
    responses((status = 200, body = Page<store::Shown>), Problems))]
async fn list(State(app): State<App>, _: Supervisor, Query(wanted): Query<Wanted>) -> Result<Json<Page<store::Shown>>> {
    let (limit, before) = (page::limit(wanted.limit)?, page::after::<Uuid>(wanted.cursor.as_deref())?);
    if wanted.state.as_deref().is_some_and(|state| !["proposed", "done", "dropped"].contains(&state)) {
        return Err(Problem::invalid("state", "`proposed`, `done` or `dropped`"));
    }
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    let found = store::list(&mut conn, None, wanted.state.as_deref(), before, i64::from(limit) + 1).await?;
    Ok(Json(Page::of(found, limit, |one| one.id)?))
}

/// Sends a proposed reminder, if it is still due.
#[utoipa::path(post, path = "/api/reminders/{id}/approve", tag = "reminders", params(("id" = Uuid, Path)),
    responses((status = 200, body = Approved), Problems))]
async fn approve(State(app): State<App>, Supervisor(by): Supervisor, Id(id): Id<Uuid>) -> Result<Json<Approved>> {
    Ok(Json(Approved { sent: run::approve(&app, by.user, id).await? }))
}

/// Drops a proposed reminder, and reminds the account of nothing for some days.
#[utoipa::path(post, path = "/api/reminders/{id}/reject", tag = "reminders", params(("id" = Uuid, Path)),
    request_body = Reject, responses((status = 204), Problems))]
async fn reject(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Id(id): Id<Uuid>,
    Body(why): Body<Reject>,
) -> Result<StatusCode> {
    run::reject(&app, by.user, id, &why.reason, why.days).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What was reminded of, what comes next or why nothing does, and what is stopped.
#[utoipa::path(get, path = "/api/accounts/{id}/reminders", tag = "reminders", params(("id" = AccountId, Path)),
    responses((status = 200, body = OfAccount), Problems))]
async fn of_account(State(app): State<App>, _: Agent, Id(id): Id<AccountId>) -> Result<Json<OfAccount>> {
    let outlook = run::preview_of(&app, id).await?;
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    Ok(Json(OfAccount {
        outlook,
        reminders: store::list(&mut conn, Some(id), None, None, 50).await?,
        stops: store::stops(&mut conn, id).await?,
    }))
}

/// Stops or pauses reminders of the account, or of one of its invoices.
#[utoipa::path(post, path = "/api/accounts/{id}/reminder-stops", tag = "reminders", params(("id" = AccountId, Path)),
    request_body = NewStop, responses((status = 201, body = Added<Uuid>), Problems))]
async fn stop(
    State(app): State<App>,
    Agent(by): Agent,
    Id(id): Id<AccountId>,
    Body(new): Body<NewStop>,
) -> Result<impl IntoResponse> {
    let id = reminder::stop(&app, by.user, id, &new).await?;
    Ok((StatusCode::CREATED, Json(Added { id })))
}

/// Lifts a stop.
#[utoipa::path(delete, path = "/api/reminder-stops/{id}", tag = "reminders", params(("id" = Uuid, Path)),
    responses((status = 204), Problems))]
async fn lift(State(app): State<App>, Agent(by): Agent, Id(id): Id<Uuid>) -> Result<StatusCode> {
    reminder::lift(&app, by.user, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
