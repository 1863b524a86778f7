//! From a request to the call it is about.

use tracing::{Instrument, info_span, warn};

use super::posted::{Posted, Refused};
use crate::{
    app::App,
    call::{
        Event,
        apply::{Heard, Kept, Locked, Source, Verdict},
        store,
    },
    error::Result,
    ids::CallId,
};

/// Tells the call of a request what happened, in one transaction; `None`: nobody knows the call, the request is stored.
pub(super) async fn tell(app: &App, posted: &Posted, heard: Heard, events: &[Event]) -> Result<Option<Kept>, Refused> {
    let span = info_span!("webhook", source = heard.source.as_str(), call = tracing::field::Empty);
    tell_inside(app, posted, heard, events).instrument(span).await
}

async fn tell_inside(app: &App, posted: &Posted, mut heard: Heard, events: &[Event]) -> Result<Option<Kept>, Refused> {
    let Some(call) = call_of(app, posted, &heard).await? else {
        store_stray(app, &heard).await?;
        return Ok(None);
    };
    tracing::Span::current().record("call", tracing::field::display(call));
    let mut tx = app.db.begin().await?;
    let Some(mut locked) = Locked::lock(&mut tx, call).await? else {
        drop(tx);
        store_stray(app, &heard).await?;
        return Ok(None);
    };
    check(&locked.row, posted)?;
    if is_other_line(&locked.row, &heard) {
        warn!("an event of another line carries this call's address; recorded, not told");
        heard.sid = None;
    } else {
        for event in events {
            locked.learn(event, heard.at);
        }
    }
    let kept = locked.keep(&mut tx, &heard).await?;
    tx.commit().await?;
    if kept.verdict != Verdict::Duplicate {
        app.outbox.ring();
    }
    count(heard.source, verdict_name(kept.verdict));
    Ok(Some(kept))
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
        Some(named) if !row.token.matches(named.token) => {
            warn!("a signed webhook without the call's token");
            Err(Refused::Forbidden)
        }
        _ => Ok(()),
    }
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
