//! Why each campaign last dialled as it did, noted where every node's floor finds it; and every decision that tells
//! something, kept.

pub mod store;

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{app::App, error::Result, ids::CampaignId, pacing::reason::Reason};

/// The same reason is noted again this often, so that the floor sees that somebody paces the campaign.
const AGAIN: TimeDelta = TimeDelta::seconds(2);
/// A decision like the one before is recorded this often.
const RECORDED_EVERY: TimeDelta = TimeDelta::seconds(10);
/// Decisions are kept for the longest window of the law.
const KEPT: TimeDelta = TimeDelta::days(30);

/// What was noted last, and when it was noted and recorded.
#[derive(Debug, Default)]
pub(super) struct Noted(Mutex<HashMap<CampaignId, Last>>);

#[derive(Clone, Copy, Debug)]
struct Last {
    reason: Reason,
    noted: DateTime<Utc>,
    recorded: DateTime<Utc>,
}

/// What a reason is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Worth {
    /// A look by the floor.
    noted: bool,
    /// A row of its own.
    recorded: bool,
}

impl Noted {
    /// It limits otherwise, something was done, or what was written last gets old.
    fn worth(&self, campaign: CampaignId, reason: &Reason, now: DateTime<Utc>) -> Worth {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = noted
            .get(&campaign)
            .filter(|last| (last.reason.limited_by, reason.dialled, reason.gave_up) == (reason.limited_by, 0, 0));
        let worth = Worth {
            noted: last.is_none_or(|last| now - last.noted >= AGAIN),
            recorded: last.is_none_or(|last| now - last.recorded >= RECORDED_EVERY),
        };
        let at = |fresh: bool, before: Option<DateTime<Utc>>| before.filter(|_| !fresh).unwrap_or(now);
        let written = Last {
            reason: *reason,
            noted: at(worth.noted, last.map(|last| last.noted)),
            recorded: at(worth.recorded, last.map(|last| last.recorded)),
        };
        noted.insert(campaign, written);
        worth
    }
}

/// Drops what was decided longer ago than decisions are kept.
///
/// # Errors
/// Those of Postgres.
pub async fn forget_old(app: &App) -> Result<()> {
    store::drop_before(&app.db, app.clock.now() - KEPT).await
}

/// Notes why a campaign dialled as it did.
pub(super) async fn note(app: &App, campaign: CampaignId, reason: Reason) -> Result<()> {
    let now = app.clock.now();
    let worth = app.dialer.noted.worth(campaign, &reason, now);
    if worth.noted {
        store::note(&app.db, campaign, &reason, now).await?;
    }
    if worth.recorded {
        store::record(&app.db, campaign, &reason, now).await?;
    }
    Ok(())
}
