//! Claiming and rebuilding, beside the least that Redis and Postgres can do.
//!
//! The claims are made over the service's own connection by as many tasks at once as a busy floor has; the baseline is
//! a script that does nothing, called the same way in the same run.

use std::time::{Duration, Instant};

use futures_util::{TryStreamExt, future::try_join_all};
use redis::Script;
use sqlx::{PgPool, postgres::PgPoolCopyExt};

use super::report::{Ratio, Target};
use crate::{
    app::App,
    campaign::{self, Campaign, Mode, NewCampaign, Settings},
    queue,
};

/// Tasks that claim at the same time.
const TASKS: u32 = 16;
/// Claims with their settlement measured at each length of the queue.
const CLAIMS: u32 = 20_000;
/// Lengths of the queue: 10,000 and 1,000,000, and as many more as are claimed.
const SHORT: i64 = 30_000;
const LONG: i64 = 1_020_000;
/// Rows sent to Redis by one pipeline of the baseline.
const PIPELINED: usize = 1_000;

/// Measures on portfolios of its own, which stay in the rig's stores. Stops the dialer: it would rebuild the queues first.
///
/// # Errors
/// If Postgres or Redis fails.
pub async fn run(app: &App) -> anyhow::Result<Vec<Ratio>> {
    app.lifecycle.stop_claiming();
    let bare = bare_scripts(app).await?;
    let short = measure(app, "short", SHORT).await?;
    let long = measure(app, "long", LONG).await?;
    let per_second = |claims: Duration| 2.0 * f64::from(CLAIMS) / claims.as_secs_f64();
    Ok(vec![
        Ratio {
            name: "claim and settle, cost of one with a queue a hundred times as long",
            measured: format!("{:.1} µs with {LONG} entries", micros(long.claims)),
            baseline: format!("{:.1} µs with {SHORT} entries", micros(short.claims)),
            ratio: long.claims.as_secs_f64() / short.claims.as_secs_f64(),
            target: Target::AtMost(1.5),
        },
        Ratio {
            name: "claim and settle, scripts a second",
            measured: format!("{:.0}/s with {LONG} entries, {TASKS} tasks", per_second(long.claims)),
            baseline: format!("{bare:.0}/s of a script that does nothing, {TASKS} tasks"),
            ratio: per_second(long.claims) / bare,
            target: Target::AtLeast(0.4),
        },
        Ratio {
            name: "rebuild from Postgres",
            measured: format!("{:.1} s for {LONG} accounts", long.rebuild.as_secs_f64()),
            baseline: format!("{:.1} s for COPY out and pipelined ZADD of the same rows", long.copy.as_secs_f64()),
            ratio: long.rebuild.as_secs_f64() / long.copy.as_secs_f64(),
            target: Target::AtMost(2.0),
        },
    ])
}

/// Times of one length of the queue.
struct Measured {
    rebuild: Duration,
    copy: Duration,
    claims: Duration,
}

async fn measure(app: &App, portfolio: &str, accounts: i64) -> anyhow::Result<Measured> {
    fill(&app.db, app, portfolio, accounts).await?;
    let campaign = campaign_of(app, portfolio).await?;
    let begun = Instant::now();
    let found = queue::rebuild(app, campaign.id).await?;
    let rebuild = begun.elapsed();
    anyhow::ensure!(found.ready == accounts.unsigned_abs(), "not every account is ready: {found:?}");
    let copy = copy_and_zadd(app, portfolio).await?;
    let claims = claim_and_settle(app, &campaign).await?;
    Ok(Measured { rebuild, copy, claims })
}

/// Accounts that owe different amounts since different days, one number each, in four zones.
async fn fill(db: &PgPool, app: &App, portfolio: &str, accounts: i64) -> anyhow::Result<()> {
    // Not checked at compile time: the bench is not part of the service's queries.
    sqlx::query(
        "WITH made AS MATERIALIZED (
             SELECT i, gen_random_uuid() AS account, gen_random_uuid() AS person, gen_random_uuid() AS contact
             FROM generate_series(1, $1) i
         ), p AS (INSERT INTO person SELECT person, 'Payables', $2 FROM made),
            a AS (INSERT INTO account (id, portfolio, number, name, party_kind, currency, created_at, updated_at)
                  SELECT account, $4, i::text, 'Debtor Ltd', 'commercial', 'USD', $2, $2 FROM made),
            c AS (INSERT INTO contact (id, account_id, person_id, created_at) SELECT contact, account, person, $2 FROM made),
            n AS (INSERT INTO contact_point (id, contact_id, account_id, kind, value, zones, created_at)
                  SELECT gen_random_uuid(), contact, account, 'phone', '+1555' || (10000000 + i),
                         ARRAY[(ARRAY['America/New_York','America/Chicago','America/Denver','America/Los_Angeles'])[1 + i % 4]],
                         $2 FROM made)
         INSERT INTO account_standing
         SELECT account, 1, 1000 + i, 0, 0, 1000 + i, $3 - (1 + i % 211)::integer, NULL, 0, 0, false, $2 FROM made",
    )
    .bind(accounts)
    .bind(app.clock.now())
    .bind(app.clock.business_date())
    .bind(portfolio)
    .execute(db)
    .await?;
    sqlx::query("ANALYZE").execute(db).await?;
    Ok(())
}

