//! Learning from calls that have had the time to be answered, each once.
//!
//! Answers come early and "no answer" late: of the calls that are over within seconds of the dial, too many were answered.
//! So a call is not looked at before it could have rung out, whatever has become of it by then.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use chrono::TimeDelta;

use super::{HourOfWeek, Segment, Tally, store};
use crate::{
    app::App,
    error::Result,
    ids::AccountId,
    lifecycle::Lifecycle,
    outbox::{self, Effect},
    worker,
};

/// How often calls are learnt from, and what other nodes have learnt is read.
const PERIOD: Duration = Duration::from_secs(30);
/// A call has rung out by then: a line rings for at most 60 seconds.
pub const MATURES: TimeDelta = TimeDelta::seconds(90);
/// Calls learnt from in one transaction.
const AT_ONCE: i64 = 5_000;

/// Tallies by what they are of.
pub(super) type Tallies<K> = BTreeMap<(K, HourOfWeek), Tally>;

/// Starts the loop.
pub fn spawn(app: &App, lifecycle: &Lifecycle) {
    let app = app.clone();
    worker::spawn(lifecycle, "answers", PERIOD, Arc::default(), move || {
        let app = app.clone();
        async move { step(&app).await.map(drop) }
    });
}

/// Learns from the calls that have become old enough, and reads the book anew. How many calls were learnt from.
///
/// # Errors
/// Those of Postgres; nothing is learnt twice.
pub async fn step(app: &App) -> Result<usize> {
    let mut learnt = 0;
    loop {
        let calls = some(app).await?;
        learnt += calls;
        if calls < usize::try_from(AT_ONCE).unwrap_or(usize::MAX) {
            break;
        }
    }
    app.answers.replace(store::load(&app.db).await?);
    Ok(learnt)
}

/// One transaction; 0 if another node is at it.
async fn some(app: &App) -> Result<usize> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let Some(since) = store::lock_learnt(&mut tx).await? else { return Ok(0) };
    let calls = store::matured(&mut tx, since, now - MATURES, AT_ONCE).await?;
    let (mut segments, mut numbers) = (Tallies::<String>::new(), Tallies::<String>::new());
    for call in &calls {
        let hour = HourOfWeek::of(call.dialled_at, call.zone.unwrap_or(app.clock.house_zone()));
        let tally = Tally {
            dials: 1.0,
            answered: if call.answered { 1.0 } else { 0.0 },
            people: if call.person { 1.0 } else { 0.0 },
        };
        let add = |tallies: &mut Tallies<String>, key: String| {
            let known = tallies.entry((key, hour)).or_default();
            *known = known.and(tally);
        };
        add(&mut segments, Segment::of(&call.number, call.lane).0);
        add(&mut numbers, call.number.as_str().to_owned());
    }
    store::add_to_segments(&mut tx, &segments, now).await?;
    store::add_to_numbers(&mut tx, &numbers, now).await?;
    // What is known of a number counts in the score of whoever is called there.
    let accounts: BTreeSet<AccountId> = calls.iter().filter_map(|call| call.account).collect();
    let again: Vec<Effect> = accounts.into_iter().map(|account| Effect::Requeue { account }).collect();
    outbox::enqueue(&mut tx, &again, now).await?;
    let more = calls.len() >= usize::try_from(AT_ONCE).unwrap_or(usize::MAX);
    let until = calls.last().filter(|_| more).map_or(now - MATURES, |last| last.dialled_at);
    store::set_learnt(&mut tx, until.max(since)).await?;
    tx.commit().await?;
    app.outbox.ring();
    Ok(calls.len())
}
