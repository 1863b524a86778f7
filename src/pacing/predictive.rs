//! Predictive pacing: as many lines as may be dialled while the risk that an answer finds nobody stays accepted.
//!
//! Every half second, and whenever an agent or a line changes, the answers that the lines on their way will give over the
//! next seconds are set against the agents who will come free ([`ring`], [`service`]). New lines are added while the
//! chance that the last one's answer finds nobody stays at or under a threshold ([`risk`]); the threshold is learnt from
//! what becomes of the answers ([`threshold`]) and shrinks with the budget of abandoned calls ([`budget`]).
//!
//! Everything here is a plain value: it can be stored, and a restart goes on where it was. The model, its sources and
//! how to read a decision are in `docs/PACING.md`.

pub mod budget;
pub mod haste;
mod normal;
pub mod ring;
pub mod risk;
pub mod scene;
pub mod service;
mod shock;
mod spans;
pub mod threshold;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::{
    budget::{Allowance, Budget, Hour},
    ring::{Ring, RingPrior},
    scene::{Agent, Bounds, Demand, Doing, HORIZON, Heard, Line, Resolution, Scene},
    service::{Service, ServicePrior},
    threshold::Threshold,
};
use self::{
    ring::Outlook,
    risk::{Balance, Candidate},
    scene::Ahead,
};
use crate::campaign::Limits;

/// Calls that must have rung out before more than one line an agent is dialled on the prior of a stranger.
const WARM_UP_DIALS: f64 = 30.0;
/// A line that has rung so long may be given up (TSR: 15 seconds or four rings).
const MAY_GIVE_UP_MS: i64 = 15_000;
/// After agents have left, for so long lines may be given up.
const FEWER_MS: i64 = 20_000;
/// Ringing lines are given up when their risk is this many times what is accepted.
const GIVE_UP_ABOVE: f64 = 8.0;
/// The least share of the accepted risk that is left when the budget is spent.
const LEAST_SHARE: f64 = 0.03;
/// Working time of a day, over which a new window's credit melts away.
const DAY_MS: i64 = 8 * 3_600_000;
/// What is believed of an unknown list: seconds of talk.
const TALK: f64 = 120.0;

/// What a campaign asks of its pacer.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Aims {
    /// Share of answers that the feedback steers for.
    pub target: f64,
    /// How strongly one answer moves the threshold; more for small or volatile floors.
    pub step: f64,
    /// The cap, over every window.
    pub allowance: Allowance,
    /// How long an answered line may wait for its agent, counted from when the agent is first needed; milliseconds.
    pub grace: i64,
    /// How long detection takes between the answer and the need of an agent; milliseconds.
    pub detection: i64,
}

impl Aims {
    /// What the house aims for: at most 3 % over a day of so many milliseconds of work and over thirty days, steering for
    /// a little less, with two seconds for an answered line to find its agent and no detection before.
    #[must_use]
    pub fn with_day(day: i64) -> Self {
        let allowance = Allowance { cap: 0.03, credit: 100.0, day };
        Self { target: 0.028, step: 0.1, allowance, grace: 2_000, detection: 0 }
    }

    /// The house's aims within the limits of a campaign. Detection runs beside the conversation: every answer needs an
    /// agent at once.
    #[must_use]
    pub fn within(limits: &Limits) -> Self {
        Self { grace: i64::from(limits.hold_seconds) * 1000, ..Self::with_day(DAY_MS) }
    }
}

/// The pacer of one campaign.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pacer {
    /// What it is asked for.
    pub aims: Aims,
    ring: Ring,
    service: Service,
    threshold: Threshold,
    budget: Budget,
    staff: Staff,
    /// Less than the accepted risk was wanted when it last planned.
    #[serde(default)]
    calm: bool,
}

/// Who was there when the pacer last looked.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Staff {
    present: u32,
    /// When there were last fewer than before.
    fewer: Option<i64>,
}

