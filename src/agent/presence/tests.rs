//! Every pair of state and event, and what holds in every history.

use proptest::prelude::*;

use super::*;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn call(n: u128) -> CallId {
    CallId(uuid::Uuid::from_u128(n))
}

/// The states of an agent who is, where it is busy, busy with call 1, with a wrap-up that ends now.
fn states() -> [State; 6] {
    let one = call(1);
    [
        State::Offline,
        State::Ready,
        State::Reserved { call: one },
        State::OnCall { call: one },
        State::WrapUp { call: one, until: now() },
        State::Paused { reason: "lunch".to_owned() },
    ]
}

/// Every event, of call `n` where it is of a call.
fn events(n: u128) -> [Event; 13] {
    [
        Event::LoggedIn,
        Event::ReadyAsked,
        Event::PauseAsked("break".to_owned()),
        Event::Reserved(call(n)),
        Event::CallsByHand(call(n)),
        Event::Bridged(call(n)),
        Event::Released(call(n)),
        Event::TalkEnded(call(n), now() + TimeDelta::seconds(60)),
        Event::Disposed(call(n)),
        Event::WrapExtended(TimeDelta::seconds(30)),
        Event::WrapExpired,
        Event::Vanished,
        Event::LoggedOut,
    ]
}

fn presence(state: State) -> Presence {
    Presence { state, since: now() - TimeDelta::minutes(5), pause_next: None }
}

fn outcome(state: &State, event: &Event) -> &'static str {
    match step(&presence(state.clone()), event, now()) {
        Step::Next(next) if next.pause_next.is_some() => "pause noted",
        Step::Next(next) => next.state.name(),
        Step::Ignored(_) => "-",
    }
}

#[test]
fn every_pair_of_state_and_event_has_its_outcome() {
    // A row for each event, a column for each state: offline, ready, reserved, on_call, wrap_up, paused.
    let table: [[&str; 6]; 13] = [
        /* LoggedIn */ ["paused", "-", "-", "-", "-", "-"],
        /* ReadyAsked */ ["-", "-", "-", "-", "-", "ready"],
        /* PauseAsked */ ["-", "paused", "pause noted", "pause noted", "pause noted", "paused"],
        /* Reserved */ ["-", "reserved", "-", "-", "-", "-"],
        /* CallsByHand */ ["-", "reserved", "-", "-", "-", "pause noted"],
        /* Bridged */ ["-", "-", "on_call", "-", "-", "-"],
        /* Released */ ["-", "-", "ready", "ready", "ready", "-"],
        /* TalkEnded */ ["-", "-", "wrap_up", "wrap_up", "-", "-"],
        /* Disposed */ ["-", "-", "-", "-", "ready", "-"],
        /* WrapExtended */ ["-", "-", "-", "-", "wrap_up", "-"],
        /* WrapExpired */ ["-", "-", "-", "-", "ready", "-"],
        /* Vanished */ ["-", "offline", "offline", "offline", "offline", "offline"],
        /* LoggedOut */ ["-", "offline", "-", "-", "-", "offline"],
    ];
    for (event, row) in events(1).iter().zip(table) {
        for (state, expected) in states().iter().zip(row) {
            assert_eq!(outcome(state, event), expected, "{event:?} in {}", state.name());
        }
    }
}

#[test]
fn the_wrap_up_ends_at_its_moment_and_not_before() {
    let wrapping = |until| presence(State::WrapUp { call: call(1), until });
    let early = wrapping(now() + TimeDelta::microseconds(1));
    assert!(matches!(step(&early, &Event::WrapExpired, now()), Step::Ignored(_)));
    assert!(matches!(step(&wrapping(now()), &Event::WrapExpired, now()), Step::Next(_)));
}

#[test]
fn more_time_moves_the_end_and_not_the_beginning() {
    let before = presence(State::WrapUp { call: call(1), until: now() });
    let Step::Next(after) = step(&before, &Event::WrapExtended(TimeDelta::seconds(30)), now()) else { panic!() };
    let expected = State::WrapUp { call: call(1), until: now() + TimeDelta::seconds(30) };
    assert_eq!((after.state, after.since), (expected, before.since));
}

