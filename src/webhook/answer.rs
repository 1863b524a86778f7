//! The debtor picked up: find an agent, put the account on the agent's screen, then connect the voices.

use std::time::Instant;

use axum::extract::State;
use tracing::{Instrument, error, info_span};

use super::{
    posted::{Document, Posted, Refused},
    tell::{check, count, is_other_line, store_stray},
};
use crate::{
    app::App,
    call::{
        apply::{Heard, Source},
        connect::{self, Moment},
        store, voice,
    },
    carrier::{VoiceRequest, twiml::Response},
    error::Result,
};

/// Picked up; also asked again to move a waiting debtor to an agent.
pub(super) async fn answer(State(app): State<App>, posted: Posted) -> Result<Document, Refused> {
    let line = VoiceRequest::try_from(&posted.form)?.call;
    let heard = posted.heard(Source::Answer, line.as_str(), Some(&line));
    instruct(&app, &posted, &heard, Moment::Answered).await
}

/// The time to wait for an agent is over.
pub(super) async fn hold(State(app): State<App>, posted: Posted) -> Result<Document, Refused> {
    let line = VoiceRequest::try_from(&posted.form)?.call;
    let heard = posted.heard(Source::Hold, line.as_str(), Some(&line));
    instruct(&app, &posted, &heard, Moment::HoldOver).await
}

/// An instruction could not be fetched or obeyed: try once more, and never leave the line without an answer.
pub(super) async fn fallback(State(app): State<App>, posted: Posted) -> Result<Document, Refused> {
    let request = VoiceRequest::try_from(&posted.form)?;
    error!(code = request.error_code, "the carrier could not use an instruction");
    if posted.named().is_none() {
        return Ok(Document(voice::goodbye()));
    }
    let heard = posted.heard(Source::Fallback, request.call.as_str(), Some(&request.call));
    match instruct(&app, &posted, &heard, Moment::Answered).await {
        Err(Refused::Failed(failed)) => {
            error!(error = &failed as &dyn std::error::Error, "no instruction on the fallback address either");
            Ok(Document(voice::apology()))
        }
        other => other,
    }
}

async fn instruct(app: &App, posted: &Posted, heard: &Heard, moment: Moment) -> Result<Document, Refused> {
    let Some(row) = row_of(app, posted).await? else {
        store_stray(app, heard).await?;
        return Ok(Document(voice::goodbye()));
    };
    check(&row, posted)?;
    if is_other_line(&row, heard) {
        store_stray(app, heard).await?;
        return Ok(Document(voice::goodbye()));
    }
    let span = info_span!("webhook", source = heard.source.as_str(), call = %row.id);
    let began = Instant::now();
    let document: Result<Response> = connect::connect(app, &row, heard, moment).instrument(span).await;
    metrics::histogram!("ledgerline_pop_seconds", "kind" => heard.source.as_str()).record(began.elapsed());
    count(heard.source, if document.is_ok() { "instructed" } else { "failed" });
    Ok(Document(document?))
}

async fn row_of(app: &App, posted: &Posted) -> Result<Option<store::Row>> {
    match posted.named() {
        // Whose line it is has to be known for sure.
        Some(named) => match app.recent.get(named.call).filter(|row| row.sid.is_some()) {
            Some(row) => Ok(Some(row)),
            None => store::get(&app.by_keys, named.call).await,
        },
        None => Ok(None),
    }
}
