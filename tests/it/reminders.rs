//! Reminders: a ladder climbed by mail and by calls, and everything that keeps an account from being reminded.

use chrono::TimeDelta;
use ledgerline::{
    account::{self, HoldReason, NewHold},
    agent::Role,
    app::App,
    error::Error,
    ids::{InvoiceId, TaskId, UserId},
    message::{bounce, opt_out},
    queue::{self, Lane},
    reminder::{
        self, NewLadder, NewStop,
        ladder::{Channel, Decision, Ladder, Segment, Step, Why},
        run, store,
    },
    task,
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    agents::fixture,
    api::client::Client,
    messages::{MailServer, address, with_mail},
    scene::{Debtor, Scene},
};

fn step(key: &str, days: i16, channel: Channel) -> Step {
    let template = (channel == Channel::Email).then(|| "reminder_1".to_owned());
    Step { key: key.to_owned(), days, channel, template }
}

/// A mail, a call, a mail; a week between two.
fn ladder() -> Ladder {
    Ladder {
        segment: Segment::default(),
        steps: vec![
            step("first", 5, Channel::Email),
            step("call", 12, Channel::Call),
            step("last", 20, Channel::Email),
        ],
        min_days_between: 7,
        tolerance_minor: 100,
        approval: false,
        hours: Vec::new(),
    }
}

async fn keep(app: &App, by: UserId, ladder: Ladder) {
    let new = NewLadder { name: "Standard".to_owned(), position: 0, active: true, ladder };
    reminder::keep(app, by, &new).await.expect("a ladder");
}

/// A scene with mail, a supervisor, a ladder, and a debtor who owes 125.00 since 40 days and can be mailed.
async fn reminding(server: &MailServer, ladder: Ladder) -> (Scene, Debtor, UserId) {
    let (scene, debtor) = with_mail(server).await;
    let by = fixture::user(scene.app(), "boss", Role::Supervisor).await.user;
    address(scene.app(), &debtor, "clerk").await;
    keep(scene.app(), by, ladder).await;
    (scene, debtor, by)
}

async fn ran(scene: &Scene) -> (usize, usize) {
    let ran = run::step(scene.app()).await.expect("a run");
    scene.test.settle().await;
    (ran.sent, ran.proposed)
}

async fn why(scene: &Scene, debtor: &Debtor) -> Option<Why> {
    match run::preview_of(scene.app(), debtor.account).await.expect("an outlook").decision {
        Decision::Due(_) => None,
        Decision::Nothing { why, .. } => Some(why),
    }
}

async fn steps(scene: &Scene, debtor: &Debtor) -> Vec<String> {
    let mut conn = scene.app().db.acquire().await.expect("a connection");
    let mut list = store::list(&mut conn, Some(debtor.account), None, None, 50).await.expect("reminders");
    list.reverse();
    list.into_iter().map(|one| one.step).collect()
}

#[tokio::test]
async fn a_ladder_is_climbed_step_by_step_and_no_step_twice() {
    let Some(server) = MailServer::start() else { return };
    let (scene, debtor, _) = reminding(&server, ladder()).await;
    assert_eq!(why(&scene, &debtor).await, None, "the preview says that it is due");
    assert_eq!(ran(&scene).await, (1, 0));
    assert_eq!(ran(&scene).await, (0, 0), "the same day");
    assert_eq!(why(&scene, &debtor).await, Some(Why::TooSoon));
    let mail = &server.mails()[0];
    assert_eq!(mail.header("Subject").as_deref(), Some("Payment reminder: account 1"));
    assert!(mail.0.contains("invoice R-0001") && mail.0.contains("Together: 125.00 USD"), "{}", mail.0);

    scene.app().clock.advance(TimeDelta::days(7));
    assert_eq!(ran(&scene).await, (1, 0), "a task to call");
    let subject: String = sqlx::query_scalar("SELECT subject FROM task WHERE source_kind = 'reminder'")
        .fetch_one(&scene.app().db)
        .await
        .unwrap();
    assert_eq!(subject, "Reminder step call: 125.00 USD is open");
    scene.app().clock.advance(TimeDelta::days(7));
    assert_eq!(ran(&scene).await, (1, 0));
    scene.app().clock.advance(TimeDelta::days(63));
    assert_eq!(ran(&scene).await, (0, 0));
    assert_eq!(why(&scene, &debtor).await, Some(Why::Finished));
    assert_eq!(steps(&scene, &debtor).await, ["first", "call", "last"]);
    assert_eq!(server.mails().len(), 2);
    scene.finish().await;
}

