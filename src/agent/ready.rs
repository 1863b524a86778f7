//! Which agents are ready, in Redis, so that an answer finds one in one round trip. Postgres guards the reservation:
//! a stale entry costs a second pick, never a double one.

use crate::{
    app::App,
    error::Result,
    ids::{CampaignId, UserId},
};

/// Takes an agent out for a call: `owner` if it is ready, else who has been idle longest. Rebuilds the set first where
/// Redis has lost it. Whoever picked an agent and does not reserve it calls [`agent_changed`](super::agent_changed).
///
/// # Errors
/// Those of Redis and Postgres.
pub async fn pick(app: &App, campaign: CampaignId, owner: Option<UserId>) -> Result<Option<UserId>> {
    todo!()
}

/// How many agents of the campaign are ready.
///
/// # Errors
/// Those of Redis and Postgres.
pub async fn count(app: &App, campaign: CampaignId) -> Result<u64> {
    todo!()
}
