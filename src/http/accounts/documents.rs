//! Invoices and statements that go out; who bills for a portfolio, and by which numbers.

use axum::{
    Json,
    extract::State,
    http::{
        StatusCode,
        header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    },
    response::IntoResponse,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    document::{self, Issued, NewInvoice, NumberRange, check::Fault, store},
    error::Error,
    http::{
        auth::{Agent, Supervisor},
        extract::{Body, Id, Query},
        problem::{Problems, Result},
    },
    ids::{AccountId, ContactPointId, InvoiceId, MessageId},
    message::store::{Issuer, issuer},
};

use super::Added;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(check))
        .routes(routes!(issue))
        .routes(routes!(copy, send_copy))
        .routes(routes!(statement, send_statement))
        .routes(routes!(house, set_house))
}

/// What is missing or wrong.
#[derive(Serialize, ToSchema)]
struct Faults {
    /// Each with its field; empty: the invoice can go.
    faults: Vec<Fault>,
}

/// To whom.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Reader {
    /// An e-mail address of the account.
    contact_point: ContactPointId,
}

/// Says everything that an invoice still needs, without issuing it.
#[utoipa::path(post, path = "/api/accounts/{id}/issued-invoices/check", tag = "documents", params(("id" = AccountId, Path)),
    request_body = NewInvoice, responses((status = 200, body = Faults), Problems))]
async fn check(
    State(app): State<App>,
    _: Agent,
    Id(id): Id<AccountId>,
    Body(new): Body<NewInvoice>,
) -> Result<Json<Faults>> {
    Ok(Json(Faults { faults: document::check(&app, id, &new).await? }))
}

/// Issues an invoice: the next number of the portfolio, posted, kept as PDF and mailed, all of it or nothing.
#[utoipa::path(post, path = "/api/accounts/{id}/issued-invoices", tag = "documents", params(("id" = AccountId, Path)),
    request_body = NewInvoice, responses((status = 201, body = Issued), Problems))]
async fn issue(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Id(id): Id<AccountId>,
    Body(new): Body<NewInvoice>,
) -> Result<impl IntoResponse> {
    Ok((StatusCode::CREATED, Json(document::issue(&app, by.user, id, &new).await?)))
}

/// The file of an invoice as it went out.
#[utoipa::path(get, path = "/api/invoices/{id}/file", tag = "documents", params(("id" = InvoiceId, Path)),
    responses((status = 200, description = "A PDF file.", content_type = "application/pdf"), Problems))]
async fn copy(State(app): State<App>, _: Agent, Id(id): Id<InvoiceId>) -> Result<impl IntoResponse> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    let (_, _, file) = store::file(&mut conn, id).await?;
    Ok(pdf("invoice", file))
}

/// Mails the file of an invoice once more.
#[utoipa::path(post, path = "/api/invoices/{id}/file", tag = "documents", params(("id" = InvoiceId, Path)),
    request_body = Reader, responses((status = 201, body = Added<MessageId>), Problems))]
async fn send_copy(
    State(app): State<App>,
    Agent(by): Agent,
    Id(id): Id<InvoiceId>,
    Body(to): Body<Reader>,
) -> Result<impl IntoResponse> {
    let id = document::send_copy(&app, by.user, id, to.contact_point).await?;
    Ok((StatusCode::CREATED, Json(Added { id })))
}

/// The statement of the account as of today.
#[utoipa::path(get, path = "/api/accounts/{id}/statement", tag = "documents", params(("id" = AccountId, Path)),
    responses((status = 200, description = "A PDF file.", content_type = "application/pdf"), Problems))]
async fn statement(State(app): State<App>, _: Agent, Id(id): Id<AccountId>) -> Result<impl IntoResponse> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    Ok(pdf("statement", document::statement(&mut conn, id, app.clock.business_date()).await?))
}

/// Mails the statement of the account.
#[utoipa::path(post, path = "/api/accounts/{id}/statement", tag = "documents", params(("id" = AccountId, Path)),
    request_body = Reader, responses((status = 201, body = Added<MessageId>), Problems))]
async fn send_statement(
    State(app): State<App>,
    Agent(by): Agent,
    Id(id): Id<AccountId>,
    Body(to): Body<Reader>,
) -> Result<impl IntoResponse> {
    let id = document::send_statement(&app, by.user, id, to.contact_point).await?;
    Ok((StatusCode::CREATED, Json(Added { id })))
}

fn pdf(name: &str, file: Vec<u8>) -> impl IntoResponse + use<> {
    let named = format!("inline; filename=\"{name}.pdf\"");
    ([(CONTENT_TYPE, "application/pdf".to_owned()), (CONTENT_DISPOSITION, named)], file)
}

/// Which portfolio.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct OfPortfolio {
    /// The portfolio.
    portfolio: String,
}

/// Who bills for a portfolio, and by which numbers.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct House {
    /// Who writes and bills.
    issuer: Issuer,
    /// The numbers of its invoices.
    numbers: NumberRange,
}

/// Who writes and bills for a portfolio.
#[utoipa::path(get, path = "/api/issuers", tag = "documents", params(OfPortfolio),
    responses((status = 200, body = House), Problems))]
async fn house(State(app): State<App>, _: Agent, Query(of): Query<OfPortfolio>) -> Result<Json<House>> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    Ok(Json(House {
        issuer: issuer(&mut conn, &of.portfolio).await?,
        numbers: store::range(&mut conn, &of.portfolio).await?,
    }))
}

/// Sets who writes and bills for a portfolio; the next number can only rise.
#[utoipa::path(put, path = "/api/issuers", tag = "documents", params(OfPortfolio), request_body = House,
    responses((status = 204), Problems))]
async fn set_house(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Query(of): Query<OfPortfolio>,
    Body(house): Body<House>,
) -> Result<StatusCode> {
    let mut tx = app.db.begin().await.map_err(Error::from)?;
    store::set_issuer(&mut tx, by.user, &of.portfolio, &house.issuer, app.clock.now()).await?;
    store::set_range(&mut tx, &of.portfolio, &house.numbers).await?;
    tx.commit().await.map_err(Error::from)?;
    Ok(StatusCode::NO_CONTENT)
}
