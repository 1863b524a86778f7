use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::reminder::claim::{Agreed, Item, Reason, claims};

type Change = fn(&mut Ladder);

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

fn id(n: u128) -> InstalmentId {
    InstalmentId(Uuid::from_u128(n))
}

fn step(key: &str, days: i16) -> Step {
    Step { key: key.to_owned(), days, channel: Channel::Email, template: Some("reminder".to_owned()) }
}

/// Three days before, on the day, then 5, 20 and 40 days after; a week between two.
fn ladder() -> Ladder {
    Ladder {
        segment: Segment::default(),
        steps: vec![step("soon", -3), step("today", 0), step("first", 5), step("second", 20), step("last", 40)],
        min_days_between: 7,
        tolerance_minor: 100,
        approval: false,
        hours: Vec::new(),
    }
}

fn item(n: u128, due_on: &str, minor: i64) -> Item {
    Item { instalment: id(n), due_on: day(due_on), open_minor: minor, disputed_minor: 0, paused: false }
}

fn taken(step: &str, items: &[u128], on: &str, reached: Reached) -> Taken {
    Taken {
        id: Uuid::from_u128(9),
        step: step.to_owned(),
        items: items.iter().map(|n| id(*n)).collect(),
        on: day(on),
        reached,
    }
}

fn ask(items: &[Item], agreed: &[Agreed], cash: i64, history: &[Taken], today: &str) -> Decision {
    let (claims, left_out) = claims(items, agreed, cash);
    due(&ladder(), &claims, &left_out, history, &BusinessDays::default(), day(today))
}

fn step_of(decision: &Decision) -> Option<(&str, Vec<u128>, i64)> {
    match decision {
        Decision::Due(due) => {
            Some((&due.step, due.items.iter().map(|claim| claim.instalment.0.as_u128()).collect(), due.total_minor))
        }
        Decision::Nothing { .. } => None,
    }
}

fn why(decision: &Decision) -> Option<(Why, Option<NaiveDate>)> {
    match decision {
        Decision::Due(_) => None,
        Decision::Nothing { why, until, .. } => Some((*why, *until)),
    }
}

#[test]
fn the_first_word_comes_before_the_due_date() {
    let items = [item(1, "2026-03-13", 5000)];
    assert_eq!(why(&ask(&items, &[], 0, &[], "2026-03-09")), Some((Why::NotYet, Some(day("2026-03-10")))));
    assert_eq!(step_of(&ask(&items, &[], 0, &[], "2026-03-10")), Some(("soon", vec![1], 5000)));
}

#[test]
fn a_step_whose_time_is_over_is_passed_and_said_to_be() {
    let Decision::Due(due) = ask(&[item(1, "2026-01-01", 5000)], &[], 0, &[], "2026-03-10") else { panic!("due") };
    assert_eq!(
        (due.step.as_str(), due.passed.as_slice()),
        ("first", ["soon".to_owned(), "today".to_owned()].as_slice())
    );
}

#[test]
fn no_step_is_skipped_however_late_it_is() {
    let items = [item(1, "2026-01-01", 5000)];
    let first = taken("first", &[1], "2026-03-03", Reached::Yes);
    assert_eq!(
        why(&ask(&items, &[], 0, std::slice::from_ref(&first), "2026-03-09")),
        Some((Why::TooSoon, Some(day("2026-03-10"))))
    );
    assert_eq!(
        step_of(&ask(&items, &[], 0, &[first], "2026-03-10")),
        Some(("second", vec![1], 5000)),
        "not the last one"
    );
}

#[test]
fn what_has_not_reached_the_debtor_is_no_step() {
    let items = [item(1, "2026-01-01", 5000)];
    let bounced = taken("first", &[1], "2026-03-02", Reached::NotThere);
    assert_eq!(
        why(&ask(&items, &[], 0, std::slice::from_ref(&bounced), "2026-03-02")),
        Some((Why::TooSoon, Some(day("2026-03-03"))))
    );
    let Decision::Due(due) = ask(&items, &[], 0, std::slice::from_ref(&bounced), "2026-03-03") else { panic!("due") };
    assert_eq!((due.step.as_str(), due.replaces), ("first", Some(bounced.id)));
    let waits = taken("first", &[1], "2026-02-02", Reached::NotYet);
    assert_eq!(why(&ask(&items, &[], 0, &[waits], "2026-03-10")), Some((Why::LastNotDelivered, None)));
}

