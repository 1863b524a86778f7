//! One step of the dialer.

use std::time::Duration;

use super::{Bell, begin, look, place, predictive, preview, store};
use crate::{
    agent::ready,
    app::App,
    call::attempt::Taker,
    campaign::{self, Campaign, Mode, State},
    carrier::limit::{self, Limit},
    error::Result,
    ids::{CallId, CampaignId},
    pacing::{self, PacingDecision, PacingInput},
    queue::{self, Leased, right::Right},
    tempo,
};

/// A node that stops ticking loses a campaign to another after this time.
const PACING_RIGHT_MS: u64 = 3_000;
/// How long a tick waits for the carrier's answers; they are heard afterwards, too.
const PLACED_WITHIN: Duration = Duration::from_secs(1);

/// What a tick did.
#[derive(Debug, Default)]
pub struct Ticked {
    /// Another node paces this campaign.
    pub elsewhere: bool,
    /// How many lines were to be started, and what limited it; `None`: the campaign does not dial now.
    pub decision: Option<PacingDecision>,
    /// Attempts committed; in preview, accounts shown.
    pub begun: Vec<CallId>,
    /// Entries that the last look refused.
    pub refused: u32,
}

/// One step for one campaign: keep its queue in order, pace, claim, look a last time, commit the attempts, and ask the
/// carrier.
///
/// # Errors
/// If Postgres or Redis fails. What was claimed then goes back to the queue when its lease lapses.
pub async fn tick(app: &App, campaign: CampaignId) -> Result<Ticked> {
    let right = app.dialer.right_to_pace(campaign);
    let elsewhere = || {
        app.dialer.pacers.forget(campaign);
        Ticked { elsewhere: true, ..Ticked::default() }
    };
    if !right.take(app, PACING_RIGHT_MS).await? {
        return Ok(elsewhere());
    }
    let campaign = campaign::store::get(&mut *app.db.acquire().await?, campaign).await?;
    let built = queue::keep_up(app, &campaign).await?;
    // Building a long queue takes longer than the right lasts.
    if !right.take(app, PACING_RIGHT_MS).await? {
        return Ok(elsewhere());
    }
    let lines = store::lines(&app.db, campaign.id).await?;
    if campaign.state == State::Draining && lines.live == 0 {
        campaign::drained(app, campaign.id).await?;
    }
    if !built || campaign.state != State::Running || stopping(app) {
        return Ok(Ticked::default());
    }
    let decision = if campaign.mode == Mode::Predictive {
        predictive::plan(app, &campaign).await?
    } else {
        plan(app, &campaign, lines).await?
    };
    let ticked = Ticked { decision: Some(decision), ..Ticked::default() };
    let wanted = allowed(app, &campaign, decision.dial).await?;
    if wanted == 0 {
        return Ok(ticked);
    }
    match queue::claim(app, &campaign, wanted).await? {
        Some(leased) => dial(app, &campaign, leased, ticked).await,
        None => Ok(ticked),
    }
}

/// How many lines the modes without a memory start.
async fn plan(app: &App, campaign: &Campaign, lines: store::Lines) -> Result<PacingDecision> {
    Ok(pacing::plan(&PacingInput {
        mode: campaign.mode,
        ratio_milli: campaign.ratio_milli,
        idle: u32::try_from(ready::count(app, campaign.id).await?).unwrap_or(u32::MAX),
        in_flight: lines.in_flight,
        waiting: lines.waiting,
        lines: lines.live,
        max_lines: campaign.settings.limits.max_lines.into(),
    }))
}

/// How many lines the carrier takes now. A preview asks when its agent dials.
async fn allowed(app: &App, campaign: &Campaign, wanted: u32) -> Result<u32> {
    if wanted == 0 || campaign.mode == Mode::Preview {
        return Ok(wanted);
    }
    if let Some(trouble) = app.carrier.check().await {
        tracing::debug!(%trouble, "no calls are placed");
        return Ok(0);
    }
    limit::take(&app.redis, Limit::below(app.config.carrier.calls_per_second), wanted).await
}

/// From the lease to the carrier. What the shutdown overtakes is given back.
async fn dial(app: &App, campaign: &Campaign, leased: Vec<Leased>, mut ticked: Ticked) -> Result<Ticked> {
    let (permitted, refused) = look::at(app, campaign, leased).await?;
    ticked.refused = refused;
    let mut placing = Vec::new();
    for looked in permitted {
        if stopping(app) {
            looked.give_back(app, campaign).await?;
            continue;
        }
        let begun = match campaign.mode {
            Mode::Preview => preview::offer(app, campaign, looked).await?,
            Mode::Progressive | Mode::Ratio | Mode::Predictive => {
                match begin::commit(app, campaign, looked, Taker::Whoever).await? {
                    Ok(begun) => {
                        let call = begun.call;
                        placing.push(app.lifecycle.tasks().spawn(place::place(app.clone(), begun)));
                        Some(call)
                    }
                    Err(_) => None,
                }
            }
        };
        ticked.begun.extend(begun);
    }
    // A carrier that is slow to answer does not keep the next line waiting.
    let _ = tokio::time::timeout(PLACED_WITHIN, futures_util::future::join_all(placing)).await;
    Ok(ticked)
}

fn stopping(app: &App) -> bool {
    app.lifecycle.claiming().is_cancelled()
}

impl Bell {
    fn right_to_pace(&self, campaign: CampaignId) -> Right {
        Right::of(tempo::queue_key(campaign, "pacer"), self.node.to_string())
    }
}
