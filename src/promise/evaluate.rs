//! What has become of promises: a pure function of the promises, the postings and the day. The order in which postings
//! were recorded does not matter, and taking one back takes back what it had kept.

use chrono::{DateTime, NaiveDate, Utc};

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

/// The status of each promise at `today`, in the order given, which is that in which they were taken. Each cent keeps
/// one promise, and each credited cent shrinks one: the one taken first takes it first.
#[must_use]
pub fn evaluate(promises: &[Terms], paid: &[Paid], credited: &[Credited], today: NaiveDate) -> Vec<Status> {
    let (mut paid, mut credited) = (paid.to_vec(), credited.to_vec());
    paid.sort_by_key(|paid| (paid.on, paid.recorded_at, paid.item));
    credited.sort_by_key(|credited| (credited.recorded_at, credited.item));
    promises
        .iter()
        .map(|promise| {
            let wanted = promise.amount_minor - shrunk(promise, &mut credited);
            let taken = take(promise, wanted, &mut paid);
            status(promise, wanted, taken, today)
        })
        .collect()
}

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

/// Takes from what is left as much as the promise wants, earliest payments first.
fn take(promise: &Terms, wanted: i64, left: &mut [Paid]) -> i64 {
    let mut taken = 0;
    for paid in left {
        let counts =
            promise.items.contains(&paid.item) && paid.recorded_at > promise.taken_at && paid.on <= promise.deadline;
        if counts {
            let part = paid.minor.min(wanted - taken);
            paid.minor -= part;
            taken += part;
        }
    }
    taken
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

named!(Status { Open => "open", Kept => "kept", PartiallyKept => "partially_kept", Broken => "broken", Cancelled => "cancelled" });

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

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
            items: vec![item],
        }
    }

    fn paid(item: InstalmentId, minor: i64, offset: i64) -> Paid {
        Paid { item, minor, on: day(offset), recorded_at: noon(offset) }
    }

    fn one(promise: &Terms, paid: &[Paid], today: i64) -> Status {
        evaluate(std::slice::from_ref(promise), paid, &[], day(today))[0]
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
        let statuses = evaluate(&[first, second], &[paid(item, 150, -1)], &[], day(2));
        assert_eq!(statuses, [Status::Kept, Status::PartiallyKept]);
    }

    fn with_credit(promise: &Terms, paid: &[Paid], credit: Credited, today: i64) -> Status {
        evaluate(std::slice::from_ref(promise), paid, &[credit], day(today))[0]
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

    proptest! {
        #[test]
        fn the_order_of_payments_does_not_matter(
            payments in prop::collection::vec((0_usize..3, 1_i64..200, -12_i64..4), 0..12),
            amounts in prop::collection::vec(1_i64..300, 1..4),
            today in -10_i64..5,
        ) {
            let items: Vec<_> = (0..3).map(|_| InstalmentId::generate()).collect();
            let promises: Vec<_> = amounts
                .iter()
                .enumerate()
                .map(|(n, amount)| Terms { items: vec![items[n % 3], items[(n + 1) % 3]], ..promise(*amount, items[0]) })
                .collect();
            let mut paid: Vec<_> = payments.iter().map(|(n, minor, offset)| paid(items[*n], *minor, *offset)).collect();
            let statuses = evaluate(&promises, &paid, &[], day(today));
            paid.reverse();
            prop_assert_eq!(&statuses, &evaluate(&promises, &paid, &[], day(today)));

            let kept: i64 = promises.iter().zip(&statuses)
                .filter(|(_, status)| **status == Status::Kept)
                .map(|(promise, _)| promise.amount_minor)
                .sum();
            prop_assert!(kept <= paid.iter().map(|paid| paid.minor).sum());
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
