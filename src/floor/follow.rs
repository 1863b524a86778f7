//! Keeping the board up to date: hear which rows changed, read them, fold them, tell the supervisors.

use std::{
    collections::{BTreeSet, HashMap},
    mem,
    sync::PoisonError,
    time::Duration,
};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use futures_util::StreamExt;
use tokio::time::Instant;

use crate::{
    app::App,
    dialer::abandoned,
    error::{Error, Result},
    ids::{CallId, CampaignId, UserId},
    lifecycle::Lifecycle,
    pacing::share::Abandoned,
    queue, worker,
};

use super::{
    Board, CHANNEL,
    reducer::{Floor, FloorCampaign, FloorEvent, FloorQueue, reduce},
    socket::News,
    store::{self, Calls},
    view::{FloorView, Patch},
};

/// Everything that may have changed is read at least this often, whatever was heard or missed.
const PERIOD: Duration = Duration::from_secs(2);
/// As often where no supervisor watches on this node: so that the first one who does has not to wait for a whole day's
/// calls to be read.
const UNWATCHED: Duration = Duration::from_secs(30);
/// Changes within this time make one patch.
const GATHER: Duration = Duration::from_millis(50);
/// Wait before subscribing again after the connection was lost.
const RESUBSCRIBE_AFTER: Duration = Duration::from_millis(500);
/// Abandoned calls are counted this often: thirty days of calls are looked at.
const COUNTED: Duration = Duration::from_mins(1);
/// Calls that began this long before the last look are read again: their rows may have been committed after it.
const OVERLAP: TimeDelta = TimeDelta::minutes(1);

/// What was heard of and not read yet.
#[derive(Debug, Default)]
pub(super) struct Heard {
    calls: BTreeSet<CallId>,
    agents: BTreeSet<UserId>,
    campaigns: bool,
}

/// The board, and how far it has come.
#[derive(Debug)]
pub(super) struct Known {
    floor: Floor,
    view: FloorView,
    /// Number of the last patch.
    seq: u64,
    /// Calls that began before this moment, by the service's clock, are known.
    read_to: DateTime<Utc>,
    /// When everything was last read, by the process's clock.
    swept: Option<Instant>,
    /// The campaigns' abandoned calls, and when they were counted.
    counted: HashMap<CampaignId, (Instant, Abandoned)>,
}

/// Starts the two loops: one hears, one reads.
pub fn spawn(app: &App, lifecycle: &Lifecycle) {
    let reader = app.clone();
    worker::spawn(lifecycle, "floor", PERIOD, app.floor.0.wake.clone(), move || {
        let app = reader.clone();
        async move {
            tokio::time::sleep(GATHER).await;
            let period = if app.floor.is_watched() { PERIOD } else { UNWATCHED };
            bring_up_to_date(&app, period).await.map(drop)
        }
    });
    let (hearer, stop) = (app.clone(), lifecycle.working());
    lifecycle.tasks().spawn(stop.run_until_cancelled_owned(async move {
        loop {
            if let Err(error) = hear(&hearer).await {
                tracing::warn!(%error, "the floor's subscription was lost; trying again");
            }
            tokio::time::sleep(RESUBSCRIBE_AFTER).await;
        }
    }));
}

/// Brings the board up to date with Postgres and gives it.
///
/// # Errors
/// Those of Postgres. Redis being down only hides the depth of the queues.
pub async fn refresh(app: &App) -> Result<FloorView> {
    Ok(bring_up_to_date(app, Duration::ZERO).await?.1)
}

/// Notes every id that is published while somebody watches, until the connection is lost. Whoever begins to watch reads
/// everything first.
async fn hear(app: &App) -> Result<()> {
    let mut subscription = app.redis_client.get_async_pubsub().await?;
    subscription.subscribe(CHANNEL).await?;
    let mut messages = subscription.on_message();
    while let Some(message) = messages.next().await {
        let text: String = message.get_payload()?;
        if app.floor.is_watched() {
            app.floor.note(|heard| heard.note(&text));
            app.floor.0.wake.notify_one();
        }
    }
    Ok(())
}

/// Reads what was heard of, or everything if the last time is `period` ago; folds it; tells the sockets. Gives the
/// number of the last patch, and the board.
pub(super) async fn bring_up_to_date(app: &App, period: Duration) -> Result<(u64, FloorView)> {
    let mut state = app.floor.0.state.lock().await;
    let (now, today) = (app.clock.now(), app.clock.business_date());
    let known = state.get_or_insert_with(|| Known::nothing(today, app.clock.start_of(today), now));
    let heard = app.floor.note(mem::take);
    let everything = known.swept.is_none_or(|swept| swept.elapsed() >= period);
    let read = if everything { sweep(app, known, &heard, now).await } else { read(app, known, &heard, now).await };
    let events = read.inspect_err(|_| app.floor.note(|again| again.add(&heard)))?;
    if everything {
        known.swept = Some(Instant::now());
        known.read_to = now;
    }
    if let Some(patch) = known.fold(today, &events, now) {
        // Nobody may be listening.
        let _ = app.floor.0.news.send(News::of(known.seq, &patch)?);
    }
    Ok((known.seq, known.view.clone()))
}

