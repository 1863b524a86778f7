//! Bank statements as the banks send them: camt.053 and camt.054, BAI2, OFX, and CSV or XLSX by a mapping, which may as
//! well be a list of payments that names the customers. Pure: bytes in, lines
//! out, or an error that names the place. A file is read whole or not at all.

mod bai2;
mod camt;
pub mod mapping;
mod ofx;
mod table;
mod xml;

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use self::mapping::StatementMapping;
use crate::{
    allocation::Remitted,
    error::{Error, Result},
    money::{Currency, DecimalStyle, Money},
    named::named,
};

/// Largest file, bytes.
pub const MOST_BYTES: usize = 20 * 1024 * 1024;
/// Lines of a file at most.
pub const MOST_LINES: usize = 100_000;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// ISO 20022 statement.
    Camt053,
    /// ISO 20022 notification: entries without balances.
    Camt054,
    /// BAI2.
    Bai2,
    /// OFX 1.x (SGML) or 2.x (XML).
    Ofx,
    /// CSV or XLSX by a mapping.
    Csv,
}

named!(Format { Camt053 => "camt053", Camt054 => "camt054", Bai2 => "bai2", Ofx => "ofx", Csv => "csv" });

/// A statement of one bank account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// How it was written.
    pub format: Format,
    /// The bank account: IBAN or number.
    pub bank_account: String,
    /// The bank's name for the statement, if it gives it one.
    pub reference: Option<String>,
    /// Its currency.
    pub currency: Currency,
    /// First day.
    pub from_on: Option<NaiveDate>,
    /// Last day.
    pub to_on: Option<NaiveDate>,
    /// Balance before the first line, minor units.
    pub opening_minor: Option<i64>,
    /// Balance after the last line, minor units.
    pub closing_minor: Option<i64>,
    /// What happened, booked entries only.
    pub lines: Vec<Line>,
    /// Entries that are not booked yet, and left out.
    pub pending: usize,
}

/// A transaction on a bank account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Where in the file it stands, for people.
    pub place: String,
    /// When it was booked.
    pub booked_on: NaiveDate,
    /// From when it counts for interest.
    pub value_on: Option<NaiveDate>,
    /// Minor units, positive where money came in.
    pub minor: i64,
    /// The other side's name.
    pub payer_name: Option<String>,
    /// The other side's account.
    pub payer_account: Option<String>,
    /// The number of the customer's account, where the file names it.
    pub account: Option<String>,
    /// What was written.
    pub reference: String,
    /// What the payer says it is for.
    pub remitted: Vec<Remitted>,
    /// The id that the payment had from its beginning.
    pub end_to_end: Option<String>,
    /// The bank's name for the entry; `None`: it has none, and what it says stands for it.
    pub entry_ref: Option<String>,
    /// Which transaction of the entry, from 0.
    pub part: i32,
    /// The bank's code for what it is.
    pub code: String,
    /// Why the bank took a payment back, where it did.
    pub returned: Option<String>,
}

/// Reads a file; the format is that of its first characters. CSV needs a mapping.
///
/// # Errors
/// [`Error::Invalid`] that names the line or element.
pub fn read(bytes: &[u8], mapping: Option<&StatementMapping>) -> Result<Vec<Statement>> {
    if bytes.len() > MOST_BYTES {
        return Err(Error::invalid("file", format!("at most {MOST_BYTES} bytes")));
    }
    if let Some(mapping) = mapping {
        return table::read(bytes, mapping).map(|statement| vec![statement]);
    }
    let text = decoded(bytes)?;
    let head = text.trim_start_matches('\u{feff}').trim_start();
    let statements = if head.starts_with("OFXHEADER") || head.contains("<OFX>") {
        ofx::read(head)?
    } else if head.starts_with('<') {
        camt::read(head)?
    } else if head.starts_with("01,") {
        bai2::read(head)?
    } else {
        let detail = "neither camt.053, camt.054, BAI2 nor OFX: a CSV file needs a mapping";
        return Err(Error::invalid("file", detail));
    };
    for statement in &statements {
        check(statement)?;
    }
    Ok(statements)
}

/// Text of a file: UTF-8, or else Windows-1252, which older OFX files are written in.
fn decoded(bytes: &[u8]) -> Result<String> {
    if bytes.contains(&0) {
        return Err(Error::invalid("file", "this is no text file"));
    }
    Ok(match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding_rs::WINDOWS_1252.decode(bytes).0.into_owned(),
    })
}

/// The balances agree with the lines, where the statement has both.
fn check(statement: &Statement) -> Result<()> {
    if statement.lines.len() > MOST_LINES {
        return Err(Error::invalid("file", format!("at most {MOST_LINES} lines")));
    }
    let (Some(opening), Some(closing)) = (statement.opening_minor, statement.closing_minor) else { return Ok(()) };
    let moved: i64 = statement.lines.iter().map(|line| line.minor).sum();
    if opening + moved == closing {
        return Ok(());
    }
    let missing = Money::new(closing - opening - moved, statement.currency);
    Err(Error::invalid("closing balance", format!("it is {missing} away from the opening balance and the entries")))
}

/// A plain decimal number of a bank file, exactly.
fn amount(text: &str, currency: Currency, at: impl FnOnce() -> String) -> Result<i64> {
    let point = if text.contains(',') && !text.contains('.') { ',' } else { '.' };
    let style = DecimalStyle { point, group: None };
    Money::parse(text, currency, style)
        .map(|money| money.minor)
        .map_err(|error| Error::invalid(at(), error.to_string()))
}

/// Joins what is there with single spaces.
fn words<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    parts.into_iter().flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
