use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::business_day::BusinessDays;

fn day(offset: i64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 6, 24).unwrap() + TimeDelta::days(offset)
}

fn noon(offset: i64) -> DateTime<Utc> {
    day(offset).and_hms_opt(12, 0, 0).unwrap().and_utc()
}

/// Taken ten days before its day, day 0, with one day of grace and no tolerance.
fn promise(amount_minor: i64, item: InstalmentId) -> Terms {
    Terms {
        id: PromiseId::generate(),
        amount_minor,
        tolerance_minor: 0,
        taken_at: noon(-10),
        deadline: day(1),
        cleared_only: false,
        withdrawn_on: None,
        items: vec![item],
    }
}

fn paid(item: InstalmentId, minor: i64, offset: i64) -> Paid {
    Paid { item, minor, on: day(offset), recorded_at: noon(offset), cleared: true }
}

fn one(promise: &Terms, paid: &[Paid], today: i64) -> Status {
    evaluate(std::slice::from_ref(promise), paid, &[], day(today))[0].status
}

#[test]
fn the_due_day_itself_is_not_broken() {
    let item = InstalmentId::generate();
    assert_eq!(one(&promise(100, item), &[], 0), Status::Open);
}

#[test]
fn it_is_broken_the_day_after_the_grace_ends() {
    let item = InstalmentId::generate();
    assert_eq!(one(&promise(100, item), &[], 1), Status::Open);
    assert_eq!(one(&promise(100, item), &[], 2), Status::Broken);
    let strict = Terms { deadline: day(0), ..promise(100, item) };
    assert_eq!(one(&strict, &[], 1), Status::Broken);
}

#[test]
fn it_is_kept_as_soon_as_it_is_paid_in_full() {
    let item = InstalmentId::generate();
    assert_eq!(one(&promise(100, item), &[paid(item, 100, -5)], -5), Status::Kept);
    assert_eq!(one(&promise(100, item), &[paid(item, 60, -5), paid(item, 40, 1)], 1), Status::Kept);
    assert_eq!(one(&promise(100, item), &[paid(item, 100, 1)], 40), Status::Kept, "on the last day of grace");
}

#[test]
fn a_part_is_open_until_the_deadline_and_then_partial() {
    let item = InstalmentId::generate();
    let part = [paid(item, 99, -1)];
    assert_eq!(one(&promise(100, item), &part, 1), Status::Open);
    assert_eq!(one(&promise(100, item), &part, 2), Status::PartiallyKept);
}

#[test]
fn what_is_paid_late_before_or_elsewhere_does_not_keep_it() {
    let (item, other) = (InstalmentId::generate(), InstalmentId::generate());
    for wrong in [paid(item, 100, 2), paid(item, 100, -11), paid(other, 100, -1)] {
        assert_eq!(one(&promise(100, item), &[wrong], 3), Status::Broken);
    }
}

#[test]
fn a_cent_keeps_one_promise_only() {
    let item = InstalmentId::generate();
    let first = promise(100, item);
    let second = Terms { taken_at: noon(-9), ..promise(100, item) };
    let judged = evaluate(&[first, second], &[paid(item, 150, -1)], &[], day(2));
    assert_eq!(judged.iter().map(|judged| judged.status).collect::<Vec<_>>(), [Status::Kept, Status::PartiallyKept]);
}

fn with_credit(promise: &Terms, paid: &[Paid], credit: Credited, today: i64) -> Status {
    evaluate(std::slice::from_ref(promise), paid, &[credit], day(today))[0].status
}

#[test]
fn a_credit_note_shrinks_it_and_never_keeps_it() {
    let item = InstalmentId::generate();
    let credit = |minor| Credited { item, minor, recorded_at: noon(-5) };
    assert_eq!(with_credit(&promise(100, item), &[], credit(40), 2), Status::Broken, "60 are still promised");
    assert_eq!(with_credit(&promise(100, item), &[paid(item, 60, -1)], credit(40), 2), Status::Kept);
    assert_eq!(with_credit(&promise(100, item), &[], credit(100), 2), Status::Cancelled, "nothing is left of it");
    let before = Credited { recorded_at: noon(-11), ..credit(40) };
    assert_eq!(with_credit(&promise(100, item), &[paid(item, 60, -1)], before, 2), Status::PartiallyKept);
}

#[test]
fn what_is_missing_within_the_tolerance_is_forgiven_but_nothing_is_not_enough() {
    let item = InstalmentId::generate();
    let lenient = Terms { tolerance_minor: 5, ..promise(100, item) };
    assert_eq!(one(&lenient, &[paid(item, 95, -1)], -1), Status::Kept);
    assert_eq!(one(&lenient, &[paid(item, 94, -1)], 2), Status::PartiallyKept);
    assert_eq!(one(&Terms { tolerance_minor: 500, ..lenient }, &[], 2), Status::Broken);
}

