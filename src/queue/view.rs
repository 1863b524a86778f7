//! Looking at a queue: what comes next, and what is kept out and why.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use redis::AsyncCommands;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Components, Entry, Hold, Lane, Wait, bucket, rank::Rank, script, text};
use crate::{
    app::App,
    campaign,
    error::{Error, Result},
    ids::{AccountId, CampaignId, ContactPointId},
};

/// The most entries on one page.
pub const PAGE: usize = 200;

/// An entry to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Upcoming {
    /// The account.
    pub account: AccountId,
    /// The number that will be dialled.
    pub contact_point: ContactPointId,
    /// Its lane.
    pub lane: Lane,
    /// Sum of the components.
    pub score: u32,
    /// Why the score is what it is.
    pub components: Components,
    /// What may be collected, minor units.
    pub collectible_minor: i64,
    /// Zones in all of which calling must be allowed.
    pub zones: Vec<String>,
    /// Its window is open.
    pub open: bool,
    /// When its window opens; now, if it is open.
    pub opens_at: DateTime<Utc>,
}

/// Part of a list, and where it goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = QueuePage)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Give it back to get the next page; `None`: that was the last.
    pub next: Option<String>,
}

/// The next entries in the very order in which they will be dialled: those of open windows, then those of windows that
/// open later. `limit` is at most [`PAGE`].
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`] for a cursor that was not given out.
pub async fn next(app: &App, campaign: CampaignId, cursor: Option<&str>, limit: usize) -> Result<Page<Upcoming>> {
    let campaign = campaign::store::get(&mut *app.db.acquire().await?, campaign).await?;
    let now = app.clock.now();
    let after = cursor.map(str::parse::<Position>).transpose()?;
    let limit = limit.clamp(1, PAGE);
    let mut found = Vec::new();
    for bucket in bucket::all(app, &campaign, now).await? {
        found.extend(first_of(app, campaign.id, &bucket, now, after.as_ref(), limit).await?);
    }
    found.sort_by_key(|(position, _)| *position);
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|(position, _)| position.to_string());
    Ok(Page { items: found.into_iter().map(|(_, upcoming)| upcoming).collect(), next })
}

/// The first `limit + 1` entries of a bucket after a position.
async fn first_of(
    app: &App,
    campaign: CampaignId,
    bucket: &bucket::Bucket,
    now: DateTime<Utc>,
    after: Option<&Position>,
    limit: usize,
) -> Result<Vec<(Position, Upcoming)>> {
    let prefix = script::prefix(campaign);
    let set = format!("{prefix}ready:{}", bucket.name);
    let opens = if bucket.opens_at == now { 0 } else { bucket.opens_at.timestamp_millis() };
    // In a bucket that opens earlier than the position everything has been shown, in a later one nothing.
    let Some(from) = after.map_or(Some(0), |after| after.rank_in(opens, bucket.answer_chance)) else {
        return Ok(Vec::new());
    };
    let (mut found, mut offset) = (Vec::new(), 0);
    let step = isize::try_from(limit + 1).unwrap_or(isize::MAX);
    let mut redis = app.redis.clone();
    while found.len() <= limit {
        let ranked: Vec<(String, u64)> = redis.zrangebyscore_limit_withscores(&set, from, "+inf", offset, step).await?;
        let Some(texts) = entry_texts(app, &prefix, &ranked).await? else { break };
        for ((account, rank), text) in ranked.into_iter().zip(texts) {
            let Ok(account) = account.parse::<AccountId>() else { continue };
            let position = Position { opens, rank: Rank(rank).raised(bucket.answer_chance).0, account };
            let body = text.as_deref().and_then(text::split).filter(|fields| fields[0] == "R").map(|fields| fields[5]);
            let entry = body.and_then(|body| text::entry(account, &bucket.window, body, bucket.answer_chance));
            if let Some(entry) = entry.filter(|_| after.is_none_or(|after| position > *after)) {
                found.push((position, Upcoming::new(&entry, bucket, now)));
            }
        }
        offset += step;
    }
    found.truncate(limit + 1);
    Ok(found)
}

/// Texts of the ranked entries; `None` where there are none.
async fn entry_texts(app: &App, prefix: &str, ranked: &[(String, u64)]) -> Result<Option<Vec<Option<String>>>> {
    if ranked.is_empty() {
        return Ok(None);
    }
    let mut get = redis::cmd("HMGET");
    get.arg(format!("{prefix}entry"));
    for (account, _) in ranked {
        get.arg(account);
    }
    Ok(Some(get.query_async(&mut app.redis.clone()).await?))
}

impl Upcoming {
    fn new(entry: &Entry, bucket: &bucket::Bucket, now: DateTime<Utc>) -> Self {
        Self {
            account: entry.account,
            contact_point: entry.contact_point,
            lane: entry.lane,
            score: entry.score,
            components: entry.components,
            collectible_minor: entry.collectible_minor,
            zones: entry.window.zones().iter().map(|zone| zone.name().to_owned()).collect(),
            open: bucket.opens_at == now,
            opens_at: bucket.opens_at,
        }
    }
}

/// A place in the order of the whole queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Position {
    /// When its bucket opens, milliseconds since the epoch; 0: it is open.
    opens: i64,
    /// Rank with the points for the hour.
    rank: u64,
    account: AccountId,
}

impl Position {
    /// The lowest stored rank that may come after the position in a bucket that opens at `opens`.
    fn rank_in(&self, opens: i64, answer_chance: u16) -> Option<u64> {
        match self.opens.cmp(&opens) {
            std::cmp::Ordering::Less => Some(0),
            std::cmp::Ordering::Equal => Some(self.rank + u64::from(answer_chance) * super::rank::POINT),
            std::cmp::Ordering::Greater => None,
        }
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.opens, self.rank, self.account)
    }
}

impl std::str::FromStr for Position {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::invalid("cursor", "is none that was given out");
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next().ok_or_else(wrong);
        let opens = part()?.parse().map_err(|_| wrong())?;
        let rank: u64 = part()?.parse().map_err(|_| wrong())?;
        let account = part()?.parse().map_err(|_| wrong())?;
        if rank >= 1 << 53 {
            return Err(wrong());
        }
        Ok(Self { opens, rank, account })
    }
}

/// How many ready entries each lane has, closed windows included.
///
/// # Errors
/// If Redis fails.
pub async fn depth(app: &App, campaign: CampaignId) -> Result<BTreeMap<Lane, u64>> {
    let prefix = script::prefix(campaign);
    let mut redis = app.redis.clone();
    let buckets: Vec<String> = redis.smembers(format!("{prefix}buckets")).await?;
    let mut pipeline = redis::pipe();
    for bucket in &buckets {
        for lane in Lane::ALL {
            let set = format!("{prefix}ready:{bucket}");
            pipeline.zcount(set, Rank::first(lane), Rank::last(lane));
        }
    }
    let mut depth: BTreeMap<Lane, u64> = Lane::ALL.into_iter().map(|lane| (lane, 0)).collect();
    if buckets.is_empty() {
        return Ok(depth);
    }
    let counts: Vec<u64> = pipeline.query_async(&mut redis).await?;
    for (lane, count) in Lane::ALL.into_iter().cycle().zip(counts) {
        *depth.entry(lane).or_default() += count;
    }
    Ok(depth)
}

/// How many accounts are kept out by each reason.
///
/// # Errors
/// If Redis fails.
pub async fn held(app: &App, campaign: CampaignId) -> Result<BTreeMap<Hold, u64>> {
    let counts = cardinalities(app, campaign, "held:", &Hold::ALL.map(Hold::as_str)).await?;
    Ok(Hold::ALL.into_iter().zip(counts).collect())
}

/// How many entries wait for a moment, by why they do.
///
/// # Errors
/// If Redis fails.
pub async fn waiting(app: &App, campaign: CampaignId) -> Result<BTreeMap<Wait, u64>> {
    let counts = cardinalities(app, campaign, "waiting:", &Wait::ALL.map(Wait::as_str)).await?;
    Ok(Wait::ALL.into_iter().zip(counts).collect())
}

/// How many entries are lent to a dialer right now.
///
/// # Errors
/// If Redis fails.
pub async fn leased(app: &App, campaign: CampaignId) -> Result<u64> {
    Ok(app.redis.clone().zcard(script::prefix(campaign) + "leases").await?)
}

async fn cardinalities(app: &App, campaign: CampaignId, kind: &str, names: &[&str]) -> Result<Vec<u64>> {
    let prefix = script::prefix(campaign);
    let mut pipeline = redis::pipe();
    for name in names {
        pipeline.zcard(format!("{prefix}{kind}{name}"));
    }
    Ok(pipeline.query_async(&mut app.redis.clone()).await?)
}

/// The accounts kept out by one reason, by id. `limit` is at most [`PAGE`].
///
/// # Errors
/// [`Error::Invalid`] for a cursor that was not given out; if Redis fails.
pub async fn held_accounts(
    app: &App,
    campaign: CampaignId,
    hold: Hold,
    cursor: Option<&str>,
    limit: usize,
) -> Result<Page<AccountId>> {
    let limit = limit.clamp(1, PAGE);
    let after = cursor.map(str::parse::<AccountId>).transpose();
    let after = after.map_err(|_| Error::invalid("cursor", "is none that was given out"))?;
    let from = after.map_or_else(|| "-".to_owned(), |account| format!("({account}"));
    let key = format!("{}held:{}", script::prefix(campaign), hold.as_str());
    let count = isize::try_from(limit + 1).unwrap_or(isize::MAX);
    let found: Vec<String> = app.redis.clone().zrangebylex_limit(key, from, "+", 0, count).await?;
    let mut items: Vec<AccountId> = found.iter().filter_map(|account| account.parse().ok()).collect();
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(ToString::to_string);
    Ok(Page { items, next })
}
