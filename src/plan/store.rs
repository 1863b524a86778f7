//! The rows of plans.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, PgPool, types::Json};
use uuid::Uuid;

use super::{Due, Event, OnBreak, Plan, PlanTaken, Status};
use crate::{
    agent::{Principal, Role},
    agreement::Basis,
    error::{Error, Result},
    ids::{AccountId, ContactPointId, InstalmentId, PlanId, PromiseId, UserId},
    ledger::store::stored_currency,
    money::Money,
    promise,
};

/// A plan to judge.
pub(super) struct Judged {
    pub(super) id: PlanId,
    pub(super) status: Status,
    pub(super) on_break: OnBreak,
}

struct Row {
    id: PlanId,
    account: AccountId,
    status: String,
    currency: String,
    total_minor: i64,
    covers_minor: i64,
    terms: Json<PlanTaken>,
    parts: Json<Vec<Due>>,
    on_break: String,
    taken_by: UserId,
    taken_by_name: String,
    taken_at: DateTime<Utc>,
    limit_role: Option<String>,
    approved_by: Option<String>,
    written_off: bool,
    ended_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Plan {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let currency = stored_currency(&row.currency)?;
        Ok(Self {
            id: row.id,
            account: row.account,
            status: status(&row.status)?,
            total: Money::new(row.total_minor, currency),
            covers: Money::new(row.covers_minor, currency),
            terms: row.terms.0,
            parts: row.parts.0,
            on_break: on_break(&row.on_break)?,
            taken_by: row.taken_by,
            taken_by_name: row.taken_by_name,
            taken_at: row.taken_at,
            limit_role: row.limit_role,
            approved_by: row.approved_by,
            written_off: row.written_off,
            ended_at: row.ended_at,
        })
    }
}

fn status(name: &str) -> Result<Status> {
    Status::from_name(name).ok_or_else(|| Error::internal("reading a plan")(format!("unknown status {name}")))
}

fn on_break(name: &str) -> Result<OnBreak> {
    OnBreak::from_name(name).ok_or_else(|| Error::internal("reading a plan")(format!("unknown break {name}")))
}

pub(super) async fn live(conn: &mut PgConnection, account: AccountId) -> Result<Option<PlanId>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT id AS "id: PlanId" FROM plan WHERE account_id = $1 AND status IN ('proposed', 'active', 'held')"#,
        account.0
    )
    .fetch_optional(conn)
    .await?)
}

pub(super) async fn insert(
    conn: &mut PgConnection,
    on: &Basis<'_>,
    taken: &PlanTaken,
    parts: &[Due],
    items: &[InstalmentId],
    (status, role): (Status, Option<Role>),
    now: DateTime<Utc>,
) -> Result<PlanId> {
    let id = PlanId::generate();
    let on_break = taken.on_break.unwrap_or(on.rules.plan.on_break);
    sqlx::query!(
        "INSERT INTO plan (id, account_id, call_id, currency, total_minor, covers_minor, terms, parts, on_break, postdated,
                           status, taken_by, taken_at, limit_role)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        id.0,
        on.account.0,
        on.call.map(|call| call.0),
        on.currency.as_str(),
        taken.total_minor,
        taken.covers_minor.unwrap_or(taken.total_minor),
        Json(taken) as _,
        Json(parts) as _,
        on_break.as_str(),
        taken.postdated,
        status.as_str(),
        on.by.user.0,
        now,
        role.map(Role::as_str)
    )
    .execute(&mut *conn)
    .await?;
    let items: Vec<Uuid> = items.iter().map(|item| item.0).collect();
    sqlx::query!(
        "INSERT INTO plan_item (plan_id, instalment_id) SELECT $1, id FROM unnest($2::uuid[]) AS item (id)",
        id.0,
        &items
    )
    .execute(conn)
    .await?;
    Ok(id)
}

