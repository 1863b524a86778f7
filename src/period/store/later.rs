//! What came into a period after it was closed and reopened.

use chrono::NaiveDate;
use sqlx::PgConnection;

use crate::{
    error::{Error, Result},
    ids::{AccountId, CloseId},
    ledger::store::stored_currency,
    money::Money,
    period::difference::{AccountChange, Line, MOST_LINES},
};

/// What a close knew.
pub struct Marks {
    /// The close.
    pub id: CloseId,
    /// Its portfolio.
    pub portfolio: String,
    /// Its last day.
    pub locked_through: NaiveDate,
    /// The newest posting that it knew.
    pub last_posting: i64,
    /// The newest allocation that it knew.
    pub last_allocation: i64,
    /// The close that followed it.
    pub followed_by: Option<CloseId>,
}

/// The marks of a close.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn marks(conn: &mut PgConnection, id: CloseId) -> Result<Marks> {
    sqlx::query_as!(
        Marks,
        r#"SELECT c.id AS "id: CloseId", c.portfolio, c.locked_through, c.last_posting, c.last_allocation,
                  f.id AS "followed_by?: CloseId"
           FROM period_close c LEFT JOIN period_close f ON f.follows = c.id WHERE c.id = $1"#,
        id.0
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("close of a period"))
}

/// Postings and allocations of the period that `before` did not know and `after` did: how many, and the first of them.
pub async fn later_lines(conn: &mut PgConnection, before: &Marks, after: Option<&Marks>) -> Result<(i64, Vec<Line>)> {
    let rows = sqlx::query!(
        r#"WITH later AS (
               SELECT 'posting' AS what, id, account_id, kind, amount_minor, business_date, recorded_at, reverses FROM posting
               WHERE id > $3 AND id <= $4 AND business_date <= $2
               UNION ALL
               SELECT 'allocation', id, account_id, mode, amount_minor, business_date, recorded_at, reverses FROM allocation
               WHERE id > $5 AND id <= $6 AND business_date <= $2)
           SELECT l.what AS "what!", l.id AS "id!", a.id AS "account: AccountId", a.number, l.kind AS "kind!",
                  a.currency::text AS "currency!", l.amount_minor AS "minor!", l.business_date AS "business_date!",
                  l.recorded_at AS "recorded_at!", l.reverses, count(*) OVER () AS "count!"
           FROM later l JOIN account a ON a.id = l.account_id WHERE a.portfolio = $1
           ORDER BY l.recorded_at, l.what DESC, l.id LIMIT $7"#,
        before.portfolio,
        before.locked_through,
        before.last_posting,
        after.map_or(i64::MAX, |after| after.last_posting),
        before.last_allocation,
        after.map_or(i64::MAX, |after| after.last_allocation),
        MOST_LINES
    )
    .fetch_all(conn)
    .await?;
    let count = rows.first().map_or(0, |row| row.count);
    let lines = rows.into_iter().map(|row| {
        Ok(Line {
            what: row.what,
            id: row.id,
            account: row.account,
            number: row.number,
            kind: row.kind,
            amount: Money::new(row.minor, stored_currency(&row.currency)?),
            business_date: row.business_date,
            recorded_at: row.recorded_at,
            reverses: row.reverses,
        })
    });
    Ok((count, lines.collect::<Result<_>>()?))
}

/// Accounts whose kept figures differ between two closes: how many, and the first of them.
pub async fn changed_accounts(
    conn: &mut PgConnection,
    before: CloseId,
    after: CloseId,
) -> Result<(i64, Vec<AccountChange>)> {
    let rows = sqlx::query!(
        r#"SELECT a.id AS "account: AccountId", a.number, a.currency::text AS "currency!",
                  coalesce(b.balance_minor, 0) AS "before!", coalesce(n.balance_minor, 0) AS "after!",
                  count(*) OVER () AS "count!"
           FROM (SELECT * FROM period_aging WHERE close_id = $1) b
           FULL JOIN (SELECT * FROM period_aging WHERE close_id = $2) n ON n.account_id = b.account_id
           JOIN account a ON a.id = coalesce(b.account_id, n.account_id)
           WHERE (b.buckets, b.credit_minor, b.unapplied_minor) IS DISTINCT FROM (n.buckets, n.credit_minor, n.unapplied_minor)
           ORDER BY a.number LIMIT $3"#,
        before.0,
        after.0,
        MOST_LINES
    )
    .fetch_all(conn)
    .await?;
    let count = rows.first().map_or(0, |row| row.count);
    let changes = rows.into_iter().map(|row| {
        let currency = stored_currency(&row.currency)?;
        Ok(AccountChange {
            account: row.account,
            number: row.number,
            before: Money::new(row.before, currency),
            after: Money::new(row.after, currency),
        })
    });
    Ok((count, changes.collect::<Result<_>>()?))
}
