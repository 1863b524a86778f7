//! Debtors who wait because no agent was free when they answered.

use crate::{
    app::App,
    error::Result,
    ids::{CallId, CampaignId, UserId},
};

/// Gives a ready agent the oldest call of the campaign that waits for one: reserves the agent, pushes the pop, and has
/// the carrier move the debtor. `None`: nobody waits, or the agent is not ready any more.
///
/// # Errors
/// Those of Postgres and Redis.
pub async fn connect_oldest(app: &App, agent: UserId, campaign: CampaignId) -> Result<Option<CallId>> {
    let _ = (app, agent, campaign);
    todo!()
}
