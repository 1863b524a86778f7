//! The escalation ladder: what leads there, what it does to calls, and the way back.

use axum::http::StatusCode;
use chrono::{Days, TimeDelta};
use ledgerline::{agent::Role, app::App, escalation::watch, queue};
use serde_json::{Value, json};

use crate::{
    api::client::Client,
    scene::{Debtor, Scene},
    tasks::of_department,
};

async fn stands(client: &Client, debtor: &Debtor) -> Value {
    let listed = client.get(&format!("/api/accounts/{}/escalations", debtor.account)).await.body;
    listed["items"][0].clone()
}

async fn held(client: &Client, scene: &Scene) -> Value {
    client.get(&format!("/api/campaigns/{}/queue/held/escalated", scene.campaign)).await.body["items"].clone()
}

/// Promises of an account that were broken, written as history.
async fn broken(app: &App, debtor: &Debtor, count: i32) {
    sqlx::query(
        "INSERT INTO promise (id, account_id, amount_minor, currency, due_on, deadline_on, status, taken_at, settled_at)
         SELECT gen_random_uuid(), $1, 100, 'USD', $2, $2, 'broken', $3, $3 FROM generate_series(1, $4)",
    )
    .bind(debtor.account)
    .bind(app.clock.business_date() - Days::new(5))
    .bind(app.clock.now() - TimeDelta::days(1))
    .bind(count)
    .execute(&app.db)
    .await
    .expect("promises");
    let mut conn = app.db.acquire().await.expect("a connection");
    ledgerline::ledger::store::refresh_standing(&mut conn, &[debtor.account], app.clock.now()).await.expect("figures");
}

#[tokio::test]
async fn broken_promises_lead_to_the_supervisor_and_the_queue_obeys() {
    let scene = Scene::start().await;
    let app = scene.app();
    let admin = Client::new(app).await;
    let boss = admin.of(admin.user("supervisor-1", Role::Supervisor).await).await;
    let caller = admin.of(admin.user("agent-1", Role::Agent).await).await;
    let (two, three) = (scene.owing(1, 10_000).await, scene.owing(2, 10_000).await);
    broken(app, &two, 2).await;
    broken(app, &three, 3).await;
    queue::rebuild(app, scene.campaign).await.expect("a queue");

    assert_eq!(watch::step(app).await.expect("a step"), 1);
    assert_eq!(watch::step(app).await.expect("a step"), 0, "once");
    scene.test.settle().await;
    let now = stands(&caller, &three).await;
    assert_eq!((now["level"].as_str(), now["cause"].as_str()), (Some("supervisor"), Some("broken_promises")), "{now}");
    assert_eq!(stands(&caller, &two).await, Value::Null);
    assert_eq!(held(&admin, &scene).await[0]["account"], json!(three.account), "callers do not call it");
    let tasks = boss.get("/api/tasks?department=supervision").await.body;
    assert_eq!(tasks["items"][0]["subject"], "Escalated to Supervisor: 3 promises were broken", "{tasks}");

    let end = format!("/api/accounts/{}/escalations/end", three.account);
    let why = json!({ "reason": "They have a new payables clerk." });
    assert_eq!(caller.post(&end, &why).await.status, StatusCode::FORBIDDEN);
    assert_eq!(boss.post(&end, &json!({ "reason": " " })).await.field(), Some("reason"));
    assert_eq!(boss.post(&end, &why).await.status, StatusCode::NO_CONTENT);
    assert_eq!(boss.post(&end, &why).await.status, StatusCode::CONFLICT);
    scene.test.settle().await;
    assert_eq!(held(&admin, &scene).await, json!([]), "callers look after it again");
    assert_eq!(watch::step(app).await.expect("a step"), 0, "not for the same promises again");
    assert_eq!(boss.get("/api/tasks?department=supervision").await.body["items"], json!([]));
    scene.finish().await;
}

