//! How long something lasts, by what it has lasted already.

use serde::{Deserialize, Serialize};

use super::scene::{HORIZON, seconds};

/// Bins of one second at the start…
const EVEN: usize = 8;
/// …then each this much wider than the one before.
const GROWTH: f64 = 1.12;
/// Bins; the last one begins after about two hours.
const BINS: usize = 70;

/// Hazards of a span by its age; spans still running, and those cut off, count for what they lasted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Spans {
    /// Ends within each bin.
    ends: Vec<f64>,
    /// Seconds lived within each bin.
    lived: Vec<f64>,
}

impl Default for Spans {
    fn default() -> Self {
        Self { ends: vec![0.0; BINS], lived: vec![0.0; BINS] }
    }
}

impl Spans {
    /// Adds a span that ended after `length` seconds.
    pub fn add(&mut self, length: f64, weight: f64) {
        let last = bin(length);
        for age in 0..last {
            self.lived[age] += weight * (start(age + 1) - start(age));
        }
        self.lived[last] += weight * (length - start(last)).max(0.0);
        self.ends[last] += weight;
    }

    /// Old spans count less.
    pub fn forget(&mut self, keep: f64) {
        self.ends.iter_mut().chain(&mut self.lived).for_each(|count| *count *= keep);
    }

    /// Ends a second for each bin; a bin in which too little was seen takes after the one before.
    #[must_use]
    pub fn hazards(&self) -> Hazards {
        let mut before = self.ends.iter().sum::<f64>() / self.lived.iter().sum::<f64>().max(1.0);
        let each = |age: usize| {
            before =
                (self.ends[age] + 2.0 * before * width(age).min(30.0)) / (self.lived[age] + 2.0 * width(age).min(30.0));
            before
        };
        Hazards((0..BINS).map(each).collect())
    }
}

/// Ends a second by age.
#[derive(Clone, Debug)]
pub struct Hazards(Vec<f64>);

impl Hazards {
    /// Chance that a span which has lasted `age` seconds ends within the second that begins `later` seconds from now,
    /// given that it lasts until then.
    #[must_use]
    pub fn next_second(&self, age: f64, later: usize) -> f64 {
        1.0 - (-self.0[bin(age + seconds(later) + 0.5)]).exp()
    }

    /// Chances that it has ended within 1, 2 … seconds.
    #[must_use]
    pub fn within(&self, age: f64) -> Table {
        let (mut alive, mut table) = (1.0, [0.0; TABLE]);
        for (second, within) in table.iter_mut().enumerate() {
            alive *= 1.0 - self.next_second(age, second);
            *within = 1.0 - alive;
        }
        table
    }
}

/// Seconds that a table of conditional chances reaches: the horizon and some grace.
pub const TABLE: usize = HORIZON + 8;

/// Chances that something is over within 1, 2 … seconds.
pub type Table = [f64; TABLE];

/// The bin of an age in seconds.
#[must_use]
pub fn bin(age: f64) -> usize {
    let even = seconds(EVEN);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded by the number of bins")]
    let bin = if age < even { age.max(0.0) as usize } else { EVEN + ((age / even).ln() / GROWTH.ln()) as usize };
    bin.min(BINS - 1)
}

/// The middle of every bin, in seconds.
pub fn middles() -> impl Iterator<Item = f64> {
    (0..BINS).map(|age| f64::midpoint(start(age), start(age + 1)))
}

fn start(bin: usize) -> f64 {
    if bin <= EVEN { seconds(bin) } else { seconds(EVEN) * GROWTH.powf(seconds(bin - EVEN)) }
}

fn width(bin: usize) -> f64 {
    start(bin + 1) - start(bin)
}
