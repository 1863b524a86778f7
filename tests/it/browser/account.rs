//! The account page: found, read, noted on, written to.

use ledgerline::agent::Role;
use thirtyfour::prelude::*;

use super::{driver::Browser, log_in};
use crate::{
    api::client::Client,
    messages::address,
    scene::{Scene, running_clock},
};

#[tokio::test]
async fn an_account_is_found_read_noted_on_and_written_to() {
    let Some(browser) = Browser::start("account").await else { return };
    let mut scene = Scene::start_by(running_clock()).await;
    let client = Client::new(scene.app()).await;
    client.user("boss", Role::Supervisor).await;
    let debtor = scene.owing(1, 125_000).await;
    address(scene.app(), &debtor, "clerk").await;
    // Where it is 13:00: in all of the country it would be too early for somebody.
    sqlx::query("UPDATE account SET region = 'NY'").execute(&scene.app().db).await.expect("a region");
    scene.test.serve();
    browser.serve_from(&scene.test.url(""));
    visit(&browser).await.expect("the account page works");
    browser.stop().await;
    scene.finish().await;
}

async fn visit(browser: &Browser) -> WebDriverResult<()> {
    log_in(browser, "/accounts", "boss").await?;
    browser.see_text("#found", "Debtor 0001 Ltd").await?;
    browser.shot("accounts").await?;
    browser.find("#found a").await?.click().await?;
    browser.see_text("#name", "Debtor 0001 Ltd").await?;
    browser.see_text("#figures", "1,250.00").await?;
    browser.see_text("#items", "R-0001").await?;

    browser.find("#note input").await?.send_keys("Asked for a copy").await?;
    browser.keys(Key::Enter + "").await?;
    browser.see_text("#line", "Asked for a copy").await?;

    browser.find("#letter textarea").await?.send_keys("Here it is.").await?;
    browser.find("#preview").await?.click().await?;
    browser.see_text("#shown", "Here it is.").await?;
    browser.find("#letter button.main").await?.click().await?;
    browser.see_text("#said", "Sent").await?;
    browser.see_text("#messages", "Your account 1 with").await?;
    browser.find("#review").await?.click().await?;
    browser.see_text("#credit", "too little history").await?;
    browser.shot("account").await?;

    browser.go("/reminders").await?;
    browser.see_text("#today", "no ladder").await?;
    browser.find("#active").await?.click().await?;
    browser.find("#edit button.main").await?.click().await?;
    browser.see_text("#ladders", "Standard").await?;
    browser.see_text("#today", "reminder 1").await?;
    browser.shot("reminders").await?;

    browser.go("/templates").await?;
    browser.see_text("#versions", "version 1").await?;
    browser.shot("templates").await
}
