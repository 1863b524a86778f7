//! Instalment plans and settlements: agreed, approved, reminded of, broken, resumed, paid, and the rest forgiven.

use axum::http::StatusCode;
use chrono::{Days, NaiveDate, TimeDelta};
use ledgerline::{
    agent::Role,
    app::App,
    disposition::{self, Wrap},
    ids::PaymentId,
    ledger::{self, AllocationMode, NewInvoice, NewPayment},
    money::{Currency, Money},
    plan::{PlanTaken, Rhythm, day},
    promise::day_roll,
};
use serde_json::{Value, json};

use crate::{
    agents::fixture,
    api::client::Client,
    harness::TestApp,
    messages::{MailServer, address, with_mail},
    money,
    scene::{Debtor, Scene},
};

fn due(app: &App, days: u64) -> NaiveDate {
    app.clock.business_date() + Days::new(days)
}

fn weekly(app: &App, total: i64, instalments: u16) -> Value {
    json!({ "total_minor": total, "first_on": due(app, 7), "rhythm": "weekly", "instalments": instalments })
}

fn with(mut body: Value, more: &Value) -> Value {
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    body
}

/// Receives money and applies it to the account's items, oldest first.
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
    let item = ledger::store::open_items(&mut tx, debtor.account).await.expect("items")[0].instalment;
    let mode = AllocationMode::Specified;
    ledger::store::allocate(&mut tx, payment, item, minor, mode, today, now).await.expect("applied");
    ledger::posted(&mut tx, &[debtor.account], today, now).await.expect("judged");
    tx.commit().await.expect("committed");
    payment
}

async fn plan_of(client: &Client, id: &str) -> Value {
    client.get(&format!("/api/plans/{id}")).await.body
}

