//! A CSV or XLSX file, read by a mapping.

use std::io::Cursor;

use calamine::{Reader, Xlsx};
use chrono::NaiveDate;
use encoding_rs::Encoding;

use super::{Format, Line, Statement, mapping::StatementMapping, words};
use crate::{
    allocation::Remitted,
    error::{Error, Result},
    import,
    money::{Currency, Money},
};

/// Reads a file.
pub(super) fn read(bytes: &[u8], mapping: &StatementMapping) -> Result<Statement> {
    let mut rows = if bytes.starts_with(b"PK") { sheet(bytes, mapping)? } else { text(bytes, mapping)? }.into_iter();
    let (_, header) = rows.next().ok_or_else(|| Error::invalid("file", "it has no names of columns"))?;
    let table = Table { header: header.iter().map(|name| name.trim().to_owned()).collect(), mapping };
    table.check()?;
    let (mut lines, mut balances, mut currency) = (Vec::new(), Vec::new(), None);
    for (line, cells) in rows {
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        let row = Row { table: &table, cells: &cells, line };
        let of_row = row.currency()?;
        if *currency.get_or_insert(of_row) != of_row {
            return Err(row.wrong("currency", "a file is in one currency"));
        }
        if let Some(read) = row.read(of_row)? {
            lines.push(read);
        }
        if let Some(column) = &mapping.columns.balance {
            balances.push((row.day(&mapping.columns.booked_on)?, row.money(column, of_row)?));
        }
    }
    let currency = currency.ok_or_else(|| Error::invalid("file", "it has no rows"))?;
    let bank_account = mapping.bank_account.clone();
    Ok(Statement {
        format: Format::Csv,
        bank_account: bank_account
            .ok_or_else(|| Error::invalid("bank_account", "the mapping or the request names it"))?,
        reference: None,
        currency,
        from_on: lines.iter().map(|line| line.booked_on).min(),
        to_on: lines.iter().map(|line| line.booked_on).max(),
        opening_minor: None,
        // Banks list up or down: the balance after the newest line is the closing one.
        closing_minor: closing(&balances),
        lines,
        pending: 0,
    })
}

/// Cells with the line or row on which they stand.
type Rows = Vec<(u64, Vec<String>)>;

fn text(bytes: &[u8], mapping: &StatementMapping) -> Result<Rows> {
    let encoding = Encoding::for_label(mapping.encoding.as_bytes())
        .ok_or_else(|| Error::invalid("mapping.encoding", "not a label of the WHATWG Encoding Standard"))?;
    let (text, _, broken) = encoding.decode(bytes);
    if broken {
        return Err(Error::invalid("file", format!("it is not written in {}", encoding.name())));
    }
    let skipped: usize = text.split_inclusive('\n').take(mapping.skip_lines).map(str::len).sum();
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(u8::try_from(mapping.delimiter).unwrap_or(b','))
        .has_headers(false)
        .from_reader(text[skipped..].as_bytes());
    let mut rows = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|error| Error::invalid("file", error.to_string()))?;
        let line = row.position().map_or(0, csv::Position::line) + mapping.skip_lines as u64;
        rows.push((line, row.iter().map(str::to_owned).collect()));
    }
    Ok(rows)
}

fn sheet(bytes: &[u8], mapping: &StatementMapping) -> Result<Rows> {
    let wrong = |error: calamine::XlsxError| Error::invalid("file", error.to_string());
    let mut book: Xlsx<Cursor<&[u8]>> = Xlsx::new(Cursor::new(bytes)).map_err(wrong)?;
    let names = book.sheet_names();
    let name = mapping.sheet.clone().or_else(|| names.first().cloned());
    let name = name.filter(|name| names.contains(name));
    let name = name.ok_or_else(|| Error::invalid("mapping.sheet", "the workbook has no such sheet"))?;
    let mut cells = book.worksheet_cells_reader(&name).map_err(wrong)?;
    let mut rows: Rows = Vec::new();
    while let Some(cell) = cells.next_cell().map_err(wrong)? {
        let (row, column) = cell.get_position();
        let line = u64::from(row) + 1;
        if line <= mapping.skip_lines as u64 || column > 200 {
            continue;
        }
        if rows.last().is_none_or(|(last, _)| *last != line) {
            rows.push((line, Vec::new()));
        }
        if let Some((_, cells)) = rows.last_mut() {
            cells.resize(cells.len().max(column as usize + 1), String::new());
            cells[column as usize] = import::cell_text(cell.get_value(), &mapping.date_format, mapping.decimal_point);
        }
    }
    Ok(rows)
}

