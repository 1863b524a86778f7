//! How late payers of a kind pay, learnt from what they paid and from what they have not paid yet. Pure.
//!
//! Only what was paid would look quicker than payers are: whatever is still open was, up to its age, not paid. So the
//! share that is paid on each day late is taken of what had not been paid before that day (the product-limit estimate of
//! Kaplan and Meier, over amounts).

use std::collections::BTreeMap;

use crate::money::Currency;

/// The class of all payers together, for those who never paid anything.
pub const EVERYBODY: i32 = -1;

/// Days late are told apart from here …
const EARLIEST: i32 = -60;
/// … to here; what is later counts here.
const LATEST: i32 = 365;

/// What payers of a class paid so many days late.
#[derive(Clone, Copy, Debug)]
pub struct Paid {
    /// The class: mean days late, in steps.
    pub class: i32,
    /// Days after the due date; negative: before it.
    pub days_late: i32,
    /// Minor units.
    pub minor: i64,
}

/// What payers of a class have open.
#[derive(Clone, Copy, Debug)]
pub struct Open {
    /// The class.
    pub class: i32,
    /// Its currency.
    pub currency: Currency,
    /// Days past due now; negative: not yet due.
    pub days_late: i32,
    /// An open promise is for it.
    pub promised: bool,
    /// Minor units.
    pub minor: i64,
}

/// The habit of a class: which share is still unpaid after each day late.
#[derive(Clone, Debug)]
pub struct Habit {
    unpaid: Vec<f64>,
}

impl Habit {
    /// The habit of every class, and of [`EVERYBODY`].
    #[must_use]
    pub fn of_classes(paid: &[Paid], open: &[Open]) -> BTreeMap<i32, Self> {
        let mut classes: BTreeMap<i32, (Vec<f64>, Vec<f64>)> = BTreeMap::new();
        let empty = || (vec![0.0; days()], vec![0.0; days()]);
        classes.insert(EVERYBODY, empty());
        for one in paid {
            for class in [one.class, EVERYBODY] {
                classes.entry(class).or_insert_with(empty).0[index(one.days_late)] += amount(one.minor);
            }
        }
        for one in open {
            for class in [one.class, EVERYBODY] {
                classes.entry(class).or_insert_with(empty).1[index(one.days_late)] += amount(one.minor);
            }
        }
        classes.into_iter().map(|(class, (paid, open))| (class, Self::of(&paid, &open))).collect()
    }

    /// From the amounts paid and open by days late.
    fn of(paid: &[f64], open: &[f64]) -> Self {
        let mut at_risk: f64 = paid.iter().sum::<f64>() + open.iter().sum::<f64>();
        let mut left = 1.0;
        let unpaid = paid.iter().zip(open).map(|(paid, open)| {
            if at_risk > 0.0 {
                left *= 1.0 - paid / at_risk;
            }
            at_risk -= paid + open;
            left
        });
        Self { unpaid: unpaid.collect() }
    }

    /// Of an item that is `now` days late and open, the share that is paid after day `from` and up to day `to`.
    #[must_use]
    pub fn share_between(&self, now: i32, from: i32, to: i32) -> f64 {
        let still = self.unpaid[index(now)];
        if still <= 1e-9 { 0.0 } else { (self.unpaid[index(from)] - self.unpaid[index(to)]) / still }
    }
}

fn days() -> usize {
    index(LATEST) + 1
}

fn index(days_late: i32) -> usize {
    usize::try_from(days_late.clamp(EARLIEST, LATEST) - EARLIEST).unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn amount(minor: i64) -> f64 {
    minor as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn paid(days_late: i32, minor: i64) -> Paid {
        Paid { class: 0, days_late, minor }
    }

    fn open(days_late: i32, minor: i64) -> Open {
        Open { class: 0, currency: Currency::USD, days_late, promised: false, minor }
    }

    #[test]
    fn half_of_it_came_in_the_second_week() {
        let habits = Habit::of_classes(&[paid(3, 50), paid(10, 50)], &[]);
        let habit = &habits[&0];
        assert!((habit.share_between(0, 0, 7) - 0.5).abs() < 1e-9);
        assert!((habit.share_between(5, 5, 12) - 1.0).abs() < 1e-9, "past the third day only the slow half is left");
    }

    #[test]
    fn what_is_still_unpaid_counts_against_the_habit() {
        let habits = Habit::of_classes(&[paid(3, 50)], &[open(20, 50)]);
        assert!((habits[&0].share_between(0, 0, 7) - 0.5).abs() < 1e-9);
        assert!(habits[&0].share_between(20, 20, 27).abs() < 1e-9, "nobody ever paid that late");
    }

    #[test]
    fn those_who_never_paid_are_taken_for_everybody() {
        let habits = Habit::of_classes(&[paid(3, 50)], &[]);
        assert!((habits[&EVERYBODY].share_between(0, 0, 7) - 1.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn no_more_than_everything_is_paid(
            known in prop::collection::vec((-90_i32..500, 1_i64..10_000), 0..40),
            unpaid in prop::collection::vec((-90_i32..500, 1_i64..10_000), 0..40),
            now in -90_i32..500,
        ) {
            let known: Vec<_> = known.into_iter().map(|(late, minor)| paid(late, minor)).collect();
            let unpaid: Vec<_> = unpaid.into_iter().map(|(late, minor)| open(late, minor)).collect();
            let habits = Habit::of_classes(&known, &unpaid);
            let weeks: f64 = (0..60).map(|week| habits[&EVERYBODY].share_between(now, now + week * 7, now + week * 7 + 7)).sum();
            prop_assert!((-1e-9..=1.0 + 1e-9).contains(&weeks), "{weeks}");
        }
    }
}
