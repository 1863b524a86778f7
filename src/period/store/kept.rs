//! What is kept of a close: the aging of every account, and the totals.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, types::Json};

use crate::{
    error::Result,
    ids::{CloseId, UserId},
    ledger::store::stored_currency,
    period::{Period, Total, checklist::Finding},
    report::aging::Parts,
};

/// A close to keep.
pub struct NewClose<'a> {
    /// Its id.
    pub id: CloseId,
    /// Whose books.
    pub portfolio: &'a str,
    /// Which period.
    pub period: Period,
    /// What the check list found.
    pub findings: &'a [Finding],
    /// Which ages its aging tells apart: the last day of each bucket but the last.
    pub ends: &'a [i32],
    /// Why some of it was accepted.
    pub note: &'a str,
    /// By whom.
    pub by: UserId,
    /// When.
    pub now: DateTime<Utc>,
}

/// Keeps the figures, seals them, and locks the period.
pub async fn keep(conn: &mut PgConnection, new: &NewClose<'_>) -> Result<()> {
    keep_aging(conn, new).await?;
    keep_totals(conn, new).await?;
    sqlx::query!(
        "INSERT INTO period_close (id, portfolio, kind, first_day, locked_through, last_posting, last_allocation,
                                   checklist, note, content_hash, closed_by, closed_at, follows)
         SELECT $1, $2, $3, $4, $5, coalesce((SELECT max(id) FROM posting), 0), coalesce((SELECT max(id) FROM allocation), 0),
                $6, $7, period_hash($1), $8, $9,
                (SELECT id FROM period_close c WHERE portfolio = $2 AND kind = $3 AND first_day = $4
                    AND NOT EXISTS (SELECT FROM period_close f WHERE f.follows = c.id))",
        new.id.0,
        new.portfolio,
        new.period.kind(),
        new.period.first_day(),
        new.period.last_day(),
        Json(new.findings) as _,
        new.note,
        new.by.0,
        new.now
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn keep_aging(conn: &mut PgConnection, new: &NewClose<'_>) -> Result<()> {
    sqlx::query!(
        "WITH part AS (SELECT p.* FROM aging_parts($3, 'infinity', true, $4, false, $2, NULL) p),
              owing AS (SELECT account_id, array_agg(part) AS parts, array_agg(minor) AS minors,
                               coalesce(-sum(minor) FILTER (WHERE part = -1), 0) AS credit,
                               coalesce(-sum(minor) FILTER (WHERE part = -2), 0) AS unapplied, sum(minor) AS balance
                        FROM part GROUP BY account_id)
         INSERT INTO period_aging (close_id, account_id, currency, buckets, credit_minor, unapplied_minor, balance_minor)
         SELECT $1, o.account_id, a.currency,
                ARRAY(SELECT coalesce(p.minor, 0) FROM generate_series(0, cardinality($4)) AS b (part)
                      LEFT JOIN unnest(o.parts, o.minors) AS p (part, minor) ON p.part = b.part ORDER BY b.part),
                o.credit, o.unapplied, o.balance
         FROM owing o JOIN account a ON a.id = o.account_id",
        new.id.0,
        new.portfolio,
        new.period.last_day(),
        new.ends
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn keep_totals(conn: &mut PgConnection, new: &NewClose<'_>) -> Result<()> {
    sqlx::query!(
        "WITH posted AS (
             SELECT p.currency, sum(amount_minor) AS control, count(*) AS postings,
                    sum(amount_minor) FILTER (WHERE business_date >= $3 AND p.kind = 'invoice') AS invoiced,
                    sum(amount_minor) FILTER (WHERE business_date >= $3 AND p.kind = 'payment') AS paid,
                    sum(amount_minor) FILTER (WHERE business_date >= $3 AND p.kind = 'credit_note') AS credited,
                    sum(amount_minor) FILTER (WHERE business_date >= $3 AND p.kind NOT IN ('invoice', 'payment', 'credit_note'))
                        AS adjusted
             FROM posting p JOIN account a ON a.id = p.account_id
             WHERE a.portfolio = $2 AND business_date <= $4 GROUP BY 1
         ), applied AS (
             SELECT a.currency, count(*) AS allocations FROM allocation n JOIN account a ON a.id = n.account_id
             WHERE a.portfolio = $2 AND business_date <= $4 GROUP BY 1
         ), bucket AS (
             SELECT currency, nth, sum(minor)::bigint AS minor
             FROM period_aging, unnest(buckets) WITH ORDINALITY AS b (minor, nth) WHERE close_id = $1 GROUP BY 1, 2
         ), aged AS (
             SELECT currency, count(*) AS accounts, sum(credit_minor) AS credit, sum(unapplied_minor) AS unapplied
             FROM period_aging WHERE close_id = $1 GROUP BY 1
         )
         INSERT INTO period_total (close_id, currency, ends, accounts, buckets, credit_minor, unapplied_minor, control_minor,
                                   invoiced_minor, paid_minor, credited_minor, adjusted_minor, postings, allocations)
         SELECT $1, p.currency, $5::integer[], coalesce(g.accounts, 0),
                coalesce((SELECT array_agg(minor ORDER BY nth) FROM bucket b WHERE b.currency = p.currency),
                         array_fill(0::bigint, ARRAY[cardinality($5) + 1])),
                coalesce(g.credit, 0), coalesce(g.unapplied, 0), p.control, coalesce(p.invoiced, 0), coalesce(p.paid, 0),
                coalesce(p.credited, 0), coalesce(p.adjusted, 0), p.postings, coalesce(n.allocations, 0)
         FROM posted p LEFT JOIN aged g ON g.currency = p.currency LEFT JOIN applied n ON n.currency = p.currency",
        new.id.0,
        new.portfolio,
        new.period.first_day(),
        new.period.last_day(),
        new.ends
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a period came to, by currency.
///
/// # Errors
/// Those of Postgres.
pub async fn totals(conn: &mut PgConnection, id: CloseId) -> Result<Vec<Total>> {
    let rows = sqlx::query!(
        r#"SELECT currency::text AS "currency!", ends, accounts, buckets, credit_minor, unapplied_minor, control_minor,
                  invoiced_minor, paid_minor, credited_minor, adjusted_minor, postings, allocations
           FROM period_total WHERE close_id = $1 ORDER BY 1"#,
        id.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Total {
                currency: stored_currency(&row.currency)?,
                ends: row.ends,
                accounts: row.accounts,
                parts: Parts {
                    open_minor: row.buckets.iter().sum(),
                    buckets: row.buckets,
                    credit_minor: row.credit_minor,
                    unapplied_minor: row.unapplied_minor,
                },
                control_minor: row.control_minor,
                invoiced_minor: row.invoiced_minor,
                paid_minor: row.paid_minor,
                credited_minor: row.credited_minor,
                adjusted_minor: row.adjusted_minor,
                postings: row.postings,
                allocations: row.allocations,
            })
        })
        .collect()
}
