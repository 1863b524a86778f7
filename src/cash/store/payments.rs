//! The payments of an account, each with where it went.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, types::Json};
use utoipa::ToSchema;

use crate::{
    error::{Error, Result},
    ids::{AccountId, InstalmentId, PaymentId, UserId},
    ledger::{PaymentState, store::stored_currency},
    money::Money,
};

/// A payment and where it went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AccountPayment {
    /// The payment.
    pub id: PaymentId,
    /// What came in.
    pub amount: Money,
    /// When.
    pub received_on: NaiveDate,
    /// How.
    pub method: String,
    /// What the payer wrote.
    pub reference: String,
    /// What has become of it.
    pub state: PaymentState,
    /// What of it is applied to nothing and not paid back.
    pub left: Money,
    /// Who recorded it; `null`: an import.
    pub recorded_by: Option<UserId>,
    /// When.
    pub recorded_at: DateTime<Utc>,
    /// Where it went, and how that came about.
    pub allocations: Vec<PaymentAllocation>,
}

/// Where a part of a payment went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaymentAllocation {
    /// The item.
    pub instalment: InstalmentId,
    /// Its invoice.
    pub invoice_number: String,
    /// Which part of the item.
    pub part: String,
    /// Minor units.
    pub minor: i64,
    /// By which rule.
    pub mode: String,
    /// In words.
    pub explanation: String,
    /// Who decided it; `null`: another system, or a file.
    pub applied_by: Option<UserId>,
    /// The day it counts for.
    pub on: NaiveDate,
}

/// The payments of an account, the newest first, before that of `before`.
///
/// # Errors
/// Those of Postgres.
pub async fn of_account(
    conn: &mut PgConnection,
    account: AccountId,
    before: Option<PaymentId>,
    limit: i64,
) -> Result<Vec<AccountPayment>> {
    let rows = sqlx::query!(
        r#"SELECT m.id AS "id: PaymentId", m.amount_minor, m.currency::text AS "currency!", m.received_on, m.method,
                  m.reference, m.state, m.recorded_by AS "recorded_by: UserId", m.recorded_at,
                  (-(SELECT coalesce(sum(amount_minor), 0) FROM posting WHERE payment_id = m.id)
                   - (SELECT coalesce(sum(amount_minor), 0) FROM allocation WHERE payment_id = m.id))::bigint AS "left!",
                  (SELECT coalesce(jsonb_agg(jsonb_build_object(
                              'instalment', l.instalment_id, 'invoice_number', v.number, 'part', l.part,
                              'minor', l.amount_minor, 'mode', l.mode, 'explanation', l.explanation,
                              'applied_by', l.applied_by, 'on', l.business_date) ORDER BY l.id), '[]')
                   FROM allocation l JOIN instalment i ON i.id = l.instalment_id JOIN invoice v ON v.id = i.invoice_id
                   WHERE l.payment_id = m.id AND l.reverses IS NULL
                     AND NOT EXISTS (SELECT FROM allocation r WHERE r.reverses = l.id))
                  AS "allocations!: Json<Vec<PaymentAllocation>>"
           FROM payment m WHERE m.account_id = $1 AND ($2::uuid IS NULL OR m.id < $2) ORDER BY m.id DESC LIMIT $3"#,
        account.0,
        before.map(|before| before.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let currency = stored_currency(&row.currency)?;
            let state = PaymentState::from_name(&row.state)
                .ok_or_else(|| Error::internal("reading a payment")("unknown state"))?;
            Ok(AccountPayment {
                id: row.id,
                amount: Money::new(row.amount_minor, currency),
                received_on: row.received_on,
                method: row.method,
                reference: row.reference,
                state,
                left: Money::new(row.left, currency),
                recorded_by: row.recorded_by,
                recorded_at: row.recorded_at,
                allocations: row.allocations.0,
            })
        })
        .collect()
}
