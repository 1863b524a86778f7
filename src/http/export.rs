//! `/api/export`: what was recorded here, as files that other ledgers take.

use axum::{
    extract::{Path, State},
    http::header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    response::IntoResponse,
};
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    error::Error,
    export::{self, Profile},
};

use super::{
    auth::Supervisor,
    extract::Query,
    problem::{Problems, Result},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(file))
}

/// What is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Recorded on this day at the office, or later.
    since: NaiveDate,
    /// Only of this portfolio.
    portfolio: Option<String>,
}

/// Payments, refunds, promises, notes and adjustments recorded since a day, and those from before that were taken back
/// since, in the form that a system takes.
#[utoipa::path(get, path = "/api/export/{profile}", tag = "export", params(("profile" = Profile, Path), Wanted),
    responses((status = 200, body = String, content_type = "text/plain"), Problems))]
async fn file(
    State(app): State<App>,
    _: Supervisor,
    Path(profile): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<impl IntoResponse> {
    let profile = Profile::from_name(&profile).ok_or(Error::NotFound("profile"))?;
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    let since = app.clock.start_of(wanted.since);
    let text = export::file(&mut conn, profile, since, wanted.portfolio.as_deref()).await?;
    let name = format!("attachment; filename=\"{}-since-{}.{}\"", profile.as_str(), wanted.since, profile.extension());
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, name)], text))
}
