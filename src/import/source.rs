//! Files as rows of text, one at a time: memory does not grow with the file.

mod csv_text;
mod layout;
mod qbo_json;
mod xlsx;

use std::{fs::File, path::Path};

pub(crate) use self::{
    qbo_json::{Linked, Objects, column as qbo_column},
    xlsx::text as cell_text,
};

pub use qbo_json::Beside;

pub use layout::LayoutKind;

use self::layout::Layout;
use super::mapping::{FileShape, Format};
use crate::error::{Error, Result};

/// A row of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawRow {
    /// Line of a CSV file or row of a sheet on which it begins, from 1.
    pub line: u64,
    /// Its cells as text.
    pub cells: Vec<String>,
    /// Why it cannot be taken, where the layout of the file says so already.
    pub fault: Option<String>,
}

/// An open file: its header, and then row by row.
pub struct Source {
    header: Vec<String>,
    layout: Layout,
    reader: Reader,
}

enum Reader {
    Csv(csv_text::Rows),
    Xlsx(xlsx::Rows),
    Json(qbo_json::Rows),
}

impl Source {
    /// Reads the objects of a live connection.
    ///
    /// # Errors
    /// [`Error::Invalid`] if they are not what they should be.
    pub fn of_objects(text: &str, beside: &Beside) -> Result<Self> {
        let unreadable = |error: String| Error::invalid("QuickBooks", error);
        let rows = qbo_json::Rows::of(text, beside).map_err(unreadable)?;
        Self::begin(Reader::Json(rows), LayoutKind::Plain).map_err(unreadable)
    }

    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it cannot be read, has no header, or is of no known format.
    pub fn open(path: &Path, shape: &FileShape) -> Result<Self> {
        let unreadable = |error: String| Error::invalid(path.display().to_string(), error);
        let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
        let reader = match format_of(path, shape)
            .ok_or_else(|| unreadable("neither .csv nor .xlsx: set file.format in the mapping".to_owned()))?
        {
            Format::Csv => Reader::Csv(csv_text::Rows::new(file, shape)),
            Format::Xlsx => Reader::Xlsx(xlsx::Rows::open(file, shape).map_err(unreadable)?),
            Format::QboJson => Reader::Json(qbo_json::Rows::open(file).map_err(unreadable)?),
        };
        Self::begin(reader, shape.layout).map_err(unreadable)
    }

    fn begin(mut reader: Reader, layout: LayoutKind) -> Result<Self, String> {
        let mut layout = Layout::new(layout);
        let mut rows = 0;
        let header = loop {
            match reader.next()? {
                Some(row) => {
                    if let Some(header) = layout.begin(&row) {
                        break header;
                    }
                    rows += 1;
                }
                None if rows == 0 => return Err("the file is empty".to_owned()),
                None => return Err("no row names the columns of this layout".to_owned()),
            }
        };
        Ok(Self { header, layout, reader })
    }

    /// The names of the columns.
    #[must_use]
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// How much of the file is read, in thousandths.
    #[must_use]
    pub fn permille(&self) -> u16 {
        let (done, of) = match &self.reader {
            Reader::Csv(rows) => rows.done(),
            Reader::Xlsx(rows) => rows.done(),
            Reader::Json(rows) => rows.done(),
        };
        u16::try_from(done.min(of) * 1000 / of.max(1)).unwrap_or(1000)
    }

    /// The next row that is not empty; `None` at the end.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the file cannot be read on: an I/O error, a broken workbook.
    pub fn next(&mut self) -> Result<Option<RawRow>> {
        loop {
            let row = self.reader.next().map_err(|error| Error::invalid("file", error))?;
            let Some(row) = row else { return Ok(None) };
            if row.cells.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            if let Some(item) = self.layout.take(row) {
                return Ok(Some(item));
            }
        }
    }
}

impl Reader {
    fn next(&mut self) -> Result<Option<RawRow>, String> {
        match self {
            Self::Csv(rows) => rows.next(),
            Self::Xlsx(rows) => rows.next(),
            Self::Json(rows) => Ok(rows.next()),
        }
    }
}

fn format_of(path: &Path, shape: &FileShape) -> Option<Format> {
    shape.format.or_else(|| match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" | "txt" | "tsv" => Some(Format::Csv),
        "xlsx" | "xlsm" => Some(Format::Xlsx),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
