//! The rows of promises.

pub(super) mod paid;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{
    Promise,
    evaluate::{CancelReason, Judged, Status, Terms},
};
use crate::{
    agent::{Principal, Role},
    agreement::{Basis, authority::Wanted},
    disposition::PromiseTaken,
    error::{Error, Result},
    ids::{AccountId, CallId, InstalmentId, PlanId, PromiseId, UserId},
    ledger::store::stored_currency,
    money::{Currency, Money},
    outgoing::{self, Event, Kind},
};

/// A promise, and what had become of it when it was looked at last.
pub(super) struct Known {
    pub(super) terms: Terms,
    pub(super) judged: Judged,
    pub(super) currency: Currency,
    pub(super) taken_by: Option<UserId>,
    pub(super) plan: Option<PlanId>,
}

/// A promise that is open, and how much of it is outstanding.
pub(super) struct Open {
    pub(super) id: PromiseId,
    pub(super) due_on: NaiveDate,
    pub(super) left_minor: i64,
    pub(super) of_plan: bool,
}

/// What was worked out for a new promise.
pub(super) struct Written<'a> {
    pub(super) deadline: NaiveDate,
    pub(super) tolerance_minor: i64,
    pub(super) level: i16,
    pub(super) items: &'a [InstalmentId],
    pub(super) limit_role: Role,
    pub(super) approved_by: Option<UserId>,
    /// The plan, and which part of it.
    pub(super) plan: Option<(PlanId, i16)>,
}

/// The account's open promises.
pub(super) async fn open(conn: &mut PgConnection, account: AccountId) -> Result<Vec<Open>> {
    Ok(sqlx::query_as!(
        Open,
        r#"SELECT id AS "id: PromiseId", due_on, amount_minor - paid_minor - credited_minor AS "left_minor!",
                  plan_id IS NOT NULL AS "of_plan!"
           FROM promise WHERE account_id = $1 AND status = 'open' ORDER BY taken_at, id"#,
        account.0
    )
    .fetch_all(conn)
    .await?)
}

/// The open instalments of a plan, by day.
pub(super) async fn open_of_plan(conn: &mut PgConnection, plan: PlanId) -> Result<Vec<Open>> {
    Ok(sqlx::query_as!(
        Open,
        r#"SELECT id AS "id: PromiseId", due_on, amount_minor - paid_minor - credited_minor AS "left_minor!",
                  true AS "of_plan!"
           FROM promise WHERE plan_id = $1 AND status = 'open' ORDER BY due_on, id"#,
        plan.0
    )
    .fetch_all(conn)
    .await?)
}

