//! An attempt is committed before the carrier is asked to dial.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{CallbackToken, Create, Facts, store};
use crate::{
    agent::{self, presence},
    compliance::DialPermit,
    error::{Error, Result},
    ids::{CallId, CampaignId, UserId},
    outbox,
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
/// ([`Event::Dialed`](super::Event::Dialed)).
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
    let planned = Facts::outbound(attempt.bridge_limit_ms);
    let facts = match attempt.preview_for {
        Some(agent) => Facts { agent: Some((now, agent)), ..planned },
        None => Facts { create: Create::Asked, ..planned },
    };
    let entry = &attempt.leased.entry;
    let begun = Begun { call: CallId::generate(), token: CallbackToken::generate() };
    let call = store::NewCall {
        id: begun.call,
        campaign: Some(attempt.campaign),
        account: Some(permit.account()),
        person: Some(entry.person),
        contact_point: Some(permit.contact_point()),
        to: attempt.to.as_str(),
        from: attempt.from.as_str(),
        sid: None,
        token: &begun.token,
        facts: &facts,
        decision: Some(permit.decision()),
        lease: Some(attempt.leased.lease),
        queue_entry: Some(serde_json::to_value(entry).map_err(Error::internal("writing a queue entry"))?),
    };
    if !store::insert(conn, &call, now).await? {
        return Err(Error::Conflict("a call to this account, person or number is live".to_owned()));
    }
    match attempt.preview_for {
        Some(agent) => reserve(conn, agent, begun.call, now).await?,
        None => store::count_attempt(conn, attempt.campaign, permit.account(), now).await?,
    }
    outbox::enqueue(conn, &[outbox::Effect::CallChanged { call: begun.call }], now).await?;
    Ok(begun)
}

async fn reserve(conn: &mut PgConnection, agent: UserId, call: CallId, now: DateTime<Utc>) -> Result<()> {
    let reserved = agent::change(conn, agent, presence::Event::Reserved(call), now, None).await?;
    reserved.map(|_| ()).ok_or_else(|| Error::Conflict("the agent is not ready".to_owned()))
}