fn id_of(answer: &Value) -> String {
    answer["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn a_plan_is_agreed_on_the_call_in_one_transaction() {
    let test = TestApp::start().await;
    let app = &test.app;
    let campaign = fixture::campaign(app).await;
    let account = fixture::account(app, "0012").await;
    let agent = fixture::ready_agent(app, "agent1", campaign).await;
    let call = fixture::wrapping(app, campaign, &account, agent.user).await;
    let taken = PlanTaken {
        total_minor: 150_000,
        covers_minor: None,
        down_minor: 30_000,
        down_on: None,
        first_on: due(app, 21),
        rhythm: Rhythm::Monthly,
        instalments: 3,
        items: Vec::new(),
        postdated: false,
        on_break: None,
    };
    let wrap = |plan: PlanTaken| Wrap {
        code: "payment_plan".to_owned(),
        note: None,
        items: Vec::new(),
        promise: None,
        plan: Some(plan),
        callback_at: None,
        callback_mine: false,
        dispute: None,
        do_not_call: false,
        number_invalid: false,
    };
    let too_much = PlanTaken { total_minor: 150_001, ..taken.clone() };
    let refused = disposition::record(app, &agent, call, wrap(too_much), "key-1").await;
    assert!(matches!(refused, Err(ledgerline::error::Error::Invalid { field, .. }) if field == "plan.total_minor"));
    assert_eq!(fixture::count(app, "plan").await, 0);
    let recorded = disposition::record(app, &agent, call, wrap(taken), "key-1").await.expect("recorded");
    assert!(recorded.plan.is_some() && recorded.warnings.is_empty(), "{recorded:?}");
    assert_eq!(fixture::count(app, "promise WHERE status = 'open'").await, 4);
    let held = fixture::count(app, "account_standing WHERE open_promise_on IS NOT NULL").await;
    assert_eq!(held, 1, "nobody is called while it runs");
    test.finish().await;
}

#[tokio::test]
async fn what_breaks_waits_until_somebody_resumes_it() {
    let scene = Scene::start().await;
    let app = scene.app();
    let admin = Client::new(app).await;
    let boss_id = admin.user("supervisor-1", Role::Supervisor).await;
    let caller = admin.of(admin.user("agent-1", Role::Agent).await).await;
    let debtor = scene.owing(1, 90_000).await;
    let plans = format!("/api/accounts/{}/plans", debtor.account);
    let preview = caller.post(&format!("{plans}/preview"), &weekly(app, 90_000, 3)).await;
    assert_eq!(preview.body["parts"][2], json!({ "due_on": "2026-03-31", "amount_minor": 30_000 }), "{}", preview.text);
    let agreed = caller.post(&plans, &weekly(app, 90_000, 3)).await;
    assert_eq!(
        (agreed.status, agreed.body["status"].as_str()),
        (StatusCode::CREATED, Some("active")),
        "{}",
        agreed.text
    );
    assert_eq!(caller.post(&plans, &weekly(app, 90_000, 3)).await.status, StatusCode::CONFLICT, "one at a time");
    let id = id_of(&agreed.body);

    app.clock.advance(TimeDelta::days(4));
    assert_eq!(day::step(app).await.expect("a step"), 1, "three business days before the first instalment");
    assert_eq!(day::step(app).await.expect("a step"), 0, "once");
    app.clock.advance(TimeDelta::days(2));
    pay(app, &debtor, 30_000).await;
    app.clock.advance(TimeDelta::days(12));
    assert_eq!(day_roll::step(app).await.expect("a step"), 1, "the second one did not come");
    let boss = admin.of(boss_id).await;
    let read = plan_of(&boss, &id).await;
    assert_eq!(read["plan"]["status"], "held", "{read}");
    let tasks = boss.get("/api/tasks?department=supervision").await.body;
    assert_eq!(tasks["items"][0]["source"]["kind"], "plan", "{tasks}");

    let resumed = boss.post(&format!("/api/plans/{id}/resume"), &json!({ "note": "Holidays." })).await;
    assert_eq!(resumed.status, StatusCode::NO_CONTENT, "{}", resumed.text);
    let read = plan_of(&boss, &id).await;
    assert_eq!(
        (read["plan"]["status"].as_str(), read["promises"][0]["amount"]["minor"].as_i64()),
        (Some("active"), Some(60_000))
    );
    app.clock.advance(TimeDelta::hours(1));
    pay(app, &debtor, 60_000).await;
    assert_eq!(plan_of(&boss, &id).await["plan"]["status"], "fulfilled");
    scene.finish().await;
}

#[tokio::test]
async fn the_letters_of_a_plan_arrive_by_mail() {
    let Some(server) = MailServer::start() else { return };
    let (scene, debtor) = with_mail(&server).await;
    let app = scene.app();
    address(app, &debtor, "clerk").await;
    let client = Client::new(app).await;
    let agreed = client.post(&format!("/api/accounts/{}/plans", debtor.account), &weekly(app, 12_500, 2)).await;
    assert_eq!(agreed.body["status"], "active", "{}", agreed.text);
    scene.test.settle().await;
    let mails = server.mails();
    assert_eq!(mails.len(), 1, "what was agreed is confirmed");
    assert!(mails[0].0.contains("62.50 USD") && mails[0].0.contains("125.00 USD"), "{}", mails[0].0);
    app.clock.advance(TimeDelta::days(4));
    assert_eq!(day::step(app).await.expect("a step"), 1, "three business days before the first instalment");
    scene.test.settle().await;
    let mails = server.mails();
    assert_eq!(mails.len(), 2);
    assert!(mails[1].0.contains("62.50 USD"), "{}", mails[1].0);
    scene.finish().await;
}

#[tokio::test]
async fn a_break_may_bring_the_full_balance_back() {
    let scene = Scene::start().await;
    let app = scene.app();
    let admin = Client::new(app).await;
    let boss_id = admin.user("supervisor-1", Role::Supervisor).await;
    let debtor = scene.owing(1, 90_000).await;
    let plans = format!("/api/accounts/{}/plans", debtor.account);
    let strict = with(weekly(app, 90_000, 3), &json!({ "on_break": "full_balance", "postdated": true }));
    let id = id_of(&admin.of(boss_id).await.post(&plans, &strict).await.body);
    assert_eq!(day::step(app).await.expect("a step"), 2, "two deposits are less than ten business days away");
    let written = admin.get("/api/tasks").await.body;
    let subjects: Vec<&str> =
        written["items"].as_array().expect("tasks").iter().filter_map(|task| task["subject"].as_str()).collect();
    assert!(
        subjects.iter().any(|subject| subject.starts_with("Notice of the deposit of 300.00 USD on 2026-03-17")),
        "{subjects:?}"
    );
    app.clock.advance(TimeDelta::days(10));
    assert!(day_roll::step(app).await.expect("a step") > 0);
    let boss = admin.of(boss_id).await;
    let read = plan_of(&boss, &id).await;
    assert_eq!(read["plan"]["status"], "broken", "{read}");
    let open =
        read["promises"].as_array().expect("promises").iter().filter(|promise| promise["status"] == "open").count();
    assert_eq!(open, 0, "everything is due again");
    assert_eq!(
        boss.post(&plans, &weekly(app, 90_000, 3)).await.status,
        StatusCode::CREATED,
        "another one may be agreed"
    );
    scene.finish().await;
}

#[tokio::test]
async fn a_settlement_needs_authority_and_forgives_the_rest_when_it_is_paid() {
    let scene = Scene::start().await;
    let app = scene.app();
    let admin = Client::new(app).await;
    let caller_id = admin.user("agent-1", Role::Agent).await;
    let (boss_id, other_id) =
        (admin.user("supervisor-1", Role::Supervisor).await, admin.user("supervisor-2", Role::Supervisor).await);
    let (caller, boss) = (admin.of(caller_id).await, admin.of(boss_id).await);
    let debtor = scene.owing(1, 100_000).await;
    let plans = format!("/api/accounts/{}/plans", debtor.account);
    let settle = |total: i64| with(weekly(app, total, 1), &json!({ "covers_minor": 100_000 }));
    let none = caller.post(&plans, &with(weekly(app, 100, 1), &json!({ "covers_minor": 100_000 }))).await;
    assert_eq!(none.field(), Some("plan.total_minor"), "nobody may agree to that: {}", none.text);

    let proposed = caller.post(&plans, &settle(60_000)).await;
    assert_eq!(proposed.body["status"], "proposed", "{}", proposed.text);
    let id = id_of(&proposed.body);
    let approve = format!("/api/plans/{id}/approve");
    assert_eq!(caller.post(&approve, &json!(null)).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        boss.post(&approve, &json!(null)).await.field(),
        Some("plan.total_minor"),
        "below the supervisor's floor"
    );
    assert_eq!(
        boss.post(&format!("/api/plans/{id}/refuse"), &json!({ "note": "Too little." })).await.status,
        StatusCode::NO_CONTENT
    );

    let id = id_of(&boss.post(&plans, &settle(75_000)).await.body);
    assert_eq!(plan_of(&boss, &id).await["plan"]["status"], "active", "within the supervisor's own limits");
    boss.post(&format!("/api/plans/{id}/end"), &json!({ "note": "" })).await;
    let id = id_of(&caller.post(&plans, &settle(80_000)).await.body);
    let approve = format!("/api/plans/{id}/approve");
    assert_eq!(admin.of(other_id).await.post(&approve, &json!(null)).await.status, StatusCode::NO_CONTENT);
    let read = plan_of(&caller, &id).await;
    assert_eq!(
        (read["plan"]["limit_role"].as_str(), read["plan"]["approved_by"].as_str()),
        (Some("supervisor"), Some("supervisor-2"))
    );

    app.clock.advance(TimeDelta::hours(1));
    let payment = pay(app, &debtor, 80_000).await;
    assert_eq!(plan_of(&caller, &id).await["plan"]["status"], "fulfilled");
    day::step(app).await.expect("a step");
    let open = async || {
        caller.get(&format!("/api/accounts/{}", debtor.account)).await.body["figures"]["open"]["minor"].clone()
    };
    assert_eq!(open().await, 0, "the rest is forgiven");
    money::returned(app, payment).await.expect("taken back");
    assert_eq!(plan_of(&caller, &id).await["plan"]["status"], "active", "it has to be paid again");
    day::step(app).await.expect("a step");
    assert_eq!(open().await, 100_000, "and nothing is forgiven");
    scene.finish().await;
}

#[tokio::test]
async fn a_settlement_whose_payment_comes_back_is_broken_where_another_plan_is_in_force() {
    let scene = Scene::start().await;
    let app = scene.app();
    let admin = Client::new(app).await;
    let caller = admin.of(admin.user("agent-1", Role::Agent).await).await;
    let boss = admin.of(admin.user("supervisor-1", Role::Supervisor).await).await;
    for (n, instalments, status) in [(1, 8, "proposed"), (2, 2, "active")] {
        let debtor = scene.owing(n, 100_000).await;
        let plans = format!("/api/accounts/{}/plans", debtor.account);
        let settlement = with(weekly(app, 75_000, 1), &json!({ "covers_minor": 100_000 }));
        let first = id_of(&boss.post(&plans, &settlement).await.body);
        app.clock.advance(TimeDelta::minutes(1));
        let payment = pay(app, &debtor, 75_000).await;
        day::step(app).await.expect("a step");
        assert_eq!(plan_of(&boss, &first).await["plan"]["written_off"], true);
        let invoice = NewInvoice {
            account: debtor.account,
            number: format!("S-{n}"),
            issued_on: due(app, 0),
            po_number: None,
            currency: Currency::USD,
            instalments: vec![(due(app, 0), 50_000)],
        };
        let mut conn = app.db.acquire().await.expect("a connection");
        ledger::store::post_invoice(&mut conn, &invoice, app.clock.now()).await.expect("an invoice");
        ledger::store::refresh_standing(&mut conn, &[debtor.account], app.clock.now()).await.expect("its figures");
        drop(conn);
        let next = caller.post(&plans, &weekly(app, 50_000, instalments)).await;
        assert_eq!(next.body["status"], status, "{}", next.text);

        app.clock.advance(TimeDelta::minutes(1));
        money::returned(app, payment).await.expect("taken back");
        let broken = plan_of(&boss, &first).await;
        assert_eq!(broken["plan"]["status"], "broken", "{broken}");
        assert_eq!(broken["promises"][0]["status"], "cancelled", "the other plan stands alone");
        assert_eq!(plan_of(&boss, &id_of(&next.body)).await["plan"]["status"], status);
        day::step(app).await.expect("a step");
        let seen = boss.get(&format!("/api/accounts/{}", debtor.account)).await.body;
        assert_eq!(seen["figures"]["open"]["minor"], 150_000, "nothing is forgiven: {seen}");
    }
    scene.finish().await;
}
