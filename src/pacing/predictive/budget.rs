//! The budget of abandoned calls over every window that counts.
//!
//! A hard switch to one line an agent at the cap locks up: nothing is earned back, and the floor sits idle. Here the
//! accepted risk shrinks as the budget does, long before it is gone.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

const HOUR_MS: i64 = 3_600_000;
/// The windows in hours: a day, and the thirty days of the TSR.
const WINDOWS: [i64; 2] = [24, 720];

/// Answers and abandoned calls by hour, for thirty days.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Budget {
    hours: VecDeque<Hour>,
}

/// What an hour brought.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Hour {
    /// Hours since the epoch.
    number: i64,
    answers: f64,
    abandoned: f64,
    /// The first answer of the hour.
    first: i64,
}

/// What a budget allows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Allowance {
    /// The largest share of answers that may be abandoned.
    pub cap: f64,
    /// Answers that a window is credited with at its start; the credit is gone after `day`.
    pub credit: f64,
    /// Working time of a day in milliseconds.
    pub day: i64,
}

impl Hour {
    /// An hour whose first answer was at `first`.
    #[must_use]
    pub fn of(first: i64, answers: f64, abandoned: f64) -> Self {
        Self { number: first.div_euclid(HOUR_MS), answers, abandoned, first }
    }
}

impl Budget {
    /// What the ledger says of the past, in the order of time.
    #[must_use]
    pub fn of(hours: Vec<Hour>) -> Self {
        Self { hours: hours.into() }
    }

    /// Counts one answer.
    pub fn count(&mut self, at: i64, abandoned: bool) {
        let hour = at.div_euclid(HOUR_MS);
        if self.hours.back().is_none_or(|last| last.number < hour) {
            self.hours.push_back(Hour { number: hour, answers: 0.0, abandoned: 0.0, first: at });
        }
        if let Some(last) = self.hours.back_mut() {
            last.answers += 1.0;
            last.abandoned += if abandoned { 1.0 } else { 0.0 };
        }
        while self.hours.front().is_some_and(|first| first.number <= hour - WINDOWS[1]) {
            self.hours.pop_front();
        }
    }

    /// Abandoned calls that may still happen, in the window that allows the fewest; below zero: the cap is broken.
    #[must_use]
    pub fn left(&self, now: i64, allowance: &Allowance) -> f64 {
        WINDOWS.iter().map(|&hours| self.left_in(hours, now, allowance)).fold(f64::INFINITY, f64::min)
    }

    fn left_in(&self, hours: i64, now: i64, allowance: &Allowance) -> f64 {
        let since = now.div_euclid(HOUR_MS) - hours;
        let (mut answers, mut abandoned, mut first) = (0.0, 0.0, now);
        for hour in self.hours.iter().rev().take_while(|hour| hour.number > since) {
            answers += hour.answers;
            abandoned += hour.abandoned;
            first = hour.first;
        }
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52 milliseconds")]
        let elapsed = (now - first).max(0) as f64 / allowance.day.max(1) as f64;
        allowance.cap * (answers + allowance.credit * (1.0 - elapsed).max(0.0)) - abandoned
    }

    /// Answers and abandoned calls of the last `hours` hours.
    #[must_use]
    pub fn share(&self, hours: i64, now: i64) -> (f64, f64) {
        let since = now.div_euclid(HOUR_MS) - hours;
        let within = self.hours.iter().filter(|hour| hour.number > since);
        within.fold((0.0, 0.0), |(answers, abandoned), hour| (answers + hour.answers, abandoned + hour.abandoned))
    }
}