#[test]
fn a_mail_that_did_not_arrive_is_tried_again_at_the_pace_of_the_ladder_and_then_becomes_a_call() {
    let items = [item(1, "2026-01-01", 5000)];
    let mut history = vec![taken("first", &[1], "2026-03-02", Reached::No)];
    assert_eq!(why(&ask(&items, &[], 0, &history, "2026-03-03")), Some((Why::TooSoon, Some(day("2026-03-09")))));
    for on in ["2026-03-09", "2026-03-16"] {
        let Decision::Due(due) = ask(&items, &[], 0, &history, on) else { panic!("due") };
        assert_eq!((due.step.as_str(), due.channel, due.tries), ("first", Channel::Email, history.len()));
        history.push(taken("first", &[1], on, Reached::No));
    }
    let Decision::Due(due) = ask(&items, &[], 0, &history, "2026-03-23") else { panic!("due") };
    assert_eq!((due.step.as_str(), due.channel, due.template), ("first", Channel::Call, None), "three tries");
    history.push(taken("first", &[1], "2026-03-23", Reached::Yes));
    assert_eq!(step_of(&ask(&items, &[], 0, &history, "2026-03-30")), Some(("second", vec![1], 5000)));
}

#[test]
fn after_a_part_payment_the_next_item_goes_on_where_it_was() {
    // Both were in the first reminder; the older one has been paid since.
    let both = taken("first", &[1, 2], "2026-02-02", Reached::Yes);
    let left = [item(2, "2026-02-01", 700)];
    assert_eq!(step_of(&ask(&left, &[], 0, std::slice::from_ref(&both), "2026-03-10")), Some(("second", vec![2], 700)));
    // One that was in none begins at the beginning, although the account is at its second step.
    let fresh = [item(3, "2026-02-20", 700)];
    let second = taken("second", &[1, 2], "2026-02-10", Reached::Yes);
    assert_eq!(step_of(&ask(&fresh, &[], 0, &[both, second], "2026-03-10")), Some(("first", vec![3], 700)));
}

#[test]
fn a_ladder_ends() {
    let history: Vec<Taken> =
        ["first", "second", "last"].into_iter().map(|step| taken(step, &[1], "2026-02-02", Reached::Yes)).collect();
    assert_eq!(why(&ask(&[item(1, "2025-12-01", 5000)], &[], 0, &history, "2026-03-10")), Some((Why::Finished, None)));
}

#[test]
fn nothing_goes_out_on_a_sunday_or_about_ten_cents() {
    assert_eq!(
        why(&ask(&[item(1, "2026-01-01", 5000)], &[], 0, &[], "2026-03-08")),
        Some((Why::Holiday, Some(day("2026-03-09"))))
    );
    assert_eq!(why(&ask(&[item(1, "2026-01-01", 99)], &[], 0, &[], "2026-03-10")), Some((Why::NothingClaimable, None)));
}

#[test]
fn each_cent_is_left_out_for_one_reason() {
    let mut disputed = item(1, "2026-01-01", 1000);
    disputed.disputed_minor = 400;
    let promise = Agreed { reason: Reason::Promised, minor: 500, items: vec![id(1), id(2)], whole: false };
    let (claims, left_out) = claims(&[disputed, item(2, "2026-02-01", 1000)], &[promise], 300);
    let told: Vec<_> = left_out.iter().map(|one| (one.instalment.0.as_u128(), one.reason, one.minor)).collect();
    assert_eq!(
        told,
        [(1, Reason::Disputed, 400), (1, Reason::Promised, 500), (1, Reason::Covered, 100), (2, Reason::Covered, 200)]
    );
    assert_eq!(claims.iter().map(|claim| (claim.instalment.0.as_u128(), claim.minor)).collect::<Vec<_>>(), [(2, 800)]);
}

#[test]
fn a_wrong_ladder_is_told_by_its_field() {
    assert_eq!(ladder().fault(), None);
    let faults: [(Change, &str); 7] = [
        (|ladder| ladder.steps.clear(), "steps"),
        (|ladder| ladder.min_days_between = 0, "min_days_between"),
        (|ladder| ladder.tolerance_minor = -1, "tolerance_minor"),
        (|ladder| ladder.steps[1].key = "soon".to_owned(), "steps[1].key"),
        (|ladder| ladder.steps[2].days = 0, "steps[2].days"),
        (|ladder| ladder.steps[4].days = 366, "steps[4].days"),
        (|ladder| ladder.steps[0].template = None, "steps[0].template"),
    ];
    for (change, field) in faults {
        let mut ladder = ladder();
        change(&mut ladder);
        assert_eq!(ladder.fault().map(|(field, _)| field).as_deref(), Some(field));
    }
}

prop_compose! {
    fn any_item()(n in 1_u128..6, due in -60_i64..60, open in 1_i64..2000, disputed in 0_i64..2500, paused in prop::bool::weighted(0.1))
        -> Item {
        Item { instalment: id(n), due_on: day("2026-03-10") + chrono::TimeDelta::days(due), open_minor: open,
               disputed_minor: disputed.min(open), paused }
    }
}

