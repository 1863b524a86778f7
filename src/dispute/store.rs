//! The rows of disputes.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use super::{Decision, Dispute, Event, Evidence, Item, NewDispute, work::NewEvidence};
use crate::{
    agreement::DisputeReason,
    error::{Error, Result},
    ids::{AccountId, CallId, DisputeId, InstalmentId, UserId},
    ledger::store::stored_currency,
    money::Money,
};

struct Row {
    id: DisputeId,
    account: AccountId,
    reason: String,
    department: String,
    status: String,
    due_on: Option<NaiveDate>,
    answer: String,
    credit_note: Option<String>,
    credited_minor: i64,
    opened_by: Option<String>,
    opened_at: DateTime<Utc>,
    closed_by: Option<String>,
    closed_at: Option<DateTime<Utc>>,
    call: Option<CallId>,
    proposal: Option<Json<Decision>>,
    amount_minor: i64,
    currency: String,
}

impl TryFrom<Row> for (Dispute, Option<Decision>) {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let dispute = Dispute {
            id: row.id,
            account: row.account,
            reason: row.reason,
            department: row.department,
            status: row.status,
            amount: Money::new(row.amount_minor, stored_currency(&row.currency)?),
            due_on: row.due_on,
            answer: row.answer,
            credit_note: row.credit_note,
            credited_minor: row.credited_minor,
            opened_by: row.opened_by,
            opened_at: row.opened_at,
            closed_by: row.closed_by,
            closed_at: row.closed_at,
            call: row.call,
        };
        Ok((dispute, row.proposal.map(|proposal| proposal.0)))
    }
}

pub(super) async fn insert(
    conn: &mut PgConnection,
    new: &NewDispute<'_>,
    reason: &DisputeReason,
    due_on: NaiveDate,
    now: DateTime<Utc>,
) -> Result<DisputeId> {
    let id = DisputeId::generate();
    sqlx::query!(
        "INSERT INTO dispute (id, account_id, call_id, reason, department, status, opened_by, opened_at, due_on)
         VALUES ($1, $2, $3, $4, $5, 'open', $6, $7, $8)",
        id.0,
        new.account.0,
        new.call.map(|call| call.0),
        reason.code,
        reason.department,
        new.by.0,
        now,
        due_on
    )
    .execute(&mut *conn)
    .await?;
    for item in &new.opened.items {
        sqlx::query!(
            "INSERT INTO dispute_item (dispute_id, instalment_id, amount_minor, lines) VALUES ($1, $2, $3, $4)",
            id.0,
            item.id.0,
            item.amount_minor,
            &item.lines
        )
        .execute(&mut *conn)
        .await?;
    }
    let detail = serde_json::json!({ "items": new.opened.items });
    note(conn, id, "opened", "", detail, new.by, now).await?;
    Ok(id)
}

/// A dispute that came with a file.
pub(super) struct Imported {
    pub(super) id: DisputeId,
    pub(super) account: AccountId,
    pub(super) reason: String,
    pub(super) department: String,
    pub(super) amount: Money,
}

/// Open disputes that nobody here opened and that have no day yet, locked; those that another node looks at are left out.
pub(super) async fn imported(conn: &mut PgConnection, limit: i64) -> Result<Vec<Imported>> {
    let rows = sqlx::query!(
        r#"SELECT d.id AS "id: DisputeId", d.account_id AS "account: AccountId", d.reason, d.department,
                  a.currency::text AS "currency!",
                  (SELECT coalesce(sum(amount_minor), 0)::bigint FROM dispute_item WHERE dispute_id = d.id) AS "minor!"
           FROM dispute d JOIN account a ON a.id = d.account_id
           WHERE d.status = 'open' AND d.opened_by IS NULL AND d.due_on IS NULL
           ORDER BY d.id LIMIT $1 FOR UPDATE OF d SKIP LOCKED"#,
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let amount = Money::new(row.minor, stored_currency(&row.currency)?);
            Ok(Imported { id: row.id, account: row.account, reason: row.reason, department: row.department, amount })
        })
        .collect()
}

/// Gives an imported dispute its department and its day.
pub(super) async fn adopt(conn: &mut PgConnection, id: DisputeId, department: &str, due_on: NaiveDate) -> Result<()> {
    sqlx::query!("UPDATE dispute SET department = $2, due_on = $3 WHERE id = $1", id.0, department, due_on)
        .execute(conn)
        .await?;
    Ok(())
}

/// Imported disputes that a later file has ended, and that somebody still has to answer.
pub(super) async fn ended_elsewhere(conn: &mut PgConnection, limit: i64) -> Result<Vec<DisputeId>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT d.id AS "id: DisputeId" FROM dispute d
           WHERE d.opened_by IS NULL AND d.status <> 'open'
             AND EXISTS (SELECT FROM task t WHERE t.source_kind = 'dispute' AND t.source_id = d.id AND t.state = 'open')
           LIMIT $1"#,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// The dispute, and what was proposed.
pub(super) async fn get(conn: &mut PgConnection, id: DisputeId) -> Result<Option<(Dispute, Option<Decision>)>> {
    select(conn, Some(id), None, None, 1).await.map(|found| found.into_iter().next())
}

/// The account's disputes, newest first, those before `before` only.
pub(super) async fn list(
    conn: &mut PgConnection,
    account: AccountId,
    before: Option<DisputeId>,
    limit: i64,
) -> Result<Vec<Dispute>> {
    let found = select(conn, None, Some(account), before, limit).await?;
    Ok(found.into_iter().map(|(dispute, _)| dispute).collect())
}

