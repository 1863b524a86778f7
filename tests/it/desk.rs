//! The desk over real sockets: hello, resuming, taking over, slow readers.

pub mod identity;

use std::time::Duration;

use axum::http::{HeaderValue, header};
use futures_util::{SinkExt as _, StreamExt as _};
use ledgerline::{
    agent::{self, Role, ready},
    app::App,
    desk::{self, protocol::Body},
    ids::UserId,
};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

use crate::{agents::fixture, harness::TestApp};

/// Everything in these tests happens within this time.
const PATIENCE: Duration = Duration::from_secs(10);

struct Desk(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// What came: a message, or the end with its code.
#[derive(Debug)]
enum Came {
    Message(Value),
    End(Option<u16>),
}

impl Desk {
    async fn connect(test: &TestApp, token: &str) -> Result<Self, Error> {
        let mut request = format!("ws://{}/ws/desk", test.address).into_client_request()?;
        let value = HeaderValue::from_str(&format!("Bearer {token}")).expect("a header");
        request.headers_mut().insert(header::AUTHORIZATION, value);
        connect_async(request).await.map(|(socket, _)| Self(socket))
    }

    /// Connects and says hello. Gives what hello was answered with, too.
    async fn open(test: &TestApp, token: &str, last_seq: Option<u64>) -> (Self, Value) {
        let mut desk = Self::connect(test, token).await.expect("connected");
        let mut hello = json!({ "type": "hello", "protocol": 1 });
        if let Some(last_seq) = last_seq {
            hello["last_seq"] = last_seq.into();
        }
        desk.say(hello).await;
        let hello = desk.message().await;
        assert_eq!(hello["type"], "hello", "{hello}");
        (desk, hello)
    }

    async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.expect("sent");
    }

    async fn next(&mut self) -> Came {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("something comes") {
                Some(Ok(Message::Text(text))) => return Came::Message(serde_json::from_str(&text).expect("JSON")),
                Some(Ok(Message::Close(frame))) => return Came::End(frame.map(|frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Came::End(None),
            }
        }
    }

    async fn message(&mut self) -> Value {
        match self.next().await {
            Came::Message(message) => message,
            Came::End(code) => panic!("closed: {code:?}"),
        }
    }

    /// The next message of a type; others are passed over.
    async fn wait_for(&mut self, kind: &str) -> Value {
        loop {
            let message = self.message().await;
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// Reads until the connection ends; gives the code.
    async fn end(&mut self) -> Option<u16> {
        loop {
            if let Came::End(code) = self.next().await {
                return code;
            }
        }
    }
}

/// A served test with one agent. Gives its token.
async fn served() -> (TestApp, UserId, String) {
    let mut test = TestApp::start().await;
    let agent = fixture::user(&test.app, "agent1", Role::Agent).await.user;
    let token = fixture::bearer(&test.app, agent).await;
    test.serve();
    (test, agent, token)
}

async fn notice(app: &App, agent: UserId, text: &str) -> u64 {
    desk::push(app, agent, Body::Notice { text: text.to_owned() }).await.expect("pushed")
}

#[tokio::test]
async fn hello_is_answered_with_everything_the_page_shows() {
    let (test, agent, token) = served().await;
    let (mut desk, hello) = Desk::open(&test, &token, None).await;
    assert_eq!((&hello["agent"], &hello["resumed"]), (&json!(agent), &json!(false)));
    let snapshot = desk.message().await;
    assert_eq!(snapshot["type"], "snapshot");
    assert_eq!((&snapshot["presence"]["state"], &snapshot["pop"]), (&json!("paused"), &Value::Null));
    test.finish().await;
}

#[tokio::test]
async fn a_desk_that_reconnects_misses_nothing() {
    let (test, agent, token) = served().await;
    let (mut desk, _) = Desk::open(&test, &token, None).await;
    let before = notice(&test.app, agent, "before").await;
    while desk.wait_for("notice").await["seq"] != before {}
    drop(desk);
    for number in 0..20 {
        notice(&test.app, agent, &number.to_string()).await;
    }
    let (mut desk, hello) = Desk::open(&test, &token, Some(before)).await;
    assert_eq!(hello["resumed"], true);
    let last = notice(&test.app, agent, "after").await;
    let mut texts = Vec::new();
    for expected in before + 1..=last {
        let message = desk.message().await;
        assert_eq!(message["seq"], expected, "in order, and each once");
        texts.extend(message["text"].as_str().map(str::to_owned));
    }
    let expected: Vec<String> = (0..20).map(|number| number.to_string()).chain(["after".to_owned()]).collect();
    assert_eq!(texts, expected);
    test.finish().await;
}

#[tokio::test]
async fn who_missed_too_much_or_more_than_redis_knows_gets_a_snapshot() {
    let (test, agent, token) = served().await;
    let first = notice(&test.app, agent, "first").await;
    for _ in 0..=desk::log::KEPT {
        notice(&test.app, agent, "more").await;
    }
    let (mut desk, hello) = Desk::open(&test, &token, Some(first)).await;
    assert_eq!(hello["resumed"], false);
    let known = desk.wait_for("snapshot").await["last_seq"].as_u64().expect("a number");
    drop(desk);

    test.app.clock.advance(chrono::TimeDelta::minutes(1));
    redis::cmd("FLUSHALL").query_async::<()>(&mut test.app.redis.clone()).await.expect("wiped");
    let (mut desk, hello) = Desk::open(&test, &token, Some(known)).await;
    assert_eq!(hello["resumed"], false);
    desk.wait_for("snapshot").await;
    assert!(notice(&test.app, agent, "new").await > known, "an old number is never reached again");
    assert_eq!(desk.wait_for("notice").await["text"], "new");
    test.finish().await;
}

#[tokio::test]
async fn a_second_log_in_takes_over_and_says_so() {
    let (test, agent, token) = served().await;
    let (mut older, _) = Desk::open(&test, &token, None).await;
    let (mut newer, _) = Desk::open(&test, &token, None).await;
    older.wait_for("taken_over").await;
    assert_eq!(older.end().await, Some(4409));
    notice(&test.app, agent, "for the newer").await;
    assert_eq!(newer.wait_for("notice").await["text"], "for the newer");
    let connected = agent::store::get(&test.app.db, agent).await.expect("read").expect("an agent").connected;
    assert!(connected, "the end of the older socket is not the end of the newer one");
    test.finish().await;
}

#[tokio::test]
async fn a_log_in_at_another_node_takes_over_too() {
    let (test, agent, token) = served().await;
    let (mut desk, hello) = Desk::open(&test, &token, None).await;
    let session = hello["session"].as_i64().expect("a number");
    let channel = format!("ll:{{d:{agent}}}:new");
    let announced = async |session: i64| {
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(&channel).arg(format!("session {session}"));
        publish.query_async::<()>(&mut test.app.redis.clone()).await.expect("published");
    };
    announced(session).await;
    notice(&test.app, agent, "still here").await;
    assert_eq!(desk.wait_for("notice").await["text"], "still here");
    announced(session + 1).await;
    desk.wait_for("taken_over").await;
    assert_eq!(desk.end().await, Some(4409));
    test.finish().await;
}

#[tokio::test]
async fn nothing_goes_before_hello_or_in_another_version() {
    let (test, _, token) = served().await;
    let firsts =
        [(json!({ "type": "ready" }), 4400), (json!({ "type": "hello", "protocol": 2 }), 4406), (json!("hello"), 4400)];
    for (first, code) in firsts {
        let mut desk = Desk::connect(&test, &token).await.expect("connected");
        desk.say(first).await;
        assert_eq!(desk.end().await, Some(code));
    }
    assert_eq!(fixture::count(&test.app, "agent").await, 0, "nobody came to a desk");
    test.finish().await;
}

#[tokio::test]
async fn a_stranger_is_not_let_in() {
    let (test, _, _) = served().await;
    let Err(Error::Http(response)) = Desk::connect(&test, "no-such-token").await else { panic!("let in") };
    assert_eq!(response.status(), 401);
    test.finish().await;
}

#[tokio::test]
async fn nonsense_is_refused_and_changes_nothing() {
    let (test, agent, token) = served().await;
    let (mut desk, _) = Desk::open(&test, &token, None).await;
    let nonsense = [
        json!({ "type": "dance" }),
        json!({ "type": "pause", "reason": "" }),
        json!({ "type": "pause" }),
        json!({ "type": "extend_wrap_up" }),
        json!({ "type": "hello", "protocol": 1 }),
        json!({ "type": "hang_up", "call": agent }),
        json!(["ready"]),
    ];
    for message in nonsense {
        desk.say(message).await;
        desk.wait_for("error").await;
    }
    assert_eq!(fixture::state_of(&test.app, agent).await, "paused");
    desk.say(json!({ "type": "pause", "reason": "x".repeat(20_000) })).await;
    desk.end().await;
    test.finish().await;
}

#[tokio::test]
async fn ready_and_pause_over_the_socket() {
    let (test, agent, token) = served().await;
    let campaign = fixture::campaign(&test.app).await;
    let (mut desk, _) = Desk::open(&test, &token, None).await;
    desk.say(json!({ "type": "ready" })).await;
    let refused = desk.wait_for("error").await;
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("campaign")), "{refused}");

    fixture::assign(&test.app, agent, campaign).await;
    agent::leg::up(&test.app, agent, "CA-1").await.expect("a leg");
    desk.say(json!({ "type": "ready" })).await;
    while desk.wait_for("presence").await["presence"]["state"] != "ready" {}
    while ready::count(&test.app, campaign).await.expect("a count") == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    desk.say(json!({ "type": "pause", "reason": "lunch" })).await;
    while desk.wait_for("presence").await["presence"]["reason"] != "lunch" {}
    assert_eq!(ready::count(&test.app, campaign).await.expect("a count"), 0);
    test.finish().await;
}

#[tokio::test]
async fn a_slow_reader_is_dropped_and_holds_nobody_up() {
    let (test, agent, token) = served().await;
    let (desk, _) = Desk::open(&test, &token, None).await;
    let long = "x".repeat(100_000);
    let begun = std::time::Instant::now();
    let mut pushed = 0;
    while !test.app.desk.present().is_empty() {
        notice(&test.app, agent, &long).await;
        pushed += 1;
        assert!(pushed < 2000, "200 MB wait for a socket that nobody reads");
    }
    assert!(begun.elapsed() < Duration::from_mins(1), "{pushed} messages took {:?}", begun.elapsed());
    drop(desk);
    let (mut desk, _) = Desk::open(&test, &token, None).await;
    desk.wait_for("snapshot").await;
    test.finish().await;
}

#[tokio::test]
async fn the_pop_comes_with_the_call_and_is_acknowledged() {
    let (test, agent, token) = served().await;
    let app = &test.app;
    let campaign = fixture::campaign(app).await;
    let account = fixture::account(app, "0012").await;
    let (mut desk, _) = Desk::open(&test, &token, None).await;
    fixture::assign(app, agent, campaign).await;
    agent::leg::up(app, agent, "CA-1").await.expect("a leg");
    desk.say(json!({ "type": "ready" })).await;
    while desk.wait_for("presence").await["presence"]["state"] != "ready" {}
    let call = fixture::talk(app, campaign, &account, agent).await;
    desk::pop::send(app, agent, call).await.expect("sent");

    let pop = desk.wait_for("pop").await["pop"].clone();
    assert_eq!((&pop["call"], &pop["account"]["number"]), (&json!(call), &json!("0012")));
    assert_eq!(pop["account"]["balance"], json!({ "minor": 150_000, "currency": "USD" }));
    assert_eq!(pop["account"]["open_items"].as_array().map(Vec::len), Some(2));
    assert_eq!(pop["account"]["contact"]["name"], "Payables");
    desk.say(json!({ "type": "pop_shown", "call": call })).await;
    let shown = async {
        while fixture::count(app, "call WHERE pop_acked_at IS NOT NULL").await == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, shown).await.expect("acknowledged");

    drop(desk);
    let (mut desk, _) = Desk::open(&test, &token, None).await;
    let snapshot = desk.wait_for("snapshot").await;
    assert_eq!((&snapshot["pop"]["call"], &snapshot["call"]["state"]), (&json!(call), &json!("bridged")));
    test.finish().await;
}
