//! HTTP to `QuickBooks`: one request, its answer or the trouble with it. Who asks, and with which token, is a
//! [`super::session::Session`].

use std::{sync::Arc, time::Duration};

use reqwest::{Method, StatusCode, header::RETRY_AFTER, redirect};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Notify;
use url::Url;

use super::{
    seal::Seal,
    trouble::{self, Asked, Trouble},
};
use crate::{
    config,
    error::{Error, Result},
    outgoing::deliver::reason,
};

/// Longest wait for a whole answer.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// The version of the API that the answers are in.
const MINOR_VERSION: &str = "75";

/// A rest after too many requests, where the answer does not say how long.
const REST: Duration = Duration::from_mins(1);

/// Largest answer in bytes.
const MOST_BYTES: usize = 64 << 20;

/// Asks `QuickBooks`; cheap to clone.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    config: config::QuickBooks,
    http: reqwest::Client,
    seal: Seal,
    wake: Arc<Notify>,
}

/// The app at Intuit.
pub struct Credentials {
    /// Client id.
    pub id: String,
    /// Client secret.
    pub secret: SecretString,
}

/// What is asked.
pub struct Ask<'a> {
    /// Below `/v3/company/{realm}`.
    pub path: &'a str,
    /// Further parameters.
    pub query: Vec<(&'a str, String)>,
    /// JSON to post; `None`: it only reads.
    pub body: Option<String>,
}

impl Client {
    /// A client for the configured app.
    ///
    /// # Errors
    /// If TLS cannot be set up, or the configuration is wrong.
    pub fn new(config: &config::QuickBooks) -> Result<Self> {
        crate::app::install_tls();
        if !(1..=64).contains(&config.portfolio.chars().count()) {
            return Err(Error::invalid("QUICKBOOKS_PORTFOLIO", "1 to 64 characters"));
        }
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            // Tokens go to the configured address only.
            .redirect(redirect::Policy::none())
            .user_agent(concat!("ledgerline/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(Error::internal("setting up TLS for QuickBooks"))?;
        let seal = Seal::new(config.token_key.as_ref())?;
        Ok(Self(Arc::new(Inner { config: config.clone(), http, seal, wake: Arc::default() })))
    }

    /// How it is configured.
    #[must_use]
    pub fn config(&self) -> &config::QuickBooks {
        &self.0.config
    }

    /// Closes and opens the stored tokens.
    #[must_use]
    pub fn seal(&self) -> &Seal {
        &self.0.seal
    }

    /// Wakes the worker of this node.
    #[must_use]
    pub fn wake(&self) -> &Arc<Notify> {
        &self.0.wake
    }

    pub(super) fn http(&self) -> &reqwest::Client {
        &self.0.http
    }

    /// The app, if one is configured.
    ///
    /// # Errors
    /// [`Error::Conflict`] that says what to configure.
    pub fn credentials(&self) -> Result<Credentials> {
        let config = self.config();
        let app = config.client_id.clone().filter(|id| !id.is_empty()).zip(config.client_secret.clone());
        let (id, secret) = app.ok_or_else(|| {
            Error::Conflict("set QUICKBOOKS_CLIENT_ID and QUICKBOOKS_CLIENT_SECRET to use QuickBooks".to_owned())
        })?;
        Ok(Credentials { id, secret })
    }

    /// Asks once; `None`: the access token counts no more.
    pub(super) async fn ask(&self, realm: &str, token: &SecretString, ask: &Ask<'_>) -> Asked<Option<String>> {
        let method = if ask.body.is_some() { Method::POST } else { Method::GET };
        let mut request = self
            .0
            .http
            .request(method, self.address(realm, ask.path))
            .query(&ask.query)
            .query(&[("minorversion", MINOR_VERSION)])
            .bearer_auth(token.expose_secret())
            .header("accept", "application/json");
        if let Some(body) = &ask.body {
            request = request.header("content-type", "application/json").body(body.clone());
        }
        let answer = request.send().await.map_err(|error| Trouble::Away(reason(&error.without_url())))?;
        let (status, rest) = (answer.status(), rest_of(&answer));
        // Intuit asks for this id whenever its support is asked.
        let tid = answer.headers().get("intuit_tid").and_then(|tid| tid.to_str().ok()).unwrap_or("none").to_owned();
        tracing::debug!(path = ask.path, status = status.as_u16(), intuit_tid = tid, "QuickBooks answered");
        let body = body(answer).await?;
        match status {
            StatusCode::UNAUTHORIZED => Ok(None),
            StatusCode::TOO_MANY_REQUESTS => Err(Trouble::Throttled(rest)),
            // Some faults come with a 200.
            _ if status.is_success() => trouble::fault(&body).map_or(Ok(Some(body)), Err),
            _ => {
                let trouble = trouble::fault(&body).filter(|_| status.is_client_error());
                let trouble = trouble.unwrap_or_else(|| Trouble::Away(format!("status {}", status.as_u16())));
                tracing::warn!(path = ask.path, status = status.as_u16(), intuit_tid = tid, %trouble, "QuickBooks refused");
                Err(trouble)
            }
        }
    }

    fn address(&self, realm: &str, path: &str) -> Url {
        let mut url = self.config().api_url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["v3", "company", realm]).extend(path.split('/'));
        }
        url
    }
}

async fn body(mut answer: reqwest::Response) -> Asked<String> {
    let mut bytes = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(|error| Trouble::Away(reason(&error.without_url())))? {
        bytes.extend_from_slice(&part);
        if bytes.len() > MOST_BYTES {
            return Err(Trouble::odd(format!("more than {} MiB", MOST_BYTES >> 20)));
        }
    }
    String::from_utf8(bytes).map_err(|_| Trouble::odd("an answer that is not UTF-8"))
}

fn rest_of(answer: &reqwest::Response) -> Duration {
    let seconds = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    seconds.map_or(REST, |seconds: u64| Duration::from_secs(seconds.clamp(1, 3600)))
}
