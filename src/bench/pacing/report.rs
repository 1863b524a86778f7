//! The days of every scenario and pacer, and what they say about the goals.

use std::sync::Mutex;

use super::{
    course::{self, MadeUp},
    optimum::{self, Floor},
    scenario::{self, Scenario},
};
use crate::pacing::{
    contender::{self, Name},
    simulation::{Figures, simulate},
};

/// The share of answers that may be abandoned.
const CAP: f64 = 0.03;
/// How far under the reference's predictive pacer ours may come, in points of occupancy.
const NEAR: f64 = 1.0;
/// Answers a day from which its share of abandoned calls says something.
const ENOUGH_ANSWERS: u32 = 300;

/// The days of one pacer in one scenario.
#[derive(Clone, Debug)]
pub struct Days {
    /// Whose.
    pub name: Name,
    /// One for each seed.
    pub days: Vec<Figures>,
}

/// Everything about one scenario.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Which.
    pub scenario: Scenario,
    /// The bound, in percent.
    pub optimum: f64,
    /// Ours first.
    pub pacers: Vec<Days>,
}

/// A goal, and whether it was met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goal {
    /// What was wanted and what came.
    pub text: String,
    /// Whether it was met.
    pub met: bool,
}

/// Simulates a scenario with every pacer, on all cores.
#[must_use]
pub fn run(scenario: &Scenario, names: &[Name]) -> Outcome {
    let jobs: Vec<(Name, u64)> = names.iter().flat_map(|&name| (1..=seeds(scenario)).map(move |s| (name, s))).collect();
    let (next, done) = (Mutex::new(jobs.iter()), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let job = next.lock().ok().and_then(|mut jobs| jobs.next().copied());
            let Some((name, seed)) = job else { return };
            let figures = simulate(&MadeUp::new(scenario, seed), course::contenders(name, scenario));
            if let Ok(mut done) = done.lock() {
                done.push((name, seed, figures));
            }
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..cores).for_each(|_| drop(scope.spawn(work))));
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(_, seed, _)| *seed);
    let days = |name: Name| done.iter().filter(|day| day.0 == name).map(|day| day.2.clone()).collect();
    let pacers = names.iter().map(|&name| Days { name, days: days(name) }).collect();
    Outcome { scenario: *scenario, optimum: bound(scenario), pacers }
}

/// Days simulated: more for small floors, whose days differ more.
fn seeds(scenario: &Scenario) -> u64 {
    match scenario.agents {
        0..=10 => 20,
        11..=30 => 10,
        31..=60 => 5,
        _ => 3,
    }
}

/// The exact optimum in percent, weighted over the stretches of a day that differ.
fn bound(scenario: &Scenario) -> f64 {
    let (mut busy, mut staffed) = (0.0, 0.0);
    for (hours, agents, answer) in scenario.stretches() {
        let floor = Floor { agents, answer, handling: scenario.handling() };
        busy += hours * f64::from(agents) * optimum::occupancy(&floor, CAP);
        staffed += hours * f64::from(agents);
    }
    100.0 * busy / staffed
}

impl Days {
    fn mean(&self, of: impl Fn(&Figures) -> f64) -> f64 {
        self.days.iter().map(of).sum::<f64>() / self.count()
    }

    fn worst(&self, of: impl Fn(&Figures) -> f64) -> f64 {
        self.days.iter().map(of).fold(0.0, f64::max)
    }

    fn count(&self) -> f64 {
        f64::from(u32::try_from(self.days.len().max(1)).unwrap_or(u32::MAX))
    }

    /// Mean occupancy in percent, and its standard error.
    #[must_use]
    pub fn occupancy(&self) -> (f64, f64) {
        let mean = self.mean(|day| 100.0 * day.occupancy());
        let variance = self.mean(|day| (100.0 * day.occupancy() - mean).powi(2));
        (mean, (variance / (self.count() - 1.0).max(1.0)).sqrt())
    }

