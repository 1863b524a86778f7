//! What if: a recorded day of a campaign, dialled again by other pacers. The API and `ledgerline replay-pacing` ask here.

mod store;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;

use crate::{
    app::App,
    campaign::Campaign,
    clock::Clock,
    error::{Error, Result},
    pacing::{
        contender::{self, Name},
        replay::{Outcome, Recording, Terms},
    },
};

/// How much of a day is dialled again; more is refused.
#[derive(Clone, Copy, Debug)]
pub struct AtMost {
    /// Recorded calls.
    pub calls: u32,
    /// Hours that agents were there, all together.
    pub agent_hours: u32,
}

/// What one request of the API may ask for; [`PATIENT`] is for the command line.
pub const BOUNDED: AtMost = AtMost { calls: 50_000, agent_hours: 1_000 };
/// What the command line takes: a day of a thousand agents.
pub const PATIENT: AtMost = AtMost { calls: 2_000_000, agent_hours: 12_000 };

/// What to dial again, and how.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// The office's day.
    pub day: NaiveDate,
    /// Only this pacer; `None`: all of them.
    pub pacer: Option<Name>,
    /// Lines for each ready agent of the pacer that keeps to a ratio, in thousandths; `None`: the campaign's.
    pub ratio_milli: Option<u32>,
    /// Calls that the carrier starts a second.
    pub starts: u32,
    /// What the record cannot say is drawn by it.
    pub seed: u64,
}

/// A day as it was, and as it would have been.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct WhatIf {
    /// The office's day.
    pub day: NaiveDate,
    /// What the record cannot say was drawn by it.
    pub seed: u64,
    /// Hours that agents were there, all together.
    pub agent_hours: f64,
    /// The day as it was.
    pub recorded: Outcome,
    /// By other pacers.
    pub pacers: Vec<Outcome>,
}

/// As [`ask`], within [`BOUNDED`], one at a time on this node.
///
/// # Errors
/// Those of [`ask`]; [`Error::Conflict`] while another day is dialled again.
pub async fn ask_within_bounds(app: &App, campaign: &Campaign, asked: Question) -> Result<WhatIf> {
    let Ok(_turn) = app.dialer.what_if.try_lock() else {
        return Err(Error::Conflict("another day is being dialled again: try again in a moment".to_owned()));
    };
    ask(&app.db, &app.clock, campaign, asked, BOUNDED).await
}

/// Dials a day again.
///
/// # Errors
/// [`Error::Invalid`] naming `day` if there is nothing to dial again, or too much; those of Postgres.
pub async fn ask(db: &PgPool, clock: &Clock, campaign: &Campaign, asked: Question, most: AtMost) -> Result<WhatIf> {
    let recording = recording(db, clock, campaign, asked.day, most).await?;
    let terms = Terms {
        limits: campaign.settings.limits,
        ratio: f64::from(asked.ratio_milli.unwrap_or(campaign.ratio_milli)) / 1000.0,
        starts: asked.starts,
        seed: asked.seed,
    };
    // Seconds of work: not on a thread that others wait for.
    tokio::task::spawn_blocking(move || dial_again(&recording, asked, &terms))
        .await
        .map_err(Error::internal("dialling a day again"))?
}

async fn recording(db: &PgPool, clock: &Clock, campaign: &Campaign, day: NaiveDate, most: AtMost) -> Result<Recording> {
    let wrong = |detail: String| Err(Error::invalid("day", detail));
    let Some((begins, ends)) = bounds(clock, day) else { return wrong("expected a day that has begun".to_owned()) };
    let (dialled, came_in) = store::calls(db, campaign, (begins, ends), most.calls).await?;
    if dialled.len() + came_in.len() > usize::try_from(most.calls).unwrap_or(usize::MAX) {
        return wrong(format!("more than {} calls are recorded on it", most.calls));
    }
    let shifts = store::shifts(db, campaign.id, (begins, ends)).await?;
    let day = (begins.timestamp_millis(), ends.timestamp_millis());
    let recording = Recording { day, shifts, dialled, came_in };
    if recording.agent_hours() > f64::from(most.agent_hours) {
        return wrong(format!("agents were there for more than {} hours, all together", most.agent_hours));
    }
    Ok(recording)
}

/// From when to when the office's day lasts; today until now.
fn bounds(clock: &Clock, day: NaiveDate) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let (begins, ends) = (clock.start_of(day), clock.start_of(day.succ_opt()?));
    (begins < clock.now()).then_some((begins, ends.min(clock.now())))
}

fn dial_again(recording: &Recording, asked: Question, terms: &Terms) -> Result<WhatIf> {
    let names = asked.pacer.map_or_else(|| contender::ALL.to_vec(), |name| vec![name]);
    let pacers = names.into_iter().map(|name| recording.by(name, terms)).collect::<Result<_, _>>();
    Ok(WhatIf {
        day: asked.day,
        seed: asked.seed,
        agent_hours: recording.agent_hours(),
        recorded: recording.as_it_was(),
        pacers: pacers.map_err(|why| Error::invalid("day", why))?,
    })
}
