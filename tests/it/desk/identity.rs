//! Where the policy asks who is speaking first, the service holds the debt back until the agent knows.

use axum::http::StatusCode;
use ledgerline::{
    campaign,
    compliance::scope::Collector,
    ids::{CallId, UserId},
};
use serde_json::{Value, json};

use super::Desk;
use crate::{
    agents::fixture,
    api::client::Client,
    scene::{Begun, Debtor, Scene},
};

/// An agency's campaign: Regulation F asks for the identity first.
async fn agency(scene: &Scene) {
    let mut conn = scene.app().db.acquire().await.expect("a connection");
    let campaign = campaign::store::get(&mut conn, scene.campaign).await.expect("a campaign");
    drop(conn);
    let settings =
        campaign::Settings { collector: Collector::Third, script: "About {balance}.".to_owned(), ..campaign.settings };
    campaign::update_settings(scene.app(), None, campaign.id, campaign.version, settings).await.expect("changed");
}

/// Somebody who owes as a consumer.
pub async fn consumer(scene: &Scene) -> Debtor {
    agency(scene).await;
    let debtor = scene.owing(1, 50_000).await;
    sqlx::query("UPDATE account SET party_kind = 'consumer' WHERE id = $1")
        .bind(debtor.account.0)
        .execute(&scene.app().db)
        .await
        .expect("a consumer");
    debtor
}

/// A call by hand to the debtor.
pub async fn call(scene: &Scene, client: &Client, debtor: &Debtor) -> Begun {
    let path = format!("/api/accounts/{}/dial", debtor.account);
    let dialed = client.post(&path, &json!({ "contact_point": debtor.point })).await;
    assert_eq!(dialed.status, StatusCode::CREATED, "{:?}", dialed.body);
    let call: CallId = dialed.body["call"].as_str().and_then(|id| id.parse().ok()).expect("a call");
    let token: String = sqlx::query_scalar("SELECT callback_token FROM call WHERE id = $1")
        .bind(call.0)
        .fetch_one(&scene.app().db)
        .await
        .expect("a token");
    Begun { call, token: ledgerline::call::CallbackToken::from_stored(token) }
}

/// Picked up, and connected to the agent.
pub async fn pick_up(scene: &Scene, begun: &Begun, agent: UserId) {
    scene.answer(begun, "CAplaced1").await;
    scene.conference(begun, agent, "CAplaced1", "participant-join", "1").await;
}

fn says_nothing_of_the_debt(pop: &Value) {
    let text = pop.to_string();
    assert_eq!((&pop["account"], &pop["reasons"], &pop["script"]), (&Value::Null, &Value::Null, &json!("")), "{text}");
    assert_eq!(pop["ask_for"]["name"], "Person 1", "{text}");
    for telling in ["500.00", "50000", "R-0001", "Debtor 0001", "debt", "collect"] {
        let within = text.replace("before_identity", "").replace(&pop["prompts"].to_string(), "");
        assert!(!within.contains(telling), "{telling} in {text}");
    }
    let prompts = pop["prompts"].as_array().expect("prompts");
    assert!(prompts.iter().all(|prompt| prompt["id"] != "us_reg_f/mini_miranda"), "{text}");
}

#[tokio::test]
async fn the_debt_is_not_sent_before_the_agent_knows_who_is_speaking() {
    let mut scene = Scene::start().await;
    let client = Client::new(scene.app()).await;
    let debtor = consumer(&scene).await;
    let agent = scene.ready_agent(1).await;
    let token = fixture::bearer(scene.app(), agent).await;
    scene.test.serve();
    let (mut desk, _) = Desk::open(&scene.test, &token, None).await;

    let begun = call(&scene, &client.of(agent).await, &debtor).await;
    says_nothing_of_the_debt(&desk.wait_for("pop").await["pop"]);
    let confirm = json!({ "type": "identity_confirmed", "call": begun.call });
    desk.say(confirm.clone()).await;
    let early = desk.wait_for("error").await;
    assert_eq!(early["detail"], "nobody is on the line yet");

    pick_up(&scene, &begun, agent).await;
    let (mut desk, _) = Desk::open(&scene.test, &token, None).await;
    says_nothing_of_the_debt(&desk.wait_for("snapshot").await["pop"]);
    desk.say(confirm).await;
    let pop = desk.wait_for("pop").await["pop"].clone();
    assert_eq!((&pop["account"]["collectible"]["minor"], &pop["ask_for"]), (&json!(50_000), &Value::Null), "{pop}");
    assert_eq!(pop["script"], "About 500.00 USD.");
    let (mut desk, _) = Desk::open(&scene.test, &token, None).await;
    assert_eq!(desk.wait_for("snapshot").await["pop"], pop, "a desk that comes back has it at once");

    let kept = client.get(&format!("/api/calls/{}", begun.call)).await.body;
    assert_eq!(kept["call"]["identity_confirmed_at"], json!(scene.now()), "{kept}");
    let said = kept["events"].as_array().expect("events").iter().filter(|event| event["source"] == "desk").count();
    assert_eq!(said, 1, "{kept}");
    scene.end(&begun, "CAplaced1").await;
    client.put(&format!("/api/agents/{agent}/state"), &json!({ "state": "offline" })).await;
    scene.finish().await;
}

#[tokio::test]
async fn nothing_is_agreed_with_somebody_who_was_not_made_sure_of() {
    let mut scene = Scene::start().await;
    let client = Client::new(scene.app()).await;
    let debtor = consumer(&scene).await;
    let agent = scene.ready_agent(1).await;
    let token = fixture::bearer(scene.app(), agent).await;
    scene.test.serve();
    let (mut desk, _) = Desk::open(&scene.test, &token, None).await;
    let own = client.of(agent).await;
    let begun = call(&scene, &own, &debtor).await;
    pick_up(&scene, &begun, agent).await;
    scene.end(&begun, "CAplaced1").await;

    let path = format!("/api/calls/{}/disposition", begun.call);
    let right_party = json!({ "code": "no_commitment" });
    let refused = own.post(&path, &right_party).await;
    assert_eq!((refused.status, refused.field()), (StatusCode::UNPROCESSABLE_ENTITY, Some("code")), "{refused:?}");
    assert_eq!(scene.disposition(begun.call).await, None);

    desk.say(json!({ "type": "identity_confirmed", "call": begun.call })).await;
    desk.wait_for("pop").await;
    while desk.wait_for("pop").await["pop"]["account"].is_null() {}
    let recorded = own.post(&path, &right_party).await;
    assert_eq!(recorded.status, StatusCode::OK, "{recorded:?}");
    assert_eq!(scene.disposition(begun.call).await.as_deref(), Some("no_commitment"));
    client.put(&format!("/api/agents/{agent}/state"), &json!({ "state": "offline" })).await;
    scene.finish().await;
}