/// How many lines to dial, which to give up, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Lines to dial now.
    pub dial: u32,
    /// Positions in [`Scene::lines`] of those to give up.
    pub give_up: Vec<usize>,
    /// What was known and expected.
    pub because: Because,
}

/// The inputs and the forecast of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Because {
    /// Agents who are ready.
    pub idle: u32,
    /// Agents in a call or its wrap-up, those who leave excluded.
    pub busy: u32,
    /// Agents who asked for a break, or whose desk is gone.
    pub leaving: u32,
    /// Lines on their way.
    pub in_flight: u32,
    /// Answered lines without an agent.
    pub waiting: u32,
    /// Busy agents expected to be free in ten seconds.
    pub coming_free: f64,
    /// Answers expected in ten seconds.
    pub coming_answers: f64,
    /// Calls expected in ten seconds from elsewhere: callbacks that fall due, and people who call us.
    pub from_elsewhere: f64,
    /// Chance that a new line is answered.
    pub answer_chance: f64,
    /// Chance that the answer to the next line, dialled beyond this decision, finds nobody.
    pub risk: f64,
    /// The chance that is accepted now.
    pub accepted: f64,
    /// Abandoned calls that the budget still allows.
    pub budget_left: f64,
    /// What limited the lines.
    pub limited_by: Limit,
}

/// What keeps the pacer from dialling more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Nobody is there to take a call.
    NoAgents,
    /// One more line would risk too much.
    Risk,
    /// As `risk`, and the budget of abandoned calls has lowered what is accepted.
    Budget,
    /// Too few calls have rung out to know the list: one line for each ready agent.
    WarmUp,
    /// The lines of the campaign or the trunk.
    Lines,
    /// The carrier's calls per second.
    Starts,
    /// The queue has no more entries.
    List,
    /// As `risk`, and hardly any is taken: the queue will be through before its hours end.
    Unhurried,
}

impl Pacer {
    /// Knows nothing but what is believed.
    #[must_use]
    pub fn new(aims: Aims, ring: RingPrior, service: ServicePrior, now: i64) -> Self {
        Self {
            aims,
            ring: Ring::new(ring, now),
            service: Service::new(service),
            threshold: Threshold::default(),
            budget: Budget::default(),
            staff: Staff::default(),
            calm: false,
        }
    }

    /// Knows nothing of the campaign's list but how likely any call is answered, 0 to 1.
    #[must_use]
    pub fn of_unknown_list(limits: &Limits, answer: f64, now: i64) -> Self {
        let ring = RingPrior { answer, machine: 0.0, timeout: i64::from(limits.ring_seconds) * 1000 };
        let limit = f64::from(limits.wrap_up_seconds);
        let service = ServicePrior { talk: TALK, wrap: limit / 2.0, wrap_limit: Some(limit) };
        Self::new(Aims::within(limits), ring, service, now)
    }

    /// The budget is what the ledger says, and not what this pacer remembers.
    pub fn audit(&mut self, hours: Vec<Hour>) {
        self.budget = Budget::of(hours);
    }

