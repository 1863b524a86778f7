//! One step of the dialer.

use std::time::{Duration, Instant};

use super::{Bell, begin, latest, look, place, predictive, preview, store};
use crate::{
    agent::ready,
    app::App,
    call::attempt::Taker,
    campaign::{self, Campaign, Mode, State},
    carrier::limit::{self, Limit},
    error::Result,
    ids::{CallId, CampaignId},
    pacing::{
        self, LimitedBy, PacingDecision, PacingInput,
        predictive::{Because, Decision},
        reason::Reason,
    },
    queue::{self, Leased, right::Right},
    tempo,
};

/// A node that stops ticking loses a campaign to another after this time.
const PACING_RIGHT_MS: u64 = 3_000;
/// How long a tick claims again, beyond once, for what the last look refused: what may be dialled is found behind many that
/// may not, and the right to pace does not lapse meanwhile.
const CLAIMING: Duration = Duration::from_millis(500);
/// Entries claimed at once for what was refused.
const MOST_CLAIMED: u32 = 64;
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
    let (decision, reason) = if campaign.mode == Mode::Predictive {
        foresee(app, &campaign).await?
    } else {
        plan(app, &campaign, lines).await?
    };
    let (ticked, limited_by) = carry_out(app, &campaign, decision).await?;
    let dialled = begun(&ticked);
    latest::note(app, campaign.id, Reason { dialled, refused: ticked.refused, limited_by, ..reason }).await?;
    Ok(ticked)
}

/// How many lines the predictive pacer starts.
async fn foresee(app: &App, campaign: &Campaign) -> Result<(PacingDecision, Reason)> {
    let Decision { dial, because, give_up, .. } = predictive::plan(app, campaign).await?;
    let gave_up = u32::try_from(give_up.len()).unwrap_or(u32::MAX);
    let limited_by = because.limited_by.into();
    let Because { idle, in_flight, waiting, .. } = because;
    let reason =
        Reason { dialled: 0, gave_up, refused: 0, limited_by, idle, in_flight, waiting, because: Some(because) };
    Ok((PacingDecision { dial, limited_by }, reason))
}

/// How many lines the modes without a memory start.
async fn plan(app: &App, campaign: &Campaign, lines: store::Lines) -> Result<(PacingDecision, Reason)> {
    let input = PacingInput {
        mode: campaign.mode,
        ratio_milli: campaign.ratio_milli,
        idle: u32::try_from(ready::count(app, campaign.id).await?).unwrap_or(u32::MAX),
        in_flight: lines.in_flight,
        waiting: lines.waiting,
        lines: lines.live,
        max_lines: campaign.settings.limits.max_lines.into(),
    };
    let (decision, PacingInput { idle, in_flight, waiting, .. }) = (pacing::plan(&input), input);
    let limited_by = decision.limited_by;
    let reason = Reason { dialled: 0, gave_up: 0, refused: 0, limited_by, idle, in_flight, waiting, because: None };
    Ok((decision, reason))
}

/// From the decision to the carrier; and what limited it in the end.
async fn carry_out(app: &App, campaign: &Campaign, decision: PacingDecision) -> Result<(Ticked, LimitedBy)> {
    let mut ticked = Ticked { decision: Some(decision), ..Ticked::default() };
    let (wanted, limited_by) = allowed(app, campaign, decision).await?;
    if wanted == 0 {
        return Ok((ticked, limited_by));
    }
    let filled = fill(app, campaign, wanted, &mut ticked).await;
    if campaign.mode != Mode::Preview {
        // A start that nobody was permitted to use is somebody else's.
        limit::give_back(&app.redis, Limit::of(&app.config.carrier), wanted.saturating_sub(begun(&ticked))).await?;
    }
    Ok((ticked, if filled? { limited_by } else { LimitedBy::List }))
}

/// Claims until so many lines are begun, for a while; false: the list has no more. The more was refused, the more is claimed
/// at once.
async fn fill(app: &App, campaign: &Campaign, wanted: u32, ticked: &mut Ticked) -> Result<bool> {
    let (started, mut claimed_again) = (Instant::now(), false);
    loop {
        let missing = wanted.saturating_sub(begun(ticked));
        if missing == 0 {
            return Ok(true);
        }
        let claim = missing.max(ticked.refused.min(MOST_CLAIMED));
        let leased = queue::claim(app, campaign, claim).await?.unwrap_or_default();
        let (last, refused) = (leased.len() < claim as usize, ticked.refused);
        dial(app, campaign, leased, missing, ticked).await?;
        let trouble = stopping(app) || app.carrier.trouble().is_some();
        let late = claimed_again && started.elapsed() >= CLAIMING;
        if last || trouble || late || ticked.refused == refused {
            return Ok(!last || begun(ticked) >= wanted);
        }
        claimed_again = true;
    }
}

fn begun(ticked: &Ticked) -> u32 {
    u32::try_from(ticked.begun.len()).unwrap_or(u32::MAX)
}

/// How many lines the carrier takes now, and what limits them. A preview asks when its agent dials.
async fn allowed(app: &App, campaign: &Campaign, decision: PacingDecision) -> Result<(u32, LimitedBy)> {
    let PacingDecision { dial: wanted, limited_by } = decision;
    if wanted == 0 || campaign.mode == Mode::Preview {
        return Ok((wanted, limited_by));
    }
    if let Some(trouble) = app.carrier.check().await {
        tracing::debug!(%trouble, "no calls are placed");
        return Ok((0, LimitedBy::Carrier));
    }
    let free = place::free_lines(app).await?;
    if free == 0 {
        return Ok((0, LimitedBy::Trunk));
    }
    let (wanted, limited_by) = if free < wanted { (free, LimitedBy::Trunk) } else { (wanted, limited_by) };
    let granted = limit::take(&app.redis, Limit::of(&app.config.carrier), wanted).await?;
    Ok((granted, if granted < wanted { LimitedBy::Starts } else { limited_by }))
}

/// From the lease to the carrier, for so many lines at most. What is too much, and what the shutdown overtakes, is given
/// back.
async fn dial(app: &App, campaign: &Campaign, leased: Vec<Leased>, most: u32, ticked: &mut Ticked) -> Result<()> {
    let enough = begun(ticked).saturating_add(most);
    let (permitted, refused) = look::at(app, campaign, leased).await?;
    ticked.refused += refused;
    let mut placing = Vec::new();
    for looked in permitted {
        if stopping(app) || begun(ticked) >= enough {
            looked.give_back(app, campaign).await?;
            continue;
        }
        let call = match campaign.mode {
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
        ticked.begun.extend(call);
    }
    // A carrier that is slow to answer does not keep the next line waiting.
    let _ = tokio::time::timeout(PLACED_WITHIN, futures_util::future::join_all(placing)).await;
    Ok(())
}

fn stopping(app: &App) -> bool {
    app.lifecycle.claiming().is_cancelled()
}

impl Bell {
    fn right_to_pace(&self, campaign: CampaignId) -> Right {
        Right::of(tempo::queue_key(campaign, "pacer"), self.node.to_string())
    }
}
