//! Cash: bank statements, batches that are applied as shown, differences, and the tie to the general ledger.

mod lines;
mod runs;

use axum::http::StatusCode;
use ledgerline::{agent::Role, app::App, cash::assign, ids::AccountId, ledger};
use serde_json::{Value, json};

use crate::{
    api::client::Client,
    harness::TestApp,
    money::{account, invoice, payment},
};

/// Nobody calls these accounts.
pub async fn finish(test: TestApp) {
    sqlx::query("DELETE FROM outbox").execute(&test.app.db).await.expect("outbox");
    test.finish().await;
}

/// Gives an account another number.
pub async fn number(app: &App, account: AccountId, number: &str) {
    sqlx::query("UPDATE account SET number = $2, name = 'Debtor ' || $2 WHERE id = $1")
        .bind(account.0)
        .bind(number)
        .execute(&app.db)
        .await
        .expect("renumbered");
}

/// Gives the newest invoice of an account a number.
pub async fn invoice_number(app: &App, account: AccountId, number: &str) {
    sqlx::query(
        "UPDATE invoice SET number = $2 WHERE id = (SELECT max(id::text)::uuid FROM invoice WHERE account_id = $1)",
    )
    .bind(account.0)
    .bind(number)
    .execute(&app.db)
    .await
    .expect("renumbered");
}

pub async fn open(app: &App, account: AccountId) -> (i64, i64) {
    let mut conn = app.db.acquire().await.expect("a connection");
    let figures = ledger::store::figures(&mut conn, account).await.expect("figures").expect("it has some");
    (figures.open.minor, figures.unapplied.minor)
}

