//! How much there is to dial, now and later, and until when.

use chrono::{DateTime, Utc};

use super::{bucket, script, view};
use crate::{app::App, campaign::Campaign, error::Result};

/// What a campaign's queue has to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Supply {
    /// Entries that may be dialled at this moment: those of the windows that are open.
    pub now: u32,
    /// All the others: their window is closed, or they wait for a moment of their own, be it today or not.
    pub later: u32,
    /// When the first of the open windows closes; `None`: none is open.
    pub closes_at: Option<DateTime<Utc>>,
}

/// What the campaign's queue has to give.
///
/// # Errors
/// If Redis fails.
pub async fn supply(app: &App, campaign: &Campaign) -> Result<Supply> {
    let now = app.clock.now();
    let known = app.buckets.open(app, campaign, now).await?;
    if let Some(supply) = count(app, campaign, &known).await? {
        return Ok(supply);
    }
    // There are other buckets than this node knew of.
    let present = app.buckets.look_again(app, campaign, now).await?;
    Ok(count(app, campaign, &present).await?.unwrap_or(Supply { now: 0, later: 0, closes_at: None }))
}

/// Entries by the buckets that are known; `None` if the queue has got another shape.
async fn count(app: &App, campaign: &Campaign, known: &bucket::Open) -> Result<Option<Supply>> {
    let (mut ask, prefix) = (redis::pipe(), script::prefix(campaign.id));
    ask.get(format!("{prefix}shape"));
    for name in known.names() {
        ask.zcard(format!("{prefix}ready:{name}"));
    }
    let (shape, counts): (Option<String>, Vec<u32>) = split(ask.query_async(&mut app.redis.clone()).await?);
    if shape.unwrap_or_default() != known.shape {
        return Ok(None);
    }
    let (mut now, mut later) = (0_u32, 0_u32);
    for (name, entries) in known.names().zip(counts) {
        let kind = if known.is_open(name) { &mut now } else { &mut later };
        *kind = kind.saturating_add(entries);
    }
    for waiting in view::waiting(app, campaign.id).await?.into_values() {
        later = later.saturating_add(u32::try_from(waiting).unwrap_or(u32::MAX));
    }
    Ok(Some(Supply { now, later, closes_at: known.closes_at }))
}

/// The first answer is the shape, the others are numbers.
fn split(answers: Vec<Option<String>>) -> (Option<String>, Vec<u32>) {
    let mut answers = answers.into_iter();
    let shape = answers.next().flatten();
    (shape, answers.map(|count| count.and_then(|count| count.parse().ok()).unwrap_or(0)).collect())
}
