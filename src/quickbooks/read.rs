//! Reading: everything once, page by page, and from then on what has changed. What is read is kept as it is
//! ([`store::objects`]) before any of it is taken in, so that a crash loses nothing and a repetition changes nothing.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{
    object::{self, Kind},
    session::Session,
    store::{
        connection, objects,
        writes::{self, Seen},
    },
    trouble::{Asked, Trouble},
};

/// Objects in a page; the most that are given.
pub const PAGE: usize = 1000;

/// Pages read in a step.
const PAGES: usize = 10;

/// Changes are kept for 30 days there; a day before that everything is read anew.
pub const KEPT: TimeDelta = TimeDelta::days(29);

/// Changes are asked for from a little before the last time: clocks differ, and what is read twice changes nothing.
const OVERLAP: TimeDelta = TimeDelta::minutes(10);

/// How far reading everything has come.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Progress {
    /// When it began: changes since then are read afterwards.
    pub began: DateTime<Utc>,
    /// What is being read.
    pub kind: Kind,
    /// From which place on.
    pub position: usize,
}

/// Reads on; true: to the end.
///
/// # Errors
/// The trouble. What was read before stays.
pub async fn step(session: &mut Session<'_>) -> Asked<bool> {
    let now = session.link.clock.now();
    let (cursor, progress) = {
        let mut conn = session.link.db.acquire().await?;
        connection::progress(&mut conn, &session.realm).await?
    };
    match (cursor, progress) {
        (_, Some(progress)) => everything(session, progress).await,
        (Some(cursor), None) if now - cursor < KEPT => changes(session, cursor).await,
        _ => everything(session, Progress { began: now, kind: Kind::Customer, position: 1 }).await,
    }
}

async fn everything(session: &mut Session<'_>, mut progress: Progress) -> Asked<bool> {
    for _ in 0..PAGES {
        let Some(next) = page(session, &progress).await? else { return Ok(true) };
        progress = next;
    }
    Ok(false)
}

/// Reads a page; gives where the next one begins, or `None` after the last.
async fn page(session: &mut Session<'_>, at: &Progress) -> Asked<Option<Progress>> {
    // Those that are not active owe all the same.
    let also = if at.kind == Kind::Customer { " WHERE Active IN (true, false)" } else { "" };
    let (kind, position) = (at.kind.as_str(), at.position);
    let query = format!("SELECT * FROM {kind}{also} ORDERBY Id STARTPOSITION {position} MAXRESULTS {PAGE}");
    let text = session.get("query", vec![("query", query)]).await?;
    let answered = object::read(&text).map_err(Trouble::odd)?;
    let full = answered.most >= PAGE;
    let there = if full { 0 } else { count(session, at.kind, also).await? };
    let next = match Kind::ALL.iter().position(|kind| *kind == at.kind).and_then(|nth| Kind::ALL.get(nth + 1)) {
        _ if full => Some(Progress { position: at.position + answered.most, ..at.clone() }),
        Some(kind) => Some(Progress { kind: *kind, position: 1, ..at.clone() }),
        None => None,
    };
    let link = session.link;
    let (today, now) = (link.clock.business_date(), link.clock.now());
    let mut tx = link.db.begin().await?;
    objects::keep(&mut tx, &session.realm, &answered.objects, today, now).await?;
    writes::seen(&mut tx, &session.realm, &Seen::of(&answered), now).await?;
    let whole = full || objects::only_met(&mut tx, (&session.realm, at.kind), there, at.began, today).await?;
    let next = if whole { next } else { Some(Progress { began: now, kind: Kind::Customer, position: 1 }) };
    connection::set_progress(&mut tx, &session.realm, next.as_ref(), at.began).await?;
    tx.commit().await?;
    if whole { Ok(next) } else { Err(Trouble::odd("the list changed while it was read: it is read again")) }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Counted {
    query_response: Total,
}

#[derive(Deserialize)]
struct Total {
    #[serde(rename = "totalCount", default)]
    total: i64,
}

/// How many there are: while pages are read one may move before the place that is read next.
async fn count(session: &mut Session<'_>, kind: Kind, also: &str) -> Asked<i64> {
    let query = format!("SELECT COUNT(*) FROM {}{also}", kind.as_str());
    let text = session.get("query", vec![("query", query)]).await?;
    let counted: Counted = serde_json::from_str(&text).map_err(|_| Trouble::odd("a count that is none"))?;
    Ok(counted.query_response.total)
}

async fn changes(session: &mut Session<'_>, cursor: DateTime<Utc>) -> Asked<bool> {
    let entities = Kind::ALL.map(Kind::as_str).join(",");
    let since = (cursor - OVERLAP).to_rfc3339_opts(SecondsFormat::Secs, true);
    let asked_at = session.link.clock.now();
    let text = session.get("cdc", vec![("entities", entities), ("changedSince", since)]).await?;
    let answered = object::read(&text).map_err(Trouble::odd)?;
    let link = session.link;
    let (today, now) = (link.clock.business_date(), link.clock.now());
    let mut tx = link.db.begin().await?;
    if answered.objects.len() + answered.deleted.len() >= PAGE {
        // There may be more, and nothing says which: everything is read.
        let progress = Progress { began: asked_at, kind: Kind::Customer, position: 1 };
        connection::set_progress(&mut tx, &session.realm, Some(&progress), asked_at).await?;
        tx.commit().await?;
        return Ok(false);
    }
    objects::keep(&mut tx, &session.realm, &answered.objects, today, now).await?;
    objects::delete(&mut tx, &session.realm, &answered.deleted, today, now).await?;
    writes::seen(&mut tx, &session.realm, &Seen::of(&answered), now).await?;
    connection::set_progress(&mut tx, &session.realm, None, asked_at).await?;
    tx.commit().await?;
    Ok(true)
}
