//! `QuickBooks Online` objects as rows: customers, invoices, payments and credit memos in any order, as a query response, a list, or
//! one object a line. Amounts are read from their digits and never pass through a binary fraction.
//!
//! What is paid of an invoice is its total less its balance; the day is that of the last payment in the file that is linked
//! to it, else the day it was changed last. What a credit memo was applied to is no cash: a payment of 0 links the two, and the
//! invoice comes in lowered by it. What is left of a payment or credit memo is an item below 0, or of 0 once it is used up.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
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

/// The place of a column of the rows.
pub fn column(name: &str) -> Option<usize> {
    COLUMNS.iter().position(|column| *column == name)
}

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
    #[serde(borrow, default)]
    line: Vec<Line<'a>>,
    linked_txn: Option<Vec<Linked>>,
    meta_data: Option<MetaData>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Line<'a> {
    #[serde(borrow)]
    amount: Option<&'a RawValue>,
    #[serde(default)]
    linked_txn: Vec<Linked>,
}

/// Another object that a line, or all of an object, belongs to.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Linked {
    pub(crate) txn_id: String,
    txn_type: String,
}

impl Linked {
    pub(crate) fn is_invoice(&self) -> bool {
        self.txn_type == "Invoice"
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MetaData {
    last_updated_time: Option<String>,
}

/// The objects of a file by kind, each as its text.
#[derive(Default)]
pub(crate) struct Objects<'a>(BTreeMap<String, Vec<&'a RawValue>>);

/// What a live connection knows beside the objects; of a file, nothing. Both go by kind and id, such as `Payment 163`.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// What was recorded here first, and is in the ledger already.
    pub ours: HashSet<String>,
    /// Numbers of items where they are not what the object says.
    pub numbers: HashMap<String, String>,
}

impl Rows {
    /// Reads the whole file.
    pub fn open(file: File) -> Result<Self, String> {
        let mut text = String::new();
        file.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
        if text.len() as u64 > MOST_BYTES {
            return Err(format!("more than {} MiB: split it", MOST_BYTES >> 20));
        }
        Self::of(&text, &Beside::default())
    }

    /// Reads objects.
    pub fn of(text: &str, beside: &Beside) -> Result<Self, String> {
        let rows = rows(text, beside)?;
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

/// The header, and a row for each document; its line is its place among them, from 1.
fn rows(text: &str, beside: &Beside) -> Result<Vec<RawRow>, String> {
    let objects = Objects::of(text)?;
    let customers: HashMap<String, Customer> =
        objects.read::<Customer>("Customer")?.into_iter().map(|customer| (customer.id.clone(), customer)).collect();
    let (invoices, payments, credits) =
        (objects.documents("Invoice")?, objects.documents("Payment")?, objects.documents("CreditMemo")?);
    let links = links(&payments, beside);
    let mut header: Vec<String> = COLUMNS.map(str::to_owned).to_vec();
    header.push("paid".to_owned());
    let mut rows = vec![RawRow { line: 0, cells: header, fault: None }];
    rows.extend(invoices.iter().map(|invoice| invoice_row(invoice, &customers, &links, beside)));
    let left = payments.iter().map(|one| ("Payment", "PMT", one, one.unapplied_amt));
    let left = left.chain(credits.iter().map(|one| ("CreditMemo", "CM", one, one.remaining_credit.or(one.balance))));
    for (kind, prefix, one, amount) in left.filter(|(kind, _, one, _)| !beside.ours.contains(&one.key(kind))) {
        let amount = plain(amount);
        let amount = if is_nothing(&amount) { "0".to_owned() } else { format!("-{amount}") };
        let number = format!("{prefix} {}", one.doc_number.as_deref().unwrap_or(&one.id));
        let number = beside.numbers.get(&one.key(kind)).cloned().unwrap_or(number);
        rows.push(item(one, &customers, number, amount, "", ""));
    }
    for (row, line) in rows.iter_mut().zip(0..) {
        row.line = line;
    }
    Ok(rows)
}

/// A payment's part for one invoice.
struct Link<'a> {
    payment: &'a str,
    on: &'a str,
    /// Ten-thousandths.
    amount: i64,
    origin: Origin,
}

/// Where what a payment brings comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// The debtor.
    Cash,
    /// A credit memo: the payment itself is one of 0.
    Credit,
    /// Here: the ledger has it already.
    Ours,
}

/// The parts of all payments, by invoice.
fn links<'a>(payments: &'a [Document<'_>], beside: &Beside) -> HashMap<&'a str, Vec<Link<'a>>> {
    let mut links: HashMap<&str, Vec<Link<'_>>> = HashMap::new();
    for payment in payments {
        let origin = match () {
            () if beside.ours.contains(&payment.key("Payment")) => Origin::Ours,
            () if is_nothing(&plain(Some(payment.total_amt))) => Origin::Credit,
            () => Origin::Cash,
        };
        for line in &payment.line {
            let amount = scaled(&plain(line.amount)).unwrap_or(0);
            for to in line.linked_txn.iter().filter(|to| to.is_invoice()) {
                let link = Link { payment: &payment.id, on: &payment.txn_date, amount, origin };
                links.entry(&to.txn_id).or_default().push(link);
            }
        }
    }
    links
}

