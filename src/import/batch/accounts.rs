//! The accounts of a batch. The first row of a file about an account is the one that is believed.

use std::collections::{HashMap, HashSet};

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Scope, line};
use crate::{
    account,
    error::Result,
    ids::AccountId,
    import::{
        record::Record,
        store::accounts::{self, AccountRow, ContactRow, Known, PointRow},
    },
    money::Currency,
    phone::zones::{self, Place},
};

/// An account after its rows were looked at.
pub struct Taken {
    /// Its id.
    pub id: Uuid,
    /// Its currency.
    pub currency: Currency,
    /// It was not known.
    pub new: bool,
    /// It, its contact or its points are not as they were.
    pub changed: bool,
    /// The line that was believed; 0 where that was in an earlier batch.
    pub first_line: i64,
}

/// What is to be written for the accounts of a batch.
#[derive(Default)]
struct Rows<'a> {
    inserted: Vec<AccountRow<'a>>,
    updated: Vec<AccountRow<'a>>,
    moved: Vec<Uuid>,
    contacts: Vec<ContactRow<'a>>,
    renamed: Vec<ContactRow<'a>>,
    points: Vec<PointRow<'a>>,
}

/// Adds and updates the accounts that `records` are about, from the rows in `firsts`.
pub async fn take_in(
    conn: &mut PgConnection,
    scope: Scope<'_>,
    records: &[Record],
    firsts: &HashSet<i64>,
) -> Result<HashMap<String, Taken>> {
    let mut numbers: Vec<String> = records.iter().map(|record| record.account.number.clone()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let known = accounts::known(conn, scope.portfolio, &numbers).await?;
    let mut taken = HashMap::with_capacity(numbers.len());
    let mut rows = Rows::default();
    for record in records {
        let number = &record.account.number;
        if taken.contains_key(number) {
            continue;
        }
        let known = known.get(number);
        let first = firsts.contains(&line(record));
        let mut account = Taken {
            id: known.map_or_else(Uuid::now_v7, |known| known.id),
            currency: known.map_or(record.account.currency, |known| known.facts.currency),
            new: known.is_none(),
            changed: false,
            first_line: if first { line(record) } else { 0 },
        };
        match known {
            None => add(&mut rows, account.id, record),
            Some(known) if first && known.facts.currency == record.account.currency => {
                account.changed = differ(&mut rows, known, record);
            }
            Some(_) => {}
        }
        taken.insert(number.clone(), account);
    }
    write(conn, scope, &rows).await?;
    Ok(taken)
}

fn add<'a>(rows: &mut Rows<'a>, account: Uuid, record: &'a Record) {
    rows.inserted.push(AccountRow { id: account, facts: &record.account });
    let contact = Uuid::now_v7();
    let (name, role) = (&record.contact.name, &record.contact.role);
    rows.contacts.push(ContactRow { id: contact, account, person: Uuid::now_v7(), name, role });
    rows.points.extend(points(account, contact, record, None));
}

/// Collects what differs; says whether anything does.
fn differ<'a>(rows: &mut Rows<'a>, known: &Known, record: &'a Record) -> bool {
    let facts = record.account != known.facts;
    if facts {
        rows.updated.push(AccountRow { id: known.id, facts: &record.account });
        rows.moved.push(known.id);
    }
    let (name, role) = (record.contact.name.as_str(), record.contact.role.as_str());
    let row = |id, person| ContactRow { id, account: known.id, person, name, role };
    let contact = if let Some(contact) = &known.contact {
        if (contact.name.as_str(), contact.role.as_str()) != (name, role) {
            rows.renamed.push(row(contact.id, contact.person));
        }
        contact.id
    } else {
        let id = Uuid::now_v7();
        rows.contacts.push(row(id, Uuid::now_v7()));
        id
    };
    let renamed = known.contact.as_ref().is_none_or(|contact| contact.name != name || contact.role != role);
    let before = rows.points.len();
    rows.points.extend(points(known.id, contact, record, Some(known)));
    facts || renamed || rows.points.len() > before
}

/// The points of a record that are not known yet.
fn points<'a>(account: Uuid, contact: Uuid, record: &'a Record, known: Option<&Known>) -> Vec<PointRow<'a>> {
    let is_new = |kind: &str, value: &str| {
        known.is_none_or(|known| {
            known.points.iter().all(|point| (point.kind.as_str(), point.value.as_str()) != (kind, value))
        })
    };
    let facts = &record.account;
    let place = Place {
        country: facts.country.as_deref(),
        region: facts.region.as_deref(),
        postal: facts.postal_code.as_deref(),
        stated: facts.zone.as_deref().and_then(|zone| zone.parse().ok()),
    };
    let phones = record.contact.phones.iter().filter(|(phone, _)| is_new("phone", phone.as_str()));
    let phones = phones.map(|(phone, label)| ("phone", phone.as_str(), label.as_str(), Some(phone)));
    let email = record.contact.email.as_deref().filter(|email| is_new("email", email));
    let all = phones.chain(email.map(|email| ("email", email, "work", None)));
    all.zip(0..)
        .map(|((kind, value, label, phone), position)| PointRow {
            id: Uuid::now_v7(),
            contact,
            account,
            kind,
            value,
            label,
            country: phone.and_then(crate::phone::Phone::country),
            zones: phone
                .map(|phone| zones::of_point(phone, place))
                .unwrap_or_default()
                .iter()
                .map(|zone| zone.name())
                .collect(),
            position,
        })
        .collect()
}

async fn write(conn: &mut PgConnection, scope: Scope<'_>, rows: &Rows<'_>) -> Result<()> {
    if !rows.inserted.is_empty() {
        accounts::insert(conn, scope.portfolio, &rows.inserted, scope.now).await?;
    }
    if !rows.updated.is_empty() {
        accounts::update(conn, &rows.updated, scope.now).await?;
    }
    if !rows.contacts.is_empty() {
        accounts::insert_contacts(conn, &rows.contacts, scope.now).await?;
    }
    if !rows.renamed.is_empty() {
        accounts::update_contacts(conn, &rows.renamed).await?;
    }
    if !rows.points.is_empty() {
        accounts::insert_points(conn, &rows.points, scope.now).await?;
    }
    for id in &rows.moved {
        let moved = account::store::get(conn, AccountId(*id)).await?;
        account::store::rezone(conn, &moved).await?;
    }
    Ok(())
}
