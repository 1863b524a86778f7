//! Writing: payments recorded here are written there, changed when they are applied otherwise, and taken back. What is asked is
//! noted before it is asked, and carries an id that makes the same request twice have one effect; what was written is read back
//! before it counts. Whatever does not agree is left to a person.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::PgConnection;

use super::{
    object::{self, mark},
    payment::{self, Balance, Face, Found, Known, Next, Writing},
    session::Session,
    store::{
        candidates::{self, Candidate, Which},
        writes::{self, Due, Standing, State},
    },
    trouble::{Asked, Trouble},
};
use crate::{
    error::{Error, Result},
    import::Objects,
    money::Currency,
};

/// Payments in a step.
const MOST: i64 = 50;

/// Rounds for one payment: each time somebody else changed it there in between.
const ROUNDS: usize = 3;

/// A transaction that records a payment lasts no longer than that.
const LATE: TimeDelta = TimeDelta::minutes(10);

/// What was asked and has not been answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// What it will be.
    pub face: Face,
    /// What was left of its invoices, minor units by their id there.
    pub before: BTreeMap<String, i64>,
    /// Word for word.
    pub body: String,
}

/// What came of a payment.
enum Outcome {
    Same,
    Ask(String),
}

/// Writes what waits; true: to the end.
///
/// # Errors
/// The trouble. What was written before stays.
pub async fn step(session: &mut Session<'_>) -> Asked<bool> {
    look_through(session).await?;
    let due = {
        let mut conn = session.link.db.acquire().await?;
        writes::due(&mut conn, &session.realm, MOST).await?
    };
    for one in &due {
        carry_out(session, one).await?;
    }
    Ok(i64::try_from(due.len()).unwrap_or(MOST) < MOST)
}

/// Finds payments that are not there as they are here.
async fn look_through(session: &Session<'_>) -> Result<()> {
    let (link, realm) = (session.link, session.realm.as_str());
    let now = link.clock.now();
    let mut tx = link.db.begin().await?;
    let Some(since) = candidates::looked_at(&mut tx, realm).await? else { return Ok(()) };
    for candidate in candidates::candidates(&mut tx, realm, Which::Since(since - LATE)).await? {
        want(&mut tx, realm, &candidate, now).await?;
    }
    candidates::set_looked_at(&mut tx, realm, now).await?;
    Ok(tx.commit().await?)
}

/// Notes how a payment is to be there; one that was taken back before it was written is not.
pub(super) async fn want(
    conn: &mut PgConnection,
    realm: &str,
    candidate: &Candidate,
    now: DateTime<Utc>,
) -> Result<()> {
    if candidate.reversed && !writes::is_known(conn, candidate.payment).await? {
        return Ok(());
    }
    let objection = unknown(candidate);
    let state = if objection.is_some() { State::Conflict } else { State::Waiting };
    writes::want(conn, realm, candidate, state, &objection.unwrap_or_default(), now).await
}

/// Why a payment cannot be written at all: it pays invoices that are not there.
pub(super) fn unknown(candidate: &Candidate) -> Option<String> {
    let there_is_one = !candidate.unknown.is_empty() && !candidate.reversed;
    there_is_one.then(|| format!("it pays what is not there: invoice {}", candidate.unknown.join(", ")))
}

async fn carry_out(session: &mut Session<'_>, due: &Due) -> Asked<()> {
    let mut known = Known { last: due.there.clone(), found: None };
    let outcome = match bring_about(session, due, &mut known).await {
        Ok(outcome) => outcome,
        // What was refused was not done.
        Err(trouble @ Trouble::Fault { .. }) => Outcome::Ask(trouble.to_string()),
        Err(other) => return Err(other),
    };
    let (state, reason) = match outcome {
        Outcome::Same => (State::Same, String::new()),
        Outcome::Ask(reason) => (State::Conflict, reason),
    };
    tracing::info!(write = %due.id, state = state.as_str(), reason, "payment for QuickBooks");
    let found = known.found.as_ref();
    let standing = Standing {
        qbo_id: found.map(|found| found.id.as_str()),
        sync_token: found.map(|found| found.sync_token.as_str()),
        there: found.map(|found| &found.face),
    };
    let link = session.link;
    Ok(writes::answered(&mut *link.db.acquire().await?, due.id, state, &reason, &standing, link.clock.now()).await?)
}

