//! VICIDIAL's adaptive methods: a level of lines an agent, moved by how many agents or callers have waited of late, and
//! cut when too many calls of the day were dropped.

use std::collections::VecDeque;

use super::{Heard, Scene, in_flight, ready, talking};
use crate::pacing::predictive::Resolution;

const SAMPLE_MS: i64 = 1_000;
const SAMPLES: usize = 15;
const LEVEL_MS: i64 = 15_000;
const DROPS_MS: i64 = 60_000;
const PLACE_MS: i64 = 2_500;
const DAY_MS: i64 = 86_400_000;

/// What is done when the day's drops exceed the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// One line an agent.
    HardLimit,
    /// Half the level, again and again.
    Average,
    /// Less and less towards the end of the day.
    Tapered,
}

/// Settings of a campaign.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// What is done about drops.
    pub method: Method,
    /// The most lines an agent.
    pub max_level: f64,
    /// Drops of the day over its answers, in percent.
    pub drop_limit: f64,
    /// Raises (above 0) or lowers the gain, in percent.
    pub intensity: f64,
    /// Agents to keep idle (below 0) or callers to keep waiting.
    pub target: f64,
    /// Count only agents who are ready.
    pub available_only: bool,
    /// End of calling as HHMM.
    pub latest: f64,
}

impl Settings {
    /// As installed.
    #[must_use]
    pub fn default_of(method: Method) -> Self {
        let latest = 2100.0;
        Self { method, max_level: 3.0, drop_limit: 3.0, intensity: 0.0, target: 0.0, available_only: false, latest }
    }

    /// As experienced administrators set it: only ready agents count, and the level may rise to 8.
    #[must_use]
    pub fn tuned(method: Method) -> Self {
        Self { max_level: 8.0, available_only: true, ..Self::default_of(method) }
    }
}

/// The level controller and the placement of calls.
#[derive(Clone, Debug)]
pub struct Vicidial {
    settings: Settings,
    level: f64,
    /// Ready agents, waiting calls and all agents, sampled each second.
    samples: VecDeque<[f64; 3]>,
    due: Due,
    /// Ends of calls within the last minute: when, and whether dropped.
    minute: VecDeque<(i64, bool)>,
    today: Today,
    drops: Drops,
}

/// When each loop runs next.
#[derive(Clone, Copy, Debug, Default)]
struct Due {
    sample: i64,
    level: i64,
    drops: i64,
    place: i64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Today {
    day: i64,
    calls: f64,
    answers: f64,
    drops: f64,
}

/// What the drop statistics said when they were last made.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Drops {
    /// Calls of the last minute.
    pub calls_minute: f64,
    /// Drops of the last minute in percent of those calls.
    pub minute: f64,
    /// Calls of the day.
    pub calls_today: f64,
    /// Drops of the day in percent of the answers by people.
    pub today: f64,
}

impl Vicidial {
    /// Begins at one line an agent.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            level: 1.0,
            samples: VecDeque::new(),
            due: Due::default(),
            minute: VecDeque::new(),
            today: Today::default(),
            drops: Drops::default(),
        }
    }

    /// Counts calls and drops; an answer counts once its call is written up, a drop at once.
    pub fn hear(&mut self, heard: &Heard) {
        let (at, call, answer, drop) = match *heard {
            Heard::Resolved { how: Resolution::Answered, .. } => return,
            Heard::Resolved { at, .. } | Heard::Connected { at } => (at, true, false, false),
            Heard::Abandoned { at } => (at, true, true, true),
            Heard::Served { .. } => {
                self.today.answers += 1.0;
                return;
            }
        };
        if at.div_euclid(DAY_MS) != self.today.day {
            self.today = Today { day: at.div_euclid(DAY_MS), ..Today::default() };
        }
        let one = |yes: bool| if yes { 1.0 } else { 0.0 };
        self.today.calls += one(call);
        self.today.answers += one(answer);
        self.today.drops += one(drop);
        self.minute.push_back((at, drop));
    }

    /// Lines to dial now; nothing between two runs of the placing loop.
    pub fn plan(&mut self, scene: &Scene<'_>) -> u32 {
        if passed(&mut self.due.sample, scene.now, SAMPLE_MS) {
            let agents = super::number(scene.agents.len());
            self.samples.push_back([ready(scene), scene.waiting, agents].map(f64::from));
            if self.samples.len() > SAMPLES {
                self.samples.pop_front();
            }
        }
        if passed(&mut self.due.drops, scene.now, DROPS_MS) {
            self.count_drops(scene.now);
        }
        if passed(&mut self.due.level, scene.now, LEVEL_MS) {
            let mean = |of: usize| self.samples.iter().map(|sample| sample[of]).sum::<f64>() / self.count();
            let difference = mean(0) - mean(1);
            self.level = level(&self.settings, self.level, difference, mean(2), &self.drops, hhmm(scene.now));
        }
        if !passed(&mut self.due.place, scene.now, PLACE_MS) {
            return 0;
        }
        let in_call = talking(scene);
        let lines = in_flight(scene) + scene.waiting + in_call;
        place(self.level, ready(scene), in_call, lines, self.settings.available_only)
    }

    fn count(&self) -> f64 {
        f64::from(super::number(self.samples.len().max(1)))
    }

    fn count_drops(&mut self, now: i64) {
        while self.minute.front().is_some_and(|(at, _)| *at <= now - DROPS_MS) {
            self.minute.pop_front();
        }
        let calls = f64::from(super::number(self.minute.len()));
        let drops = f64::from(super::number(self.minute.iter().filter(|(_, drop)| *drop).count()));
        self.drops = Drops {
            calls_minute: calls,
            minute: 100.0 * drops / calls.max(1.0),
            calls_today: self.today.calls,
            today: 100.0 * self.today.drops / self.today.answers.max(1.0),
        };
    }
}

