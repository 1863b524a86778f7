//! A carrier that answers from a script and keeps what it was asked.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use ledgerline::{
    carrier::{Client, Params},
    config,
};
use secrecy::SecretString;

/// One answer of the script.
#[derive(Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, &'static str)>,
    pub body: String,
    pub after: Duration,
}

/// What was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub path_and_query: String,
    pub authorization: String,
    pub form: Params,
}

#[derive(Clone, Default)]
struct Script {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// The carrier; ends with the test.
pub struct Carrier {
    pub address: String,
    script: Script,
}

pub fn answer(status: u16, body: impl Into<String>) -> Answer {
    Answer { status, headers: Vec::new(), body: body.into(), after: Duration::ZERO }
}

impl Answer {
    pub fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    pub fn after(mut self, wait: Duration) -> Self {
        self.after = wait;
        self
    }
}

impl Carrier {
    /// Starts a carrier that gives `answers` in order, and 404 after the last.
    pub async fn with(answers: impl IntoIterator<Item = Answer>) -> Self {
        let script = Script::default();
        script.answers.lock().expect("no panic").extend(answers);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(reply).with_state(script.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, script }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.script.asked.lock().expect("no panic").clone()
    }

    pub fn client(&self) -> Client {
        client(&self.address)
    }
}

/// A client of the carrier at an address.
pub fn client(address: &str) -> Client {
    Client::new(&config(address)).expect("a client")
}

/// The configuration of an account at an address.
pub fn config(address: &str) -> config::Carrier {
    config::Carrier {
        base_url: address.parse().expect("an address"),
        account_sid: "AC01".into(),
        auth_token: SecretString::from("tok-1"),
        previous_auth_token: None,
        api_key: None,
        api_secret: None,
        twiml_app_sid: None,
        calls_per_second: 1,
        max_lines: None,
        agent_caller_id: None,
    }
}

async fn reply(State(script): State<Script>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.expect("a small body");
    script.asked.lock().expect("no panic").push(Asked {
        method: head.method.to_string(),
        path_and_query: head.uri.to_string(),
        authorization: text(&head.headers, "authorization"),
        form: Params::parse(&body),
    });
    let answer = script.answers.lock().expect("no panic").pop_front();
    let answer = answer.unwrap_or_else(|| self::answer(404, r#"{"code":20404,"status":404}"#));
    tokio::time::sleep(answer.after).await;
    let status = StatusCode::from_u16(answer.status).expect("a status");
    let mut response = (status, answer.body).into_response();
    for (name, value) in answer.headers {
        response.headers_mut().insert(name, value.parse().expect("a header value"));
    }
    response
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}
