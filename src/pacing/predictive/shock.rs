//! Notices when the answer rate is suddenly another one.

use serde::{Deserialize, Serialize};

/// The change looked for: half as many answers again, or a third fewer.
const RISE: f64 = 1.5;
/// How sure it has to be, as the logarithm of the likelihood ratio.
const SURE: f64 = 7.0;
/// What is left of the memory after a change.
const KEEP: f64 = 0.25;

/// Two cumulative sums of the log-likelihood ratio of a Poisson process, one for a rise and one for a fall.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Shock {
    rise: f64,
    fall: f64,
}

impl Shock {
    /// So many answers were to be expected in what has just passed. `Some`: by what to shorten the memory.
    pub fn expected(&mut self, answers: f64) -> Option<f64> {
        self.rise = (self.rise - (RISE - 1.0) * answers).max(0.0);
        self.fall += (1.0 - 1.0 / RISE) * answers;
        self.sure()
    }

    /// One answer came. `Some`: by what to shorten the memory.
    pub fn observed(&mut self) -> Option<f64> {
        self.rise += RISE.ln();
        self.fall = (self.fall - RISE.ln()).max(0.0);
        self.sure()
    }

    fn sure(&mut self) -> Option<f64> {
        (self.rise.max(self.fall) > SURE).then(|| {
            *self = Self::default();
            KEEP
        })
    }
}
