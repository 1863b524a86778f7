//! Building a queue from Postgres: at the start, on demand, on a new day, and when Redis turns out to be empty.
//!
//! One scan of Postgres, placed as it streams by, loaded a thousand entries at a time. Claims are refused meanwhile;
//! accounts that change meanwhile are noted and placed again afterwards; accounts that are lent stay lent.

use std::collections::{BTreeMap, HashSet};

use chrono::NaiveDate;
use futures_util::TryStreamExt;
use redis::AsyncCommands;
use tokio::sync::mpsc;

use super::{Placement, Standing, placement, requeue, right::Right, script, store, text::Fields};
use crate::{
    app::App,
    campaign::{self, Campaign},
    compliance,
    error::{Error, Result},
    ids::{AccountId, CampaignId},
};

/// Entries loaded by one command of each kind.
const BATCH: usize = 1000;
/// Batches that may wait for Redis; bounds the memory that a rebuild takes.
const BATCHES_AHEAD: usize = 4;
/// The lock lapses if no batch was loaded for that long.
const LOCK_MS: u64 = 60_000;

/// What a rebuild found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Rebuilt {
    /// Entries that may be dialled while their window is open.
    pub ready: u64,
    /// Entries that wait for a moment.
    pub waiting: u64,
    /// Accounts that are held out.
    pub held: u64,
}

/// Builds the campaign's queue anew.
///
/// # Errors
/// [`Error::Conflict`] if it is being rebuilt already; else if Postgres or Redis fails: it is not built then.
pub async fn rebuild(app: &App, campaign: CampaignId) -> Result<Rebuilt> {
    let campaign = campaign::store::get(&mut *app.db.acquire().await?, campaign).await?;
    let rebuilt = try_rebuild(app, &campaign).await?;
    rebuilt.ok_or_else(|| Error::Conflict("the queue is being rebuilt already".to_owned()))
}

/// Builds the queue if it is not there or was built on another day. False while somebody else is building it.
pub(super) async fn ensure_built(app: &App, campaign: &Campaign) -> Result<bool> {
    let built: Option<String> = app.redis.clone().get(script::prefix(campaign.id) + "built").await?;
    if built == Some(app.clock.business_date().to_string()) {
        return Ok(true);
    }
    Ok(try_rebuild(app, campaign).await?.is_some())
}

/// Lets the queue be rebuilt at the next occasion; until then nothing is claimed.
///
/// # Errors
/// If Redis fails.
pub async fn forget(app: &App, campaign: CampaignId) -> Result<()> {
    Ok(app.redis.clone().del(script::prefix(campaign) + "built").await?)
}

/// Lets every campaign's queue be rebuilt, and every account be looked at anew. Carries out [`crate::outbox::Effect::RebuildQueues`].
///
/// # Errors
/// If Postgres or Redis fails.
pub async fn forget_all(app: &App) -> Result<()> {
    let campaigns = {
        let mut conn = app.db.acquire().await?;
        compliance::store::forget_refusals_of(&mut conn, None).await?;
        campaign::store::list(&mut conn).await?
    };
    for campaign in campaigns {
        forget(app, campaign.id).await?;
    }
    Ok(())
}

async fn try_rebuild(app: &App, campaign: &Campaign) -> Result<Option<Rebuilt>> {
    let lock = Right::new(script::prefix(campaign.id) + "rebuilding");
    if !lock.take(app, LOCK_MS).await? {
        return Ok(None);
    }
    let begun = std::time::Instant::now();
    let outcome = build(app, campaign, &lock).await;
    // After a success the lock is gone already; after a failure the next one may try at once.
    lock.let_go(app).await?;
    let rebuilt = outcome?;
    let Rebuilt { ready, waiting, held } = rebuilt;
    tracing::info!(campaign = %campaign.id, ready, waiting, held, took = ?begun.elapsed(), "queue rebuilt");
    requeue::clean(app, campaign).await?;
    Ok(Some(rebuilt))
}

