//! The exact optimum of a simplified floor: a constrained Markov decision problem.
//!
//! Service and ringing forget their age, there is no grace, and nothing is ever given up. The state is the number of busy
//! agents and of lines on their way, the action how many lines there shall be. Each abandoned answer has a price and each
//! answer earns the accepted share of it; whatever the price, no policy within the accepted share can be busier than the
//! best one at that price, and the lowest of these bounds is reached (strong duality). A real floor knows the ages of its
//! calls, which this one does not: a pacer can come out above it.

/// Mean seconds until a line is resolved.
const RESOLUTION: f64 = 12.0;
/// Logarithms of the prices, in seconds of a busy agent, between which the lowest bound is looked for.
const PRICES: (f64, f64) = (4.0, 12.0);
/// How close the logarithm has to come; the bound is flat around its lowest point.
const CLOSE: f64 = 0.25;
/// Within how much of an agent's time the bound is known.
const SETTLED: f64 = 5e-4;
const SWEEPS: u32 = 20_000;

/// A floor without a memory.
#[derive(Clone, Copy, Debug)]
pub struct Floor {
    /// Agents.
    pub agents: u32,
    /// Chance that a line is answered.
    pub answer: f64,
    /// Mean seconds of a call with its wrap-up.
    pub handling: f64,
}

/// The state space and the rates of a floor.
struct Problem {
    agents: usize,
    most: usize,
    /// Busy agents below this do not occur.
    least: usize,
    end: f64,
    resolve: f64,
    answer: f64,
    accepted: f64,
    /// The rate of the uniform clock.
    clock: f64,
}

/// The largest occupancy with at most this share of answers abandoned.
#[must_use]
pub fn occupancy(floor: &Floor, accepted: f64) -> f64 {
    let problem = Problem::new(floor, accepted);
    let mut values = vec![0.0; problem.states()];
    let mut bound = |price: f64| problem.solve(price.exp(), &mut values);
    let golden = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = PRICES;
    let (mut left, mut right) = (high - golden * (high - low), low + golden * (high - low));
    let (mut at_left, mut at_right) = (bound(left), bound(right));
    while high - low > CLOSE {
        if at_left < at_right {
            (high, right, at_right) = (right, left, at_left);
            left = high - golden * (high - low);
            at_left = bound(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = low + golden * (high - low);
            at_right = bound(right);
        }
    }
    at_left.min(at_right)
}

impl Problem {
    fn new(floor: &Floor, accepted: f64) -> Self {
        let agents = usize::try_from(floor.agents).unwrap_or(1);
        let n = f64::from(floor.agents);
        // Twice the lines that keep everybody busy, and some; a large floor is never half empty.
        let most = 12.0 + 2.2 * n * RESOLUTION / (floor.answer * floor.handling) + 3.0 / floor.answer;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few hundred")]
        let most = most.ceil() as usize;
        let least = if agents >= 40 { agents * 3 / 4 } else { 0 };
        let (end, resolve) = (1.0 / floor.handling, 1.0 / RESOLUTION);
        let lines = f64::from(u32::try_from(most).unwrap_or(u32::MAX));
        Self { agents, most, least, end, resolve, answer: floor.answer, accepted, clock: n * end + lines * resolve }
    }

    fn states(&self) -> usize {
        (self.agents + 1 - self.least) * (self.most + 1)
    }

    fn at(&self, busy: usize, lines: usize) -> usize {
        (busy - self.least) * (self.most + 1) + lines
    }

    /// Relative value iteration: the occupancy, less what abandoned answers cost at a price, of the best policy.
    fn solve(&self, price: f64, values: &mut [f64]) -> f64 {
        let mut after = vec![0.0; values.len()];
        let mut gain = f64::INFINITY;
        let mut onwards = values.to_vec();
        for _ in 0..SWEEPS {
            onwards.copy_from_slice(values);
            self.best_onwards(&mut onwards);
            let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
            for busy in self.least..=self.agents {
                for lines in 0..=self.most {
                    let value = self.expected(busy, lines, price, &onwards);
                    let change = value - values[self.at(busy, lines)];
                    (low, high) = (low.min(change), high.max(change));
                    after[self.at(busy, lines)] = value;
                }
            }
            let base = after[self.at(self.agents, 0)];
            values.iter_mut().zip(&after).for_each(|(value, after)| *value = after - base);
            gain = f64::midpoint(low, high) * self.clock / number(self.agents);
            if (high - low) * self.clock < 2.0 * SETTLED * number(self.agents) {
                break;
            }
        }
        gain
    }

    /// Replaces the value of each state by that of the best number of lines that can be reached from it.
    fn best_onwards(&self, values: &mut [f64]) {
        for busy in self.least..=self.agents {
            for lines in (0..self.most).rev() {
                let (here, more) = (self.at(busy, lines), self.at(busy, lines + 1));
                values[here] = values[here].max(values[more]);
            }
        }
    }

    /// One beat of the clock, from a state in which nothing more is dialled.
    fn expected(&self, busy: usize, lines: usize, price: f64, values: &[f64]) -> f64 {
        let (ends, answers, others) = self.chances(busy, lines);
        let here = values[self.at(busy, lines)];
        let fewer = values[self.at(busy.max(self.least + 1) - 1, lines)];
        let (mut value, stays) = (number(busy) / self.clock, 1.0 - ends - answers - others);
        value += ends * fewer + stays * here;
        if lines > 0 {
            let served = busy < self.agents;
            let busier = if served { busy + 1 } else { busy };
            let earned = price * (self.accepted - if served { 0.0 } else { 1.0 });
            value += others * values[self.at(busy, lines - 1)];
            value += answers * (values[self.at(busier, lines - 1)] + earned);
        }
        value
    }

    /// Chances that a call ends, a line is answered, or a line is resolved otherwise, at one beat.
    fn chances(&self, busy: usize, lines: usize) -> (f64, f64, f64) {
        let resolves = number(lines) * self.resolve / self.clock;
        (number(busy) * self.end / self.clock, resolves * self.answer, resolves * (1.0 - self.answer))
    }
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_optimum_of_small_floors_is_the_published_one() {
        for (agents, answer, published) in [(3, 0.5, 0.870), (3, 0.25, 0.796), (5, 0.25, 0.816), (5, 0.5, 0.874)] {
            let found = occupancy(&Floor { agents, answer, handling: 144.0 }, 0.03);
            assert!((found - published).abs() < 0.004, "{agents} agents, {answer}: {found}, published {published}");
        }
    }

    #[test]
    fn more_may_be_done_when_more_may_be_abandoned() {
        let floor = Floor { agents: 4, answer: 0.3, handling: 100.0 };
        assert!(occupancy(&floor, 0.05) > occupancy(&floor, 0.01));
    }
}
