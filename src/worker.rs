//! A loop is a shell around one step that a test can call.
//!
//! The step runs when it is woken or when its period is over, backs off when it fails, and has a span of its own. A
//! step that panics stops the service: no limping.

use std::{panic::AssertUnwindSafe, pin::pin, sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{error::Result, lifecycle::Lifecycle};

/// A step that takes longer is given up and counts as failed.
const STEP_LIMIT: Duration = Duration::from_mins(5);
/// Wait after the first failure; doubled by each further one.
const FIRST_BACK_OFF: Duration = Duration::from_millis(100);
/// The longest wait after a failure.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(10);

/// Runs `step` at once, whenever `wake` is notified, and at the latest every `period`, until the workers are stopped.
pub fn spawn<S, F>(lifecycle: &Lifecycle, name: &'static str, period: Duration, wake: Arc<Notify>, step: S)
where
    S: Fn() -> F + Send + 'static,
    F: Future<Output = Result<()>> + Send,
{
    spawn_until(lifecycle.working(), lifecycle, name, period, wake, step);
}

/// As [`spawn`], for a worker that starts new calls: it ends with the first stage of the shutdown.
pub fn spawn_claiming<S, F>(lifecycle: &Lifecycle, name: &'static str, period: Duration, wake: Arc<Notify>, step: S)
where
    S: Fn() -> F + Send + 'static,
    F: Future<Output = Result<()>> + Send,
{
    spawn_until(lifecycle.claiming(), lifecycle, name, period, wake, step);
}

fn spawn_until<S, F>(
    until: CancellationToken,
    lifecycle: &Lifecycle,
    name: &'static str,
    period: Duration,
    wake: Arc<Notify>,
    step: S,
) where
    S: Fn() -> F + Send + 'static,
    F: Future<Output = Result<()>> + Send,
{
    let guard = lifecycle.clone();
    let shell = async move {
        if AssertUnwindSafe(run(&until, name, period, &wake, step)).catch_unwind().await.is_err() {
            guard.fail(format!("worker {name} panicked"));
        }
    };
    lifecycle.tasks().spawn(shell);
}

async fn run<S, F>(until: &CancellationToken, name: &'static str, period: Duration, wake: &Notify, step: S)
where
    S: Fn() -> F,
    F: Future<Output = Result<()>>,
{
    let mut failures = 0;
    while !until.is_cancelled() {
        // Taken before the step: what happens during the step wakes the next one.
        let woken = pin!(wake.notified());
        match one_step(name, step()).await {
            Ok(()) => failures = 0,
            Err(error) => {
                failures += 1;
                let wait = back_off(failures);
                tracing::error!(worker = name, failures, ?wait, error = &*error, "step failed");
                tokio::select! {
                    () = until.cancelled() => return,
                    () = tokio::time::sleep(wait) => continue,
                }
            }
        }
        tokio::select! {
            () = until.cancelled() => return,
            () = woken => {}
            () = tokio::time::sleep(period) => {}
        }
    }
}

async fn one_step(
    name: &'static str,
    step: impl Future<Output = Result<()>>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let span = tracing::debug_span!("worker", name);
    let begun = std::time::Instant::now();
    let outcome = tokio::time::timeout(STEP_LIMIT, step.instrument(span)).await;
    metrics::histogram!("ledgerline_worker_step_seconds", "worker" => name).record(begun.elapsed());
    let outcome: Result<(), Box<dyn std::error::Error + Send + Sync>> = match outcome {
        Ok(result) => result.map_err(Into::into),
        Err(elapsed) => Err(elapsed.into()),
    };
    if outcome.is_err() {
        metrics::counter!("ledgerline_worker_failures_total", "worker" => name).increment(1);
    }
    outcome
}

fn back_off(failures: u32) -> Duration {
    FIRST_BACK_OFF.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))).min(LONGEST_BACK_OFF)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn back_off_doubles_up_to_a_limit() {
        assert_eq!(back_off(1), Duration::from_millis(100));
        assert_eq!(back_off(2), Duration::from_millis(200));
        assert_eq!(back_off(8), LONGEST_BACK_OFF);
        assert_eq!(back_off(u32::MAX), LONGEST_BACK_OFF);
    }

    #[tokio::test]
    async fn a_wake_during_the_step_is_not_lost() {
        let lifecycle = Lifecycle::default();
        let (wake, steps) = (Arc::new(Notify::new()), Arc::new(AtomicU32::new(0)));
        let (inner, count) = (wake.clone(), steps.clone());
        spawn(&lifecycle, "test", Duration::from_hours(1), wake, move || {
            let (wake, steps) = (inner.clone(), count.clone());
            async move {
                if steps.fetch_add(1, Ordering::SeqCst) == 0 {
                    wake.notify_one();
                }
                Ok(())
            }
        });
        let twice = async {
            while steps.load(Ordering::SeqCst) < 2 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), twice).await.expect("the second step runs");
        lifecycle.stop_workers().await;
        assert_eq!(steps.load(Ordering::SeqCst), 2, "nothing woke it a third time");
    }

    #[tokio::test]
    async fn a_panic_fails_the_service() {
        let lifecycle = Lifecycle::default();
        spawn(&lifecycle, "doomed", Duration::from_hours(1), Arc::default(), || async { panic!("a defect") });
        let part = tokio::time::timeout(Duration::from_secs(5), lifecycle.failed()).await.expect("it is noticed");
        assert_eq!(part, "worker doomed panicked");
    }

    #[tokio::test]
    async fn an_error_is_retried_and_a_claiming_worker_stops_first() {
        let lifecycle = Lifecycle::default();
        let steps = Arc::new(AtomicU32::new(0));
        let count = steps.clone();
        spawn_claiming(&lifecycle, "stumbling", Duration::from_hours(1), Arc::default(), move || {
            let step = count.fetch_add(1, Ordering::SeqCst);
            async move { if step == 0 { Err(crate::error::Error::Forbidden) } else { Ok(()) } }
        });
        let retried = async {
            while steps.load(Ordering::SeqCst) < 2 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), retried).await.expect("it is tried again");
        lifecycle.stop_claiming();
        lifecycle.tasks().close();
        tokio::time::timeout(Duration::from_secs(5), lifecycle.tasks().wait()).await.expect("it ends");
    }
}
