//! Reports that are mailed by themselves.

use axum::http::StatusCode;
use chrono::TimeDelta;
use ledgerline::{agent::Role, report::schedule};
use serde_json::json;

use crate::{
    api::client::Client,
    harness::TestApp,
    portfolio::{self, Debtor},
};

#[tokio::test]
async fn a_report_is_sent_once_on_its_day_with_its_file() {
    let test = TestApp::start().await;
    let client = Client::new(&test.app).await;
    portfolio::add(&test.app, &Debtor::default()).await;
    let new =
        json!({ "report": "aging", "format": "xlsx", "every": "day", "hour": 14, "recipients": ["books@example.com"] });
    let added = client.post("/api/reports/schedules", &new).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.text);
    assert_eq!(schedule::step(&test.app).await.expect("a step"), 0, "it is 13:00 at the office");
    test.app.clock.advance(TimeDelta::hours(1));
    assert_eq!(schedule::step(&test.app).await.expect("a step"), 1);
    assert_eq!(schedule::step(&test.app).await.expect("a step"), 0, "once a day");
    let (to, subject, file): (String, String, String) = sqlx::query_as(
        "SELECT m.to_address, m.subject, a.file_name FROM message m JOIN message_attachment a ON a.message_id = m.id",
    )
    .fetch_one(&test.app.db)
    .await
    .expect("one message");
    assert_eq!(
        (to.as_str(), subject.as_str(), file.as_str()),
        ("books@example.com", "Aging as of 2026-03-09", "aging-2026-03-09.xlsx")
    );
    test.app.clock.advance(TimeDelta::days(1));
    assert_eq!(schedule::step(&test.app).await.expect("a step"), 1, "the next day again");
    // The first token has run out meanwhile.
    let client = client.of(client.user("admin-2", Role::Admin).await).await;
    let id = added.body["id"].as_str().expect("an id");
    assert_eq!(client.delete(&format!("/api/reports/schedules/{id}")).await.status, StatusCode::NO_CONTENT);
    test.app.clock.advance(TimeDelta::days(1));
    assert_eq!(schedule::step(&test.app).await.expect("a step"), 0, "it has ended");
    test.finish().await;
}

#[tokio::test]
async fn a_schedule_that_cannot_work_is_refused() {
    let test = TestApp::start().await;
    let client = Client::new(&test.app).await;
    let with = |changes: &[(&str, serde_json::Value)]| {
        let mut new = json!({ "report": "aging", "format": "csv", "every": "week", "hour": 7, "recipients": ["books@example.com"] });
        for (key, value) in changes {
            new[*key] = value.clone();
        }
        new
    };
    for (changes, field) in [
        (("hour", json!(24)), "hour"),
        (("recipients", json!([])), "recipients"),
        (("recipients", json!(["nobody"])), "recipients"),
    ] {
        let refused = client.post("/api/reports/schedules", &with(std::slice::from_ref(&changes))).await;
        assert_eq!((refused.status, refused.field()), (StatusCode::UNPROCESSABLE_ENTITY, Some(field)), "{changes:?}");
    }
    test.finish().await;
}
