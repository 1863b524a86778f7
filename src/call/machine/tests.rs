use std::slice::from_ref;

use proptest::{prelude::*, sample::Index};

use super::*;
use crate::ids::UserId;

const LIMIT_MS: u32 = 2_000;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + second, 0).expect("a moment")
}

fn agent() -> UserId {
    UserId(uuid::Uuid::from_u128(7))
}

fn ended(status: EndStatus, second: i64) -> Event {
    Event::Ended(End { at: at(second), status })
}

fn told(start: Facts, events: &[Event]) -> (Facts, Vec<Effect>) {
    events.iter().zip(1..).fold((start, Vec::new()), |(facts, mut effects), (event, second)| {
        match step(&facts, event, at(second)) {
            Step::Next { facts, effects: more } => {
                effects.extend(more);
                (facts, effects)
            }
            Step::Ignored(_) => (facts, effects),
        }
    })
}

fn outbound(events: &[Event]) -> Facts {
    told(Facts::outbound(LIMIT_MS), events).0
}

/// Facts for every state, reached in every way that makes a difference.
fn representatives() -> Vec<Facts> {
    use Event::*;
    let assigned = AgentAssigned(agent());
    let held = Held { until: at(4) };
    let bridged = [Dialed, CreateAccepted, Ringing, Answered, assigned.clone(), CustomerJoined];
    let with = |more: &[Event]| outbound(&[&bridged[..], more].concat());
    let inbound = |events: &[Event]| told(Facts::inbound(LIMIT_MS, at(0)), events).0;
    vec![
        outbound(&[]),
        outbound(from_ref(&assigned)),
        outbound(&[Dialed]),
        outbound(&[assigned.clone(), Dialed]),
        outbound(&[Dialed, CreateUnknown]),
        outbound(&[Dialed, CreateAccepted]),
        outbound(&[Dialed, EndAsked]),
        outbound(&[Dialed, CreateAccepted, Ringing]),
        outbound(&[Dialed, Ringing, Answered]),
        outbound(&[Dialed, Answered, assigned.clone()]),
        outbound(&[Dialed, Answered, assigned.clone(), Detected(AnsweredBy::Machine)]),
        outbound(&[Dialed, Answered, held.clone()]),
        outbound(&[Dialed, Answered, held.clone(), assigned.clone()]),
        outbound(&[Dialed, Answered, held.clone(), HoldExpired]),
        with(&[]),
        with(&[Detected(AnsweredBy::Machine)]),
        with(&[Detected(AnsweredBy::Machine), HumanConfirmed]),
        with(&[Disposed]),
        with(&[AgentLost]),
        with(&[EndAsked]),
        with(&[ended(EndStatus::Completed, 60)]),
        with(&[ended(EndStatus::Completed, 60), Disposed]),
        with(&[ended(EndStatus::Completed, 60), AgentLost]),
        with(&[Detected(AnsweredBy::Machine), ended(EndStatus::Completed, 60)]),
        outbound(&[EndAsked]),
        outbound(&[assigned.clone(), EndAsked]),
        outbound(&[Dialed, CreateRejected { code: 21_211, bad_number: true }]),
        outbound(&[Dialed, ended(EndStatus::Busy, 9)]),
        outbound(&[Dialed, ended(EndStatus::NoAnswer, 9)]),
        outbound(&[Dialed, ended(EndStatus::Canceled, 9)]),
        outbound(&[Dialed, ended(EndStatus::Failed, 9)]),
        outbound(&[Dialed, Answered, ended(EndStatus::Completed, 3)]),
        outbound(&[Dialed, Answered, assigned.clone(), ended(EndStatus::Completed, 4)]),
        inbound(&[]),
        inbound(from_ref(&assigned)),
        inbound(&[assigned.clone(), CustomerJoined]),
        inbound(&[HoldExpired]),
        inbound(&[HoldExpired, ended(EndStatus::Completed, 30)]),
    ]
}

fn every_event() -> Vec<Event> {
    use Event::*;
    let mut events = vec![
        Dialed,
        CreateAccepted,
        CreateRejected { code: 0, bad_number: false },
        CreateRejected { code: 21_211, bad_number: true },
        CreateUnknown,
        Ringing,
        Answered,
        HumanConfirmed,
        IdentityConfirmed,
        Held { until: at(90) },
        AgentAssigned(agent()),
        HoldExpired,
        CustomerJoined,
        AgentLost,
        EndAsked,
        Disposed,
    ];
    for by in [AnsweredBy::Unknown, AnsweredBy::Human, AnsweredBy::Fax, AnsweredBy::Machine] {
        events.push(Detected(by));
    }
    for status in STATUSES {
        events.push(ended(status, 100));
    }
    events
}

