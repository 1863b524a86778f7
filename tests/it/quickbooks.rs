//! The live connection to `QuickBooks Online`, against a server of the test that behaves as documented.

mod reading;
mod server;
mod writing;

use axum::http::StatusCode;
use chrono::TimeDelta;
use ledgerline::{
    agent::Role,
    clock::Clock,
    config,
    ids::AccountId,
    quickbooks::{
        Link,
        step::{Done, step},
    },
};
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

use self::server::{APP, QuickBooks, REALM};
use crate::{
    api::client::Client,
    harness::{TestApp, noon},
};

/// A service, a company, and an administrator.
struct Scene {
    test: TestApp,
    there: QuickBooks,
    admin: Client,
    link: Link,
}

impl Scene {
    /// Not connected yet.
    async fn start() -> Self {
        let clock = Clock::manual(noon(), chrono_tz::Tz::America__New_York);
        let there = QuickBooks::start(&clock).await;
        let url = |path: &str| Url::parse(&format!("{}{path}", there.url)).expect("an address");
        let test = TestApp::start_with(clock, |config| {
            config.quickbooks = config::QuickBooks {
                client_id: Some(APP.0.to_owned()),
                client_secret: Some(SecretString::from(APP.1)),
                api_url: url(""),
                token_url: url("/tokens"),
                revoke_url: url("/revoke"),
                token_key: Some(SecretString::from("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")),
                ..config.quickbooks.clone()
            };
        })
        .await;
        let (admin, link) = (Client::new(&test.app).await, Link::of(&test.app));
        Self { test, there, admin, link }
    }

    async fn connected() -> Self {
        let scene = Self::start().await;
        let came_back = scene.connect().await;
        assert!(came_back.ends_with("quickbooks=connected"), "{came_back}");
        scene
    }

    /// Begins, and gives the state that was sent along.
    async fn begin(&self) -> String {
        let begun = self.admin.post("/api/quickbooks/connect", &json!({})).await;
        assert_eq!(begun.status, StatusCode::OK, "{}", begun.text);
        let page = Url::parse(begun.body["url"].as_str().expect("an address")).expect("an address");
        let of = |name: &str| page.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        assert_eq!((of("client_id").as_deref(), of("response_type").as_deref()), (Some(APP.0), Some("code")));
        assert!(of("redirect_uri").is_some_and(|uri| uri.ends_with("/quickbooks/callback")));
        of("state").expect("a state")
    }

    /// The browser comes back: where it is sent.
    async fn come_back(&self, state: &str, code: &str, realm: &str) -> String {
        let path = format!("/quickbooks/callback?state={state}&code={code}&realmId={realm}");
        let answer = self.admin.send("GET", &path, &[], None).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        answer.header("location").expect("where to").to_owned()
    }

    async fn connect(&self) -> String {
        let state = self.begin().await;
        self.come_back(&state, &self.there.grant(), REALM).await
    }

    /// Works at the connection until there is nothing to do.
    async fn sync(&self) {
        let last = self.sync_once().await;
        assert_eq!(last, Done::All, "{:?}", self.company().await["error"]);
    }

    async fn sync_once(&self) -> Done {
        self.test.app.clock.advance(TimeDelta::minutes(5));
        loop {
            match step(&self.link).await.expect("Postgres is there") {
                Done::Some => {}
                done => return done,
            }
        }
    }

    async fn company(&self) -> Value {
        // Tokens of tests last a day.
        ledgerline::quickbooks::status(&self.link).await.map(|status| json!(status.company)).expect("a status")
    }

    async fn writes(&self, state: &str) -> Vec<Value> {
        let answer = self.admin.get(&format!("/api/quickbooks/writes?state={state}")).await;
        answer.body["items"].as_array().expect("a list").clone()
    }

    async fn account(&self, customer: &str) -> AccountId {
        sqlx::query_scalar("SELECT id FROM account WHERE portfolio = 'quickbooks' AND number = $1")
            .bind(customer)
            .fetch_one(&self.test.app.db)
            .await
            .expect("an account")
    }

    /// Open and unapplied minor units of a customer.
    async fn owes(&self, customer: &str) -> (i64, i64) {
        let account = self.account(customer).await;
        sqlx::query_as("SELECT open_minor, unapplied_minor FROM account_standing WHERE account_id = $1")
            .bind(account)
            .fetch_one(&self.test.app.db)
            .await
            .expect("figures")
    }

