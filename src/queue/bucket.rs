//! Buckets of a campaign's queue: the ready entries of one window, which open and close together.

use chrono::{DateTime, Utc};
use redis::AsyncCommands;

use super::{Window, score, script, text};
use crate::{app::App, campaign::Campaign, compliance::hours, error::Result};

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
    Ok(names.into_iter().filter_map(|name| look(name, campaign, now)).collect())
}

/// The buckets that are open.
pub(super) async fn open(app: &App, campaign: &Campaign, now: DateTime<Utc>) -> Result<Vec<Bucket>> {
    let mut buckets = all(app, campaign, now).await?;
    buckets.retain(|bucket| bucket.opens_at == now);
    Ok(buckets)
}

fn look(name: String, campaign: &Campaign, now: DateTime<Utc>) -> Option<Bucket> {
    let window = text::window(&name)?;
    let opens_at = hours::next_open(&campaign.settings.hours, window.zones(), now)?;
    let answer_chance = score::answer_chance(campaign.settings.weights.answer_chance, &window, opens_at);
    Some(Bucket { name, window, opens_at, answer_chance })
}
