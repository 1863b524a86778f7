//! Why each campaign last dialled as it did, noted where every node's floor finds it.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};

use super::store;
use crate::{app::App, error::Result, ids::CampaignId, pacing::reason::Reason};

/// The same reason is noted again this often, so that the floor sees that somebody paces the campaign.
const AGAIN: TimeDelta = TimeDelta::seconds(2);

/// What was noted last, and when.
#[derive(Debug, Default)]
pub(super) struct Noted(Mutex<HashMap<CampaignId, (DateTime<Utc>, Reason)>>);

impl Noted {
    /// Whether a reason is worth a row: it limits otherwise, it dialled, or the last one gets old.
    fn is_news(&self, campaign: CampaignId, reason: &Reason, now: DateTime<Utc>) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = noted
            .get(&campaign)
            .is_some_and(|(at, last)| last.limited_by == reason.limited_by && reason.dialled == 0 && now - *at < AGAIN);
        if !known {
            noted.insert(campaign, (now, *reason));
        }
        !known
    }
}

/// Notes why a campaign dialled as it did.
pub(super) async fn note(app: &App, campaign: CampaignId, reason: Reason) -> Result<()> {
    let now = app.clock.now();
    if app.dialer.noted.is_news(campaign, &reason, now) {
        store::note(&app.db, campaign, &reason, now).await?;
    }
    Ok(())
}