const STATUSES: [EndStatus; 5] =
    [EndStatus::Completed, EndStatus::Busy, EndStatus::NoAnswer, EndStatus::Canceled, EndStatus::Failed];

const STATES: [State; 8] = [
    State::Planned,
    State::Dialing,
    State::Ringing,
    State::Answered,
    State::Held,
    State::Bridged,
    State::Wrapping,
    State::Done,
];

#[test]
fn who_is_given_an_agent_after_the_limit_was_connected_late_though_the_call_is_completed() {
    use Event::*;
    let held = Held { until: at(4) };
    let with = |wait: &[Event]| {
        let ends = [AgentAssigned(agent()), CustomerJoined, ended(EndStatus::Completed, 60)];
        outbound(&[&[Dialed, Answered, held.clone()], wait, &ends].concat())
    };
    let (at_the_limit, after_it) = (with(&[]), with(&[CreateAccepted]));
    assert!(!at_the_limit.was_connected_late(), "two seconds are in time");
    assert!(after_it.was_connected_late());
    assert_eq!(after_it.outcome(), Some(Outcome::Completed), "they talked");
    let called_us =
        told(Facts::inbound(LIMIT_MS, at(0)), &[Answered, Answered, Answered, AgentAssigned(agent()), CustomerJoined])
            .0;
    assert!(!called_us.was_connected_late(), "who calls us may wait");
}

#[test]
fn every_state_is_represented() {
    let states: Vec<State> = representatives().iter().map(Facts::state).collect();
    for state in STATES {
        assert!(states.contains(&state), "{state:?}");
    }
}

#[test]
fn every_pair_of_state_and_event_has_an_answer() {
    for facts in representatives() {
        for event in every_event() {
            let (before, over) = (facts.state(), facts.line_is_over());
            match step(&facts, &event, at(100)) {
                Step::Ignored(Ignored::Over) => assert!(over, "{before:?} {event:?}"),
                Step::Ignored(Ignored::Known) => {}
                Step::Next { facts: next, .. } => {
                    assert!(next.state() >= before, "{before:?} {event:?} went back to {:?}", next.state());
                    assert!(next.line_is_over() >= over, "{event:?} revived a line");
                    assert_eq!(next.outcome().is_some(), next.line_is_over(), "{before:?} {event:?}");
                    assert_eq!(next.is_live(), next.state() != State::Done);
                    let again = step(&next, &event, at(100));
                    assert!(matches!(again, Step::Ignored(_)), "{before:?} {event:?} twice");
                }
            }
        }
    }
}

#[test]
fn a_call_from_the_dial_to_the_disposition() {
    use Event::*;
    let mut facts = Facts::outbound(LIMIT_MS);
    let story = [
        (Dialed, State::Dialing, vec![]),
        (CreateAccepted, State::Dialing, vec![]),
        (Ringing, State::Ringing, vec![]),
        (Answered, State::Answered, vec![]),
        (AgentAssigned(agent()), State::Answered, vec![]),
        (CustomerJoined, State::Bridged, vec![Effect::AgentTalks(agent())]),
        (Detected(AnsweredBy::Human), State::Bridged, vec![]),
        (ended(EndStatus::Completed, 90), State::Wrapping, vec![Effect::AgentWrapsUp(agent())]),
        (Disposed, State::Done, vec![Effect::ReleaseAgent(agent()), Effect::Requeue]),
    ];
    for ((event, state, effects), second) in story.into_iter().zip(0..) {
        let Step::Next { facts: next, effects: got } = step(&facts, &event, at(second)) else {
            panic!("{event:?} was ignored");
        };
        assert_eq!((next.state(), got), (state, effects), "{event:?}");
        facts = next;
    }
    assert_eq!(facts.outcome(), Some(Outcome::Completed));
    assert!(facts.counts_as_attempt());
}

#[test]
fn a_machine_is_hung_up_on_and_its_agent_released_once_the_line_is_down() {
    use Event::*;
    let talking = outbound(&[Dialed, Answered, AgentAssigned(agent()), CustomerJoined]);
    let (facts, effects) = told(talking, &[Detected(AnsweredBy::Machine)]);
    assert_eq!(effects, [Effect::HangUp], "not released yet: the machine may still be in the conference");
    let (facts, effects) = told(facts, &[ended(EndStatus::Completed, 9)]);
    let dispose = Effect::DisposeAutomatically(Outcome::Machine);
    assert_eq!(effects, [Effect::ReleaseAgent(agent()), dispose, Effect::Requeue]);
    assert_eq!((facts.state(), facts.outcome()), (State::Done, Some(Outcome::Machine)));
}

