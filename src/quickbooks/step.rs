//! The loop: write, read, take in. Writing comes first, so that what is read afterwards is known to be ours where it is.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;

use super::{Link, read, session::Session, store::connection, take_in, trouble::Trouble, write};
use crate::{app::App, error::Result, lifecycle::Lifecycle, worker};

/// How often it is looked whether the connection is to be worked at.
const PERIOD: Duration = Duration::from_secs(15);

/// The longest rest after failures.
const LONGEST: TimeDelta = TimeDelta::minutes(30);

/// What a step has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// Nothing was to be done: nothing is connected, it is not time yet, or another node works at it.
    Nothing,
    /// There is more to do.
    Some,
    /// Both sides agree, but for what people have to decide about.
    All,
    /// It failed; the connection says why, and when it is tried again.
    Failed,
}

/// Starts the loop, where an app is configured.
pub fn spawn(app: &App, lifecycle: &Lifecycle) {
    if app.quickbooks.credentials().is_err() {
        return;
    }
    let link = Link::of(app);
    let wake = Arc::clone(link.client.wake());
    worker::spawn(lifecycle, "quickbooks", PERIOD, wake, move || {
        let link = link.clone();
        async move {
            if step(&link).await? == Done::Some {
                // The next step begins at once.
                link.client.wake().notify_one();
            }
            Ok(())
        }
    });
}

/// Works at the connection if it is time: some minutes at most.
///
/// # Errors
/// Those of Postgres. What fails there is noted with the connection.
pub async fn step(link: &Link) -> Result<Done> {
    let now = link.clock.now();
    if !connection::is_due(&mut *link.db.acquire().await?, now).await? {
        return Ok(Done::Nothing);
    }
    let Some(mut session) = Session::open(link).await? else { return Ok(Done::Nothing) };
    let worked = work(&mut session).await;
    let done = note(&session, worked).await?;
    session.close().await?;
    Ok(done)
}

/// True: to the end.
async fn work(session: &mut Session<'_>) -> Result<bool, Trouble> {
    let written = session.link.client.config().read_only || write::step(session).await?;
    let read = read::step(session).await?;
    // Of a company that is not read to the end nobody knows which payment belongs to which invoice.
    let taken = read && take_in::step(session.link, &session.realm, &session.portfolio).await?;
    Ok(written && read && taken)
}

async fn note(session: &Session<'_>, worked: Result<bool, Trouble>) -> Result<Done> {
    let (link, realm) = (session.link, session.realm.as_str());
    let now = link.clock.now();
    let mut conn = link.db.acquire().await?;
    let trouble = match worked {
        Ok(whole) => {
            let wait = TimeDelta::minutes(i64::from(link.client.config().minutes));
            connection::succeeded(&mut conn, realm, whole, if whole { now + wait } else { now }, now).await?;
            return Ok(if whole { Done::All } else { Done::Some });
        }
        Err(Trouble::TakenOver) => return Ok(Done::Nothing),
        Err(trouble) => trouble,
    };
    tracing::warn!(%trouble, "QuickBooks");
    let broken = matches!(trouble, Trouble::NotGranted);
    let failures = connection::failed(&mut conn, realm, &trouble.to_string(), broken, now).await?;
    let wait = match trouble {
        Trouble::Throttled(rest) => TimeDelta::from_std(rest).unwrap_or(LONGEST),
        _ => TimeDelta::minutes(1_i64 << failures.clamp(1, 6).saturating_sub(1)).min(LONGEST),
    };
    connection::later(&mut conn, realm, now + wait).await?;
    Ok(Done::Failed)
}