pub(super) async fn note(
    conn: &mut PgConnection,
    plan: PlanId,
    what: &str,
    note: &str,
    by: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO plan_event (plan_id, at, user_id, what, note) VALUES ($1, $2, $3, $4, $5)",
        plan.0,
        now,
        by.map(|by| by.0),
        what,
        note
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn events(conn: &mut PgConnection, plan: PlanId) -> Result<Vec<Event>> {
    Ok(sqlx::query_as!(
        Event,
        r#"SELECT e.at, u.name AS "by?", e.what, e.note
           FROM plan_event e LEFT JOIN users u ON u.id = e.user_id WHERE e.plan_id = $1 ORDER BY e.id"#,
        plan.0
    )
    .fetch_all(conn)
    .await?)
}

pub(super) async fn get(conn: &mut PgConnection, plan: PlanId) -> Result<Option<Plan>> {
    Ok(select(conn, Some(plan), None).await?.into_iter().next())
}

/// The account's plans, newest first; at most 50.
pub(super) async fn list(conn: &mut PgConnection, account: AccountId) -> Result<Vec<Plan>> {
    select(conn, None, Some(account)).await
}

async fn select(conn: &mut PgConnection, plan: Option<PlanId>, account: Option<AccountId>) -> Result<Vec<Plan>> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT p.id AS "id: PlanId", p.account_id AS "account: AccountId", p.status, p.currency::text AS "currency!",
                  p.total_minor, p.covers_minor, p.terms AS "terms: Json<PlanTaken>", p.parts AS "parts: Json<Vec<Due>>",
                  p.on_break, p.taken_by AS "taken_by: UserId", t.name AS taken_by_name, p.taken_at, p.limit_role,
                  a.name AS "approved_by?", p.written_off <> '{}' AS "written_off!", p.ended_at
           FROM plan p JOIN users t ON t.id = p.taken_by LEFT JOIN users a ON a.id = p.approved_by
           WHERE ($1::uuid IS NULL OR p.id = $1) AND ($2::uuid IS NULL OR p.account_id = $2)
           ORDER BY p.taken_at DESC, p.id DESC LIMIT 50"#,
        plan.map(|plan| plan.0),
        account.map(|account| account.0)
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The account's plans that depend on their instalments, the newest first.
pub(super) async fn judged(conn: &mut PgConnection, account: AccountId) -> Result<Vec<Judged>> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id: PlanId", status, on_break FROM plan
           WHERE account_id = $1 AND status IN ('active', 'held', 'fulfilled') ORDER BY taken_at DESC, id DESC"#,
        account.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| Ok(Judged { id: row.id, status: status(&row.status)?, on_break: on_break(&row.on_break)? }))
        .collect()
}

/// What has become of the plan's instalments, but those from before it was resumed.
pub(super) async fn instalments(conn: &mut PgConnection, plan: PlanId) -> Result<Vec<promise::evaluate::Status>> {
    let names = sqlx::query_scalar!(
        "SELECT i.status FROM promise i JOIN plan p ON p.id = i.plan_id
         WHERE p.id = $1 AND (p.resumed_at IS NULL OR i.taken_at >= p.resumed_at)
           AND coalesce(i.cancel_reason, '') NOT IN ('replaced', 'plan_ended')",
        plan.0
    )
    .fetch_all(conn)
    .await?;
    let known = |name: &String| {
        promise::evaluate::Status::from_name(name)
            .ok_or_else(|| Error::internal("reading a promise")(format!("unknown status {name}")))
    };
    names.iter().map(known).collect()
}

/// What was not paid of instalments whose time is over, minor units; not what is open.
pub(super) async fn missing(conn: &mut PgConnection, plan: PlanId) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"SELECT coalesce(sum(i.amount_minor - i.paid_minor - i.credited_minor), 0)::bigint AS "minor!"
           FROM promise i JOIN plan p ON p.id = i.plan_id
           WHERE p.id = $1 AND i.status IN ('broken', 'partially_kept')
             AND (p.resumed_at IS NULL OR i.taken_at >= p.resumed_at)"#,
        plan.0
    )
    .fetch_one(conn)
    .await?)
}

pub(super) async fn items(conn: &mut PgConnection, plan: PlanId) -> Result<Vec<InstalmentId>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT instalment_id AS "id: InstalmentId" FROM plan_item WHERE plan_id = $1 ORDER BY 1"#,
        plan.0
    )
    .fetch_all(conn)
    .await?)
}

