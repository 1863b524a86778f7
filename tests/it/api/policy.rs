//! What may be done, why not, and what another policy would have said.

use axum::http::StatusCode;
use chrono::TimeDelta;
use ledgerline::{
    campaign::{self, Settings},
    compliance::{self, look, migrate, replay, waterfall},
    error::Error,
    ids::{CallId, ContactPointId},
};
use serde_json::{Value, json};

use super::client::Client;
use crate::scene::{Debtor, Scene, status};

/// The verdict on a number of the campaign at this moment, kept.
async fn look_at(scene: &Scene, debtor: &Debtor) -> compliance::Receipt {
    let app = scene.app();
    let mut conn = app.db.acquire().await.expect("a connection");
    let campaign = campaign::store::get(&mut conn, scene.campaign).await.expect("a campaign");
    let (now, today) = (app.clock.now(), app.clock.business_date());
    let mut requests = look::requests(&mut conn, &campaign, &[debtor.point], now, today).await.expect("facts");
    let receipt = compliance::judge(requests.remove(&debtor.point).expect("listed"), &app.policies, now);
    let kept = compliance::store::keep(&mut conn, scene.campaign, receipt.clone()).await.expect("kept");
    assert_eq!(kept.is_ok(), receipt.refusal.is_none());
    receipt
}

async fn change_settings(scene: &Scene, change: impl FnOnce(&mut Settings)) {
    let mut conn = scene.app().db.acquire().await.expect("a connection");
    let campaign = campaign::store::get(&mut conn, scene.campaign).await.expect("a campaign");
    let mut settings = campaign.settings;
    change(&mut settings);
    campaign::update_settings(scene.app(), None, campaign.id, campaign.version, settings).await.expect("changed");
}

