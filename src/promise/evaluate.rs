//! What has become of promises: a pure function of the promises, the postings and the day. The order in which postings
//! were recorded does not matter, and taking one back takes back what it had kept.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ids::{InstalmentId, PromiseId},
    named::named,
};

/// What was promised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The promise.
    pub id: PromiseId,
    /// Minor units, more than 0.
    pub amount_minor: i64,
    /// How much may be missing of a promise that is kept all the same, minor units.
    pub tolerance_minor: i64,
    /// When it was taken: what was recorded before does not keep it.
    pub taken_at: DateTime<Utc>,
    /// The last day on which a payment keeps it: the promised day, rolled to a business day, and the grace after it in
    /// business days.
    pub deadline: NaiveDate,
    /// Only money that has cleared counts.
    pub cleared_only: bool,
    /// The day on which it was replaced or taken back. After the deadline that changes nothing any more.
    pub withdrawn_on: Option<NaiveDate>,
    /// The items it is for.
    pub items: Vec<InstalmentId>,
}

/// A credit of an item, such as a credit note, that was not reversed. It keeps no promise: less is owed, and so less
/// is promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credited {
    /// The item.
    pub item: InstalmentId,
    /// Minor units, more than 0.
    pub minor: i64,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
}

/// A payment allocated to an item, and not reversed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paid {
    /// The item.
    pub item: InstalmentId,
    /// Minor units, more than 0.
    pub minor: i64,
    /// Its business day.
    pub on: NaiveDate,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// The bank says that it is there to stay.
    pub cleared: bool,
}

/// What has become of a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Its time is not over.
    Open,
    /// Paid in full in time.
    Kept,
    /// Paid in part in time.
    PartiallyKept,
    /// Nothing was paid in time.
    Broken,
    /// Replaced or withdrawn, or all of it was credited.
    Cancelled,
}

/// What has become of a promise, and by how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// In a word.
    pub status: Status,
    /// What was paid in time, minor units.
    pub paid_minor: i64,
    /// What was credited since it was taken, minor units: that much less is promised.
    pub credited_minor: i64,
    /// The business day of the payment that kept it.
    pub kept_on: Option<NaiveDate>,
}

/// What has become of each promise at `today`, in the order given. Each cent keeps one promise, and each credited cent
/// shrinks one: the one taken first takes it first, of those taken together the one that is due first.
#[must_use]
pub fn evaluate(promises: &[Terms], paid: &[Paid], credited: &[Credited], today: NaiveDate) -> Vec<Judged> {
    let (mut paid, mut credited) = (paid.to_vec(), credited.to_vec());
    paid.sort_by_key(|paid| (paid.on, paid.recorded_at, paid.item, paid.cleared));
    credited.sort_by_key(|credited| (credited.recorded_at, credited.item));
    let mut order: Vec<usize> = (0..promises.len()).collect();
    order.sort_by_key(|at| (promises[*at].taken_at, promises[*at].deadline, promises[*at].id));
    let mut judged = vec![WITHDRAWN; promises.len()];
    for at in order {
        let promise = &promises[at];
        if promise.withdrawn_on.is_some_and(|on| on <= promise.deadline) {
            continue;
        }
        let credited_minor = shrunk(promise, &mut credited);
        let wanted = promise.amount_minor - credited_minor;
        let (paid_minor, last_on) = take(promise, wanted, &mut paid);
        let status = status(promise, wanted, paid_minor, today);
        let kept_on = last_on.filter(|_| status == Status::Kept);
        judged[at] = Judged { status, paid_minor, credited_minor, kept_on };
    }
    judged
}

const WITHDRAWN: Judged = Judged { status: Status::Cancelled, paid_minor: 0, credited_minor: 0, kept_on: None };

/// How much of the promise was credited since.
fn shrunk(promise: &Terms, left: &mut [Credited]) -> i64 {
    let mut shrunk = 0;
    for credited in left {
        if promise.items.contains(&credited.item) && credited.recorded_at > promise.taken_at {
            let part = credited.minor.min(promise.amount_minor - shrunk);
            credited.minor -= part;
            shrunk += part;
        }
    }
    shrunk
}

/// Takes from what is left as much as the promise wants, earliest payments first. Gives the day of the last one, too.
fn take(promise: &Terms, wanted: i64, left: &mut [Paid]) -> (i64, Option<NaiveDate>) {
    let (mut taken, mut last_on) = (0, None);
    for paid in left {
        let counts = promise.items.contains(&paid.item)
            && paid.recorded_at > promise.taken_at
            && paid.on <= promise.deadline
            && (paid.cleared || !promise.cleared_only);
        let part = if counts { paid.minor.min(wanted - taken) } else { 0 };
        if part > 0 {
            paid.minor -= part;
            taken += part;
            last_on = Some(paid.on);
        }
    }
    (taken, last_on)
}

fn status(promise: &Terms, wanted: i64, taken: i64, today: NaiveDate) -> Status {
    if wanted == 0 {
        Status::Cancelled
    } else if taken > 0 && taken >= wanted - promise.tolerance_minor {
        Status::Kept
    } else if today <= promise.deadline {
        Status::Open
    } else if taken > 0 {
        Status::PartiallyKept
    } else {
        Status::Broken
    }
}

/// The level of a new promise for `items`: one more than the promises for the same item that were not kept. One that was
/// kept in full, credited, upheld as disputed or a mistake of ours does not count.
#[must_use]
pub fn level(items: &[InstalmentId], earlier: &[(Terms, Status, Option<CancelReason>)]) -> u16 {
    let not_kept = |status: Status, why: Option<CancelReason>| match status {
        Status::PartiallyKept | Status::Broken => true,
        Status::Cancelled => matches!(why, Some(CancelReason::Replaced | CancelReason::Withdrawn)),
        Status::Open | Status::Kept => false,
    };
    let times = |item: &InstalmentId| {
        earlier.iter().filter(|(terms, status, why)| terms.items.contains(item) && not_kept(*status, *why)).count()
    };
    let most = items.iter().map(times).max().unwrap_or(0);
    u16::try_from(most).unwrap_or(u16::MAX).saturating_add(1)
}

/// Why a promise is not looked at any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PromiseCancelReason)]
pub enum CancelReason {
    /// The debtor promised something else.
    Replaced,
    /// The debtor took it back.
    Withdrawn,
    /// What was promised is disputed, and the debtor was right.
    DisputeUpheld,
    /// All of it was credited.
    Credited,
    /// Its plan ended.
    PlanEnded,
    /// It was recorded by mistake.
    Error,
}

named!(Status { Open => "open", Kept => "kept", PartiallyKept => "partially_kept", Broken => "broken", Cancelled => "cancelled" });
named!(CancelReason {
    Replaced => "replaced", Withdrawn => "withdrawn", DisputeUpheld => "dispute_upheld", Credited => "credited",
    PlanEnded => "plan_ended", Error => "error",
});

#[cfg(test)]
mod tests {
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
        assert_eq!(
            judged.iter().map(|judged| judged.status).collect::<Vec<_>>(),
            [Status::Kept, Status::PartiallyKept]
        );
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
        assert_eq!(
            one(&strict, &[Paid { cleared: true, ..cheque }], 2),
            Status::Kept,
            "cleared later, received in time"
        );
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
}
