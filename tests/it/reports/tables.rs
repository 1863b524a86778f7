//! The tables: each there as page, CSV and workbook, and their figures against others.

use std::{collections::BTreeMap, io::Cursor};

use axum::http::StatusCode;
use calamine::{Reader, Xlsx};
use chrono::{Days, NaiveDate, TimeDelta};
use ledgerline::{
    agent::Role,
    app::App,
    ids::{AccountId, InstalmentId, UserId},
    ledger::{self, AllocationMode, CreditNote, NewInvoice, NewPayment, Refund},
    money::{Currency, Money},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Sold, rows, sample, take_in_all};
use crate::{
    api::client::Client,
    harness::TestApp,
    money,
    portfolio::{self, Debtor},
};

const REPORTS: [&str; 10] = [
    "aging",
    "aging_accounts",
    "receivables",
    "roll_rates",
    "cash_forecast",
    "forecast_calibration",
    "activity",
    "dispute_ageing",
    "late_payers",
    "abandoned",
];

/// The cell of a row by the key of its column.
fn cell<'a>(table: &'a Value, row: &'a Value, key: &str) -> &'a Value {
    let columns = table["columns"].as_array().expect("columns");
    let at = columns.iter().position(|column| column["key"] == key).unwrap_or_else(|| panic!("no column {key}"));
    &row[at]
}

fn rows_of(table: &Value) -> &Vec<Value> {
    table["rows"].as_array().expect("rows")
}

#[tokio::test]
async fn every_report_is_a_table_a_file_and_a_workbook() {
    let test = TestApp::start().await;
    let client = Client::new(&test.app).await;
    let made = portfolio::add(&test.app, &Debtor::default()).await;
    portfolio::promise(&test.app, made.account, test.app.clock.business_date() + Days::new(3)).await;
    for report in REPORTS {
        let table = client.get(&format!("/api/reports/tables/{report}")).await;
        assert_eq!(table.status, StatusCode::OK, "{report}: {}", table.text);
        let columns = table.body["columns"].as_array().expect("columns").len();
        assert!(rows_of(&table.body).iter().all(|row| row.as_array().expect("cells").len() == columns), "{report}");
        let csv = client.get(&format!("/api/reports/files/{report}.csv")).await;
        assert_eq!(
            (csv.status, csv.text.lines().count()),
            (StatusCode::OK, rows_of(&table.body).len() + 1),
            "{report}"
        );
        let xlsx = client.get(&format!("/api/reports/files/{report}.xlsx")).await;
        assert!(xlsx.header("content-type").is_some_and(|kind| kind.ends_with("sheet")), "{report}");
    }
    for (path, status) in
        [("tables/nothing", 404), ("files/aging.pdf", 404), ("files/aging", 404), ("tables/aging?limit=5", 422)]
    {
        assert_eq!(client.get(&format!("/api/reports/{path}")).await.status.as_u16(), status, "{path}");
    }
    test.finish().await;
}

#[tokio::test]
async fn a_workbook_holds_the_figures_of_the_page() {
    let test = TestApp::start().await;
    let client = Client::new(&test.app).await;
    portfolio::add(&test.app, &Debtor { owes_minor: 123_456, ..Debtor::default() }).await;
    let path = "/api/reports/files/aging_accounts.xlsx";
    let request = axum::http::Request::builder()
        .uri(path)
        .header("authorization", format!("Bearer {}", client.token()))
        .body(axum::body::Body::empty())
        .expect("a request");
    let answer =
        tower::ServiceExt::oneshot(ledgerline::http::router(test.app.clone()), request).await.expect("answered");
    let bytes = axum::body::to_bytes(answer.into_body(), 1 << 22).await.expect("a body");
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes.to_vec())).expect("a workbook");
    let sheet = book.worksheet_range("Report").expect("a sheet");
    let heads: Vec<String> = sheet.rows().next().expect("a heading").iter().map(ToString::to_string).collect();
    let at = heads.iter().position(|head| head == "Balance").expect("a column");
    assert_eq!(sheet.get_value((1, u32::try_from(at).expect("few"))), Some(&calamine::Data::Float(1234.56)));
    test.finish().await;
}

