//! What a shutdown waits for.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use ledgerline::{ids::CallId, lifecycle};
use tokio::time::{sleep, timeout};

use crate::harness::{TestApp, noon};

/// Longer than any wait of these tests, on a busy machine, too.
const LONG: Duration = Duration::from_mins(1);

/// A call that rings, dialled at `dialled_at`.
async fn ringing(test: &TestApp, dialled_at: DateTime<Utc>) -> CallId {
    let call = CallId::generate();
    sqlx::query(
        "INSERT INTO call (id, direction, to_number, from_number, callback_token, facts, state, live, created_at, heard_at)
         VALUES ($1, 'outbound', '+15555550101', '+15555550100', 'token', '{}', 'ringing', true, $2, $2)",
    )
    .bind(call)
    .bind(dialled_at)
    .execute(&test.app.db)
    .await
    .expect("a row");
    call
}

#[tokio::test]
async fn a_ringing_call_is_waited_for_until_it_is_bridged() {
    let test = TestApp::start().await;
    let call = ringing(&test, noon()).await;
    let app = test.app.clone();
    let drained = tokio::spawn(async move { lifecycle::drain(&app, LONG * 2).await });
    sleep(Duration::from_millis(500)).await;
    assert!(!drained.is_finished(), "it rings");
    sqlx::query("UPDATE call SET state = 'bridged' WHERE id = $1")
        .bind(call)
        .execute(&test.app.db)
        .await
        .expect("it is bridged");
    timeout(LONG, drained).await.expect("the talk is not waited for").expect("no panic");
    test.finish().await;
}

#[tokio::test]
async fn the_wait_has_a_limit() {
    let test = TestApp::start().await;
    ringing(&test, noon()).await;
    let begun = Instant::now();
    timeout(LONG, lifecycle::drain(&test.app, Duration::from_millis(300))).await.expect("it gives up");
    assert!(begun.elapsed() >= Duration::from_millis(300), "but not before the limit");
    test.finish().await;
}

#[tokio::test]
async fn calls_that_another_node_dials_meanwhile_are_not_waited_for() {
    let test = TestApp::start().await;
    ringing(&test, noon() + TimeDelta::seconds(1)).await;
    timeout(LONG, lifecycle::drain(&test.app, LONG * 2)).await.expect("nothing to wait for");
    test.finish().await;
}
