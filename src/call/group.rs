//! Group commit: what the carrier tells at the same time is committed together.
//!
//! A commit costs a flush of the disk and two exchanges with Postgres, whether it holds one event or fifty. Whatever
//! arrives while a commit is under way waits for it to end and then makes the next one, all in one transaction: nobody
//! waits for company, and the busier it is, the less each event costs.
//!
//! Nobody suffers for another: who moves more than the call, whose call was changed by somebody else meanwhile, or who is
//! in a group that fails, is told alone, in a transaction of its own. A request that goes away takes nothing back, and the shutdown waits for what
//! was taken in.

mod commit;
mod store;

use std::sync::{Mutex, MutexGuard, PoisonError};

use sqlx::{Postgres, pool::PoolConnection};
use tokio::sync::oneshot;
use tracing::{Instrument, Span, warn};

use super::{
    Event,
    apply::{Locked, Verdict},
    heard::Heard,
    store::Row,
};
use crate::{
    app::App,
    error::{Error, Result},
    ids::CallId,
};

/// Events committed together at most.
const AT_MOST: usize = 64;

/// Transactions under way at most: while one waits for the disk, the next one is prepared.
const COMMITS: usize = 2;

/// How often what else is ready to run goes first before a group is closed.
const LOOKS_AROUND: usize = 2;

/// What the carrier says about a call.
pub struct Told {
    /// The call.
    pub call: CallId,
    /// The token in the address, where the address named the call: it must be the call's own.
    pub token: Option<String>,
    /// As it came.
    pub heard: Heard,
    /// What it means, in order; empty: it is only recorded.
    pub events: Vec<Event>,
}

/// What a call made of what it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is committed.
    Kept(Verdict),
    /// The address carried another call's token; nothing is stored.
    WrongToken,
    /// Nobody knows the call; the event is stored without one, for a person to look at.
    NoCall,
}

/// What was told and no transaction has taken up yet.
#[derive(Default)]
pub struct Inbox(Mutex<State>);

#[derive(Default)]
struct State {
    waiting: Vec<Waiting>,
    commits: usize,
}

/// Somebody who waits for the commit.
struct Waiting {
    told: Told,
    span: Span,
    reply: oneshot::Sender<Result<Answer>>,
}

/// Tells a call, durably once this returns, together with whatever is told at the same time.
///
/// # Errors
/// Those of Postgres; the event is not stored then.
pub async fn tell(app: &App, told: Told) -> Result<Answer> {
    let (reply, answer) = oneshot::channel();
    if app.told.push(Waiting { told, span: Span::current(), reply }) {
        // Not in the request's task: when the carrier hangs up on it, the others still want their commit.
        app.lifecycle.tasks().spawn(commit_all(app.clone()));
    }
    answer.await.map_err(Error::internal("waiting for a commit"))?
}

async fn commit_all(app: App) {
    let mut turn = Turn { inbox: &app.told, over: false };
    // Kept until nothing waits any more: taking it from the pool and giving it back are exchanges with Postgres too.
    let mut connection = None;
    loop {
        // Requests that are being read at this moment come along.
        for _ in 0..LOOKS_AROUND {
            tokio::task::yield_now().await;
        }
        let Some(waiting) = turn.take() else { break };
        commit(&app, &mut connection, waiting).await;
    }
}

/// Commits together what can be, and leaves the rest to transactions of their own.
async fn commit(app: &App, connection: &mut Option<PoolConnection<Postgres>>, waiting: Vec<Waiting>) {
    let answers = together(app, connection, &waiting).await.unwrap_or_else(|error| {
        *connection = None;
        warn!(error = &error as &dyn std::error::Error, events = waiting.len(), "not committed together: one by one");
        vec![None; waiting.len()]
    });
    for (one, answer) in waiting.into_iter().zip(answers) {
        match answer {
            // Where the request has gone away, nobody listens.
            Some(answer) => drop(one.reply.send(Ok(answer))),
            None => drop(app.lifecycle.tasks().spawn(alone(app.clone(), one))),
        }
    }
}

async fn together(
    app: &App,
    connection: &mut Option<PoolConnection<Postgres>>,
    waiting: &[Waiting],
) -> Result<Vec<Option<Answer>>> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(app.by_keys.acquire().await?),
    };
    commit::together(app, connection, waiting).await
}

async fn alone(app: App, Waiting { told, span, reply }: Waiting) {
    let answer = commit::alone(&app, &told).instrument(span).await;
    drop(reply.send(answer));
}

impl Told {
    fn may_speak(&self, row: &Row) -> bool {
        self.token.as_ref().is_none_or(|token| row.token.matches(token))
    }

    /// Steps the call's machine; false: it is about another line that carries this call's address, and is only recorded.
    fn teach(&self, call: &mut Locked) -> bool {
        if matches!((&call.row.sid, &self.heard.sid), (Some(known), Some(told)) if known != told) {
            warn!("an event of another line carries this call's address; recorded, not told");
            return false;
        }
        for event in &self.events {
            call.learn(event, self.heard.at);
        }
        true
    }
}

impl Inbox {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True: one more task has to commit.
    fn push(&self, one: Waiting) -> bool {
        let mut state = self.state();
        state.waiting.push(one);
        let more = state.commits < COMMITS;
        state.commits += usize::from(more);
        more
    }
}

/// The right of a task to commit; given back when nothing waits any more, or when the task panics.
struct Turn<'a> {
    inbox: &'a Inbox,
    over: bool,
}

impl Turn<'_> {
    fn take(&mut self) -> Option<Vec<Waiting>> {
        let mut state = self.inbox.state();
        if state.waiting.is_empty() {
            // Under the same lock as the look: what comes now finds the place free.
            state.commits -= 1;
            self.over = true;
            return None;
        }
        let many = state.waiting.len().min(AT_MOST);
        Some(state.waiting.drain(..many).collect())
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.inbox.state().commits -= 1;
        }
    }
}
