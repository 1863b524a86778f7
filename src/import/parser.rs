//! A row under a mapping: a record, or the reason why the row is refused. Pure.

use std::collections::HashMap;

use chrono::{Datelike, Days, NaiveDate, TimeDelta};

use super::{
    mapping::{BalanceFields, Field, InvoiceFields, Mapping},
    record::{AccountFacts, ContactFacts, Disputed, Item, Paid, PromiseFacts, Record, Rejection},
    source::RawRow,
};
use crate::{
    money::{Currency, Money},
    phone::{Phone, fictional},
};

/// What became of a row.
#[derive(Debug)]
pub enum Parsed {
    /// To be taken in.
    Record(Box<Record>),
    /// Of an invoice that was not issued yet on the portfolio's day.
    NotIssued,
    /// Refused.
    Rejected(RawRow, Rejection),
}

/// Reads rows under a mapping.
pub struct Parser {
    mapping: Mapping,
    columns: usize,
    as_of: NaiveDate,
    fake_phones: Option<u64>,
    /// Numbers read lately: a customer has many rows, and reading a number is the dearest part of a row.
    numbers: HashMap<String, Option<Phone>>,
}

/// Numbers remembered at a time.
const REMEMBERED: usize = 10_000;

type Read<T> = Result<T, Rejection>;

impl Parser {
    /// A parser for a file with so many columns, on the portfolio's day. With `fake_phones` and no column for phones, each
    /// account gets a fictional number chosen by that seed.
    #[must_use]
    pub fn new(mapping: Mapping, columns: usize, as_of: NaiveDate, fake_phones: Option<u64>) -> Self {
        let fake_phones = fake_phones.filter(|_| !mapping.contact.phones.iter().any(|phone| phone.field.is_there()));
        Self { mapping, columns, as_of, fake_phones, numbers: HashMap::new() }
    }

    /// Reads a row.
    pub fn parse(&mut self, raw: RawRow) -> Parsed {
        match self.record(&raw) {
            Ok(Some((account, contact, items, promise))) => {
                Parsed::Record(Box::new(Record { raw, account, contact, items, promise }))
            }
            Ok(None) => Parsed::NotIssued,
            Err(rejection) => Parsed::Rejected(raw, rejection),
        }
    }

    #[expect(clippy::type_complexity, reason = "the parts of a record, taken apart so that the row can be moved in")]
    fn record(&mut self, raw: &RawRow) -> Read<Option<(AccountFacts, ContactFacts, Vec<Item>, Option<PromiseFacts>)>> {
        if let Some(fault) = &raw.fault {
            return refuse("", fault.clone());
        }
        let cells = &raw.cells;
        if cells.len() > self.columns {
            return refuse("", format!("{} cells, but the header has {}", cells.len(), self.columns));
        }
        if cells.iter().any(|cell| cell.contains('\u{FFFD}')) {
            return refuse("", "bytes that are not in the file's encoding: set file.encoding in the mapping");
        }
        if cells.iter().any(|cell| cell.contains('\0')) {
            return refuse("", "a zero byte");
        }
        let account = self.account(cells)?;
        let items = match &self.mapping.invoice {
            Some(fields) => match self.invoice(fields, cells, account.currency)? {
                Some(item) => vec![item],
                None => return Ok(None),
            },
            None => self
                .mapping
                .balances
                .iter()
                .map(|balance| self.balance(balance, cells, account.currency))
                .collect::<Read<_>>()?,
        };
        let promise = self.promise(cells, account.currency)?;
        let contact = self.contact(cells, &account)?;
        Ok(Some((account, contact, items, promise)))
    }

    fn account(&self, cells: &[String]) -> Read<AccountFacts> {
        let fields = &self.mapping.account;
        let number = bounded(&fields.number, cells, 64)?;
        let currency = required(&fields.currency, cells)?;
        let currency = Currency::parse(&currency).map_err(|error| at(&fields.currency, error.to_string()))?;
        let kind = optional(fields.kind.as_ref(), cells)?.unwrap_or_else(|| "commercial".to_owned()).to_lowercase();
        if !matches!(kind.as_str(), "consumer" | "commercial") {
            return refuse(column(fields.kind.as_ref()), format!("{kind:?} is neither consumer nor commercial"));
        }
        let country = optional(fields.country.as_ref(), cells)?.map(|country| country.to_uppercase());
        if country.as_ref().is_some_and(|code| code.parse::<phonenumber::country::Id>().is_err()) {
            return refuse(column(fields.country.as_ref()), "not an ISO 3166-1 code of two letters");
        }
        let zone = optional(fields.zone.as_ref(), cells)?;
        if zone.as_ref().is_some_and(|zone| zone.parse::<chrono_tz::Tz>().is_err()) {
            return refuse(column(fields.zone.as_ref()), "not an IANA time zone");
        }
        Ok(AccountFacts {
            name: optional(fields.name.as_ref(), cells)?.unwrap_or_else(|| number.clone()),
            number,
            currency,
            kind,
            country,
            region: optional(fields.region.as_ref(), cells)?,
            city: optional(fields.city.as_ref(), cells)?,
            postal_code: optional(fields.postal_code.as_ref(), cells)?,
            address_line: optional(fields.address_line.as_ref(), cells)?,
            zone,
            language: optional(fields.language.as_ref(), cells)?,
            terms: optional(fields.terms.as_ref(), cells)?,
            owner: optional(fields.owner.as_ref(), cells)?.map(|login| login.to_lowercase()),
        })
    }

