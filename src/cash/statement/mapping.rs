//! Which column of a CSV or XLSX file means what: a TOML file. `docs/CASH.md` describes every key.

use serde::Deserialize;

use crate::{
    error::{Error, Result},
    money::DecimalStyle,
};

/// Mappings that the binary carries, by name.
const SHIPPED: [(&str, &str); 3] = [
    ("bank", include_str!("../../../mappings/bank.toml")),
    ("bank-semicolon", include_str!("../../../mappings/bank-semicolon.toml")),
    ("payments", include_str!("../../../mappings/payments.toml")),
];

/// Which column means what.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementMapping {
    /// The bank account, where no column names it.
    #[serde(default)]
    pub bank_account: Option<String>,
    /// The currency, where no column names it.
    #[serde(default)]
    pub currency: Option<String>,
    /// Between cells.
    #[serde(default = "comma")]
    pub delimiter: char,
    /// Label of the WHATWG Encoding Standard.
    #[serde(default = "utf8")]
    pub encoding: String,
    /// `strftime` format of every date.
    #[serde(default = "iso")]
    pub date_format: String,
    /// Between units and decimals.
    #[serde(default = "point")]
    pub decimal_point: char,
    /// Between thousands, if any.
    #[serde(default)]
    pub thousands: Option<char>,
    /// Sheet of an XLSX file; the first unless given.
    #[serde(default)]
    pub sheet: Option<String>,
    /// Lines before the names of the columns, at most 100.
    #[serde(default)]
    pub skip_lines: usize,
    /// The columns.
    pub columns: Columns,
}

/// The names of the columns.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "docs/CASH.md has a line for every key")]
pub struct Columns {
    pub booked_on: String,
    /// Signed, positive where money came in; or `credit` and `debit`.
    pub amount: Option<String>,
    pub credit: Option<String>,
    pub debit: Option<String>,
    pub value_on: Option<String>,
    pub currency: Option<String>,
    pub payer_name: Option<String>,
    pub payer_account: Option<String>,
    /// Number of the customer's account.
    pub account: Option<String>,
    /// Numbers of invoices, separated by commas, semicolons or spaces.
    pub invoices: Option<String>,
    #[serde(default)]
    pub reference: Vec<String>,
    pub entry_ref: Option<String>,
    pub balance: Option<String>,
}

fn comma() -> char {
    ','
}

fn utf8() -> String {
    "utf-8".to_owned()
}

fn iso() -> String {
    "%Y-%m-%d".to_owned()
}

fn point() -> char {
    '.'
}

impl StatementMapping {
    /// Names of the shipped mappings.
    pub fn shipped() -> impl Iterator<Item = &'static str> {
        SHIPPED.iter().map(|(name, _)| *name)
    }

    /// The shipped mapping of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Result<Self>> {
        SHIPPED.iter().find(|(shipped, _)| *shipped == name).map(|(_, text)| Self::parse(text))
    }

    /// Reads a mapping.
    ///
    /// # Errors
    /// [`Error::Invalid`] that names the line and key.
    pub fn parse(text: &str) -> Result<Self> {
        let mapping: Self = toml::from_str(text).map_err(|error| Error::invalid("mapping", error.to_string()))?;
        let columns = &mapping.columns;
        if columns.amount.is_some() == (columns.credit.is_some() || columns.debit.is_some()) {
            return Err(Error::invalid("mapping.columns", "either `amount`, or `credit` and `debit`"));
        }
        if columns.currency.is_none() && mapping.currency.is_none() {
            return Err(Error::invalid("mapping.currency", "a column or a currency is needed"));
        }
        if mapping.skip_lines > 100 || !mapping.delimiter.is_ascii() {
            return Err(Error::invalid("mapping", "at most 100 `skip_lines`, and an ASCII `delimiter`"));
        }
        Ok(mapping)
    }

    /// How the file writes decimals.
    #[must_use]
    pub fn style(&self) -> DecimalStyle {
        DecimalStyle { point: self.decimal_point, group: self.thousands }
    }
}
