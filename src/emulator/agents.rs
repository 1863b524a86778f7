//! Simulated agents: they work at real desks, over the REST API and `/ws/desk`, as the pages do.

mod desk;
mod rest;
mod wrap;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use secrecy::SecretString;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::people;

/// Who works, and how.
#[derive(Clone, Debug)]
pub struct Config {
    /// The service.
    pub service: Url,
    /// Log-in names and passwords.
    pub logins: Vec<(String, SecretString)>,
    /// Seed of what they record.
    pub seed: u64,
    /// All durations are divided by it.
    pub speed: f64,
    /// Mean time to record a disposition, before the speed.
    pub wrap_up: Duration,
    /// Chance of a short pause after a call, 0 to 1.
    pub pause_chance: f64,
    /// Which dispositions they choose.
    pub habits: Habits,
}

/// How often each kind of disposition is chosen, relative to the others.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    /// A promise to pay.
    pub promise: u32,
    /// A callback at an agreed time.
    pub callback: u32,
    /// Nothing settled: the account rests for a while.
    pub retry: u32,
    /// A dispute.
    pub dispute: u32,
    /// Anything that takes a number or an account out: wrong number, do not call, attorney …
    pub end: u32,
}

impl Default for Habits {
    fn default() -> Self {
        Self { promise: 30, callback: 12, retry: 45, dispute: 5, end: 3 }
    }
}

/// What the agents have done.
#[derive(Debug, Default)]
pub struct Tally(Mutex<BTreeMap<String, u64>>);

impl Tally {
    /// Dispositions recorded, by code.
    #[must_use]
    pub fn dispositions(&self) -> BTreeMap<String, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count(&self, code: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(code.to_owned()).or_default() += 1;
    }
}

/// Lets them work until `stop`: each logs in, and comes back whenever its connection is lost. What they do is counted
/// in `tally`.
pub async fn run(config: Config, tally: Arc<Tally>, stop: CancellationToken) {
    let config = Arc::new(config);
    let agents = (0..config.logins.len()).map(|seat| work(Arc::clone(&config), seat, Arc::clone(&tally), stop.clone()));
    futures_util::future::join_all(agents).await;
}

async fn work(config: Arc<Config>, seat: usize, tally: Arc<Tally>, stop: CancellationToken) {
    let (login, _) = &config.logins[seat];
    let mut rng = people::generator(config.seed, login, 0);
    let mut last_seq = None;
    while !stop.is_cancelled() {
        let session = async {
            let rest = rest::Rest::log_in(&config, seat).await?;
            desk::Desk::new(&config, &rest, &tally, &mut rng).work(&mut last_seq).await
        };
        tokio::select! {
            () = stop.cancelled() => return,
            ended = session => match ended {
                Ok(desk::Left::TakenOver) => {
                    tracing::info!(login, "somebody else took this desk over");
                    return;
                }
                Ok(desk::Left::Closed) => {}
                Err(error) => tracing::warn!(login, error = format!("{error:#}"), "the simulated agent lost its desk"),
            },
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
