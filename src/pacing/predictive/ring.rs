//! How long lines ring and how that ends: competing risks by the age of the line.
//!
//! A line that has rung for 18 seconds is another thing than a new one, and a line that is still ringing is not a line
//! that nobody answered. Both come out right when each half second of age has its own hazards, and each hazard is events
//! over lines *that reached that age*, whether they are resolved or not. Counting resolved calls instead takes answers,
//! which come early, for more than they are whenever the volume grows; it cost 8.9 % abandoned calls (see the tests).
//!
//! How the hazards depend on age changes slowly and is learnt over many calls; how likely an answer is changes with the
//! list and the hour and is learnt as a factor on top, observed over expected answers.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{
    Resolution,
    scene::{Ahead, HORIZON, Line, seconds},
    shock::Shock,
};

/// Width of an age bin.
const BIN_MS: i64 = 500;
/// Bins; 65 seconds of ringing, the most that the carrier allows is 60.
const BINS: usize = 130;
/// Calls by which the shape of the hazards is remembered.
const SHAPE_MEMORY: f64 = 20_000.0;
/// The level of the answers is remembered for so many milliseconds of dialling…
const LEVEL_MEMORY_MS: f64 = 300_000.0;
/// …within these bounds, in calls.
const LEVEL_MEMORY: (f64, f64) = (1_000.0, 20_000.0);
/// What happens to a line is told within this time.
const TOLD_WITHIN_MS: i64 = 10_000;
/// Calls that the prior counts for.
const PRIOR_CALLS: f64 = 60.0;

/// Learnt hazards of the lines of one campaign.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ring {
    /// Lines that reached each age.
    reached: Vec<f64>,
    /// Lines resolved at each age, by an answer, a machine, anything else.
    answered: Vec<f64>,
    machine: Vec<f64>,
    ended: Vec<f64>,
    /// Answers observed and expected, of late: their ratio is the level.
    observed: f64,
    expected: f64,
    /// Dials a millisecond, smoothed.
    rate: f64,
    /// Watches the level for sudden changes.
    shock: Shock,
    /// Dials counted since the last forgetting.
    fresh: f64,
    /// Up to when lines have been counted.
    counted: i64,
    /// When lines were looked at of late: what is told late was last counted at the look before it happened.
    #[serde(skip)]
    looks: VecDeque<i64>,
    /// Dials counted since the start, the prior's excluded.
    dials: f64,
}

/// What is believed before anything is known.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct RingPrior {
    /// Chance that a call needs an agent, 0 to 1.
    pub answer: f64,
    /// Chance of a machine that detection keeps away, 0 to 1.
    pub machine: f64,
    /// After how many milliseconds a line is given up.
    pub timeout: i64,
}

impl Ring {
    /// Knows nothing but the prior.
    #[must_use]
    pub fn new(prior: RingPrior, now: i64) -> Self {
        let mut ring = Self {
            reached: vec![0.0; BINS],
            answered: vec![0.0; BINS],
            machine: vec![0.0; BINS],
            ended: vec![0.0; BINS],
            observed: PRIOR_CALLS * prior.answer,
            expected: PRIOR_CALLS * prior.answer,
            rate: 0.0,
            shock: Shock::default(),
            fresh: 0.0,
            counted: now,
            looks: VecDeque::new(),
            dials: 0.0,
        };
        ring.believe(prior);
        ring
    }

    /// Spreads the prior over the ages: answers come around 9 seconds, machines around 20, the rest at the timeout but
    /// for one in ten, engaged or failed, which ends at once.
    fn believe(&mut self, prior: RingPrior) {
        let timeout = bin(prior.timeout);
        let rest = (1.0 - prior.answer - prior.machine).max(0.0);
        let mut alive = PRIOR_CALLS;
        let total = |centre: f64, width: f64| (0..=timeout).map(|age| bump(age, centre, width)).sum::<f64>();
        let (people, machines) = (total(9.0, 4.0), total(19.0, 3.0));
        for age in 0..=timeout {
            let answered = PRIOR_CALLS * prior.answer * bump(age, 9.0, 4.0) / people;
            let machine = PRIOR_CALLS * prior.machine * bump(age, 19.0, 3.0) / machines;
            let early = if (4..8).contains(&age) { PRIOR_CALLS * rest * 0.1 / 4.0 } else { 0.0 };
            self.reached[age] = alive;
            self.answered[age] = answered;
            self.machine[age] = machine;
            self.ended[age] = if age == timeout { (alive - answered - machine).max(0.0) } else { early };
            alive = (alive - answered - machine - early).max(0.0);
        }
    }

    /// Counts the ages that lines still ringing have reached by `now`, and forgets a little.
    pub fn count(&mut self, lines: &[Line], now: i64) {
        let mut expected = 0.0;
        for line in lines.iter().filter(|line| line.answered.is_none()) {
            expected += self.reach(line.dialled, self.counted, now, line.chance);
        }
        self.expect(expected);
        self.forget(now);
        self.counted = self.counted.max(now);
        self.looks.push_back(now);
        while self.looks.front().is_some_and(|look| *look < now - TOLD_WITHIN_MS) {
            self.looks.pop_front();
        }
    }

    /// Counts a line that stopped ringing.
    pub fn resolved(&mut self, dialled: i64, at: i64, how: Resolution, chance: f64) {
        let before = self.looks.iter().rev().find(|look| **look <= at).copied().unwrap_or(self.counted);
        let expected = self.reach(dialled, before, at + 1, chance);
        self.expect(expected);
        let age = bin(at - dialled);
        match how {
            Resolution::Answered => {
                self.answered[age] += 1.0;
                self.observed += 1.0;
                if let Some(factor) = self.shock.observed() {
                    self.shorten(factor);
                }
            }
            Resolution::Machine => self.machine[age] += 1.0,
            Resolution::NoAnswer | Resolution::Busy | Resolution::Failed => self.ended[age] += 1.0,
            Resolution::Cancelled => {}
        }
    }

