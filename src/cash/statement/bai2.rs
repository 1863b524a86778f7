//! BAI2: records of comma-separated fields that end in a slash, with control totals on three levels.
//!
//! A control total is the sum of all amounts below it as they are written, those of the summaries included; a record
//! count counts lines, continuations included. Both are checked: a file that was cut or edited is refused.

use chrono::NaiveDate;

use super::{Format, Line, Statement, words};
use crate::{
    error::{Error, Result},
    money::Currency,
};

/// What a file is in that names no currency.
const DEFAULT_CURRENCY: Currency = Currency::USD;
/// Deposited item returned, individual return of an automated payment.
const RETURNS: [u16; 2] = [555, 557];
const OPENING: u16 = 10;
const CLOSING: u16 = 15;

/// A logical record: a line with its continuations.
struct Record<'a> {
    line: usize,
    /// Physical lines.
    lines: i64,
    kind: &'a str,
    fields: Vec<&'a str>,
}

impl Record<'_> {
    fn wrong(&self, what: impl Into<String>) -> Error {
        Error::invalid(format!("line {}, record {}", self.line, self.kind), what)
    }

    fn field(&self, nth: usize) -> &str {
        self.fields.get(nth).map_or("", |field| field.trim())
    }

    fn number(&self, nth: usize, name: &str) -> Result<i64> {
        let text = self.field(nth);
        let digits = text.strip_prefix('+').unwrap_or(text);
        if digits.is_empty() {
            return Ok(0);
        }
        digits.parse().map_err(|_| self.wrong(format!("{name} is not a whole number")))
    }

    fn date(&self, nth: usize, name: &str) -> Result<NaiveDate> {
        let text = self.field(nth);
        let date = (text.len() == 6).then(|| NaiveDate::parse_from_str(text, "%y%m%d").ok()).flatten();
        date.ok_or_else(|| self.wrong(format!("{name} is not a date YYMMDD")))
    }
}

/// What a level adds up to.
#[derive(Clone, Copy, Default)]
struct Totals {
    minor: i64,
    /// Parts on the level below.
    parts: i64,
    /// Physical lines.
    lines: i64,
}

impl Totals {
    fn take(&mut self, below: Self) {
        self.minor += below.minor;
        self.parts += 1;
        self.lines += below.lines;
    }

    /// Compares with what the trailer says, at fields 0 and on.
    fn check(mut self, trailer: &Record<'_>, parts: bool) -> Result<Self> {
        self.lines += trailer.lines;
        let said = trailer.number(0, "the control total")?;
        if said != self.minor {
            return Err(trailer.wrong(format!("the control total says {said}, the amounts add up to {}", self.minor)));
        }
        let mut counts = Vec::new();
        if parts {
            counts.push((trailer.number(1, "the count")?, self.parts, "parts"));
        }
        counts.push((trailer.number(if parts { 2 } else { 1 }, "the record count")?, self.lines, "records"));
        for (said, counted, what) in counts {
            if said != counted {
                return Err(trailer.wrong(format!("it counts {said} {what}, there are {counted}")));
            }
        }
        Ok(self)
    }
}

/// Reads a file.
pub(super) fn read(text: &str) -> Result<Vec<Statement>> {
    let records = records(text)?;
    let mut reader = Reader::default();
    for record in &records {
        reader.take(record)?;
    }
    match records.last() {
        Some(last) if last.kind == "99" => Ok(reader.done),
        Some(last) => Err(last.wrong("the file breaks off before its trailer (record 99)")),
        None => Err(Error::invalid("line 1", "the file is empty")),
    }
}

/// Lines with their continuations (88) as records.
fn records(text: &str) -> Result<Vec<Record<'_>>> {
    let mut records: Vec<Record<'_>> = Vec::new();
    for (nth, line) in text.lines().enumerate() {
        let line = line.trim_end();
        if line.is_empty() {
            continue;
        }
        let (kind, rest) = line.split_once(',').unwrap_or((line.trim_end_matches('/'), ""));
        // Text may hold slashes: only the one at the end closes the record.
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if kind == "88" {
            let last = records.last_mut().ok_or_else(|| Error::invalid("line 1", "a continuation of nothing"))?;
            last.lines += 1;
            last.fields.extend(rest.split(','));
        } else {
            records.push(Record { line: nth + 1, lines: 1, kind, fields: rest.split(',').collect() });
        }
    }
    Ok(records)
}

#[derive(Default)]
struct Reader {
    file: Option<(Totals, String)>,
    group: Option<(Totals, NaiveDate, Currency)>,
    account: Option<(Totals, Statement)>,
    done: Vec<Statement>,
}

