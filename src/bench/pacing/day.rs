//! One simulated day: events in the order of time, and a pacer that is asked every half second and when agents come free.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    time::Instant,
};

use uuid::Uuid;

use super::{
    figures::Figures,
    scenario::Scenario,
    world::{Conversation, TIMEOUT, World},
};
use crate::pacing::{
    baseline::Baseline,
    predictive::{Agent, Bounds, Demand, Doing, Heard, Line, Pacer, Resolution, Scene},
};

/// Nine in the morning of some day: the moment the day begins, in milliseconds since the epoch.
pub const MORNING: i64 = 1_700_000_000_000 - 1_700_000_000_000 % 86_400_000 + 9 * 3_600_000;
const TICK: i64 = 500;

/// Who decides how many lines to dial.
#[derive(Clone, Debug)]
pub enum Contender {
    /// Ours.
    Predictive(Box<Pacer>),
    /// Another.
    Other(Baseline),
}

impl Contender {
    fn hear(&mut self, heard: Heard) {
        match self {
            Self::Predictive(pacer) => pacer.hear(heard),
            Self::Other(law) => law.hear(&heard),
        }
    }

    fn plan(&mut self, scene: &Scene<'_>) -> (u32, Vec<usize>) {
        match self {
            Self::Predictive(pacer) => {
                let decision = pacer.plan(scene);
                (decision.dial, decision.give_up)
            }
            Self::Other(law) => (law.plan(scene), Vec::new()),
        }
    }
}

/// Something that will happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Tick,
    /// The line of this campaign with this number stops ringing.
    Resolves(usize, u32),
    /// Detection is done with it.
    Detected(usize, u32),
    /// The person who has waited under this number has waited long enough.
    GivesUp(u32),
    TalkEnds(usize),
    WrapEnds(usize),
}

/// A line as the world knows it.
#[derive(Clone, Copy, Debug)]
struct Dialled {
    number: u32,
    line: Line,
    how: Resolution,
    lost: bool,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    number: u32,
    campaign: usize,
}

#[derive(Clone, Copy, Debug)]
struct Desk {
    agent: Agent,
    pace: f64,
    here: bool,
    now_in: Conversation,
    talked: i64,
    campaign: usize,
}

/// A day as it goes.
struct Day<'a> {
    scenario: &'a Scenario,
    world: World,
    contenders: Vec<Contender>,
    now: i64,
    events: BinaryHeap<Reverse<(i64, u64, Event)>>,
    order: u64,
    desks: Vec<Desk>,
    lines: Vec<Vec<Dialled>>,
    dialled: Vec<u32>,
    waiting: VecDeque<Waiting>,
    waits: u32,
    starts: f64,
    epoch: u64,
    figures: Figures,
    decided: (u64, u128),
}

/// Simulates a day. One contender for each campaign of the scenario.
#[must_use]
pub fn simulate(scenario: &Scenario, seed: u64, contenders: Vec<Contender>) -> (Figures, Vec<Contender>) {
    let world = World::new(seed);
    let desk = |number: u32| Desk {
        agent: Agent { id: Uuid::from_u128(number.into()), doing: Doing::Idle, since: MORNING, leaving: false },
        pace: world.pace(scenario, number),
        here: true,
        now_in: Conversation { talk: 0.0, wrap: 0.0 },
        talked: 0,
        campaign: 0,
    };
    let campaigns = contenders.len();
    let mut day = Day {
        scenario,
        world,
        contenders,
        now: MORNING,
        events: BinaryHeap::new(),
        order: 0,
        desks: (0..scenario.agents).map(desk).collect(),
        lines: vec![Vec::new(); campaigns],
        dialled: vec![0; campaigns],
        waiting: VecDeque::new(),
        waits: 0,
        starts: 0.0,
        epoch: 0,
        figures: Figures {
            hours: vec![(0, 0); usize::try_from(scenario.minutes.div_ceil(60)).unwrap_or(1)],
            ..Figures::default()
        },
        decided: (0, 0),
    };
    day.after(0, Event::Tick);
    day.run();
    #[expect(clippy::cast_precision_loss, reason = "a mean")]
    let decision = day.decided.1 as f64 / day.decided.0.max(1) as f64;
    (Figures { decision, ..day.figures }, day.contenders)
}