#[tokio::test]
async fn a_payment_by_hand_is_shown_first_and_then_recorded_so() {
    let test = TestApp::start().await;
    let (app, client) = (&test.app, Client::new(&test.app).await);
    let today = app.clock.business_date();
    let account = account(app, "commercial").await;
    invoice(app, account, today, &[10_000, 20_000]).await;
    let receipt = json!({ "account": account, "amount": { "minor": 20_000, "currency": "USD" }, "received_on": today,
                          "method": "cheque", "reference": "no. 17" });
    let shown = client.post("/api/payments/preview", &receipt).await;
    assert_eq!((shown.status, shown.body["mode"].as_str()), (StatusCode::OK, Some("exact")), "{:?}", shown.body);
    assert_eq!(open(app, account).await, (30_000, 0), "nothing is recorded by looking");
    let made = client.post("/api/payments", &receipt).await;
    assert_eq!((made.status, &made.body["proposal"]), (StatusCode::CREATED, &shown.body));
    assert_eq!(open(app, account).await, (10_000, 0));

    let again = client.post("/api/payments", &receipt).await;
    assert_eq!(again.status, StatusCode::CREATED);
    let found = client.get("/api/cash/differences").await;
    let kinds: Vec<&str> =
        found.body["items"].as_array().expect("a list").iter().filter_map(|one| one["kind"].as_str()).collect();
    assert_eq!(kinds, ["duplicate", "overpay"], "the same cheque twice, and more than is open: {:?}", found.body);
    assert_eq!(open(app, account).await, (0, 10_000), "never a negative invoice");
    let listed = client.get(&format!("/api/accounts/{account}/payments")).await;
    let newest = &listed.body["items"][0];
    assert_eq!(
        (newest["left"]["minor"].as_i64(), newest["allocations"][0]["mode"].as_str()),
        (Some(10_000), Some("oldest_first"))
    );
    let off = json!({ "source": { "payment": newest["id"] } });
    assert_eq!(client.post("/api/unapply", &off).await.status, StatusCode::OK);
    assert_eq!(open(app, account).await, (10_000, 20_000), "both sides are as before");

    for (field, wrong) in [
        ("amount", json!({ "minor": 0, "currency": "USD" })),
        ("amount.currency", json!({ "minor": 5, "currency": "EUR" })),
        ("received_on", json!("2026-03-11")),
        ("method", json!("")),
    ] {
        let mut bad = receipt.clone();
        let name = field.split('.').next().expect("a name");
        bad[name] = wrong;
        let refused = client.post("/api/payments", &bad).await;
        assert_eq!((refused.status, refused.body["field"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some(field)));
    }
    let agent = client.of(client.user("agent-1", Role::Agent).await).await;
    let mut of_agent = receipt.clone();
    of_agent["reference"] = json!("told on the telephone");
    let before = open(app, account).await;
    let waits = agent.post("/api/payments", &of_agent).await;
    assert_eq!(waits.status, StatusCode::ACCEPTED, "{}", waits.text);
    assert_eq!(open(app, account).await, before, "nothing is posted before somebody has looked");
    let approval = format!("/api/approvals/{}", waits.body["waiting"].as_str().expect("an id"));
    let decided = client.post(&approval, &json!({ "approve": true, "note": "it is on the bank" })).await;
    assert!(decided.status.is_success(), "{}", decided.text);
    let listed = client.get(&format!("/api/accounts/{account}/payments")).await;
    assert_eq!(listed.body["items"][0]["reference"], of_agent["reference"], "{}", listed.body);
    let line = json!({ "role": "agent", "kind": "payment", "currency": "***", "most_minor": 20_000 });
    assert!(client.put("/api/posting-limits", &line).await.status.is_success());
    assert_eq!(agent.post("/api/payments", &of_agent).await.status, StatusCode::CREATED, "up to the house's limit");
    finish(test).await;
}

#[tokio::test]
async fn a_payment_of_the_wrong_customer_is_moved() {
    let test = TestApp::start().await;
    let (app, client) = (&test.app, Client::new(&test.app).await);
    let today = app.clock.business_date();
    let (wrong, right) = (account(app, "commercial").await, account(app, "commercial").await);
    invoice(app, right, today, &[5_000]).await;
    let paid = payment(app, wrong, today, 5_000).await;
    let to = json!({ "account": right, "reason": "the remittance names another customer" });
    let moved = client.post(&format!("/api/payments/{paid}/move"), &to).await;
    assert_eq!(moved.status, StatusCode::OK, "{:?}", moved.body);
    assert_eq!((open(app, wrong).await, open(app, right).await), ((0, 0), (0, 0)));
    let found = client.get("/api/cash/differences?closed=true").await;
    let one = &found.body["items"][0];
    assert_eq!((one["kind"].as_str(), one["outcome"].as_str()), (Some("wrong_customer"), Some("moved")));
    assert!(one["closed_by"].is_string() && one["closed_at"].is_string(), "who and when");
    finish(test).await;
}

#[tokio::test]
async fn the_sub_ledger_ties_or_says_which_account_and_which_posting() {
    let test = TestApp::start().await;
    let (app, client) = (&test.app, Client::new(&test.app).await);
    let today = app.clock.business_date();
    let (a, b) = (account(app, "commercial").await, account(app, "commercial").await);
    number(app, a, "A-1").await;
    number(app, b, "B-1").await;
    invoice(app, a, today, &[10_000]).await;
    invoice(app, b, today, &[7_000]).await;
    payment(app, b, today, 500).await;
    let tie = async || client.get(&format!("/api/cash/control?portfolio=test&currency=USD&day={today}")).await.body;
    let given = |minor: i64, accounts: Value| json!({ "portfolio": "test", "currency": "USD", "day": today, "minor": minor, "accounts": accounts });
    assert_eq!(tie().await["ties"], json!(false), "nobody has given a control total");
    let wrong = client.post("/api/cash/control", &given(16_500, json!({ "A-1": 1 }))).await;
    assert_eq!(wrong.body["field"], json!("accounts"));
    let status = client.post("/api/cash/control", &given(16_500, json!({ "A-1": 10_000, "B-1": 6_500 }))).await.status;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(tie().await["ties"], json!(true));

    client.post("/api/cash/control", &given(17_000, json!({ "A-1": 10_000, "B-1": 7_000 }))).await;
    let tied = tie().await;
    assert_eq!((tied["ties"].clone(), tied["difference_minor"].clone()), (json!(false), json!(-500)));
    assert_eq!(tied["accounts"][0]["number"], json!("B-1"), "which account");
    assert_eq!(tied["suspects"][0]["kind"], json!("payment"), "which posting: {tied}");
    client.post("/api/cash/control", &given(17_000, Value::Null)).await;
    let tied = tie().await;
    assert_eq!(tied["suspects"][0]["number"], json!("B-1"), "by its amount alone: {tied}");
    finish(test).await;
}

#[tokio::test]
async fn an_open_difference_is_somebodys_until_it_is_worked_to_an_end() {
    let test = TestApp::start().await;
    let (app, client) = (&test.app, Client::new(&test.app).await);
    let today = app.clock.business_date();
    let account = account(app, "commercial").await;
    invoice(app, account, today, &[10_000]).await;
    let receipt = json!({ "account": account, "amount": { "minor": 15_000, "currency": "USD" }, "received_on": today,
                          "method": "transfer" });
    assert_eq!(client.post("/api/payments", &receipt).await.status, StatusCode::CREATED);
    assert_eq!(assign::step(app).await.expect("a step"), 1);
    assert_eq!(assign::step(app).await.expect("a step"), 0, "once");
    let tasks = client.get("/api/tasks?department=supervision").await.body;
    let task = &tasks["items"][0];
    assert_eq!((&task["subject"], &task["kind"]), (&json!("Difference of 50.00 USD (overpay)"), &json!("reconcile")));
    assert_eq!(task["due_on"], json!(today + chrono::Days::new(2)), "and moves up after that day");
    let by_hand = format!("/api/tasks/{}/finish", task["id"].as_str().expect("an id"));
    assert_eq!(client.post(&by_hand, &json!({ "note": "Done." })).await.status, StatusCode::CONFLICT, "with the cash");

    let found = client.get("/api/cash/differences").await.body;
    let close = format!("/api/cash/differences/{}", found["items"][0]["id"].as_str().expect("an id"));
    let closed = client.post(&close, &json!({ "outcome": "explained", "note": "paid in advance" })).await;
    assert_eq!(closed.status, StatusCode::NO_CONTENT, "{}", closed.text);
    assert_eq!(assign::step(app).await.expect("a step"), 1);
    assert_eq!(assign::step(app).await.expect("a step"), 0);
    let done = client.get("/api/tasks?department=supervision&state=done").await.body;
    assert_eq!(done["items"].as_array().map(Vec::len), Some(1), "{done}");
    finish(test).await;
}

#[tokio::test]
async fn differences_follow_what_is_taken_back_and_say_who_did() {
    let test = TestApp::start().await;
    let (app, client) = (&test.app, Client::new(&test.app).await);
    let today = app.clock.business_date();
    let account = account(app, "commercial").await;
    invoice(app, account, today, &[10_000]).await;
    invoice_number(app, account, "INV-12").await;
    let pay = async |minor: i64, reference: &str| {
        let receipt = json!({ "account": account, "amount": { "minor": minor, "currency": "USD" }, "received_on": today,
                              "method": "transfer", "reference": reference });
        let made = client.post("/api/payments", &receipt).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        made.body["payment"].as_str().expect("an id").to_owned()
    };
    let reverse = async |payment: &str| {
        let wrong = json!({ "document": { "payment": payment }, "reason": "a mistake" });
        assert_eq!(client.post("/api/reversals", &wrong).await.status, StatusCode::CREATED);
    };
    // kind, minor units and outcome of each, the oldest first
    let all = async || -> Vec<(String, i64, String)> {
        let found = client.get(&format!("/api/cash/differences?closed=true&account={account}")).await.body;
        let named = |value: &Value| value.as_str().unwrap_or("open").to_owned();
        let one = |one: &Value| {
            (named(&one["kind"]), one["amount"]["minor"].as_i64().expect("cents"), named(&one["outcome"]))
        };
        found["items"].as_array().expect("a list").iter().map(one).collect()
    };
    let is = |kind: &str, minor: i64, outcome: &str| (kind.to_owned(), minor, outcome.to_owned());

    let short = pay(6_000, "INV-12").await;
    assert_eq!(all().await, [is("short_pay", 4_000, "open")]);
    let rest = pay(4_000, "INV-12 the rest").await;
    let mut expected = vec![is("short_pay", 4_000, "collected")];
    assert_eq!(all().await, expected);
    reverse(&rest).await;
    expected.push(is("short_pay", 4_000, "open"));
    assert_eq!(all().await, expected, "it is short again");
    let off = client.post("/api/unapply", &json!({ "source": { "payment": short } })).await;
    assert_eq!(off.status, StatusCode::OK, "{}", off.text);
    expected[1].2 = "taken_back".to_owned();
    assert_eq!(all().await, expected, "it is for nothing now");

    let much = pay(15_000, "INV-12 and more").await;
    expected.push(is("overpay", 5_000, "open"));
    assert_eq!(all().await, expected);
    let twice = pay(15_000, "INV-12 and more").await;
    expected.push(is("duplicate", 15_000, "open"));
    assert_eq!(all().await, expected);
    reverse(&much).await;
    (expected[2].2, expected[3].2) = ("taken_back".to_owned(), "taken_back".to_owned());
    assert_eq!(all().await, expected, "{twice} is the only one");
    let found = client.get(&format!("/api/cash/differences?closed=true&account={account}")).await.body;
    for ended in found["items"].as_array().expect("a list").iter().filter(|one| one["outcome"] == "taken_back") {
        assert!(ended["closed_by"].is_string() && ended["closed_at"].is_string(), "who and when: {ended}");
    }
    finish(test).await;
}
