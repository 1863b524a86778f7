//! Closed periods: what they hold does not change, and what came of reopening one is told.

use axum::http::StatusCode;
use chrono::NaiveDate;
use ledgerline::{
    app::App,
    error::Error,
    ids::AccountId,
    import::{ImportJob, import_file, mapping::Mapping},
    ledger::{self, NewInvoice, NewPayment},
    money::{Currency, Money},
    period,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    api::client::Client,
    harness::TestApp,
    portfolio::{self, Debtor},
};

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

fn invoice(account: AccountId, number: &str, issued_on: &str) -> NewInvoice {
    NewInvoice {
        account,
        number: number.to_owned(),
        issued_on: day(issued_on),
        po_number: None,
        currency: Currency::USD,
        instalments: vec![(day("2026-04-30"), 1_000)],
    }
}

async fn post(app: &App, account: AccountId, number: &str, issued_on: &str) -> Result<(), Error> {
    let mut conn = app.db.acquire().await.expect("a connection");
    ledger::store::post_invoice(&mut conn, &invoice(account, number, issued_on), app.clock.now()).await.map(drop)
}

/// Closes a period and gives what came back.
async fn close(client: &Client, period: &str, accept: &[&str]) -> crate::api::client::Answer {
    let note = if accept.is_empty() { "" } else { "known to the bank" };
    let body = json!({ "portfolio": "test", "period": period, "accept": accept, "note": note });
    client.post("/api/periods", &body).await
}

fn id(close: &Value) -> &str {
    close["id"].as_str().expect("an id")
}

#[tokio::test]
async fn nothing_is_posted_up_to_the_last_closed_day() {
    let test = TestApp::start().await;
    let (app, now) = (&test.app, test.app.clock.now());
    let client = Client::new(app).await;
    let made = portfolio::add(app, &Debtor::default()).await;
    assert_eq!(close(&client, "2026-02", &[]).await.status, StatusCode::CREATED);

    let refused = post(app, made.account, "A1", "2026-02-28").await;
    let Err(Error::Conflict(why)) = refused else { panic!("{refused:?}") };
    assert!(why.contains("2026-02-28") && why.contains("portfolio test"), "{why}");
    post(app, made.account, "A2", "2026-03-01").await.expect("open again");

    let payment = NewPayment {
        account: made.account,
        amount: Money::new(500, Currency::USD),
        received_on: day("2026-01-15"),
        method: "transfer".to_owned(),
        reference: String::new(),
    };
    let mut conn = app.db.acquire().await.expect("a connection");
    assert!(matches!(ledger::store::record_payment(&mut conn, &payment, now).await, Err(Error::Conflict(_))));
    assert!(matches!(period::refuse_closed(&mut conn, made.account, day("2026-02-28")).await, Err(Error::Conflict(_))));
    period::refuse_closed(&mut conn, made.account, day("2026-03-01")).await.expect("open");
    drop(conn);
    test.finish().await;
}

#[tokio::test]
async fn another_portfolio_is_not_closed_with_it() {
    let test = TestApp::start().await;
    let client = Client::new(&test.app).await;
    let made = portfolio::add(&test.app, &Debtor::default()).await;
    sqlx::query("UPDATE account SET portfolio = 'another'").execute(&test.app.db).await.expect("moved");
    portfolio::add(&test.app, &Debtor::default()).await;
    assert_eq!(close(&client, "2026-02", &[]).await.status, StatusCode::CREATED);
    post(&test.app, made.account, "A1", "2026-02-28").await.expect("not closed");
    test.finish().await;
}

#[tokio::test]
async fn rows_of_a_file_that_lie_in_a_closed_period_are_refused_one_by_one() {
    let test = TestApp::start().await;
    let app = &test.app;
    let client = Client::new(app).await;
    portfolio::add(app, &Debtor::default()).await;
    close(&client, "2026-02", &[]).await;
    let path = std::env::temp_dir().join(format!("ledgerline-closed-{}.csv", Uuid::now_v7()));
    let lines = "Customer No,Customer,Invoice No,Invoice Date,Due Date,Amount\n\
                7,D,A1,2026-02-27,2026-03-27,10.00\n\
                7,D,A2,2026-03-02,2026-04-01,20.00\n";
    std::fs::write(&path, lines).expect("a file");
    let mut job = ImportJob::new(&path, Mapping::load("open-items").expect("it is shipped"), day("2026-03-10"));
    job.portfolio = Some("test".to_owned());
    let report = import_file(&app.db, &app.clock, &job, |_| ()).await.expect("taken in");
    assert_eq!((report.counts.new, report.counts.rejected), (1, 1));
    let rejects = std::fs::read_to_string(report.rejects.expect("a file")).expect("rejects");
    assert!(rejects.contains("closed through 2026-02-28"), "{rejects}");
    std::fs::remove_file(path).expect("removed");
    test.finish().await;
}

