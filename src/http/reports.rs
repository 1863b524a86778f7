//! `/api/reports`: figures about the whole portfolio, each as of a day and as known at a moment.

use axum::{
    Json,
    extract::{Path, State},
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
    report::{
        AccountAging, AgingBasis, AgingTotal, AsOf, Receivables,
        aging::Credits,
        buckets::BucketSet,
        catalogue::{self, GroupBy, Params, ReportKind},
        store,
        table::{FileFormat, Table},
    },
};

use super::{
    auth::{Admin, Supervisor},
    extract::{Body, Query},
    page::{self, Page},
    problem::{Problem, Problems, Result},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(aging))
        .routes(routes!(aging_of_accounts))
        .routes(routes!(receivables))
        .routes(routes!(buckets, put_buckets))
        .routes(routes!(table))
        .routes(routes!(file))
}

/// What a report is asked for; each has a default.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
struct Asked {
    /// The day, today unless given.
    as_of: Option<NaiveDate>,
    /// What was recorded later is left out; now unless given.
    known_at: Option<DateTime<Utc>>,
    /// Days of the period that ends on the day, 1 to 366; 90 for receivables, 365 for late payers, else 30.
    #[param(minimum = 1, maximum = 366)]
    days: Option<u16>,
    /// From which date ages are counted; `due` unless given.
    by: AgingBasis,
    /// Name of the set of buckets; `standard` unless given.
    buckets: Option<String>,
    /// Where credits stand in an aging; `apart` unless given.
    credits: Credits,
    /// Only this portfolio.
    portfolio: Option<String>,
    /// What the rows of the activity stand for; `agent` unless given.
    group_by: GroupBy,
    /// For lists: where to go on, `next` of the page before. Opaque.
    cursor: Option<String>,
    /// For lists: entries at most, 1 to 200; 50 unless given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

impl Asked {
    fn params(self) -> Params {
        let Self { as_of, known_at, days, by, buckets, credits, portfolio, group_by, .. } = self;
        let portfolio = portfolio.filter(|name| !name.is_empty());
        Params { as_of, known_at, days, by, buckets, credits, portfolio, group_by }
    }

    /// Refuses a cursor where there are no pages.
    fn whole(self) -> Result<Params> {
        match (&self.cursor, self.limit) {
            (None, None) => Ok(self.params()),
            (Some(_), _) => Err(Problem::invalid("cursor", "there are no pages here")),
            (None, Some(_)) => Err(Problem::invalid("limit", "there are no pages here")),
        }
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
#[utoipa::path(get, path = "/api/reports/aging", tag = "reports", params(Asked),
    responses((status = 200, body = Report<AgingTotal>), Problems))]
async fn aging(State(app): State<App>, _: Supervisor, Query(asked): Query<Asked>) -> Result<Json<Report<AgingTotal>>> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    let wanted = asked.whole()?.wanted(&mut conn, &app).await?;
    Ok(Report::new(wanted.as_of, store::aging_totals(&mut conn, &wanted).await?))
}

/// What each account owes by age. A page costs what its own accounts cost.
#[utoipa::path(get, path = "/api/reports/aging/accounts", tag = "reports", params(Asked),
    responses((status = 200, body = Page<AccountAging>), Problems))]
async fn aging_of_accounts(
    State(app): State<App>,
    _: Supervisor,
    Query(asked): Query<Asked>,
) -> Result<Json<Page<AccountAging>>> {
    let limit = page::limit(asked.limit)?;
    let after = page::after::<AccountId>(asked.cursor.as_deref())?;
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    let wanted = asked.params().wanted(&mut conn, &app).await?;
    let found = store::aging_of_accounts(&mut conn, &wanted, after, limit as usize + 1).await?;
    Ok(Json(Page::of(found, limit, |row| row.account)?))
}

/// How quickly what is sold is paid: DSO, countback DSO, best possible DSO, days delinquent, collection effectiveness.
#[utoipa::path(get, path = "/api/reports/receivables", tag = "reports", params(Asked),
    responses((status = 200, body = Report<Receivables>), Problems))]
async fn receivables(
    State(app): State<App>,
    _: Supervisor,
    Query(asked): Query<Asked>,
) -> Result<Json<Report<Receivables>>> {
    let params = asked.whole()?;
    let (as_of, days) = (params.as_of(&app), params.days(90)?);
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    Ok(Report::new(as_of, store::receivables(&mut conn, as_of, days, params.portfolio.as_deref()).await?))
}

/// The sets of buckets that an aging may be asked for.
#[utoipa::path(get, path = "/api/reports/buckets", tag = "reports",
    responses((status = 200, body = Vec<BucketSet>), Problems))]
async fn buckets(State(app): State<App>, _: Supervisor) -> Result<Json<Vec<BucketSet>>> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    Ok(Json(store::sets::all(&mut conn).await?))
}

/// Adds a set of buckets, or puts it in place of the one of its name.
#[utoipa::path(put, path = "/api/reports/buckets", tag = "reports", request_body = BucketSet,
    responses((status = 200, body = BucketSet), Problems))]
async fn put_buckets(State(app): State<App>, _: Admin, Body(set): Body<BucketSet>) -> Result<Json<BucketSet>> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    store::sets::put(&mut conn, &set).await?;
    Ok(Json(set))
}

/// A report as a table: `aging`, `aging_accounts`, `receivables`, `roll_rates`, `cash_forecast`, `forecast_calibration`,
/// `activity`, `dispute_ageing`, `late_payers`, `abandoned`. A figure is `null` where it is undefined.
#[utoipa::path(get, path = "/api/reports/tables/{report}", tag = "reports",
    params(("report" = ReportKind, Path), Asked), responses((status = 200, body = Table), Problems))]
async fn table(
    State(app): State<App>,
    _: Supervisor,
    Path(report): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Json<Table>> {
    Ok(Json(catalogue::build(&app, kind_of(&report)?, &asked.whole()?).await?))
}

/// A report as a file: its name and `.csv` or `.xlsx`, such as `aging_accounts.xlsx`.
#[utoipa::path(get, path = "/api/reports/files/{file}", tag = "reports",
    params(("file" = String, Path, example = "aging_accounts.xlsx"), Asked),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), Problems))]
async fn file(
    State(app): State<App>,
    _: Supervisor,
    Path(file): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<impl IntoResponse> {
    let (report, format) = file.rsplit_once('.').ok_or(Error::NotFound("report"))?;
    let format = FileFormat::from_name(format).ok_or(Error::NotFound("file format: csv or xlsx"))?;
    let table = catalogue::build(&app, kind_of(report)?, &asked.whole()?).await?;
    let bytes = format.write(&table)?;
    let name = format!("attachment; filename=\"{}-{}.{}\"", table.report, table.as_of, format.as_str());
    Ok(([(CONTENT_TYPE, format.media_type().to_owned()), (CONTENT_DISPOSITION, name)], bytes))
}

fn kind_of(name: &str) -> Result<ReportKind> {
    Ok(ReportKind::from_name(name).ok_or(Error::NotFound("report"))?)
}
