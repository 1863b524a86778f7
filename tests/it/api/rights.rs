//! Who may do what.

use axum::http::StatusCode;
use ledgerline::agent::Role;
use serde_json::json;

use super::client::Client;
use crate::scene::Scene;

#[tokio::test]
async fn each_role_may_do_what_it_is_for_and_no_more() {
    let scene = Scene::start().await;
    let admin = Client::new(scene.app()).await;
    let agent = admin.of(admin.user("agent-1", Role::Agent).await).await;
    let supervisor = admin.of(admin.user("supervisor-1", Role::Supervisor).await).await;
    let campaign = format!("/api/campaigns/{}", scene.campaign);

    let for_everybody = ["/api/session", "/api/accounts", "/api/campaigns", "/api/calls", "/api/dispositions/standard"];
    for path in for_everybody {
        assert_eq!(agent.get(path).await.status, StatusCode::OK, "{path}");
    }
    for path in ["/api/floor", "/api/agents"] {
        assert_eq!(agent.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(supervisor.get(path).await.status, StatusCode::OK, "{path}");
    }
    assert_eq!(agent.post(&format!("{campaign}/start"), &json!(null)).await.status, StatusCode::FORBIDDEN);
    assert_eq!(supervisor.get(&campaign).await.body["state"], "paused", "the agent changed nothing");
    assert_eq!(supervisor.get("/api/users").await.status, StatusCode::FORBIDDEN);
    assert_eq!(admin.get("/api/users").await.body["items"].as_array().map(Vec::len), Some(3));
    scene.finish().await;
}

#[tokio::test]
async fn an_agent_sees_its_own_calls_only() {
    let scene = Scene::start().await;
    let admin = Client::new(scene.app()).await;
    let stranger = admin.of(admin.user("agent-9", Role::Agent).await).await;
    let own = scene.ready_agent(1).await;
    let begun = scene.dial(&scene.debtor(1).await, "CA01").await;
    scene.answer(&begun, "CA01").await;

    let path = format!("/api/calls/{}", begun.call);
    let read = admin.of(own).await.get(&path).await;
    assert_eq!(read.body["call"]["agent"], json!(own), "{:?}", read.body);
    assert!(read.body["events"].as_array().is_some_and(|events| !events.is_empty()));
    assert_eq!(stranger.get(&path).await.status, StatusCode::FORBIDDEN);
    assert_eq!(stranger.get("/api/calls").await.body["items"], json!([]));
    assert_eq!(stranger.post(&format!("{path}/hangup"), &json!(null)).await.status, StatusCode::FORBIDDEN);
    assert_eq!(admin.get("/api/calls").await.body["items"].as_array().map(Vec::len), Some(1));

    scene.end(&begun, "CA01").await;
    scene.finish().await;
}
