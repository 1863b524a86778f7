//! The page of campaigns: one is made, given its settings and an agent, and started.

use ledgerline::agent::Role;
use serde_json::json;
use thirtyfour::prelude::*;

use super::{driver::Browser, log_in};
use crate::{
    api::client::Client,
    scene::{OUR_NUMBER, Scene, running_clock},
};

#[tokio::test]
async fn a_campaign_is_made_staffed_and_started_on_its_page() {
    let Some(browser) = Browser::start("campaigns").await else { return };
    let mut scene = Scene::start_by(running_clock()).await;
    let client = Client::new(scene.app()).await;
    client.user("supervisor-1", Role::Supervisor).await;
    let agent = client.user("agent-1", Role::Agent).await;
    scene.owing(1, 125_000).await;
    scene.test.serve();
    browser.serve_from(&scene.test.url(""));

    make(&browser).await.expect("the page of campaigns works");

    let campaigns = client.get("/api/campaigns").await.body;
    let made = campaigns["items"].as_array().and_then(|all| all.iter().find(|one| one["name"] == "Winter"));
    let made = made.expect("it is made");
    let settings = &made["settings"];
    assert_eq!((&made["state"], &made["mode"]), (&json!("running"), &json!("predictive")));
    assert_eq!(settings["caller_ids"], json!([OUR_NUMBER]));
    assert_eq!(settings["limits"]["wrap_up_seconds"], json!(90));
    assert_eq!(settings["limits"]["promise_tolerance_minor"], json!(250));
    assert_eq!(settings["hours"][0]["days"], json!(["Mon", "Tue", "Wed", "Thu"]));
    assert_eq!(settings["retry"]["contact"], json!(10_080), "what was not touched is as it was");
    let agents = client.get("/api/agents").await.body;
    let assigned = agents["items"].as_array().and_then(|all| all.iter().find(|one| one["id"] == json!(agent)));
    assert_eq!(assigned.expect("the agent")["campaign"], made["id"]);
    browser.stop().await;
    scene.finish().await;
}

async fn make(browser: &Browser) -> WebDriverResult<()> {
    log_in(browser, "/campaigns", "supervisor-1").await?;
    browser.see_text("#list", "Autumn").await?;
    browser.fill("#new input[name=name]", "Winter").await?;
    browser.find("#new select[name=mode] option[value=predictive]").await?.click().await?;
    browser.find("#new button").await?.click().await?;
    browser.see_text("#one-title", "Winter").await?;

    browser.find("[data-campaign=Winter] [data-do=start]").await?.click().await?;
    browser.see_text("#said", "settings.caller_ids: must hold at least one number").await?;
    browser.see("[name=caller_ids][aria-invalid=true]").await?;
    browser.fill("[name=creditor_name]", "Example Trading").await?;
    browser.fill("[name=caller_ids]", OUR_NUMBER).await?;
    browser.fill("[name=abandoned_message]", "Bye.").await?;
    browser.fill("[name='limits.wrap_up_seconds']", "90").await?;
    browser.fill("[name='limits.promise_tolerance_minor']", "2.50").await?;
    browser.find(".hours li label:nth-child(5) input").await?.click().await?;
    browser.find("#settings button.main").await?.click().await?;
    browser.see_text("#settings [data-said]", "must name the caller").await?;
    browser.find("[name=abandoned_message][aria-invalid=true]").await?;
    browser.fill("[name=abandoned_message]", "{creditor} called. Please call {number}.").await?;
    browser.find("#settings button.main").await?.click().await?;
    browser.see_text("#settings [data-said]", "Kept.").await?;

    browser.see_text("#agents", "Nobody takes its calls yet.").await?;
    browser.find("#assign option").await?.click().await?;
    browser.find("#assign button").await?.click().await?;
    browser.see_text("#assign [data-said]", "Assigned.").await?;
    browser.see_text("[data-agent=agent-1]", "offline").await?;
    browser.see_text("[data-campaign=Winter]", "1 agent").await?;

    browser.find("[data-campaign=Winter] [data-do=start]").await?.click().await?;
    browser.see_text("#one-state", "running").await?;
    browser.find("#queue-part > summary").await?.click().await?;
    browser.see_text("#depth", "ready").await?;
    browser.shot("campaigns").await
}
