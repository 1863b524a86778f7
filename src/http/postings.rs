//! `/api/credit-notes`, `/api/adjustments`, `/api/refunds`, `/api/reversals`: what is posted besides invoices and payments;
//! `/api/allocations` and `/api/unapply`: what it is applied to.
//! What is above the limit of whoever asks waits in `/api/approvals` for another person.

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    error::Error,
    ids::{AccountId, ApprovalId, InstalmentId, UserId},
    ledger::{
        self, Adjustment, CreditNote, Document, Refund, Reversal, Source, Way,
        approval::{self, Approval, ApprovalState, Request, Submitted},
        limit::PostingLimit,
        store::{
            approvals,
            postings::{self, AccountPosting},
        },
    },
};

use super::{
    auth::{Admin, Agent, Supervisor},
    extract::{Body, Id, Query},
    page::{self, Page, Paging},
    problem::{Problem, Problems, Result},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(credit))
        .routes(routes!(adjust))
        .routes(routes!(refund))
        .routes(routes!(reverse))
        .routes(routes!(of_account))
        .routes(routes!(allocate))
        .routes(routes!(take_off))
        .routes(routes!(waiting))
        .routes(routes!(decide))
        .routes(routes!(withdraw))
        .routes(routes!(limits, set_limit))
}

/// Posts within the limit, else keeps the request: 201 or 202.
async fn submit(app: &App, request: Request, by: UserId) -> Result<impl IntoResponse + use<>> {
    let (today, now) = (app.clock.business_date(), app.clock.now());
    let mut tx = app.db.begin().await.map_err(Error::from)?;
    let submitted = approval::submit(&mut tx, &request, by, today, now).await?;
    tx.commit().await.map_err(Error::from)?;
    app.outbox.ring();
    let status = match submitted {
        Submitted::Posted(_) => StatusCode::CREATED,
        Submitted::Waiting(_) => StatusCode::ACCEPTED,
    };
    Ok((status, Json(submitted)))
}

/// Posts a credit note: 201 posted, 202 it waits for an approval.
#[utoipa::path(post, path = "/api/credit-notes", tag = "postings", request_body = CreditNote,
    responses((status = 201, body = Submitted), (status = 202, body = Submitted), Problems))]
async fn credit(State(app): State<App>, Agent(by): Agent, Body(new): Body<CreditNote>) -> Result<impl IntoResponse> {
    submit(&app, Request::CreditNote(new), by.user).await
}

/// Posts an adjustment: 201 posted, 202 it waits for an approval.
#[utoipa::path(post, path = "/api/adjustments", tag = "postings", request_body = Adjustment,
    responses((status = 201, body = Submitted), (status = 202, body = Submitted), Problems))]
async fn adjust(State(app): State<App>, Agent(by): Agent, Body(new): Body<Adjustment>) -> Result<impl IntoResponse> {
    submit(&app, Request::Adjustment(new), by.user).await
}

/// Posts that money was paid back: 201 posted, 202 it waits for an approval.
#[utoipa::path(post, path = "/api/refunds", tag = "postings", request_body = Refund,
    responses((status = 201, body = Submitted), (status = 202, body = Submitted), Problems))]
async fn refund(State(app): State<App>, Agent(by): Agent, Body(new): Body<Refund>) -> Result<impl IntoResponse> {
    submit(&app, Request::Refund(new), by.user).await
}

/// Takes back what was posted: 201 posted, 202 it waits for an approval.
#[utoipa::path(post, path = "/api/reversals", tag = "postings", request_body = Reversal,
    responses((status = 201, body = Submitted), (status = 202, body = Submitted), Problems))]
async fn reverse(State(app): State<App>, Agent(by): Agent, Body(new): Body<Reversal>) -> Result<impl IntoResponse> {
    submit(&app, Request::Reversal(new), by.user).await
}

/// What pays what.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Pays {
    /// The payment or credit note.
    source: Source,
    /// The item.
    instalment: InstalmentId,
    /// Minor units, more than 0.
    minor: i64,
}

/// Applies a part of what is left of a payment or credit note to an item.
#[utoipa::path(post, path = "/api/allocations", tag = "postings", request_body = Pays,
    responses((status = 200, body = Changed), Problems))]
async fn allocate(State(app): State<App>, Supervisor(by): Supervisor, Body(pays): Body<Pays>) -> Result<Json<Changed>> {
    let (today, now) = (app.clock.business_date(), app.clock.now());
    let mut tx = app.db.begin().await.map_err(Error::from)?;
    let way = Way::specified("Chosen by hand.", Some(by.user));
    let account = ledger::apply(&mut tx, pays.source, pays.instalment, pays.minor, &way, today, now).await?;
    tx.commit().await.map_err(Error::from)?;
    app.outbox.ring();
    Ok(Json(Changed { account }))
}

/// What was posted to an account, the newest first.
#[utoipa::path(get, path = "/api/accounts/{id}/postings", tag = "postings", params(("id" = AccountId, Path), Paging),
    responses((status = 200, body = Page<AccountPosting>), Problems))]