/// Has the payment be there as it is here.
async fn bring_about(session: &mut Session<'_>, due: &Due, known: &mut Known) -> Asked<Outcome> {
    let mut sent = due.sent.clone();
    known.found = match (&due.qbo_id, &due.sync_token, &due.there) {
        // As both sides last agreed: if it is not so any more, the change is refused as stale.
        (Some(id), Some(token), Some(face)) if sent.is_none() => {
            Some(Found { id: id.clone(), sync_token: token.clone(), face: face.clone() })
        }
        (Some(id), ..) => read_back(session, id, due.currency).await?,
        (None, ..) if sent.is_some() || due.request > 0 => find(session, due).await?,
        (None, ..) => None,
    };
    for _ in 0..ROUNDS {
        match payment::next(&due.wanted, known, due.currency) {
            Next::Ask(reason) => return Ok(Outcome::Ask(reason)),
            Next::Nothing => return verify(session, due, known, sent.as_ref()).await,
            Next::Create | Next::Change | Next::Void => {}
        }
        let asked = match sent.take().filter(|_| known.found.is_none()) {
            // The very same again: it may have been done.
            Some(sent) => sent,
            None => match prepare(session, due, known).await? {
                Ok(sent) => sent,
                Err(objection) => return Ok(Outcome::Ask(objection)),
            },
        };
        let old = known.found.as_ref().map(|found| found.face.clone());
        match post(session, due, known.found.as_ref(), &asked).await {
            Ok(id) => {
                known.found = read_back(session, &id, due.currency).await?;
                known.last.clone_from(&old);
                let outcome = check(session, due, known, &asked, old.as_ref()).await?;
                if matches!(outcome, Outcome::Ask(_)) || asked.face.agrees(&due.wanted) {
                    return Ok(outcome);
                }
                // What was sent long ago is not what is wanted by now.
                known.last = known.found.as_ref().map(|found| found.face.clone());
            }
            Err(trouble) if trouble.is_stale() => {
                let Some(id) = known.found.as_ref().map(|found| found.id.clone()) else { return Err(trouble) };
                known.found = read_back(session, &id, due.currency).await?;
                known.last = known.last.take().or(old);
            }
            Err(trouble) => return Err(trouble),
        }
    }
    Ok(Outcome::Ask("it is changed there again and again".to_owned()))
}

/// What is asked, unless an invoice cannot take it.
async fn prepare(session: &mut Session<'_>, due: &Due, known: &Known) -> Asked<Result<Sent, String>> {
    let old = known.found.as_ref().map(|found| &found.face);
    let balances = balances(session, due, &due.wanted, old).await?;
    if let Some(objection) = payment::objection(&due.wanted, old, &due.customer, &balances, due.currency) {
        return Ok(Err(objection));
    }
    let writing = Writing {
        face: &due.wanted,
        customer: &due.customer,
        currency: due.currency,
        reference: &due.reference,
        mark: mark(due.id),
    };
    let body = payment::body(&writing, known.found.as_ref()).map_err(Error::internal("writing a payment"))?;
    let before = balances.into_iter().map(|(id, balance)| (id, balance.minor)).collect();
    Ok(Ok(Sent { face: due.wanted.clone(), before, body }))
}

