//! The accepted risk of a line, learnt from what became of answers.
//!
//! Calling while the chance of an abandoned call over that of a served one stays below a price maximises what is served
//! for what is abandoned; the price is found by feedback. Raising the logarithm by `step × target` for each answer and
//! lowering it by `step` for each abandoned one drives the share to the target whatever the demand does: after T answers
//! it is off by at most (ln most − ln least + step) / (step × T) (adaptive conformal inference).

use serde::{Deserialize, Serialize};

/// Bounds of the threshold.
const LEAST: f64 = 1e-3;
const MOST: f64 = 0.4;
/// Where it begins; a bolder start cost 3.75 % on the first day.
const FIRST: f64 = 0.02;

/// The accepted chance that the next line's answer finds nobody.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Threshold {
    ln: f64,
}

impl Default for Threshold {
    fn default() -> Self {
        Self { ln: FIRST.ln() }
    }
}

impl Threshold {
    /// Learns from one answer, abandoned or not, towards a share of `target`.
    pub fn learn(&mut self, abandoned: bool, target: f64, step: f64) {
        let y = if abandoned { 1.0 } else { 0.0 };
        self.ln = (self.ln + step * (target - y)).clamp(LEAST.ln(), MOST.ln());
    }

    /// The threshold as a probability.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.ln.exp()
    }
}
