//! Calls by hand go through the very same look as the dialer's.

use axum::http::StatusCode;
use ledgerline::{
    agent::at_desk::{self, Ask},
    ids::{CallId, UserId},
    queue::{self, Hold},
};
use serde_json::{Value, json};

use super::client::Client;
use crate::scene::{Debtor, Scene};

/// A scene with an agent at a desk, and a client of that agent's.
async fn with_agent() -> (Scene, Client, Client, UserId) {
    let scene = Scene::start().await;
    let admin = Client::new(scene.app()).await;
    let agent = scene.ready_agent(1).await;
    let client = admin.of(agent).await;
    (scene, admin, client, agent)
}

fn dial(debtor: &Debtor) -> (String, Value) {
    (format!("/api/accounts/{}/dial", debtor.account), json!({ "contact_point": debtor.point }))
}

/// Every verdict on the account.
async fn verdicts(scene: &Scene, debtor: &Debtor) -> Vec<(bool, Option<String>)> {
    sqlx::query_as("SELECT permitted, rule FROM dial_decision WHERE account_id = $1 ORDER BY id")
        .bind(debtor.account.0)
        .fetch_all(&scene.app().db)
        .await
        .expect("verdicts")
}

#[tokio::test]
async fn an_agent_calls_by_hand_with_a_receipt_and_goes_back_to_the_pause() {
    let (scene, admin, client, agent) = with_agent().await;
    let debtor = scene.owing(1, 50_000).await;
    queue::rebuild(scene.app(), scene.campaign).await.expect("a queue");
    let session = ledgerline::agent::store::get(&scene.app().db, agent).await.expect("read").expect("there").session;
    at_desk::ask(scene.app(), agent, session, &Ask::Pause("paperwork".to_owned())).await.expect("paused");

    let (path, body) = dial(&debtor);
    let dialed = client.post(&path, &body).await;
    assert_eq!(dialed.status, StatusCode::CREATED, "{:?}", dialed.body);
    scene.app().lifecycle.tasks().close();
    scene.app().lifecycle.tasks().wait().await;
    scene.app().lifecycle.tasks().reopen();
    let call: CallId = dialed.body["call"].as_str().and_then(|id| id.parse().ok()).expect("a call");
    assert_eq!(verdicts(&scene, &debtor).await, [(true, None)], "the very same receipt");
    assert_eq!(scene.agent_state(agent).await, "reserved");
    assert_eq!(queue::held(scene.app(), scene.campaign).await.expect("held")[&Hold::InCall], 1);
    let again = client.post(&path, &body).await;
    assert_eq!((again.status, &again.body["refusal"]), (StatusCode::CONFLICT, &Value::Null), "busy already");

    assert_eq!(scene.call(call).await.sid.as_deref(), Some("CAplaced1"), "the carrier was asked");

    // Nobody picks up: the agent is where it was, and the attempt counts.
    hang_up(&scene, call).await;
    scene.test.settle().await;
    assert_eq!(scene.agent_state(agent).await, "paused");
    let refused = client.post(&path, &body).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{:?}", refused.body);
    let refusal = &refused.body["refusal"];
    assert_eq!(
        (&refusal["rule"], &refusal["next_allowed_at"]),
        (&json!("attempts_per_number_per_day"), &json!("2026-03-11T12:00:00Z"))
    );
    assert!(refusal["cite"].as_str().is_some_and(|cite| !cite.is_empty()));
    assert_eq!(verdicts(&scene, &debtor).await.len(), 2, "the refusal has its receipt, too");
    let may = client.get(&format!("/api/accounts/{}/may-contact", debtor.account)).await;
    assert_eq!(may.body["points"][0]["refusal"]["rule"], refusal["rule"], "and may-contact says the same");
    drop(admin);
    scene.finish().await;
}

async fn hang_up(scene: &Scene, call: CallId) {
    use ledgerline::call::{End, EndStatus, Event, apply};
    let at = scene.now();
    let heard = apply::Heard::own(apply::Source::Status, call, "over", at);
    let end = Event::Ended(End { at, status: EndStatus::NoAnswer });
    apply::tell(scene.app(), call, heard, end).await.expect("told");
}

