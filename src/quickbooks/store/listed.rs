//! What people see of the payments that are written.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::writes::State;
use crate::{
    error::{Error, Result},
    ids::{AccountId, PaymentId},
    ledger::store::stored_currency,
    money::Money,
};

/// A payment and what has become of it there.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = QuickBooksWrite)]
pub struct Write {
    /// Its id in this list.
    pub id: Uuid,
    /// The payment.
    pub payment: PaymentId,
    /// Whose it is.
    pub account: AccountId,
    /// The account's name.
    pub account_name: String,
    /// What was received.
    pub amount: Money,
    /// When it was received.
    pub received_on: NaiveDate,
    /// What has become of it there.
    pub state: State,
    /// Why somebody has to decide.
    pub reason: String,
    /// Its id at `QuickBooks`.
    pub qbo_id: Option<String>,
    /// When that changed.
    pub changed_at: DateTime<Utc>,
    /// When somebody decided.
    pub decided_at: Option<DateTime<Utc>>,
    /// What was noted with it.
    pub note: String,
}

/// Payments in a state, the newest first.
///
/// # Errors
/// Those of Postgres.
pub async fn list(
    conn: &mut PgConnection,
    state: Option<State>,
    before: Option<Uuid>,
    most: i64,
) -> Result<Vec<Write>> {
    find(conn, state, before, None, most).await
}

/// One of them.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(conn: &mut PgConnection, id: Uuid) -> Result<Write> {
    find(conn, None, None, Some(id), 1).await?.pop().ok_or(Error::NotFound("write"))
}

async fn find(
    conn: &mut PgConnection,
    state: Option<State>,
    before: Option<Uuid>,
    one: Option<Uuid>,
    most: i64,
) -> Result<Vec<Write>> {
    let rows = sqlx::query!(
        r#"SELECT w.id, w.payment_id AS "payment: PaymentId", w.account_id AS "account: AccountId", a.name, p.amount_minor,
                  p.currency::text AS "currency!", p.received_on, w.state, w.reason, w.qbo_id, w.changed_at, w.decided_at, w.note
           FROM quickbooks_write w JOIN payment p ON p.id = w.payment_id JOIN account a ON a.id = w.account_id
           WHERE ($1::text IS NULL OR w.state = $1) AND ($2::uuid IS NULL OR w.id < $2) AND ($3::uuid IS NULL OR w.id = $3)
           ORDER BY w.id DESC LIMIT $4"#,
        state.map(State::as_str),
        before,
        one,
        most
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let state = State::from_name(&row.state);
            Ok(Write {
                id: row.id,
                payment: row.payment,
                account: row.account,
                account_name: row.name,
                amount: Money::new(row.amount_minor, stored_currency(&row.currency)?),
                received_on: row.received_on,
                state: state.ok_or_else(|| Error::internal("reading a write")("a state that is not known"))?,
                reason: row.reason,
                qbo_id: row.qbo_id,
                changed_at: row.changed_at,
                decided_at: row.decided_at,
                note: row.note,
            })
        })
        .collect()
}
