//! A day of dialling, simulated: events in the order of time, and a pacer that is asked every half second and when agents
//! come free.
//!
//! What the day brings is its [`Course`]: made up for the benchmark, recorded for a replay. Nothing here reads a clock, a
//! network or a file: what comes out is a function of the course and the pacers.

mod course;
mod figures;
mod floor;

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

use self::floor::Desk;
pub use self::{
    course::{Carrier, Conversation, Course, Fate, Number, Taken},
    figures::Figures,
};
use super::{
    contender::Contender,
    predictive::{Agent, Bounds, Demand, Heard, Line, Resolution, Scene},
};

const TICK: i64 = 500;

/// Something that will happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Tick,
    /// The line of this campaign with this number stops ringing.
    Resolves(usize, u32),
    /// Detection is done with it.
    Detected(usize, u32),
    /// Somebody calls us.
    CallsIn(usize),
    /// The person who has waited under this number has waited long enough.
    GivesUp(u32),
    TalkEnds(usize),
    WrapEnds(usize),
}

/// A line as the day knows it.
#[derive(Clone, Copy, Debug)]
struct Dialled {
    number: u32,
    line: Line,
    fate: Fate,
}

/// A call that needs an agent.
#[derive(Clone, Copy, Debug)]
struct Call {
    number: Number,
    person: bool,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    ticket: u32,
    call: Call,
}

/// A day as it goes.
struct Day<'a, C> {
    course: &'a C,
    contenders: Vec<Contender>,
    now: i64,
    events: BinaryHeap<Reverse<(i64, u64, Event)>>,
    order: u64,
    desks: Vec<Desk>,
    lines: Vec<Vec<Dialled>>,
    dialled: Vec<u32>,
    waiting: VecDeque<Waiting>,
    tickets: u32,
    starts: f64,
    /// Raised when an agent or a line changes.
    epoch: u64,
    figures: Figures,
}

/// Simulates a day. One contender for each campaign.
#[must_use]
pub fn simulate<C: Course>(course: &C, contenders: Vec<Contender>) -> Figures {
    let campaigns = contenders.len();
    let hours = usize::try_from((course.ends() - course.begins() + 3_599_999) / 3_600_000).unwrap_or(1);
    let mut day = Day {
        course,
        contenders,
        now: course.begins(),
        events: BinaryHeap::new(),
        order: 0,
        desks: course.agents().iter().map(|&agent| Desk::empty(agent)).collect(),
        lines: vec![Vec::new(); campaigns],
        dialled: vec![0; campaigns],
        waiting: VecDeque::new(),
        tickets: 0,
        starts: 0.0,
        epoch: 0,
        figures: Figures { hours: vec![(0, 0); hours], ..Figures::default() },
    };
    for (number, at) in course.calls_in().iter().enumerate() {
        day.after(at - course.begins(), Event::CallsIn(number));
    }
    day.after(0, Event::Tick);
    day.run();
    day.figures
}