#[tokio::test]
async fn buckets_are_data_and_credits_have_a_column_of_their_own_or_an_age() {
    let test = TestApp::start().await;
    let (app, client) = (&test.app, Client::new(&test.app).await);
    let made = portfolio::add(app, &Debtor { owes_minor: 50_000, age_days: 40, ..Debtor::default() }).await;
    pay(app, made.account, 700, app.clock.business_date() - Days::new(5)).await;
    let wrong = client.put("/api/reports/buckets", &json!({ "name": "steps", "ends": [30, 10] })).await;
    assert_eq!(wrong.field(), Some("ends"));
    let set = json!({ "name": "steps", "ends": [0, 10, 45] });
    assert_eq!(client.put("/api/reports/buckets", &set).await.status, StatusCode::OK);

    let apart = client.get("/api/reports/aging?buckets=steps").await.body["items"][0].clone();
    assert_eq!(apart["buckets"], json!([0, 0, 50_000, 0]));
    assert_eq!((&apart["unapplied_minor"], &apart["difference_minor"]), (&json!(700), &json!(0)));
    let aged = client.get("/api/reports/aging?buckets=steps&credits=aged").await.body["items"][0].clone();
    assert_eq!(aged["buckets"], json!([0, -700, 50_000, 0]), "cash of five days ago");
    assert_eq!((&aged["unapplied_minor"], &aged["difference_minor"]), (&json!(0), &json!(0)));
    assert_eq!(client.get("/api/reports/aging?buckets=none").await.status, StatusCode::NOT_FOUND);
    test.finish().await;
}

#[tokio::test]
async fn credits_have_their_own_age_also_where_one_was_paid_back_in_part() {
    let test = TestApp::start().await;
    let (app, client) = (&test.app, Client::new(&test.app).await);
    let made = portfolio::add(app, &Debtor { owes_minor: 50_000, age_days: 1, ..Debtor::default() }).await;
    let by = client.user("admin-2", Role::Admin).await;
    let (today, now) = (app.clock.business_date(), app.clock.now());
    let mut tx = app.db.begin().await.expect("a transaction");
    for (number, minor, days) in [("C-1", 900, 40), ("C-2", 500, 5)] {
        let amount = Money::new(minor, Currency::USD);
        let (account, number, reason) = (made.account, number.to_owned(), "goods returned".to_owned());
        let note = CreditNote { account, number, amount, items: vec![], reason, dispute: None };
        let note = ledger::credit(&mut tx, &note, by, today - Days::new(days), now).await.expect("credited");
        let (source, amount) = (note.into(), Money::new(300, Currency::USD));
        let back = Refund { account, source, amount, reason: "asked for it".to_owned() };
        ledger::refund(&mut tx, &back, by, today, now).await.expect("paid back");
    }
    tx.commit().await.expect("committed");
    let aged = client.get("/api/reports/aging?credits=aged").await;
    assert_eq!(aged.status, StatusCode::OK, "{}", aged.text);
    let aged = &aged.body["items"][0];
    assert_eq!(aged["buckets"], json!([0, 50_000 - 200, -600, 0, 0, 0]));
    assert_eq!((&aged["credit_minor"], &aged["difference_minor"]), (&json!(0), &json!(0)));
    test.finish().await;
}

async fn pay(app: &App, account: AccountId, minor: i64, received_on: NaiveDate) {
    let new = NewPayment {
        account,
        amount: Money::new(minor, Currency::USD),
        received_on,
        method: "transfer".to_owned(),
        reference: String::new(),
    };
    let mut conn = app.db.acquire().await.expect("a connection");
    ledger::store::record_payment(&mut conn, &new, app.clock.now()).await.expect("recorded");
}

