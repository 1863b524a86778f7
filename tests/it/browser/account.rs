//! The account page: found, read, noted on, written to.

use ledgerline::agent::Role;
use serde_json::json;
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
    let received_on = scene.app().clock.business_date();
    let paid = json!({ "account": debtor.account, "amount": { "minor": 20_000, "currency": "USD" }, "received_on": received_on,
                       "method": "transfer", "reference": "", "apply": "rules" });
    let recorded = client.post("/api/payments", &paid).await;
    assert_eq!(recorded.status.as_u16(), 201, "{}", recorded.text);
    let line = "Date,Amount,Name,Account,Description,Reference\n2026-03-09,1250.00,Debtor 0001 Ltd,,thank you,B-1\n";
    let statement = "/api/cash/statements?portfolio=test&name=bank.csv&mapping=bank&bank_account=XX00";
    let taken = client.authorized("POST", statement, Some(line.to_owned())).await;
    assert_eq!(taken.status.as_u16(), 200, "{}", taken.text);
    scene.test.settle().await;
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
    browser.see_text("#figures", "1,050.00").await?;
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
    booking(browser).await?;
    browser.find("#review").await?.click().await?;
    browser.see_text("#credit", "too little history").await?;
    browser.shot("account").await?;

    browser.go("/reminders").await?;
    browser.see_text("#today", "no ladder").await?;
    browser.find("#active").await?.click().await?;
    browser.find("#edit button.main").await?.click().await?;
    browser.see_text("#ladders", "Standard").await?;
    browser.see_text("#ladders", "reminder 2 +20").await?;
    browser.see_text("#today", "reminder 1").await?;
    browser.shot("reminders").await?;

    browser.go("/templates").await?;
    browser.see_text("#versions", "version 1").await?;
    browser.shot("templates").await?;

    browser.go("/accounts").await?;
    browser.see("#found a").await?.click().await?;
    by_hand(browser).await
}

/// What a letter promises and contests, and who is to be left alone.
async fn by_hand(browser: &Browser) -> WebDriverResult<()> {
    browser.see_text("#possible", "$1,250.00 came to the bank").await?;
    browser.see("#agreed details:has(#promise) > summary").await?.click().await?;
    browser.fill("#promise input[name=amount]", "9000.00").await?;
    browser.find("#promise button").await?.click().await?;
    browser.see_text("#promise [data-said]", "at most 975.00").await?;
    browser.fill("#promise input[name=amount]", "600.00").await?;
    browser.find("#promise button").await?.click().await?;
    browser.see_text("#said", "The promise is recorded.").await?;
    browser.see_text("[data-promise=open]", "$600.00").await?;

    browser.find("#agreed details:has(#dispute-form) > summary").await?.click().await?;
    browser.fill("#dispute-form input[name=amount]", "100.00").await?;
    browser.find("#dispute-form button.main").await?.click().await?;
    browser.see_text("#said", "The dispute is open").await?;
    browser.see_text("[data-dispute=open]", "$100.00").await?;

    browser.find("[data-promise=open] summary").await?.click().await?;
    browser.find("[data-promise=open] button").await?.click().await?;
    browser.see_text("#said", "The promise is taken back.").await?;

    browser.see_text("[data-point='clerk@debtor.example']", "may be contacted").await?;
    browser.find("#reach .ask summary").await?.click().await?;
    browser.find("#wish select[name=reason] option[value=attorney]").await?.click().await?;
    browser.find("#wish button").await?.click().await?;
    browser.see_text("#standing", "attorney").await?;
    browser.see_text("#flags", "attorney").await?;
    browser.shot("account-by-hand").await?;
    browser.find("#standing button").await?.click().await?;
    browser.see_text("#said", "Released.").await
}

