//! Placing accounts anew after a fact about them has changed.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use redis::AsyncCommands;

use super::{Leased, Placement, Standing, Wait, placement, script, store, text::Fields};
use crate::{
    app::App,
    campaign::{self, Campaign},
    compliance,
    error::Result,
    ids::{AccountId, CampaignId, LeaseId},
};

/// Accounts placed by one look at Postgres.
const AT_ONCE: usize = 500;
/// Entries promoted by one script, so that Redis is not kept busy for more than some milliseconds.
const PROMOTED_AT_ONCE: usize = 1000;
/// What a refusal without an end costs an account that should not have been refused.
const REFUSED_WITHOUT_END: TimeDelta = TimeDelta::hours(1);

/// An account and where it belongs.
pub(super) struct Move {
    pub(super) account: AccountId,
    /// The lease it is moved by; an account that is lent stays where it is for everybody else.
    pub(super) lease: Option<LeaseId>,
    pub(super) placement: Placement,
}

/// Something about the accounts has changed: works out their place in every campaign's queue again. Carries out [`crate::outbox::Effect::Requeue`].
///
/// A queue that is not built is left alone: building it reads the accounts anyway.
///
/// # Errors
/// If Postgres or Redis fails.
pub async fn requeue(app: &App, accounts: &[AccountId]) -> Result<()> {
    let campaigns = {
        let mut conn = app.db.acquire().await?;
        compliance::store::forget_refusals(&mut conn, accounts).await?;
        campaign::store::list(&mut conn).await?
    };
    for campaign in &campaigns {
        replace(app, campaign, accounts).await?;
    }
    Ok(())
}

/// Places accounts of one campaign as Postgres knows them now.
///
/// # Errors
/// If Postgres or Redis fails.
pub async fn replace(app: &App, campaign: &Campaign, accounts: &[AccountId]) -> Result<()> {
    for accounts in accounts.chunks(AT_ONCE) {
        let ticket = take_ticket(app, campaign.id).await?;
        let mut placements = look(app, campaign, accounts).await?;
        let place = |account: &AccountId| Move {
            account: *account,
            lease: None,
            placement: placements.remove(account).unwrap_or(Placement::Absent),
        };
        let moves: Vec<Move> = accounts.iter().map(place).collect();
        put(app, campaign.id, &ticket, &moves).await?;
    }
    Ok(())
}

/// Ends a lease whose entry may not be dialled: the account goes where Postgres says it belongs, which knows what the last
/// look refused. Where that would be ready, it waits until `next_allowed_at`, or for an hour where nobody named a moment.
///
/// # Errors
/// If Postgres or Redis fails.
pub async fn refuse(
    app: &App,
    campaign: &Campaign,
    leased: &Leased,
    next_allowed_at: Option<DateTime<Utc>>,
) -> Result<()> {
    let ticket = take_ticket(app, campaign.id).await?;
    let account = leased.entry.account;
    let mut placements = look(app, campaign, &[account]).await?;
    let placement = match placements.remove(&account).unwrap_or(Placement::Absent) {
        Placement::Ready(entry) => {
            let until = next_allowed_at.unwrap_or(app.clock.now() + REFUSED_WITHOUT_END);
            Placement::Waiting { until, why: Wait::Frequency, entry }
        }
        elsewhere => elsewhere,
    };
    let moves = [Move { account, lease: Some(leased.lease), placement }];
    put(app, campaign.id, &ticket, &moves).await
}

/// Ends a lease that nothing came of: the account goes where Postgres says it belongs.
///
/// # Errors
/// If Postgres or Redis fails.
pub async fn give_back(app: &App, campaign: &Campaign, leased: &Leased) -> Result<()> {
    let ticket = take_ticket(app, campaign.id).await?;
    let account = leased.entry.account;
    let placement = look(app, campaign, &[account]).await?.remove(&account).unwrap_or(Placement::Absent);
    put(app, campaign.id, &ticket, &[Move { account, lease: Some(leased.lease), placement }]).await
}

/// Where accounts belong as Postgres knows them now; those that the campaign does not list are left out.
async fn look(app: &App, campaign: &Campaign, accounts: &[AccountId]) -> Result<HashMap<AccountId, Placement>> {
    let (now, today) = (app.clock.now(), app.clock.business_date());
    let standings = store::standings_of(&mut *app.db.acquire().await?, campaign, accounts, now).await?;
    let place = |standing: &Standing| placement::place(standing, &campaign.settings, now, today);
    Ok(standings.iter().map(|standing| (standing.account, place(standing))).collect())
}

/// A number that orders looks at Postgres; taken before looking.
pub(super) async fn take_ticket(app: &App, campaign: CampaignId) -> Result<String> {
    let ticket: i64 = app.redis.clone().incr(script::prefix(campaign) + "ticket", 1).await?;
    Ok(ticket.to_string())
}

/// Moves accounts to where they belong according to the look with `ticket`.
pub(super) async fn put(app: &App, campaign: CampaignId, ticket: &str, moves: &[Move]) -> Result<()> {
    let mut place = script::PLACE.prepare_invoke();
    place.key(script::prefix(campaign)).arg(app.clock.now().timestamp_millis()).arg(ticket);
    for Move { account, lease, placement } in moves {
        let Fields { state, place: bucket, rank, extra, body, score } = Fields::of(placement);
        let lease = lease.map(|lease| lease.to_string()).unwrap_or_default();
        place.arg(account.to_string()).arg(lease).arg(state).arg(bucket).arg(rank).arg(extra).arg(body).arg(score);
    }
    let results: Vec<String> = place.invoke_async(&mut app.redis.clone()).await?;
    for result in results {
        metrics::counter!("ledgerline_queue_placements_total", "result" => result).increment(1);
    }
    Ok(())
}

/// Moves entries whose moment has come from waiting to ready; returns how many.
///
/// # Errors
/// If Redis fails.
pub async fn promote(app: &App, campaign: CampaignId) -> Result<usize> {
    let now = app.clock.now().timestamp_millis();
    let mut promoted = 0;
    loop {
        let mut promote = script::PROMOTE.prepare_invoke();
        promote.key(script::prefix(campaign)).arg(now).arg(PROMOTED_AT_ONCE);
        for why in Wait::ALL {
            promote.arg(why.as_str());
        }
        let moved: usize = promote.invoke_async(&mut app.redis.clone()).await?;
        promoted += moved;
        if moved < PROMOTED_AT_ONCE {
            return Ok(promoted);
        }
    }
}

/// Places anew what changed while it could not be moved: because it was lent, or because the queue was being rebuilt.
pub(super) async fn clean(app: &App, campaign: &Campaign) -> Result<()> {
    let key = script::prefix(campaign.id) + "dirty";
    let dirty: Vec<String> = redis::cmd("SPOP").arg(key).arg(AT_ONCE).query_async(&mut app.redis.clone()).await?;
    let dirty: Vec<AccountId> = dirty.iter().filter_map(|account| account.parse().ok()).collect();
    if dirty.is_empty() {
        return Ok(());
    }
    compliance::store::forget_refusals(&mut *app.db.acquire().await?, &dirty).await?;
    replace(app, campaign, &dirty).await
}