    /// Standing payments of everybody: how many, and their sum.
    async fn cash(&self) -> (i64, i64) {
        sqlx::query_as(
            "SELECT count(*), coalesce(sum(minor), 0)::bigint FROM
                 (SELECT -sum(amount_minor) AS minor FROM posting WHERE kind = 'payment' GROUP BY payment_id) p
             WHERE minor <> 0",
        )
        .fetch_one(&self.test.app.db)
        .await
        .expect("a sum")
    }
}

#[tokio::test]
async fn an_administrator_connects_and_disconnects() {
    let scene = Scene::start().await;
    assert_eq!(scene.company().await, Value::Null);
    let supervisor = scene.admin.of(scene.admin.user("supervisor-1", Role::Supervisor).await).await;
    assert_eq!(supervisor.post("/api/quickbooks/connect", &json!({})).await.status, StatusCode::FORBIDDEN);

    let state = scene.begin().await;
    let code = scene.there.grant();
    let refused = scene.come_back("made-up", &code, REALM).await;
    assert!(refused.contains("begin+again"), "a state of ours or none: {refused}");
    assert!(scene.come_back(&state, "made-up", REALM).await.contains("did+not+take+the+code"));
    assert!(scene.come_back(&state, &code, REALM).await.contains("begin+again"), "a state comes back once");
    let late = scene.begin().await;
    scene.test.app.clock.advance(TimeDelta::minutes(11));
    assert!(scene.come_back(&late, &code, REALM).await.contains("begin+again"), "and in time");
    assert!(scene.connect().await.ends_with("quickbooks=connected"));

    let shown = scene.admin.get("/api/quickbooks").await;
    assert_eq!((&shown.body["company"]["realm"], &shown.body["writes"]), (&json!(REALM), &json!(true)));
    assert!(!shown.text.contains("access-") && !shown.text.contains("refresh-"), "tokens are not shown");
    let stored: Vec<u8> = sqlx::query_scalar("SELECT refresh_token FROM quickbooks_connection")
        .fetch_one(&scene.test.app.db)
        .await
        .expect("a token");
    assert!(!String::from_utf8_lossy(&stored).contains("refresh"), "nor stored in the open");

    assert_eq!(scene.admin.delete("/api/quickbooks").await.status, StatusCode::NO_CONTENT);
    assert_eq!(scene.there.books().revoked.len(), 1);
    assert_eq!(scene.company().await, Value::Null);
    assert_eq!(scene.admin.post("/api/quickbooks/sync", &json!({})).await.status, StatusCode::CONFLICT);
    assert_eq!(scene.admin.delete("/api/quickbooks").await.status, StatusCode::NOT_FOUND);
    scene.test.finish().await;
}

#[tokio::test]
async fn tokens_are_changed_in_time_by_one_node_and_the_newest_is_kept() {
    let scene = Scene::connected().await;
    scene.there.customer("20");
    scene.sync().await;
    assert_eq!(scene.there.books().refreshed, 0, "an access token lasts an hour");
    let other = Link::of(&scene.test.another_node().await);
    for round in 1..=2 {
        scene.test.app.clock.advance(TimeDelta::hours(2));
        let (here, there) = tokio::join!(step(&scene.link), step(&other));
        let done = [here.expect("a step"), there.expect("a step")];
        assert!(done.contains(&Done::All) && !done.contains(&Done::Failed), "{done:?}");
        assert_eq!(scene.there.books().refreshed, round, "an old refresh token would be refused");
    }
    assert_eq!(scene.company().await["error"], Value::Null);

    // Intuit forgets the connection: nothing is tried until somebody connects again.
    scene.there.forget();
    assert_eq!(scene.sync_once().await, Done::Failed);
    assert!(scene.company().await["broken_at"].is_string());
    assert_eq!(scene.sync_once().await, Done::Nothing);
    assert!(scene.connect().await.ends_with("quickbooks=connected"));
    scene.sync().await;
    scene.test.finish().await;
}

#[tokio::test]
async fn another_company_is_not_mixed_in_and_without_an_app_nothing_is_connected() {
    let scene = Scene::connected().await;
    let state = scene.begin().await;
    let refused = scene.come_back(&state, &scene.there.grant(), "123").await;
    assert!(refused.contains("is+connected"), "{refused}");
    scene.test.finish().await;

    let test = TestApp::start().await;
    let admin = Client::new(&test.app).await;
    assert_eq!(
        admin.get("/api/quickbooks").await.body,
        json!({ "configured": false, "writes": false, "company": null })
    );
    assert_eq!(admin.post("/api/quickbooks/connect", &json!({})).await.status, StatusCode::CONFLICT);
    test.finish().await;
}
