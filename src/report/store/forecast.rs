//! What a forecast is made of, and what came of it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    ids::{AccountId, InstalmentId},
    ledger::store::stored_currency,
    money::Currency,
    report::{
        AsOf,
        forecast::{
            Item,
            habit::{Open, Paid},
        },
    },
};

/// How long payments are remembered.
const REMEMBERED: Days = Days::new(365);

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

/// What payers have paid and have open, by class and days late.
pub struct Habits {
    /// What was paid.
    pub paid: Vec<Paid>,
    /// What is open.
    pub open: Vec<Open>,
    /// What is open of accounts that have promised something, item by item, the oldest first.
    pub of_promisers: Vec<Item>,
}

/// What was paid and what is open, by class of payer and days late. Classes are steps of the account's mean days late,
/// weighted by amount; an account that has paid nothing is of no class. Money is as late as it came, whenever it was
/// applied.
pub async fn habits(
    conn: &mut PgConnection,
    as_of: AsOf,
    portfolio: Option<&str>,
    promisers: &BTreeSet<AccountId>,
) -> Result<Habits> {
    let promisers: Vec<Uuid> = promisers.iter().map(|account| account.0).collect();
    let rows = sqlx::query!(
        r#"WITH recent AS (
               SELECT n.account_id, m.received_on - n.due_on AS late, a.amount_minor AS minor
               FROM allocation a JOIN payment m ON m.id = a.payment_id JOIN instalment n ON n.id = a.instalment_id
               WHERE m.received_on > $3 AND a.business_date <= $1 AND a.recorded_at <= $2 AND a.reverses IS NULL
                 AND NOT EXISTS (SELECT FROM allocation r
                                 WHERE r.reverses = a.id AND r.business_date <= $1 AND r.recorded_at <= $2)
           ), payer AS (
               SELECT account_id, width_bucket(sum(late * minor) / sum(minor), ARRAY[1, 8, 15, 30, 60]::numeric[]) AS class
               FROM recent GROUP BY 1
           ), open AS (
               SELECT n.account_id, CASE WHEN n.account_id = ANY ($5) THEN n.id END AS item,
                      greatest(-90, least($1 - n.due_on, 400)) AS late, b.minor - coalesce(p.minor, 0) AS minor
               FROM (SELECT instalment_id, sum(amount_minor) AS minor FROM posting
                     WHERE instalment_id IS NOT NULL AND business_date <= $1 AND recorded_at <= $2 GROUP BY 1) b
               JOIN instalment n ON n.id = b.instalment_id
               LEFT JOIN (SELECT instalment_id, sum(amount_minor) AS minor FROM allocation
                          WHERE business_date <= $1 AND recorded_at <= $2 GROUP BY 1) p ON p.instalment_id = n.id
               WHERE b.minor > coalesce(p.minor, 0)
           )
           SELECT coalesce(y.class, -1) AS "class!", a.currency::text AS "currency!", f.late AS "late!", f.paid AS "paid!",
                  f.item AS "item: InstalmentId", CASE WHEN f.item IS NOT NULL THEN a.id END AS "account: AccountId",
                  sum(f.minor)::bigint AS "minor!"
           FROM (SELECT account_id, NULL::uuid AS item, late, true AS paid, minor FROM recent
                 UNION ALL SELECT account_id, item, late, false, minor FROM open) f
           JOIN account a ON a.id = f.account_id LEFT JOIN payer y ON y.account_id = f.account_id
           WHERE $4::text IS NULL OR a.portfolio = $4 GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY f.late DESC, f.item"#,
        as_of.day,
        as_of.known_at,
        as_of.day - REMEMBERED,
        portfolio,
        &promisers
    )
    .fetch_all(conn)
    .await?;
    let mut habits = Habits { paid: Vec::new(), open: Vec::new(), of_promisers: Vec::new() };
    for row in rows {
        if row.paid {
            habits.paid.push(Paid { class: row.class, days_late: row.late, minor: row.minor });
            continue;
        }
        let currency = stored_currency(&row.currency)?;
        let open = Open { class: row.class, currency, days_late: row.late, promised: false, minor: row.minor };
        match (row.account, row.item) {
            (Some(account), Some(instalment)) => habits.of_promisers.push(Item { account, instalment, open }),
            _ => habits.open.push(open),
        }
    }
    Ok(habits)
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