    /// Abandoned calls of all days over all answers.
    #[must_use]
    pub fn abandoned(&self) -> f64 {
        let all = self.days.iter().map(Figures::answers).fold((0, 0), |all, day| (all.0 + day.0, all.1 + day.1));
        f64::from(all.1) / f64::from(all.0.max(1))
    }

    /// The worst day with enough answers.
    #[must_use]
    pub fn worst_day(&self) -> f64 {
        self.worst(|day| if day.answers().0 >= ENOUGH_ANSWERS { day.abandoned() } else { 0.0 })
    }

    fn row(&self) -> String {
        let (occupancy, error) = self.occupancy();
        let worst_hour = 100.0 * self.worst(Figures::worst_hour);
        format!(
            "  {:<24} {occupancy:6.2} ±{error:4.2} {:6.1} {:7.2} {:7.2} {worst_hour:7.2} {:7.1}",
            self.name.as_str(),
            self.mean(Figures::talk_minutes),
            100.0 * self.abandoned(),
            100.0 * self.worst_day(),
            self.mean(Figures::gap),
        )
    }
}

impl Outcome {
    /// What the scenario was meant to show.
    #[must_use]
    pub fn goals(&self) -> Vec<Goal> {
        let Some(ours) = self.pacers.iter().find(|days| days.name == Name::Predictive) else { return Vec::new() };
        let (occupancy, _) = ours.occupancy();
        let mut goals = Vec::new();
        if let Some((_, reference)) = self.scenario.reference {
            let text = format!("within {NEAR:.0} point of {reference:.1} %: {:+.2}", occupancy - reference);
            goals.push(Goal { text, met: occupancy >= reference - NEAR });
        }
        let worst = ours.worst_day();
        let text = format!("no day of {ENOUGH_ANSWERS} answers above 3 % abandoned: {:.2} %", 100.0 * worst);
        goals.push(Goal { text, met: worst <= CAP });
        let others = self.pacers.iter().filter(|days| days.name != Name::Predictive && days.abandoned() <= CAP);
        if let Some(best) = others.max_by(|a, b| a.occupancy().0.total_cmp(&b.occupancy().0)) {
            let (next, name) = (best.occupancy().0, best.name.as_str());
            let text = format!("ahead of every baseline within the cap: {:+.2} to {name}", occupancy - next);
            goals.push(Goal { text, met: occupancy > next });
        }
        goals
    }

    /// Everything as a table.
    #[must_use]
    pub fn table(&self) -> String {
        let Scenario { id, about, agents, answer, reference, .. } = self.scenario;
        let published = reference.map_or(String::new(), |(_, ours)| format!(", reference {ours:.1}"));
        let mut lines = vec![
            format!("{id}: {about}; {agents} agents, {:.0} % answers", 100.0 * answer),
            format!("  optimum without memory of ages: {:.2}{published}", self.optimum),
            format!(
                "  {:<24} {:>12} {:>6} {:>7} {:>7} {:>7} {:>7}",
                "", "occupancy %", "talk/h", "aband %", "day", "hour", "gap s"
            ),
        ];
        lines.extend(self.pacers.iter().map(Days::row));
        let verdict = |goal: &Goal| format!("  {}: {}", goal.text, if goal.met { "met" } else { "MISSED" });
        lines.extend(self.goals().iter().map(verdict));
        lines.join("\n")
    }
}

/// Runs the scenarios with these ids, or all; prints each as soon as it is known, and in the end what was missed.
pub fn print(ids: &[String]) {
    let (mut goals, mut missed) = (0, Vec::new());
    for scenario in scenario::ALL.iter().filter(|scenario| ids.is_empty() || ids.iter().any(|id| id == scenario.id)) {
        let outcome = run(scenario, &contender::ALL);
        println!("{}\n", outcome.table());
        for goal in outcome.goals() {
            goals += 1;
            if !goal.met {
                missed.push(format!("  {}: {}", scenario.id, goal.text));
            }
        }
    }
    println!("{} of {goals} goals met", goals - missed.len());
    for goal in missed {
        println!("{goal}: MISSED");
    }
}
