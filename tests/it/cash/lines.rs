//! Bank statements: taken in once, each line decided on by somebody.

use axum::http::StatusCode;
use ledgerline::{app::App, ids::AccountId};
use serde_json::{Value, json};

use super::{finish, invoice_number, number, open};
use crate::{
    api::client::{Answer, Client},
    harness::TestApp,
    money::{account, invoice},
};

/// A file of BAI2 with these details; the control totals are worked out.
fn bai(details: &[(u16, i64, &str, &str)]) -> String {
    let sum: i64 = details.iter().map(|(_, minor, ..)| minor).sum();
    let lines: Vec<String> =
        details.iter().map(|(code, minor, id, text)| format!("16,{code},{minor},Z,{id},,{text}/\n")).collect();
    let lines = lines.concat();
    let count = details.len();
    format!(
        "01,BANK,HOUSE,260310,1800,1,80,,2/\n02,HOUSE,BANK,1,260310,2359,USD,2/\n03,4455,USD/\n{lines}49,{sum},{}/\n98,{sum},1,{}/\n99,{sum},1,{}/\n",
        count + 2,
        count + 4,
        count + 6
    )
}

async fn load(client: &Client, file: &str) -> Value {
    let answer =
        client.authorized("POST", "/api/cash/statements?portfolio=test&name=bank.bai", Some(file.to_owned())).await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
    answer.body[0].clone()
}

async fn lines(client: &Client, state: &str) -> Vec<Value> {
    let found = client.get(&format!("/api/cash/lines?portfolio=test&state={state}")).await;
    found.body["items"].as_array().expect("a list").clone()
}

async fn decide(client: &Client, line: &Value, decision: Value) -> Answer {
    client.post(&format!("/api/cash/lines/{}", line["id"].as_str().expect("an id")), &decision).await
}

/// An account whose invoice over 500.00 the bank's first entry has paid, and what came of booking that.
async fn booked(app: &App, client: &Client) -> (AccountId, Answer) {
    let account = account(app, "commercial").await;
    invoice(app, account, app.clock.business_date(), &[50_000]).await;
    invoice_number(app, account, "INV-12").await;
    load(client, &bai(&[(165, 50_000, "B-1", "INV-12")])).await;
    let line = lines(client, "open").await.remove(0);
    let booked = decide(client, &line, json!({ "decision": "accept", "token": line["token"] })).await;
    assert_eq!(booked.status, StatusCode::OK, "{}", booked.text);
    assert_eq!(open(app, account).await, (0, 0));
    (account, booked)
}

#[tokio::test]
async fn every_line_is_worked_to_an_end() {
    let test = TestApp::start().await;
    let (app, client) = (&test.app, Client::new(&test.app).await);
    let today = app.clock.business_date();
    let (a, b) = (account(app, "commercial").await, account(app, "commercial").await);
    number(app, a, "K-100").await;
    number(app, b, "K-200").await;
    invoice(app, a, today, &[50_000]).await;
    invoice_number(app, a, "INV-12").await;
    invoice(app, b, today, &[7_000]).await;
    let file = bai(&[
        (165, 50_000, "B-1", "INV-12 THANK YOU"),
        (165, 7_000, "B-2", "CUSTOMER UNKNOWN"),
        (165, 3_000, "B-3", "K-200 ON ACCOUNT"),
        (165, 100, "B-4", "INTEREST OF THE BANK"),
        (475, 999, "B-5", "CHEQUE PAID"),
    ]);
    let loaded = load(&client, &file).await;
    assert_eq!((loaded["new"].as_i64(), loaded["identified"].as_i64()), (Some(5), Some(2)), "{loaded}");
    assert_eq!(load(&client, &file).await["before"], json!(true), "the same statement twice");

    let open_lines = lines(&client, "open").await;
    assert_eq!(open_lines.len(), 4, "what goes out is no customer's payment");
    assert_eq!(open_lines[0]["because"], json!("The reference names invoice INV-12."));
    assert_eq!(open_lines[0]["proposal"]["mode"], json!("reference"));
    let seen = client.get(&format!("/api/accounts/{b}")).await;
    let possible: Vec<i64> = seen.body["possible_cash"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|line| line["amount"]["minor"].as_i64())
        .collect();
    assert_eq!(possible, [3_000, 7_000], "one names the account, one has its amount: {:?}", seen.body["possible_cash"]);

    let decide = async |nth: usize, decision: Value| decide(&client, &open_lines[nth], decision).await;
    let stale = decide(0, json!({ "decision": "accept", "token": "00" })).await;
    assert_eq!(stale.status, StatusCode::CONFLICT, "something else than was shown");
    let token = &open_lines[0]["token"];
    assert_eq!(decide(0, json!({ "decision": "accept", "token": token })).await.status, StatusCode::OK);
    assert_eq!(open(app, a).await, (0, 0));
    assert_eq!(decide(0, json!({ "decision": "pass", "note": "x" })).await.status, StatusCode::CONFLICT, "once");
    assert_eq!(decide(1, json!({ "decision": "unidentified", "note": "asked the bank" })).await.status, StatusCode::OK);
    assert_eq!(decide(2, json!({ "decision": "on_account" })).await.status, StatusCode::OK);
    assert_eq!(decide(3, json!({ "decision": "pass", "note": "" })).await.body["field"], json!("note"));
    assert_eq!(decide(3, json!({ "decision": "pass", "note": "interest" })).await.status, StatusCode::OK);
    assert_eq!(open(app, b).await, (7_000, 3_000));

    let waiting = client.get("/api/cash/differences?portfolio=test").await;
    assert_eq!(waiting.body["items"][0]["kind"], json!("unidentified"));
    assert_eq!(decide(1, json!({ "decision": "change", "account": b })).await.status, StatusCode::OK);
    assert_eq!(open(app, b).await, (0, 3_000));
    let waiting = client.get("/api/cash/differences?portfolio=test").await;
    assert_eq!(waiting.body["items"], json!([]), "identified after all");
    finish(test).await;
}

