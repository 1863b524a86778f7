//! Disputes: what is contested leaves what may be asked for, a department answers, and the answer comes back.

use axum::http::StatusCode;
use chrono::TimeDelta;
use ledgerline::{
    agent::Role,
    app::App,
    desk::pop,
    dispute::adopt,
    ids::{AccountId, InstalmentId},
    ledger, queue,
    task::overdue,
};
use serde_json::{Value, json};

use crate::{
    api::client::{Answer, Client},
    scene::{Debtor, Scene},
    tasks::of_department,
};

async fn item_of(app: &App, account: AccountId) -> InstalmentId {
    let mut conn = app.db.acquire().await.expect("a connection");
    ledger::store::open_items(&mut conn, account).await.expect("items")[0].instalment
}

/// Opens a dispute of `minor` units of the account's only item, and gives its address.
async fn contest(scene: &Scene, by: &Client, debtor: &Debtor, reason: &str, minor: i64) -> String {
    let item = item_of(scene.app(), debtor.account).await;
    let body = json!({ "reason": reason, "items": [{ "id": item, "amount_minor": minor, "lines": [2] }] });
    let opened = by.post(&format!("/api/accounts/{}/disputes", debtor.account), &body).await;
    assert_eq!(opened.status, StatusCode::CREATED, "{}", opened.text);
    format!("/api/disputes/{}", opened.body["id"].as_str().expect("an id"))
}

async fn figures(by: &Client, debtor: &Debtor) -> (i64, i64, i64) {
    let read = by.get(&format!("/api/accounts/{}", debtor.account)).await.body;
    let minor = |name: &str| read["figures"][name]["minor"].as_i64().unwrap_or(-1);
    (minor("open"), minor("disputed"), minor("collectible"))
}

async fn decide(by: &Client, dispute: &str, body: &Value) -> Answer {
    by.post(&format!("{dispute}/decision"), body).await
}

#[tokio::test]
async fn a_part_is_contested_answered_wrong_and_comes_back_with_the_answer() {
    let scene = Scene::start().await;
    let app = scene.app();
    let admin = Client::new(app).await;
    let caller = admin.of(admin.user("agent-1", Role::Agent).await).await;
    let sales = admin.of(of_department(app, "sales-1", "sales").await).await;
    let legal = admin.of(of_department(app, "legal-1", "legal").await).await;
    let debtor = scene.owing(1, 100_000).await;
    queue::rebuild(app, scene.campaign).await.expect("a queue");
    let dispute = contest(&scene, &caller, &debtor, "price", 100_000).await;
    scene.test.settle().await;
    assert_eq!(figures(&caller, &debtor).await, (100_000, 100_000, 0));
    let held = admin.get(&format!("/api/campaigns/{}/queue/held/disputed", scene.campaign)).await.body;
    assert_eq!(held["items"][0]["account"], json!(debtor.account), "{held}");

    let inbox = sales.get("/api/tasks").await.body;
    let task = &inbox["items"][0];
    assert_eq!(task["subject"], "Dispute of 1000.00 USD: Price differs");
    assert_eq!(task["due_on"], "2026-03-17", "five business days");
    assert_eq!(legal.get(&dispute).await.status, StatusCode::FORBIDDEN);
    let finish = format!("/api/tasks/{}/finish", task["id"].as_str().expect("an id"));
    assert_eq!(sales.post(&finish, &json!({ "note": "x" })).await.status, StatusCode::CONFLICT, "it wants an answer");

    let wrong = |ruling: &str| json!({ "ruling": ruling, "answer": "The order names this price." });
    assert_eq!(decide(&caller, &dispute, &wrong("invalid")).await.status, StatusCode::FORBIDDEN);
    let silent = decide(&sales, &dispute, &json!({ "ruling": "invalid", "answer": " " })).await;
    assert_eq!(silent.field(), Some("answer"));
    let decided = decide(&sales, &dispute, &wrong("invalid")).await;
    assert_eq!(decided.body["state"], "closed", "{}", decided.text);
    assert_eq!(decide(&sales, &dispute, &wrong("invalid")).await.status, StatusCode::FORBIDDEN, "it is answered");
    scene.test.settle().await;
    assert_eq!(figures(&caller, &debtor).await, (100_000, 0, 100_000));
    let next = admin.get(&format!("/api/campaigns/{}/queue", scene.campaign)).await.body;
    assert_eq!(next["items"][0]["account"], json!(debtor.account), "back in the queue: {next}");
    assert_eq!(sales.get("/api/tasks").await.body["items"], json!([]));

    let call = scene.attempt(&debtor).await.call;
    let mut conn = app.db.acquire().await.expect("a connection");
    let pops = pop::prepare(&mut conn, &[call], scene.now(), app.clock.business_date()).await.expect("a pop");
    drop(conn);
    let shown = &pops[0].account.as_ref().expect("an account").disputes[0];
    assert_eq!((shown.status.as_str(), shown.answer.as_str()), ("invalid", "The order names this price."));
    let story = caller.get(&dispute).await.body["events"].clone();
    let whats: Vec<&str> =
        story.as_array().expect("events").iter().filter_map(|event| event["what"].as_str()).collect();
    assert_eq!(whats, ["opened", "decided"]);
    scene.finish().await;
}

