//! Letters and mails to debtors, and notices to the house.
//!
//! Whatever decides that something is written calls [`send`] in its own transaction: the template's newest version is
//! filled in with the facts of that moment, and the words are kept. After the commit the outbox mails them
//! ([`deliver`]). What the mail server, or later a bounce ([`bounce`]), says of it becomes the message's state. Nobody is
//! written to who opted out ([`opt_out`]), whose address is dead, or whose account is on hold ([`permit`]).

pub mod bounce;
pub mod deliver;
pub mod dsn;
pub mod facts;
pub mod library;
pub mod opt_out;
pub mod permit;
pub mod smtp;
pub mod store;
pub mod template;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, NaiveDate, Utc};
use lettre::Address;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use utoipa::ToSchema;

use self::{store::Stored, template::Rendered};
use crate::{
    error::{Error, Result},
    ids::{AccountId, ContactPointId, MessageId, UserId},
    outbox::{self, Effect},
};

/// Attachments of a message at most.
pub const MOST_ATTACHMENTS: usize = 5;
/// Bytes of all attachments of a message at most.
pub const MOST_BYTES: usize = 10 * 1024 * 1024;

/// Why something is written; decides what forbids it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = MessagePurpose)]
pub enum Purpose {
    /// Asks for money that is due, or soon will be.
    Reminder,
    /// Brings an invoice, a credit note or a statement.
    Document,
    /// Anything else to a debtor: confirms a plan, answers a dispute.
    Letter,
    /// To somebody of the house: a report.
    Notice,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = MessageState)]
pub enum State {
    /// Waits for the mail server.
    Queued,
    /// The mail server took it.
    Sent,
    /// It came back: nobody has read it.
    Bounced,
    /// The mail server would not have it, or could not be reached for too long.
    Failed,
    /// It was not even tried: mail is off, or the reader opted out meanwhile.
    NotSent,
}

/// A file that goes with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Its name, 1 to 120 characters.
    pub file_name: String,
    /// Such as `application/pdf`.
    pub media_type: String,
    /// The file.
    pub bytes: Vec<u8>,
}

/// Something to write to a debtor.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// About which account.
    pub account: AccountId,
    /// To which of its e-mail addresses.
    pub contact_point: ContactPointId,
    /// Why.
    pub purpose: Purpose,
    /// Name of the template; the account's language is used where the template has it.
    pub template: String,
    /// What the template may speak of besides the account's own facts ([`facts`]); of equal names these count.
    pub facts: Map<String, Value>,
    /// At most 5, of 10 MiB together.
    pub attachments: Vec<Attachment>,
    /// The day at the office.
    pub today: NaiveDate,
    /// Who decided it; `None`: the service.
    pub by: Option<UserId>,
}

/// Something to write to somebody of the house.
#[derive(Clone, Debug)]
pub struct Notice {
    /// The address.
    pub to: String,
    /// One line, 1 to 200 characters.
    pub subject: String,
    /// The text, 1 to 20,000 characters.
    pub body: String,
    /// At most 5, of 10 MiB together.
    pub attachments: Vec<Attachment>,
    /// Who wanted it.
    pub by: Option<UserId>,
}

/// Writes to a debtor: fills the template in, keeps the words, and has them mailed after the commit.
///
/// # Errors
/// [`Error::NotFound`] without the address at the account or the template; [`Error::Conflict`] where the debtor may not be
/// written to; [`Error::Invalid`] naming the key that the template misses, or the attachment that is too large.
pub async fn send(conn: &mut PgConnection, new: &NewMessage, now: DateTime<Utc>) -> Result<MessageId> {
    let (rendered, template, address) = compose(conn, new, now).await?;
    check_attachments(&new.attachments)?;
    let message = Stored {
        id: MessageId::generate(),
        to_contact: Some((new.account, new.contact_point)),
        purpose: new.purpose,
        template: Some(template),
        to_address: address.as_ref(),
        rendered: &rendered,
        sha256: digest(&rendered),
        opt_out: token(),
        attachments: &new.attachments,
        by: new.by,
    };
    keep(conn, &message, now).await
}

