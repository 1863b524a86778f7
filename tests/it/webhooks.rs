//! Webhooks: who is believed, what is stored, and what a line is told.

use axum::http::StatusCode;
use ledgerline::{
    call::{CallbackToken, State, callbacks},
    carrier::{Params, signature},
    ids::CallId,
};
use secrecy::SecretString;

use crate::{
    harness::AUTH_TOKEN,
    scene::{Scene, address, amd, encode, line, status},
};

const PATHS: [&str; 10] =
    ["answer", "status", "amd", "conference", "dial", "recording", "agent", "inbound", "fallback", "hold"];

#[tokio::test]
async fn an_unsigned_or_wrongly_signed_request_gets_403_and_stores_nothing() {
    let scene = Scene::start().await;
    let debtor = scene.debtor(1).await;
    let begun = scene.attempt(&debtor).await;
    let body = encode(&status("CA01", "ringing", "1"));
    for kind in PATHS {
        let path = address(begun.call, &begun.token, kind);
        let url = scene.test.url(&path);
        let params = Params::parse(body.as_bytes());
        let foreign = signature::sign(&SecretString::from("another token"), &url, &params);
        let elsewhere = signature::sign(&SecretString::from(AUTH_TOKEN), "http://elsewhere.example/", &params);
        for given in [None, Some(""), Some("not base64"), Some(foreign.as_str()), Some(elsewhere.as_str())] {
            let answer = scene.post_signed(&path, body.clone(), given).await;
            assert_eq!((answer.status, answer.body.as_str()), (StatusCode::FORBIDDEN, ""), "{kind} {given:?}");
        }
    }
    assert_eq!(scene.events().await, 0);
    assert_eq!(scene.call(begun.call).await.state, State::Dialing);
    scene.end(&begun, "CA01").await;
    scene.finish().await;
}

#[tokio::test]
async fn a_changed_body_breaks_the_signature() {
    let scene = Scene::start().await;
    let path = format!("{}/status", callbacks::PATH);
    let signed = encode(&status("CA01", "ringing", "1"));
    let signature =
        signature::sign(&SecretString::from(AUTH_TOKEN), &scene.test.url(&path), &Params::parse(signed.as_bytes()));
    let changed = encode(&status("CA01", "completed", "1"));
    assert_eq!(scene.post_signed(&path, changed, Some(&signature)).await.status, StatusCode::FORBIDDEN);
    assert_eq!(scene.post_signed(&path, signed, Some(&signature)).await.status, StatusCode::NO_CONTENT);
    scene.finish().await;
}

#[tokio::test]
async fn a_signed_request_without_the_calls_token_gets_403_and_stores_nothing() {
    let scene = Scene::start().await;
    let debtor = scene.debtor(1).await;
    let begun = scene.dial(&debtor, "CA01").await;
    let stored = scene.events().await;
    for kind in ["answer", "status", "amd", "dial", "hold", "recording", "fallback"] {
        let form = [line("CA01", "in-progress"), vec![("AnsweredBy", "human"), ("RecordingSid", "RE01")]].concat();
        let stolen = address(begun.call, &CallbackToken::generate(), kind);
        assert_eq!(scene.post(&stolen, &form).await.status, StatusCode::FORBIDDEN, "{kind}");
        let bare = format!("{}/{kind}?call={}", callbacks::PATH, begun.call);
        assert_eq!(scene.post(&bare, &form).await.status, StatusCode::FORBIDDEN, "{kind}");
    }
    assert_eq!(scene.events().await, stored);
    assert_eq!(scene.call(begun.call).await.state, State::Dialing);
    scene.end(&begun, "CA01").await;
    scene.finish().await;
}

#[tokio::test]
async fn a_body_that_is_too_long_gets_413() {
    let scene = Scene::start().await;
    let form = [("CallSid", "CA01"), ("AccountSid", "AC01"), ("Filler", &*"x".repeat(64 * 1024))];
    let answer = scene.post(&format!("{}/status", callbacks::PATH), &form).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(scene.events().await, 0);
    scene.finish().await;
}

