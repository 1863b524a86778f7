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
    let opens_at = |window: &Window| hours::next_open(&campaign.settings.hours, window.zones(), now);
    Ok(names(app, campaign).await?.into_iter().filter_map(|name| look(name, campaign, opens_at)).collect())
}

/// The buckets that are open.
pub(super) async fn open(app: &App, campaign: &Campaign, now: DateTime<Utc>) -> Result<Vec<Bucket>> {
    let names = names(app, campaign).await?;
    Ok(names.into_iter().filter_map(|name| look(name, campaign, |window| is_open(campaign, window, now))).collect())
}

async fn names(app: &App, campaign: &Campaign) -> Result<Vec<String>> {
    Ok(app.redis.clone().smembers(script::prefix(campaign.id) + "buckets").await?)
}

/// The present, if the window is open; cheaper than looking for when it opens.
fn is_open(campaign: &Campaign, window: &Window, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    hours::is_open(&campaign.settings.hours, window.zones(), now).then_some(now)
}

fn look(name: String, campaign: &Campaign, opens_at: impl Fn(&Window) -> Option<DateTime<Utc>>) -> Option<Bucket> {
    let window = text::window(&name)?;
    let opens_at = opens_at(&window)?;
    let answer_chance = score::answer_chance(campaign.settings.weights.answer_chance, &window, opens_at);
    Some(Bucket { name, window, opens_at, answer_chance })
}