impl<C: Course> Day<'_, C> {
    fn after(&mut self, later: i64, event: Event) {
        self.order += 1;
        self.events.push(Reverse((self.now + later, self.order, event)));
    }

    fn run(&mut self) {
        let evening = self.course.ends();
        while let Some(Reverse((at, _, event))) = self.events.pop() {
            if at >= evening {
                break;
            }
            self.now = at;
            self.happens(event);
        }
        self.now = evening;
        (0..self.desks.len()).for_each(|at| self.account(at));
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Tick => {
                self.staff();
                self.after(TICK, Event::Tick);
                let starts = self.course.carrier().starts;
                self.starts = (self.starts + starts * 0.5).min(starts.max(1.0));
                self.plan();
            }
            Event::Resolves(campaign, number) => self.resolves(campaign, number),
            Event::Detected(campaign, number) => self.detected(campaign, number),
            Event::CallsIn(number) => self.calls_in(number),
            Event::GivesUp(ticket) => self.gives_up(ticket),
            Event::TalkEnds(desk) => self.talk_ends(desk),
            Event::WrapEnds(desk) => self.wrap_ends(desk),
        }
    }

    fn resolves(&mut self, campaign: usize, number: u32) {
        let Some(at) = self.lines[campaign].iter().position(|dialled| dialled.number == number) else { return };
        let Dialled { line, fate, .. } = self.lines[campaign][at];
        let picked_up = matches!(fate.how, Resolution::Answered | Resolution::Machine);
        let detection = self.course.carrier().detection;
        self.tell_resolved(campaign, &line, fate.how);
        if detection > 0 && picked_up {
            self.lines[campaign][at].line.answered = Some(self.now);
            self.after(detection, Event::Detected(campaign, number));
            return;
        }
        self.lines[campaign].swap_remove(at);
        self.epoch += 1;
        if fate.how == Resolution::Answered {
            self.answered(Call { number: Number::Out(campaign, number), person: fate.person });
        }
    }

    fn tell_resolved(&mut self, campaign: usize, line: &Line, how: Resolution) {
        let Line { dialled, chance, .. } = *line;
        self.contenders[campaign].hear(Heard::Resolved { dialled, at: self.now, how, chance });
    }

    fn detected(&mut self, campaign: usize, number: u32) {
        let Some(at) = self.lines[campaign].iter().position(|dialled| dialled.number == number) else { return };
        let Dialled { fate, .. } = self.lines[campaign].swap_remove(at);
        self.epoch += 1;
        if fate.how == Resolution::Answered && fate.lost {
            self.figures.taken_for_machines += 1;
        } else if fate.how == Resolution::Answered {
            self.answered(Call { number: Number::Out(campaign, number), person: fate.person });
        }
    }

    /// Somebody is on the line: an agent now, or one within the grace.
    fn answered(&mut self, call: Call) {
        if let Some(at) = self.longest_idle() {
            self.connect(at, call);
        } else {
            self.tickets += 1;
            self.waiting.push_back(Waiting { ticket: self.tickets, call });
            self.after(self.course.carrier().grace, Event::GivesUp(self.tickets));
        }
    }

    /// Who calls us and finds nobody is called back; they do not wait, and are not abandoned.
    fn calls_in(&mut self, number: usize) {
        if let Some(at) = self.longest_idle() {
            self.connect(at, Call { number: Number::In(number), person: true });
        }
    }

    fn count_answer(&mut self, abandoned: bool) {
        let hour = usize::try_from((self.now - self.course.begins()) / 3_600_000).unwrap_or(0);
        if let Some((answers, gone)) = self.figures.hours.get_mut(hour) {
            *answers += 1;
            *gone += u32::from(abandoned);
        }
    }

    fn gives_up(&mut self, ticket: u32) {
        let Some(at) = self.waiting.iter().position(|waiting| waiting.ticket == ticket) else { return };
        let Some(Waiting { call, .. }) = self.waiting.remove(at) else { return };
        if let Number::Out(campaign, _) = call.number
            && call.person
        {
            self.count_answer(true);
            self.contenders[campaign].hear(Heard::Abandoned { at: self.now });
        }
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
        let lines = self.lines_of(campaign);
        let others = self.others(campaign);
        let scene = Scene {
            now: self.now,
            agents: &agents,
            lines: &lines,
            waiting: u32::try_from(self.waiting.len()).unwrap_or(u32::MAX),
            others: &others,
            bounds: self.bounds(campaign),
            coin: self.course.toss(self.epoch),
        };
        let (dial, give_up) = self.contenders[campaign].plan(&scene);
        for at in &give_up {
            self.tell_resolved(campaign, &lines[*at], Resolution::Cancelled);
            self.figures.given_up += 1;
        }
        let gone: Vec<u32> = give_up.iter().map(|&at| self.lines[campaign][at].number).collect();
        self.lines[campaign].retain(|dialled| !gone.contains(&dialled.number));
        (0..dial).for_each(|_| self.dial(campaign));
    }

    fn lines_of(&self, campaign: usize) -> Vec<Line> {
        self.lines[campaign].iter().map(|dialled| dialled.line).collect()
    }

    /// What the lines of other campaigns will ask of the same agents.
    fn others(&self, campaign: usize) -> Demand {
        let mut demand = Demand::default();
        for (other, contender) in self.contenders.iter().enumerate().filter(|(other, _)| *other != campaign) {
            if let Contender::Predictive(pacer) = contender {
                demand = demand.and(&pacer.demand(&self.lines_of(other), self.now));
            }
        }
        demand
    }

    fn bounds(&self, campaign: usize) -> Bounds {
        let talking = self.desks.iter().filter(|desk| desk.is_talking()).count();
        let up = talking + self.waiting.len() + self.lines.iter().map(Vec::len).sum::<usize>();
        let (list, next_chance) = self.course.list(campaign, self.dialled[campaign]);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates")]
        let starts = self.starts as u32;
        let lines = self.course.carrier().lines.saturating_sub(u32::try_from(up).unwrap_or(u32::MAX));
        let left = Some(self.course.ends() - self.now).filter(|_| list < u32::MAX);
        Bounds { lines, starts, list, later: 0, left, next_chance }
    }

    fn dial(&mut self, campaign: usize) {
        let number = self.dialled[campaign];
        self.dialled[campaign] += 1;
        self.figures.dials += 1;
        self.starts -= 1.0;
        let fate = self.course.dial(campaign, number, self.now);
        let line = Line { dialled: self.now, ringing: Some(self.now), answered: None, chance: fate.chance };
        self.lines[campaign].push(Dialled { number, line, fate });
        self.after(fate.rings, Event::Resolves(campaign, number));
    }
}
