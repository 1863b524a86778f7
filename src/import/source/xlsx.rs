//! Excel workbooks, cell by cell.

use std::{
    fs::File,
    io::BufReader,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
};

use calamine::{DataRef, Reader, Xlsx};

use super::RawRow;
use crate::import::mapping::FileShape;

/// Rows travel from the reading thread in lots of this many.
const LOT: usize = 256;

/// The rows of one sheet. The reader borrows the workbook, so that a thread of its own holds both.
pub struct Rows {
    lots: Receiver<Result<Vec<RawRow>, String>>,
    lot: std::vec::IntoIter<RawRow>,
    row: u64,
    /// Rows of the sheet, once the reading thread knows.
    in_sheet: Arc<AtomicU64>,
}

impl Rows {
    /// The rows of the sheet that `shape` names, else of the first.
    pub fn open(file: File, shape: &FileShape) -> Result<Self, String> {
        let mut book: Xlsx<BufReader<File>> = Xlsx::new(BufReader::new(file)).map_err(|error| error.to_string())?;
        let names = book.sheet_names();
        let sheet = shape.sheet.clone().or_else(|| names.first().cloned()).ok_or("the workbook has no sheet")?;
        if !names.contains(&sheet) {
            return Err(format!("the workbook has no sheet {sheet:?}; it has {}", names.join(", ")));
        }
        let shape = shape.clone();
        let rows = Arc::new(AtomicU64::new(0));
        let (sender, lots) = sync_channel(2);
        let total = Arc::clone(&rows);
        std::thread::spawn(move || {
            if let Err(error) = read_sheet(&mut book, &sheet, &shape, &total, &sender) {
                // A reader that has gone away does not care.
                let _ = sender.send(Err(error));
            }
        });
        Ok(Self { lots, lot: Vec::new().into_iter(), row: 0, in_sheet: rows })
    }

    /// Rows read and to read.
    pub fn done(&self) -> (u64, u64) {
        (self.row, self.in_sheet.load(Ordering::Relaxed))
    }

    /// The next row.
    pub fn next(&mut self) -> Result<Option<RawRow>, String> {
        if self.lot.as_slice().is_empty() {
            match self.lots.recv() {
                Ok(lot) => self.lot = lot?.into_iter(),
                Err(_) => return Ok(None),
            }
        }
        let row = self.lot.next();
        self.row = row.as_ref().map_or(self.row, |row| row.line);
        Ok(row)
    }
}

fn read_sheet(
    book: &mut Xlsx<BufReader<File>>,
    sheet: &str,
    shape: &FileShape,
    rows: &AtomicU64,
    sender: &SyncSender<Result<Vec<RawRow>, String>>,
) -> Result<(), String> {
    let mut cells = book.worksheet_cells_reader(sheet).map_err(|error| error.to_string())?;
    rows.store(u64::from(cells.dimensions().end.0) + 1, Ordering::Relaxed);
    let mut lot = Vec::with_capacity(LOT);
    let mut row = RawRow { line: 0, cells: Vec::new(), fault: None };
    while let Some(cell) = cells.next_cell().map_err(|error| error.to_string())? {
        let (number, column) = cell.get_position();
        let line = u64::from(number) + 1;
        if line != row.line {
            if row.line > 0 {
                lot.push(std::mem::replace(&mut row, RawRow { line, cells: Vec::new(), fault: None }));
            }
            row.line = line;
        }
        if lot.len() == LOT && sender.send(Ok(std::mem::take(&mut lot))).is_err() {
            return Ok(());
        }
        let column = column as usize;
        if row.cells.len() <= column {
            row.cells.resize(column + 1, String::new());
        }
        row.cells[column] = text(cell.get_value(), &shape.date_format, shape.decimal_point);
    }
    if row.line > 0 {
        lot.push(row);
    }
    if !lot.is_empty() {
        let _ = sender.send(Ok(lot));
    }
    Ok(())
}

/// The cell as the mapping would have it in a text file.
pub(crate) fn text(value: &DataRef<'_>, date_format: &str, point: char) -> String {
    match value {
        DataRef::Empty => String::new(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => decimal(*number).replace('.', &point.to_string()),
        DataRef::Bool(yes) => if *yes { "true" } else { "false" }.to_owned(),
        DataRef::DateTime(moment) => {
            moment.as_datetime().map_or_else(String::new, |moment| moment.date().format(date_format).to_string())
        }
        DataRef::Error(error) => format!("{error}"),
    }
}

/// A number of a workbook as the decimal it stands for. Workbooks keep numbers in binary with 15 significant digits that
/// mean something, and this gives exactly those: what the file's author saw, with nothing rounded to cents.
fn decimal(number: f64) -> String {
    let scientific = format!("{number:.14e}");
    let rounded: f64 = scientific.parse().unwrap_or(number);
    format!("{rounded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_out_as_they_were_typed() {
        for (number, text) in [
            (55.94, "55.94"),
            (0.1 + 0.2, "0.3"),
            (1_234_567_890_123.45, "1234567890123.45"),
            (94.0, "94"),
            (-12.5, "-12.5"),
            (0.0, "0"),
            (12.345, "12.345"),
        ] {
            assert_eq!(decimal(number), text);
        }
    }
}