/// What [`send`] would write, and to whom, without writing it.
///
/// # Errors
/// As [`send`].
pub async fn preview(conn: &mut PgConnection, new: &NewMessage, now: DateTime<Utc>) -> Result<Rendered> {
    Ok(compose(conn, new, now).await?.0)
}

/// Writes to somebody of the house.
///
/// # Errors
/// [`Error::Invalid`] naming the field.
pub async fn tell(conn: &mut PgConnection, notice: &Notice, now: DateTime<Utc>) -> Result<MessageId> {
    let address = address(&notice.to, "to")?;
    for (field, text, most) in [("subject", &notice.subject, 200), ("body", &notice.body, 20_000)] {
        if !(1..=most).contains(&text.trim().chars().count()) {
            return Err(Error::invalid(field, format!("1 to {most} characters")));
        }
    }
    check_attachments(&notice.attachments)?;
    let rendered = Rendered { subject: notice.subject.trim().to_owned(), body: notice.body.clone() };
    let message = Stored {
        id: MessageId::generate(),
        to_contact: None,
        purpose: Purpose::Notice,
        template: None,
        to_address: address.as_ref(),
        rendered: &rendered,
        sha256: digest(&rendered),
        opt_out: token(),
        attachments: &notice.attachments,
        by: notice.by,
    };
    keep(conn, &message, now).await
}

/// Has a message mailed that failed or was not sent.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] for one that waits, was sent or bounced.
pub async fn send_again(conn: &mut PgConnection, message: MessageId, now: DateTime<Utc>) -> Result<()> {
    store::get(conn, message).await?;
    let again = [State::Failed, State::NotSent];
    if !store::change_state(conn, message, &again, State::Queued, Some("sent again by hand"), now).await? {
        return Err(Error::Conflict("only a message that failed or was not sent can be sent again".to_owned()));
    }
    outbox::enqueue(conn, &[Effect::SendMessage { message }], now).await
}

async fn keep(conn: &mut PgConnection, message: &Stored<'_>, now: DateTime<Utc>) -> Result<MessageId> {
    store::insert(conn, message, now).await?;
    outbox::enqueue(conn, &[Effect::SendMessage { message: message.id }], now).await?;
    Ok(message.id)
}

/// The words, the version of the template, and the address.
async fn compose(
    conn: &mut PgConnection,
    new: &NewMessage,
    now: DateTime<Utc>,
) -> Result<(Rendered, uuid::Uuid, Address)> {
    let reader = store::reader(conn, new.account, new.contact_point, now).await?;
    permit::look(&reader.bars, new.purpose).map_err(|bar| Error::Conflict(bar.to_string()))?;
    let address = address(&reader.address, "contact_point")?;
    let template = store::newest_template(conn, &new.template, reader.language.as_deref()).await?;
    let mut known = facts::of(conn, new.account, &reader, new.today).await?;
    known.extend(new.facts.clone());
    let rendered = template::render(&template.source(), &Value::Object(known))
        .map_err(|fault| Error::invalid(format!("template.{}", fault.field), fault.detail))?;
    Ok((rendered, template.id, address))
}

fn address(text: &str, field: &str) -> Result<Address> {
    text.trim().parse().map_err(|_| Error::invalid(field, "is no e-mail address"))
}

fn check_attachments(attachments: &[Attachment]) -> Result<()> {
    let bytes: usize = attachments.iter().map(|one| one.bytes.len()).sum();
    if attachments.len() > MOST_ATTACHMENTS || bytes > MOST_BYTES {
        return Err(Error::invalid(
            "attachments",
            format!("at most {MOST_ATTACHMENTS}, of {MOST_BYTES} bytes together"),
        ));
    }
    let plain = |name: &str| {
        (1..=120).contains(&name.chars().count())
            && !name.contains(['/', '\\', '"'])
            && !name.chars().any(char::is_control)
    };
    match attachments.iter().position(|one| !plain(&one.file_name)) {
        Some(index) => Err(Error::invalid(format!("attachments[{index}].file_name"), "1 to 120 plain characters")),
        None => Ok(()),
    }
}

/// Of the words as they are kept.
fn digest(rendered: &Rendered) -> [u8; 32] {
    Sha256::new().chain_update(&rendered.subject).chain_update("\n").chain_update(&rendered.body).finalize().into()
}

/// 128 random bits.
fn token() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>())
}