    /// Learns from what happened.
    pub fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Resolved { dialled, at, how, chance } => self.ring.resolved(dialled, at, how, chance),
            Heard::Connected { at } => self.answer(at, false),
            Heard::Abandoned { at } => self.answer(at, true),
            Heard::Served { agent, talk, wrap } => self.service.served(agent, talk, wrap),
        }
    }

    fn answer(&mut self, at: i64, abandoned: bool) {
        // While less is wanted, few abandoned calls say nothing about what the full threshold would do.
        if abandoned || !self.calm {
            self.threshold.learn(abandoned, self.aims.target, self.aims.step);
        }
        self.budget.count(at, abandoned);
    }

    /// The accepted risk, and what is left of the budget.
    fn accepted(&self, now: i64) -> (f64, f64) {
        let left = self.budget.left(now, &self.aims.allowance);
        (self.threshold.value() * ((left - 1.0) / 2.0).clamp(LEAST_SHARE, 1.0), left)
    }

    /// Answers and abandoned calls of the last `hours` hours, up to 720.
    #[must_use]
    pub fn share(&self, hours: i64, now: i64) -> (f64, f64) {
        self.budget.share(hours, now)
    }

    /// What the lines of this campaign will ask of agents it shares with others.
    #[must_use]
    pub fn demand(&self, lines: &[Line], now: i64) -> Demand {
        let outlook = self.ring.outlook();
        Demand::of_lines(lines.iter().map(|line| self.answered(&outlook, line, now)))
    }

    /// What callbacks that fall due in so many milliseconds will ask of the agents: each is dialled when it is due.
    #[must_use]
    pub fn callbacks(&self, due_in: &[i64]) -> Demand {
        let outlook = self.ring.outlook();
        Demand::of_lines(due_in.iter().map(|&later| outlook.ahead(0, later)))
    }

    /// Decides how many lines to dial now.
    pub fn plan(&mut self, scene: &Scene<'_>) -> Decision {
        self.ring.count(scene.lines, scene.now);
        self.service.refresh(scene.now);
        let outlook = self.ring.outlook();
        let balance = self.balance(&outlook, scene);
        let candidate = Candidate {
            answer: (outlook.answer() * scene.bounds.next_chance).min(1.0),
            when: outlook.when(self.aims.detection),
        };
        let forecast = balance.forecast(&candidate.when);
        let idle = scene.agents.iter().filter(|agent| agent.doing == Doing::Idle && !agent.leaving).count();
        let busy = balance.coming.len();
        let haste = haste::of(scene, candidate.answer, self.service.mean(), idle + busy);
        self.calm = haste < 1.0;
        let (accepted, left) = self.accepted(scene.now);
        let accepted = accepted * haste;
        let lines = scene.lines.len();
        let floor = idle.saturating_sub(lines + count(scene.waiting));
        let (limited_by, most) = bounded(scene, self.ring.dials() < WARM_UP_DIALS, idle + busy == 0, floor);
        let (fine, risk) = forecast.most(&candidate, accepted, most);
        let perhaps = u32::from(fine < most && scene.coin < chance_of_one_more(accepted, risk));
        // One line for each idle agent is safe only where nobody else calls for the same agents.
        let alone = scene.others.mean[HORIZON - 1] < 0.01;
        let dial = (fine + perhaps).max(if alone { small(floor) } else { 0 }).min(most);
        let coming_free: f64 = balance.coming.iter().map(|free| free[9]).sum();
        let limited_by = match limited_by {
            Some(limit) if dial >= most => limit,
            _ if left < 3.0 => Limit::Budget,
            _ if self.calm => Limit::Unhurried,
            _ => Limit::Risk,
        };
        let because = Because {
            idle: small(idle),
            busy: small(busy),
            leaving: small(scene.agents.len() - idle - busy),
            in_flight: small(lines),
            waiting: scene.waiting,
            coming_free,
            from_elsewhere: scene.others.mean[9],
            coming_answers: balance.lines.iter().map(|answered| answered[9]).sum(),
            answer_chance: candidate.answer,
            risk,
            accepted,
            budget_left: left,
            limited_by,
        };
        let fewer = self.staff.fewer_of_late(small(idle + busy), scene.now);
        let give_up = if fewer && dial == 0 { give_up(scene, &balance, &candidate, accepted) } else { Vec::new() };
        Decision { dial, give_up, because }
    }

    fn balance(&self, outlook: &Outlook, scene: &Scene<'_>) -> Balance {
        let mut balance =
            Balance { spare: -i64::from(scene.waiting), coming: Vec::new(), lines: Vec::new(), others: *scene.others };
        #[expect(clippy::cast_precision_loss, reason = "seconds of grace")]
        let grace = self.aims.grace as f64 / 1000.0;
        for agent in scene.agents.iter().filter(|agent| !agent.leaving) {
            match agent.doing {
                Doing::Idle => balance.spare += 1,
                _ => balance.coming.push(self.service.free(agent, scene.now, grace)),
            }
        }
        balance.lines.extend(scene.lines.iter().map(|line| self.answered(outlook, line, scene.now)));
        balance
    }

    /// Chances that a line needs its agent within each second ahead.
    fn answered(&self, outlook: &Outlook, line: &Line, now: i64) -> Ahead {
        let detection = self.aims.detection;
        let Some(answered) = line.answered else {
            let ahead = outlook.ahead(now - line.dialled, detection);
            return ahead.map(|chance| (chance * line.chance).min(1.0));
        };
        let (person, left) = (outlook.person(answered - line.dialled), answered + detection - now);
        let mut ahead = 0;
        std::array::from_fn(|_| {
            ahead += 1000;
            if ahead >= left { person } else { 0.0 }
        })
    }
}

