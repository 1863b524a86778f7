//! `/api/periods`: closing months and years, and what came of reopening one.

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    error::Error,
    ids::CloseId,
    period::{
        self, Close, Period, ToClose, Total,
        checklist::{self, Finding},
        difference::{self, Difference},
        store,
    },
};

use super::{
    auth::{Admin, Supervisor},
    extract::{Body, Id, Query},
    problem::{Problem, Problems, Result},
};

/// Closes that a list holds at most.
const MOST: i64 = 200;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, close))
        .routes(routes!(check))
        .routes(routes!(one))
        .routes(routes!(reopen))
        .routes(routes!(what_differs))
}

/// Whose periods are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
struct Of {
    /// Only those of this portfolio.
    portfolio: Option<String>,
}

/// The books of a portfolio.
#[derive(Serialize, ToSchema)]
struct Books {
    /// The portfolio.
    portfolio: String,
    /// The last day through which they are closed; absent: nothing is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    locked_through: Option<NaiveDate>,
}

/// Portfolios, and their closes.
#[derive(Serialize, ToSchema)]
struct Closes {
    /// Every portfolio.
    books: Vec<Books>,
    /// The newest first; at most 200.
    items: Vec<Close>,
}

/// The closes, and through which day the books of each portfolio are closed.
#[utoipa::path(get, path = "/api/periods", tag = "periods", params(Of),
    responses((status = 200, body = Closes), Problems))]
async fn list(State(app): State<App>, _: Supervisor, Query(of): Query<Of>) -> Result<Json<Closes>> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    let portfolios = store::portfolios(&mut conn).await?;
    let books = portfolios.into_iter().map(|(portfolio, locked_through)| Books { portfolio, locked_through }).collect();
    Ok(Json(Closes { books, items: store::list(&mut conn, of.portfolio.as_deref(), MOST).await? }))
}

/// Which period is to be looked at.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// The portfolio.
    portfolio: String,
    /// The month (`2026-02`) or year (`2026`).
    #[param(value_type = String, example = "2026-02")]
    period: Period,
}

/// The check list of a period: what should be done before it is closed.
#[utoipa::path(get, path = "/api/periods/check", tag = "periods", params(Wanted),
    responses((status = 200, body = Vec<Finding>), Problems))]
async fn check(State(app): State<App>, _: Supervisor, Query(wanted): Query<Wanted>) -> Result<Json<Vec<Finding>>> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    let last_day = wanted.period.last_day();
    Ok(Json(checklist::of(&mut conn, &wanted.portfolio, last_day, app.clock.now()).await?))
}

/// Closes a period: nothing gets a business date up to its last day any more, and its figures are kept.
#[utoipa::path(post, path = "/api/periods", tag = "periods", request_body = ToClose,
    responses((status = 201, body = Close), Problems))]
async fn close(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Body(wanted): Body<ToClose>,
) -> Result<impl IntoResponse> {
    Ok((StatusCode::CREATED, Json(period::close(&app, &by, &wanted).await?)))
}

/// A close with its figures.
#[derive(Serialize, ToSchema)]
struct Kept {
    /// The close.
    #[serde(flatten)]
    close: Close,
    /// What the period came to, by currency.
    totals: Vec<Total>,
    /// The figures are those that were sealed.
    intact: bool,
}

/// A close with the figures that were kept, and whether they are intact.
#[utoipa::path(get, path = "/api/periods/{id}", tag = "periods", params(("id" = CloseId, Path)),
    responses((status = 200, body = Kept), Problems))]
async fn one(State(app): State<App>, _: Supervisor, Id(id): Id<CloseId>) -> Result<Json<Kept>> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    let close = store::get(&mut conn, id).await?;
    let totals = store::totals(&mut conn, id).await?;
    Ok(Json(Kept { close, totals, intact: store::is_intact(&mut conn, id).await? }))
}

/// Why a period is reopened.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Reopen {
    /// 1 to 1000 characters.
    reason: String,
}

/// Reopens the period that was closed last. For administrators.
#[utoipa::path(post, path = "/api/periods/{id}/reopen", tag = "periods", params(("id" = CloseId, Path)),
    request_body = Reopen, responses((status = 200, body = Close), Problems))]
async fn reopen(
    State(app): State<App>,
    Admin(by): Admin,
    Id(id): Id<CloseId>,
    Body(Reopen { reason }): Body<Reopen>,
) -> Result<Json<Close>> {
    Ok(Json(period::reopen(&app, &by, id, &reason).await?))
}

/// What came of reopening: every posting and allocation of the period that came later, and the figures before and after.
#[utoipa::path(get, path = "/api/periods/{id}/difference", tag = "periods", params(("id" = CloseId, Path)),
    responses((status = 200, body = Difference), Problems))]
async fn what_differs(State(app): State<App>, _: Supervisor, Id(id): Id<CloseId>) -> Result<Json<Difference>> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    if store::get(&mut conn, id).await?.reopened_at.is_none() {
        return Err(Problem::new(StatusCode::CONFLICT, "the period was never reopened"));
    }
    Ok(Json(difference::of(&mut conn, id).await?))
}
