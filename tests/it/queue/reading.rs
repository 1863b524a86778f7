//! A rebuild reads all accounts at once by another way than a change reads one of them: both must see the same.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, TimeDelta, Utc};
use ledgerline::{
    app::App,
    campaign::Campaign,
    ids::{AccountId, CampaignId, PersonId},
    queue, tempo,
};
use uuid::Uuid;

use super::built;
use crate::{
    harness::TestApp,
    portfolio::{self, Debtor},
};

#[tokio::test]
async fn all_at_once_and_one_by_one_give_the_same_queue() {
    let test = TestApp::start().await;
    let app = &test.app;
    let (now, today) = (app.clock.now(), app.clock.business_date());
    let mut made = Vec::new();
    let mut account = async |zones: &[&'static str]| {
        let made_now = portfolio::add(app, &Debtor { zones: zones.to_vec(), ..Debtor::default() }).await;
        made.push(made_now.account);
        made_now
    };
    let plain = account(&["America/New_York"]).await;
    let split = account(&["America/Denver", "America/Phoenix"]).await;
    account(&[]).await;
    account(&["Nowhere/Atlantis"]).await;
    portfolio::promise(app, account(&["America/New_York"]).await.account, today + Days::new(3)).await;
    portfolio::callback(app, account(&["America/Chicago"]).await.account, now + TimeDelta::minutes(30)).await;
    let (resting, ending, barred) = (account(&["America/Chicago"]).await, account(&[]).await, account(&[]).await);
    number(app, resting.account, resting.person, 0, now).await;
    number(app, ending.account, ending.person, 1, now).await;
    number(app, split.account, split.person, 2, now).await;
    hold(app, plain.account, "attorney", None).await;
    hold(app, ending.account, "hold", Some(now + TimeDelta::days(2))).await;
    let called = account(&["America/New_York"]).await;
    let busy = account(&["America/New_York"]).await;
    let campaign = built(app).await;
    for ago in [1, 5, 9] {
        call(app, &campaign, called.account, called.person, false, now - TimeDelta::days(ago)).await;
    }
    call(app, &campaign, busy.account, busy.person, true, now).await;
    call_to_nobody(app, now).await;
    bar(app, "account", barred.account.to_string()).await;
    bar(app, "person", account(&["America/New_York"]).await.person.to_string()).await;
    bar(app, "number", number_of(app, account(&["America/New_York"]).await.account).await).await;
    tried(app, &campaign, resting.account, now + TimeDelta::hours(5)).await;
    refuse(app, &campaign, account(&["America/New_York"]).await.account, None).await;
    refuse(app, &campaign, account(&["America/New_York"]).await.account, Some(now + TimeDelta::days(1))).await;
    refuse(app, &campaign, account(&["America/New_York"]).await.account, Some(now)).await;

    queue::rebuild(app, campaign.id).await.expect("rebuilt");
    let at_once = entries(app, campaign.id).await;
    assert_eq!(at_once.len(), made.len());
    queue::replace(app, &campaign, &made).await.expect("placed");
    assert_eq!(entries(app, campaign.id).await, at_once);
    let mut states: Vec<&str> = at_once.values().map(|entry| &entry[..1]).collect();
    states.sort_unstable();
    states.dedup();
    assert_eq!(states, ["H", "R", "W"], "the facts lead to every kind of place");
    test.finish().await;
}

/// Every entry by account, without the number of the look that placed it.
async fn entries(app: &App, campaign: CampaignId) -> BTreeMap<String, String> {
    let mut get = redis::cmd("HGETALL");
    get.arg(tempo::queue_key(campaign, "entry"));
    let texts: BTreeMap<String, String> = get.query_async(&mut app.redis.clone()).await.expect("entries");
    let without_ticket = |text: String| {
        let mut fields: Vec<&str> = text.split('|').collect();
        fields.remove(1);
        fields.join("|")
    };
    texts.into_iter().map(|(account, text)| (account, without_ticket(text))).collect()
}

/// A line to a number that no account has is up.
async fn call_to_nobody(app: &App, at: DateTime<Utc>) {
    sqlx::query(
        "INSERT INTO call (id, direction, to_number, from_number, callback_token, facts, state, live, created_at, heard_at)
         VALUES ($1, 'outbound', '+15555550199', '+15555550100', '', '{\"create\": {\"is\": \"accepted\"}}', 'dialing',
                 true, $2, $2)",
    )
    .bind(Uuid::now_v7())
    .bind(at)
    .execute(&app.db)
    .await
    .expect("a call");
}

