//! Closed periods in Postgres.

mod kept;
mod later;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, types::Json};

pub use self::kept::totals;
pub(super) use self::{
    kept::{NewClose, keep},
    later::{changed_accounts, later_lines, marks},
};
use super::{
    Close, Period,
    checklist::{Finding, FindingKind, MOST_NAMES},
};
use crate::{
    error::{Error, Result},
    ids::{AccountId, CloseId, UserId},
    ledger::store::stored_currency,
    money::Money,
};

/// The last day through which the books of a portfolio are closed.
///
/// # Errors
/// Those of Postgres.
pub async fn locked_through(conn: &mut PgConnection, portfolio: &str) -> Result<Option<NaiveDate>> {
    Ok(sqlx::query_scalar!(
        "SELECT max(locked_through) FROM period_close WHERE portfolio = $1 AND reopened_at IS NULL",
        portfolio
    )
    .fetch_one(conn)
    .await?)
}

/// The same, for the portfolio of an account.
pub(super) async fn locked_for(conn: &mut PgConnection, account: AccountId) -> Result<Option<NaiveDate>> {
    Ok(sqlx::query_scalar!(
        "SELECT max(c.locked_through) FROM account a
         JOIN period_close c ON c.portfolio = a.portfolio AND c.reopened_at IS NULL WHERE a.id = $1",
        account.0
    )
    .fetch_one(conn)
    .await?)
}

/// Waits until nobody is posting, and has those who come wait until the transaction ends (`await_period_close`).
pub(super) async fn wait_for_postings(conn: &mut PgConnection) -> Result<()> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('period close'), 0)").fetch_one(conn).await?;
    Ok(())
}

pub(super) async fn portfolio_exists(conn: &mut PgConnection, portfolio: &str) -> Result<bool> {
    Ok(sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM account WHERE portfolio = $1) AS "there!""#, portfolio)
        .fetch_one(conn)
        .await?)
}

/// Every portfolio, with the last day through which it is closed.
///
/// # Errors
/// Those of Postgres.
pub async fn portfolios(conn: &mut PgConnection) -> Result<Vec<(String, Option<NaiveDate>)>> {
    let rows = sqlx::query!(
        r#"SELECT p.portfolio, max(c.locked_through) AS through
           FROM (SELECT DISTINCT portfolio FROM account) p
           LEFT JOIN period_close c ON c.portfolio = p.portfolio AND c.reopened_at IS NULL GROUP BY 1 ORDER BY 1"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.portfolio, row.through)).collect())
}

/// Accounts with cash or credits that are applied to nothing.
pub(super) async fn accounts_with_idle_cash(
    conn: &mut PgConnection,
    portfolio: &str,
    last_day: NaiveDate,
    now: DateTime<Utc>,
) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"SELECT count(DISTINCT account_id) AS "count!" FROM aging_parts($2, $3, true, '{0}', false, $1, NULL)
           WHERE part < 0"#,
        portfolio,
        last_day,
        now
    )
    .fetch_one(conn)
    .await?)
}

/// Files whose import has not come to its end, and was not done over.
pub(super) async fn unposted_files(conn: &mut PgConnection, portfolio: &str) -> Result<Finding> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "count!", coalesce((array_agg(file_name ORDER BY started_at))[:$2], '{}') AS "names!"
           FROM import_batch b WHERE portfolio = $1 AND finished_at IS NULL
             AND NOT EXISTS (SELECT FROM import_batch o WHERE o.portfolio = b.portfolio AND o.file_sha256 = b.file_sha256
                               AND o.started_at > b.started_at AND o.finished_at IS NOT NULL)"#,
        portfolio,
        MOST_NAMES
    )
    .fetch_one(conn)
    .await?;
    Ok(Finding { count: row.count, names: row.names, ..Finding::new(FindingKind::UnpostedFiles) })
}

/// Bank lines of a period that nobody has decided on: the statements that have some, and the lines.
pub(super) async fn undecided(conn: &mut PgConnection, portfolio: &str, last_day: NaiveDate) -> Result<[Finding; 2]> {
    let rows = sqlx::query!(
        r#"SELECT currency::text AS "currency!", count(*) AS "count!", count(DISTINCT statement_id) AS "statements!",
                  sum(minor)::bigint AS "minor!"
           FROM bank_line WHERE portfolio = $1 AND state = 'open' AND booked_on <= $2 GROUP BY 1 ORDER BY 1"#,
        portfolio,
        last_day
    )
    .fetch_all(conn)
    .await?;
    let mut statements = Finding::new(FindingKind::UnpostedStatements);
    let mut lines = Finding::new(FindingKind::BankLines);
    for row in rows {
        // A statement has one currency.
        statements.count += row.statements;
        lines.count += row.count;
        lines.amounts.push(Money::new(row.minor, stored_currency(&row.currency)?));
    }
    Ok([statements, lines])
}

