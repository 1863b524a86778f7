//! The rows of promises.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, PgPool};

use super::{
    NewPromise,
    evaluate::{Credited, Paid, Status, Terms},
};
use crate::{
    error::{Error, Result},
    ids::{AccountId, InstalmentId, PromiseId},
};

pub(super) async fn cancel_open(conn: &mut PgConnection, account: AccountId, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "UPDATE promise SET status = 'cancelled', withdrawn = true, settled_at = $2
         WHERE account_id = $1 AND status = 'open'",
        account.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn insert(
    conn: &mut PgConnection,
    new: &NewPromise<'_>,
    deadline: NaiveDate,
    items: &[InstalmentId],
    now: DateTime<Utc>,
) -> Result<PromiseId> {
    let id = PromiseId::generate();
    sqlx::query!(
        "INSERT INTO promise (id, account_id, call_id, amount_minor, currency, due_on, status, taken_by, taken_at,
                              deadline_on, tolerance_minor)
         VALUES ($1, $2, $3, $4, $5, $6, 'open', $7, $8, $9, $10)",
        id.0,
        new.account.0,
        new.call.0,
        new.taken.amount_minor,
        new.currency.as_str(),
        new.taken.due_on,
        new.by.0,
        now,
        deadline,
        i64::from(new.limits.promise_tolerance_minor)
    )
    .execute(&mut *conn)
    .await?;
    let items: Vec<uuid::Uuid> = items.iter().map(|item| item.0).collect();
    sqlx::query!(
        "INSERT INTO promise_item (promise_id, instalment_id) SELECT $1, id FROM unnest($2::uuid[]) AS item (id)",
        id.0,
        &items
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// The account's promises, in the order in which they were taken, but those that were replaced or withdrawn and those
/// of another system that are history.
pub(super) async fn of_account(conn: &mut PgConnection, account: AccountId) -> Result<Vec<(Terms, Status)>> {
    let rows = sqlx::query!(
        r#"SELECT p.id AS "id: PromiseId", p.amount_minor, p.tolerance_minor, p.taken_at, p.deadline_on, p.status,
                  i.items AS "items!: Vec<InstalmentId>"
           FROM promise p
           CROSS JOIN LATERAL (SELECT array(SELECT instalment_id FROM promise_item WHERE promise_id = p.id) AS items) i
           WHERE p.account_id = $1 AND NOT p.withdrawn AND (p.status = 'open' OR i.items <> '{}')
           ORDER BY p.taken_at, p.id"#,
        account.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let status = Status::from_name(&row.status).ok_or_else(|| broken(&row.status))?;
            let terms = Terms {
                id: row.id,
                amount_minor: row.amount_minor,
                tolerance_minor: row.tolerance_minor,
                taken_at: row.taken_at,
                deadline: row.deadline_on,
                items: row.items,
            };
            Ok((terms, status))
        })
        .collect()
}

/// What was allocated to the account's items and not reversed.
pub(super) async fn paid(conn: &mut PgConnection, account: AccountId) -> Result<Vec<Paid>> {
    Ok(sqlx::query_as!(
        Paid,
        r#"SELECT a.instalment_id AS "item: InstalmentId", a.amount_minor AS minor, a.business_date AS "on", a.recorded_at
           FROM allocation a
           WHERE a.account_id = $1 AND a.amount_minor > 0 AND a.payment_id IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM allocation r WHERE r.reverses = a.id)"#,
        account.0
    )
    .fetch_all(conn)
    .await?)
}

/// What was credited on the account's items otherwise than by a payment, and not reversed.
pub(super) async fn credited(conn: &mut PgConnection, account: AccountId) -> Result<Vec<Credited>> {
    Ok(sqlx::query_as!(
        Credited,
        r#"SELECT p.instalment_id AS "item!: InstalmentId", -p.amount_minor AS "minor!",
                  p.recorded_at AS "recorded_at!"
           FROM posting p
           WHERE p.account_id = $1 AND p.amount_minor < 0 AND p.instalment_id IS NOT NULL AND p.reverses IS NULL
             AND NOT EXISTS (SELECT 1 FROM posting r WHERE r.reverses = p.id)
           UNION ALL
           SELECT a.instalment_id, a.amount_minor, a.recorded_at FROM allocation a
           WHERE a.account_id = $1 AND a.amount_minor > 0 AND a.credit_note_id IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM allocation r WHERE r.reverses = a.id)"#,
        account.0
    )
    .fetch_all(conn)
    .await?)
}

/// Those of `accounts` that have promised something.
pub(super) async fn promisers(conn: &mut PgConnection, accounts: &[AccountId]) -> Result<Vec<AccountId>> {
    let accounts: Vec<uuid::Uuid> = accounts.iter().map(|account| account.0).collect();
    Ok(sqlx::query_scalar!(
        r#"SELECT DISTINCT account_id AS "account_id!: AccountId" FROM promise
           WHERE account_id = ANY ($1) AND NOT withdrawn ORDER BY 1"#,
        &accounts
    )
    .fetch_all(conn)
    .await?)
}

/// Notes what has become of a promise, and that it has.
pub(super) async fn settle(
    conn: &mut PgConnection,
    promise: PromiseId,
    before: Status,
    after: Status,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "WITH became AS (INSERT INTO promise_transition (promise_id, before, after, at) VALUES ($1, $2, $3, $4))
         UPDATE promise SET status = $3, settled_at = CASE WHEN $3 = 'open' THEN NULL ELSE $4 END WHERE id = $1",
        promise.0,
        before.as_str(),
        after.as_str(),
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Accounts with an open promise whose time is over, or for which enough was paid; at most `limit`.
pub(super) async fn to_settle(db: &PgPool, today: NaiveDate, limit: i64) -> Result<Vec<AccountId>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT DISTINCT p.account_id AS "account_id!: AccountId"
           FROM promise p
           WHERE p.status = 'open'
             AND (p.deadline_on < $1
                  OR p.amount_minor - p.tolerance_minor <= (
                      SELECT coalesce(sum(a.amount_minor), 0) FROM allocation a
                      JOIN promise_item i ON i.instalment_id = a.instalment_id
                      WHERE i.promise_id = p.id AND a.recorded_at > p.taken_at))
           LIMIT $2"#,
        today,
        limit
    )
    .fetch_all(db)
    .await?)
}

/// Locks the account's row, so that nothing is allocated meanwhile.
pub(super) async fn lock_account(conn: &mut PgConnection, account: AccountId) -> Result<()> {
    sqlx::query!("SELECT 1 AS one FROM account WHERE id = $1 FOR UPDATE", account.0).fetch_optional(conn).await?;
    Ok(())
}

fn broken(status: &str) -> Error {
    Error::internal("reading a promise")(format!("unknown status {status}"))
}
