//! Differences follow what is taken back: a payment, or its application to an item.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::differences::{LeftOver, TWICE_WITHIN_DAYS, insert_left_over};
use crate::{
    allocation::DifferenceKind,
    error::{Error, Result},
    ids::{AccountId, InstalmentId, PaymentId, UserId},
};

/// Has the differences of `accounts` follow what `by` took back (`None`: an import did). What a difference rested on may
/// be gone: then it ends. It may be larger than before, or be there again after it was settled by what is gone now: then
/// another one is open.
///
/// # Errors
/// Those of Postgres.
pub(crate) async fn follow_taken_back(
    conn: &mut PgConnection,
    accounts: &[AccountId],
    by: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<()> {
    let accounts: Vec<Uuid> = accounts.iter().map(|account| account.0).collect();
    end(&mut *conn, &accounts, by, now).await?;
    let again = back(&mut *conn, &accounts, now).await?;
    insert_left_over(conn, &again, now).await
}

/// Ends those that rest on nothing any more, and those that are smaller than what is left over now.
async fn end(conn: &mut PgConnection, accounts: &[Uuid], by: Option<UserId>, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "UPDATE difference d SET outcome = 'taken_back', closed_by = $2, closed_at = $3,
                note = CASE WHEN m.state NOT IN ('received', 'cleared') THEN 'the payment was taken back'
                            WHEN d.kind = 'duplicate' THEN 'the other payment was taken back'
                            ELSE 'the payment was taken off an item' END
         FROM payment m
         WHERE m.id = d.payment_id AND d.account_id = ANY ($1) AND d.closed_at IS NULL AND CASE
             WHEN d.kind NOT IN ('short_pay', 'overpay', 'duplicate') THEN false
             WHEN m.state NOT IN ('received', 'cleared') THEN true
             WHEN d.kind = 'duplicate' THEN NOT EXISTS (
                 SELECT FROM payment o WHERE o.account_id = m.account_id AND o.id <> m.id AND o.amount_minor = m.amount_minor
                   AND o.reference = m.reference AND o.state IN ('received', 'cleared')
                   AND abs(o.received_on - m.received_on) <= $4)
             -- a sum of nothing is NULL: what was never applied is not taken off
             WHEN (SELECT sum(a.amount_minor) FROM allocation a WHERE a.payment_id = m.id) = 0 THEN true
             WHEN d.kind = 'short_pay' THEN (SELECT sum(a.amount_minor) FROM allocation a
                                             WHERE a.payment_id = m.id AND a.instalment_id = d.instalment_id) = 0
             ELSE -(SELECT sum(p.amount_minor) FROM posting p WHERE p.payment_id = m.id)
                  - (SELECT coalesce(sum(a.amount_minor), 0) FROM allocation a WHERE a.payment_id = m.id) > d.amount_minor
             END",
        accounts,
        by.map(|by| by.0),
        now,
        TWICE_WITHIN_DAYS
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What is left over again: differences that a posting settled which no longer stands, and those that have just ended
/// because they were too small.
async fn back(conn: &mut PgConnection, accounts: &[Uuid], now: DateTime<Utc>) -> Result<Vec<LeftOver>> {
    let rows = sqlx::query!(
        r#"SELECT payment_id AS "payment!: PaymentId", kind AS "kind!", instalment_id AS "instalment: InstalmentId",
                  minor AS "minor!" FROM (
               SELECT DISTINCT d.payment_id, d.kind, d.instalment_id,
                      CASE d.kind WHEN 'short_pay' THEN (
                          (SELECT coalesce(sum(p.amount_minor), 0) FROM posting p WHERE p.instalment_id = d.instalment_id)
                          - (SELECT coalesce(sum(a.amount_minor), 0) FROM allocation a WHERE a.instalment_id = d.instalment_id))
                      ELSE -(SELECT coalesce(sum(p.amount_minor), 0) FROM posting p WHERE p.payment_id = d.payment_id)
                           - (SELECT coalesce(sum(a.amount_minor), 0) FROM allocation a WHERE a.payment_id = d.payment_id)
                      END::bigint AS minor
               FROM difference d JOIN payment m ON m.id = d.payment_id AND m.state IN ('received', 'cleared')
               WHERE d.account_id = ANY ($1) AND d.kind IN ('short_pay', 'overpay')
                 AND (d.outcome IN ('collected', 'applied') AND d.closed_by IS NULL
                      OR d.outcome = 'taken_back' AND d.closed_at = $2)
                 AND (SELECT coalesce(sum(a.amount_minor), 1) FROM allocation a WHERE a.payment_id = d.payment_id
                        AND (d.instalment_id IS NULL OR a.instalment_id = d.instalment_id)) > 0) again
           WHERE minor > 0"#,
        accounts,
        now
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let kind = DifferenceKind::from_name(&row.kind)
                .ok_or_else(|| Error::internal("reading a difference")("unknown kind"))?;
            Ok(LeftOver { payment: row.payment, kind, instalment: row.instalment, minor: row.minor })
        })
        .collect()
}
