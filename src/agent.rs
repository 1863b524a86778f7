//! Agents: who they are, presence, voice leg, and who takes the next call.

pub mod at_desk;
pub mod leg;
pub mod password;
pub mod presence;
pub mod ready;
pub mod session;
pub mod store;
pub mod supervise;
mod throttle;
pub mod users;
pub mod vanished;
pub mod wrap_timer;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use self::{
    presence::{Event, Presence, State, Step},
    store::Agent,
};
use crate::{
    app::App,
    call,
    desk::{self, protocol::Body},
    error::{Error, Result},
    ids::{CampaignId, UserId},
    lifecycle::Lifecycle,
    named::named,
    outbox::{self, Effect},
    worker,
};

/// What a user may do; each includes what the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Works the tasks of its department, and sees what it needs for that.
    Department,
    /// Takes calls.
    Agent,
    /// Watches and steers the floor.
    Supervisor,
    /// Manages users and settings.
    Admin,
}

/// Who is asking: the owner of a valid session or bearer token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Principal {
    /// The user.
    pub user: UserId,
    /// What the user may do.
    pub role: Role,
    /// Name to show.
    pub name: String,
    /// Log-in name.
    pub login: String,
}

named!(Role { Department => "department", Agent => "agent", Supervisor => "supervisor", Admin => "admin" });

impl Principal {
    /// Passes if the role is at least `role`.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn must_be(&self, role: Role) -> Result<()> {
        if self.role >= role { Ok(()) } else { Err(Error::Forbidden) }
    }
}

/// Applies `event` to the agent: locks its row, steps, persists, logs, and enqueues [`Effect::AgentChanged`].
/// `None`: the event changed nothing.
///
/// Lock order: the row of the call first, then the agent's.
///
/// # Errors
/// [`Error::NotFound`] if the user has never been at a desk; those of Postgres.
pub async fn change(
    conn: &mut PgConnection,
    user: UserId,
    event: Event,
    now: DateTime<Utc>,
    by: Option<UserId>,
) -> Result<Option<Presence>> {
    let agent = store::lock(conn, user).await?.ok_or(Error::NotFound("agent"))?;
    Ok(apply(conn, &agent, &event, now, by).await?.ok())
}

/// As [`change`], for an agent whose row is locked; says why an event changed nothing.
async fn apply(
    conn: &mut PgConnection,
    agent: &Agent,
    event: &Event,
    now: DateTime<Utc>,
    by: Option<UserId>,
) -> Result<Result<Presence, &'static str>> {
    let presence = match presence::step(&agent.presence, event, now) {
        Step::Next(presence) => presence,
        Step::Ignored(why) => return Ok(Err(why)),
    };
    store::save_presence(conn, agent.user, &presence, now, by).await?;
    if presence.state == State::Offline {
        leg::release(conn, agent, now).await?;
    }
    outbox::enqueue(conn, &[Effect::AgentChanged { agent: agent.user }], now).await?;
    Ok(Ok(presence))
}

/// Carries out [`Effect::AgentChanged`]: tells the desk, offers the agent to the dialer or withdraws it, and gives a
/// ready agent the oldest call that waits for one.
///
/// # Errors
/// Those of Postgres and Redis.
pub async fn agent_changed(app: &App, user: UserId) -> Result<()> {
    let Some(agent) = store::get(&app.db, user).await? else { return Ok(()) };
    if let Some(campaign) = agent.campaign.filter(|_| agent.takes_calls())
        && call::held::connect_oldest(app, user, campaign).await?.is_some()
    {
        // Reserved now: this very effect has been enqueued again by that.
        return Ok(());
    }
    ready::sync(app, &agent).await?;
    if agent.takes_calls() {
        app.dialer.ring();
    }
    desk::push(app, user, Body::Presence { presence: agent.presence }).await?;
    Ok(())
}

/// Starts the loops of the agents: the wrap-up timer, and the watch for those who have gone.
pub fn spawn(app: &App, lifecycle: &Lifecycle) {
    let timer = app.clone();
    worker::spawn(lifecycle, "wrap-up timer", Duration::from_millis(500), Arc::default(), move || {
        let app = timer.clone();
        async move { wrap_timer::step(&app).await.map(drop) }
    });
    let watch = app.clone();
    worker::spawn(lifecycle, "agents gone", Duration::from_secs(3), Arc::default(), move || {
        let app = watch.clone();
        async move { vanished::step(&app).await }
    });
}

/// Lets the agent take calls of `campaign` (`None`: of no campaign). By supervisors.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`], [`Error::Conflict`] while the agent is busy with a call.
pub async fn assign(app: &App, by: &Principal, user: UserId, campaign: Option<CampaignId>) -> Result<()> {
    by.must_be(Role::Supervisor)?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if users::store::principal(&mut *tx, user).await?.is_none() {
        return Err(Error::NotFound("user"));
    }
    store::ensure(&mut tx, user, now).await?;
    let agent = store::lock(&mut tx, user).await?.ok_or(Error::NotFound("agent"))?;
    if agent.presence.call().is_some() {
        return Err(Error::Conflict("the agent is busy with a call".to_owned()));
    }
    if let Some(campaign) = campaign
        && !store::campaign_exists(&mut tx, campaign).await?
    {
        return Err(Error::invalid("campaign", "there is no such campaign"));
    }
    store::set_campaign(&mut tx, user, campaign, now, Some(by.user)).await?;
    outbox::enqueue(&mut tx, &[Effect::AgentChanged { agent: user }], now).await?;
    tx.commit().await?;
    app.outbox.ring();
    match agent.campaign {
        Some(former) if Some(former) != campaign => ready::withdraw(app, former, user, agent.version + 1).await,
        _ => Ok(()),
    }
}