#[tokio::test]
async fn what_the_bank_takes_back_is_owed_again() {
    let test = TestApp::start().await;
    let (app, client) = (&test.app, Client::new(&test.app).await);
    let (a, _) = booked(app, &client).await;

    let next = bai(&[(555, 50_000, "B-9", "RETURNED ITEM")]).replace("260310,1800,1,", "260311,1800,2,");
    load(&client, &next).await;
    let back = lines(&client, "open").await.remove(0);
    assert_eq!(back["because"], json!("The bank takes this payment back."), "{back}");
    let done = decide(&client, &back, json!({ "decision": "returned" })).await;
    assert_eq!((done.status, done.body["state"].as_str()), (StatusCode::OK, Some("returned")), "{:?}", done.body);
    assert_eq!(open(app, a).await, (50_000, 0));
    let listed = client.get(&format!("/api/accounts/{a}/payments")).await;
    assert_eq!(listed.body["items"][0]["state"], json!("returned"));
    let found = client.get("/api/cash/differences").await;
    assert_eq!(found.body["items"][0]["kind"], json!("returned"), "somebody has to talk to the debtor");
    finish(test).await;
}

#[tokio::test]
async fn what_was_passed_can_be_decided_on_later() {
    let test = TestApp::start().await;
    let (app, client) = (&test.app, Client::new(&test.app).await);
    let today = app.clock.business_date();
    let a = account(app, "commercial").await;
    invoice(app, a, today, &[50_000]).await;
    load(&client, &bai(&[(165, 50_000, "B-1", "FROM SOMEBODY"), (475, 50_000, "B-2", "NO WORD OF A RETURN")])).await;
    let line = lines(&client, "open").await.remove(0);
    let note = json!({ "decision": "pass", "note": "interest of the bank" });
    assert_eq!(decide(&client, &line, note.clone()).await.status, StatusCode::OK);
    assert_eq!(decide(&client, &line, note).await.status, StatusCode::CONFLICT, "it is passed already");
    let posted = decide(&client, &line, json!({ "decision": "change", "account": a })).await;
    assert_eq!((posted.status, &posted.body["state"]), (StatusCode::OK, &json!("posted")), "it was a mistake");
    assert_eq!(open(app, a).await, (0, 0));

    let back = lines(&client, "passed").await.remove(0);
    assert_eq!(back["amount"]["minor"], json!(-50_000), "the bank did not say that it took anything back");
    let unnamed = decide(&client, &back, json!({ "decision": "returned" })).await;
    assert_eq!((unnamed.status, unnamed.field()), (StatusCode::UNPROCESSABLE_ENTITY, Some("payment")));
    let payment = client.get(&format!("/api/accounts/{a}/payments")).await.body["items"][0]["id"].clone();
    let named = json!({ "decision": "returned", "payment": payment });
    let done = decide(&client, &back, named.clone()).await;
    assert_eq!((done.status, &done.body["state"]), (StatusCode::OK, &json!("returned")), "{}", done.text);
    assert_eq!(open(app, a).await, (50_000, 0));
    assert_eq!(decide(&client, &back, named).await.status, StatusCode::CONFLICT, "once");
    finish(test).await;
}

#[tokio::test]
async fn a_known_statement_that_says_more_brings_its_new_lines() {
    let test = TestApp::start().await;
    let client = Client::new(&test.app).await;
    let morning = bai(&[(165, 50_000, "B-1", "FIRST"), (165, 700, "", "SAME TEXT")]);
    let noon = bai(&[
        (165, 50_000, "B-1", "FIRST"),
        (165, 700, "", "SAME TEXT"),
        (165, 700, "", "SAME TEXT"),
        (165, 9, "B-2", "NEW"),
    ]);
    let count = |loaded: &Value| (loaded["new"].as_i64(), loaded["known"].as_i64(), loaded["before"].as_bool());
    assert_eq!(count(&load(&client, &morning).await), (Some(2), Some(0), Some(false)));
    let added = load(&client, &noon).await;
    assert_eq!(count(&added), (Some(2), Some(2), Some(false)), "the day goes on under the same name: {added}");
    assert_eq!(count(&load(&client, &noon).await), (Some(0), Some(4), Some(true)));
    assert_eq!(count(&load(&client, &morning).await), (Some(0), Some(2), Some(true)));
    let listed = client.get("/api/cash/statements?portfolio=test").await.body;
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1), "one statement");
    assert_eq!((&listed["items"][0]["lines"], &listed["items"][0]["open"]), (&json!(4), &json!(4)));
    finish(test).await;
}

