//! The answer that finds an agent free, which is the one that has to be quick: one statement gives the call its agent.
//!
//! Nothing is locked before: the call is written if it is still as it was read, and the agent if it is still ready.
//! Whatever else is found is left to the transaction of [`connect`](super::connect).

use super::{show, store};
use crate::{
    agent::presence::{self, Presence, State},
    app::App,
    call::{
        Event,
        apply::{Heard, Kept, Locked, Verdict},
        store::Row,
    },
    error::Result,
    ids::UserId,
    outbox::Effect,
};

/// Tells the call that it was answered, and that `agent` takes it, reserves the agent, and shows it the account. `None`:
/// nothing is changed.
///
/// Everybody sees it at once, but it does not wait for the disk: the agent's screen comes first. Before the carrier is
/// answered, something has to be committed that does wait.
pub(super) async fn give(app: &App, row: &Row, heard: &Heard, agent: UserId) -> Result<Option<Kept>> {
    let mut call = Locked::of(row.clone());
    call.learn(&Event::Answered, heard.at);
    if !call.row.facts.may_take_agent() {
        return Ok(None);
    }
    call.learn(&Event::AgentAssigned(agent), heard.at);
    call.bridged_by_answer();
    if call.moves_others() || call.disposes().is_some() {
        return Ok(None);
    }
    let ready = Presence { state: State::Ready, since: heard.at, pause_next: None };
    let presence::Step::Next(reserved) = presence::step(&ready, &presence::Event::Reserved(row.id), heard.at) else {
        return Ok(None);
    };
    let mut effects = call.outside();
    effects.retain(|effect| !matches!(effect, Effect::CallChanged { .. }));
    effects.push(Effect::AgentChanged { agent });
    let facts = call.row.facts;
    let change = store::Change { row, heard, facts: &facts, agent, presence: &reserved, effects: &effects };
    // Held until the pop is sent: giving it back is an exchange with Postgres, which would go on at the same time.
    let mut conn = app.relaxed.acquire().await?;
    let Some(written) = store::give(&mut conn, &change).await? else {
        app.recent.forget(row.id);
        return Ok(None);
    };
    show(app, row, agent).await;
    app.hints.give([row.id].into_iter(), [].into_iter());
    app.recent.put(Row { facts: facts.clone(), version: written.version, ..row.clone() });
    Ok(Some(Kept { call: row.id, verdict: Verdict::Applied, facts, conference: written.conference }))
}