pub(super) async fn set_status(
    conn: &mut PgConnection,
    plan: PlanId,
    status: Status,
    now: DateTime<Utc>,
) -> Result<()> {
    let ended = !matches!(status, Status::Proposed | Status::Active | Status::Held);
    sqlx::query!(
        "UPDATE plan SET status = $2, ended_at = CASE WHEN $3 THEN $4::timestamptz END WHERE id = $1",
        plan.0,
        status.as_str(),
        ended,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn approve(conn: &mut PgConnection, plan: PlanId, parts: &[Due], by: &Principal) -> Result<()> {
    sqlx::query!(
        "UPDATE plan SET parts = $2, limit_role = $3, approved_by = $4 WHERE id = $1",
        plan.0,
        Json(parts) as _,
        by.role.as_str(),
        by.user.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn resumed(conn: &mut PgConnection, plan: PlanId, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!("UPDATE plan SET resumed_at = $2 WHERE id = $1", plan.0, now).execute(conn).await?;
    Ok(())
}

/// An instalment that may have to be announced.
pub(super) struct Ahead {
    pub(super) promise: PromiseId,
    pub(super) account: AccountId,
    pub(super) seq: i16,
    pub(super) due_on: NaiveDate,
    pub(super) taken_at: DateTime<Utc>,
    pub(super) left: Money,
    pub(super) taken_by: UserId,
    pub(super) portfolio: String,
    pub(super) country: Option<String>,
    pub(super) reminded: bool,
    /// Its postdated instrument has to be announced, and was not yet.
    pub(super) to_notice: bool,
}

/// Open instalments of running plans that are due by `until` and not announced; at most `limit`.
pub(super) async fn ahead(db: &PgPool, until: NaiveDate, limit: i64) -> Result<Vec<Ahead>> {
    let rows = sqlx::query!(
        r#"SELECT i.id AS "promise: PromiseId", p.account_id AS "account: AccountId",
                  i.plan_seq AS "seq!", i.due_on, p.taken_at, i.amount_minor - i.paid_minor - i.credited_minor AS "left!",
                  p.currency::text AS "currency!", p.taken_by AS "taken_by: UserId", a.portfolio, a.country::text,
                  i.reminded_at IS NOT NULL AS "reminded!", p.postdated AND i.noticed_at IS NULL AS "to_notice!"
           FROM promise i JOIN plan p ON p.id = i.plan_id JOIN account a ON a.id = p.account_id
           WHERE i.status = 'open' AND p.status = 'active' AND i.due_on <= $1
             AND (i.reminded_at IS NULL OR (p.postdated AND i.noticed_at IS NULL))
           ORDER BY i.due_on, i.id LIMIT $2"#,
        until,
        limit
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Ahead {
                promise: row.promise,
                account: row.account,
                seq: row.seq,
                due_on: row.due_on,
                taken_at: row.taken_at,
                left: Money::new(row.left, stored_currency(&row.currency)?),
                taken_by: row.taken_by,
                portfolio: row.portfolio,
                country: row.country,
                reminded: row.reminded,
                to_notice: row.to_notice,
            })
        })
        .collect()
}

/// False: somebody else was quicker.
pub(super) async fn reminded(conn: &mut PgConnection, promise: PromiseId, now: DateTime<Utc>) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE promise SET reminded_at = $2 WHERE id = $1 AND status = 'open' AND reminded_at IS NULL",
        promise.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// As [`reminded`], that its deposit was announced.
pub(super) async fn noticed(conn: &mut PgConnection, promise: PromiseId, now: DateTime<Utc>) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE promise SET noticed_at = $2 WHERE id = $1 AND status = 'open' AND noticed_at IS NULL",
        promise.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The first of the account's e-mail addresses that works.
pub(super) async fn email(conn: &mut PgConnection, account: AccountId) -> Result<Option<ContactPointId>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT id AS "id: ContactPointId" FROM contact_point
           WHERE account_id = $1 AND kind = 'email' AND invalid_at IS NULL ORDER BY position, created_at, id LIMIT 1"#,
        account.0
    )
    .fetch_optional(conn)
    .await?)
}

/// A settlement whose rest has to be written off, or was and must not have been.
pub(super) struct Rest {
    pub(super) plan: PlanId,
    pub(super) account: AccountId,
    pub(super) fulfilled: bool,
    /// What is forgiven, minor units.
    pub(super) forgiven_minor: i64,
    pub(super) taken_by: UserId,
    pub(super) approved_by: Option<UserId>,
    pub(super) written_off: Vec<Uuid>,
}

/// Settlements that were fulfilled and are not closed, or closed and not fulfilled any more; at most `limit`.
pub(super) async fn rests(db: &PgPool, limit: i64) -> Result<Vec<Rest>> {
    Ok(sqlx::query_as!(
        Rest,
        r#"SELECT p.id AS "plan: PlanId", p.account_id AS "account: AccountId", p.status = 'fulfilled' AS "fulfilled!",
                  p.covers_minor - p.total_minor AS "forgiven_minor!", p.taken_by AS "taken_by: UserId",
                  p.approved_by AS "approved_by: UserId", p.written_off
           FROM plan p
           WHERE p.covers_minor > p.total_minor
             AND ((p.status = 'fulfilled' AND NOT p.rest_done) OR (p.status <> 'fulfilled' AND p.written_off <> '{}'))
             AND NOT EXISTS (SELECT FROM task t WHERE t.source_kind = 'plan' AND t.source_id = p.id AND t.kind = 'reconcile'
                                                  AND t.state = 'open')
           ORDER BY p.ended_at LIMIT $1"#,
        limit
    )
    .fetch_all(db)
    .await?)
}

pub(super) async fn rest_done(conn: &mut PgConnection, plan: PlanId, done: bool, written_off: &[Uuid]) -> Result<()> {
    sqlx::query!("UPDATE plan SET rest_done = $2, written_off = $3 WHERE id = $1", plan.0, done, written_off)
        .execute(conn)
        .await?;
    Ok(())
}