/// Oracle: due on the 24th with a day of grace is not broken on the 25th, and what is due today is not broken before
/// tomorrow.
#[test]
fn due_on_the_24th_with_one_day_of_grace_it_is_not_broken_on_the_25th() {
    let item = InstalmentId::generate();
    let days = BusinessDays::default();
    let due = "2026-06-24".parse().unwrap();
    let promise = Terms { deadline: days.after(due, 1), ..promise(100, item) };
    let at = |date: &str| evaluate(std::slice::from_ref(&promise), &[], &[], date.parse().unwrap())[0].status;
    assert_eq!(["2026-06-24", "2026-06-25", "2026-06-26"].map(at), [Status::Open, Status::Open, Status::Broken]);
}

/// SAP: promised for a Saturday, transferred on the Friday, received on the Monday.
#[test]
fn promised_for_saturday_transferred_on_friday_received_on_monday_is_kept() {
    let item = InstalmentId::generate();
    let date = |text: &str| text.parse::<NaiveDate>().unwrap();
    let saturday = date("2026-06-20");
    let promise = Terms { deadline: BusinessDays::default().after(saturday, 0), ..promise(100, item) };
    let monday = Paid { on: date("2026-06-22"), ..paid(item, 100, -2) };
    let judged = evaluate(std::slice::from_ref(&promise), &[monday], &[], date("2026-06-23"))[0];
    assert_eq!((judged.status, judged.kept_on), (Status::Kept, Some(date("2026-06-22"))));
    let tuesday = Paid { on: date("2026-06-23"), ..monday };
    assert_eq!(evaluate(&[promise], &[tuesday], &[], date("2026-06-23"))[0].status, Status::Broken);
}

#[test]
fn due_on_a_weekend_before_a_holiday_it_may_come_after_both() {
    let item = InstalmentId::generate();
    let book = crate::compliance::book::Book::shipped().unwrap();
    let days = BusinessDays::keeping(book.calendar("us_federal").cloned());
    // 5 September 2026 is a Saturday, and the Monday after it Labor Day.
    let promise = Terms { deadline: days.after("2026-09-05".parse().unwrap(), 0), ..promise(100, item) };
    let at = |date: &str| evaluate(std::slice::from_ref(&promise), &[], &[], date.parse().unwrap())[0].status;
    assert_eq!(["2026-09-07", "2026-09-08", "2026-09-09"].map(at), [Status::Open, Status::Open, Status::Broken]);
}

/// A known defect elsewhere: paying several instalments early left the wrong status on the later ones.
#[test]
fn several_instalments_paid_early_are_each_kept() {
    let item = InstalmentId::generate();
    let part = |n: i64| Terms { deadline: day(30 * n), taken_at: noon(-10), ..promise(100, item) };
    let plan = [part(1), part(2), part(3), part(4)];
    let judged = evaluate(&plan, &[paid(item, 250, -1)], &[], day(0));
    let statuses: Vec<_> = judged.iter().map(|judged| (judged.status, judged.paid_minor)).collect();
    assert_eq!(statuses, [(Status::Kept, 100), (Status::Kept, 100), (Status::Open, 50), (Status::Open, 0)]);
    let later = evaluate(&plan, &[paid(item, 250, -1)], &[], day(121));
    assert_eq!((later[2].status, later[3].status), (Status::PartiallyKept, Status::Broken));
}

#[test]
fn what_has_not_cleared_does_not_count_where_only_cleared_money_does() {
    let item = InstalmentId::generate();
    let strict = Terms { cleared_only: true, ..promise(100, item) };
    let cheque = Paid { cleared: false, ..paid(item, 100, -1) };
    assert_eq!(one(&promise(100, item), &[cheque], -1), Status::Kept);
    assert_eq!(one(&strict, &[cheque], 1), Status::Open);
    assert_eq!(one(&strict, &[cheque], 2), Status::Broken);
    assert_eq!(one(&strict, &[Paid { cleared: true, ..cheque }], 2), Status::Kept, "cleared later, received in time");
}

#[test]
fn replaced_after_the_deadline_it_stays_broken() {
    let item = InstalmentId::generate();
    let replaced = |on| Terms { withdrawn_on: Some(day(on)), ..promise(100, item) };
    assert_eq!(one(&replaced(1), &[], 5), Status::Cancelled, "on the last day of grace");
    assert_eq!(one(&replaced(2), &[], 5), Status::Broken);
}

