//! The board: the same numbers over `GET /api/floor`, over `/ws/floor`, and from Postgres.

use std::time::Duration;

use futures_util::StreamExt;
use ledgerline::{
    disposition::{self, Wrap},
    floor,
    ids::{CallId, UserId},
};
use serde_json::{Value, json};
use tokio_tungstenite::{connect_async, tungstenite::client::IntoClientRequest};

use crate::{api::client::Client, scene::Scene};

/// Reads messages until one is as wanted; each has to come within 10 s.
async fn until<S>(socket: &mut S, wanted: impl Fn(&Value) -> bool) -> Value
where
    S: StreamExt<Item = Result<tokio_tungstenite::tungstenite::Message, tokio_tungstenite::tungstenite::Error>> + Unpin,
{
    loop {
        let next = tokio::time::timeout(Duration::from_secs(10), socket.next()).await.expect("a message in time");
        let message = next.expect("the socket is open").expect("a frame");
        let Ok(text) = message.to_text() else { continue };
        let Ok(value) = serde_json::from_str::<Value>(text) else { continue };
        if wanted(&value) {
            return value;
        }
    }
}

/// The agent records that 200.00 were promised for in a week.
async fn record_promise(scene: &Scene, agent: UserId, call: CallId) {
    let due_on = scene.now().date_naive() + chrono::TimeDelta::days(7);
    let wrap: Wrap = serde_json::from_value(
        json!({"code": "promise_to_pay", "promise": {"amount_minor": 20_000, "due_on": due_on}}),
    )
    .expect("a disposition");
    let by = ledgerline::agent::Principal {
        user: agent,
        role: ledgerline::agent::Role::Agent,
        name: String::new(),
        login: String::new(),
    };
    disposition::record(scene.app(), &by, call, wrap, "1").await.expect("recorded");
}

#[tokio::test]
async fn the_board_counts_a_day() {
    let scene = Scene::start().await;
    let client = Client::new(scene.app()).await;
    let empty = client.get("/api/floor").await.body;
    assert_eq!(empty["total"]["attempts"], 0);
    for rate in ["answer_rate", "abandon_rate", "contact_rate"] {
        assert_eq!(empty["total"][rate], Value::Null, "{rate} of nothing");
    }

    // One is talked to and promises, one meets nobody, one rings out.
    let (first, second, third) = (scene.owing(1, 50_000).await, scene.owing(2, 100).await, scene.owing(3, 100).await);
    let agent = scene.ready_agent(1).await;
    let talked = scene.dial(&first, "CA01").await;
    scene.answer(&talked, "CA01").await;
    scene.conference(&talked, agent, "CA01", "participant-join", "1").await;
    let live = client.get("/api/floor").await.body;
    assert_eq!(live["total"]["calls"], json!({"bridged": 1}));
    assert_eq!((&live["agents"][0]["state"], &live["agents"][0]["call"]), (&json!("on_call"), &json!(talked.call)));

    scene.end(&talked, "CA01").await;
    record_promise(&scene, agent, talked.call).await;
    let rang = scene.dial(&third, "CA03").await;
    scene.hook(&rang, "status", &crate::scene::status("CA03", "no-answer", "2")).await;
    let ringing = scene.dial(&second, "CA02").await;
    scene.hook(&ringing, "status", &crate::scene::status("CA02", "ringing", "1")).await;

    let board = client.get("/api/floor").await.body;
    let total = &board["total"];
    assert_eq!(total["calls"], json!({"ringing": 1}), "{board}");
    assert_eq!((&total["attempts"], &total["answered"], &total["contacts"]), (&json!(3), &json!(1), &json!(1)));
    assert_eq!((&total["answer_rate"], &total["abandon_rate"]), (&json!(0.3333), &json!(0.0)));
    assert_eq!((&total["promises"], &total["promised"]), (&json!(1), &json!([{"minor": 20_000, "currency": "USD"}])));
    assert_eq!(board["campaigns"][0]["figures"], *total, "all of it was in one campaign");

    scene.hook(&ringing, "status", &crate::scene::status("CA02", "busy", "2")).await;
    scene.finish().await;
}

#[tokio::test]
async fn what_is_recorded_late_is_counted_though_nothing_else_happens_to_the_call() {
    let scene = Scene::start().await;
    let client = Client::new(scene.app()).await;
    let (debtor, agent) = (scene.owing(1, 50_000).await, scene.ready_agent(1).await);
    let talked = scene.dial(&debtor, "CA01").await;
    scene.answer(&talked, "CA01").await;
    scene.conference(&talked, agent, "CA01", "participant-join", "1").await;
    scene.end(&talked, "CA01").await;
    scene.app().clock.advance(chrono::TimeDelta::minutes(10));
    ledgerline::agent::wrap_timer::step(scene.app()).await.expect("the wrap-up is over");
    scene.app().clock.advance(chrono::TimeDelta::minutes(10));
    assert_eq!(client.get("/api/floor").await.body["total"]["promises"], 0);
    record_promise(&scene, agent, talked.call).await;
    let total = client.get("/api/floor").await.body["total"].clone();
    assert_eq!((&total["promises"], &total["promised"]), (&json!(1), &json!([{"minor": 20_000, "currency": "USD"}])));
    scene.finish().await;
}

#[tokio::test]
async fn a_socket_gets_a_snapshot_then_patches_that_end_where_a_fresh_look_does() {
    let mut scene = Scene::start().await;
    let client = Client::new(scene.app()).await;
    scene.owing(1, 50_000).await;
    scene.test.serve();
    let address = format!("ws://{}/ws/floor", scene.test.address);

    let refused = connect_async(address.as_str()).await.expect_err("nobody is logged in");
    assert!(refused.to_string().contains("401"), "{refused}");
    let mut request = address.into_client_request().expect("a request");
    let bearer = format!("Bearer {}", client.token()).parse().expect("a header");
    request.headers_mut().insert("authorization", bearer);
    let (mut socket, _) = connect_async(request).await.expect("a socket");
    let snapshot = until(&mut socket, |message| message["type"] == "snapshot").await;
    assert_eq!(snapshot["floor"]["campaigns"][0]["state"], "paused");

    let campaign = format!("/api/campaigns/{}", scene.campaign);
    client.put(&format!("{campaign}/ratio"), &json!({"ratio_milli": 2000})).await;
    let is_changed = |message: &Value| message["campaigns"][0]["ratio_milli"] == 2000;
    let patch = until(&mut socket, is_changed).await;
    assert_eq!(patch["type"], "patch");
    assert!(patch["seq"].as_u64() > snapshot["seq"].as_u64());

    let agent = scene.ready_agent(1).await;
    let patch = until(&mut socket, |message| message["agents"][0]["state"] == "ready").await;
    assert_eq!(patch["agents"][0]["id"], json!(agent));
    let fresh = floor::refresh(scene.app()).await.expect("a board");
    assert_eq!(json!(fresh.agents[0].presence), {
        let mut shown = patch["agents"][0].clone();
        for key in ["id", "name", "campaign", "connected", "voice"] {
            shown.as_object_mut().expect("an agent").remove(key);
        }
        shown
    });
    scene.finish().await;
}
