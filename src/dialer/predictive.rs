//! The predictive pacer of a live campaign: shown the truth in Postgres, told what happened since it was last told, and
//! kept, so that a restart or another node goes on where it was.

mod store;

use std::{collections::HashMap, sync::Mutex};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    app::App,
    call::{
        Event,
        apply::{self, Source},
    },
    campaign::Campaign,
    carrier,
    error::Result,
    ids::CampaignId,
    pacing::{
        LimitedBy,
        predictive::{Aims, Bounds, Decision, Demand, Limit, Line, Pacer, Scene},
    },
    queue,
};

/// What happened within this time may not be committed yet; it is told later.
const SETTLES: TimeDelta = TimeDelta::seconds(2);
/// What was learnt is kept this often; the rest is heard again after a crash.
const KEPT_EVERY: TimeDelta = TimeDelta::seconds(15);
/// Calls of longer ago are not told to a pacer that has been away.
const REMEMBERED: TimeDelta = TimeDelta::hours(2);

/// The pacers of the campaigns that this node paces.
#[derive(Debug, Default)]
pub(super) struct Pacers(Mutex<HashMap<CampaignId, Live>>);

/// A pacer at work.
#[derive(Debug)]
struct Live {
    pacer: Pacer,
    heard_until: DateTime<Utc>,
    kept_at: DateTime<Utc>,
    /// What the floor looked like when the coin was tossed.
    tossed: (usize, usize, u32),
    coin: f64,
    /// Chance of an answer of the next entries, relative to the mean: that of the lines dialled last.
    next_chance: f64,
}

impl Pacers {
    fn take(&self, campaign: CampaignId) -> Option<Live> {
        self.0.lock().ok()?.remove(&campaign)
    }

    fn keep(&self, campaign: CampaignId, live: Live) {
        if let Ok(mut pacers) = self.0.lock() {
            pacers.insert(campaign, live);
        }
    }

    /// Another node paces the campaign: what this one knows gets old.
    pub(super) fn forget(&self, campaign: CampaignId) {
        drop(self.take(campaign));
    }
}

/// How many lines to start now, and why. Gives up ringing lines where the pacer says so.
///
/// # Errors
/// Those of Postgres; the pacer is then read again from what was kept.
pub(super) async fn plan(app: &App, campaign: &Campaign) -> Result<Decision> {
    let now = app.clock.now();
    let mut live = match app.dialer.pacers.take(campaign.id) {
        Some(live) => live,
        None => Live::load(app, campaign, now).await?,
    };
    let until = now - SETTLES;
    for heard in store::heard(&app.db, campaign.id, live.heard_until, until).await? {
        live.pacer.hear(heard);
    }
    live.heard_until = live.heard_until.max(until);
    let limits = &campaign.settings.limits;
    // They may have been changed a moment ago.
    live.pacer.aims = Aims::within(limits);
    let floor = store::floor(&app.db, campaign.id, now).await?;
    live.toss((floor.agents.len(), floor.lines.len(), floor.waiting));
    let others = Demand::inbound(floor.inbound).and(&live.pacer.callbacks(&floor.callbacks));
    let supply = queue::supply(app, campaign).await?;
    let lines: Vec<_> = floor.lines.iter().map(|(_, line)| *line).collect();
    live.expect_like(&lines);
    let scene = Scene {
        now: now.timestamp_millis(),
        agents: &floor.agents,
        lines: &lines,
        waiting: floor.waiting,
        others: &others,
        bounds: Bounds {
            lines: u32::from(limits.max_lines).saturating_sub(floor.live),
            starts: burst(app),
            list: supply.now,
            later: supply.later,
            left: supply.closes_at.map(|at| (at - now).num_milliseconds()),
            next_chance: live.next_chance,
        },
        coin: live.coin,
    };
    let decision = live.pacer.plan(&scene);
    live.keep(app, campaign.id, now).await?;
    for &at in &decision.give_up {
        let call = floor.lines[at].0;
        apply::tell(app, call, apply::Heard::own(Source::Dialer, call, "end_asked", now), Event::EndAsked).await?;
    }
    app.dialer.pacers.keep(campaign.id, live);
    Ok(decision)
}

impl Live {
    async fn load(app: &App, campaign: &Campaign, now: DateTime<Utc>) -> Result<Self> {
        let limits = &campaign.settings.limits;
        let (mut pacer, heard_until) = if let Some((pacer, until)) = store::kept(&app.db, campaign.id).await? {
            (pacer, until.max(now - REMEMBERED))
        } else {
            (Pacer::of_unknown_list(limits, app.answers.book().mean(), now.timestamp_millis()), now - SETTLES)
        };
        pacer.audit(store::answered(&app.db, campaign.id, heard_until).await?);
        Ok(Self { pacer, heard_until, kept_at: now, tossed: (0, 0, 0), coin: rand::random(), next_chance: 1.0 })
    }

    /// The next entries are like those on their way: the queue goes by lane and score.
    fn expect_like(&mut self, lines: &[Line]) {
        let count = f64::from(u32::try_from(lines.len()).unwrap_or(u32::MAX));
        if count > 0.0 {
            self.next_chance = lines.iter().map(|line| line.chance).sum::<f64>() / count;
        }
    }

    /// Tosses the coin anew when an agent or a line has changed.
    fn toss(&mut self, floor: (usize, usize, u32)) {
        if floor != self.tossed {
            (self.tossed, self.coin) = (floor, rand::random());
        }
    }

    async fn keep(&mut self, app: &App, campaign: CampaignId, now: DateTime<Utc>) -> Result<()> {
        if now - self.kept_at >= KEPT_EVERY {
            store::keep(&app.db, campaign, &self.pacer, self.heard_until).await?;
            self.kept_at = now;
        }
        Ok(())
    }
}

/// The most that the carrier is asked to start at once.
fn burst(app: &App) -> u32 {
    u32::try_from(carrier::limit::Limit::of(&app.config.carrier).burst()).unwrap_or(u32::MAX)
}

impl From<Limit> for LimitedBy {
    fn from(limit: Limit) -> Self {
        match limit {
            Limit::NoAgents => Self::NoIdleAgent,
            Limit::Risk => Self::Risk,
            Limit::Budget => Self::Budget,
            Limit::WarmUp => Self::WarmUp,
            Limit::Lines => Self::MaxLines,
            Limit::Starts => Self::Starts,
            Limit::List => Self::List,
            Limit::Unhurried => Self::Unhurried,
        }
    }
}
