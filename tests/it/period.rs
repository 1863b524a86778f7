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
    money,
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

/// A statement of the portfolio with one line of 1,250.00 that nobody has decided on.
async fn undecided_line(app: &App, booked_on: &str) -> Uuid {
    let (statement, line) = (Uuid::now_v7(), Uuid::now_v7());
    sqlx::query(
        "INSERT INTO bank_statement (id, portfolio, bank_account, reference, format, currency, file_name, sha256, loaded_at)
         VALUES ($1, 'test', 'B1', $1::text, 'camt.053', 'USD', 'march.xml', sha256('march'), $2)",
    )
    .bind(statement)
    .bind(app.clock.now())
    .execute(&app.db)
    .await
    .expect("a statement");
    sqlx::query(
        "INSERT INTO bank_line (id, statement_id, portfolio, bank_account, nth, booked_on, minor, currency, entry_ref, state)
         VALUES ($1, $2, 'test', 'B1', 1, $3, 125000, 'USD', $1::text, 'open')",
    )
    .bind(line)
    .bind(statement)
    .bind(day(booked_on))
    .execute(&app.db)
    .await
    .expect("a line");
    line
}

/// Days on which the newest payment of an account was received and for which it counts.
async fn days_of_payment(app: &App, account: AccountId) -> (NaiveDate, NaiveDate) {
    sqlx::query_as(
        "SELECT m.received_on, p.business_date FROM payment m JOIN posting p ON p.payment_id = m.id
         WHERE m.account_id = $1 AND p.reverses IS NULL ORDER BY m.id DESC LIMIT 1",
    )
    .bind(account)
    .fetch_one(&app.db)
    .await
    .expect("a payment")
}

#[tokio::test]
async fn a_bank_line_of_a_closed_month_counts_for_the_first_open_day() {
    let test = TestApp::start().await;
    let (app, client) = (&test.app, Client::new(&test.app).await);
    let made = portfolio::add(app, &Debtor { owes_minor: 125_000, ..Debtor::default() }).await;
    let before = undecided_line(app, "2026-02-27").await;
    let closed = close(&client, "2026-02", &["bank_lines", "unposted_statements"]).await;
    assert_eq!(closed.status, StatusCode::CREATED, "{}", closed.text);
    let late = undecided_line(app, "2026-01-30").await;
    for (line, on) in [(before, "2026-02-27"), (late, "2026-01-30")] {
        let decision = json!({ "decision": "change", "account": made.account });
        let posted = client.post(&format!("/api/cash/lines/{line}"), &decision).await;
        assert_eq!((posted.status, &posted.body["state"]), (StatusCode::OK, &json!("posted")), "{}", posted.text);
        assert_eq!(posted.body["booked_on"], json!(on), "the bank's day stays");
        assert_eq!(days_of_payment(app, made.account).await, (day(on), day("2026-03-01")));
    }
    let february = client.get("/api/reports/aging?as_of=2026-02-28").await.body;
    assert_eq!(february["items"][0]["control_minor"], json!(125_000), "what is closed stays as it is: {february}");
    let by_hand = json!({ "account": made.account, "amount": { "minor": 5, "currency": "USD" },
                          "received_on": "2026-02-27", "method": "cash" });
    assert_eq!(
        client.post("/api/payments", &by_hand).await.status,
        StatusCode::CONFLICT,
        "a day that is chosen is open"
    );
    test.finish().await;
}

#[tokio::test]
async fn a_payment_of_a_closed_month_is_moved_to_the_customer_it_belongs_to() {
    let test = TestApp::start().await;
    let (app, client) = (&test.app, Client::new(&test.app).await);
    let wrong = portfolio::add(app, &Debtor::default()).await.account;
    let right = portfolio::add(app, &Debtor::default()).await.account;
    let paid = money::payment(app, wrong, day("2026-02-20"), 50_000).await;
    assert_eq!(close(&client, "2026-02", &["unapplied_cash"]).await.status, StatusCode::CREATED);
    let to = json!({ "account": right, "reason": "the remittance names another customer" });
    let moved = client.post(&format!("/api/payments/{paid}/move"), &to).await;
    assert_eq!(moved.status, StatusCode::OK, "{}", moved.text);
    assert_eq!(days_of_payment(app, right).await, (day("2026-02-20"), day("2026-03-01")));
    let left: Vec<(AccountId, i64)> =
        sqlx::query_as("SELECT account_id, open_minor - unapplied_minor FROM account_standing ORDER BY account_id")
            .fetch_all(&app.db)
            .await
            .expect("figures");
    assert_eq!(left, [(wrong, 50_000), (right, 0)]);
    test.finish().await;
}

