//! How cash is applied: data, by portfolio and kind of debtor.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ledger::{AllocationMode, part::Part};

/// A way to find what a payment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The remittance advice names the invoices.
    Specified,
    /// The payer's reference names invoices or orders.
    Reference,
    /// The amount fits one item alone.
    Exact,
    /// The amount fits one combination of items alone.
    Combination,
    /// The amount is all that may be asked for.
    ClearAccount,
    /// The amount is all that is past due.
    ClearPastDue,
    /// The oldest due date first.
    OldestFirst,
}

/// How cash is applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Tried in this order until one fits; what none of them takes stays unapplied.
    pub steps: Vec<Step>,
    /// Which part of an item is paid first.
    pub order: Vec<Part>,
    /// An item that lacks no more than this after a payment meant for it is settled as a small balance, minor units …
    pub tolerance_minor: i64,
    /// … and no more than this share of it, basis points. Both must hold.
    pub tolerance_bp: i64,
    /// With more open items than this no combination is looked for; 1 to 64.
    pub combination_items: usize,
    /// A search for combinations is given up after so many steps.
    pub combination_steps: u32,
}

impl Step {
    /// What its allocations are called.
    #[must_use]
    pub fn mode(self) -> AllocationMode {
        match self {
            Self::Specified => AllocationMode::Specified,
            Self::Reference => AllocationMode::Reference,
            Self::Exact => AllocationMode::Exact,
            Self::Combination => AllocationMode::Combination,
            Self::ClearAccount => AllocationMode::ClearAccount,
            Self::ClearPastDue => AllocationMode::ClearPastDue,
            Self::OldestFirst => AllocationMode::OldestFirst,
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        use Step::{ClearAccount, ClearPastDue, Combination, Exact, OldestFirst, Reference, Specified};
        Self {
            steps: vec![Specified, Reference, Exact, Combination, ClearAccount, ClearPastDue, OldestFirst],
            order: vec![Part::Fee, Part::Interest, Part::Principal],
            tolerance_minor: 100,
            tolerance_bp: 50,
            combination_items: 24,
            combination_steps: 20_000,
        }
    }
}

impl Policy {
    /// Whether `missing` minor units of an item of `open` are too little to ask for.
    #[must_use]
    pub fn tolerates(&self, missing: i64, open: i64) -> bool {
        let share = i128::from(open) * i128::from(self.tolerance_bp);
        missing > 0 && missing <= self.tolerance_minor && i128::from(missing) * 10_000 <= share
    }

    /// What is wrong with it, as field and text.
    #[must_use]
    pub fn fault(&self) -> Option<(&'static str, &'static str)> {
        let twice = |steps: &[Step]| steps.iter().enumerate().any(|(nth, step)| steps[..nth].contains(step));
        if twice(&self.steps) {
            Some(("steps", "each at most once"))
        } else if [Part::Principal, Part::Interest, Part::Fee].iter().any(|part| !self.order.contains(part))
            || self.order.len() != 3
        {
            Some(("order", "principal, interest and fee, each once"))
        } else if self.tolerance_minor < 0 || !(0..=10_000).contains(&self.tolerance_bp) {
            Some(("tolerance", "0 or more minor units, and 0 to 10000 basis points"))
        } else if !(1..=64).contains(&self.combination_items) || self.combination_steps > 1_000_000 {
            Some(("combination", "1 to 64 items, and at most 1000000 steps"))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_must_be_little_by_both_measures() {
        let policy = Policy { tolerance_minor: 100, tolerance_bp: 50, ..Policy::default() };
        assert!(policy.tolerates(100, 20_000), "0.5 % exactly");
        assert!(!policy.tolerates(100, 19_999), "more than 0.5 %");
        assert!(!policy.tolerates(101, 1_000_000), "more than 1.00");
        assert!(!policy.tolerates(0, 100), "nothing is missing");
    }

    #[test]
    fn a_policy_read_from_nothing_is_the_default_and_in_order() {
        let policy: Policy = serde_json::from_str("{}").expect("every field has a default");
        assert_eq!((policy.clone(), policy.fault()), (Policy::default(), None));
        assert!(Policy { order: vec![Part::Fee], ..Policy::default() }.fault().is_some());
    }
}