async fn select(
    conn: &mut PgConnection,
    id: Option<DisputeId>,
    account: Option<AccountId>,
    before: Option<DisputeId>,
    limit: i64,
) -> Result<Vec<(Dispute, Option<Decision>)>> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT d.id AS "id: DisputeId", d.account_id AS "account: AccountId", d.reason, d.department, d.status, d.due_on,
                  d.answer, d.credit_note, d.credited_minor, d.opened_at, d.closed_at, d.call_id AS "call: CallId",
                  d.proposal AS "proposal: Json<Decision>", o.name AS "opened_by?", c.name AS "closed_by?",
                  a.currency::text AS "currency!",
                  (SELECT coalesce(sum(amount_minor), 0) FROM dispute_item WHERE dispute_id = d.id)::bigint
                      AS "amount_minor!"
           FROM dispute d
           JOIN account a ON a.id = d.account_id
           LEFT JOIN users o ON o.id = d.opened_by
           LEFT JOIN users c ON c.id = d.closed_by
           WHERE ($1::uuid IS NULL OR d.id = $1) AND ($2::uuid IS NULL OR d.account_id = $2)
             AND ($3::uuid IS NULL
                  OR (d.opened_at, d.id) < (SELECT b.opened_at, b.id FROM dispute b WHERE b.id = $3))
           ORDER BY d.opened_at DESC, d.id DESC LIMIT $4"#,
        id.map(|id| id.0),
        account.map(|account| account.0),
        before.map(|before| before.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

pub(super) async fn items(conn: &mut PgConnection, id: DisputeId) -> Result<Vec<Item>> {
    Ok(sqlx::query_as!(
        Item,
        r#"SELECT t.instalment_id AS "id: InstalmentId", v.number AS invoice, i.seq, t.amount_minor, t.lines
           FROM dispute_item t JOIN instalment i ON i.id = t.instalment_id JOIN invoice v ON v.id = i.invoice_id
           WHERE t.dispute_id = $1 ORDER BY i.due_on, v.number, i.seq"#,
        id.0
    )
    .fetch_all(conn)
    .await?)
}

pub(super) async fn events(conn: &mut PgConnection, id: DisputeId) -> Result<Vec<Event>> {
    Ok(sqlx::query_as!(
        Event,
        r#"SELECT e.at, u.name AS "by?", e.what, e.body, e.detail
           FROM dispute_event e LEFT JOIN users u ON u.id = e.user_id WHERE e.dispute_id = $1 ORDER BY e.id"#,
        id.0
    )
    .fetch_all(conn)
    .await?)
}

/// Notes what happened; `detail` holds amounts and ids.
pub(super) async fn note(
    conn: &mut PgConnection,
    id: DisputeId,
    what: &str,
    body: &str,
    detail: serde_json::Value,
    by: UserId,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO dispute_event (dispute_id, at, user_id, what, body, detail) VALUES ($1, $2, $3, $4, $5, $6)",
        id.0,
        now,
        by.0,
        what,
        body,
        detail
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// False: it is closed.
pub(super) async fn propose(conn: &mut PgConnection, id: DisputeId, decision: &Decision) -> Result<bool> {
    let done =
        sqlx::query!("UPDATE dispute SET proposal = $2 WHERE id = $1 AND status = 'open'", id.0, Json(decision) as _)
            .execute(conn)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// How a dispute is closed.
pub(super) struct Closing<'a> {
    pub(super) decision: &'a Decision,
    pub(super) credit_note: Option<&'a str>,
    pub(super) credited_minor: i64,
}

/// False: it was closed before.
pub(super) async fn close(
    conn: &mut PgConnection,
    id: DisputeId,
    closing: &Closing<'_>,
    by: UserId,
    now: DateTime<Utc>,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE dispute SET status = $2, answer = $3, credit_note = $4, credited_minor = $5, closed_by = $6, closed_at = $7,
                            proposal = NULL
         WHERE id = $1 AND status = 'open'",
        id.0,
        closing.decision.ruling.as_str(),
        closing.decision.answer.trim(),
        closing.credit_note,
        closing.credited_minor,
        by.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn evidence_of(conn: &mut PgConnection, id: DisputeId) -> Result<Vec<Evidence>> {
    Ok(sqlx::query_as!(
        Evidence,
        r#"SELECT e.id, e.name, e.reference, length(e.content) AS bytes, u.name AS "by?", e.added_at AS at
           FROM dispute_evidence e LEFT JOIN users u ON u.id = e.added_by
           WHERE e.dispute_id = $1 ORDER BY e.added_at, e.id"#,
        id.0
    )
    .fetch_all(conn)
    .await?)
}

pub(super) async fn insert_evidence(
    conn: &mut PgConnection,
    dispute: DisputeId,
    name: &str,
    new: &NewEvidence,
    by: UserId,
    now: DateTime<Utc>,
) -> Result<Uuid> {
    let (reference, media_type, content) = match new {
        NewEvidence::Reference(at) => (Some(at.trim()), None, None),
        NewEvidence::File(media_type, bytes) => (None, Some(media_type.as_str()), Some(bytes.as_slice())),
    };
    let id = Uuid::now_v7();
    sqlx::query!(
        "INSERT INTO dispute_evidence (id, dispute_id, name, reference, media_type, content, added_by, added_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        id,
        dispute.0,
        name,
        reference,
        media_type,
        content,
        by.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// Name, media type and bytes of a file, and whose it is.
pub(super) async fn file(conn: &mut PgConnection, id: Uuid) -> Result<Option<(DisputeId, (String, String, Vec<u8>))>> {
    let row = sqlx::query!(
        r#"SELECT dispute_id AS "dispute: DisputeId", name, media_type AS "media_type!", content AS "content!"
           FROM dispute_evidence WHERE id = $1 AND content IS NOT NULL"#,
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.dispute, (row.name, row.media_type, row.content))))
}
