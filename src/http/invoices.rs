//! `/api/invoices`: lines and enclosures; `/api/payment-terms`: which part of an invoice is due when.

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    account,
    app::App,
    error::Error,
    ids::InvoiceId,
    ledger::{
        invoice::{Attachment, InvoiceLine},
        store::invoices,
        terms::Terms,
    },
};

use super::{
    accounts::Added,
    auth::{Admin, Agent},
    extract::{Body, Id},
    problem::{Problems, Result},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(read)).routes(routes!(enclose)).routes(routes!(terms, set_terms))
}

/// What an invoice says.
#[derive(Serialize, ToSchema)]
struct Contents {
    /// Its lines; none for one that another system issued.
    lines: Vec<InvoiceLine>,
    /// What is enclosed.
    attachments: Vec<Attachment>,
}

/// Reads the lines of an invoice and what is enclosed with it.
#[utoipa::path(get, path = "/api/invoices/{id}", tag = "postings", params(("id" = InvoiceId, Path)),
    responses((status = 200, body = Contents), Problems))]
async fn read(State(app): State<App>, _: Agent, Id(id): Id<InvoiceId>) -> Result<Json<Contents>> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    invoices::must_exist(&mut conn, id).await?;
    let lines = invoices::lines(&mut conn, id).await?;
    Ok(Json(Contents { lines, attachments: invoices::attachments(&mut conn, id).await? }))
}

/// Encloses something that is kept elsewhere: an order, a proof of delivery.
#[utoipa::path(post, path = "/api/invoices/{id}/attachments", tag = "postings", params(("id" = InvoiceId, Path)),
    request_body = Attachment, responses((status = 201, body = Added<Uuid>), Problems))]
async fn enclose(
    State(app): State<App>,
    Agent(by): Agent,
    Id(id): Id<InvoiceId>,
    Body(attachment): Body<Attachment>,
) -> Result<impl IntoResponse> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    let id = invoices::attach(&mut conn, id, &attachment, Some(by.user), app.clock.now()).await?;
    Ok((StatusCode::CREATED, Json(Added { id })))
}

/// Payment terms with their code.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Coded {
    /// 1 to 32 characters.
    code: String,
    /// The terms.
    terms: Terms,
}

/// The payment terms.
#[utoipa::path(get, path = "/api/payment-terms", tag = "postings", responses((status = 200, body = [Coded]), Problems))]
async fn terms(State(app): State<App>, _: Agent) -> Result<Json<Vec<Coded>>> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    let all = invoices::all_terms(&mut conn).await?;
    Ok(Json(all.into_iter().map(|(code, terms)| Coded { code, terms }).collect()))
}

/// Sets payment terms; invoices that were issued by them before stay as they are.
#[utoipa::path(put, path = "/api/payment-terms", tag = "postings", request_body = Coded,
    responses((status = 204), Problems))]
async fn set_terms(State(app): State<App>, Admin(by): Admin, Body(new): Body<Coded>) -> Result<StatusCode> {
    let mut tx = app.db.begin().await.map_err(Error::from)?;
    let was = invoices::set_terms(&mut tx, &new.code, &new.terms).await?;
    let (detail, now) = (json!({ "was": was, "now": new.terms }), app.clock.now());
    account::store::audit_of(&mut tx, by.user, "payment_terms", ("payment_terms", &new.code), detail, now).await?;
    tx.commit().await.map_err(Error::from)?;
    Ok(StatusCode::NO_CONTENT)
}