impl Reader {
    fn take(&mut self, record: &Record<'_>) -> Result<()> {
        match record.kind {
            "01" if self.file.is_none() => {
                let id = words([record.field(0), record.field(2), record.field(4)]).replace(' ', "-");
                self.file = Some((Totals { lines: record.lines, ..Totals::default() }, id));
            }
            "02" if self.file.is_some() && self.group.is_none() => {
                let currency = currency(record, 5, DEFAULT_CURRENCY)?;
                let totals = Totals { lines: record.lines, ..Totals::default() };
                self.group = Some((totals, record.date(3, "the as-of date")?, currency));
            }
            "03" if self.account.is_none() => self.account = Some(self.begin_account(record)?),
            "16" => self.transaction(record)?,
            "49" => {
                let (totals, statement) = self.account.take().ok_or_else(|| record.wrong("no account is open"))?;
                let totals = totals.check(record, false)?;
                self.done.push(statement);
                if let Some((group, ..)) = &mut self.group {
                    group.take(totals);
                }
            }
            "98" if self.account.is_none() => {
                let (totals, ..) = self.group.take().ok_or_else(|| record.wrong("no group is open"))?;
                let totals = totals.check(record, true)?;
                if let Some((file, _)) = &mut self.file {
                    file.take(totals);
                }
            }
            "99" if self.group.is_none() => {
                let (totals, _) = self.file.take().ok_or_else(|| record.wrong("no file is open"))?;
                totals.check(record, true)?;
            }
            _ => return Err(record.wrong("this record may not stand here")),
        }
        Ok(())
    }

    fn begin_account(&self, record: &Record<'_>) -> Result<(Totals, Statement)> {
        let (Some((_, file)), Some((_, as_of, of_group))) = (&self.file, &self.group) else {
            return Err(record.wrong("no group is open"));
        };
        let currency = currency(record, 1, *of_group)?;
        let mut statement = Statement {
            format: Format::Bai2,
            bank_account: record.field(0).to_owned(),
            reference: Some(format!("{file}-{as_of}")),
            currency,
            from_on: Some(*as_of),
            to_on: Some(*as_of),
            opening_minor: None,
            closing_minor: None,
            lines: Vec::new(),
            pending: 0,
        };
        if statement.bank_account.is_empty() {
            return Err(record.wrong("the account number is missing"));
        }
        let mut totals = Totals { lines: record.lines, ..Totals::default() };
        let mut at = 2;
        while at < record.fields.len() && !record.field(at).is_empty() {
            let kind = record.number(at, "a type code")?;
            let minor = record.number(at + 1, "an amount")?;
            totals.minor += minor;
            match u16::try_from(kind).unwrap_or_default() {
                OPENING => statement.opening_minor = Some(minor),
                CLOSING => statement.closing_minor = Some(minor),
                _ => {}
            }
            // type, amount, item count, and then the funds type
            at = after_funds(record, at + 3)?;
        }
        Ok((totals, statement))
    }

    fn transaction(&mut self, record: &Record<'_>) -> Result<()> {
        let Some(as_of) = self.group.as_ref().map(|(_, as_of, _)| *as_of) else {
            return Err(record.wrong("no group is open"));
        };
        let (totals, statement) = self.account.as_mut().ok_or_else(|| record.wrong("no account is open"))?;
        let code = u16::try_from(record.number(0, "the type code")?).unwrap_or_default();
        let minor = record.number(1, "the amount")?;
        totals.minor += minor;
        totals.lines += record.lines;
        let sign = match code {
            100..=399 => 1,
            400..=699 => -1,
            // 700 and up tell of loans, 890 and 900 hold text only
            _ => return Ok(()),
        };
        if minor == 0 {
            return Ok(());
        }
        if minor < 0 {
            return Err(record.wrong("an amount is not negative: its type code says which way it went"));
        }
        let at = after_funds(record, 2)?;
        let (bank, customer) = (record.field(at), record.field(at + 1));
        let text = record.fields.get(at + 2..).unwrap_or_default().join(",");
        let value_on = (record.field(2) == "V").then(|| record.date(3, "the value date")).transpose()?;
        statement.lines.push(Line {
            place: format!("line {}", record.line),
            booked_on: as_of,
            value_on,
            minor: sign * minor,
            reference: words([customer, text.as_str()]),
            end_to_end: Some(customer.to_owned()).filter(|id| !id.is_empty() && id != "0"),
            entry_ref: Some(bank.to_owned()).filter(|id| !id.is_empty() && id != "0"),
            code: code.to_string(),
            returned: RETURNS.contains(&code).then(|| "returned by the bank".to_owned()),
            ..Line::default()
        });
        Ok(())
    }
}

fn currency(record: &Record<'_>, nth: usize, default: Currency) -> Result<Currency> {
    match record.field(nth) {
        "" => Ok(default),
        code => Currency::parse(code).map_err(|error| record.wrong(error.to_string())),
    }
}

/// The place after the funds type at `at` and what belongs to it.
fn after_funds(record: &Record<'_>, at: usize) -> Result<usize> {
    match record.field(at) {
        "" | "Z" | "0" | "1" | "2" => Ok(at + 1),
        "V" => Ok(at + 3),
        "S" => Ok(at + 4),
        "D" => {
            let pairs = usize::try_from(record.number(at + 1, "the number of availabilities")?).unwrap_or(usize::MAX);
            if pairs > 99 {
                return Err(record.wrong("0 to 99 availabilities"));
            }
            Ok(at + 2 + 2 * pairs)
        }
        other => Err(record.wrong(format!("{other:?} is no funds type"))),
    }
}