#[tokio::test]
async fn may_contact_answers_for_each_number_with_rules_and_the_next_moment() {
    let scene = Scene::start().await;
    let client = Client::new(scene.app()).await;
    let debtor = scene.owing(1, 50_000).await;
    let path = format!("/api/accounts/{}/may-contact?campaign={}", debtor.account, scene.campaign);
    let free = client.get(&path).await;
    assert_eq!(free.status, StatusCode::OK, "{:?}", free.body);
    assert_eq!(
        (&free.body["points"][0]["allowed"], &free.body["points"][0]["channel"]),
        (&json!(true), &json!("phone"))
    );

    let wish = json!({ "wish": { "kind": "not_at", "days": ["Tue"], "from": "12:00:00", "to": "15:00:00" } });
    let added = client.post(&format!("/api/accounts/{}/wishes", debtor.account), &wish).await;
    assert_eq!(added.status, StatusCode::CREATED, "{:?}", added.body);
    let held = client.get(&path).await.body["points"][0]["refusal"].clone();
    assert_eq!(
        (&held["rule"], &held["next_allowed_at"]),
        (&json!("inconvenient_time"), &json!("2026-03-10T19:00:00Z"))
    );
    let by_hand = client.get(&format!("/api/accounts/{}/may-contact", debtor.account)).await;
    assert_eq!(by_hand.body["points"][0]["refusal"]["rule"], "inconvenient_time", "a call by hand as well");

    let id = added.body["id"].as_str().expect("an id").to_owned();
    assert_eq!(client.delete(&format!("/api/wishes/{id}")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(client.get(&path).await.body["points"][0]["allowed"], json!(true));
    let wrong = json!({ "wish": { "kind": "not_at", "days": [], "from": "12:00:00", "to": "15:00:00" } });
    let refused = client.post(&format!("/api/accounts/{}/wishes", debtor.account), &wrong).await;
    assert_eq!((refused.status, &refused.body["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("wish.days")));
    scene.finish().await;
}

#[tokio::test]
async fn a_receipt_is_given_again_the_same_and_never_changed() {
    let scene = Scene::start().await;
    let client = Client::new(scene.app()).await;
    let debtor = scene.owing(1, 50_000).await;
    let permitted = look_at(&scene, &debtor).await;
    let begun = scene.dial(&debtor, "CA01").await;
    let refused = look_at(&scene, &debtor).await;
    assert_eq!(refused.refusal.as_ref().map(|refusal| refusal.rule.as_str()), Some("attempts_per_number_per_day"));
    for receipt in [&permitted, &refused] {
        let path = format!("/api/decisions/{}", receipt.request.decision);
        let again = client.get(&path).await;
        assert_eq!((again.status, &again.body["confirmed"]), (StatusCode::OK, &json!(true)), "{:?}", again.body);
        assert_eq!(again.body["findings"].as_array().map(Vec::len), Some(receipt.findings.len()));
    }
    let changed = sqlx::query("UPDATE dial_decision SET permitted = true").execute(&scene.app().db).await;
    assert!(changed.is_err_and(|error| error.to_string().contains("append-only")));
    let gone = sqlx::query("DELETE FROM policy_version").execute(&scene.app().db).await;
    assert!(gone.is_err_and(|error| error.to_string().contains("append-only")));
    scene.end(&begun, "CA01").await;
    scene.finish().await;
}

#[tokio::test]
async fn the_waterfall_says_where_every_account_stands_and_opens_it() {
    let scene = Scene::start().await;
    let client = Client::new(scene.app()).await;
    scene.owing(1, 50_000).await;
    let poor = scene.owing(2, 50_000).await;
    let unwanted = scene.owing(3, 50_000).await;
    scene.debtor(4).await;
    let hold = json!({ "reason": "hardship" });
    assert_eq!(client.post(&format!("/api/accounts/{}/holds", poor.account), &hold).await.status, StatusCode::CREATED);
    let wish = json!({ "wish": { "kind": "not_where", "label": "work" } });
    client.post(&format!("/api/accounts/{}/wishes", unwanted.account), &wish).await;
    let path = format!("/api/campaigns/{}/waterfall", scene.campaign);
    let fall = client.get(&path).await.body;
    let steps: Vec<(&str, u64)> = fall["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .map(|step| (step["step"].as_str().expect("a name"), step["accounts"].as_u64().expect("a count")))
        .collect();
    assert_eq!(steps, [("not_listed", 1), ("held:hardship", 1), ("rule:inconvenient_place", 1), ("ready", 1)]);
    assert_eq!((&fall["examined"], &fall["next"]), (&json!(4), &Value::Null));
    let behind = client.get(&format!("{path}/accounts?step=rule:inconvenient_place")).await.body;
    assert_eq!(behind["items"][0]["id"], json!(unwanted.account));
    let campaign = {
        let mut conn = scene.app().db.acquire().await.expect("a connection");
        campaign::store::get(&mut conn, scene.campaign).await.expect("a campaign")
    };
    let (first, next) = waterfall::fall(scene.app(), &campaign, None, 3).await.expect("a part");
    let (rest, end) = waterfall::fall(scene.app(), &campaign, next, 3).await.expect("the rest");
    assert_eq!((first.examined, rest.examined, end), (3, 1, None));
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let (part, next) = waterfall::behind(scene.app(), &campaign, "ready", after, 1).await.expect("a part");
        found.extend(part);
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found.len(), 1, "one account at a time, none passed over and none twice");
    scene.test.settle().await;
    scene.finish().await;
}

#[tokio::test]
async fn the_sandbox_says_what_a_changed_policy_would_have_refused() {
    let scene = Scene::start().await;
    let client = Client::new(scene.app()).await;
    for n in 1..=3 {
        let debtor = scene.owing(n, 50_000).await;
        assert_eq!(look_at(&scene, &debtor).await.refusal, None);
    }
    let stricter = "name = 'house'\nversion = 2\ntitle = 'Stricter'\nnote = 'Not legal advice.'\nbase = true\n\
                    [[rule]]\nid = 'mornings'\ncite = 'house rule'\n\
                    hours = { windows = [{ days = ['Tue'], from = '08:00:00', to = '12:00:00' }] }\n";
    let trial = json!({ "days": 90, "packs": { "house.toml": stricter } });
    let tried = client.post("/api/policy/sandbox", &trial).await;
    assert_eq!(tried.status, StatusCode::OK, "{:?}", tried.body);
    let expected = json!({ "verdicts": 3, "permitted": 3, "would_refuse": 3, "would_permit": 0 });
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(&tried.body[name], value, "{name}");
    }
    assert_eq!(tried.body["by_rule"], json!({ "house/mornings": 3 }));
    let wrong = json!({ "days": 90, "packs": { "house.toml": stricter.replace("08:00", "13:00") } });
    let refused = client.post("/api/policy/sandbox", &wrong).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.body["field"], "house.toml: rule[0].hours.windows[0].to");
    let trial = |after| replay::Trial {
        book: (*scene.app().policies.book).clone(),
        campaign: None,
        since: scene.now() - TimeDelta::days(1),
        after,
        most: 2,
    };
    let (tried, next) = replay::try_out(&scene.app().db, trial(None)).await.expect("tried");
    assert_eq!((tried.verdicts, tried.would_refuse, next.is_some()), (2, 0, true));
    let (tried, next) = replay::try_out(&scene.app().db, trial(next)).await.expect("tried");
    assert_eq!((tried.verdicts, next), (1, None), "the rest");
    let torn = json!({ "days": 90, "packs": { "house.toml": stricter }, "cursor": "x" });
    assert_eq!(client.post("/api/policy/sandbox", &torn).await.body["field"], "cursor");
    scene.finish().await;
}

#[tokio::test]
async fn attempts_of_another_dialer_count() {
    let scene = Scene::start().await;
    let debtor = scene.owing(1, 50_000).await;
    change_settings(&scene, |settings| settings.limits.attempts_per_person_per_week = 7).await;
    let number = debtor.number.as_str();
    let day = |days: i64| (scene.now() - TimeDelta::days(days)).to_rfc3339();
    let file = format!(
        "number,at,result\n{number},{},no answer\n{number},{},busy\n{number},{},machine\n{number},{},NA\n",
        day(1),
        day(2),
        day(3),
        day(4)
    );
    let found = migrate::read(file.as_bytes(), scene.now()).expect("a file");
    let mut conn = scene.app().db.acquire().await.expect("a connection");
    let add = async |conn: &mut sqlx::PgConnection, attempts: &[migrate::Attempt]| {
        compliance::store::add_foreign(conn, "old dialer", attempts, scene.now()).await.expect("added")
    };
    assert_eq!(add(&mut conn, &found.attempts[..3]).await, 3);
    drop(conn);
    assert_eq!(look_at(&scene, &debtor).await.refusal, None, "one was busy: two count");
    let mut conn = scene.app().db.acquire().await.expect("a connection");
    assert_eq!(add(&mut conn, &found.attempts).await, 1, "the others are known");
    drop(conn);
    let refusal = look_at(&scene, &debtor).await.refusal.expect("three in seven days");
    assert_eq!((refusal.rule.as_str(), refusal.facts["counted"].as_u64()), ("house/three_in_seven", Some(3)));
    scene.finish().await;
}

#[tokio::test]
async fn attempts_of_another_dialer_count_on_every_number_of_the_account() {
    let scene = Scene::start().await;
    let debtor = scene.owing(1, 50_000).await;
    change_settings(&scene, |settings| settings.limits.attempts_per_person_per_week = 7).await;
    second_number(&scene, &debtor, "+12125550177").await;
    let at = |days: i64| (scene.now() - TimeDelta::days(days)).to_rfc3339();
    let rows = [1, 2, 3].map(|days| format!("+12125550177,{},no answer\n", at(days))).concat();
    let found = migrate::read(format!("number,at,result\n{rows}").as_bytes(), scene.now()).expect("a file");
    let mut conn = scene.app().db.acquire().await.expect("a connection");
    let added = compliance::store::add_foreign(&mut conn, "old", &found.attempts, scene.now()).await;
    assert_eq!(added.expect("added"), 3);
    drop(conn);
    let refusal = look_at(&scene, &debtor).await.refusal.expect("three in seven days");
    assert_eq!((refusal.rule.as_str(), refusal.facts["counted"].as_u64()), ("house/three_in_seven", Some(3)));
    scene.finish().await;
}

#[tokio::test]
async fn an_account_number_of_several_portfolios_is_refused_until_one_is_named() {
    let scene = Scene::start().await;
    let debtor = scene.owing(1, 50_000).await;
    sqlx::query(
        "INSERT INTO account (id, portfolio, number, name, party_kind, currency, created_at, updated_at)
         SELECT gen_random_uuid(), 'other', number, name, party_kind, currency, created_at, updated_at FROM account",
    )
    .execute(&scene.app().db)
    .await
    .expect("another account of that number");
    let at = (scene.now() - TimeDelta::days(1)).to_rfc3339();
    let add = async |file: String| {
        let found = migrate::read(file.as_bytes(), scene.now()).expect("a file");
        let mut conn = scene.app().db.acquire().await.expect("a connection");
        compliance::store::add_foreign(&mut conn, "old", &found.attempts, scene.now()).await
    };
    let ambiguous = format!("number,at,result,account\n+12125550177,{at},busy,\n+12125550177,{at},busy,1\n");
    let refused = add(ambiguous).await;
    assert!(
        matches!(&refused, Err(Error::Invalid { field, detail }) if field == "account" && detail.starts_with("line 3:")),
        "{refused:?}"
    );
    let named = format!("number,at,result,account,portfolio\n+12125550177,{at},busy,1,test\n");
    assert_eq!(add(named).await.expect("added"), 1, "nothing was kept of the file before");
    let account: uuid::Uuid = sqlx::query_scalar("SELECT account_id FROM foreign_attempt")
        .fetch_one(&scene.app().db)
        .await
        .expect("an attempt");
    assert_eq!(account, debtor.account.0);
    scene.finish().await;
}

/// Another number of the same contact.
async fn second_number(scene: &Scene, debtor: &Debtor, number: &str) -> ContactPointId {
    let point = ContactPointId::generate();
    sqlx::query(
        "INSERT INTO contact_point (id, contact_id, account_id, kind, value, country, zones, position, created_at)
         SELECT $1, contact_id, account_id, 'phone', $2, 'US', zones, 1, created_at FROM contact_point WHERE id = $3",
    )
    .bind(point)
    .bind(number)
    .bind(debtor.point)
    .execute(&scene.app().db)
    .await
    .expect("a number");
    point
}

/// A callback that is due, agreed in a call that was recorded like this.
async fn agreed(scene: &Scene, call: CallId, category: &str, point: Option<ContactPointId>) {
    let now = scene.now();
    sqlx::query("DELETE FROM callback").execute(&scene.app().db).await.expect("no other");
    sqlx::query(
        "INSERT INTO call_disposition (call_id, set_name, code, category, user_id, at)
         SELECT $1, 'standard', 'callback', $2, (SELECT id FROM users LIMIT 1), $3
         ON CONFLICT (call_id) DO UPDATE SET code = 'callback', category = $2, user_id = excluded.user_id",
    )
    .bind(call)
    .bind(category)
    .bind(now)
    .execute(&scene.app().db)
    .await
    .expect("a disposition");
    sqlx::query(
        "INSERT INTO callback (id, account_id, contact_point_id, due_at, status, call_id, created_at)
         SELECT gen_random_uuid(), account_id, $2, $3, 'open', id, $3 FROM call WHERE id = $1",
    )
    .bind(call)
    .bind(point)
    .bind(now)
    .execute(&scene.app().db)
    .await
    .expect("a callback");
}

#[tokio::test]
async fn only_the_debtor_consents_to_a_callback_and_for_the_number_that_was_spoken_of() {
    let scene = Scene::start().await;
    Client::new(scene.app()).await;
    let debtor = scene.owing(1, 50_000).await;
    let other_number = second_number(&scene, &debtor, "+12125550177").await;
    let begun = scene.dial(&debtor, "CA01").await;
    scene.hook(&begun, "status", &status("CA01", "no-answer", "2")).await;
    let run = async |sql: &'static str| {
        sqlx::query(sql).execute(&scene.app().db).await.expect("changed");
    };
    let wished = async || {
        let request = look_at(&scene, &debtor).await.request;
        assert_eq!(request.consented_at.is_some(), request.at_debtors_wish);
        request.at_debtors_wish
    };
    assert!(!wished().await, "no callback");

    agreed(&scene, begun.call, "right_party", Some(debtor.point)).await;
    assert_eq!(look_at(&scene, &debtor).await.refusal, None, "neither the rest nor the counts hold it back");
    assert!(wished().await);
    for category in ["third_party", "wrong_party", "no_contact"] {
        agreed(&scene, begun.call, category, Some(debtor.point)).await;
        assert!(!wished().await, "{category}");
        let refusal = look_at(&scene, &debtor).await.refusal.map(|refusal| refusal.rule);
        assert_eq!(
            refusal.as_deref(),
            Some("attempts_per_number_per_day"),
            "{category}: it reminds, and every count holds"
        );
    }
    agreed(&scene, begun.call, "right_party", Some(other_number)).await;
    assert!(!wished().await, "of another number");
    agreed(&scene, begun.call, "right_party", None).await;
    assert!(wished().await, "of no number in particular");
    run("UPDATE callback SET due_at = due_at + interval '1 second'").await;
    assert!(!wished().await, "a second too early");
    run("UPDATE callback SET due_at = due_at - interval '1 second'").await;
    run("UPDATE call_disposition SET user_id = NULL").await;
    assert!(!wished().await, "nobody said who was reached");
    agreed(&scene, begun.call, "right_party", Some(debtor.point)).await;
    run("WITH p AS (INSERT INTO person (id, name, created_at) VALUES ('00000000-0000-0000-0000-000000000001', 'Clerk', now()))
         UPDATE call SET person_id = '00000000-0000-0000-0000-000000000001'")
    .await;
    assert!(!wished().await, "with somebody else at the account");
    scene.finish().await;
}

#[tokio::test]
async fn the_receipt_of_a_call_is_found_from_the_call_and_from_the_time_line() {
    let scene = Scene::start().await;
    let client = Client::new(scene.app()).await;
    let debtor = scene.owing(1, 50_000).await;
    let begun = scene.dial(&debtor, "CA01").await;
    let call = client.get(&format!("/api/calls/{}", begun.call)).await.body["call"].clone();
    let decision = call["decision"].as_str().expect("a receipt").to_owned();
    let receipt = client.get(&format!("/api/decisions/{decision}")).await;
    assert_eq!((receipt.status, &receipt.body["confirmed"]), (StatusCode::OK, &json!(true)), "{}", receipt.text);
    let line = client.get(&format!("/api/accounts/{}/timeline", debtor.account)).await.body;
    let entry = line["items"].as_array().and_then(|items| items.iter().find(|one| one["kind"] == "call").cloned());
    assert_eq!(entry.expect("the call")["decision"], json!(decision));
    scene.end(&begun, "CA01").await;
    scene.finish().await;
}
