//! What a call asks of the carrier after commit. Each looks at the call again first, so repeating one does no harm.

use std::sync::Arc;

use serde_json::value::{RawValue, to_raw_value};

use super::{callbacks, recent::Prepared, store, sweeper, voice};
use crate::{
    app::App,
    carrier::{CallUpdate, Sid, Updated},
    desk::{self, protocol::Pop},
    error::{Error, Result},
    ids::CallId,
};

/// Pops that are written at once: their calls are locked for that long.
const POPS_AT_ONCE: usize = 32;

/// Cancels a line that has not been answered; ends it if it was answered in the meantime.
///
/// # Errors
/// [`Error::Unavailable`] while the carrier's id of the line is not known; those of the carrier and Postgres.
pub async fn cancel_line(app: &App, call: CallId) -> Result<()> {
    let row = read(app, call).await?;
    if row.facts.wants_hangup() {
        return hang_up(app, call).await;
    }
    if !row.facts.wants_cancel() {
        return Ok(());
    }
    match update(app, &row, &CallUpdate::Cancel).await? {
        Updated::Done(_) => Ok(()),
        // Answered while we were asking, or over.
        Updated::WrongState => end(app, &row).await,
    }
}

/// Ends a line. A person who was never connected hears who called first, a machine what the campaign leaves on one.
///
/// # Errors
/// As [`cancel_line`].
pub async fn hang_up(app: &App, call: CallId) -> Result<()> {
    let row = read(app, call).await?;
    if !row.facts.wants_hangup() {
        return Ok(());
    }
    let Some(message) = last_words(app, &row).await? else { return end(app, &row).await };
    match update(app, &row, &CallUpdate::Twiml(message)).await? {
        Updated::Done(_) => Ok(()),
        Updated::WrongState => end(app, &row).await,
    }
}

/// Moves a waiting debtor into its agent's conference: the carrier asks the answer address again.
///
/// # Errors
/// As [`cancel_line`].
pub async fn bridge(app: &App, call: CallId) -> Result<()> {
    let row = read(app, call).await?;
    let facts = &row.facts;
    if facts.line_is_over() || facts.wants_hangup() || facts.agent.is_none() || facts.joined_at.is_some() {
        return Ok(());
    }
    let url = callbacks::answer_url(&app.config, row.id, &row.token);
    match update(app, &row, &CallUpdate::Redirect { url }).await? {
        Updated::Done(_) => Ok(()),
        Updated::WrongState => sweeper::ask(app, &row).await,
    }
}

/// Builds the screen-pops of calls that ring. One that is answered by now has its pop: the answer built it.
///
/// # Errors
/// Those of Postgres.
pub async fn prepare_pops(app: &App, calls: &[CallId]) -> Result<()> {
    let mut conn = app.relaxed.acquire().await?;
    let ringing = store::unanswered(&mut conn, calls).await?;
    for calls in ringing.chunks(POPS_AT_ONCE) {
        for pop in desk::pop::prepare(&mut conn, calls, app.clock.now(), app.clock.business_date()).await? {
            let (call, whole) = (pop.call, written(&pop)?);
            let first = if pop.identity_first { written(&pop.held_back())? } else { Arc::clone(&whole) };
            app.recent.put_pop(call, Prepared { whole, first });
        }
    }
    Ok(())
}

fn written(pop: &Pop) -> Result<Arc<RawValue>> {
    Ok(to_raw_value(pop).map_err(Error::internal("writing a pop"))?.into())
}

/// What is said on a line before it ends, as a document.
async fn last_words(app: &App, row: &store::Row) -> Result<Option<String>> {
    let Some(campaign) = row.campaign else { return Ok(None) };
    let to_machine = row.facts.is_machine();
    if !to_machine && !row.facts.owes_message() {
        return Ok(None);
    }
    let settings = store::settings(&mut *app.db.acquire().await?, campaign).await?;
    let message = if to_machine {
        voice::machine(&settings, &row.our_number)
    } else {
        Some(voice::abandoned(&settings, &row.our_number))
    };
    Ok(message.map(|message| message.to_xml()))
}

/// Ends a line whatever it does; where the carrier says that it is over, hears how.
async fn end(app: &App, row: &store::Row) -> Result<()> {
    match update(app, row, &CallUpdate::Complete).await? {
        Updated::Done(_) => Ok(()),
        Updated::WrongState => sweeper::ask(app, row).await,
    }
}

async fn update(app: &App, row: &store::Row, update: &CallUpdate) -> Result<Updated> {
    Ok(app.carrier.update_call(&line(row)?, update).await?)
}

async fn read(app: &App, call: CallId) -> Result<store::Row> {
    store::get(&app.db, call).await?.ok_or(Error::NotFound("call"))
}

/// The carrier's id of a line: known from the first callback at the latest, so trying again is worth while.
pub(super) fn line(row: &store::Row) -> Result<Sid> {
    let unknown = || Error::Unavailable { what: "the carrier's id of the line", source: "not told yet".into() };
    let sid = row.sid.as_ref().ok_or_else(unknown)?;
    sid.parse().map_err(Error::internal("reading the carrier's id of a line"))
}
