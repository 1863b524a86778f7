//! Posts what was told, and notes what came back.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{StatusCode, redirect};
use url::Url;

use super::{
    address::{self, PublicOnly},
    sign,
    store::{self, Due, Outcome},
};
use crate::{
    app::App,
    config,
    error::{Error, Result},
    ids::DeliveryId,
    outbox::{self, Effect},
};

/// Longest wait for a whole answer.
pub const TIMEOUT: Duration = Duration::from_secs(15);

/// How long an address may take nothing before it is disabled.
pub const LASTING: TimeDelta = TimeDelta::days(5);

/// When a delivery is tried again after its first try, its second, and so on; then it has failed. Three days in all.
pub const RETRIES: [TimeDelta; 9] = [
    TimeDelta::seconds(5),
    TimeDelta::minutes(5),
    TimeDelta::minutes(30),
    TimeDelta::hours(2),
    TimeDelta::hours(5),
    TimeDelta::hours(10),
    TimeDelta::hours(14),
    TimeDelta::hours(20),
    TimeDelta::hours(24),
];

/// Posts to addresses that are told.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    allow_private: bool,
}

impl Client {
    /// A client that follows no redirect and uses no proxy.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn new(config: &config::Webhooks) -> Result<Self> {
        crate::app::install_tls();
        let builder = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("ledgerline/", env!("CARGO_PKG_VERSION")));
        let builder =
            if config.allow_private { builder } else { builder.dns_resolver(std::sync::Arc::new(PublicOnly)) };
        let http = builder.build().map_err(Error::internal("setting up TLS for webhooks"))?;
        Ok(Self { http, allow_private: config.allow_private })
    }

    /// The status of the answer, or why there was none.
    async fn post(&self, due: &Due, now: DateTime<Utc>) -> Result<StatusCode, String> {
        let url = Url::parse(&due.url).map_err(|error| error.to_string())?;
        address::check(&url, self.allow_private).map_err(str::to_owned)?;
        let (id, timestamp) = (due.event.to_string(), now.timestamp());
        let request = self
            .http
            .post(url)
            .header("content-type", "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", sign::signatures(&due.secrets, &id, timestamp, &due.body))
            .body(due.body.clone());
        // The body of the answer is nobody's business; without the address, which may hold a secret.
        request.send().await.map(|answer| answer.status()).map_err(|error| reason(&error.without_url()))
    }
}

/// The innermost cause says most.
pub(crate) fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string().chars().take(200).collect()
}

/// Carries out [`Effect::DeliverWebhook`]: posts it, notes the try, and has it tried again later where it was not taken.
///
/// # Errors
/// Those of Postgres.
pub async fn deliver(app: &App, delivery: DeliveryId) -> Result<()> {
    let now = app.clock.now();
    let Some(due) = store::due(&mut *app.db.acquire().await?, delivery, now).await? else { return Ok(()) };
    let begun = Instant::now();
    let answer = app.webhooks.post(&due, now).await;
    let outcome = Outcome {
        status: answer.as_ref().ok().map(|status| i16::try_from(status.as_u16()).unwrap_or_default()),
        error: answer.as_ref().err().cloned(),
        milliseconds: i32::try_from(begun.elapsed().as_millis()).unwrap_or(i32::MAX),
    };
    let taken = answer.as_ref().is_ok_and(StatusCode::is_success);
    let gone = answer.is_ok_and(|status| status == StatusCode::GONE);
    let mut tx = app.db.begin().await?;
    let now = app.clock.now();
    store::note_attempt(&mut tx, delivery, &outcome, now).await?;
    if taken {
        store::delivered(&mut tx, delivery, now).await?;
    } else if gone {
        store::give_up(&mut tx, delivery).await?;
        store::disable(&mut tx, due.endpoint, Some("it answered 410 Gone"), now).await?;
    } else {
        not_taken(&mut tx, delivery, &due, now).await?;
    }
    Ok(tx.commit().await?)
}

async fn not_taken(conn: &mut sqlx::PgConnection, delivery: DeliveryId, due: &Due, now: DateTime<Utc>) -> Result<()> {
    let since = store::failing(conn, due.endpoint, now).await?;
    if now - since >= LASTING {
        store::give_up(conn, delivery).await?;
        return store::disable(conn, due.endpoint, Some("it took nothing for five days"), now).await;
    }
    let tries = usize::try_from(due.attempts).unwrap_or(RETRIES.len());
    let Some(wait) = RETRIES.get(tries) else { return store::give_up(conn, delivery).await };
    store::try_again(conn, delivery, now + *wait).await?;
    outbox::enqueue(conn, &[Effect::DeliverWebhook { delivery }], now + *wait).await
}