fn invoice_row(
    invoice: &Document<'_>,
    customers: &HashMap<String, Customer>,
    links: &HashMap<&str, Vec<Link<'_>>>,
    beside: &Beside,
) -> RawRow {
    let number = invoice.doc_number.clone().unwrap_or_else(|| format!("INV {}", invoice.id));
    let number = beside.numbers.get(&invoice.key("Invoice")).cloned().unwrap_or(number);
    let amounts = scaled(&plain(Some(invoice.total_amt))).zip(scaled(&plain(invoice.balance)));
    let Some((total, balance)) = amounts else {
        let mut row = item(invoice, customers, number, String::new(), "", "");
        row.fault = Some("TotalAmt or Balance is no amount".to_owned());
        return row;
    };
    // The invoice says which payments its balance takes account of; where it does not, all of them.
    let counts = |link: &&Link<'_>| {
        invoice.linked_txn.as_ref().is_none_or(|all| all.iter().any(|one| one.txn_id == link.payment))
    };
    let links: Vec<&Link<'_>> = links.get(invoice.id.as_str()).into_iter().flatten().filter(counts).collect();
    let from = |origin| links.iter().filter(|link| link.origin == origin).map(|link| link.amount).sum::<i64>();
    let (credited, ours) = (from(Origin::Credit), from(Origin::Ours));
    let mut paid = total.saturating_sub(balance).saturating_sub(credited).saturating_sub(ours);
    if ours != 0 {
        paid = paid.max(0);
    }
    let last = links.iter().filter(|link| link.origin == Origin::Cash).map(|link| link.on).max();
    let changed = invoice.meta_data.as_ref().and_then(|data| data.last_updated_time.as_deref());
    let on = last.or_else(|| changed.and_then(|at| at.get(..10))).filter(|_| paid != 0);
    let paid = on.map(|_| written(paid)).unwrap_or_default();
    let amount = if credited == 0 { plain(Some(invoice.total_amt)) } else { written(total.saturating_sub(credited)) };
    item(invoice, customers, number, amount, on.unwrap_or_default(), &paid)
}

fn item(
    document: &Document<'_>,
    customers: &HashMap<String, Customer>,
    number: String,
    amount: String,
    paid_on: &str,
    paid: &str,
) -> RawRow {
    let customer = customers.get(&document.customer_ref.value);
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

impl Document<'_> {
    /// Kind and id, as [`Beside`] has them.
    fn key(&self, kind: &str) -> String {
        format!("{kind} {}", self.id)
    }
}

impl<'a> Objects<'a> {
    /// The objects in a text.
    pub fn of(text: &'a str) -> Result<Self, String> {
        let mut objects = Self::default();
        for value in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
            objects.collect(value.map_err(|error| error.to_string())?, None);
        }
        Ok(objects)
    }

    /// The texts of all objects of a kind.
    pub fn texts(&self, kind: &str) -> &[&'a RawValue] {
        self.0.get(kind).map_or(&[], Vec::as_slice)
    }

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

    fn read<T: Deserialize<'a>>(&self, kind: &str) -> Result<Vec<T>, String> {
        let read = |(nth, text): (usize, &&'a RawValue)| {
            serde_json::from_str(text.get()).map_err(|error| format!("{kind} number {nth}: {error}"))
        };
        let there = (1..).zip(self.texts(kind)).filter(|(_, text)| !is_deleted(text));
        there.map(read).collect()
    }

    /// The documents of a kind.
    fn documents(&self, kind: &str) -> Result<Vec<Document<'a>>, String> {
        self.read(kind)
    }
}

/// A deleted object is nothing but its id.
fn is_deleted(text: &RawValue) -> bool {
    text.get().contains("\"status\":\"Deleted\"")
}

/// The digits of a number; nothing where there is none.
fn plain(value: Option<&RawValue>) -> String {
    value.map_or("0", |value| value.get().trim_matches('"')).to_owned()
}

fn is_nothing(amount: &str) -> bool {
    amount.bytes().all(|byte| byte == b'0' || byte == b'.')
}

/// Ten-thousandths of a decimal text; `None` for what is no amount of at most four decimals.
fn scaled(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (units, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let fits = decimals.len() <= 4 && units.bytes().chain(decimals.bytes()).all(|byte| byte.is_ascii_digit());
    format!("{units}{decimals:0<4}").parse::<i64>().ok().filter(|_| fits).map(|scaled| sign * scaled)
}

/// The decimal text of ten-thousandths.
fn written(scaled: i64) -> String {
    let (sign, digits) = (if scaled < 0 { "-" } else { "" }, scaled.unsigned_abs());
    let text = format!("{sign}{}.{:04}", digits / 10_000, digits % 10_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests;
