//! The mapping: a TOML file that says which column of a file means what. `docs/IMPORT.md` describes every key.

mod field;

use std::path::Path;

use serde::Deserialize;

pub use self::field::{Field, Labelled};
pub use super::source::LayoutKind;
use crate::{
    error::{Error, Result},
    money::DecimalStyle,
};

/// Mappings that the binary carries, by name.
const SHIPPED: [(&str, &str); 11] = [
    ("open-items", include_str!("../../mappings/open-items.toml")),
    ("customers", include_str!("../../mappings/customers.toml")),
    ("invoices-us-dates", include_str!("../../mappings/invoices-us-dates.toml")),
    ("portfolio", include_str!("../../mappings/portfolio.toml")),
    ("generic", include_str!("../../mappings/open-items.toml")),
    ("qbo-aging", include_str!("../../mappings/qbo-aging.toml")),
    ("qbo-json", include_str!("../../mappings/qbo-json.toml")),
    ("qbd-iif", include_str!("../../mappings/qbd-iif.toml")),
    ("sap-fbl5n", include_str!("../../mappings/sap-fbl5n.toml")),
    ("sap-fbl5n-us", include_str!("../../mappings/sap-fbl5n-us.toml")),
    ("oracle-ar", include_str!("../../mappings/oracle-ar.toml")),
];

/// Which column means what.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// File or shipped name it came from, for messages.
    #[serde(skip)]
    pub name: String,
    /// What a row is.
    pub row: RowKind,
    /// Portfolio where the command line names none.
    #[serde(default = "default_portfolio")]
    pub portfolio: String,
    /// How the file is written.
    #[serde(default)]
    pub file: FileShape,
    /// The debtor.
    pub account: AccountFields,
    /// Whom to talk to.
    #[serde(default)]
    pub contact: ContactFields,
    /// The invoice, where a row is one.
    pub invoice: Option<InvoiceFields>,
    /// Its payment.
    pub payment: Option<PaymentFields>,
    /// A promise that was taken before.
    pub promise: Option<PromiseFields>,
    /// Amounts owed, where a row is a customer.
    #[serde(default, rename = "balance")]
    pub balances: Vec<BalanceFields>,
}

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowKind {
    /// An invoice, or an instalment of one.
    Invoice,
    /// A customer with its balances.
    Customer,
}

/// How the file is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FileShape {
    /// `csv` or `xlsx`; `None`: by the file's extension.
    pub format: Option<Format>,
    /// How the export of a known system is laid out.
    pub layout: LayoutKind,
    /// Between cells.
    pub delimiter: char,
    /// Label of the WHATWG Encoding Standard; a byte-order mark wins over it.
    pub encoding: String,
    /// Sheet of an XLSX file; `None`: the first.
    pub sheet: Option<String>,
    /// `strftime` format of every date.
    pub date_format: String,
    /// Between units and decimals.
    pub decimal_point: char,
    /// Between thousands, if any.
    pub thousands: Option<char>,
    /// Texts that mean yes, in any case.
    pub yes: Vec<String>,
}

/// Format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Text with delimiters.
    Csv,
    /// Excel workbook.
    Xlsx,
    /// The JSON of `QuickBooks Online`'s API.
    QboJson,
}

/// The debtor.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "docs/IMPORT.md has a line for every key")]
pub struct AccountFields {
    pub number: Field,
    pub currency: Field,
    pub name: Option<Field>,
    pub kind: Option<Field>,
    pub country: Option<Field>,
    pub region: Option<Field>,
    pub city: Option<Field>,
    pub postal_code: Option<Field>,
    pub address_line: Option<Field>,
    pub zone: Option<Field>,
    pub language: Option<Field>,
    pub terms: Option<Field>,
    pub owner: Option<Field>,
}

/// Whom to talk to.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "docs/IMPORT.md has a line for every key")]
pub struct ContactFields {
    pub name: Option<Field>,
    pub role: Option<Field>,
    pub email: Option<Field>,
    pub phones: Vec<Labelled>,
}

