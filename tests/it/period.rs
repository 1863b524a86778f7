//! Closed periods: what they hold does not change.

use chrono::NaiveDate;
use ledgerline::{
    app::App,
    error::Error,
    import::{ImportJob, import_file, mapping::Mapping},
    ledger::{self, NewInvoice, NewPayment},
    money::{Currency, Money},
    period,
};
use uuid::Uuid;

use crate::{
    harness::TestApp,
    portfolio::{self, Debtor},
};

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

/// The books of `portfolio` are closed through a day.
async fn lock(app: &App, portfolio: &str, through: &str) {
    sqlx::query(
        "INSERT INTO period_close (id, portfolio, kind, first_day, locked_through, last_posting, last_allocation,
                                   checklist, content_hash, closed_at)
         VALUES ($1, $2, 'month', date_trunc('month', $3::date), $3, 0, 0, '[]', sha256(''), $4)",
    )
    .bind(Uuid::now_v7())
    .bind(portfolio)
    .bind(day(through))
    .bind(app.clock.now())
    .execute(&app.db)
    .await
    .expect("closed");
}

fn invoice(account: ledgerline::ids::AccountId, number: &str, issued_on: &str) -> NewInvoice {
    NewInvoice {
        account,
        number: number.to_owned(),
        issued_on: day(issued_on),
        po_number: None,
        currency: Currency::USD,
        instalments: vec![(day("2026-04-30"), 1_000)],
    }
}

#[tokio::test]
async fn nothing_is_posted_up_to_the_last_closed_day() {
    let test = TestApp::start().await;
    let (app, now) = (&test.app, test.app.clock.now());
    let made = portfolio::add(app, &Debtor::default()).await;
    lock(app, "test", "2026-02-28").await;
    let mut conn = app.db.acquire().await.expect("a connection");

    let refused = ledger::store::post_invoice(&mut conn, &invoice(made.account, "A1", "2026-02-28"), now).await;
    let Err(Error::Conflict(why)) = refused else { panic!("{refused:?}") };
    assert!(why.contains("2026-02-28") && why.contains("portfolio test"), "{why}");
    ledger::store::post_invoice(&mut conn, &invoice(made.account, "A2", "2026-03-01"), now).await.expect("open again");

    let payment = NewPayment {
        account: made.account,
        amount: Money::new(500, Currency::USD),
        received_on: day("2026-01-15"),
        method: "transfer".to_owned(),
        reference: String::new(),
    };
    assert!(matches!(ledger::store::record_payment(&mut conn, &payment, now).await, Err(Error::Conflict(_))));
    assert!(matches!(period::refuse_closed(&mut conn, made.account, day("2026-02-28")).await, Err(Error::Conflict(_))));
    period::refuse_closed(&mut conn, made.account, day("2026-03-01")).await.expect("open");
    drop(conn);
    test.finish().await;
}

#[tokio::test]
async fn another_portfolio_is_not_closed_with_it() {
    let test = TestApp::start().await;
    let (app, now) = (&test.app, test.app.clock.now());
    let made = portfolio::add(app, &Debtor::default()).await;
    lock(app, "another", "2026-02-28").await;
    let mut conn = app.db.acquire().await.expect("a connection");
    ledger::store::post_invoice(&mut conn, &invoice(made.account, "A1", "2026-02-28"), now).await.expect("not closed");
    drop(conn);
    test.finish().await;
}

#[tokio::test]
async fn rows_of_a_file_that_lie_in_a_closed_period_are_refused_one_by_one() {
    let test = TestApp::start().await;
    let app = &test.app;
    lock(app, "main", "2026-02-28").await;
    let path = std::env::temp_dir().join(format!("ledgerline-closed-{}.csv", Uuid::now_v7()));
    let text = "Customer No,Customer,Invoice No,Invoice Date,Due Date,Amount\n\
                7,D,A1,2026-02-27,2026-03-27,10.00\n\
                7,D,A2,2026-03-02,2026-04-01,20.00\n";
    std::fs::write(&path, text).expect("a file");
    let job = ImportJob::new(&path, Mapping::load("open-items").expect("it is shipped"), day("2026-03-10"));
    let report = import_file(&app.db, &app.clock, &job, |_| ()).await.expect("taken in");
    assert_eq!((report.counts.new, report.counts.rejected), (1, 1));
    let rejects = std::fs::read_to_string(report.rejects.expect("a file")).expect("rejects");
    assert!(rejects.contains("closed through 2026-02-28"), "{rejects}");
    std::fs::remove_file(path).expect("removed");
    test.finish().await;
}
