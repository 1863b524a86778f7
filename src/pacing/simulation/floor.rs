//! The desks of a simulated day: who comes and goes, takes calls and writes them up.

use uuid::Uuid;

use super::{Call, Conversation, Course, Day, Event, Number, Taken};
use crate::pacing::predictive::{Agent, Doing, Heard};

#[derive(Clone, Copy, Debug)]
pub(super) struct Desk {
    pub(super) agent: Agent,
    /// Somebody is at it.
    pub(super) here: bool,
    now_in: Conversation,
    talked: i64,
    /// The campaign whose call it takes; `None`: one that came in.
    campaign: Option<usize>,
}

impl Desk {
    pub(super) fn empty(id: Uuid) -> Self {
        Self {
            agent: Agent { id, doing: Doing::Idle, since: 0, leaving: false },
            here: false,
            now_in: Conversation { talk: 0, wrap: 0 },
            talked: 0,
            campaign: None,
        }
    }

    pub(super) fn is_talking(&self) -> bool {
        self.agent.doing == Doing::Talking
    }

    fn takes_calls(&self) -> bool {
        self.here && self.agent.doing == Doing::Idle && !self.agent.leaving
    }
}

impl<C: Course> Day<'_, C> {
    /// Lets agents come, and ask for their break; who is not in a call goes at once.
    pub(super) fn staff(&mut self) {
        for at in 0..self.desks.len() {
            let (wanted, Desk { here, agent, .. }) = (self.course.at_work(at, self.now), self.desks[at]);
            self.desks[at].agent.leaving = here && !wanted;
            if here && !wanted && agent.doing == Doing::Idle {
                self.leaves(at);
            } else if wanted && !here {
                self.desks[at].here = true;
                self.desks[at].agent.since = self.now;
                if let Some(waiting) = self.waiting.pop_front() {
                    self.connect(at, waiting.call);
                }
            }
        }
    }

    fn leaves(&mut self, at: usize) {
        self.account(at);
        self.desks[at].here = false;
        self.desks[at].agent.leaving = false;
    }

    pub(super) fn longest_idle(&self) -> Option<usize> {
        let idle = self.desks.iter().enumerate().filter(|(_, desk)| desk.takes_calls());
        idle.min_by_key(|(_, desk)| desk.agent.since).map(|(at, _)| at)
    }

    pub(super) fn connect(&mut self, at: usize, call: Call) {
        let campaign = if let Number::Out(campaign, _) = call.number { Some(campaign) } else { None };
        if let Some(campaign) = campaign.filter(|_| call.person) {
            self.count_answer(false);
            self.contenders[campaign].hear(Heard::Connected { at: self.now });
        }
        self.account(at);
        let taken = Taken { call: call.number, person: call.person, agent: at, before: self.figures.conversations };
        let spoken = self.course.conversation(&taken);
        self.figures.conversations += 1;
        let desk = &mut self.desks[at];
        desk.now_in = spoken;
        desk.campaign = campaign;
        desk.agent.doing = Doing::Talking;
        desk.agent.since = self.now;
        self.after(spoken.talk, Event::TalkEnds(at));
        self.epoch += 1;
    }

    pub(super) fn talk_ends(&mut self, at: usize) {
        self.account(at);
        let desk = &mut self.desks[at];
        desk.talked = self.now - desk.agent.since;
        desk.agent.doing = Doing::Wrapping(desk.talked);
        desk.agent.since = self.now;
        let wrap = desk.now_in.wrap;
        self.after(wrap, Event::WrapEnds(at));
        self.epoch += 1;
    }

    pub(super) fn wrap_ends(&mut self, at: usize) {
        self.account(at);
        let desk = &mut self.desks[at];
        let (agent, talk, wrap, campaign) = (desk.agent.id, desk.talked, self.now - desk.agent.since, desk.campaign);
        desk.agent.doing = Doing::Idle;
        desk.agent.since = self.now;
        let leaving = desk.agent.leaving;
        if let Some(campaign) = campaign {
            self.contenders[campaign].hear(Heard::Served { agent, talk, wrap });
        }
        self.epoch += 1;
        if leaving {
            self.leaves(at);
        } else if let Some(waiting) = self.waiting.pop_front() {
            self.connect(at, waiting.call);
        } else {
            self.plan();
        }
    }

    /// Books the time of a desk since its last change.
    pub(super) fn account(&mut self, at: usize) {
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
}