async fn read(app: &App, known: &mut Known, heard: &Heard, now: DateTime<Utc>) -> Result<Vec<FloorEvent>> {
    let mut events = Vec::new();
    if !heard.calls.is_empty() {
        let ids: Vec<CallId> = heard.calls.iter().copied().collect();
        let calls = store::calls(&app.db, Calls::Of(&ids), &app.clock).await?;
        events.extend(calls.into_iter().map(FloorEvent::Call));
    }
    if !heard.agents.is_empty() {
        let ids: Vec<UserId> = heard.agents.iter().copied().collect();
        let agents = store::agents(&app.db, Some(&ids), now).await?;
        events.extend(agents.into_iter().map(FloorEvent::Agent));
    }
    if heard.campaigns {
        events.extend(campaigns(app, known, now).await?.into_iter().map(FloorEvent::Campaign));
    }
    Ok(events)
}

async fn sweep(app: &App, known: &mut Known, heard: &Heard, now: DateTime<Utc>) -> Result<Vec<FloorEvent>> {
    let since = known.read_to - OVERLAP;
    let late = store::recorded_late(&app.db, since).await?;
    let ids: Vec<CallId> = known.floor.unfinished().chain(heard.calls.iter().copied()).chain(late).collect();
    let calls = store::calls(&app.db, Calls::Since(since, &ids), &app.clock).await?;
    let agents = store::agents(&app.db, None, now).await?;
    let mut events: Vec<FloorEvent> = calls.into_iter().map(FloorEvent::Call).collect();
    events.extend(agents.into_iter().map(FloorEvent::Agent));
    events.extend(campaigns(app, known, now).await?.into_iter().map(FloorEvent::Campaign));
    Ok(events)
}

async fn campaigns(app: &App, known: &mut Known, now: DateTime<Utc>) -> Result<Vec<FloorCampaign>> {
    let mut campaigns = Vec::new();
    for row in store::campaigns(&app.db).await? {
        let counts = tokio::try_join!(queue::depth(app, row.id), queue::waiting(app, row.id), queue::held(app, row.id));
        let queue = match counts {
            Ok((ready, waiting, held)) => Some(FloorQueue { ready, waiting, held }),
            Err(Error::Unavailable { what: "Redis", .. }) => None,
            Err(error) => return Err(error),
        };
        let abandoned = known.abandoned(app, row.id, now).await?;
        let store::CampaignRow { id, name, state, mode, ratio_milli, latest } = row;
        campaigns.push(FloorCampaign { id, name, state, mode, ratio_milli, queue, latest, abandoned, read_at: now });
    }
    Ok(campaigns)
}

impl Heard {
    fn note(&mut self, text: &str) {
        match text.split_once(' ') {
            Some(("call", ids)) => self.calls.extend(ids.split(' ').filter_map(|id| id.parse::<CallId>().ok())),
            Some(("agent", id)) => self.agents.extend(id.parse::<UserId>()),
            // A campaign's queue is read with it; there are few of them.
            _ => self.campaigns = true,
        }
    }

    fn add(&mut self, other: &Self) {
        self.calls.extend(&other.calls);
        self.agents.extend(&other.agents);
        self.campaigns |= other.campaigns;
    }
}

impl Board {
    /// A supervisor's socket is open on this node.
    fn is_watched(&self) -> bool {
        self.0.news.receiver_count() > 0
    }

    /// Changes what was heard; the lock is never held across a wait.
    fn note<T>(&self, change: impl FnOnce(&mut Heard) -> T) -> T {
        change(&mut self.0.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Known {
    fn nothing(today: NaiveDate, read_to: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        let floor = Floor::new(today);
        let view = FloorView::of(&floor, now);
        Self { floor, view, seq: 0, read_to, swept: None, counted: HashMap::new() }
    }

    /// A campaign's abandoned calls, counted at most [`COUNTED`] ago.
    async fn abandoned(&mut self, app: &App, campaign: CampaignId, now: DateTime<Utc>) -> Result<Abandoned> {
        if let Some((at, abandoned)) = self.counted.get(&campaign)
            && at.elapsed() < COUNTED
        {
            return Ok(*abandoned);
        }
        let abandoned = abandoned::shares(&app.db, campaign, now).await?;
        self.counted.insert(campaign, (Instant::now(), abandoned));
        Ok(abandoned)
    }

    /// Folds the events; gives what changed on the board, if anything did.
    fn fold(&mut self, today: NaiveDate, events: &[FloorEvent], now: DateTime<Utc>) -> Option<Patch> {
        reduce(&mut self.floor, &FloorEvent::Day(today));
        for event in events {
            reduce(&mut self.floor, event);
        }
        let before = mem::replace(&mut self.view, FloorView::of(&self.floor, now));
        let patch = self.view.since(&before)?;
        self.seq += 1;
        Some(patch)
    }
}