#[tokio::test]
async fn what_the_rules_forbid_is_not_dialled_and_keeps_its_place() {
    let (scene, admin, client, agent) = with_agent().await;
    let debtor = scene.owing(1, 50_000).await;
    queue::rebuild(scene.app(), scene.campaign).await.expect("a queue");
    let wish = json!({ "wish": { "kind": "not_where", "label": "work" } });
    admin.post(&format!("/api/accounts/{}/wishes", debtor.account), &wish).await;
    scene.test.settle().await;
    let (path, body) = dial(&debtor);
    let refused = client.post(&path, &body).await;
    assert_eq!(refused.body["refusal"]["rule"], json!("inconvenient_place"), "{:?}", refused.body);
    assert_eq!(scene.agent_state(agent).await, "ready");
    assert_eq!(queue::leased(scene.app(), scene.campaign).await.expect("leases"), 0);

    let hold = json!({ "reason": "attorney" });
    admin.post(&format!("/api/accounts/{}/holds", debtor.account), &hold).await;
    scene.test.settle().await;
    let refused = client.post(&path, &body).await;
    assert_eq!(refused.body["refusal"]["rule"], json!("hold"), "{:?}", refused.body);
    assert_eq!(queue::held(scene.app(), scene.campaign).await.expect("held")[&Hold::Attorney], 1, "it stays there");
    scene.finish().await;
}

#[tokio::test]
async fn where_only_supervisors_call_a_supervisor_calls_by_hand_and_an_agent_does_not() {
    let (scene, admin, client, _) = with_agent().await;
    let debtor = scene.owing(1, 50_000).await;
    queue::rebuild(scene.app(), scene.campaign).await.expect("a queue");
    let second = scene.ready_agent(2).await;
    let promoted = json!({ "name": "Supervisor 2", "role": "supervisor" });
    assert_eq!(admin.put(&format!("/api/users/{second}"), &promoted).await.status, StatusCode::OK);
    let supervisor = admin.of(second).await;
    let up = json!({ "level": "supervisor", "reason": "wants to speak to one" });
    let raised = client.post(&format!("/api/accounts/{}/escalations", debtor.account), &up).await;
    assert_eq!(raised.status, StatusCode::CREATED, "{}", raised.text);
    scene.test.settle().await;
    let (path, body) = dial(&debtor);
    let refused = client.post(&path, &body).await;
    assert_eq!(
        (refused.status, &refused.body["refusal"]["rule"]),
        (StatusCode::CONFLICT, &json!("hold")),
        "{}",
        refused.text
    );
    let dialed = supervisor.post(&path, &body).await;
    assert_eq!(dialed.status, StatusCode::CREATED, "{}", dialed.text);
    scene.app().lifecycle.tasks().close();
    scene.app().lifecycle.tasks().wait().await;
    scene.app().lifecycle.tasks().reopen();
    hang_up(&scene, dialed.body["call"].as_str().and_then(|id| id.parse().ok()).expect("a call")).await;
    scene.test.settle().await;
    assert_eq!(verdicts(&scene, &debtor).await.last(), Some(&(true, None)));
    scene.finish().await;
}

#[tokio::test]
async fn what_the_dialer_has_claimed_is_not_called_by_hand() {
    let (scene, admin, client, _) = with_agent().await;
    let debtor = scene.owing(1, 50_000).await;
    let stranger = scene.owing(2, 50_000).await;
    queue::rebuild(scene.app(), scene.campaign).await.expect("a queue");
    let campaign = {
        let mut conn = scene.app().db.acquire().await.expect("a connection");
        ledgerline::campaign::store::get(&mut conn, scene.campaign).await.expect("a campaign")
    };
    let leased = queue::claim(scene.app(), &campaign, 2).await.expect("claimed").expect("built");
    assert_eq!(leased.len(), 2);
    let (path, body) = dial(&debtor);
    let refused = client.post(&path, &body).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(verdicts(&scene, &debtor).await.is_empty(), "nobody looked");
    queue::release(scene.app(), &campaign, &leased).await.expect("released");

    let laxer = client.post(&path, &json!({ "contact_point": debtor.point, "campaign": scene.campaign })).await;
    assert_eq!(laxer.status, StatusCode::FORBIDDEN, "an agent does not choose whose limits hold");
    let foreign = client.post(&path, &json!({ "contact_point": stranger.point })).await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND, "a number of another account");
    let nobody = admin.post(&path, &body).await;
    assert_eq!(nobody.status, StatusCode::CONFLICT, "an administrator has no desk");
    scene.finish().await;
}
