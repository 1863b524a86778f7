//! The pure transition: merge an event into the facts, derive the state, say what follows.

use chrono::{DateTime, TimeDelta, Utc};

use super::{AnsweredBy, Create, Direction, Effect, End, EndStatus, Event, Facts, Ignored, Outcome, State, Step};

/// Tells a call `event`, which happened or was heard of at `at`.
///
/// What is *observed* (the carrier's events, losses, dispositions) merges commutatively and idempotently: any order and
/// any repetition of it ends in the same facts, and so in the same state. What is *decided* (to dial, to give the call
/// an agent or let it wait) is decided under the call's lock, and comes too late once the line is over.
/// Only the effects depend on the order, and repeating one does no harm.
#[must_use]
pub fn step(facts: &Facts, event: &Event, at: DateTime<Utc>) -> Step {
    if event.is_decision() && facts.line_is_over() {
        return Step::Ignored(Ignored::Over);
    }
    let next = merge(facts.clone(), event, at);
    if next == *facts {
        let over = facts.state() == State::Done;
        return Step::Ignored(if over { Ignored::Over } else { Ignored::Known });
    }
    let effects = effects(facts, &next);
    Step::Next { facts: next, effects }
}

impl Event {
    fn is_decision(&self) -> bool {
        matches!(
            self,
            Self::Dialed | Self::HumanConfirmed | Self::Held { .. } | Self::AgentAssigned(_) | Self::HoldExpired
        )
    }
}

fn merge(mut facts: Facts, event: &Event, at: DateTime<Utc>) -> Facts {
    match event {
        Event::Dialed => learn(&mut facts.create, Create::Asked),
        Event::CreateAccepted => learn(&mut facts.create, Create::Accepted),
        Event::CreateRejected { code, bad_number } => {
            learn(&mut facts.create, Create::Rejected { code: *code, bad_number: *bad_number });
        }
        Event::CreateUnknown => learn(&mut facts.create, Create::Unknown),
        Event::Ringing => earliest(&mut facts.ringing_at, at),
        Event::Answered => earliest(&mut facts.answered_at, at),
        Event::Detected(by) => facts.answered_by = facts.answered_by.max(Some(*by)),
        Event::HumanConfirmed => facts.human_confirmed = true,
        Event::IdentityConfirmed => earliest(&mut facts.identity_confirmed_at, at),
        Event::Held { until } => earliest(&mut facts.held_until, *until),
        Event::AgentAssigned(agent) => facts.agent = facts.agent.or(Some((at, *agent))),
        Event::HoldExpired => earliest(&mut facts.hold_expired_at, at),
        Event::CustomerJoined => earliest(&mut facts.joined_at, at),
        Event::AgentLost => {
            earliest(&mut facts.agent_lost_at, at);
            give_up_plan(&mut facts, at);
        }
        Event::EndAsked => {
            earliest(&mut facts.end_asked_at, at);
            give_up_plan(&mut facts, at);
        }
        Event::Ended(end) => over(&mut facts.end, *end),
        Event::Disposed => earliest(&mut facts.disposed_at, at),
    }
    facts
}

fn learn(known: &mut Create, told: Create) {
    if told > *known {
        *known = told;
    }
}

fn earliest<T: PartialOrd>(known: &mut Option<T>, told: T) {
    if known.as_ref().is_none_or(|known| told < *known) {
        *known = Some(told);
    }
}

/// Nobody has been asked to dial: that the call is not wanted any more is its end.
fn give_up_plan(facts: &mut Facts, at: DateTime<Utc>) {
    if facts.direction == Direction::Outbound && facts.create == Create::NotAsked && facts.end.is_none() {
        over(&mut facts.end, End { at, status: EndStatus::Canceled });
    }
}

fn over(known: &mut Option<End>, told: End) {
    *known = Some(match *known {
        Some(known) => End { at: known.at.min(told.at), status: known.status.max(told.status) },
        None => told,
    });
}

