//! What only makes things quicker: boards and desks are told at once, the screen-pop is prepared while it rings.
//!
//! Kept in memory and carried out in groups; a row of the outbox for each would cost as much as the carrier's word that
//! leads to it. What is lost with the process harms nobody: the board reads everything again every two seconds, a desk
//! that comes back gets a snapshot, and an answer that finds no pop builds it.

use std::{
    collections::BTreeSet,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use super::effects;
use crate::{app::App, error::Result, ids::CallId, lifecycle::Lifecycle, outbox::carry_out, worker};

/// How often it is looked for hints without being woken.
const PERIOD: Duration = Duration::from_secs(1);

/// Rest after a step: a busy minute's hints come in groups then.
const GATHER: Duration = Duration::from_millis(10);

/// Calls that may wait; beyond that hints are dropped.
const AT_MOST: usize = 20_000;

/// What waits to be carried out.
#[derive(Default)]
pub struct Hints {
    waiting: Mutex<Waiting>,
    wake: Arc<Notify>,
}

#[derive(Default)]
struct Waiting {
    changed: BTreeSet<CallId>,
    ringing: BTreeSet<CallId>,
}

impl Hints {
    /// Boards and desks should see these calls, and those that ring will need a pop.
    pub(super) fn give(&self, changed: impl Iterator<Item = CallId>, ringing: impl Iterator<Item = CallId>) {
        let mut waiting = self.lock();
        waiting.changed.extend(changed);
        waiting.ringing.extend(ringing);
        if waiting.changed.len() + waiting.ringing.len() > AT_MOST {
            *waiting = Waiting::default();
            tracing::warn!("the board and the pops cannot follow the carrier; they catch up by themselves");
        }
        self.wake.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts the loop.
pub fn spawn(app: &App, lifecycle: &Lifecycle) {
    let own = app.clone();
    worker::spawn(lifecycle, "call hints", PERIOD, Arc::clone(&app.hints.wake), move || {
        let app = own.clone();
        async move {
            step(&app).await?;
            tokio::time::sleep(GATHER).await;
            Ok(())
        }
    });
}

/// Carries out what waits.
///
/// # Errors
/// Those of Postgres and Redis; what could not be carried out is dropped.
pub async fn step(app: &App) -> Result<()> {
    let Waiting { changed, ringing } = mem::take(&mut *app.hints.lock());
    if !changed.is_empty() {
        carry_out::calls_changed(app, &Vec::from_iter(changed)).await?;
    }
    if !ringing.is_empty() {
        effects::prepare_pops(app, &Vec::from_iter(ringing)).await?;
    }
    Ok(())
}
