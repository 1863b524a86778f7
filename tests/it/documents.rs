//! Invoices and statements: numbers without gaps, files that a reader can open, mailed as they are kept.

use std::{path::Path, process::Command};

use ledgerline::{
    account,
    agent::Role,
    app::App,
    credit::{self, NewTerms},
    document::{self, NewInvoice, NumberRange, store},
    error::Error,
    ids::{AccountId, UserId},
    ledger::invoice::InvoiceLine,
    message::store::Issuer,
};

use crate::{
    agents::fixture,
    messages::{MailServer, address, with_mail},
    scene::{Debtor, Scene},
};

fn invoice(net: i64) -> NewInvoice {
    let line = |description: &str, net_minor, tax_rate_bp, tax_minor| InvoiceLine {
        description: description.to_owned(),
        quantity_milli: 1500,
        net_minor,
        tax_rate_bp,
        tax_minor,
    };
    NewInvoice {
        po_number: Some("PO-77".to_owned()),
        terms: None,
        issued_on: None,
        lines: vec![line("Ζάχαρη, сахар, Öl", net, 1000, net / 10), line("Freight", 500, 0, 0)],
        contact_point: None,
    }
}

/// Everything that an invoice needs is known.
async fn ready(scene: &Scene, debtor: &Debtor, by: UserId) {
    let app = scene.app();
    let mut conn = app.db.acquire().await.unwrap();
    let issuer = Issuer {
        name: "Example Receivables".to_owned(),
        address: "1 High Street\nSpringfield".to_owned(),
        email: "accounts@example.com".to_owned(),
        phone: String::new(),
        tax_id: "12-3456789".to_owned(),
        bank: "Bank account 000123".to_owned(),
    };
    store::set_issuer(&mut conn, by, "test", &issuer, scene.now()).await.unwrap();
    let range = NumberRange { prefix: "INV-".to_owned(), width: 5, next: 41 };
    store::set_range(&mut conn, "test", &range).await.unwrap();
    drop(conn);
    sqlx::query("UPDATE account SET address_line = '7 Low Road', city = 'Γλυφάδα'").execute(&app.db).await.unwrap();
    let terms = NewTerms {
        terms: Some("HALVES".to_owned()),
        tax_id: Some("98-7654321".to_owned()),
        po_required: Some(true),
        ..NewTerms::default()
    };
    credit::change_terms(app, by, debtor.account, &terms).await.unwrap();
}

/// What a reader of PDF makes of a file; `None`, and a line that says so, where there is none.
fn text_of(name: &str, file: &[u8]) -> Option<String> {
    // Beside the screenshots, to be looked at.
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
    std::fs::create_dir_all(&directory).expect("a directory");
    let path = directory.join(format!("{name}.pdf"));
    std::fs::write(&path, file).expect("a file");
    let read = Command::new("pdftotext").arg("-layout").arg(&path).arg("-").output();
    let Ok(read) = read else {
        eprintln!("SKIPPED: no pdftotext: install poppler-utils (scripts/bootstrap test does)");
        return None;
    };
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    Some(String::from_utf8(read.stdout).expect("UTF-8"))
}

async fn issue(app: &App, by: UserId, account: AccountId, new: &NewInvoice) -> Result<document::Issued, Error> {
    document::issue(app, by, account, new).await
}

#[tokio::test]
async fn everything_that_is_missing_is_told_at_once_and_nothing_is_done() {
    let scene = Scene::start().await;
    let debtor = scene.debtor(1).await;
    let app = scene.app();
    let by = fixture::user(app, "boss", Role::Supervisor).await.user;
    let mut new = invoice(1000);
    new.lines[0].tax_minor = 7;
    let faults = document::check(app, debtor.account, &new).await.unwrap();
    let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "terms",
            "issuer.address",
            "issuer.tax_id",
            "account.tax_id",
            "account.address_line",
            "contact_point",
            "lines[0].tax_minor"
        ]
    );
    let Err(Error::Invalid { field, detail }) = issue(app, by, debtor.account, &new).await else { panic!("it went") };
    assert_eq!(field, "terms");
    assert!(fields.iter().all(|field| detail.contains(field)), "{detail}");
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM invoice").fetch_one(&app.db).await.unwrap();
    assert_eq!(rows, 0);
    scene.finish().await;
}

#[tokio::test]
async fn a_number_that_a_file_brought_to_the_account_is_refused_with_what_to_do() {
    let scene = Scene::start().await;
    let debtor = scene.debtor(1).await;
    let app = scene.app();
    let by = fixture::user(app, "boss", Role::Supervisor).await.user;
    let point = address(app, &debtor, "clerk").await;
    ready(&scene, &debtor, by).await;
    sqlx::query(
        "INSERT INTO invoice (id, account_id, number, issued_on, currency, created_at)
         SELECT gen_random_uuid(), id, 'INV-00041', '2026-01-02', currency, created_at FROM account WHERE id = $1",
    )
    .bind(debtor.account)
    .execute(&app.db)
    .await
    .unwrap();
    let new = NewInvoice { contact_point: Some(point), ..invoice(10_000) };
    let Err(Error::Conflict(why)) = issue(app, by, debtor.account, &new).await else { panic!("it went") };
    assert!(why.contains("INV-00041") && why.contains("next number of the range to 42"), "{why}");
    let mut conn = app.db.acquire().await.unwrap();
    let range = NumberRange { prefix: "INV-".to_owned(), width: 5, next: 42 };
    store::set_range(&mut conn, "test", &range).await.unwrap();
    drop(conn);
    let issued = issue(app, by, debtor.account, &new).await;
    assert!(issued.as_ref().is_ok_and(|issued| issued.number == "INV-00042"), "{issued:?}");
    scene.finish().await;
}

