//! A batch of rows against the database: what is known, what differs, and the changes, in one transaction.

mod accounts;
pub mod missing;
mod silence;

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

pub use self::silence::Silence;
use super::{
    mapping::RowKind,
    plan::{Contest, Known, Plan, plan},
    record::{Item, Record, Rejection},
    source::RawRow,
    store::{
        self, Key,
        items::{
            self, Changes, DisputeRow, Found, InstalmentRow, InvoiceRow, PaymentRow, PostingRow, PromiseRow, TakenBack,
            Wanted,
        },
    },
};
use crate::{
    cash,
    error::Result,
    ids::AccountId,
    ledger,
    outgoing::{self, Event, Kind},
    period, promise,
};

/// What is the same for all batches of a file.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// Id of the import.
    pub import: Uuid,
    /// Portfolio.
    pub portfolio: &'a str,
    /// What a row is.
    pub row: RowKind,
    /// The portfolio's day.
    pub as_of: NaiveDate,
    /// When the rows are recorded.
    pub now: DateTime<Utc>,
    /// What the file does not speak of.
    pub silence: &'a Silence,
    /// The column with the agents' logins; empty: none.
    pub owner_column: &'a str,
}

/// What became of the rows of a batch.
#[derive(Debug, Default)]
pub struct Written {
    /// Rows about something new.
    pub new: u64,
    /// Rows that changed something.
    pub changed: u64,
    /// Rows that agree with what is known.
    pub same: u64,
    /// Rows that were refused here.
    pub rejected: Vec<(RawRow, Rejection)>,
    /// Accounts that the file had not spoken about before.
    pub accounts: u64,
    /// Accounts that were added or changed in any way.
    pub touched: Vec<AccountId>,
}

/// Takes the records in.
///
/// # Errors
/// If Postgres is not available.
pub async fn write(conn: &mut PgConnection, scope: Scope<'_>, records: Vec<Record>) -> Result<Written> {
    let mut written = Written::default();
    store::lock_portfolio(conn, scope.portfolio).await?;
    let locked = period::locked_through(conn, scope.portfolio).await?;
    let records = without_unknown_owner(conn, scope, records, &mut written).await?;
    let fresh = store::mark_seen(conn, scope.import, &keys(scope.row, &records)).await?;
    let mut records = without_repeated(conn, scope, records, &fresh, &mut written).await?;
    let firsts: HashSet<i64> = fresh.iter().filter(|(_, seq)| *seq == 0).map(|(line, _)| *line).collect();
    let accounts = accounts::take_in(conn, scope, &mut records, &firsts).await?;
    written.accounts = firsts.len() as u64;
    let records = without_other_currency(records, &accounts, &mut written);

    let found = find_items(conn, &records, &accounts).await?;
    let mut changes = Changes::default();
    let mut invoices: HashMap<(Uuid, &str, &str), Uuid> = HashMap::new();
    let mut touched: HashSet<AccountId> = accounts
        .values()
        .filter(|taken| taken.new || !taken.changed.is_empty())
        .map(|taken| AccountId(taken.id))
        .collect();
    let mut found = found.into_iter();
    for record in &records {
        let Some(taken) = accounts.get(&record.account.number) else { continue };
        let mut new = scope.row == RowKind::Customer && taken.new;
        let mut differs = taken.changed.contains(&line(record));
        let planned: Vec<_> = record
            .items
            .iter()
            .zip(found.by_ref())
            .map(|(item, found)| {
                let plan = plan(found.known.as_ref(), item, scope.as_of);
                (item, found, plan)
            })
            .collect();
        let posted = planned.iter().filter_map(|(item, _, plan)| plan.first_posting(item.issued_on, scope.as_of)).min();
        if let Some((day, through)) = posted.zip(locked).filter(|(day, through)| day <= through) {
            let rejection = Rejection { column: String::new(), reason: period::closed(day, through) };
            written.rejected.push((record.raw.clone(), rejection));
            continue;
        }
        for (item, found, plan) in planned {
            new |= plan.new && scope.row == RowKind::Invoice;
            differs |= !plan.is_empty();
            if !plan.is_empty() {
                touched.insert(AccountId(taken.id));
                let target = Target { account: taken.id, currency: taken.currency.as_str(), item };
                apply(&mut changes, &mut invoices, scope.as_of, target, &found, &plan);
            }
        }
        changes.promises.extend(promise_row(record, taken.id));
        *(if new {
            &mut written.new
        } else if differs {
            &mut written.changed
        } else {
            &mut written.same
        }) += 1;
    }
    written.touched = follow(conn, scope, &changes, touched).await?;
    Ok(written)
}