/// What follows from having learnt more, as the difference of what is wanted before and after.
fn effects(before: &Facts, after: &Facts) -> Vec<Effect> {
    let mut effects = Vec::new();
    let newly = |wanted: fn(&Facts) -> bool| wanted(after) && !wanted(before);

    if let Create::Rejected { code, bad_number: true } = after.create
        && before.create != after.create
    {
        effects.push(Effect::MarkNumberInvalid { code });
    }
    if newly(Facts::wants_cancel) {
        effects.push(Effect::CancelLine);
    }
    if newly(Facts::wants_hangup) {
        effects.push(Effect::HangUp);
    }
    effects.extend(agent_effect(before, after));
    if newly(Facts::needs_automatic_disposition)
        && let Some(outcome) = after.outcome()
    {
        effects.push(Effect::DisposeAutomatically(outcome));
    }
    if after.state() == State::Done && before.state() != State::Done {
        effects.push(Effect::Requeue);
    }
    effects
}

fn agent_effect(before: &Facts, after: &Facts) -> Option<Effect> {
    let (_, agent) = after.agent?;
    let (was, is) = (before.agent_duty(), after.agent_duty()?);
    if was == Some(is) {
        return None;
    }
    match is {
        Duty::Reserved if before.held_until.is_some() => Some(Effect::Bridge(agent)),
        Duty::Reserved => None,
        Duty::Talk => Some(Effect::AgentTalks(agent)),
        Duty::WrapUp => Some(Effect::AgentWrapsUp(agent)),
        Duty::Over => Some(Effect::ReleaseAgent(agent)),
    }
}

/// What the call asks of its agent. Never goes back, and never lets go of an agent while the debtor's line may be up:
/// the agent's conference would hold two debtors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Duty {
    /// Wait for the debtor to be connected.
    Reserved,
    /// Talk.
    Talk,
    /// Record the disposition.
    WrapUp,
    /// Nothing any more.
    Over,
}

impl Facts {
    /// Where the call stands.
    #[must_use]
    pub fn state(&self) -> State {
        if self.line_is_over() {
            return if self.awaits_agents_disposition() { State::Wrapping } else { State::Done };
        }
        if self.agent.is_some() && self.joined_at.is_some() {
            State::Bridged
        } else if self.held_until.is_some() {
            State::Held
        } else if self.answered_at.is_some() || self.joined_at.is_some() {
            State::Answered
        } else if self.ringing_at.is_some() {
            State::Ringing
        } else if self.create == Create::NotAsked {
            State::Planned
        } else {
            State::Dialing
        }
    }

