//! The last look: Postgres is asked again about every entry that was claimed, and each gets a permit or a refusal.

use std::collections::HashMap;

use chrono::TimeDelta;

use super::store;
use crate::{
    app::App,
    campaign::Campaign,
    compliance::{self, DialPermit, PermitRequest, Refusal},
    error::Result,
    ids::AccountId,
    phone::Phone,
    queue::{self, Leased, Standing, right::Right},
    tempo,
};

/// Somebody else dials the same person: long enough for them to commit, or for their right to lapse.
const PERSON_TAKEN: TimeDelta = TimeDelta::seconds(30);
const PERSON_RIGHT_MS: u64 = 30_000;

/// An entry that may be dialled.
pub(super) struct Looked {
    pub(super) leased: Leased,
    pub(super) request: PermitRequest,
    pub(super) permit: DialPermit,
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
        let (standing, to) = facts.remove(&leased.entry.account).unwrap_or_default();
        permitted.extend(judge(app, campaign, leased, person, standing.as_ref(), to).await?);
    }
    let refused = u32::try_from(claimed - permitted.len()).unwrap_or(u32::MAX);
    Ok((permitted, refused))
}

type Facts = HashMap<AccountId, (Option<Standing>, Option<Phone>)>;

async fn facts(app: &App, campaign: &Campaign, held: &[(Leased, Right)]) -> Result<Facts> {
    let accounts: Vec<AccountId> = held.iter().map(|(leased, _)| leased.entry.account).collect();
    let points: Vec<_> = held.iter().map(|(leased, _)| leased.entry.contact_point).collect();
    let mut conn = app.db.acquire().await?;
    let standings = queue::store::standings_of(&mut conn, campaign, &accounts, app.clock.now()).await?;
    let mut phones = store::phones(&mut conn, &points).await?;
    let mut standings: HashMap<_, _> = standings.into_iter().map(|standing| (standing.account, standing)).collect();
    let entries = held.iter().map(|(leased, _)| &leased.entry);
    Ok(entries
        .map(|entry| (entry.account, (standings.remove(&entry.account), phones.remove(&entry.contact_point))))
        .collect())
}

/// Permits one entry, or refuses it. An account that the campaign does not list any more is refused without a verdict.
async fn judge(
    app: &App,
    campaign: &Campaign,
    leased: Leased,
    person: Right,
    standing: Option<&Standing>,
    to: Option<Phone>,
) -> Result<Option<Looked>> {
    let (Some(standing), Some(to)) = (standing, to) else {
        person.let_go(app).await?;
        queue::refuse(app, campaign, &leased, None).await?;
        return Ok(None);
    };
    let (now, today) = (app.clock.now(), app.clock.business_date());
    let request = PermitRequest::new(standing, &leased.entry, &campaign.settings, now, today);
    match (compliance::permit(&request, now), caller_id(campaign, standing)) {
        (Ok(permit), Some(from)) => Ok(Some(Looked { leased, request, permit, to, from, person })),
        (Ok(_), None) => {
            person.let_go(app).await?;
            queue::refuse(app, campaign, &leased, None).await?;
            Ok(None)
        }
        (Err(refusal), _) => {
            record(app, campaign, &request, &refusal).await?;
            person.let_go(app).await?;
            queue::refuse(app, campaign, &leased, refusal.next_allowed_at).await?;
            Ok(None)
        }
    }
}

/// Stores a refusal.
pub(super) async fn record(app: &App, campaign: &Campaign, request: &PermitRequest, refusal: &Refusal) -> Result<()> {
    metrics::counter!("ledgerline_dials_refused_total", "rule" => refusal.rule.clone()).increment(1);
    let mut conn = app.db.acquire().await?;
    compliance::store::insert_decision(&mut conn, campaign.id, request, Some(refusal), app.clock.now()).await
}

/// The campaign's numbers in turn: each attempt on an account comes from the next one, and accounts begin with
/// different ones.
fn caller_id(campaign: &Campaign, standing: &Standing) -> Option<Phone> {
    let ids = &campaign.settings.caller_ids;
    let first = standing.account.0.as_u128() % ids.len().max(1) as u128;
    let turn = (usize::try_from(first).unwrap_or(0) + standing.attempts as usize).checked_rem(ids.len())?;
    ids.get(turn).cloned()
}