/// What is posted, taken off, applied, and asked for.
async fn booking(browser: &Browser) -> WebDriverResult<()> {
    let post = "#booking > .ask:has(select[name=kind])";
    browser.find(&format!("{post} summary")).await?.click().await?;
    let choose = |kind: &str| format!("{post} select[name=kind] option[value={kind}]");
    browser.find(&choose("small_balance")).await?.click().await?;
    browser.see_text(post, "You may post up to").await?;
    browser.fill(&format!("{post} input[name=amount]"), "abc").await?;
    browser.fill(&format!("{post} input[name=reason]"), "too little to ask for").await?;
    browser.find(&format!("{post} button")).await?.click().await?;
    browser.see_text("#said", "amount: expected more than 0").await?;
    browser.fill(&format!("{post} input[name=amount]"), "50.00").await?;
    browser.find(&format!("{post} button")).await?.click().await?;
    browser.see_text("#said", "Posted.").await?;
    browser.see_text("#figures", "1,000.00").await?;
    browser.see_text("#booking", "too little to ask for").await?;

    browser.find(&format!("{post} summary")).await?.click().await?;
    browser.find(&choose("write_off")).await?.click().await?;
    browser.fill(&format!("{post} input[name=amount]"), "1000.00").await?;
    browser.fill(&format!("{post} input[name=reason]"), "insolvent").await?;
    browser.find(&format!("{post} button")).await?.click().await?;
    browser.see_text("#said", "Posted.").await?;
    browser.see_text("#figures", "Open").await?;
    browser.find("[data-posting=write_off] .ask summary").await?.click().await?;
    browser.fill("[data-posting=write_off] input[name=reason]", "they pay after all").await?;
    browser.find("[data-posting=write_off] .ask button").await?.click().await?;
    browser.accept().await?;
    browser.see_text("#said", "Taken back.").await?;

    browser.find("[data-payment] ul button").await?.click().await?;
    browser.see_text("#said", "Taken off").await?;
    browser.see_text("[data-payment]", "$200.00 not applied").await?;
    browser.see_text("#flags", "not applied yet").await?;
    browser.find("[data-payment] .ask summary").await?.click().await?;
    browser.find("[data-payment] .ask button").await?.click().await?;
    browser.see_text("#said", "Applied.").await?;

    browser.find("#items button").await?.click().await?;
    browser.see_text("#invoice", "Nothing is enclosed").await?;
    browser.fill("#invoice input[name=name]", "proof of delivery").await?;
    browser.fill("#invoice input[name=reference]", "DMS 4711").await?;
    browser.find("#invoice form button").await?.click().await?;
    browser.see_text("#invoice", "proof of delivery: DMS 4711").await?;

    let pay = "#booking > .ask:has(input[name=method])";
    browser.find(&format!("{pay} summary")).await?.click().await?;
    browser.see_text(pay, "without a limit").await?;
    browser.fill(&format!("{pay} input[name=amount]"), "25.00").await?;
    browser.fill(&format!("{pay} input[name=reference]"), "by telephone").await?;
    browser.find(&format!("{pay} button")).await?.click().await?;
    browser.see_text("#said", "Recorded, and applied by the rules.").await?;
    browser.see_text("#booking", "by telephone").await
}

#[tokio::test]
async fn a_house_is_settled_on_its_pages() {
    let Some(browser) = Browser::start("house").await else { return };
    let mut scene = Scene::start_by(running_clock()).await;
    let client = Client::new(scene.app()).await;
    client.user("agent-1", Role::Agent).await;
    scene.owing(1, 125_000).await;
    scene.test.serve();
    browser.serve_from(&scene.test.url(""));
    settle(&browser).await.expect("the pages work");
    let users = client.get("/api/users").await.body;
    assert!(users.to_string().contains(r#""team":"North""#), "{users}");
    let ladder = client.get("/api/agreements/escalation").await.body;
    assert_eq!(ladder["level"][1]["name"], "Head of credit", "{ladder}");
    let text = client.get("/api/agreements").await.body["text"].as_str().expect("a text").to_owned();
    assert!(text.contains("# A debtor who is vulnerable"), "what people wrote is still there");
    browser.stop().await;
    scene.finish().await;
}

async fn settle(browser: &Browser) -> WebDriverResult<()> {
    log_in(browser, "/users", "admin-1").await?;
    browser.see_text("#users", "agent-1").await?;
    browser.find("[data-login=agent-1] button").await?.click().await?;
    browser.see_text("#form-title", "Change agent-1").await?;
    browser.fill("#form input[name=team]", "North").await?;
    browser.find("#save").await?.click().await?;
    browser.see_text("#said", "agent-1 is changed.").await?;
    browser.see_text("[data-login=agent-1]", "North").await?;
    browser.shot("users").await?;

    browser.go("/settings").await?;
    browser.see_text("#limits", "credit note").await?;
    browser.see_text("#house select", "test").await?;
    browser.fill("#house input[name=name]", "Example Trading").await?;
    browser.fill("#house input[name=prefix]", "EX-").await?;
    browser.find("#house button").await?.click().await?;
    browser.see_text("#said", "Kept.").await?;
    browser.see_text("#example", "EX-").await?;
    browser.shot("settings").await?;

    browser.go("/agreements").await?;
    browser.see("#levels input").await?;
    browser.fill("#levels li:nth-child(2) input[name=name]", "Head of credit").await?;
    browser.find("#save-ladder").await?.click().await?;
    browser.see_text("#said", "The ladder is in force.").await?;
    browser.shot("agreements").await?;

    browser.go("/close").await?;
    browser.see_text("#through", "nothing is closed").await?;
    browser.find("#ask button").await?.click().await?;
    browser.see_text("#list", "Bank lines decided").await?;
    browser.shot("close").await?;

    browser.go("/cash").await?;
    browser.see_text("#policies", "oldest first").await?;
    browser.find("#policies button").await?.click().await?;
    browser.fill("#policy input[name=tolerance]", "2.50").await?;
    browser.find("#policy button.main").await?.click().await?;
    browser.see_text("#policy [data-said]", "Kept").await?;
    browser.see_text("#policies", "up to 2.50").await?;

    browser.go("/reports?report=aging&known_at=2026-01-05T17:00:00Z").await?;
    browser.see_text("#said", "as known at").await?;
    let known = browser.find("#known_at").await?.prop("value").await?;
    assert_eq!(known.as_deref(), Some("2026-01-05T12:00"), "at the office");
    browser.shot("reports").await
}