/// A file whose import was begun: to its end or not.
async fn file_begun(app: &App, name: &str, content: &str, finished: bool) {
    sqlx::query(
        "INSERT INTO import_batch (id, portfolio, file_name, file_sha256, mapping, as_of, started_at, finished_at)
         VALUES ($1, 'test', $2, sha256($3::bytea), 'portfolio', '2026-02-28', $4, CASE WHEN $5 THEN $4 END)",
    )
    .bind(Uuid::now_v7())
    .bind(name)
    .bind(content.as_bytes())
    .bind(app.clock.now() + chrono::TimeDelta::seconds(i64::from(finished)))
    .bind(finished)
    .execute(&app.db)
    .await
    .expect("a file");
}

#[tokio::test]
async fn the_check_list_counts_differences_bank_lines_statements_files_and_approvals() {
    let test = TestApp::start().await;
    let app = &test.app;
    let client = Client::new(app).await;
    let made = portfolio::add(app, &Debtor::default()).await;
    let line = undecided_line(app, "2026-02-27").await;
    undecided_line(app, "2026-03-02").await;
    let difference = "INSERT INTO difference (id, portfolio, kind, bank_line_id, amount_minor, currency, opened_at)
                      VALUES ($1, 'test', 'unidentified', $1, 700, 'USD', $2)";
    sqlx::query(difference).bind(line).bind(app.clock.now()).execute(&app.db).await.expect("a difference");
    for (name, content, finished) in [("a.csv", "a", false), ("b.csv", "b", false), ("b.csv", "b", true)] {
        file_begun(app, name, content, finished).await;
    }
    let agent = client.of(client.user("agent-1", ledgerline::agent::Role::Agent).await).await;
    let item = agent.get(&format!("/api/accounts/{}", made.account)).await.body["open_items"][0]["instalment"].clone();
    let amount = json!({ "minor": 40_000, "currency": "USD" });
    let given_up = json!({ "account": made.account, "instalment": item, "kind": "write_off", "amount": amount, "reason": "insolvent" });
    let asked = agent.post("/api/adjustments", &given_up).await;
    assert_eq!(asked.status, StatusCode::ACCEPTED, "{}", asked.text);
    let line = agent.get(&format!("/api/accounts/{}/timeline", made.account)).await.body;
    let of_approval =
        |entry: &&Value| entry["kind"] == "approval" && entry["what"] == "requested" && entry["by"].is_string();
    assert_eq!(line["items"].as_array().expect("entries").iter().filter(of_approval).count(), 1, "{line}");

    let list = client.get("/api/periods/check?portfolio=test&period=2026-02").await.body;
    let of = |kind: &str| {
        let list = list.as_array().expect("a list");
        let found = list.iter().find(|one| one["kind"] == kind).unwrap_or_else(|| panic!("no {kind}: {list:?}"));
        (found["count"].as_i64(), found["amounts"][0]["minor"].as_i64(), found["names"].clone())
    };
    assert_eq!(of("unposted_statements"), (Some(1), None, json!([])), "the other one is of March");
    assert_eq!(of("bank_lines"), (Some(1), Some(125_000), json!([])));
    assert_eq!(of("open_differences"), (Some(1), Some(700), json!([])));
    assert_eq!(of("open_approvals"), (Some(1), Some(40_000), json!([])));
    assert_eq!(of("unposted_files"), (Some(1), None, json!(["a.csv"])), "the other one was taken in after all");
    let refused = close(&client, "2026-02", &["bank_lines", "unposted_files", "open_approvals"]).await;
    assert!(refused.text.contains("not done yet: unposted_statements, open_differences"), "{}", refused.text);
    test.finish().await;
}

#[tokio::test]
async fn a_close_is_kept_by_the_buckets_that_the_house_has() {
    let test = TestApp::start().await;
    let client = Client::new(&test.app).await;
    let made = portfolio::add(&test.app, &Debtor::default()).await;
    post(&test.app, made.account, "A1", "2026-01-10").await.expect("open");
    let renamed = "UPDATE aging_buckets SET name = 'thirds', ends = '{0,10,20}' WHERE name = 'standard'";
    sqlx::query(renamed).execute(&test.app.db).await.expect("renamed");
    let named = json!({ "portfolio": "test", "period": "2026-01", "buckets": "thirds" });
    let january = client.post("/api/periods", &named).await;
    let february = close(&client, "2026-02", &[]).await;
    for (close, ends) in [(january, json!([0, 10, 20])), (february, json!([0, 30, 60, 90]))] {
        assert_eq!(close.status, StatusCode::CREATED, "{}", close.text);
        let kept = client.get(&format!("/api/periods/{}", id(&close.body))).await.body;
        assert_eq!(kept["totals"][0]["ends"], ends, "named, or else the first by name");
        let buckets = kept["totals"][0]["buckets"].as_array().expect("buckets");
        assert_eq!(buckets.len(), ends.as_array().expect("ends").len() + 1);
        assert_eq!(kept["intact"], json!(true));
    }
    let unknown = json!({ "portfolio": "test", "period": "2025-12", "buckets": "none" });
    assert_eq!(client.post("/api/periods", &unknown).await.status, StatusCode::CONFLICT, "closed with what came later");
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
