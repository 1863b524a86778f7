//! One number that orders a queue: lane, then score, then amount. Lower goes first.
//!
//! Redis keeps scores of sorted sets as doubles, which are exact up to 2⁵³; a rank takes 50 bits:
//! `lane (3) | MAX_SCORE − score (13) | MAX_AMOUNT − collectible (34)`. Equal ranks go by account id.

use super::{Entry, Lane};

/// The largest score: six components of at most 1000 points fit.
pub const MAX_SCORE: u32 = (1 << SCORE_BITS) - 1;
/// Amounts beyond 171 million units of two decimals are not told apart.
const MAX_AMOUNT: u64 = (1 << AMOUNT_BITS) - 1;
const SCORE_BITS: u32 = 13;
const AMOUNT_BITS: u32 = 34;

/// What one point of the score weighs in a rank.
pub const POINT: u64 = 1 << AMOUNT_BITS;

/// A place in the order; lower goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rank(pub u64);

impl Rank {
    /// The rank of an entry with its present score.
    #[must_use]
    pub fn of(entry: &Entry) -> Self {
        let score = u64::from(MAX_SCORE - entry.score.min(MAX_SCORE));
        let amount = MAX_AMOUNT - u64::try_from(entry.collectible_minor).unwrap_or(0).min(MAX_AMOUNT);
        Self(Self::first(entry.lane) + (score << AMOUNT_BITS) + amount)
    }

    /// The rank with `points` more in the score.
    #[must_use]
    pub fn raised(self, points: u16) -> Self {
        Self(self.0.saturating_sub(u64::from(points) * POINT))
    }

    /// The lowest rank that an entry of `lane` can have.
    #[must_use]
    pub fn first(lane: Lane) -> u64 {
        (lane as u64) << (SCORE_BITS + AMOUNT_BITS)
    }

    /// The highest rank that an entry of `lane` can have.
    #[must_use]
    pub fn last(lane: Lane) -> u64 {
        Self::first(lane) + (1 << (SCORE_BITS + AMOUNT_BITS)) - 1
    }
}

impl Lane {
    /// All lanes, first come first.
    pub const ALL: [Self; 6] =
        [Self::CallbackDue, Self::PromiseBroken, Self::PromiseDue, Self::ReminderDue, Self::PastDue, Self::NotYetDue];
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        ids::{AccountId, ContactPointId, PersonId},
        queue::{Components, Window},
    };

    fn entry(lane: usize, score: u32, collectible_minor: i64) -> Entry {
        Entry {
            account: AccountId::generate(),
            person: PersonId::generate(),
            contact_point: ContactPointId::generate(),
            lane: Lane::ALL[lane],
            score,
            components: Components::default(),
            collectible_minor,
            window: Window::new([]),
        }
    }

    proptest! {
        #[test]
        fn ranks_order_by_lane_then_score_then_amount(
            a in (0_usize..5, 0_u32..=6000, 0_i64..1 << 34), b in (0_usize..5, 0_u32..=6000, 0_i64..1 << 34),
        ) {
            let wanted = a.0.cmp(&b.0).then(b.1.cmp(&a.1)).then(b.2.cmp(&a.2));
            let ranks = (Rank::of(&entry(a.0, a.1, a.2)), Rank::of(&entry(b.0, b.1, b.2)));
            prop_assert_eq!(ranks.0.cmp(&ranks.1), wanted);
        }

        #[test]
        fn a_rank_is_exact_as_a_double_and_stays_in_its_lane(
            lane in 0_usize..5, score in 0_u32..=5000, amount: i64, points in 0_u16..=1000,
        ) {
            let entry = entry(lane, score, amount);
            let rank = Rank::of(&entry).raised(points);
            prop_assert!(rank.0 < 1 << 53);
            prop_assert!((Rank::first(entry.lane)..=Rank::last(entry.lane)).contains(&rank.0));
            prop_assert_eq!(rank, Rank::of(&Entry { score: score + u32::from(points), ..entry }));
        }
    }
}
