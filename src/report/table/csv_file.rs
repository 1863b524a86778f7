//! A table as CSV: decimals with a point, days as `2026-01-31`; a ratio is three columns.

use super::{Cell, Kind, Table};
use crate::error::{Error, Result};

impl Table {
    /// The file's bytes, UTF-8.
    ///
    /// # Errors
    /// If it cannot be written, which is a defect.
    pub fn to_csv(&self) -> Result<Vec<u8>> {
        let mut file = csv::Writer::from_writer(Vec::new());
        let header = self.columns.iter().flat_map(|column| match column.kind {
            Kind::Ratio | Kind::Percent | Kind::Rate => {
                vec![column.key.clone(), format!("{}_numerator", column.key), format!("{}_denominator", column.key)]
            }
            _ => vec![column.key.clone()],
        });
        file.write_record(header).map_err(Error::internal("writing a file"))?;
        for row in &self.rows {
            let cells = row.iter().zip(&self.columns).flat_map(|(cell, column)| cells(cell, column.kind));
            file.write_record(cells).map_err(Error::internal("writing a file"))?;
        }
        file.into_inner().map_err(|error| Error::internal("writing a file")(error.to_string()))
    }
}

fn cells(cell: &Cell, kind: Kind) -> Vec<String> {
    match cell {
        Cell::Empty if matches!(kind, Kind::Ratio | Kind::Percent | Kind::Rate) => vec![String::new(); 3],
        Cell::Empty => vec![String::new()],
        Cell::Text(text) => vec![plain_text(text)],
        Cell::Count(count) => vec![count.to_string()],
        Cell::Money(money) => vec![money.decimal()],
        Cell::Date(day) => vec![day.to_string()],
        Cell::Ratio(ratio) => vec![
            ratio.value.map(|value| format!("{value:.4}")).unwrap_or_default(),
            ratio.numerator.to_string(),
            ratio.denominator.to_string(),
        ],
    }
}

/// A text that no spreadsheet takes for a formula.
fn plain_text(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::{
        money::{Currency, Money},
        report::{AsOf, turnover::Ratio},
    };

    fn table() -> Table {
        let day = "2026-03-10".parse().expect("a day");
        let as_of = AsOf { day, known_at: DateTime::<Utc>::MIN_UTC };
        let mut table = Table::new("sample", "Sample", as_of)
            .column("name", "Name", Kind::Text)
            .column("owed", "Owed", Kind::Money)
            .column("since", "Since", Kind::Date)
            .column("dso", "DSO", Kind::Ratio);
        table.rows = vec![
            vec![
                "=1+1 Ltd".into(),
                Money::new(-50, Currency::USD).into(),
                day.into(),
                Ratio::new("a definition", 7, 2).into(),
            ],
            vec!["Debtor, 0012 Ltd".into(), Cell::Empty, Cell::Empty, Ratio::new("a definition", 7, 0).into()],
        ];
        table
    }

    #[test]
    fn a_file_has_decimals_no_formula_and_nothing_where_nothing_is_known() {
        let text = String::from_utf8(table().to_csv().expect("a file")).expect("UTF-8");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "name,owed,since,dso,dso_numerator,dso_denominator");
        assert_eq!(lines[1], "'=1+1 Ltd,-0.50,2026-03-10,3.5000,7,2");
        assert_eq!(lines[2], "\"Debtor, 0012 Ltd\",,,,7,0");
    }

    #[test]
    fn the_definition_of_a_ratio_is_told_once() {
        assert_eq!(table().definitions(), [("DSO".to_owned(), "a definition".to_owned())]);
    }
}
