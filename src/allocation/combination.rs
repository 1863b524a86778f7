//! Which of several amounts come to a sum: a search with a limit, that stops at the second answer.

/// What the search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// One combination and no other, by place, in order.
    One(Vec<usize>),
    /// At least two.
    Several,
    /// None.
    None,
    /// The limit was reached before all were tried.
    GivenUp,
}

/// The only combination of two or more of `amounts`, each more than 0, that comes to `sum`; at most `steps` are tried.
pub(super) fn only(amounts: &[i64], sum: i64, steps: u32) -> Found {
    let mut order: Vec<usize> = (0..amounts.len()).collect();
    order.sort_by_key(|nth| std::cmp::Reverse(amounts[*nth]));
    let sorted: Vec<i64> = order.iter().map(|nth| amounts[*nth]).collect();
    let mut rests = vec![0; sorted.len() + 1];
    for nth in (0..sorted.len()).rev() {
        rests[nth] = rests[nth + 1] + sorted[nth];
    }
    let mut search = Search { sorted: &sorted, rests: &rests, steps, taken: Vec::new(), found: Vec::new() };
    search.from(0, sum);
    match (search.found.as_slice(), search.steps) {
        ([_, _, ..], _) => Found::Several,
        (_, 0) => Found::GivenUp,
        ([places], _) => {
            let mut places: Vec<usize> = places.iter().map(|nth| order[*nth]).collect();
            places.sort_unstable();
            Found::One(places)
        }
        ([], _) => Found::None,
    }
}

struct Search<'a> {
    /// Largest first.
    sorted: &'a [i64],
    /// What all amounts from a place on come to.
    rests: &'a [i64],
    steps: u32,
    taken: Vec<usize>,
    found: Vec<Vec<usize>>,
}

impl Search<'_> {
    fn from(&mut self, nth: usize, left: i64) {
        if left == 0 {
            if self.taken.len() > 1 {
                self.found.push(self.taken.clone());
            }
            return;
        }
        if left < 0 || self.rests[nth] < left || self.steps == 0 || self.found.len() > 1 {
            return;
        }
        self.steps -= 1;
        self.taken.push(nth);
        self.from(nth + 1, left - self.sorted[nth]);
        self.taken.pop();
        self.from(nth + 1, left);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// By trying all of them.
    fn by_hand(amounts: &[i64], sum: i64) -> usize {
        (0_u32..1 << amounts.len())
            .filter(|set| set.count_ones() > 1)
            .filter(|set| {
                (0..amounts.len()).filter(|nth| set & (1 << nth) != 0).map(|nth| amounts[nth]).sum::<i64>() == sum
            })
            .count()
    }

    #[test]
    fn two_answers_are_none() {
        assert_eq!(only(&[100, 200, 300], 500, 1_000), Found::One(vec![1, 2]));
        assert_eq!(only(&[100, 200, 300, 400], 500, 1_000), Found::Several);
        assert_eq!(only(&[100, 200, 300], 100, 1_000), Found::None, "one item is no combination");
        assert_eq!(only(&[5; 30], 75, 1_000), Found::Several, "the second answer ends the search");
    }

    #[test]
    fn a_search_that_is_too_long_is_given_up() {
        let even: Vec<i64> = (1..=30).map(|n| n * 2).collect();
        assert_eq!(only(&even, 301, 5_000), Found::GivenUp);
    }

    proptest! {
        #[test]
        fn it_finds_what_trying_them_all_finds(amounts in prop::collection::vec(1_i64..40, 0..10), sum in 1_i64..120) {
            let found = only(&amounts, sum, 100_000);
            match by_hand(&amounts, sum) {
                0 => prop_assert_eq!(found, Found::None),
                1 => prop_assert!(matches!(found, Found::One(ref places) if places.iter().map(|nth| amounts[*nth]).sum::<i64>() == sum)),
                _ => prop_assert_eq!(found, Found::Several),
            }
        }
    }
}
