//! What a forecast is made of, and what came of it.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use sqlx::PgConnection;

use crate::{
    error::Result,
    ledger::store::stored_currency,
    money::Currency,
    report::{
        AsOf,
        forecast::{
            OpenPromise,
            habit::{Open, Paid},
        },
    },
};

/// How long payments are remembered.
const REMEMBERED: Days = Days::new(365);

/// Promises that were open at the end of the day: taken by then, not settled by then.
pub async fn open_promises(conn: &mut PgConnection, as_of: AsOf, portfolio: Option<&str>) -> Result<Vec<OpenPromise>> {
    let rows = sqlx::query!(
        r#"WITH open AS (
               SELECT account_id, currency, amount_minor, deadline_on FROM promise
               WHERE taken_at::date <= $1 AND taken_at <= $2 AND NOT withdrawn AND deadline_on >= $1
                 AND (settled_at IS NULL OR settled_at > $2 OR settled_at::date > $1)
           ), past AS (
               SELECT account_id, count(*) AS matured, count(*) FILTER (WHERE status = 'kept') AS kept FROM promise
               WHERE deadline_on < $1 AND status NOT IN ('open', 'cancelled') AND account_id IN (SELECT account_id FROM open)
               GROUP BY 1
           )
           SELECT o.currency::text AS "currency!", o.amount_minor AS "minor!", o.deadline_on AS "deadline!",
                  coalesce(p.kept, 0) AS "kept!", coalesce(p.matured, 0) AS "matured!"
           FROM open o LEFT JOIN past p ON p.account_id = o.account_id
           WHERE $3::text IS NULL OR o.account_id IN (SELECT id FROM account WHERE portfolio = $3)"#,
        as_of.day,
        as_of.known_at,
        portfolio
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(OpenPromise {
                currency: stored_currency(&row.currency)?,
                minor: row.minor,
                deadline: row.deadline,
                kept: row.kept,
                matured: row.matured,
            })
        })
        .collect()
}

/// Promises of all accounts that were kept, and whose deadline had passed.
pub async fn kept_by_all(conn: &mut PgConnection, as_of: AsOf, portfolio: Option<&str>) -> Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"SELECT count(*) FILTER (WHERE status = 'kept') AS "kept!", count(*) AS "matured!" FROM promise
           WHERE deadline_on < $1 AND deadline_on >= $2 AND status NOT IN ('open', 'cancelled')
             AND ($3::text IS NULL OR account_id IN (SELECT id FROM account WHERE portfolio = $3))"#,
        as_of.day,
        as_of.day - REMEMBERED,
        portfolio
    )
    .fetch_one(conn)
    .await?;
    Ok((row.kept, row.matured))
}

/// What was paid and what is open, by class of payer and days late. Classes are steps of the account's mean days late,
/// weighted by amount; an account that has paid nothing is of no class.
pub async fn habits(conn: &mut PgConnection, as_of: AsOf, portfolio: Option<&str>) -> Result<(Vec<Paid>, Vec<Open>)> {
    let rows = sqlx::query!(
        r#"WITH applied AS (
               SELECT n.account_id, n.id, n.due_on, a.business_date, sum(a.amount_minor) AS minor
               FROM allocation a JOIN instalment n ON n.id = a.instalment_id
               WHERE a.business_date <= $1 AND a.recorded_at <= $2 AND a.payment_id IS NOT NULL
               GROUP BY 1, 2, 3, 4
           ), recent AS (
               SELECT account_id, business_date - due_on AS late, minor FROM applied
               WHERE business_date > $3 AND minor > 0
           ), payer AS (
               SELECT account_id, width_bucket(sum(late * minor) / sum(minor), ARRAY[1, 8, 15, 30, 60]::numeric[]) AS class
               FROM recent GROUP BY 1
           ), promised AS (
               SELECT i.instalment_id FROM promise p JOIN promise_item i ON i.promise_id = p.id
               WHERE p.taken_at::date <= $1 AND p.taken_at <= $2 AND NOT p.withdrawn AND p.deadline_on >= $1
                 AND (p.settled_at IS NULL OR p.settled_at > $2 OR p.settled_at::date > $1)
           ), open AS (
               SELECT n.account_id, n.id, n.due_on, b.minor - coalesce(p.minor, 0) AS minor
               FROM (SELECT instalment_id, sum(amount_minor) AS minor FROM posting
                     WHERE instalment_id IS NOT NULL AND business_date <= $1 AND recorded_at <= $2 GROUP BY 1) b
               JOIN instalment n ON n.id = b.instalment_id
               LEFT JOIN (SELECT instalment_id, sum(amount_minor) AS minor FROM allocation
                          WHERE business_date <= $1 AND recorded_at <= $2 GROUP BY 1) p ON p.instalment_id = n.id
               WHERE b.minor > coalesce(p.minor, 0)
           )
           SELECT coalesce(y.class, -1) AS "class!", a.currency::text AS "currency!", f.late AS "late!", f.paid AS "paid!",
                  f.promised AS "promised!", sum(f.minor)::bigint AS "minor!"
           FROM (SELECT account_id, late, true AS paid, false AS promised, minor FROM recent
                 UNION ALL
                 SELECT account_id, greatest(-90, least($1 - due_on, 400)), false,
                        EXISTS (SELECT FROM promised i WHERE i.instalment_id = o.id), minor FROM open o) f
           JOIN account a ON a.id = f.account_id LEFT JOIN payer y ON y.account_id = f.account_id
           WHERE $4::text IS NULL OR a.portfolio = $4 GROUP BY 1, 2, 3, 4, 5"#,
        as_of.day,
        as_of.known_at,
        as_of.day - REMEMBERED,
        portfolio
    )
    .fetch_all(conn)
    .await?;
    let (mut paid, mut open) = (Vec::new(), Vec::new());
    for row in rows {
        if row.paid {
            paid.push(Paid { class: row.class, days_late: row.late, minor: row.minor });
        } else {
            open.push(Open {
                class: row.class,
                currency: stored_currency(&row.currency)?,
                days_late: row.late,
                promised: row.promised,
                minor: row.minor,
            });
        }
    }
    Ok((paid, open))
}

/// What was paid after the day and up to `until` on items that were there at its end.
pub async fn came(
    conn: &mut PgConnection,
    as_of: AsOf,
    until: NaiveDate,
    portfolio: Option<&str>,
) -> Result<BTreeMap<Currency, i64>> {
    let rows = sqlx::query!(
        r#"SELECT c.currency::text AS "currency!", sum(a.amount_minor)::bigint AS "minor!"
           FROM allocation a JOIN account c ON c.id = a.account_id
           WHERE a.business_date > $1 AND a.business_date <= $2 AND a.recorded_at <= $3 AND a.payment_id IS NOT NULL
             AND EXISTS (SELECT FROM posting p WHERE p.instalment_id = a.instalment_id AND p.business_date <= $1)
             AND ($4::text IS NULL OR c.portfolio = $4)
           GROUP BY 1"#,
        as_of.day,
        until,
        as_of.known_at,
        portfolio
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| Ok((stored_currency(&row.currency)?, row.minor))).collect()
}
