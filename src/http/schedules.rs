//! `/api/reports/schedules`: reports that are mailed to management by themselves.

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    ids::ReportScheduleId,
    report::schedule::{self, NewSchedule, Schedule},
};

use super::{
    auth::Supervisor,
    extract::{Body, Id},
    problem::{Problems, Result},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(end))
}

/// The schedules that run.
#[derive(Serialize, ToSchema)]
struct Schedules {
    /// In the order in which they were added; at most 500.
    items: Vec<Schedule>,
}

/// Lists the reports that are mailed by themselves.
#[utoipa::path(get, path = "/api/reports/schedules", tag = "reports",
    responses((status = 200, body = Schedules), Problems))]
async fn list(State(app): State<App>, _: Supervisor) -> Result<Json<Schedules>> {
    Ok(Json(Schedules { items: schedule::list(&app).await? }))
}

/// Has a report mailed by itself from now on.
#[utoipa::path(post, path = "/api/reports/schedules", tag = "reports", request_body = NewSchedule,
    responses((status = 201, body = Schedule), Problems))]
async fn add(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Body(new): Body<NewSchedule>,
) -> Result<impl IntoResponse> {
    Ok((StatusCode::CREATED, Json(schedule::add(&app, &by, new).await?)))
}

/// Ends it.
#[utoipa::path(delete, path = "/api/reports/schedules/{id}", tag = "reports", params(("id" = ReportScheduleId, Path)),
    responses((status = 204), Problems))]
async fn end(State(app): State<App>, Supervisor(by): Supervisor, Id(id): Id<ReportScheduleId>) -> Result<StatusCode> {
    schedule::end(&app, &by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
