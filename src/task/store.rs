//! The rows of tasks.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{About, Event, Filter, Kind, NewTask, Priority, Source, SourceKind, State, Task, What, ladder::Up};
use crate::{
    agreement::{COLLECTIONS, SUPERVISION},
    error::{Error, Result},
    ids::{AccountId, TaskId, UserId},
    ledger::store::stored_currency,
    money::Money,
};

/// An overdue task.
pub(super) struct Late {
    pub(super) id: TaskId,
    pub(super) department: String,
    pub(super) priority: Priority,
}

struct Row {
    id: TaskId,
    kind: String,
    subject: String,
    department: String,
    user: Option<UserId>,
    seen_by: Vec<String>,
    due_on: NaiveDate,
    priority: i16,
    moved_up: i16,
    source_kind: Option<String>,
    source_id: Option<Uuid>,
    state: String,
    opened_at: DateTime<Utc>,
    closed_at: Option<DateTime<Utc>>,
    user_name: Option<String>,
    opened_by: Option<String>,
    closed_by: Option<String>,
    account: Option<AccountId>,
    number: Option<String>,
    account_name: Option<String>,
    currency: Option<String>,
    balance: i64,
    disputed: i64,
}

/// The department of a person: the one it was put into, else that of its role.
pub(super) async fn department_of(conn: &mut PgConnection, user: UserId) -> Result<String> {
    let row = sqlx::query!("SELECT role, department FROM users WHERE id = $1", user.0).fetch_optional(conn).await?;
    Ok(match row {
        Some(row) => row.department.unwrap_or_else(|| match row.role.as_str() {
            "agent" => COLLECTIONS.to_owned(),
            _ => SUPERVISION.to_owned(),
        }),
        None => SUPERVISION.to_owned(),
    })
}

pub(super) async fn may_log_in(conn: &mut PgConnection, user: UserId) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM users WHERE id = $1 AND disabled_at IS NULL) AS "found!""#,
        user.0
    );
    Ok(found.fetch_one(conn).await?)
}

/// Everybody who may log in: id, name, department; at most 1000.
pub(super) async fn owners(db: &PgPool) -> Result<Vec<(UserId, String, String)>> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id: UserId", name,
                  coalesce(department, CASE role WHEN 'agent' THEN $1 ELSE $2 END) AS "department!"
           FROM users WHERE disabled_at IS NULL ORDER BY name LIMIT 1000"#,
        COLLECTIONS,
        SUPERVISION
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name, row.department)).collect())
}

/// The open task of a kind that came of `source`.
pub(super) async fn open_of(conn: &mut PgConnection, source: Option<Source>, kind: Kind) -> Result<Option<TaskId>> {
    let Some(source) = source else { return Ok(None) };
    Ok(sqlx::query_scalar!(
        r#"SELECT id AS "id: TaskId" FROM task
           WHERE source_kind = $1 AND source_id = $2 AND kind = $3 AND state = 'open'"#,
        source.kind.as_str(),
        source.id,
        kind.as_str()
    )
    .fetch_optional(conn)
    .await?)
}

/// Every open task that came of `source`.
pub(super) async fn all_of(conn: &mut PgConnection, source: Source) -> Result<Vec<TaskId>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT id AS "id: TaskId" FROM task
           WHERE source_kind = $1 AND source_id = $2 AND state = 'open' ORDER BY id"#,
        source.kind.as_str(),
        source.id
    )
    .fetch_all(conn)
    .await?)
}

pub(super) async fn insert(
    conn: &mut PgConnection,
    new: &NewTask,
    department: &str,
    user: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<TaskId> {
    let id = TaskId::generate();
    let subject: String = new.subject.trim().chars().take(200).collect();
    sqlx::query!(
        "INSERT INTO task (id, account_id, kind, subject, department, user_id, seen_by, due_on, priority, source_kind,
                           source_id, state, opened_by, opened_at)
         VALUES ($1, $2, $3, $4, $5, $6, ARRAY[$5], $7, $8, $9, $10, 'open', $11, $12)",
        id.0,
        new.account.map(|account| account.0),
        new.kind.as_str(),
        subject,
        department,
        user.map(|user| user.0),
        new.due_on,
        new.priority.rank(),
        new.source.map(|source| source.kind.as_str()),
        new.source.map(|source| source.id),
        new.by.map(|by| by.0),
        now
    )
    .execute(&mut *conn)
    .await?;
    note(conn, id, What::Opened, "", new.by, Some((department, user)), now).await?;
    Ok(id)
}