/// Writes the changes, and brings what hangs on them up to date; gives the accounts that were touched before, and by them.
async fn follow(
    conn: &mut PgConnection,
    scope: Scope<'_>,
    changes: &Changes,
    mut touched: HashSet<AccountId>,
) -> Result<Vec<AccountId>> {
    let items::Written { promised, taken_back } = items::write(conn, changes, scope.as_of, scope.now).await?;
    touched.extend(promised.into_iter().map(AccountId));
    let mut touched: Vec<AccountId> = touched.into_iter().collect();
    touched.sort_unstable();
    ledger::store::refresh_standing(conn, &touched, scope.now).await?;
    if changes.take_back() {
        cash::store::taken_back::follow_taken_back(conn, &touched, None, scope.now).await?;
    }
    promise::settle_all(conn, &touched, scope.as_of, scope.now).await?;
    outgoing::tell_changed(conn, &touched, scope.now).await?;
    let gone = taken_back.iter().map(|row| reversed(row, scope.as_of));
    let paid: Vec<Event> = gone.chain(changes.pay.iter().map(received)).collect();
    outgoing::tell_all(conn, &paid, scope.now).await?;
    Ok(touched)
}

fn line(record: &Record) -> i64 {
    i64::try_from(record.raw.line).unwrap_or(i64::MAX)
}

/// What the rows are about: each its account, and where a row is an invoice, its instalment.
fn keys(row: RowKind, records: &[Record]) -> Vec<Key<'_>> {
    let account = |record: &Record| line(record);
    records
        .iter()
        .flat_map(|record| {
            let number = record.account.number.as_str();
            let whole = Key { account: number, invoice: Cow::Borrowed(""), seq: 0, line: account(record) };
            let items = record.items.iter().filter(move |_| row == RowKind::Invoice).map(move |item| Key {
                account: number,
                invoice: item.name(),
                seq: item.seq,
                line: line(record),
            });
            std::iter::once(whole).chain(items)
        })
        .collect()
}

/// Refuses rows that name somebody as the owner who is no agent here.
async fn without_unknown_owner(
    conn: &mut PgConnection,
    scope: Scope<'_>,
    records: Vec<Record>,
    written: &mut Written,
) -> Result<Vec<Record>> {
    let mut logins: Vec<String> = records.iter().filter_map(|record| record.account.owner.clone()).collect();
    if logins.is_empty() {
        return Ok(records);
    }
    logins.sort_unstable();
    logins.dedup();
    let agents: HashSet<String> = store::accounts::agents(conn, &logins).await?.into_iter().collect();
    let mut kept = Vec::with_capacity(records.len());
    for record in records {
        if record.account.owner.as_ref().is_none_or(|login| agents.contains(login)) {
            kept.push(record);
        } else {
            let rejection =
                Rejection { column: scope.owner_column.to_owned(), reason: "no agent has this login".to_owned() };
            written.rejected.push((record.raw, rejection));
        }
    }
    Ok(kept)
}

/// Refuses rows about something that an earlier row of the file was about.
async fn without_repeated(
    conn: &mut PgConnection,
    scope: Scope<'_>,
    records: Vec<Record>,
    fresh: &HashSet<(i64, i16)>,
    written: &mut Written,
) -> Result<Vec<Record>> {
    let mut kept = Vec::with_capacity(records.len());
    for record in records {
        let item = record.items.first().filter(|_| scope.row == RowKind::Invoice);
        let (invoice, seq) = item.map_or((Cow::Borrowed(""), 0), |item| (item.name(), item.seq));
        let key = Key { account: &record.account.number, invoice, seq, line: line(&record) };
        if fresh.contains(&(key.line, seq)) {
            kept.push(record);
            continue;
        }
        let first = store::first_line(conn, scope.import, &key).await?.unwrap_or_default();
        let what = if seq == 0 { "account" } else { "invoice and instalment" };
        let reason = format!("the same {what} is on line {first} already");
        written.rejected.push((record.raw, Rejection { column: String::new(), reason }));
    }
    Ok(kept)
}

/// Refuses rows in another currency than their account's.
fn without_other_currency(
    records: Vec<Record>,
    accounts: &HashMap<String, accounts::Taken>,
    written: &mut Written,
) -> Vec<Record> {
    let mut kept = Vec::with_capacity(records.len());
    for record in records {
        match accounts.get(&record.account.number) {
            Some(taken) if taken.currency != record.account.currency => {
                let reason = format!("the account is in {}: give each currency an account of its own", taken.currency);
                written.rejected.push((record.raw, Rejection { column: String::new(), reason }));
            }
            _ => kept.push(record),
        }
    }
    kept
}

