//! Which agents are ready, in Redis, so that an answer finds one in one round trip.
//!
//! Postgres guards the reservation: a stale entry costs a second pick, never an agent with two calls. What is told late
//! is recognised by the version of the agent's row and dropped.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use redis::{AsyncCommands as _, Script};

use crate::{
    agent::store::{self, Agent},
    app::App,
    error::{Error, Result},
    ids::{CampaignId, UserId},
    tempo::ready_key,
};

static OFFER: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/offer.lua")));
static WITHDRAW: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/withdraw.lua")));
static PICK: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/pick.lua")));

/// Whom a debtor is to reach, if they are free: who promised to call back, then who owns the account.
pub fn preferred(promised_by: Option<UserId>, owner: Option<UserId>) -> impl Iterator<Item = UserId> {
    promised_by.into_iter().chain(owner)
}

/// Takes an agent out for a call: the first of those `preferred` who is ready, else who has been idle longest. Rebuilds the set first where
/// Redis has lost it. Whoever picked an agent and does not reserve it calls [`agent_changed`](super::agent_changed).
///
/// # Errors
/// Those of Redis and Postgres.
pub async fn pick(
    app: &App,
    campaign: CampaignId,
    preferred: impl IntoIterator<Item = UserId>,
) -> Result<Option<UserId>> {
    let preferred: Vec<String> = preferred.into_iter().map(|agent| agent.to_string()).collect();
    if let Some(picked) = try_pick(app, campaign, &preferred).await? {
        return parse(&picked);
    }
    rebuild(app, campaign).await?;
    parse(&try_pick(app, campaign, &preferred).await?.unwrap_or_default())
}

/// How many agents of the campaign are ready.
///
/// # Errors
/// Those of Redis and Postgres.
pub async fn count(app: &App, campaign: CampaignId) -> Result<u64> {
    let mut redis = app.redis.clone();
    if !redis.exists::<_, bool>(built_key(campaign)).await? {
        rebuild(app, campaign).await?;
    }
    Ok(redis.zcard(ready_key(campaign)).await?)
}

/// Offers the agent to its campaign, or withdraws it, as its row says.
pub(super) async fn sync(app: &App, agent: &Agent) -> Result<()> {
    let Some(campaign) = agent.campaign else { return Ok(()) };
    if agent.takes_calls() {
        offer(app, campaign, agent.user, agent.presence.since, agent.version).await?;
        app.dialer.ring();
        Ok(())
    } else {
        withdraw(app, campaign, agent.user, agent.version).await
    }
}

/// Takes the agent out of the campaign's set, as of `version` of its row.
pub(super) async fn withdraw(app: &App, campaign: CampaignId, agent: UserId, version: i64) -> Result<()> {
    let mut script = WITHDRAW.prepare_invoke();
    script.key(ready_key(campaign)).key(told_key(campaign)).arg(agent.to_string()).arg(version);
    Ok(script.invoke_async(&mut app.redis.clone()).await?)
}

async fn offer(app: &App, campaign: CampaignId, agent: UserId, since: DateTime<Utc>, version: i64) -> Result<()> {
    let mut script = OFFER.prepare_invoke();
    script.key(ready_key(campaign)).key(told_key(campaign));
    script.arg(agent.to_string()).arg(since.timestamp_millis()).arg(version);
    Ok(script.invoke_async(&mut app.redis.clone()).await?)
}

/// Puts in everybody who is ready by Postgres, then marks the set as complete.
async fn rebuild(app: &App, campaign: CampaignId) -> Result<()> {
    for (agent, since, version) in store::ready_for(&app.db, campaign).await? {
        offer(app, campaign, agent, since, version).await?;
    }
    Ok(app.redis.clone().set(built_key(campaign), 1).await?)
}

async fn try_pick(app: &App, campaign: CampaignId, preferred: &[String]) -> Result<Option<String>> {
    let mut script = PICK.prepare_invoke();
    script.key(ready_key(campaign)).key(built_key(campaign));
    script.arg(preferred);
    Ok(script.invoke_async(&mut app.redis.clone()).await?)
}

fn parse(picked: &str) -> Result<Option<UserId>> {
    if picked.is_empty() {
        return Ok(None);
    }
    picked.parse().map(Some).map_err(Error::internal("reading who is ready"))
}

fn told_key(campaign: CampaignId) -> String {
    format!("{}:told", ready_key(campaign))
}

fn built_key(campaign: CampaignId) -> String {
    format!("{}:built", ready_key(campaign))
}
