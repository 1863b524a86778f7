//! What debtors want: each wish, withdrawal and hold changes the verdict when it is recorded and when it is taken back,
//! and its history stays.

use axum::http::StatusCode;
use ledgerline::{
    agent::Role,
    campaign::{self, Settings},
    compliance::scope::Collector,
    queue::{self, Hold},
};
use serde_json::{Value, json};

use super::client::Client;
use crate::scene::{Debtor, Scene};

/// A scene with somebody to call.
async fn with_debtor() -> (Scene, Client, Debtor) {
    let scene = Scene::start().await;
    let client = Client::new(scene.app()).await;
    let debtor = scene.owing(1, 50_000).await;
    queue::rebuild(scene.app(), scene.campaign).await.expect("a queue");
    (scene, client, debtor)
}

/// The rule that forbids calling the debtor now, as may-contact says it.
async fn refusal(scene: &Scene, client: &Client, debtor: &Debtor) -> Value {
    let path = format!("/api/accounts/{}/may-contact?campaign={}", debtor.account, scene.campaign);
    client.get(&path).await.body["points"][0]["refusal"].clone()
}

async fn history(client: &Client, debtor: &Debtor) -> Vec<Value> {
    let history = client.get(&format!("/api/accounts/{}/restrictions", debtor.account)).await;
    assert_eq!(history.status, StatusCode::OK, "{:?}", history.body);
    history.body["items"].as_array().expect("items").clone()
}

#[tokio::test]
async fn do_not_call_bars_at_every_level_and_can_be_taken_back() {
    let (scene, client, debtor) = with_debtor().await;
    let account = format!("/api/accounts/{}/do-not-call", debtor.account);
    let wishes = [
        ("number", json!({ "scope": "number", "phone": debtor.number, "reason": "asked" })),
        ("person", json!({ "scope": "person", "person": debtor.person, "reason": "asked" })),
        ("account", json!({ "scope": "account", "reason": "asked" })),
    ];
    for (level, wish) in &wishes {
        assert_eq!(client.post(&account, wish).await.status, StatusCode::NO_CONTENT);
        let found = refusal(&scene, &client, &debtor).await;
        assert_eq!((&found["rule"], &found["facts"]["level"]), (&json!("do_not_call"), &json!(level)));
        scene.test.settle().await;
        assert_eq!(queue::held(scene.app(), scene.campaign).await.expect("held")[&Hold::DoNotCall], 1, "{level}");
        assert_eq!(client.post(&format!("{account}/revoke"), wish).await.status, StatusCode::NO_CONTENT);
        assert_eq!(refusal(&scene, &client, &debtor).await, Value::Null, "{level}");
        scene.test.settle().await;
    }
    let history = history(&client, &debtor).await;
    let kinds: std::collections::BTreeSet<&str> = history.iter().filter_map(|item| item["what"].as_str()).collect();
    assert_eq!(kinds, ["do_not_call:account", "do_not_call:number", "do_not_call:person"].into());
    assert!(history.iter().all(|item| item["by"] == "admin-1" && item["ended_by"] == "admin-1"), "{history:?}");
    scene.finish().await;
}

#[tokio::test]
async fn the_house_bars_numbers_and_all_that_begin_so() {
    let (scene, client, debtor) = with_debtor().await;
    let prefix = format!("{}*", &debtor.number.as_str()[..6]);
    for value in [debtor.number.as_str(), prefix.as_str()] {
        let added = client.post("/api/do-not-call", &json!({ "value": value, "reason": "litigious" })).await;
        assert_eq!(added.status, StatusCode::CREATED, "{:?}", added.body);
        let found = refusal(&scene, &client, &debtor).await;
        assert_eq!((&found["rule"], &found["facts"]["level"]), (&json!("do_not_call"), &json!("house")), "{value}");
        scene.test.settle().await;
        assert_eq!(queue::held(scene.app(), scene.campaign).await.expect("held")[&Hold::DoNotCall], 1, "{value}");
        let id = added.body["id"].as_str().expect("an id").to_owned();
        let again = client.post("/api/do-not-call", &json!({ "value": value, "reason": "again" })).await;
        assert_eq!(again.body["id"], json!(id), "it is on the list once");
        assert_eq!(client.delete(&format!("/api/do-not-call/{id}")).await.status, StatusCode::NO_CONTENT);
        assert_eq!(client.delete(&format!("/api/do-not-call/{id}")).await.status, StatusCode::NOT_FOUND);
        assert_eq!(refusal(&scene, &client, &debtor).await, Value::Null);
        scene.test.settle().await;
    }
    let first = client.get("/api/do-not-call?limit=1").await.body;
    assert_eq!((&first["items"][0]["value"], &first["items"][0]["revoked_by"]), (&json!(prefix), &json!("admin-1")));
    let next = first["next"].as_str().expect("there is more");
    let second = client.get(&format!("/api/do-not-call?limit=1&cursor={next}")).await.body;
    assert_eq!((&second["items"][0]["value"], &second["next"]), (&json!(debtor.number), &Value::Null));
    assert_eq!(history(&client, &debtor).await.len(), 2, "the account shows whom it concerns");
    for wrong in ["1900", "+", "+1900%", "*"] {
        let refused = client.post("/api/do-not-call", &json!({ "value": wrong, "reason": "x" })).await;
        assert_eq!((refused.status, refused.field()), (StatusCode::UNPROCESSABLE_ENTITY, Some("value")), "{wrong}");
    }
    let agent = client.of(client.user("agent-1", Role::Agent).await).await;
    assert_eq!(agent.get("/api/do-not-call").await.status, StatusCode::FORBIDDEN);
    scene.finish().await;
}