/// The items of all records, in their order, with what is known about each.
async fn find_items(
    conn: &mut PgConnection,
    records: &[Record],
    accounts: &HashMap<String, accounts::Taken>,
) -> Result<Vec<Found>> {
    let wanted: Vec<Wanted<'_>> = records
        .iter()
        .flat_map(|record| {
            let account = accounts.get(&record.account.number).map_or(Uuid::nil(), |taken| taken.id);
            record.items.iter().map(move |item| (account, item))
        })
        .enumerate()
        .map(|(nth, (account, item))| Wanted {
            nth,
            account,
            number: &item.number,
            series: &item.series,
            issued_on: item.issued_on,
            seq: item.seq,
        })
        .collect();
    let mut found = store::items::known(conn, &wanted).await?;
    found.sort_unstable_by_key(|found| found.nth);
    Ok(found)
}

/// The item that a plan is about.
#[derive(Clone, Copy)]
struct Target<'a> {
    account: Uuid,
    currency: &'a str,
    item: &'a Item,
}

/// Adds what `plan` says to the batch's changes. `invoices` are those that this batch adds.
fn apply<'a>(
    changes: &mut Changes,
    invoices: &mut HashMap<(Uuid, &'a str, &'a str), Uuid>,
    as_of: NaiveDate,
    target: Target<'a>,
    found: &Found,
    plan: &Plan,
) {
    let Target { account, currency, item } = target;
    let head = |id| InvoiceRow {
        id,
        account,
        number: item.number.clone(),
        series: item.series.clone(),
        issued_on: item.issued_on,
        currency: currency.to_owned(),
        po_number: item.po_number.clone(),
    };
    let invoice = found.invoice.unwrap_or_else(|| {
        *invoices.entry((account, &item.series, &item.number)).or_insert_with(|| {
            let id = Uuid::now_v7();
            changes.invoices.push(head(id));
            id
        })
    });
    let known = found.known.as_ref();
    let instalment = known.map_or_else(Uuid::now_v7, |known| known.instalment);
    let part = || InstalmentRow { id: instalment, invoice, account, seq: item.seq, due_on: item.due_on };
    changes.instalments.extend(plan.new.then(part));
    changes.headers.extend(plan.header.then(|| head(invoice)));
    changes.due.extend(plan.due.then(part));
    changes.unpost.extend(plan.unpost);
    changes.unpay.extend(plan.unpay);
    changes.unapply.extend(plan.unapply);
    changes.post.extend(plan.post.map(|minor| PostingRow {
        account,
        instalment,
        kind: if minor < 0 { "credit_note" } else { "invoice" },
        minor,
        currency: currency.to_owned(),
        on: posted_on(known, item, as_of),
    }));
    changes.pay.extend(plan.pay.map(|pay| PaymentRow {
        id: Uuid::now_v7(),
        account,
        instalment,
        minor: pay.minor,
        applied_minor: pay.applied_minor,
        currency: currency.to_owned(),
        on: pay.on,
        reference: item.number.clone(),
    }));
    let dispute = |id, minor| {
        let reason = item.disputed.clone().unwrap_or_default().reason;
        DisputeRow { id, account, instalment, reason, minor }
    };
    match plan.dispute {
        Some(Contest::Open(minor)) => changes.disputes.push(dispute(Uuid::now_v7(), minor)),
        Some(Contest::Resize(id, minor)) => changes.resized.push(dispute(id, minor)),
        Some(Contest::End(id)) => changes.ended.push(id),
        None => {}
    }
}

/// A new item counts from its invoice date, a correction from the day of the file that brings it.
fn posted_on(known: Option<&Known>, item: &Item, as_of: NaiveDate) -> NaiveDate {
    if known.is_some() { as_of } else { item.issued_on }
}

/// What is told of a payment that a file brought.
fn received(row: &PaymentRow) -> Event {
    let amount = json!({ "minor": row.minor, "currency": row.currency });
    let data = json!({ "payment": row.id, "amount": amount, "received_on": row.on });
    Event { kind: Kind::Payment, what: "received", account: AccountId(row.account), data }
}

/// What is told of a payment that a file changed or no longer has.
fn reversed(row: &TakenBack, on: NaiveDate) -> Event {
    let data = json!({ "payment": row.payment, "business_date": on, "returned": false });
    Event { kind: Kind::Payment, what: "reversed", account: AccountId(row.account), data }
}

fn promise_row(record: &Record, account: Uuid) -> Option<PromiseRow> {
    record.promise.as_ref().map(|promise| PromiseRow {
        id: Uuid::now_v7(),
        account,
        currency: record.account.currency.to_string(),
        minor: promise.minor,
        taken_at: promise.taken_on.and_time(NaiveTime::MIN).and_utc(),
        due_on: promise.due_on,
        status: promise.status.clone(),
    })
}
