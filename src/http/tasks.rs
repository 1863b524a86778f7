//! `/api/tasks`: what there is to do, for callers and for the other departments; `/api/departments`, `/api/agreements`.

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    agreement::{self, Department},
    app::App,
    escalation::ladder::Ladder,
    ids::{AccountId, TaskId, UserId},
    task::{self, Filter, InFull, Kind, NewTask, Owner, Priority, Task},
};

use super::{
    accounts::Added,
    auth::{Admin, Anybody, Supervisor},
    extract::{Body, Id, Query},
    page::{self, Page},
    problem::{Problem, Problems, Result},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, open))
        .routes(routes!(read))
        .routes(routes!(claim))
        .routes(routes!(release))
        .routes(routes!(comment))
        .routes(routes!(finish))
        .routes(routes!(hand_on))
        .routes(routes!(reopen))
        .routes(routes!(departments))
        .routes(routes!(rules, save_rules))
        .routes(routes!(ladder, save_ladder))
}

/// Which tasks.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    /// Code of a department.
    department: Option<String>,
    /// Only what you have taken yourself.
    mine: bool,
    /// Only about this account.
    #[param(value_type = Option<AccountId>)]
    account: Option<AccountId>,
    /// Only of this kind.
    #[param(inline)]
    kind: Option<Kind>,
    /// `open` unless given; `any`: in every state.
    #[param(value_type = Option<String>)]
    state: Option<String>,
    /// Only what is overdue.
    overdue: bool,
    /// Where to go on: `next` of the page before. Opaque.
    cursor: Option<String>,
    /// Entries at most, 1 to 200; 50 unless given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// A task to open: for a department or for a person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OpenTask)]
struct New {
    /// The account it is about.
    #[serde(default)]
    account: Option<AccountId>,
    /// What is to be done.
    kind: Kind,
    /// 1 to 200 characters.
    subject: String,
    /// Code of the department.
    #[serde(default)]
    department: Option<String>,
    /// The person.
    #[serde(default)]
    user: Option<UserId>,
    /// Today to a year from now.
    due_on: NaiveDate,
    /// `normal` unless given.
    #[serde(default)]
    priority: Priority,
}

/// What was said.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Said {
    /// 1 to 4000 characters.
    note: String,
}

/// Where a task goes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HandOn {
    /// Code of the department.
    #[serde(default)]
    department: Option<String>,
    /// The person.
    #[serde(default)]
    user: Option<UserId>,
    /// Why, 1 to 4000 characters.
    note: String,
}

/// The departments, and who can be given a task in person.
#[derive(Serialize, ToSchema)]
struct Departments {
    /// In the order of the rules.
    departments: Vec<Department>,
    /// By name.
    people: Vec<Colleague>,
}

/// Somebody who can be given a task.
#[derive(Serialize, ToSchema)]
struct Colleague {
    /// The user.
    id: UserId,
    /// Name.
    name: String,
    /// Code of the department.
    department: String,
}

/// The agreement rules.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RulesText {
    /// TOML; `agreements/standard.toml` shows the form.
    text: String,
}

/// Lists tasks, most urgent first. Departments are shown those that they have or have had.
#[utoipa::path(get, path = "/api/tasks", tag = "tasks", params(Wanted),
    responses((status = 200, body = Page<Task>), Problems))]
async fn list(State(app): State<App>, Anybody(by): Anybody, Query(wanted): Query<Wanted>) -> Result<Json<Page<Task>>> {
    let limit = page::limit(wanted.limit)?;
    let after = page::after(wanted.cursor.as_deref())?;
    let state = match wanted.state.as_deref() {
        None => Some(task::State::Open),
        Some("any") => None,
        Some(name) => Some(
            task::State::from_name(name)
                .ok_or_else(|| Problem::invalid("state", "expected open, done, cancelled or any"))?,
        ),
    };
    let filter = Filter {
        department: wanted.department,
        user: wanted.mine.then_some(by.user),
        account: wanted.account,
        kind: wanted.kind,
        overdue: wanted.overdue,
        state,
        ..Filter::default()
    };
    let tasks = task::list(&app, &by, filter, after, i64::from(limit) + 1).await?;
    Ok(Json(Page::of(tasks, limit, |task| (task.priority.rank(), task.due_on, task.id))?))
}

/// Opens a task.
#[utoipa::path(post, path = "/api/tasks", tag = "tasks", request_body = New,
    responses((status = 201, body = Added<TaskId>), Problems))]
async fn open(State(app): State<App>, Anybody(by): Anybody, Body(new): Body<New>) -> Result<impl IntoResponse> {
    let new = NewTask {
        account: new.account,
        kind: new.kind,
        owner: owner(new.department, new.user)?,
        subject: new.subject,
        due_on: new.due_on,
        priority: new.priority,
        source: None,
        by: Some(by.user),
    };
    let id = task::open_by_hand(&app, &by, &new).await?;
    Ok((StatusCode::CREATED, Json(Added { id })))
}

fn owner(department: Option<String>, user: Option<UserId>) -> Result<Owner> {
    match (department, user) {
        (Some(code), None) => Ok(Owner::Department(code)),
        (None, Some(user)) => Ok(Owner::User(user)),
        _ => Err(Problem::invalid("department", "give either `department` or `user`")),
    }
}

