//! What a call led to: everything in one transaction, once, and nothing of what is wrong.

use chrono::{Days, TimeDelta};
use ledgerline::{
    agent::{Principal, Role},
    app::App,
    call::{EndStatus, Event},
    disposition::{self, PromiseTaken, Recorded, Wrap},
    error::{Error, Result},
    ids::{CallId, PaymentId},
    promise::day_roll,
};

use crate::{
    agents::fixture::{self, Account},
    harness::TestApp,
    money,
};

/// An agent who wraps up a call to an account.
struct Scene {
    test: TestApp,
    agent: Principal,
    account: Account,
    call: CallId,
}

impl Scene {
    async fn set() -> Self {
        let test = TestApp::start().await;
        let campaign = fixture::campaign(&test.app).await;
        let account = fixture::account(&test.app, "0012").await;
        let agent = fixture::ready_agent(&test.app, "agent1", campaign).await;
        let call = fixture::wrapping(&test.app, campaign, &account, agent.user).await;
        Self { test, agent, account, call }
    }

    fn app(&self) -> &App {
        &self.test.app
    }

    async fn record(&self, wrap: &Wrap, key: &str) -> Result<Recorded> {
        disposition::record(self.app(), &self.agent, self.call, wrap.clone(), key).await
    }

    /// Everything a recording may change, as numbers.
    async fn traces(&self) -> Vec<i64> {
        let tables = [
            "call_disposition",
            "note",
            "promise",
            "promise_item",
            "callback",
            "dispute",
            "do_not_call",
            "account_hold",
            "call_item",
            "idempotency",
            "contact_point WHERE invalid_at IS NOT NULL",
            "outbox",
            "agent_log",
            "campaign_account WHERE not_before IS NOT NULL",
            "call WHERE state = 'done'",
        ];
        let mut counts = Vec::new();
        for table in tables {
            counts.push(fixture::count(self.app(), table).await);
        }
        counts
    }

    fn promise(&self, amount_minor: i64, days: u64) -> Wrap {
        let due_on = self.app().clock.business_date() + Days::new(days);
        Wrap {
            promise: Some(PromiseTaken { amount_minor, due_on, items: Vec::new(), besides: false }),
            ..wrap("promise_to_pay")
        }
    }
}

fn wrap(code: &str) -> Wrap {
    Wrap {
        code: code.to_owned(),
        note: None,
        items: Vec::new(),
        promise: None,
        plan: None,
        callback_at: None,
        callback_mine: false,
        dispute: None,
        do_not_call: false,
        number_invalid: false,
    }
}

async fn standing(app: &App) -> (Option<chrono::NaiveDate>, bool, i32) {
    sqlx::query_as("SELECT open_promise_on, promise_broken, kept_promises FROM account_standing")
        .fetch_one(&app.db)
        .await
        .expect("figures")
}

