//! Debtors who wait because no agent was free when they answered.

use super::{
    apply::{Heard, Locked, Source, Verdict},
    connect, store,
};
use crate::{
    app::App,
    desk,
    error::Result,
    ids::{CallId, CampaignId, UserId},
};

/// Waiting calls looked at for one agent: those at the front may be taken or over in the meantime.
const LOOKS: usize = 5;

/// Gives a ready agent the oldest call of the campaign that waits for one: reserves the agent, pushes the pop, and has
/// the carrier move the debtor. `None`: nobody waits, or the agent is not ready any more.
///
/// # Errors
/// Those of Postgres and Redis.
pub async fn connect_oldest(app: &App, agent: UserId, campaign: CampaignId) -> Result<Option<CallId>> {
    for _ in 0..LOOKS {
        let Some(call) = store::oldest_waiting(&app.db, campaign).await? else { return Ok(None) };
        let heard = Heard::own(Source::Service, call, "given to a ready agent", app.clock.now());
        let mut tx = app.db.begin().await?;
        let Some(mut locked) = Locked::lock(&mut tx, call).await? else { continue };
        if !locked.row.facts.may_take_agent() {
            continue;
        }
        if !locked.give_to(&mut tx, agent, heard.at).await? {
            return Ok(None);
        }
        let row = locked.row.clone();
        if locked.keep(&mut tx, &heard).await?.verdict == Verdict::Duplicate {
            continue;
        }
        tx.commit().await?;
        connect::show(app, &row, agent).await;
        desk::pop::note_sent(app, call).await?;
        app.outbox.ring();
        return Ok(Some(call));
    }
    Ok(None)
}
