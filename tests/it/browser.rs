//! The pages in headless Chromium against the running service.

mod account;
mod campaigns;
mod driver;

use std::time::Duration;

use axum::http::StatusCode;
use ledgerline::{
    agent::{self, Principal, Role},
    call::callbacks,
    carrier::token,
    ids::UserId,
    queue,
};
use serde_json::json;
use thirtyfour::prelude::*;

use self::driver::Browser;
use crate::{
    api::client::{Client, PASSWORD},
    desk::identity,
    scene::{Begun, Debtor, Scene, running_clock},
    tasks::of_department,
};

/// An agent of the campaign who can log in, but has not.
async fn hire(scene: &Scene, client: &Client, login: &str) -> UserId {
    let user = client.user(login, Role::Agent).await;
    let boss = Principal { user, role: Role::Supervisor, name: String::new(), login: String::new() };
    agent::assign(scene.app(), &boss, user, Some(scene.campaign)).await.expect("assigned");
    user
}

/// One who owes 1,250.00 alone in the queue of an agent who can log in, and the service at work.
async fn one_to_call(browser: &Browser) -> (Scene, Client, UserId, Debtor) {
    let mut scene = Scene::start_by(running_clock()).await;
    let client = Client::new(scene.app()).await;
    let agent = hire(&scene, &client, "agent-1").await;
    let debtor = scene.owing(1, 125_000).await;
    queue::rebuild(scene.app(), scene.campaign).await.expect("a queue");
    scene.test.serve();
    browser.serve_from(&scene.test.url(""));
    (scene, client, agent, debtor)
}

/// The agent's browser telephone dials in and is parked.
async fn park(scene: &Scene, agent: UserId) {
    let from = format!("client:{}", token::identity(agent));
    let form = [("CallSid", "CAagent1"), ("AccountSid", "AC01"), ("From", &from), ("CallStatus", "ringing")];
    let parked = scene.post(&format!("{}/agent", callbacks::PATH), &form).await;
    assert!(parked.body.contains("<Conference"), "{parked:?}");
}

async fn answered_call(scene: &Scene, debtor: &Debtor, agent: UserId) -> Begun {
    let begun = scene.dial(debtor, "CA01").await;
    scene.hook(&begun, "status", &crate::scene::status("CA01", "ringing", "1")).await;
    scene.answer(&begun, "CA01").await;
    scene.conference(&begun, agent, "CA01", "participant-join", "1").await;
    begun
}

/// The agent logs in at the desk, and is ready.
async fn get_ready(browser: &Browser, scene: &Scene, agent: UserId) -> WebDriverResult<()> {
    log_in(browser, "/desk", "agent-1").await?;
    at_desk(browser).await?;
    park(scene, agent).await;
    browser.keys(Key::Alt + "r").await?;
    browser.see_text("#state", "Ready").await
}

/// The service knows that the agent is at the desk: only then does it park a telephone that dials in.
async fn at_desk(browser: &Browser) -> WebDriverResult<()> {
    browser.see_text("#link", "Connected").await?;
    browser.see_text("#state", "Paused").await
}

async fn log_in(browser: &Browser, page: &str, login: &str) -> WebDriverResult<()> {
    browser.go(page).await?;
    browser.see("#go").await?;
    browser.shot("login").await?;
    browser.find("#login").await?.send_keys(login).await?;
    browser.find("#password").await?.send_keys(PASSWORD).await?;
    browser.find("#go").await?.click().await
}

#[tokio::test]
async fn an_answered_call_pops_its_account_and_a_promise_moves_it() {
    let Some(browser) = Browser::start("desk").await else { return };
    let mut scene = Scene::start_by(running_clock()).await;
    let client = Client::new(scene.app()).await;
    let agent = hire(&scene, &client, "agent-1").await;
    let debtor = scene.owing(1, 125_000).await;
    scene.owing(2, 80_000).await;
    queue::rebuild(scene.app(), scene.campaign).await.expect("a queue");
    scene.test.serve();
    browser.serve_from(&scene.test.url(""));

    let begun = desk(&browser, &scene, &debtor, agent).await.expect("the desk page works");

    // The desk is ready at once; the queue hears of the promise a moment later.
    let path = format!("/api/campaigns/{}/queue/held/open_promise", scene.campaign);
    let mut held = client.get(&path).await.body;
    for _ in 0..200 {
        if held["items"][0]["account"] == json!(debtor.account) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        held = client.get(&path).await.body;
    }
    assert_eq!(held["items"][0]["account"], json!(debtor.account), "{held}");
    let call = client.get(&format!("/api/calls/{}", begun.call)).await;
    assert_eq!((call.status, &call.body["call"]["disposition"]), (StatusCode::OK, &json!("promise_to_pay")));
    browser.stop().await;
    scene.finish().await;
}

