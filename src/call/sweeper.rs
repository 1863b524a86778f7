//! Looks after calls of which nothing is heard any more. Webhooks get lost, and so do answers to requests to dial.
//!
//! - A line that is silent for longer than its state allows is asked about at the carrier, and the call told.
//! - A dial whose outcome nobody knows is looked for by its numbers and adopted; it is never dialled again.
//! - A debtor who waits for an agent longer than the limit, because the carrier never asked again, hears the message.
//! - A line whose agent is not on the call any more has lost its agent.
//! - An account that is shown and not decided on goes back, at once if the agent's desk is gone; who is there and decides
//!   nothing is paused.
//!
//! Every node sweeps: asking twice does no harm.

mod store;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use tracing::{info, warn};

use super::{
    End, EndStatus, Event,
    apply::{self, Heard, Source},
    effects,
    observed::{event_of, moment},
    store::{Row, get},
};
use crate::{
    agent::{self, presence, vanished},
    app::App,
    carrier::{self, Party, Sid, client::Found},
    error::{Error, Result},
    ids::CallId,
    lifecycle::Lifecycle,
    worker,
};

/// How often it looks.
pub const PERIOD: Duration = Duration::from_secs(5);

/// Calls of one kind looked after in one step.
const BATCH: i64 = 50;

/// How long after the request the line of an unknown dial is looked for: the carrier lists it after a moment.
const LIST_AFTER: TimeDelta = TimeDelta::seconds(20);

/// How long after the request an unknown dial is given up: whatever was placed has stopped ringing and been reported.
const GIVE_UP_AFTER: TimeDelta = TimeDelta::minutes(5);

/// How much longer than the limit a debtor may wait before the carrier is taken to have forgotten to ask.
const HOLD_GRACE: TimeDelta = TimeDelta::seconds(3);

/// How long an agent may look at an account before deciding to dial it.
const PREVIEW_LIMIT: TimeDelta = TimeDelta::minutes(10);

/// Starts the loop; it ends with the workers.
pub fn spawn(app: &App, lifecycle: &Lifecycle) {
    let app = app.clone();
    worker::spawn(lifecycle, "call sweeper", PERIOD, Arc::default(), move || {
        let app = app.clone();
        async move { step(&app).await }
    });
}

/// One look at everything.
///
/// # Errors
/// Those of Postgres. What fails for one call is logged, and tried again in the next step.
pub async fn step(app: &App) -> Result<()> {
    let now = app.clock.now();
    for call in store::lost_agents(&app.db, BATCH).await? {
        each(call, lose_agent(app, call).await);
    }
    for call in store::waiting_too_long(&app.db, now - HOLD_GRACE, BATCH).await? {
        each(call, end_waiting(app, call).await);
    }
    for call in store::unknown(&app.db, now - LIST_AFTER, BATCH).await? {
        each(call, look_for(app, call).await);
    }
    let alone = now - vanished::SOCKET_TOLERANCE;
    for shown in store::undecided(&app.db, now - PREVIEW_LIMIT, alone, BATCH).await? {
        each(shown.call, take_back(app, &shown).await);
    }
    for call in store::silent(&app.db, now, BATCH).await? {
        each(call, ask_about(app, call).await);
    }
    Ok(())
}

fn each(call: CallId, result: Result<()>) {
    if let Err(error) = result {
        warn!(%call, error = &error as &dyn std::error::Error, "a silent call could not be looked after");
    }
}

/// Asks the carrier where a line stands, and tells the call.
///
/// # Errors
/// Those of the carrier and Postgres.
pub async fn ask(app: &App, row: &Row) -> Result<()> {
    let line = effects::line(row)?;
    match app.carrier.fetch_call(&line).await {
        Ok(record) => hear(app, row, &line, record.status, record.ended_at).await,
        Err(carrier::Error::NotFound) => hear(app, row, &line, carrier::Status::Failed, None).await,
        Err(error) => Err(error.into()),
    }
}

