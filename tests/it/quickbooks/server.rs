//! `QuickBooks Online` as far as the tests need it, over real HTTP: tokens that rotate, queries in pages, changes, versions,
//! requests that are known again, closed periods that say nothing, and trouble when asked for. Amounts are cents.

mod books;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use ledgerline::clock::Clock;
use serde_json::Value;

pub use self::books::Meddle;
use self::books::{Books, Doc};

pub const REALM: &str = "9130355377388383";
pub const APP: (&str, &str) = ("client-1", "secret-1");

#[derive(Clone)]
pub struct QuickBooks {
    books: Arc<Mutex<Books>>,
    clock: Clock,
    pub url: String,
}

impl QuickBooks {
    pub async fn start(clock: &Clock) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let server = Self { books: Arc::default(), clock: clock.clone(), url };
        let router = Router::new()
            .route("/tokens", post(tokens))
            .route("/revoke", post(revoke))
            .route("/v3/company/{realm}/query", get(query))
            .route("/v3/company/{realm}/cdc", get(changes))
            .route("/v3/company/{realm}/payment/{id}", get(payment))
            .route("/v3/company/{realm}/payment", post(write))
            .with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        server
    }

    pub fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().expect("a lock")
    }

    /// An administrator grants access: the code that the browser brings back.
    pub fn grant(&self) -> String {
        let mut books = self.books();
        books.next += 1;
        let code = format!("code-{}", books.next);
        books.codes.push(code.clone());
        code
    }

    pub fn customer(&self, id: &str) {
        let now = self.clock.now();
        self.books().customers.insert(id.to_owned(), (format!("Debtor {id} Ltd"), now));
    }

    pub fn invoice(&self, id: &str, customer: &str, number: &str, total: i64) {
        self.put("Invoice", id, customer, Some(number), total, &[]);
    }

    /// A payment entered there, with what it pays.
    pub fn put(
        &self,
        kind: &'static str,
        id: &str,
        customer: &str,
        number: Option<&str>,
        total: i64,
        lines: &[(&str, &str, i64)],
    ) {
        let (now, on) = (self.clock.now(), self.clock.business_date());
        let mut books = self.books();
        let token = books.docs.get(id).map_or(0, |doc| doc.token + 1);
        let lines = lines.iter().map(|(kind, id, minor)| ((*kind).to_owned(), (*id).to_owned(), *minor)).collect();
        let doc = Doc {
            kind,
            id: id.to_owned(),
            token,
            customer: customer.to_owned(),
            number: number.map(str::to_owned),
            on,
            total,
            lines,
            note: String::new(),
            deleted: false,
            changed_at: now,
        };
        books.keep(doc, now);
    }

    pub fn delete(&self, id: &str) {
        let now = self.clock.now();
        let mut books = self.books();
        let mut doc = books.docs[id].clone();
        doc.deleted = true;
        books.keep(doc, now);
    }

    /// Access is taken back there.
    pub fn forget(&self) {
        let mut books = self.books();
        (books.access, books.refresh) = (None, None);
    }

    /// What is left of an invoice.
    pub fn balance(&self, id: &str) -> i64 {
        self.books().balance(id)
    }

    /// The payments that are there.
    pub fn payments(&self) -> Vec<Doc> {
        self.books().docs.values().filter(|doc| doc.kind == "Payment" && !doc.deleted).cloned().collect()
    }
}

fn cents(value: &Value) -> i64 {
    let text = value.to_string();
    let (units, decimals) = text.split_once('.').unwrap_or((&text, ""));
    format!("{units}{decimals:0<2}").parse().expect("an amount of two decimals")
}

fn fault(status: u16, code: &str, message: &str) -> Response {
    let body = format!(
        r#"{{"Fault":{{"Error":[{{"Message":"{message}","Detail":"of a debtor","code":"{code}"}}],"type":"x"}}}}"#
    );
    (StatusCode::from_u16(status).expect("a status"), [("intuit_tid", "1-2-3")], body).into_response()
}