async fn desk(browser: &Browser, scene: &Scene, debtor: &Debtor, agent: UserId) -> WebDriverResult<Begun> {
    get_ready(browser, scene, agent).await?;
    browser.shot("desk-ready").await?;

    let begun = answered_call(scene, debtor, agent).await;
    browser.see_text("#pop h1", "Debtor 0001 Ltd").await?;
    browser.see_text("#call-state", "bridged").await?;
    browser.shot("desk-call").await?;

    // What is on the screen survives a reload.
    browser.reload().await?;
    browser.see_text("#pop h1", "Debtor 0001 Ltd").await?;
    browser.see(".codes button").await?;
    browser.find("#items input").await?.click().await?;
    browser.keys("p").await?;
    let amount = browser.see("input[name=amount]").await?;
    assert_eq!(amount.prop("value").await?.as_deref(), Some("1250.00"), "what is owed is suggested");
    browser.shot("desk-promise").await?;

    scene.end(&begun, "CA01").await;
    browser.see_text("#call-state", "wrapping").await?;
    browser.shot("desk-wrap-up").await?;
    amount.focus().await?;
    browser.keys(Key::Enter + "").await?;
    browser.see_text("#state", "Ready").await?;
    browser.see_text("#history", "Promise to pay").await?;
    browser.shot("desk-after").await?;
    Ok(begun)
}

#[tokio::test]
async fn a_plan_is_shown_before_it_is_agreed_on_the_desk() {
    let Some(browser) = Browser::start("plan").await else { return };
    let (scene, client, agent, debtor) = one_to_call(&browser).await;
    plan(&browser, &scene, &debtor, agent).await.expect("the desk page works");
    let plans = client.get(&format!("/api/accounts/{}/plans", debtor.account)).await.body;
    let agreed = (&plans["items"][0]["status"], plans["items"][0]["parts"].as_array().map(Vec::len));
    assert_eq!(agreed, (&json!("active"), Some(3)), "{plans}");
    browser.stop().await;
    scene.finish().await;
}

async fn plan(browser: &Browser, scene: &Scene, debtor: &Debtor, agent: UserId) -> WebDriverResult<()> {
    get_ready(browser, scene, agent).await?;
    let begun = answered_call(scene, debtor, agent).await;
    browser.see_text("#call-state", "bridged").await?;
    browser.see(".codes button").await?;
    browser.keys("o").await?;
    let total = browser.see("input[name=plan_total]").await?;
    assert_eq!(total.prop("value").await?.as_deref(), Some("1250.00"), "what is owed is suggested");
    browser.find("#plan-show").await?.click().await?;
    browser.see_text("#plan-parts", "416.6").await?;
    browser.shot("desk-plan").await?;
    scene.end(&begun, "CA01").await;
    browser.see_text("#call-state", "wrapping").await?;
    total.focus().await?;
    browser.keys(Key::Enter + "").await?;
    browser.see_text("#state", "Ready").await?;
    browser.see_text("#history", "Instalment plan").await
}

#[tokio::test]
async fn a_part_of_an_item_is_disputed_and_a_reload_forgets_nothing() {
    let Some(browser) = Browser::start("dispute").await else { return };
    let (scene, client, agent, debtor) = one_to_call(&browser).await;
    let begun = dispute(&browser, &scene, &debtor, agent).await.expect("the desk page works");

    let account = client.get(&format!("/api/accounts/{}", debtor.account)).await;
    assert_eq!(account.body["figures"]["disputed"]["minor"], json!(40_000), "{:?}", account.body);
    assert_eq!(account.body["figures"]["collectible"]["minor"], json!(85_000), "the rest may be asked for");
    let notes = client.get(&format!("/api/accounts/{}/notes", debtor.account)).await;
    assert_eq!(notes.body["items"][0]["body"], json!("two crates were broken"), "{:?}", notes.body);
    let call = client.get(&format!("/api/calls/{}", begun.call)).await;
    assert_eq!(call.body["call"]["disposition"], json!("dispute"));
    browser.stop().await;
    scene.finish().await;
}

