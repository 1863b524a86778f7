//! Reminders in Postgres.

mod stops;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sqlx::{PgConnection, types::Json};
use utoipa::ToSchema;
use uuid::Uuid;

pub use self::stops::{add_stop, lift_stop, stops};
use super::{
    Listed, NewLadder,
    claim::{Agreed, Item, Reason},
    ladder::{Due, Ladder, Reached, Taken},
};
use crate::{
    account::HoldReason,
    error::{Error, Result},
    ids::{AccountId, ContactPointId, InstalmentId, MessageId, TaskId, UserId},
    message::{self, permit::Bars},
    money::{Currency, Money},
};

/// What is known of an account that decides about its reminders.
#[derive(Debug)]
pub struct Facts {
    /// What may be collected, minor units.
    pub collectible_minor: i64,
    /// Cash that is not applied, minor units.
    pub unapplied_minor: i64,
    /// Its open items.
    pub items: Vec<Item>,
    /// Promises that are open, and plans in force.
    pub agreed: Vec<Agreed>,
    /// Steps taken so far.
    pub history: Vec<Taken>,
    /// What may forbid reminders altogether.
    pub bars: Bars,
    /// The account is stopped or paused.
    pub account_stopped: bool,
    /// Where a mail would go to.
    pub address: Option<(ContactPointId, String)>,
}

/// A reminder to keep.
#[derive(Debug)]
pub struct Kept<'a> {
    /// Its id.
    pub id: Uuid,
    /// Whose.
    pub account: AccountId,
    /// On which ladder.
    pub ladder: Uuid,
    /// What was decided.
    pub due: &'a Due,
    /// A supervisor has to look at it.
    pub proposed: bool,
    /// The mail.
    pub message: Option<MessageId>,
    /// The task to call.
    pub task: Option<TaskId>,
    /// Who approved it.
    pub by: Option<UserId>,
}

/// A reminder as the API shows it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = ReminderShown)]
pub struct Shown {
    /// Its id.
    pub id: Uuid,
    /// Whose.
    pub account: AccountId,
    /// Customer number.
    pub number: String,
    /// Debtor's name.
    pub name: String,
    /// Name of the ladder.
    pub ladder: String,
    /// Key of the step.
    pub step: String,
    /// When it was decided.
    pub at: DateTime<Utc>,
    /// What it asks for.
    pub total: Money,
    /// Numbers of its invoices.
    pub invoices: Vec<String>,
    /// Steps whose time was over before.
    pub passed: Vec<String>,
    /// What was open and not asked for, and why.
    #[schema(value_type = Object)]
    pub left_out: serde_json::Value,
    /// `proposed`, `done`, `dropped`.
    pub state: String,
    /// Why it was dropped.
    pub reason: Option<String>,
    /// The mail.
    pub message: Option<MessageId>,
    /// What became of the mail.
    pub message_state: Option<message::State>,
    /// The task to call.
    pub task: Option<TaskId>,
}

/// Every ladder, in order; at most 200.
///
/// # Errors
/// If Postgres is not available.
pub async fn ladders(conn: &mut PgConnection) -> Result<Vec<Listed>> {
    let rows = sqlx::query!(
        r#"SELECT id, name, position, active, body AS "body: Json<Ladder>", changed_at FROM ladder
           ORDER BY position, name LIMIT 200"#
    )
    .fetch_all(conn)
    .await?;
    let listed = rows.into_iter().map(|row| Listed {
        id: row.id,
        name: row.name,
        position: row.position,
        active: row.active,
        ladder: row.body.0,
        changed_at: row.changed_at,
    });
    Ok(listed.collect())
}

/// Keeps a ladder in place of the one of its name.
///
/// # Errors
/// Those of Postgres.
pub async fn keep_ladder(conn: &mut PgConnection, by: UserId, new: &NewLadder, now: DateTime<Utc>) -> Result<Uuid> {
    Ok(sqlx::query_scalar!(
        "INSERT INTO ladder (id, name, position, active, body, changed_by, changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (name) DO UPDATE SET position = excluded.position, active = excluded.active, body = excluded.body,
             changed_by = excluded.changed_by, changed_at = excluded.changed_at
         RETURNING id",
        Uuid::now_v7(),
        new.name.trim(),
        new.position,
        new.active,
        Json(&new.ladder) as _,
        by.0,
        now
    )
    .fetch_one(conn)
    .await?)
}

