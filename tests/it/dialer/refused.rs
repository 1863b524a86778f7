//! What the last look refuses is not offered again before its moment, and is looked at anew when a fact changes.

use chrono::{DateTime, TimeDelta, Utc};
use ledgerline::{
    account::change,
    app::App,
    campaign::{self, Campaign, Mode},
    carrier::limit::{self, Limit},
    compliance::{scope::Collector, waterfall, wish::Wish},
    dialer,
    ids::{AccountId, PersonId, UserId},
    queue::{self, Hold, Wait},
};

use super::{
    carrier::{Answer, Carrier},
    running, start, verdicts,
};
use crate::portfolio::{self, Debtor};

async fn anybody(app: &App) -> UserId {
    sqlx::query_scalar("SELECT id FROM users LIMIT 1").fetch_one(&app.db).await.expect("a user")
}

async fn tick(app: &App, campaign: &Campaign) -> (usize, u32) {
    let ticked = dialer::tick(app, campaign.id).await.expect("a tick");
    (ticked.begun.len(), ticked.refused)
}

#[tokio::test]
async fn a_refusal_until_a_fact_changes_is_held_once_and_released_by_the_change() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    let account = portfolio::add(app, &Debtor::default()).await.account;
    let campaign = running(app, Mode::Progressive, 1).await;
    let not_at_work = Wish::NotWhere { label: "work".to_owned() };
    let wish = change::add_wish(app, anybody(app).await, account, None, &not_at_work).await.expect("wished");
    test.settle().await;

    assert_eq!(tick(app, &campaign).await, (0, 1));
    assert_eq!(queue::held(app, campaign.id).await.expect("held")[&Hold::Policy], 1);
    for _ in 0..3 {
        assert_eq!(tick(app, &campaign).await, (0, 0), "it is not offered again");
    }
    queue::rebuild(app, campaign.id).await.expect("rebuilt");
    assert_eq!(tick(app, &campaign).await, (0, 0), "not after a rebuild either");
    assert_eq!(verdicts(app, account).await.len(), 1);
    let (fall, _) = waterfall::fall(app, &campaign, None, waterfall::MOST).await.expect("a waterfall");
    assert_eq!(fall.steps[0].step, "rule:inconvenient_place");

    change::revoke_wish(app, anybody(app).await, wish).await.expect("taken back");
    test.settle().await;
    assert_eq!(tick(app, &campaign).await, (1, 0), "the fact has changed");
    super::all_over(app).await;
    test.finish().await;
}

#[tokio::test]
async fn a_refusal_with_an_end_waits_for_it_and_no_longer() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    let account = portfolio::add(app, &Debtor::default()).await.account;
    let campaign = running(app, Mode::Progressive, 1).await;
    // Tuesday, 13:00 in New York
    let lunch = Wish::NotAt {
        days: vec![chrono::Weekday::Tue],
        from: "12:00:00".parse().expect("a time"),
        to: "14:00:00".parse().expect("a time"),
    };
    change::add_wish(app, anybody(app).await, account, None, &lunch).await.expect("wished");
    test.settle().await;
    assert_eq!(tick(app, &campaign).await, (0, 1));
    assert_eq!(queue::waiting(app, campaign.id).await.expect("waiting")[&Wait::Policy], 1);
    app.clock.advance(TimeDelta::seconds(3599));
    assert_eq!(tick(app, &campaign).await, (0, 0));
    app.clock.advance(TimeDelta::seconds(1));
    assert_eq!(tick(app, &campaign).await, (1, 0), "at two it is dialled");
    super::all_over(app).await;
    test.finish().await;
}