fn closing(balances: &[(NaiveDate, Option<i64>)]) -> Option<i64> {
    let (first, last) = (balances.first()?, balances.last()?);
    if first.0 > last.0 { first.1 } else { last.1 }
}

struct Table<'a> {
    header: Vec<String>,
    mapping: &'a StatementMapping,
}

impl Table<'_> {
    /// Every column that the mapping names is there.
    fn check(&self) -> Result<()> {
        let columns = &self.mapping.columns;
        let optional = [
            &columns.amount,
            &columns.credit,
            &columns.debit,
            &columns.value_on,
            &columns.currency,
            &columns.payer_name,
            &columns.payer_account,
            &columns.account,
            &columns.invoices,
            &columns.entry_ref,
            &columns.balance,
        ];
        let named = std::iter::once(&columns.booked_on).chain(optional.into_iter().flatten()).chain(&columns.reference);
        for name in named {
            if !self.header.contains(name) {
                return Err(Error::invalid(format!("column {name:?}"), "the file has no such column"));
            }
        }
        Ok(())
    }
}

struct Row<'a> {
    table: &'a Table<'a>,
    cells: &'a [String],
    line: u64,
}

impl Row<'_> {
    fn wrong(&self, column: &str, what: impl Into<String>) -> Error {
        Error::invalid(format!("line {}, column {column:?}", self.line), what)
    }

    fn text(&self, column: &str) -> &str {
        let nth = self.table.header.iter().position(|name| name == column);
        nth.and_then(|nth| self.cells.get(nth)).map_or("", |cell| cell.trim())
    }

    fn some(&self, column: Option<&String>) -> Option<String> {
        column.map(|column| self.text(column).to_owned()).filter(|text| !text.is_empty())
    }

    fn currency(&self) -> Result<Currency> {
        let mapping = self.table.mapping;
        let code =
            self.some(mapping.columns.currency.as_ref()).or_else(|| mapping.currency.clone()).unwrap_or_default();
        Currency::parse(&code).map_err(|error| self.wrong("currency", error.to_string()))
    }

    fn day(&self, column: &str) -> Result<NaiveDate> {
        let format = &self.table.mapping.date_format;
        NaiveDate::parse_from_str(self.text(column), format)
            .map_err(|_| self.wrong(column, format!("expected a date in the format {format}")))
    }

    fn money(&self, column: &str, currency: Currency) -> Result<Option<i64>> {
        let text = self.text(column);
        if text.is_empty() {
            return Ok(None);
        }
        let money = Money::parse(text, currency, self.table.mapping.style());
        money.map(|money| Some(money.minor)).map_err(|error| self.wrong(column, error.to_string()))
    }

    fn invoices(&self) -> Vec<Remitted> {
        let named = self.some(self.table.mapping.columns.invoices.as_ref()).unwrap_or_default();
        let numbers = named.split([',', ';', ' ']).filter(|number| !number.is_empty());
        numbers.map(|number| Remitted { invoice: number.to_owned(), minor: None }).collect()
    }

    /// The transaction of the row; `None` where nothing was moved.
    fn read(&self, currency: Currency) -> Result<Option<Line>> {
        let columns = &self.table.mapping.columns;
        let of = |column: &Option<String>| match column {
            Some(column) => self.money(column, currency).map(Option::unwrap_or_default),
            None => Ok(0),
        };
        let minor = match &columns.amount {
            Some(column) => self.money(column, currency)?.ok_or_else(|| self.wrong(column, "an amount is expected"))?,
            // Some banks write debits with a sign, some without.
            None => of(&columns.credit)? - of(&columns.debit)?.abs(),
        };
        if minor == 0 {
            return Ok(None);
        }
        let value_on = columns.value_on.as_deref().filter(|column| !self.text(column).is_empty());
        Ok(Some(Line {
            place: format!("line {}", self.line),
            booked_on: self.day(&columns.booked_on)?,
            value_on: value_on.map(|column| self.day(column)).transpose()?,
            minor,
            payer_name: self.some(columns.payer_name.as_ref()),
            payer_account: self.some(columns.payer_account.as_ref()),
            account: self.some(columns.account.as_ref()),
            remitted: self.invoices(),
            reference: words(columns.reference.iter().map(|column| self.text(column))),
            entry_ref: self.some(columns.entry_ref.as_ref()),
            ..Line::default()
        }))
    }
}