#[tokio::test]
async fn nobody_is_reminded_of_what_is_promised_disputed_or_covered() {
    let Some(server) = MailServer::start() else { return };
    let (scene, debtor, _) = reminding(&server, ladder()).await;
    let (app, now) = (scene.app(), scene.now());
    let item: Uuid = sqlx::query_scalar("SELECT id FROM instalment").fetch_one(&app.db).await.unwrap();
    let promise = Uuid::now_v7();
    sqlx::query(
        "INSERT INTO promise (id, account_id, amount_minor, currency, due_on, deadline_on, status, taken_at)
         VALUES ($1, $2, 12500, 'USD', '2026-03-20', '2026-03-20', 'open', $3)",
    )
    .bind(promise)
    .bind(debtor.account.0)
    .bind(now)
    .execute(&app.db)
    .await
    .unwrap();
    sqlx::query("INSERT INTO promise_item (promise_id, instalment_id) VALUES ($1, $2)")
        .bind(promise)
        .bind(item)
        .execute(&app.db)
        .await
        .unwrap();
    assert_eq!(ran(&scene).await, (0, 0));
    let outlook = run::preview_of(app, debtor.account).await.unwrap();
    let Decision::Nothing { why, left_out, .. } = outlook.decision else { panic!("it is promised") };
    assert_eq!((why, left_out.len(), left_out[0].minor), (Why::NothingClaimable, 1, 12_500));

    sqlx::query("UPDATE promise SET status = 'broken'").execute(&app.db).await.unwrap();
    sqlx::query("UPDATE account_standing SET unapplied_minor = 2500").execute(&app.db).await.unwrap();
    assert_eq!(ran(&scene).await, (1, 0), "broken: the rest that cash does not cover is asked for");
    assert!(server.mails()[0].0.contains("Together: 100.00 USD"));
    scene.finish().await;
}

#[tokio::test]
async fn what_a_plan_covers_is_not_asked_for_until_it_ends() {
    let Some(server) = MailServer::start() else { return };
    let (scene, debtor, by) = reminding(&server, ladder()).await;
    let client = Client::new(scene.app()).await;
    let boss = client.of(by).await;
    let first_on = scene.app().clock.business_date() + chrono::Days::new(7);
    let plan = json!({ "total_minor": 12_500, "first_on": first_on, "rhythm": "weekly", "instalments": 2 });
    let agreed = boss.post(&format!("/api/accounts/{}/plans", debtor.account), &plan).await;
    assert_eq!(agreed.body["status"], "active", "{}", agreed.text);
    assert_eq!(ran(&scene).await, (0, 0));
    assert_eq!(why(&scene, &debtor).await, Some(Why::NothingClaimable));
    let end = format!("/api/plans/{}/end", agreed.body["id"].as_str().expect("an id"));
    let ended = boss.post(&end, &json!({ "note": "They pay at once." })).await;
    assert_eq!(ended.status.as_u16(), 204, "{}", ended.text);
    assert_eq!(ran(&scene).await, (1, 0), "asked for again");
    scene.finish().await;
}

#[tokio::test]
async fn a_call_that_a_reminder_asks_for_stands_in_the_queue_and_is_done_by_reaching_somebody() {
    let Some(server) = MailServer::start() else { return };
    let calls = Ladder { steps: vec![step("call", -10, Channel::Call)], ..ladder() };
    let (scene, debtor, by) = reminding(&server, calls).await;
    let app = scene.app();
    sqlx::query("UPDATE instalment SET due_on = $1")
        .bind(app.clock.business_date() + chrono::Days::new(5))
        .execute(&app.db)
        .await
        .unwrap();
    let mut conn = app.db.acquire().await.unwrap();
    ledgerline::ledger::store::refresh_standing(&mut conn, &[debtor.account], app.clock.now()).await.unwrap();
    drop(conn);
    queue::rebuild(app, scene.campaign).await.expect("a queue");
    let lanes = async || queue::depth(app, scene.campaign).await.expect("the lanes");
    assert_eq!(lanes().await.values().sum::<u64>(), 0, "what is not due is not listed");
    assert_eq!(ran(&scene).await, (1, 0));
    assert_eq!(lanes().await[&Lane::ReminderDue], 1, "placed at once");
    queue::rebuild(app, scene.campaign).await.expect("a queue");
    assert_eq!(lanes().await[&Lane::ReminderDue], 1, "and by a rebuild");

    let mut tx = app.db.begin().await.unwrap();
    let task: Uuid = sqlx::query_scalar("SELECT id FROM task WHERE kind = 'call'").fetch_one(&mut *tx).await.unwrap();
    task::close(&mut tx, TaskId(task), task::State::Done, "", Some(by), scene.now()).await.unwrap();
    tx.commit().await.unwrap();
    scene.test.settle().await;
    assert_eq!(lanes().await.values().sum::<u64>(), 0, "the call is made");
    scene.finish().await;
}

