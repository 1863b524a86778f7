//! One transaction for many events, or for one.

use std::collections::{HashMap, HashSet};

use super::{
    Answer, Told, Waiting,
    store::{self, CallChange, EventRow},
};
use crate::{
    app::App,
    call::{
        self,
        apply::{Locked, Verdict},
        heard::Heard,
        store::Row,
    },
    disposition::{self, automatic::Unseen},
    error::{Error, Result},
    ids::CallId,
};

/// Tells one call in a transaction of its own, and waits for its row where it must.
pub(super) async fn alone(app: &App, told: &Told) -> Result<Answer> {
    let mut tx = app.db.begin().await?;
    let Some(mut call) = Locked::lock(&mut tx, told.call).await? else {
        call::store::store_event(&mut tx, None, &told.heard, "no_call").await?;
        tx.commit().await?;
        return Ok(Answer::NoCall);
    };
    if !told.may_speak(&call.row) {
        return Ok(Answer::WrongToken);
    }
    let its_own = told.teach(&mut call);
    let heard = Heard { sid: told.heard.sid.clone().filter(|_| its_own), ..told.heard.clone() };
    let kept = call.keep(&mut tx, &heard).await?;
    tx.commit().await?;
    if kept.verdict != Verdict::Duplicate {
        app.outbox.ring();
    }
    Ok(Answer::Kept(kept.verdict))
}

/// Tells all of them in one transaction; `None`: to be told alone.
///
/// Lock order: the calls by id, none of them waited for; then their accounts. Agents are not touched.
pub(super) async fn together(app: &App, waiting: &[Waiting]) -> Result<Vec<Option<Answer>>> {
    let mut tx = store::begin(&app.db).await?;
    let ids: Vec<CallId> = waiting.iter().map(|one| one.told.call).collect();
    let rows = call::store::lock_free(&mut tx, &ids).await?;
    let keys: Vec<&str> = waiting.iter().map(|one| one.told.heard.dedupe_key.as_str()).collect();
    let mut group = Group {
        calls: rows.into_iter().map(|row| (row.id, Member::of(row))).collect(),
        stored: store::stored(&mut tx, &keys).await?,
    };
    let answers: Vec<Option<Answer>> = waiting.iter().map(|one| one.span.in_scope(|| group.tell(&one.told))).collect();
    let events: Vec<EventRow<'_>> = waiting.iter().zip(&answers).filter_map(event).collect();
    if events.is_empty() {
        return Ok(answers);
    }
    let mut calls: Vec<&Member> = group.calls.values().filter(|call| call.heard).collect();
    calls.sort_by_key(|call| call.locked.row.id);
    let changes: Vec<CallChange<'_>> = calls.iter().map(|call| call.change()).collect();
    let effects: Vec<_> = calls.iter().flat_map(|call| call.locked.outside()).collect();
    if store::write(&mut tx, &events, &changes, &effects, app.clock.now()).await? != events.len() {
        return Err(Error::Conflict("an event was stored by somebody else meanwhile".to_owned()));
    }
    let unseen: Vec<Unseen> = calls.iter().filter_map(|call| call.unseen()).collect();
    disposition::automatic::record(&mut tx, &unseen).await?;
    tx.commit().await?;
    app.outbox.ring();
    Ok(answers)
}

fn event<'a>((one, answer): (&'a Waiting, &Option<Answer>)) -> Option<EventRow<'a>> {
    match answer {
        Some(Answer::Kept(verdict)) if *verdict != Verdict::Duplicate => {
            Some(EventRow { call: one.told.call, heard: &one.told.heard, verdict: verdict.as_str() })
        }
        _ => None,
    }
}

/// The calls that a transaction has locked.
struct Group {
    calls: HashMap<CallId, Member>,
    /// Keys of events that are stored, or will be by this transaction.
    stored: HashSet<String>,
}

/// A call, and what the group tells it.
struct Member {
    locked: Locked,
    heard_at: chrono::DateTime<chrono::Utc>,
    heard: bool,
    /// One event has to be told alone; so are those that come after it.
    left: bool,
}

impl Group {
    fn tell(&mut self, told: &Told) -> Option<Answer> {
        let member = self.calls.get_mut(&told.call).filter(|member| !member.left)?;
        if !told.may_speak(&member.locked.row) {
            return Some(Answer::WrongToken);
        }
        if self.stored.contains(&told.heard.dedupe_key) {
            return Some(Answer::Kept(Verdict::Duplicate));
        }
        let verdict = member.tell(told)?;
        self.stored.insert(told.heard.dedupe_key.clone());
        Some(Answer::Kept(verdict))
    }
}

impl Member {
    fn of(row: Row) -> Self {
        Self { heard_at: row.created_at, locked: Locked::of(row), heard: false, left: false }
    }

    fn tell(&mut self, told: &Told) -> Option<Verdict> {
        let before = self.locked.clone();
        let its_own = told.teach(&mut self.locked);
        if self.locked.moves_others() {
            self.locked = before;
            self.left = true;
            return None;
        }
        if its_own && self.locked.row.sid.is_none() {
            self.locked.row.sid.clone_from(&told.heard.sid);
        }
        self.heard_at = self.heard_at.max(told.heard.at);
        self.heard = true;
        Some(self.locked.verdict(&before.row.facts))
    }

    fn unseen(&self) -> Option<Unseen> {
        let outcome = self.locked.disposes()?;
        Some(Unseen { call: self.locked.row.id, outcome, at: self.heard_at })
    }

    fn change(&self) -> CallChange<'_> {
        let row = &self.locked.row;
        CallChange { call: row.id, facts: self.locked.learnt(), sid: row.sid.as_deref(), heard_at: self.heard_at }
    }
}
