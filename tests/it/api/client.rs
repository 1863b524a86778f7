//! Requests to the router in process.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use chrono::TimeDelta;
use ledgerline::{
    agent::{
        Role, session,
        users::{self, NewUser},
    },
    app::App,
    http,
    ids::UserId,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tower::ServiceExt;

/// The password of every user of a test.
pub const PASSWORD: &str = "a password for tests";

/// A client with an administrator's token.
pub struct Client {
    app: App,
    router: Router,
    token: String,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    /// The body, where it is JSON.
    pub body: Value,
}

impl Client {
    pub async fn new(app: &App) -> Self {
        let mut client = Self { app: app.clone(), router: http::router(app.clone()), token: String::new() };
        let admin = client.user("admin-1", Role::Admin).await;
        client.token = client.token_of(admin).await;
        client
    }

    /// The same service, asked by somebody else.
    pub async fn of(&self, user: UserId) -> Self {
        Self { app: self.app.clone(), router: self.router.clone(), token: self.token_of(user).await }
    }

    pub async fn user(&self, login: &str, role: Role) -> UserId {
        let new = NewUser {
            login: login.to_owned(),
            name: login.to_owned(),
            role,
            password: SecretString::from(PASSWORD),
            device: None,
            department: None,
            team: None,
        };
        users::create(&self.app.db, new, self.app.clock.now()).await.expect("a user").id
    }

    async fn token_of(&self, user: UserId) -> String {
        let session = session::issue_bearer(&self.app, user, "test", TimeDelta::days(1)).await.expect("a token");
        session.token.expose_secret().to_owned()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.authorized("GET", path, None).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.authorized("DELETE", path, None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.authorized("POST", path, Some(body.to_string())).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.authorized("PUT", path, Some(body.to_string())).await
    }

    /// With the token, and as JSON.
    pub async fn authorized(&self, method: &str, path: &str, body: Option<String>) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let headers =
            [("authorization", bearer.as_str()), ("content-type", "application/json"), ("idempotency-key", "1")];
        self.send(method, path, &headers, body).await
    }

    /// With these headers only.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<String>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.map_or_else(Body::empty, Body::from)).expect("a request");
        let response = self.router.clone().oneshot(request).await.expect("no error");
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = to_bytes(response.into_body(), 1 << 22).await.expect("a body");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status, headers, body: serde_json::from_str(&text).unwrap_or_default(), text }
    }

    pub fn token(&self) -> &str {
        &self.token
    }
}

impl Answer {
    pub fn field(&self) -> Option<&str> {
        self.body["field"].as_str()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// A refusal in the agreed form: problem+json that repeats status and request id.
    pub fn is_problem(&self) -> bool {
        self.status.is_client_error()
            && self.header(header::CONTENT_TYPE.as_str()) == Some("application/problem+json")
            && self.body["status"] == self.status.as_u16()
            && self.body["request_id"].as_str() == self.header("x-request-id")
            && ["type", "title", "detail"]
                .iter()
                .all(|key| self.body[key].as_str().is_some_and(|text| !text.is_empty()))
    }
}