/// The newest mail comes back.
async fn bounced(scene: &Scene, status: &str) -> bounce::Taken {
    let newest = "SELECT id FROM message ORDER BY created_at DESC, id DESC LIMIT 1";
    let id: Uuid = sqlx::query_scalar(newest).fetch_one(&scene.app().db).await.unwrap();
    let report = format!(
        "To: bounces+{}@example.com\nContent-Type: multipart/report; boundary=cut\n\n--cut\n\
         Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; x@y\nAction: failed\n\
         Status: {status}\n\n--cut--\n",
        id.simple()
    );
    bounce::take(scene.app(), report.as_bytes()).await.unwrap()
}

#[tokio::test]
async fn a_mail_that_is_refused_for_a_while_is_not_sent_again_at_once_and_becomes_a_call() {
    let Some(server) = MailServer::start() else { return };
    let (scene, debtor, _) = reminding(&server, ladder()).await;
    for sent in 1..=3 {
        assert_eq!(ran(&scene).await, (1, 0), "mail {sent}");
        assert!(!bounced(&scene, "5.7.1").await.address_dead);
        assert_eq!(ran(&scene).await, (0, 0), "not again in ten minutes");
        assert_eq!(why(&scene, &debtor).await, Some(Why::TooSoon));
        scene.app().clock.advance(TimeDelta::days(7));
    }
    assert_eq!(ran(&scene).await, (1, 0), "the call");
    let subject: String = sqlx::query_scalar("SELECT subject FROM task WHERE source_kind = 'reminder'")
        .fetch_one(&scene.app().db)
        .await
        .unwrap();
    assert_eq!(subject, "Reminder step first: its mails did not arrive: 125.00 USD is open");
    assert_eq!((steps(&scene, &debtor).await, server.mails().len()), (vec!["first".to_owned(); 4], 3));
    scene.finish().await;
}

#[tokio::test]
async fn only_what_is_still_to_come_of_a_promise_is_left_out() {
    let Some(server) = MailServer::start() else { return };
    let (scene, debtor, by) = reminding(&server, ladder()).await;
    let app = scene.app();
    let boss = Client::new(app).await.of(by).await;
    let today = app.clock.business_date();
    let promise = json!({ "amount_minor": 7_500, "due_on": today + chrono::Days::new(3) });
    let taken = boss.post(&format!("/api/accounts/{}/promises", debtor.account), &promise).await;
    assert_eq!(taken.status.as_u16(), 201, "{}", taken.text);
    app.clock.advance(TimeDelta::minutes(1));
    let paid = json!({ "account": debtor.account, "amount": { "minor": 5_000, "currency": "USD" }, "received_on": today, "method": "transfer" });
    let received = boss.post("/api/payments", &paid).await;
    assert_eq!(received.status.as_u16(), 201, "{}", received.text);
    assert_eq!(ran(&scene).await, (1, 0), "75.00 are open, 25.00 of them are promised");
    assert!(server.mails()[0].0.contains("Together: 50.00 USD"), "{}", server.mails()[0].0);
    scene.finish().await;
}

#[tokio::test]
async fn a_reminder_that_bounced_is_no_step_and_becomes_a_call() {
    let Some(server) = MailServer::start() else { return };
    let (scene, debtor, _) = reminding(&server, ladder()).await;
    assert_eq!(ran(&scene).await, (1, 0));
    assert!(bounced(&scene, "5.1.1").await.address_dead);
    scene.app().clock.advance(TimeDelta::days(1));
    assert_eq!(ran(&scene).await, (1, 0), "the same step again, as a call: there is no other address");
    assert_eq!(steps(&scene, &debtor).await, ["first", "first"]);
    let replaced: i64 =
        sqlx::query_scalar("SELECT count(*) FROM reminder WHERE replaced").fetch_one(&scene.app().db).await.unwrap();
    assert_eq!(replaced, 1);
    assert_eq!(server.mails().len(), 1);
    scene.finish().await;
}