#[tokio::test]
async fn a_request_that_names_no_line_gets_422_naming_the_field() {
    let scene = Scene::start().await;
    for kind in PATHS {
        let answer = scene.post(&format!("{}/{kind}", callbacks::PATH), &[("AccountSid", "AC01")]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{kind}");
        assert!(answer.body.contains("Sid"), "{kind}: {}", answer.body);
    }
    assert_eq!(scene.events().await, 0);
    scene.finish().await;
}

#[tokio::test]
async fn what_is_about_a_call_nobody_knows_is_kept_and_answered_politely() {
    let scene = Scene::start().await;
    let (stranger, token) = (CallId::generate(), CallbackToken::generate());
    for (kind, form) in [
        ("status", status("CA77", "completed", "3")),
        ("amd", amd("CA77", "human")),
        ("answer", line("CA77", "in-progress")),
        ("hold", line("CA77", "in-progress")),
        ("dial", line("CA77", "in-progress")),
    ] {
        let answer = scene.post(&address(stranger, &token, kind), &form).await;
        assert!(answer.status.is_success(), "{kind}: {answer:?}");
        assert!(answer.body.is_empty() || answer.body.contains("<Hangup"), "{kind}: {answer:?}");
    }
    let strays: i64 = sqlx::query_scalar("SELECT count(*) FROM call_event WHERE call_id IS NULL")
        .fetch_one(&scene.app().db)
        .await
        .expect("a count");
    assert_eq!(strays, 5);
    scene.finish().await;
}

#[tokio::test]
async fn the_first_callback_adopts_the_line_before_the_create_is_answered() {
    let scene = Scene::start().await;
    let debtor = scene.debtor(1).await;
    let begun = scene.attempt(&debtor).await;
    assert_eq!(scene.call(begun.call).await.sid, None);
    let rings = scene.hook(&begun, "status", &status("CA01", "ringing", "1")).await;
    assert_eq!(rings.status, StatusCode::NO_CONTENT);
    let shown = scene.call(begun.call).await;
    assert_eq!((shown.state, shown.sid.as_deref()), (State::Ringing, Some("CA01")));
    // Another line with the same address, and the late answer to the create: the first one stays.
    scene.hook(&begun, "status", &status("CA02", "completed", "3")).await;
    let shown = scene.call(begun.call).await;
    assert_eq!((shown.state, shown.sid.as_deref()), (State::Ringing, Some("CA01")));
    scene.hook(&begun, "status", &status("CA01", "no-answer", "2")).await;
    scene.finish().await;
}

#[tokio::test]
async fn an_event_told_twice_is_stored_once_and_changes_nothing() {
    let scene = Scene::start().await;
    let (debtor, agent) = (scene.debtor(1).await, scene.ready_agent(1).await);
    let begun = scene.dial(&debtor, "CA01").await;
    let first = scene.answer(&begun, "CA01").await;
    scene.conference(&begun, agent, "CA01", "participant-join", "1").await;
    let (shown, stored) = (scene.call(begun.call).await, scene.events().await);
    for _ in 0..3 {
        assert_eq!(scene.answer(&begun, "CA01").await, first, "the same instruction again");
        scene.conference(&begun, agent, "CA01", "participant-join", "1").await;
    }
    assert_eq!((scene.call(begun.call).await, scene.events().await), (shown, stored));
    scene.end(&begun, "CA01").await;
    scene.finish().await;
}

#[tokio::test]
async fn every_order_of_a_calls_webhooks_ends_in_the_same_row() {
    let scene = Scene::start().await;
    let mut rows = Vec::new();
    for (n, order) in permutations(5).into_iter().enumerate().step_by(7) {
        let sid = format!("CA{n:03}");
        let debtor = scene.debtor(u32::try_from(n).expect("small")).await;
        let begun = scene.attempt(&debtor).await;
        let hooks = [
            ("status", status(&sid, "initiated", "0")),
            ("status", status(&sid, "ringing", "1")),
            ("status", status(&sid, "in-progress", "2")),
            ("amd", amd(&sid, "machine_start")),
            ("status", status(&sid, "completed", "3")),
        ];
        for which in order {
            let (kind, form) = &hooks[which];
            assert!(scene.hook(&begun, kind, form).await.status.is_success());
            assert!(scene.hook(&begun, kind, form).await.status.is_success(), "repeated");
        }
        let shown = scene.call(begun.call).await;
        assert!(scene.disposition(begun.call).await.is_some());
        rows.push((shown.state, shown.outcome, shown.live, shown.facts));
    }
    assert!(rows.len() > 10 && rows.windows(2).all(|pair| pair[0] == pair[1]), "{rows:#?}");
    assert_eq!(rows[0].1.as_deref(), Some("machine"));
    scene.finish().await;
}

#[tokio::test]
async fn recordings_are_kept_in_their_newest_state() {
    let scene = Scene::start().await;
    let debtor = scene.debtor(1).await;
    let begun = scene.dial(&debtor, "CA01").await;
    for state in ["completed", "in-progress"] {
        let form = [
            ("CallSid", "CA01"),
            ("AccountSid", "AC01"),
            ("RecordingSid", "RE01"),
            ("RecordingStatus", state),
            ("RecordingUrl", "https://carrier.example/RE01"),
            ("RecordingDuration", "42"),
            ("RecordingChannels", "2"),
        ];
        assert_eq!(scene.hook(&begun, "recording", &form).await.status, StatusCode::NO_CONTENT);
    }
    let kept: (String, Option<i32>, uuid::Uuid) =
        sqlx::query_as("SELECT status, duration_s, call_id FROM recording WHERE sid = 'RE01'")
            .fetch_one(&scene.app().db)
            .await
            .expect("the recording");
    assert_eq!(kept, ("completed".to_owned(), Some(42), begun.call.0), "what is ready does not go back");
    scene.end(&begun, "CA01").await;
    scene.finish().await;
}

#[tokio::test]
async fn the_fallback_address_connects_like_the_first_one_and_ends_other_lines() {
    let scene = Scene::start().await;
    let (debtor, agent) = (scene.debtor(1).await, scene.ready_agent(1).await);
    let begun = scene.dial(&debtor, "CA01").await;
    let form = [line("CA01", "in-progress"), vec![("ErrorCode", "11200")]].concat();
    let answer = scene.hook(&begun, "fallback", &form).await;
    assert!(answer.body.contains("<Conference"), "{answer:?}");
    assert_eq!(scene.call(begun.call).await.agent, Some(agent));
    let lost = scene.post(&format!("{}/fallback", callbacks::PATH), &form).await;
    assert!(lost.status.is_success() && lost.body.contains("<Hangup"), "{lost:?}");
    scene.end(&begun, "CA01").await;
    scene.finish().await;
}

#[tokio::test]
async fn an_agents_line_is_parked_in_silence_and_hung_up_when_nobody_is_at_the_desk() {
    let scene = Scene::start().await;
    let agent = scene.ready_agent(1).await;
    let path = format!("{}/agent?agent={agent}", callbacks::PATH);
    let parked = scene.post(&path, &line("CAagent1", "in-progress")).await.body;
    for wanted in ["startConferenceOnEnter=\"false\"", "endConferenceOnExit=\"false\"", "beep=\"onEnter\""] {
        assert!(parked.contains(wanted), "{wanted}: {parked}");
    }
    assert!(parked.contains(&format!("agent-{agent}")), "{parked}");
    let stranger = scene
        .post(&format!("{}/agent?agent={}", callbacks::PATH, ledgerline::ids::UserId::generate()), &line("CA9", "x"))
        .await;
    assert!(stranger.body.contains("<Hangup") && !stranger.body.contains("<Dial"), "{stranger:?}");
    scene.finish().await;
}

fn permutations(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let shorter = permutations(n - 1);
    let insert = |order: &Vec<usize>, at: usize| {
        let mut order = order.clone();
        order.insert(at, n - 1);
        order
    };
    shorter.iter().flat_map(|order| (0..n).map(move |at| insert(order, at))).collect()
}