/// The new level, from the mean difference of ready agents and waiting calls, the mean number of agents, the drops and
/// the time of day.
#[must_use]
pub fn level(settings: &Settings, level: f64, difference: f64, agents: f64, drops: &Drops, hhmm: f64) -> f64 {
    if agents <= 0.0 {
        return level;
    }
    let percent = 100.0 * (difference + settings.target) / agents;
    let gain = settings.intensity / 100.0;
    let percent = percent * if percent < 0.0 { (gain - 1.0).abs() } else { gain + 1.0 };
    let moved = (level * (1.0 + percent / 100.0) * 1000.0).round() / 1000.0;
    let mut level = moved.clamp(1.0, settings.max_level);
    if drops.calls_minute > 20.0 && drops.minute > 50.0 {
        level /= 2.0;
    }
    if drops.calls_today > 50.0 && drops.today > settings.drop_limit {
        let left = settings.latest - hhmm;
        level = match settings.method {
            Method::HardLimit => 1.0,
            Method::Average => level / 2.0,
            Method::Tapered if left < 0.0 => 1.0,
            Method::Tapered => level * (left / 1000.0).min(1.0),
        };
    }
    level.max(1.0)
}

/// Lines to place at a level: a goal of lines an agent, talking ones included, less what is up.
#[must_use]
pub fn place(level: f64, ready: u32, in_call: u32, lines: u32, available_only: bool) -> u32 {
    let (agents, lines) = if available_only { (ready, lines - in_call.min(lines)) } else { (ready + in_call, lines) };
    let goal = (level * f64::from(agents)).round_ties_even();
    super::whole((goal - f64::from(lines)).max(0.0))
}

/// Hours and minutes of a moment as the number that is read off a clock.
fn hhmm(now: i64) -> f64 {
    let minutes = now.rem_euclid(DAY_MS) / 60_000;
    i32::try_from(minutes / 60 * 100 + minutes % 60).map_or(0.0, f64::from)
}

fn passed(due: &mut i64, now: i64, period: i64) -> bool {
    let passed = now >= *due;
    if passed {
        *due = now + period;
    }
    passed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Settings, the level before, difference, agents, drop statistics, HHMM, and the level after.
    type Worked = (Settings, f64, f64, f64, [f64; 4], f64, f64);

    fn check(cases: &[Worked]) {
        for &(settings, before, difference, agents, [calls_minute, minute, calls_today, today], hhmm, after) in cases {
            let drops = Drops { calls_minute, minute, calls_today, today };
            let found = level(&settings, before, difference, agents, &drops, hhmm);
            assert!((found - after).abs() < 1e-9, "{before} and {difference} of {agents}: {found}, not {after}");
        }
    }

    #[test]
    fn the_level_follows_idle_agents_and_waiting_calls() {
        let average = Settings::default_of(Method::Average);
        let eager = Settings { intensity: 30.0, ..average };
        let calm = Settings { intensity: -40.0, ..average };
        let keep_one_idle = Settings { target: -1.0, ..average };
        check(&[
            (average, 2.0, 3.0, 20.0, [0.0; 4], 1200.0, 2.3),
            (average, 2.0, -3.0, 20.0, [0.0; 4], 1200.0, 1.7),
            (eager, 2.0, 3.0, 20.0, [0.0; 4], 1200.0, 2.39),
            (eager, 2.0, -3.0, 20.0, [0.0; 4], 1200.0, 1.79),
            (calm, 2.0, 3.0, 20.0, [0.0; 4], 1200.0, 2.18),
            (calm, 2.0, -3.0, 20.0, [0.0; 4], 1200.0, 1.58),
            (keep_one_idle, 2.0, 1.0, 20.0, [0.0; 4], 1200.0, 2.0),
            (average, 2.9, 5.0, 20.0, [0.0; 4], 1200.0, 3.0),
            (average, 1.05, -4.0, 20.0, [0.0; 4], 1200.0, 1.0),
            (average, 2.4, 2.0, 0.0, [0.0; 4], 1200.0, 2.4),
        ]);
    }

    #[test]
    fn drops_cut_the_level() {
        let [hard, average, tapered] = [Method::HardLimit, Method::Average, Method::Tapered].map(Settings::default_of);
        let over = [5.0, 0.0, 51.0, 3.01];
        check(&[
            (average, 2.4, 2.0, 20.0, [30.0, 55.0, 40.0, 9.0], 1200.0, 1.32),
            (average, 2.4, 2.0, 20.0, over, 1200.0, 1.32),
            (average, 2.4, 2.0, 20.0, [5.0, 0.0, 50.0, 9.0], 1200.0, 2.64),
            (hard, 2.4, 2.0, 20.0, over, 1200.0, 1.0),
            (tapered, 2.4, 2.0, 20.0, over, 930.0, 2.64),
            (tapered, 2.4, 2.0, 20.0, over, 1500.0, 1.584),
            (tapered, 2.4, 2.0, 20.0, over, 2030.0, 1.0),
            (tapered, 2.4, 2.0, 20.0, over, 2101.0, 1.0),
        ]);
    }

    #[test]
    fn lines_are_placed_up_to_the_level() {
        assert_eq!(place(2.0, 4, 16, 30, false), 10);
        assert_eq!(place(2.5, 3, 8, 27, false), 1);
        assert_eq!(place(1.5, 0, 5, 7, false), 1);
        assert_eq!(place(1.0, 2, 18, 20, false), 0);
        assert_eq!(place(2.0, 4, 16, 19, true), 5, "only ready agents and lines that are not in a call");
    }
}
