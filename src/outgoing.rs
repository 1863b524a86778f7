//! Outgoing webhooks: other systems are told what happens to accounts, payments, promises, disputes and dispositions.
//!
//! Whatever changes one of them says so with [`tell`] in its own transaction; where nobody listens that costs one look.
//! What is told is kept word for word, and after the commit the outbox has it posted ([`deliver`]), signed as Standard
//! Webhooks says ([`sign`]), to public addresses only ([`address`]). An address that takes nothing for days is disabled.

pub mod address;
pub mod deliver;
pub mod sign;
pub mod store;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use rand::RngExt;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;
use url::Url;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    agent::{Principal, Role},
    app::App,
    error::{Error, Result},
    ids::{AccountId, DeliveryId, EndpointId},
    named::named,
    outbox::{self, Effect},
};

/// Endpoints at the same time, at most.
pub const MOST_ENDPOINTS: i64 = 50;

/// How long a rotated secret still signs.
pub const OVERLAP: TimeDelta = TimeDelta::hours(24);

/// Bytes of a secret.
const SECRET_BYTES: usize = 32;

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WebhookKind)]
pub enum Kind {
    /// An account was added, or what is known of it changed.
    Account,
    /// Money came, or was taken back.
    Payment,
    /// A promise was taken, kept, broken or withdrawn.
    Promise,
    /// A dispute was opened or closed.
    Dispute,
    /// What a call led to was recorded.
    Disposition,
}

named!(Kind {
    Account => "account",
    Payment => "payment",
    Promise => "promise",
    Dispute => "dispute",
    Disposition => "disposition",
});

/// Something that happened. Holds ids, amounts and days; no name, number or note.
#[derive(Clone, Debug)]
pub struct Event {
    /// What it is about.
    pub kind: Kind,
    /// What happened to it, such as `kept`: the type is `promise.kept`.
    pub what: &'static str,
    /// Whose.
    pub account: AccountId,
    /// The facts, an object; the account's id is added.
    pub data: Value,
}

/// Tells those who listen. In the transaction of what happened; what is enqueued is carried out after its commit.
///
/// # Errors
/// Those of Postgres.
pub async fn tell(conn: &mut PgConnection, event: &Event, now: DateTime<Utc>) -> Result<()> {
    tell_all(conn, std::slice::from_ref(event), now).await
}

/// As [`tell`], for many at once: a file was taken in.
///
/// # Errors
/// Those of Postgres.
pub async fn tell_all(conn: &mut PgConnection, events: &[Event], now: DateTime<Utc>) -> Result<()> {
    if events.is_empty() || !store::anybody_listens(conn).await? {
        return Ok(());
    }
    let rows: Vec<store::NewEvent> = events.iter().map(|event| row(event, now)).collect();
    let deliveries = store::insert_events(conn, &rows, now).await?;
    let effects: Vec<Effect> = deliveries.into_iter().map(|delivery| Effect::DeliverWebhook { delivery }).collect();
    outbox::enqueue(conn, &effects, now).await
}

/// Tells that accounts were added, or that what is known of them changed.
///
/// # Errors
/// Those of Postgres.
pub async fn tell_changed(conn: &mut PgConnection, accounts: &[AccountId], now: DateTime<Utc>) -> Result<()> {
    let changed =
        |account: &AccountId| Event { kind: Kind::Account, what: "changed", account: *account, data: json!({}) };
    let events: Vec<Event> = accounts.iter().map(changed).collect();
    tell_all(conn, &events, now).await
}

fn row(event: &Event, now: DateTime<Utc>) -> store::NewEvent {
    let mut data = event.data.clone();
    data["account"] = json!(event.account);
    let body = json!({
        "type": format!("{}.{}", event.kind.as_str(), event.what),
        "timestamp": now.to_rfc3339_opts(SecondsFormat::Micros, true),
        "data": data,
    });
    store::NewEvent { id: Uuid::now_v7(), kind: event.kind.as_str(), account: event.account.0, body: body.to_string() }
}

/// An address that is told.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = WebhookEndpoint)]
pub struct Endpoint {
    /// Its id.
    pub id: EndpointId,
    /// Where events are posted to.
    pub url: String,
    /// What it is for.
    pub description: String,
    /// What it is told of.
    pub kinds: Vec<Kind>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// Since when nothing has been taken there; absent: the last one was.
    pub failing_since: Option<DateTime<Utc>>,
    /// Since when it is told nothing.
    pub disabled_at: Option<DateTime<Utc>>,
    /// Why.
    pub disabled_why: Option<String>,
}