async fn of_account(
    State(app): State<App>,
    _: Agent,
    Id(id): Id<AccountId>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<AccountPosting>>> {
    let (limit, before) = (paging.limit()?, paging.after::<i64>()?);
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    let found = postings::of_account(&mut conn, id, before, i64::from(limit) + 1).await?;
    Ok(Json(Page::of(found, limit, |posting| posting.id)?))
}

/// What is taken off.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TakeOff {
    /// The payment or credit note.
    source: Source,
    /// Off which item; off all where it is not given.
    #[serde(default)]
    instalment: Option<InstalmentId>,
}

/// What changed.
#[derive(Serialize, ToSchema)]
struct Changed {
    /// The account whose figures changed.
    account: AccountId,
}

/// Takes a payment or credit note off its items: both sides are as before.
#[utoipa::path(post, path = "/api/unapply", tag = "postings", request_body = TakeOff,
    responses((status = 200, body = Changed), Problems))]
async fn take_off(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Body(off): Body<TakeOff>,
) -> Result<Json<Changed>> {
    let (today, now) = (app.clock.business_date(), app.clock.now());
    let mut tx = app.db.begin().await.map_err(Error::from)?;
    let account = ledger::unapply(&mut tx, off.source, off.instalment, by.user, today, now).await?;
    tx.commit().await.map_err(Error::from)?;
    app.outbox.ring();
    Ok(Json(Changed { account }))
}

/// Which requests are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    /// In which state; all unless given.
    state: Option<ApprovalState>,
    /// Of which account; all unless given.
    account: Option<AccountId>,
    /// Where to go on: `next` of the page before. Opaque.
    cursor: Option<String>,
    /// Entries at most, 1 to 200; 50 unless given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// What waits for an approval, or was decided; the oldest first.
#[utoipa::path(get, path = "/api/approvals", tag = "postings", params(Wanted),
    responses((status = 200, body = Page<Approval>), Problems))]
async fn waiting(State(app): State<App>, _: Agent, Query(wanted): Query<Wanted>) -> Result<Json<Page<Approval>>> {
    let limit = page::limit(wanted.limit)?;
    let after = page::after::<ApprovalId>(wanted.cursor.as_deref())?;
    let of = approvals::Wanted { account: wanted.account, state: wanted.state, after };
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    let found = approvals::list(&mut conn, &of, i64::from(limit) + 1).await?;
    Ok(Json(Page::of(found, limit, |approval| approval.id)?))
}

/// A decision.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ApprovalDecision)]
struct Decision {
    /// Post it, or refuse it.
    approve: bool,
    /// Why, at most 500 characters.
    #[serde(default)]
    note: String,
}

/// What was posted.
#[derive(Serialize, ToSchema)]
struct Decided {
    /// The document; `null` for a refusal or a reversal.
    posted: Option<Document>,
}

/// Decides on a request of somebody else, within one's own limit; approved, it is posted.
#[utoipa::path(post, path = "/api/approvals/{id}", tag = "postings", params(("id" = ApprovalId, Path)),
    request_body = Decision, responses((status = 200, body = Decided), Problems))]
async fn decide(
    State(app): State<App>,
    Agent(by): Agent,
    Id(id): Id<ApprovalId>,
    Body(decision): Body<Decision>,
) -> Result<Json<Decided>> {
    if decision.note.chars().count() > 500 {
        return Err(Problem::invalid("note", "expected at most 500 characters"));
    }
    let (today, now) = (app.clock.business_date(), app.clock.now());
    let mut tx = app.db.begin().await.map_err(Error::from)?;
    let posted = approval::decide(&mut tx, id, decision.approve, &decision.note, by.user, today, now).await?;
    tx.commit().await.map_err(Error::from)?;
    app.outbox.ring();
    Ok(Json(Decided { posted }))
}

/// Takes back what you have asked for.
#[utoipa::path(post, path = "/api/approvals/{id}/withdraw", tag = "postings", params(("id" = ApprovalId, Path)),
    responses((status = 204), Problems))]
async fn withdraw(State(app): State<App>, Agent(by): Agent, Id(id): Id<ApprovalId>) -> Result<StatusCode> {
    let mut tx = app.db.begin().await.map_err(Error::from)?;
    approval::withdraw(&mut tx, id, by.user, app.clock.now()).await?;
    tx.commit().await.map_err(Error::from)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who may post how much.
#[utoipa::path(get, path = "/api/posting-limits", tag = "postings",
    responses((status = 200, body = [PostingLimit]), Problems))]
async fn limits(State(app): State<App>, _: Agent) -> Result<Json<Vec<PostingLimit>>> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    Ok(Json(approvals::limits(&mut conn).await?))
}

/// Sets a limit.
#[utoipa::path(put, path = "/api/posting-limits", tag = "postings", request_body = PostingLimit,
    responses((status = 204), Problems))]
async fn set_limit(State(app): State<App>, Admin(by): Admin, Body(limit): Body<PostingLimit>) -> Result<StatusCode> {
    let mut tx = app.db.begin().await.map_err(Error::from)?;
    approvals::set_limit(&mut tx, &limit, by.user, app.clock.now()).await?;
    tx.commit().await.map_err(Error::from)?;
    Ok(StatusCode::NO_CONTENT)
}