/// One more number of the account, after those it has.
async fn number(app: &App, account: AccountId, person: PersonId, n: u32, now: DateTime<Utc>) {
    sqlx::query(
        "INSERT INTO contact_point (id, contact_id, account_id, kind, value, zones, position, created_at)
         SELECT $1, id, $2, 'phone', $4, '{America/Los_Angeles,America/Denver}', 1, $5
         FROM contact WHERE account_id = $2 AND person_id = $3",
    )
    .bind(Uuid::now_v7())
    .bind(account)
    .bind(person)
    .bind(format!("+1556{n:07}"))
    .bind(now)
    .execute(&app.db)
    .await
    .expect("a number");
}

async fn hold(app: &App, account: AccountId, reason: &str, until: Option<DateTime<Utc>>) {
    sqlx::query("INSERT INTO account_hold (id, account_id, reason, from_at, until_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(Uuid::now_v7())
        .bind(account)
        .bind(reason)
        .bind(app.clock.now())
        .bind(until)
        .execute(&app.db)
        .await
        .expect("a hold");
}

/// The last look refused the account's number until a moment, or until a fact changes.
async fn refuse(app: &App, campaign: &Campaign, account: AccountId, until: Option<DateTime<Utc>>) {
    sqlx::query(
        "WITH d AS (INSERT INTO dial_decision (id, campaign_id, account_id, contact_point_id, at, permitted, rule, facts, policy)
                    SELECT $1, $2, $3, id, $4, false, 'us_ma/two_in_seven', '{}', 'house' FROM contact_point
                    WHERE account_id = $3 RETURNING id, contact_point_id)
         INSERT INTO dial_refusal (campaign_id, contact_point_id, account_id, decision_id, rule, next_allowed_at, policy_version)
         SELECT $2, contact_point_id, $3, id, 'us_ma/two_in_seven', $5, 'x' FROM d",
    )
    .bind(Uuid::now_v7())
    .bind(campaign.id)
    .bind(account)
    .bind(app.clock.now())
    .bind(until)
    .execute(&app.db)
    .await
    .expect("a refusal");
}

/// A call to the account's own number.
async fn call(
    app: &App,
    campaign: &Campaign,
    account: AccountId,
    person: PersonId,
    live: bool,
    created_at: DateTime<Utc>,
) {
    sqlx::query(
        r#"INSERT INTO call (id, campaign_id, account_id, person_id, direction, to_number, from_number, callback_token,
               facts, state, outcome, live, created_at, heard_at)
           SELECT $1, $2, $3, $4, 'outbound', value, '+15555550100', '', '{"create": {"is": "accepted"}}',
                  CASE WHEN $5 THEN 'dialing' ELSE 'done' END, CASE WHEN $5 THEN NULL ELSE 'no_answer' END, $5, $6, $6
           FROM contact_point WHERE account_id = $3"#,
    )
    .bind(Uuid::now_v7())
    .bind(campaign.id)
    .bind(account)
    .bind(person)
    .bind(live)
    .bind(created_at)
    .execute(&app.db)
    .await
    .expect("a call");
}

async fn bar(app: &App, scope: &str, value: String) {
    sqlx::query("INSERT INTO do_not_call (id, scope, value, reason, at) VALUES ($1, $2, $3, 'asked', $4)")
        .bind(Uuid::now_v7())
        .bind(scope)
        .bind(value)
        .bind(app.clock.now())
        .execute(&app.db)
        .await
        .expect("a bar");
}

async fn number_of(app: &App, account: AccountId) -> String {
    sqlx::query_scalar("SELECT value FROM contact_point WHERE account_id = $1")
        .bind(account)
        .fetch_one(&app.db)
        .await
        .expect("a number")
}

async fn tried(app: &App, campaign: &Campaign, account: AccountId, not_before: DateTime<Utc>) {
    sqlx::query("INSERT INTO campaign_account (campaign_id, account_id, attempts, not_before) VALUES ($1, $2, 3, $3)")
        .bind(campaign.id)
        .bind(account)
        .bind(not_before)
        .execute(&app.db)
        .await
        .expect("what calling led to");
}