async fn dispute(browser: &Browser, scene: &Scene, debtor: &Debtor, agent: UserId) -> WebDriverResult<Begun> {
    get_ready(browser, scene, agent).await?;
    let begun = answered_call(scene, debtor, agent).await;
    browser.see_text("#call-state", "bridged").await?;
    browser.see(".codes button").await?;
    browser.keys("d").await?;
    browser.see_text("#disputed", "Tick the open items").await?;
    browser.find("#items input").await?.click().await?;
    let part = browser.see("#disputed input").await?;
    assert_eq!(part.prop("value").await?.as_deref(), Some("1250.00"), "all of it is suggested");
    part.clear().await?;
    part.send_keys("400.00").await?;
    browser.find("textarea[name=note]").await?.send_keys("two crates were broken").await?;
    browser.shot("desk-dispute").await?;

    browser.reload().await?;
    let part = browser.see("#disputed input").await?;
    assert_eq!(part.prop("value").await?.as_deref(), Some("400.00"), "what was typed is still there");
    scene.end(&begun, "CA01").await;
    browser.see_text("#call-state", "wrapping").await?;
    part.focus().await?;
    browser.keys(Key::Enter + "").await?;
    browser.see_text("#state", "Ready").await?;
    browser.see_text("#history", "Dispute").await?;
    Ok(begun)
}

#[tokio::test]
async fn the_floor_shows_the_call_and_pauses_the_campaign() {
    let Some(browser) = Browser::start("floor").await else { return };
    let mut scene = Scene::start_by(running_clock()).await;
    let client = Client::new(scene.app()).await;
    client.user("supervisor-1", Role::Supervisor).await;
    for n in 2..=9 {
        scene.owing(n, 10_000 * i64::from(n)).await;
    }
    let debtor = scene.owing(1, 125_000).await;
    queue::rebuild(scene.app(), scene.campaign).await.expect("a queue");
    let agent = scene.ready_agent(1).await;
    // Draining: it shows as running down, and the dialer places nothing beside the test's own call.
    let begun = answered_call(&scene, &debtor, agent).await;
    sqlx::query("UPDATE campaign SET state = 'draining' WHERE id = $1")
        .bind(scene.campaign.0)
        .execute(&scene.app().db)
        .await
        .expect("draining");
    scene.test.serve();
    browser.serve_from(&scene.test.url(""));

    floor(&browser).await.expect("the floor page works");
    let campaign = client.get(&format!("/api/campaigns/{}", scene.campaign)).await;
    assert_eq!(campaign.body["state"], "paused");

    scene.end(&begun, "CA01").await;
    browser.go("/floor").await.expect("the floor");
    browser.see_text("#agents", "wrapping up").await.expect("the board follows");
    client.put(&format!("/api/agents/{agent}/state"), &json!({"state": "offline"})).await;
    browser.stop().await;
    scene.finish().await;
}

async fn floor(browser: &Browser) -> WebDriverResult<()> {
    log_in(browser, "/", "supervisor-1").await?;
    browser.see_text("#link", "Live").await?;
    browser.see_text("#agents", "on call").await?;
    browser.see_text("#campaigns", "draining").await?;
    browser.see_text("[data-part=next]", "Debtor 0009 Ltd").await?;
    browser.see_text("[data-part=why]", "Draining: no new calls").await?;
    browser.see_text("[data-part=abandoned]", "in 30 days: no answers").await?;
    browser.find("#whatif-go").await?;
    browser.shot("floor").await?;
    browser.find("[data-do=pause]").await?.click().await?;
    browser.see_text("[data-part=state]", "paused").await?;
    browser.see_text("[data-part=why]", "Paused: no calls are placed.").await?;
    browser.go("/api").await?;
    browser.see("#tags details").await?;
    browser.shot("api").await
}