/// Accounts after `after` of which something may be collected, in the order of their ids.
///
/// # Errors
/// If Postgres is not available.
pub async fn candidates(conn: &mut PgConnection, after: AccountId, limit: i64) -> Result<Vec<AccountId>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT s.account_id AS "id: AccountId" FROM account_standing s JOIN account a ON a.id = s.account_id
           WHERE s.account_id > $1 AND s.collectible_minor > 0 AND a.status = 'open' ORDER BY s.account_id LIMIT $2"#,
        after.0,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// Locks the account until the transaction ends.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn lock_account(conn: &mut PgConnection, account: AccountId) -> Result<()> {
    sqlx::query_scalar!("SELECT id FROM account WHERE id = $1 FOR UPDATE", account.0)
        .fetch_optional(conn)
        .await?
        .map(drop)
        .ok_or(Error::NotFound("account"))
}

/// Everything that decides about the reminders of an account at `today`.
///
/// # Errors
/// If Postgres is not available.
pub async fn facts(conn: &mut PgConnection, account: AccountId, today: NaiveDate, now: DateTime<Utc>) -> Result<Facts> {
    let row = sqlx::query!(
        r#"SELECT coalesce(s.collectible_minor, 0) AS "collectible!", coalesce(s.unapplied_minor, 0) AS "unapplied!",
                  a.status = 'closed' AS "closed!",
                  EXISTS (SELECT FROM do_not_call d WHERE d.revoked_at IS NULL AND d.scope = 'account'
                          AND d.value = a.id::text) AS "do_not_call!",
                  EXISTS (SELECT FROM reminder_stop p WHERE p.account_id = a.id AND p.invoice_id IS NULL
                          AND p.lifted_at IS NULL AND (p.until_on IS NULL OR p.until_on >= $2)) AS "stopped!",
                  ARRAY(SELECT DISTINCT o.reason FROM account_hold o
                        WHERE o.account_id = a.id AND o.released_at IS NULL AND o.from_at <= $3
                          AND (o.until_at IS NULL OR o.until_at > $3) ORDER BY 1) AS "holds!: Vec<HoldReason>"
           FROM account a LEFT JOIN account_standing s ON s.account_id = a.id WHERE a.id = $1"#,
        account.0,
        today,
        now
    )
    .fetch_one(&mut *conn)
    .await?;
    let address = sqlx::query!(
        r#"SELECT p.id AS "id: ContactPointId", p.value FROM contact_point p JOIN contact c ON c.id = p.contact_id
           WHERE p.account_id = $1 AND p.kind = 'email' AND p.invalid_at IS NULL AND messages_revoked_at(p.value) IS NULL
             AND NOT EXISTS (SELECT FROM do_not_call d WHERE d.revoked_at IS NULL AND d.scope = 'person'
                             AND d.value = c.person_id::text)
           ORDER BY c.role = 'payables' DESC, p.position, p.id LIMIT 1"#,
        account.0
    )
    .fetch_optional(&mut *conn)
    .await?;
    Ok(Facts {
        collectible_minor: row.collectible,
        unapplied_minor: row.unapplied,
        items: items(conn, account, today).await?,
        agreed: agreed(conn, account).await?,
        history: history(conn, account, address.as_ref().map(|row| row.id)).await?,
        bars: Bars { closed: row.closed, do_not_call: row.do_not_call, holds: row.holds, ..Bars::default() },
        account_stopped: row.stopped,
        address: address.map(|row| (row.id, row.value)),
    })
}

async fn items(conn: &mut PgConnection, account: AccountId, today: NaiveDate) -> Result<Vec<Item>> {
    Ok(sqlx::query_as!(
        Item,
        r#"SELECT i.instalment_id AS "instalment!: InstalmentId", i.due_on AS "due_on!", i.open_minor AS "open_minor!",
                  i.disputed_minor AS "disputed_minor!",
                  EXISTS (SELECT FROM reminder_stop p WHERE p.invoice_id = i.invoice_id AND p.lifted_at IS NULL
                          AND (p.until_on IS NULL OR p.until_on >= $2)) AS "paused!"
           FROM open_item i WHERE i.account_id = $1"#,
        account.0,
        today
    )
    .fetch_all(conn)
    .await?)
}

