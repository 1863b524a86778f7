//! Promises to pay: taken on a call, kept or broken by what is paid.

pub mod day_roll;
pub mod evaluate;
mod store;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use crate::{
    app::App,
    business_day::BusinessDays,
    campaign::Limits,
    disposition::PromiseTaken,
    error::Result,
    ids::{AccountId, CallId, InstalmentId, PromiseId, UserId},
    ledger::{self, OpenItem},
    lifecycle::Lifecycle,
    money::Currency,
    outbox::{self, Effect},
    worker,
};

/// A promise to write; its amount, date and items have been checked.
pub(crate) struct NewPromise<'a> {
    /// Who promised.
    pub account: AccountId,
    /// On which call.
    pub call: CallId,
    /// Who took it.
    pub by: UserId,
    /// The account's.
    pub currency: Currency,
    /// What was promised.
    pub taken: &'a PromiseTaken,
    /// The account's open items, oldest first.
    pub open_items: &'a [OpenItem],
    /// Grace and tolerance.
    pub limits: &'a Limits,
}

/// Writes a promise. It takes the place of the account's open one, which is cancelled.
///
/// # Errors
/// Those of Postgres.
pub(crate) async fn take(conn: &mut PgConnection, new: &NewPromise<'_>, now: DateTime<Utc>) -> Result<PromiseId> {
    store::cancel_open(conn, new.account, now).await?;
    let items = covered(new.taken, new.open_items);
    let deadline = BusinessDays::default().after(new.taken.due_on, new.limits.promise_grace_days);
    store::insert(conn, new, deadline, &items, now).await
}

/// Which items a promise is for: the named ones, else the oldest that its amount reaches.
fn covered(taken: &PromiseTaken, open_items: &[OpenItem]) -> Vec<InstalmentId> {
    if !taken.items.is_empty() {
        return taken.items.clone();
    }
    let mut left = taken.amount_minor;
    let reached = open_items.iter().take_while(|item| {
        let reached = left > 0;
        left -= item.open.minor;
        reached
    });
    reached.map(|item| item.instalment).collect()
}

/// Starts the loop that settles promises.
pub fn spawn(app: &App, lifecycle: &Lifecycle) {
    let app = app.clone();
    worker::spawn(lifecycle, "promises", Duration::from_mins(1), Arc::default(), move || {
        let app = app.clone();
        async move { day_roll::step(&app).await.map(drop) }
    });
}

/// Works out anew what has become of the account's promises by `today`, and has the account placed anew if that is
/// another thing than before: a payment that is taken back takes back what it had kept. Gives whether it was. Whatever
/// posts or allocates calls it before it commits, with the account's row locked.
///
/// # Errors
/// Those of Postgres.
pub async fn settle(conn: &mut PgConnection, account: AccountId, today: NaiveDate, now: DateTime<Utc>) -> Result<bool> {
    let promises = store::of_account(conn, account).await?;
    if promises.is_empty() {
        return Ok(false);
    }
    let (paid, credited) = (store::paid(conn, account).await?, store::credited(conn, account).await?);
    let terms: Vec<_> = promises.iter().map(|(terms, _)| terms.clone()).collect();
    let mut settled = false;
    for ((promise, before), after) in promises.iter().zip(evaluate::evaluate(&terms, &paid, &credited, today)) {
        if *before != after {
            store::settle(conn, promise.id, *before, after, now).await?;
            settled = true;
        }
    }
    if settled {
        ledger::store::refresh_standing(conn, &[account], now).await?;
        outbox::enqueue(conn, &[Effect::Requeue { account }], now).await?;
    }
    Ok(settled)
}

/// As [`settle`], for those of `accounts` that have promised something.
///
/// # Errors
/// Those of Postgres.
pub(crate) async fn settle_all(
    conn: &mut PgConnection,
    accounts: &[AccountId],
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<()> {
    for account in store::promisers(conn, accounts).await? {
        settle(conn, account, today, now).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ids::InvoiceId, money::Money};

    fn item(open: i64) -> OpenItem {
        let money = Money::new(open, Currency::USD);
        let due_on = NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
        OpenItem {
            instalment: InstalmentId::generate(),
            invoice: InvoiceId::generate(),
            invoice_number: "1".to_owned(),
            seq: 1,
            issued_on: due_on,
            due_on,
            po_number: None,
            amount: money,
            open: money,
            disputed: Money::new(0, Currency::USD),
        }
    }

    fn promise(amount_minor: i64, items: Vec<InstalmentId>) -> PromiseTaken {
        PromiseTaken { amount_minor, due_on: NaiveDate::from_ymd_opt(2026, 3, 9).unwrap(), items }
    }

    #[test]
    fn a_promise_without_items_is_for_the_oldest_it_reaches() {
        let items = [item(100), item(200), item(300)];
        let reached = |amount| covered(&promise(amount, Vec::new()), &items).len();
        assert_eq!((reached(1), reached(100), reached(101), reached(300), reached(301)), (1, 1, 2, 2, 3));
    }

    #[test]
    fn named_items_stay() {
        let items = [item(100), item(200)];
        let named = vec![items[1].instalment];
        assert_eq!(covered(&promise(50, named.clone()), &items), named);
    }
}