#[tokio::test]
async fn the_check_list_is_filled_in_by_the_service_and_accepted_by_name() {
    let test = TestApp::start().await;
    let app = &test.app;
    let client = Client::new(app).await;
    let made = portfolio::add(app, &Debtor::default()).await;
    let payment = NewPayment {
        account: made.account,
        amount: Money::new(500, Currency::USD),
        received_on: day("2026-02-20"),
        method: "transfer".to_owned(),
        reference: String::new(),
    };
    let mut conn = app.db.acquire().await.expect("a connection");
    ledger::store::record_payment(&mut conn, &payment, app.clock.now()).await.expect("recorded");
    drop(conn);

    let list = client.get("/api/periods/check?portfolio=test&period=2026-02").await.body;
    let unapplied =
        list.as_array().expect("a list").iter().find(|one| one["kind"] == "unapplied_cash").expect("a line");
    assert_eq!((&unapplied["count"], &unapplied["amounts"][0]["minor"]), (&json!(1), &json!(500)));
    let refused = close(&client, "2026-02", &[]).await;
    assert!(refused.status == StatusCode::CONFLICT && refused.text.contains("unapplied_cash"), "{}", refused.text);
    let closed = close(&client, "2026-02", &["unapplied_cash"]).await;
    assert_eq!(closed.status, StatusCode::CREATED, "{}", closed.text);
    let kept = client.get(&format!("/api/periods/{}", id(&closed.body))).await.body;
    assert_eq!(kept["intact"], json!(true));
    let total = &kept["totals"][0];
    assert_eq!(
        (&total["unapplied_minor"], &total["control_minor"], &total["paid_minor"]),
        (&json!(500), &json!(49_500), &json!(-500))
    );
    test.finish().await;
}

#[tokio::test]
async fn a_reopened_period_tells_what_came_of_it_when_it_is_closed_again() {
    let test = TestApp::start().await;
    let app = &test.app;
    let client = Client::new(app).await;
    let made = portfolio::add(app, &Debtor::default()).await;
    let first = close(&client, "2026-02", &[]).await.body;
    let path = format!("/api/periods/{}", id(&first));
    let without_reason = client.post(&format!("{path}/reopen"), &json!({ "reason": " " })).await;
    assert_eq!(without_reason.field(), Some("reason"));
    let reopened = client.post(&format!("{path}/reopen"), &json!({ "reason": "an invoice was late" })).await;
    assert_eq!(reopened.status, StatusCode::OK, "{}", reopened.text);
    post(app, made.account, "late", "2026-02-27").await.expect("open again");
    post(app, made.account, "new", "2026-03-02").await.expect("open");

    let so_far = client.get(&format!("{path}/difference")).await.body;
    assert_eq!((&so_far["count"], &so_far["after"]), (&json!(1), &Value::Null), "not closed again");
    let second = close(&client, "2026-02", &[]).await.body;
    assert_eq!(second["follows"], first["id"]);
    let difference = client.get(&format!("{path}/difference")).await.body;
    assert_eq!(difference["count"], json!(1), "what belongs to March is no part of it");
    assert_eq!(difference["lines"][0]["amount"]["minor"], json!(1_000));
    let control = |totals: &str| difference[totals][0]["control_minor"].as_i64().expect("a total");
    assert_eq!(control("totals_after") - control("totals_before"), 1_000);
    assert_eq!(difference["accounts_changed"], json!(1));
    assert!(client.get(&format!("/api/periods/{}", id(&second))).await.body["intact"].as_bool().expect("told"));
    test.finish().await;
}

#[tokio::test]
async fn only_the_last_closed_period_is_reopened_and_none_is_closed_twice_or_before_its_end() {
    let test = TestApp::start().await;
    let client = Client::new(&test.app).await;
    portfolio::add(&test.app, &Debtor::default()).await;
    let year = close(&client, "2025", &[]).await.body;
    let month = close(&client, "2026-01", &[]).await.body;
    assert_eq!(close(&client, "2026-01", &[]).await.status, StatusCode::CONFLICT);
    assert_eq!(close(&client, "2025-12", &[]).await.status, StatusCode::CONFLICT, "closed with what came later");
    assert_eq!(close(&client, "2026-03", &[]).await.field(), Some("period"), "not over");
    assert_eq!(close(&client, "2026-13", &[]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let reason = json!({ "reason": "a mistake" });
    assert_eq!(client.post(&format!("/api/periods/{}/reopen", id(&year)), &reason).await.status, StatusCode::CONFLICT);
    assert_eq!(client.post(&format!("/api/periods/{}/reopen", id(&month)), &reason).await.status, StatusCode::OK);
    let supervisor = client.of(client.user("supervisor-1", ledgerline::agent::Role::Supervisor).await).await;
    let refused = supervisor.post(&format!("/api/periods/{}/reopen", id(&year)), &reason).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "reopening is for administrators");
    test.finish().await;
}

#[tokio::test]
async fn what_is_kept_cannot_be_changed_by_anybody() {
    let test = TestApp::start().await;
    let client = Client::new(&test.app).await;
    portfolio::add(&test.app, &Debtor::default()).await;
    close(&client, "2026-02", &[]).await;
    for statement in [
        "UPDATE period_aging SET balance_minor = 0",
        "DELETE FROM period_total",
        "UPDATE period_close SET locked_through = '2020-01-01', first_day = '2020-01-01'",
        "DELETE FROM period_close",
    ] {
        assert!(sqlx::query(statement).execute(&test.app.db).await.is_err(), "{statement}");
    }
    test.finish().await;
}
