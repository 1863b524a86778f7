//! What stands on an invoice and on a statement. Pure.

use chrono::NaiveDate;

use super::check::Facts;
use crate::{
    account::Account,
    ledger::{Aging, Figures, OpenItem, invoice::InvoiceDraft},
    message::{facts::address_lines, store::Issuer, template::grouped},
    money::{Currency, Money},
    paper::{Column, Content},
};

/// Names of the age buckets.
const BUCKETS: [&str; 6] =
    ["Not yet due", "1 to 30 days", "31 to 60 days", "61 to 90 days", "91 to 120 days", "Over 120 days"];

/// The paper of an invoice.
#[must_use]
pub(super) fn invoice(facts: &Facts, draft: &InvoiceDraft, instalments: &[(NaiveDate, i64)]) -> Content {
    let currency = facts.account.currency;
    let amount = |minor| plain(minor, currency);
    let net = draft.lines.iter().map(|line| line.net_minor).sum();
    let tax: i64 = draft.lines.iter().map(|line| line.tax_minor).sum();
    let mut told = vec![
        ("Invoice date".to_owned(), day(draft.issued_on)),
        ("Customer number".to_owned(), facts.account.number.clone()),
    ];
    let optional = [
        ("Your order", draft.po_number.clone().unwrap_or_default()),
        ("Your tax number", facts.tax_id.clone()),
        ("Our tax number", facts.issuer.tax_id.clone()),
        ("Terms", draft.terms.clone()),
    ];
    told.extend(
        optional.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name.to_owned(), value)),
    );
    let rows = draft.lines.iter().map(|line| {
        let tax = if line.tax_rate_bp == 0 { String::new() } else { rate(line.tax_rate_bp) };
        vec![line.description.clone(), quantity(line.quantity_milli), tax, amount(line.net_minor)]
    });
    let mut notes: Vec<String> = instalments
        .iter()
        .map(|(due_on, minor)| format!("Due on {}: {}", day(*due_on), grouped(&Money::new(*minor, currency))))
        .collect();
    notes.push(facts.issuer.bank.clone());
    Content {
        title: format!("Invoice {}", draft.number),
        from: letterhead(&facts.issuer),
        to: addressee(&facts.account),
        facts: told,
        columns: vec![
            column("What", 6, false),
            column("Quantity", 2, true),
            column("Tax", 1, true),
            column("Net", 2, true),
        ],
        rows: rows.collect(),
        sums: vec![
            ("Net".to_owned(), amount(net)),
            ("Tax".to_owned(), amount(tax)),
            (format!("Total {currency}"), amount(net + tax)),
        ],
        notes: notes.into_iter().filter(|note| !note.trim().is_empty()).collect(),
        on: draft.issued_on,
        language: "en".to_owned(),
    }
}

/// The paper of a statement.
#[must_use]
pub(super) fn statement(
    account: &Account,
    issuer: &Issuer,
    items: &[OpenItem],
    figures: Option<&Figures>,
    today: NaiveDate,
) -> Content {
    let currency = account.currency;
    let amount = |minor| plain(minor, currency);
    let rows = items.iter().map(|item| {
        let late = item.age(today);
        vec![
            item.invoice_number.clone(),
            item.po_number.clone().unwrap_or_default(),
            item.issued_on.to_string(),
            item.due_on.to_string(),
            if late > 0 { late.to_string() } else { String::new() },
            amount(item.amount.minor),
            amount(item.open.minor),
        ]
    });
    let aging = Aging::of(items, today);
    let open: i64 = aging.total();
    let unapplied = figures.map_or(0, |figures| figures.unapplied.minor);
    let disputed: i64 = items.iter().map(|item| item.disputed.minor).sum();
    let ages = BUCKETS
        .iter()
        .zip(aging.0)
        .filter(|(_, minor)| *minor != 0)
        .map(|(name, minor)| ((*name).to_owned(), amount(minor)));
    let mut sums: Vec<(String, String)> = ages.collect();
    sums.push(("Open invoices".to_owned(), amount(open)));
    if disputed != 0 {
        sums.push(("Of this in dispute".to_owned(), amount(disputed)));
    }
    if unapplied != 0 {
        sums.push(("Received and not yet applied".to_owned(), amount(-unapplied)));
    }
    sums.push((format!("Balance {currency}"), amount(open - unapplied)));
    Content {
        title: format!("Statement of account {}", account.number),
        from: letterhead(issuer),
        to: addressee(account),
        facts: vec![("As of".to_owned(), day(today)), ("Currency".to_owned(), currency.to_string())],
        columns: vec![
            column("Invoice", 4, false),
            column("Your order", 3, false),
            column("Date", 3, false),
            column("Due", 3, false),
            column("Days late", 2, true),
            column("Amount", 3, true),
            column("Open", 3, true),
        ],
        rows: rows.collect(),
        sums,
        notes: [issuer.bank.clone(), "Please tell us if anything in this does not agree with your books.".to_owned()]
            .into_iter()
            .filter(|note| !note.trim().is_empty())
            .collect(),
        on: today,
        language: "en".to_owned(),
    }
}

fn letterhead(issuer: &Issuer) -> Vec<String> {
    let lines =
        std::iter::once(issuer.name.as_str()).chain(issuer.address.lines()).chain([&*issuer.email, &*issuer.phone]);
    lines.filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
}

fn addressee(account: &Account) -> Vec<String> {
    std::iter::once(account.name.clone()).chain(address_lines(account)).collect()
}

fn column(head: &str, share: u16, figures: bool) -> Column {
    Column { head: head.to_owned(), share, figures }
}

/// An amount in a column whose currency is said elsewhere.
fn plain(minor: i64, currency: Currency) -> String {
    let text = grouped(&Money::new(minor, currency));
    text.rsplit_once(' ').map_or(text.clone(), |(amount, _)| amount.to_owned())
}

fn day(day: NaiveDate) -> String {
    day.format("%-d %B %Y").to_string()
}

/// `1.5`, `12`
fn quantity(milli: i64) -> String {
    let text = format!("{}.{:03}", milli / 1000, milli % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `7.25 %`
fn rate(bp: i32) -> String {
    let text = format!("{}.{:02}", bp / 100, bp % 100);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}
