//! `/api/accounts`: the debtors. Reading here; what changes them in the files below.

mod consents;
mod contacts;
mod credit;
mod dial;
mod documents;
mod facts;
mod messages;
mod restrictions;

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    account::{Account, AccountHold, Contact, Note, PastCall, Search, Summary, change, store},
    app::App,
    cash::{self, lines::BankLine},
    error::Error,
    ids::{AccountId, CallId, NoteId},
    ledger::{self, Aging, Figures, OpenItem},
    phone::Phone,
};

use super::{
    auth::Agent,
    extract::{Body, Id, Query},
    page::{self, Page, Paging},
    problem::{Problem, Problems, Result},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(search))
        .routes(routes!(read))
        .routes(routes!(calls))
        .routes(routes!(notes, add_note))
        .merge(contacts::routes())
        .merge(consents::routes())
        .merge(dial::routes())
        .merge(credit::routes())
        .merge(documents::routes())
        .merge(facts::routes())
        .merge(messages::routes())
        .merge(restrictions::routes())
}

/// What to look for; at most one of `number`, `name` and `phone`.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    /// The account number, in full.
    number: Option<String>,
    /// How the name begins, in any case; 2 to 100 characters.
    name: Option<String>,
    /// A telephone number of one of its contacts (E.164).
    #[param(value_type = Option<String>)]
    phone: Option<Phone>,
    /// Where to go on: `next` of the page before. Opaque.
    cursor: Option<String>,
    /// Entries at most, 1 to 200; 50 unless given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// An account with everything about it that is short.
#[derive(Serialize, ToSchema)]
struct Everything {
    /// The account.
    account: Account,
    /// Its figures; `null` for an account nothing was ever posted to.
    figures: Option<Figures>,
    /// Money on the bank that is not booked and may be the account's: look before you call.
    possible_cash: Vec<BankLine>,
    /// Open minor units by days past due: current, 1–30, 31–60, 61–90, 91–120, over 120.
    aging: Aging,
    /// Its open items, oldest due date first.
    open_items: Vec<OpenItem>,
    /// The persons behind it, and how to reach them.
    contacts: Vec<Contact>,
    /// Reasons not to contact it at all that stand now.
    holds: Vec<AccountHold>,
}

/// A note to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewNote {
    /// 1 to 4000 characters.
    #[schema(min_length = 1, max_length = 4000)]
    body: String,
}

/// The id of what was added.
#[derive(Serialize, ToSchema)]
pub(super) struct Added<T> {
    /// The id.
    pub(super) id: T,
}

/// Searches the accounts.
#[utoipa::path(get, path = "/api/accounts", tag = "accounts", params(Wanted),
    responses((status = 200, body = Page<Summary>), Problems))]
async fn search(State(app): State<App>, _: Agent, Query(wanted): Query<Wanted>) -> Result<Json<Page<Summary>>> {
    let limit = page::limit(wanted.limit)?;
    let after = page::after::<AccountId>(wanted.cursor.as_deref())?;
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    let found = store::search(&mut conn, &wanted.search()?, after, i64::from(limit) + 1).await?;
    Ok(Json(Page::of(found, limit, |account| account.id)?))
}

impl Wanted {
    fn search(&self) -> Result<Search> {
        match (&self.number, &self.name, &self.phone) {
            (None, None, None) => Ok(Search::All),
            (Some(number), None, None) => Ok(Search::Number(number.clone())),
            (None, Some(name), None) if (2..=100).contains(&name.chars().count()) => Ok(Search::Name(name.clone())),
            (None, Some(_), None) => Err(Problem::invalid("name", "expected 2 to 100 characters")),
            (None, None, Some(phone)) => Ok(Search::Phone(phone.clone())),
            _ => Err(Problem::invalid("query", "give one of `number`, `name` and `phone`")),
        }
    }
}

/// Reads an account.
#[utoipa::path(get, path = "/api/accounts/{id}", tag = "accounts", params(("id" = AccountId, Path)),
    responses((status = 200, body = Everything), Problems))]
async fn read(State(app): State<App>, _: Agent, Id(id): Id<AccountId>) -> Result<Json<Everything>> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    let account = store::get(&mut conn, id).await?;
    let open_items = ledger::store::open_items(&mut conn, id).await?;
    Ok(Json(Everything {
        account,
        figures: ledger::store::figures(&mut conn, id).await?,
        possible_cash: cash::store::lines::possible(&mut conn, id).await?,
        aging: Aging::of(&open_items, app.clock.business_date()),
        open_items,
        contacts: store::contacts(&mut conn, id).await?,
        holds: store::holds(&mut conn, id, app.clock.now()).await?,
    }))
}

/// The time line: calls with the account, newest first, each with what was spoken about.
#[utoipa::path(get, path = "/api/accounts/{id}/calls", tag = "accounts", params(("id" = AccountId, Path), Paging),
    responses((status = 200, body = Page<PastCall>), Problems))]
async fn calls(
    State(app): State<App>,
    _: Agent,
    Id(id): Id<AccountId>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<PastCall>>> {
    let (limit, before) = (paging.limit()?, paging.after::<CallId>()?);
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    store::get(&mut conn, id).await?;
    let calls = store::calls(&mut conn, id, before, i64::from(limit) + 1).await?;
    Ok(Json(Page::of(calls, limit, |call| call.id)?))
}

/// The notes on an account, newest first.
#[utoipa::path(get, path = "/api/accounts/{id}/notes", tag = "accounts", params(("id" = AccountId, Path), Paging),
    responses((status = 200, body = Page<Note>), Problems))]
async fn notes(
    State(app): State<App>,
    _: Agent,
    Id(id): Id<AccountId>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Note>>> {
    let (limit, before) = (paging.limit()?, paging.after::<NoteId>()?);
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    store::get(&mut conn, id).await?;
    let notes = store::notes(&mut conn, id, before, i64::from(limit) + 1).await?;
    Ok(Json(Page::of(notes, limit, |note| note.id)?))
}

/// Adds a note.
#[utoipa::path(post, path = "/api/accounts/{id}/notes", tag = "accounts", params(("id" = AccountId, Path)),
    request_body = NewNote, responses((status = 201, body = Added<NoteId>), Problems))]
async fn add_note(
    State(app): State<App>,
    Agent(by): Agent,
    Id(id): Id<AccountId>,
    Body(new): Body<NewNote>,
) -> Result<impl IntoResponse> {
    let id = change::add_note(&app, by.user, id, &new.body).await?;
    Ok((StatusCode::CREATED, Json(Added { id })))
}