/// Differences that are not worked to an end, of payments and bank lines of a period.
pub(super) async fn open_differences(conn: &mut PgConnection, portfolio: &str, last_day: NaiveDate) -> Result<Finding> {
    let rows = sqlx::query!(
        r#"SELECT d.currency::text AS "currency!", count(*) AS "count!", sum(d.amount_minor)::bigint AS "minor!"
           FROM difference d LEFT JOIN payment p ON p.id = d.payment_id LEFT JOIN bank_line b ON b.id = d.bank_line_id
           WHERE d.portfolio = $1 AND d.closed_at IS NULL
             AND coalesce(p.received_on, b.booked_on, $2) <= $2
           GROUP BY 1 ORDER BY 1"#,
        portfolio,
        last_day
    )
    .fetch_all(conn)
    .await?;
    let mut finding = Finding::new(FindingKind::OpenDifferences);
    for row in rows {
        finding.count += row.count;
        finding.amounts.push(Money::new(row.minor, stored_currency(&row.currency)?));
    }
    Ok(finding)
}

/// Postings and plans that wait for somebody to approve them.
pub(super) async fn open_approvals(conn: &mut PgConnection, portfolio: &str) -> Result<Finding> {
    let rows = sqlx::query!(
        r#"SELECT p.currency::text AS "currency!", count(*) AS "count!", sum(p.amount_minor)::bigint AS "minor!"
           FROM (SELECT account_id, currency, amount_minor FROM approval WHERE state = 'requested'
                 UNION ALL SELECT account_id, currency, covers_minor FROM plan WHERE status = 'proposed') p
           JOIN account a ON a.id = p.account_id WHERE a.portfolio = $1 GROUP BY 1 ORDER BY 1"#,
        portfolio
    )
    .fetch_all(conn)
    .await?;
    let mut finding = Finding::new(FindingKind::OpenApprovals);
    for row in rows {
        finding.count += row.count;
        finding.amounts.push(Money::new(row.minor, stored_currency(&row.currency)?));
    }
    Ok(finding)
}

/// The closes of a portfolio, or of all, the newest first.
///
/// # Errors
/// Those of Postgres.
pub async fn list(conn: &mut PgConnection, portfolio: Option<&str>, limit: i64) -> Result<Vec<Close>> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: CloseId", portfolio, kind, first_day, locked_through,
                  checklist AS "checklist: Json<Vec<Finding>>", note, closed_by AS "closed_by: UserId", closed_at,
                  follows AS "follows: CloseId", reopened_at, reopened_by AS "reopened_by: UserId", reopen_reason,
                  encode(content_hash, 'hex') AS "content_hash!"
           FROM period_close WHERE $1::text IS NULL OR portfolio = $1 ORDER BY closed_at DESC, id DESC LIMIT $2"#,
        portfolio,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Row::close).collect())
}

/// The closes of a portfolio that stand, in the order in which they have to be undone, last.
pub(super) async fn standing(conn: &mut PgConnection, portfolio: &str) -> Result<Vec<Close>> {
    let mut standing = list(conn, Some(portfolio), i64::MAX).await?;
    standing.retain(|close| close.reopened_at.is_none());
    standing.sort_by_key(|close| (close.locked_through, close.closed_at, close.id));
    Ok(standing)
}

/// A close.
///
/// # Errors
/// [`Error::NotFound`]; those of Postgres.
pub async fn get(conn: &mut PgConnection, id: CloseId) -> Result<Close> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: CloseId", portfolio, kind, first_day, locked_through,
                  checklist AS "checklist: Json<Vec<Finding>>", note, closed_by AS "closed_by: UserId", closed_at,
                  follows AS "follows: CloseId", reopened_at, reopened_by AS "reopened_by: UserId", reopen_reason,
                  encode(content_hash, 'hex') AS "content_hash!"
           FROM period_close WHERE id = $1"#,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    row.map(Row::close).ok_or(Error::NotFound("close of a period"))
}

/// Whether the figures that are kept of a close are the ones it was sealed with.
///
/// # Errors
/// Those of Postgres.
pub async fn is_intact(conn: &mut PgConnection, id: CloseId) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"SELECT content_hash = period_hash(id) AS "intact!" FROM period_close WHERE id = $1"#,
        id.0
    )
    .fetch_one(conn)
    .await?)
}

pub(super) async fn reopen(
    conn: &mut PgConnection,
    id: CloseId,
    by: UserId,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE period_close SET reopened_by = $2, reopened_at = $3, reopen_reason = $4 WHERE id = $1",
        id.0,
        by.0,
        now,
        reason
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct Row {
    id: CloseId,
    portfolio: String,
    kind: String,
    first_day: NaiveDate,
    locked_through: NaiveDate,
    checklist: Json<Vec<Finding>>,
    note: String,
    closed_by: Option<UserId>,
    closed_at: DateTime<Utc>,
    follows: Option<CloseId>,
    reopened_at: Option<DateTime<Utc>>,
    reopened_by: Option<UserId>,
    reopen_reason: Option<String>,
    content_hash: String,
}

impl Row {
    fn close(self) -> Close {
        let period = if self.kind == "year" { Period::Year(self.first_day) } else { Period::Month(self.first_day) };
        Close {
            id: self.id,
            portfolio: self.portfolio,
            period,
            locked_through: self.locked_through,
            checklist: self.checklist.0,
            note: self.note,
            closed_by: self.closed_by,
            closed_at: self.closed_at,
            follows: self.follows,
            reopened_at: self.reopened_at,
            reopened_by: self.reopened_by,
            reopen_reason: self.reopen_reason,
            content_hash: self.content_hash,
        }
    }
}
