//! The aging of everybody as of a day, beside the plain aggregate: open amounts of items by age, and nothing else. The
//! report also tells credits and cash apart, counts accounts, and ties to the control total.

use std::time::{Duration, Instant};

use chrono::{Days, NaiveDate};
use sqlx::PgPool;

use super::report::{Ratio, Target};
use crate::{
    app::App,
    report::{
        AgingBasis, AsOf,
        aging::{Credits, Wanted},
        buckets::BucketSet,
        store,
    },
};

/// Rounds of each; the median counts.
const ROUNDS: usize = 5;

/// Measures on what the tables hold: the bench of the import comes first.
///
/// # Errors
/// If Postgres fails, or the two do not come to the same.
pub async fn run(app: &App) -> anyhow::Result<Ratio> {
    sqlx::query("VACUUM ANALYZE posting, allocation, instalment, invoice, account").execute(&app.db).await?;
    let day = app.clock.business_date() - Days::new(45);
    let wanted = Wanted {
        as_of: AsOf { day, known_at: app.clock.now() },
        by: AgingBasis::Due,
        buckets: BucketSet { name: "standard".to_owned(), ends: vec![0, 30, 60, 90, 120] },
        credits: Credits::Apart,
        portfolio: None,
    };
    let items: i64 = sqlx::query_scalar("SELECT count(*) FROM instalment").fetch_one(&app.db).await?;
    let (mut reports, mut plain) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        // One after the other, so that both meet the same caches.
        let (taken, sum) = plain_aggregate(&app.db, day).await?;
        plain.push(taken);
        let begun = Instant::now();
        let totals = store::aging_totals(&mut *app.db.acquire().await?, &wanted).await?;
        reports.push(begun.elapsed());
        let reported: i64 = totals.iter().map(|total| total.parts.open_minor).sum();
        anyhow::ensure!(reported == sum, "the report comes to {reported}, the plain aggregate to {sum}");
    }
    let (report, plain) = (median(reports), median(plain));
    Ok(Ratio {
        name: "aging as of any day",
        measured: format!("{:.0} ms for {items} items", report.as_secs_f64() * 1000.0),
        baseline: format!("{:.0} ms of the plain SQL aggregate", plain.as_secs_f64() * 1000.0),
        ratio: report.as_secs_f64() / plain.as_secs_f64(),
        target: Target::AtMost(1.5),
    })
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// The time it takes, and the sum of what is open.
async fn plain_aggregate(db: &PgPool, day: NaiveDate) -> anyhow::Result<(Duration, i64)> {
    let begun = Instant::now();
    let sums: Vec<(i64,)> = sqlx::query_as(
        "SELECT sum(b.minor - coalesce(p.minor, 0))::bigint
         FROM (SELECT instalment_id, sum(amount_minor)::bigint AS minor FROM posting
               WHERE instalment_id IS NOT NULL AND business_date <= $1 GROUP BY 1) b
         JOIN instalment n ON n.id = b.instalment_id
         JOIN invoice v ON v.id = n.invoice_id
         LEFT JOIN (SELECT instalment_id, sum(amount_minor)::bigint AS minor FROM allocation
                    WHERE business_date <= $1 GROUP BY 1) p ON p.instalment_id = b.instalment_id
         WHERE b.minor > coalesce(p.minor, 0)
         GROUP BY v.currency, width_bucket($1::date - n.due_on - 1, ARRAY[0, 30, 60, 90, 120])",
    )
    .bind(day)
    .fetch_all(db)
    .await?;
    Ok((begun.elapsed(), sums.iter().map(|(sum,)| sum).sum()))
}
