//! Ends wrap-ups whose time is over: by the service's clock, whether or not the desk is still there.

use chrono::TimeDelta;

use super::{
    apply,
    at_desk::LONGEST_WRAP_UP,
    presence::{Event, State},
    store,
};
use crate::{
    app::App,
    disposition,
    error::Result,
    ids::{CallId, UserId},
};

/// Wrap-ups ended in one step.
const BATCH: i64 = 200;

/// A call that nobody wraps up is left to a late agent for this long beyond the longest wrap-up.
const FORSAKEN: TimeDelta = TimeDelta::minutes(1);

/// Ends the wrap-ups that are over: what was not recorded is recorded as such, and the agent is free. Calls whose agent
/// has gone without wrapping up are ended too. Gives the number of calls.
///
/// # Errors
/// Those of Postgres.
pub async fn step(app: &App) -> Result<usize> {
    let now = app.clock.now();
    let expired = store::wraps_expired(&app.db, now, BATCH).await?;
    for (agent, call) in &expired {
        end(app, *agent, *call).await?;
    }
    let forsaken = store::forsaken_calls(&app.db, now - LONGEST_WRAP_UP - FORSAKEN, BATCH).await?;
    for call in &forsaken {
        let mut tx = app.db.begin().await?;
        disposition::automatic::give_up(&mut tx, *call, now).await?;
        tx.commit().await?;
        app.outbox.ring();
    }
    Ok(expired.len() + forsaken.len())
}

/// Under the locks of call and agent it is looked at again: the agent may have recorded or asked for more time.
async fn end(app: &App, user: UserId, call: CallId) -> Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    store::lock_call(&mut tx, call).await?;
    let Some(agent) = store::lock(&mut tx, user).await? else { return Ok(()) };
    let over = matches!(agent.presence.state, State::WrapUp { call: on, until } if on == call && until <= now);
    if !over {
        return Ok(());
    }
    disposition::automatic::give_up(&mut tx, call, now).await?;
    // The call has let the agent go by now, unless it had been disposed of before: then the timer does it.
    if let Some(agent) = store::lock(&mut tx, user).await?
        && agent.presence.call() == Some(call)
    {
        // Whether it changes anything has been looked at.
        let _ = apply(&mut tx, &agent, &Event::WrapExpired, now, None).await?;
    }
    tx.commit().await?;
    app.outbox.ring();
    Ok(())
}
