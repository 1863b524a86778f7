//! Outgoing webhooks against a server of the test, over real HTTP.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use chrono::{Days, TimeDelta};
use ledgerline::{
    agent::Role,
    clock::Clock,
    ledger,
    money::{Currency, Money},
    outbox,
    outgoing::deliver,
};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::{
    api::client::Client,
    harness::{TestApp, noon},
    import::{self, Folder},
    money,
    portfolio::{self, Debtor},
};

/// What came in, and what is answered next.
#[derive(Clone, Default)]
struct Heard {
    requests: Arc<Mutex<Vec<(HeaderMap, String)>>>,
    answers: Arc<Mutex<Vec<u16>>>,
}

impl Heard {
    fn answer(&self, statuses: &[u16]) {
        *self.answers.lock().expect("a lock") = statuses.iter().rev().copied().collect();
    }

    fn all(&self) -> Vec<(HeaderMap, String)> {
        self.requests.lock().expect("a lock").clone()
    }
}

async fn hear(State(heard): State<Heard>, headers: HeaderMap, body: Bytes) -> StatusCode {
    heard.requests.lock().expect("a lock").push((headers, String::from_utf8(body.to_vec()).expect("text")));
    let status = heard.answers.lock().expect("a lock").pop().unwrap_or(204);
    StatusCode::from_u16(status).expect("a status")
}

/// A server that hears; its address.
async fn listen(heard: &Heard) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let router = Router::new().route("/hook", post(hear)).with_state(heard.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/hook")
}

async fn start() -> TestApp {
    TestApp::start_with(Clock::manual(noon(), chrono_tz::Tz::America__New_York), |config| {
        config.webhooks.allow_private = true;
    })
    .await
}

async fn add(client: &Client, url: &str, kinds: &[&str]) -> Value {
    let added = client.post("/api/webhooks", &json!({ "url": url, "kinds": kinds })).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.text);
    added.body
}

/// A payment of a new account; somebody may want to know.
async fn pay(test: &TestApp) {
    let made = portfolio::add(&test.app, &Debtor::default()).await;
    let new = ledger::NewPayment {
        account: made.account,
        amount: Money::new(500, Currency::USD),
        received_on: test.app.clock.business_date(),
        method: "transfer".to_owned(),
        reference: "not told".to_owned(),
    };
    let mut conn = test.app.db.acquire().await.expect("a connection");
    ledger::store::record_payment(&mut conn, &new, test.app.clock.now()).await.expect("recorded");
}

async fn deliveries(client: &Client, endpoint: &Value) -> Vec<Value> {
    let path = format!("/api/webhooks/{}/deliveries", endpoint["id"].as_str().expect("an id"));
    client.get(&path).await.body["items"].as_array().expect("a list").clone()
}