    /// How it ended; `None` while the line is up.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        if !self.line_is_over() {
            return None;
        }
        Some(match self.end.map(|end| end.status) {
            Some(EndStatus::Busy) => Outcome::Busy,
            Some(EndStatus::NoAnswer) => Outcome::NoAnswer,
            Some(EndStatus::Canceled) => Outcome::Canceled,
            Some(EndStatus::Completed) => self.answered_outcome(),
            Some(EndStatus::Failed) | None => Outcome::Failed,
        })
    }

    /// `moment`, but not after the end of the line: word of it may come late.
    #[must_use]
    pub fn on_the_line(&self, moment: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
        moment.map(|moment| self.end.map_or(moment, |end| moment.min(end.at)))
    }

    /// It is not done: the line is, or may be, up, or the agent's disposition is outstanding.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.state() != State::Done
    }

    /// The customer's line is over, or was never there.
    #[must_use]
    pub fn line_is_over(&self) -> bool {
        self.end.is_some() || matches!(self.create, Create::Rejected { .. })
    }

    /// The attempt counts against the limits of frequency: everything that was, or may have been, placed.
    /// Busy and refused calls did not reach anybody (Reg F, comment 14(b)(2)(i)-1), an unknown one may have.
    #[must_use]
    pub fn counts_as_attempt(&self) -> bool {
        let told = matches!(self.create, Create::Accepted | Create::Rejected { .. });
        let unreached = told && matches!(self.outcome(), Some(Outcome::Busy | Outcome::Failed));
        self.direction == Direction::Outbound && self.create > Create::NotAsked && !unreached
    }

    /// A machine or fax picked up, and no agent contradicted: neither by word nor by recording a disposition.
    #[must_use]
    pub fn is_machine(&self) -> bool {
        let detected = matches!(self.answered_by, Some(AnsweredBy::Machine | AnsweredBy::Fax));
        detected && !self.human_confirmed && self.disposed_at.is_none()
    }

    /// An agent may be given to it: somebody is on the line, waiting, and nobody is coming yet.
    #[must_use]
    pub fn may_take_agent(&self) -> bool {
        let waits = self.answered_at.is_some() && self.agent.is_none() && self.hold_expired_at.is_none();
        waits && !self.line_is_over() && !self.is_machine() && self.end_asked_at.is_none()
    }

    /// A line that was not answered should be given up.
    #[must_use]
    pub fn wants_cancel(&self) -> bool {
        let unwanted = self.end_asked_at.is_some() || self.has_lost_its_agent();
        !self.line_is_over() && !self.was_answered() && unwanted
    }

    /// A line that was answered should end.
    #[must_use]
    pub fn wants_hangup(&self) -> bool {
        let talked = self.was_bridged() && self.disposed_at.is_some();
        let unwanted = self.end_asked_at.is_some() || self.is_machine() || talked || self.has_lost_its_agent();
        !self.line_is_over() && self.was_answered() && unwanted
    }

    /// A person answered our call and was never connected: before the line ends, they hear who called.
    #[must_use]
    pub fn owes_message(&self) -> bool {
        let person = self.was_answered() && !self.is_machine();
        self.direction == Direction::Outbound && person && !self.was_bridged()
    }

    /// A person we called was given an agent only after the limit: they count as abandoned, though they were connected
    /// (16 CFR 310.4(b)(4)(iii)). The two seconds of the law begin with the end of the greeting; ours with the answer, and
    /// end when the agent is given: the bridging takes no longer than a greeting.
    #[must_use]
    pub fn was_connected_late(&self) -> bool {
        let given_late = self.answered_at.zip(self.agent).is_some_and(|(answered, (given, _))| {
            given - answered > TimeDelta::milliseconds(i64::from(self.bridge_limit_ms))
        });
        self.direction == Direction::Outbound && self.was_bridged() && !self.is_machine() && given_late
    }

    fn has_lost_its_agent(&self) -> bool {
        self.agent.is_some() && self.agent_lost_at.is_some()
    }

    fn was_answered(&self) -> bool {
        self.answered_at.is_some() || self.joined_at.is_some()
    }

    fn answered_outcome(&self) -> Outcome {
        if self.is_machine() {
            Outcome::Machine
        } else if self.was_bridged() {
            Outcome::Completed
        } else if self.direction == Direction::Outbound
            && (self.hold_expired_at.is_some() || self.outlasted_the_limit())
        {
            Outcome::Abandoned
        } else {
            Outcome::Completed
        }
    }

    fn was_bridged(&self) -> bool {
        self.agent.is_some() && self.joined_at.is_some()
    }

    /// The person stayed on the line beyond the limit and was never connected.
    fn outlasted_the_limit(&self) -> bool {
        let (Some(answered), Some(end)) = (self.answered_at, self.end) else { return false };
        end.at - answered > TimeDelta::milliseconds(i64::from(self.bridge_limit_ms))
    }

    /// The agent of an answered call records what came of it, whether or not the conference has reported the debtor
    /// yet: that report may still be under way.
    fn awaits_agents_disposition(&self) -> bool {
        let answered = matches!(self.end, Some(End { status: EndStatus::Completed, .. }))
            && !matches!(self.create, Create::Rejected { .. });
        let agent_is_there = self.agent.is_some() && !self.has_lost_its_agent();
        answered && agent_is_there && !self.is_machine() && self.disposed_at.is_none()
    }

    fn needs_automatic_disposition(&self) -> bool {
        self.line_is_over() && !self.awaits_agents_disposition() && self.disposed_at.is_none()
    }

    fn agent_duty(&self) -> Option<Duty> {
        self.agent?;
        Some(match (self.line_is_over(), self.joined_at) {
            (false, None) => Duty::Reserved,
            (false, Some(_)) => Duty::Talk,
            (true, _) if self.awaits_agents_disposition() => Duty::WrapUp,
            (true, _) => Duty::Over,
        })
    }
}

#[cfg(test)]
mod tests;
