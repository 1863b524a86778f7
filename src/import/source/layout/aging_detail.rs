//! `QuickBooks Online` A/R ageing detail: titles, a header, then sections of items with subtotals.

use super::{RawRow, names};

/// The rows of the report.
#[derive(Default)]
pub struct Rows {
    date: usize,
    number: usize,
    kind: usize,
}

impl Rows {
    pub fn begin(&mut self, row: &RawRow) -> Option<Vec<String>> {
        if !names(row, &["Date", "Due Date", "Open Balance"]) {
            return None;
        }
        let at = |names: &[&str]| {
            row.cells.iter().position(|cell| names.iter().any(|name| cell.trim().eq_ignore_ascii_case(name)))
        };
        self.date = at(&["Date"])?;
        self.number = at(&["Num", "No.", "Number"]).unwrap_or(usize::MAX);
        self.kind = at(&["Transaction Type", "Type"]).unwrap_or(usize::MAX);
        Some(row.cells.iter().map(|cell| cell.trim().to_owned()).collect())
    }

    /// An item has a date; the names of sections, subtotals and the line with the time of printing have none. An item
    /// without a number is called by its type and date.
    pub fn take(&mut self, mut row: RawRow) -> Option<RawRow> {
        let date = row.cells.get(self.date)?.trim().to_owned();
        // "1 - 30 days past due" stands in the first column, alone.
        let filled = row.cells.iter().filter(|cell| !cell.trim().is_empty()).count();
        if filled < 3 || !date.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        let kind = row.cells.get(self.kind).map_or("Item", |kind| kind.trim()).to_owned();
        if let Some(number) = row.cells.get_mut(self.number).filter(|number| number.trim().is_empty()) {
            *number = format!("{kind} {date}");
        }
        Some(row)
    }
}
