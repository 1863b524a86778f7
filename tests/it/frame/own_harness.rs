//! The harness itself: it starts, serves, keeps tests apart, and notices what is left over.

use crate::harness::{TestApp, noon};

#[tokio::test]
async fn it_serves_and_finishes() {
    let mut test = TestApp::start().await;
    test.serve();
    let answer = reqwest::get(test.url("/healthz")).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(test.app.clock.now(), noon());
    test.finish().await;
}

#[tokio::test]
async fn tests_do_not_see_each_other() {
    let (one, other) = tokio::join!(TestApp::start(), TestApp::start());
    sqlx::raw_sql("INSERT INTO setting VALUES ('mine', '1')").execute(&one.app.db).await.expect("a row");
    let _: () = redis::cmd("SET").arg("mine").arg(1).query_async(&mut one.app.redis.clone()).await.expect("a key");
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM setting").fetch_one(&other.app.db).await.expect("a count");
    let keys: i64 = redis::cmd("DBSIZE").query_async(&mut other.app.redis.clone()).await.expect("a count");
    assert_eq!((rows, keys), (0, 0));
    one.finish().await;
    other.finish().await;
}

#[tokio::test]
#[should_panic(expected = "left over: effect stuck (carrier said no)")]
async fn effects_that_were_given_up_are_noticed() {
    let test = TestApp::start().await;
    sqlx::query(
        "INSERT INTO outbox (dedupe_key, lane, payload, created_at, run_at, last_error, failed_at)
         VALUES ('stuck', 'house', '{}', $1, $1, 'carrier said no', $1)",
    )
    .bind(noon())
    .execute(&test.app.db)
    .await
    .expect("a row");
    test.finish().await;
}

#[tokio::test]
#[should_panic(expected = "left over: leases in ll:{q:1}:leases")]
async fn leases_are_noticed() {
    let test = TestApp::start().await;
    let mut redis = test.app.redis.clone();
    let _: () = redis::cmd("ZADD").arg("ll:{q:1}:leases").arg(1).arg("a").query_async(&mut redis).await.expect("a key");
    test.finish().await;
}
