//! Batches: shown first, applied exactly so, or not at all.

use axum::http::StatusCode;
use ledgerline::{db, ledger::store::refresh_standing};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection};

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

#[tokio::test]
async fn a_batch_of_many_accounts_brings_the_figures_of_all_up_to_date() {
    let test = TestApp::start().await;
    let (app, client) = (&test.app, Client::new(&test.app).await);
    let today = app.clock.business_date();
    for _ in 0..db::MANY {
        let of = account(app, "commercial").await;
        invoice(app, of, today, &[10_000, 5_000]).await;
        payment(app, of, today, 5_000).await;
    }
    let run = preview(&client).await;
    let applied = client.post(&format!("/api/cash/runs/{run}/apply"), &json!({})).await;
    assert_eq!(applied.body["payments"].as_u64(), Some(db::MANY as u64), "{:?}", applied.body);
    let figures: Vec<(i64, i64)> = sqlx::query_as("SELECT open_minor, unapplied_minor FROM account_standing")
        .fetch_all(&app.db)
        .await
        .expect("rows");
    assert_eq!(figures, vec![(10_000, 0); db::MANY]);
    finish(test).await;
}

#[tokio::test]
async fn many_accounts_are_read_by_their_keys_whatever_the_connection_has_planned_before() {
    let test = TestApp::start().await;
    let app = &test.app;
    let one = account(app, "commercial").await;
    invoice(app, one, app.clock.business_date(), &[10_000]).await;
    let mut tx = app.db.begin().await.expect("a transaction");
    // Postgres keeps a plan for any account from the sixth time on.
    for _ in 0..8 {
        refresh_standing(&mut tx, &[one], app.clock.now()).await.expect("figures");
    }
    let name: String =
        sqlx::query_scalar("SELECT name FROM pg_prepared_statements WHERE statement LIKE '-- The figures%'")
            .fetch_one(&mut *tx)
            .await
            .expect("the statement");
    let explain = format!("EXPLAIN (COSTS OFF) EXECUTE {name} (ARRAY['{one}']::uuid[], now())");
    let plan = async |conn: &mut PgConnection| -> String {
        let lines: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(explain.clone())).fetch_all(conn).await.expect("a plan");
        lines.join("\n")
    };
    sqlx::query("SET LOCAL plan_cache_mode = force_generic_plan").execute(&mut *tx).await.expect("set");
    let kept = plan(&mut tx).await;
    assert!(kept.contains("Nested Loop") || kept.contains("Seq Scan"), "it is kept: {kept}");
    db::plan_for_many(&mut tx).await.expect("set");
    let anew = plan(&mut tx).await;
    assert!(!anew.contains("Nested Loop") && !anew.contains("Seq Scan"), "{anew}");
    drop(tx);
    finish(test).await;
}