/// Waits for whoever is changing the task.
pub(super) async fn lock(conn: &mut PgConnection, task: TaskId) -> Result<()> {
    sqlx::query!("SELECT 1 AS one FROM task WHERE id = $1 FOR UPDATE", task.0).fetch_optional(conn).await?;
    Ok(())
}

/// At most `limit` tasks by priority and day, those after `after` only.
pub(super) async fn list(
    conn: &mut PgConnection,
    filter: &Filter,
    after: Option<(i16, NaiveDate, TaskId)>,
    today: NaiveDate,
    limit: i64,
) -> Result<Vec<Task>> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT t.id AS "id: TaskId", t.kind, t.subject, t.department, t.user_id AS "user: UserId", t.seen_by, t.due_on,
                  t.priority, t.moved_up, t.source_kind, t.source_id, t.state, t.opened_at, t.closed_at,
                  u.name AS "user_name?", o.name AS "opened_by?", c.name AS "closed_by?",
                  a.id AS "account?: AccountId", a.number AS "number?", a.name AS "account_name?",
                  a.currency::text AS currency, coalesce(s.open_minor - s.unapplied_minor, 0) AS "balance!",
                  coalesce(s.disputed_minor, 0) AS "disputed!"
           FROM task t
           LEFT JOIN users u ON u.id = t.user_id
           LEFT JOIN users o ON o.id = t.opened_by
           LEFT JOIN users c ON c.id = t.closed_by
           LEFT JOIN account a ON a.id = t.account_id
           LEFT JOIN account_standing s ON s.account_id = t.account_id
           WHERE ($1::uuid IS NULL OR t.id = $1)
             AND ($2::text IS NULL OR t.department = $2)
             AND ($3::uuid IS NULL OR t.user_id = $3)
             AND ($4::uuid IS NULL OR t.account_id = $4)
             AND ($5::text IS NULL OR t.kind = $5)
             AND ($6::text IS NULL OR t.source_kind = $6)
             AND ($7::uuid IS NULL OR t.source_id = $7)
             AND ($8::text IS NULL OR t.state = $8)
             AND ($9::text IS NULL OR $9 = ANY (t.seen_by))
             AND (NOT $10 OR t.due_on < $11)
             AND ($12::smallint IS NULL OR (t.priority, t.due_on, t.id) > ($12, $13, $14))
           ORDER BY t.priority, t.due_on, t.id LIMIT $15"#,
        filter.id.map(|id| id.0),
        filter.department,
        filter.user.map(|user| user.0),
        filter.account.map(|account| account.0),
        filter.kind.map(Kind::as_str),
        filter.source.map(|source| source.kind.as_str()),
        filter.source.map(|source| source.id),
        filter.state.map(State::as_str),
        filter.seen_by,
        filter.overdue,
        today,
        after.map(|(rank, _, _)| rank),
        after.map(|(_, day, _)| day),
        after.map(|(_, _, id)| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| row.task(today)).collect()
}

impl Row {
    fn task(self, today: NaiveDate) -> Result<Task> {
        let unknown = |name: &str| Error::internal("reading a task")(format!("unknown {name}"));
        let state = State::from_name(&self.state).ok_or_else(|| unknown(&self.state))?;
        Ok(Task {
            account: self.about()?,
            id: self.id,
            kind: Kind::from_name(&self.kind).ok_or_else(|| unknown(&self.kind))?,
            subject: self.subject,
            department: self.department,
            user: self.user,
            user_name: self.user_name,
            due_on: self.due_on,
            overdue: state == State::Open && self.due_on < today,
            priority: Priority::of_rank(self.priority),
            source: source(self.source_kind.as_deref(), self.source_id)?,
            state,
            moved_up: self.moved_up,
            opened_at: self.opened_at,
            opened_by: self.opened_by,
            closed_at: self.closed_at,
            closed_by: self.closed_by,
            seen_by: self.seen_by,
        })
    }

    fn about(&self) -> Result<Option<About>> {
        let Some(id) = self.account else { return Ok(None) };
        let currency = stored_currency(self.currency.as_deref().unwrap_or_default())?;
        Ok(Some(About {
            id,
            number: self.number.clone().unwrap_or_default(),
            name: self.account_name.clone().unwrap_or_default(),
            balance: Money::new(self.balance, currency),
            disputed: Money::new(self.disputed, currency),
        }))
    }
}

fn source(kind: Option<&str>, id: Option<Uuid>) -> Result<Option<Source>> {
    let (Some(kind), Some(id)) = (kind, id) else { return Ok(None) };
    let broken = || Error::internal("reading a task")(format!("unknown {kind}"));
    Ok(Some(Source { kind: SourceKind::from_name(kind).ok_or_else(broken)?, id }))
}