#[tokio::test]
async fn stops_holds_and_opt_outs_are_obeyed() {
    let Some(server) = MailServer::start() else { return };
    let (scene, debtor, by) = reminding(&server, ladder()).await;
    let app = scene.app();
    let invoice: Uuid = sqlx::query_scalar("SELECT id FROM invoice").fetch_one(&app.db).await.unwrap();
    let today = app.clock.business_date();
    let mut stop = NewStop { invoice: None, reason: "asked for patience".to_owned(), until_on: Some(today) };
    let id = reminder::stop(app, by, debtor.account, &stop).await.unwrap();
    assert_eq!(why(&scene, &debtor).await, Some(Why::Paused));
    reminder::lift(app, by, id).await.unwrap();
    assert!(matches!(reminder::lift(app, by, id).await, Err(Error::NotFound(_))));
    stop.invoice = Some(InvoiceId(invoice));
    reminder::stop(app, by, debtor.account, &stop).await.unwrap();
    assert_eq!(why(&scene, &debtor).await, Some(Why::NothingClaimable), "the only invoice");
    assert_eq!(ran(&scene).await, (0, 0));
    app.clock.advance(TimeDelta::days(1));
    assert_eq!(why(&scene, &debtor).await, None, "it was until yesterday");

    let mut conn = app.db.acquire().await.unwrap();
    let hold = NewHold { reason: HoldReason::Hardship, note: String::new(), until_at: None, call: None };
    let hold = account::store::place_hold(&mut conn, debtor.account, &hold, None, app.clock.now()).await.unwrap();
    drop(conn);
    assert_eq!(why(&scene, &debtor).await, Some(Why::Barred));
    let mut conn = app.db.acquire().await.unwrap();
    account::store::release_hold(&mut conn, hold, by, app.clock.now()).await.unwrap();
    drop(conn);
    assert_eq!(ran(&scene).await, (1, 0));
    let token: String = sqlx::query_scalar("SELECT opt_out FROM message").fetch_one(&app.db).await.unwrap();
    opt_out::opt_out(app, &token).await.unwrap();
    app.clock.advance(TimeDelta::days(30));
    assert_eq!(ran(&scene).await, (1, 0), "the call");
    app.clock.advance(TimeDelta::days(31));
    assert_eq!(ran(&scene).await, (1, 0), "a call in place of the mail");
    assert_eq!(server.mails().len(), 1, "no mail after the opt-out");
    scene.finish().await;
}

#[tokio::test]
async fn a_supervisor_looks_first_where_the_ladder_says_so() {
    let Some(server) = MailServer::start() else { return };
    let (scene, debtor, by) = reminding(&server, Ladder { approval: true, ..ladder() }).await;
    let app = scene.app();
    assert_eq!(ran(&scene).await, (0, 1));
    assert_eq!(ran(&scene).await, (0, 0));
    assert_eq!(why(&scene, &debtor).await, Some(Why::LastNotDelivered));
    let proposed: Uuid = sqlx::query_scalar("SELECT id FROM reminder").fetch_one(&app.db).await.unwrap();
    run::reject(app, by, proposed, "pays tomorrow", 3).await.unwrap();
    assert_eq!(why(&scene, &debtor).await, Some(Why::Paused));
    app.clock.advance(TimeDelta::days(3));
    assert_eq!(ran(&scene).await, (0, 1));
    let proposed: Uuid =
        sqlx::query_scalar("SELECT id FROM reminder WHERE state = 'proposed'").fetch_one(&app.db).await.unwrap();
    assert!(run::approve(app, by, proposed).await.unwrap());
    assert!(matches!(run::approve(app, by, proposed).await, Err(Error::NotFound(_))), "once");
    scene.test.settle().await;
    assert_eq!(server.mails().len(), 1);
    scene.finish().await;
}

#[tokio::test]
async fn quiet_hours_segments_and_faults_keep_others_going() {
    let Some(server) = MailServer::start() else { return };
    let (scene, debtor, by) = reminding(&server, ladder()).await;
    let other = scene.owing(2, 5_000).await;
    address(scene.app(), &other, "second").await;
    sqlx::query("UPDATE account SET portfolio = 'other', stated_zone = 'America/New_York' WHERE id = $1")
        .bind(other.account.0)
        .execute(&scene.app().db)
        .await
        .unwrap();
    let mut night = ladder();
    night.segment.portfolios = vec!["other".to_owned()];
    night.hours =
        serde_json::from_value(serde_json::json!([{ "days": ["Tue"], "from": "20:00:00", "to": "21:00:00" }])).unwrap();
    keep(scene.app(), by, night).await;
    assert_eq!(why(&scene, &debtor).await, Some(Why::NoLadder));
    assert_eq!(why(&scene, &other).await, Some(Why::QuietHours));
    assert_eq!(ran(&scene).await, (0, 0));
    scene.app().clock.advance(TimeDelta::hours(7));
    assert_eq!(ran(&scene).await, (1, 0), "20:00 in New York");

    // A template that misses a key fails that account alone.
    let broken = ledgerline::message::library::NewTemplate {
        name: "reminder_1".to_owned(),
        language: "de".to_owned(),
        subject: "x".to_owned(),
        body: "{{ nothing_of_the_kind }}".to_owned(),
    };
    let mut conn = scene.app().db.acquire().await.unwrap();
    ledgerline::message::library::add(&mut conn, by, &broken, scene.now()).await.unwrap();
    account::store::set_language(&mut conn, debtor.account, Some("de"), scene.now()).await.unwrap();
    drop(conn);
    keep(scene.app(), by, ladder()).await;
    scene.app().clock.advance(TimeDelta::hours(24));
    let ran = run::step(scene.app()).await.unwrap();
    assert_eq!((ran.failed, ran.sent), (1, 0), "the other one is too soon");
    scene.test.settle().await;
    scene.finish().await;
}
