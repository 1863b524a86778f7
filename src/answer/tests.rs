use chrono_tz::America::New_York;
use proptest::prelude::*;

use super::*;

fn segment(name: &str) -> Segment {
    Segment(name.to_owned())
}

fn tally(dials: f64, answered: f64) -> Tally {
    Tally { dials, answered, people: answered }
}

fn hour(index: u8) -> HourOfWeek {
    HourOfWeek(index)
}

#[test]
fn the_week_begins_on_monday_in_the_called_partys_zone() {
    let at = |text: &str| HourOfWeek::of(text.parse().expect("a moment"), New_York).index();
    assert_eq!(at("2026-03-09T04:30:00Z"), 0, "Monday, half past midnight in New York");
    assert_eq!(at("2026-03-10T17:00:00Z"), 24 + 13);
    assert_eq!(at("2026-03-16T03:59:00Z"), 167);
}

#[test]
fn before_anything_is_known_the_hour_of_the_day_decides() {
    let book = Book::default();
    assert!((book.mean() - UNKNOWN).abs() < 1e-9);
    let at = |index| book.relative(&segment("US/fixed/past_due"), hour(index), &OfNumber::default());
    assert!((at(10) / at(9) - 1553.0 / 1409.0).abs() < 1e-9, "ten o'clock is better than nine");
    assert!((book.profile().at(hour(24 + 10)) - 1.0).abs() < 1e-9);
}

#[test]
fn what_is_known_of_a_number_counts_more_the_more_it_was_called() {
    let book = Book::default();
    let of = |dials: f64, answered: f64| OfNumber { all: tally(dials, answered), hour: Tally::default() };
    let chance = |number: OfNumber| book.chance(&segment("US/fixed/past_due"), hour(10), &number);
    let nothing = chance(of(0.0, 0.0));
    assert!(chance(of(1.0, 0.0)) < nothing && chance(of(8.0, 0.0)) < chance(of(1.0, 0.0)));
    assert!(chance(of(8.0, 8.0)) > 0.7 && chance(of(1.0, 1.0)) < 0.5);
    let always_at_ten = OfNumber { all: tally(8.0, 4.0), hour: tally(4.0, 4.0) };
    let never_at_ten = OfNumber { all: tally(8.0, 4.0), hour: tally(4.0, 0.0) };
    assert!(chance(always_at_ten) > 0.65 && chance(never_at_ten) < 0.3, "its hours are told apart");
}

#[test]
fn segments_and_their_hours_are_learnt_apart() {
    let (good, bad) = (segment("US/mobile/promise_broken"), segment("US/fixed/past_due"));
    let rows = [(good.clone(), 34, tally(400.0, 240.0)), (bad.clone(), 34, tally(4_000.0, 400.0))];
    let book = Book::of(rows);
    let at = |segment: &Segment| book.chance(segment, hour(34), &OfNumber::default());
    assert!((at(&good) - 0.6).abs() < 0.1, "{}", at(&good));
    assert!((at(&bad) - 0.1).abs() < 0.02, "{}", at(&bad));
    assert!((book.mean() - 640.0 / 4_400.0).abs() < 0.02, "{}", book.mean());
    let unknown = book.chance(&segment("GB/fixed/past_due"), hour(34), &OfNumber::default());
    assert!(at(&bad) < unknown && unknown < at(&good), "a stranger is like everybody: {unknown}");
}

#[test]
fn a_quiet_hour_is_learnt_against_what_was_believed_of_it() {
    // Mondays at ten nobody answers, on the other days nearly half do.
    let at_ten = (0..5).map(|day| (segment("a"), day * 24 + 10, tally(2_000.0, if day == 0 { 0.0 } else { 900.0 })));
    let book = Book::of(at_ten);
    assert!(book.profile().at(hour(10)) < 0.15 && book.profile().at(hour(24 + 10)) > 0.9);
}

proptest! {
    #[test]
    fn a_chance_is_a_chance(
        dials in 0.0_f64..1e5, share in 0.0_f64..=1.0, of_number in 0.0_f64..50.0, its_share in 0.0_f64..=1.0, at in 0_u8..168,
    ) {
        let book = Book::of([(segment("a"), usize::from(at), tally(dials, dials * share))]);
        let calls = tally(of_number, of_number * its_share);
        let chance = book.chance(&segment("a"), hour(at), &OfNumber { all: calls, hour: calls });
        prop_assert!((0.0..=1.0).contains(&chance), "{chance}");
        prop_assert!((0.2..=5.0).contains(&book.relative(&segment("a"), hour(at), &OfNumber::default())));
        prop_assert!((0..168).all(|at| (0.0..=1.0).contains(&book.profile().at(hour(at)))));
    }
}
