//! Reports against figures that are worked out from the text of a file by other means.

mod mailed;
mod tables;

use axum::http::StatusCode;
use chrono::{Datelike, Days, Months, NaiveDate, TimeDelta};
use ledgerline::{
    agent::Role,
    app::App,
    import::{ImportJob, import_file, mapping::Mapping},
    ledger,
};
use serde_json::{Value, json};

use crate::{
    api::client::Client,
    harness::TestApp,
    import::sample::sample,
    money,
    portfolio::{self, Debtor},
};

/// A row of the sample: cents, and the days on which it was issued, due and settled.
struct Sold {
    account: String,
    cents: i64,
    issued: NaiveDate,
    due: NaiveDate,
    settled: NaiveDate,
}

fn rows(text: &str) -> Vec<Sold> {
    let day = |text: &str| NaiveDate::parse_from_str(text, "%m/%d/%Y").expect("a day");
    text.lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            let (units, cents) = cells[6].split_once('.').unwrap_or((cells[6], "0"));
            Sold {
                account: cells[1].to_owned(),
                cents: units.parse::<i64>().expect("units") * 100
                    + format!("{cents:0<2}").parse::<i64>().expect("cents"),
                issued: day(cells[4]),
                due: day(cells[5]),
                settled: day(cells[8]),
            }
        })
        .collect()
}

async fn take_in_all(app: &App, path: &std::path::Path, as_of: NaiveDate) {
    let mut job = ImportJob::new(path, Mapping::load("invoices-us-dates").expect("it is shipped"), as_of);
    job.fake_phones = Some(7);
    import_file(&app.db, &app.clock, &job, |_| ()).await.expect("the file is taken in");
}

fn month_ends(rows: &[Sold]) -> Vec<NaiveDate> {
    let first = rows.iter().map(|row| row.issued).min().expect("rows").with_day(1).expect("a first");
    let last = rows.iter().map(|row| row.settled).max().expect("rows");
    (1..)
        .map_while(|n| Some(first.checked_add_months(Months::new(n))? - Days::new(1)))
        .take_while(|day| *day < last)
        .collect()
}

/// Cents by age: current, 1–30 and so on; items with these ages.
fn buckets<'a>(open: impl Iterator<Item = (i64, &'a Sold)>) -> [i64; 6] {
    let mut buckets = [0; 6];
    for (age, row) in open {
        let bucket = [0, 30, 60, 90, 120].iter().filter(|end| age > **end).count();
        buckets[bucket] += row.cents;
    }
    buckets
}

#[tokio::test]
async fn aging_and_dso_of_the_sample_are_right_at_the_end_of_each_month() {
    let Some(path) = sample() else { return };
    let rows = rows(&std::fs::read_to_string(&path).expect("the file"));
    let test = TestApp::start().await;
    let last = rows.iter().map(|row| row.settled).max().expect("rows");
    take_in_all(&test.app, &path, last).await;
    let client = Client::new(&test.app).await;
    let ends = month_ends(&rows);
    assert!(ends.len() > 12, "{}", ends.len());
    for day in ends {
        let open = || rows.iter().filter(move |row| row.issued <= day && row.settled > day);
        let by_due = buckets(open().map(|row| ((day - row.due).num_days(), row)));
        let total: i64 = open().map(|row| row.cents).sum();
        let of_period = |from: NaiveDate| rows.iter().filter(move |row| row.issued > from && row.issued <= day);
        let began = day - Days::new(90);
        let sales: i64 = of_period(began).map(|row| row.cents).sum();
        let late: i64 = open().filter(|row| row.due < day).map(|row| row.cents).sum();
        let settled = rows.iter().filter(|row| row.settled > began && row.settled <= day);
        let paid: i64 = settled.map(|row| row.cents).sum();

        let report = client.get(&format!("/api/reports/aging?as_of={day}")).await;
        let figures = &report.body["items"][0];
        assert_eq!(figures["buckets"], json!(by_due), "by due date at {day}");
        let sums =
            ["open_minor", "control_minor", "unapplied_minor", "difference_minor"].map(|name| figures[name].as_i64());
        assert_eq!(sums, [Some(total), Some(total), Some(0), Some(0)], "{day}");
        let issued = client.get(&format!("/api/reports/aging?as_of={day}&by=issued")).await;
        let by_issue = buckets(open().map(|row| ((day - row.issued).num_days(), row)));
        assert_eq!(issued.body["items"][0]["buckets"], json!(by_issue), "by invoice date at {day}");

        let ratios = client.get(&format!("/api/reports/receivables?as_of={day}&days=90")).await;
        let ratios = &ratios.body["items"][0];
        assert_eq!(ratios["sales_minor"], json!(sales), "{day}");
        close(&ratios["dso"]["value"], ratio(total * 90, sales), day);
        close(&ratios["best_possible_dso"]["value"], ratio(by_due[0] * 90, sales), day);
        close(&ratios["countback_dso"]["value"], countback(&rows, day, total), day);
        close(&ratios["average_days_delinquent"]["value"], ratio(late * 90, sales), day);
        close(&ratios["collection_effectiveness"]["value"], effectiveness(paid, sales, late), day);
    }
    test.finish().await;
}

