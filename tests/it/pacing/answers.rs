//! How likely calls are answered: learnt once, from matured calls only, kept, and shared with the queue and the pacer.

use chrono::TimeDelta;
use ledgerline::{
    answer::{self, HourOfWeek, OfNumber, Segment, learn},
    app::App,
    campaign::Mode,
    dialer::{self, latest::store::Recorded},
    ids::AccountId,
    phone::Phone,
    queue::{self, Lane},
};

use super::recorded::{self, Over};
use crate::{
    dialer::{
        all_over,
        carrier::{Answer, Carrier},
        running, start,
    },
    harness::TestApp,
    portfolio::{self, Debtor},
};

fn number(text: &str) -> Phone {
    text.parse().expect("E.164")
}

/// The chance of a number, relative to the mean, at the present hour in New York.
async fn relative(app: &App, phone: &Phone) -> f64 {
    let hour = HourOfWeek::of(app.clock.now(), chrono_tz::America::New_York);
    let known =
        answer::of_number(&mut app.db.acquire().await.expect("a connection"), phone, hour).await.expect("known");
    app.answers.book().relative(&Segment::of(phone, Lane::PastDue), hour, &known)
}

#[tokio::test]
async fn calls_are_learnt_from_once_and_not_before_they_could_have_rung_out() {
    let test = TestApp::start().await;
    let app = &test.app;
    let campaign = portfolio::campaign(app, "first", Mode::Predictive).await;
    // Twelve calls of a minute ago: four answered after 8 seconds; the rest may still ring.
    for call in 0..12 {
        let at = app.clock.now() - TimeDelta::seconds(60 + call);
        let over = if call % 3 == 0 { Over::talked(at) } else { Over::no_answer(at) };
        recorded::call(app, campaign.id, None, over).await;
    }
    let given_up = Over { outcome: "canceled", ..Over::no_answer(app.clock.now() - TimeDelta::seconds(60)) };
    recorded::call(app, campaign.id, None, given_up).await;
    assert_eq!(learn::step(app).await.expect("a step"), 0, "the trap: only the answers are known yet");
    app.clock.advance(TimeDelta::seconds(60));
    assert_eq!(learn::step(app).await.expect("a step"), 12, "what we gave up says nothing");
    assert_eq!(learn::step(app).await.expect("a step"), 0, "each call once");

    let hour = HourOfWeek::of(app.clock.now(), chrono_tz::America::New_York);
    let known =
        answer::of_number(&mut app.db.acquire().await.expect("a connection"), &number("+12125550123"), hour).await;
    let OfNumber { all, .. } = known.expect("known");
    assert!((all.dials - 12.0).abs() < 1e-9 && (all.answered - 4.0).abs() < 1e-9, "{all:?}");
    test.finish().await;
}

#[tokio::test]
async fn what_is_known_survives_a_restart_and_is_the_same_on_another_node() {
    let test = TestApp::start().await;
    let app = &test.app;
    let campaign = portfolio::campaign(app, "first", Mode::Predictive).await;
    for call in 0..40 {
        let at = app.clock.now() - TimeDelta::minutes(3) - TimeDelta::seconds(call);
        let over = if call % 10 == 0 { Over::talked(at) } else { Over::no_answer(at) };
        recorded::call(app, campaign.id, None, over).await;
    }
    learn::step(app).await.expect("a step");
    let (known, stranger) = (number("+12125550123"), number("+12125550199"));
    let here = (relative(app, &known).await, relative(app, &stranger).await);
    assert!(here.0 < here.1, "who hardly ever answered is less likely to: {here:?}");
    let restarted = test.another_node().await;
    let there = (relative(&restarted, &known).await, relative(&restarted, &stranger).await);
    assert!((here.0 - there.0).abs() < 1e-9 && (here.1 - there.1).abs() < 1e-9, "{here:?} {there:?}");
    drop(restarted);
    test.finish().await;
}

