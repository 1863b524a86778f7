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
async fn a_user_is_changed_put_into_a_team_and_let_in_again() {
    let scene = Scene::start().await;
    let admin = Client::new(scene.app()).await;
    let user = admin.user("agent-1", Role::Agent).await;
    let (agent, path) = (admin.of(user).await, format!("/api/users/{user}"));
    let change = |role: &str, team: &str| json!({ "name": "Agent 1", "role": role, "team": team });
    let changed = admin.put(&path, &change("agent", " North ")).await;
    assert_eq!((changed.status, &changed.body["team"]), (StatusCode::OK, &json!("North")), "{}", changed.text);
    assert_eq!(agent.get("/api/session").await.status, StatusCode::OK, "a team is no reason to log in again");
    assert_eq!(admin.put(&path, &change("agent", &"x".repeat(65))).await.field(), Some("team"));
    assert_eq!(admin.put(&path, &change("department", "North")).await.field(), Some("department"));
    assert_eq!(admin.put(&path, &change("supervisor", "North")).await.body["role"], "supervisor");
    assert_eq!(agent.get("/api/session").await.status, StatusCode::UNAUTHORIZED, "another role: its sessions end");

    assert_eq!(admin.delete(&path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(admin.post(&format!("{path}/enable"), &json!(null)).await.status, StatusCode::NO_CONTENT);
    let users = admin.get("/api/users").await.body;
    let listed = users["items"].as_array().and_then(|users| users.iter().find(|one| one["login"] == "agent-1"));
    assert_eq!(listed.map(|one| (&one["team"], &one["disabled_at"])), Some((&json!("North"), &json!(null))));
    let own = format!("/api/users/{}", admin.get("/api/session").await.body["user"].as_str().expect("an id"));
    assert_eq!(admin.put(&own, &change("agent", "North")).await.status, StatusCode::CONFLICT, "nobody would be left");
    scene.finish().await;
}

#[tokio::test]
async fn supervisors_download_what_goes_back_to_the_ledger_it_came_from() {
    let scene = Scene::start().await;
    let admin = Client::new(scene.app()).await;
    let agent = admin.of(admin.user("agent-1", Role::Agent).await).await;
    let debtor = scene.owing(1, 50_000).await;
    let today = scene.app().clock.business_date();
    let paid = json!({ "account": debtor.account, "amount": { "minor": 12_345, "currency": "USD" }, "received_on": today,
                       "method": "transfer", "reference": "their 77", "apply": "rules" });
    assert_eq!(admin.post("/api/payments", &paid).await.status, StatusCode::CREATED);
    scene.test.settle().await;
    for (profile, extension) in
        [("generic", "csv"), ("qbo", "csv"), ("qbd-iif", "iif"), ("sap", "txt"), ("oracle", "csv")]
    {
        let file = admin.get(&format!("/api/export/{profile}?since={today}")).await;
        assert_eq!(file.status, StatusCode::OK, "{profile}: {}", file.text);
        let amount = if profile == "sap" { "123,45-" } else { "123.45" };
        assert!(file.text.contains(amount), "{profile}: {}", file.text);
        let name = format!("attachment; filename=\"{profile}-since-{today}.{extension}\"");
        assert_eq!(file.header("content-disposition"), Some(name.as_str()));
        let later = today + chrono::Days::new(1);
        let none = admin.get(&format!("/api/export/{profile}?since={later}")).await;
        assert!(!none.text.contains(amount), "{profile}: of another day");
    }
    let elsewhere = admin.get(&format!("/api/export/generic?since={today}&portfolio=elsewhere")).await;
    assert!(!elsewhere.text.contains("123.45"), "{}", elsewhere.text);
    assert_eq!(admin.get(&format!("/api/export/abacus?since={today}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(agent.get(&format!("/api/export/generic?since={today}")).await.status, StatusCode::FORBIDDEN);
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