    fn contact(&mut self, cells: &[String], account: &AccountFacts) -> Read<ContactFacts> {
        let mut phones: Vec<(Phone, String)> = Vec::new();
        for phone in &self.mapping.contact.phones {
            let Some(text) = optional(Some(&phone.field), cells)? else { continue };
            let read = if let Some(known) = self.numbers.get(&text) {
                known.clone()
            } else {
                if self.numbers.len() >= REMEMBERED {
                    self.numbers.clear();
                }
                let read = Phone::parse(&text, account.country.as_deref()).ok();
                self.numbers.insert(text, read.clone());
                read
            };
            let number = read.ok_or_else(|| at(&phone.field, "not a telephone number of the account's country"))?;
            if phones.iter().all(|(known, _)| *known != number) {
                phones.push((number, phone.label.clone()));
            }
        }
        if let Some(seed) = self.fake_phones {
            phones.push((fictional::for_account(seed, &account.number), "work".to_owned()));
        }
        let fields = &self.mapping.contact;
        let email = optional(fields.email.as_ref(), cells)?;
        if email.as_ref().is_some_and(|email| !email.contains('@') || email.len() > 200) {
            return refuse(column(fields.email.as_ref()), "not an email address");
        }
        Ok(ContactFacts {
            name: optional(fields.name.as_ref(), cells)?.unwrap_or_else(|| account.name.clone()),
            role: optional(fields.role.as_ref(), cells)?.unwrap_or_else(|| "payables".to_owned()),
            email,
            phones,
        })
    }

    fn invoice(&self, fields: &InvoiceFields, cells: &[String], currency: Currency) -> Read<Option<Item>> {
        let issued_on = self.date(&fields.issued_on, cells)?;
        let due_on = self.date(&fields.due_on, cells)?;
        let mut minor = self.money(&fields.amount, cells, currency)?;
        let seq = match optional(fields.instalment.as_ref(), cells)? {
            Some(text) => match text.parse() {
                Ok(seq @ 1..=999) => seq,
                _ => return refuse(column(fields.instalment.as_ref()), "not a whole number from 1 to 999"),
            },
            None => 1,
        };
        let paid = self.paid(cells, currency)?;
        let disputed = self.disputed(fields, cells, currency)?;
        let number = bounded(&fields.number, cells, 64)?;
        let series = series(fields, cells)?;
        let po_number = optional(fields.po_number.as_ref(), cells)?;
        if issued_on > self.as_of {
            return Ok(None);
        }
        // A credit note that was settled is used up.
        if minor < 0 && paid.is_some() {
            minor = 0;
        }
        Ok(Some(Item { number, series, seq, issued_on, due_on, minor, po_number, disputed, paid }))
    }

    /// What is contested: the amount, where the file has one, else all that is open of an item marked with a yes.
    fn disputed(&self, fields: &InvoiceFields, cells: &[String], currency: Currency) -> Read<Option<Disputed>> {
        let minor = match &fields.disputed_amount {
            Some(amount) if optional(Some(amount), cells)?.is_some() => Some(self.money(amount, cells, currency)?),
            _ => None,
        };
        if minor.is_some_and(|minor| minor < 0) {
            return refuse(column(fields.disputed_amount.as_ref()), "a disputed amount of less than 0");
        }
        let said = optional(fields.disputed.as_ref(), cells)?;
        let yes = said.is_some_and(|said| self.mapping.file.yes.iter().any(|yes| yes.eq_ignore_ascii_case(&said)));
        if !minor.map_or(yes, |minor| minor > 0) {
            return Ok(None);
        }
        let reason = optional(fields.dispute_reason.as_ref(), cells)?;
        Ok(Some(Disputed { reason: reason.unwrap_or_else(|| "unspecified".to_owned()), minor }))
    }

    /// The payment, unless it came after the portfolio's day.
    fn paid(&self, cells: &[String], currency: Currency) -> Read<Option<Paid>> {
        let Some(fields) = &self.mapping.payment else { return Ok(None) };
        if fields.paid_on.read(cells).map_err(|reason| at(&fields.paid_on, reason))?.is_none() {
            return Ok(None);
        }
        let on = self.date(&fields.paid_on, cells)?;
        let minor = match &fields.amount {
            Some(amount) if optional(Some(amount), cells)?.is_some() => Some(self.money(amount, cells, currency)?),
            _ => None,
        };
        if minor.is_some_and(|minor| minor < 0) {
            return refuse(column(fields.amount.as_ref()), "a payment of less than 0");
        }
        Ok((on <= self.as_of && minor != Some(0)).then_some(Paid { on, minor }))
    }

