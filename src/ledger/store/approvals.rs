//! Limits and approvals.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::{PgConnection, types::Json};

use super::stored_currency;
use crate::{
    account,
    agent::Role,
    error::{Error, Result},
    ids::{AccountId, ApprovalId, UserId},
    ledger::{
        approval::{Approval, ApprovalState, Request},
        limit::{Limited, PostingLimit},
    },
    money::{Currency, Money},
};

/// The most that a user may post of a kind: `None` nothing, `Some(None)` without limit.
pub(in crate::ledger) async fn most(
    conn: &mut PgConnection,
    user: UserId,
    kind: &str,
    currency: Currency,
) -> Result<Option<Option<i64>>> {
    Ok(sqlx::query_scalar!(
        "SELECT l.most_minor FROM users u JOIN posting_limit l ON l.role = u.role
         WHERE u.id = $1 AND l.kind = $2 AND l.currency IN ($3, '***') ORDER BY l.currency = '***' LIMIT 1",
        user.0,
        kind,
        currency.as_str()
    )
    .fetch_optional(conn)
    .await?)
}

/// All limits.
///
/// # Errors
/// Those of Postgres.
pub async fn limits(conn: &mut PgConnection) -> Result<Vec<PostingLimit>> {
    Ok(sqlx::query_as!(
        PostingLimit,
        r#"SELECT role, kind, currency::text AS "currency!", most_minor FROM posting_limit ORDER BY role, kind, currency"#
    )
    .fetch_all(conn)
    .await?)
}

/// Sets a limit.
///
/// # Errors
/// [`Error::Invalid`] for an unknown role, kind or currency, or an amount below 0.
pub async fn set_limit(conn: &mut PgConnection, limit: &PostingLimit, by: UserId, now: DateTime<Utc>) -> Result<()> {
    if Role::from_name(&limit.role).is_none() {
        return Err(Error::invalid("role", "unknown"));
    }
    if Limited::from_name(&limit.kind).is_none() {
        return Err(Error::invalid("kind", "payment, credit_note, refund, reversal or the kind of an adjustment"));
    }
    if limit.currency != "***" && Currency::parse(&limit.currency).is_err() {
        return Err(Error::invalid("currency", "an ISO 4217 code, or *** for all others"));
    }
    if limit.most_minor.is_some_and(|most| most < 0) {
        return Err(Error::invalid("most_minor", "0 or more, or null for no limit"));
    }
    sqlx::query!(
        "INSERT INTO posting_limit (role, kind, currency, most_minor) VALUES ($1, $2, $3, $4)
         ON CONFLICT (role, kind, currency) DO UPDATE SET most_minor = excluded.most_minor",
        limit.role,
        limit.kind,
        limit.currency,
        limit.most_minor
    )
    .execute(&mut *conn)
    .await?;
    let id = format!("{} {} {}", limit.role, limit.kind, limit.currency);
    let detail = json!({ "most_minor": limit.most_minor });
    account::store::audit_of(conn, by, "set_posting_limit", ("posting_limit", &id), detail, now).await
}

#[expect(clippy::too_many_arguments, reason = "a row")]
pub(in crate::ledger) async fn insert(
    conn: &mut PgConnection,
    id: ApprovalId,
    account: AccountId,
    kind: &str,
    amount: Money,
    request: &Request,
    by: UserId,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO approval (id, account_id, kind, amount_minor, currency, request, requested_by, requested_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        id.0,
        account.0,
        kind,
        amount.minor,
        amount.currency.as_str(),
        Json(request) as _,
        by.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::ledger) async fn lock(conn: &mut PgConnection, id: ApprovalId) -> Result<Option<Approval>> {
    sqlx::query!("SELECT 1 AS one FROM approval WHERE id = $1 FOR UPDATE", id.0).fetch_optional(&mut *conn).await?;
    Ok(read(conn, Some(id), &Wanted::default(), 1).await?.pop())
}

/// Which requests are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// Only those of this account.
    pub account: Option<AccountId>,
    /// Only those in this state.
    pub state: Option<ApprovalState>,
    /// Only those after this one.
    pub after: Option<ApprovalId>,
}

async fn read(conn: &mut PgConnection, id: Option<ApprovalId>, wanted: &Wanted, limit: i64) -> Result<Vec<Approval>> {
    let rows = sqlx::query!(
        r#"SELECT p.id AS "id: ApprovalId", p.account_id AS "account: AccountId", a.number, p.kind, p.amount_minor,
                  p.currency::text AS "currency!", p.request AS "request: Json<Request>", p.state,
                  p.requested_by AS "requested_by: UserId", p.requested_at, p.decided_by AS "decided_by: UserId",
                  p.decided_at, p.note
           FROM approval p JOIN account a ON a.id = p.account_id
           WHERE ($1::uuid IS NULL OR p.id = $1) AND ($2::text IS NULL OR p.state = $2) AND ($3::uuid IS NULL OR p.id > $3)
             AND ($5::uuid IS NULL OR p.account_id = $5)
           ORDER BY p.id LIMIT $4"#,
        id.map(|id| id.0),
        wanted.state.map(ApprovalState::as_str),
        wanted.after.map(|after| after.0),
        limit,
        wanted.account.map(|account| account.0)
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let state = ApprovalState::from_name(&row.state)
                .ok_or_else(|| Error::internal("reading an approval")("unknown state"))?;
            Ok(Approval {
                id: row.id,
                account: row.account,
                account_number: row.number,
                kind: row.kind,
                amount: Money::new(row.amount_minor, stored_currency(&row.currency)?),
                request: row.request.0,
                state,
                requested_by: row.requested_by,
                requested_at: row.requested_at,
                decided_by: row.decided_by,
                decided_at: row.decided_at,
                note: row.note,
            })
        })
        .collect()
}

/// Requests, oldest first.
///
/// # Errors
/// Those of Postgres.
pub async fn list(conn: &mut PgConnection, wanted: &Wanted, limit: i64) -> Result<Vec<Approval>> {
    read(conn, None, wanted, limit).await
}

pub(in crate::ledger) async fn decide(
    conn: &mut PgConnection,
    id: ApprovalId,
    state: ApprovalState,
    note: &str,
    by: UserId,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE approval SET state = $2, note = $3, decided_by = $4, decided_at = $5 WHERE id = $1",
        id.0,
        state.as_str(),
        note,
        by.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}
