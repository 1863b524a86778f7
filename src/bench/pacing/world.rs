//! What becomes of a call: the same for every pacer that places it as the n-th.

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use rand_distr::{Distribution as _, Gamma, LogNormal, Normal};

use super::scenario::Scenario;
use crate::pacing::predictive::Resolution;

/// Of the calls that no person answers: machines, calls that ring out; the rest is engaged or fails. The mix makes one line
/// an agent as busy as the reference says it is.
const MACHINES: f64 = 0.47;
const RING_OUT: f64 = 0.42;
/// Nine in the morning of some day: the moment the day begins, in milliseconds since the epoch.
pub const MORNING: i64 = 1_700_000_000_000 - 1_700_000_000_000 % 86_400_000 + 9 * 3_600_000;
/// A line is given up after this many milliseconds.
pub const TIMEOUT: i64 = 25_000;

/// Numbers drawn by what they are for and by how many came before, so that pacers are compared on the same calls.
#[derive(Clone, Copy, Debug)]
pub struct World {
    seed: u64,
}

/// A conversation, at an even pace.
#[derive(Clone, Copy, Debug)]
pub struct Spoken {
    /// Milliseconds of talk.
    pub talk: f64,
    /// Milliseconds of wrap-up.
    pub wrap: f64,
}

impl World {
    /// The world of one seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    fn draw(self, purpose: u64, number: u64) -> StdRng {
        StdRng::seed_from_u64((self.seed << 48) ^ (purpose << 40) ^ number)
    }

    /// How and after how many milliseconds the `number`-th call of a campaign stops ringing.
    #[must_use]
    pub fn dial(self, campaign: usize, number: u32, answer: f64) -> (Resolution, i64) {
        let mut rng = self.draw(if campaign == 0 { 1 } else { 2 }, number.into());
        let (kind, other): (f64, f64) = (rng.random(), rng.random());
        if kind < answer {
            let later = Gamma::new(2.5, 8.0 / 2.5).map_or(8.0, |gamma| gamma.sample(&mut rng));
            let at = milliseconds(2.0 + later);
            return if at < TIMEOUT { (Resolution::Answered, at) } else { (Resolution::NoAnswer, TIMEOUT) };
        }
        if other < MACHINES {
            let at = Normal::new(20.0, 2.0).map_or(20.0, |normal| normal.sample(&mut rng));
            (Resolution::Machine, milliseconds(at).clamp(8_000, TIMEOUT - 1))
        } else if other < MACHINES + RING_OUT {
            (Resolution::NoAnswer, TIMEOUT)
        } else {
            let how = if rng.random_bool(0.6) { Resolution::Busy } else { Resolution::Failed };
            (how, milliseconds(rng.random_range(2.0..4.0)))
        }
    }

    /// The `number`-th conversation of the day.
    #[must_use]
    pub fn conversation(self, scenario: &Scenario, number: u32) -> Spoken {
        let mut rng = self.draw(3, number.into());
        let right = rng.random_bool(scenario.right_party);
        let pick = |(right_party, other): (f64, f64)| if right { right_party } else { other };
        let talk = log_normal(pick(scenario.talk), 1.0).sample(&mut rng);
        let wrap = log_normal(pick(scenario.wrap), 0.8).sample(&mut rng);
        Spoken { talk: talk * 1000.0, wrap: wrap * 1000.0 }
    }

    /// How much longer than everybody the `number`-th agent takes.
    #[must_use]
    pub fn pace(self, scenario: &Scenario, number: u32) -> f64 {
        let spread = scenario.paces;
        Normal::new(0.0, spread).map_or(0.0, |normal| normal.sample(&mut self.draw(4, number.into()))).exp()
    }

    /// The `number`-th toss: in 0..1.
    #[must_use]
    pub fn toss(self, number: u64) -> f64 {
        self.draw(5, number).random()
    }
}

/// With this mean and this standard deviation over the mean.
fn log_normal(mean: f64, spread: f64) -> LogNormal<f64> {
    let sigma = (1.0 + spread * spread).ln().sqrt();
    LogNormal::new(mean.ln() - sigma * sigma / 2.0, sigma).unwrap_or_else(|_| unreachable!("sigma is finite"))
}

#[expect(clippy::cast_possible_truncation, reason = "seconds of a call")]
fn milliseconds(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}
