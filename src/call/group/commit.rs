//! One transaction for many events, or for one.

use std::collections::{HashMap, HashSet};

use sqlx::{Connection as _, PgConnection};

use super::{
    Answer, Told, Waiting,
    store::{self, CallChange, EventRow, Written},
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
    error::Result,
    ids::CallId,
    outbox::{self, Effect},
};

/// Tells one call in a transaction of its own, and waits for its row where it must.
pub(super) async fn alone(app: &App, told: &Told) -> Result<Answer> {
    app.recent.forget(told.call);
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

/// Tells all of them in one transaction, on a connection of [`App::by_keys`]; `None`: to be told alone.
///
/// At most two exchanges with Postgres: calls that this node does not know are read, without a lock; all are written, if
/// nobody has changed them meanwhile. Their rows are locked in the order of their ids; agents and accounts after them.
pub(super) async fn together(app: &App, conn: &mut PgConnection, waiting: &[Waiting]) -> Result<Vec<Option<Answer>>> {
    let mut group = Group::of(read(app, conn, waiting).await?);
    let mut answers: Vec<Option<Answer>> =
        waiting.iter().map(|one| one.span.in_scope(|| group.tell(&one.told))).collect();
    let calls = group.heard();
    if calls.is_empty() {
        return Ok(answers);
    }
    let events: Vec<EventRow<'_>> = waiting.iter().zip(&answers).filter_map(event).collect();
    let written = write(app, conn, &calls, &events).await?;
    for (one, answer) in waiting.iter().zip(&mut answers) {
        *answer = answer.filter(|answer| *answer == Answer::WrongToken || written.calls.contains_key(&one.told.call));
        if *answer != Some(Answer::WrongToken) && !written.events.contains(&one.told.heard.dedupe_key) {
            *answer = answer.map(|_| Answer::Kept(Verdict::Duplicate));
        }
    }
    remember(app, &calls, &written);
    give_hints(app, &calls, &written);
    if calls.iter().any(|call| call.leads_to_more()) {
        app.outbox.ring();
    }
    Ok(answers)
}

/// The calls as this node knows them; those it does not know are read.
async fn read(app: &App, conn: &mut PgConnection, waiting: &[Waiting]) -> Result<Vec<Row>> {
    let (mut rows, mut unknown) = (Vec::with_capacity(waiting.len()), Vec::new());
    for one in waiting {
        match app.recent.get(one.told.call) {
            Some(row) => rows.push(row),
            None => unknown.push(one.told.call),
        }
    }
    if !unknown.is_empty() {
        rows.extend(call::store::many(conn, &unknown).await?);
    }
    Ok(rows)
}

/// What is known of the calls now.
fn remember(app: &App, calls: &[&Member], written: &Written) {
    for call in calls {
        let row = &call.locked.row;
        match written.calls.get(&row.id) {
            Some(version) => app.recent.put(Row { version: *version, ..row.clone() }),
            None => app.recent.forget(row.id),
        }
    }
}

/// What is not worth a row of the outbox.
fn give_hints(app: &App, calls: &[&Member], written: &Written) {
    let (mut changed, mut ringing) = (Vec::new(), Vec::new());
    for call in calls.iter().filter(|call| written.calls.contains_key(&call.locked.row.id)) {
        for effect in call.locked.outside().iter().filter(|effect| call.is_hint(effect)) {
            match effect {
                Effect::PreparePop { call } => ringing.push(*call),
                _ => changed.push(call.locked.row.id),
            }
        }
    }
    app.hints.give(changed.into_iter(), ringing.into_iter());
}

/// One statement; what follows from it, where a call has ended or has to be ended, is in the same transaction.
async fn write(app: &App, conn: &mut PgConnection, calls: &[&Member], events: &[EventRow<'_>]) -> Result<Written> {
    let changes: Vec<CallChange<'_>> = calls.iter().map(|call| call.change()).collect();
    if !calls.iter().any(|call| call.leads_to_more()) {
        return store::write(conn, &changes, events).await;
    }
    let mut tx = conn.begin().await?;
    let written = store::write(&mut tx, &changes, events).await?;
    let calls = || calls.iter().filter(|call| written.calls.contains_key(&call.locked.row.id));
    let effects: Vec<Effect> = calls().flat_map(|call| call.effects()).collect();
    outbox::enqueue(&mut tx, &effects, app.clock.now()).await?;
    let unseen: Vec<Unseen> = calls().filter_map(|call| call.unseen()).collect();
    disposition::automatic::record(&mut tx, &unseen).await?;
    tx.commit().await?;
    Ok(written)
}

fn event<'a>((one, answer): (&'a Waiting, &Option<Answer>)) -> Option<EventRow<'a>> {
    match answer {
        Some(Answer::Kept(verdict)) if *verdict != Verdict::Duplicate => {
            Some(EventRow { call: one.told.call, heard: &one.told.heard, verdict: verdict.as_str() })
        }
        _ => None,
    }
}

/// The calls of a group, as they were read.
struct Group {
    calls: HashMap<CallId, Member>,
    /// Keys of the events that were told. One that was stored by an earlier transaction is told again: a call learns
    /// nothing from it, and it is not stored twice.
    told: HashSet<String>,
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
    fn of(rows: Vec<Row>) -> Self {
        Self { calls: rows.into_iter().map(|row| (row.id, Member::of(row))).collect(), told: HashSet::new() }
    }

    /// The calls that heard something, by id.
    fn heard(&self) -> Vec<&Member> {
        let mut heard: Vec<&Member> = self.calls.values().filter(|call| call.heard).collect();
        heard.sort_by_key(|call| call.locked.row.id);
        heard
    }

    fn tell(&mut self, told: &Told) -> Option<Answer> {
        let member = self.calls.get_mut(&told.call).filter(|member| !member.left)?;
        if !told.may_speak(&member.locked.row) {
            return Some(Answer::WrongToken);
        }
        if self.told.contains(&told.heard.dedupe_key) {
            return Some(Answer::Kept(Verdict::Duplicate));
        }
        let verdict = member.tell(told)?;
        self.told.insert(told.heard.dedupe_key.clone());
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

    /// Something is written besides the call and its events.
    fn leads_to_more(&self) -> bool {
        self.unseen().is_some() || self.effects().next().is_some()
    }

    /// What goes through the outbox.
    fn effects(&self) -> impl Iterator<Item = Effect> {
        self.locked.outside().into_iter().filter(|effect| !self.is_hint(effect))
    }

    /// Nobody waits for it: a call without an agent is on the board alone, and its pop is built by the answer otherwise.
    fn is_hint(&self, effect: &Effect) -> bool {
        let alone = self.locked.row.facts.agent.is_none();
        alone && matches!(effect, Effect::CallChanged { .. } | Effect::PreparePop { .. })
    }

    fn unseen(&self) -> Option<Unseen> {
        let outcome = self.locked.disposes()?;
        Some(Unseen { call: self.locked.row.id, outcome, at: self.heard_at })
    }

    fn change(&self) -> CallChange<'_> {
        let row = &self.locked.row;
        CallChange {
            call: row.id,
            version: row.version,
            facts: self.locked.learnt(),
            sid: row.sid.as_deref(),
            heard_at: self.heard_at,
        }
    }
}
