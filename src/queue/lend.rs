//! Lending entries: claim, settle, release, and what is done about leases that lapse.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use redis::AsyncCommands;

use super::{Leased, bucket, rank, replace, script, text};
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

/// Account, bucket and body of an entry lent.
type Lent = (String, String, String);

/// Lends the next `n` entries whose windows are open, in calling order; fewer if there are no more.
///
/// `None`: the queue has to be built first. The cost does not depend on the length of the queue.
///
/// # Errors
/// If Redis fails.
pub async fn claim(app: &App, campaign: &Campaign, n: u32) -> Result<Option<Vec<Leased>>> {
    let now = app.clock.now();
    let expires_at = now + LEASE;
    let buckets = bucket::open(app, campaign, now).await?;
    let tokens: Vec<LeaseId> = (0..n).map(|_| LeaseId::generate()).collect();

    let mut claim = script::CLAIM.prepare_invoke();
    claim.key(script::prefix(campaign.id)).arg(expires_at.timestamp_millis()).arg(n);
    for token in &tokens {
        claim.arg(token.to_string());
    }
    for bucket in &buckets {
        claim.arg(&bucket.name).arg(u64::from(bucket.answer_chance) * rank::POINT);
    }
    let lent: Option<Vec<Lent>> = claim.invoke_async(&mut app.redis.clone()).await?;
    let Some(lent) = lent else { return Ok(None) };

    let by_name: HashMap<&str, &bucket::Bucket> = buckets.iter().map(|bucket| (bucket.name.as_str(), bucket)).collect();
    let read = |((account, bucket, body), lease): (Lent, LeaseId)| {
        let bucket = by_name.get(bucket.as_str()).ok_or("a bucket that was not asked for")?;
        let account = account.parse().map_err(|_| "no account")?;
        let entry = text::entry(account, &bucket.window, &body, bucket.answer_chance).ok_or("no entry")?;
        Ok(Leased { lease, entry, expires_at })
    };
    let leased: Result<Vec<Leased>, &'static str> = lent.into_iter().zip(tokens).map(read).collect();
    leased.map(Some).map_err(Error::internal("reading what was claimed"))
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
    if leased.is_empty() {
        return Ok(());
    }
    let mut end = script.prepare_invoke();
    end.key(script::prefix(campaign.id));
    for leased in leased {
        end.arg(leased.entry.account.to_string()).arg(leased.lease.to_string());
    }
    let results: Vec<u8> = end.invoke_async(&mut app.redis.clone()).await?;
    let changed: Vec<AccountId> =
        leased.iter().zip(results).filter(|(_, result)| *result == 2).map(|(leased, _)| leased.entry.account).collect();
    replace(app, campaign, &changed).await
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