async fn tokens(State(server): State<QuickBooks>, headers: HeaderMap, body: Bytes) -> Response {
    let form: HashMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", APP.0, APP.1)));
    let mut books = server.books();
    let given = |name: &str| form.get(name).cloned().unwrap_or_default();
    let granted = match given("grant_type").as_str() {
        "authorization_code" => {
            let known = books.codes.iter().position(|code| *code == given("code"));
            known.map(|nth| books.codes.remove(nth)).is_some() && !given("redirect_uri").is_empty()
        }
        "refresh_token" => {
            books.refreshed += 1;
            books.refresh.as_deref() == Some(given("refresh_token").as_str())
        }
        _ => false,
    };
    if !granted || headers.get(header::AUTHORIZATION).is_none_or(|value| value.as_bytes() != basic.as_bytes()) {
        return (StatusCode::BAD_REQUEST, r#"{"error":"invalid_grant"}"#).into_response();
    }
    books.next += 1;
    let (access, refresh) = (format!("access-{}", books.next), format!("refresh-{}", books.next));
    let answer = format!(
        r#"{{"token_type":"bearer","access_token":"{access}","expires_in":3600,"refresh_token":"{refresh}","x_refresh_token_expires_in":8640000}}"#
    );
    (books.access, books.refresh) = (Some(access), Some(refresh));
    ([(header::CONTENT_TYPE, "application/json")], answer).into_response()
}

async fn revoke(State(server): State<QuickBooks>, body: Bytes) -> StatusCode {
    let token: Value = serde_json::from_slice(&body).expect("JSON");
    let mut books = server.books();
    books.revoked.push(token["token"].as_str().expect("a token").to_owned());
    (books.access, books.refresh) = (None, None);
    StatusCode::OK
}

/// What stands between two words of a query, or after the first.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(after).map_or(rest, |(inner, _)| inner))
}