#[test]
fn a_pause_goes_on_after_a_call_by_hand() {
    let paused = presence(State::Paused { reason: "lunch".to_owned() });
    let Step::Next(calling) = step(&paused, &Event::CallsByHand(call(1)), now()) else { panic!("refused") };
    assert_eq!(calling.state, State::Reserved { call: call(1) });
    let Step::Next(after) = step(&calling, &Event::Released(call(1)), now()) else { panic!("kept") };
    assert_eq!((after.state, after.pause_next), (paused.state, None));
}

#[test]
fn a_pause_asked_for_during_a_call_is_taken_once() {
    let mut agent = Presence { pause_next: Some("lunch".to_owned()), ..presence(State::OnCall { call: call(1) }) };
    for event in [Event::TalkEnded(call(1), now()), Event::Disposed(call(1))] {
        let Step::Next(next) = step(&agent, &event, now()) else { panic!("{event:?}") };
        agent = next;
    }
    assert_eq!(agent.state, State::Paused { reason: "lunch".to_owned() });
    for event in [Event::ReadyAsked, Event::Reserved(call(2)), Event::Released(call(2))] {
        let Step::Next(next) = step(&agent, &event, now()) else { panic!("{event:?}") };
        agent = next;
    }
    assert_eq!(agent.state, State::Ready);
}

#[test]
fn a_pause_asked_for_during_a_call_can_be_taken_back() {
    let agent = Presence { pause_next: Some("lunch".to_owned()), ..presence(State::OnCall { call: call(1) }) };
    let Step::Next(next) = step(&agent, &Event::ReadyAsked, now()) else { panic!() };
    assert_eq!((next.state, next.pause_next), (agent.state, None));
}

fn any_event() -> impl Strategy<Value = Event> {
    (1_u128..4, 0_usize..13).prop_map(|(n, which)| events(n)[which].clone())
}

fn after(history: &[Event]) -> Vec<Presence> {
    let mut agent = Presence::offline(now());
    let mut all = vec![agent.clone()];
    for (seconds, event) in (0..).zip(history) {
        if let Step::Next(next) = step(&agent, event, now() + TimeDelta::seconds(seconds)) {
            agent = next;
            all.push(agent.clone());
        }
    }
    all
}

proptest! {
    #[test]
    fn no_event_of_another_call_touches_an_agent(history in prop::collection::vec(any_event(), 0..40), which in 5_usize..9) {
        let agent = after(&history).pop().unwrap();
        let foreign = &events(99)[which];
        prop_assert!(matches!(step(&agent, foreign, now()), Step::Ignored(_)), "{:?} {:?}", agent, foreign);
    }

    #[test]
    fn only_a_busy_agent_has_a_pause_to_come(history in prop::collection::vec(any_event(), 0..40)) {
        for agent in after(&history) {
            prop_assert!(agent.pause_next.is_none() || agent.call().is_some(), "{:?}", agent);
        }
    }

    #[test]
    fn a_busy_agent_never_gets_a_second_call(history in prop::collection::vec(any_event(), 0..40)) {
        for pair in after(&history).windows(2) {
            if let (Some(before), Some(now)) = (pair[0].call(), pair[1].call()) {
                prop_assert_eq!(before, now);
            }
        }
    }

    #[test]
    fn every_agent_can_get_home(history in prop::collection::vec(any_event(), 0..40)) {
        let agent = after(&history).pop().unwrap();
        let gone = step(&agent, &Event::Vanished, now());
        let is_home = |step: &Step| matches!(step, Step::Next(next) if next.state == State::Offline);
        prop_assert!(agent.state == State::Offline || is_home(&gone));
    }

    #[test]
    fn a_presence_survives_its_json(history in prop::collection::vec(any_event(), 0..40)) {
        for agent in after(&history) {
            let text = serde_json::to_string(&agent).unwrap();
            prop_assert_eq!(serde_json::from_str::<Presence>(&text).unwrap(), agent);
        }
    }
}
