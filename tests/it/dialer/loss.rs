//! What is lost on the way never doubles a dial.

use std::collections::HashSet;

use chrono::TimeDelta;
use ledgerline::{campaign::Mode, dialer, queue};

use super::{
    all_over,
    carrier::{Answer, Carrier},
    running, start,
};
use crate::portfolio::{self, Debtor};

#[tokio::test]
async fn a_wiped_redis_is_rebuilt_and_nobody_is_dialled_twice() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    for _ in 0..6 {
        portfolio::add(app, &Debtor::default()).await;
    }
    let campaign = running(app, Mode::Progressive, 2).await;
    for _ in 0..3 {
        dialer::tick(app, campaign.id).await.expect("a tick");
        let () = redis::cmd("FLUSHALL").query_async(&mut app.redis.clone()).await.expect("wiped");
        super::ready_agent(app, campaign.id).await;
    }
    // Time for the token bucket, which was wiped, too.
    dialer::tick(app, campaign.id).await.expect("a tick");
    let dialled: Vec<String> = carrier.placed().iter().map(|body| called(body)).collect();
    assert_eq!(dialled.iter().collect::<HashSet<_>>().len(), dialled.len(), "each number once");
    assert_eq!(dialled.len(), 5, "one for each agent who was ready");
    all_over(app).await;
    test.finish().await;
}

#[tokio::test]
async fn a_line_that_nobody_knows_of_is_not_dialled_again() {
    let carrier = Carrier::start(Answer::Lost).await;
    let test = start(&carrier).await;
    let app = &test.app;
    let account = portfolio::add(app, &Debtor::default()).await.account;
    let campaign = running(app, Mode::Progressive, 1).await;
    dialer::tick(app, campaign.id).await.expect("a tick");
    test.settle().await;
    for _ in 0..3 {
        app.clock.advance(TimeDelta::seconds(40));
        dialer::tick(app, campaign.id).await.expect("a tick");
    }
    assert_eq!(carrier.placed().len(), 1);
    assert_eq!(portfolio::live_calls(app, account).await.len(), 1, "it may be ringing");
    all_over(app).await;
    test.finish().await;
}

#[tokio::test]
async fn two_nodes_do_not_pace_the_same_campaign() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    for _ in 0..9 {
        portfolio::add(app, &Debtor::default()).await;
    }
    let campaign = running(app, Mode::Progressive, 3).await;
    let other = test.another_node().await;
    let (here, there) = tokio::join!(dialer::tick(app, campaign.id), dialer::tick(&other, campaign.id));
    let (here, there) = (here.expect("a tick"), there.expect("a tick"));
    assert!(here.elsewhere != there.elsewhere, "one of them paces");
    assert_eq!(carrier.placed().len(), 3);
    all_over(app).await;
    test.finish().await;
}

#[tokio::test]
async fn a_lease_that_lapsed_before_the_commit_is_not_dialled() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    let account = portfolio::add(app, &Debtor::default()).await.account;
    let campaign = running(app, Mode::Progressive, 1).await;
    assert!(queue::keep_up(app, &campaign).await.expect("kept up"));
    // A node claims and dies.
    let lost = queue::claim(app, &campaign, 1).await.expect("claimed").expect("built");
    assert_eq!(lost.len(), 1);
    let ticked = dialer::tick(app, campaign.id).await.expect("a tick");
    assert!(ticked.begun.is_empty(), "it is lent");
    app.clock.advance(queue::LEASE);
    let ticked = dialer::tick(app, campaign.id).await.expect("a tick");
    assert_eq!(ticked.begun.len(), 1, "its lease has lapsed");
    assert_eq!(portfolio::live_calls(app, account).await.len(), 1);
    all_over(app).await;
    test.finish().await;
}

#[tokio::test]
async fn who_is_told_to_stop_claims_nothing() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    portfolio::add(app, &Debtor::default()).await;
    let campaign = running(app, Mode::Progressive, 1).await;
    app.lifecycle.stop_claiming();
    dialer::tick(app, campaign.id).await.expect("a tick");
    assert!(carrier.placed().is_empty());
    assert_eq!(queue::leased(app, campaign.id).await.expect("count"), 0);
    test.finish().await;
}

#[tokio::test]
async fn who_is_told_to_stop_in_the_middle_loses_and_doubles_nothing() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    for _ in 0..20 {
        portfolio::add(app, &Debtor::default()).await;
    }
    let campaign = running(app, Mode::Progressive, 20).await;
    assert!(queue::keep_up(app, &campaign).await.expect("kept up"));
    let stop = async {
        for _ in 0..1_000 {
            if queue::leased(app, campaign.id).await.expect("count") > 0 {
                break;
            }
        }
        app.lifecycle.stop_claiming();
    };
    let (ticked, ()) = tokio::join!(dialer::tick(app, campaign.id), stop);
    let begun = ticked.expect("a tick").begun.len();
    assert_eq!(carrier.placed().len(), begun, "what was committed is placed");
    assert_eq!(queue::leased(app, campaign.id).await.expect("count"), 0, "what was not is given back");
    let ready: u64 = queue::depth(app, campaign.id).await.expect("depth").values().sum();
    assert_eq!(ready + begun as u64, 20);
    all_over(app).await;
    test.finish().await;
}

/// Whom a request to dial calls.
fn called(body: &str) -> String {
    url::form_urlencoded::parse(body.as_bytes())
        .find(|(name, _)| name == "To")
        .map(|(_, value)| value.into_owned())
        .expect("a number to call")
}
