//! An attempt is committed before the carrier is asked to dial.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{CallbackToken, Event, Facts, Step, machine, store};
use crate::{
    agent::{self, presence},
    compliance::DialPermit,
    error::{Error, Result},
    ids::{CallId, CampaignId, UserId},
    phone::Phone,
    queue::Leased,
};

/// What is dialled, and for whom.
#[derive(Debug)]
pub struct Attempt<'a> {
    /// The campaign that dials.
    pub campaign: CampaignId,
    /// The entry that was claimed from its queue.
    pub leased: &'a Leased,
    /// Whom we call.
    pub to: &'a Phone,
    /// The caller id.
    pub from: &'a Phone,
    /// Within how many milliseconds of the answer an agent must be on the line.
    pub bridge_limit_ms: u32,
    /// The agent who previews the account and decides; `None`: the carrier is asked at once.
    pub preview_for: Option<UserId>,
}

/// A committed attempt, once its transaction is.
#[derive(Debug)]
pub struct Begun {
    /// The call.
    pub call: CallId,
    /// Secret part of its callback addresses.
    pub token: CallbackToken,
}

/// Inserts the attempt and counts it; a preview reserves its agent, and counts when it is dialled
/// ([`Event::Dialed`]).
///
/// # Errors
/// [`Error::Conflict`] if a call to the account, the person or the number is live, or the agent of a preview is not
/// ready: roll back, nothing may be dialled.
pub async fn begin(
    conn: &mut PgConnection,
    permit: DialPermit,
    attempt: &Attempt<'_>,
    now: DateTime<Utc>,
) -> Result<Begun> {
    let _ = (conn, permit, attempt, now);
    todo!()
}
