//! The public sample of real invoices: totals to the cent, against sums done by other means. Skipped without the data.

use ledgerline::import::{ImportJob, mapping::Mapping};

use super::{counts, day, everything, figures_agree, open, take_in};
use crate::harness::TestApp;

/// The file; `None` where the test data is not on this machine.
pub fn sample() -> Option<std::path::PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data");
    let folder = std::env::var("LEDGERLINE_TEST_DATA").unwrap_or_else(|_| beside.to_owned());
    let path = std::path::Path::new(&folder).join("ibm_ar.csv");
    if path.is_file() {
        return Some(path);
    }
    println!("skipped: no test data in {folder}; set LEDGERLINE_TEST_DATA");
    None
}

/// What the text of the file says, by splitting at commas and adding up cents.
#[derive(Default, Debug, PartialEq, Eq)]
struct Sum {
    cents: i64,
    open: i64,
    disputed_cents: i64,
    taken: u64,
}

fn by_hand(text: &str, as_of: chrono::NaiveDate) -> Sum {
    let date = |text: &str| {
        let mut parts = text.split('/').map(|part| part.parse::<u32>().unwrap());
        let (month, day, year) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        chrono::NaiveDate::from_ymd_opt(i32::try_from(year).unwrap(), month, day).unwrap()
    };
    let mut sum = Sum::default();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        if date(cells[4]) > as_of {
            continue;
        }
        sum.taken += 1;
        if date(cells[8]) > as_of {
            let (units, cents) = cells[6].split_once('.').unwrap_or((cells[6], ""));
            let cents = units.parse::<i64>().unwrap() * 100 + format!("{cents:0<2}").parse::<i64>().unwrap();
            sum.cents += cents;
            sum.open += 1;
            if cells[7] == "Yes" {
                sum.disputed_cents += cents;
            }
        }
    }
    sum
}

#[tokio::test]
async fn totals_of_the_sample_are_right_to_the_cent_on_any_day() {
    let Some(path) = sample() else { return };
    let text = std::fs::read_to_string(&path).unwrap();
    let app = TestApp::start().await;
    for as_of in ["2012-06-30", "2013-03-31", "2013-09-30", "2014-12-31"].map(day) {
        let mut job = ImportJob::new(&path, Mapping::load("invoices-us-dates").unwrap(), as_of);
        job.fake_phones = Some(7);
        job.rejects = Some(std::env::temp_dir().join(format!("ledgerline-{}.csv", uuid::Uuid::now_v7())));
        let expected = by_hand(&text, as_of);
        let report = take_in(&app.app, &job).await;
        assert_eq!(report.counts.read, 2466);
        assert_eq!(report.counts.rejected, 0);
        assert_eq!(report.counts.not_issued, 2466 - expected.taken);
        assert_eq!(open(&report, "USD"), (expected.cents, expected.open), "as of {as_of}");
        let disputed: i64 = sqlx::query_scalar("SELECT sum(disputed_minor)::bigint FROM account_standing")
            .fetch_one(&app.app.db)
            .await
            .unwrap();
        assert_eq!(disputed, expected.disputed_cents, "disputed as of {as_of}");
        figures_agree(&app.app).await;

        let before = everything(&app.app).await;
        let again = take_in(&app.app, &job).await;
        assert_eq!(counts(&again), (0, 0, expected.taken, 0), "the same file twice");
        assert_eq!(everything(&app.app).await, before, "as of {as_of}");
    }
    let zones: i64 = sqlx::query_scalar("SELECT count(*) FROM contact_point WHERE kind = 'phone' AND zones <> '{}'")
        .fetch_one(&app.app.db)
        .await
        .unwrap();
    assert_eq!(zones, 100, "each customer has a number with its zones");
    app.finish().await;
}
