//! A report as a table: what the page, the CSV file, the workbook and the mail are made from.

mod csv_file;
mod workbook;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AsOf, turnover::Ratio};
use crate::{error::Result, money::Money, named::named};

/// A report.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Table {
    /// Which one.
    pub report: &'static str,
    /// Its title.
    pub title: &'static str,
    /// The day.
    pub as_of: NaiveDate,
    /// What was recorded later is left out.
    pub known_at: DateTime<Utc>,
    /// What was asked for besides, in words.
    pub about: String,
    /// What the figures mean.
    pub notes: Vec<String>,
    /// Its columns.
    pub columns: Vec<Column>,
    /// A cell for each column.
    #[schema(value_type = Vec<Vec<Object>>)]
    pub rows: Vec<Vec<Cell>>,
    /// How people would rather look at it.
    pub chart: Option<Chart>,
}

/// A column.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Column {
    /// Its name in files.
    pub key: String,
    /// Its heading.
    pub title: String,
    /// What its cells are.
    pub kind: Kind,
}

/// What the cells of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ColumnKind)]
pub enum Kind {
    /// A text.
    Text,
    /// A whole number.
    Count,
    /// An amount: `{minor, currency}`.
    Money,
    /// A day.
    Date,
    /// A ratio in days, or without a unit.
    Ratio,
    /// A ratio that is shown in per cent.
    Percent,
    /// A ratio in major units of money, such as cash an hour.
    Rate,
}

/// A cell. One that is empty is undefined or does not apply, which is not 0.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// A text.
    Text(String),
    /// A whole number.
    Count(i64),
    /// An amount.
    Money(Money),
    /// A day.
    Date(NaiveDate),
    /// A figure with what it is made of.
    Ratio(Ratio),
}

/// A chart of the table's rows.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Chart {
    /// How it is drawn.
    pub kind: ChartKind,
    /// Key of the column that names the bars or points.
    pub along: String,
    /// Keys of the columns that are drawn.
    pub series: Vec<String>,
}

/// How a chart is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChartKind {
    /// A bar for each row and series.
    Bars,
    /// One bar for each row, its series above each other.
    Stacked,
}

impl Table {
    /// An empty table.
    #[must_use]
    pub fn new(report: &'static str, title: &'static str, as_of: AsOf) -> Self {
        Self {
            report,
            title,
            as_of: as_of.day,
            known_at: as_of.known_at,
            about: String::new(),
            notes: Vec::new(),
            columns: Vec::new(),
            rows: Vec::new(),
            chart: None,
        }
    }

    /// Adds a column; its heading is `title`.
    #[must_use]
    pub fn column(mut self, key: impl Into<String>, title: impl Into<String>, kind: Kind) -> Self {
        self.columns.push(Column { key: key.into(), title: title.into(), kind });
        self
    }

    /// Adds what a figure means.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Sets the chart.
    #[must_use]
    pub fn chart(mut self, kind: ChartKind, along: &str, series: &[&str]) -> Self {
        let series = series.iter().map(|key| (*key).to_owned()).collect();
        self.chart = Some(Chart { kind, along: along.to_owned(), series });
        self
    }

    /// What its figures mean: the notes, and the definition of every ratio column.
    #[must_use]
    pub fn definitions(&self) -> Vec<(String, String)> {
        let of_column = |(index, column): (usize, &Column)| {
            let ratio = self.rows.iter().find_map(|row| match row.get(index) {
                Some(Cell::Ratio(ratio)) => Some(ratio.definition),
                _ => None,
            });
            ratio.map(|definition| (column.title.clone(), definition.to_owned()))
        };
        let notes = self.notes.iter().map(|note| (String::new(), note.clone()));
        self.columns.iter().enumerate().filter_map(of_column).chain(notes).collect()
    }
}

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    /// Text with commas.
    Csv,
    /// Excel workbook.
    Xlsx,
}

named!(FileFormat { Csv => "csv", Xlsx => "xlsx" });

impl FileFormat {
    /// As in a `Content-Type`.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }

    /// The table as such a file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(self, table: &Table) -> Result<Vec<u8>> {
        match self {
            Self::Csv => table.to_csv(),
            Self::Xlsx => table.to_xlsx(),
        }
    }
}

impl From<i64> for Cell {
    fn from(count: i64) -> Self {
        Self::Count(count)
    }
}

impl From<Money> for Cell {
    fn from(money: Money) -> Self {
        Self::Money(money)
    }
}

impl From<NaiveDate> for Cell {
    fn from(day: NaiveDate) -> Self {
        Self::Date(day)
    }
}

impl From<Ratio> for Cell {
    fn from(ratio: Ratio) -> Self {
        Self::Ratio(ratio)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(cell: Option<T>) -> Self {
        cell.map_or(Self::Empty, Into::into)
    }
}