#[tokio::test]
async fn it_goes_up_by_hand_and_by_attorney_and_vulnerability_stops_it() {
    let scene = Scene::start().await;
    let app = scene.app();
    let admin = Client::new(app).await;
    let boss = admin.of(admin.user("supervisor-1", Role::Supervisor).await).await;
    let caller = admin.of(admin.user("agent-1", Role::Agent).await).await;
    let legal = admin.of(of_department(app, "legal-1", "legal").await).await;
    let debtor = scene.owing(1, 10_000).await;
    let path = format!("/api/accounts/{}/escalations", debtor.account);
    let to = |level: &str| json!({ "level": level, "reason": "No answer to three letters." });
    assert_eq!(caller.post(&path, &to("nowhere")).await.field(), Some("level"));
    assert_eq!(caller.post(&path, &to("credit_manager")).await.status, StatusCode::CREATED);
    assert_eq!(caller.post(&path, &to("credit_manager")).await.status, StatusCode::CONFLICT);
    assert_eq!(caller.post(&path, &to("supervisor")).await.status, StatusCode::FORBIDDEN, "that would be down");
    let holds = format!("/api/accounts/{}", debtor.account);
    assert_eq!(caller.get(&holds).await.body["holds"], json!([]), "calls go on");

    let hold = json!({ "reason": "attorney", "note": "" });
    assert_eq!(caller.post(&format!("{holds}/holds"), &hold).await.status, StatusCode::CREATED);
    assert_eq!(watch::step(app).await.expect("a step"), 1);
    let now = stands(&boss, &debtor).await;
    assert_eq!((now["level"].as_str(), now["contact"].as_str()), (Some("legal"), Some("stops")), "{now}");
    let tasks = legal.get("/api/tasks").await.body;
    assert_eq!(tasks["items"][0]["subject"], "Escalated to Legal: represented by an attorney", "{tasks}");
    assert_eq!(boss.post(&path, &to("supervisor")).await.status, StatusCode::CREATED, "a supervisor may lower it");

    let spared = scene.owing(2, 10_000).await;
    broken(app, &spared, 9).await;
    let vulnerable = json!({ "reason": "vulnerable", "note": "" });
    assert_eq!(
        caller.post(&format!("/api/accounts/{}/holds", spared.account), &vulnerable).await.status,
        StatusCode::CREATED
    );
    watch::step(app).await.expect("a step");
    assert_eq!(stands(&caller, &spared).await, Value::Null, "that stops, and does not escalate");
    scene.finish().await;
}

#[tokio::test]
async fn the_ladder_is_changed_alone_and_the_rest_of_the_rules_stays_as_it_is_written() {
    let scene = Scene::start().await;
    let admin = Client::new(scene.app()).await;
    let boss = admin.of(admin.user("supervisor-1", Role::Supervisor).await).await;
    let path = "/api/agreements/escalation";
    let before = admin.get("/api/agreements").await.body["text"].as_str().expect("a text").to_owned();
    let mut ladder = boss.get(path).await.body;
    ladder["quiet_days"] = json!(14);
    ladder["level"][0]["name"] = json!("Team lead");
    assert_eq!(boss.put(path, &ladder).await.status, StatusCode::FORBIDDEN);
    assert_eq!(admin.put(path, &ladder).await.status, StatusCode::NO_CONTENT);
    assert_eq!(boss.get(path).await.body, ladder, "with all levels and causes");
    let after = admin.get("/api/agreements").await.body["text"].as_str().expect("a text").to_owned();
    let others = |text: &str| text.split("[escalation]").next().expect("the first part").trim_end().to_owned();
    assert!(after.starts_with(others(&before).split("# To whom").next().expect("a part").trim_end()), "{after}");
    ladder["trigger"][0]["level"] = json!("nowhere");
    assert_eq!(admin.put(path, &ladder).await.field(), Some("escalation.trigger.broken_promises.level"));
    scene.finish().await;
}