impl Day<'_> {
    fn after(&mut self, later: i64, event: Event) {
        self.order += 1;
        self.events.push(Reverse((self.now + later, self.order, event)));
    }

    fn run(&mut self) {
        let evening = MORNING + self.scenario.length();
        while let Some(Reverse((at, _, event))) = self.events.pop() {
            if at >= evening {
                break;
            }
            self.now = at;
            self.happens(event);
        }
        self.now = evening;
        self.account_until_now();
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Tick => {
                self.staff();
                self.after(TICK, Event::Tick);
                self.starts =
                    (self.starts + self.scenario.carrier.starts * 0.5).min(self.scenario.carrier.starts.max(1.0));
                self.plan();
            }
            Event::Resolves(campaign, number) => self.resolves(campaign, number),
            Event::Detected(campaign, number) => self.detected(campaign, number),
            Event::GivesUp(number) => self.gives_up(number),
            Event::TalkEnds(desk) => self.talk_ends(desk),
            Event::WrapEnds(desk) => self.wrap_ends(desk),
        }
    }

    /// Lets agents ask for their break; who is not in a call goes at once.
    fn staff(&mut self) {
        let wanted = usize::try_from(self.scenario.staff(self.now - MORNING)).unwrap_or(usize::MAX);
        for at in wanted..self.desks.len() {
            self.desks[at].agent.leaving = true;
            if self.desks[at].here && self.desks[at].agent.doing == Doing::Idle {
                self.leaves(at);
            }
        }
    }

    fn leaves(&mut self, at: usize) {
        self.account(at);
        self.desks[at].here = false;
    }

    fn resolves(&mut self, campaign: usize, number: u32) {
        let Some(at) = self.lines[campaign].iter().position(|dialled| dialled.number == number) else { return };
        let line = self.lines[campaign][at];
        let picked_up = matches!(line.how, Resolution::Answered | Resolution::Machine);
        let (delay, grace) = self.scenario.detection();
        if delay > 0 && picked_up {
            self.lines[campaign][at].line.answered = Some(self.now);
            self.tell_resolved(campaign, &line, line.how);
            self.after(delay, Event::Detected(campaign, number));
            return;
        }
        self.lines[campaign].swap_remove(at);
        self.tell_resolved(campaign, &line, line.how);
        self.epoch += 1;
        if line.how == Resolution::Answered {
            self.answered(campaign, grace);
        }
    }

    fn tell_resolved(&mut self, campaign: usize, line: &Dialled, how: Resolution) {
        let Line { dialled, chance, .. } = line.line;
        self.contenders[campaign].hear(Heard::Resolved { dialled, at: self.now, how, chance });
    }

    fn detected(&mut self, campaign: usize, number: u32) {
        let Some(at) = self.lines[campaign].iter().position(|dialled| dialled.number == number) else { return };
        let line = self.lines[campaign].swap_remove(at);
        self.epoch += 1;
        if line.how != Resolution::Answered {
            return;
        }
        if line.lost {
            self.figures.taken_for_machines += 1;
            return;
        }
        self.answered(campaign, self.scenario.detection().1);
    }

    /// A person is on the line: an agent now, or one within the grace.
    fn answered(&mut self, campaign: usize, grace: i64) {
        let idle = |desk: &&Desk| desk.here && desk.agent.doing == Doing::Idle && !desk.agent.leaving;
        let longest = self.desks.iter().filter(idle).min_by_key(|desk| desk.agent.since).map(|desk| desk.agent.id);
        if let Some(at) = longest.and_then(|id| self.desks.iter().position(|desk| desk.agent.id == id)) {
            self.connect(at, campaign);
        } else {
            self.waits += 1;
            self.waiting.push_back(Waiting { number: self.waits, campaign });
            self.after(grace, Event::GivesUp(self.waits));
        }
    }

    fn connect(&mut self, at: usize, campaign: usize) {
        self.count_answer(false);
        self.contenders[campaign].hear(Heard::Connected { at: self.now });
        self.account(at);
        let spoken = self.world.conversation(self.scenario, self.figures.conversations);
        self.figures.conversations += 1;
        let desk = &mut self.desks[at];
        desk.now_in = Conversation { talk: spoken.talk * desk.pace, wrap: spoken.wrap * desk.pace };
        desk.campaign = campaign;
        desk.agent.doing = Doing::Talking;
        desk.agent.since = self.now;
        let talk = whole(desk.now_in.talk);
        self.after(talk, Event::TalkEnds(at));
        self.epoch += 1;
    }

    fn count_answer(&mut self, abandoned: bool) {
        let hour = usize::try_from((self.now - MORNING) / 3_600_000).unwrap_or(0);
        if let Some((answers, gone)) = self.figures.hours.get_mut(hour) {
            *answers += 1;
            *gone += u32::from(abandoned);
        }
    }

    fn gives_up(&mut self, number: u32) {
        let Some(at) = self.waiting.iter().position(|waiting| waiting.number == number) else { return };
        let Some(waiting) = self.waiting.remove(at) else { return };
        self.count_answer(true);
        self.contenders[waiting.campaign].hear(Heard::Abandoned { at: self.now });
    }

    fn talk_ends(&mut self, at: usize) {
        self.account(at);
        let desk = &mut self.desks[at];
        desk.talked = self.now - desk.agent.since;
        desk.agent.doing = Doing::Wrapping(desk.talked);
        desk.agent.since = self.now;
        let wrap = whole(desk.now_in.wrap);
        self.after(wrap, Event::WrapEnds(at));
        self.epoch += 1;
    }

    fn wrap_ends(&mut self, at: usize) {
        self.account(at);
        let desk = &mut self.desks[at];
        let (agent, talk, wrap, campaign) = (desk.agent.id, desk.talked, self.now - desk.agent.since, desk.campaign);
        desk.agent.doing = Doing::Idle;
        desk.agent.since = self.now;
        let leaving = desk.agent.leaving;
        self.contenders[campaign].hear(Heard::Served { agent, talk, wrap });
        self.epoch += 1;
        if leaving {
            self.leaves(at);
        } else if let Some(waiting) = self.waiting.pop_front() {
            self.connect(at, waiting.campaign);
        } else {
            self.plan();
        }
    }

    /// Books the time of a desk since its last change.
    fn account(&mut self, at: usize) {
        let Desk { agent, here, .. } = self.desks[at];
        if !here {
            return;
        }
        let seconds = f64::from(i32::try_from(self.now - agent.since).unwrap_or(i32::MAX)) / 1000.0;
        self.figures.staffed += seconds;
        match agent.doing {
            Doing::Idle => {}
            Doing::Talking => self.figures.talk += seconds,
            Doing::Wrapping(_) => self.figures.wrap += seconds,
        }
    }

    fn account_until_now(&mut self) {
        (0..self.desks.len()).for_each(|at| self.account(at));
    }

    fn plan(&mut self) {
        let campaigns = self.contenders.len();
        // Who shares agents takes turns to be the first to ask.
        let first = usize::try_from(self.now / TICK).unwrap_or(0) % campaigns;
        for campaign in (0..campaigns).map(|at| (first + at) % campaigns) {
            self.plan_one(campaign);
        }
    }

    fn plan_one(&mut self, campaign: usize) {
        let agents: Vec<Agent> = self.desks.iter().filter(|desk| desk.here).map(|desk| desk.agent).collect();
        let lines: Vec<Line> = self.lines[campaign].iter().map(|dialled| dialled.line).collect();
        let others = self.others(campaign);
        let began = Instant::now();
        let scene = Scene {
            now: self.now,
            agents: &agents,
            lines: &lines,
            waiting: u32::try_from(self.waiting.len()).unwrap_or(u32::MAX),
            others: &others,
            bounds: self.bounds(campaign),
            coin: self.world.toss(self.epoch),
        };
        let (dial, give_up) = self.contenders[campaign].plan(&scene);
        self.decided.0 += 1;
        self.decided.1 += began.elapsed().as_nanos();
        for at in &give_up {
            let line = self.lines[campaign][*at];
            self.tell_resolved(campaign, &line, Resolution::Cancelled);
            self.figures.given_up += 1;
        }
        let gone: Vec<u32> = give_up.iter().map(|&at| self.lines[campaign][at].number).collect();
        self.lines[campaign].retain(|dialled| !gone.contains(&dialled.number));
        (0..dial).for_each(|_| self.dial(campaign));
    }

    fn others(&self, campaign: usize) -> Demand {
        let mut demand = Demand::default();
        for (other, contender) in self.contenders.iter().enumerate().filter(|(other, _)| *other != campaign) {
            if let Contender::Predictive(pacer) = contender {
                let lines: Vec<Line> = self.lines[other].iter().map(|dialled| dialled.line).collect();
                demand = demand.and(&pacer.demand(&lines, self.now));
            }
        }
        demand
    }

    fn bounds(&self, campaign: usize) -> Bounds {
        let talking = self.desks.iter().filter(|desk| desk.agent.doing == Doing::Talking).count();
        let up = talking + self.waiting.len() + self.lines.iter().map(Vec::len).sum::<usize>();
        let dialled = self.dialled[campaign];
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates")]
        let starts = self.starts as u32;
        Bounds {
            lines: self.scenario.carrier.trunk.saturating_sub(u32::try_from(up).unwrap_or(u32::MAX)),
            starts,
            list: self.scenario.entries().saturating_sub(dialled),
            next_chance: self.scenario.tail(dialled),
        }
    }

    fn dial(&mut self, campaign: usize) {
        let number = self.dialled[campaign];
        self.dialled[campaign] += 1;
        self.figures.dials += 1;
        self.starts -= 1.0;
        let answer = self.scenario.answer_at(self.now - MORNING, number, campaign);
        let (how, rings) = self.world.dial(campaign, number, answer);
        let lost = self
            .scenario
            .carrier
            .detection
            .is_some_and(|(_, lost)| self.world.toss((1 << 39) + u64::from(number)) < lost);
        let line = Line { dialled: self.now, answered: None, chance: self.scenario.tail(number) };
        self.lines[campaign].push(Dialled { number, line, how, lost });
        self.after(rings.min(TIMEOUT), Event::Resolves(campaign, number));
    }
}

#[expect(clippy::cast_possible_truncation, reason = "milliseconds of a day")]
fn whole(value: f64) -> i64 {
    value.round() as i64
}
