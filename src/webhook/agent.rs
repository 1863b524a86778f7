//! An agent's own line: picked up, or dialled in from the softphone, it is parked in the agent's conference.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::{
    posted::{Document, Posted, Refused},
    tell::store_stray,
};
use crate::{
    agent,
    app::App,
    call::{apply::Source, callbacks, voice},
    carrier::{
        CallStatus, Party, VoiceRequest, token,
        twiml::{self, Beep, Conference, Dial, DialTo},
    },
    ids::UserId,
};

/// The agent's line asks for instructions or, on the address for it, reports its progress.
pub(super) async fn agent(State(app): State<App>, posted: Posted) -> Result<Response, Refused> {
    if posted.query.flag(callbacks::PROGRESS) == Some(true) {
        return progress(&app, &posted).await.map(IntoResponse::into_response);
    }
    let request = VoiceRequest::try_from(&posted.form)?;
    let heard = posted.heard(Source::AgentLeg, request.call.as_str(), None);
    store_stray(&app, &heard).await?;
    let document = match who(&posted, request.from.as_ref()) {
        Some(agent) => park(&app, agent, &request).await?,
        None => voice::goodbye(),
    };
    Ok(Document(document).into_response())
}

/// Whose line it is. A softphone is known by the identity in its signed token, never by what the browser adds.
fn who(posted: &Posted, from: Option<&Party>) -> Option<UserId> {
    match from {
        Some(Party::Client(identity)) if posted.agent().is_none() => token::agent(identity),
        _ => posted.agent(),
    }
}

async fn park(app: &App, agent: UserId, request: &VoiceRequest) -> Result<twiml::Response, Refused> {
    let Some(name) = agent::leg::up(app, agent, request.call.as_str()).await? else { return Ok(voice::goodbye()) };
    let conference = Conference {
        label: Some(format!("agent-{agent}")),
        beep: Beep::OnEnter,
        start_on_enter: false,
        end_on_exit: false,
        status_url: Some(callbacks::conference_url(&app.config, agent)),
        ..Conference::named(name)
    };
    Ok(twiml::Response::new().dial(Dial::to(DialTo::Conference(conference))))
}

async fn progress(app: &App, posted: &Posted) -> Result<StatusCode, Refused> {
    let status = CallStatus::try_from(&posted.form)?;
    store_stray(app, &posted.heard(Source::AgentLeg, &status.dedupe_key(), None)).await?;
    let agent = who(posted, posted.form.party("From").as_ref());
    if let (Some(agent), Some(_)) = (agent, status.status.end()) {
        agent::leg::down(app, agent, status.call.as_str()).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
