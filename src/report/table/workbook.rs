//! A table as an Excel workbook: numbers are numbers, days are days, and the heading stays in sight.

use chrono::{Datelike, NaiveDate};
use rust_xlsxwriter::{ExcelDateTime, Format, FormatAlign, Workbook, Worksheet, XlsxError};

use super::{Cell, Kind, Table};
use crate::{
    error::{Error, Result},
    money::Money,
};

impl Table {
    /// The workbook's bytes: the table on the first sheet, what its figures mean on the second.
    ///
    /// # Errors
    /// If it has more rows than a sheet (1,048,575), or cannot be written, which is a defect.
    pub fn to_xlsx(&self) -> Result<Vec<u8>> {
        self.workbook().and_then(|mut book| book.save_to_buffer()).map_err(Error::internal("writing a workbook"))
    }

    fn workbook(&self) -> Result<Workbook, XlsxError> {
        let mut book = Workbook::new();
        self.fill(book.add_worksheet().set_name("Report")?)?;
        self.explain(book.add_worksheet().set_name("Definitions")?)?;
        Ok(book)
    }

    fn fill(&self, sheet: &mut Worksheet) -> Result<(), XlsxError> {
        let heading = Format::new().set_bold().set_text_wrap().set_align(FormatAlign::Top);
        let mut at = 0;
        for column in &self.columns {
            sheet.write_string_with_format(0, at, &column.title, &heading)?;
            let width = if column.kind == Kind::Text { 24.0 } else { 15.0 };
            sheet.set_column_width(at, width)?;
            at += 1;
            if is_ratio(column.kind) {
                for part in ["numerator", "denominator"] {
                    sheet.write_string_with_format(0, at, format!("{}: {part}", column.title), &heading)?;
                    sheet.set_column_width(at, 18.0)?;
                    at += 1;
                }
            }
        }
        sheet.set_freeze_panes(1, 0)?;
        for (row, line) in self.rows.iter().zip(1_u32..).map(|(line, row)| (row, line)) {
            let mut at = 0;
            for (cell, column) in line.iter().zip(&self.columns) {
                write(sheet, row, at, cell, column.kind)?;
                at += if is_ratio(column.kind) { 3 } else { 1 };
            }
        }
        if let (Some(last_row), Some(last)) = (u32::try_from(self.rows.len()).ok(), at.checked_sub(1)) {
            sheet.autofilter(0, 0, last_row, last)?;
        }
        Ok(())
    }

    fn explain(&self, sheet: &mut Worksheet) -> Result<(), XlsxError> {
        sheet.set_column_width(0, 28.0)?;
        sheet.set_column_width(1, 100.0)?;
        sheet.write_string_with_format(0, 0, self.title, &Format::new().set_bold())?;
        sheet.write_string(0, 1, &self.about)?;
        sheet.write_string(1, 0, "As of")?;
        sheet.write_datetime_with_format(1, 1, date(self.as_of)?, &day_format())?;
        sheet.write_string(2, 0, "As known at")?;
        sheet.write_string(2, 1, self.known_at.to_rfc3339())?;
        for ((title, text), row) in self.definitions().iter().zip(3_u32..) {
            sheet.write_string(row, 0, title)?;
            sheet.write_string(row, 1, text)?;
        }
        Ok(())
    }
}

fn is_ratio(kind: Kind) -> bool {
    matches!(kind, Kind::Ratio | Kind::Percent | Kind::Rate)
}

fn write(sheet: &mut Worksheet, row: u32, at: u16, cell: &Cell, kind: Kind) -> Result<(), XlsxError> {
    match cell {
        Cell::Empty => {}
        Cell::Text(text) => drop(sheet.write_string(row, at, text)?),
        Cell::Count(count) => drop(sheet.write_number_with_format(row, at, whole(*count), &number("#,##0"))?),
        Cell::Money(money) => drop(sheet.write_number_with_format(row, at, major(*money), &amount(*money))?),
        Cell::Date(day) => drop(sheet.write_datetime_with_format(row, at, date(*day)?, &day_format())?),
        Cell::Ratio(ratio) => {
            let shape = if kind == Kind::Percent { "0.0%" } else { "#,##0.00" };
            if let Some(value) = ratio.value {
                sheet.write_number_with_format(row, at, value, &number(shape))?;
            }
            sheet.write_number_with_format(row, at + 1, large(ratio.numerator), &number("#,##0"))?;
            sheet.write_number_with_format(row, at + 2, large(ratio.denominator), &number("#,##0"))?;
        }
    }
    Ok(())
}

fn number(shape: &str) -> Format {
    Format::new().set_num_format(shape)
}

fn amount(money: Money) -> Format {
    match money.currency.decimals() {
        0 => number("#,##0"),
        places => number(&format!("#,##0.{}", "0".repeat(places as usize))),
    }
}

fn day_format() -> Format {
    number("yyyy-mm-dd")
}

fn date(day: NaiveDate) -> Result<ExcelDateTime, XlsxError> {
    let part = |value: u32| u8::try_from(value).unwrap_or(1);
    ExcelDateTime::from_ymd(u16::try_from(day.year()).unwrap_or(1900), part(day.month()), part(day.day()))
}

/// What Excel holds is a float, whatever is written: the division gives the one nearest to the decimal.
fn major(money: Money) -> f64 {
    whole(money.minor) / 10_f64.powi(i32::try_from(money.currency.decimals()).unwrap_or(2))
}

#[expect(clippy::cast_precision_loss, reason = "a cell of a workbook is a float")]
fn whole(count: i64) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "a cell of a workbook is a float")]
fn large(count: i128) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use calamine::{Data, Reader, Xlsx};
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::{
        money::Currency,
        report::{AsOf, turnover::Ratio},
    };

    #[test]
    fn cells_are_what_they_are() {
        let day: NaiveDate = "2026-03-10".parse().expect("a day");
        let mut table = Table::new("sample", "Sample", AsOf { day, known_at: DateTime::<Utc>::MIN_UTC })
            .column("name", "Name", Kind::Text)
            .column("owed", "Owed", Kind::Money)
            .column("since", "Since", Kind::Date)
            .column("share", "Share", Kind::Percent);
        let share = Ratio::new("a / b", 1, 4);
        table.rows =
            vec![vec!["=1+1 Ltd".into(), Money::new(-1_234_505, Currency::USD).into(), day.into(), share.into()]];
        let mut book: Xlsx<_> = Xlsx::new(Cursor::new(table.to_xlsx().expect("bytes"))).expect("a workbook");
        let sheet = book.worksheet_range("Report").expect("a sheet");
        assert_eq!(sheet.get_value((0, 1)), Some(&Data::String("Owed".to_owned())));
        assert_eq!(sheet.get_value((1, 0)), Some(&Data::String("=1+1 Ltd".to_owned())), "a text, not a formula");
        assert_eq!(sheet.get_value((1, 1)), Some(&Data::Float(-12_345.05)));
        assert!(matches!(sheet.get_value((1, 2)), Some(Data::DateTime(_))));
        assert_eq!(sheet.get_value((1, 3)), Some(&Data::Float(0.25)));
        assert_eq!(sheet.get_value((1, 5)), Some(&Data::Float(4.0)), "the denominator beside it");
        let told = book.worksheet_range("Definitions").expect("a sheet");
        assert_eq!(told.get_value((3, 1)), Some(&Data::String("a / b".to_owned())));
    }
}
