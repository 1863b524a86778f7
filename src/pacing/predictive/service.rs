//! When agents come free: talk and wrap-up, given how long they have lasted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    scene::{Agent, Doing},
    spans::{Spans, TABLE, Table, bin, middles},
};

/// Calls by which durations are remembered.
const MEMORY: f64 = 3_000.0;
/// Calls that the prior counts for.
const PRIOR_CALLS: u32 = 40;
/// Calls before half of an agent's own pace is believed.
const PACE_CALLS: f64 = 20.0;
/// The tables are made anew this often, in milliseconds.
const FRESH_MS: i64 = 30_000;
/// Kinds of calls by how long they took: what the wrap-up depends on, known before the disposition is.
const KINDS: [f64; 3] = [40.0, 110.0, f64::INFINITY];

/// What is believed before anything is known, in seconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct ServicePrior {
    /// Mean talk.
    pub talk: f64,
    /// Mean wrap-up.
    pub wrap: f64,
    /// After how long a wrap-up is ended by the service, if it is.
    pub wrap_limit: Option<f64>,
}

/// Learnt durations of one campaign.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Service {
    talk: Spans,
    wraps: [Spans; KINDS.len()],
    mean: f64,
    wrap_limit: Option<f64>,
    paces: BTreeMap<Uuid, Pace>,
    #[serde(skip)]
    tables: Option<Tables>,
}

/// How an agent's calls compare with everybody's.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Pace {
    calls: f64,
    /// Their time over the mean time.
    took: f64,
}

#[derive(Clone, Debug)]
struct Tables {
    made: i64,
    talk: Vec<Table>,
    wraps: [Vec<Table>; KINDS.len()],
}

impl Service {
    /// Knows nothing but the prior.
    #[must_use]
    pub fn new(prior: ServicePrior) -> Self {
        let mut service = Self {
            talk: Spans::default(),
            wraps: Default::default(),
            mean: prior.talk + prior.wrap,
            wrap_limit: prior.wrap_limit,
            paces: BTreeMap::new(),
            tables: None,
        };
        for call in 0..PRIOR_CALLS {
            // Quantiles of an exponential distribution.
            let quantile = -(1.0 - (f64::from(call) + 0.5) / f64::from(PRIOR_CALLS)).ln();
            service.talk.add(prior.talk * quantile, 1.0);
            service.wraps.iter_mut().for_each(|wraps| wraps.add(prior.wrap * quantile, 0.3));
        }
        service
    }

    /// An agent is done with a call.
    pub fn served(&mut self, agent: Uuid, talk: i64, wrap: i64) {
        let (talk, wrap) = (in_seconds(talk), in_seconds(wrap));
        let keep = 1.0 - 1.0 / MEMORY;
        let pace = self.paces.entry(agent).or_default();
        let relative = ((talk + wrap) / self.mean.max(1.0)).min(5.0);
        *pace = Pace { calls: pace.calls * 0.995 + 1.0, took: pace.took * 0.995 + relative };
        self.mean += ((talk + wrap) - self.mean) / 300.0;
        self.talk.forget(keep);
        self.talk.add(talk, 1.0);
        let wraps = &mut self.wraps[kind(talk)];
        wraps.forget(keep);
        wraps.add(wrap, 1.0);
    }

    /// Mean seconds of a call with its wrap-up.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Makes the tables anew when they are old.
    pub fn refresh(&mut self, now: i64) {
        if self.tables.as_ref().is_none_or(|tables| now - tables.made >= FRESH_MS) {
            self.tables = Some(self.tables(now));
        }
    }

    fn tables(&self, now: i64) -> Tables {
        let wraps: [_; KINDS.len()] = std::array::from_fn(|kind| self.wraps[kind].hazards());
        let fresh: [_; KINDS.len()] = std::array::from_fn(|kind| wraps[kind].within(0.0));
        let talk = self.talk.hazards();
        let over = |age: f64| {
            let (mut alive, mut table) = (1.0, [0.0; TABLE]);
            for second in 0..TABLE {
                let ends = alive * talk.next_second(age, second);
                alive -= ends;
                let wrap = &fresh[kind(age + super::scene::seconds(second))];
                for later in second + 1..TABLE {
                    table[later] += ends * wrap[later - second - 1];
                }
            }
            table
        };
        Tables {
            made: now,
            talk: middles().map(over).collect(),
            wraps: std::array::from_fn(|kind| middles().map(|age| wraps[kind].within(age)).collect()),
        }
    }

    /// How much longer than everybody this agent's calls take, as a factor around 1.
    fn pace(&self, agent: Uuid) -> f64 {
        let pace = self.paces.get(&agent).copied().unwrap_or_default();
        ((pace.took + PACE_CALLS) / (pace.calls + PACE_CALLS)).clamp(0.5, 2.0)
    }

    /// Chance that a busy agent is free within each `from + 1`, `from + 2` … seconds; zero for one who leaves.
    #[must_use]
    pub fn free<const N: usize>(&self, agent: &Agent, now: i64, grace: f64) -> [f64; N] {
        let Some(tables) = self.tables.as_ref().filter(|_| !agent.leaving) else {
            return [0.0; N];
        };
        let pace = self.pace(agent.id);
        let age = in_seconds(now - agent.since).max(0.0);
        let (table, limit) = match agent.doing {
            Doing::Idle => return [1.0; N],
            Doing::Talking => (&tables.talk[bin(age / pace)], None),
            Doing::Wrapping(talk) => (&tables.wraps[kind(in_seconds(talk))][bin(age / pace)], self.wrap_limit),
        };
        std::array::from_fn(|second| {
            let ahead = super::scene::seconds(second + 1) + grace;
            if limit.is_some_and(|limit| age + ahead >= limit) { 1.0 } else { at(table, ahead / pace) }
        })
    }
}

/// The table between its seconds.
fn at(table: &Table, ahead: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive count")]
    let whole = (ahead.max(0.0) as usize).min(TABLE - 1);
    let before = if whole == 0 { 0.0 } else { table[whole - 1] };
    let part = (ahead - super::scene::seconds(whole)).clamp(0.0, 1.0);
    before + part * (table[whole] - before)
}

fn kind(talk: f64) -> usize {
    KINDS.iter().position(|&most| talk < most).unwrap_or(KINDS.len() - 1)
}

fn in_seconds(span: i64) -> f64 {
    i32::try_from(span).map_or(f64::from(i32::MAX), f64::from) / 1000.0
}
