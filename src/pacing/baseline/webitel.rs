//! Webitel's over-dialling: lines an agent by the connect rate of the last hour, turned down by its abandoned calls.

use std::collections::VecDeque;

use super::{Heard, Scene, lines_for, number};
use crate::pacing::predictive::Resolution;

const WINDOW_MS: i64 = 3_600_000;
const REFRESH_MS: i64 = 30_000;
/// The most abandoned calls and those aimed at, in percent of the answers.
const MOST: f64 = 3.0;
const TARGET: f64 = 0.99;
/// How strongly the room left under the target raises the lines, in percent.
const LOAD_FACTOR: f64 = 10.0;

/// Lines an agent, refreshed every half minute.
#[derive(Clone, Debug, Default)]
pub struct Webitel {
    attempts: VecDeque<i64>,
    answers: VecDeque<i64>,
    abandoned: VecDeque<i64>,
    due: i64,
    lines: f64,
}

impl Webitel {
    /// Counts attempts, answers and abandoned calls.
    pub fn hear(&mut self, heard: &Heard) {
        match *heard {
            Heard::Resolved { at, how, .. } => {
                self.attempts.push_back(at);
                if how == Resolution::Answered {
                    self.answers.push_back(at);
                }
            }
            Heard::Abandoned { at } => self.abandoned.push_back(at),
            Heard::Connected { .. } | Heard::Served { .. } => {}
        }
    }

    /// Lines to dial now.
    pub fn plan(&mut self, scene: &Scene<'_>) -> u32 {
        if scene.now >= self.due {
            self.due = scene.now + REFRESH_MS;
            for moments in [&mut self.attempts, &mut self.answers, &mut self.abandoned] {
                while moments.front().is_some_and(|at| *at < scene.now - WINDOW_MS) {
                    moments.pop_front();
                }
            }
            let [attempts, answers, abandoned] =
                [&self.attempts, &self.answers, &self.abandoned].map(|moments| f64::from(number(moments.len())));
            self.lines = lines_an_agent(attempts, answers, abandoned);
        }
        lines_for(scene, self.lines)
    }
}

/// Lines for each ready agent, from the counts of the window.
#[must_use]
pub fn lines_an_agent(attempts: f64, answers: f64, abandoned: f64) -> f64 {
    if answers < 1.0 {
        return 1.0;
    }
    let over = attempts / answers;
    let share = 100.0 * abandoned / answers;
    let room = TARGET - share;
    if share >= MOST {
        1.0
    } else if room > 0.0 {
        over * (1.0 + room * LOAD_FACTOR / 100.0)
    } else {
        (over * (MOST - share) / MOST * (100.0 + LOAD_FACTOR) / 100.0).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_follow_the_connect_rate_and_the_abandoned_calls() {
        let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found}, not {expected}");
        close(lines_an_agent(400.0, 100.0, 0.0), 4.0 * (1.0 + 0.99 * 0.1));
        close(lines_an_agent(400.0, 100.0, 2.0), 4.0 * (1.0 / 3.0) * 1.1);
        close(lines_an_agent(400.0, 100.0, 3.0), 1.0);
        close(lines_an_agent(50.0, 0.0, 0.0), 1.0);
    }
}
