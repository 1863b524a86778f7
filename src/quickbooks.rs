//! `QuickBooks Online`, live: its receivables are read as they change, and payments recorded here are written there.
//!
//! An administrator grants access ([`oauth`]). From then on one node at a time ([`session`]) works at the connection
//! ([`step`]): writes ([`write`]), reads ([`read`]), and takes into the ledger what is new ([`take_in`]). Without a client id
//! in the configuration all of it is off.

pub mod client;
pub mod oauth;
pub mod object;
pub mod payment;
pub mod read;
pub mod seal;
pub mod session;
pub mod step;
mod store;
pub mod take_in;
pub mod trouble;
pub mod write;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use url::Url;
use utoipa::ToSchema;
use uuid::Uuid;

pub use self::store::{listed::Write, objects::Problem, writes::State};
use self::{
    client::Client,
    store::{
        candidates::{self, Which},
        connection::{self, Sealed},
        listed, objects, writes,
    },
    trouble::Trouble,
};
use crate::{
    agent::{Principal, Role},
    app::App,
    clock::Clock,
    error::{Error, Result},
};

/// Where Intuit sends the administrator back to, under the public address.
pub const CALLBACK_PATH: &str = "/quickbooks/callback";

/// How long an administrator may take to grant access.
const STATE_LIFETIME: TimeDelta = TimeDelta::minutes(10);

/// What the connection is worked with, by the service and by a command.
#[derive(Clone)]
pub struct Link {
    /// Postgres.
    pub db: PgPool,
    /// What is taken for the present.
    pub clock: Clock,
    /// Asks `QuickBooks`.
    pub client: Client,
}

impl Link {
    /// That of the service.
    #[must_use]
    pub fn of(app: &App) -> Self {
        Self { db: app.db.clone(), clock: app.clock.clone(), client: app.quickbooks.clone() }
    }
}

/// How the connection stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = QuickBooksStatus)]
pub struct Status {
    /// An app is configured; otherwise nothing can be connected.
    pub configured: bool,
    /// Payments recorded here are written there.
    pub writes: bool,
    /// The company that is connected.
    pub company: Option<Connected>,
}

/// A company that is connected.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = QuickBooksCompany)]
pub struct Connected {
    /// Its id at `QuickBooks`.
    pub realm: String,
    /// Where its receivables are kept.
    pub portfolio: String,
    /// Since when it is connected.
    pub connected_at: DateTime<Utc>,
    /// Name of who connected it.
    pub connected_by: Option<String>,
    /// Until when the connection lasts without being used.
    pub refresh_until: Option<DateTime<Utc>>,
    /// Since when `QuickBooks` takes our tokens no more: it has to be connected again.
    pub broken_at: Option<DateTime<Utc>>,
    /// When it was last read to the end.
    pub synced_at: Option<DateTime<Utc>>,
    /// When it is looked at next.
    pub next_at: DateTime<Utc>,
    /// What went wrong the last time.
    pub error: Option<String>,
    /// Up to when changes have been read.
    pub cursor_at: Option<DateTime<Utc>>,
    /// Everything is being read, not only changes.
    pub reading_everything: bool,
    /// Objects that were read and wait to be taken in.
    pub waiting_to_read: i64,
    /// Objects that could not be taken in.
    pub problems: i64,
    /// Payments that wait to be written there.
    pub waiting_to_write: i64,
    /// Payments that somebody has to decide about.
    pub conflicts: i64,
}

/// How the connection stands.
///
/// # Errors
/// Those of Postgres.
pub async fn status(link: &Link) -> Result<Status> {
    let configured = link.client.credentials().is_ok();
    let company = connection::connected(&mut *link.db.acquire().await?).await?;
    Ok(Status { configured, writes: configured && !link.client.config().read_only, company })
}

/// Begins to connect: the page on which access is granted. By administrators.
///
/// # Errors
/// [`Error::Conflict`] if no app is configured.
pub async fn begin(app: &App, by: &Principal) -> Result<Url> {
    by.must_be(Role::Admin)?;
    let credentials = app.quickbooks.credentials()?;
    let random: [u8; 32] = rand::rng().random();
    let state = URL_SAFE_NO_PAD.encode(random);
    let now = app.clock.now();
    let mut conn = app.db.acquire().await?;
    connection::keep_state(&mut conn, &hash_of(&state), by.user, now + STATE_LIFETIME, now).await?;
    Ok(oauth::page(&app.quickbooks, &credentials, redirect(app)?.as_str(), &state))
}

/// What came back with the administrator.
pub struct Granted<'a> {
    /// What was given to the page.
    pub state: &'a str,
    /// To be changed for tokens.
    pub code: &'a str,
    /// The company.
    pub realm: &'a str,
}

