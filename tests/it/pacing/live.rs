//! What the pacer of a live campaign is shown: every agent once, lines that need an agent, demand from elsewhere, the list.

use chrono::TimeDelta;
use ledgerline::{
    app::App,
    campaign::{self, Mode},
    dialer::{self, latest::store::decisions},
    ids::{CampaignId, UserId},
    pacing::predictive::{Because, Limit},
};

use super::recorded::{self, Over};
use crate::{
    dialer::{
        all_over,
        carrier::{Answer, Carrier},
        ready_agent, running, start,
    },
    portfolio::{self, Debtor},
};

/// What the pacer saw and expected at a new look.
async fn look(app: &App, campaign: CampaignId) -> Because {
    // The same reason again is worth a row after ten seconds.
    app.clock.advance(TimeDelta::seconds(11));
    dialer::tick(app, campaign).await.expect("a tick");
    decisions(&app.db, campaign, None, 1).await.expect("decisions")[0].reason.because.expect("a forecast")
}

#[tokio::test]
async fn an_agent_is_counted_by_one_campaign_only() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    let first = running(app, Mode::Predictive, 3).await;
    let second = portfolio::campaign(app, "second", Mode::Predictive).await;
    campaign::start(app, None, second.id).await.expect("started");
    let agent = ready_agent(app, second.id).await;
    let idle = async || (look(app, first.id).await.idle, look(app, second.id).await.idle);
    assert_eq!(idle().await, (3, 1));
    sqlx::query("UPDATE agent SET campaign_id = $1 WHERE user_id = $2")
        .bind(first.id)
        .bind(agent)
        .execute(&app.db)
        .await
        .expect("moved");
    assert_eq!(idle().await, (4, 0), "who is moved counts there, and nowhere else");
    test.finish().await;
}

#[tokio::test]
async fn callbacks_about_to_fall_due_and_people_who_call_are_demand() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    let account = portfolio::add(app, &Debtor::default()).await.account;
    let campaign = running(app, Mode::Predictive, 0).await;
    assert!(look(app, campaign.id).await.from_elsewhere < 1e-9);

    for due in [12, 13, 14, 900] {
        portfolio::callback(app, account, app.clock.now() + TimeDelta::seconds(due)).await;
    }
    sqlx::query("UPDATE callback SET campaign_id = $1").bind(campaign.id).execute(&app.db).await.expect("agreed");
    let with_callbacks = look(app, campaign.id).await.from_elsewhere;
    assert!(with_callbacks > 0.1 && with_callbacks < 3.0, "three of them are due within seconds: {with_callbacks}");

    app.clock.advance(TimeDelta::seconds(60));
    assert!(look(app, campaign.id).await.from_elsewhere < 1e-9, "they are in the queue now");
    for minute in 1..=30 {
        let at = app.clock.now() - TimeDelta::minutes(minute);
        recorded::call(app, campaign.id, None, Over { inbound: true, ..Over::talked(at) }).await;
    }
    let calls = look(app, campaign.id).await.from_elsewhere;
    assert!((calls - 30.0 * 10.0 / 3600.0).abs() < 1e-6, "thirty an hour, ten seconds: {calls}");
    test.finish().await;
}

#[tokio::test]
async fn a_pacer_that_begins_finds_the_budget_as_the_ledger_has_it() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    let campaign = running(app, Mode::Predictive, 0).await;
    let untouched = look(app, campaign.id).await.budget_left;
    let second = portfolio::campaign(app, "second", Mode::Predictive).await;
    campaign::start(app, None, second.id).await.expect("started");
    // Another pacer had a bad morning.
    for minute in 0..40 {
        let at = app.clock.now() - TimeDelta::hours(3) + TimeDelta::minutes(minute);
        let over = if minute % 5 == 0 { Over::abandoned(at) } else { Over::talked(at) };
        recorded::call(app, second.id, None, over).await;
    }
    let spent = look(app, second.id).await.budget_left;
    assert!(untouched > 0.0 && spent < -4.0, "eight of forty: {spent}, {untouched} where nothing happened");
    sqlx::query("DELETE FROM outbox").execute(&app.db).await.expect("the past is not carried out");
    test.finish().await;
}

#[tokio::test]
async fn a_caller_who_waits_takes_an_agent_first_and_a_line_with_its_own_agent_takes_none() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    for _ in 0..3 {
        portfolio::add(app, &Debtor::default()).await;
    }
    let campaign = running(app, Mode::Predictive, 2).await;
    assert_eq!(dialer::tick(app, campaign.id).await.expect("a tick").begun.len(), 2);
    let both = look(app, campaign.id).await;
    assert_eq!((both.in_flight, both.waiting), (2, 0));

    // One is dialled by hand, by an agent who takes it; and somebody calls us.
    let agent: UserId = sqlx::query_scalar("SELECT user_id FROM agent LIMIT 1").fetch_one(&app.db).await.expect("one");
    sqlx::query("UPDATE call SET agent_id = $1 WHERE id = (SELECT id FROM call WHERE live LIMIT 1)")
        .bind(agent)
        .execute(&app.db)
        .await
        .expect("by hand");
    let caller =
        recorded::call(app, campaign.id, None, Over { inbound: true, ..Over::abandoned(app.clock.now()) }).await;
    sqlx::query("UPDATE call SET live = true, state = 'answered', outcome = NULL WHERE id = $1")
        .bind(caller)
        .execute(&app.db)
        .await
        .expect("a caller");
    let one = look(app, campaign.id).await;
    assert_eq!((one.in_flight, one.waiting), (1, 1));
    sqlx::query("UPDATE call SET live = false, state = 'done' WHERE id = $1")
        .bind(caller)
        .execute(&app.db)
        .await
        .expect("gone");
    sqlx::query("UPDATE call SET agent_id = NULL WHERE live").execute(&app.db).await.expect("undone");
    all_over(app).await;
    test.finish().await;
}

#[tokio::test]
async fn the_end_of_the_list_is_known_before_it_is_dialled() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    portfolio::add(app, &Debtor::default()).await;
    // One that may not be called now is not on the list of this moment.
    portfolio::add(app, &Debtor { zones: vec!["Asia/Tokyo"], ..Debtor::default() }).await;
    let campaign = running(app, Mode::Predictive, 3).await;
    let first = dialer::tick(app, campaign.id).await.expect("a tick");
    assert_eq!(first.begun.len(), 1);
    let because =
        decisions(&app.db, campaign.id, None, 1).await.expect("decisions")[0].reason.because.expect("a forecast");
    assert_eq!(because.limited_by, Limit::List);

    // A number in a zone that the queue has not seen yet is found all the same.
    portfolio::add(app, &Debtor { zones: vec!["America/Chicago"], ..Debtor::default() }).await;
    ledgerline::queue::rebuild(app, campaign.id).await.expect("a queue");
    assert_eq!(dialer::tick(app, campaign.id).await.expect("a tick").begun.len(), 1);
    all_over(app).await;
    test.finish().await;
}
