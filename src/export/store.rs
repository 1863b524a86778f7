//! What was recorded here since a moment.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{Record, What};
use crate::{
    error::{Error, Result},
    ledger::store::stored_currency,
    money::Money,
};

/// Records in the order in which they were made, at most one more than `most`. A payment has a row for each invoice it
/// was applied to, and one for what is left; what another system brought in is not told back to it.
pub async fn records(
    conn: &mut PgConnection,
    since: DateTime<Utc>,
    portfolio: Option<&str>,
    most: usize,
) -> Result<Vec<Record>> {
    let rows = sqlx::query!(
        r#"WITH paid AS (
               SELECT p.*, (SELECT coalesce(sum(n.amount_minor), 0) FROM allocation n WHERE n.payment_id = p.id) AS applied
               FROM payment p WHERE p.recorded_at >= $1 AND p.imported_for IS NULL
           ), one AS (
               SELECT 'payment' AS what, p.id::text AS id, p.account_id, p.received_on AS day, x.minor, x.invoice,
                      p.method AS kind, p.reference AS body, p.recorded_at AS at
               FROM paid p CROSS JOIN LATERAL (
                   SELECT sum(n.amount_minor)::bigint AS minor, v.number AS invoice
                   FROM allocation n JOIN instalment i ON i.id = n.instalment_id JOIN invoice v ON v.id = i.invoice_id
                   WHERE n.payment_id = p.id GROUP BY v.number HAVING sum(n.amount_minor) > 0
                   UNION ALL SELECT (p.amount_minor - p.applied)::bigint, NULL WHERE p.amount_minor > p.applied) x
               UNION ALL
               SELECT 'reversal', p.id::text, p.account_id, r.business_date, r.amount_minor, NULL, p.method, r.reason, r.recorded_at
               FROM posting r JOIN payment p ON p.id = r.payment_id
               WHERE r.reverses IS NOT NULL AND r.kind = 'payment' AND r.recorded_at >= $1 AND p.imported_for IS NULL
               UNION ALL
               SELECT 'promise', id::text, account_id, due_on, amount_minor, NULL, status, '', taken_at FROM promise
               WHERE taken_at >= $1
               UNION ALL
               SELECT 'note', id::text, account_id, at::date, NULL, NULL, '', body, at FROM note WHERE at >= $1
               UNION ALL
               SELECT 'adjustment', j.id::text, j.account_id, j.posted_on, j.amount_minor, v.number, j.kind, j.reason, j.recorded_at
               FROM adjustment j JOIN instalment i ON i.id = j.instalment_id JOIN invoice v ON v.id = i.invoice_id
               WHERE j.recorded_at >= $1 AND j.kind NOT IN ('interest', 'fee')
               UNION ALL
               SELECT 'adjustment', id::text, account_id, issued_on, amount_minor, number, 'credit_note', reason, recorded_at
               FROM credit_note WHERE recorded_at >= $1
           )
           SELECT o.what AS "what!", o.id AS "id!", a.number, a.name, a.currency::text AS "currency!", o.day AS "day!",
                  o.minor, o.invoice, o.kind AS "kind!", o.body AS "body!"
           FROM one o JOIN account a ON a.id = o.account_id WHERE $2::text IS NULL OR a.portfolio = $2
           ORDER BY o.at, o.what, o.id, o.invoice LIMIT $3"#,
        since,
        portfolio,
        i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1)
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let currency = stored_currency(&row.currency)?;
            let what = What::from_name(&row.what);
            Ok(Record {
                what: what.ok_or_else(|| Error::internal("reading a record")("a kind that is not known"))?,
                id: row.id,
                account: row.number,
                name: row.name,
                on: row.day,
                amount: row.minor.map(|minor| Money::new(minor, currency)),
                invoice: row.invoice,
                kind: row.kind,
                text: row.body,
            })
        })
        .collect()
}
