//! `/api/campaigns/{id}/pacing`: why a campaign dials or not, and what another pacer would have made of a day.

use axum::{
    Json,
    extract::State,
    http::header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    response::IntoResponse,
};
use chrono::{NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    campaign,
    dialer::{
        abandoned,
        latest::store::{self as latest, Recorded},
        what_if::{self, Question, WhatIf},
    },
    error::Error,
    ids::CampaignId,
    pacing::{contender::Name, share::Abandoned},
};

use super::{
    auth::Supervisor,
    extract::{Id, Query},
    page::{Page, Paging},
    problem::{Problem, Problems, Result},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(pacing))
        .routes(routes!(decisions))
        .routes(routes!(ledger))
        .routes(routes!(dial_again))
}

/// Why a campaign dials or not, and what it has done with its budget of abandoned calls.
#[derive(Serialize, ToSchema)]
struct Pacing {
    /// Its latest decisions, newest first, at most 50.
    decisions: Vec<Recorded>,
    /// Abandoned calls of the last 24 hours and 30 days, counted from the stored calls.
    #[serde(flatten)]
    abandoned: Abandoned,
}

/// Tells why the campaign dials or not, and its share of abandoned calls.
#[utoipa::path(get, path = "/api/campaigns/{id}/pacing", tag = "campaigns", params(("id" = CampaignId, Path)),
    responses((status = 200, body = Pacing), Problems))]
async fn pacing(State(app): State<App>, _: Supervisor, Id(id): Id<CampaignId>) -> Result<Json<Pacing>> {
    campaign::store::get(&mut *app.db.acquire().await.map_err(Error::from)?, id).await?;
    Ok(Json(Pacing {
        decisions: latest::decisions(&app.db, id, None, 50).await?,
        abandoned: abandoned::shares(&app.db, id, app.clock.now()).await?,
    }))
}

/// The dial decisions of the last 30 days, newest first: what was seen and expected, what was done, and what limited it. One
/// like the one before is recorded every 10 seconds.
#[utoipa::path(get, path = "/api/campaigns/{id}/pacing/decisions", tag = "campaigns",
    params(("id" = CampaignId, Path), Paging), responses((status = 200, body = Page<Recorded>), Problems))]
async fn decisions(
    State(app): State<App>,
    _: Supervisor,
    Id(id): Id<CampaignId>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Recorded>>> {
    let (limit, before) = (paging.limit()?, paging.after()?);
    campaign::store::get(&mut *app.db.acquire().await.map_err(Error::from)?, id).await?;
    let found = latest::decisions(&app.db, id, before, i64::from(limit) + 1).await?;
    Ok(Json(Page::of(found, limit, |one| (one.at, one.id))?))
}

/// How far back.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
struct Window {
    /// The last so many hours, 1 to 720; 24 unless given.
    #[param(minimum = 1, maximum = 720)]
    hours: Option<u16>,
}

/// The ledger of abandoned calls as a CSV file: a row for each answer by a person, with the moments by which it is judged;
/// at most 200,000.
#[utoipa::path(get, path = "/api/campaigns/{id}/abandoned.csv", tag = "campaigns",
    params(("id" = CampaignId, Path), Window),
    responses((status = 200, body = String, content_type = "text/csv"), Problems))]
async fn ledger(
    State(app): State<App>,
    _: Supervisor,
    Id(id): Id<CampaignId>,
    Query(window): Query<Window>,
) -> Result<impl IntoResponse> {
    let hours = window.hours.unwrap_or(24);
    if !(1..=720).contains(&hours) {
        return Err(Problem::invalid("hours", "expected 1 to 720"));
    }
    campaign::store::get(&mut *app.db.acquire().await.map_err(Error::from)?, id).await?;
    let since = app.clock.now() - TimeDelta::hours(hours.into());
    let mut file = csv::Writer::from_writer(Vec::new());
    file.write_record(abandoned::COLUMNS).map_err(Error::internal("writing a file"))?;
    for answer in abandoned::answers(&app.db, id, since).await? {
        file.write_record(answer.cells()).map_err(Error::internal("writing a file"))?;
    }
    let bytes = file.into_inner().map_err(|error| Error::internal("writing a file")(error.to_string()))?;
    let name = format!("attachment; filename=\"abandoned-{hours}h-{}.csv\"", app.clock.business_date());
    Ok(([(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, name)], bytes))
}

/// Which day, and by which pacer.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
struct Again {
    /// The office's day; today, until now, unless given. At most 50,000 recorded calls and 1,000 hours of agents.
    day: Option<NaiveDate>,
    /// Only this pacer: `predictive`, `progressive`, `ratio`, `vicidial_hard`, `vicidial_average`, `vicidial_tapered`,
    /// the same with `_tuned`, `webitel` or `issabel`; all of them unless given.
    pacer: Option<String>,
    /// Lines for each ready agent of `ratio`, in thousandths, 1000 to 5000; the campaign's unless given.
    #[param(minimum = 1000, maximum = 5000)]
    ratio_milli: Option<u32>,
    /// What the record cannot say is drawn by it, 0 to 65535; 1 unless given.
    seed: Option<u16>,
}

/// What if: dials a recorded day again by other pacers, one request at a time. Changes nothing.
#[utoipa::path(get, path = "/api/campaigns/{id}/pacing/what-if", tag = "campaigns",
    params(("id" = CampaignId, Path), Again), responses((status = 200, body = WhatIf), Problems))]
async fn dial_again(
    State(app): State<App>,
    _: Supervisor,
    Id(id): Id<CampaignId>,
    Query(again): Query<Again>,
) -> Result<Json<WhatIf>> {
    let asked = again.question(&app)?;
    let campaign = campaign::store::get(&mut *app.db.acquire().await.map_err(Error::from)?, id).await?;
    Ok(Json(what_if::ask_within_bounds(&app, &campaign, asked).await?))
}

impl Again {
    fn question(&self, app: &App) -> Result<Question> {
        let named = |name: &str| {
            Name::from_name(name).ok_or_else(|| Problem::invalid("pacer", format!("expected one of {}", Name::list())))
        };
        let pacer = self.pacer.as_deref().map(named).transpose()?;
        if self.ratio_milli.is_some_and(|ratio| !(1000..=5000).contains(&ratio)) {
            return Err(Problem::invalid("ratio_milli", "expected 1000 to 5000"));
        }
        let seed = self.seed.unwrap_or(1).into();
        let (day, starts) =
            (self.day.unwrap_or_else(|| app.clock.business_date()), app.config.carrier.calls_per_second);
        Ok(Question { day, pacer, ratio_milli: self.ratio_milli, starts, seed })
    }
}
