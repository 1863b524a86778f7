//! Telling a call what was heard: one transaction that stores the raw event once, steps the machine, keeps the facts,
//! moves the agent, disposes of what no agent will see, and enqueues what has to happen outside.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{Event, Ignored};
use crate::{app::App, error::Result, ids::CallId};

/// Who said something about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The carrier's answer to the request to dial.
    Create,
    /// The webhooks, by their paths.
    Answer,
    /// Progress of the customer's leg.
    Status,
    /// Machine detection.
    Amd,
    /// Who is in the conference.
    Conference,
    /// The debtor has left the conference.
    Dial,
    /// Recordings.
    Recording,
    /// An inbound call.
    Inbound,
    /// The waiting for an agent is over.
    Hold,
    /// The carrier could not fetch or obey an instruction.
    Fallback,
    /// The carrier, asked by us.
    Sweeper,
    /// The dialer.
    Dialer,
    /// The agent, at the desk.
    Desk,
    /// A supervisor.
    Supervisor,
    /// The service: timers and losses.
    Service,
}

/// Something heard about a call, as it came.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Who said it.
    pub source: Source,
    /// Identifies the event: told twice, it is recorded once.
    pub dedupe_key: String,
    /// As it came; empty for our own. May hold personal data.
    pub body: String,
    /// When it was heard.
    pub at: DateTime<Utc>,
    /// The carrier's id of the customer's leg, if it was named: the first one is adopted.
    pub sid: Option<String>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The call learnt from it.
    Applied,
    /// Recorded, but it changes nothing.
    Ignored(Ignored),
    /// The same event had been recorded before; nothing was changed.
    Duplicate,
}

impl Heard {
    /// Something of our own about `call`, that happens at most once for each `what`.
    #[must_use]
    pub fn own(source: Source, call: CallId, what: &str, at: DateTime<Utc>) -> Self {
        Self { source, dedupe_key: format!("{call} {what}"), body: String::new(), at, sid: None }
    }

    /// The carrier's answer to the request to dial; `sid` where it took the call.
    #[must_use]
    pub fn create(call: CallId, sid: Option<String>, at: DateTime<Utc>) -> Self {
        Self { source: Source::Create, dedupe_key: format!("{call} create"), body: String::new(), at, sid }
    }
}

/// Tells a call `event` in a transaction of its own, and wakes the outbox after the commit.
///
/// # Errors
/// [`Error::NotFound`](crate::error::Error::NotFound); those of Postgres.
pub async fn tell(app: &App, call: CallId, heard: Heard, event: Event) -> Result<Verdict> {
    let mut tx = app.db.begin().await?;
    let verdict = tell_in(&mut tx, call, &heard, &event).await?;
    tx.commit().await?;
    app.outbox.ring();
    Ok(verdict)
}

/// As [`tell`], in the caller's transaction; ring [`App`]'s outbox after the commit.
///
/// Lock order: call, agent, account. Lock nothing of the agent's or the account's before.
///
/// # Errors
/// As [`tell`].
pub async fn tell_in(conn: &mut PgConnection, call: CallId, heard: &Heard, event: &Event) -> Result<Verdict> {
    let _ = (conn, call, heard, event);
    todo!()
}
