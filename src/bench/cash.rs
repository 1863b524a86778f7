//! Applying cash: payments that wait are proposed for and applied, batch after batch, two batches at a time.
//!
//! The baseline is the promised rate. Every account has a few open items and a payment that some rule fits: by advice,
//! reference (now and then too short), amount, combination, balance and age in turn. One account in twenty has a second
//! payment, whose advice names nothing that is open: it is looked at, stays unapplied, and does not count.

use std::time::{Duration, Instant};

use super::report::{Ratio, Target};
use crate::{app::App, cash::run, ids::AccountId, ledger};
use futures_util::future::try_join_all;

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
    sqlx::query("VACUUM ANALYZE account, invoice, instalment, payment, posting, allocation, account_standing")
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

/// Runs from account to account, as somebody does who works through all that waits.
async fn apply(app: &App, portfolio: String) -> anyhow::Result<Done> {
    let (today, mut done, mut after) = (app.clock.business_date(), Done::default(), None::<AccountId>);
    loop {
        let begun = Instant::now();
        let mut tx = app.db.begin().await?;
        let id = run::preview(&mut tx, &portfolio, after, None, today, app.clock.now()).await?;
        tx.commit().await?;
        done.proposing += begun.elapsed();
        after = sqlx::query_scalar("SELECT account_id FROM cash_run_line WHERE run_id = $1 ORDER BY nth DESC LIMIT 1")
            .bind(id.0)
            .fetch_optional(&app.db)
            .await?;
        if after.is_none() {
            return Ok(done);
        }
        let mut tx = app.db.begin().await?;
        done.applied += run::apply(&mut tx, id, None, today, app.clock.now()).await?;
        tx.commit().await?;
    }
}

/// Ids as the service makes them: in the order of time, which is that of `nth`.
const IDS: &str = "CREATE OR REPLACE FUNCTION bench_id(nth bigint) RETURNS uuid LANGUAGE sql AS $$
    SELECT (lpad(to_hex(1770000000000 + nth), 12, '0') || right(translate(gen_random_uuid()::text, '-', ''), 20))::uuid $$";

/// Accounts of four items of 100.01 to 100.04 and a payment each.
const FILL: &str = "
    WITH a AS (INSERT INTO account (id, portfolio, number, name, party_kind, currency, created_at, updated_at)
               SELECT bench_id(n), $1, 'K-' || n, 'Debtor ' || n, 'commercial', 'USD', $4, $4
               FROM generate_series(1, $2) n RETURNING id, substr(number, 3)::integer AS n),
         v AS (INSERT INTO invoice (id, account_id, number, issued_on, currency, created_at)
               SELECT bench_id(n * $5 + i), id, $1 || '-' || n || '-' || i, $3::date - 60, 'USD', $4
               FROM a, generate_series(1, $5) i RETURNING id, account_id, right(number, 1)::integer AS i),
         n AS (INSERT INTO instalment (id, invoice_id, account_id, seq, due_on)
               SELECT id, id, account_id, 1, $3::date - 30 + i FROM v RETURNING id, account_id, due_on),
         m AS (INSERT INTO payment (id, account_id, amount_minor, currency, received_on, reference, remitted, recorded_at)
               SELECT bench_id(n), id,
                      CASE n % 6 WHEN 0 THEN 20005 WHEN 1 THEN CASE WHEN n % 12 = 1 THEN 9000 ELSE 10002 END
                                 WHEN 2 THEN 10003 WHEN 3 THEN 20003 WHEN 4 THEN 40010 ELSE 15000 END,
                      'USD', $3, CASE n % 6 WHEN 1 THEN 'invoice ' || $1 || '-' || n || '-2' ELSE '' END,
                      CASE n % 6 WHEN 0 THEN jsonb_build_array(jsonb_build_object('invoice', $1 || '-' || n || '-1'),
                                                               jsonb_build_object('invoice', $1 || '-' || n || '-4'))
                                 ELSE '[]' END, $4 FROM a
               UNION ALL SELECT bench_id($2 + n), id, 777, 'USD', $3, '', '[{\"invoice\": \"elsewhere\"}]', $4
                         FROM a WHERE n % 20 = 0
               RETURNING id, account_id, amount_minor)
    INSERT INTO posting (account_id, kind, instalment_id, payment_id, amount_minor, currency, business_date, recorded_at)
    SELECT account_id, 'invoice', id, NULL::uuid, 10000 + (due_on - ($3::date - 30)), 'USD', $3::date - 60, $4 FROM n
    UNION ALL SELECT account_id, 'payment', NULL, id, -amount_minor, 'USD', $3, $4 FROM m";

async fn fill(app: &App, portfolio: &str, accounts: i64) -> anyhow::Result<()> {
    let (now, today) = (app.clock.now(), app.clock.business_date());
    sqlx::query(IDS).execute(&app.db).await?;
    sqlx::query(FILL).bind(portfolio).bind(accounts).bind(today).bind(now).bind(ITEMS).execute(&app.db).await?;
    let filled: Vec<AccountId> =
        sqlx::query_scalar("SELECT id FROM account WHERE portfolio = $1").bind(portfolio).fetch_all(&app.db).await?;
    let mut tx = app.db.begin().await?;
    ledger::store::refresh_standing(&mut tx, &filled, now).await?;
    Ok(tx.commit().await?)
}
