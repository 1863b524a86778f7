//! `/api/reports`: figures about the whole portfolio, each as of a day and as known at a moment.

use axum::{
    Json,
    extract::State,
    http::header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    response::IntoResponse,
};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    error::Error,
    ids::AccountId,
    report::{self, AccountAging, AgingBasis, AgingTotal, AsOf, Receivables},
};

use super::{
    auth::Supervisor,
    extract::Query,
    page::{self, Page},
    problem::{Problem, Problems, Result},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(aging))
        .routes(routes!(aging_of_accounts))
        .routes(routes!(aging_file))
        .routes(routes!(receivables))
}

/// Which aging is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
struct OfDay {
    /// The day, today unless given.
    as_of: Option<NaiveDate>,
    /// What was recorded later is left out; now unless given.
    known_at: Option<DateTime<Utc>>,
    /// From which date ages are counted; `due` unless given.
    by: AgingBasis,
}

/// Which part of an aging is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
struct OfAccounts {
    /// The day, today unless given.
    as_of: Option<NaiveDate>,
    /// What was recorded later is left out; now unless given.
    known_at: Option<DateTime<Utc>>,
    /// From which date ages are counted; `due` unless given.
    by: AgingBasis,
    /// Where to go on: `next` of the page before. Opaque.
    cursor: Option<String>,
    /// Entries at most, 1 to 200; 50 unless given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// Which period is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
struct OfPeriod {
    /// Its last day, today unless given.
    as_of: Option<NaiveDate>,
    /// What was recorded later is left out; now unless given.
    known_at: Option<DateTime<Utc>>,
    /// Its days, 1 to 366; 90 unless given.
    #[param(minimum = 1, maximum = 366)]
    days: Option<u16>,
}

fn as_of(app: &App, day: Option<NaiveDate>, known_at: Option<DateTime<Utc>>) -> AsOf {
    AsOf {
        day: day.unwrap_or_else(|| app.clock.business_date()),
        known_at: known_at.unwrap_or_else(|| app.clock.now()),
    }
}

/// A report with what it is of.
#[derive(Serialize, ToSchema)]
struct Report<T> {
    /// The day.
    as_of: NaiveDate,
    /// What was recorded later is left out.
    known_at: DateTime<Utc>,
    /// One for each currency.
    items: Vec<T>,
}

impl<T> Report<T> {
    fn new(as_of: AsOf, items: Vec<T>) -> Json<Self> {
        Json(Self { as_of: as_of.day, known_at: as_of.known_at, items })
    }
}

/// What is owed by age, all accounts together, tied to the control total.
#[utoipa::path(get, path = "/api/reports/aging", tag = "reports", params(OfDay),
    responses((status = 200, body = Report<AgingTotal>), Problems))]
async fn aging(State(app): State<App>, _: Supervisor, Query(wanted): Query<OfDay>) -> Result<Json<Report<AgingTotal>>> {
    let as_of = as_of(&app, wanted.as_of, wanted.known_at);
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    Ok(Report::new(as_of, report::aging_totals(&mut conn, as_of, wanted.by).await?))
}

/// What each account owes by age.
#[utoipa::path(get, path = "/api/reports/aging/accounts", tag = "reports", params(OfAccounts),
    responses((status = 200, body = Page<AccountAging>), Problems))]
async fn aging_of_accounts(
    State(app): State<App>,
    _: Supervisor,
    Query(wanted): Query<OfAccounts>,
) -> Result<Json<Page<AccountAging>>> {
    let limit = page::limit(wanted.limit)?;
    let after = page::after::<AccountId>(wanted.cursor.as_deref())?;
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    let found = report::aging_of_accounts(
        &mut conn,
        as_of(&app, wanted.as_of, wanted.known_at),
        wanted.by,
        after,
        i64::from(limit) + 1,
    )
    .await?;
    Ok(Json(Page::of(found, limit, |row| row.account)?))
}

/// The same as a CSV file, one row an account, amounts as decimals.
#[utoipa::path(get, path = "/api/reports/aging.csv", tag = "reports", params(OfDay),
    responses((status = 200, body = String, content_type = "text/csv"), Problems))]
async fn aging_file(State(app): State<App>, _: Supervisor, Query(wanted): Query<OfDay>) -> Result<impl IntoResponse> {
    let as_of = as_of(&app, wanted.as_of, wanted.known_at);
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    let mut file = csv::Writer::from_writer(Vec::new());
    file.write_record(report::aging::COLUMNS).map_err(Error::internal("writing a file"))?;
    // All at once: every question works the whole aging out anew.
    for row in report::aging_of_accounts(&mut conn, as_of, wanted.by, None, i64::MAX).await? {
        file.write_record(row.cells()).map_err(Error::internal("writing a file"))?;
    }
    let bytes = file.into_inner().map_err(|error| Error::internal("writing a file")(error.to_string()))?;
    let name = format!("attachment; filename=\"aging-{}.csv\"", as_of.day);
    Ok(([(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, name)], bytes))
}

/// How quickly what is sold is paid: DSO, countback DSO, best possible DSO, days delinquent, collection effectiveness.
#[utoipa::path(get, path = "/api/reports/receivables", tag = "reports", params(OfPeriod),
    responses((status = 200, body = Report<Receivables>), Problems))]
async fn receivables(
    State(app): State<App>,
    _: Supervisor,
    Query(wanted): Query<OfPeriod>,
) -> Result<Json<Report<Receivables>>> {
    let days = wanted.days.unwrap_or(90);
    if !(1..=366).contains(&days) {
        return Err(Problem::invalid("days", "expected 1 to 366"));
    }
    let as_of = as_of(&app, wanted.as_of, wanted.known_at);
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    Ok(Report::new(as_of, report::receivables(&mut conn, as_of, days).await?))
}
