//! The way back: what stands here, as files for the ledger that the invoices came from.

use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use ledgerline::app::App;
use serde_json::{Value, json};

use crate::{
    api::client::Client,
    harness::TestApp,
    money::{account, invoice},
};

/// Posts something and gives its id; a reversal has none.
async fn posted(client: &Client, path: &str, body: &Value) -> String {
    let answer = client.post(path, body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{path}: {}", answer.text);
    let document = answer.body["posted"].as_object().and_then(|document| document.values().next());
    document.unwrap_or(&answer.body["payment"]).as_str().unwrap_or_default().to_owned()
}

async fn take_back(client: &Client, kind: &str, id: &str) {
    posted(client, "/api/reversals", &json!({ "document": { kind: id }, "reason": "a mistake" })).await;
}

/// What, amount, whether it names an invoice, and kind of each row, in order.
fn rows(file: &str) -> Vec<(String, String, bool, String)> {
    let mut reader = csv::Reader::from_reader(file.as_bytes());
    let mut rows: Vec<_> = reader
        .records()
        .map(|row| row.expect("a row"))
        .map(|row| (row[0].to_owned(), row[5].to_owned(), !row[7].is_empty(), row[8].to_owned()))
        .collect();
    rows.sort();
    rows
}

/// What the postings since a moment changed of what is owed there, minor units.
async fn changed(app: &App, since: DateTime<Utc>) -> i64 {
    sqlx::query_scalar(
        "SELECT coalesce(sum(amount_minor), 0)::bigint FROM posting
         WHERE recorded_at >= $1 AND kind <> 'invoice' AND part = 'principal'",
    )
    .bind(since)
    .fetch_one(&app.db)
    .await
    .expect("a sum")
}

#[tokio::test]
async fn the_other_ledger_is_told_what_stands_and_what_was_taken_back() {
    let test = TestApp::start().await;
    let (app, client) = (&test.app, Client::new(&test.app).await);
    let today = app.clock.business_date();
    let account = account(app, "commercial").await;
    let item = invoice(app, account, today, &[100_000]).await[0];
    let usd = |minor: i64| json!({ "minor": minor, "currency": "USD" });
    let adjustment = |kind: &str, minor| json!({ "account": account, "instalment": item, "kind": kind, "amount": usd(minor), "reason": "agreed" });
    let adjusted = async |kind: &str, minor| posted(&client, "/api/adjustments", &adjustment(kind, minor)).await;
    let paid = async |minor, apply: Value| {
        let receipt =
            json!({ "account": account, "amount": usd(minor), "received_on": today, "method": "card", "apply": apply });
        posted(&client, "/api/payments", &receipt).await
    };
    let refunded = async |payment: &str, minor| {
        let back =
            json!({ "account": account, "source": { "payment": payment }, "amount": usd(minor), "reason": "too much" });
        posted(&client, "/api/refunds", &back).await
    };
    let note = json!({ "account": account, "number": "C-1", "amount": usd(4_000), "reason": "goods returned" });

    let (old_write_off, old_payment) = (adjusted("write_off", 1_000).await, paid(5_000, json!("on_account")).await);
    let old_note = posted(&client, "/api/credit-notes", &note).await;
    let kept = paid(900, json!("on_account")).await;
    let old_refund = refunded(&kept, 600).await;
    let first = client.get(&format!("/api/export/generic?since={today}")).await.text;
    assert_eq!(rows(&first).len(), 5, "{first}");

    app.clock.advance(TimeDelta::hours(20));
    let (today, since) = (app.clock.business_date(), app.clock.start_of(app.clock.business_date()));
    for (kind, id) in
        [("adjustment", &old_write_off), ("payment", &old_payment), ("credit_note", &old_note), ("refund", &old_refund)]
    {
        take_back(&client, kind, id).await;
    }
    take_back(&client, "adjustment", &adjusted("write_off", 70).await).await;
    take_back(&client, "payment", &paid(80, json!("on_account")).await).await;
    adjusted("discount", 500).await;
    adjusted("fee", 300).await;
    let fee = adjusted("fee", 50).await;
    take_back(&client, "adjustment", &fee).await;
    paid(2_300, json!({ "items": [[item, 2_300]] })).await;
    let over = paid(800, json!("on_account")).await;
    refunded(&over, 200).await;

    let file = client.get(&format!("/api/export/generic?since={today}")).await.text;
    let expected = [
        ("adjustment", "5.00", true, "discount"),
        ("adjustment_reversal", "10.00", true, "write_off"),
        ("adjustment_reversal", "40.00", true, "credit_note"),
        ("payment", "20.00", true, "card"),
        ("payment", "3.00", false, "card"),
        ("payment", "8.00", false, "card"),
        ("refund", "2.00", false, "payment"),
        ("refund_reversal", "6.00", false, "payment"),
        ("reversal", "50.00", false, "card"),
    ];
    let expected: Vec<(String, String, bool, String)> =
        expected.map(|(what, minor, of, kind)| (what.into(), minor.into(), of, kind.into())).into();
    assert_eq!(rows(&file), expected, "{file}");
    let told: i64 = rows(&file)
        .iter()
        .map(|(what, amount, ..)| {
            let minor: i64 = amount.replace('.', "").parse().expect("an amount");
            if matches!(what.as_str(), "payment" | "adjustment" | "refund_reversal") { -minor } else { minor }
        })
        .sum();
    assert_eq!(told, changed(app, since).await, "both ledgers owe the same afterwards: {file}");
    test.finish().await;
}
