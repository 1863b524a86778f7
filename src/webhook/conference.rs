//! Who enters and leaves an agent's conference.

use axum::{extract::State, http::StatusCode};
use tracing::warn;

use super::{
    posted::{Posted, Refused},
    tell::store_stray,
};
use crate::{
    agent,
    app::App,
    call::{
        End, EndStatus, Event,
        apply::{self, Heard, Source},
        observed::moment,
        store, voice,
    },
    carrier::{ConferenceEvent, ConferenceEventKind, LeftBecause},
    error::{Error, Result},
    ids::{CallId, UserId},
};

/// The address is the agent's: the first participant's counts for everybody, and the agent is there first.
pub(super) async fn conference(State(app): State<App>, posted: Posted) -> Result<StatusCode, Refused> {
    let event = ConferenceEvent::try_from(&posted.form)?;
    let heard = posted.heard(Source::Conference, &event.dedupe_key(), None);
    if let Some(call) = debtor(&app, &event).await? {
        tell_debtor(&app, call, heard, &event).await?;
    } else {
        store_stray(&app, &heard).await?;
        if let Some(agent) = posted.agent() {
            agent_left(&app, agent, &event).await?;
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The call whose debtor an event is about.
async fn debtor(app: &App, event: &ConferenceEvent) -> Result<Option<CallId>> {
    if let Some(call) = event.label.as_deref().and_then(voice::call_of_label) {
        return Ok(Some(call));
    }
    match &event.call {
        Some(line) if event.label.is_none() => store::id_of_sid(&app.db, line.as_str()).await,
        _ => Ok(None),
    }
}

async fn tell_debtor(app: &App, call: CallId, heard: Heard, event: &ConferenceEvent) -> Result<()> {
    let at = moment(event.at, heard.at);
    let over = event.participant_status.end().is_some() || event.left_because == Some(LeftBecause::HungUp);
    let event = match event.kind {
        ConferenceEventKind::Joined => Event::CustomerJoined,
        ConferenceEventKind::Left if over => Event::Ended(End { at, status: EndStatus::Completed }),
        _ => return store_stray(app, &heard).await,
    };
    match apply::tell(app, call, heard.clone(), event).await {
        Err(Error::NotFound(_)) => {
            warn!(%call, "a conference names a call that nobody knows");
            store_stray(app, &heard).await
        }
        told => told.map(drop),
    }
}

/// The agent's own line may be gone: its leg is down, unless it was only moved.
async fn agent_left(app: &App, agent: UserId, event: &ConferenceEvent) -> Result<()> {
    let gone = event.participant_status.end().is_some() || event.left_because == Some(LeftBecause::HungUp);
    match &event.call {
        Some(line) if event.kind == ConferenceEventKind::Left && gone => {
            agent::leg::down(app, agent, line.as_str()).await
        }
        _ => Ok(()),
    }
}