#[tokio::test]
async fn a_dialled_line_carries_its_own_chance_and_the_pacer_is_told() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    let account = portfolio::add(app, &Debtor::default()).await.account;
    let phone: String = sqlx::query_scalar("SELECT value FROM contact_point WHERE account_id = $1")
        .bind(account)
        .fetch_one(&app.db)
        .await
        .expect("a number");
    let campaign = running(app, Mode::Predictive, 1).await;
    // Three weeks ago at this hour, again and again: nobody.
    for call in 0..8 {
        let at = app.clock.now() - TimeDelta::days(21) + TimeDelta::minutes(call);
        recorded::call(app, campaign.id, None, Over { number: phone.clone(), ..Over::no_answer(at) }).await;
    }
    learn::step(app).await.expect("a step");
    dialer::tick(app, campaign.id).await.expect("a tick");
    let chance: f64 =
        sqlx::query_scalar("SELECT answer_chance FROM call WHERE live").fetch_one(&app.db).await.expect("one line");
    assert!(chance < 0.5, "{chance}");
    let again = dialer::latest::store::decisions(&app.db, campaign.id, None, 1).await.expect("decisions");
    assert_eq!(again[0].reason.in_flight, 0);
    app.clock.advance(TimeDelta::seconds(11));
    dialer::tick(app, campaign.id).await.expect("a tick");
    let later = dialer::latest::store::decisions(&app.db, campaign.id, None, 1).await.expect("decisions");
    let chance_of = |one: &Recorded| one.reason.because.expect("a forecast").answer_chance;
    let (before, now) = (chance_of(&again[0]), chance_of(&later[0]));
    assert!(now < before * 0.7, "entries like the one on its way are expected next: {before} then {now}");
    all_over(app).await;
    test.finish().await;
}

#[tokio::test]
async fn the_queues_points_for_the_hour_are_learnt() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    portfolio::add(app, &Debtor::default()).await;
    let campaign = running(app, Mode::Progressive, 0).await;
    queue::rebuild(app, campaign.id).await.expect("a queue");
    let points = async || {
        let next = queue::next(app, campaign.id, None, 1).await.expect("a page");
        next.items[0].components.answer_chance
    };
    let before = points().await;
    // Tuesdays at 13 h in New York nobody answers, at 10 h half of them do.
    sqlx::query(
        "INSERT INTO answer_segment (segment, hour_of_week, dials, answered, people, at)
         VALUES ('US/either/past_due', 37, 5000, 0, 0, $1), ('US/either/past_due', 34, 5000, 2500, 2500, $1)",
    )
    .bind(app.clock.now())
    .execute(&app.db)
    .await
    .expect("learnt");
    learn::step(app).await.expect("a step");
    let after = points().await;
    assert!(after < before / 4, "{before} before, {after} after");
    test.finish().await;
}

#[tokio::test]
async fn a_number_that_people_answer_goes_before_one_that_nobody_does() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let app = &test.app;
    for _ in 0..2 {
        portfolio::add(app, &Debtor::default()).await;
    }
    let campaign = running(app, Mode::Progressive, 0).await;
    queue::rebuild(app, campaign.id).await.expect("a queue");
    let next = async || {
        let page = queue::next(app, campaign.id, None, 2).await.expect("a page");
        page.items.iter().map(|item| (item.account, item.components.reach)).collect::<Vec<_>>()
    };
    let before = next().await;
    assert_eq!((before[0].1, before[1].1), (50, 50), "nothing is known of either");
    let numbers: Vec<(AccountId, String)> =
        sqlx::query_as("SELECT account_id, value FROM contact_point").fetch_all(&app.db).await.expect("numbers");
    for (account, number) in numbers {
        for call in 0..6 {
            let at = app.clock.now() - TimeDelta::days(21) + TimeDelta::minutes(call);
            let over = if account == before[0].0 { Over::no_answer(at) } else { Over::talked(at) };
            recorded::call(app, campaign.id, None, Over { number: number.clone(), ..over }).await;
        }
        sqlx::query("UPDATE call SET account_id = $1 WHERE to_number = $2")
            .bind(account)
            .bind(number)
            .execute(&app.db)
            .await
            .expect("they were calls to that account");
    }
    learn::step(app).await.expect("a step");
    test.settle().await;
    let after = next().await;
    assert_eq!((after[0].0, after[1].0), (before[1].0, before[0].0), "{after:?}");
    assert!(after[0].1 > 50 && after[1].1 < 50, "{after:?}");
    queue::rebuild(app, campaign.id).await.expect("a queue");
    assert_eq!(next().await, after, "the same when all are read at once");
    test.finish().await;
}