#[tokio::test]
async fn consent_that_is_withdrawn_bars_the_number_until_it_is_given_again() {
    let (scene, client, debtor) = with_debtor().await;
    let path = format!("/api/accounts/{}/consents", debtor.account);
    let said = |action: &str, at: &str| json!({ "contact_point": debtor.point, "purpose": "calls", "action": action, "source": "letter", "at": at });
    assert_eq!(client.post(&path, &said("revoked", "2026-03-09T15:00:00Z")).await.status, StatusCode::NO_CONTENT);
    let found = refusal(&scene, &client, &debtor).await;
    assert_eq!(
        (&found["rule"], &found["facts"]["revoked_at"], &found["next_allowed_at"]),
        (&json!("consent"), &json!("2026-03-09T15:00:00Z"), &Value::Null)
    );
    // Recorded later, said earlier: what was said last counts.
    client.post(&path, &said("granted", "2026-03-01T15:00:00Z")).await;
    assert_eq!(refusal(&scene, &client, &debtor).await["rule"], "consent");
    client.post(&path, &said("granted", "2026-03-10T15:00:00Z")).await;
    assert_eq!(refusal(&scene, &client, &debtor).await, Value::Null);
    let tomorrow = client.post(&path, &said("granted", "2026-03-11T15:00:00Z")).await;
    assert_eq!((tomorrow.status, tomorrow.field()), (StatusCode::UNPROCESSABLE_ENTITY, Some("at")));
    let history = history(&client, &debtor).await;
    let said: Vec<(&Value, &Value)> = history.iter().map(|item| (&item["at"], &item["detail"]["action"])).collect();
    let expected = [
        (json!("2026-03-10T15:00:00Z"), json!("granted")),
        (json!("2026-03-09T15:00:00Z"), json!("revoked")),
        (json!("2026-03-01T15:00:00Z"), json!("granted")),
    ];
    assert_eq!(said, expected.iter().map(|(at, action)| (at, action)).collect::<Vec<_>>());
    let changed = sqlx::query("DELETE FROM consent_event").execute(&scene.app().db).await;
    assert!(changed.is_err_and(|error| error.to_string().contains("append-only")));
    scene.test.settle().await;
    scene.finish().await;
}

#[tokio::test]
async fn a_person_who_asks_for_it_is_called_more_often_until_that_is_withdrawn() {
    let (scene, client, debtor) = with_debtor().await;
    sqlx::query("UPDATE account SET party_kind = 'consumer' WHERE id = $1")
        .bind(debtor.account.0)
        .execute(&scene.app().db)
        .await
        .expect("a consumer");
    change_settings(&scene, |settings| settings.collector = Collector::Third).await;
    for hour in 1..=7 {
        sqlx::query(
            "INSERT INTO foreign_attempt (source, number, at, direction, reach, recorded_at)
             VALUES ('test', $1, $2, 'outbound', 'ring', $2)",
        )
        .bind(debtor.number.as_str())
        .bind(scene.now() - chrono::TimeDelta::minutes(hour))
        .execute(&scene.app().db)
        .await
        .expect("an attempt");
    }
    let rule = |answer: Value, name: &str| {
        let findings = answer["points"][0]["findings"].as_array().expect("findings").clone();
        findings.into_iter().find(|finding| finding["rule"] == name).expect("it was asked")["verdict"].clone()
    };
    let path = format!("/api/accounts/{}/may-contact?campaign={}", debtor.account, scene.campaign);
    let seven = async || rule(client.get(&path).await.body, "us_reg_f/seven_in_seven");
    assert_ne!(seven().await, json!("allowed"));
    let consents = format!("/api/accounts/{}/consents", debtor.account);
    let said = |action: &str| json!({ "contact_point": debtor.point, "purpose": "frequency", "action": action, "source": "call" });
    client.post(&consents, &said("granted")).await;
    assert_eq!(seven().await, json!("allowed"));
    scene.test.app.clock.advance(chrono::TimeDelta::minutes(1));
    client.post(&consents, &said("revoked")).await;
    assert_ne!(seven().await, json!("allowed"));
    scene.test.settle().await;
    scene.finish().await;
}