    fn balance(&self, fields: &BalanceFields, cells: &[String], currency: Currency) -> Read<Item> {
        let minor = match optional(Some(&fields.amount), cells)? {
            Some(_) => self.money(&fields.amount, cells, currency)?,
            None => 0,
        };
        let due_on = match (&fields.due_on, fields.days_past_due) {
            (Some(field), _) if minor != 0 => self.date(field, cells)?,
            (None, Some(days)) => self.as_of - TimeDelta::days(days.into()),
            _ => self.as_of,
        };
        let issued_on = due_on.checked_sub_days(Days::new(30)).unwrap_or(due_on).min(self.as_of);
        Ok(Item {
            number: fields.number.clone(),
            series: String::new(),
            seq: 1,
            issued_on,
            due_on,
            minor,
            po_number: None,
            disputed: None,
            paid: None,
        })
    }

    fn promise(&self, cells: &[String], currency: Currency) -> Read<Option<PromiseFacts>> {
        let Some(fields) = &self.mapping.promise else { return Ok(None) };
        if optional(Some(&fields.amount), cells)?.is_none() {
            return Ok(None);
        }
        let minor = self.money(&fields.amount, cells, currency)?;
        if minor <= 0 {
            return refuse(fields.amount.column(), "a promise of nothing");
        }
        let status = required(&fields.status, cells)?.to_lowercase();
        if !matches!(status.as_str(), "open" | "kept" | "partially_kept" | "broken" | "cancelled") {
            return refuse(fields.status.column(), "none of open, kept, partially_kept, broken, cancelled");
        }
        let taken_on = self.date(&fields.taken_on, cells)?;
        let due_on = self.date(&fields.due_on, cells)?;
        Ok((taken_on <= self.as_of).then_some(PromiseFacts { taken_on, due_on, minor, status }))
    }

    fn date(&self, field: &Field, cells: &[String]) -> Read<NaiveDate> {
        let text = required(field, cells)?;
        let format = &self.mapping.file.date_format;
        match NaiveDate::parse_from_str(&text, format) {
            Ok(date) if (1900..2200).contains(&date.year()) => Ok(date),
            Ok(_) => refuse(field.column(), format!("{text:?} is not in the years 1900 to 2199")),
            Err(_) => refuse(field.column(), format!("{text:?} is not a date in the format {format}")),
        }
    }

    fn money(&self, field: &Field, cells: &[String], currency: Currency) -> Read<i64> {
        let text = required(field, cells)?;
        let money = Money::parse(&text, currency, self.mapping.file.decimals());
        let minor = money.map_err(|error| at(field, error.to_string()))?.minor;
        if minor.unsigned_abs() > MOST_MINOR {
            refuse(field.column(), "more than 10^15 minor units")
        } else {
            Ok(minor)
        }
    }
}

/// What the source counts its invoices by: company and fiscal year, as far as the file has them.
fn series(fields: &InvoiceFields, cells: &[String]) -> Read<String> {
    let company = optional(fields.company_code.as_ref(), cells)?;
    if company.as_ref().is_some_and(|company| company.chars().count() > 10) {
        return refuse(column(fields.company_code.as_ref()), "more than 10 characters");
    }
    let year = optional(fields.fiscal_year.as_ref(), cells)?;
    if year.as_ref().is_some_and(|year| year.len() != 4 || !year.bytes().all(|byte| byte.is_ascii_digit())) {
        return refuse(column(fields.fiscal_year.as_ref()), "not a year of four digits");
    }
    let year = year.unwrap_or_default();
    Ok(match company {
        Some(company) => format!("{company}/{year}"),
        None => year,
    })
}

/// Amounts beyond this are mistakes; sums of a thousand million of them still fit 64 bits' worth of accounts.
const MOST_MINOR: u64 = 1_000_000_000_000_000;

fn refuse<T>(column: &str, reason: impl Into<String>) -> Read<T> {
    Err(Rejection { column: column.to_owned(), reason: reason.into() })
}

fn at(field: &Field, reason: impl Into<String>) -> Rejection {
    Rejection { column: field.column().to_owned(), reason: reason.into() }
}

fn column(field: Option<&Field>) -> &str {
    field.map_or("", Field::column)
}

fn optional(field: Option<&Field>, cells: &[String]) -> Read<Option<String>> {
    let Some(field) = field else { return Ok(None) };
    field.read(cells).map_err(|reason| at(field, reason))
}

fn required(field: &Field, cells: &[String]) -> Read<String> {
    optional(Some(field), cells)?.ok_or_else(|| at(field, "empty"))
}

fn bounded(field: &Field, cells: &[String], most: usize) -> Read<String> {
    let text = required(field, cells)?;
    if text.chars().count() > most { refuse(field.column(), format!("more than {most} characters")) } else { Ok(text) }
}

#[cfg(test)]
mod tests;
