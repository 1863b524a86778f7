//! The staff API: what it refuses, who may do what, pages, and what its changes lead to.

mod bad_input;
mod by_hand;
pub mod client;
mod facts;
mod policy;
mod rights;
mod wishes;

use axum::http::StatusCode;
use chrono::TimeDelta;
use ledgerline::{
    agent::Role,
    ids::AccountId,
    outbox::{self, Effect},
    queue,
};
use serde_json::json;

use self::client::Client;
use crate::{harness::TestApp, scene::Scene};

#[tokio::test]
async fn a_browser_logs_in_and_out_by_cookie() {
    let test = TestApp::start().await;
    let client = Client::new(&test.app).await;
    client.user("agent-1", Role::Agent).await;

    let wrong = client.post("/api/session", &json!({"login": "agent-1", "password": "not this one"})).await;
    assert_eq!((wrong.status, wrong.field()), (StatusCode::UNAUTHORIZED, None));
    let right = client.post("/api/session", &json!({"login": "agent-1", "password": client::PASSWORD})).await;
    assert_eq!((right.status, &right.body["role"]), (StatusCode::OK, &json!("agent")));
    let cookie = right.header("set-cookie").expect("a cookie").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");

    let cookie = cookie.split(';').next().expect("a value");
    let own = [("cookie", cookie), ("host", "here"), ("origin", "http://here")];
    assert_eq!(client.send("GET", "/api/session", &own, None).await.body["login"], "agent-1");
    let foreign = [("cookie", cookie), ("host", "here"), ("origin", "http://elsewhere")];
    let refused = client.send("DELETE", "/api/session", &foreign, None).await;
    assert_eq!((refused.status, refused.field()), (StatusCode::FORBIDDEN, Some("origin")));
    assert_eq!(client.send("DELETE", "/api/session", &own, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(client.send("GET", "/api/session", &own, None).await.status, StatusCode::UNAUTHORIZED);
    test.finish().await;
}

#[tokio::test]
async fn pages_lead_through_a_list_without_gap_or_repetition() {
    let scene = Scene::start().await;
    let client = Client::new(scene.app()).await;
    for n in 1..=7 {
        scene.debtor(n).await;
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("/api/accounts?limit=3{cursor}")).await;
        let items = page.body["items"].as_array().expect("items");
        assert!(items.len() <= 3);
        seen.extend(items.iter().map(|item| item["number"].as_str().expect("a number").to_owned()));
        let Some(next) = page.body["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, ["1", "2", "3", "4", "5", "6", "7"]);
    scene.finish().await;
}

#[tokio::test]
async fn what_staff_change_about_an_account_moves_it_in_the_queue() {
    let scene = Scene::start().await;
    let client = Client::new(scene.app()).await;
    let debtor = scene.owing(1, 50_000).await;
    queue::rebuild(scene.app(), scene.campaign).await.expect("a queue");
    let path = format!("/api/campaigns/{}/queue", scene.campaign);
    let next = client.get(&path).await;
    assert_eq!(next.body["items"][0]["account"], json!(debtor.account), "{:?}", next.body);
    assert_eq!(next.body["items"][0]["lane"], "past_due");
    assert!(next.body["items"][0]["components"]["balance"].as_u64() > Some(0));

    let account = format!("/api/accounts/{}", debtor.account);
    let note = client.post(&format!("{account}/notes"), &json!({"body": "Asked for a copy."})).await;
    assert_eq!(note.status, StatusCode::CREATED);
    let hold = client.post(&format!("{account}/holds"), &json!({"reason": "cease"})).await;
    assert_eq!(hold.status, StatusCode::CREATED, "{:?}", hold.body);
    scene.test.settle().await;
    assert_eq!(client.get(&path).await.body["items"], json!([]));
    assert_eq!(client.get(&format!("{path}/held")).await.body["held"]["cease"], 1);
    let ceased = client.get(&format!("{path}/held/cease")).await;
    assert_eq!(ceased.body["items"][0]["account"], json!(debtor.account));

    let id = hold.body["id"].as_str().expect("an id");
    assert_eq!(client.delete(&format!("/api/holds/{id}")).await.status, StatusCode::NO_CONTENT);
    scene.test.settle().await;
    assert_eq!(client.get(&path).await.body["items"].as_array().map(Vec::len), Some(1));

    let wish = json!({"scope": "number", "phone": debtor.number, "reason": "Wrong department."});
    assert_eq!(client.post(&format!("{account}/do-not-call"), &wish).await.status, StatusCode::NO_CONTENT);
    scene.test.settle().await;
    assert_eq!(client.get(&format!("{path}/held")).await.body["held"]["do_not_call"], 1);
    scene.finish().await;
}

#[tokio::test]
async fn a_campaign_is_steered_and_two_changes_do_not_overwrite_each_other() {
    let scene = Scene::start().await;
    let client = Client::new(scene.app()).await;
    let path = format!("/api/campaigns/{}", scene.campaign);
    assert_eq!(client.post(&format!("{path}/start"), &json!(null)).await.body["state"], "running");
    assert_eq!(client.put(&format!("{path}/ratio"), &json!({"ratio_milli": 1500})).await.body["ratio_milli"], 1500);
    let wide = client.put(&format!("{path}/ratio"), &json!({"ratio_milli": 9000})).await;
    assert_eq!((wide.status, wide.field()), (StatusCode::UNPROCESSABLE_ENTITY, Some("ratio_milli")));
    assert_eq!(client.post(&format!("{path}/pause"), &json!(null)).await.body["state"], "paused");

    let read = client.get(&path).await.body;
    let change = json!({"version": read["version"], "settings": read["settings"]});
    let mut other = change.clone();
    other["settings"]["script"] = json!("Good morning.");
    assert_eq!(client.put(&format!("{path}/settings"), &other).await.status, StatusCode::OK);
    other["settings"]["script"] = json!("Good evening.");
    assert_eq!(client.put(&format!("{path}/settings"), &other).await.status, StatusCode::CONFLICT);
    scene.finish().await;
}

#[tokio::test]
async fn readiness_names_what_is_down() {
    ledgerline::telemetry::metrics();
    let clock = ledgerline::clock::Clock::manual(crate::harness::noon(), chrono_tz::America::New_York);
    let test = TestApp::start_with(clock, |config| config.carrier.account_sid = String::new()).await;
    let client = Client::new(&test.app).await;
    let answer = client.get("/readyz").await;
    assert_eq!((answer.status, down(&answer)), (StatusCode::OK, vec!["carrier"]), "it can still serve its people");

    let stuck = Effect::Requeue { account: AccountId::generate() };
    let mut conn = test.app.db.acquire().await.expect("a connection");
    outbox::enqueue(&mut conn, &[stuck], test.app.clock.now()).await.expect("enqueued");
    drop(conn);
    test.app.clock.advance(TimeDelta::minutes(2));
    let answer = client.get("/readyz").await;
    assert_eq!((answer.status, down(&answer)), (StatusCode::SERVICE_UNAVAILABLE, vec!["outbox", "carrier"]));

    assert_eq!(client.get("/healthz").await.status, StatusCode::OK);
    assert_eq!(client.authorized("MADE-UP", "/healthz", None).await.status, StatusCode::METHOD_NOT_ALLOWED);
    let metrics = client.get("/metrics").await.text;
    for name in ["ledgerline_outbox{is=\"overdue\"} 1", "ledgerline_calls{", "ledgerline_http_seconds_bucket"] {
        assert!(metrics.contains(name), "{name} is not in /metrics");
    }
    assert!(!metrics.contains("MADE-UP"), "a series for every method that somebody makes up");
    test.settle().await;
    test.finish().await;
}

fn down(answer: &client::Answer) -> Vec<&str> {
    let dependencies = answer.body["dependencies"].as_array().expect("a list").iter();
    dependencies.filter(|one| one["up"] == false).filter_map(|one| one["name"].as_str()).collect()
}
