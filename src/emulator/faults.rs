//! What can go wrong between carrier and application, each by its own chance.

use std::time::Duration;

use clap::Args;
use rand::RngExt as _;
use serde::{Deserialize, Serialize};

/// Chances of faults, 0 to 1. Those of callbacks touch status, detection, conference and recording callbacks.
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
#[serde(default)]
pub struct Faults {
    /// A callback is posted twice.
    #[arg(long, default_value_t = 0.0)]
    pub duplicate: f64,
    /// A callback is overtaken by the next one of its call.
    #[arg(long, default_value_t = 0.0)]
    pub reorder: f64,
    /// A callback is late.
    #[arg(long, default_value_t = 0.0)]
    pub delay: f64,
    /// How late at most, in milliseconds.
    #[arg(long, default_value_t = 3_000)]
    pub delay_ms: u64,
    /// A callback is never posted.
    #[arg(long, default_value_t = 0.0)]
    pub drop: f64,
    /// A request to dial is carried out but answered only after 60 s.
    #[arg(long, default_value_t = 0.0)]
    pub create_timeout: f64,
    /// A request to dial is answered 429 and not carried out.
    #[arg(long, default_value_t = 0.0)]
    pub too_many: f64,
    /// A request to dial is answered 500, and carried out every second time.
    #[arg(long, default_value_t = 0.0)]
    pub server_error: f64,
    /// An address that has just been made is not found for a moment.
    #[arg(long, default_value_t = 0.0)]
    pub not_found_yet: f64,
}

/// What happens to one callback.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fate {
    /// It is never posted.
    pub(super) dropped: bool,
    /// It waits until the next one of its call is out.
    pub(super) overtaken: bool,
    /// It is posted this much later.
    pub(super) late: Duration,
    /// It is posted once more.
    pub(super) twice: bool,
}

/// What happens to a request to dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CreateFate {
    /// It is carried out and answered.
    Good,
    /// It is carried out, but the answer takes longer than anybody waits.
    Silent,
    /// It is refused with 429.
    TooMany,
    /// It is answered with 500, carried out or not.
    ServerError { carried_out: bool },
}

impl Faults {
    /// Draws the fate of a callback.
    pub(super) fn callback(&self) -> Fate {
        let late = if hit(self.delay) { rand::rng().random_range(0..=self.delay_ms) } else { 0 };
        Fate {
            dropped: hit(self.drop),
            overtaken: hit(self.reorder),
            late: Duration::from_millis(late),
            twice: hit(self.duplicate),
        }
    }

    /// Draws the fate of a request to dial.
    pub(super) fn create(&self) -> CreateFate {
        if hit(self.create_timeout) {
            CreateFate::Silent
        } else if hit(self.too_many) {
            CreateFate::TooMany
        } else if hit(self.server_error) {
            CreateFate::ServerError { carried_out: hit(0.5) }
        } else {
            CreateFate::Good
        }
    }

    /// Whether something that was just made cannot be fetched yet.
    pub(super) fn not_found_yet(&self) -> bool {
        hit(self.not_found_yet)
    }
}

fn hit(chance: f64) -> bool {
    chance > 0.0 && rand::rng().random_bool(chance.min(1.0))
}
