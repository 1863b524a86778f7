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
    /// Chance of an answer relative to the mean of all calls.
    pub answer_chance: f64,
    /// Who takes the call.
    pub taker: Taker,
}

/// Who takes the call when it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taker {
    /// Whoever is ready then.
    Whoever,
    /// The agent who is shown the account first, and decides; the carrier is not asked yet.
    Preview(UserId),
    /// The agent who dials it by hand; the carrier is asked at once.
    ByHand(UserId),
}

/// A committed attempt, once its transaction is.
#[derive(Debug)]
pub struct Begun {
    /// The call.
    pub call: CallId,
    /// Secret part of its callback addresses.
    pub token: CallbackToken,
}

/// Inserts the attempt and counts it, and reserves its agent if it has one. A preview counts when it is dialled
/// ([`Event::Dialed`](super::Event::Dialed)).
///
/// # Errors
/// [`Error::Conflict`] if a call to the account, the person or the number is live, or its agent is not free:
/// roll back, nothing may be dialled.
pub async fn begin(
    conn: &mut PgConnection,
    permit: DialPermit,
    attempt: &Attempt<'_>,
    now: DateTime<Utc>,
) -> Result<Begun> {
    let planned = Facts::outbound(attempt.bridge_limit_ms);
    let facts = match attempt.taker {
        Taker::Whoever => Facts { create: Create::Asked, ..planned },
        Taker::Preview(agent) => Facts { agent: Some((now, agent)), ..planned },
        Taker::ByHand(agent) => Facts { agent: Some((now, agent)), create: Create::Asked, ..planned },
    };
    let by_hand = matches!(attempt.taker, Taker::ByHand(_));
    let entry = &attempt.leased.entry;
    let written = Error::internal("writing a queue entry");
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
        answer_chance: attempt.answer_chance,
        // What is called by hand came out of no queue.
        queue_entry: if by_hand { None } else { Some(serde_json::to_value(entry).map_err(written)?) },
    };
    if !store::insert(conn, &call, now).await? {
        return Err(Error::Conflict("a call to this account, person or number is live".to_owned()));
    }
    match attempt.taker {
        Taker::Whoever => {}
        Taker::Preview(agent) => reserve(conn, agent, presence::Event::Reserved(begun.call), now).await?,
        Taker::ByHand(agent) => reserve(conn, agent, presence::Event::CallsByHand(begun.call), now).await?,
    }
    if !matches!(attempt.taker, Taker::Preview(_)) {
        store::count_attempt(conn, attempt.campaign, permit.account(), now).await?;
    }
    outbox::enqueue(conn, &[outbox::Effect::CallChanged { call: begun.call }], now).await?;
    Ok(begun)
}

async fn reserve(conn: &mut PgConnection, agent: UserId, event: presence::Event, now: DateTime<Utc>) -> Result<()> {
    let reserved = agent::change(conn, agent, event, now, None).await?;
    reserved.map(|_| ()).ok_or_else(|| Error::Conflict("the agent is not free".to_owned()))
}