async fn end(client: &Client, endpoint: &Value) {
    let path = format!("/api/webhooks/{}", endpoint["id"].as_str().expect("an id"));
    assert_eq!(client.delete(&path).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn what_happens_is_told_signed_to_those_who_listen_for_it() {
    let (test, heard) = (start().await, Heard::default());
    let client = Client::new(&test.app).await;
    let url = listen(&heard).await;
    let (endpoint, deaf) = (add(&client, &url, &["payment"]).await, add(&client, &url, &["dispute"]).await);
    pay(&test).await;
    test.settle().await;
    let requests = heard.all();
    assert_eq!(requests.len(), 1, "the other one listens for disputes");
    let (headers, body) = &requests[0];
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).expect("a header");
    let timestamp = header("webhook-timestamp").parse().expect("seconds");
    let judge = Webhook::new(endpoint["secret"].as_str().expect("shown once")).expect("a secret");
    let expected = judge.sign(header("webhook-id"), timestamp, body.as_bytes()).expect("a signature");
    assert_eq!(header("webhook-signature"), expected);
    let told: Value = serde_json::from_str(body).expect("JSON");
    assert_eq!((&told["type"], &told["data"]["amount"]["minor"]), (&json!("payment.received"), &json!(500)));
    assert!(!body.contains("not told"), "what the payer wrote stays here");
    let log = deliveries(&client, &endpoint).await;
    assert_eq!((&log[0]["state"], &log[0]["attempts"][0]["status"]), (&json!("delivered"), &json!(204)));
    assert!(deliveries(&client, &deaf).await.is_empty());
    test.finish().await;
}

/// How often what was told since the last time, and what was said of it.
async fn told(test: &TestApp, heard: &Heard) -> (BTreeMap<String, usize>, Vec<Value>) {
    test.settle().await;
    let bodies: Vec<Value> = std::mem::take(&mut *heard.requests.lock().expect("a lock"))
        .iter()
        .map(|(_, body)| serde_json::from_str(body).expect("JSON"))
        .collect();
    let mut counts = BTreeMap::new();
    for body in &bodies {
        *counts.entry(body["type"].as_str().expect("a type").to_owned()).or_default() += 1;
    }
    (counts, bodies)
}

fn counts<const N: usize>(expected: [(&str, usize); N]) -> BTreeMap<String, usize> {
    expected.map(|(what, times)| (what.to_owned(), times)).into()
}

#[tokio::test]
async fn it_is_told_when_a_person_or_the_bank_takes_a_payment_back_or_it_is_moved() {
    let (test, heard) = (start().await, Heard::default());
    let (app, client) = (&test.app, Client::new(&test.app).await);
    add(&client, &listen(&heard).await, &["payment"]).await;
    let (account, other) = (money::account(app, "commercial").await, money::account(app, "commercial").await);
    let today = app.clock.business_date();
    let mut paid = Vec::new();
    for _ in 0..3 {
        paid.push(money::payment(app, account, today, 500).await);
    }
    assert_eq!(told(&test, &heard).await.0, counts([("payment.received", 3)]));

    let mistake = json!({ "document": { "payment": paid[0] }, "reason": "a mistake" });
    assert_eq!(client.post("/api/reversals", &mistake).await.status, StatusCode::CREATED);
    let (times, bodies) = told(&test, &heard).await;
    assert_eq!(times, counts([("payment.reversed", 1)]));
    let data = &bodies[0]["data"];
    assert_eq!((&data["payment"], &data["account"]), (&json!(paid[0]), &json!(account)));
    assert_eq!((&data["business_date"], &data["returned"]), (&json!(today), &json!(false)));

    money::returned(app, paid[1]).await.expect("taken back");
    let (times, bodies) = told(&test, &heard).await;
    assert_eq!((times, &bodies[0]["data"]["returned"]), (counts([("payment.reversed", 1)]), &json!(true)));

    let to = json!({ "account": other, "reason": "the remittance names another customer" });
    assert_eq!(client.post(&format!("/api/payments/{}/move", paid[2]), &to).await.status, StatusCode::OK);
    assert_eq!(told(&test, &heard).await.0, counts([("payment.received", 1), ("payment.reversed", 1)]));
    test.finish().await;
}

#[tokio::test]
async fn it_is_told_when_a_file_changes_a_payment_or_no_longer_has_it() {
    let (test, heard) = (start().await, Heard::default());
    let (app, client, folder) = (&test.app, Client::new(&test.app).await, Folder::new());
    add(&client, &listen(&heard).await, &["payment"]).await;
    let file = async |paid: &str| {
        let header = "Customer No,Customer,Invoice No,Invoice Date,Due Date,Amount,Paid On,Paid";
        let row = format!("7,Debtor 0007 Ltd,A1,2026-01-05,2026-02-04,100.00,{paid}");
        import::take_in(app, &import::open_items(&folder.put("in.csv", format!("{header}\n{row}\n")))).await;
        told(&test, &heard).await
    };
    let (times, bodies) = file("2026-03-01,40.00").await;
    assert_eq!(times, counts([("payment.received", 1)]));
    let first = bodies[0]["data"]["payment"].clone();
    let (times, bodies) = file("2026-03-02,60.00").await;
    assert_eq!(times, counts([("payment.received", 1), ("payment.reversed", 1)]), "replaced");
    let gone = bodies.iter().find(|body| body["type"] == "payment.reversed").expect("told");
    assert_eq!((&gone["data"]["payment"], &gone["data"]["business_date"]), (&first, &json!("2026-03-10")));
    assert_eq!(file(",").await.0, counts([("payment.reversed", 1)]), "no longer there");
    let states: Vec<String> =
        sqlx::query_scalar("SELECT state FROM payment").fetch_all(&app.db).await.expect("payments");
    assert_eq!(states, ["reversed", "reversed"]);
    test.finish().await;
}

#[tokio::test]
async fn every_promise_is_told_when_it_is_taken_and_when_it_is_cancelled() {
    let (test, heard) = (start().await, Heard::default());
    let (app, client) = (&test.app, Client::new(&test.app).await);
    add(&client, &listen(&heard).await, &["promise"]).await;
    let account = portfolio::add(app, &Debtor { owes_minor: 60_000, ..Debtor::default() }).await.account;
    let due = |days| app.clock.business_date() + Days::new(days);
    let promises = format!("/api/accounts/{account}/promises");
    let promise = async |days| {
        let made = client.post(&promises, &json!({ "amount_minor": 10_000, "due_on": due(days) })).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        made.body["id"].as_str().expect("an id").to_owned()
    };
    let first = promise(3).await;
    assert_eq!(told(&test, &heard).await.0, counts([("promise.taken", 1)]));

    let second = promise(4).await;
    let (times, bodies) = told(&test, &heard).await;
    assert_eq!(times, counts([("promise.cancelled", 1), ("promise.taken", 1)]), "replaced");
    let gone = bodies.iter().find(|body| body["type"] == "promise.cancelled").expect("told");
    assert_eq!((&gone["data"]["promise"], &gone["data"]["reason"]), (&json!(first), &json!("replaced")));
    assert_eq!(gone["data"]["account"], json!(account));

    let withdrawn = client.post(&format!("/api/promises/{second}/cancel"), &json!({ "reason": "withdrawn" })).await;
    assert!(withdrawn.status.is_success(), "{}", withdrawn.text);
    assert_eq!(told(&test, &heard).await.0, counts([("promise.cancelled", 1)]));

    promise(5).await;
    told(&test, &heard).await;
    let plan = json!({ "total_minor": 60_000, "first_on": due(7), "rhythm": "weekly", "instalments": 3 });
    let agreed = client.post(&format!("/api/accounts/{account}/plans"), &plan).await;
    assert_eq!((agreed.status, &agreed.body["status"]), (StatusCode::CREATED, &json!("active")), "{}", agreed.text);
    let (times, bodies) = told(&test, &heard).await;
    assert_eq!(times, counts([("promise.cancelled", 1), ("promise.taken", 3)]), "each instalment is a promise");
    let parts = bodies.iter().filter(|body| body["type"] == "promise.taken");
    assert!(parts.map(|body| &body["data"]).all(|part| part["plan"] == agreed.body["id"]), "{bodies:?}");
    let end = format!("/api/plans/{}/end", agreed.body["id"].as_str().expect("an id"));
    assert!(client.post(&end, &json!({})).await.status.is_success());
    assert_eq!(told(&test, &heard).await.0, counts([("promise.cancelled", 3)]), "the plan has ended");
    test.finish().await;
}

#[tokio::test]
async fn what_is_not_taken_is_tried_again_later_and_resent_by_hand() {
    let (test, heard) = (start().await, Heard::default());
    let client = Client::new(&test.app).await;
    let endpoint = add(&client, &listen(&heard).await, &["payment"]).await;
    heard.answer(&[500, 204]);
    pay(&test).await;
    test.settle().await;
    assert_eq!(heard.all().len(), 1, "not at once");
    test.app.clock.advance(deliver::RETRIES[0]);
    test.settle().await;
    let log = deliveries(&client, &endpoint).await;
    let statuses: Vec<i64> =
        log[0]["attempts"].as_array().expect("tries").iter().filter_map(|one| one["status"].as_i64()).collect();
    assert_eq!((statuses.as_slice(), &log[0]["state"]), ([500, 204].as_slice(), &json!("delivered")));
    let ids: Vec<_> = heard.all().iter().map(|(headers, _)| headers["webhook-id"].clone()).collect();
    assert_eq!(ids[0], ids[1], "the same message");

    let path = format!("/api/webhook-deliveries/{}/resend", log[0]["id"].as_str().expect("an id"));
    assert_eq!(client.post(&path, &json!({})).await.status, StatusCode::ACCEPTED);
    test.settle().await;
    assert_eq!(heard.all().len(), 3);
    end(&client, &endpoint).await;
    test.finish().await;
}

#[tokio::test]
async fn an_address_that_takes_nothing_for_days_is_disabled() {
    let (test, heard) = (start().await, Heard::default());
    let client = Client::new(&test.app).await;
    let endpoint = add(&client, &listen(&heard).await, &["payment"]).await;
    heard.answer(&[500; 30]);
    for _ in 0..3 {
        pay(&test).await;
        test.settle().await;
        test.app.clock.advance(TimeDelta::days(3));
    }
    test.settle().await;
    // The first token has run out meanwhile.
    let client = client.of(client.user("admin-2", Role::Admin).await).await;
    let listed = client.get("/api/webhooks").await.body["items"][0].clone();
    assert_eq!(listed["disabled_why"], json!("it took nothing for five days"));
    let before = heard.all().len();
    pay(&test).await;
    test.settle().await;
    assert_eq!(heard.all().len(), before, "it is told nothing any more");
    let path = format!("/api/webhooks/{}", endpoint["id"].as_str().expect("an id"));
    assert_eq!(client.put(&path, &json!({ "enabled": true })).await.body["disabled_at"], Value::Null);
    end(&client, &endpoint).await;
    test.finish().await;
}

#[tokio::test]
async fn a_rotated_secret_signs_along_for_a_day() {
    let (test, heard) = (start().await, Heard::default());
    let client = Client::new(&test.app).await;
    let endpoint = add(&client, &listen(&heard).await, &["payment"]).await;
    let path = format!("/api/webhooks/{}/secret", endpoint["id"].as_str().expect("an id"));
    let fresh = client.post(&path, &json!({})).await.body["secret"].as_str().expect("a secret").to_owned();
    assert_ne!(Some(fresh.as_str()), endpoint["secret"].as_str());
    for (hours, count) in [(0, 2), (25, 1)] {
        test.app.clock.advance(TimeDelta::hours(hours));
        pay(&test).await;
        test.settle().await;
        let (headers, _) = heard.all().pop().expect("told");
        let signatures = headers["webhook-signature"].to_str().expect("text").split(' ').count();
        assert_eq!(signatures, count, "after {hours} hours");
    }
    let client = client.of(client.user("admin-2", Role::Admin).await).await;
    let listed = client.get("/api/webhooks").await;
    assert!(listed.status == StatusCode::OK && !listed.text.contains("whsec_"), "a secret is shown once");
    test.finish().await;
}

#[tokio::test]
async fn neighbours_are_not_asked_and_only_administrators_decide() {
    let test = TestApp::start().await;
    let client = Client::new(&test.app).await;
    for (url, kinds, field) in [
        ("https://127.0.0.1/hook", json!(["payment"]), "url"),
        ("http://example.com/hook", json!(["payment"]), "url"),
        ("https://user@example.com/", json!(["payment"]), "url"),
        ("https://localhost/", json!(["payment"]), "url"),
        ("https://example.com/", json!([]), "kinds"),
        ("https://example.com/", json!(["payment", "payment"]), "kinds"),
    ] {
        let refused = client.post("/api/webhooks", &json!({ "url": url, "kinds": kinds })).await;
        assert_eq!((refused.status, refused.field()), (StatusCode::UNPROCESSABLE_ENTITY, Some(field)), "{url}");
    }
    // The name is public, what it leads to is not: nothing is asked there.
    add(&client, "https://localhost.example.invalid/hook", &["payment"]).await;
    pay(&test).await;
    outbox::worker::step(&test.app, outbox::Lane::Outside).await.expect("a step");
    let endpoint = client.get("/api/webhooks").await.body["items"][0].clone();
    let log = deliveries(&client, &endpoint).await;
    assert!(log[0]["attempts"][0]["status"].is_null() && log[0]["attempts"][0]["error"].is_string(), "{log:?}");
    end(&client, &endpoint).await;
    let supervisor = client.of(client.user("supervisor-1", Role::Supervisor).await).await;
    assert_eq!(supervisor.get("/api/webhooks").await.status, StatusCode::FORBIDDEN);
    test.finish().await;
}