#[tokio::test]
async fn an_entry_that_the_bank_corrects_is_a_difference_and_not_booked_twice() {
    let test = TestApp::start().await;
    let (app, client) = (&test.app, Client::new(&test.app).await);
    let (a, booked) = booked(app, &client).await;

    let file = bai(&[(165, 48_000, "B-1", "INV-12")]).replace("260310,1800,1,", "260311,1800,2,");
    let loaded = load(&client, &file).await;
    let count = |loaded: &Value| ["new", "known", "corrected"].map(|name| loaded[name].as_i64());
    assert_eq!(count(&loaded), [Some(0), Some(0), Some(1)], "{loaded}");
    let again = load(&client, &file.replace("1800,2,", "1801,3,")).await;
    assert_eq!(count(&again), [Some(0), Some(1), Some(0)], "once: {again}");
    let found = client.get("/api/cash/differences").await.body;
    let one = &found["items"][0];
    assert_eq!((&one["kind"], &one["amount"]["minor"]), (&json!("corrected"), &json!(2_000)), "{found}");
    assert_eq!((&one["account"], &one["payment"]), (&json!(a), &booked.body["payment"]));
    assert_eq!(open(app, a).await, (0, 0), "nothing is booked by itself");

    let now = lines(&client, "passed").await.remove(0);
    assert!(now["note"].as_str().is_some_and(|note| note.contains("500.00")), "{now}");
    assert_eq!((&now["amount"]["minor"], &now["id"]), (&json!(48_000), &one["bank_line"]));
    let book = json!({ "decision": "change", "account": a });
    let early = decide(&client, &now, book.clone()).await;
    assert_eq!(early.status, StatusCode::CONFLICT, "the same money twice: {}", early.text);
    let wrong = json!({ "document": { "payment": booked.body["payment"] }, "reason": "corrected by the bank" });
    assert_eq!(client.post("/api/reversals", &wrong).await.status, StatusCode::CREATED);
    let posted = decide(&client, &now, book).await;
    assert_eq!((posted.status, &posted.body["state"]), (StatusCode::OK, &json!("posted")), "{}", posted.text);
    assert_eq!(open(app, a).await, (2_000, 0));
    let left = client.get("/api/cash/differences").await.body;
    assert!(left["items"].as_array().is_some_and(|all| all.iter().all(|one| one["kind"] != "corrected")), "{left}");
    finish(test).await;
}

#[tokio::test]
async fn two_groups_of_one_day_and_account_in_a_file_are_both_taken_in() {
    let test = TestApp::start().await;
    let client = Client::new(&test.app).await;
    let group = |id: &str, minor: i64| {
        format!(
            "02,HOUSE,BANK,1,260310,2359,USD,2/\n03,4455,USD/\n16,165,{minor},Z,{id},,TEXT/\n49,{minor},3/\n98,{minor},1,5/\n"
        )
    };
    let groups = [group("B-1", 100), group("B-2", 200)].concat();
    let file = format!("01,BANK,HOUSE,260310,1800,1,80,,2/\n{groups}99,300,2,12/\n");
    let path = "/api/cash/statements?portfolio=test&name=bank.bai";
    for new in [1, 0] {
        let answer = client.authorized("POST", path, Some(file.clone())).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let found: Vec<Option<i64>> =
            answer.body.as_array().expect("statements").iter().map(|one| one["new"].as_i64()).collect();
        assert_eq!(found, [Some(new), Some(new)], "{}", answer.text);
    }
    assert_eq!(lines(&client, "open").await.len(), 2);
    finish(test).await;
}

#[tokio::test]
async fn a_file_that_is_wrong_changes_nothing_and_says_where() {
    let test = TestApp::start().await;
    let (app, client) = (&test.app, Client::new(&test.app).await);
    let file = bai(&[(165, 50_000, "B-1", "INV-12"), (165, 7_000, "B-2", "")]);
    let cut = file.replace("16,165,7000", "16,165,7001");
    let refused = client.authorized("POST", "/api/cash/statements?portfolio=test", Some(cut)).await;
    assert_eq!(
        (refused.status, refused.body["field"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("line 6, record 49"))
    );
    let kept: i64 =
        sqlx::query_scalar("SELECT count(*) FROM bank_statement").fetch_one(&app.db).await.expect("a count");
    assert_eq!(kept, 0);
    let refused =
        client.authorized("POST", "/api/cash/statements?portfolio=test&mapping=nope", Some("x".to_owned())).await;
    assert_eq!(refused.body["field"], json!("mapping"));
    finish(test).await;
}
