//! How the exports of known systems are laid out: where their header is, and which of their rows are items. Row by row;
//! what comes out is read by a mapping like any other file. Pure.

mod aging_detail;
mod iif;
mod sap_list;

use serde::Deserialize;

use super::RawRow;

/// How a file is laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LayoutKind {
    /// The first row names the columns, every other is an item.
    #[default]
    Plain,
    /// `QuickBooks` A/R ageing detail: titles before the header, sections, subtotals.
    AgingDetail,
    /// `QuickBooks` Desktop IIF: transactions of several rows.
    Iif,
    /// An SAP list such as FBL5N: pipes, headers of groups, subtotals marked by asterisks.
    SapList,
}

/// A layout that is being read.
pub enum Layout {
    Plain,
    AgingDetail(aging_detail::Rows),
    Iif(iif::Rows),
    SapList(sap_list::Rows),
}

impl Layout {
    pub fn new(kind: LayoutKind) -> Self {
        match kind {
            LayoutKind::Plain => Self::Plain,
            LayoutKind::AgingDetail => Self::AgingDetail(aging_detail::Rows::default()),
            LayoutKind::Iif => Self::Iif(iif::Rows::default()),
            LayoutKind::SapList => Self::SapList(sap_list::Rows::default()),
        }
    }

    /// Hears the rows from the top of the file on until it gives the names of the columns.
    pub fn begin(&mut self, row: &RawRow) -> Option<Vec<String>> {
        match self {
            Self::Plain => Some(row.cells.clone()),
            Self::AgingDetail(rows) => rows.begin(row),
            Self::Iif(rows) => rows.begin(row),
            Self::SapList(rows) => rows.begin(row),
        }
    }

    /// The item that a row is or completes, if it does.
    pub fn take(&mut self, row: RawRow) -> Option<RawRow> {
        match self {
            Self::Plain => Some(row),
            Self::AgingDetail(rows) => rows.take(row),
            Self::Iif(rows) => rows.take(&row),
            Self::SapList(rows) => rows.take(row),
        }
    }
}

/// Whether the row names all of these columns.
fn names(row: &RawRow, columns: &[&str]) -> bool {
    columns.iter().all(|column| row.cells.iter().any(|cell| cell.trim().eq_ignore_ascii_case(column)))
}

#[cfg(test)]
mod tests;