/// An address to tell.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewWebhookEndpoint)]
pub struct NewEndpoint {
    /// `https://…`, at most 2000 characters, with a public address.
    pub url: String,
    /// What it is for, at most 200 characters.
    #[serde(default)]
    pub description: String,
    /// What it is told of, 1 to 5.
    pub kinds: Vec<Kind>,
}

/// Adds an address. Gives its secret, which is not shown again. By administrators.
///
/// # Errors
/// [`Error::Invalid`] naming the field; [`Error::Conflict`] with 50 of them.
pub async fn add(app: &App, by: &Principal, new: NewEndpoint) -> Result<(Endpoint, SecretString)> {
    by.must_be(Role::Admin)?;
    check(app, &new)?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if store::count(&mut tx).await? >= MOST_ENDPOINTS {
        return Err(Error::Conflict(format!("there are {MOST_ENDPOINTS} endpoints: end one first")));
    }
    let id = EndpointId::generate();
    store::insert(&mut tx, id, &new, by.user, now).await?;
    let secret = new_secret();
    store::add_secret(&mut tx, id, &secret, now).await?;
    store::audit(&mut tx, by.user, "add", id, now).await?;
    let endpoint = store::get(&mut tx, id).await?;
    tx.commit().await?;
    Ok((endpoint, sign::written(&secret)))
}

fn check(app: &App, new: &NewEndpoint) -> Result<()> {
    let private = app.config.webhooks.allow_private;
    let url = Url::parse(&new.url).map_err(|_| Error::invalid("url", "an address that begins with https://"))?;
    if new.url.len() > 2000 || !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(Error::invalid("url", "at most 2000 characters, without a user or a fragment"));
    }
    address::check(&url, private).map_err(|why| Error::invalid("url", why))?;
    if new.description.chars().count() > 200 {
        return Err(Error::invalid("description", "at most 200 characters"));
    }
    let twice = (1..new.kinds.len()).any(|nth| new.kinds[..nth].contains(&new.kinds[nth]));
    if new.kinds.is_empty() || twice { Err(Error::invalid("kinds", "1 to 5, each once")) } else { Ok(()) }
}

fn new_secret() -> [u8; SECRET_BYTES] {
    let mut secret = [0; SECRET_BYTES];
    rand::rng().fill(&mut secret);
    secret
}

/// Gives the address a new secret, which is not shown again. The ones before sign along for 24 hours more.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn rotate(app: &App, by: &Principal, id: EndpointId) -> Result<SecretString> {
    by.must_be(Role::Admin)?;
    let (now, secret) = (app.clock.now(), new_secret());
    let mut tx = app.db.begin().await?;
    store::get(&mut tx, id).await?;
    store::expire_secrets(&mut tx, id, now + OVERLAP).await?;
    store::add_secret(&mut tx, id, &secret, now).await?;
    store::audit(&mut tx, by.user, "rotate_secret", id, now).await?;
    tx.commit().await?;
    Ok(sign::written(&secret))
}

/// Tells the address again, or nothing any more.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn enable(app: &App, by: &Principal, id: EndpointId, enabled: bool) -> Result<Endpoint> {
    by.must_be(Role::Admin)?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    store::get(&mut tx, id).await?;
    store::disable(&mut tx, id, (!enabled).then_some("by hand"), now).await?;
    store::audit(&mut tx, by.user, if enabled { "enable" } else { "disable" }, id, now).await?;
    let endpoint = store::get(&mut tx, id).await?;
    tx.commit().await?;
    Ok(endpoint)
}

/// Ends an address for good; what waits for it is not posted.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn end(app: &App, by: &Principal, id: EndpointId) -> Result<()> {
    by.must_be(Role::Admin)?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    store::get(&mut tx, id).await?;
    store::end(&mut tx, id, now).await?;
    store::audit(&mut tx, by.user, "end", id, now).await?;
    Ok(tx.commit().await?)
}

/// Posts what was told once more, whatever became of it.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] for an address that is disabled.
pub async fn resend(app: &App, by: &Principal, delivery: DeliveryId) -> Result<()> {
    by.must_be(Role::Admin)?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let endpoint = store::endpoint_of(&mut tx, delivery).await?;
    if store::get(&mut tx, endpoint).await?.disabled_at.is_some() {
        return Err(Error::Conflict("the endpoint is disabled: enable it first".to_owned()));
    }
    store::begin_again(&mut tx, delivery, now).await?;
    outbox::enqueue(&mut tx, &[Effect::DeliverWebhook { delivery }], now).await?;
    tx.commit().await?;
    app.outbox.ring();
    Ok(())
}