async fn hear(
    app: &App,
    row: &Row,
    line: &Sid,
    status: carrier::Status,
    ended_at: Option<DateTime<Utc>>,
) -> Result<()> {
    let now = app.clock.now();
    store::touch(&app.db, row.id, now).await?;
    let Some(event) = event_of(status, moment(ended_at, now)) else { return Ok(()) };
    let heard = Heard {
        sid: Some(line.as_str().to_owned()),
        ..Heard::own(Source::Sweeper, row.id, &format!("carrier says {status:?}"), now)
    };
    let verdict = apply::tell(app, row.id, heard, event).await?;
    if verdict == apply::Verdict::Applied {
        info!(call = %row.id, ?status, "the carrier told us what its webhook had not");
    }
    if row.facts.wants_hangup() && status == carrier::Status::InProgress {
        app.carrier.update_call(line, &carrier::CallUpdate::Complete).await?;
    }
    Ok(())
}

async fn ask_about(app: &App, call: CallId) -> Result<()> {
    let row = read(app, call).await?;
    ask(app, &row).await
}

/// A dial of which nobody knows whether it was placed.
async fn look_for(app: &App, call: CallId) -> Result<()> {
    let row = read(app, call).await?;
    let known = store::lines_to(&app.db, &row.their_number, row.created_at - GIVE_UP_AFTER).await?;
    let known: Vec<Sid> = known.iter().filter_map(|sid| sid.parse().ok()).collect();
    let (Some(to), Some(from)) = (Party::read(&row.their_number), Party::read(&row.our_number)) else { return Ok(()) };
    match app.carrier.find_unknown(&to, &from, row.created_at, &known).await? {
        Found::One(record) => {
            info!(%call, "found the line of a dial whose answer was lost");
            let heard = Heard {
                sid: Some(record.sid.as_str().to_owned()),
                ..Heard::own(Source::Sweeper, call, "found", app.clock.now())
            };
            apply::tell(app, call, heard, Event::CreateAccepted).await?;
            hear(app, &row, &record.sid, record.status, record.ended_at).await
        }
        Found::None | Found::Several if app.clock.now() - row.created_at > GIVE_UP_AFTER => give_up(app, call).await,
        Found::None | Found::Several => Ok(()),
    }
}

/// Counts as an attempt all the same: it may have rung.
async fn give_up(app: &App, call: CallId) -> Result<()> {
    warn!(%call, "no trace of a dial whose answer was lost; given up");
    let now = app.clock.now();
    let heard = Heard::own(Source::Sweeper, call, "given up", now);
    apply::tell(app, call, heard, Event::Ended(End { at: now, status: EndStatus::Failed })).await.map(drop)
}

/// The carrier never asked what to do when the waiting was over: the line is ended with the message.
async fn end_waiting(app: &App, call: CallId) -> Result<()> {
    let now = app.clock.now();
    apply::tell(app, call, Heard::own(Source::Sweeper, call, "waited too long", now), Event::HoldExpired).await?;
    apply::tell(app, call, Heard::own(Source::Sweeper, call, "end waiting", now), Event::EndAsked).await.map(drop)
}

/// The agent who was shown it takes no other one until they say so.
async fn take_back(app: &App, shown: &store::Shown) -> Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let heard = Heard::own(Source::Sweeper, shown.call, "not decided on", now);
    apply::tell_in(&mut tx, shown.call, &heard, &Event::EndAsked).await?;
    let pause = presence::Event::PauseAsked("did not decide on an account".to_owned());
    agent::change(&mut tx, shown.agent, pause, now, None).await?;
    tx.commit().await?;
    app.outbox.ring();
    info!(call = %shown.call, "an account that was shown and not decided on goes back");
    Ok(())
}

async fn lose_agent(app: &App, call: CallId) -> Result<()> {
    let heard = Heard::own(Source::Sweeper, call, "agent lost", app.clock.now());
    apply::tell(app, call, heard, Event::AgentLost).await.map(drop)
}

async fn read(app: &App, call: CallId) -> Result<Row> {
    get(&app.db, call).await?.ok_or(Error::NotFound("call"))
}
