//! Claiming and rebuilding, beside the least that Redis and Postgres can do.
//!
//! The claims are made over the service's own connection by as many tasks at once as a busy floor has, and as many
//! entries go to a claim and a settlement as a dialer takes that starts 64 calls a second, four times a second. The
//! baseline is a script that does nothing, called by as many tasks with the same arguments in the same run.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use futures_util::TryStreamExt;
use redis::Script;
use sqlx::{PgPool, postgres::PgPoolCopyExt};
use tokio::task::JoinSet;

use super::report::{Ratio, Target};
use crate::{
    app::App,
    campaign::{self, Campaign, Mode, NewCampaign, Settings},
    ids::{AccountId, LeaseId},
    queue,
};

/// Tasks that claim at the same time.
const TASKS: u32 = 16;
/// Entries of one claim.
const AT_ONCE: u32 = 16;
/// Entries that are claimed and settled in one round.
const ENTRIES: u32 = 4_096;
/// Rounds at each length of the queue; the median counts.
const ROUNDS: usize = 7;
/// Lengths of the queue.
const SHORT: i64 = 10_000;
const LONG: i64 = 1_000_000;
/// Rows sent to Redis by one pipeline of the baseline.
const PIPELINED: usize = 1_000;

/// Measures on portfolios of its own, which stay in the rig's stores. Stops the dialer: it would rebuild the queues first.
///
/// # Errors
/// If Postgres or Redis fails.
pub async fn run(app: &App) -> anyhow::Result<Vec<Ratio>> {
    app.lifecycle.stop_claiming();
    let short = measure(app, "short", SHORT).await?;
    let long = measure(app, "long", LONG).await?;
    let bare = median_of_rounds(async || bare_scripts(app).await).await?;
    Ok(vec![
        Ratio {
            name: "claim and settle, cost of an entry in a queue a hundred times as long",
            measured: format!("{:.1} µs with {LONG} entries", micros(long.claims)),
            baseline: format!("{:.1} µs with {SHORT} entries", micros(short.claims)),
            ratio: long.claims.as_secs_f64() / short.claims.as_secs_f64(),
            target: Target::AtMost(1.5),
        },
        Ratio {
            name: "claim and settle, entries a second",
            measured: format!(
                "{:.0}/s with {LONG} entries by {TASKS} tasks, {AT_ONCE} a claim ({:.0}/s one by one)",
                per_second(long.claims),
                per_second(long.one_by_one)
            ),
            baseline: format!("{:.0}/s of a script that does nothing with the same arguments", per_second(bare)),
            ratio: bare.as_secs_f64() / long.claims.as_secs_f64(),
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

/// Times of one length of the queue; those of claims are of a round.
struct Measured {
    rebuild: Duration,
    copy: Duration,
    claims: Duration,
    one_by_one: Duration,
}

async fn measure(app: &App, portfolio: &str, accounts: i64) -> anyhow::Result<Measured> {
    fill(&app.db, app, portfolio, accounts).await?;
    let campaign = campaign_of(app, portfolio).await?;
    let copy = copy_and_zadd(app, portfolio).await?;
    let rebuild = rebuild(app, &campaign, accounts).await?;
    let round = async |at_once| {
        // The rounds take a small part of a long queue; a short one is filled up again.
        if queue::depth(app, campaign.id).await?.values().sum::<u64>() < accounts.unsigned_abs() * 9 / 10 {
            sqlx::query("TRUNCATE campaign_account").execute(&app.db).await?;
            self::rebuild(app, &campaign, accounts).await?;
        }
        let (taken, lent) = claim_and_settle(app, &campaign, at_once).await?;
        rest(app, &campaign, &lent).await?;
        anyhow::Ok(taken)
    };
    let claims = median_of_rounds(async || round(AT_ONCE).await).await?;
    let one_by_one = round(1).await?;
    Ok(Measured { rebuild, copy, claims, one_by_one })
}

async fn rebuild(app: &App, campaign: &Campaign, accounts: i64) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let found = queue::rebuild(app, campaign.id).await?;
    anyhow::ensure!(found.ready == accounts.unsigned_abs(), "not every account is ready: {found:?}");
    Ok(begun.elapsed())
}

async fn median_of_rounds(mut round: impl AsyncFnMut() -> anyhow::Result<Duration>) -> anyhow::Result<Duration> {
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        times.push(round().await?);
    }
    times.sort_unstable();
    Ok(times[ROUNDS / 2])
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
    // What the rows have left to do to the disk is not part of what is measured next.
    sqlx::query("VACUUM ANALYZE").execute(db).await?;
    sqlx::query("CHECKPOINT").execute(db).await?;
    Ok(())
}

/// A campaign for the portfolio.
async fn campaign_of(app: &App, portfolio: &str) -> anyhow::Result<Campaign> {
    let mut settings = Settings::default();
    settings.list.portfolio = Some(portfolio.to_owned());
    let new = NewCampaign { name: portfolio.to_owned(), mode: Mode::Progressive, ratio_milli: 1000, settings };
    Ok(campaign::create(app, None, new).await?)
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

/// Claims entries and settles them, many tasks at once. The time taken, and whose entries they were.
async fn claim_and_settle(app: &App, campaign: &Campaign, at_once: u32) -> anyhow::Result<(Duration, Vec<AccountId>)> {
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (app, campaign) = (app.clone(), campaign.clone());
        tasks.spawn(async move {
            let mut lent = Vec::new();
            for _ in 0..ENTRIES / TASKS / at_once {
                let leased = queue::claim(&app, &campaign, at_once).await?.unwrap_or_default();
                anyhow::ensure!(leased.len() == at_once as usize, "the queue is empty");
                queue::settle(&app, &campaign, &leased).await?;
                lent.extend(leased.iter().map(|leased| leased.entry.account));
            }
            Ok(lent)
        });
    }
    let lent = finish(tasks).await?;
    Ok((begun.elapsed(), lent.concat()))
}

/// The calls are over: the accounts wait until they may be tried again, as they would on a floor.
async fn rest(app: &App, campaign: &Campaign, accounts: &[AccountId]) -> anyhow::Result<()> {
    let ids: Vec<_> = accounts.iter().map(|account| account.0).collect();
    sqlx::query(
        "INSERT INTO campaign_account (campaign_id, account_id, not_before) SELECT $1, account, $3
         FROM unnest($2::uuid[]) AS account",
    )
    .bind(campaign.id)
    .bind(ids)
    .bind(app.clock.now() + TimeDelta::hours(4))
    .execute(&app.db)
    .await?;
    Ok(queue::replace(app, campaign, accounts).await?)
}

/// Calls a script that does nothing as often as entries are claimed, with the arguments of a claim.
async fn bare_scripts(app: &App) -> anyhow::Result<Duration> {
    let leases: Vec<String> = (0..AT_ONCE).map(|_| LeaseId::generate().to_string()).collect();
    let zones = ["America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"];
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (app, leases) = (app.clone(), leases.clone());
        tasks.spawn(async move {
            let script = Script::new("return 1");
            for _ in 0..ENTRIES / TASKS {
                let mut bare = script.key("bench:bare");
                bare.arg(1_767_225_600_000_i64).arg("1767225600000000").arg(AT_ONCE).arg(&leases);
                for zone in zones {
                    bare.arg(zone).arg(1_u64 << 40);
                }
                let _: i64 = bare.invoke_async(&mut app.redis.clone()).await?;
            }
            anyhow::Ok(())
        });
    }
    finish(tasks).await?;
    Ok(begun.elapsed())
}

/// What the tasks give, in the order in which they end.
async fn finish<T: 'static>(mut tasks: JoinSet<anyhow::Result<T>>) -> anyhow::Result<Vec<T>> {
    let mut given = Vec::with_capacity(tasks.len());
    while let Some(task) = tasks.join_next().await {
        given.push(task??);
    }
    Ok(given)
}

fn per_second(round: Duration) -> f64 {
    f64::from(ENTRIES) / round.as_secs_f64()
}

fn micros(round: Duration) -> f64 {
    round.as_secs_f64() * 1e6 / f64::from(ENTRIES)
}
