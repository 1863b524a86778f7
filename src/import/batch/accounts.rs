//! The accounts of a batch. The first row of a file about an account is the one that is believed; whom to talk to, and how,
//! comes from all of its rows.

mod contacts;

use std::collections::{HashMap, HashSet};

use sqlx::PgConnection;
use uuid::Uuid;

use self::contacts::Contacts;
use super::{Scope, line};
use crate::{
    error::Result,
    import::{
        record::{AccountFacts, Record},
        store::accounts::{self, AccountRow, ContactRow, Known, PointRow, ZonesRow},
    },
    money::Currency,
};

/// An account after its rows were looked at.
pub struct Taken {
    /// Its id.
    pub id: Uuid,
    /// Its currency.
    pub currency: Currency,
    /// It was not known.
    pub new: bool,
    /// The lines by which it, a contact or a point is not as it was.
    pub changed: Vec<i64>,
}

/// What is to be written for the accounts of a batch.
#[derive(Default)]
struct Rows<'a> {
    inserted: Vec<AccountRow<'a>>,
    updated: Vec<AccountRow<'a>>,
    moved: Vec<ZonesRow>,
    contacts: Vec<ContactRow<'a>>,
    renamed: Vec<ContactRow<'a>>,
    points: Vec<PointRow<'a>>,
}

/// Adds and updates the accounts that `records` are about, from the rows in `firsts`, and their contacts from all rows.
pub async fn take_in(
    conn: &mut PgConnection,
    scope: Scope<'_>,
    records: &mut [Record],
    firsts: &HashSet<i64>,
) -> Result<HashMap<String, Taken>> {
    let mut numbers: Vec<String> = records.iter().map(|record| record.account.number.clone()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let known = accounts::known(conn, scope.portfolio, &numbers).await?;
    for record in &mut *records {
        if let Some(known) = known.get(&record.account.number) {
            scope.silence.keep(record, known, firsts.contains(&line(record)));
        }
    }
    let mut taken: HashMap<&str, (Taken, Contacts<'_>, &AccountFacts)> = HashMap::with_capacity(numbers.len());
    let mut rows = Rows::default();
    for record in &*records {
        let number = record.account.number.as_str();
        let known = known.get(number);
        let (account, contacts, believed) = taken.entry(number).or_insert_with(|| {
            let found = found(known, record);
            if found.new {
                rows.inserted.push(AccountRow { id: found.id, facts: &record.account });
            }
            (found, Contacts::of(known), known.map_or(&record.account, |known| &known.facts))
        });
        if account.currency != record.account.currency {
            continue;
        }
        let first = firsts.contains(&line(record));
        let mut differs = false;
        if let Some(known) = known.filter(|_| first) {
            *believed = &record.account;
            if known.facts != record.account {
                rows.updated.push(AccountRow { id: known.id, facts: &record.account });
                differs = true;
            }
            let moved = contacts::moved(&known.points, believed);
            differs |= !moved.is_empty();
            rows.moved.extend(moved);
        }
        differs |= contacts.meet(&mut rows, account.id, record, believed, first);
        if differs && !account.new {
            account.changed.push(line(record));
        }
    }
    write(conn, scope, &rows).await?;
    Ok(taken.into_iter().map(|(number, (account, ..))| (number.to_owned(), account)).collect())
}

fn found(known: Option<&Known>, record: &Record) -> Taken {
    Taken {
        id: known.map_or_else(Uuid::now_v7, |known| known.id),
        currency: known.map_or(record.account.currency, |known| known.facts.currency),
        new: known.is_none(),
        changed: Vec::new(),
    }
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
    if !rows.moved.is_empty() {
        accounts::rezone(conn, &rows.moved).await?;
    }
    Ok(())
}
