//! What every template may speak of. `docs/LETTERS.md` lists the names for those who write templates.

use chrono::NaiveDate;
use serde_json::{Map, Value, json};
use sqlx::PgConnection;

use super::store::{self, Reader};
use crate::{
    account::{self, Account},
    error::Result,
    ids::AccountId,
    ledger::{self, OpenItem},
    money::Money,
};

/// The facts of an account as its letters know them at `today`.
///
/// # Errors
/// If Postgres is not available.
pub async fn of(
    conn: &mut PgConnection,
    account: AccountId,
    reader: &Reader,
    today: NaiveDate,
) -> Result<Map<String, Value>> {
    let row = account::store::get(&mut *conn, account).await?;
    let items = ledger::store::open_items(conn, account).await?;
    let figures = ledger::store::figures(conn, account).await?;
    let issuer = store::issuer(conn, &row.portfolio).await?;
    let zero = Money::new(0, row.currency);
    let overdue: Vec<Value> = items.iter().filter(|item| item.due_on < today).map(|one| item(one, today)).collect();
    let overdue_minor = items.iter().filter(|item| item.due_on < today).map(|item| item.open.minor).sum();
    let facts = json!({
        "today": today,
        "house": issuer,
        "account": {
            "number": row.number,
            "name": row.name,
            "portfolio": row.portfolio,
            "currency": row.currency,
            "language": row.language,
            "terms": row.terms,
            "address": address_lines(&row),
        },
        "contact": { "name": reader.person, "role": reader.role, "address": reader.address },
        "figures": {
            "open": figures.as_ref().map_or(zero, |figures| figures.open),
            "unapplied": figures.as_ref().map_or(zero, |figures| figures.unapplied),
            "disputed": figures.as_ref().map_or(zero, |figures| figures.disputed),
            "collectible": figures.as_ref().map_or(zero, |figures| figures.collectible),
            "overdue": Money::new(overdue_minor, row.currency),
        },
        "items": items.iter().map(|one| item(one, today)).collect::<Vec<_>>(),
        "overdue": overdue,
    });
    match facts {
        Value::Object(facts) => Ok(facts),
        _ => Ok(Map::new()),
    }
}

/// An open item as a template knows it.
#[must_use]
pub fn item(item: &OpenItem, today: NaiveDate) -> Value {
    json!({
        "invoice": item.invoice_number,
        "seq": item.seq,
        "issued_on": item.issued_on,
        "due_on": item.due_on,
        "po_number": item.po_number,
        "amount": item.amount,
        "open": item.open,
        "disputed": item.disputed,
        "days_late": item.age(today).max(0),
    })
}

/// Street, postal code and city, region, country: those that are known.
#[must_use]
pub fn address_lines(account: &Account) -> Vec<String> {
    let city =
        [account.postal_code.as_deref(), account.city.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let known = |line: &Option<String>| line.clone().unwrap_or_default();
    let lines = [known(&account.address_line), city, known(&account.region), known(&account.country)];
    lines.into_iter().filter(|line| !line.trim().is_empty()).collect()
}
