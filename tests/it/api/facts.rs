//! What staff learn about a debtor, and the rules that follow.

use axum::http::StatusCode;
use ledgerline::agent::Role;
use serde_json::{Value, json};

use super::client::Client;
use crate::scene::{Debtor, Scene};

async fn zones(scene: &Scene) -> Vec<String> {
    sqlx::query_scalar("SELECT unnest(zones) FROM contact_point").fetch_all(&scene.app().db).await.expect("zones")
}

/// The account as the API shows it.
async fn account(client: &Client, debtor: &Debtor) -> Value {
    client.get(&format!("/api/accounts/{}", debtor.account)).await.body["account"].clone()
}

#[tokio::test]
async fn zone_address_kind_and_owner_are_changed_by_whom_they_may_be_and_the_rules_follow() {
    let scene = Scene::start().await;
    let client = Client::new(scene.app()).await;
    let debtor = scene.owing(1, 50_000).await;
    let user = client.user("agent-1", Role::Agent).await;
    let agent = client.of(user).await;
    let at = |what: &str| format!("/api/accounts/{}/{what}", debtor.account);
    let address =
        json!({ "country": "us", "region": "NY", "city": "Brooklyn", "postal_code": " 11201 ", "address_line": null });
    assert_eq!(agent.put(&at("address"), &address).await.status, StatusCode::NO_CONTENT);
    assert_eq!(zones(&scene).await, ["America/New_York"]);
    assert_eq!(agent.put(&at("zone"), &json!({ "zone": "America/Denver" })).await.status, StatusCode::NO_CONTENT);
    assert_eq!(zones(&scene).await, ["America/Denver", "America/New_York"], "it has to be allowed in both");

    let kind = json!({ "party_kind": "consumer" });
    let owner = json!({ "owner": user });
    for (what, body) in [("party-kind", &kind), ("owner", &owner)] {
        assert_eq!(agent.put(&at(what), body).await.status, StatusCode::FORBIDDEN, "{what}");
        assert_eq!(client.put(&at(what), body).await.status, StatusCode::NO_CONTENT, "{what}");
    }
    let path = format!("{}?campaign={}", at("may-contact"), scene.campaign);
    let packs = client.get(&path).await.body["points"][0]["packs"].clone();
    assert!(packs.as_array().is_some_and(|packs| packs.contains(&json!("house_people"))), "{packs}");
    let now = account(&client, &debtor).await;
    let facts = [&now["country"], &now["postal_code"], &now["stated_zone"], &now["party_kind"], &now["owner"]];
    assert_eq!(facts, [&json!("US"), &json!("11201"), &json!("America/Denver"), &json!("consumer"), &json!(user)]);
    assert_eq!(agent.get("/api/owners").await.body, json!([{ "id": user, "name": "agent-1" }]));

    let history = client.get(&at("restrictions")).await.body;
    let kept: Vec<&Value> = history["items"].as_array().expect("items").iter().map(|one| &one["what"]).collect();
    for what in ["zone", "address", "party_kind"] {
        assert!(kept.contains(&&json!(what)), "{what}: {kept:?}");
    }
    let line = client.get(&at("timeline")).await.body;
    let said: Vec<(&Value, &Value)> =
        line["items"].as_array().expect("items").iter().map(|one| (&one["what"], &one["text"])).collect();
    for (what, text) in [("zone", "America/Denver"), ("address", "Brooklyn, NY, 11201, US"), ("owner", "agent-1")] {
        assert!(said.contains(&(&json!(what), &json!(text))), "{what}: {said:?}");
    }
    scene.test.settle().await;
    scene.finish().await;
}

#[tokio::test]
async fn facts_that_make_no_sense_are_refused_by_field_and_change_nothing() {
    let scene = Scene::start().await;
    let client = Client::new(scene.app()).await;
    let debtor = scene.owing(1, 50_000).await;
    let boss = client.user("boss", Role::Supervisor).await;
    let before = account(&client, &debtor).await;
    let wrongs = [
        ("zone", json!({ "zone": "Denver" }), "zone"),
        ("address", json!({ "country": "XQ" }), "country"),
        ("address", json!({ "country": "USA" }), "country"),
        ("address", json!({ "region": "x".repeat(65) }), "region"),
        ("address", json!({ "postal_code": "x".repeat(21) }), "postal_code"),
        ("party-kind", json!({ "party_kind": "nobody" }), "party_kind"),
        ("owner", json!({ "owner": uuid::Uuid::now_v7() }), "owner"),
        ("owner", json!({ "owner": boss }), "owner"),
    ];
    for (what, body, field) in wrongs {
        let refused = client.put(&format!("/api/accounts/{}/{what}", debtor.account), &body).await;
        assert_eq!(
            (refused.status, refused.field()),
            (StatusCode::UNPROCESSABLE_ENTITY, Some(field)),
            "{}",
            refused.text
        );
    }
    assert_eq!(account(&client, &debtor).await, before);
    scene.finish().await;
}