#[tokio::test]
async fn an_agent_calls_by_hand_and_reads_why_not() {
    let Some(browser) = Browser::start("by-hand").await else { return };
    let mut scene = Scene::start_by(running_clock()).await;
    let client = Client::new(scene.app()).await;
    let agent = hire(&scene, &client, "agent-1").await;
    let wanted = scene.owing(1, 125_000).await;
    let unwanted = scene.owing(2, 80_000).await;
    let wish = json!({ "wish": { "kind": "not_where", "label": "work" } });
    client.post(&format!("/api/accounts/{}/wishes", unwanted.account), &wish).await;
    queue::rebuild(scene.app(), scene.campaign).await.expect("a queue");
    scene.test.serve();
    browser.serve_from(&scene.test.url(""));

    by_hand(&browser, &scene, agent).await.expect("the desk page works");

    let live: (uuid::Uuid, Option<uuid::Uuid>) =
        sqlx::query_as("SELECT id, agent_id FROM call WHERE account_id = $1 AND live")
            .bind(wanted.account.0)
            .fetch_one(&scene.app().db)
            .await
            .expect("a call");
    assert_eq!(live.1, Some(agent.0));
    let hung_up = client.post(&format!("/api/calls/{}/hangup", live.0), &json!({})).await;
    assert_eq!(hung_up.status, StatusCode::NO_CONTENT);
    let ended = crate::scene::status("CAplaced1", "canceled", "3");
    let token: String = sqlx::query_scalar("SELECT callback_token FROM call WHERE id = $1")
        .bind(live.0)
        .fetch_one(&scene.app().db)
        .await
        .expect("a token");
    let token = ledgerline::call::CallbackToken::from_stored(token);
    scene.post(&crate::scene::address(ledgerline::ids::CallId(live.0), &token, "status"), &ended).await;
    browser.see_text("#state", "Paused").await.expect("the pause goes on");
    browser.stop().await;
    scene.finish().await;
}

async fn by_hand(browser: &Browser, scene: &Scene, agent: UserId) -> WebDriverResult<()> {
    log_in(browser, "/desk", "agent-1").await?;
    at_desk(browser).await?;
    park(scene, agent).await;
    let search = browser.see("#byhand-wanted").await?;
    search.send_keys("2").await?;
    browser.find("#byhand-form button").await?.click().await?;
    browser.see("#byhand-found li button").await?.click().await?;
    browser.see_text("#byhand-found", "inconvenient place").await?;
    browser.see_text("#byhand-found", "12 CFR 1006.6").await?;
    browser.find("#byhand-found p button").await?.click().await?;
    browser.see_text("#byhand-found", "not before something changes").await?;
    browser.shot("desk-by-hand-refused").await?;

    search.clear().await?;
    search.send_keys("Debtor 0001").await?;
    browser.find("#byhand-form button").await?.click().await?;
    browser.see_text("#byhand-found", "Debtor 0001 Ltd").await?;
    browser.see("#byhand-found li button").await?.click().await?;
    browser.see("#byhand-found button.main").await?.click().await?;
    browser.see_text("#pop h1", "Debtor 0001 Ltd").await?;
    browser.find("#wishes summary").await?.click().await?;
    browser.see("#wish-kind").await?;
    browser.find("#wish-kind option[value=not_at]").await?.click().await?;
    browser.find("#wish input[name=Fri]").await?.click().await?;
    browser.find("#wish button").await?.click().await?;
    browser.see_text("#wishes", "Recorded").await?;
    browser.see_text("#wishes-before", "not at").await?;
    browser.shot("desk-by-hand").await
}

#[tokio::test]
async fn the_debt_is_shown_when_the_agent_knows_who_is_speaking() {
    let Some(browser) = Browser::start("identity").await else { return };
    let mut scene = Scene::start_by(running_clock()).await;
    let client = Client::new(scene.app()).await;
    let agent = hire(&scene, &client, "agent-1").await;
    let debtor = identity::consumer(&scene).await;
    scene.test.serve();
    browser.serve_from(&scene.test.url(""));

    let begun = who_is_it(&browser, &scene, &client, &debtor, agent).await.expect("the desk page works");

    scene.end(&begun, "CAplaced1").await;
    client.put(&format!("/api/agents/{agent}/state"), &json!({"state": "offline"})).await;
    browser.stop().await;
    scene.finish().await;
}