#[expect(clippy::cast_precision_loss, reason = "compared to a float")]
fn ratio(above: i64, below: i64) -> Option<f64> {
    (below > 0).then(|| above as f64 / below as f64)
}

/// By what came in instead of by what was owed at both ends: of what was collected beyond the sales of two of the three
/// months, how much would have been more if nothing were late.
fn effectiveness(paid: i64, sales: i64, late: i64) -> Option<f64> {
    let collected = 3 * paid - 2 * sales;
    ratio(100 * collected, collected + 3 * late)
}

/// Day by day instead of month by month: each day of a month has an equal share of the month's sales.
fn countback(rows: &[Sold], day: NaiveDate, owed: i64) -> Option<f64> {
    let (mut left, mut days, mut month) = (owed, 0.0, day.with_day(1)?);
    for _ in 0..24 {
        let sold: i64 = rows
            .iter()
            .filter(|row| row.issued.with_day(1) == Some(month) && row.issued <= day)
            .map(|row| row.cents)
            .sum();
        let next = month.checked_add_months(Months::new(1))?;
        let length = f64::from(u32::try_from((next.min(day + Days::new(1)) - month).num_days()).ok()?);
        if left < sold {
            return Some(days + ratio(left, sold)? * length);
        }
        (left, days) = (left - sold, days + length);
        if left == 0 {
            return Some(days);
        }
        month = month.checked_sub_months(Months::new(1))?;
    }
    None
}

fn close(found: &Value, expected: Option<f64>, day: NaiveDate) {
    match expected {
        None => assert!(found.is_null(), "{found} at {day}"),
        Some(expected) => {
            let found = found.as_f64().unwrap_or(f64::NAN);
            assert!((found - expected).abs() < 1e-6, "{found} is not {expected} at {day}");
        }
    }
}