/// The account that is called because of the task, if a reminder asked for the call.
pub(super) async fn reminded(conn: &mut PgConnection, task: TaskId) -> Result<Option<AccountId>> {
    let account = sqlx::query_scalar!(
        r#"SELECT account_id AS "account: AccountId" FROM task
           WHERE id = $1 AND kind = 'call' AND source_kind = 'reminder'"#,
        task.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(account.flatten())
}

/// Open calls that reminders have asked for.
pub(super) async fn reminder_calls(conn: &mut PgConnection, account: AccountId) -> Result<Vec<TaskId>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT id AS "id: TaskId" FROM task
           WHERE account_id = $1 AND state = 'open' AND kind = 'call' AND source_kind = 'reminder'"#,
        account.0
    )
    .fetch_all(conn)
    .await?)
}

/// What happened to the task, oldest first.
pub(super) async fn events(conn: &mut PgConnection, task: TaskId) -> Result<Vec<Event>> {
    let rows = sqlx::query!(
        r#"SELECT e.at, e.what, e.body, e.department, b.name AS "by?", u.name AS "user?"
           FROM task_event e LEFT JOIN users b ON b.id = e.user_id LEFT JOIN users u ON u.id = e.to_user
           WHERE e.task_id = $1 ORDER BY e.id"#,
        task.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let broken = || Error::internal("reading a task")(format!("unknown {}", row.what));
            Ok(Event {
                what: What::from_name(&row.what).ok_or_else(broken)?,
                at: row.at,
                by: row.by,
                body: row.body,
                department: row.department,
                user: row.user,
            })
        })
        .collect()
}

/// Notes what was done with the task, or said of it; `to`: where it went.
pub(super) async fn note(
    conn: &mut PgConnection,
    task: TaskId,
    what: What,
    body: &str,
    by: Option<UserId>,
    to: Option<(&str, Option<UserId>)>,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO task_event (task_id, at, user_id, what, body, department, to_user)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        task.0,
        now,
        by.map(|by| by.0),
        what.as_str(),
        body,
        to.map(|(department, _)| department),
        to.and_then(|(_, user)| user).map(|user| user.0)
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn assign(
    conn: &mut PgConnection,
    task: TaskId,
    department: &str,
    user: Option<UserId>,
    due_on: NaiveDate,
) -> Result<()> {
    sqlx::query!(
        "UPDATE task SET department = $2, user_id = $3, due_on = $4,
                         seen_by = CASE WHEN $2 = ANY (seen_by) THEN seen_by ELSE seen_by || $2 END
         WHERE id = $1",
        task.0,
        department,
        user.map(|user| user.0),
        due_on
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// False: it was closed before.
pub(super) async fn close(
    conn: &mut PgConnection,
    task: TaskId,
    state: State,
    by: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE task SET state = $2, closed_by = $3, closed_at = $4 WHERE id = $1 AND state = 'open'",
        task.0,
        state.as_str(),
        by.map(|by| by.0),
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// False: it was open.
pub(super) async fn reopen(conn: &mut PgConnection, task: TaskId) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE task SET state = 'open', closed_by = NULL, closed_at = NULL WHERE id = $1 AND state <> 'open'",
        task.0
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Locks overdue tasks of these departments, at most `limit`; those that somebody else is changing are left for later.
pub(super) async fn overdue(
    conn: &mut PgConnection,
    departments: &[String],
    today: NaiveDate,
    limit: i64,
) -> Result<Vec<Late>> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id: TaskId", department, priority FROM task
           WHERE state = 'open' AND due_on < $2 AND department = ANY ($1)
           ORDER BY due_on LIMIT $3 FOR UPDATE SKIP LOCKED"#,
        departments,
        today,
        limit
    )
    .fetch_all(conn)
    .await?;
    let late = rows.into_iter().map(|row| Late {
        id: row.id,
        department: row.department,
        priority: Priority::of_rank(row.priority),
    });
    Ok(late.collect())
}

/// The person who had it does not have it any more.
pub(super) async fn move_up(conn: &mut PgConnection, task: TaskId, up: &Up, now: DateTime<Utc>) -> Result<()> {
    assign(conn, task, &up.department, None, up.due_on).await?;
    sqlx::query!("UPDATE task SET priority = $2, moved_up = moved_up + 1 WHERE id = $1", task.0, up.priority.rank())
        .execute(&mut *conn)
        .await?;
    note(conn, task, What::MovedUp, "", None, Some((&up.department, None)), now).await
}
