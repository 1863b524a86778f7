//! 4 · Agents: who they are, presence, voice leg, and who takes the next call.

pub mod leg;
pub mod password;
pub mod presence;
pub mod ready;
pub mod session;
pub mod store;
pub mod supervise;
pub mod users;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::{
    app::App,
    error::{Error, Result},
    ids::{CampaignId, UserId},
};
use presence::{Event, Presence};

/// What a user may do; each includes what the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
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

impl Role {
    /// The name used in the database and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Supervisor => "supervisor",
            Self::Admin => "admin",
        }
    }

    /// The role of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "agent" => Some(Self::Agent),
            "supervisor" => Some(Self::Supervisor),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }
}

impl Principal {
    /// Passes if the role is at least `role`.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn must_be(&self, role: Role) -> Result<()> {
        if self.role >= role { Ok(()) } else { Err(Error::Forbidden) }
    }
}

/// Applies `event` to the agent: locks its row, steps, persists, logs, and enqueues
/// [`Effect::AgentChanged`](crate::outbox::Effect::AgentChanged). `None`: the event changed nothing.
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
    todo!()
}

/// Carries out [`Effect::AgentChanged`](crate::outbox::Effect::AgentChanged): tells the desk, offers the agent to the
/// dialer or withdraws it, and gives a ready agent the oldest call that waits for one.
///
/// # Errors
/// Those of Postgres and Redis.
pub async fn agent_changed(app: &App, user: UserId) -> Result<()> {
    todo!()
}

/// Lets the agent take calls of `campaign` (`None`: of no campaign). By supervisors.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`], [`Error::Conflict`] while the agent is busy with a call.
pub async fn assign(app: &App, by: &Principal, user: UserId, campaign: Option<CampaignId>) -> Result<()> {
    todo!()
}
