//! Applying cash: payments that wait are proposed for and applied, batch after batch, two batches at a time.
//!
//! The baseline is the promised rate. Every payment is one of its own account with a few open items, by reference, by
//! amount and by age in turn, so that every rule has its share.

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use sqlx::PgPool;

use super::report::{Ratio, Target};
use crate::{app::App, cash::run};

/// Payments to apply.
const PAYMENTS: i64 = 100_000;
/// Batches at the same time, each of a portfolio of its own.
const AT_ONCE: i64 = 2;
/// Open items of an account.
const ITEMS: i64 = 4;
/// What is promised, payments a second.
const PROMISED: f64 = 5_000.0;

/// Measures on portfolios of its own, which stay in the rig's stores.
///
/// # Errors
/// If Postgres fails.
pub async fn run(app: &App) -> anyhow::Result<Ratio> {
    for nth in 0..AT_ONCE {
        fill(app, &portfolio(nth), PAYMENTS / AT_ONCE).await?;
    }
    sqlx::query("ANALYZE account, invoice, instalment, payment, posting, allocation, account_standing")
        .execute(&app.db)
        .await?;
    let begun = Instant::now();
    let done = try_join_all((0..AT_ONCE).map(|nth| apply(app, portfolio(nth)))).await?;
    let taken = begun.elapsed();
    let applied: usize = done.iter().map(|done| done.applied).sum();
    let proposing: Duration = done.iter().map(|done| done.proposing).sum();
    let rate = count(applied) / taken.as_secs_f64();
    anyhow::ensure!(applied == usize::try_from(PAYMENTS)?, "{applied} payments found what they are for");
    Ok(Ratio {
        name: "payments applied automatically, a second",
        measured: format!(
            "{rate:.0}/s: {applied} payments in {:.1} s, proposals shown first ({:.0} % of the time)",
            taken.as_secs_f64(),
            100.0 * proposing.as_secs_f64() / (taken.as_secs_f64() * 2.0)
        ),
        baseline: format!("{PROMISED:.0}/s is promised"),
        ratio: rate / PROMISED,
        target: Target::AtLeast(1.0),
    })
}

fn portfolio(nth: i64) -> String {
    format!("cash-{nth}")
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}

#[derive(Default)]
struct Done {
    applied: usize,
    proposing: Duration,
}

/// Runs until nothing that fits is left.
async fn apply(app: &App, portfolio: String) -> anyhow::Result<Done> {
    let (today, mut done) = (app.clock.business_date(), Done::default());
    loop {
        let begun = Instant::now();
        let mut tx = app.db.begin().await?;
        let id = run::preview(&mut tx, &portfolio, None, None, today, app.clock.now()).await?;
        tx.commit().await?;
        done.proposing += begun.elapsed();
        let mut tx = app.db.begin().await?;
        let applied = run::apply(&mut tx, id, None, today, app.clock.now()).await?;
        tx.commit().await?;
        if applied == 0 {
            return Ok(done);
        }
        done.applied += applied;
    }
}

/// Accounts with open items and a payment each.
async fn fill(app: &App, portfolio: &str, accounts: i64) -> anyhow::Result<()> {
    let (now, today) = (app.clock.now(), app.clock.business_date());
    insert(
        &app.db,
        "WITH a AS (INSERT INTO account (id, portfolio, number, name, party_kind, currency, created_at, updated_at)
                    SELECT gen_random_uuid(), $1, 'K-' || n, 'Debtor ' || n, 'commercial', 'USD', $4, $4
                    FROM generate_series(1, $2) n RETURNING id, number),
              v AS (INSERT INTO invoice (id, account_id, number, issued_on, currency, created_at)
                    SELECT gen_random_uuid(), a.id, $1 || '-' || a.number || '-' || i, $3::date - 60, 'USD', $4
                    FROM a, generate_series(1, $5) i RETURNING id, account_id, number),
              n AS (INSERT INTO instalment (id, invoice_id, account_id, seq, due_on)
                    SELECT gen_random_uuid(), id, account_id, 1, $3::date - 30 + right(number, 1)::integer FROM v
                    RETURNING id, account_id, due_on),
              m AS (INSERT INTO payment (id, account_id, amount_minor, currency, received_on, reference, recorded_at)
                    SELECT gen_random_uuid(), a.id, CASE n % 3 WHEN 0 THEN 10002 WHEN 1 THEN 10003 ELSE 15000 END, 'USD', $3,
                           CASE n % 3 WHEN 0 THEN 'invoice ' || $1 || '-' || a.number || '-2' ELSE '' END, $4
                    FROM (SELECT *, substr(number, 3)::integer AS n FROM a) a RETURNING id, account_id, amount_minor)
         INSERT INTO posting (account_id, kind, instalment_id, payment_id, amount_minor, currency, business_date, recorded_at)
         SELECT account_id, 'invoice', id, NULL::uuid, 10000 + (due_on - ($3::date - 30)), 'USD', $3::date - 60, $4 FROM n
         UNION ALL SELECT account_id, 'payment', NULL, id, -amount_minor, 'USD', $3, $4 FROM m",
        (portfolio, accounts, today, now),
    )
    .await?;
    sqlx::query(
        "INSERT INTO account_standing (account_id, open_items, open_minor, unapplied_minor, disputed_minor, collectible_minor,
                                       oldest_due_on, broken_promises, kept_promises, promise_broken, refreshed_at)
         SELECT id, $2, 40010, 15000, 0, 25010, $3, 0, 0, false, $4 FROM account WHERE portfolio = $1",
    )
    .bind(portfolio)
    .bind(i32::try_from(ITEMS)?)
    .bind(today)
    .bind(now)
    .execute(&app.db)
    .await?;
    Ok(())
}

async fn insert(
    db: &PgPool,
    statement: &'static str,
    (portfolio, accounts, today, now): (&str, i64, chrono::NaiveDate, chrono::DateTime<chrono::Utc>),
) -> anyhow::Result<()> {
    sqlx::query(statement).bind(portfolio).bind(accounts).bind(today).bind(now).bind(ITEMS).execute(db).await?;
    Ok(())
}
