//! The risk that the next line's answer finds nobody.

use super::{
    normal,
    scene::{Ahead, Demand, HORIZON, seconds},
};

/// Agents and lines whose sum is counted out exactly; beyond that the sum is as good as normal.
const EXACT: usize = 40;
/// Answers expected from elsewhere up to which they are counted out.
const MANY: f64 = 8.0;
/// Chances too small to matter.
const NIL: f64 = 1e-5;

/// Everything that decides how many agents are free ahead, before new lines.
#[derive(Clone, Debug)]
pub struct Balance {
    /// Free agents less waiting calls, now.
    pub spare: i64,
    /// Chances that each busy agent is free, ahead.
    pub coming: Vec<Ahead>,
    /// Chances that each line is answered, ahead.
    pub lines: Vec<Ahead>,
    /// Answers from elsewhere.
    pub others: Demand,
}

/// A line that might be dialled now.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// Chance that it is answered.
    pub answer: f64,
    /// When, as shares of the answers by second.
    pub when: Ahead,
}

/// The number of free agents at each second ahead, as a distribution.
#[derive(Clone, Debug)]
pub enum Forecast {
    /// Counted out.
    Exact(Vec<Pmf>),
    /// By expected free agents and their variance.
    Normal(Box<[Ahead; 2]>),
}

/// Probabilities of the whole numbers from `least` on.
#[derive(Clone, Debug)]
pub struct Pmf {
    least: i64,
    chances: Vec<f64>,
}

impl Balance {
    /// Expected free agents at each second ahead, and the variance.
    fn moments(&self) -> (Ahead, Ahead) {
        let now = f64::from(i32::try_from(self.spare).unwrap_or(i32::MAX));
        let (mut mean, mut variance) = (self.others.mean.map(|answers| now - answers), self.others.variance);
        for (chances, sign) in
            self.coming.iter().map(|free| (free, 1.0)).chain(self.lines.iter().map(|line| (line, -1.0)))
        {
            for ((mean, variance), chance) in mean.iter_mut().zip(&mut variance).zip(chances) {
                *mean += sign * chance;
                *variance += chance * (1.0 - chance);
            }
        }
        (mean, variance)
    }

    /// The forecast for answers that come at these seconds: exact for a small floor.
    #[must_use]
    pub fn forecast(&self, when: &Ahead) -> Forecast {
        let many = self.others.mean[HORIZON - 1] > MANY;
        if many || self.coming.len() + self.lines.len() > EXACT {
            let (mean, variance) = self.moments();
            return Forecast::Normal(Box::new([mean, variance]));
        }
        let nothing = || Pmf { least: 0, chances: Vec::new() };
        let at = |k: usize| if when[k] > NIL { self.count_out(k) } else { nothing() };
        Forecast::Exact((0..HORIZON).map(at).collect())
    }

    /// The distribution of the free agents `k + 1` seconds ahead.
    fn count_out(&self, k: usize) -> Pmf {
        let mut pmf = Pmf { least: self.spare, chances: vec![1.0] };
        self.coming.iter().for_each(|free| pmf.perhaps_one_more(free[k]));
        self.lines.iter().for_each(|answered| pmf.perhaps_one_less(answered[k]));
        pmf.fewer_by_poisson(self.others.mean[k]);
        pmf
    }
}

impl Pmf {
    fn perhaps_one_more(&mut self, chance: f64) {
        if chance < NIL {
            return;
        }
        self.chances.push(0.0);
        for at in (1..self.chances.len()).rev() {
            self.chances[at] = self.chances[at] * (1.0 - chance) + self.chances[at - 1] * chance;
        }
        self.chances[0] *= 1.0 - chance;
    }

    fn perhaps_one_less(&mut self, chance: f64) {
        if chance >= NIL {
            self.perhaps_one_more(1.0 - chance);
            self.least -= 1;
        }
    }

    /// Takes away a number that is Poisson distributed: so many on average.
    fn fewer_by_poisson(&mut self, mean: f64) {
        if mean < NIL {
            return;
        }
        let (mut fewer, mut chance, mut left) = (Vec::new(), (-mean).exp(), 1.0);
        while left > NIL && fewer.len() < EXACT {
            fewer.push(chance);
            left -= chance;
            chance *= mean / seconds(fewer.len());
        }
        let mut chances = vec![0.0; self.chances.len() + fewer.len() - 1];
        for (at, before) in self.chances.iter().enumerate() {
            for (less, chance) in fewer.iter().enumerate() {
                chances[at + fewer.len() - 1 - less] += before * chance;
            }
        }
        self.least -= i64::try_from(fewer.len()).unwrap_or(i64::MAX) - 1;
        self.chances = chances;
    }

    /// Chance of nobody to spare.
    fn none_left(&self) -> f64 {
        let nobody = usize::try_from(1 - self.least).unwrap_or(0).min(self.chances.len());
        self.chances[..nobody].iter().sum::<f64>().min(1.0)
    }
}

impl Forecast {
    /// Chance that the answer to `candidate` finds nobody when `before` like it are dialled with it.
    #[must_use]
    pub fn risk(&self, candidate: &Candidate, before: u32) -> f64 {
        let mut answered = 0.0;
        let mut risk = 0.0;
        for k in 0..HORIZON {
            answered += candidate.when[k];
            if candidate.when[k] > NIL {
                risk += candidate.when[k] * self.nobody(k, candidate.answer * answered.min(1.0), before);
            }
        }
        risk
    }

    fn nobody(&self, k: usize, chance: f64, before: u32) -> f64 {
        match self {
            Self::Exact(pmfs) => {
                let mut pmf = pmfs[k].clone();
                (0..before).for_each(|_| pmf.perhaps_one_less(chance));
                pmf.none_left()
            }
            Self::Normal(moments) => {
                let [mean, variance] = &**moments;
                let before = f64::from(before);
                let mean = mean[k] - before * chance;
                let variance = variance[k] + before * chance * (1.0 - chance);
                normal::below(0.5, mean, variance)
            }
        }
    }

    /// The largest number of lines, up to `most`, each of which has at most `accepted` risk, and the risk of the next one.
    ///
    /// The risk grows with each line, so the number is searched by doubling and then by halves.
    #[must_use]
    pub fn most(&self, candidate: &Candidate, accepted: f64, most: u32) -> (u32, f64) {
        let fits = |lines: u32| self.risk(candidate, lines - 1) <= accepted;
        let (mut fine, mut step) = (0_u32, 1_u32);
        while fine < most && fits(fine.saturating_add(step).min(most)) {
            fine = fine.saturating_add(step).min(most);
            step = step.saturating_mul(2);
        }
        let mut too_many = fine.saturating_add(step).min(most.saturating_add(1));
        while too_many - fine > 1 {
            let middle = u32::midpoint(fine, too_many);
            if fits(middle) { fine = middle } else { too_many = middle }
        }
        (fine, self.risk(candidate, fine))
    }
}
