//! Batches: shown first, applied exactly so, or not at all.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{finish, invoice_number, open};
use crate::{
    api::client::Client,
    harness::TestApp,
    money::{account, invoice, payment},
};

async fn preview(client: &Client) -> String {
    let made = client.post("/api/cash/runs", &json!({ "portfolio": "test" })).await;
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    made.body["id"].as_str().expect("an id").to_owned()
}

async fn shown(client: &Client, run: &str) -> Vec<Value> {
    client.get(&format!("/api/cash/runs/{run}")).await.body["items"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn a_batch_is_applied_as_it_was_shown() {
    let test = TestApp::start().await;
    let (app, client) = (&test.app, Client::new(&test.app).await);
    let today = app.clock.business_date();
    let (a, b) = (account(app, "commercial").await, account(app, "consumer").await);
    invoice(app, a, today, &[10_000]).await;
    invoice_number(app, a, "A-1001").await;
    invoice(app, b, today, &[4_000, 6_000]).await;
    payment(app, a, today, 9_990).await;
    payment(app, b, today, 6_000).await;
    payment(app, b, today, 5_000).await;

    let run = preview(&client).await;
    let lines = shown(&client, &run).await;
    let modes: Vec<&str> = lines.iter().filter_map(|line| line["proposal"]["mode"].as_str()).collect();
    assert_eq!(modes, ["exact", "exact", "oldest_first"], "the third one sees what the second one takes");
    assert_eq!((open(app, a).await, open(app, b).await), ((10_000, 9_990), (10_000, 11_000)), "only shown");

    let applied = client.post(&format!("/api/cash/runs/{run}/apply"), &json!({})).await;
    assert_eq!((applied.status, applied.body["payments"].as_i64()), (StatusCode::OK, Some(3)), "{:?}", applied.body);
    assert_eq!(open(app, a).await, (0, 0), "0.10 is too little to ask for");
    assert_eq!(open(app, b).await, (0, 1_000), "overpaid");
    let twice = client.post(&format!("/api/cash/runs/{run}/apply"), &json!({})).await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
    let why: Vec<String> = sqlx::query_scalar("SELECT DISTINCT explanation FROM allocation ORDER BY 1")
        .fetch_all(&app.db)
        .await
        .expect("explanations");
    assert!(why.len() == 3 && why.iter().all(|why| !why.is_empty()), "every allocation says how: {why:?}");
    finish(test).await;
}

#[tokio::test]
async fn a_batch_is_refused_whole_if_anything_changed() {
    let test = TestApp::start().await;
    let (app, client) = (&test.app, Client::new(&test.app).await);
    let today = app.clock.business_date();
    let (a, b) = (account(app, "commercial").await, account(app, "commercial").await);
    for account in [a, b] {
        invoice(app, account, today, &[10_000]).await;
        payment(app, account, today, 10_000).await;
    }
    let run = preview(&client).await;
    invoice(app, b, today, &[1]).await;
    let refused = client.post(&format!("/api/cash/runs/{run}/apply"), &json!({})).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{:?}", refused.body);
    assert_eq!(open(app, a).await, (10_000, 10_000), "nothing was applied, not even what has not changed");

    let run = preview(&client).await;
    let discarded = client.post(&format!("/api/cash/runs/{run}/discard"), &json!({})).await;
    assert_eq!(discarded.status, StatusCode::NO_CONTENT);
    let gone = client.post(&format!("/api/cash/runs/{run}/apply"), &json!({})).await;
    assert_eq!(gone.status, StatusCode::CONFLICT);
    let run = preview(&client).await;
    assert_eq!(client.post(&format!("/api/cash/runs/{run}/apply"), &json!({})).await.status, StatusCode::OK);
    assert_eq!((open(app, a).await, open(app, b).await), ((0, 0), (1, 0)));
    finish(test).await;
}