#[tokio::test]
async fn the_cap_of_a_pack_keeps_an_account_out_of_the_queue_until_it_allows_the_next() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    let made = portfolio::add(app, &Debtor::default()).await;
    let campaign = running(app, Mode::Progressive, 1).await;
    consumer_of_an_agency(app, &campaign, made.account).await;
    let campaign = portfolio::again(app, campaign.id).await;
    talked(app, &campaign, made.account, made.person, app.clock.now() - TimeDelta::days(2)).await;

    assert_eq!(tick(app, &campaign).await, (0, 1));
    let refused = verdicts(app, made.account).await;
    // Nothing is known of the place: every pack was asked, and several say the same.
    assert!(
        matches!(&refused[..], [(false, Some(rule))] if rule.ends_with("/quiet_after_conversation")),
        "{refused:?}"
    );
    assert_eq!(queue::waiting(app, campaign.id).await.expect("waiting")[&Wait::Policy], 1);
    // Sunday the 8th is the first day, Saturday the 14th the seventh.
    for day in 11..=14 {
        app.clock.advance(TimeDelta::days(1));
        assert_eq!(tick(app, &campaign).await, (0, 0), "March {day}");
    }
    app.clock.advance(TimeDelta::days(2));
    assert_eq!(tick(app, &campaign).await.0, 1, "Monday the 16th");
    assert_eq!(verdicts(app, made.account).await.len(), 2, "one refusal, one permit");
    super::all_over(app).await;
    test.finish().await;
}

#[tokio::test]
async fn a_start_that_the_last_look_did_not_permit_is_given_back() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    for _ in 0..2 {
        let account = portfolio::add(app, &Debtor::default()).await.account;
        unwanted_at_work(app, account).await;
    }
    let campaign = running(app, Mode::Progressive, 1).await;
    let limit = Limit::of(&app.config.carrier);
    let burst = u32::try_from(limit.burst()).expect("a few");
    assert_eq!(limit::take(&app.redis, limit, burst - 1).await.expect("Redis answers"), burst - 1, "one is left");
    assert_eq!(tick(app, &campaign).await.0, 0);
    assert_eq!(verdicts_of_all(app).await, 2, "both of them were looked at");
    assert_eq!(limit::take(&app.redis, limit, 1).await.expect("Redis answers"), 1);
    test.finish().await;
}

/// What the queue does not know of, and the last look sees: nobody is called at work.
async fn unwanted_at_work(app: &App, account: AccountId) {
    sqlx::query(
        "INSERT INTO contact_wish (id, account_id, body, at, user_id)
         SELECT gen_random_uuid(), $1, '{\"kind\": \"not_where\", \"label\": \"work\"}', $2, NULL",
    )
    .bind(account)
    .bind(app.clock.now())
    .execute(&app.db)
    .await
    .expect("a wish");
}

async fn verdicts_of_all(app: &App) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM dial_decision WHERE NOT permitted")
        .fetch_one(&app.db)
        .await
        .expect("a count")
}

async fn consumer_of_an_agency(app: &App, campaign: &Campaign, account: AccountId) {
    sqlx::query("UPDATE account SET party_kind = 'consumer' WHERE id = $1")
        .bind(account)
        .execute(&app.db)
        .await
        .expect("a consumer");
    let settings = campaign::Settings { collector: Collector::Third, ..campaign.settings.clone() };
    let version = portfolio::again(app, campaign.id).await.version;
    campaign::update_settings(app, None, campaign.id, version, settings).await.expect("changed");
}

/// A conversation of a minute at a moment.
async fn talked(app: &App, campaign: &Campaign, account: AccountId, person: PersonId, at: DateTime<Utc>) {
    sqlx::query(
        "INSERT INTO call (id, campaign_id, account_id, person_id, direction, to_number, from_number, callback_token, facts,
                           state, outcome, live, created_at, bridged_at, ended_at, heard_at)
         VALUES (gen_random_uuid(), $1, $2, $3, 'outbound', '+15555550123', '+15555550100', 't',
                 '{\"create\": {\"is\": \"accepted\"}}', 'done', 'completed', false, $4, $4, $5, $4)",
    )
    .bind(campaign.id)
    .bind(account)
    .bind(person)
    .bind(at)
    .bind(at + TimeDelta::minutes(1))
    .execute(&app.db)
    .await
    .expect("a call");
}
