//! Facts change, and accounts take their new places.

use chrono::{Days, TimeDelta};
use ledgerline::{
    campaign::{self, Settings},
    error::Error,
    queue::{self, Hold, Wait},
};

use super::{built, upcoming};
use crate::{
    harness::TestApp,
    portfolio::{self, Debtor},
};

#[tokio::test]
async fn a_promise_takes_the_account_out_until_it_is_broken() {
    let test = TestApp::start().await;
    let app = &test.app;
    let account = portfolio::add(app, &Debtor::default()).await.account;
    let campaign = built(app).await;
    assert_eq!(upcoming(app, &campaign).await, [account]);
    portfolio::promise(app, account, app.clock.business_date() + Days::new(3)).await;
    queue::requeue(app, &[account]).await.expect("requeued");
    assert!(upcoming(app, &campaign).await.is_empty());
    assert_eq!(queue::held(app, campaign.id).await.expect("held")[&Hold::OpenPromise], 1);
    let held = queue::held_accounts(app, campaign.id, Hold::OpenPromise, None, 10).await.expect("a page");
    assert_eq!(held.items, [account]);
    test.finish().await;
}

#[tokio::test]
async fn a_callback_waits_for_its_moment() {
    let test = TestApp::start().await;
    let app = &test.app;
    let account = portfolio::add(app, &Debtor::default()).await.account;
    let campaign = built(app).await;
    portfolio::callback(app, account, app.clock.now() + TimeDelta::minutes(30)).await;
    queue::requeue(app, &[account]).await.expect("requeued");
    assert!(upcoming(app, &campaign).await.is_empty());
    assert_eq!(queue::waiting(app, campaign.id).await.expect("waiting")[&Wait::Callback], 1);
    app.clock.advance(TimeDelta::minutes(30) - TimeDelta::milliseconds(1));
    assert_eq!(queue::promote(app, campaign.id).await.expect("promoted"), 0);
    app.clock.advance(TimeDelta::milliseconds(1));
    assert_eq!(queue::promote(app, campaign.id).await.expect("promoted"), 1);
    assert_eq!(upcoming(app, &campaign).await, [account]);
    test.finish().await;
}

#[tokio::test]
async fn held_accounts_come_in_pages() {
    let test = TestApp::start().await;
    let app = &test.app;
    let mut made = Vec::new();
    for _ in 0..7 {
        let account = portfolio::add(app, &Debtor::default()).await.account;
        portfolio::promise(app, account, app.clock.business_date() + Days::new(9)).await;
        made.push(account);
    }
    made.sort_unstable();
    let campaign = built(app).await;
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let hold = Hold::OpenPromise;
        let page = queue::held_accounts(app, campaign.id, hold, cursor.as_deref(), 3).await.expect("a page");
        found.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(found, made);
    let wrong = queue::held_accounts(app, campaign.id, Hold::OpenPromise, Some("nonsense"), 3).await;
    assert!(matches!(wrong, Err(Error::Invalid { field, .. }) if field == "cursor"));
    let wrong = queue::next(app, campaign.id, Some("1.2"), 3).await;
    assert!(matches!(wrong, Err(Error::Invalid { field, .. }) if field == "cursor"));
    test.finish().await;
}

#[tokio::test]
async fn other_settings_make_another_queue() {
    let test = TestApp::start().await;
    let app = &test.app;
    portfolio::add(app, &Debtor { owes_minor: 5_000, ..Debtor::default() }).await;
    let campaign = built(app).await;
    let mut settings = campaign.settings.clone();
    settings.list.min_collectible_minor = 5_001;
    let changed = campaign::update_settings(app, None, campaign.id, campaign.version, settings).await.expect("changed");
    assert!(queue::keep_up(app, &changed).await.expect("kept up"));
    assert!(upcoming(app, &changed).await.is_empty());
    let late = campaign::update_settings(app, None, campaign.id, campaign.version, Settings::default()).await;
    assert!(matches!(late, Err(Error::Conflict(_))), "somebody changed it meanwhile");
    let audited: i64 = sqlx::query_scalar("SELECT count(*) FROM audit WHERE object_id = $1 AND action = 'settings'")
        .bind(campaign.id.to_string())
        .fetch_one(&app.db)
        .await
        .expect("audit");
    assert_eq!(audited, 1);
    test.finish().await;
}
