//! The rows of disputes.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::Ruling;
use crate::{
    disposition::DisputeOpened,
    error::Result,
    ids::{AccountId, CallId, DisputeId, UserId},
};

pub(super) async fn insert(
    conn: &mut PgConnection,
    account: AccountId,
    call: Option<CallId>,
    by: UserId,
    opened: &DisputeOpened,
    now: DateTime<Utc>,
) -> Result<DisputeId> {
    let id = DisputeId::generate();
    sqlx::query!(
        "INSERT INTO dispute (id, account_id, call_id, reason, status, opened_by, opened_at)
         VALUES ($1, $2, $3, $4, 'open', $5, $6)",
        id.0,
        account.0,
        call.map(|call| call.0),
        opened.reason.trim(),
        by.0,
        now
    )
    .execute(&mut *conn)
    .await?;
    let (items, amounts): (Vec<uuid::Uuid>, Vec<i64>) =
        opened.items.iter().map(|item| (item.id.0, item.amount_minor)).unzip();
    sqlx::query!(
        "INSERT INTO dispute_item (dispute_id, instalment_id, amount_minor)
         SELECT $1, id, minor FROM unnest($2::uuid[], $3::bigint[]) AS item (id, minor)",
        id.0,
        &items,
        &amounts
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// Gives the account; `None` if there is no such open dispute.
pub(super) async fn close(
    conn: &mut PgConnection,
    dispute: DisputeId,
    ruling: Ruling,
    now: DateTime<Utc>,
) -> Result<Option<AccountId>> {
    Ok(sqlx::query_scalar!(
        r#"UPDATE dispute SET status = $2, closed_at = $3 WHERE id = $1 AND status = 'open'
           RETURNING account_id AS "account_id: AccountId""#,
        dispute.0,
        ruling.as_str(),
        now
    )
    .fetch_optional(conn)
    .await?)
}
