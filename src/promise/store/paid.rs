//! What promises are judged by: what was paid and credited on the items of accounts.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    ids::{AccountId, InstalmentId},
    promise::evaluate::{Credited, Paid},
};

/// Up to when it is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Until {
    /// What counts for this day or one before.
    pub day: NaiveDate,
    /// What was recorded by then.
    pub known_at: DateTime<Utc>,
}

/// What was allocated to the accounts' items and not reversed, `until` then or (`None`) at all. A promise asks when the
/// money came and not when somebody found what it was for: day and moment are the payment's.
///
/// # Errors
/// Those of Postgres.
pub async fn paid(conn: &mut PgConnection, accounts: &[AccountId], until: Option<Until>) -> Result<Vec<Paid>> {
    let accounts: Vec<Uuid> = accounts.iter().map(|account| account.0).collect();
    Ok(sqlx::query_as!(
        Paid,
        r#"SELECT a.instalment_id AS "item: InstalmentId", a.amount_minor AS minor, m.received_on AS "on", m.recorded_at,
                  m.state = 'cleared' AS "cleared!"
           FROM allocation a JOIN payment m ON m.id = a.payment_id
           WHERE a.account_id = ANY ($1) AND a.amount_minor > 0
             AND ($2::date IS NULL OR a.business_date <= $2 AND a.recorded_at <= $3)
             AND NOT EXISTS (SELECT FROM allocation r WHERE r.reverses = a.id
                             AND ($2::date IS NULL OR r.business_date <= $2 AND r.recorded_at <= $3))"#,
        &accounts,
        until.map(|until| until.day),
        until.map(|until| until.known_at)
    )
    .fetch_all(conn)
    .await?)
}

/// What was credited on the accounts' items otherwise than by a payment, and not reversed, `until` then or (`None`) at
/// all; of a credit note when it was posted, since what is left of one is not asked for any more, whatever it is applied
/// to later.
///
/// # Errors
/// Those of Postgres.
pub async fn credited(conn: &mut PgConnection, accounts: &[AccountId], until: Option<Until>) -> Result<Vec<Credited>> {
    let accounts: Vec<Uuid> = accounts.iter().map(|account| account.0).collect();
    Ok(sqlx::query_as!(
        Credited,
        r#"SELECT p.instalment_id AS "item!: InstalmentId", -p.amount_minor AS "minor!",
                  p.recorded_at AS "recorded_at!"
           FROM posting p
           WHERE p.account_id = ANY ($1) AND p.amount_minor < 0 AND p.instalment_id IS NOT NULL AND p.reverses IS NULL
             AND ($2::date IS NULL OR p.business_date <= $2 AND p.recorded_at <= $3)
             AND NOT EXISTS (SELECT FROM posting r WHERE r.reverses = p.id
                             AND ($2::date IS NULL OR r.business_date <= $2 AND r.recorded_at <= $3))
           UNION ALL
           SELECT a.instalment_id, a.amount_minor, c.recorded_at
           FROM allocation a JOIN credit_note c ON c.id = a.credit_note_id
           WHERE a.account_id = ANY ($1) AND a.amount_minor > 0
             AND ($2::date IS NULL OR a.business_date <= $2 AND a.recorded_at <= $3)
             AND NOT EXISTS (SELECT FROM allocation r WHERE r.reverses = a.id
                             AND ($2::date IS NULL OR r.business_date <= $2 AND r.recorded_at <= $3))"#,
        &accounts,
        until.map(|until| until.day),
        until.map(|until| until.known_at)
    )
    .fetch_all(conn)
    .await?)
}
