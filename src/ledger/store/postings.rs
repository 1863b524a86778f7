//! What was posted to an account, as people look at it.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::stored_currency;
use crate::{
    error::{Error, Result},
    ids::{AccountId, AdjustmentId, CreditNoteId, InstalmentId, PaymentId, RefundId, UserId},
    ledger::part::Part,
    money::Money,
};

/// A posting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AccountPosting {
    /// Its id.
    pub id: i64,
    /// `invoice`, `payment`, `credit_note`, `refund`, or the kind of an adjustment.
    pub kind: String,
    /// Positive where more is owed.
    pub amount: Money,
    /// The day it counts for.
    pub business_date: NaiveDate,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// The item.
    pub instalment: Option<InstalmentId>,
    /// Which part of it.
    pub part: Part,
    /// Its invoice.
    pub invoice_number: Option<String>,
    /// The payment.
    pub payment: Option<PaymentId>,
    /// The credit note.
    pub credit_note: Option<CreditNoteId>,
    /// The adjustment.
    pub adjustment: Option<AdjustmentId>,
    /// The refund.
    pub refund: Option<RefundId>,
    /// Why.
    pub reason: String,
    /// Who posted it; `null`: an import or a rule.
    pub posted_by: Option<UserId>,
    /// The posting that this one takes back.
    pub reverses: Option<i64>,
    /// It was taken back.
    pub reversed: bool,
}

/// What was posted to an account, the newest first, before that of `before`.
///
/// # Errors
/// Those of Postgres.
pub async fn of_account(
    conn: &mut PgConnection,
    account: AccountId,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<AccountPosting>> {
    let rows = sqlx::query!(
        r#"SELECT p.id, coalesce(j.kind, p.kind) AS "kind!", p.amount_minor, p.currency::text AS "currency!", p.business_date,
                  p.recorded_at, p.instalment_id AS "instalment: InstalmentId", p.part, v.number AS "number?",
                  p.payment_id AS "payment: PaymentId", p.credit_note_id AS "credit_note: CreditNoteId",
                  p.adjustment_id AS "adjustment: AdjustmentId", p.refund_id AS "refund: RefundId", p.reason,
                  p.posted_by AS "posted_by: UserId", p.reverses,
                  EXISTS (SELECT FROM posting r WHERE r.reverses = p.id) AS "reversed!"
           FROM posting p
           LEFT JOIN adjustment j ON j.id = p.adjustment_id
           LEFT JOIN instalment i ON i.id = p.instalment_id
           LEFT JOIN invoice v ON v.id = i.invoice_id
           WHERE p.account_id = $1 AND ($2::bigint IS NULL OR p.id < $2) ORDER BY p.id DESC LIMIT $3"#,
        account.0,
        before,
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let part =
                Part::from_name(&row.part).ok_or_else(|| Error::internal("reading a posting")("unknown part"))?;
            Ok(AccountPosting {
                id: row.id,
                kind: row.kind,
                amount: Money::new(row.amount_minor, stored_currency(&row.currency)?),
                business_date: row.business_date,
                recorded_at: row.recorded_at,
                instalment: row.instalment,
                part,
                invoice_number: row.number,
                payment: row.payment,
                credit_note: row.credit_note,
                adjustment: row.adjustment,
                refund: row.refund,
                reason: row.reason,
                posted_by: row.posted_by,
                reverses: row.reverses,
                reversed: row.reversed,
            })
        })
        .collect()
}
