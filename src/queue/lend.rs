//! Lending entries: claim, settle, release, and what is done about leases that lapse.

use chrono::{DateTime, TimeDelta, Utc};
use redis::AsyncCommands;

use super::{Entry, Leased, bucket, rank, replace, script, text};
use crate::{
    app::App,
    campaign::Campaign,
    error::{Error, Result},
    ids::{AccountId, LeaseId},
};

/// How long an entry is lent: many times what the last look and the commit of an attempt take.
pub const LEASE: TimeDelta = TimeDelta::seconds(30);
/// Lapsed leases looked at in one go.
const REAPED_AT_ONCE: isize = 500;

/// Entries lent, settled or given back by one script, so that Redis is not kept busy for more than some 20 ms.
const AT_ONCE: usize = 1_000;
/// How often a claim is tried again because there are other buckets than this node knew of.
const LOOKS: usize = 3;

/// Account, number of the bucket (from 1) and body of an entry lent.
type Lent = (String, usize, String);

/// Lends the next `n` entries (at most 1,000) whose windows are open, in calling order; fewer if there are no more.
///
/// `None`: the queue has to be built first. The cost does not depend on the length of the queue.
///
/// # Errors
/// If Redis fails.
pub async fn claim(app: &App, campaign: &Campaign, n: u32) -> Result<Option<Vec<Leased>>> {
    let now = app.clock.now();
    let tokens: Vec<LeaseId> = (0..n).take(AT_ONCE).map(|_| LeaseId::generate()).collect();
    let mut open = app.buckets.open(app, campaign, now).await?;
    for _ in 0..LOOKS {
        let Some((shape, lent)) = lend(app, campaign, &open, &tokens, now + LEASE).await? else { return Ok(None) };
        if shape == open.shape {
            return read(lent, tokens, &open, now + LEASE).map(Some);
        }
        open = app.buckets.look_again(app, campaign, now).await?;
    }
    // There are new buckets all the time: the next claim will see them.
    Ok(Some(Vec::new()))
}

/// The shape of the queue and what was lent; `None`: the queue is not built.
async fn lend(
    app: &App,
    campaign: &Campaign,
    open: &bucket::Open,
    tokens: &[LeaseId],
    expires_at: DateTime<Utc>,
) -> Result<Option<(String, Vec<Lent>)>> {
    let mut claim = script::CLAIM.prepare_invoke();
    claim.key(script::prefix(campaign.id)).arg(expires_at.timestamp_millis()).arg(&open.shape).arg(tokens.len());
    for token in tokens {
        claim.arg(token.to_string());
    }
    for bucket in &open.buckets {
        claim.arg(&bucket.name).arg(u64::from(bucket.answer_chance) * rank::POINT);
    }
    Ok(claim.invoke_async(&mut app.redis.clone()).await?)
}

fn read(lent: Vec<Lent>, tokens: Vec<LeaseId>, open: &bucket::Open, expires_at: DateTime<Utc>) -> Result<Vec<Leased>> {
    let read = |((account, bucket, body), lease): (Lent, LeaseId)| {
        let bucket = open.buckets.get(bucket.wrapping_sub(1)).ok_or("a bucket that was not asked for")?;
        let account = account.parse().map_err(|_| "no account")?;
        let entry = text::entry(account, &bucket.window, &body, bucket.answer_chance).ok_or("no entry")?;
        Ok(Leased { lease, entry, expires_at })
    };
    let leased: Result<Vec<Leased>, &'static str> = lent.into_iter().zip(tokens).map(read).collect();
    leased.map_err(Error::internal("reading what was claimed"))
}

/// Lends the account of an entry to somebody who calls it by hand, whatever keeps it out of the queue; `None`: it is
/// lent to somebody else. It goes back where Postgres says, by [`give_back`](super::give_back).
///
/// # Errors
/// If Redis fails.
pub async fn take(app: &App, campaign: &Campaign, entry: Entry) -> Result<Option<Leased>> {
    let (now, lease) = (app.clock.now(), LeaseId::generate());
    let expires_at = now + LEASE;
    let mut take = script::TAKE.key(script::prefix(campaign.id));
    take.arg(now.timestamp_millis()).arg(expires_at.timestamp_millis());
    take.arg(entry.account.to_string()).arg(lease.to_string());
    let taken: bool = take.invoke_async(&mut app.redis.clone()).await?;
    Ok(taken.then_some(Leased { lease, entry, expires_at }))
}

/// Says that the attempts of these leases are committed: the accounts count as in a call until they are placed anew.
/// A lease that has lapsed changes nothing.
///
/// # Errors
/// If Redis fails.
pub async fn settle(app: &App, campaign: &Campaign, leased: &[Leased]) -> Result<()> {
    end(app, campaign, &script::SETTLE, leased).await
}

/// Gives entries back to where they were. A lease that has lapsed changes nothing.
///
/// # Errors
/// If Redis fails.
pub async fn release(app: &App, campaign: &Campaign, leased: &[Leased]) -> Result<()> {
    end(app, campaign, &script::RELEASE, leased).await
}

async fn end(app: &App, campaign: &Campaign, script: &redis::Script, leased: &[Leased]) -> Result<()> {
    for leased in leased.chunks(AT_ONCE) {
        let mut end = script.prepare_invoke();
        end.key(script::prefix(campaign.id));
        for leased in leased {
            end.arg(leased.entry.account.to_string());
        }
        for leased in leased {
            end.arg(leased.lease.to_string());
        }
        let results: Vec<u8> = end.invoke_async(&mut app.redis.clone()).await?;
        let changed = leased.iter().zip(results).filter(|(_, result)| *result == 2);
        let changed: Vec<AccountId> = changed.map(|(leased, _)| leased.entry.account).collect();
        replace(app, campaign, &changed).await?;
    }
    Ok(())
}

/// Places anew the accounts whose leases have lapsed: Postgres knows whether a call came of them.
///
/// # Errors
/// If Redis or Postgres fails.
pub async fn reap(app: &App, campaign: &Campaign) -> Result<usize> {
    let now: DateTime<Utc> = app.clock.now();
    let key = script::prefix(campaign.id) + "leases";
    let lapsed: Vec<String> =
        app.redis.clone().zrangebyscore_limit(key, "-inf", now.timestamp_millis(), 0, REAPED_AT_ONCE).await?;
    let lapsed: Vec<AccountId> = lapsed.iter().filter_map(|account| account.parse().ok()).collect();
    replace(app, campaign, &lapsed).await?;
    Ok(lapsed.len())
}
