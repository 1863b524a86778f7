//! Start to stop: the order in which the service winds down, and the tasks that it waits for.
//!
//! 1. `claiming` ends: no new call is dialled. 2. Calls that may still be answered are bridged, up to a limit.
//! 3. `serving` ends: requests and sockets close. 4. `working` ends: every worker finishes its step. 5. Stores close.

mod store;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::app::App;

/// The stages of the service; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle(Arc<Stages>);

#[derive(Debug, Default)]
struct Stages {
    claiming: CancellationToken,
    serving: CancellationToken,
    working: CancellationToken,
    failing: CancellationToken,
    failure: OnceLock<String>,
    tasks: TaskTracker,
}

impl Lifecycle {
    /// Cancelled when no new call may be dialled.
    #[must_use]
    pub fn claiming(&self) -> CancellationToken {
        self.0.claiming.clone()
    }

    /// Cancelled when requests and sockets are to end.
    #[must_use]
    pub fn serving(&self) -> CancellationToken {
        self.0.serving.clone()
    }

    /// Cancelled when workers are to end after their present step.
    #[must_use]
    pub fn working(&self) -> CancellationToken {
        self.0.working.clone()
    }

    /// The tasks that are waited for before the stores close.
    #[must_use]
    pub fn tasks(&self) -> &TaskTracker {
        &self.0.tasks
    }

    /// Ends the stage in which calls are dialled.
    pub fn stop_claiming(&self) {
        self.0.claiming.cancel();
    }

    /// Ends the stage in which requests and sockets are served.
    pub fn stop_serving(&self) {
        self.stop_claiming();
        self.0.serving.cancel();
    }

    /// Lets every worker finish its step, and waits for them at most 10 s.
    pub async fn stop_workers(&self) {
        const STEPS_END_WITHIN: Duration = Duration::from_secs(10);
        self.stop_serving();
        self.0.working.cancel();
        self.0.tasks.close();
        if tokio::time::timeout(STEPS_END_WITHIN, self.0.tasks.wait()).await.is_err() {
            tracing::warn!(left = self.0.tasks.len(), "tasks still running after {STEPS_END_WITHIN:?}");
        }
    }

    /// Says that a part of the service failed: the service stops rather than limp. The first failure is kept.
    pub fn fail(&self, part: impl Into<String>) {
        let _ = self.0.failure.set(part.into());
        self.0.failing.cancel();
    }

    /// Waits until a part fails, and says which.
    pub async fn failed(&self) -> String {
        self.0.failing.cancelled().await;
        self.0.failure.get().cloned().unwrap_or_default()
    }
}

/// The signals that end the service: SIGTERM and SIGINT (Ctrl-C).
///
/// Made before anything is started: from then on a signal is waited for and no longer kills the process.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Begins to listen.
    ///
    /// # Errors
    /// If the system does not allow it.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next one, and names it.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Waits until every call that was dialled before now and may yet be answered is bridged or over, at most `limit`.
///
/// Talks that go on are not waited for: they live at the carrier, and any node takes their webhooks.
pub async fn drain(app: &App, limit: Duration) {
    const LOOK_EVERY: Duration = Duration::from_millis(200);
    let dialled_before = app.clock.now();
    let deadline = tokio::time::Instant::now() + limit;
    loop {
        match store::unbridged(&app.db, dialled_before).await {
            Ok(0) => return,
            Ok(calls) if tokio::time::Instant::now() >= deadline => {
                tracing::warn!(calls, "calls were not bridged after {limit:?}");
                return;
            }
            Ok(_) => tokio::time::sleep(LOOK_EVERY).await,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "cannot see whether calls are waiting");
                return;
            }
        }
    }
}