/// A call of `agent` that reached the right party so many days ago.
async fn spoke(app: &App, account: AccountId, agent: UserId, days_ago: i64) {
    let at = app.clock.now() - TimeDelta::days(days_ago);
    sqlx::query(
        "WITH c AS (INSERT INTO call (id, account_id, direction, to_number, from_number, callback_token, facts, state, outcome,
                                      live, agent_id, created_at, answered_at, ended_at, heard_at)
                    VALUES ($1, $2, 'outbound', '+15555550101', '+15555550100', 't', '{}', 'done', 'completed', false, $3,
                            $4, $4, $4, $4) RETURNING id)
         INSERT INTO call_disposition (call_id, set_name, code, category, user_id, at)
         SELECT id, 'standard', d.code, 'right_party', $3, $4
         FROM c, (SELECT code FROM disposition WHERE category = 'right_party' LIMIT 1) d",
    )
    .bind(Uuid::now_v7())
    .bind(account)
    .bind(agent)
    .bind(at)
    .execute(&app.db)
    .await
    .expect("a call");
}

#[tokio::test]
async fn each_cent_counts_for_one_contact_or_for_nobody() {
    let test = TestApp::start().await;
    let (app, client) = (&test.app, Client::new(&test.app).await);
    let (first, last) = (client.user("agent-1", Role::Agent).await, client.user("agent-2", Role::Agent).await);
    let (called, uncalled) =
        (portfolio::add(app, &Debtor::default()).await, portfolio::add(app, &Debtor::default()).await);
    for (agent, days_ago) in [(first, 9), (last, 4), (first, 20)] {
        spoke(app, called.account, agent, days_ago).await;
    }
    let today = app.clock.business_date();
    pay(app, called.account, 1_000, today).await;
    pay(app, called.account, 300, today - Days::new(5)).await;
    pay(app, called.account, 50, today - Days::new(10)).await;
    pay(app, uncalled.account, 7, today).await;

    let promised = "INSERT INTO promise (id, account_id, taken_by, amount_minor, currency, due_on, deadline_on, status, taken_at, paid_minor)
                    VALUES (gen_random_uuid(), $1, $2, $3, 'USD', $4, $4, $5, $6, $7)";
    for (minor, status, paid_minor) in
        [(600_i64, "kept", 600_i64), (1_000, "partially_kept", 400), (90, "cancelled", 0)]
    {
        let query = sqlx::query(promised).bind(called.account).bind(last).bind(minor).bind(today).bind(status);
        query.bind(app.clock.now()).bind(paid_minor).execute(&app.db).await.expect("a promise");
    }
    let table = client.get("/api/reports/tables/activity").await.body;
    let row = rows_of(&table).iter().find(|row| row[0] == "agent-2").expect("a row");
    let of = |key: &str| (cell(&table, row, key)["numerator"].clone(), cell(&table, row, key)["denominator"].clone());
    assert_eq!(of("kept_rate"), (json!(1), json!(2)), "by count: {table}");
    assert_eq!(of("kept_value_usd"), (json!(1_000), json!(1_600)), "by value, what was paid in time");
    let north = json!({ "name": "Agent 2", "role": "agent", "team": "North" });
    assert_eq!(client.put(&format!("/api/users/{last}"), &north).await.status.as_u16(), 200);
    let table = client.get("/api/reports/tables/activity?group_by=team").await.body;
    let row = rows_of(&table).iter().find(|row| row[0] == "North").expect("the row of the team");
    assert_eq!(cell(&table, row, "cash_usd")["minor"], json!(1_000));
    for by in ["agent", "team", "campaign", "hour"] {
        let table = client.get(&format!("/api/reports/tables/activity?group_by={by}")).await.body;
        let all: i64 = rows_of(&table).iter().filter_map(|row| cell(&table, row, "cash_usd")["minor"].as_i64()).sum();
        assert_eq!(all, 1_357, "by {by}: {table}");
    }
    let table = client.get("/api/reports/tables/activity").await.body;
    let cash: BTreeMap<&str, i64> = rows_of(&table)
        .iter()
        .map(|row| (row[0].as_str().expect("a name"), cell(&table, row, "cash_usd")["minor"].as_i64().expect("cash")))
        .collect();
    assert_eq!(cash["agent-2"], 1_000, "the last contact before it");
    assert_eq!(cash["agent-1"], 350, "before the second agent spoke; and within the window of the first contact");
    assert_eq!(cash["(nobody)"], 7);
    let row = rows_of(&table).iter().find(|row| row[0] == "agent-1").expect("a row");
    assert_eq!(cell(&table, row, "connect_rate")["value"], json!(1.0));
    assert!(cell(&table, row, "cash_per_hour_usd")["value"].is_null(), "nobody was logged in: undefined, not 0");
    test.finish().await;
}

