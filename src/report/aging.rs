//! The aging: what is open, by age.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AsOf, buckets::BucketSet};
use crate::{ids::AccountId, money::Currency, named::named};

/// From which day the age of an item is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgingBasis {
    /// Its due date: the age is in days past due.
    #[default]
    Due,
    /// The date of its invoice.
    Issued,
}

named!(AgingBasis { Due => "due", Issued => "issued" });

/// Where credits and cash stand that are applied to nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Credits {
    /// In columns of their own.
    #[default]
    Apart,
    /// In the buckets, by their own dates, as what they take off.
    Aged,
}

/// Which aging is wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Of which day, as known when.
    pub as_of: AsOf,
    /// From which date ages are counted.
    pub by: AgingBasis,
    /// Which ages are told apart.
    pub buckets: BucketSet,
    /// Where credits stand.
    pub credits: Credits,
    /// Only of this portfolio.
    pub portfolio: Option<String>,
}

/// Amounts by age, in minor units of one currency; together what is owed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Parts {
    /// Open items by age, a figure for each bucket of the set.
    pub buckets: Vec<i64>,
    /// Sum of the buckets.
    pub open_minor: i64,
    /// Credits that are applied to no item.
    pub credit_minor: i64,
    /// Cash that is applied to no item.
    pub unapplied_minor: i64,
}

impl Parts {
    /// Nothing yet, with so many buckets.
    #[must_use]
    pub fn empty(buckets: usize) -> Self {
        Self { buckets: vec![0; buckets], ..Self::default() }
    }

    /// Adds a part as the database tells it: -1 credits, -2 cash, both negative, else the number of the bucket.
    pub fn add(&mut self, part: i32, minor: i64) {
        match usize::try_from(part) {
            Ok(bucket) => {
                self.open_minor += minor;
                if let Some(sum) = self.buckets.get_mut(bucket) {
                    *sum += minor;
                }
            }
            Err(_) if part == -1 => self.credit_minor -= minor,
            Err(_) => self.unapplied_minor -= minor,
        }
    }

    /// What is owed: open items less credits and cash.
    #[must_use]
    pub fn balance(&self) -> i64 {
        self.open_minor - self.credit_minor - self.unapplied_minor
    }
}

/// The aging of one account, in minor units of its currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AccountAging {
    /// The account.
    pub account: AccountId,
    /// Its number.
    pub number: String,
    /// Its name.
    pub name: String,
    /// Its currency.
    pub currency: Currency,
    /// What it owes by age.
    #[serde(flatten)]
    pub parts: Parts,
    /// What it owes: `open_minor` less `credit_minor` less `unapplied_minor`.
    pub balance_minor: i64,
}

/// The aging of everybody in one currency, in its minor units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AgingTotal {
    /// The currency.
    pub currency: Currency,
    /// Accounts that owe, or are owed.
    pub accounts: i64,
    /// What is owed by age.
    #[serde(flatten)]
    pub parts: Parts,
    /// The control total: the sum of all postings.
    pub control_minor: i64,
    /// What does not tie: open less credits less unapplied less the control total; 0 in a ledger that is right.
    pub difference_minor: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_an_account_sum_to_its_balance() {
        let mut parts = Parts::empty(3);
        for (part, minor) in [(0, 500), (2, 40), (-1, -30), (-2, -8)] {
            parts.add(part, minor);
        }
        assert_eq!((parts.buckets.as_slice(), parts.open_minor), ([500, 0, 40].as_slice(), 540));
        assert_eq!((parts.credit_minor, parts.unapplied_minor, parts.balance()), (30, 8, 502));
    }
}
