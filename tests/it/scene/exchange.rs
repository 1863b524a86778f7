//! A carrier's REST side that keeps what it was asked and says what the test wants.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::{Path, RawForm, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use ledgerline::carrier::Params;
use serde_json::{Value, json};

/// The exchange; ends with the test.
#[derive(Clone, Default)]
pub struct Exchange {
    pub address: String,
    state: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    updates: Vec<(String, Params)>,
    /// Where lines stand; a line that is not here is in progress.
    lines: HashMap<String, &'static str>,
    listed: Vec<Value>,
    /// How many calls were placed.
    placed: usize,
}

impl Exchange {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let exchange = Self { address, ..Self::default() };
        let router = Router::new()
            .route("/2010-04-01/Accounts/{account}/Calls.json", get(list).post(create))
            .route("/2010-04-01/Accounts/{account}/Calls/{line}", get(fetch).post(update))
            .with_state(exchange.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        exchange
    }

    /// From now on a line stands at `status`; one that is over cannot be updated, one that was answered not canceled.
    pub fn stands(&self, line: &str, status: &'static str) {
        self.state.lock().expect("no panic").lines.insert(line.to_owned(), status);
    }

    /// From now on a list of lines has this one.
    pub fn lists(&self, record: Value) {
        self.state.lock().expect("no panic").listed.push(record);
    }

    /// What a line was told to do: `canceled`, `completed`, a document or an address.
    pub fn told(&self, line: &str) -> Vec<String> {
        let state = self.state.lock().expect("no panic");
        let of_line = state.updates.iter().filter(|(updated, _)| updated == line);
        of_line.map(|(_, form)| form.pairs().iter().find_map(instruction).unwrap_or_default()).collect()
    }
}

fn instruction((name, value): &(String, String)) -> Option<String> {
    ["Status", "Twiml", "Url"].contains(&name.as_str()).then(|| value.clone())
}

async fn list(State(exchange): State<Exchange>) -> Json<Value> {
    Json(json!({ "calls": exchange.state.lock().expect("no panic").listed }))
}

/// Takes every call; the first is `CAplaced1`.
async fn create(State(exchange): State<Exchange>) -> (StatusCode, Json<Value>) {
    let mut kept = exchange.state.lock().expect("no panic");
    kept.placed += 1;
    (StatusCode::CREATED, Json(record(&format!("CAplaced{}", kept.placed), "queued")))
}

async fn fetch(State(exchange): State<Exchange>, Path((_, line)): Path<(String, String)>) -> Json<Value> {
    let line = line.trim_end_matches(".json");
    Json(record(line, exchange.status(line)))
}

async fn update(
    State(exchange): State<Exchange>,
    Path((_, line)): Path<(String, String)>,
    RawForm(body): RawForm,
) -> Response {
    let (line, form) = (line.trim_end_matches(".json").to_owned(), Params::parse(&body));
    let status = exchange.status(&line);
    let cancels = form.text("Status") == Some("canceled");
    exchange.state.lock().expect("no panic").updates.push((line.clone(), form));
    if status == "completed" || (cancels && status == "in-progress") {
        return (StatusCode::BAD_REQUEST, Json(json!({ "code": 21220, "status": 400 }))).into_response();
    }
    Json(record(&line, status)).into_response()
}

impl Exchange {
    fn status(&self, line: &str) -> &'static str {
        self.state.lock().expect("no panic").lines.get(line).copied().unwrap_or("in-progress")
    }
}

fn record(line: &str, status: &str) -> Value {
    json!({ "sid": line, "account_sid": "AC01", "status": status })
}
