//! Rows and files that are not taken in.

use ledgerline::import::{import_file, mapping::Mapping};

use super::{Folder, counts, day, everything, open, open_items, take_in};
use crate::harness::TestApp;

const HEADER: &str = "Customer No,Customer,Currency,Phone,Invoice No,Invoice Date,Due Date,Amount";
const GOOD: &str = "1,Debtor 1,USD,212 555 0101,A1,2026-01-05,2026-02-04,10.00";

fn file(rows: &[&str]) -> String {
    format!("{HEADER}\n{}\n", rows.join("\n"))
}

#[tokio::test]
async fn a_bad_row_is_named_with_line_column_and_reason_and_the_rest_goes_in() {
    let (app, folder) = (TestApp::start().await, Folder::new());
    let rows = [
        GOOD,
        "2,\"Debtor 2,\nwith a line break\",USD,,B1,01/05/2026,2026-02-04,10.00",
        "3,Debtor 3,USD,no phone,C1,2026-01-05,2026-02-04,10.00",
        "1,Debtor 1,USD,,A1,2026-01-05,2026-02-04,12.00",
        "1,Debtor 1,EUR,,A2,2026-01-05,2026-02-04,12.00",
        "4,Debtor 4,USD,,D1,2026-01-05,2026-02-04,\"1,0\"",
    ];
    let path = folder.put("in.csv", file(&rows));
    let report = take_in(&app.app, &open_items(&path)).await;
    assert_eq!((counts(&report), open(&report, "USD")), ((1, 0, 0, 5), (1_000, 1)));
    let rejects = report.rejects.unwrap();
    assert_eq!(rejects, folder.0.join("in.csv.rejects.csv"));

    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(rejects).unwrap();
    assert_eq!(
        reader.headers().unwrap().iter().take(4).collect::<Vec<_>>(),
        ["line", "column", "reason", "Customer No"]
    );
    let mut found: Vec<Vec<String>> =
        reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
    found.sort();
    let expected = [
        ("3", "Invoice Date", "\"01/05/2026\" is not a date in the format %Y-%m-%d", "2"),
        ("5", "Phone", "not a telephone number", "3"),
        ("6", "", "on line 2 already", "1"),
        ("7", "", "the account is in USD", "1"),
        ("8", "Amount", "\"1,0\" is not an amount", "4"),
    ];
    assert_eq!(found.len(), expected.len());
    for (row, (line, column, reason, account)) in found.iter().zip(expected) {
        assert_eq!((row[0].as_str(), row[1].as_str(), row[3].as_str()), (line, column, account));
        assert!(row[2].contains(reason), "{}", row[2]);
    }
    assert_eq!(found[0][4], "Debtor 2,\nwith a line break", "the row as it was");
    app.finish().await;
}

#[tokio::test]
async fn strict_takes_all_or_nothing_and_a_dry_run_nothing() {
    let (app, folder) = (TestApp::start().await, Folder::new());
    let before = everything(&app.app).await;
    let path = folder.put("in.csv", file(&[GOOD, "2,Debtor 2,USD,,B1,yesterday,2026-02-04,10.00"]));
    let mut strict = open_items(&path);
    strict.strict = true;
    let report = take_in(&app.app, &strict).await;
    assert!(!report.committed);
    assert_eq!(counts(&report), (1, 0, 0, 1));
    assert_eq!(everything(&app.app).await, before);

    let good = folder.put("in.csv", file(&[GOOD]));
    let mut dry = open_items(&good);
    dry.dry_run = true;
    let report = take_in(&app.app, &dry).await;
    assert_eq!((counts(&report), report.committed, open(&report, "USD")), ((1, 0, 0, 0), false, (1_000, 1)));
    assert_eq!(everything(&app.app).await, before);
    let batches: i64 = sqlx::query_scalar("SELECT count(*) FROM import_batch").fetch_one(&app.app.db).await.unwrap();
    assert_eq!(batches, 0);

    strict.file = good;
    assert!(take_in(&app.app, &strict).await.committed);
    assert!(!folder.0.join("in.csv.rejects.csv").exists(), "the rejects of the run before are gone");
    app.finish().await;
}

#[tokio::test]
async fn a_mapping_that_does_not_fit_is_named_with_its_key() {
    let (app, folder) = (TestApp::start().await, Folder::new());
    let path = folder.put("in.csv", "Customer No,Invoice No\n1,A1\n");
    let error = import_file(&app.app.db, &app.app.clock, &open_items(&path), |_| ()).await.unwrap_err().to_string();
    assert!(error.starts_with("open-items: account.name: the file has no column \"Customer\""), "{error}");
    let error = Mapping::load("nowhere.toml").unwrap_err().to_string();
    assert!(error.contains("nowhere.toml") && error.contains("open-items"), "{error}");
    app.finish().await;
}

#[tokio::test]
async fn invoices_issued_later_are_counted_and_passed_over() {
    let (app, folder) = (TestApp::start().await, Folder::new());
    let path = folder.put("in.csv", file(&[GOOD, "2,Debtor 2,USD,,B1,2026-03-11,2026-04-11,10.00"]));
    let mut job = open_items(&path);
    let report = take_in(&app.app, &job).await;
    assert_eq!((counts(&report), report.counts.not_issued), ((1, 0, 0, 0), 1));
    job.as_of = day("2026-03-11");
    assert_eq!(counts(&take_in(&app.app, &job).await), (1, 0, 1, 0));
    app.finish().await;
}