#[test]
fn the_agents_word_beats_the_machine_detection() {
    use Event::*;
    let talking = outbound(&[Dialed, Answered, AgentAssigned(agent()), CustomerJoined]);
    for order in [[HumanConfirmed, Detected(AnsweredBy::Machine)], [Detected(AnsweredBy::Machine), HumanConfirmed]] {
        let (facts, _) = told(talking.clone(), &order);
        assert!(!facts.wants_hangup(), "a hang-up that is still in the outbox does nothing");
        let (facts, effects) = told(facts, &[ended(EndStatus::Completed, 90)]);
        assert_eq!(effects, [Effect::AgentWrapsUp(agent())]);
        assert_eq!(facts.outcome(), Some(Outcome::Completed));
    }
}

#[test]
fn a_verdict_that_comes_after_the_agents_disposition_changes_nothing_that_matters() {
    use Event::*;
    let talk = [Dialed, Answered, AgentAssigned(agent()), CustomerJoined, ended(EndStatus::Completed, 90), Disposed];
    let (facts, effects) = told(outbound(&talk), &[Detected(AnsweredBy::Machine)]);
    assert_eq!((facts.outcome(), effects), (Some(Outcome::Completed), vec![]));
}

#[test]
fn nobody_free_means_hold_then_message_then_abandoned() {
    use Event::*;
    let (facts, effects) = told(Facts::outbound(LIMIT_MS), &[Dialed, Answered, Held { until: at(4) }, HoldExpired]);
    assert_eq!((facts.state(), effects), (State::Held, vec![]));
    assert!(facts.owes_message() && !facts.may_take_agent());
    let (facts, effects) = told(facts, &[ended(EndStatus::Completed, 20)]);
    assert_eq!(facts.outcome(), Some(Outcome::Abandoned));
    assert_eq!(effects, [Effect::DisposeAutomatically(Outcome::Abandoned), Effect::Requeue]);
}

#[test]
fn a_person_who_hangs_up_within_the_limit_is_not_abandoned() {
    use Event::*;
    let held = outbound(&[Dialed, Answered, Held { until: at(4) }]);
    assert_eq!(told(held.clone(), &[ended(EndStatus::Completed, 4)]).0.outcome(), Some(Outcome::Completed));
    assert_eq!(told(held, &[ended(EndStatus::Completed, 5)]).0.outcome(), Some(Outcome::Abandoned));
}

#[test]
fn an_agent_who_gets_free_gets_the_waiting_debtor() {
    use Event::*;
    let held = outbound(&[Dialed, Answered, Held { until: at(4) }]);
    let (facts, effects) = told(held, &[AgentAssigned(agent())]);
    assert_eq!((facts.state(), effects), (State::Held, vec![Effect::Bridge(agent())]));
    let (facts, effects) = told(facts, &[CustomerJoined]);
    assert_eq!((facts.state(), effects), (State::Bridged, vec![Effect::AgentTalks(agent())]));
}

#[test]
fn a_second_agent_is_not_taken() {
    let other = UserId(uuid::Uuid::from_u128(8));
    let taken = outbound(&[Event::Dialed, Event::Answered, Event::AgentAssigned(agent())]);
    assert_eq!(step(&taken, &Event::AgentAssigned(other), at(0)), Step::Ignored(Ignored::Known));
    assert!(!taken.may_take_agent());
}

#[test]
fn a_disposition_during_the_talk_hangs_up_and_keeps_the_agent_until_the_line_is_down() {
    use Event::*;
    let talking = outbound(&[Dialed, Answered, AgentAssigned(agent()), CustomerJoined]);
    let (facts, effects) = told(talking, &[Disposed]);
    assert_eq!((facts.state(), effects), (State::Bridged, vec![Effect::HangUp]));
    let (facts, effects) = told(facts, &[ended(EndStatus::Completed, 90)]);
    assert_eq!((facts.state(), effects), (State::Done, vec![Effect::ReleaseAgent(agent()), Effect::Requeue]));
}

