//! Messages in Postgres.

mod read;
mod templates;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

pub use self::{
    read::{Event, Full, Summary, attachment, get, of_account},
    templates::{Listed, add_template, newest_template, seed_template, templates, versions},
};
use super::{Attachment, Purpose, State, permit::Bars, template::Rendered};
use crate::{
    account::HoldReason,
    error::{Error, Result},
    ids::{AccountId, ContactPointId, MessageId, UserId},
};

/// Who is written to, and what may forbid it.
#[derive(Clone, Debug)]
pub struct Reader {
    /// The address.
    pub address: String,
    /// Name of the person.
    pub person: String,
    /// The person's role at the account.
    pub role: String,
    /// Language of the account.
    pub language: Option<String>,
    /// What may forbid it.
    pub bars: Bars,
}

/// A message to keep.
#[derive(Debug)]
pub struct Stored<'a> {
    /// Its id.
    pub id: MessageId,
    /// The account and its address; `None` for a notice.
    pub to_contact: Option<(AccountId, ContactPointId)>,
    /// Why.
    pub purpose: Purpose,
    /// Version of the template.
    pub template: Option<Uuid>,
    /// The address as it is.
    pub to_address: &'a str,
    /// The words.
    pub rendered: &'a Rendered,
    /// Of the words.
    pub sha256: [u8; 32],
    /// Opens the opt-out page.
    pub opt_out: String,
    /// The files.
    pub attachments: &'a [Attachment],
    /// Who decided it.
    pub by: Option<UserId>,
}

/// A message that waits for the mail server.
#[derive(Debug)]
pub struct Queued {
    /// The account and its address; `None` for a notice.
    pub to_contact: Option<(AccountId, ContactPointId)>,
    /// Why.
    pub purpose: Purpose,
    /// The address.
    pub to_address: String,
    /// The words.
    pub rendered: Rendered,
    /// Opens the opt-out page.
    pub opt_out: String,
    /// Failed tries so far.
    pub tries: i32,
    /// A person decided it.
    pub by_hand: bool,
    /// The files.
    pub attachments: Vec<Attachment>,
}

/// A message that a bounce names.
#[derive(Debug)]
pub struct Known {
    /// Its id.
    pub id: MessageId,
    /// The account and its address.
    pub to_contact: Option<(AccountId, ContactPointId)>,
}

/// The message of an opt-out link.
#[derive(Debug)]
pub struct OptOut {
    /// Its id.
    pub id: MessageId,
    /// The address.
    pub point: Option<ContactPointId>,
    /// It is opted out already.
    pub opted_out: bool,
}

/// Who writes and bills.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// Name on letters and documents.
    pub name: String,
    /// Lines, top to bottom.
    pub address: String,
    /// For questions.
    pub email: String,
    /// For questions.
    pub phone: String,
    /// VAT or other tax number.
    pub tax_id: String,
    /// Where to pay to.
    pub bank: String,
}

/// The e-mail address of an account and what may forbid writing to it.
///
/// # Errors
/// [`Error::NotFound`] unless the account has such an e-mail address.
pub async fn reader(
    conn: &mut PgConnection,
    account: AccountId,
    point: ContactPointId,
    now: DateTime<Utc>,
) -> Result<Reader> {
    let row = sqlx::query!(
        r#"SELECT p.value, h.name AS person, c.role, a.language, a.status = 'closed' AS "closed!",
                  p.invalid_at IS NOT NULL AS "dead!", messages_revoked_at(p.value) AS opted_out_at,
                  EXISTS (SELECT FROM do_not_call d WHERE d.revoked_at IS NULL
                          AND (d.scope = 'account' AND d.value = a.id::text
                               OR d.scope = 'person' AND d.value = h.id::text)) AS "do_not_call!",
                  ARRAY(SELECT DISTINCT o.reason FROM account_hold o
                        WHERE o.account_id = a.id AND o.released_at IS NULL AND o.from_at <= $3
                          AND (o.until_at IS NULL OR o.until_at > $3) ORDER BY 1) AS "holds!: Vec<HoldReason>"
           FROM contact_point p JOIN contact c ON c.id = p.contact_id JOIN person h ON h.id = c.person_id
           JOIN account a ON a.id = p.account_id
           WHERE p.id = $2 AND p.account_id = $1 AND p.kind = 'email'"#,
        account.0,
        point.0,
        now
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("e-mail address at this account"))?;
    Ok(Reader {
        address: row.value,
        person: row.person,
        role: row.role,
        language: row.language,
        bars: Bars {
            closed: row.closed,
            dead: row.dead,
            opted_out_at: row.opted_out_at,
            do_not_call: row.do_not_call,
            holds: row.holds,
        },
    })
}

