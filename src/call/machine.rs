//! The pure transition: merge an event into the facts, derive the state, say what follows.

use chrono::{DateTime, TimeDelta, Utc};

use super::{AnsweredBy, Create, Direction, Effect, EndStatus, Event, Facts, Ignored, Outcome, State, Step};

/// Tells a call `event`, which happened or was heard of at `at`.
///
/// Merging is commutative and idempotent: any order and any repetition of a call's events ends in the same facts, and
/// so in the same state. Only the effects depend on the order, and they are keyed so that repeating one does no harm.
#[must_use]
pub fn step(facts: &Facts, event: &Event, at: DateTime<Utc>) -> Step {
    let next = merge(facts.clone(), event, at);
    if next == *facts {
        let over = facts.state() == State::Done;
        return Step::Ignored(if over { Ignored::Over } else { Ignored::Known });
    }
    let effects = effects(facts, &next);
    Step::Next { facts: next, effects }
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
        Event::Held { until } => earliest(&mut facts.held_until, *until),
        Event::AgentAssigned(agent) => earliest(&mut facts.agent, (at, *agent)),
        Event::HoldExpired => earliest(&mut facts.hold_expired_at, at),
        Event::CustomerJoined => earliest(&mut facts.joined_at, at),
        Event::AgentLost => earliest(&mut facts.agent_lost_at, at),
        Event::EndAsked => earliest(&mut facts.end_asked_at, at),
        Event::Ended(end) => earliest(&mut facts.end, *end),
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

/// What follows from having learnt more, as the difference of what is wanted before and after.
fn effects(before: &Facts, after: &Facts) -> Vec<Effect> {
    let mut effects = Vec::new();
    let newly = |wanted: fn(&Facts) -> bool| wanted(after) && !wanted(before);

    if let Create::Rejected { code, bad_number: true } = after.create
        && !matches!(before.create, Create::Rejected { .. })
    {
        effects.push(Effect::MarkNumberInvalid { code });
    }
    if newly(Facts::wants_cancel) {
        effects.push(Effect::CancelLine);
    }
    if newly(Facts::wants_hangup) {
        effects.push(Effect::HangUp);
    }
    effects.extend(agent_effects(before, after));
    if newly(Facts::needs_automatic_disposition)
        && let Some(outcome) = after.outcome()
    {
        effects.push(Effect::DisposeAutomatically(outcome));
    }
    if newly(Facts::is_settled) {
        effects.push(Effect::Requeue);
    }
    effects
}

fn agent_effects(before: &Facts, after: &Facts) -> Option<Effect> {
    let (_, agent) = after.agent?;
    let (was, is) = (before.agent_duty(), after.agent_duty());
    if was == is {
        return None;
    }
    match is {
        Duty::None => Some(Effect::ReleaseAgent(agent)),
        Duty::Reserved if before.held_until.is_some() => Some(Effect::Bridge(agent)),
        Duty::Reserved => None,
        Duty::Talk => Some(Effect::AgentTalks(agent)),
        Duty::WrapUp => Some(Effect::AgentWrapsUp(agent)),
    }
}

/// What the call asks of its agent; never goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Duty {
    /// Nothing, or nothing any more.
    None,
    /// Wait for the debtor to be connected.
    Reserved,
    /// Talk.
    Talk,
    /// Record the disposition.
    WrapUp,
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
        } else if self.held_until.is_some() && self.agent.is_none() {
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
            Some(EndStatus::Failed) => Outcome::Failed,
            Some(EndStatus::Completed) => self.answered_outcome(),
            None if self.create == Create::NotAsked => Outcome::Canceled,
            None => Outcome::Failed,
        })
    }

    /// The customer's line is, or may be, up.
    #[must_use]
    pub fn is_live(&self) -> bool {
        !self.line_is_over()
    }

    /// The attempt counts against the limits of frequency: everything that was, or may have been, placed.
    /// Busy and refused calls did not reach anybody (Reg F, comment 14(b)(2)(i)-1), an unknown one may have.
    #[must_use]
    pub fn counts_as_attempt(&self) -> bool {
        let unreached = matches!(self.outcome(), Some(Outcome::Busy | Outcome::Failed));
        self.direction == Direction::Outbound && self.create > Create::NotAsked && !unreached
    }

    /// A machine or fax picked up, and no agent contradicted.
    #[must_use]
    pub fn is_machine(&self) -> bool {
        matches!(self.answered_by, Some(AnsweredBy::Machine | AnsweredBy::Fax)) && !self.human_confirmed
    }

    fn answered_outcome(&self) -> Outcome {
        if self.is_machine() {
            Outcome::Machine
        } else if self.was_bridged() {
            Outcome::Completed
        } else if self.hold_expired_at.is_some() || self.outlasted_the_limit() {
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

    fn line_is_over(&self) -> bool {
        self.end.is_some()
            || matches!(self.create, Create::Rejected { .. })
            || self.create == Create::NotAsked && self.direction == Direction::Outbound && self.end_asked_at.is_some()
    }

    fn awaits_agents_disposition(&self) -> bool {
        self.was_bridged() && !self.is_machine() && self.disposed_at.is_none()
    }

    fn needs_automatic_disposition(&self) -> bool {
        self.line_is_over() && !self.awaits_agents_disposition() && self.disposed_at.is_none()
    }

    fn is_settled(&self) -> bool {
        self.state() == State::Done
    }

    fn wants_cancel(&self) -> bool {
        !self.line_is_over() && self.end_asked_at.is_some() && self.answered_at.is_none()
    }

    fn wants_hangup(&self) -> bool {
        let talk_is_over = self.was_bridged() && (self.disposed_at.is_some() || self.agent_lost_at.is_some());
        let answered = self.answered_at.is_some() || self.joined_at.is_some();
        !self.line_is_over() && answered && (self.end_asked_at.is_some() || self.is_machine() || talk_is_over)
    }

    fn agent_duty(&self) -> Duty {
        if self.agent.is_none() || self.is_machine() || self.agent_lost_at.is_some() {
            return Duty::None;
        }
        match (self.line_is_over(), self.joined_at.is_some()) {
            (false, false) => Duty::Reserved,
            (false, true) => Duty::Talk,
            (true, true) if self.disposed_at.is_none() => Duty::WrapUp,
            (true, _) => Duty::None,
        }
    }
}