impl Staff {
    /// Whether agents have left within the time in which lines dialled for them are still ringing.
    fn fewer_of_late(&mut self, present: u32, now: i64) -> bool {
        if present < self.present {
            self.fewer = Some(now);
        }
        self.present = present;
        self.fewer.is_some_and(|at| now - at < FEWER_MS)
    }
}

/// The most lines that may be dialled, and what sets that bound.
fn bounded(scene: &Scene<'_>, cold: bool, deserted: bool, floor: usize) -> (Option<Limit>, u32) {
    let bounds = [
        (Limit::NoAgents, if deserted { 0 } else { u32::MAX }),
        (Limit::WarmUp, if cold { small(floor) } else { u32::MAX }),
        (Limit::Lines, scene.bounds.lines),
        (Limit::Starts, scene.bounds.starts),
        (Limit::List, scene.bounds.list),
        // Nobody has more use for lines than a few hundred at a time.
        (Limit::Risk, 1_000),
    ];
    let (limit, most) = bounds.into_iter().min_by_key(|(_, most)| *most).unwrap_or((Limit::Risk, 0));
    (Some(limit), most)
}

/// How likely the last line is dialled whose risk lies above what is accepted: surely not if it lies far above.
fn chance_of_one_more(accepted: f64, risk: f64) -> f64 {
    if risk <= 0.0 { 0.0 } else { (accepted / risk).powi(6) }
}

/// Lines to give up, the least likely to be answered first, while the risk of those that stay is far too high.
fn give_up(scene: &Scene<'_>, balance: &Balance, candidate: &Candidate, accepted: f64) -> Vec<usize> {
    let rung_enough = |since: i64| scene.now - since >= MAY_GIVE_UP_MS;
    let may = |line: &Line| line.answered.is_none() && line.ringing.is_some_and(rung_enough);
    if !scene.lines.iter().any(may) {
        return Vec::new();
    }
    let mut order: Vec<usize> = (0..scene.lines.len()).filter(|&at| may(&scene.lines[at])).collect();
    let worth = |at: usize| balance.lines[at][HORIZON - 1];
    order.sort_by(|&a, &b| worth(a).total_cmp(&worth(b)));
    let (mut left, mut gone) = (balance.clone(), Vec::new());
    for at in order {
        if risk_of_the_last(&left, candidate) <= accepted.max(0.005) * GIVE_UP_ABOVE {
            break;
        }
        left.lines[at] = [0.0; HORIZON];
        gone.push(at);
    }
    gone
}

/// The risk that a call on its way will find nobody: that of a new one, which comes after them.
fn risk_of_the_last(balance: &Balance, candidate: &Candidate) -> f64 {
    balance.forecast(&candidate.when).risk(candidate, 0)
}

fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn count(small: u32) -> usize {
    usize::try_from(small).unwrap_or(usize::MAX)
}