async fn build(app: &App, campaign: &Campaign, lock: &Right) -> Result<Rebuilt> {
    let mut clear = script::CLEAR.prepare_invoke();
    clear.key(script::prefix(campaign.id)).arg(lock.holder());
    let cleared: Option<(String, Vec<String>)> = clear.invoke_async(&mut app.redis.clone()).await?;
    let (ticket, leased) = cleared.ok_or_else(lost)?;
    let leased: HashSet<AccountId> = leased.iter().filter_map(|account| account.parse().ok()).collect();

    let today = app.clock.business_date();
    let (batches, loading) = mpsc::channel(BATCHES_AHEAD);
    // A task of its own: reading and loading use two processors.
    let reading = Reading { today, ticket, leased, batches };
    let read = tokio::spawn(reading.read(app.clone(), campaign.clone()));
    let read = async { read.await.map_err(Error::internal("reading every account"))? };
    let (rebuilt, ()) = tokio::try_join!(read, load(app, campaign, lock, loading))?;

    let mut built = script::BUILT.prepare_invoke();
    built.key(script::prefix(campaign.id)).arg(lock.holder()).arg(today.to_string());
    let built: bool = built.invoke_async(&mut app.redis.clone()).await?;
    if built { Ok(rebuilt) } else { Err(lost()) }
}

fn lost() -> Error {
    Error::Conflict("the lock of the rebuild was lost".to_owned())
}

/// What a rebuild is made of, read account by account.
struct Reading {
    today: NaiveDate,
    /// Of the rebuild.
    ticket: String,
    leased: HashSet<AccountId>,
    batches: mpsc::Sender<Batch>,
}

impl Reading {
    /// Streams the standings, places each, and hands them on in batches.
    async fn read(self, app: App, campaign: Campaign) -> Result<Rebuilt> {
        let now = app.clock.now();
        let mut tx = app.db.begin().await?;
        let mut chunks = std::pin::pin!(store::scan(&mut tx, &campaign, now).await?);
        let mut scan = store::Scan::default();
        let (mut rebuilt, mut batch) = (Rebuilt::default(), Batch::default());
        let mut take = |standing: &Standing, batch: &mut Batch| {
            if !self.leased.contains(&standing.account) {
                let placement = placement::place(standing, &campaign.settings, now, self.today);
                rebuilt.count(&placement);
                batch.add(standing.account, &placement, &self.ticket);
            }
        };
        while let Some(chunk) = chunks.try_next().await? {
            scan.add(chunk.as_ref(), |standing| take(standing, &mut batch))?;
            if batch.entries.len() >= BATCH && self.batches.send(std::mem::take(&mut batch)).await.is_err() {
                break;
            }
        }
        if let Some(standing) = scan.finish() {
            take(&standing, &mut batch);
        }
        // Nobody to send to: loading has failed, and says so itself.
        let _ = self.batches.send(batch).await;
        Ok(rebuilt)
    }
}

async fn load(app: &App, campaign: &Campaign, lock: &Right, mut batches: mpsc::Receiver<Batch>) -> Result<()> {
    let prefix = script::prefix(campaign.id);
    while let Some(batch) = batches.recv().await {
        if !lock.keep(app, LOCK_MS).await? {
            return Err(lost());
        }
        if !batch.entries.is_empty() {
            batch.pipeline(&prefix).exec_async(&mut app.redis.clone()).await?;
        }
    }
    Ok(())
}

/// Entries on their way to Redis.
#[derive(Default)]
struct Batch {
    /// Account and text of each.
    entries: Vec<(String, String)>,
    /// Score and account by sorted set.
    sets: BTreeMap<String, Vec<(String, String)>>,
    buckets: HashSet<String>,
}

impl Batch {
    fn add(&mut self, account: AccountId, placement: &Placement, ticket: &str) {
        if *placement == Placement::Absent {
            return;
        }
        let fields = Fields::of(placement);
        let account = account.to_string();
        if fields.state != "H" && !self.buckets.contains(&fields.place) {
            self.buckets.insert(fields.place.clone());
        }
        self.entries.push((account.clone(), fields.entry(ticket)));
        self.sets.entry(fields.set()).or_default().push((fields.score, account));
    }

    fn pipeline(&self, prefix: &str) -> redis::Pipeline {
        let mut pipeline = redis::pipe();
        pipeline.cmd("HSET").arg(format!("{prefix}entry")).arg(&self.entries).ignore();
        for (set, members) in &self.sets {
            pipeline.cmd("ZADD").arg(format!("{prefix}{set}")).arg(members).ignore();
        }
        if !self.buckets.is_empty() {
            pipeline.cmd("SADD").arg(format!("{prefix}buckets")).arg(&self.buckets).ignore();
        }
        pipeline
    }
}

impl Rebuilt {
    fn count(&mut self, placement: &Placement) {
        match placement {
            Placement::Ready(_) => self.ready += 1,
            Placement::Waiting { .. } => self.waiting += 1,
            Placement::Held(_) => self.held += 1,
            Placement::Absent => {}
        }
    }
}
