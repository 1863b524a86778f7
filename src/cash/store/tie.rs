//! Control totals, and what our side comes to.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::{
    cash::tie::{AccountDifference, Control, MOST_NAMED, Ours, Suspect},
    error::Result,
    ids::{AccountId, UserId},
    money::Currency,
};

pub(in crate::cash) async fn give(
    conn: &mut PgConnection,
    control: &Control,
    by: UserId,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO control_total (id, portfolio, currency, on_day, minor, accounts, given_by, given_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        Uuid::now_v7(),
        control.portfolio,
        control.currency.as_str(),
        control.day,
        control.minor,
        control.accounts.as_ref().map(Json) as _,
        by.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What was given for a day.
pub(in crate::cash) struct Given {
    pub minor: i64,
    pub accounts: Option<BTreeMap<String, i64>>,
    pub by: Option<UserId>,
    pub at: DateTime<Utc>,
}

pub(in crate::cash) async fn control(
    conn: &mut PgConnection,
    portfolio: &str,
    currency: Currency,
    day: NaiveDate,
) -> Result<Option<Given>> {
    let row = sqlx::query!(
        r#"SELECT minor, accounts AS "accounts: Json<BTreeMap<String, i64>>", given_by AS "given_by: UserId", given_at
           FROM control_total WHERE portfolio = $1 AND currency = $2 AND on_day = $3 ORDER BY given_at DESC, id DESC LIMIT 1"#,
        portfolio,
        currency.as_str(),
        day
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Given {
        minor: row.minor,
        accounts: row.accounts.map(|accounts| accounts.0),
        by: row.given_by,
        at: row.given_at,
    }))
}

/// What each account owes by its postings up to the day.
pub(in crate::cash) async fn ours(
    conn: &mut PgConnection,
    portfolio: &str,
    currency: Currency,
    day: NaiveDate,
) -> Result<Vec<Ours>> {
    Ok(sqlx::query_as!(
        Ours,
        r#"SELECT a.id AS "account: AccountId", a.number, sum(p.amount_minor)::bigint AS "minor!"
           FROM account a JOIN posting p ON p.account_id = a.id AND p.business_date <= $3
           WHERE a.portfolio = $1 AND a.currency = $2 GROUP BY a.id"#,
        portfolio,
        currency.as_str(),
        day
    )
    .fetch_all(conn)
    .await?)
}

/// Open items less what is applied to none, as the aging has them.
pub(in crate::cash) async fn items(
    conn: &mut PgConnection,
    portfolio: &str,
    currency: Currency,
    day: NaiveDate,
) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"SELECT (coalesce((SELECT sum(p.amount_minor) FROM posting p JOIN account a ON a.id = p.account_id
                             WHERE a.portfolio = $1 AND a.currency = $2 AND p.business_date <= $3
                               AND p.instalment_id IS NOT NULL), 0)
                  - coalesce((SELECT sum(l.amount_minor) FROM allocation l JOIN account a ON a.id = l.account_id
                              WHERE a.portfolio = $1 AND a.currency = $2 AND l.business_date <= $3), 0)
                  - coalesce((SELECT sum(left_minor) FROM (
                        SELECT -sum(p.amount_minor) - coalesce((SELECT sum(amount_minor) FROM allocation
                            WHERE (payment_id = p.payment_id OR credit_note_id = p.credit_note_id)
                              AND business_date <= $3), 0) AS left_minor
                        FROM posting p JOIN account a ON a.id = p.account_id
                        WHERE a.portfolio = $1 AND a.currency = $2 AND p.business_date <= $3 AND p.instalment_id IS NULL
                        GROUP BY p.payment_id, p.credit_note_id) s), 0))::bigint AS "minor!""#,
        portfolio,
        currency.as_str(),
        day
    )
    .fetch_one(conn)
    .await?)
}

/// Postings that may be a difference: of its very amount, or recorded after the control total was given.
pub(in crate::cash) async fn suspects(
    conn: &mut PgConnection,
    portfolio: &str,
    currency: Currency,
    day: NaiveDate,
    given_at: DateTime<Utc>,
    difference: i64,
    accounts: &[AccountDifference],
) -> Result<Vec<Suspect>> {
    let (ids, amounts): (Vec<Uuid>, Vec<i64>) =
        accounts.iter().filter_map(|row| Some((row.account?.0, row.difference_minor))).unzip();
    Ok(sqlx::query_as!(
        Suspect,
        r#"SELECT p.id AS posting, p.account_id AS "account: AccountId", a.number, p.kind, p.amount_minor AS minor,
                  p.business_date, p.recorded_at,
                  CASE WHEN d.minor IS NOT NULL AND abs(p.amount_minor) = abs(d.minor) THEN 'it is the difference of its account'
                       WHEN abs(p.amount_minor) = abs($5::bigint) THEN 'it is the whole difference'
                       ELSE 'it was recorded after the control total was given' END AS "because!"
           FROM posting p
           JOIN account a ON a.id = p.account_id AND a.portfolio = $1 AND a.currency = $2
           LEFT JOIN unnest($6::uuid[], $7::bigint[]) AS d (account, minor) ON d.account = p.account_id
           WHERE p.business_date <= $3
             AND (CASE WHEN cardinality($6::uuid[]) > 0 THEN d.minor IS NOT NULL ELSE true END)
             AND (abs(p.amount_minor) = abs(d.minor) OR ($5 <> 0 AND abs(p.amount_minor) = abs($5::bigint))
                  OR p.recorded_at > $4)
           ORDER BY p.recorded_at DESC LIMIT $8"#,
        portfolio,
        currency.as_str(),
        day,
        given_at,
        difference,
        &ids,
        &amounts,
        MOST_NAMED
    )
    .fetch_all(conn)
    .await?)
}
