//! From a request to the call it is about.

use tracing::warn;

use super::posted::{Posted, Refused};
use crate::{
    app::App,
    call::{
        Event,
        apply::{Heard, Source, Verdict},
        group::{self, Answer, Told},
        store,
    },
    error::Result,
    ids::CallId,
};

/// Tells the call of a request what happened; durable once this returns. `None`: nobody knows the call, the request is
/// stored.
pub(super) async fn tell(
    app: &App,
    posted: &Posted,
    heard: Heard,
    events: Vec<Event>,
) -> Result<Option<CallId>, Refused> {
    let Some(call) = call_of(app, posted, &heard).await? else {
        store_stray(app, &heard).await?;
        return Ok(None);
    };
    // The request's own span: a second one for each of the carrier's words would tell nothing that the route does not.
    tracing::Span::current().record("call", tracing::field::display(call));
    let token = posted.named().map(|named| named.token.to_owned());
    let source = heard.source;
    match group::tell(app, Told { call, token, heard, events }).await? {
        Answer::Kept(verdict) => {
            count(source, verdict_name(verdict));
            Ok(Some(call))
        }
        Answer::WrongToken => Err(wrong_token()),
        Answer::NoCall => {
            count(source, "no_call");
            Ok(None)
        }
    }
}

/// Counts a webhook, and what became of it.
pub(super) fn count(source: Source, verdict: &'static str) {
    metrics::counter!("ledgerline_webhooks_total", "kind" => source.as_str(), "verdict" => verdict).increment(1);
}

fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Applied => "applied",
        Verdict::Ignored(_) => "ignored",
        Verdict::Duplicate => "duplicate",
    }
}

/// The call that a request names, else the one whose line it is about.
pub(super) async fn call_of(app: &App, posted: &Posted, heard: &Heard) -> Result<Option<CallId>> {
    match (posted.named(), &heard.sid) {
        (Some(named), _) => Ok(Some(named.call)),
        (None, Some(sid)) => store::id_of_sid(&app.db, sid).await,
        (None, None) => Ok(None),
    }
}

/// The token of an address must be the call's own.
pub(super) fn check(row: &store::Row, posted: &Posted) -> Result<(), Refused> {
    match posted.named() {
        Some(named) if !row.token.matches(named.token) => Err(wrong_token()),
        _ => Ok(()),
    }
}

fn wrong_token() -> Refused {
    warn!("a signed webhook without the call's token");
    Refused::Forbidden
}

pub(super) fn is_other_line(row: &store::Row, heard: &Heard) -> bool {
    matches!((&row.sid, &heard.sid), (Some(known), Some(told)) if known != told)
}

/// Keeps what is about no call of ours, for a person to look at.
pub(super) async fn store_stray(app: &App, heard: &Heard) -> Result<()> {
    let mut conn = app.db.acquire().await?;
    store::store_event(&mut conn, None, heard, "no_call").await?;
    count(heard.source, "no_call");
    Ok(())
}