/// Cancels a promise, and tells so; false: it was not open.
pub(super) async fn cancel(
    conn: &mut PgConnection,
    promise: PromiseId,
    reason: CancelReason,
    by: Option<UserId>,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<bool> {
    let gone = sqlx::query_scalar!(
        r#"WITH gone AS (UPDATE promise SET status = 'cancelled', withdrawn = true, withdrawn_on = $4, cancel_reason = $2,
                                          settled_at = $5
                       WHERE id = $1 AND status = 'open' RETURNING id, account_id), noted AS (
               INSERT INTO promise_transition (promise_id, before, after, at, reason, user_id)
               SELECT id, 'open', 'cancelled', $5, $2, $3 FROM gone)
           SELECT account_id AS "account!: AccountId" FROM gone"#,
        promise.0,
        reason.as_str(),
        by.map(|by| by.0),
        today,
        now
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(account) = gone else { return Ok(false) };
    let data = json!({ "promise": promise, "before": Status::Open.as_str(), "reason": reason.as_str() });
    let event = Event { kind: Kind::Promise, what: Status::Cancelled.as_str(), account, data };
    outgoing::tell(conn, &event, now).await?;
    Ok(true)
}

pub(super) async fn insert(
    conn: &mut PgConnection,
    on: &Basis<'_>,
    taken: &PromiseTaken,
    written: &Written<'_>,
    now: DateTime<Utc>,
) -> Result<PromiseId> {
    let id = PromiseId::generate();
    sqlx::query!(
        "INSERT INTO promise (id, account_id, call_id, amount_minor, currency, due_on, status, taken_by, taken_at,
                              deadline_on, tolerance_minor, level, cleared_only, limit_role, approved_by, plan_id,
                              plan_seq)
         VALUES ($1, $2, $3, $4, $5, $6, 'open', $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        id.0,
        on.account.0,
        on.call.map(|call| call.0),
        taken.amount_minor,
        on.currency.as_str(),
        taken.due_on,
        on.by.user.0,
        now,
        written.deadline,
        written.tolerance_minor,
        written.level,
        on.limits.promise_cleared_only,
        written.limit_role.as_str(),
        written.approved_by.map(|by| by.0),
        written.plan.map(|(plan, _)| plan.0),
        written.plan.map(|(_, seq)| seq)
    )
    .execute(&mut *conn)
    .await?;
    let items: Vec<Uuid> = written.items.iter().map(|item| item.0).collect();
    sqlx::query!(
        "INSERT INTO promise_item (promise_id, instalment_id) SELECT $1, id FROM unnest($2::uuid[]) AS item (id)",
        id.0,
        &items
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// The account's promises but those of another system that are history. Those that were withdrawn are among them: after
/// their deadline that changes nothing.
pub(super) async fn of_account(conn: &mut PgConnection, account: AccountId) -> Result<Vec<Known>> {
    let rows = sqlx::query!(
        r#"SELECT p.id AS "id: PromiseId", p.amount_minor, p.tolerance_minor, p.taken_at, p.deadline_on, p.status,
                  p.cleared_only, p.withdrawn_on, p.paid_minor, p.credited_minor, p.kept_on, p.currency::text AS "currency!",
                  p.taken_by AS "taken_by: UserId", p.plan_id AS "plan: PlanId", i.items AS "items!: Vec<InstalmentId>"
           FROM promise p
           CROSS JOIN LATERAL (SELECT array(SELECT instalment_id FROM promise_item WHERE promise_id = p.id) AS items) i
           WHERE p.account_id = $1 AND (NOT p.withdrawn OR p.withdrawn_on IS NOT NULL)
             AND (p.status = 'open' OR i.items <> '{}')
           ORDER BY p.taken_at, p.id"#,
        account.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let status = Status::from_name(&row.status).ok_or_else(|| broken(&row.status))?;
            let (paid_minor, credited_minor, kept_on) = (row.paid_minor, row.credited_minor, row.kept_on);
            Ok(Known {
                terms: Terms {
                    id: row.id,
                    amount_minor: row.amount_minor,
                    tolerance_minor: row.tolerance_minor,
                    taken_at: row.taken_at,
                    deadline: row.deadline_on,
                    cleared_only: row.cleared_only,
                    withdrawn_on: row.withdrawn_on,
                    items: row.items,
                },
                judged: Judged { status, paid_minor, credited_minor, kept_on },
                currency: stored_currency(&row.currency)?,
                taken_by: row.taken_by,
                plan: row.plan,
            })
        })
        .collect()
}

/// The account's promises so far: what they were for, what became of them, and why.
pub(super) async fn earlier(
    conn: &mut PgConnection,
    account: AccountId,
) -> Result<Vec<(Terms, Status, Option<CancelReason>)>> {
    let known = of_account(&mut *conn, account).await?;
    let why = sqlx::query!(
        r#"SELECT id AS "id: PromiseId", cancel_reason AS "reason!" FROM promise
           WHERE account_id = $1 AND cancel_reason IS NOT NULL"#,
        account.0
    )
    .fetch_all(conn)
    .await?;
    let why_of = |id| why.iter().find(|row| row.id == id).and_then(|row| CancelReason::from_name(&row.reason));
    Ok(known
        .into_iter()
        .map(|known| (why_of(known.terms.id), known))
        .map(|(why, known)| (known.terms, known.judged.status, why))
        .collect())
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
pub(super) async fn settle(conn: &mut PgConnection, known: &Known, judged: &Judged, now: DateTime<Utc>) -> Result<()> {
    let (before, after) = (known.judged.status.as_str(), judged.status.as_str());
    sqlx::query!(
        "WITH became AS (INSERT INTO promise_transition (promise_id, before, after, at)
                         SELECT $1, $2, $3, $4 WHERE $2 <> $3)
         UPDATE promise SET status = $3, paid_minor = $5, credited_minor = $6, kept_on = $7,
                settled_at = CASE WHEN $3 = 'open' THEN NULL WHEN $2 <> $3 THEN $4 ELSE settled_at END,
                cancel_reason = CASE WHEN $3 = 'cancelled' THEN coalesce(cancel_reason, 'credited') END
         WHERE id = $1",
        known.terms.id.0,
        before,
        after,
        now,
        judged.paid_minor,
        judged.credited_minor,
        judged.kept_on
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Accounts with an open promise whose time is over, or for which enough was paid; at most `limit`.
pub(super) async fn to_settle(db: &PgPool, today: NaiveDate, limit: i64) -> Result<Vec<AccountId>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT p.account_id AS "account_id!: AccountId"
           FROM promise p
           WHERE p.status = 'open'
             AND (p.deadline_on < $1
                  OR p.amount_minor - p.tolerance_minor <= (
                      SELECT coalesce(sum(a.amount_minor), 0) FROM allocation a
                      JOIN promise_item i ON i.instalment_id = a.instalment_id
                      LEFT JOIN payment m ON m.id = a.payment_id
                      LEFT JOIN credit_note c ON c.id = a.credit_note_id
                      WHERE i.promise_id = p.id AND coalesce(m.recorded_at, c.recorded_at) > p.taken_at
                        AND (m.id IS NULL OR m.state = 'cleared' OR NOT p.cleared_only)))
           GROUP BY p.account_id ORDER BY min(p.deadline_on) LIMIT $2"#,
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

/// Whose it is, and whether it is part of a plan.
pub(super) async fn account_of(conn: &mut PgConnection, promise: PromiseId) -> Result<Option<(AccountId, bool)>> {
    let row = sqlx::query!(
        r#"SELECT account_id AS "account: AccountId", plan_id IS NOT NULL AS "of_plan!" FROM promise WHERE id = $1"#,
        promise.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.account, row.of_plan)))
}

/// Allows one promise on the account.
pub(super) async fn approve(
    conn: &mut PgConnection,
    account: AccountId,
    wanted: &Wanted,
    by: &Principal,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO promise_approval (id, account_id, least_minor, last_due_on, limit_role, approved_by, at, until_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        Uuid::now_v7(),
        account.0,
        wanted.amount_minor,
        wanted.due_on,
        by.role.as_str(),
        by.user.0,
        now,
        until
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Approvals that cover a promise, the first to end first: their ids, whose limits, and who gave them.
pub(super) async fn approvals(
    conn: &mut PgConnection,
    account: AccountId,
    wanted: &Wanted,
    now: DateTime<Utc>,
) -> Result<Vec<(Uuid, Role, UserId)>> {
    let rows = sqlx::query!(
        r#"SELECT id, limit_role, approved_by AS "by: UserId" FROM promise_approval
           WHERE account_id = $1 AND used_by IS NULL AND until_at > $2 AND least_minor <= $3 AND last_due_on >= $4
           ORDER BY until_at, id FOR UPDATE"#,
        account.0,
        now,
        wanted.amount_minor,
        wanted.due_on
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.id, Role::from_name(&row.limit_role)?, row.by))).collect())
}

pub(super) async fn use_approval(conn: &mut PgConnection, approval: Uuid, promise: PromiseId) -> Result<()> {
    sqlx::query!("UPDATE promise_approval SET used_by = $2 WHERE id = $1", approval, promise.0).execute(conn).await?;
    Ok(())
}

/// The account's promises, newest first, those before `before` only.
pub(super) async fn list(
    conn: &mut PgConnection,
    account: AccountId,
    plan: Option<PlanId>,
    before: Option<PromiseId>,
    limit: i64,
) -> Result<Vec<Promise>> {
    let rows = sqlx::query!(
        r#"SELECT p.id AS "id: PromiseId", p.amount_minor, p.currency::text AS "currency!", p.due_on, p.deadline_on, p.status,
                  p.paid_minor, p.credited_minor, p.kept_on, p.cancel_reason, p.level, p.taken_at, p.limit_role,
                  p.call_id AS "call: CallId", t.name AS "taken_by?", a.name AS "approved_by?"
           FROM promise p LEFT JOIN users t ON t.id = p.taken_by LEFT JOIN users a ON a.id = p.approved_by
           WHERE p.account_id = $1 AND ($4::uuid IS NULL OR p.plan_id = $4)
             AND ($2::uuid IS NULL OR (p.taken_at, p.id) < (SELECT b.taken_at, b.id FROM promise b WHERE b.id = $2))
           ORDER BY p.taken_at DESC, p.id DESC LIMIT $3"#,
        account.0,
        before.map(|promise| promise.0),
        limit,
        plan.map(|plan| plan.0)
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Promise {
                id: row.id,
                amount: Money::new(row.amount_minor, stored_currency(&row.currency)?),
                due_on: row.due_on,
                deadline_on: row.deadline_on,
                status: row.status,
                paid_minor: row.paid_minor,
                credited_minor: row.credited_minor,
                kept_on: row.kept_on,
                cancel_reason: row.cancel_reason,
                level: row.level,
                taken_by: row.taken_by,
                taken_at: row.taken_at,
                limit_role: row.limit_role,
                approved_by: row.approved_by,
                call: row.call,
            })
        })
        .collect()
}

fn broken(status: &str) -> Error {
    Error::internal("reading a promise")(format!("unknown status {status}"))
}
