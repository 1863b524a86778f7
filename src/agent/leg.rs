//! The agent's voice leg: parked in a conference of its own from log-in to log-out.

use crate::{app::App, error::Result, ids::UserId};

/// Carries out [`Effect::CallAgentLeg`](crate::outbox::Effect::CallAgentLeg): calls the agent's device unless its leg
/// is up or being called.
///
/// # Errors
/// Those of the carrier and Postgres.
pub async fn call(app: &App, agent: UserId) -> Result<()> {
    todo!()
}

/// Carries out [`Effect::EndAgentLeg`](crate::outbox::Effect::EndAgentLeg).
///
/// # Errors
/// Those of the carrier.
pub async fn end(app: &App, agent: UserId, sid: &str) -> Result<()> {
    todo!()
}

/// The leg `sid` of the agent was picked up (or its softphone dialled in): it is up from now on. Gives the name of the
/// conference to park it in; `None`: the agent is not at a desk, the leg is to be hung up.
///
/// # Errors
/// Those of Postgres.
pub async fn up(app: &App, agent: UserId, sid: &str) -> Result<Option<String>> {
    todo!()
}

/// The leg `sid` of the agent is over. Nothing happens if it is not the present one.
///
/// # Errors
/// Those of Postgres.
pub async fn down(app: &App, agent: UserId, sid: &str) -> Result<()> {
    todo!()
}
