//! An SAP list such as FBL5N, saved unconverted (pipes) or as a spreadsheet (tabs): lines of dashes, headers of groups
//! that name the customer, the header of the columns repeated on every page, subtotals marked by asterisks.

use super::RawRow;

/// The columns that are added: the customer of the group and its name, where the list has no column for the customer.
const CUSTOMER: &str = "Customer";
const NAME: &str = "Name";

/// Columns that name the customer in a list.
const CUSTOMERS: [&str; 3] = ["Customer", "Account", "Cust."];

/// Columns of the company and of the fiscal year that a document number is of, and the name that each gets.
const SERIES: [(&str, [&str; 3]); 2] =
    [("CoCd", ["CoCd", "Company Code", "CCode"]), ("Year", ["Year", "Fiscal Year", "FYear"])];

/// The rows of the list.
#[derive(Default)]
pub struct Rows {
    header: Vec<String>,
    /// The customer's column in the list.
    customer_at: Option<usize>,
    /// The customer of the group, and its name.
    customer: String,
    name: String,
}

impl Rows {
    pub fn begin(&mut self, row: &RawRow) -> Option<Vec<String>> {
        let cells = inner(&row.cells);
        self.group(&cells);
        let is_header = cells.iter().any(|cell| cell.starts_with("Amount"))
            && cells.iter().any(|cell| cell.starts_with("DocumentNo") || cell.starts_with("Document"));
        if !is_header {
            return None;
        }
        self.customer_at = cells.iter().position(|cell| CUSTOMERS.contains(&cell.as_str()));
        self.header = cells;
        let mut header = self.header.clone();
        for (name, names) in SERIES {
            if let Some(at) = names.iter().find_map(|known| self.header.iter().position(|cell| cell == known)) {
                name.clone_into(&mut header[at]);
            }
        }
        match self.customer_at {
            Some(at) => CUSTOMER.clone_into(&mut header[at]),
            None => header.extend([CUSTOMER.to_owned(), NAME.to_owned()]),
        }
        Some(header)
    }

    pub fn take(&mut self, row: RawRow) -> Option<RawRow> {
        let mut cells = inner(&row.cells);
        if self.group(&cells) || cells == self.header || is_rule_or_sum(&cells) {
            return None;
        }
        // A line with less than half of the columns is a title or a page's foot.
        if cells.iter().filter(|cell| !cell.is_empty()).count() * 3 < self.header.len() {
            return None;
        }
        if let Some(at) = self.customer_at {
            if let Some(customer) = cells.get_mut(at) {
                *customer = without_zeros(customer);
            }
        } else {
            cells.resize(self.header.len(), String::new());
            cells.extend([self.customer.clone(), self.name.clone()]);
        }
        Some(RawRow { line: row.line, cells, fault: row.fault })
    }

    /// Whether the line heads a group; it may give the customer, as `Customer  0000100012`, and its name in the lines below.
    fn group(&mut self, cells: &[String]) -> bool {
        let words: Vec<&str> = cells.iter().flat_map(|cell| cell.split_whitespace()).collect();
        match words.as_slice() {
            ["Customer", number, ..] if words.len() <= 3 && number.bytes().any(|byte| byte.is_ascii_digit()) => {
                self.customer = without_zeros(number);
                self.name.clear();
                true
            }
            ["Name", name @ ..] => {
                self.name = name.join(" ");
                true
            }
            ["Company", "Code", ..] | ["City", ..] => true,
            _ => false,
        }
    }
}

/// The cells between the outer pipes.
fn inner(cells: &[String]) -> Vec<String> {
    let mut cells: Vec<String> = cells.iter().map(|cell| cell.trim().to_owned()).collect();
    if cells.len() > 2 && cells.first().is_some_and(String::is_empty) && cells.last().is_some_and(String::is_empty) {
        cells.pop();
        cells.remove(0);
    }
    cells
}

fn is_rule_or_sum(cells: &[String]) -> bool {
    cells.iter().all(|cell| cell.bytes().all(|byte| byte == b'-'))
        || cells.iter().find(|cell| !cell.is_empty()).is_some_and(|first| first.starts_with('*'))
}

/// A customer number as people know it: numbers of digits only are padded with zeros inside SAP.
fn without_zeros(number: &str) -> String {
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let bare = number.trim_start_matches('0');
    if digits && !bare.is_empty() { bare.to_owned() } else { number.to_owned() }
}
