//! A file that lists all that is open: what it does not list any more is closed, and says so.

use ledgerline::{
    error::Error,
    import::{ImportJob, import_file},
};

use super::{Folder, counts, everything, figures_agree, open, open_items, take_in};
use crate::harness::TestApp;

const HEADER: &str = "Customer No,Customer,Invoice No,Invoice Date,Due Date,Amount,Paid On,Paid";

fn put(folder: &Folder, rows: &[&str]) -> ImportJob {
    open_items(&folder.put("in.csv", format!("{HEADER}\n{}\n", rows.join("\n"))))
}

fn complete(folder: &Folder, rows: &[&str]) -> ImportJob {
    ImportJob { complete: Some(50), ..put(folder, rows) }
}

const A1: &str = "7,D,A1,2026-01-05,2026-02-04,60.00,,";
const A2: &str = "7,D,A2,2026-01-05,2026-02-04,40.00,,";
const PAID: &str = "7,D,A3,2026-01-05,2026-02-04,30.00,2026-02-01,10.00";
const CREDIT: &str = "8,E,B1,2026-01-05,2026-02-04,-5.00,,";
const B2: &str = "8,E,B2,2026-01-05,2026-02-04,20.00,,";

#[tokio::test]
async fn what_is_no_longer_listed_is_closed_and_opened_again_when_it_comes_back() {
    let (app, folder) = (TestApp::start().await, Folder::new());
    take_in(&app.app, &put(&folder, &[A1, A2, PAID, CREDIT, B2])).await;
    take_in(&app.app, &put(&folder, &[A1, B2])).await;
    let elsewhere = ImportJob { portfolio: Some("other".to_owned()), ..complete(&folder, &[A1]) };
    assert_eq!(take_in(&app.app, &elsewhere).await.closed, Some(0), "another portfolio is not looked at");

    let mut dry = complete(&folder, &[A1, A2, B2]);
    dry.dry_run = true;
    let before = everything(&app.app).await;
    assert_eq!(take_in(&app.app, &dry).await.closed, Some(2));
    assert_eq!(everything(&app.app).await, before);

    let report = take_in(&app.app, &complete(&folder, &[A1, A2, B2])).await;
    assert_eq!((counts(&report), report.closed), ((0, 0, 3, 0), Some(2)), "an item in part paid, and a credit");
    assert_eq!(open(&report, "USD"), (12_000, 3));
    figures_agree(&app.app).await;
    let why: Vec<(String, i64)> = sqlx::query_as(
        "SELECT reason, amount_minor FROM posting WHERE reverses IS NOT NULL AND kind <> 'payment' ORDER BY id",
    )
    .fetch_all(&app.app.db)
    .await
    .expect("postings");
    assert_eq!(why, [("no longer listed".to_owned(), -3_000), ("no longer listed".to_owned(), 500)]);
    assert_eq!(take_in(&app.app, &complete(&folder, &[A1, A2, B2])).await.closed, Some(0), "once");

    let report = take_in(&app.app, &complete(&folder, &[A1, A2, PAID, CREDIT, B2])).await;
    assert_eq!((counts(&report), report.closed), ((0, 2, 3, 0), Some(0)));
    assert_eq!(open(&report, "USD"), (14_000, 4));
    figures_agree(&app.app).await;
    app.finish().await;
}

#[tokio::test]
async fn nothing_is_closed_by_a_file_that_leaves_out_most_or_has_a_bad_row() {
    let (app, folder) = (TestApp::start().await, Folder::new());
    take_in(&app.app, &put(&folder, &[A1, A2, B2])).await;
    let account = sqlx::query_scalar("SELECT id FROM account WHERE number = '8'").fetch_one(&app.app.db).await;
    let account = ledgerline::ids::AccountId(account.expect("an account"));
    crate::money::invoice(&app.app, account, super::day("2026-03-01"), &[7_700]).await;
    let before = everything(&app.app).await;

    let most = complete(&folder, &[A1]);
    let refused = import_file(&app.app.db, &app.app.clock, &most, |_| ()).await;
    assert!(matches!(&refused, Err(Error::Invalid { field, .. }) if field == "complete"), "{refused:?}");
    let bad = take_in(&app.app, &complete(&folder, &[A1, A2, "8,E,B2,soon,2026-02-04,20.00,,"])).await;
    assert_eq!((bad.committed, bad.closed), (false, None));
    assert_eq!(everything(&app.app).await, before);

    let allowed = ImportJob { complete: Some(70), ..complete(&folder, &[A1]) };
    let allowed = take_in(&app.app, &allowed).await;
    assert_eq!((allowed.closed, open(&allowed, "USD")), (Some(2), (13_700, 2)), "what was posted here stays");
    app.finish().await;
}