#[tokio::test]
async fn hours_are_those_logged_in_cut_at_the_hour() {
    let test = TestApp::start().await;
    let (app, client) = (&test.app, Client::new(&test.app).await);
    let agent = client.user("agent-1", Role::Agent).await;
    let now = app.clock.now();
    for (state, minutes_ago) in [("ready", 90), ("paused", 30), ("offline", 15)] {
        sqlx::query("INSERT INTO agent_log (user_id, state, at) VALUES ($1, $2, $3)")
            .bind(agent)
            .bind(state)
            .bind(now - TimeDelta::minutes(minutes_ago))
            .execute(&app.db)
            .await
            .expect("a line");
    }
    let by_agent = client.get("/api/reports/tables/activity").await.body;
    assert_eq!(cell(&by_agent, &by_agent["rows"][0], "hours")["numerator"], json!(75 * 60));
    let by_hour = client.get("/api/reports/tables/activity?group_by=hour").await.body;
    let hours: Vec<(&str, i64)> = rows_of(&by_hour)
        .iter()
        .map(|row| {
            (row[0].as_str().expect("an hour"), cell(&by_hour, row, "hours")["numerator"].as_i64().expect("seconds"))
        })
        .collect();
    assert_eq!(hours, [("11", 30 * 60), ("12", 45 * 60)], "from 11:30 to 12:45 at the office");

    let made = portfolio::add(app, &Debtor::default()).await;
    pay(app, made.account, 700, app.clock.business_date()).await;
    let of_one = client.get("/api/reports/tables/activity?portfolio=test").await.body;
    let row = &of_one["rows"][0];
    assert_eq!(cell(&of_one, row, "cash_usd")["minor"], json!(700));
    assert_eq!((cell(&of_one, row, "hours"), cell(&of_one, row, "cash_per_hour_usd")), (&Value::Null, &Value::Null));
    assert!(of_one["notes"].to_string().contains("Hours are not split"), "and why: {}", of_one["notes"]);
    test.finish().await;
}

#[tokio::test]
async fn a_forecast_expects_what_is_promised_by_those_who_keep_promises() {
    let test = TestApp::start().await;
    let (app, client) = (&test.app, Client::new(&test.app).await);
    let made = portfolio::add(app, &Debtor::default()).await;
    portfolio::promise(app, made.account, app.clock.business_date() + Days::new(8)).await;
    let table = client.get("/api/reports/tables/cash_forecast").await.body;
    let promised: Vec<i64> =
        rows_of(&table).iter().map(|row| cell(&table, row, "promised")["minor"].as_i64().expect("an amount")).collect();
    assert_eq!(promised, [0, 100, 0, 0, 0, 0, 0, 0], "in the second week, when its deadline lies");
    let second = &table["rows"][1];
    assert_eq!(cell(&table, second, "of_promises")["minor"], json!(50), "nothing is known of anybody: one half");
    assert!(cell(&table, &table["rows"][0], "kept_share")["value"].is_null(), "nothing promised: undefined");
    test.finish().await;
}

#[tokio::test]
async fn roll_rates_and_late_payers_of_the_sample_are_right() {
    let Some(path) = sample() else { return };
    let rows = rows(&std::fs::read_to_string(&path).expect("the file"));
    let test = TestApp::start().await;
    let last = rows.iter().map(|row| row.settled).max().expect("rows");
    take_in_all(&test.app, &path, last).await;
    let client = Client::new(&test.app).await;
    let day: NaiveDate = "2013-03-31".parse().expect("a day");
    rolls_are_right(&client, &rows, day).await;
    late_payers_are_right(&client, &rows, day).await;
    calibration_is_right(&client, &rows, day).await;
    test.finish().await;
}

fn bucket(age: i64) -> usize {
    [0, 30, 60, 90, 120].iter().filter(|end| age > **end).count()
}

