//! Issabel's law: agents who have talked long enough are taken for nearly done, and the lines are divided by the share of
//! calls that get through.
//!
//! It takes elapsed time as if it shortened an exponential span; more age always means "more likely done".

use std::collections::VecDeque;

use super::{Doing, Heard, Scene, in_flight, in_seconds, number, ready};
use crate::pacing::predictive::Resolution;

const PERIOD_MS: i64 = 3_000;
const WINDOW_MS: i64 = 1_800_000;
/// How sure it has to be that an agent is done in time.
const SURE: f64 = 0.97;
/// Calls before anything is predicted.
const ENOUGH: u32 = 10;
/// The least share of calls that get through that is believed.
const LEAST_SHARE: f64 = 0.20;

/// Running means, and the calls of the last half hour.
#[derive(Clone, Debug, Default)]
pub struct Issabel {
    due: i64,
    completed: u32,
    /// Mean seconds to an answer, and of a call.
    answer: f64,
    duration: f64,
    answers: u32,
    calls: VecDeque<(i64, bool)>,
}

impl Issabel {
    /// Counts calls and how long they took.
    pub fn hear(&mut self, heard: &Heard) {
        match *heard {
            Heard::Resolved { dialled, at, how, .. } => {
                let answered = how == Resolution::Answered;
                self.calls.push_back((at, answered));
                if answered {
                    self.answers += 1;
                    self.answer += (in_seconds(at - dialled) - self.answer) / f64::from(self.answers);
                }
            }
            Heard::Served { talk, .. } => {
                self.completed += 1;
                self.duration += (in_seconds(talk) - self.duration) / f64::from(self.completed);
            }
            Heard::Connected { .. } | Heard::Abandoned { .. } => {}
        }
    }

    /// Lines to dial now; nothing between two runs of its loop.
    pub fn plan(&mut self, scene: &Scene<'_>) -> u32 {
        if scene.now < self.due {
            return 0;
        }
        self.due = scene.now + PERIOD_MS;
        while self.calls.front().is_some_and(|(at, _)| *at < scene.now - WINDOW_MS) {
            self.calls.pop_front();
        }
        let calls = number(self.calls.len());
        let through = f64::from(number(self.calls.iter().filter(|(_, answered)| *answered).count()));
        let soon = if self.completed < ENOUGH { 0 } else { self.soon(scene) };
        let share = (calls >= ENOUGH).then(|| through / f64::from(calls));
        lines(ready(scene) + soon, scene.waiting, in_flight(scene), share)
    }

    fn soon(&self, scene: &Scene<'_>) -> u32 {
        let talking = scene.agents.iter().filter(|agent| agent.doing == Doing::Talking && !agent.leaving);
        number(talking.filter(|agent| self.nearly_done(in_seconds(scene.now - agent.since))).count())
    }

    fn nearly_done(&self, elapsed: f64) -> bool {
        1.0 - (-(self.answer + elapsed) / self.duration.max(1.0)).exp() >= SURE
    }
}

/// Lines for so many agents free now or soon; `share` of the calls get through, if enough is known.
#[must_use]
pub fn lines(agents: u32, waiting: u32, in_flight: u32, share: Option<f64>) -> u32 {
    let missing = agents.saturating_sub(waiting).saturating_sub(in_flight);
    share.map_or(missing, |share| super::whole((f64::from(missing) / share.max(LEAST_SHARE)).round()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_divided_by_what_gets_through() {
        assert_eq!(lines(5, 1, 2, None), 2);
        assert_eq!(lines(5, 1, 2, Some(0.25)), 8);
        assert_eq!(lines(5, 1, 2, Some(0.05)), 10);
        assert_eq!(lines(2, 1, 4, Some(0.25)), 0);
    }

    #[test]
    fn a_long_call_is_taken_for_nearly_done() {
        let law = Issabel { answer: 10.0, duration: 100.0, ..Issabel::default() };
        assert!(!law.nearly_done(300.0));
        assert!(law.nearly_done(341.0));
    }
}
