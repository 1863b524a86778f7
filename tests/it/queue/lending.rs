//! Leases: exclusive, fenced, and lapsing.

use std::collections::HashSet;

use chrono::TimeDelta;
use ledgerline::{
    ids::LeaseId,
    queue::{self, Hold, Leased},
};

use super::{accounts, built, claim, upcoming, wipe};
use crate::{
    harness::TestApp,
    portfolio::{self, Debtor},
};

#[tokio::test]
async fn nobody_is_lent_to_two_at_a_time() {
    let test = TestApp::start().await;
    for _ in 0..120 {
        portfolio::add(&test.app, &Debtor::default()).await;
    }
    let campaign = built(&test.app).await;
    let claimers = (0..16).map(|_| {
        let (app, campaign) = (test.app.clone(), campaign.clone());
        tokio::spawn(async move {
            let mut lent = Vec::new();
            loop {
                let leased = claim(&app, &campaign, 3).await;
                if leased.is_empty() {
                    return lent;
                }
                lent.extend(leased);
            }
        })
    });
    let mut all = Vec::new();
    for claimer in claimers.collect::<Vec<_>>() {
        all.extend(claimer.await.expect("it ends"));
    }
    assert_eq!(all.len(), 120);
    assert_eq!(accounts(&all).into_iter().collect::<HashSet<_>>().len(), 120);
    queue::release(&test.app, &campaign, &all).await.expect("released");
    assert_eq!(upcoming(&test.app, &campaign).await.len(), 120);
    test.finish().await;
}

#[tokio::test]
async fn a_lease_lapses_and_its_token_is_worth_nothing_then() {
    let test = TestApp::start().await;
    let app = &test.app;
    let account = portfolio::add(app, &Debtor::default()).await.account;
    let campaign = built(app).await;
    let first = claim(app, &campaign, 1).await;
    app.clock.advance(queue::LEASE - TimeDelta::seconds(1));
    assert_eq!(queue::reap(app, &campaign).await.expect("reaped"), 0, "it has not lapsed yet");
    app.clock.advance(TimeDelta::seconds(1));
    assert_eq!(queue::reap(app, &campaign).await.expect("reaped"), 1);
    let second = claim(app, &campaign, 1).await;
    assert_eq!(accounts(&second), [account]);
    queue::settle(app, &campaign, &first).await.expect("it changes nothing");
    queue::release(app, &campaign, &first).await.expect("it changes nothing");
    assert_eq!(queue::leased(app, campaign.id).await.expect("count"), 1);
    assert!(claim(app, &campaign, 1).await.is_empty());
    queue::release(app, &campaign, &second).await.expect("released");
    assert_eq!(upcoming(app, &campaign).await, [account]);
    test.finish().await;
}

#[tokio::test]
async fn a_wrong_token_neither_settles_nor_releases() {
    let test = TestApp::start().await;
    let app = &test.app;
    portfolio::add(app, &Debtor::default()).await;
    let campaign = built(app).await;
    let lent = claim(app, &campaign, 1).await;
    let forged = [Leased { lease: LeaseId::generate(), ..lent[0].clone() }];
    queue::settle(app, &campaign, &forged).await.expect("it changes nothing");
    queue::release(app, &campaign, &forged).await.expect("it changes nothing");
    assert_eq!(queue::leased(app, campaign.id).await.expect("count"), 1);
    queue::settle(app, &campaign, &lent).await.expect("settled");
    assert_eq!(queue::held(app, campaign.id).await.expect("held")[&Hold::InCall], 1);
    assert_eq!(queue::leased(app, campaign.id).await.expect("count"), 0);
    test.finish().await;
}

#[tokio::test]
async fn a_rebuild_leaves_what_is_lent_alone() {
    let test = TestApp::start().await;
    let app = &test.app;
    portfolio::add(app, &Debtor { owes_minor: 900_000, ..Debtor::default() }).await;
    let other = portfolio::add(app, &Debtor::default()).await.account;
    let campaign = built(app).await;
    let lent = claim(app, &campaign, 1).await;
    let rebuilt = queue::rebuild(app, campaign.id).await.expect("rebuilt");
    assert_eq!(rebuilt.ready, 1);
    assert_eq!(upcoming(app, &campaign).await, [other]);
    queue::release(app, &campaign, &lent).await.expect("its token still counts");
    assert_eq!(upcoming(app, &campaign).await, [lent[0].entry.account, other]);
    test.finish().await;
}

#[tokio::test]
async fn a_change_of_what_is_lent_is_carried_out_when_it_comes_back() {
    let test = TestApp::start().await;
    let app = &test.app;
    let account = portfolio::add(app, &Debtor::default()).await.account;
    let campaign = built(app).await;
    let lent = claim(app, &campaign, 1).await;
    portfolio::pay_all(app, account).await;
    queue::requeue(app, &[account]).await.expect("noted");
    assert_eq!(queue::leased(app, campaign.id).await.expect("count"), 1, "it stays lent");
    queue::release(app, &campaign, &lent).await.expect("released");
    assert!(upcoming(app, &campaign).await.is_empty(), "it is paid");
    test.finish().await;
}

#[tokio::test]
async fn a_lease_from_before_a_wipe_is_worth_nothing() {
    let test = TestApp::start().await;
    let app = &test.app;
    let account = portfolio::add(app, &Debtor::default()).await.account;
    let campaign = built(app).await;
    let lent = claim(app, &campaign, 1).await;
    wipe(app).await;
    queue::release(app, &campaign, &lent).await.expect("it changes nothing");
    assert!(queue::keep_up(app, &campaign).await.expect("kept up"));
    queue::settle(app, &campaign, &lent).await.expect("it changes nothing");
    assert_eq!(upcoming(app, &campaign).await, [account]);
    test.finish().await;
}

#[tokio::test]
async fn a_window_that_nobody_had_before_is_claimed_from_at_once() {
    let test = TestApp::start().await;
    let app = &test.app;
    let first = portfolio::add(app, &Debtor::default()).await.account;
    let campaign = built(app).await;
    assert_eq!(accounts(&claim(app, &campaign, 1).await), [first]);
    let elsewhere = Debtor { zones: vec!["America/Chicago"], ..Debtor::default() };
    let second = portfolio::add(app, &elsewhere).await.account;
    queue::requeue(app, &[second]).await.expect("placed");
    assert_eq!(accounts(&claim(app, &campaign, 1).await), [second], "no second has passed");
    wipe(app).await;
    assert!(queue::keep_up(app, &campaign).await.expect("kept up"));
    let all = claim(app, &campaign, 9).await;
    assert_eq!(accounts(&all).into_iter().collect::<HashSet<_>>(), HashSet::from([first, second]));
    queue::release(app, &campaign, &all).await.expect("released");
    test.finish().await;
}

#[tokio::test]
async fn hours_that_change_count_at_once() {
    let test = TestApp::start().await;
    let app = &test.app;
    let account = portfolio::add(app, &Debtor::default()).await.account;
    let mut campaign = built(app).await;
    let lent = claim(app, &campaign, 1).await;
    queue::release(app, &campaign, &lent).await.expect("released");
    let hours = std::mem::take(&mut campaign.settings.hours);
    assert!(claim(app, &campaign, 1).await.is_empty(), "no second has passed");
    campaign.settings.hours = hours;
    let lent = claim(app, &campaign, 1).await;
    assert_eq!(accounts(&lent), [account]);
    queue::release(app, &campaign, &lent).await.expect("released");
    app.clock.advance(TimeDelta::hours(12));
    assert!(claim(app, &campaign, 1).await.is_empty(), "it is the middle of the night");
    test.finish().await;
}