/// Reads a task with everything about it.
#[utoipa::path(get, path = "/api/tasks/{id}", tag = "tasks", params(("id" = TaskId, Path)),
    responses((status = 200, body = InFull), Problems))]
async fn read(State(app): State<App>, Anybody(by): Anybody, Id(id): Id<TaskId>) -> Result<Json<InFull>> {
    Ok(Json(task::read(&app, &by, id).await?))
}

/// Takes a task.
#[utoipa::path(post, path = "/api/tasks/{id}/claim", tag = "tasks", params(("id" = TaskId, Path)),
    responses((status = 204), Problems))]
async fn claim(State(app): State<App>, Anybody(by): Anybody, Id(id): Id<TaskId>) -> Result<StatusCode> {
    task::claim(&app, &by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a task back to its department.
#[utoipa::path(post, path = "/api/tasks/{id}/release", tag = "tasks", params(("id" = TaskId, Path)),
    responses((status = 204), Problems))]
async fn release(State(app): State<App>, Anybody(by): Anybody, Id(id): Id<TaskId>) -> Result<StatusCode> {
    task::release(&app, &by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says something about a task.
#[utoipa::path(post, path = "/api/tasks/{id}/comments", tag = "tasks", params(("id" = TaskId, Path)),
    request_body = Said, responses((status = 204), Problems))]
async fn comment(
    State(app): State<App>,
    Anybody(by): Anybody,
    Id(id): Id<TaskId>,
    Body(said): Body<Said>,
) -> Result<StatusCode> {
    task::comment(&app, &by, id, &said.note).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says what was done, and closes a task.
#[utoipa::path(post, path = "/api/tasks/{id}/finish", tag = "tasks", params(("id" = TaskId, Path)),
    request_body = Said, responses((status = 204), Problems))]
async fn finish(
    State(app): State<App>,
    Anybody(by): Anybody,
    Id(id): Id<TaskId>,
    Body(said): Body<Said>,
) -> Result<StatusCode> {
    task::finish(&app, &by, id, &said.note).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a task to another department or person.
#[utoipa::path(post, path = "/api/tasks/{id}/hand-on", tag = "tasks", params(("id" = TaskId, Path)),
    request_body = HandOn, responses((status = 204), Problems))]
async fn hand_on(
    State(app): State<App>,
    Anybody(by): Anybody,
    Id(id): Id<TaskId>,
    Body(to): Body<HandOn>,
) -> Result<StatusCode> {
    task::hand_on(&app, &by, id, &owner(to.department, to.user)?, &to.note).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Opens a task anew.
#[utoipa::path(post, path = "/api/tasks/{id}/reopen", tag = "tasks", params(("id" = TaskId, Path)),
    request_body = Said, responses((status = 204), Problems))]
async fn reopen(
    State(app): State<App>,
    Anybody(by): Anybody,
    Id(id): Id<TaskId>,
    Body(said): Body<Said>,
) -> Result<StatusCode> {
    task::reopen(&app, &by, id, &said.note).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The departments, and who can be given a task in person.
#[utoipa::path(get, path = "/api/departments", tag = "tasks", responses((status = 200, body = Departments), Problems))]
async fn departments(State(app): State<App>, _: Anybody) -> Result<Json<Departments>> {
    let rules = agreement::store::rules(&app.db).await?;
    let people = task::who_may_own(&app).await?.into_iter();
    let people = people.map(|(id, name, department)| Colleague { id, name, department }).collect();
    Ok(Json(Departments { departments: rules.departments, people }))
}

/// The agreement rules in force: departments, calendars, limits.
#[utoipa::path(get, path = "/api/agreements", tag = "tasks", responses((status = 200, body = RulesText), Problems))]
async fn rules(State(app): State<App>, _: Supervisor) -> Result<Json<RulesText>> {
    Ok(Json(RulesText { text: agreement::store::text(&app.db).await? }))
}

/// The escalation ladder in force.
#[utoipa::path(get, path = "/api/agreements/escalation", tag = "tasks",
    responses((status = 200, body = Ladder), Problems))]
async fn ladder(State(app): State<App>, _: Supervisor) -> Result<Json<Ladder>> {
    Ok(Json(agreement::store::rules(&app.db).await?.escalation))
}

/// Puts another escalation ladder in force; the rest of the rules stays as it is written.
#[utoipa::path(put, path = "/api/agreements/escalation", tag = "tasks", request_body = Ladder,
    responses((status = 204), Problems))]
async fn save_ladder(State(app): State<App>, Admin(by): Admin, Body(new): Body<Ladder>) -> Result<StatusCode> {
    agreement::save_ladder(&app, &by, new).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts other agreement rules in force.
#[utoipa::path(put, path = "/api/agreements", tag = "tasks", request_body = RulesText,
    responses((status = 204), Problems))]
async fn save_rules(State(app): State<App>, Admin(by): Admin, Body(new): Body<RulesText>) -> Result<StatusCode> {
    agreement::save(&app, &by, &new.text).await?;
    Ok(StatusCode::NO_CONTENT)
}
