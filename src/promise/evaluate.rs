//! What has become of promises: a pure function of the promises, the payments and the day.

use chrono::{DateTime, Days, NaiveDate, Utc};

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
    /// When it was taken: what was recorded before does not keep it.
    pub taken_at: DateTime<Utc>,
    /// The promised day.
    pub due_on: NaiveDate,
    /// Calendar days after the promised day on which a payment still keeps it.
    pub grace_days: u8,
    /// The items it is for.
    pub items: Vec<InstalmentId>,
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
    /// Replaced or withdrawn.
    Cancelled,
}

impl Terms {
    /// The last day on which a payment keeps it.
    #[must_use]
    pub fn deadline(&self) -> NaiveDate {
        self.due_on + Days::new(u64::from(self.grace_days))
    }
}

/// The status of each promise at `today`, in the order given, which is that in which they were taken. Each cent keeps
/// one promise: the one taken first takes it first.
#[must_use]
pub fn evaluate(promises: &[Terms], paid: &[Paid], today: NaiveDate) -> Vec<Status> {
    let mut left: Vec<Paid> = paid.to_vec();
    left.sort_by_key(|paid| (paid.on, paid.recorded_at, paid.item));
    promises.iter().map(|promise| status(promise, take(promise, &mut left), today)).collect()
}

/// Takes from what is left as much as the promise needs, earliest payments first.
fn take(promise: &Terms, left: &mut [Paid]) -> i64 {
    let mut taken = 0;
    for paid in left {
        let counts =
            promise.items.contains(&paid.item) && paid.recorded_at > promise.taken_at && paid.on <= promise.deadline();
        if counts {
            let part = paid.minor.min(promise.amount_minor - taken);
            paid.minor -= part;
            taken += part;
        }
    }
    taken
}

fn status(promise: &Terms, taken: i64, today: NaiveDate) -> Status {
    if taken >= promise.amount_minor {
        Status::Kept
    } else if today <= promise.deadline() {
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

    /// Taken ten days before its day, day 0, with one day of grace.
    fn promise(amount_minor: i64, item: InstalmentId) -> Terms {
        Terms {
            id: PromiseId::generate(),
            amount_minor,
            taken_at: noon(-10),
            due_on: day(0),
            grace_days: 1,
            items: vec![item],
        }
    }

    fn paid(item: InstalmentId, minor: i64, offset: i64) -> Paid {
        Paid { item, minor, on: day(offset), recorded_at: noon(offset) }
    }

    fn one(promise: &Terms, paid: &[Paid], today: i64) -> Status {
        evaluate(std::slice::from_ref(promise), paid, day(today))[0]
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
        let strict = Terms { grace_days: 0, ..promise(100, item) };
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
        let statuses = evaluate(&[first, second], &[paid(item, 150, -1)], day(2));
        assert_eq!(statuses, [Status::Kept, Status::PartiallyKept]);
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
            let statuses = evaluate(&promises, &paid, day(today));
            paid.reverse();
            prop_assert_eq!(&statuses, &evaluate(&promises, &paid, day(today)));

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