async fn change_settings(scene: &Scene, change: impl FnOnce(&mut Settings)) {
    let mut conn = scene.app().db.acquire().await.expect("a connection");
    let campaign = campaign::store::get(&mut conn, scene.campaign).await.expect("a campaign");
    drop(conn);
    let mut settings = campaign.settings;
    change(&mut settings);
    campaign::update_settings(scene.app(), None, campaign.id, campaign.version, settings).await.expect("changed");
}

#[tokio::test]
async fn a_language_that_nobody_speaks_holds_the_account_and_its_history_stays() {
    let (scene, client, debtor) = with_debtor().await;
    change_settings(&scene, |settings| settings.languages = vec!["en".to_owned(), "es".to_owned()]).await;
    let path = format!("/api/accounts/{}/language", debtor.account);
    for (language, rule) in [("fr-CA", json!("language")), ("es-MX", Value::Null)] {
        assert_eq!(client.put(&path, &json!({ "language": language })).await.status, StatusCode::NO_CONTENT);
        assert_eq!(refusal(&scene, &client, &debtor).await["rule"], rule, "{language}");
    }
    let wrong = client.put(&path, &json!({ "language": "French" })).await;
    assert_eq!((wrong.status, wrong.field()), (StatusCode::UNPROCESSABLE_ENTITY, Some("language")));
    client.put(&path, &json!({ "language": null })).await;
    let history = history(&client, &debtor).await;
    let spoken: Vec<&Value> = history.iter().rev().map(|item| &item["detail"]["language"]).collect();
    assert_eq!(history.len(), 3, "{spoken:?}");
    scene.test.settle().await;
    scene.finish().await;
}

#[tokio::test]
async fn every_reason_to_stop_holds_the_account_until_it_is_released() {
    let (scene, client, debtor) = with_debtor().await;
    let reasons = ["cease", "attorney", "bankruptcy", "deceased", "vulnerable", "hardship", "escalated", "hold"];
    for reason in reasons {
        let body = json!({ "reason": reason, "note": "letter of today" });
        let placed = client.post(&format!("/api/accounts/{}/holds", debtor.account), &body).await;
        assert_eq!(placed.status, StatusCode::CREATED, "{:?}", placed.body);
        let found = refusal(&scene, &client, &debtor).await;
        let name = if reason == "hold" { "on_hold" } else { reason };
        assert_eq!((&found["rule"], &found["facts"]["reason"]), (&json!("hold"), &json!(name)));
        scene.test.settle().await;
        let hold = Hold::from_name(name).expect("a hold");
        assert_eq!(queue::held(scene.app(), scene.campaign).await.expect("held")[&hold], 1, "{reason}");
        let id = placed.body["id"].as_str().expect("an id");
        assert_eq!(client.delete(&format!("/api/holds/{id}")).await.status, StatusCode::NO_CONTENT);
        assert_eq!(refusal(&scene, &client, &debtor).await, Value::Null);
    }
    let history = history(&client, &debtor).await;
    assert_eq!(history.len(), reasons.len());
    assert!(history.iter().all(|item| item["ended_by"] == "admin-1" && item["detail"]["note"] == "letter of today"));
    scene.test.settle().await;
    scene.finish().await;
}

#[tokio::test]
async fn a_persons_wish_counts_at_every_account_and_its_history_stays() {
    let (scene, client, debtor) = with_debtor().await;
    let path = format!("/api/accounts/{}/wishes", debtor.account);
    let wishes = [
        (json!({ "kind": "not_at", "days": ["Tue"], "from": "13:00:00", "to": "13:30:00" }), "inconvenient_time"),
        (json!({ "kind": "not_on", "from": "2026-03-10", "to": "2026-03-10" }), "inconvenient_time"),
        (json!({ "kind": "not_where", "label": "work" }), "inconvenient_place"),
    ];
    for (wish, rule) in &wishes {
        let added = client.post(&path, &json!({ "person": debtor.person, "wish": wish })).await;
        assert_eq!(added.status, StatusCode::CREATED, "{:?}", added.body);
        assert_eq!(refusal(&scene, &client, &debtor).await["rule"], json!(rule));
        let id = added.body["id"].as_str().expect("an id");
        assert_eq!(client.delete(&format!("/api/wishes/{id}")).await.status, StatusCode::NO_CONTENT);
        assert_eq!(refusal(&scene, &client, &debtor).await, Value::Null);
    }
    let history = history(&client, &debtor).await;
    assert!(history.iter().all(|item| item["ended_by"] == "admin-1"), "{history:?}");
    assert_eq!(history.len(), wishes.len());
    scene.test.settle().await;
    scene.finish().await;
}
