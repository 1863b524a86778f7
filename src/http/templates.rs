//! `/api/templates`: the words of letters, in versions; and `/api/bounces`, what comes back.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::IntoResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    error::Error,
    ids::{AccountId, ContactPointId},
    message::{
        bounce, facts,
        library::{self, NewTemplate, Template},
        store,
        template::{self, Rendered, Source},
    },
};

use super::{
    auth::{Agent, Supervisor},
    extract::Body,
    problem::{Problem, Problems, Result},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(versions))
        .routes(routes!(preview))
        .routes(routes!(bounced))
}

/// Every template in use.
#[derive(Serialize, ToSchema)]
struct Templates {
    /// By name.
    items: Vec<store::Listed>,
}

/// Every version of one template.
#[derive(Serialize, ToSchema)]
struct Versions {
    /// Newest first, by language.
    items: Vec<Template>,
}

/// A text to try.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TemplateTrial)]
struct Trial {
    /// The text as it stands.
    source: Source,
    /// Whose facts.
    account: AccountId,
    /// To which of its e-mail addresses.
    contact_point: ContactPointId,
    /// Further facts.
    #[serde(default)]
    #[schema(value_type = Object)]
    facts: Map<String, Value>,
}

/// The templates in use.
#[utoipa::path(get, path = "/api/templates", tag = "messages", responses((status = 200, body = Templates), Problems))]
async fn list(State(app): State<App>, _: Agent) -> Result<Json<Templates>> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    Ok(Json(Templates { items: store::templates(&mut conn).await? }))
}

/// Adds a version of a template, which is used from now on.
#[utoipa::path(post, path = "/api/templates", tag = "messages", request_body = NewTemplate,
    responses((status = 201, body = Template), Problems))]
async fn add(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Body(new): Body<NewTemplate>,
) -> Result<impl IntoResponse> {
    let mut tx = app.db.begin().await.map_err(Error::from)?;
    let template = library::add(&mut tx, by.user, &new, app.clock.now()).await?;
    tx.commit().await.map_err(Error::from)?;
    Ok((StatusCode::CREATED, Json(template)))
}

/// Every version of a template.
#[utoipa::path(get, path = "/api/templates/{name}", tag = "messages", params(("name" = String, Path)),
    responses((status = 200, body = Versions), Problems))]
async fn versions(State(app): State<App>, _: Agent, Path(name): Path<String>) -> Result<Json<Versions>> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    Ok(Json(Versions { items: store::versions(&mut conn, &name).await? }))
}

/// Fills a text in with the facts of a real account, without keeping or sending anything.
#[utoipa::path(post, path = "/api/templates/preview", tag = "messages", request_body = Trial,
    responses((status = 200, body = Rendered), Problems))]
async fn preview(State(app): State<App>, _: Agent, Body(trial): Body<Trial>) -> Result<Json<Rendered>> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    let reader = store::reader(&mut conn, trial.account, trial.contact_point, app.clock.now()).await?;
    let mut known = facts::of(&mut conn, trial.account, &reader, app.clock.business_date()).await?;
    known.extend(trial.facts);
    let rendered = template::render(&trial.source, &Value::Object(known));
    Ok(Json(rendered.map_err(|fault| Problem::invalid(format!("source.{}", fault.field), fault.detail))?))
}

/// Takes a mail that came to the return path, as it came (`message/rfc822`, at most 256 KiB). A delivery report marks the
/// message as bounced, and an address that is dead as of no use; one that was taken before changes nothing.
#[utoipa::path(post, path = "/api/bounces", tag = "messages",
    request_body(content = String, content_type = "message/rfc822"),
    responses((status = 200, body = bounce::Taken), Problems))]
async fn bounced(State(app): State<App>, _: Supervisor, mail: Bytes) -> Result<Json<bounce::Taken>> {
    Ok(Json(bounce::take(&app, &mail).await?))
}