async fn rolls_are_right(client: &Client, rows: &[Sold], day: NaiveDate) {
    let before = day - Days::new(30);
    let mut expected: BTreeMap<usize, [i64; 6]> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.issued <= before && row.settled > before) {
        let (was, is) = (bucket((before - row.due).num_days()), bucket((day - row.due).num_days()));
        let sums = expected.entry(was).or_default();
        sums[0] += row.cents;
        let became = match (row.settled > day, is) {
            (false, _) => 5,
            (true, is) if is == was + 1 => 1,
            (true, is) if is > was => 2,
            (true, _) => 3,
        };
        sums[became] += row.cents;
    }
    let table = client.get(&format!("/api/reports/tables/roll_rates?as_of={day}&days=30")).await.body;
    assert_eq!(rows_of(&table).len(), expected.len());
    for (row, sums) in rows_of(&table).iter().zip(expected.values()) {
        let found: Vec<i64> = ["next", "further", "stayed", "back", "cured"]
            .map(|key| cell(&table, row, key)["numerator"].as_i64().expect("a sum"))
            .to_vec();
        assert_eq!(cell(&table, row, "opening")["minor"], json!(sums[0]), "{row}");
        assert_eq!(found, &sums[1..], "{row}");
    }
}

async fn late_payers_are_right(client: &Client, rows: &[Sold], day: NaiveDate) {
    let from = day - Days::new(364);
    let mut lateness: BTreeMap<&str, Vec<(i64, i64)>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.settled <= day && row.settled >= from) {
        lateness.entry(&row.account).or_default().push(((row.settled - row.due).num_days(), row.cents));
    }
    let mut expected = BTreeMap::new();
    for (account, mut paid) in lateness {
        paid.sort_unstable();
        let median = paid[paid.len().div_ceil(2) - 1].0;
        let late = paid.iter().filter(|(days, _)| *days > 0).count();
        if paid.len() >= 5 && median > 10 && late * 2 >= paid.len() {
            let weighted: i64 = paid.iter().map(|(days, cents)| days * cents).sum();
            expected.insert(account.to_owned(), (median, weighted));
        }
    }
    let table = client.get(&format!("/api/reports/tables/late_payers?as_of={day}")).await.body;
    let found: BTreeMap<String, (i64, i64)> = rows_of(&table)
        .iter()
        .map(|row| {
            let weighted = cell(&table, row, "weighted")["numerator"].as_i64().expect("a sum");
            (
                row[0].as_str().expect("a number").to_owned(),
                (cell(&table, row, "median").as_i64().expect("days"), weighted),
            )
        })
        .collect();
    assert_eq!(found, expected);
}

/// What came is summed up from the file; that the forecast is near it is what the report is for.
async fn calibration_is_right(client: &Client, rows: &[Sold], day: NaiveDate) {
    let table = client.get(&format!("/api/reports/tables/forecast_calibration?as_of={day}")).await.body;
    assert_eq!(rows_of(&table).len(), 8);
    for row in rows_of(&table) {
        let date = |key| cell(&table, row, key).as_str().expect("a day").parse::<NaiveDate>().expect("a day");
        let (from, until) = (date("from"), date("until"));
        let came: i64 = rows
            .iter()
            .filter(|row| row.issued <= from && row.settled > from && row.settled <= until)
            .map(|row| row.cents)
            .sum();
        assert_eq!(cell(&table, row, "came")["minor"], json!(came), "{from}");
        let ratio = cell(&table, row, "ratio")["value"].as_f64().expect("both are there");
        assert!((0.5..2.0).contains(&ratio), "{ratio} at {from}: habits are steady in the sample");
    }
}

