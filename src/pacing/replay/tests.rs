use super::*;
use crate::pacing::contender;

const NINE: i64 = 1_700_000_000_000;
const TERMS: Terms = Terms { limits: limits(), ratio: 2.0, starts: 10, seed: 1 };

const fn limits() -> Limits {
    Limits {
        ring_seconds: 25,
        hold_seconds: 2,
        wrap_up_seconds: 60,
        max_lines: 100,
        attempts_per_number_per_day: 1,
        attempts_per_person_per_week: 3,
        attempts_per_account: 12,
        promise_grace_days: 1,
        promise_tolerance_minor: 0,
        promise_tolerance_percent: 0,
        promise_cleared_only: false,
    }
}

/// Two hours of four agents: every third call is answered after 8 s and talked about for a minute, one in nine by a
/// machine; the rest rings out.
fn recording() -> Recording {
    let call = |number: i64| {
        let answered = number % 3 == 0;
        let person = number % 9 != 0;
        Recorded {
            at: NINE + 20_000 * number,
            how: if answered { Resolution::Answered } else { Resolution::NoAnswer },
            rang: if answered { 8_000 } else { 25_000 },
            person,
            abandoned: answered && person && number % 30 == 3,
            spoken: (answered && number % 30 != 3).then_some(if person {
                Conversation { talk: 60_000, wrap: 20_000 }
            } else {
                Conversation { talk: 4_000, wrap: 1_000 }
            }),
        }
    };
    let shift = |agent: u128| (Uuid::from_u128(agent), vec![(NINE, NINE + 2 * HOUR_MS)]);
    Recording {
        day: (NINE, NINE + 24 * HOUR_MS),
        shifts: (1..=4).map(shift).collect(),
        dialled: (0..360).map(call).collect(),
        came_in: Vec::new(),
    }
}

#[test]
fn every_pacer_can_dial_a_recorded_day_and_does_it_the_same_way_twice() {
    let mut recording = recording();
    recording.shifts.iter_mut().for_each(|(_, shifts)| shifts[0].1 = NINE + HOUR_MS / 2);
    for name in contender::ALL {
        let outcome = recording.by(name, &TERMS).expect("a day with calls");
        assert!(outcome.dialled > 30 && outcome.talk_minutes_an_hour > 5.0, "{outcome:?}");
        assert_eq!(outcome, recording.by(name, &TERMS).expect("the same day"), "nothing depends on when it is asked");
    }
}

#[test]
fn one_line_an_agent_abandons_nobody_and_more_lines_talk_more() {
    let recording = recording();
    let [one, two] = [Name::Progressive, Name::Ratio].map(|name| recording.by(name, &TERMS).expect("a day"));
    assert_eq!(one.share.abandoned, 0, "{one:?}");
    assert!(two.talk_minutes_an_hour > one.talk_minutes_an_hour + 3.0 && two.share.abandoned > 0, "{one:?} {two:?}");
    let ours = recording.by(Name::Predictive, &TERMS).expect("a day");
    assert!(ours.talk_minutes_an_hour > one.talk_minutes_an_hour, "{ours:?}");
}

#[test]
fn recorded_calls_are_used_in_order_and_further_ones_are_drawn_from_the_same_hour() {
    let mut recording = recording();
    // In the second hour nobody answers any more.
    for call in recording.dialled.iter_mut().filter(|call| call.at >= NINE + HOUR_MS) {
        *call = Recorded { how: Resolution::Busy, rang: 3_000, spoken: None, abandoned: false, ..*call };
    }
    let replay = Replay::of(&recording, TERMS).expect("a day");
    let fate = |number: u32, at: i64| replay.dial(0, number, at);
    for number in 0..360 {
        let own = &recording.dialled[number as usize];
        assert_eq!((fate(number, NINE).how, fate(number, NINE).rings), (own.how, own.rang));
    }
    let drawn: Vec<Fate> = (360..660).map(|number| fate(number, NINE + HOUR_MS / 2)).collect();
    let answered = drawn.iter().filter(|fate| fate.how == Resolution::Answered).count();
    assert!((60..140).contains(&answered), "a third of the first hour's calls are answered: {answered} of 300");
    assert!((360..660).all(|number| fate(number, NINE + HOUR_MS).how == Resolution::Busy));
    // An hour with hardly a call says nothing: the whole day does.
    let late = (360..660).filter(|&number| fate(number, NINE + 3 * HOUR_MS).how == Resolution::Answered).count();
    assert!((20..90).contains(&late), "{late} of 300");
}

#[test]
fn a_call_that_no_agent_got_to_is_given_a_conversation_of_its_kind() {
    let recording = recording();
    let replay = Replay::of(&recording, TERMS).expect("a day");
    let taken = |number, person| Taken { call: Number::Out(0, number), person, agent: 0, before: 0 };
    assert_eq!(replay.conversation(&taken(3, true)).talk, 60_000, "call 3 was abandoned");
    assert_eq!(replay.conversation(&taken(10_001, false)).talk, 4_000, "a machine that was drawn");
    let people =
        Recording { dialled: recording.dialled.iter().copied().filter(|call| call.person).collect(), ..recording };
    let replay = Replay::of(&people, TERMS).expect("a day");
    assert_eq!(replay.conversation(&taken(10_001, false)), MACHINE, "no machine was ever heard");
}

#[test]
fn calls_that_come_in_take_agents_first() {
    let recording = recording();
    let alone = recording.by(Name::Progressive, &TERMS).expect("a day");
    let spoken = Some(Conversation { talk: 300_000, wrap: 10_000 });
    let comes = |number: i64| Recorded { at: NINE + 60_000 * number, spoken, ..recording.dialled[3] };
    let busy = Recording { came_in: (0..120).map(comes).collect(), ..recording.clone() };
    let with_them = busy.by(Name::Progressive, &TERMS).expect("a day");
    assert!(with_them.dialled < alone.dialled && with_them.occupancy > alone.occupancy, "{alone:?} {with_them:?}");
}

#[test]
fn agents_come_and_go_as_recorded() {
    let mut recording = recording();
    let away = vec![(NINE, NINE + HOUR_MS / 2), (NINE + HOUR_MS, NINE + 3 * HOUR_MS / 2)];
    recording.shifts.iter_mut().for_each(|(_, shifts)| shifts.clone_from(&away));
    assert!((recording.agent_hours() - 4.0).abs() < 1e-9);
    let replay = Replay::of(&recording, TERMS).expect("a day");
    assert!(replay.at_work(0, NINE) && !replay.at_work(0, NINE + HOUR_MS / 2) && replay.at_work(3, NINE + HOUR_MS));
    assert_eq!((replay.begins(), replay.ends()), (NINE, NINE + 3 * HOUR_MS / 2));
    assert!(recording.by(Name::Progressive, &TERMS).expect("a day").occupancy > 0.1);
}

#[test]
fn what_is_missing_is_said() {
    let recording = recording();
    let nobody = Recording { shifts: Vec::new(), ..recording.clone() };
    assert!(nobody.by(Name::Progressive, &TERMS).is_err_and(|why| why.contains("agent")));
    let silent = Recording { dialled: Vec::new(), ..recording };
    assert!(silent.by(Name::Progressive, &TERMS).is_err_and(|why| why.contains("call")));
}
