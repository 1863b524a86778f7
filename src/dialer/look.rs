//! The first look of two: Postgres is asked about every entry that was claimed, all at once. What no rule forbids is
//! asked again, under locks, when its attempt is committed.

use std::collections::HashMap;

use chrono::TimeDelta;

use super::store;
use crate::{
    app::App,
    campaign::Campaign,
    compliance::{self, PermitRequest, Receipt},
    error::Result,
    ids::{AccountId, ContactPointId},
    phone::Phone,
    queue::{self, Leased, right::Right},
    tempo,
};

/// Somebody else dials the same person: long enough for them to commit, or for their right to lapse.
const PERSON_TAKEN: TimeDelta = TimeDelta::seconds(30);
pub(super) const PERSON_RIGHT_MS: u64 = 30_000;

/// An entry that may be dialled.
pub(super) struct Looked {
    pub(super) leased: Leased,
    pub(super) to: Phone,
    pub(super) from: Phone,
    /// Nobody else dials the person until the attempt is committed.
    pub(super) person: Right,
}

impl Looked {
    /// Gives the entry back to the queue, undialled.
    pub(super) async fn give_back(self, app: &App, campaign: &Campaign) -> Result<()> {
        self.person.let_go(app).await?;
        queue::release(app, campaign, &[self.leased]).await
    }
}

/// Looks at every entry; returns those that may be dialled, and how many were refused. Refusals are stored and their
/// accounts placed anew.
pub(super) async fn at(app: &App, campaign: &Campaign, leased: Vec<Leased>) -> Result<(Vec<Looked>, u32)> {
    let claimed = leased.len();
    let mut held = Vec::with_capacity(claimed);
    for leased in leased {
        let person = Right::of(tempo::person_key(leased.entry.person), leased.lease.to_string());
        if person.take(app, PERSON_RIGHT_MS).await? {
            held.push((leased, person));
        } else {
            queue::refuse(app, campaign, &leased, Some(app.clock.now() + PERSON_TAKEN)).await?;
        }
    }
    let mut facts = facts(app, campaign, &held).await?;
    let mut permitted = Vec::with_capacity(held.len());
    for (leased, person) in held {
        let (request, to) = facts.remove(&leased.entry.contact_point).unwrap_or_default();
        permitted.extend(judge(app, campaign, leased, person, request, to).await?);
    }
    let refused = u32::try_from(claimed - permitted.len()).unwrap_or(u32::MAX);
    Ok((permitted, refused))
}

type Facts = HashMap<ContactPointId, (Option<PermitRequest>, Option<Phone>)>;

async fn facts(app: &App, campaign: &Campaign, held: &[(Leased, Right)]) -> Result<Facts> {
    let points: Vec<_> = held.iter().map(|(leased, _)| leased.entry.contact_point).collect();
    let (now, today) = (app.clock.now(), app.clock.business_date());
    let mut conn = app.db.acquire().await?;
    let mut requests = compliance::look::requests(&mut conn, campaign, &points, now, today).await?;
    let mut phones = store::phones(&mut conn, &points).await?;
    Ok(points.into_iter().map(|point| (point, (requests.remove(&point), phones.remove(&point)))).collect())
}

/// Lets one entry pass, or refuses it. An account that the campaign does not list any more is refused without a verdict.
async fn judge(
    app: &App,
    campaign: &Campaign,
    leased: Leased,
    person: Right,
    request: Option<PermitRequest>,
    to: Option<Phone>,
) -> Result<Option<Looked>> {
    let known = request.filter(|request| request.person == leased.entry.person).zip(to);
    let next = match known {
        Some((request, to)) => {
            let turn = request.account_attempts;
            let receipt = compliance::judge(request, &app.policies, app.clock.now());
            match (&receipt.refusal, caller_id(campaign, leased.entry.account, turn)) {
                (None, Some(from)) => return Ok(Some(Looked { leased, to, from, person })),
                (None, None) => None,
                (Some(refusal), _) => {
                    let next = refusal.next_allowed_at;
                    record(app, campaign, receipt).await?;
                    next
                }
            }
        }
        None => None,
    };
    person.let_go(app).await?;
    queue::refuse(app, campaign, &leased, next).await?;
    Ok(None)
}

/// Keeps the receipt of a refusal.
async fn record(app: &App, campaign: &Campaign, receipt: Receipt) -> Result<()> {
    count(&receipt);
    let mut conn = app.db.acquire().await?;
    compliance::store::keep(&mut conn, campaign.id, receipt).await.map(|_| ())
}

/// Counts a refusal by its rule.
pub(super) fn count(receipt: &Receipt) {
    if let Some(refusal) = &receipt.refusal {
        metrics::counter!("ledgerline_dials_refused_total", "rule" => refusal.rule.clone()).increment(1);
    }
}

/// The campaign's numbers in turn: each attempt on an account comes from the next one, and accounts begin with
/// different ones.
pub(super) fn caller_id(campaign: &Campaign, account: AccountId, attempts: u32) -> Option<Phone> {
    let ids = &campaign.settings.caller_ids;
    let first = account.0.as_u128() % ids.len().max(1) as u128;
    let turn = (usize::try_from(first).unwrap_or(0) + attempts as usize).checked_rem(ids.len())?;
    ids.get(turn).cloned()
}