/// Plans that are not at an end, with all of their items; and open promises besides, each with what is still to come of
/// it: what has come already is on no open item any more.
async fn agreed(conn: &mut PgConnection, account: AccountId) -> Result<Vec<Agreed>> {
    let rows = sqlx::query!(
        r#"SELECT p.amount_minor - p.paid_minor - p.credited_minor AS "left!",
                  ARRAY(SELECT instalment_id FROM promise_item i WHERE i.promise_id = p.id) AS "items!: Vec<InstalmentId>"
           FROM promise p WHERE p.account_id = $1 AND p.status = 'open' AND NOT p.withdrawn AND p.plan_id IS NULL
           ORDER BY p.taken_at, p.id"#,
        account.0
    )
    .fetch_all(&mut *conn)
    .await?;
    let plans = sqlx::query!(
        r#"SELECT p.total_minor, ARRAY(SELECT instalment_id FROM plan_item i WHERE i.plan_id = p.id)
                  AS "items!: Vec<InstalmentId>"
           FROM plan p WHERE p.account_id = $1 AND p.status IN ('proposed', 'active', 'held')"#,
        account.0
    )
    .fetch_all(conn)
    .await?;
    let promised = rows.into_iter().map(|row| Agreed {
        reason: Reason::Promised,
        minor: row.left,
        items: row.items,
        whole: false,
    });
    let planned = plans.into_iter().map(|row| Agreed {
        reason: Reason::Planned,
        minor: row.total_minor,
        items: row.items,
        whole: true,
    });
    Ok(planned.chain(promised).collect())
}

/// Every step, also those that did not reach the debtor and were taken again. `address`: where a mail would go to now.
async fn history(conn: &mut PgConnection, account: AccountId, address: Option<ContactPointId>) -> Result<Vec<Taken>> {
    let rows = sqlx::query!(
        r#"SELECT r.id, r.step, r.decided_on, r.state, m.state AS "message: Option<message::State>",
                  m.contact_point_id AS "point: ContactPointId",
                  ARRAY(SELECT instalment_id FROM reminder_item i WHERE i.reminder_id = r.id)
                      AS "items!: Vec<InstalmentId>"
           FROM reminder r LEFT JOIN message m ON m.id = r.message_id
           WHERE r.account_id = $1 AND r.state <> 'dropped' ORDER BY r.decided_at, r.id"#,
        account.0
    )
    .fetch_all(conn)
    .await?;
    let taken = rows.into_iter().map(|row| Taken {
        id: row.id,
        step: row.step,
        items: row.items,
        on: row.decided_on,
        reached: match (row.state.as_str(), row.message) {
            ("proposed", _) | (_, Some(message::State::Queued)) => Reached::NotYet,
            (_, None | Some(message::State::Sent)) => Reached::Yes,
            (_, Some(message::State::Bounced | message::State::Failed | message::State::NotSent)) => {
                if row.point == address { Reached::No } else { Reached::NotThere }
            }
        },
    });
    Ok(taken.collect())
}