#[tokio::test]
async fn every_account_of_the_sample_has_its_row_in_pages_and_in_the_file() {
    let Some(path) = sample() else { return };
    let rows = rows(&std::fs::read_to_string(&path).expect("the file"));
    let test = TestApp::start().await;
    let day: NaiveDate = "2013-03-31".parse().expect("a day");
    take_in_all(&test.app, &path, day).await;
    let client = Client::new(&test.app).await;
    let owed = |account: &str| -> i64 {
        rows.iter()
            .filter(|row| row.account == account && row.issued <= day && row.settled > day)
            .map(|row| row.cents)
            .sum()
    };
    let (mut seen, mut cursor) = (0, String::new());
    loop {
        let page = client.get(&format!("/api/reports/aging/accounts?as_of={day}&limit=40{cursor}")).await;
        for row in page.body["items"].as_array().expect("items") {
            let number = row["number"].as_str().expect("a number");
            assert_eq!(row["balance_minor"], json!(owed(number)), "{number}");
            seen += 1;
        }
        let Some(next) = page.body["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let file = client.get(&format!("/api/reports/files/aging_accounts.csv?as_of={day}")).await;
    assert_eq!(file.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(file.text.lines().count(), seen + 1, "a row an account, and the names of the columns");
    assert!(seen > 30, "{seen}");
    test.finish().await;
}

#[tokio::test]
async fn what_was_taken_back_later_is_known_later() {
    let test = TestApp::start().await;
    let (app, client) = (&test.app, Client::new(&test.app).await);
    portfolio::add(app, &Debtor::default()).await;
    let payment: uuid::Uuid = pay_half(app).await;
    let (then, day) = (app.clock.now(), app.clock.business_date());
    app.clock.advance(TimeDelta::hours(3));
    let now = app.clock.now();
    let payment = ledgerline::ids::PaymentId(payment);
    money::returned(app, payment).await.expect("taken back on the day of the payment");

    let owed = async |known_at: chrono::DateTime<chrono::Utc>| {
        let known_at = known_at.format("%Y-%m-%dT%H:%M:%SZ");
        let report = client.get(&format!("/api/reports/aging?as_of={day}&known_at={known_at}")).await;
        (report.body["items"][0]["control_minor"].as_i64(), report.body["items"][0]["difference_minor"].as_i64())
    };
    let (before, after) = (owed(then).await, owed(now).await);
    assert_eq!((before.1, after.1), (Some(0), Some(0)), "both tie");
    assert_eq!(after.0.map(|all| all / 2), before.0, "the same day, by the knowledge of another");
    test.finish().await;
}

/// A payment of half of the only item.
async fn pay_half(app: &App) -> uuid::Uuid {
    let (account, item, open, currency): (uuid::Uuid, uuid::Uuid, i64, String) =
        sqlx::query_as("SELECT account_id, instalment_id, open_minor, currency::text FROM open_item")
            .fetch_one(&app.db)
            .await
            .expect("one open item");
    let (now, today) = (app.clock.now(), app.clock.business_date());
    let mut conn = app.db.acquire().await.expect("a connection");
    let new = ledger::NewPayment {
        account: ledgerline::ids::AccountId(account),
        amount: ledgerline::money::Money::new(
            open / 2,
            ledgerline::money::Currency::parse(&currency).expect("a currency"),
        ),
        received_on: today,
        method: "transfer".to_owned(),
        reference: String::new(),
    };
    let payment = ledger::store::record_payment(&mut conn, &new, now).await.expect("recorded");
    let mode = ledger::AllocationMode::Specified;
    ledger::store::allocate(&mut conn, payment, ledgerline::ids::InstalmentId(item), open / 2, mode, today, now)
        .await
        .expect("applied");
    payment.0
}

#[tokio::test]
async fn reports_are_for_supervisors_and_bad_questions_name_their_field() {
    let test = TestApp::start().await;
    let client = Client::new(&test.app).await;
    let agent = client.of(client.user("agent-1", Role::Agent).await).await;
    assert_eq!(agent.get("/api/reports/aging").await.status, StatusCode::FORBIDDEN);
    let cases = [
        ("receivables?days=0", "days"),
        ("receivables?days=367", "days"),
        ("receivables?as_of=2012-13-01", "as_of"),
        ("aging?by=age", "by"),
        ("aging?cursor=x", "cursor"),
    ];
    for (query, field) in cases {
        let refused = client.get(&format!("/api/reports/{query}")).await;
        assert_eq!((refused.status, refused.field()), (StatusCode::UNPROCESSABLE_ENTITY, Some(field)), "{query}");
    }
    let empty = client.get("/api/reports/receivables").await;
    assert_eq!((empty.status, &empty.body["items"]), (StatusCode::OK, &json!([])), "nothing was ever posted");
    test.finish().await;
}
