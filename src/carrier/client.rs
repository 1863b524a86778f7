//! The carrier's REST client.
//!
//! Asks again only where that cannot do anything twice: when nobody took the connection, when the carrier says that it
//! is busy (429), and, for reading, when the carrier failed. A create that timed out or brought a 5xx may have been
//! placed: it is [`CreateResult::Unknown`](super::CreateResult) and is never sent a second time.

pub mod backoff;
mod calls;
mod conferences;
mod send;

use std::{sync::Arc, time::Instant};

use reqwest::redirect;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

pub use calls::Found;

use super::{
    circuit::{Circuit, Trouble},
    error::Error,
    twilio::rest::VERSION,
};
use crate::{config, error::Result};

/// Longest wait for a connection.
pub const CONNECT_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(2);
/// Longest wait for a whole answer, the connection included.
pub const TOTAL_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// A client of one carrier account; cheap to clone.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    http: reqwest::Client,
    base: Url,
    account: String,
    user: String,
    password: SecretString,
    circuit: Circuit,
}

impl Client {
    /// A client for the configured account. Without an account its circuit is open from the start.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn new(config: &config::Carrier) -> Result<Self> {
        // Already installed is as good as installed now.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TOTAL_TIMEOUT)
            .http1_only()
            // Credentials go to the configured address only.
            .redirect(redirect::Policy::none())
            .user_agent(concat!("ledgerline/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(crate::error::Error::internal("setting up TLS for the carrier"))?;
        let (user, password) = match (&config.api_key, &config.api_secret) {
            (Some(key), Some(secret)) => (key.clone(), secret.clone()),
            _ => (config.account_sid.clone(), config.auth_token.clone()),
        };
        let circuit = Circuit::default();
        if config.account_sid.is_empty() || password.expose_secret().is_empty() {
            circuit.open(Trouble::NotConfigured, Instant::now());
        }
        let inner =
            Inner { http, base: config.base_url.clone(), account: config.account_sid.clone(), user, password, circuit };
        Ok(Self(Arc::new(inner)))
    }

    /// Why nothing is asked of the carrier at present, if so; for `/readyz` and the dialer.
    #[must_use]
    pub fn trouble(&self) -> Option<Trouble> {
        self.0.circuit.trouble()
    }

    /// As [`Client::trouble`], but asks the carrier again where the last time was a while ago
    /// ([`PROBE_EVERY`](super::circuit::PROBE_EVERY)): call it before a round of dialling.
    pub async fn check(&self) -> Option<Trouble> {
        if self.0.circuit.take_probe(Instant::now()) && self.probe().await.is_ok() {
            self.0.circuit.close();
        }
        self.trouble()
    }

    /// Reads our own account, through an open circuit; once, since whoever wants to dial waits for it.
    async fn probe(&self) -> Result<(), Error> {
        let file = format!("{}.json", self.0.account);
        let url = self.address(&[VERSION, "Accounts", &file]);
        self.ask_once(&send::Ask::get(url)).await.map(drop)
    }

    /// The address of a resource of our account: `…/Accounts/{account}/a/b.json`.
    fn resource(&self, path: &[&str]) -> Url {
        let last = path.last().map(|last| format!("{last}.json")).unwrap_or_default();
        let before = path.split_last().map_or(&[][..], |(_, before)| before);
        let segments: Vec<&str> = [VERSION, "Accounts", &self.0.account]
            .into_iter()
            .chain(before.iter().copied())
            .chain([last.as_str()])
            .collect();
        self.address(&segments)
    }

    /// The configured address with escaped path segments after it.
    fn address(&self, segments: &[&str]) -> Url {
        let mut url = self.0.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}
