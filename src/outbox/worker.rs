//! Carries out what is in the outbox.

use std::time::Duration;

use chrono::TimeDelta;
use futures_util::{StreamExt, future::join_all, stream};
use tracing::{Instrument, Span, info_span, warn};

use super::{
    Lane, carry_out,
    store::{self, Claimed},
};
use crate::{
    app::App,
    error::{Error, Result},
    lifecycle::Lifecycle,
    worker,
};

/// How often a lane is looked at without being woken: work of other nodes, and retries that have come due.
pub const PERIOD: Duration = Duration::from_millis(500);

/// Tries before an effect is left for a person to look at.
pub const MAX_ATTEMPTS: i32 = 12;

/// A claim runs out after this long; longer than any effect may take.
const CLAIM: TimeDelta = TimeDelta::seconds(60);

/// Rows claimed at a time.
const BATCH: i64 = 128;

/// A step of the house's lane that found fewer than that is followed by a rest of [`GATHER`]: a busy minute's effects come
/// in groups then, and an effect that comes alone is still carried out at once.
const FULL: usize = 64;

/// The rest.
const GATHER: Duration = Duration::from_millis(10);

/// Rows of the carrier's lane claimed at a time, all carried out side by side.
const CARRIER_BATCH: i64 = 32;

/// Groups of the house's lane carried out side by side: they share the connections to Postgres with the requests.
const SIDE_BY_SIDE: usize = 8;

/// Loops that ask the carrier: a slow answer keeps only its own loop waiting.
const CARRIER_LOOPS: usize = 4;

/// Loops that ask servers of others.
const OUTSIDE_LOOPS: usize = 2;

/// Rows of that lane claimed at a time, all carried out side by side.
const OUTSIDE_BATCH: i64 = 8;

/// Starts the loops of both lanes; they end with the workers.
pub fn spawn(app: &App, lifecycle: &Lifecycle) {
    let loops = [("outbox", Lane::House)].into_iter();
    let loops = loops.chain([("outbox carrier", Lane::Carrier); CARRIER_LOOPS]);
    for (name, lane) in loops.chain([("outbox outside", Lane::Outside); OUTSIDE_LOOPS]) {
        let app = app.clone();
        let wake = app.outbox.of(lane);
        worker::spawn(lifecycle, name, PERIOD, wake, move || {
            let app = app.clone();
            async move {
                let done = step(&app, lane).await?;
                if done > 0 {
                    if lane == Lane::House && done < FULL {
                        tokio::time::sleep(GATHER).await;
                    }
                    // There may be more: the next step begins at once.
                    app.outbox.of(lane).notify_one();
                }
                Ok(())
            }
        });
    }
}

/// Carries out what is due in `lane`. What is noted of it does not wait for the disk: lost in a crash, an effect is
/// carried out once more. At most 128 effects of the house, 32 of the carrier, 8 of others' servers. Gives their number.
///
/// # Errors
/// If the outbox cannot be read or written. The failure of an effect is noted in its row.
pub async fn step(app: &App, lane: Lane) -> Result<usize> {
    match lane {
        Lane::House => house(app).await,
        Lane::Carrier => one_by_one(app, lane, CARRIER_BATCH).await,
        Lane::Outside => one_by_one(app, lane, OUTSIDE_BATCH).await,
    }
}

/// The house's effects are quick and many: they are carried out in groups, and settled all at once.
async fn house(app: &App) -> Result<usize> {
    let claimed = store::claim(&app.relaxed, Lane::House, BATCH, app.clock.now(), CLAIM).await?;
    let count = claimed.len();
    let groups = carry_out::gather(claimed).into_iter().map(|rows| group(app, rows));
    let results: Vec<_> = stream::iter(groups).buffer_unordered(SIDE_BY_SIDE).flat_map(stream::iter).collect().await;
    let done: Vec<&Claimed> = results.iter().filter(|(_, result)| result.is_ok()).map(|(row, _)| row).collect();
    if !done.is_empty() {
        store::settle(&app.relaxed, &done).await?;
    }
    for (row, result) in &results {
        if let Err(error) = result {
            note(app, row, error).await?;
        }
    }
    Ok(count)
}

/// A group that fails is carried out one by one: each row answers for itself.
async fn group(app: &App, rows: Vec<Claimed>) -> Vec<(Claimed, Result<()>)> {
    if rows.len() > 1 && carry_out::together(app, &rows).await.is_ok() {
        return rows.into_iter().map(|row| (row, Ok(()))).collect();
    }
    let each = rows.into_iter().map(|row| async move {
        let result = carry_out::one(app, &row.effect).instrument(span(&row)).await;
        (row, result)
    });
    stream::iter(each).buffer_unordered(SIDE_BY_SIDE).collect().await
}

/// Each of these effects is settled as soon as it is done: the next one may take seconds.
async fn one_by_one(app: &App, lane: Lane, batch: i64) -> Result<usize> {
    let claimed = store::claim(&app.relaxed, lane, batch, app.clock.now(), CLAIM).await?;
    let results = join_all(claimed.iter().map(|row| async move {
        match carry_out::one(app, &row.effect).instrument(span(row)).await {
            Ok(()) => store::settle(&app.relaxed, &[row]).await,
            Err(error) => note(app, row, &error).await,
        }
    }));
    results.await.into_iter().collect::<Result<Vec<()>>>()?;
    Ok(claimed.len())
}

fn span(row: &Claimed) -> Span {
    info_span!("effect", key = row.effect.key(), attempt = row.attempts)
}

/// Notes a failure: it is tried again later, or given up.
async fn note(app: &App, row: &Claimed, error: &Error) -> Result<()> {
    let retry_in = (row.attempts < MAX_ATTEMPTS).then(|| back_off(row.attempts));
    span(row).in_scope(|| warn!(%error, source = ?std::error::Error::source(error), ?retry_in, "effect failed"));
    let now = app.clock.now();
    store::fail(&app.relaxed, row, &error.to_string(), retry_in.map(|wait| now + wait), now).await
}

/// 1 s, 2 s, 4 s … at most 5 min after the given number of failures.
fn back_off(failures: i32) -> TimeDelta {
    let doublings = u32::try_from(failures.saturating_sub(1)).unwrap_or(0).min(9);
    TimeDelta::seconds((1_i64 << doublings).min(300))
}