#[tokio::test]
async fn an_invoice_gets_the_next_number_is_posted_kept_and_mailed() {
    let Some(server) = MailServer::start() else { return };
    let (scene, debtor) = with_mail(&server).await;
    let app = scene.app();
    let by = fixture::user(app, "boss", Role::Supervisor).await.user;
    let point = address(app, &debtor, "clerk").await;
    ready(&scene, &debtor, by).await;
    let issued = issue(app, by, debtor.account, &invoice(10_000)).await.expect("issued");
    assert_eq!(issued.number, "INV-00041");
    scene.test.settle().await;
    let mail = &server.mails()[0];
    assert!(mail.0.contains("filename=\"INV-00041.pdf\""), "{}", mail.0);
    assert_eq!(mail.header("Subject").as_deref(), Some("Invoice INV-00041 from Example Receivables"));

    let mut conn = app.db.acquire().await.unwrap();
    let (_, _, file) = store::file(&mut conn, issued.invoice).await.unwrap();
    let parts = store::instalments(&mut conn, issued.invoice).await.unwrap();
    drop(conn);
    assert_eq!(parts.iter().map(|(_, minor)| minor).sum::<i64>(), 11_500);
    assert_eq!(parts.len(), 2);
    if let Some(text) = text_of("invoice", &file) {
        for piece in [
            "Invoice INV-00041",
            "Example Receivables",
            "Debtor 0001 Ltd",
            "Γλυφάδα",
            "Ζάχαρη, сахар, Öl",
            "PO-77",
            "10 %",
            "105.00",
            "115.00",
            "Page 1 of 1",
        ] {
            assert!(text.contains(piece), "{piece} is missing in:\n{text}");
        }
    }
    let copy = document::send_copy(app, by, issued.invoice, point).await.expect("a copy");
    scene.test.settle().await;
    assert_ne!(copy, issued.message);
    assert_eq!(server.mails().len(), 2);
    scene.finish().await;
}

#[tokio::test]
async fn numbers_have_no_gaps_whatever_fails_and_whoever_comes_first() {
    let scene = Scene::start().await;
    let debtor = scene.owing(1, 100).await;
    let app = scene.app();
    let by = fixture::user(app, "boss", Role::Supervisor).await.user;
    let point = address(app, &debtor, "clerk").await;
    ready(&scene, &debtor, by).await;
    let opted_out = {
        let mut conn = app.db.acquire().await.unwrap();
        ledgerline::message::store::revoke_messages(&mut conn, point, "test", scene.now()).await.unwrap();
        NewInvoice { contact_point: Some(point), ..invoice(1000) }
    };
    let refused = issue(app, by, debtor.account, &opted_out).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    address(app, &debtor, "second").await;
    let four = invoice(1000);
    let (a, b, c, d) = tokio::join!(
        issue(app, by, debtor.account, &four),
        issue(app, by, debtor.account, &four),
        issue(app, by, debtor.account, &four),
        issue(app, by, debtor.account, &four)
    );
    let mut numbers: Vec<String> = [a, b, c, d].into_iter().map(|issued| issued.expect("issued").number).collect();
    numbers.sort();
    assert_eq!(numbers, ["INV-00041", "INV-00042", "INV-00043", "INV-00044"]);
    let mut conn = app.db.acquire().await.unwrap();
    let lower = NumberRange { prefix: "INV-".to_owned(), width: 5, next: 44 };
    assert!(
        matches!(store::set_range(&mut conn, "test", &lower).await, Err(Error::Invalid { field, .. }) if field == "next")
    );
    drop(conn);
    scene.test.settle().await;
    scene.finish().await;
}

#[tokio::test]
async fn a_statement_of_many_pages_ties_to_the_account() {
    let scene = Scene::start().await;
    let debtor = scene.owing(1, 12_500).await;
    let app = scene.app();
    let (now, today) = (scene.now(), app.clock.business_date());
    let mut conn = app.db.acquire().await.unwrap();
    for n in 0..120 {
        let new = ledgerline::ledger::NewInvoice {
            account: debtor.account,
            number: format!("S-{n:04}"),
            issued_on: today,
            po_number: None,
            currency: ledgerline::money::Currency::USD,
            instalments: vec![(today, 1000)],
        };
        ledgerline::ledger::store::post_invoice(&mut conn, &new, now).await.unwrap();
    }
    ledgerline::ledger::store::refresh_standing(&mut conn, &[debtor.account], now).await.unwrap();
    let row = account::store::get(&mut conn, debtor.account).await.unwrap();
    let file = document::statement(&mut conn, debtor.account, today).await.unwrap();
    drop(conn);
    if let Some(text) = text_of("statement", &file) {
        for n in 0..120 {
            assert_eq!(text.matches(&format!("S-{n:04}")).count(), 1, "each item once");
        }
        assert!(text.contains("1,325.00") && text.contains(&row.name), "{text}");
        let pages = text.matches("Page 1 of 4").count() + text.matches("Page 1 of 3").count();
        assert_eq!(pages, 1, "{text}");
        assert!(text.matches("Days late").count() >= 3, "heads on every page");
    }
    scene.finish().await;
}