async fn who_is_it(
    browser: &Browser,
    scene: &Scene,
    client: &Client,
    debtor: &Debtor,
    agent: UserId,
) -> WebDriverResult<Begun> {
    log_in(browser, "/desk", "agent-1").await?;
    at_desk(browser).await?;
    park(scene, agent).await;
    let begun = identity::call(scene, &client.of(agent).await, debtor).await;
    browser.see_text("#pop h1", "Person 1").await?;
    identity::pick_up(scene, &begun, agent).await;
    browser.see_text("#call-state", "bridged").await?;
    browser.see_text("#wrap", "wrong party").await?;
    let text = browser.find("main").await?.text().await?;
    assert!(!text.contains("500.00") && !text.contains("Promise to pay"), "{text}");
    browser.shot("desk-identity").await?;
    browser.keys(Key::Alt + "i").await?;
    browser.see_text("#pop", "R-0001").await?;
    browser.see_text("#wrap", "Promise to pay").await?;
    Ok(begun)
}

#[tokio::test]
async fn supervisors_see_why_nothing_dials_and_try_another_policy() {
    let Some(browser) = Browser::start("policy").await else { return };
    let mut scene = Scene::start_by(running_clock()).await;
    let client = Client::new(scene.app()).await;
    client.user("supervisor-1", Role::Supervisor).await;
    let called = scene.owing(1, 125_000).await;
    let held = scene.owing(2, 80_000).await;
    let begun = scene.dial(&called, "CA01").await;
    scene.hook(&begun, "status", &crate::scene::status("CA01", "no-answer", "2")).await;
    client.post(&format!("/api/accounts/{}/holds", held.account), &json!({ "reason": "attorney" })).await;
    scene.test.settle().await;
    queue::rebuild(scene.app(), scene.campaign).await.expect("a queue");
    scene.test.serve();
    browser.serve_from(&scene.test.url(""));

    policy(&browser).await.expect("the pages work");

    browser.stop().await;
    scene.finish().await;
}

async fn policy(browser: &Browser) -> WebDriverResult<()> {
    log_in(browser, "/floor", "supervisor-1").await?;
    browser.see_text("#waterfall-campaign", "Autumn").await?;
    browser.find("#waterfall-form button").await?.click().await?;
    browser.see_text("#waterfall-sum", "2 accounts looked at").await?;
    browser.see_text("#waterfall", "Held: attorney").await?;
    browser.find("#waterfall li button").await?.click().await?;
    browser.see_text("#waterfall-accounts", "Debtor 0002 Ltd").await?;
    browser.shot("floor-waterfall").await?;

    browser.go("/policy").await?;
    browser.see_text("#packs", "us_reg_f").await?;
    let text = browser.see("#text").await?;
    let source = text.prop("value").await?.unwrap_or_default();
    assert!(source.contains("three_in_seven"), "{source}");
    text.clear().await?;
    text.send_keys(source.replace("at_most = 3", "at_most = 0")).await?;
    browser.find("#try").await?.click().await?;
    browser.see_text("#said", "frequency.at_most").await?;
    let mornings = "name = 'house'\nversion = 9\ntitle = 'Mornings'\nnote = 'Not legal advice.'\nbase = true\n[[rule]]\n\
                    id = 'mornings'\ncite = 'house rule'\n\
                    hours = { windows = [{ days = ['Tue'], from = '08:00:00', to = '12:00:00' }] }\n";
    text.clear().await?;
    text.send_keys(mornings).await?;
    browser.find("#try").await?.click().await?;
    browser.see_text("#outcome", "house: mornings").await?;
    browser.see_text("#outcome", "Debtor 0001 Ltd").await?;
    browser.shot("policy").await?;

    browser.fill("#bar input[name=value]", "+1900*").await?;
    browser.fill("#bar input[name=reason]", "numbers that cost").await?;
    browser.find("#bar button").await?.click().await?;
    browser.see_text("#bar [data-said]", "On the list").await?;
    browser.see_text("#barred", "+1900*").await?;

    browser.find("#outcome a").await?.click().await?;
    browser.see_text("#tag", "permitted").await?;
    browser.see_text("#again", "the very same came out").await?;
    browser.see_text("#findings", "calling hours").await?;
    browser.shot("receipt").await
}

