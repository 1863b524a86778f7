//! Messages as the API shows them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::{
    error::{Error, Result},
    ids::{AccountId, ContactPointId, MessageId},
    message::{Attachment, Purpose, State},
};

/// A message in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = MessageSummary)]
pub struct Summary {
    /// Its id.
    pub id: MessageId,
    /// When it was decided.
    pub at: DateTime<Utc>,
    /// Why.
    pub purpose: Purpose,
    /// Name of the template.
    pub template: Option<String>,
    /// The address.
    pub to_address: String,
    /// One line.
    pub subject: String,
    /// What became of it.
    pub state: State,
    /// Why.
    pub reason: Option<String>,
    /// Name of who wrote it; `None`: the service.
    pub by: Option<String>,
}

/// A message word for word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = MessageInFull)]
pub struct Full {
    /// As in a list.
    #[serde(flatten)]
    pub summary: Summary,
    /// The account; `None` for a notice.
    pub account: Option<AccountId>,
    /// The address.
    pub contact_point: Option<ContactPointId>,
    /// Version of the template.
    pub template_version: Option<i32>,
    /// The words.
    pub body: String,
    /// SHA-256 of subject, a line feed, and body, in hex.
    pub sha256: String,
    /// Names of the files, in order.
    pub attachments: Vec<String>,
    /// When the mail server took it.
    pub sent_at: Option<DateTime<Utc>>,
    /// What became of it, oldest first.
    pub events: Vec<Event>,
}

/// Something that became of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = MessageEvent)]
pub struct Event {
    /// When.
    pub at: DateTime<Utc>,
    /// The state it came to.
    pub state: State,
    /// Why.
    pub reason: Option<String>,
}

/// At most `limit` messages of the account, newest first, those before `before` only.
///
/// # Errors
/// If Postgres is not available.
pub async fn of_account(
    conn: &mut PgConnection,
    account: AccountId,
    before: Option<MessageId>,
    limit: i64,
) -> Result<Vec<Summary>> {
    Ok(sqlx::query_as!(
        Summary,
        r#"SELECT m.id AS "id: MessageId", m.created_at AS at, purpose AS "purpose: Purpose", t.name AS "template?",
                  to_address, m.subject, state AS "state: State", reason, u.name AS "by?"
           FROM message m LEFT JOIN template t ON t.id = m.template_id LEFT JOIN users u ON u.id = m.created_by
           WHERE m.account_id = $1 AND ($2::uuid IS NULL
                 OR (m.created_at, m.id) < (SELECT b.created_at, b.id FROM message b WHERE b.id = $2))
           ORDER BY m.created_at DESC, m.id DESC LIMIT $3"#,
        account.0,
        before.map(|message| message.0),
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// A message word for word.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(conn: &mut PgConnection, message: MessageId) -> Result<Full> {
    let row = sqlx::query!(
        r#"SELECT m.created_at AS at, purpose AS "purpose: Purpose", t.name AS "template?", t.version AS "version?",
                  to_address, m.subject, state AS "state: State", reason, u.name AS "by?",
                  account_id AS "account: AccountId", contact_point_id AS "point: ContactPointId", m.body,
                  encode(sha256, 'hex') AS "sha256!", sent_at,
                  ARRAY(SELECT file_name FROM message_attachment f WHERE f.message_id = m.id ORDER BY position)
                      AS "attachments!"
           FROM message m LEFT JOIN template t ON t.id = m.template_id LEFT JOIN users u ON u.id = m.created_by
           WHERE m.id = $1"#,
        message.0
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(Error::NotFound("message"))?;
    let events = sqlx::query_as!(
        Event,
        r#"SELECT at, state AS "state: State", reason FROM message_event WHERE message_id = $1 ORDER BY id"#,
        message.0
    )
    .fetch_all(conn)
    .await?;
    let summary = Summary {
        id: message,
        at: row.at,
        purpose: row.purpose,
        template: row.template,
        to_address: row.to_address,
        subject: row.subject,
        state: row.state,
        reason: row.reason,
        by: row.by,
    };
    Ok(Full {
        summary,
        account: row.account,
        contact_point: row.point,
        template_version: row.version,
        body: row.body,
        sha256: row.sha256,
        attachments: row.attachments,
        sent_at: row.sent_at,
        events,
    })
}

/// A file of a message, by its place from 0.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn attachment(conn: &mut PgConnection, message: MessageId, position: i16) -> Result<Attachment> {
    sqlx::query_as!(
        Attachment,
        "SELECT file_name, media_type, bytes FROM message_attachment WHERE message_id = $1 AND position = $2",
        message.0,
        position
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("file of this message"))
}