prop_compose! {
    fn any_agreed()(minor in 1_i64..3000, items in prop::collection::vec(1_u128..6, 0..3), whole in prop::bool::weighted(0.2)) -> Agreed {
        Agreed { reason: if whole { Reason::Planned } else { Reason::Promised }, minor, items: items.into_iter().map(id).collect(), whole }
    }
}

proptest! {
    /// Whatever is agreed, disputed and paid: what is asked for and what is left out are together what is open, and no
    /// disputed, promised or covered cent is asked for.
    #[test]
    fn no_disputed_promised_or_covered_cent_is_asked_for(
        items in prop::collection::vec(any_item(), 0..6), agreed in prop::collection::vec(any_agreed(), 0..4), cash in 0_i64..3000
    ) {
        let mut seen = std::collections::BTreeSet::new();
        let items: Vec<Item> = items.into_iter().filter(|item| seen.insert(item.instalment)).collect();
        let (claims, left_out) = claims(&items, &agreed, cash);
        for item in &items {
            let asked: i64 = claims.iter().filter(|claim| claim.instalment == item.instalment).map(|claim| claim.minor).sum();
            let out: i64 = left_out.iter().filter(|one| one.instalment == item.instalment).map(|one| one.minor).sum();
            prop_assert_eq!(asked + out, item.open_minor);
            prop_assert!(asked <= item.open_minor - item.disputed_minor);
            prop_assert!(asked == 0 || !item.paused);
            let planned = agreed.iter().any(|one| one.whole && (one.items.is_empty() || one.items.contains(&item.instalment)));
            prop_assert!(asked == 0 || !planned);
        }
        // A promise is left out in full, as far as there is anything left of its items.
        for one in agreed.iter().filter(|one| !one.whole) {
            let of_it = |instalment: InstalmentId| one.items.is_empty() || one.items.contains(&instalment);
            let asked: i64 = claims.iter().filter(|claim| of_it(claim.instalment)).map(|claim| claim.minor).sum();
            let out: i64 = left_out.iter().filter(|out| of_it(out.instalment)).map(|out| out.minor).sum();
            prop_assert!(asked == 0 || out >= one.minor);
        }
        let open: i64 = items.iter().map(|item| item.open_minor).sum();
        let asked: i64 = claims.iter().map(|claim| claim.minor).sum();
        prop_assert!(asked <= (open - cash).max(0));
    }

    /// A year of reminders, with payments and failures at random: no item gets a step twice, none is skipped, two are
    /// never closer than the ladder allows.
    #[test]
    fn no_step_twice_no_skip(
        dues in prop::collection::vec(-40_i64..120, 1..5), paid in prop::collection::vec(0_i64..400, 1..5), reach in prop::collection::vec(0_u8..4, 400)
    ) {
        let ladder = ladder();
        let start = day("2026-01-05");
        let mut history: Vec<Taken> = Vec::new();
        for offset in 0..300_i64 {
            let today = start + chrono::TimeDelta::days(offset);
            let open: Vec<Item> = dues.iter().enumerate()
                .filter(|(n, _)| paid.get(*n).is_none_or(|gone| offset < *gone))
                .map(|(n, due)| Item { instalment: id(n as u128 + 1), due_on: start + chrono::TimeDelta::days(*due), open_minor: 500, disputed_minor: 0, paused: false })
                .collect();
            let (claims, left_out) = claims(&open, &[], 0);
            let Decision::Due(due) = due(&ladder, &claims, &left_out, &history, &BusinessDays::default(), today) else { continue };
            let index = ladder.steps.iter().position(|step| step.key == due.step).expect("a step of the ladder");
            let delivered = |key: &str| history.iter().any(|taken| taken.reached == Reached::Yes && taken.step == key && taken.items.contains(&due.anchor));
            prop_assert!(!delivered(&due.step), "twice");
            for before in &ladder.steps[..index] {
                prop_assert!(delivered(&before.key) || due.passed.contains(&before.key), "skipped {}", before.key);
                prop_assert!(!due.passed.contains(&before.key) || before.days <= 0);
            }
            if let Some(last) = history.iter().filter(|taken| taken.reached == Reached::Yes).map(|taken| taken.on).max() {
                prop_assert!((today - last).num_days() >= 7);
            }
            let reached = if reach[usize::try_from(offset).expect("small")] == 0 { Reached::No } else { Reached::Yes };
            history.push(Taken { id: Uuid::from_u128(7), step: due.step, items: due.items.iter().map(|claim| claim.instalment).collect(), on: today, reached });
        }
    }
}
