//! The rate of calls, shared by all nodes.

use std::time::{Duration, Instant};

use ledgerline::carrier::limit::{Limit, give_back, take};
use redis::aio::ConnectionManager;

use crate::harness::TestApp;

const CALLS_PER_SECOND: u32 = 20;

/// A node that wants as many calls as it can get, until `end`; how many it got.
async fn greedy(redis: ConnectionManager, end: Instant) -> u32 {
    let mut granted = 0;
    while Instant::now() < end {
        granted += take(&redis, Limit::below(CALLS_PER_SECOND), 7).await.expect("Redis answers");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    granted
}

#[tokio::test]
async fn many_nodes_together_stay_below_the_rate_and_use_it() {
    let test = TestApp::start().await;
    let begun = Instant::now();
    let end = begun + Duration::from_secs(2);
    let nodes: Vec<_> = (0..6).map(|_| tokio::spawn(greedy(test.app.redis.clone(), end))).collect();
    let mut granted = 0;
    for node in nodes {
        granted += node.await.expect("a node ends");
    }
    let seconds = begun.elapsed().as_secs_f64();
    let burst = f64::from(CALLS_PER_SECOND / 4);
    let most = burst + 0.95 * f64::from(CALLS_PER_SECOND) * seconds;
    assert!(f64::from(granted) <= most, "{granted} calls in {seconds} s, {most} at most");
    assert!(granted >= CALLS_PER_SECOND, "{granted} calls in 2 s: too few");
    test.finish().await;
}

#[tokio::test]
async fn a_full_bucket_gives_its_burst_at_once_and_no_more() {
    let test = TestApp::start().await;
    let limit = Limit::below(1);
    assert_eq!(take(&test.app.redis, limit, 0).await.expect("Redis answers"), 0);
    assert_eq!(take(&test.app.redis, limit, 100).await.expect("Redis answers"), 1);
    assert_eq!(take(&test.app.redis, limit, 100).await.expect("Redis answers"), 0);
    test.finish().await;
}

#[tokio::test]
async fn what_is_given_back_is_there_again_and_never_more_than_the_burst() {
    let test = TestApp::start().await;
    let limit = Limit::below(1);
    assert_eq!(take(&test.app.redis, limit, 1).await.expect("Redis answers"), 1);
    give_back(&test.app.redis, limit, 1).await.expect("given back");
    assert_eq!(take(&test.app.redis, limit, 1).await.expect("Redis answers"), 1);
    for _ in 0..3 {
        give_back(&test.app.redis, limit, 100).await.expect("given back");
    }
    assert_eq!(take(&test.app.redis, limit, 100).await.expect("Redis answers"), 1);
    test.finish().await;
}

#[tokio::test]
async fn a_server_clock_that_was_set_back_stops_nobody() {
    let test = TestApp::start().await;
    let far = 9_000_000_000_000_000_u64;
    let mut redis = test.app.redis.clone();
    let _: () = redis::cmd("SET").arg("ll:{carrier}:calls").arg(far).query_async(&mut redis).await.expect("a key");
    let limit = Limit::below(100);
    assert_eq!(take(&test.app.redis, limit, 1).await.expect("Redis answers"), 0, "an empty bucket");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(take(&test.app.redis, limit, 1).await.expect("Redis answers") > 0, "it fills at the usual rate");
    test.finish().await;
}
