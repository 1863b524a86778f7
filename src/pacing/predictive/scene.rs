//! What the pacer is shown: one campaign at one moment, and what has happened since.
//!
//! Moments are milliseconds since the Unix epoch, spans are milliseconds.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Seconds that the forecast looks ahead; hardly anybody answers a line that has rung longer.
pub const HORIZON: usize = 26;

/// One figure for each second ahead.
pub type Ahead = [f64; HORIZON];

/// A campaign at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The moment.
    pub now: i64,
    /// Everybody who takes calls of the campaign, on a break or not yet back excluded.
    pub agents: &'a [Agent],
    /// Lines that may still need an agent.
    pub lines: &'a [Line],
    /// Answered lines that wait for an agent.
    pub waiting: u32,
    /// Answers that others will bring to the same agents: other campaigns' lines, callbacks due, inbound calls.
    pub others: &'a Demand,
    /// What may be started at the most.
    pub bounds: Bounds,
    /// Evenly distributed in 0..1 and drawn anew only when an agent or a line has changed: whether the last line, whose
    /// risk lies just above what is accepted, is dialled.
    pub coin: f64,
}

/// An agent who takes calls.
#[derive(Clone, Copy, Debug)]
pub struct Agent {
    /// Who; their usual pace is learnt.
    pub id: Uuid,
    /// What they do.
    pub doing: Doing,
    /// Since when.
    pub since: i64,
    /// They asked for a break or their desk is gone: nothing more is expected of them, at once.
    pub leaving: bool,
}

/// What an agent does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Ready for a call.
    Idle,
    /// In a call.
    Talking,
    /// Writes up a call that took so long, in milliseconds.
    Wrapping(i64),
}

/// A line on its way.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// When the carrier was asked.
    pub dialled: i64,
    /// Since when it has been ringing; `None`: the carrier has not said so yet.
    pub ringing: Option<i64>,
    /// When somebody or something answered and detection began; `None`: it rings.
    pub answered: Option<i64>,
    /// Chance of an answer relative to the campaign's mean; 1 if nothing is known about the number.
    pub chance: f64,
}

/// What may be started at the most.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Bounds {
    /// Lines still free on the trunk and in the campaign.
    pub lines: u32,
    /// Starts that the carrier takes now.
    pub starts: u32,
    /// Entries left in the queue that may be called now.
    pub list: u32,
    /// Entries that wait for a moment to come; those that come too late are counted as well.
    pub later: u32,
    /// Milliseconds until the hours of the first of the entries end; `None`: unknown, or never.
    pub left: Option<i64>,
    /// Chance of an answer of the next entries, relative to the campaign's mean.
    pub next_chance: f64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { lines: u32::MAX, starts: u32::MAX, list: u32::MAX, later: 0, left: None, next_chance: 1.0 }
    }
}

/// Answers expected from elsewhere within 1, 2 … [`HORIZON`] seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Demand {
    /// Expected number.
    pub mean: Ahead,
    /// Its variance.
    pub variance: Ahead,
}

impl Default for Demand {
    fn default() -> Self {
        Self { mean: [0.0; HORIZON], variance: [0.0; HORIZON] }
    }
}

impl Demand {
    /// Calls that come in by themselves, `per_second` on average.
    #[must_use]
    pub fn inbound(per_second: f64) -> Self {
        let mean = std::array::from_fn(|second| per_second * seconds(second + 1));
        Self { mean, variance: mean }
    }

    /// Lines by their chances of an answer within each second ahead.
    pub(super) fn of_lines(lines: impl Iterator<Item = Ahead>) -> Self {
        let mut demand = Self::default();
        for answered in lines {
            for (k, chance) in answered.into_iter().enumerate() {
                demand.mean[k] += chance;
                demand.variance[k] += chance * (1.0 - chance);
            }
        }
        demand
    }

    /// Both together.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        for second in 0..HORIZON {
            self.mean[second] += other.mean[second];
            self.variance[second] += other.variance[second];
        }
        self
    }
}

/// Something that happened to a line or an agent, told in the order of time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Heard {
    /// A line stopped ringing (or detection found out about it).
    Resolved {
        /// When it was dialled.
        dialled: i64,
        /// When it stopped ringing.
        at: i64,
        /// How.
        how: Resolution,
        /// The chance it was dialled with, as in [`Line::chance`].
        chance: f64,
    },
    /// An answered line got its agent in time.
    Connected {
        /// When.
        at: i64,
    },
    /// An answered line did not get its agent in time.
    Abandoned {
        /// When.
        at: i64,
    },
    /// An agent is done with a call and its wrap-up.
    Served {
        /// Who.
        agent: Uuid,
        /// How long they talked.
        talk: i64,
        /// How long they wrote it up.
        wrap: i64,
    },
}

/// How a line stopped ringing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// An answer that needs an agent.
    Answered,
    /// An answer that detection kept from the agents.
    Machine,
    /// Rang out.
    NoAnswer,
    /// Engaged.
    Busy,
    /// The network or the carrier could not put it through.
    Failed,
    /// We gave it up.
    Cancelled,
}

/// A small count of seconds as a float.
pub(super) fn seconds(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}
