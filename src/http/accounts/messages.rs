//! What is written to an account: letters by hand, and everything that was ever sent.

use axum::{
    Json,
    extract::{Path, State},
    http::{
        StatusCode,
        header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    },
    response::IntoResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    account,
    app::App,
    error::Error,
    http::{
        auth::Agent,
        extract::{Body, Id, Query},
        page::{Page, Paging},
        problem::{Problem, Problems, Result},
    },
    ids::{AccountId, ContactPointId, MessageId, UserId},
    message::{self, NewMessage, Purpose, store, template::Rendered},
};

use super::Added;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, write))
        .routes(routes!(preview))
        .routes(routes!(read))
        .routes(routes!(file))
        .routes(routes!(send_again))
}

/// A letter to write.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Letter {
    /// Name of the template.
    template: String,
    /// The e-mail address, one of the account's.
    contact_point: ContactPointId,
    /// What the template speaks of besides the account's own facts, such as `text` of the template `letter`.
    #[serde(default)]
    #[schema(value_type = Object)]
    facts: Map<String, Value>,
}

impl Letter {
    fn message(self, app: &App, account: AccountId, by: UserId) -> NewMessage {
        NewMessage {
            account,
            contact_point: self.contact_point,
            purpose: Purpose::Letter,
            template: self.template,
            facts: self.facts,
            attachments: Vec::new(),
            today: app.clock.business_date(),
            by: Some(by),
        }
    }
}

/// Everything that was written to the account, newest first, with what became of it.
#[utoipa::path(get, path = "/api/accounts/{id}/messages", tag = "messages", params(("id" = AccountId, Path), Paging),
    responses((status = 200, body = Page<store::Summary>), Problems))]
async fn list(
    State(app): State<App>,
    _: Agent,
    Id(id): Id<AccountId>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<store::Summary>>> {
    let (limit, before) = (paging.limit()?, paging.after::<MessageId>()?);
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    account::store::get(&mut conn, id).await?;
    let messages = store::of_account(&mut conn, id, before, i64::from(limit) + 1).await?;
    Ok(Json(Page::of(messages, limit, |message| message.id)?))
}

/// Writes a letter by e-mail. Nobody is written to who opted out, whose address is dead, or whose hold forbids it.
#[utoipa::path(post, path = "/api/accounts/{id}/messages", tag = "messages", params(("id" = AccountId, Path)),
    request_body = Letter, responses((status = 201, body = Added<MessageId>), Problems))]
async fn write(
    State(app): State<App>,
    Agent(by): Agent,
    Id(id): Id<AccountId>,
    Body(letter): Body<Letter>,
) -> Result<impl IntoResponse> {
    let mut tx = app.db.begin().await.map_err(Error::from)?;
    let id = message::send(&mut tx, &letter.message(&app, id, by.user), app.clock.now()).await?;
    tx.commit().await.map_err(Error::from)?;
    app.outbox.ring();
    Ok((StatusCode::CREATED, Json(Added { id })))
}

/// Shows the letter as it would be written, with the account's facts of this moment.
#[utoipa::path(post, path = "/api/accounts/{id}/messages/preview", tag = "messages", params(("id" = AccountId, Path)),
    request_body = Letter, responses((status = 200, body = Rendered), Problems))]
async fn preview(
    State(app): State<App>,
    Agent(by): Agent,
    Id(id): Id<AccountId>,
    Body(letter): Body<Letter>,
) -> Result<Json<Rendered>> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    Ok(Json(message::preview(&mut conn, &letter.message(&app, id, by.user), app.clock.now()).await?))
}

/// A message word for word, with everything that became of it.
#[utoipa::path(get, path = "/api/messages/{id}", tag = "messages", params(("id" = MessageId, Path)),
    responses((status = 200, body = store::Full), Problems))]
async fn read(State(app): State<App>, _: Agent, Id(id): Id<MessageId>) -> Result<Json<store::Full>> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    Ok(Json(store::get(&mut conn, id).await?))
}

/// A file that went with a message, by its place from 0.
#[utoipa::path(get, path = "/api/messages/{id}/files/{position}", tag = "messages",
    params(("id" = MessageId, Path), ("position" = i16, Path)),
    responses((status = 200, description = "The file.", content_type = "application/octet-stream"), Problems))]
async fn file(
    State(app): State<App>,
    _: Agent,
    place: Result<Path<(MessageId, i16)>, axum::extract::rejection::PathRejection>,
) -> Result<impl IntoResponse> {
    let Path((id, position)) = place.map_err(|_| Problem::invalid("id", "expected a UUID and a number from 0"))?;
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    let file = store::attachment(&mut conn, id, position).await?;
    let named = format!("inline; filename=\"{}\"", file.file_name.replace(|c: char| !c.is_ascii() || c == '"', "_"));
    Ok(([(CONTENT_TYPE, file.media_type), (CONTENT_DISPOSITION, named)], file.bytes))
}

/// What was asked for.
#[derive(Serialize, ToSchema)]
struct Queued {
    /// `queued`.
    state: message::State,
}

/// Has a message mailed that failed, or was not sent.
#[utoipa::path(post, path = "/api/messages/{id}/send-again", tag = "messages", params(("id" = MessageId, Path)),
    responses((status = 202, body = Queued), Problems))]
async fn send_again(State(app): State<App>, _: Agent, Id(id): Id<MessageId>) -> Result<impl IntoResponse> {
    let mut tx = app.db.begin().await.map_err(Error::from)?;
    message::send_again(&mut tx, id, app.clock.now()).await?;
    tx.commit().await.map_err(Error::from)?;
    app.outbox.ring();
    Ok((StatusCode::ACCEPTED, Json(Queued { state: message::State::Queued })))
}
