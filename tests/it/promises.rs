//! Promises beyond the call: limits, approvals, several at a time, reversals, and the task that a broken one leaves.

use axum::http::StatusCode;
use chrono::{Days, NaiveDate, TimeDelta};
use ledgerline::{
    agent::Role,
    app::App,
    ids::{AccountId, InstalmentId, PaymentId},
    ledger::{self, AllocationMode, NewInvoice, NewPayment},
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

fn money(debtor: &Debtor, minor: i64) -> Value {
    json!({ "account": debtor.account, "amount": { "minor": minor, "currency": "USD" }, "method": "transfer" })
}

/// Money that came on a day, as a person takes it in.
async fn receive(boss: &Client, debtor: &Debtor, minor: i64, on: NaiveDate, apply: Value) -> Value {
    let mut receipt = money(debtor, minor);
    receipt["received_on"] = json!(on);
    receipt["apply"] = apply;
    let received = boss.post("/api/payments", &receipt).await;
    assert_eq!(received.status, StatusCode::CREATED, "{}", received.text);
    received.body["payment"].clone()
}

async fn newest(client: &Client, account: AccountId) -> Value {
    client.get(&format!("/api/accounts/{account}/promises")).await.body["items"][0].clone()
}

#[tokio::test]
async fn money_that_came_in_time_keeps_it_whenever_it_is_booked() {
    let scene = Scene::start().await;
    let app = scene.app();
    let admin = Client::new(app).await;
    let boss_id = admin.user("supervisor-1", Role::Supervisor).await;
    let debtor = scene.owing(1, 100_000).await;
    let on = due(app, 2);
    assert_eq!(promise(&admin, debtor.account, 40_000, on, false).await.0, StatusCode::CREATED);
    app.clock.advance(TimeDelta::days(6));
    assert_eq!(day_roll::step(app).await.expect("a step"), 1);
    let boss = admin.of(boss_id).await;
    assert_eq!(statuses(&boss, debtor.account).await, ["broken"]);

    receive(&boss, &debtor, 40_000, on, json!("rules")).await;
    let kept = newest(&boss, debtor.account).await;
    assert_eq!((&kept["status"], &kept["kept_on"]), (&json!("kept"), &json!(on)), "it came on the day");
    let tasks = boss.get("/api/tasks?department=supervision").await.body;
    assert_eq!(tasks["items"], json!([]), "nobody follows it up");
    scene.test.settle().await;
    scene.finish().await;
}

#[tokio::test]
async fn money_and_credits_from_before_it_do_not_keep_it_when_they_are_applied() {
    let scene = Scene::start().await;
    let app = scene.app();
    let admin = Client::new(app).await;
    let boss = admin.of(admin.user("supervisor-1", Role::Supervisor).await).await;
    let debtor = scene.owing(1, 100_000).await;
    let old = receive(&boss, &debtor, 30_000, due(app, 0), json!("on_account")).await;
    let mut note = money(&debtor, 10_000);
    note.as_object_mut().expect("an object").remove("method");
    note["number"] = json!("C-1");
    note["reason"] = json!("returned goods");
    let credit = boss.post("/api/credit-notes", &note).await;
    assert_eq!(credit.status, StatusCode::CREATED, "{}", credit.text);
    app.clock.advance(TimeDelta::minutes(1));
    assert_eq!(promise(&boss, debtor.account, 40_000, due(app, 5), false).await.0, StatusCode::CREATED);

    app.clock.advance(TimeDelta::minutes(1));
    let item: uuid::Uuid = sqlx::query_scalar("SELECT id FROM instalment").fetch_one(&app.db).await.expect("an item");
    let note = &credit.body["posted"]["credit_note"];
    for (source, minor) in [(json!({ "payment": old }), 30_000), (json!({ "credit_note": note }), 10_000)] {
        let pays = json!({ "source": source, "instalment": item, "minor": minor });
        let applied = boss.post("/api/allocations", &pays).await;
        assert_eq!(applied.status, StatusCode::OK, "{}", applied.text);
    }
    assert_eq!(day_roll::step(app).await.expect("a step"), 0, "nobody has paid anything");
    let open = newest(&boss, debtor.account).await;
    assert_eq!(
        (&open["status"], &open["paid_minor"], &open["credited_minor"]),
        (&json!("open"), &json!(0), &json!(0)),
        "it was promised besides"
    );
    receive(&boss, &debtor, 40_000, due(app, 0), json!("rules")).await;
    assert_eq!(newest(&boss, debtor.account).await["status"], "kept");
    scene.test.settle().await;
    scene.finish().await;
}

#[tokio::test]
async fn an_approval_is_held_to_the_limits_of_whoever_gave_it() {
    let scene = Scene::start().await;
    let app = scene.app();
    let admin = Client::new(app).await;
    let caller = admin.of(admin.user("agent-1", Role::Agent).await).await;
    let boss = admin.of(admin.user("supervisor-1", Role::Supervisor).await).await;
    let text = admin.get("/api/agreements").await.body["text"].as_str().expect("a text").to_owned();
    let limits = |percent: u8, open: u8| {
        format!(
            "[authority.supervisor.promise]\nleast_minor = 1\nleast_percent = {percent}\nmost_days = 120\nmost_open = {open}\n"
        )
    };
    assert!(text.contains(&limits(0, 12)), "{text}");
    let strict = json!({ "text": text.replace(&limits(0, 12), &limits(50, 1)) });
    assert_eq!(admin.put("/api/agreements", &strict).await.status, StatusCode::NO_CONTENT);

    let debtor = scene.owing(1, 100_000).await;
    assert_eq!(promise(&caller, debtor.account, 20_000, due(app, 5), false).await.0, StatusCode::CREATED);
    let allowed = json!({ "least_minor": 50_000, "last_due_on": due(app, 100) });
    let approved = boss.post(&format!("/api/accounts/{}/promise-approvals", debtor.account), &allowed).await;
    assert_eq!(approved.status, StatusCode::NO_CONTENT, "{}", approved.text);
    let (status, refused) = promise(&caller, debtor.account, 50_000, due(app, 100), true).await;
    assert_eq!(
        (status, refused["field"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("promise.besides")),
        "one at a time is the supervisor's limit"
    );

    let invoice = NewInvoice {
        account: debtor.account,
        number: "R-2000".to_owned(),
        issued_on: due(app, 0),
        po_number: None,
        currency: Currency::USD,
        instalments: vec![(due(app, 0), 200_000)],
    };
    let mut conn = app.db.acquire().await.expect("a connection");
    ledger::store::post_invoice(&mut conn, &invoice, app.clock.now()).await.expect("an invoice");
    ledger::store::refresh_standing(&mut conn, &[debtor.account], app.clock.now()).await.expect("its figures");
    drop(conn);
    let (status, refused) = promise(&caller, debtor.account, 50_000, due(app, 100), false).await;
    assert_eq!(
        (status, refused["field"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("promise.amount_minor")),
        "half of what is owed now is the supervisor's limit"
    );
    assert_eq!(promise(&caller, debtor.account, 150_000, due(app, 100), false).await.0, StatusCode::CREATED);
    assert_eq!(newest(&caller, debtor.account).await["approved_by"], "supervisor-1");
    scene.finish().await;
}
