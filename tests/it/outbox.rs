//! Effects: carried out once for many changes, tried again, given up at last, and never lost.

use std::slice::from_ref;

use chrono::TimeDelta;
use ledgerline::{
    app::App,
    ids::{AccountId, CallId, UserId},
    outbox::{self, Effect, Lane, worker},
};

use crate::{harness::TestApp, scene::Scene};

#[tokio::test]
async fn many_changes_of_one_thing_are_one_row_and_a_change_during_the_work_is_done_once_more() {
    let test = TestApp::start().await;
    let effect = Effect::CallChanged { call: CallId::generate() };
    for _ in 0..5 {
        enqueue(&test.app, from_ref(&effect)).await;
    }
    assert_eq!(rows(&test.app).await, 1);
    // As a worker that has claimed the row, and an enqueuing that comes meanwhile.
    let claimed: (i64, i64) = sqlx::query_as("UPDATE outbox SET claimed_until = $1 RETURNING id, version")
        .bind(test.app.clock.now() + TimeDelta::hours(1))
        .fetch_one(&test.app.db)
        .await
        .expect("the row");
    enqueue(&test.app, &[effect]).await;
    assert_eq!(worker::step(&test.app, Lane::House).await.expect("a step"), 0, "one worker at a time");
    let version: i64 = sqlx::query_scalar("SELECT version FROM outbox WHERE id = $1")
        .bind(claimed.0)
        .fetch_one(&test.app.db)
        .await
        .expect("the row is still there");
    assert!(version > claimed.1, "what was done in the claimed version is done once more");
    sqlx::query("UPDATE outbox SET claimed_until = NULL").execute(&test.app.db).await.expect("given back");
    assert_eq!(worker::step(&test.app, Lane::House).await.expect("a step"), 1);
    assert_eq!(rows(&test.app).await, 0);
    test.finish().await;
}

#[tokio::test]
async fn what_is_rolled_back_is_not_done() {
    let test = TestApp::start().await;
    let mut tx = test.app.db.begin().await.expect("a transaction");
    let effect = Effect::Requeue { account: AccountId::generate() };
    outbox::enqueue(&mut tx, &[effect], test.app.clock.now()).await.expect("enqueued");
    drop(tx);
    assert_eq!(rows(&test.app).await, 0);
    test.finish().await;
}

#[tokio::test]
async fn a_failing_effect_is_tried_twelve_times_ever_more_seldom_and_kept_for_a_person() {
    let test = TestApp::start().await;
    // Nobody listens at the carrier's address of a test.
    let effect = Effect::EndAgentLeg { agent: UserId::generate(), sid: "CA01".to_owned() };
    enqueue(&test.app, from_ref(&effect)).await;
    let mut waits = Vec::new();
    for _ in 0..worker::MAX_ATTEMPTS {
        let before = test.app.clock.now();
        assert_eq!(worker::step(&test.app, Lane::Carrier).await.expect("a step"), 1);
        let retry_at: chrono::DateTime<chrono::Utc> =
            sqlx::query_scalar("SELECT run_at FROM outbox").fetch_one(&test.app.db).await.expect("the row");
        waits.push((retry_at - before).num_seconds());
        assert_eq!(worker::step(&test.app, Lane::Carrier).await.expect("a step"), 0, "not before its time");
        test.app.clock.advance(TimeDelta::minutes(5));
    }
    assert_eq!(waits[..11], [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    assert_eq!(worker::step(&test.app, Lane::Carrier).await.expect("a step"), 0, "given up");
    let (failed, error): (bool, String) = sqlx::query_as("SELECT failed_at IS NOT NULL, last_error FROM outbox")
        .fetch_one(&test.app.db)
        .await
        .expect("the row");
    assert!(failed && error.contains("carrier"), "{error}");
    // Wanted again, it is tried again.
    enqueue(&test.app, &[effect]).await;
    assert_eq!(worker::step(&test.app, Lane::Carrier).await.expect("a step"), 1);
    sqlx::query("DELETE FROM outbox").execute(&test.app.db).await.expect("tidied up");
    test.finish().await;
}

#[tokio::test]
async fn two_workers_share_the_rows() {
    let test = TestApp::start().await;
    let effects: Vec<Effect> = (0..200).map(|_| Effect::CallChanged { call: CallId::generate() }).collect();
    enqueue(&test.app, &effects).await;
    let (a, b) = tokio::join!(worker::step(&test.app, Lane::House), worker::step(&test.app, Lane::House));
    assert_eq!(a.expect("a step") + b.expect("a step"), 200);
    assert_eq!(rows(&test.app).await, 0);
    test.finish().await;
}

#[tokio::test]
async fn one_that_fails_keeps_none_of_those_carried_out_with_it() {
    let scene = Scene::start().await;
    let debtors = [scene.debtor(1).await, scene.debtor(2).await];
    let (good, bad) = (scene.attempt(&debtors[0]).await, scene.attempt(&debtors[1]).await);
    scene.test.settle().await;
    sqlx::query("UPDATE account SET currency = '???' WHERE id = $1")
        .bind(debtors[1].account.0)
        .execute(&scene.app().db)
        .await
        .expect("an account without a currency");
    let pops = [Effect::PreparePop { call: bad.call }, Effect::PreparePop { call: good.call }];
    enqueue(scene.app(), &pops).await;
    assert_eq!(worker::step(scene.app(), Lane::House).await.expect("a step"), 2);
    let left: Vec<(String, i32)> =
        sqlx::query_as("SELECT dedupe_key, attempts FROM outbox WHERE last_error IS NOT NULL")
            .fetch_all(&scene.app().db)
            .await
            .expect("what is left");
    assert_eq!(left, [(pops[0].key(), 1)]);
    assert!(scene.app().recent.pop(good.call).is_some(), "the other one is prepared");
    sqlx::query("DELETE FROM outbox").execute(&scene.app().db).await.expect("tidied up");
    scene.end(&good, "CA01").await;
    scene.end(&bad, "CA02").await;
    scene.finish().await;
}

#[tokio::test]
async fn the_loops_carry_out_what_is_committed_without_waiting_for_their_period() {
    let mut test = TestApp::start().await;
    test.serve();
    let begun = std::time::Instant::now();
    for _ in 0..5 {
        enqueue(&test.app, &[Effect::CallChanged { call: CallId::generate() }]).await;
        test.app.outbox.ring();
        while rows(&test.app).await > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
    assert!(begun.elapsed() < worker::PERIOD * 5, "five effects took {:?}", begun.elapsed());
    test.finish().await;
}

async fn enqueue(app: &App, effects: &[Effect]) {
    let mut conn = app.db.acquire().await.expect("a connection");
    outbox::enqueue(&mut conn, effects, app.clock.now()).await.expect("enqueued");
}

async fn rows(app: &App) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM outbox").fetch_one(&app.db).await.expect("a count")
}
