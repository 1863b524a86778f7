//! Carries out what is in the outbox.

use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::join_all;
use tracing::{Instrument, info_span, warn};

use super::{Effect, Lane, store};
use crate::{agent, app::App, call, desk, error::Result, floor, lifecycle::Lifecycle, queue, worker};

/// How often a lane is looked at without being woken: work of other nodes, and retries that have come due.
pub const PERIOD: Duration = Duration::from_millis(500);

/// Tries before an effect is left for a person to look at.
pub const MAX_ATTEMPTS: i32 = 12;

/// A claim runs out after this long; longer than any effect may take.
const CLAIM: TimeDelta = TimeDelta::seconds(60);

/// Effects carried out at the same time.
const BATCH: i64 = 32;

/// Loops that ask the carrier: a slow answer keeps only its own loop waiting.
const CARRIER_LOOPS: usize = 4;

/// Starts the loops of both lanes; they end with the workers.
pub fn spawn(app: &App, lifecycle: &Lifecycle) {
    let loops = [("outbox", Lane::House)].into_iter();
    for (name, lane) in loops.chain([("outbox carrier", Lane::Carrier); CARRIER_LOOPS]) {
        let app = app.clone();
        let wake = app.outbox.of(lane);
        worker::spawn(lifecycle, name, PERIOD, wake, move || {
            let app = app.clone();
            async move {
                while step(&app, lane).await? > 0 {}
                Ok(())
            }
        });
    }
}

/// Carries out what is due in `lane`, at most 32 effects side by side. Gives their number.
///
/// # Errors
/// If the outbox cannot be read or written. The failure of an effect is noted in its row.
pub async fn step(app: &App, lane: Lane) -> Result<usize> {
    let claimed = store::claim(&app.db, lane, BATCH, app.clock.now(), CLAIM).await?;
    let results = join_all(claimed.iter().map(|row| one(app, row))).await;
    results.into_iter().collect::<Result<Vec<()>>>()?;
    Ok(claimed.len())
}

async fn one(app: &App, row: &store::Claimed) -> Result<()> {
    let span = info_span!("effect", key = row.effect.key(), attempt = row.attempts);
    let Err(error) = carry_out(app, &row.effect).instrument(span.clone()).await else {
        return store::settle(&app.db, row).await;
    };
    let retry_in = (row.attempts < MAX_ATTEMPTS).then(|| back_off(row.attempts));
    span.in_scope(|| warn!(%error, source = ?std::error::Error::source(&error), ?retry_in, "effect failed"));
    let now = app.clock.now();
    store::fail(&app.db, row, &error.to_string(), retry_in.map(|wait| now + wait), now).await
}

/// 1 s, 2 s, 4 s … at most 5 min after the given number of failures.
fn back_off(failures: i32) -> TimeDelta {
    let doublings = u32::try_from(failures.saturating_sub(1)).unwrap_or(0).min(9);
    TimeDelta::seconds((1_i64 << doublings).min(300))
}

async fn carry_out(app: &App, effect: &Effect) -> Result<()> {
    match effect {
        Effect::CancelLine { call } => call::effects::cancel_line(app, *call).await,
        Effect::HangUp { call } => call::effects::hang_up(app, *call).await,
        Effect::Bridge { call } => call::effects::bridge(app, *call).await,
        Effect::Requeue { account } => queue::requeue(app, *account).await,
        Effect::RebuildQueues => queue::forget_all(app).await,
        Effect::CallAgentLeg { agent } => agent::leg::call(app, *agent).await,
        Effect::EndAgentLeg { agent, sid } => agent::leg::end(app, *agent, sid).await,
        Effect::AgentChanged { agent } => {
            agent::agent_changed(app, *agent).await?;
            floor::agent_changed(app, *agent).await
        }
        Effect::CallChanged { call } => {
            desk::call_changed(app, *call).await?;
            agent::supervise::call_changed(app, *call).await?;
            floor::call_changed(app, *call).await
        }
        Effect::PreparePop { call } => call::effects::prepare_pop(app, *call).await,
    }
}