    /// Adds one line to the ages it reached in `counted..until`; the answers to expect of it there.
    fn reach(&mut self, dialled: i64, counted: i64, until: i64, chance: f64) -> f64 {
        let first = ((counted - dialled).max(0) + BIN_MS - 1) / BIN_MS;
        let last = (until - 1 - dialled).div_euclid(BIN_MS);
        let mut expected = 0.0;
        let until = usize::try_from(last + 1).unwrap_or(0).min(BINS);
        for age in usize::try_from(first).unwrap_or(BINS)..until {
            self.reached[age] += 1.0;
            expected += self.answered[age] / self.reached[age] * chance;
        }
        if first == 0 && last >= 0 {
            self.fresh += 1.0;
        }
        expected
    }

    fn expect(&mut self, expected: f64) {
        self.expected += expected;
        if let Some(factor) = self.shock.expected(expected * self.level()) {
            self.shorten(factor);
        }
    }

    /// Old observations count less: a sudden change made them worthless.
    fn shorten(&mut self, factor: f64) {
        self.observed *= factor;
        self.expected *= factor;
    }

    fn forget(&mut self, now: i64) {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52 milliseconds")]
        let elapsed = (now - self.counted).max(0) as f64;
        if elapsed <= 0.0 {
            return;
        }
        let fresh = std::mem::take(&mut self.fresh);
        self.dials += fresh;
        let share = 1.0 - (-elapsed / 60_000.0).exp();
        self.rate += share * (fresh / elapsed - self.rate);
        let memory = (self.rate * LEVEL_MEMORY_MS).clamp(LEVEL_MEMORY.0, LEVEL_MEMORY.1);
        let keep = (-fresh / memory).exp();
        self.observed *= keep;
        self.expected *= keep;
        let keep = (-fresh / SHAPE_MEMORY).exp();
        for counts in [&mut self.reached, &mut self.answered, &mut self.machine, &mut self.ended] {
            for count in counts {
                *count *= keep;
            }
        }
    }

    /// Observed over expected answers of late.
    #[must_use]
    pub fn level(&self) -> f64 {
        (self.observed / self.expected.max(1e-9)).clamp(0.05, 20.0)
    }

    /// Calls counted that were really dialled.
    #[must_use]
    pub fn dials(&self) -> f64 {
        self.dials
    }

    /// The hazards summed up, ready to be asked about lines.
    #[must_use]
    pub fn outlook(&self) -> Outlook {
        let level = self.level();
        let mut outlook =
            Outlook { alive: vec![0.0; BINS + 1], answered: vec![0.0; BINS + 1], person: vec![0.0; BINS] };
        let mut alive = 1.0;
        for age in 0..BINS {
            let reached = self.reached[age].max(1e-9);
            let answer = (self.answered[age] / reached * level).min(1.0);
            let machine = (self.machine[age] / reached).min(1.0 - answer);
            let ended = (self.ended[age] / reached).min(1.0 - answer - machine);
            outlook.alive[age] = alive;
            outlook.answered[age + 1] = outlook.answered[age] + alive * answer;
            outlook.person[age] = if answer + machine > 0.0 { answer / (answer + machine) } else { 0.0 };
            alive = (alive * (1.0 - answer - machine - ended)).max(0.0);
        }
        outlook.alive[BINS] = alive;
        outlook
    }
}

/// What the hazards say about lines of any age.
#[derive(Clone, Debug)]
pub struct Outlook {
    /// Share of lines still ringing at each age.
    alive: Vec<f64>,
    /// Share answered before each age.
    answered: Vec<f64>,
    /// Of those who pick up at each age, the share that will need an agent.
    person: Vec<f64>,
}

impl Outlook {
    /// Chance that a new line is answered.
    #[must_use]
    pub fn answer(&self) -> f64 {
        self.answered[BINS]
    }

    /// Chances that a line which has rung for `age` is answered within 1, 2 … seconds less `later` milliseconds.
    #[must_use]
    pub fn ahead(&self, age: i64, later: i64) -> Ahead {
        let from = bin(age);
        if self.alive[from] < 1e-6 {
            return [0.0; HORIZON];
        }
        let (before, scale) = (self.answered[from], 1.0 / self.alive[from]);
        let mut at = (age.max(0) - later + BIN_MS / 2).div_euclid(BIN_MS);
        std::array::from_fn(|_| {
            at += 1000 / BIN_MS;
            let edge = usize::try_from(at).unwrap_or(0).clamp(from, BINS);
            ((self.answered[edge] - before) * scale).clamp(0.0, 1.0)
        })
    }

    /// Chance that what picked up at `age` needs an agent.
    #[must_use]
    pub fn person(&self, age: i64) -> f64 {
        self.person[bin(age)]
    }

    /// Of the answers to a new line, the share that needs its agent within each second, `later` milliseconds after the
    /// answer.
    #[must_use]
    pub fn when(&self, later: i64) -> Ahead {
        let total = self.answer().max(1e-9);
        let mut before = 0.0;
        self.ahead(0, later).map(|until| {
            let share = until / total - before;
            before = until / total;
            share.max(0.0)
        })
    }
}

fn bin(age: i64) -> usize {
    usize::try_from(age.max(0) / BIN_MS).unwrap_or(0).min(BINS - 1)
}

/// A bell around `centre` seconds, for priors.
fn bump(age: usize, centre: f64, width: f64) -> f64 {
    let distance = (seconds(age) / 2.0 - centre) / width;
    (-distance * distance / 2.0).exp()
}

const _: () = assert!(HORIZON * 2 < BINS);