#[test]
fn an_agent_who_vanishes_does_not_strand_the_debtor() {
    use Event::*;
    let reserved = [Dialed, Answered, AgentAssigned(agent())];
    let (facts, effects) = told(outbound(&reserved), &[AgentLost]);
    assert_eq!(effects, [Effect::HangUp]);
    assert!(facts.owes_message(), "was never connected: hears who called");
    let talking = told(outbound(&reserved), &[CustomerJoined]).0;
    let (facts, effects) = told(talking, &[AgentLost, ended(EndStatus::Completed, 50)]);
    let dispose = Effect::DisposeAutomatically(Outcome::Completed);
    assert_eq!(effects, [Effect::HangUp, Effect::ReleaseAgent(agent()), dispose, Effect::Requeue]);
    assert_eq!(facts.state(), State::Done);
}

#[test]
fn a_preview_that_is_skipped_was_never_dialled() {
    let planned = outbound(&[Event::AgentAssigned(agent())]);
    let (facts, effects) = told(planned, &[Event::EndAsked]);
    let dispose = Effect::DisposeAutomatically(Outcome::Canceled);
    assert_eq!(effects, [Effect::ReleaseAgent(agent()), dispose, Effect::Requeue]);
    assert!(!facts.counts_as_attempt());
    assert_eq!(step(&facts, &Event::Dialed, at(9)), Step::Ignored(Ignored::Over), "too late to dial");
}

#[test]
fn giving_up_a_line_cancels_it_and_hangs_up_if_it_was_answered_meanwhile() {
    let (facts, effects) = told(outbound(&[Event::Dialed, Event::Ringing]), &[Event::EndAsked]);
    assert_eq!(effects, [Effect::CancelLine]);
    let (facts, effects) = told(facts, &[Event::Answered]);
    assert_eq!(effects, [Effect::HangUp]);
    assert!(!facts.may_take_agent());
}

#[test]
fn an_unknown_dial_counts_as_an_attempt_and_a_refused_one_does_not() {
    use Event::*;
    let refused = outbound(&[Dialed, CreateRejected { code: 21_211, bad_number: true }]);
    assert_eq!((refused.outcome(), refused.counts_as_attempt()), (Some(Outcome::Failed), false));
    let given_up = outbound(&[Dialed, CreateUnknown, ended(EndStatus::Failed, 300)]);
    assert_eq!((given_up.outcome(), given_up.counts_as_attempt()), (Some(Outcome::Failed), true));
    let busy = outbound(&[Dialed, CreateAccepted, ended(EndStatus::Busy, 9)]);
    assert!(!busy.counts_as_attempt());
}

#[test]
fn a_number_that_cannot_be_called_is_marked_once() {
    let rejected = Event::CreateRejected { code: 21_211, bad_number: true };
    let (_, effects) = told(outbound(&[Event::Dialed]), &[rejected.clone(), rejected]);
    let dispose = Effect::DisposeAutomatically(Outcome::Failed);
    assert_eq!(effects, [Effect::MarkNumberInvalid { code: 21_211 }, dispose, Effect::Requeue]);
}

#[test]
fn a_caller_for_whom_nobody_is_free_is_not_an_abandoned_call() {
    let caller = Facts::inbound(LIMIT_MS, at(0));
    let (facts, _) = told(caller, &[Event::HoldExpired, ended(EndStatus::Completed, 60)]);
    assert_eq!(facts.outcome(), Some(Outcome::Completed));
    assert!(!facts.counts_as_attempt());
}

/// What the carrier says and what is noticed about a call; everything but our own decisions.
fn observation() -> impl Strategy<Value = (Event, i64)> {
    let event = prop_oneof![
        Just(Event::CreateAccepted),
        Just(Event::CreateUnknown),
        Just(Event::CreateRejected { code: 21_211, bad_number: true }),
        Just(Event::CreateRejected { code: 0, bad_number: false }),
        Just(Event::Ringing),
        Just(Event::Answered),
        Just(Event::CustomerJoined),
        Just(Event::AgentLost),
        Just(Event::IdentityConfirmed),
        Just(Event::Disposed),
        prop::sample::select(vec![AnsweredBy::Unknown, AnsweredBy::Human, AnsweredBy::Fax, AnsweredBy::Machine])
            .prop_map(Event::Detected),
        (prop::sample::select(STATUSES.to_vec()), 0_i64..200).prop_map(|(status, second)| ended(status, second)),
        Just(Event::EndAsked),
    ];
    (event, 0_i64..200)
}

