//! `QuickBooks` Desktop IIF: rows that begin with `!` name the columns of a kind of row; a transaction is a `TRNS` row, its
//! `SPL` rows and `ENDTRNS`. The amounts of a transaction sum to nothing.

use crate::money::{Currency, DecimalStyle, Money};

use super::RawRow;

/// The columns that a transaction becomes.
const COLUMNS: [&str; 9] = ["TRNSTYPE", "NAME", "DOCNUM", "DATE", "DUEDATE", "AMOUNT", "MEMO", "PONUM", "TERMS"];

/// The kinds that change what a customer owes; a cash refund goes from the bank to the income account.
const RECEIVABLE: [&str; 4] = ["INVOICE", "CREDIT MEMO", "PAYMENT", "FINANCE CHARGE"];

/// The rows of the file.
#[derive(Default)]
pub struct Rows {
    trns: Vec<String>,
    spl: Vec<String>,
    open: Option<Open>,
}

/// A transaction that has not ended.
struct Open {
    line: u64,
    cells: Vec<String>,
    /// Hundredths; `None`: an amount could not be read.
    sum: Option<i64>,
}

impl Rows {
    pub fn begin(&mut self, row: &RawRow) -> Option<Vec<String>> {
        self.head(row);
        (!self.trns.is_empty()).then(|| COLUMNS.map(str::to_owned).to_vec())
    }

    /// Whether the row names columns.
    fn head(&mut self, row: &RawRow) -> bool {
        let cells = || row.cells.iter().map(|cell| cell.trim().to_uppercase()).collect();
        match row.cells.first().map(|cell| cell.trim()) {
            Some("!TRNS") => self.trns = cells(),
            Some("!SPL") => self.spl = cells(),
            Some(first) if first.starts_with('!') => {}
            _ => return false,
        }
        true
    }

    pub fn take(&mut self, row: &RawRow) -> Option<RawRow> {
        if self.head(row) {
            return None;
        }
        match row.cells.first().map_or("", |cell| cell.trim()) {
            "TRNS" => {
                let cells: Vec<String> = COLUMNS.iter().map(|column| cell(&self.trns, row, column)).collect();
                let sum = amount(&cell(&self.trns, row, "AMOUNT"));
                // The one before did not end: it is told as it is.
                self.open.replace(Open { line: row.line, cells, sum }).map(|open| open.broken("no ENDTRNS"))
            }
            "SPL" => {
                let more = amount(&cell(&self.spl, row, "AMOUNT"));
                if let Some(open) = &mut self.open {
                    open.sum = open.sum.zip(more).and_then(|(sum, more)| sum.checked_add(more));
                }
                None
            }
            "ENDTRNS" => self.open.take().and_then(Open::ended),
            _ => None,
        }
    }
}

impl Open {
    /// The item; none where it is no matter of a customer's account.
    fn ended(mut self) -> Option<RawRow> {
        let kind = self.cells[0].to_uppercase();
        if !RECEIVABLE.contains(&kind.as_str()) {
            return None;
        }
        match self.sum {
            None => return Some(self.broken("an AMOUNT that is no number")),
            Some(sum) if sum != 0 => return Some(self.broken("TRNS and SPL do not sum to 0")),
            Some(_) => {}
        }
        let lowers = kind == "PAYMENT" || kind == "CREDIT MEMO";
        let minus = self.cells[5].trim().starts_with('-');
        // A payment's TRNS row is the bank's side, which is positive.
        if lowers && !minus {
            self.cells[5] = format!("-{}", self.cells[5].trim());
        }
        if self.cells[2].trim().is_empty() {
            self.cells[2] = format!("{kind} {}", self.cells[3].trim());
        }
        if self.cells[4].trim().is_empty() {
            let date = self.cells[3].clone();
            self.cells[4] = date;
        }
        Some(RawRow { line: self.line, cells: self.cells, fault: None })
    }

    fn broken(self, why: &str) -> RawRow {
        RawRow { line: self.line, cells: self.cells, fault: Some(format!("the transaction has {why}")) }
    }
}

fn cell(columns: &[String], row: &RawRow, name: &str) -> String {
    let at = columns.iter().position(|column| column == name);
    at.and_then(|at| row.cells.get(at)).map_or_else(String::new, |cell| cell.trim().to_owned())
}

fn amount(text: &str) -> Option<i64> {
    // Sums are taken in hundredths, whatever the currency: only whether they are nothing counts.
    let style = DecimalStyle { point: '.', group: Some(',') };
    Money::parse(text, Currency::USD, style).ok().map(|money| money.minor)
}