/// Keeps a message with its files, as queued.
///
/// # Errors
/// Those of Postgres.
pub async fn insert(conn: &mut PgConnection, message: &Stored<'_>, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "WITH new AS (
             INSERT INTO message (id, account_id, contact_point_id, purpose, template_id, to_address, subject, body, sha256,
                                  opt_out, created_by, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12))
         INSERT INTO message_event (message_id, state, at) VALUES ($1, 'queued', $12)",
        message.id.0,
        message.to_contact.map(|(account, _)| account.0),
        message.to_contact.map(|(_, point)| point.0),
        message.purpose as Purpose,
        message.template,
        message.to_address,
        message.rendered.subject,
        message.rendered.body,
        &message.sha256[..],
        message.opt_out,
        message.by.map(|user| user.0),
        now
    )
    .execute(&mut *conn)
    .await?;
    for (position, file) in (0_i16..).zip(message.attachments) {
        sqlx::query!(
            "INSERT INTO message_attachment (message_id, position, file_name, media_type, bytes)
             VALUES ($1, $2, $3, $4, $5)",
            message.id.0,
            position,
            file.file_name,
            file.media_type,
            file.bytes
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// The message, if it waits for the mail server.
///
/// # Errors
/// Those of Postgres.
pub async fn queued(conn: &mut PgConnection, message: MessageId) -> Result<Option<Queued>> {
    let row = sqlx::query!(
        r#"SELECT account_id AS "account: AccountId", contact_point_id AS "point: ContactPointId",
                  purpose AS "purpose: Purpose", to_address, subject, body, opt_out, tries,
                  created_by IS NOT NULL AS "by_hand!"
           FROM message WHERE id = $1 AND state = 'queued'"#,
        message.0
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let attachments = sqlx::query_as!(
        Attachment,
        "SELECT file_name, media_type, bytes FROM message_attachment WHERE message_id = $1 ORDER BY position",
        message.0
    )
    .fetch_all(conn)
    .await?;
    Ok(Some(Queued {
        to_contact: row.account.zip(row.point),
        purpose: row.purpose,
        to_address: row.to_address,
        rendered: Rendered { subject: row.subject, body: row.body },
        opt_out: row.opt_out,
        tries: row.tries,
        by_hand: row.by_hand,
        attachments,
    }))
}

/// Moves a message on, if it is in one of the states `from`. Gives whether it was.
///
/// # Errors
/// Those of Postgres.
pub async fn change_state(
    conn: &mut PgConnection,
    message: MessageId,
    from: &[State],
    to: State,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<bool> {
    let from: Vec<String> = from.iter().map(|state| state_name(*state).to_owned()).collect();
    let moved = sqlx::query!(
        "WITH moved AS (
             UPDATE message SET state = $3, reason = $4, tries = CASE WHEN $3 = 'queued' THEN 0 ELSE tries END,
                 sent_at = CASE WHEN $3 = 'sent' THEN $5 ELSE sent_at END
             WHERE id = $1 AND state = ANY ($2) RETURNING id)
         INSERT INTO message_event (message_id, state, reason, at) SELECT id, $3, $4, $5 FROM moved",
        message.0,
        &from,
        state_name(to),
        reason,
        now
    )
    .execute(conn)
    .await?;
    Ok(moved.rows_affected() > 0)
}

/// Notes a try that the mail server wants repeated.
///
/// # Errors
/// Those of Postgres.
pub async fn note_try(conn: &mut PgConnection, message: MessageId, why: &str, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "WITH tried AS (UPDATE message SET tries = tries + 1, reason = $2 WHERE id = $1 RETURNING id)
         INSERT INTO message_event (message_id, state, reason, at) SELECT id, 'queued', $2, $3 FROM tried",
        message.0,
        why,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The first of these messages that there is, locked.
///
/// # Errors
/// Those of Postgres.
pub async fn first_known(conn: &mut PgConnection, messages: &[MessageId]) -> Result<Option<Known>> {
    let ids: Vec<Uuid> = messages.iter().map(|message| message.0).collect();
    let row = sqlx::query!(
        r#"SELECT id AS "id: MessageId", account_id AS "account: AccountId", contact_point_id AS "point: ContactPointId"
           FROM message WHERE id = ANY ($1) ORDER BY array_position($1, id) LIMIT 1 FOR UPDATE"#,
        &ids
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Known { id: row.id, to_contact: row.account.zip(row.point) }))
}

/// The message whose opt-out link has this token.
///
/// # Errors
/// Those of Postgres.
pub async fn by_opt_out(conn: &mut PgConnection, token: &str) -> Result<Option<OptOut>> {
    Ok(sqlx::query_as!(
        OptOut,
        r#"SELECT id AS "id: MessageId", contact_point_id AS "point: ContactPointId",
                  messages_revoked_at(to_address) IS NOT NULL AS "opted_out!"
           FROM message WHERE opt_out = $1"#,
        token
    )
    .fetch_optional(conn)
    .await?)
}

/// Records that the reader at an address wants no more messages.
///
/// # Errors
/// Those of Postgres.
pub async fn revoke_messages(
    conn: &mut PgConnection,
    point: ContactPointId,
    source: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO consent_event (contact_point_id, channel, purpose, action, source, at, recorded_at)
         VALUES ($1, 'email', 'messages', 'revoked', $2, $3, $3)",
        point.0,
        source,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Who writes for a portfolio; where nobody was named, it is the accounts receivable department.
///
/// # Errors
/// Those of Postgres.
pub async fn issuer(conn: &mut PgConnection, portfolio: &str) -> Result<Issuer> {
    let found = sqlx::query_as!(
        Issuer,
        "SELECT name, address, email, phone, tax_id, bank FROM issuer WHERE portfolio = $1",
        portfolio
    )
    .fetch_optional(conn)
    .await?;
    let empty = String::new;
    Ok(found.unwrap_or_else(|| Issuer {
        name: "Accounts Receivable".to_owned(),
        address: empty(),
        email: empty(),
        phone: empty(),
        tax_id: empty(),
        bank: empty(),
    }))
}

/// The name of a state in the database.
#[must_use]
pub fn state_name(state: State) -> &'static str {
    match state {
        State::Queued => "queued",
        State::Sent => "sent",
        State::Bounced => "bounced",
        State::Failed => "failed",
        State::NotSent => "not_sent",
    }
}