/// The invoice.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "docs/IMPORT.md has a line for every key")]
pub struct InvoiceFields {
    pub number: Field,
    pub issued_on: Field,
    pub due_on: Field,
    pub amount: Field,
    pub company_code: Option<Field>,
    pub fiscal_year: Option<Field>,
    pub instalment: Option<Field>,
    pub po_number: Option<Field>,
    pub disputed: Option<Field>,
    pub disputed_amount: Option<Field>,
    pub dispute_reason: Option<Field>,
}

/// The payment of the invoice.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "docs/IMPORT.md has a line for every key")]
pub struct PaymentFields {
    pub paid_on: Field,
    pub amount: Option<Field>,
}

/// A promise that was taken before.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "docs/IMPORT.md has a line for every key")]
pub struct PromiseFields {
    pub taken_on: Field,
    pub due_on: Field,
    pub amount: Field,
    pub status: Field,
}

/// An amount owed by a customer: becomes an open item with a fixed number.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BalanceFields {
    /// Number of the item it becomes; unique in the mapping.
    pub number: String,
    /// The amount.
    pub amount: Field,
    /// Its due date …
    pub due_on: Option<Field>,
    /// … or how many days it is past due on the portfolio's day; negative: days until then.
    pub days_past_due: Option<i32>,
}

impl Default for FileShape {
    fn default() -> Self {
        Self {
            format: None,
            layout: LayoutKind::Plain,
            delimiter: ',',
            encoding: "utf-8".to_owned(),
            sheet: None,
            date_format: "%Y-%m-%d".to_owned(),
            decimal_point: '.',
            thousands: None,
            yes: ["yes", "y", "true", "1", "x"].map(str::to_owned).to_vec(),
        }
    }
}

impl FileShape {
    /// How amounts are written.
    #[must_use]
    pub fn decimals(&self) -> DecimalStyle {
        DecimalStyle { point: self.decimal_point, group: self.thousands }
    }
}

fn default_portfolio() -> String {
    "main".to_owned()
}

impl Mapping {
    /// Reads a mapping: a file, or the name of a shipped one.
    ///
    /// # Errors
    /// [`Error::Invalid`] that names the file and the key.
    pub fn load(name: &str) -> Result<Self> {
        if let Some((_, text)) = SHIPPED.iter().find(|(shipped, _)| *shipped == name) {
            return Self::parse(name, text);
        }
        let text = std::fs::read_to_string(Path::new(name)).map_err(|error| {
            let shipped = SHIPPED.map(|(name, _)| name).join(", ");
            Error::invalid(name, format!("{error}; give a file, or one of {shipped}"))
        })?;
        Self::parse(name, &text)
    }

