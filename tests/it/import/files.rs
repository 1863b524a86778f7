//! Every kind of file.

use ledgerline::import::{
    ImportJob,
    generate::{Portfolio, generate},
    mapping::Mapping,
};

use super::{Folder, counts, day, everything, figures_agree, open, open_items, take_in};
use crate::harness::TestApp;

const ROWS: &str = "Customer No;Customer;Invoice No;Invoice Date;Due Date;Amount\r\n1;Müller – Söhne;R1;05.01.2026;04.02.2026;1.234,50\r\n";

fn german(encoding: &str) -> Mapping {
    let text = format!(
        r#"
row = "invoice"
[file]
delimiter = ";"
encoding = "{encoding}"
date_format = "%d.%m.%Y"
decimal_point = ","
thousands = "."
[account]
number = "Customer No"
name = "Customer"
currency = {{ value = "EUR" }}
country = {{ value = "DE" }}
[invoice]
number = "Invoice No"
issued_on = "Invoice Date"
due_on = "Due Date"
amount = "Amount"
"#
    );
    Mapping::parse("german.toml", &text).unwrap()
}

#[tokio::test]
async fn encodings_other_than_utf_8_give_the_same_accounts() {
    let utf16: Vec<u8> = std::iter::once(0xFEFF).chain(ROWS.encode_utf16()).flat_map(u16::to_be_bytes).collect();
    // All of the text is in Latin-1 but the dash, which only Windows-1252 has, at 0x96.
    let western: Vec<u8> = ROWS.chars().map(|letter| if letter == '–' { 0x96 } else { letter as u8 }).collect();
    let cases = [("utf-8", [b"\xEF\xBB\xBF", ROWS.as_bytes()].concat()), ("windows-1252", western), ("utf-8", utf16)];
    for (encoding, bytes) in cases {
        let (app, folder) = (TestApp::start().await, Folder::new());
        let path = folder.put("in.csv", bytes);
        let report = take_in(&app.app, &ImportJob::new(path, german(encoding), day("2026-03-10"))).await;
        assert_eq!(open(&report, "EUR"), (123_450, 1), "{encoding}");
        let name: String = sqlx::query_scalar("SELECT name FROM account").fetch_one(&app.app.db).await.unwrap();
        assert_eq!(name, "Müller – Söhne", "{encoding}");
        app.finish().await;
    }
}

/// `invoices.xlsx` was written by hand as XML: a sheet `Open items` with a header and three rows, shared and inline
/// strings, amounts 1234.5, 0.1+0.2 (as Excel keeps it) and 99, dates as serial numbers with a date style, gaps.
#[tokio::test]
async fn a_workbook_is_read_as_its_author_sees_it() {
    let (app, folder) = (TestApp::start().await, Folder::new());
    let path = folder.put("in.xlsx", include_bytes!("invoices.xlsx"));
    let report = take_in(&app.app, &open_items(&path)).await;
    assert_eq!(counts(&report), (3, 0, 0, 0));
    assert_eq!(open(&report, "USD"), (123_450 + 30 + 9_900, 3));
    let due: Vec<chrono::NaiveDate> = sqlx::query_scalar("SELECT due_on FROM open_item ORDER BY invoice_number")
        .fetch_all(&app.app.db)
        .await
        .unwrap();
    assert_eq!(due, ["2026-02-04", "2026-02-28", "2026-03-01"].map(day));
    app.finish().await;
}

#[tokio::test]
async fn one_row_a_customer_becomes_an_item_a_bucket() {
    let (app, folder) = (TestApp::start().await, Folder::new());
    let header = "Customer No,Customer,Phone,Current,1-30,31-60,61-90,Over 90";
    let path =
        folder.put("in.csv", format!("{header}\n1,Debtor 1,212 555 0101,10.00,,5.00,,0\n2,Debtor 2,,,,,,7.25\n"));
    let job = ImportJob::new(&path, Mapping::load("customers").unwrap(), day("2026-03-10"));
    let report = take_in(&app.app, &job).await;
    assert_eq!((counts(&report), open(&report, "USD")), ((2, 0, 0, 0), (2_225, 3)));
    let ages: Vec<i32> = sqlx::query_scalar("SELECT '2026-03-10'::date - due_on FROM open_item ORDER BY due_on DESC")
        .fetch_all(&app.app.db)
        .await
        .unwrap();
    assert_eq!(ages, [0, 45, 105]);
    let before = everything(&app.app).await;
    assert_eq!(counts(&take_in(&app.app, &job).await), (0, 0, 2, 0));
    assert_eq!(everything(&app.app).await, before);

    folder.put("in.csv", format!("{header}\n1,Debtor 1,212 555 0101,10.00,,,,0\n2,Debtor 2,,,,,,7.25\n"));
    let report = take_in(&app.app, &job).await;
    assert_eq!((counts(&report), open(&report, "USD")), ((0, 1, 1, 0), (1_725, 2)), "the bucket is empty now");
    app.finish().await;
}

#[tokio::test]
async fn the_made_up_portfolio_goes_the_same_way() {
    let (app, folder) = (TestApp::start().await, Folder::new());
    let mut bytes = Vec::new();
    let rows = generate(Portfolio { accounts: 150, seed: 4, as_of: day("2026-03-10") }, &mut bytes).unwrap();
    let path = folder.put("portfolio.csv", bytes);
    let job = ImportJob::new(&path, Mapping::load("portfolio").unwrap(), day("2026-03-10"));
    let report = take_in(&app.app, &job).await;
    assert_eq!(counts(&report), (rows, 0, 0, 0));
    assert_eq!(report.totals["USD"].accounts, 150);
    figures_agree(&app.app).await;
    let (broken, promised): (i64, i64) =
        sqlx::query_as("SELECT count(*) FILTER (WHERE promise_broken), count(open_promise_on) FROM account_standing")
            .fetch_one(&app.app.db)
            .await
            .unwrap();
    assert!(broken > 0 && promised > 0, "{broken} broken, {promised} open");
    let before = everything(&app.app).await;
    assert_eq!(counts(&take_in(&app.app, &job).await), (0, 0, rows, 0));
    assert_eq!(everything(&app.app).await, before);
    app.finish().await;
}