/// Connects the company for which access was granted.
///
/// # Errors
/// [`Error::Conflict`] for a state that was not given out, has come back before or too late; for a code that is not one; and
/// if another company is connected.
pub async fn finish(app: &App, granted: &Granted<'_>) -> Result<()> {
    let now = app.clock.now();
    // Taken at once, whatever comes of it: a state counts once.
    let by = connection::take_state(&mut *app.db.acquire().await?, &hash_of(granted.state), now).await?;
    let by = by.ok_or_else(|| Error::Conflict("begin again: this was begun too long ago, or not here".to_owned()))?;
    if !(1..=32).contains(&granted.realm.len()) || !granted.realm.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::invalid("realmId", "1 to 32 digits"));
    }
    let tokens =
        oauth::exchange(&app.quickbooks, granted.code, redirect(app)?.as_str(), now).await.map_err(as_error)?;
    let sealed = Sealed::of(app.quickbooks.seal(), &tokens)?;
    let mut tx = app.db.begin().await?;
    let company = (granted.realm, app.quickbooks.config().portfolio.as_str());
    connection::connect(&mut tx, company, &sealed, by, now).await?;
    connection::audit(&mut tx, by, "connect", granted.realm, now).await?;
    tx.commit().await?;
    app.quickbooks.wake().notify_one();
    Ok(())
}

/// Ends the connection: the tokens are forgotten, and revoked where Intuit can be reached. What was read stays.
///
/// # Errors
/// [`Error::NotFound`] if nothing is connected.
pub async fn disconnect(app: &App, by: &Principal) -> Result<()> {
    by.must_be(Role::Admin)?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let company = connection::connected(&mut tx).await?.ok_or(Error::NotFound("connection"))?;
    let token = connection::disconnect(&mut tx, &company.realm, now).await?;
    connection::audit(&mut tx, by.user, "disconnect", &company.realm, now).await?;
    tx.commit().await?;
    let Some(token) = token else { return Ok(()) };
    let revoked = async { oauth::revoke(&app.quickbooks, &app.quickbooks.seal().open(&token)?).await };
    if let Err(trouble) = revoked.await {
        tracing::warn!(%trouble, "the tokens are forgotten, but were not revoked: they run out by themselves");
    }
    Ok(())
}

/// Has the connection worked at now.
///
/// # Errors
/// [`Error::Conflict`] if nothing is connected, or it has to be connected again.
pub async fn hurry(link: &Link) -> Result<()> {
    link.client.credentials()?;
    if !connection::hurry(&mut *link.db.acquire().await?, link.clock.now()).await? {
        return Err(Error::Conflict("connect QuickBooks first".to_owned()));
    }
    link.client.wake().notify_one();
    Ok(())
}

/// What somebody decides about a payment that could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = QuickBooksDecision)]
pub enum Decision {
    /// It is written as it is here by now, over whatever is there.
    Retry,
    /// It is not written.
    SetAside,
}

/// Payments in a state, the newest first.
///
/// # Errors
/// Those of Postgres.
pub async fn writes(link: &Link, state: Option<State>, before: Option<Uuid>, most: i64) -> Result<Vec<Write>> {
    listed::list(&mut *link.db.acquire().await?, state, before, most).await
}

/// Decides about a payment that could not be written.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] if nobody has to decide about it.
pub async fn decide(app: &App, by: &Principal, id: Uuid, decision: Decision, note: &str) -> Result<Write> {
    by.must_be(Role::Admin)?;
    if note.chars().count() > 500 {
        return Err(Error::invalid("note", "at most 500 characters"));
    }
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let one = listed::get(&mut tx, id).await?;
    let state = if decision == Decision::Retry { State::Waiting } else { State::Aside };
    writes::decide(&mut tx, (id, state), note, by.user, now).await?;
    if decision == Decision::Retry {
        let realm = writes::realm(&mut tx, id).await?;
        for candidate in candidates::candidates(&mut tx, &realm, Which::One(one.payment)).await? {
            if let Some(objection) = write::unknown(&candidate) {
                return Err(Error::Conflict(objection));
            }
            write::want(&mut tx, &realm, &candidate, now).await?;
        }
        connection::hurry(&mut tx, now).await?;
    }
    let decided = listed::get(&mut tx, id).await?;
    tx.commit().await?;
    app.quickbooks.wake().notify_one();
    Ok(decided)
}

/// Objects that could not be taken in, at most 200.
///
/// # Errors
/// Those of Postgres.
pub async fn problems(link: &Link) -> Result<Vec<Problem>> {
    let mut conn = link.db.acquire().await?;
    match connection::connected(&mut conn).await? {
        Some(company) => objects::problems(&mut conn, &company.realm).await,
        None => Ok(Vec::new()),
    }
}

fn redirect(app: &App) -> Result<Url> {
    if let Some(url) = &app.config.quickbooks.redirect_url {
        return Ok(url.clone());
    }
    app.config.public_url.join(CALLBACK_PATH).map_err(Error::internal("the address to come back to"))
}

fn hash_of(state: &str) -> [u8; 32] {
    Sha256::digest(state).into()
}

fn as_error(trouble: Trouble) -> Error {
    match trouble {
        Trouble::Ours(error) => error,
        Trouble::NotGranted => Error::Conflict("Intuit did not take the code: begin again".to_owned()),
        other => Error::Unavailable { what: "QuickBooks", source: other.to_string().into() },
    }
}
