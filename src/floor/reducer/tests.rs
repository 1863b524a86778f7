//! Whatever order updates come in, and however often: the floor ends where the final rows lead.

use proptest::{collection::vec, option, prelude::*, sample::select};
use uuid::Uuid;

use super::*;

const STATES: [call::State; 8] = [
    call::State::Planned,
    call::State::Dialing,
    call::State::Ringing,
    call::State::Answered,
    call::State::Held,
    call::State::Bridged,
    call::State::Wrapping,
    call::State::Done,
];

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, 3).expect("a date")
}

fn some_day() -> impl Strategy<Value = NaiveDate> {
    (-2..=1_i64).prop_map(|days| today() + chrono::TimeDelta::days(days))
}

fn promised() -> impl Strategy<Value = Option<Money>> {
    let currency = select(vec![Currency::USD, Currency::parse("EUR").expect("a code")]);
    option::of((1..1_000_000_i64, currency).prop_map(|(minor, currency)| Money::new(minor, currency)))
}

/// The states of one call, version by version; id, day, direction and campaign never change.
fn history() -> impl Strategy<Value = Vec<FloorCall>> {
    let fixed = (any::<u128>(), option::of(0..3_u128), some_day(), any::<bool>());
    let outcome = select(vec![None, Some(call::Outcome::Abandoned), Some(call::Outcome::Completed)]);
    let picked_up = select(vec![None, Some(PickedUp::Person), Some(PickedUp::Machine)]);
    let version = (select(STATES.to_vec()), outcome, any::<bool>(), picked_up, any::<bool>(), promised());
    (fixed, vec(version, 1..6)).prop_map(|((id, campaign, day, outbound), versions)| {
        let of = |(version, (state, outcome, placed, picked_up, contact, promised))| FloorCall {
            id: CallId(Uuid::from_u128(id)),
            version,
            campaign: campaign.map(|campaign| CampaignId(Uuid::from_u128(campaign))),
            day,
            direction: if outbound { Direction::Outbound } else { Direction::Inbound },
            state,
            outcome,
            placed,
            picked_up,
            contact,
            promised,
        };
        (1..).zip(versions).map(of).collect()
    })
}

fn fold<'a>(day: NaiveDate, calls: impl IntoIterator<Item = &'a FloorCall>) -> Floor {
    let mut floor = Floor::new(day);
    calls.into_iter().for_each(|call| reduce(&mut floor, &FloorEvent::Call(call.clone())));
    floor
}

proptest! {
    #[test]
    fn any_interleaving_of_updates_equals_the_final_rows(
        (told, histories) in vec(history(), 1..8).prop_flat_map(|histories| {
            let twice: Vec<FloorCall> = histories.iter().flatten().chain(histories.iter().flatten()).cloned().collect();
            (Just(twice).prop_shuffle(), Just(histories))
        })
    ) {
        let rows: Vec<&FloorCall> = histories.iter().filter_map(|history| history.last()).collect();
        prop_assert_eq!(fold(today(), &told), fold(today(), rows));
    }

    #[test]
    fn midnight_may_strike_between_any_two_updates(
        histories in vec(history(), 1..8),
        at in any::<prop::sample::Index>(),
    ) {
        let told: Vec<&FloorCall> = histories.iter().flatten().collect();
        let tomorrow = today().succ_opt().expect("a date");
        let mut floor = Floor::new(today());
        for (index, call) in told.iter().enumerate() {
            if index == at.index(told.len()) {
                reduce(&mut floor, &FloorEvent::Day(tomorrow));
            }
            reduce(&mut floor, &FloorEvent::Call((*call).clone()));
        }
        let rows: Vec<&FloorCall> = histories.iter().filter_map(|history| history.last()).collect();
        let fresh = fold(tomorrow, rows);
        prop_assert_eq!(floor.total(), fresh.total());
        prop_assert_eq!(floor.tallies, fresh.tallies);
    }
}

#[test]
fn the_sums_are_those_of_the_day_and_the_states_those_of_the_moment() {
    let call = |id: u128, day, state, picked_up, promised| FloorCall {
        id: CallId(Uuid::from_u128(id)),
        version: 1,
        campaign: None,
        day,
        direction: Direction::Outbound,
        state,
        outcome: None,
        placed: true,
        picked_up,
        contact: promised != 0,
        promised: (promised != 0).then(|| Money::new(promised, Currency::USD)),
    };
    let yesterday = today().pred_opt().expect("a date");
    let calls = [
        call(1, today(), call::State::Done, Some(PickedUp::Person), 12_500),
        call(2, today(), call::State::Bridged, Some(PickedUp::Person), 0),
        call(3, today(), call::State::Done, Some(PickedUp::Machine), 0),
        call(4, today(), call::State::Ringing, None, 0),
        call(5, yesterday, call::State::Wrapping, Some(PickedUp::Person), 99),
    ];
    let total = fold(today(), &calls).total();
    assert_eq!((total.attempts, total.answered, total.machines, total.contacts), (4, 2, 1, 1));
    assert_eq!((total.promises, total.promised.get(&Currency::USD)), (1, Some(&12_500)));
    let in_progress = [(call::State::Ringing, 1), (call::State::Bridged, 1), (call::State::Wrapping, 1)];
    assert_eq!(total.by_state, BTreeMap::from(in_progress));
}
