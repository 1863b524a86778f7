//! `/api/payments`: money that comes in one by one, and what becomes of it.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    allocation::Proposal,
    app::App,
    cash::{
        difference,
        receive::{self, Receipt, Received},
        store::{self, payments::AccountPayment},
    },
    error::Error,
    ids::{AccountId, PaymentId},
    ledger::{
        self,
        approval::{self, Request, Submitted},
        limit::{self, Limited},
    },
};

use super::{
    auth::{Agent, Supervisor},
    extract::{Body, Id, Query},
    page::{Page, Paging},
    problem::{Problems, Result},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(record))
        .routes(routes!(preview))
        .routes(routes!(clear))
        .routes(routes!(move_to))
        .routes(routes!(of_account))
}

/// Records a payment and applies it, by the rules, to chosen items, or to none. What is above one's limit waits for the
/// approval of another person.
#[utoipa::path(post, path = "/api/payments", tag = "cash", request_body = Receipt,
    responses((status = 201, body = Received), (status = 202, body = Submitted), Problems))]
async fn record(State(app): State<App>, Agent(by): Agent, Body(receipt): Body<Receipt>) -> Result<Response> {
    let (today, now) = (app.clock.business_date(), app.clock.now());
    let mut tx = app.db.begin().await.map_err(Error::from)?;
    receive::check(&mut tx, &receipt, today).await?;
    let answer = if limit::reaches(&mut tx, by.user, Limited::Payment, receipt.amount).await? {
        let received = receive::receive(&mut tx, &receipt, by.user, today, now).await?;
        (StatusCode::CREATED, Json(received)).into_response()
    } else {
        let waits = approval::submit(&mut tx, &Request::Payment(receipt), by.user, today, now).await?;
        (StatusCode::ACCEPTED, Json(waits)).into_response()
    };
    tx.commit().await.map_err(Error::from)?;
    app.outbox.ring();
    Ok(answer)
}

/// Says what the rules would do with a payment; nothing is recorded.
#[utoipa::path(post, path = "/api/payments/preview", tag = "cash", request_body = Receipt,
    responses((status = 200, body = Proposal), Problems))]
async fn preview(State(app): State<App>, _: Agent, Body(receipt): Body<Receipt>) -> Result<Json<Proposal>> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    Ok(Json(receive::preview(&mut conn, &receipt, app.clock.business_date()).await?))
}

/// Notes that the bank has a payment for good.
#[utoipa::path(post, path = "/api/payments/{id}/clear", tag = "cash", params(("id" = PaymentId, Path)),
    responses((status = 204), Problems))]
async fn clear(State(app): State<App>, Supervisor(by): Supervisor, Id(id): Id<PaymentId>) -> Result<StatusCode> {
    let (today, now) = (app.clock.business_date(), app.clock.now());
    let mut tx = app.db.begin().await.map_err(Error::from)?;
    ledger::clear(&mut tx, id, by.user, today, now).await?;
    tx.commit().await.map_err(Error::from)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Where a payment belongs.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Belongs {
    /// The account.
    account: AccountId,
    /// How that came out, 1 to 500 characters.
    reason: String,
}

/// Moves a payment that was posted to the wrong customer: it is taken back here and recorded there.
#[utoipa::path(post, path = "/api/payments/{id}/move", tag = "cash", params(("id" = PaymentId, Path)),
    request_body = Belongs, responses((status = 200, body = Received), Problems))]
async fn move_to(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Id(id): Id<PaymentId>,
    Body(to): Body<Belongs>,
) -> Result<Json<Received>> {
    let (today, now) = (app.clock.business_date(), app.clock.now());
    let mut tx = app.db.begin().await.map_err(Error::from)?;
    let received = difference::move_payment(&mut tx, id, to.account, &to.reason, by.user, today, now).await?;
    tx.commit().await.map_err(Error::from)?;
    app.outbox.ring();
    Ok(Json(received))
}

/// The payments of an account, the newest first, each with where it went and why.
#[utoipa::path(get, path = "/api/accounts/{id}/payments", tag = "cash", params(("id" = AccountId, Path), Paging),
    responses((status = 200, body = Page<AccountPayment>), Problems))]
async fn of_account(
    State(app): State<App>,
    _: Agent,
    Id(id): Id<AccountId>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<AccountPayment>>> {
    let (limit, before) = (paging.limit()?, paging.after::<PaymentId>()?);
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    let found = store::payments::of_account(&mut conn, id, before, i64::from(limit) + 1).await?;
    Ok(Json(Page::of(found, limit, |payment| payment.id)?))
}