#[tokio::test]
async fn a_promise_is_recorded_with_everything_that_follows() {
    let scene = Scene::set().await;
    scene.test.settle().await;
    let wrap = Wrap {
        note: Some("Pays after the board meeting.".to_owned()),
        items: vec![scene.account.items[1]],
        ..scene.promise(120_000, 7)
    };
    let recorded = scene.record(&wrap, "key-1").await.expect("recorded");
    assert!(recorded.promise.is_some() && recorded.note.is_some());
    let app = scene.app();
    assert_eq!(fixture::state_of(app, scene.agent.user).await, "ready");
    assert_eq!(fixture::count(app, "promise_item").await, 2, "1,200.00 reaches into the second invoice");
    assert_eq!(fixture::count(app, "call_item").await, 1);
    assert_eq!(fixture::count(app, "call WHERE state = 'done'").await, 1);
    assert_eq!(standing(app).await.0, Some(app.clock.business_date() + Days::new(7)));
    let requeue = format!("outbox WHERE dedupe_key = 'requeue {}'", scene.account.id);
    assert_eq!(fixture::count(app, &requeue).await, 1, "its place in the queue is worked out again");
    scene.test.finish().await;
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer_and_another_one_is_refused() {
    let scene = Scene::set().await;
    let wrap = scene.promise(100, 7);
    let (first, twin) = tokio::join!(scene.record(&wrap, "key-1"), scene.record(&wrap, "key-1"));
    let first = first.expect("recorded");
    assert_eq!(twin.expect("at the same time"), first);
    assert_eq!(scene.record(&wrap, "key-1").await.expect("again"), first);
    let traces = scene.traces().await;
    assert!(matches!(scene.record(&scene.promise(101, 7), "key-1").await, Err(Error::Conflict(_))), "another body");
    assert!(matches!(scene.record(&wrap, "key-2").await, Err(Error::Conflict(_))), "recorded already");
    assert_eq!(scene.traces().await, traces);
    assert_eq!(fixture::count(scene.app(), "promise").await, 1);
    scene.test.finish().await;
}

#[tokio::test]
async fn bad_input_names_the_field_and_changes_nothing() {
    let scene = Scene::set().await;
    let traces = scene.traces().await;
    let now = scene.app().clock.now();
    let wrongs = [
        (wrap("no_such_code"), "code"),
        (wrap("busy"), "code"),
        (wrap("promise_to_pay"), "promise"),
        (scene.promise(0, 7), "promise.amount_minor"),
        (scene.promise(150_001, 7), "promise.amount_minor"),
        (scene.promise(100, 91), "promise.due_on"),
        (wrap("callback"), "callback_at"),
        (Wrap { callback_at: Some(now), ..wrap("callback") }, "callback_at"),
        (wrap("dispute"), "dispute"),
        (wrap("refused"), "note"),
        (Wrap { note: Some("x".repeat(4001)), ..wrap("refused") }, "note"),
        (Wrap { items: vec![ledgerline::ids::InstalmentId::generate()], ..wrap("no_commitment") }, "items"),
    ];
    for (wrong, expected) in wrongs {
        match scene.record(&wrong, "key-1").await {
            Err(Error::Invalid { field, .. }) => assert_eq!(field, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
    for key in ["", "a key", &"k".repeat(129)] {
        assert!(matches!(scene.record(&wrap("no_commitment"), key).await, Err(Error::Invalid { .. })));
    }
    assert_eq!(scene.traces().await, traces);
    assert_eq!(fixture::state_of(scene.app(), scene.agent.user).await, "wrap_up");
    scene.record(&wrap("no_commitment"), "key-1").await.expect("a refused request does not use up the key");
    scene.test.finish().await;
}

#[tokio::test]
async fn only_the_agent_of_the_call_or_a_supervisor_records() {
    let scene = Scene::set().await;
    let app = scene.app();
    let other = fixture::user(app, "agent2", Role::Agent).await;
    let supervisor = fixture::user(app, "supervisor1", Role::Supervisor).await;
    let by = async |who| disposition::record(app, who, scene.call, wrap("no_commitment"), "key-1").await;
    assert!(matches!(by(&other).await, Err(Error::Forbidden)));
    assert!(by(&supervisor).await.is_ok());
    let unknown = disposition::record(app, &supervisor, CallId::generate(), wrap("no_commitment"), "key-2").await;
    assert!(matches!(unknown, Err(Error::NotFound(_))));
    assert_eq!(fixture::state_of(app, scene.agent.user).await, "ready", "the agent is free either way");
    scene.test.finish().await;
}

#[tokio::test]
async fn the_services_own_record_gives_way_to_a_late_agent() {
    let scene = Scene::set().await;
    let app = scene.app();
    app.clock.advance(TimeDelta::minutes(2));
    ledgerline::agent::wrap_timer::step(app).await.expect("a step");
    scene.record(&scene.promise(100, 7), "key-1").await.expect("recorded late");
    let codes: Vec<String> =
        sqlx::query_scalar("SELECT code FROM call_disposition").fetch_all(&app.db).await.expect("codes");
    assert_eq!(codes, ["promise_to_pay"]);
    assert_eq!(fixture::count(app, "campaign_account WHERE not_before IS NOT NULL").await, 0, "no rest any more");
    scene.test.finish().await;
}

#[tokio::test]
async fn numbers_holds_and_callbacks_follow_too() {
    let scene = Scene::set().await;
    let app = scene.app();
    let wish = Wrap {
        note: Some("Speaks through a lawyer.".to_owned()),
        do_not_call: true,
        number_invalid: true,
        callback_at: Some(app.clock.now() + TimeDelta::hours(12)),
        ..wrap("attorney")
    };
    let recorded = scene.record(&wish, "key-1").await.expect("recorded");
    assert_eq!(recorded.warnings.len(), 1, "1 a.m. in New York: {:?}", recorded.warnings);
    for (table, rows) in [
        ("account_hold WHERE reason = 'attorney'", 1),
        ("do_not_call WHERE scope = 'number'", 1),
        ("contact_point WHERE invalid_at IS NOT NULL", 1),
        ("callback WHERE status = 'open'", 1),
    ] {
        assert_eq!(fixture::count(app, table).await, rows, "{table}");
    }
    scene.test.finish().await;
}

#[tokio::test]
async fn what_no_agent_sees_is_recorded_by_the_service() {
    let test = TestApp::start().await;
    let app = &test.app;
    let campaign = fixture::campaign(app).await;
    let endings =
        [(EndStatus::Busy, "busy", 30), (EndStatus::NoAnswer, "no_answer", 240), (EndStatus::Failed, "failed", 1440)];
    for (number, (status, code, minutes)) in (10..).zip(endings) {
        let account = fixture::account(app, &format!("00{number}")).await;
        let call = fixture::dialed_call(app, campaign, &account).await;
        fixture::ended(app, call, status).await;
        fixture::told(app, call, Event::Ringing).await;
        let (recorded, not_before): (String, chrono::DateTime<chrono::Utc>) = sqlx::query_as(
            "SELECT d.code, a.not_before FROM call_disposition d JOIN call c ON c.id = d.call_id
             JOIN campaign_account a ON a.account_id = c.account_id WHERE c.id = $1",
        )
        .bind(call)
        .fetch_one(&app.db)
        .await
        .expect("recorded");
        assert_eq!((recorded.as_str(), not_before), (code, app.clock.now() + TimeDelta::minutes(minutes)));
    }
    test.finish().await;
}

#[tokio::test]
async fn a_promise_is_broken_after_its_grace_and_not_before() {
    let scene = Scene::set().await;
    let app = scene.app();
    scene.record(&scene.promise(100_000, 2), "key-1").await.expect("recorded");
    for day in 1..=3 {
        app.clock.advance(TimeDelta::days(1));
        assert_eq!(day_roll::step(app).await.expect("a step"), 0, "day {day}: due on day 2, one day of grace");
    }
    app.clock.advance(TimeDelta::days(1));
    assert_eq!(day_roll::step(app).await.expect("a step"), 1);
    assert_eq!(day_roll::step(app).await.expect("a step"), 0, "once");
    assert_eq!(standing(app).await, (None, true, 0));
    scene.test.finish().await;
}

#[tokio::test]
async fn a_promise_is_kept_by_what_is_paid_on_its_items() {
    let scene = Scene::set().await;
    let app = scene.app();
    scene.record(&scene.promise(100_000, 5), "key-1").await.expect("recorded");
    app.clock.advance(TimeDelta::days(1));
    assert_eq!(day_roll::step(app).await.expect("a step"), 0);
    pay(app, &scene.account, 100_000).await;
    assert_eq!(day_roll::step(app).await.expect("a step"), 1);
    assert_eq!(standing(app).await, (None, false, 1));
    scene.test.finish().await;
}

#[tokio::test]
async fn a_payment_that_is_taken_back_takes_back_what_it_had_kept() {
    let scene = Scene::set().await;
    let app = scene.app();
    scene.record(&scene.promise(100_000, 5), "key-1").await.expect("recorded");
    app.clock.advance(TimeDelta::days(1));
    let payment = pay(app, &scene.account, 100_000).await;
    assert_eq!(day_roll::step(app).await.expect("a step"), 1);
    assert_eq!(standing(app).await, (None, false, 1));

    money::returned(app, payment).await.expect("taken back");
    let due_on = app.clock.business_date() + Days::new(4);
    assert_eq!(standing(app).await, (Some(due_on), false, 0), "it is open again");
    let history: Vec<(String, String)> = sqlx::query_as("SELECT before, after FROM promise_transition ORDER BY id")
        .fetch_all(&app.db)
        .await
        .expect("rows");
    let step = |before: &str, after: &str| (before.to_owned(), after.to_owned());
    assert_eq!(history, [step("open", "kept"), step("kept", "open")]);
    scene.test.finish().await;
}

#[tokio::test]
async fn a_promise_for_a_friday_has_its_grace_on_monday() {
    let scene = Scene::set().await;
    let app = scene.app();
    // The scene begins on a Tuesday.
    scene.record(&scene.promise(100_000, 3), "key-1").await.expect("recorded");
    app.clock.advance(TimeDelta::days(6));
    assert_eq!(day_roll::step(app).await.expect("a step"), 0, "on Monday it may still come");
    app.clock.advance(TimeDelta::days(1));
    assert_eq!(day_roll::step(app).await.expect("a step"), 1);
    assert_eq!(standing(app).await, (None, true, 0));
    scene.test.finish().await;
}

/// A payment of the oldest item.
async fn pay(app: &App, account: &Account, minor: i64) -> PaymentId {
    let (payment, now) = (PaymentId::generate(), app.clock.now());
    for statement in [
        "INSERT INTO payment (id, account_id, amount_minor, currency, received_on, recorded_at) VALUES ($1, $2, $4, 'USD', $6, $5)",
        "INSERT INTO posting (account_id, kind, payment_id, amount_minor, currency, business_date, recorded_at)
         VALUES ($2, 'payment', $1, -$4, 'USD', $6, $5)",
        "INSERT INTO allocation (account_id, payment_id, instalment_id, amount_minor, mode, business_date, recorded_at)
         VALUES ($2, $1, $3, $4, 'specified', $6, $5)",
    ] {
        let used = format!(
            "WITH given AS (SELECT $1::uuid, $2::uuid, $3::uuid, $4::bigint, $5::timestamptz, $6::date) {statement}"
        );
        sqlx::query(sqlx::AssertSqlSafe(used))
            .bind(payment)
            .bind(account.id)
            .bind(account.items[0])
            .bind(minor)
            .bind(now)
            .bind(app.clock.business_date())
            .execute(&app.db)
            .await
            .expect("a payment");
    }
    payment
}
