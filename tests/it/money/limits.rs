//! Who may post how much, and what waits for another person.

use ledgerline::{
    agent::Role,
    error::Error,
    ledger::{
        self, Adjustment, AdjustmentKind, Document, Reversal,
        approval::{self, Request, Submitted},
        invoice::{InvoiceDraft, InvoiceLine, issue},
        store,
    },
};

use super::{account, invoice, payment, usd, user};
use crate::harness::TestApp;

#[tokio::test]
async fn what_is_above_the_limit_waits_for_another_person_and_nothing_is_posted_before() {
    let test = TestApp::start().await;
    let app = &test.app;
    let (today, now) = (app.clock.business_date(), app.clock.now());
    let (agent, supervisor) = (user(app, Role::Agent).await, user(app, Role::Supervisor).await);
    let another = user(app, Role::Supervisor).await;
    let account = account(app, "commercial").await;
    let item = invoice(app, account, today, &[500_000]).await[0];
    let write_off = |minor| Adjustment {
        account,
        instalment: item,
        kind: AdjustmentKind::WriteOff,
        amount: usd(minor),
        reason: "insolvent".to_owned(),
        approved_by: None,
    };
    let mut conn = app.db.acquire().await.expect("a connection");
    let alone = ledger::adjust(&mut conn, &write_off(50_000), agent, today, now).await;
    assert!(matches!(alone, Err(Error::Conflict(_))), "an agent writes nothing off: {alone:?}");
    let own = Adjustment { approved_by: Some(supervisor), ..write_off(50_000) };
    assert!(ledger::adjust(&mut conn, &own, supervisor, today, now).await.is_err(), "nobody approves their own");

    let request = Request::Adjustment(write_off(50_000));
    let Submitted::Waiting(id) = approval::submit(&mut conn, &request, agent, today, now).await.expect("kept") else {
        panic!("it is above the agent's limit");
    };
    assert_eq!(store::open_items(&mut conn, account).await.expect("items")[0].open.minor, 500_000);
    assert!(approval::decide(&mut conn, id, true, "", agent, today, now).await.is_err(), "not by the author");
    let posted = approval::decide(&mut conn, id, true, "agreed", supervisor, today, now).await.expect("approved");
    assert!(matches!(posted, Some(Document::Adjustment(_))));
    assert_eq!(store::open_items(&mut conn, account).await.expect("items")[0].open.minor, 450_000);
    assert!(approval::decide(&mut conn, id, false, "", another, today, now).await.is_err(), "once");

    let large = Request::Adjustment(write_off(100_001));
    let Submitted::Waiting(id) = approval::submit(&mut conn, &large, supervisor, today, now).await.expect("kept")
    else {
        panic!("it is above the supervisor's limit");
    };
    assert!(approval::decide(&mut conn, id, true, "", another, today, now).await.is_err(), "above that limit too");
    approval::decide(&mut conn, id, false, "no", user(app, Role::Admin).await, today, now).await.expect("refused");
    assert_eq!(store::open_items(&mut conn, account).await.expect("items")[0].open.minor, 450_000);
    drop(conn);
    sqlx::query("DELETE FROM outbox").execute(&app.db).await.expect("nobody calls this account");
    test.finish().await;
}