/// Keeps a reminder with what it asks for.
///
/// # Errors
/// [`Error::Conflict`] where the step was taken already.
pub async fn insert(conn: &mut PgConnection, kept: &Kept<'_>, today: NaiveDate, now: DateTime<Utc>) -> Result<()> {
    let left_out = serde_json::to_value(&kept.due.left_out).map_err(Error::internal("writing a reminder"))?;
    let inserted = sqlx::query!(
        "INSERT INTO reminder (id, account_id, ladder_id, step, anchor_id, decided_on, decided_at, total_minor, passed,
                               left_out, state, message_id, task_id, decided_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING",
        kept.id,
        kept.account.0,
        kept.ladder,
        kept.due.step,
        kept.due.anchor.0,
        today,
        now,
        kept.due.total_minor,
        &kept.due.passed,
        left_out,
        if kept.proposed { "proposed" } else { "done" },
        kept.message.map(|message| message.0),
        kept.task.map(|task| task.0),
        kept.by.map(|user| user.0)
    )
    .execute(&mut *conn)
    .await?;
    if inserted.rows_affected() == 0 {
        return Err(Error::Conflict("this step was taken already".to_owned()));
    }
    let (items, minors): (Vec<Uuid>, Vec<i64>) =
        kept.due.items.iter().map(|claim| (claim.instalment.0, claim.minor)).unzip();
    sqlx::query!(
        "INSERT INTO reminder_item (reminder_id, instalment_id, minor)
         SELECT $1, item, minor FROM unnest($2::uuid[], $3::bigint[]) AS new (item, minor)",
        kept.id,
        &items,
        &minors
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Marks a reminder that did not reach the debtor: its step is taken again.
///
/// # Errors
/// Those of Postgres.
pub async fn replace(conn: &mut PgConnection, reminder: Uuid) -> Result<()> {
    sqlx::query!("UPDATE reminder SET replaced = true WHERE id = $1", reminder).execute(conn).await?;
    Ok(())
}

/// Account, ladder and step of a proposed reminder, locked.
///
/// # Errors
/// [`Error::NotFound`] unless it is proposed.
pub async fn proposed(conn: &mut PgConnection, reminder: Uuid) -> Result<(AccountId, Listed, String)> {
    let row = sqlx::query!(
        r#"SELECT r.account_id AS "account: AccountId", r.step, l.id, l.name, l.position, l.active,
                  l.body AS "body: Json<Ladder>", l.changed_at
           FROM reminder r JOIN ladder l ON l.id = r.ladder_id
           WHERE r.id = $1 AND r.state = 'proposed' FOR UPDATE OF r"#,
        reminder
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("proposed reminder"))?;
    let listed = Listed {
        id: row.id,
        name: row.name,
        position: row.position,
        active: true,
        ladder: row.body.0,
        changed_at: row.changed_at,
    };
    Ok((row.account, listed, row.step))
}

/// Drops a proposed reminder.
///
/// # Errors
/// Those of Postgres.
pub async fn close_proposal(
    conn: &mut PgConnection,
    reminder: Uuid,
    reason: &str,
    by: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE reminder SET state = 'dropped', reason = $2, decided_by = $3, decided_at = $4
         WHERE id = $1 AND state = 'proposed'",
        reminder,
        reason,
        by.map(|user| user.0),
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Reminders, newest first: of one account or of all, in one state or in all, those before `before` only.
///
/// # Errors
/// If Postgres is not available.
pub async fn list(
    conn: &mut PgConnection,
    account: Option<AccountId>,
    state: Option<&str>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Shown>> {
    let rows = sqlx::query!(
        r#"SELECT r.id, r.account_id AS "account: AccountId", a.number, a.name, l.name AS ladder, r.step, r.decided_at,
                  r.total_minor, a.currency::text AS "currency!", r.passed, r.left_out, r.state, r.reason,
                  r.message_id AS "message: MessageId", m.state AS "message_state: Option<message::State>",
                  r.task_id AS "task: TaskId",
                  ARRAY(SELECT DISTINCT v.number FROM reminder_item i JOIN instalment n ON n.id = i.instalment_id
                        JOIN invoice v ON v.id = n.invoice_id WHERE i.reminder_id = r.id ORDER BY 1) AS "invoices!"
           FROM reminder r JOIN account a ON a.id = r.account_id JOIN ladder l ON l.id = r.ladder_id
           LEFT JOIN message m ON m.id = r.message_id
           WHERE ($1::uuid IS NULL OR r.account_id = $1) AND ($2::text IS NULL OR r.state = $2)
             AND ($3::uuid IS NULL OR r.id < $3)
           ORDER BY r.id DESC LIMIT $4"#,
        account.map(|account| account.0),
        state,
        before,
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let currency = Currency::parse(&row.currency).map_err(Error::internal("reading a stored currency"))?;
            Ok(Shown {
                id: row.id,
                account: row.account,
                number: row.number,
                name: row.name,
                ladder: row.ladder,
                step: row.step,
                at: row.decided_at,
                total: Money::new(row.total_minor, currency),
                invoices: row.invoices,
                passed: row.passed,
                left_out: row.left_out,
                state: row.state,
                reason: row.reason,
                message: row.message,
                message_state: row.message_state,
                task: row.task,
            })
        })
        .collect()
}