#[tokio::test]
async fn what_a_department_finds_right_is_credited_by_whoever_may() {
    let scene = Scene::start().await;
    let app = scene.app();
    let admin = Client::new(app).await;
    let caller = admin.of(admin.user("agent-1", Role::Agent).await).await;
    let boss = admin.of(admin.user("supervisor-1", Role::Supervisor).await).await;
    let logistics = admin.of(of_department(app, "logistics-1", "logistics").await).await;
    let debtor = scene.owing(1, 100_000).await;
    let dispute = contest(&scene, &caller, &debtor, "damaged", 40_000).await;
    assert_eq!(figures(&caller, &debtor).await, (100_000, 40_000, 60_000), "the rest stays collectible");

    let item = item_of(app, debtor.account).await;
    let part = |minor: i64| json!({ "ruling": "partial", "answer": "One crate.", "credited": [{ "id": item, "amount_minor": minor }] });
    assert_eq!(decide(&logistics, &dispute, &part(40_000)).await.field(), Some("credited"), "that would be all of it");
    let proposed = decide(&logistics, &dispute, &part(15_000)).await;
    assert_eq!(proposed.body["state"], "proposed", "{}", proposed.text);
    assert_eq!(figures(&caller, &debtor).await, (100_000, 40_000, 60_000), "nothing is credited yet");
    let inbox = boss.get("/api/tasks?department=supervision").await.body;
    assert_eq!(inbox["items"][0]["source"]["kind"], "dispute", "{inbox}");
    assert_eq!(boss.get(&dispute).await.body["proposal"]["credited"][0]["amount_minor"], 15_000);
    let agreed = decide(&boss, &dispute, &part(15_000)).await;
    assert_eq!(agreed.body["state"], "closed", "{}", agreed.text);
    assert_eq!(figures(&caller, &debtor).await, (85_000, 0, 85_000));
    let read = caller.get(&dispute).await.body["dispute"].clone();
    assert_eq!((read["status"].as_str(), read["credited_minor"].as_i64()), (Some("partial"), Some(15_000)));
    assert!(read["credit_note"].as_str().is_some_and(|number| number.starts_with("D-")), "{read}");

    let all = contest(&scene, &caller, &debtor, "damaged", 85_000).await;
    let valid = json!({ "ruling": "valid", "answer": "We fetch it back.", "credit_note": "CN-7" });
    assert_eq!(decide(&boss, &all, &valid).await.body["state"], "closed");
    assert_eq!(figures(&caller, &debtor).await, (0, 0, 0));
    scene.finish().await;
}

