//! Buckets of a campaign's queue: the ready entries of one window, which open and close together.
//!
//! A claim asks for the open ones. Which there are changes rarely, and whether they are open only from one second to
//! the next, so each node keeps its last answer. Redis is told which list a claim is based on, and refuses an old one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use redis::AsyncCommands;

use super::{Window, score, script, text};
use crate::{
    answer::Book,
    app::App,
    campaign::{Campaign, HoursRule},
    compliance::hours,
    error::Result,
    ids::CampaignId,
};

/// A bucket, when it opens, and what its hour is worth then.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    pub(super) name: String,
    pub(super) window: Window,
    /// Now, if it is open.
    pub(super) opens_at: DateTime<Utc>,
    /// Points for the chance of an answer when it is open.
    pub(super) answer_chance: u16,
}

/// The buckets that are open or will open within eight days.
pub(super) async fn all(app: &App, campaign: &Campaign, now: DateTime<Utc>) -> Result<Vec<Bucket>> {
    let names: Vec<String> = app.redis.clone().smembers(script::prefix(campaign.id) + "buckets").await?;
    let spans = spans(app, campaign);
    let opens_at = |window: &Window| hours::next_open_in_all(&spans, window.zones(), now);
    let (windows, book) = (names.into_iter().filter_map(named), app.answers.book());
    Ok(windows.filter_map(|(name, window)| look(name, window, campaign, &book, opens_at)).collect())
}

/// What this node knows of every campaign's buckets.
#[derive(Debug, Default)]
pub struct Buckets(Mutex<HashMap<CampaignId, Arc<Open>>>);

/// The open buckets of a campaign in one second.
#[derive(Debug)]
pub(super) struct Open {
    /// The queue's `shape` when its buckets were listed; empty: it had none.
    pub(super) shape: String,
    pub(super) buckets: Vec<Bucket>,
    /// When the first of them closes.
    pub(super) closes_at: Option<DateTime<Utc>>,
    /// All buckets, open or not.
    windows: Arc<[(String, Window)]>,
    /// What it was worked out for.
    second: i64,
    spans: Vec<Vec<HoursRule>>,
    weight: u16,
}

impl Buckets {
    /// The buckets that are open, as far as this node knows.
    pub(super) async fn open(&self, app: &App, campaign: &Campaign, now: DateTime<Utc>) -> Result<Arc<Open>> {
        let (known, spans) = (self.known().get(&campaign.id).cloned(), spans(app, campaign));
        match known {
            None => self.look_again(app, campaign, now).await,
            Some(open) if open.is_of(campaign, &spans, now) => Ok(open),
            Some(open) => {
                let (shape, windows, book) = (open.shape.clone(), open.windows.clone(), app.answers.book());
                Ok(self.keep(campaign.id, Open::of(campaign, spans, &book, now, shape, windows)))
            }
        }
    }

    /// The buckets that are open, of those there are in Redis now.
    pub(super) async fn look_again(&self, app: &App, campaign: &Campaign, now: DateTime<Utc>) -> Result<Arc<Open>> {
        let prefix = script::prefix(campaign.id);
        let mut list = redis::pipe();
        list.atomic().get(format!("{prefix}shape")).smembers(format!("{prefix}buckets"));
        let (shape, names): (Option<String>, Vec<String>) = list.query_async(&mut app.redis.clone()).await?;
        let windows = names.into_iter().filter_map(named).collect();
        let (spans, book) = (spans(app, campaign), app.answers.book());
        let open = Open::of(campaign, spans, &book, now, shape.unwrap_or_default(), windows);
        Ok(self.keep(campaign.id, open))
    }

    fn keep(&self, campaign: CampaignId, open: Open) -> Arc<Open> {
        let open = Arc::new(open);
        self.known().insert(campaign, Arc::clone(&open));
        open
    }

    fn known(&self) -> MutexGuard<'_, HashMap<CampaignId, Arc<Open>>> {
        // A panic while it was held cannot have left the map half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn of(
        campaign: &Campaign,
        spans: Vec<Vec<HoursRule>>,
        book: &Book,
        now: DateTime<Utc>,
        shape: String,
        windows: Arc<[(String, Window)]>,
    ) -> Self {
        let is_open = |window: &Window| spans.iter().all(|rules| hours::is_open(rules, window.zones(), now));
        // The present, if the window is open; cheaper than looking for when it opens.
        let opens_at = |window: &Window| is_open(window).then_some(now);
        let look = |(name, window): &(String, Window)| look(name.clone(), window.clone(), campaign, book, opens_at);
        let buckets: Vec<Bucket> = windows.iter().filter_map(look).collect();
        let closes_at = buckets.iter().filter_map(|one| hours::closes_at(&spans, one.window.zones(), now)).min();
        let weight = campaign.settings.weights.answer_chance;
        Self { shape, buckets, closes_at, windows, second: now.timestamp(), spans, weight }
    }

    /// All buckets, open or not.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.windows.iter().map(|(name, _)| name.as_str())
    }

    pub(super) fn is_open(&self, name: &str) -> bool {
        self.buckets.iter().any(|bucket| bucket.name == name)
    }

    /// Hours begin and end on whole seconds: within one nothing opens or closes.
    fn is_of(&self, campaign: &Campaign, spans: &[Vec<HoursRule>], now: DateTime<Utc>) -> bool {
        let weight = campaign.settings.weights.answer_chance;
        (self.second, self.weight) == (now.timestamp(), weight) && self.spans == spans
    }
}

/// What binds every account of a campaign: its own hours, and those of the pack that it names. The other packs differ
/// from account to account; they are asked at the last look.
fn spans(app: &App, campaign: &Campaign) -> Vec<Vec<HoursRule>> {
    let settings = &campaign.settings;
    let of_the_pack = app.policies.book.base_hours(&settings.policy).cloned();
    std::iter::once(settings.hours.clone()).chain(of_the_pack).collect()
}

fn named(name: String) -> Option<(String, Window)> {
    text::window(&name).map(|window| (name, window))
}

fn look(
    name: String,
    window: Window,
    campaign: &Campaign,
    book: &Book,
    opens_at: impl Fn(&Window) -> Option<DateTime<Utc>>,
) -> Option<Bucket> {
    let opens_at = opens_at(&window)?;
    let answer_chance =
        score::answer_chance(campaign.settings.weights.answer_chance, book.profile(), &window, opens_at);
    Some(Bucket { name, window, opens_at, answer_chance })
}
