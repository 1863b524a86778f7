//! What became of the items of a bucket.

use chrono::NaiveDate;
use sqlx::PgConnection;

use crate::{
    error::Result,
    ledger::store::stored_currency,
    money::Currency,
    report::{AgingBasis, aging::Wanted},
};

/// What was open in a bucket, and where the same items are open later; minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roll {
    /// The bucket.
    pub bucket: usize,
    /// The currency.
    pub currency: Currency,
    /// Open in it then.
    pub opening: i64,
    /// Of that open in the next one now.
    pub next: i64,
    /// In a later one.
    pub further: i64,
    /// In the same.
    pub stayed: i64,
    /// In an earlier one: its due date was moved.
    pub back: i64,
}

impl Roll {
    /// No longer open.
    #[must_use]
    pub fn cured(&self) -> i64 {
        self.opening - self.next - self.further - self.stayed - self.back
    }
}

/// The rolls from the end of `before` to the day that is wanted, bucket by bucket.
///
/// # Errors
/// Those of Postgres.
pub async fn rolls(conn: &mut PgConnection, wanted: &Wanted, before: NaiveDate) -> Result<Vec<Roll>> {
    let rows = sqlx::query!(
        r#"WITH moved AS (
               SELECT instalment_id, account_id, business_date, amount_minor FROM posting
               WHERE instalment_id IS NOT NULL AND business_date <= $1 AND recorded_at <= $3
               UNION ALL
               SELECT instalment_id, account_id, business_date, -amount_minor FROM allocation
               WHERE business_date <= $1 AND recorded_at <= $3
           ), item AS (
               SELECT instalment_id, account_id, sum(amount_minor) FILTER (WHERE business_date <= $2) AS then_minor,
                      greatest(sum(amount_minor), 0) AS now_minor
               FROM moved GROUP BY 1, 2
           ), aged AS (
               SELECT i.account_id, i.then_minor, least(i.then_minor, i.now_minor) AS left_minor,
                      width_bucket($2 - CASE WHEN $4 THEN n.due_on ELSE v.issued_on END - 1, $5) AS was,
                      width_bucket($1 - CASE WHEN $4 THEN n.due_on ELSE v.issued_on END - 1, $5) AS "is"
               FROM item i JOIN instalment n ON n.id = i.instalment_id LEFT JOIN invoice v ON v.id = n.invoice_id
               WHERE i.then_minor > 0
           )
           SELECT a.currency::text AS "currency!", g.was AS "bucket!", sum(g.then_minor)::bigint AS "opening!",
                  coalesce(sum(g.left_minor) FILTER (WHERE g."is" = g.was + 1), 0)::bigint AS "next!",
                  coalesce(sum(g.left_minor) FILTER (WHERE g."is" > g.was + 1), 0)::bigint AS "further!",
                  coalesce(sum(g.left_minor) FILTER (WHERE g."is" = g.was), 0)::bigint AS "stayed!",
                  coalesce(sum(g.left_minor) FILTER (WHERE g."is" < g.was), 0)::bigint AS "back!"
           FROM aged g JOIN account a ON a.id = g.account_id
           WHERE $6::text IS NULL OR a.portfolio = $6 GROUP BY 1, 2 ORDER BY 1, 2"#,
        wanted.as_of.day,
        before,
        wanted.as_of.known_at,
        wanted.by == AgingBasis::Due,
        &wanted.buckets.ends,
        wanted.portfolio
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Roll {
                bucket: usize::try_from(row.bucket).unwrap_or_default(),
                currency: stored_currency(&row.currency)?,
                opening: row.opening,
                next: row.next,
                further: row.further,
                stayed: row.stayed,
                back: row.back,
            })
        })
        .collect()
}
