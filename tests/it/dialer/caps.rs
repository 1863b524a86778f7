//! Limits of frequency hold whoever claims when: counts are taken under the locks under which attempts are committed.

use ledgerline::{
    app::App,
    call::{
        End, EndStatus, Event,
        apply::{self, Heard, Source},
        attempt::{self, Attempt, Taker},
    },
    campaign::{Campaign, Mode},
    compliance::{self, look},
    dialer,
    error::Error,
    ids::{AccountId, ContactPointId, LeaseId, PersonId},
    phone::Phone,
    queue::{Components, Entry, Lane, Leased, Window},
};

use super::{
    all_over,
    carrier::{Answer, Carrier},
    ready_agent, running, start,
};
use crate::portfolio::{self, Debtor};

/// What came of an attempt to dial.
#[derive(Debug, PartialEq, Eq)]
enum Tried {
    Dialled,
    Busy,
    Refused(String),
}

/// One number of somebody who has several accounts.
#[derive(Clone)]
struct Number {
    account: AccountId,
    point: ContactPointId,
    phone: Phone,
}

async fn numbers(app: &App, person: PersonId, accounts: usize) -> Vec<Number> {
    let mut numbers = Vec::new();
    for _ in 0..accounts {
        let account = portfolio::add(app, &Debtor { person: Some(person), ..Debtor::default() }).await.account;
        let (point, phone): (ContactPointId, Phone) =
            sqlx::query_as("SELECT id, value FROM contact_point WHERE account_id = $1")
                .bind(account)
                .fetch_one(&app.db)
                .await
                .expect("a number");
        numbers.push(Number { account, point, phone });
    }
    numbers
}

/// What the dialer does with one entry, on any node, without the leases in Redis that keep nodes apart.
async fn try_to_dial(app: &App, campaign: &Campaign, person: PersonId, number: &Number) -> Tried {
    let now = app.clock.now();
    let leased = Leased {
        lease: LeaseId::generate(),
        entry: Entry {
            account: number.account,
            person,
            contact_point: number.point,
            lane: Lane::PastDue,
            score: 0,
            components: Components::default(),
            collectible_minor: 1,
            window: Window::new([]),
        },
        expires_at: now,
    };
    let attempt = Attempt {
        campaign: campaign.id,
        leased: &leased,
        to: &number.phone,
        from: &campaign.settings.caller_ids[0],
        bridge_limit_ms: 2_000,
        answer_chance: 1.0,
        taker: Taker::Whoever,
    };
    let mut tx = app.db.begin().await.expect("a transaction");
    look::lock(&mut tx, number.account, person, &number.phone).await.expect("locked");
    let today = app.clock.business_date();
    let mut requests = look::requests(&mut tx, campaign, &[number.point], now, today).await.expect("facts");
    let receipt = compliance::judge(requests.remove(&number.point).expect("listed"), &app.policies, now);
    let permit = match compliance::store::keep(&mut tx, campaign.id, receipt).await.expect("kept") {
        Ok(permit) => permit,
        Err(refusal) if refusal.rule == "one_call_at_a_time" => return Tried::Busy,
        Err(refusal) => return Tried::Refused(refusal.rule),
    };
    let begun = match attempt::begin(&mut tx, permit, &attempt, now).await {
        Ok(begun) => begun,
        Err(Error::Conflict(_)) => return Tried::Busy,
        Err(error) => panic!("{error}"),
    };
    tx.commit().await.expect("committed");
    let heard = Heard::own(Source::Status, begun.call, "over", now);
    let end = Event::Ended(End { at: now, status: EndStatus::NoAnswer });
    apply::tell(app, begun.call, heard, end).await.expect("told");
    Tried::Dialled
}

/// Tries until a limit forbids it; says how often it dialled.
async fn until_refused(app: App, campaign: Campaign, person: PersonId, numbers: Vec<Number>, seed: usize) -> usize {
    let mut dialled = 0;
    for turn in 0.. {
        for _ in 0..(seed * 7 + turn * 5) % 11 {
            tokio::task::yield_now().await;
        }
        let number = &numbers[(seed + turn) % numbers.len()];
        match try_to_dial(&app, &campaign, person, number).await {
            Tried::Dialled => dialled += 1,
            Tried::Busy => tokio::task::yield_now().await,
            Tried::Refused(rule) if rule == "attempts_per_person_per_week" => break,
            // this number has had its call today, or this account has rested too short: the next one
            Tried::Refused(_) => {}
        }
    }
    dialled
}

#[tokio::test]
async fn however_two_nodes_interleave_not_one_attempt_more_than_the_cap_is_made() {
    const TASKS: usize = 6;
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let other = test.another_node().await;
    let campaign = portfolio::campaign(&test.app, "first", Mode::Progressive).await;
    let cap = usize::from(campaign.settings.limits.attempts_per_person_per_week);
    for round in 0..3 {
        let person = PersonId::generate();
        let numbers = numbers(&test.app, person, cap + 2).await;
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| {
                let node = if task % 2 == 0 { test.app.clone() } else { other.clone() };
                tokio::spawn(until_refused(node, campaign.clone(), person, numbers.clone(), round * TASKS + task))
            })
            .collect();
        let mut dialled = 0;
        for task in tasks {
            dialled += task.await.expect("it ran");
        }
        assert_eq!(dialled, cap, "round {round}");
    }
    test.finish().await;
}

#[tokio::test]
async fn two_nodes_that_tick_at_once_keep_to_the_cap_of_a_person() {
    let carrier = Carrier::start(Answer::Taken).await;
    let test = start(&carrier).await;
    let other = test.another_node().await;
    let app = &test.app;
    let person = PersonId::generate();
    let first = running(app, Mode::Progressive, 0).await;
    let second = portfolio::campaign(app, "second", Mode::Progressive).await;
    let second = ledgerline::campaign::start(app, None, second.id).await.expect("started");
    for _ in 0..4 {
        ready_agent(app, first.id).await;
        ready_agent(app, second.id).await;
    }
    numbers(app, person, 6).await;
    for _ in 0..8 {
        let (one, two) = tokio::join!(dialer::tick(app, first.id), dialer::tick(&other, second.id));
        one.expect("a tick");
        two.expect("a tick");
        app.lifecycle.tasks().close();
        other.lifecycle.tasks().close();
        tokio::join!(app.lifecycle.tasks().wait(), other.lifecycle.tasks().wait());
        app.lifecycle.tasks().reopen();
        other.lifecycle.tasks().reopen();
        all_over(app).await;
        test.settle().await;
    }
    let made: i64 = sqlx::query_scalar("SELECT count(*) FROM call WHERE person_id = $1")
        .bind(person)
        .fetch_one(&app.db)
        .await
        .expect("a count");
    let cap = i64::from(first.settings.limits.attempts_per_person_per_week);
    assert!((1..=cap).contains(&made), "{made} of {cap}");
    test.finish().await;
}