async fn query(
    State(server): State<QuickBooks>,
    headers: HeaderMap,
    Query(asked): Query<HashMap<String, String>>,
) -> Response {
    let mut books = server.books();
    if let Some(refusal) = books.admit("query", &headers) {
        return refusal;
    }
    let text = &asked["query"];
    let kind = between(text, "FROM ", " ").expect("a kind");
    let mut found = books.of_kind(kind, None);
    if text.contains("COUNT(*)") {
        return format!(r#"{{"QueryResponse":{{"totalCount":{}}}}}"#, found.len()).into_response();
    }
    if let Some(ids) = between(text, "Id IN ('", "')") {
        let ids: Vec<&str> = ids.split("','").collect();
        found = books
            .docs
            .values()
            .filter(|doc| doc.kind == kind && !doc.deleted && ids.contains(&doc.id.as_str()))
            .map(|doc| books.json(doc))
            .collect();
    }
    if let Some(day) = between(text, "TxnDate = '", "'") {
        found.retain(|one| one.contains(&format!(r#""TxnDate":"{day}""#)));
    }
    let start: usize = between(text, "STARTPOSITION ", " ").map_or(1, |text| text.parse().expect("a number"));
    let page: Vec<String> = found.into_iter().skip(start - 1).take(1000).collect();
    let time = server.clock.now().to_rfc3339();
    format!(r#"{{"QueryResponse":{{"{kind}":[{}],"startPosition":{start}}},"time":"{time}"}}"#, page.join(","))
        .into_response()
}

async fn changes(
    State(server): State<QuickBooks>,
    headers: HeaderMap,
    Query(asked): Query<HashMap<String, String>>,
) -> Response {
    let mut books = server.books();
    if let Some(refusal) = books.admit("cdc", &headers) {
        return refusal;
    }
    let since: DateTime<Utc> = asked["changedSince"].parse().expect("a moment");
    if server.clock.now() - since > chrono::TimeDelta::days(30) {
        return fault(400, "2030", "changedSince is too long ago");
    }
    let list = |kind: &str| format!(r#"{{"{kind}":[{}]}}"#, books.of_kind(kind, Some(since)).join(","));
    let lists: Vec<String> = asked["entities"].split(',').map(list).collect();
    format!(
        r#"{{"CDCResponse":[{{"QueryResponse":[{}]}}],"time":"{}"}}"#,
        lists.join(","),
        server.clock.now().to_rfc3339()
    )
    .into_response()
}

async fn payment(
    State(server): State<QuickBooks>,
    Path((_, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let mut books = server.books();
    if let Some(refusal) = books.admit("payment", &headers) {
        return refusal;
    }
    match books.docs.get(&id).filter(|doc| doc.kind == "Payment" && !doc.deleted) {
        Some(doc) => format!(r#"{{"Payment":{}}}"#, books.json(doc)).into_response(),
        None => fault(400, "610", "Object Not Found"),
    }
}

async fn write(
    State(server): State<QuickBooks>,
    headers: HeaderMap,
    Query(asked): Query<HashMap<String, String>>,
    body: Bytes,
) -> Response {
    let mut books = server.books();
    if let Some(refusal) = books.admit("write", &headers) {
        return refusal;
    }
    let request = asked["requestid"].clone();
    if let Some(answer) = books.answers.get(&request) {
        return answer.clone().into_response();
    }
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    let now = server.clock.now();
    let doc = match body["Id"].as_str() {
        None => {
            books.next += 1;
            let id = (500 + books.next).to_string();
            Doc {
                kind: "Payment",
                id,
                token: 0,
                customer: String::new(),
                number: None,
                on: server.clock.business_date(),
                total: 0,
                lines: Vec::new(),
                note: String::new(),
                deleted: false,
                changed_at: now,
            }
        }
        Some(id) => {
            let mut doc = books.docs[id].clone();
            match books.meddle.take() {
                Some(Meddle::Note) => (doc.token, doc.note) = (doc.token + 1, format!("{} checked", doc.note)),
                Some(Meddle::Total(total)) => (doc.token, doc.total) = (doc.token + 1, total),
                None => {}
            }
            books.docs.insert(id.to_owned(), doc.clone());
            let token = doc.token.to_string();
            if body["SyncToken"].as_str() != Some(token.as_str()) {
                return fault(400, "5010", "Stale Object Error");
            }
            Doc { token: doc.token + 1, ..doc }
        }
    };
    let doc = if asked.get("include").is_some_and(|include| include == "void") {
        Doc { total: 0, lines: Vec::new(), note: "Voided".to_owned(), ..doc }
    } else {
        merged(doc, &body)
    };
    let closed = books.closed_through.is_some_and(|through| doc.on <= through);
    if !closed {
        books.keep(doc.clone(), now);
    }
    let answer = format!(r#"{{"Payment":{},"time":"{}"}}"#, books.json(&doc), now.to_rfc3339());
    books.answers.insert(request, answer.clone());
    if std::mem::take(&mut books.lose_answer) {
        return StatusCode::GATEWAY_TIMEOUT.into_response();
    }
    answer.into_response()
}

fn merged(doc: Doc, body: &Value) -> Doc {
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    let line = |line: &Value| {
        let to = &line["LinkedTxn"][0];
        let part = |name: &str| to[name].as_str().expect("a link").to_owned();
        (part("TxnType"), part("TxnId"), cents(&line["Amount"]))
    };
    Doc {
        customer: body["CustomerRef"]["value"].as_str().expect("a customer").to_owned(),
        on: text("TxnDate").expect("a day").parse().expect("a day"),
        total: cents(&body["TotalAmt"]),
        lines: body["Line"].as_array().expect("lines").iter().map(line).collect(),
        note: text("PrivateNote").unwrap_or_else(|| doc.note.clone()),
        ..doc
    }
}
