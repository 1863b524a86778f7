//! People who call in.

use std::{sync::Arc, time::Duration};

use clap::Args;
use rand::RngExt as _;
use rand_distr::{Distribution as _, Exp};

use super::{
    exchange::Exchange,
    leg::{Callback, Direction, Instructions, Order},
    params::Params,
    people::{self, Reaction},
    post::Target,
};

/// Callers, and where the application wants to hear of them.
#[derive(Clone, Debug, Default, Args)]
pub struct Inbound {
    /// Address asked for instructions when somebody calls in.
    #[arg(long = "voice-url")]
    pub voice_url: Option<String>,
    /// Address asked when that one fails.
    #[arg(long = "voice-fallback-url")]
    pub fallback_url: Option<String>,
    /// Address told when such a call is over.
    #[arg(long = "inbound-status-url")]
    pub status_url: Option<String>,
    /// People who call in per minute, on average; of those who were called before.
    #[arg(long = "inbound-per-minute", default_value_t = 0.0)]
    pub per_minute: f64,
    /// The number they call.
    #[arg(long = "inbound-to", default_value = "+15555550100")]
    pub to: String,
}

/// Somebody calls; returns the SID.
pub(super) fn call(exchange: &Arc<Exchange>, from: &str, to: &str) -> anyhow::Result<String> {
    let settings = &exchange.config.inbound;
    let post = |url: &String| Target { url: url.clone(), get: false };
    let Some(voice) = settings.voice_url.as_ref().map(post) else {
        anyhow::bail!("no address for calls that come in is configured (--voice-url)");
    };
    let order = Order {
        to: to.to_owned(),
        from: from.to_owned(),
        direction: Direction::Inbound,
        parent: None,
        instructions: Instructions::Fetch(voice, Params::default()),
        fallback: settings.fallback_url.as_ref().map(post),
        callback: settings
            .status_url
            .as_ref()
            .map(|url| Callback { target: post(url), events: vec!["completed".to_owned()] }),
        ring_limit: Duration::from_mins(1),
        time_limit: Duration::from_hours(4),
        detection: None,
        recording: None,
        reports: None,
    };
    let mut behaviour = exchange.behaviour(from);
    // Whoever calls is a person, and waits longer than one who was called.
    behaviour.reaction = Reaction::Human;
    behaviour.patience = behaviour.patience.max(Duration::from_secs(20)) * 3;
    Ok(exchange.place(order, behaviour, Duration::ZERO))
}

/// Lets people who were called before call back now and then.
pub(super) fn spawn(exchange: &Arc<Exchange>) {
    let rate = exchange.config.inbound.per_minute / 60.0;
    let Ok(gaps) = Exp::new(rate) else { return };
    if rate <= 0.0 || exchange.config.inbound.voice_url.is_none() {
        return;
    }
    let exchange = Arc::clone(exchange);
    let mut rng = people::generator(exchange.config.seed, "inbound", 0);
    exchange.clone().tasks.spawn(async move {
        loop {
            let gap = exchange.scaled(Duration::from_secs_f64(gaps.sample(&mut rng)));
            tokio::select! {
                () = exchange.stop.cancelled() => return,
                () = tokio::time::sleep(gap) => {}
            }
            let called: Vec<String> = {
                let books = exchange.books();
                let over = books.legs.values().filter(|leg| leg.status.is_over());
                over.filter(|leg| leg.direction == Direction::OutboundApi && leg.to.starts_with('+'))
                    .map(|leg| leg.to.clone())
                    .collect()
            };
            if let Some(from) = (!called.is_empty()).then(|| &called[rng.random_range(0..called.len())]) {
                let to = exchange.config.inbound.to.clone();
                if let Err(error) = call(&exchange, from, &to) {
                    tracing::warn!(%error, "nobody could call in");
                }
            }
        }
    });
}
