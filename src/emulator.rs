//! A Twilio-compatible carrier to try, test and measure against: a double of the carrier, its people and the agents.
//!
//! It speaks the REST subset, posts signed webhooks, fetches and obeys `TwiML`, and goes wrong on request. It shares no
//! code with [`carrier`](crate::carrier) on purpose: where the two disagree, one of them has misread the contract.
//! Nothing outside of this module, the sub-commands and the benchmark knows that it exists.

pub mod agents;
mod conference;
mod control;
mod detection;
mod dial;
mod exchange;
pub mod faults;
mod inbound;
mod leg;
mod line;
mod overrides;
mod params;
pub mod people;
mod post;
mod recording;
mod rest;
mod signature;
mod twiml;

#[cfg(test)]
mod tests;

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context as _;
use clap::Args;
use secrecy::SecretString;
use serde_json::Value;
use tokio::net::TcpListener;
use url::Url;

use crate::clock::Clock;

pub use exchange::Forced;
pub use inbound::Inbound;
pub use post::Posted;

use exchange::Exchange;

/// How the emulated carrier behaves.
#[derive(Clone, Debug, Args)]
pub struct Config {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8090")]
    pub listen: SocketAddr,
    /// Account SID it serves.
    #[arg(long, env = "CARRIER_ACCOUNT_SID", default_value = "AC00000000000000000000000000000001")]
    pub account_sid: String,
    /// Auth token: authenticates REST and signs webhooks.
    #[arg(long, env = "CARRIER_AUTH_TOKEN", hide_env_values = true, default_value = "emulated-auth-token")]
    pub auth_token: SecretString,
    /// API key SID that REST takes as well.
    #[arg(long, env = "CARRIER_API_KEY", requires = "api_secret")]
    pub api_key: Option<String>,
    /// Secret of the API key.
    #[arg(long, env = "CARRIER_API_SECRET", hide_env_values = true)]
    pub api_secret: Option<SecretString>,
    /// Seed of the population: the same numbers behave the same in every run.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// All durations of people and lines are divided by it; 0.1 to 1000.
    #[arg(long, default_value_t = 1.0, value_parser = speed)]
    pub speed: f64,
    /// Calls it starts per second; more are taken and queued, as the real one does. 1 to 1000, multiplied by the speed.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub calls_per_second: u32,
    /// Answer 429 to what exceeds the calls per second instead of queueing it.
    #[arg(long)]
    pub refuse_excess: bool,
    /// Let a `<Pause>` last as long as it says, whatever the speed: the service that asks for it lives by its own clock.
    #[arg(long)]
    pub pauses_as_told: bool,
    /// Number or `sip:` address of an agent: answers at once and stays. Every `client:` address is one.
    #[arg(long = "device")]
    pub devices: Vec<String>,
    /// The people.
    #[command(flatten)]
    pub population: people::Population,
    /// What goes wrong.
    #[command(flatten)]
    pub faults: faults::Faults,
    /// People who call in.
    #[command(flatten)]
    pub inbound: Inbound,
}

/// A running emulator. Dropping it stops it at once; [`Emulator::stop`] waits until it has stopped.
pub struct Emulator {
    /// Where its REST API is, without `/2010-04-01`.
    pub base_url: Url,
    exchange: Arc<Exchange>,
}

/// Starts to listen and serves until stopped; shows the times of `clock`.
///
/// # Errors
/// If the address is taken.
pub async fn start(config: Config, clock: Clock) -> anyhow::Result<Emulator> {
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("the emulated carrier cannot listen on {}", config.listen))?;
    let base_url = Url::parse(&format!("http://{}", listener.local_addr()?))?;
    let exchange = Arc::new(Exchange::new(config, clock, base_url.clone())?);
    let server = axum::serve(listener, rest::router(&exchange)).with_graceful_shutdown({
        let stop = exchange.stop.clone();
        async move { stop.cancelled().await }
    });
    exchange.tasks.spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(%error, "the emulated carrier stopped serving");
        }
    });
    inbound::spawn(&exchange);
    Ok(Emulator { base_url, exchange })
}

/// The command line of a configuration, for those who do not come by way of one.
#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    config: Config,
}

impl Config {
    /// A configuration from the words of a command line, the program's name first.
    ///
    /// # Errors
    /// If a word is not understood.
    pub fn parse_line<'a>(words: impl IntoIterator<Item = &'a str>) -> anyhow::Result<Self> {
        use clap::Parser as _;
        Ok(Line::try_parse_from(words)?.config)
    }
}

impl Emulator {
    /// Account SID and auth token that it knows.
    #[must_use]
    pub fn credentials(&self) -> (String, SecretString) {
        (self.exchange.config.account_sid.clone(), self.exchange.config.auth_token.clone())
    }

    /// Makes the next call, or the next one to a number, behave in a given way.
    pub fn force(&self, forced: Forced) {
        self.exchange.force(forced);
    }

    /// A person calls `to` from `from`; returns the SID of the call.
    ///
    /// # Errors
    /// If no address for calls that come in is configured.
    pub fn call_in(&self, from: &str, to: &str) -> anyhow::Result<String> {
        inbound::call(&self.exchange, from, to)
    }

    /// The numbers and devices that were dialled by way of REST, oldest first.
    #[must_use]
    pub fn dialled(&self) -> Vec<String> {
        let books = self.exchange.books();
        let outbound = books.legs.values().filter(|leg| leg.direction == leg::Direction::OutboundApi);
        outbound.map(|leg| leg.to.clone()).collect()
    }

    /// What was posted, oldest first; the last 10,000 requests are kept.
    #[must_use]
    pub fn posted(&self) -> Vec<Posted> {
        self.exchange.poster.history()
    }

    /// Figures: legs by status, conferences, requests.
    #[must_use]
    pub fn statistics(&self) -> Value {
        self.exchange.statistics()
    }

    /// Changes what goes wrong from now on.
    pub fn set_faults(&self, faults: faults::Faults) {
        self.exchange.set_faults(faults);
    }

    /// Ends all lines without a further word and waits until everything has stopped.
    pub async fn stop(self) {
        self.exchange.stop.cancel();
        self.exchange.tasks.close();
        self.exchange.tasks.wait().await;
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.exchange.stop.cancel();
    }
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(speed) if (0.1..=1000.0).contains(&speed) => Ok(speed),
        _ => Err("a number from 0.1 to 1000".to_owned()),
    }
}