/// Asks for it; gives its id there.
async fn post(session: &mut Session<'_>, due: &Due, there: Option<&Found>, asked: &Sent) -> Asked<String> {
    let link = session.link;
    writes::sending(&mut *link.db.acquire().await?, due.id, asked, link.clock.now()).await?;
    let mut query = Vec::new();
    if there.is_some() && asked.face.total == 0 {
        query = vec![("operation", "update".to_owned()), ("include", "void".to_owned())];
    }
    // A change is known by the version that it changes.
    let version = there.map_or_else(String::new, |found| format!("-{}", found.sync_token));
    let request = format!("{}-{}{version}", due.id.simple(), due.request);
    let answer = session.post("payment", query, &request, asked.body.clone()).await?;
    let found = payments(&answer, due.currency)?.into_iter().next();
    found.map(|found| found.id).ok_or_else(|| Trouble::odd("a payment was written, and none came back"))
}

async fn check(
    session: &mut Session<'_>,
    due: &Due,
    known: &Known,
    asked: &Sent,
    old: Option<&Face>,
) -> Asked<Outcome> {
    let after = balances(session, due, &asked.face, old).await?;
    let verdict = payment::verify(&asked.face, old, &asked.before, known.found.as_ref(), &after, due.currency);
    Ok(verdict.map_or_else(Outcome::Ask, |()| Outcome::Same))
}

/// Both sides say the same. If an answer was lost, or somebody decided, it is seen now whether it counts.
async fn verify(session: &mut Session<'_>, due: &Due, known: &Known, sent: Option<&Sent>) -> Asked<Outcome> {
    let nothing = Sent { face: due.wanted.clone(), before: BTreeMap::new(), body: String::new() };
    let sent = sent.filter(|sent| sent.face.agrees(&due.wanted)).unwrap_or(&nothing);
    if known.found.is_none() {
        return Ok(Outcome::Same);
    }
    check(session, due, known, sent, due.there.as_ref()).await
}

/// The payment as it is there now.
async fn read_back(session: &mut Session<'_>, id: &str, currency: Currency) -> Asked<Option<Found>> {
    match session.get(&format!("payment/{id}"), Vec::new()).await {
        Ok(text) => Ok(payments(&text, currency)?.into_iter().next()),
        Err(trouble) if trouble.is_not_found() => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

/// A payment of ours whose id is not known, by its mark.
async fn find(session: &mut Session<'_>, due: &Due) -> Asked<Option<Found>> {
    let on = due.sent.as_ref().map_or(due.wanted.on, |sent| sent.face.on);
    let query = format!("SELECT * FROM Payment WHERE TxnDate = '{on}' MAXRESULTS 1000");
    let text = session.get("query", vec![("query", query)]).await?;
    let answered = object::read(&text).map_err(Trouble::odd)?;
    let ours = answered.objects.into_iter().find(|object| object.mark == Some(due.id));
    ours.map(|object| payment::found(&object.body, due.currency).map_err(Trouble::odd)).transpose()
}

/// What is left of the invoices that a payment pays, or paid.
async fn balances(
    session: &mut Session<'_>,
    due: &Due,
    face: &Face,
    old: Option<&Face>,
) -> Asked<BTreeMap<String, Balance>> {
    let mut ids: Vec<&str> =
        face.lines.keys().chain(old.into_iter().flat_map(|old| old.lines.keys())).map(String::as_str).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut balances = BTreeMap::new();
    for some in ids.chunks(100) {
        let list = some.join("','");
        let query = format!("SELECT * FROM Invoice WHERE Id IN ('{list}') MAXRESULTS 1000");
        let text = session.get("query", vec![("query", query)]).await?;
        let objects = Objects::of(&text).map_err(Trouble::odd)?;
        for invoice in objects.texts("Invoice") {
            let (id, balance) = payment::balance(invoice.get(), due.currency).map_err(Trouble::odd)?;
            balances.insert(id, balance);
        }
    }
    Ok(balances)
}

fn payments(text: &str, currency: Currency) -> Asked<Vec<Found>> {
    let objects = Objects::of(text).map_err(Trouble::odd)?;
    let read = |text: &&RawValue| payment::found(text.get(), currency).map_err(Trouble::odd);
    objects.texts("Payment").iter().map(read).collect()
}