#[tokio::test]
async fn evidence_is_kept_reasons_are_data_and_a_late_answer_moves_up() {
    let scene = Scene::start().await;
    let app = scene.app();
    let admin = Client::new(app).await;
    let (caller_id, billing_id) =
        (admin.user("agent-1", Role::Agent).await, of_department(app, "billing-1", "billing").await);
    let (caller, billing) = (admin.of(caller_id).await, admin.of(billing_id).await);
    let debtor = scene.owing(1, 100_000).await;
    let item = item_of(app, debtor.account).await;
    let disputes = format!("/api/accounts/{}/disputes", debtor.account);
    let wrong =
        |reason: &str, minor: i64| json!({ "reason": reason, "items": [{ "id": item, "amount_minor": minor }] });
    assert_eq!(caller.post(&disputes, &wrong("whatever", 1)).await.field(), Some("dispute.reason"));
    assert_eq!(caller.post(&disputes, &wrong("tax", 100_001)).await.field(), Some("dispute.items.amount_minor"));
    let dispute = contest(&scene, &caller, &debtor, "already_paid", 50_000).await;

    let referred = json!({ "name": "Transfer", "reference": "document 4711" });
    assert_eq!(caller.post(&format!("{dispute}/evidence"), &referred).await.status, StatusCode::CREATED);
    let bearer = format!("Bearer {}", caller.token());
    let headers = [("authorization", bearer.as_str()), ("content-type", "text/plain")];
    let sent = caller
        .send("POST", &format!("{dispute}/files?name=bank.txt"), &headers, Some("paid on Monday".to_owned()))
        .await;
    assert_eq!(sent.status, StatusCode::CREATED, "{}", sent.text);
    let empty = caller.send("POST", &format!("{dispute}/files?name=x"), &headers, Some(String::new())).await;
    assert_eq!(empty.field(), Some("body"));
    let large = caller.send("POST", &format!("{dispute}/files?name=x"), &headers, Some("x".repeat(250_001))).await;
    assert_eq!(large.field(), Some("body"), "{}", large.text);
    let read = billing.get(&dispute).await.body;
    assert_eq!(read["evidence"].as_array().map(Vec::len), Some(2));
    let line = caller.get(&format!("/api/accounts/{}/timeline", debtor.account)).await.body;
    let of_evidence =
        |entry: &&Value| entry["kind"] == "dispute" && entry["what"] == "evidence" && entry["by"].is_string();
    assert_eq!(line["items"].as_array().expect("entries").iter().filter(of_evidence).count(), 2, "{line}");
    let file = read["evidence"][1]["id"].as_str().expect("an id");
    let saved = billing.get(&format!("/api/evidence/{file}")).await;
    assert_eq!((saved.text.as_str(), saved.header("content-disposition")), ("paid on Monday", Some("attachment")));

    app.clock.advance(TimeDelta::days(3));
    assert_eq!(overdue::step(app).await.expect("a step"), 1, "two business days to answer");
    let (caller, billing) = (admin.of(caller_id).await, admin.of(billing_id).await);
    let withdrawn = json!({ "ruling": "withdrawn", "answer": "It was another invoice." });
    assert_eq!(decide(&billing, &dispute, &withdrawn).await.status, StatusCode::FORBIDDEN, "it moved up");
    assert_eq!(decide(&caller, &dispute, &withdrawn).await.body["state"], "closed", "the debtor says so on the call");
    scene.finish().await;
}

#[tokio::test]
async fn a_dispute_that_came_with_a_file_is_given_to_its_department_and_taken_back_with_it() {
    let scene = Scene::start().await;
    let app = scene.app();
    let client = Client::new(app).await;
    let (known, unknown) = (scene.owing(1, 10_000).await, scene.owing(2, 10_000).await);
    for (debtor, reason) in [(&known, "tax"), (&unknown, "yes")] {
        sqlx::query(
            "WITH d AS (INSERT INTO dispute (id, account_id, reason, status, note, opened_at)
                        VALUES (gen_random_uuid(), $1, $2, 'open', 'imported', $3) RETURNING id)
             INSERT INTO dispute_item (dispute_id, instalment_id, amount_minor)
             SELECT d.id, i.id, 2500 FROM d, instalment i JOIN invoice v ON v.id = i.invoice_id WHERE v.account_id = $1",
        )
        .bind(debtor.account)
        .bind(reason)
        .bind(app.clock.now())
        .execute(&app.db)
        .await
        .expect("a dispute");
    }
    assert_eq!(adopt::step(app).await.expect("a step"), 2);
    assert_eq!(adopt::step(app).await.expect("a step"), 0, "once");
    let of = async |debtor: &Debtor| {
        let tasks = client.get(&format!("/api/tasks?account={}", debtor.account)).await.body;
        let disputes = client.get(&format!("/api/accounts/{}/disputes", debtor.account)).await.body;
        (tasks["items"][0].clone(), disputes["items"][0].clone())
    };
    let ((task, dispute), rules) = (of(&known).await, client.get("/api/dispute-reasons").await.body);
    let tax = rules["items"].as_array().and_then(|all| all.iter().find(|one| one["code"] == "tax")).expect("a reason");
    assert_eq!((&task["department"], &dispute["department"]), (&tax["department"], &tax["department"]), "{task}");
    assert_eq!(task["subject"], json!(format!("Dispute of 25.00 USD: {}", tax["name"].as_str().expect("a name"))));
    assert_eq!((&task["due_on"], task["due_on"].is_string()), (&dispute["due_on"], true));
    assert_eq!(of(&unknown).await.0["department"], "billing", "nobody knows the reason");

    sqlx::query("UPDATE dispute SET status = 'withdrawn', closed_at = $1")
        .bind(app.clock.now())
        .execute(&app.db)
        .await
        .expect("ended");
    assert_eq!(adopt::step(app).await.expect("a step"), 2, "a later file has ended them");
    assert_eq!(of(&known).await.0, serde_json::Value::Null);
    scene.finish().await;
}
