//! The parts of an item: what was billed, and the interest and fees that came on top. Pure.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::named::named;

/// A part of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// What was billed.
    Principal,
    /// Interest for being late.
    Interest,
    /// Fees for being late.
    Fee,
}

named!(Part { Principal => "principal", Interest => "interest", Fee => "fee" });

/// What is open of each part of an item, minor units. A part may be below 0 where more was credited than it came to;
/// the others then make up for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// What was billed.
    pub principal: i64,
    /// Interest for being late.
    pub interest: i64,
    /// Fees for being late.
    pub fee: i64,
}

impl Parts {
    /// All of it in the principal.
    #[must_use]
    pub fn principal(minor: i64) -> Self {
        Self { principal: minor, ..Self::default() }
    }

    /// What is open of all parts together.
    #[must_use]
    pub fn total(self) -> i64 {
        self.principal + self.interest + self.fee
    }

    /// One part.
    pub fn of(&mut self, part: Part) -> &mut i64 {
        match part {
            Part::Principal => &mut self.principal,
            Part::Interest => &mut self.interest,
            Part::Fee => &mut self.fee,
        }
    }

    /// Lays `minor` units, at most what is open, on the parts in `order`; each part gets no more than is open of it.
    #[must_use]
    pub fn spread(mut self, order: &[Part], minor: i64) -> Vec<(Part, i64)> {
        let mut left = minor.min(self.total());
        let mut laid = Vec::new();
        for part in order {
            let here = left.min(*self.of(*part)).max(0);
            if here > 0 {
                laid.push((*part, here));
                left -= here;
            }
        }
        laid
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FEES_FIRST: [Part; 3] = [Part::Fee, Part::Interest, Part::Principal];

    #[test]
    fn the_order_decides_which_part_is_paid_first() {
        let parts = Parts { principal: 100, interest: 20, fee: 10 };
        assert_eq!(parts.spread(&FEES_FIRST, 15), [(Part::Fee, 10), (Part::Interest, 5)]);
        assert_eq!(parts.spread(&[Part::Principal, Part::Interest, Part::Fee], 15), [(Part::Principal, 15)]);
    }

    #[test]
    fn a_part_that_was_credited_too_much_takes_from_the_others() {
        let parts = Parts { principal: -5, interest: 0, fee: 10 };
        assert_eq!(parts.spread(&FEES_FIRST, 10), [(Part::Fee, 5)], "no more than 5 is open");
    }

    proptest! {
        #[test]
        fn all_of_it_is_laid_and_no_part_gets_too_much(principal in 0_i64..1000, interest in 0_i64..1000, fee in 0_i64..1000, minor in 0_i64..4000) {
            let parts = Parts { principal, interest, fee };
            let laid = parts.spread(&FEES_FIRST, minor);
            prop_assert_eq!(laid.iter().map(|(_, minor)| minor).sum::<i64>(), minor.min(parts.total()));
            for (part, minor) in laid {
                prop_assert!(minor > 0 && minor <= *parts.clone().of(part));
            }
        }
    }
}