#[tokio::test]
async fn a_returned_payment_opens_its_items_and_a_waiver_takes_no_principal() {
    let test = TestApp::start().await;
    let app = &test.app;
    let (today, now) = (app.clock.business_date(), app.clock.now());
    let by = user(app, Role::Supervisor).await;
    let account = account(app, "commercial").await;
    let item = invoice(app, account, today, &[10_000]).await[0];
    let paid = payment(app, account, today, 4_000).await;
    let mut conn = app.db.acquire().await.expect("a connection");
    let adjustment = |kind, minor| Adjustment {
        account,
        instalment: item,
        kind,
        amount: usd(minor),
        reason: "late".to_owned(),
        approved_by: None,
    };
    ledger::adjust(&mut conn, &adjustment(AdjustmentKind::Fee, 1_000), by, today, now).await.expect("a fee");
    ledger::adjust(&mut conn, &adjustment(AdjustmentKind::Interest, 500), by, today, now).await.expect("interest");
    let way = ledger::Way::specified("by hand", Some(by));
    store::allocate_with(&mut conn, paid.into(), item, 1_200, &way, today, now).await.expect("applied");
    let parts: Vec<(String, i64)> = sqlx::query_as("SELECT part, amount_minor FROM allocation ORDER BY id")
        .fetch_all(&mut *conn)
        .await
        .expect("parts");
    assert_eq!(parts, [("fee".to_owned(), 1_000), ("interest".to_owned(), 200)], "fees, then interest, then principal");
    let waiver = ledger::adjust(&mut conn, &adjustment(AdjustmentKind::Waiver, 301), by, today, now).await;
    assert!(matches!(waiver, Err(Error::Invalid { .. })), "only 3.00 of interest is left: {waiver:?}");
    ledger::adjust(&mut conn, &adjustment(AdjustmentKind::Waiver, 300), by, today, now).await.expect("waived");
    let bounced = Reversal { document: Document::Payment(paid), reason: "no funds".to_owned(), returned: true };
    ledger::reverse(&mut conn, &bounced, by, today, now).await.expect("returned");
    assert_eq!(store::open_items(&mut conn, account).await.expect("items")[0].open.minor, 11_200);
    let state: String = sqlx::query_scalar("SELECT state FROM payment WHERE id = $1")
        .bind(paid.0)
        .fetch_one(&mut *conn)
        .await
        .expect("it");
    assert_eq!(state, "returned");
    drop(conn);
    sqlx::query("DELETE FROM outbox").execute(&app.db).await.expect("nobody calls this account");
    test.finish().await;
}

#[tokio::test]
async fn an_invoice_has_lines_terms_and_enclosures() {
    let test = TestApp::start().await;
    let app = &test.app;
    let (today, now) = (app.clock.business_date(), app.clock.now());
    let by = user(app, Role::Supervisor).await;
    let line = |net_minor, tax_minor| InvoiceLine {
        description: "Work".to_owned(),
        quantity_milli: 1_500,
        net_minor,
        tax_rate_bp: 1_900,
        tax_minor,
    };
    let draft = InvoiceDraft {
        account: account(app, "commercial").await,
        number: "R-1".to_owned(),
        issued_on: today,
        po_number: Some("PO-7".to_owned()),
        terms: "THIRDS".to_owned(),
        lines: vec![line(10_000, 1_900), line(-101, -19)],
        attachments: vec![],
    };
    let mut conn = app.db.acquire().await.expect("a connection");
    let unknown = InvoiceDraft { terms: "NEVER".to_owned(), ..draft.clone() };
    assert!(matches!(issue(&mut conn, &unknown, by, today, now).await, Err(Error::Invalid { .. })));
    let id = issue(&mut conn, &draft, by, today, now).await.expect("issued");
    let items = store::open_items(&mut conn, draft.account).await.expect("items");
    let parts: Vec<i64> = items.iter().map(|item| item.open.minor).collect();
    assert_eq!((parts.iter().sum::<i64>(), parts.len()), (11_780, 3));
    assert_eq!(store::invoices::lines(&mut conn, id).await.expect("lines"), draft.lines);
    let posted = store::postings::of_account(&mut conn, draft.account, None, 10).await.expect("postings");
    assert!(posted.len() == 3 && posted.iter().all(|posting| posting.posted_by == Some(by)), "{posted:?}");
    assert!(matches!(issue(&mut conn, &draft, by, today, now).await, Err(Error::Conflict(_))), "the number is taken");
    drop(conn);
    sqlx::query("DELETE FROM outbox").execute(&app.db).await.expect("nobody calls this account");
    test.finish().await;
}
