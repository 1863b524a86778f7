//! The aging: what is open, by age.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ids::AccountId,
    ledger::Aging,
    money::{Currency, Money},
    named::named,
};

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

/// The aging of one account; all amounts in minor units of its currency.
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
    /// Open items by age: current, 1–30, 31–60, 61–90, 91–120, over 120 days.
    pub buckets: Aging,
    /// Sum of the buckets.
    pub open_minor: i64,
    /// Cash and credits that are applied to no item.
    pub unapplied_minor: i64,
    /// What the account owes by its postings: `open_minor` less `unapplied_minor`.
    pub balance_minor: i64,
}

/// The columns of the aging as a file.
pub const COLUMNS: [&str; 12] = [
    "account",
    "name",
    "currency",
    "current",
    "1-30",
    "31-60",
    "61-90",
    "91-120",
    "over 120",
    "open",
    "unapplied",
    "balance",
];

impl AccountAging {
    /// Its row of the file.
    #[must_use]
    pub fn cells(&self) -> [String; 12] {
        let amount = |minor| Money::new(minor, self.currency).decimal();
        let [current, to_30, to_60, to_90, to_120, over_120] = self.buckets.0.map(amount);
        let [open, unapplied, balance] = [self.open_minor, self.unapplied_minor, self.balance_minor].map(amount);
        let currency = self.currency.to_string();
        let (number, name) = (plain_text(&self.number), plain_text(&self.name));
        [number, name, currency, current, to_30, to_60, to_90, to_120, over_120, open, unapplied, balance]
    }
}

/// A text that no spreadsheet takes for a formula.
fn plain_text(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

/// The aging of everybody in one currency, in its minor units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AgingTotal {
    /// The currency.
    pub currency: Currency,
    /// Accounts that owe, or are owed.
    pub accounts: i64,
    /// Open items by age: current, 1–30, 31–60, 61–90, 91–120, over 120 days.
    pub buckets: Aging,
    /// Sum of the buckets.
    pub open_minor: i64,
    /// Cash and credits that are applied to no item.
    pub unapplied_minor: i64,
    /// The control total: the sum of all postings.
    pub control_minor: i64,
    /// What does not tie: open less unapplied less the control total; 0 in a ledger that is right.
    pub difference_minor: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_the_file_has_decimals_and_no_formula() {
        let row = AccountAging {
            account: AccountId::generate(),
            number: "0012".to_owned(),
            name: "=1+1 Ltd".to_owned(),
            currency: Currency::USD,
            buckets: Aging([0, 12_345, 0, 0, 0, 5]),
            open_minor: 12_350,
            unapplied_minor: 12_400,
            balance_minor: -50,
        };
        let cells = row.cells();
        assert_eq!(cells.len(), COLUMNS.len());
        assert_eq!([&cells[1], &cells[4], &cells[8], &cells[11]], ["'=1+1 Ltd", "123.45", "0.05", "-0.50"]);
    }
}