    /// Reads a mapping from `text`; `name` is for messages.
    ///
    /// # Errors
    /// As [`Mapping::load`].
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let mut mapping: Self = toml::from_str(text).map_err(|error| Error::invalid(name, error.to_string()))?;
        name.clone_into(&mut mapping.name);
        mapping.check()?;
        Ok(mapping)
    }

    /// The error about one key of this mapping.
    #[must_use]
    pub fn wrong(&self, key: &str, detail: impl Into<String>) -> Error {
        Error::invalid(format!("{}: {key}", self.name), detail)
    }

    fn check(&self) -> Result<()> {
        if !(1..=64).contains(&self.portfolio.len()) {
            return Err(self.wrong("portfolio", "1 to 64 characters"));
        }
        let file = &self.file;
        if !file.delimiter.is_ascii() {
            return Err(self.wrong("file.delimiter", "one ASCII character"));
        }
        if encoding_rs::Encoding::for_label(file.encoding.as_bytes()).is_none() {
            return Err(self.wrong("file.encoding", format!("{:?} is not known", file.encoding)));
        }
        if chrono::format::StrftimeItems::new(&file.date_format).any(|item| item == chrono::format::Item::Error) {
            return Err(self.wrong("file.date_format", format!("{:?} is no strftime format", file.date_format)));
        }
        if Some(file.decimal_point) == file.thousands {
            return Err(self.wrong("file.thousands", "differs from file.decimal_point"));
        }
        match self.row {
            RowKind::Invoice if self.invoice.is_none() => Err(self.wrong("invoice", "needed where row = \"invoice\"")),
            RowKind::Invoice if !self.balances.is_empty() => {
                Err(self.wrong("balance", "only where row = \"customer\""))
            }
            RowKind::Customer if self.invoice.is_some() => Err(self.wrong("invoice", "only where row = \"invoice\"")),
            RowKind::Customer if self.payment.is_some() => Err(self.wrong("payment", "only where row = \"invoice\"")),
            _ => self.check_balances(),
        }
    }

    fn check_balances(&self) -> Result<()> {
        for (index, balance) in self.balances.iter().enumerate() {
            if !(1..=64).contains(&balance.number.len()) {
                return Err(self.wrong("balance.number", "1 to 64 characters"));
            }
            if self.balances[..index].iter().any(|other| other.number == balance.number) {
                return Err(self.wrong("balance.number", format!("{:?} occurs twice", balance.number)));
            }
            if balance.due_on.is_some() == balance.days_past_due.is_some() {
                return Err(self.wrong("balance.due_on", "give either due_on or days_past_due"));
            }
        }
        Ok(())
    }

    /// Finds every column that the mapping names in the file's `header`.
    ///
    /// # Errors
    /// [`Error::Invalid`] that names the key whose column is missing or there twice.
    pub fn bind(&mut self, header: &[String]) -> Result<()> {
        let name = self.name.clone();
        for (key, field) in self.fields() {
            field.bind(header).map_err(|detail| Error::invalid(format!("{name}: {key}"), detail))?;
        }
        Ok(())
    }

    fn fields(&mut self) -> Vec<(&'static str, &mut Field)> {
        let account = &mut self.account;
        let mut all = vec![("account.number", &mut account.number), ("account.currency", &mut account.currency)];
        let mut add = |key, field| all.extend(Option::<&mut Field>::map(field, |field| (key, field)));
        add("account.name", account.name.as_mut());
        add("account.kind", account.kind.as_mut());
        add("account.country", account.country.as_mut());
        add("account.region", account.region.as_mut());
        add("account.city", account.city.as_mut());
        add("account.postal_code", account.postal_code.as_mut());
        add("account.address_line", account.address_line.as_mut());
        add("account.zone", account.zone.as_mut());
        add("account.language", account.language.as_mut());
        add("account.terms", account.terms.as_mut());
        add("account.owner", account.owner.as_mut());
        add("contact.name", self.contact.name.as_mut());
        add("contact.role", self.contact.role.as_mut());
        add("contact.email", self.contact.email.as_mut());
        for phone in &mut self.contact.phones {
            add("contact.phones", Some(&mut phone.field));
        }
        if let Some(invoice) = &mut self.invoice {
            add("invoice.number", Some(&mut invoice.number));
            add("invoice.issued_on", Some(&mut invoice.issued_on));
            add("invoice.due_on", Some(&mut invoice.due_on));
            add("invoice.amount", Some(&mut invoice.amount));
            add("invoice.company_code", invoice.company_code.as_mut());
            add("invoice.fiscal_year", invoice.fiscal_year.as_mut());
            add("invoice.instalment", invoice.instalment.as_mut());
            add("invoice.po_number", invoice.po_number.as_mut());
            add("invoice.disputed", invoice.disputed.as_mut());
            add("invoice.disputed_amount", invoice.disputed_amount.as_mut());
            add("invoice.dispute_reason", invoice.dispute_reason.as_mut());
        }
        if let Some(payment) = &mut self.payment {
            add("payment.paid_on", Some(&mut payment.paid_on));
            add("payment.amount", payment.amount.as_mut());
        }
        if let Some(promise) = &mut self.promise {
            add("promise.taken_on", Some(&mut promise.taken_on));
            add("promise.due_on", Some(&mut promise.due_on));
            add("promise.amount", Some(&mut promise.amount));
            add("promise.status", Some(&mut promise.status));
        }
        for balance in &mut self.balances {
            add("balance.amount", Some(&mut balance.amount));
            add("balance.due_on", balance.due_on.as_mut());
        }
        all
    }
}

#[cfg(test)]
mod tests;