/// A campaign for the portfolio that may claim at every hour of this run.
async fn campaign_of(app: &App, portfolio: &str) -> anyhow::Result<Campaign> {
    let mut settings = Settings::default();
    settings.list.portfolio = Some(portfolio.to_owned());
    let new = NewCampaign { name: portfolio.to_owned(), mode: Mode::Progressive, ratio_milli: 1000, settings };
    let mut campaign = campaign::create(app, None, new).await?;
    campaign.settings.hours = always();
    Ok(campaign)
}

/// Calling hours that never end; no campaign may be saved with them.
fn always() -> Vec<campaign::HoursRule> {
    use chrono::{NaiveTime, Weekday};
    let days = [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];
    let last = NaiveTime::from_hms_opt(23, 59, 59).unwrap_or_default();
    vec![campaign::HoursRule { days: days.to_vec(), from: NaiveTime::MIN, to: last }]
}

/// The baseline of a rebuild: the rows leave Postgres, and a sorted set of them is made in Redis.
async fn copy_and_zadd(app: &App, portfolio: &str) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let statement = format!(
        "COPY (SELECT s.collectible_minor, a.id, s.open_minor, s.oldest_due_on, n.id, n.person_id, n.zones
               FROM account a JOIN account_standing s ON s.account_id = a.id JOIN callable_number n ON n.account_id = a.id
               WHERE a.portfolio = '{portfolio}') TO STDOUT"
    );
    let mut rows = app.db.copy_out_raw(&statement).await?;
    let (mut text, mut pipeline, mut waiting) = (String::new(), redis::pipe(), 0);
    while let Some(chunk) = rows.try_next().await? {
        text.push_str(std::str::from_utf8(&chunk)?);
        while let Some(end) = text.find('\n') {
            let mut fields = text[..end].split('\t');
            if let (Some(score), Some(account)) = (fields.next(), fields.next()) {
                pipeline.cmd("ZADD").arg("bench:rows").arg(score).arg(account).ignore();
                waiting += 1;
            }
            text.drain(..=end);
        }
        if waiting >= PIPELINED {
            pipeline.exec_async(&mut app.redis.clone()).await?;
            (pipeline, waiting) = (redis::pipe(), 0);
        }
    }
    if waiting > 0 {
        pipeline.exec_async(&mut app.redis.clone()).await?;
    }
    let taken = begun.elapsed();
    let () = redis::cmd("UNLINK").arg("bench:rows").query_async(&mut app.redis.clone()).await?;
    Ok(taken)
}

/// Claims one entry at a time and settles it, many tasks at once.
async fn claim_and_settle(app: &App, campaign: &Campaign) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let tasks = (0..TASKS).map(|_| async {
        for _ in 0..CLAIMS / TASKS {
            let leased = queue::claim(app, campaign, 1).await?.unwrap_or_default();
            anyhow::ensure!(leased.len() == 1, "the queue is empty");
            queue::settle(app, campaign, &leased).await?;
        }
        Ok(())
    });
    try_join_all(tasks).await?;
    Ok(begun.elapsed())
}

/// Scripts a second that do nothing.
async fn bare_scripts(app: &App) -> anyhow::Result<f64> {
    let script = Script::new("return 1");
    let begun = Instant::now();
    let tasks = (0..TASKS).map(|_| async {
        for _ in 0..2 * CLAIMS / TASKS {
            let _: i64 = script.key("bench:bare").invoke_async(&mut app.redis.clone()).await?;
        }
        anyhow::Ok(())
    });
    try_join_all(tasks).await?;
    Ok(2.0 * f64::from(CLAIMS) / begun.elapsed().as_secs_f64())
}

fn micros(claims: Duration) -> f64 {
    claims.as_secs_f64() * 1e6 / f64::from(CLAIMS)
}