/// An account that paid five items on the day on which they were due, 20 days ago, and owes `minor` in three days. That was
/// booked today, taken off and booked again.
async fn punctual(app: &App, minor: i64) -> (AccountId, InstalmentId) {
    let (today, now) = (app.clock.business_date(), app.clock.now());
    let due_on = today - Days::new(20);
    let account = money::account(app, "commercial").await;
    let items = money::invoice(app, account, due_on, &[1_000; 5]).await;
    let paid = money::payment(app, account, due_on, 5_000).await;
    let by = money::user(app, Role::Supervisor).await;
    let mut tx = app.db.begin().await.expect("a transaction");
    for again in [false, true] {
        if again {
            ledger::unapply(&mut tx, paid.into(), None, by, today, now).await.expect("taken off");
        }
        for item in &items {
            let mode = AllocationMode::Specified;
            ledger::store::allocate(&mut tx, paid, *item, 1_000, mode, today, now).await.expect("applied");
        }
    }
    let next = NewInvoice {
        account,
        number: "N-1".to_owned(),
        issued_on: today,
        po_number: None,
        currency: Currency::USD,
        instalments: vec![(today + Days::new(3), minor)],
    };
    ledger::store::post_invoice(&mut tx, &next, now).await.expect("an invoice");
    ledger::posted(&mut tx, &[account], today, now).await.expect("its figures");
    let open = ledger::store::open_items(&mut tx, account).await.expect("items");
    tx.commit().await.expect("committed");
    (account, open[0].instalment)
}

/// Minor units of a column of the forecast, week by week.
async fn weeks(client: &Client, query: &str, key: &str) -> Vec<i64> {
    let table = client.get(&format!("/api/reports/tables/cash_forecast{query}")).await.body;
    rows_of(&table).iter().map(|row| cell(&table, row, key)["minor"].as_i64().expect("an amount")).collect()
}

async fn finish(test: TestApp) {
    sqlx::query("DELETE FROM outbox").execute(&test.app.db).await.expect("nobody calls these accounts");
    test.finish().await;
}

#[tokio::test]
async fn a_payer_is_as_late_as_the_money_whenever_it_is_applied() {
    let test = TestApp::start().await;
    let (app, client) = (&test.app, Client::new(&test.app).await);
    punctual(app, 7_000).await;
    let late = client.get("/api/reports/tables/late_payers").await.body;
    assert_eq!(late["rows"], json!([]), "nobody is late");
    assert_eq!(
        weeks(&client, "", "of_habits").await,
        [7_000, 0, 0, 0, 0, 0, 0, 0],
        "who pays on the day pays this week"
    );
    finish(test).await;
}

#[tokio::test]
async fn a_promise_is_forecast_as_it_stood_and_takes_no_more_than_its_part_of_an_item() {
    let test = TestApp::start().await;
    let (app, client) = (&test.app, Client::new(&test.app).await);
    let (account, item) = punctual(app, 10_000).await;
    let today = app.clock.business_date();
    app.clock.advance(TimeDelta::minutes(1));
    let promises = format!("/api/accounts/{account}/promises");
    let promise = json!({ "amount_minor": 100, "due_on": today + Days::new(3), "items": [item] });
    let taken = client.post(&promises, &promise).await;
    assert_eq!(taken.status, StatusCode::CREATED, "{}", taken.text);
    assert_eq!(weeks(&client, "", "promised").await[0], 100);
    assert_eq!(weeks(&client, "", "of_habits").await[0], 9_900, "the rest of the item is paid as ever");

    app.clock.advance(TimeDelta::minutes(1));
    let paid = json!({ "account": account, "amount": { "minor": 40, "currency": "USD" }, "received_on": today,
                       "method": "transfer", "apply": { "items": [[item, 40]] } });
    let received = client.post("/api/payments", &paid).await;
    assert_eq!(received.status, StatusCode::CREATED, "{}", received.text);
    assert_eq!(weeks(&client, "", "promised").await[0], 60, "what is still to come of it");
    assert_eq!(weeks(&client, "", "of_habits").await[0], 9_900);

    app.clock.advance(TimeDelta::hours(23));
    let cancel = format!("/api/promises/{}/cancel", taken.body["id"].as_str().expect("an id"));
    let withdrawn = client.post(&cancel, &json!({ "reason": "withdrawn" })).await;
    assert_eq!(withdrawn.status, StatusCode::NO_CONTENT, "{}", withdrawn.text);
    assert_eq!(weeks(&client, "", "promised").await[0], 0);
    let then = format!("?as_of={today}");
    assert_eq!(weeks(&client, &then, "promised").await[0], 60, "at the end of that day it stood");
    finish(test).await;
}
