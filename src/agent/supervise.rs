//! What supervisors do to live agents and calls.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    agent::{Principal, presence::Presence},
    app::App,
    error::Result,
    ids::{CallId, UserId},
};

/// A state a supervisor may put an agent into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub enum Forced {
    /// Takes calls.
    Ready,
    /// Takes no calls, now or after the present one.
    Paused {
        /// Why; 1 to 60 characters.
        reason: String,
    },
    /// Logged out; the call the agent may be on ends.
    Offline,
}

/// Puts an agent into a state. By supervisors.
///
/// # Errors
/// [`Error::Forbidden`](crate::error::Error::Forbidden), [`Error::NotFound`](crate::error::Error::NotFound),
/// [`Error::Conflict`](crate::error::Error::Conflict) where the present state does not allow it.
pub async fn force_state(app: &App, by: &Principal, agent: UserId, to: Forced) -> Result<Presence> {
    todo!()
}

/// Joins the call muted: calls the supervisor's device into the conference.
///
/// # Errors
/// [`Error::Forbidden`](crate::error::Error::Forbidden), [`Error::NotFound`](crate::error::Error::NotFound),
/// [`Error::Conflict`](crate::error::Error::Conflict) if nobody talks or the supervisor has no device.
pub async fn listen(app: &App, by: &Principal, call: CallId) -> Result<()> {
    todo!()
}

/// As [`listen`], but the agent (only) hears the supervisor.
///
/// # Errors
/// As [`listen`].
pub async fn whisper(app: &App, by: &Principal, call: CallId) -> Result<()> {
    todo!()
}

/// As [`listen`], but everybody hears the supervisor.
///
/// # Errors
/// As [`listen`].
pub async fn barge(app: &App, by: &Principal, call: CallId) -> Result<()> {
    todo!()
}

/// Takes the supervisor off the call again.
///
/// # Errors
/// As [`listen`].
pub async fn leave(app: &App, by: &Principal, call: CallId) -> Result<()> {
    todo!()
}

/// The call is over: ends the legs of supervisors who are still on it.
///
/// # Errors
/// Those of the carrier and Postgres.
pub async fn end_legs(app: &App, call: CallId) -> Result<()> {
    todo!()
}
