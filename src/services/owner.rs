//! The thread that owns the private stores.
//!
//! The kernel ties a child to the *thread* that started it, so the stores have one of their own: it starts them, looks
//! after them, and stops them when it is told to or when whoever would tell it is gone.

use std::{
    sync::{
        Arc, OnceLock,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::{
    child::{Child, LOOK_EVERY},
    lock::Lock,
    place::Place,
    postgres, redis,
};

/// How often it looks whether a store has ended by itself.
const LOOK_AFTER_EVERY: Duration = Duration::from_millis(200);
/// A store that has not stopped by then is killed; Postgres may have a large checkpoint to write.
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// The stores to run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) postgres: bool,
    pub(super) redis: bool,
}

/// A hold on the thread. Dropping it stops the stores.
#[derive(Debug)]
pub(super) struct Owner {
    thread: Option<JoinHandle<()>>,
    /// Nothing is ever sent: that it closes is the message.
    alive: Option<Sender<()>>,
    died: Arc<Died>,
}

/// That a store ended by itself, and which.
#[derive(Debug, Default)]
struct Died {
    happened: CancellationToken,
    which: OnceLock<String>,
}

impl Owner {
    /// Starts the wanted stores; they are ready when this returns.
    pub(super) async fn start(place: Place, lock: Lock, wanted: Wanted) -> anyhow::Result<Self> {
        let (alive, told) = channel();
        let (started, outcome) = oneshot::channel();
        let died = Arc::<Died>::default();
        let report = died.clone();
        let thread = std::thread::Builder::new().name("stores".to_owned()).spawn(move || {
            match start_stores(&place, wanted) {
                Ok(mut stores) => {
                    let _ = started.send(Ok(()));
                    look_after(&mut stores, &told, &report);
                    // Redis first, which depends on nothing; the lock last.
                    stores.into_iter().rev().for_each(|store| store.stop(STOP_WITHIN));
                }
                Err(error) => {
                    let _ = started.send(Err(error));
                }
            }
            drop(lock);
        })?;
        let owner = Self { thread: Some(thread), alive: Some(alive), died };
        outcome.await.context("the thread of the private stores ended")??;
        Ok(owner)
    }

    /// Waits until a store ends by itself, and says which.
    pub(super) async fn died(&self) -> String {
        self.died.happened.cancelled().await;
        self.died.which.get().cloned().unwrap_or_default()
    }

    /// Stops the stores; they are gone when this returns.
    pub(super) async fn stop(self) {
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        drop(self.alive.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Waits until the stores that another process owns are ready.
pub(super) fn wait_for_another(place: &Place, wanted: Wanted) -> anyhow::Result<()> {
    let begun = Instant::now();
    while (wanted.postgres && !postgres::is_ready(place)) || (wanted.redis && !redis::is_ready(place)) {
        if begun.elapsed() > redis::READY_WITHIN {
            bail!("the stores in {} are not ready after {:?}", place.base().display(), redis::READY_WITHIN);
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

/// Starts both before it waits for either.
fn start_stores(place: &Place, wanted: Wanted) -> anyhow::Result<Vec<Child>> {
    let begun = Instant::now();
    let mut stores = Vec::new();
    if wanted.postgres {
        stores.push(postgres::start(place)?);
    }
    if wanted.redis {
        stores.push(redis::start(place)?);
    }
    for store in &mut stores {
        if store.name() == postgres::NAME {
            store.wait_until(postgres::READY_WITHIN, || postgres::is_ready(place))?;
        } else {
            store.wait_until(redis::READY_WITHIN, || redis::is_ready(place))?;
        }
    }
    tracing::debug!(elapsed = ?begun.elapsed(), "private stores are ready");
    Ok(stores)
}

/// Returns when the holder is gone; reports a store that ends before.
fn look_after(stores: &mut [Child], told: &Receiver<()>, died: &Died) {
    while matches!(told.recv_timeout(LOOK_AFTER_EVERY), Err(RecvTimeoutError::Timeout)) {
        for store in &mut *stores {
            if let Some(status) = store.ended()
                && died.which.set(format!("the private {} ended ({status})", store.name())).is_ok()
            {
                died.happened.cancel();
            }
        }
    }
}
