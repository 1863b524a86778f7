//! The customer record: terms, limits, holds of deliveries, reviews, families, the time line, and the account page's
//! queries.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use chrono::TimeDelta;
use ledgerline::{
    account::{self, timeline::Place},
    agent::{Role, session},
    app::App,
    credit::{
        self, NewParty, NewTerms,
        rule::{Reason, Rules},
    },
    error::Error,
    ids::AccountId,
    ledger::{self, AllocationMode, NewInvoice, NewPayment},
    money::{Currency, Money},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tower::ServiceExt;

use crate::{
    agents::fixture,
    api::client::Client,
    scene::{Debtor, Scene},
};

async fn standing(app: &App, debtor: &Debtor) -> Vec<Reason> {
    let mut conn = app.db.acquire().await.expect("a connection");
    credit::store::standing(&mut conn, debtor.account)
        .await
        .expect("holds")
        .into_iter()
        .map(|(_, reason)| reason)
        .collect()
}

#[tokio::test]
async fn deliveries_are_held_and_released_by_rule_and_by_hand() {
    let scene = Scene::start().await;
    let debtor = scene.owing(1, 12_500).await;
    let app = scene.app();
    let by = fixture::user(app, "boss", Role::Supervisor).await.user;
    let rules =
        Rules { hold_over_limit: true, hold_overdue_days: Some(30), hold_overdue_minor: 12_499, ..Rules::default() };
    credit::set_rules(app, by, "", &rules).await.unwrap();
    let wrong = credit::set_rules(app, by, "", &Rules { flag_points: 0, ..rules }).await;
    assert!(matches!(wrong, Err(Error::Invalid { field, .. }) if field == "flag_points"));
    credit::step(app).await.unwrap();
    assert_eq!(standing(app, &debtor).await, [Reason::Overdue]);
    let tasks: i64 =
        sqlx::query_scalar("SELECT count(*) FROM task WHERE source_kind = 'credit'").fetch_one(&app.db).await.unwrap();
    assert_eq!(tasks, 1);

    // A limit that is exceeded counts at once; a raised one lifts the hold.
    let limit = |minor| NewTerms { limit_minor: Some(minor), reason: "agreed".to_owned(), ..NewTerms::default() };
    credit::change_terms(app, by, debtor.account, &limit(12_499)).await.unwrap();
    assert_eq!(standing(app, &debtor).await.len(), 2);
    credit::change_terms(app, by, debtor.account, &limit(12_500)).await.unwrap();
    assert_eq!(standing(app, &debtor).await, [Reason::Overdue]);

    // Released until a day: the rule waits for the day after.
    let hold: uuid::Uuid =
        sqlx::query_scalar("SELECT id FROM credit_hold WHERE released_at IS NULL").fetch_one(&app.db).await.unwrap();
    let today = app.clock.business_date();
    let past = credit::release(app, by, hold, today - TimeDelta::days(1), "asked").await;
    assert!(matches!(past, Err(Error::Invalid { field, .. }) if field == "until"));
    credit::release(app, by, hold, today + TimeDelta::days(2), "goods are on the way").await.unwrap();
    credit::step(app).await.unwrap();
    assert!(standing(app, &debtor).await.is_empty());
    app.clock.advance(TimeDelta::days(3));
    credit::step(app).await.unwrap();
    assert_eq!(standing(app, &debtor).await, [Reason::Overdue]);
    credit::hold(app, by, debtor.account, "strange orders").await.unwrap();
    assert!(matches!(credit::hold(app, by, debtor.account, "again").await, Err(Error::Conflict(_))));
    scene.finish().await;
}

#[tokio::test]
async fn a_family_shares_a_limit_and_cannot_stand_above_itself() {
    let scene = Scene::start().await;
    let (one, two) = (scene.owing(1, 6_000).await, scene.owing(2, 7_000).await);
    let app = scene.app();
    let by = fixture::user(app, "boss", Role::Supervisor).await.user;
    credit::set_rules(app, by, "", &Rules { hold_over_limit: true, ..Rules::default() }).await.unwrap();
    let party = |name: &str, parent, limit_minor| NewParty { id: None, name: name.to_owned(), parent, limit_minor };
    let top = credit::set_party(app, by, one.account, &party("Group", None, Some(12_999))).await.unwrap();
    assert!(standing(app, &one).await.is_empty());
    let below = credit::set_party(app, by, two.account, &party("Subsidiary", Some(top), None)).await.unwrap();
    assert_eq!(standing(app, &two).await, [Reason::OverLimit], "130.00 of 129.99");
    let mut conn = app.db.acquire().await.unwrap();
    let found = credit::of(&mut conn, two.account).await.unwrap();
    let family = found.party.expect("a customer");
    assert_eq!(
        (family.family_minor, family.family_accounts, family.parent_name.as_deref()),
        (13_000, 2, Some("Group"))
    );
    drop(conn);
    credit::join_party(app, by, two.account, Some(top)).await.unwrap();
    let found = credit::of(&mut app.db.acquire().await.unwrap(), two.account).await.unwrap().party.expect("a customer");
    assert_eq!((found.id, found.limit_minor), (top, Some(12_999)), "who joins changes nothing of the customer");
    credit::join_party(app, by, two.account, None).await.unwrap();
    assert!(credit::of(&mut app.db.acquire().await.unwrap(), two.account).await.unwrap().party.is_none());
    let nobody = credit::join_party(app, by, two.account, Some(uuid::Uuid::nil())).await;
    assert!(matches!(nobody, Err(Error::NotFound(_))));
    let circle = NewParty { id: Some(top), ..party("Group", Some(below), None) };
    assert!(
        matches!(credit::set_party(app, by, one.account, &circle).await, Err(Error::Invalid { field, .. }) if field == "parent")
    );
    scene.finish().await;
}

#[tokio::test]
async fn a_review_is_kept_and_a_changed_score_is_a_task() {
    let scene = Scene::start().await;
    let debtor = scene.owing(1, 12_500).await;
    let app = scene.app();
    let first = credit::review(app, None, debtor.account).await.unwrap();
    assert_eq!((first.score.score, first.score.items, first.flagged), (None, 1, false), "one item is no history");
    let (now, today) = (scene.now(), app.clock.business_date());
    let mut conn = app.db.acquire().await.unwrap();
    for (n, days) in [(2, 5), (3, 3)] {
        let invoice = NewInvoice {
            account: debtor.account,
            number: format!("R-{n:04}"),
            issued_on: today - TimeDelta::days(30),
            po_number: None,
            currency: Currency::USD,
            instalments: vec![(today - TimeDelta::days(days), 1000)],
        };
        ledger::store::post_invoice(&mut conn, &invoice, now).await.unwrap();
    }
    ledger::store::refresh_standing(&mut conn, &[debtor.account], now).await.unwrap();
    drop(conn);
    let second = credit::review(app, None, debtor.account).await.unwrap();
    let score = second.score.score.expect("three items");
    assert!(!second.flagged && (30..80).contains(&score), "{score}");
    app.clock.advance(TimeDelta::days(60));
    let third = credit::review(app, None, debtor.account).await.unwrap();
    assert!(third.flagged, "{:?} after {score}", third.score);
    let subject: String =
        sqlx::query_scalar("SELECT subject FROM task WHERE source_kind = 'credit'").fetch_one(&app.db).await.unwrap();
    assert!(subject.starts_with("Credit score changed from"), "{subject}");
    assert_eq!(credit::step(app).await.unwrap().reviewed, 0, "reviewed just now");
    scene.finish().await;
}

#[tokio::test]
async fn the_time_line_has_everything_once_in_order_page_by_page() {
    let scene = Scene::start().await;
    let debtor = scene.owing(1, 12_500).await;
    let app = scene.app();
    let by = fixture::user(app, "boss", Role::Supervisor).await.user;
    for n in 0..5 {
        account::change::add_note(app, by, debtor.account, &format!("note {n}")).await.unwrap();
    }
    credit::hold(app, by, debtor.account, "strange orders").await.unwrap();
    credit::review(app, Some(by), debtor.account).await.unwrap();
    let stop = ledgerline::reminder::NewStop { invoice: None, reason: "patience".to_owned(), until_on: None };
    ledgerline::reminder::stop(app, by, debtor.account, &stop).await.unwrap();
    let point = crate::messages::address(app, &debtor, "clerk").await;
    let consent = account::consent::NewConsent {
        contact_point: point,
        purpose: account::consent::Purpose::Messages,
        action: account::consent::Action::Granted,
        source: "form".to_owned(),
        at: None,
    };
    account::consent::record(app, by, debtor.account, &consent).await.unwrap();
    let boss = Client::new(app).await.of(by).await;
    let path = format!("/api/accounts/{}", debtor.account);
    let first_on = app.clock.business_date() + chrono::Days::new(7);
    let plan = json!({ "total_minor": 12_500, "first_on": first_on, "rhythm": "weekly", "instalments": 2 });
    let agreed = boss.post(&format!("{path}/plans"), &plan).await;
    assert_eq!(agreed.status.as_u16(), 201, "{}", agreed.text);
    let up = json!({ "level": "credit_manager", "reason": "asks for more time" });
    let raised = boss.post(&format!("{path}/escalations"), &up).await;
    assert_eq!(raised.status.as_u16(), 201, "{}", raised.text);
    app.clock.advance(TimeDelta::minutes(1));
    account::change::add_note(app, by, debtor.account, "the newest").await.unwrap();

    let mut conn = app.db.acquire().await.unwrap();
    let all = account::store::timeline(&mut conn, debtor.account, None, 100).await.unwrap();
    assert_eq!(all[0].text.as_deref(), Some("the newest"));
    for kind in ["note", "hold", "credit", "consent", "decision", "plan", "escalation"] {
        assert!(all.iter().any(|entry| entry.kind == kind), "{kind} is missing");
    }
    let (mut paged, mut place): (Vec<_>, Option<Place>) = (Vec::new(), None);
    loop {
        let page = account::store::timeline(&mut conn, debtor.account, place.as_ref(), 3).await.unwrap();
        let Some(last) = page.last() else { break };
        place = Some(Place(last.at, last.key.clone()));
        paged.extend(page);
    }
    assert_eq!(paged, all, "pages make up the whole");
    drop(conn);
    scene.test.settle().await;
    scene.finish().await;
}

/// Counts the statements that are sent to Postgres on this thread.
struct Counting(Arc<AtomicUsize>);

impl tracing::Subscriber for Counting {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        if event.metadata().target() == "sqlx::query" {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test]
async fn the_account_page_asks_as_much_for_five_thousand_items_as_for_one() {
    let scene = Scene::start().await;
    let (small, large) = (scene.owing(1, 12_500).await, scene.owing(2, 12_500).await);
    let app = scene.app();
    let (now, today) = (scene.now(), app.clock.business_date());
    let mut conn = app.db.acquire().await.unwrap();
    let invoice = NewInvoice {
        account: large.account,
        number: "MANY".to_owned(),
        issued_on: today,
        po_number: None,
        currency: Currency::USD,
        instalments: (0..5000).map(|n| (today - TimeDelta::days(n % 200), 100 + n)).collect(),
    };
    ledger::store::post_invoice(&mut conn, &invoice, now).await.unwrap();
    ledger::store::refresh_standing(&mut conn, &[large.account], now).await.unwrap();
    drop(conn);
    let by = fixture::user(app, "agent1", Role::Agent).await.user;
    let token = session::issue_bearer(app, by, "test", TimeDelta::days(1)).await.unwrap().token;
    let router = ledgerline::http::router(app.clone());
    let mut counts = Vec::new();
    for debtor in [&small, &large] {
        let mut asked = 0;
        // A subscriber that another test sets or drops at the same moment may hide this one.
        for _ in 0..10 {
            asked = asked.max(statements_of_page(&router, debtor.account, &token).await);
            if asked > 0 {
                break;
            }
        }
        counts.push(asked);
    }
    assert!(counts[0] > 0 && counts[0] < 40, "{counts:?}");
    assert_eq!(counts[0], counts[1], "no question for each item");
    scene.finish().await;
}

/// How many statements the parts of an account's page take.
async fn statements_of_page(router: &Router, account: AccountId, token: &SecretString) -> usize {
    let asked = Arc::new(AtomicUsize::new(0));
    let _guard = tracing::subscriber::set_default(Counting(asked.clone()));
    tracing::callsite::rebuild_interest_cache();
    for page in ["", "/timeline", "/credit", "/messages"] {
        let request = Request::get(format!("/api/accounts/{account}{page}"))
            .header(header::AUTHORIZATION, format!("Bearer {}", token.expose_secret()))
            .body(Body::empty())
            .unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{page}");
        let body = to_bytes(response.into_body(), 16 << 20).await.unwrap();
        assert!(!body.is_empty());
    }
    asked.load(Ordering::SeqCst)
}

#[tokio::test]
async fn a_customer_is_as_late_as_the_money_whenever_it_is_applied() {
    let scene = Scene::start().await;
    let debtor = scene.debtor(1).await;
    let app = scene.app();
    let by = fixture::user(app, "boss", Role::Supervisor).await.user;
    let (now, today) = (scene.now(), app.clock.business_date());
    let due_on = today - TimeDelta::days(30);
    let mut conn = app.db.acquire().await.unwrap();
    let invoice = NewInvoice {
        account: debtor.account,
        number: "R-1".to_owned(),
        issued_on: due_on,
        po_number: None,
        currency: Currency::USD,
        instalments: vec![(due_on, 1000); 3],
    };
    ledger::store::post_invoice(&mut conn, &invoice, now).await.unwrap();
    let paid = NewPayment {
        account: debtor.account,
        amount: Money::new(3000, Currency::USD),
        received_on: due_on,
        method: "transfer".to_owned(),
        reference: String::new(),
    };
    let paid = ledger::store::record_payment(&mut conn, &paid, now).await.unwrap();
    let apply = async |conn: &mut sqlx::PgConnection, on| {
        for item in ledger::store::open_items(conn, debtor.account).await.unwrap() {
            let mode = AllocationMode::Specified;
            ledger::store::allocate(conn, paid, item.instalment, 1000, mode, on, now).await.unwrap();
        }
    };
    apply(&mut conn, today - TimeDelta::days(10)).await;
    ledger::unapply(&mut conn, paid.into(), None, by, today, now).await.unwrap();
    apply(&mut conn, today).await;
    drop(conn);
    let score = credit::review(app, None, debtor.account).await.unwrap().score;
    assert_eq!((score.items, score.days_late_milli), (3, Some(0)), "it came on the day on which it was due");
    scene.test.settle().await;
    scene.finish().await;
}