fn any_event() -> impl Strategy<Value = (Event, i64)> {
    let decision = prop_oneof![
        Just(Event::Dialed),
        Just(Event::HumanConfirmed),
        (0_i64..200).prop_map(|second| Event::Held { until: at(second) }),
        (0_u128..3).prop_map(|agent| Event::AgentAssigned(UserId(uuid::Uuid::from_u128(agent)))),
        Just(Event::HoldExpired),
    ];
    prop_oneof![2 => observation(), 1 => (decision, 0_i64..200)]
}

fn all(start: &Facts, events: impl IntoIterator<Item = (Event, i64)>) -> (Facts, Vec<Effect>) {
    let mut effects = Vec::new();
    let mut facts = start.clone();
    for (event, second) in events {
        if let Step::Next { facts: next, effects: more } = step(&facts, &event, at(second)) {
            assert!(next.state() >= facts.state(), "{event:?} led from {:?} to {:?}", facts.state(), next.state());
            facts = next;
            effects.extend(more);
        }
    }
    (facts, effects)
}

fn count(effects: &[Effect], wanted: fn(&Effect) -> bool) -> usize {
    effects.iter().filter(|effect| wanted(effect)).count()
}

/// Nothing is heard about a call that the carrier has not been asked for.
fn dialled() -> Vec<Facts> {
    representatives().into_iter().filter(|facts| facts.state() != State::Planned).collect()
}

proptest! {
    #[test]
    fn any_order_and_repetition_of_what_is_heard_ends_the_same(
        start in prop::sample::select(dialled()),
        heard in prop::collection::vec(observation(), 1..12),
        repeated in prop::collection::vec(any::<Index>(), 0..8),
        order in prop::collection::vec(any::<u32>(), 20),
    ) {
        let mut shuffled: Vec<_> = heard.iter().chain(repeated.iter().map(|which| which.get(&heard))).cloned().collect();
        let mut keyed: Vec<_> = shuffled.drain(..).zip(order).collect();
        keyed.sort_by_key(|(_, key)| *key);
        let (once, _) = all(&start, heard);
        let (again, _) = all(&start, keyed.into_iter().map(|(heard, _)| heard));
        prop_assert_eq!(once.state(), again.state());
        prop_assert_eq!(once.outcome(), again.outcome());
        prop_assert_eq!(once, again);
    }

    #[test]
    fn any_history_treats_its_agent_and_its_line_right(history in prop::collection::vec(any_event(), 0..24)) {
        let start = Facts::outbound(LIMIT_MS);
        let (facts, effects) = all(&start, history.clone());
        let released = count(&effects, |effect| matches!(effect, Effect::ReleaseAgent(_)));
        let wrapping = count(&effects, |effect| matches!(effect, Effect::AgentWrapsUp(_)));
        let automatic = count(&effects, |effect| matches!(effect, Effect::DisposeAutomatically(_)));
        let hangups = count(&effects, |effect| matches!(effect, Effect::HangUp));
        let contradicted = history.iter().filter(|(event, _)| matches!(event, Event::HumanConfirmed | Event::Disposed));

        prop_assert!(count(&effects, |effect| matches!(effect, Effect::CancelLine)) <= 1);
        prop_assert!(hangups <= 1 + contradicted.count(), "again only after an agent contradicted the machine");
        prop_assert!(released <= 1 && wrapping <= 1 && automatic <= 1);
        match facts.state() {
            State::Done => {
                prop_assert_eq!(released, usize::from(facts.agent.is_some()), "the agent is free");
                prop_assert_eq!(count(&effects, |effect| matches!(effect, Effect::Requeue)), 1);
                prop_assert!(automatic == 1 || facts.disposed_at.is_some(), "somebody recorded the outcome");
            }
            State::Wrapping => prop_assert_eq!((released, wrapping, automatic), (0, 1, 0)),
            _ => prop_assert_eq!((released, wrapping, automatic), (0, 0, 0), "nothing while the line may be up"),
        }
    }

    #[test]
    fn an_outcome_names_the_agents_call_only_after_a_person_could_talk(
        history in prop::collection::vec(any_event(), 0..24),
    ) {
        let (facts, _) = all(&Facts::outbound(LIMIT_MS), history);
        if facts.outcome() == Some(Outcome::Abandoned) {
            prop_assert!(facts.agent.is_none() || facts.joined_at.is_none());
            prop_assert!(!facts.is_machine());
        }
        if facts.wants_cancel() {
            prop_assert!(!facts.wants_hangup());
        }
    }
}
