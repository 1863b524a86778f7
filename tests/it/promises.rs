//! Promises beyond the call: limits, approvals, several at a time, reversals, and the task that a broken one leaves.

use axum::http::StatusCode;
use chrono::{Days, NaiveDate, TimeDelta};
use ledgerline::{
    agent::Role,
    app::App,
    ids::{AccountId, InstalmentId, PaymentId},
    ledger::{self, AllocationMode, NewPayment},
    money::{Currency, Money},
    promise::{self, day_roll},
    queue,
};
use serde_json::{Value, json};

use crate::{
    api::client::Client,
    money,
    scene::{Debtor, Scene},
};

fn due(app: &App, days: u64) -> NaiveDate {
    app.clock.business_date() + Days::new(days)
}

async fn promise(client: &Client, account: AccountId, minor: i64, on: NaiveDate, besides: bool) -> (StatusCode, Value) {
    let body = json!({ "amount_minor": minor, "due_on": on, "besides": besides });
    let answer = client.post(&format!("/api/accounts/{account}/promises"), &body).await;
    (answer.status, answer.body)
}

async fn statuses(client: &Client, account: AccountId) -> Vec<String> {
    let listed = client.get(&format!("/api/accounts/{account}/promises")).await.body;
    let items = listed["items"].as_array().expect("a page").clone();
    items.iter().map(|promise| promise["status"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Receives money, applies it to the account's only item, and has the promises judged.
async fn pay(app: &App, debtor: &Debtor, minor: i64) -> PaymentId {
    let (today, now) = (app.clock.business_date(), app.clock.now());
    let mut tx = app.db.begin().await.expect("a transaction");
    let new = NewPayment {
        account: debtor.account,
        amount: Money::new(minor, Currency::USD),
        received_on: today,
        method: "transfer".to_owned(),
        reference: String::new(),
    };
    let payment = ledger::store::record_payment(&mut tx, &new, now).await.expect("recorded");
    let item: InstalmentId = ledger::store::open_items(&mut tx, debtor.account).await.expect("items")[0].instalment;
    let mode = AllocationMode::Specified;
    ledger::store::allocate(&mut tx, payment, item, minor, mode, today, now).await.expect("applied");
    promise::settle(&mut tx, debtor.account, today, now).await.expect("judged");
    tx.commit().await.expect("committed");
    payment
}

#[tokio::test]
async fn a_promise_outside_of_the_limits_needs_somebody_whose_limits_reach() {
    let scene = Scene::start().await;
    let app = scene.app();
    let admin = Client::new(app).await;
    let caller = admin.of(admin.user("agent-1", Role::Agent).await).await;
    let boss = admin.of(admin.user("supervisor-1", Role::Supervisor).await).await;
    let debtor = scene.owing(1, 100_000).await;
    let approvals = format!("/api/accounts/{}/promise-approvals", debtor.account);

    let (status, refused) = promise(&caller, debtor.account, 50_000, due(app, 61), false).await;
    assert_eq!((status, refused["field"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("promise.due_on")));
    let (status, refused) = promise(&caller, debtor.account, 99, due(app, 10), false).await;
    assert_eq!((status, refused["field"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("promise.amount_minor")));
    let allow = |minor: i64, days| json!({ "least_minor": minor, "last_due_on": due(app, days) });
    assert_eq!(caller.post(&approvals, &allow(1, 90)).await.status, StatusCode::FORBIDDEN);
    let too_far = boss.post(&approvals, &allow(50_000, 121)).await;
    assert_eq!(too_far.field(), Some("promise.due_on"), "the supervisor has limits, too: {}", too_far.text);
    assert_eq!(boss.post(&approvals, &allow(50_000, 100)).await.status, StatusCode::NO_CONTENT);

    assert_eq!(
        promise(&caller, debtor.account, 49_999, due(app, 100), false).await.0,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(promise(&caller, debtor.account, 50_000, due(app, 100), false).await.0, StatusCode::CREATED);
    let listed = admin.get(&format!("/api/accounts/{}/promises", debtor.account)).await.body;
    let (role, by) = (&listed["items"][0]["limit_role"], &listed["items"][0]["approved_by"]);
    assert_eq!((role.as_str(), by.as_str()), (Some("supervisor"), Some("supervisor-1")), "whose limit applied");
    let again = promise(&caller, debtor.account, 50_000, due(app, 100), false).await.0;
    assert_eq!(again, StatusCode::UNPROCESSABLE_ENTITY, "an approval is used once");
    assert_eq!(promise(&boss, debtor.account, 60_000, due(app, 110), false).await.0, StatusCode::CREATED);
    let listed = admin.get(&format!("/api/accounts/{}/promises", debtor.account)).await.body;
    assert_eq!(listed["items"][0]["approved_by"], Value::Null, "under the supervisor's own limits");
    scene.finish().await;
}

#[tokio::test]
async fn several_promises_stand_besides_each_other_and_no_cent_keeps_two() {
    let scene = Scene::start().await;
    let app = scene.app();
    let admin = Client::new(app).await;
    let caller = admin.of(admin.user("agent-1", Role::Agent).await).await;
    let debtor = scene.owing(1, 100_000).await;
    assert_eq!(promise(&caller, debtor.account, 40_000, due(app, 3), false).await.0, StatusCode::CREATED);
    assert_eq!(promise(&caller, debtor.account, 40_000, due(app, 10), true).await.0, StatusCode::CREATED);
    let (status, refused) = promise(&caller, debtor.account, 20_001, due(app, 12), true).await;
    assert_eq!((status, refused["field"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("promise.amount_minor")));
    assert_eq!(promise(&caller, debtor.account, 20_000, due(app, 12), true).await.0, StatusCode::CREATED);
    let (status, refused) = promise(&caller, debtor.account, 100, due(app, 12), true).await;
    assert_eq!((status, refused["field"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("promise.besides")));

    app.clock.advance(TimeDelta::hours(1));
    let payment = pay(app, &debtor, 50_000).await;
    assert_eq!(statuses(&caller, debtor.account).await, ["open", "open", "kept"]);
    money::returned(app, payment).await.expect("taken back");
    assert_eq!(statuses(&caller, debtor.account).await, ["open", "open", "open"], "a reversal reopens it");

    assert_eq!(promise(&caller, debtor.account, 30_000, due(app, 5), false).await.0, StatusCode::CREATED);
    assert_eq!(statuses(&caller, debtor.account).await, ["open", "cancelled", "cancelled", "cancelled"]);
    let listed = admin.get(&format!("/api/accounts/{}/promises", debtor.account)).await.body;
    assert_eq!(
        (listed["items"][0]["level"].as_i64(), listed["items"][1]["cancel_reason"].as_str()),
        (Some(4), Some("replaced"))
    );
    scene.finish().await;
}

#[tokio::test]
async fn a_broken_promise_is_scored_anew_at_once_and_makes_a_task() {
    let scene = Scene::start().await;
    let app = scene.app();
    let admin = Client::new(app).await;
    let caller_id = admin.user("agent-1", Role::Agent).await;
    let caller = admin.of(caller_id).await;
    let debtor = scene.owing(1, 100_000).await;
    assert_eq!(promise(&caller, debtor.account, 40_000, due(app, 2), false).await.0, StatusCode::CREATED);
    queue::rebuild(app, scene.campaign).await.expect("a queue");
    let held = format!("/api/campaigns/{}/queue/held/open_promise", scene.campaign);
    assert_eq!(admin.get(&held).await.body["items"][0]["account"], json!(debtor.account));

    app.clock.advance(TimeDelta::days(6));
    assert_eq!(day_roll::step(app).await.expect("a step"), 1);
    scene.test.settle().await;
    let boss = admin.of(admin.user("admin-2", Role::Admin).await).await;
    let caller = admin.of(caller_id).await;
    let next = boss.get(&format!("/api/campaigns/{}/queue", scene.campaign)).await.body;
    assert_eq!(
        (&next["items"][0]["account"], &next["items"][0]["lane"]),
        (&json!(debtor.account), &json!("promise_broken")),
        "{next}"
    );
    let tasks = caller.get("/api/tasks?mine=true").await.body;
    let task = &tasks["items"][0];
    assert_eq!(
        (task["kind"].as_str(), task["source"]["kind"].as_str()),
        (Some("follow_up"), Some("promise")),
        "{tasks}"
    );
    assert_eq!(task["subject"], "Promise of 400.00 USD not kept: 400.00 USD missing");

    // It is replaced too late: it stays broken.
    assert_eq!(promise(&caller, debtor.account, 40_000, due(app, 2), false).await.0, StatusCode::CREATED);
    assert_eq!(statuses(&caller, debtor.account).await, ["open", "broken"]);
    let listed = boss.get(&format!("/api/accounts/{}/promises", debtor.account)).await.body;
    assert_eq!(listed["items"][0]["level"], 2);
    let broken = listed["items"][1]["id"].as_str().expect("an id");
    let late = boss.post(&format!("/api/promises/{broken}/cancel"), &json!({ "reason": "error" })).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.text);
    let open = listed["items"][0]["id"].as_str().expect("an id");
    let cancel = format!("/api/promises/{open}/cancel");
    assert_eq!(caller.post(&cancel, &json!({ "reason": "error" })).await.status, StatusCode::FORBIDDEN);
    assert_eq!(caller.post(&cancel, &json!({ "reason": "withdrawn" })).await.status, StatusCode::NO_CONTENT);
    assert_eq!(statuses(&caller, debtor.account).await, ["cancelled", "broken"]);
    scene.finish().await;
}

#[tokio::test]
async fn the_task_of_a_broken_promise_is_due_on_a_day_on_which_the_debtors_country_works() {
    let scene = Scene::start().await;
    let app = scene.app();
    let debtor = scene.owing(1, 100_000).await;
    sqlx::query(
        "INSERT INTO promise (id, account_id, amount_minor, currency, due_on, deadline_on, status, taken_at)
         VALUES (gen_random_uuid(), $1, 40000, 'USD', '2026-05-21', '2026-05-21', 'open', $2)",
    )
    .bind(debtor.account)
    .bind(app.clock.now())
    .execute(&app.db)
    .await
    .expect("a promise");
    let friday: NaiveDate = "2026-05-22".parse().expect("a day");
    app.clock.advance(friday - app.clock.business_date());
    assert_eq!(day_roll::step(app).await.expect("a step"), 1);
    let due_on: NaiveDate = sqlx::query_scalar("SELECT due_on FROM task").fetch_one(&app.db).await.expect("a task");
    assert_eq!(due_on.to_string(), "2026-05-26", "the Monday is Memorial Day");
    scene.test.settle().await;
    scene.finish().await;
}
