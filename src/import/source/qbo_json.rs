//! `QuickBooks Online` objects as rows: customers, invoices, payments and credit memos in any order, as a query response, a list, or
//! one object a line. Amounts are read from their digits and never pass through a binary fraction.
//!
//! What is paid of an invoice is its total less its balance; the day is that of the last payment in the file that is linked
//! to it, else the day it was changed last. What is left of a payment or credit memo is an item below 0.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::Read,
};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::RawRow;

/// Bytes of a file at most: it is read as a whole.
const MOST_BYTES: u64 = 256 * 1024 * 1024;

/// The columns of the rows.
const COLUMNS: [&str; 17] = [
    "customer",
    "name",
    "currency",
    "country",
    "region",
    "city",
    "postal_code",
    "address",
    "terms",
    "email",
    "phone",
    "number",
    "date",
    "due",
    "amount",
    "po",
    "paid_on",
];

/// The rows made of the objects.
pub struct Rows {
    rows: std::vec::IntoIter<RawRow>,
    all: u64,
}

#[derive(Deserialize)]
struct Reference {
    value: String,
    name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Address {
    line1: Option<String>,
    city: Option<String>,
    country_sub_division_code: Option<String>,
    postal_code: Option<String>,
    country: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Customer {
    id: String,
    display_name: Option<String>,
    company_name: Option<String>,
    primary_phone: Option<Phone>,
    primary_email_addr: Option<Email>,
    bill_addr: Option<Address>,
    sales_term_ref: Option<Reference>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Phone {
    free_form_number: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Email {
    address: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document<'a> {
    id: String,
    doc_number: Option<String>,
    txn_date: String,
    due_date: Option<String>,
    customer_ref: Reference,
    currency_ref: Option<Reference>,
    #[serde(borrow)]
    total_amt: &'a RawValue,
    #[serde(borrow)]
    balance: Option<&'a RawValue>,
    #[serde(borrow)]
    remaining_credit: Option<&'a RawValue>,
    #[serde(borrow)]
    unapplied_amt: Option<&'a RawValue>,
    #[serde(default)]
    line: Vec<Line>,
    meta_data: Option<MetaData>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Line {
    #[serde(default)]
    linked_txn: Vec<Linked>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Linked {
    txn_id: String,
    txn_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MetaData {
    last_updated_time: Option<String>,
}

/// The objects of a file by kind, each as its text.
#[derive(Default)]
struct Objects<'a>(BTreeMap<String, Vec<&'a RawValue>>);

impl Rows {
    /// Reads the whole file.
    pub fn open(file: File) -> Result<Self, String> {
        let mut text = String::new();
        file.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
        if text.len() as u64 > MOST_BYTES {
            return Err(format!("more than {} MiB: split it", MOST_BYTES >> 20));
        }
        let rows = rows(&text)?;
        Ok(Self { all: rows.len() as u64, rows: rows.into_iter() })
    }

    /// Rows read and to read.
    pub fn done(&self) -> (u64, u64) {
        (self.all - self.rows.len() as u64, self.all)
    }

    /// The next row.
    pub fn next(&mut self) -> Option<RawRow> {
        self.rows.next()
    }
}

/// The header, and a row for each document with something to say.
fn rows(text: &str) -> Result<Vec<RawRow>, String> {
    let mut objects = Objects::default();
    for value in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
        objects.collect(value.map_err(|error| error.to_string())?, None);
    }
    let customers = objects.read::<Customer>("Customer")?;
    let customers: HashMap<String, (usize, Customer)> =
        customers.into_iter().map(|(nth, customer)| (customer.id.clone(), (nth, customer))).collect();
    let (invoices, payments, credits) =
        (objects.documents("Invoice")?, objects.documents("Payment")?, objects.documents("CreditMemo")?);
    let paid_on = last_payments(&payments);
    let mut header: Vec<String> = COLUMNS.map(str::to_owned).to_vec();
    header.push("paid".to_owned());
    let mut rows = vec![RawRow { line: 0, cells: header, fault: None }];
    for (nth, invoice) in &invoices {
        let total = plain(Some(invoice.total_amt));
        let paid = difference(&total, &plain(invoice.balance));
        let changed = invoice.meta_data.as_ref().and_then(|data| data.last_updated_time.as_deref());
        let on = paid_on.get(invoice.id.as_str()).copied().or_else(|| changed.and_then(|at| at.get(..10)));
        let on = on.filter(|_| paid.as_ref().is_some_and(|paid| paid != "0"));
        let number = invoice.doc_number.clone().unwrap_or_else(|| format!("INV {}", invoice.id));
        let paid_amount = paid.clone().filter(|_| on.is_some()).unwrap_or_default();
        let mut row = item(invoice, &customers, number, total, on.unwrap_or_default(), &paid_amount);
        row.line = *nth;
        if paid.is_none() {
            row.fault = Some("TotalAmt or Balance is no amount".to_owned());
        }
        rows.push(row);
    }
    let left = payments.iter().map(|(nth, one)| (nth, one, "PMT", plain(one.unapplied_amt)));
    let left =
        left.chain(credits.iter().map(|(nth, one)| (nth, one, "CM", plain(one.remaining_credit.or(one.balance)))));
    for (nth, one, prefix, amount) in left.filter(|(_, _, _, amount)| !is_nothing(amount)) {
        let number = format!("{prefix} {}", one.doc_number.as_deref().unwrap_or(&one.id));
        let mut row = item(one, &customers, number, format!("-{amount}"), "", "");
        row.line = *nth;
        rows.push(row);
    }
    Ok(rows)
}

/// The day of the last payment of each invoice.
fn last_payments<'a>(payments: &'a [(u64, Document<'_>)]) -> HashMap<&'a str, &'a str> {
    let mut days: HashMap<&str, &str> = HashMap::new();
    for (_, payment) in payments {
        for linked in payment.line.iter().flat_map(|line| &line.linked_txn).filter(|one| one.txn_type == "Invoice") {
            let day = days.entry(&linked.txn_id).or_insert(&payment.txn_date);
            *day = (*day).max(&payment.txn_date);
        }
    }
    days
}

fn item(
    document: &Document<'_>,
    customers: &HashMap<String, (usize, Customer)>,
    number: String,
    amount: String,
    paid_on: &str,
    paid: &str,
) -> RawRow {
    let customer = customers.get(&document.customer_ref.value).map(|(_, customer)| customer);
    let address = customer.and_then(|customer| customer.bill_addr.as_ref());
    let text = |text: Option<&String>| text.cloned().unwrap_or_default();
    let name = customer.and_then(|one| one.company_name.as_ref().or(one.display_name.as_ref()));
    // Countries are written as people like: only a code is taken over.
    let country = address.and_then(|address| address.country.as_ref()).filter(|country| country.len() == 2);
    let due = document.due_date.as_ref().unwrap_or(&document.txn_date);
    let cells = vec![
        document.customer_ref.value.clone(),
        text(name.or(document.customer_ref.name.as_ref())),
        document.currency_ref.as_ref().map_or_else(String::new, |currency| currency.value.clone()),
        text(country),
        text(address.and_then(|address| address.country_sub_division_code.as_ref())),
        text(address.and_then(|address| address.city.as_ref())),
        text(address.and_then(|address| address.postal_code.as_ref())),
        text(address.and_then(|address| address.line1.as_ref())),
        text(customer.and_then(|one| one.sales_term_ref.as_ref()).and_then(|terms| terms.name.as_ref())),
        text(customer.and_then(|one| one.primary_email_addr.as_ref()).and_then(|email| email.address.as_ref())),
        text(customer.and_then(|one| one.primary_phone.as_ref()).and_then(|phone| phone.free_form_number.as_ref())),
        number,
        document.txn_date.clone(),
        due.clone(),
        amount,
        String::new(),
        paid_on.to_owned(),
        paid.to_owned(),
    ];
    RawRow { line: 0, cells, fault: None }
}

impl<'a> Objects<'a> {
    /// Finds the objects in a query response, a list, or a wrapper such as `{"Invoice": {…}}`.
    fn collect(&mut self, value: &'a RawValue, kind: Option<&str>) {
        if let Ok(list) = serde_json::from_str::<Vec<&'a RawValue>>(value.get()) {
            for one in list {
                self.collect(one, kind);
            }
            return;
        }
        let Ok(fields) = serde_json::from_str::<BTreeMap<String, &'a RawValue>>(value.get()) else { return };
        if let Some(kind) = kind.filter(|_| fields.contains_key("Id")) {
            self.0.entry(kind.to_owned()).or_default().push(value);
            return;
        }
        for (name, inner) in fields {
            let wanted = matches!(name.as_str(), "Customer" | "Invoice" | "Payment" | "CreditMemo");
            if wanted || matches!(name.as_str(), "QueryResponse" | "CDCResponse" | "BatchItemResponse") {
                self.collect(inner, wanted.then_some(name.as_str()));
            }
        }
    }

    fn read<T: Deserialize<'a>>(&self, kind: &str) -> Result<Vec<(usize, T)>, String> {
        let texts = self.0.get(kind).map_or(&[][..], Vec::as_slice);
        texts
            .iter()
            .enumerate()
            .map(|(nth, text)| {
                let value =
                    serde_json::from_str(text.get()).map_err(|error| format!("{kind} number {}: {error}", nth + 1))?;
                Ok((nth, value))
            })
            .collect()
    }

    /// Documents with their place among those of their kind, from 1; deleted ones have no amount and are left out.
    fn documents(&self, kind: &str) -> Result<Vec<(u64, Document<'a>)>, String> {
        let texts = self.0.get(kind).map_or(&[][..], Vec::as_slice);
        let there = texts.iter().zip(1_u64..).filter(|(text, _)| !text.get().contains("\"status\":\"Deleted\""));
        there
            .map(|(text, nth)| {
                let document =
                    serde_json::from_str(text.get()).map_err(|error| format!("{kind} number {nth}: {error}"))?;
                Ok((nth, document))
            })
            .collect()
    }
}

/// The digits of a number; nothing where there is none.
fn plain(value: Option<&RawValue>) -> String {
    value.map_or("0", |value| value.get().trim_matches('"')).to_owned()
}

fn is_nothing(amount: &str) -> bool {
    amount.bytes().all(|byte| byte == b'0' || byte == b'.')
}

/// The difference of two decimal texts, digit by digit; `None` for what is no amount of at most four decimals.
fn difference(total: &str, balance: &str) -> Option<String> {
    let scaled = |text: &str| {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
        let (units, decimals) = digits.split_once('.').unwrap_or((digits, ""));
        let fits = decimals.len() <= 4 && units.bytes().chain(decimals.bytes()).all(|byte| byte.is_ascii_digit());
        format!("{units}{decimals:0<4}").parse::<i64>().ok().filter(|_| fits).map(|scaled| sign * scaled)
    };
    let left = scaled(total)?.checked_sub(scaled(balance)?)?;
    let (sign, left) = (if left < 0 { "-" } else { "" }, left.unsigned_abs());
    let text = format!("{sign}{}.{:04}", left / 10_000, left % 10_000);
    Some(text.trim_end_matches('0').trim_end_matches('.').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_subtracted_digit_by_digit() {
        let of = |total, balance| difference(total, balance);
        assert_eq!(of("100.10", "0.3").as_deref(), Some("99.8"));
        assert_eq!(of("9007199254740.93", "0.01").as_deref(), Some("9007199254740.92"));
        assert_eq!(of("5", "5.00").as_deref(), Some("0"));
        assert_eq!([of("1e3", "0"), of("1", "0.00001")], [None, None]);
    }

    #[test]
    fn objects_are_found_wherever_they_are() {
        let text = r#"{"QueryResponse":{"Customer":[{"Id":"20","DisplayName":"Debtor 0020","CompanyName":"Debtor 0020 Ltd"}]}}
            {"QueryResponse":{"Invoice":[{"Id":"70","DocNumber":"1070","TxnDate":"2026-01-05","DueDate":"2026-02-04",
              "CustomerRef":{"value":"20"},"CurrencyRef":{"value":"USD"},"TotalAmt":100.10,"Balance":45.10}]}}
            [{"Payment":{"Id":"163","TxnDate":"2026-01-16","CustomerRef":{"value":"20"},"TotalAmt":65.0,"UnappliedAmt":10.0,
              "Line":[{"Amount":55.0,"LinkedTxn":[{"TxnId":"70","TxnType":"Invoice"}]}]}}]"#;
        let rows = rows(text).expect("rows");
        assert_eq!(rows.len(), 3);
        let cell = |row: usize, name: &str| {
            let at = rows[0].cells.iter().position(|column| column == name).expect("a column");
            rows[row].cells[at].clone()
        };
        assert_eq!(
            ["name", "number", "amount", "paid", "paid_on"].map(|name| cell(1, name)),
            ["Debtor 0020 Ltd", "1070", "100.10", "55", "2026-01-16",]
        );
        assert_eq!([cell(2, "number"), cell(2, "amount")], ["PMT 163", "-10.0"]);
    }

    #[test]
    fn a_wrong_object_is_named() {
        let wrong = r#"{"Invoice":[{"Id":"1","TxnDate":"2026-01-05","CustomerRef":{"value":"2"}}]}"#;
        assert!(rows(wrong).is_err_and(|why| why.starts_with("Invoice number 1: missing field `TotalAmt`")));
        assert!(rows("{").is_err());
    }
}
