//! What one decision of the predictive pacer costs.

use std::time::Instant;

use uuid::Uuid;

use super::{course, scenario, world::MORNING};
use crate::{
    bench::report::{Ratio, Target},
    pacing::predictive::{Agent, Bounds, Demand, Doing, Line, Scene},
};

/// Agents of the floor that is decided about.
const AGENTS: i64 = 100;
/// Lines on their way.
const LINES: i64 = 80;
/// What a decision may cost, in microseconds.
const TARGET: f64 = 50.0;
const ROUNDS: usize = 4_000;

/// Times decisions about 100 agents and 80 lines, half a second apart.
#[must_use]
pub fn run() -> Ratio {
    let mut micros = decisions();
    micros.sort_by(f64::total_cmp);
    let at = |share: usize| micros.get(micros.len() * share / 100).copied().unwrap_or(f64::NAN);
    Ratio {
        name: "one pacing decision for 100 agents",
        measured: format!("p50 {:.1} µs, p99 {:.1} µs over {} decisions", at(50), at(99), micros.len()),
        baseline: format!("{TARGET:.0} µs, the promise"),
        ratio: at(50) / TARGET,
        target: Target::AtMost(1.0),
    }
}

fn decisions() -> Vec<f64> {
    let mut pacer = course::mistaken(&scenario::ALL[5], 0);
    let others = Demand::default();
    (0..ROUNDS)
        .map(|round| {
            let now = MORNING + 60_000 + 500 * i64::try_from(round).unwrap_or(0);
            let (agents, lines) = floor(now);
            let bounds = Bounds::default();
            let scene = Scene { now, agents: &agents, lines: &lines, waiting: 0, others: &others, bounds, coin: 0.5 };
            let began = Instant::now();
            std::hint::black_box(pacer.plan(&scene));
            began.elapsed().as_secs_f64() * 1e6
        })
        .collect()
}

/// Two agents idle, the others in calls of all ages; lines of all ages.
fn floor(now: i64) -> (Vec<Agent>, Vec<Line>) {
    let agent = |number: i64| Agent {
        id: Uuid::from_u64_pair(0, number.unsigned_abs()),
        doing: match number {
            0 | 1 => Doing::Idle,
            _ if number % 5 == 0 => Doing::Wrapping(90_000),
            _ => Doing::Talking,
        },
        since: now - 2_700 * number,
        leaving: false,
    };
    let line = |number: i64| Line {
        dialled: now - 310 * number,
        ringing: Some(now - 310 * number),
        answered: None,
        chance: 1.0,
    };
    ((0..AGENTS).map(agent).collect(), (0..LINES).map(line).collect())
}