#[tokio::test]
async fn a_department_answers_a_dispute_on_its_page() {
    let Some(browser) = Browser::start("tasks").await else { return };
    let mut scene = Scene::start_by(running_clock()).await;
    let client = Client::new(scene.app()).await;
    of_department(scene.app(), "billing-1", "billing").await;
    let debtor = scene.owing(1, 125_000).await;
    let path = format!("/api/accounts/{}", debtor.account);
    let item = client.get(&path).await.body["open_items"][0]["instalment"].clone();
    let contested = json!({ "reason": "tax", "items": [{ "id": item, "amount_minor": 20_000 }] });
    let opened = client.post(&format!("{path}/disputes"), &contested).await;
    assert_eq!(opened.status, StatusCode::CREATED, "{}", opened.text);
    scene.test.serve();
    browser.serve_from(&scene.test.url(""));

    answer(&browser).await.expect("the page of tasks works");

    let read = client.get(&format!("/api/disputes/{}", opened.body["id"].as_str().expect("an id"))).await.body;
    assert_eq!(read["dispute"]["status"], "withdrawn", "{read}");
    browser.stop().await;
    scene.finish().await;
}

async fn answer(browser: &Browser) -> WebDriverResult<()> {
    log_in(browser, "/tasks", "billing-1").await?;
    browser.see_text("#list", "Tax").await?;
    browser.find("#list button").await?.click().await?;
    browser.see("#decision").await?;
    browser.shot("task").await?;
    browser.find("#decision select").await?.send_keys("withdrawn").await?;
    browser.find("#decision textarea").await?.send_keys("They found the certificate.").await?;
    browser.find("#decision button").await?.click().await?;
    browser.see_text("#dispute", "Answer: They found the certificate.").await
}

#[tokio::test]
async fn a_bank_statement_is_taken_in_and_worked_off_on_the_page() {
    let Some(browser) = Browser::start("cash").await else { return };
    let mut scene = Scene::start_by(running_clock()).await;
    let client = Client::new(scene.app()).await;
    client.user("supervisor-1", Role::Supervisor).await;
    let debtor = scene.owing(1, 125_000).await;
    let account = client.get(&format!("/api/accounts/{}", debtor.account)).await.body["account"].clone();
    let name = account["name"].as_str().expect("a name").to_owned();
    let file = std::env::temp_dir().join(format!("ledgerline-{}.csv", uuid::Uuid::now_v7()));
    let rows = format!(
        "Date,Amount,Name,Account,Description,Reference\n2026-03-09,1250.00,{name},,thank you,B-1\n2026-03-09,3.00,Payer 2,,?,B-2\n"
    );
    std::fs::write(&file, rows).expect("a file");
    scene.test.serve();
    browser.serve_from(&scene.test.url(""));

    let portfolio = account["portfolio"].as_str().expect("a portfolio").to_owned();
    cash(&browser, &portfolio, &file).await.expect("the page works");
    std::fs::remove_file(&file).expect("it is there");
    let owed = client.get(&format!("/api/accounts/{}", debtor.account)).await;
    assert_eq!(owed.body["figures"]["open"]["minor"], json!(0));

    browser.stop().await;
    scene.finish().await;
}

async fn cash(browser: &Browser, portfolio: &str, file: &std::path::Path) -> WebDriverResult<()> {
    log_in(browser, "/cash", "supervisor-1").await?;
    browser.see_text("#lines", "None.").await?;
    browser.find("#portfolio").await?.send_keys(portfolio).await?;
    browser.find("#file").await?.send_keys(file.to_string_lossy()).await?;
    browser.find("#mapping").await?.send_keys("bank").await?;
    browser.find("#bank-account").await?.send_keys("XX00").await?;
    browser.find("#upload button").await?.click().await?;
    browser.see_text("#said", "2 new lines").await?;
    browser.see_text("#lines", "The payer has the name of the account").await?;
    browser.see_text("#lines", "Nobody knows yet whose it is").await?;
    browser.shot("cash").await?;
    browser.find("#accept-all").await?.click().await?;
    browser.see_text("#said", "1 of 1 accepted").await
}