#[test]
fn a_promise_that_was_withdrawn_in_time_leaves_its_money_to_the_others() {
    let item = InstalmentId::generate();
    let gone = Terms { withdrawn_on: Some(day(0)), ..promise(100, item) };
    let new = Terms { taken_at: noon(-9), ..promise(100, item) };
    let judged = evaluate(&[gone, new], &[paid(item, 100, -1)], &[], day(0));
    assert_eq!((judged[0].status, judged[1].status), (Status::Cancelled, Status::Kept));
}

#[test]
fn the_level_counts_what_was_not_kept_for_the_item() {
    let (item, other) = (InstalmentId::generate(), InstalmentId::generate());
    let one = |status, why| (promise(100, item), status, why);
    let earlier = [
        one(Status::Broken, None),
        one(Status::PartiallyKept, None),
        one(Status::Kept, None),
        one(Status::Cancelled, Some(CancelReason::Replaced)),
        one(Status::Cancelled, Some(CancelReason::Error)),
        one(Status::Cancelled, Some(CancelReason::Credited)),
    ];
    assert_eq!(level(&[item], &earlier), 4);
    assert_eq!(level(&[other], &earlier), 1);
    assert_eq!(level(&[other, item], &earlier), 4);
    let residual = [one(Status::Kept, None)];
    assert_eq!(level(&[item], &residual), 1, "the rest after a part that was kept");
}

proptest! {
    #[test]
    fn the_order_in_which_it_became_known_does_not_matter(
        payments in prop::collection::vec((0_usize..3, 1_i64..200, -12_i64..4, any::<bool>()), 0..10),
        credits in prop::collection::vec((0_usize..3, 1_i64..100, -12_i64..4), 0..4),
        amounts in prop::collection::vec((1_i64..300, any::<bool>(), prop::option::of(-9_i64..4)), 1..5),
        today in -10_i64..5,
        seed in any::<u64>(),
    ) {
        use rand::{SeedableRng, seq::SliceRandom};
        let items: Vec<_> = (0..3).map(|_| InstalmentId::generate()).collect();
        let mut promises: Vec<_> = amounts
            .iter()
            .enumerate()
            .map(|(n, (amount, cleared_only, withdrawn))| Terms {
                items: vec![items[n % 3], items[(n + 1) % 3]],
                cleared_only: *cleared_only,
                withdrawn_on: withdrawn.map(day),
                ..promise(*amount, items[0])
            })
            .collect();
        let mut paid: Vec<_> = payments
            .iter()
            .map(|(n, minor, offset, cleared)| Paid { cleared: *cleared, ..paid(items[*n], *minor, *offset) })
            .collect();
        let mut credited: Vec<_> = credits
            .iter()
            .map(|(n, minor, offset)| Credited { item: items[*n], minor: *minor, recorded_at: noon(*offset) })
            .collect();
        let by_id = |promises: &[Terms], judged: Vec<Judged>| {
            let mut both: Vec<_> = promises.iter().map(|promise| promise.id).zip(judged).collect();
            both.sort_by_key(|(id, _)| *id);
            both
        };
        let before = by_id(&promises, evaluate(&promises, &paid, &credited, day(today)));
        let rng = &mut rand::rngs::StdRng::seed_from_u64(seed);
        promises.shuffle(rng);
        paid.shuffle(rng);
        credited.shuffle(rng);
        let after = by_id(&promises, evaluate(&promises, &paid, &credited, day(today)));
        prop_assert_eq!(&before, &after);

        let used: i64 = before.iter().map(|(_, judged)| judged.paid_minor).sum();
        prop_assert!(used <= paid.iter().map(|paid| paid.minor).sum(), "each cent keeps one promise");
        let shrunk: i64 = before.iter().map(|(_, judged)| judged.credited_minor).sum();
        prop_assert!(shrunk <= credited.iter().map(|credited| credited.minor).sum());
        for (promise, (_, judged)) in promises.iter().map(|promise| (promise, before.iter().find(|(id, _)| *id == promise.id).unwrap())) {
            prop_assert!(judged.paid_minor + judged.credited_minor <= promise.amount_minor);
            prop_assert_eq!(judged.kept_on.is_some(), judged.status == Status::Kept);
        }
    }

    #[test]
    fn time_only_settles(amount in 1_i64..100, minor in 1_i64..200, offset in -12_i64..4, today in -10_i64..5) {
        let item = InstalmentId::generate();
        let (promise, paid) = (promise(amount, item), [paid(item, minor, offset)]);
        let now = one(&promise, &paid, today);
        prop_assert!(now == Status::Open || now == one(&promise, &paid, today + 1));
    }
}
