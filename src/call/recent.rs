//! What this node knows of calls that it has had to do with a moment ago.
//!
//! The carrier speaks of the same call several times within seconds, mostly to the same node. What is concluded from a
//! row of here is written only if the call still has the row's version, and else the call is read: a row that is out of
//! date costs a second try, never a wrong word. The pop that is prepared while a call rings is kept here alone until it
//! is shown: most calls are never answered, and an answer that comes to another node builds it.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::value::RawValue;

use super::store::Row;
use crate::ids::CallId;

/// Calls kept; with their pops some 20 MB.
const AT_MOST: usize = 4_096;

/// The calls of a node.
#[derive(Default)]
pub struct Recent(Mutex<Calls>);

#[derive(Default)]
struct Calls {
    known: HashMap<CallId, Known>,
    /// Oldest first; may name calls that are not kept any more.
    order: VecDeque<CallId>,
}

#[derive(Default)]
struct Known {
    row: Option<Row>,
    pop: Option<Prepared>,
}

/// A screen-pop, as it is written.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// All of it.
    pub whole: Arc<RawValue>,
    /// As much as may be sent before the agent knows who is speaking.
    pub first: Arc<RawValue>,
}

impl Recent {
    /// The call as it was.
    #[must_use]
    pub fn get(&self, call: CallId) -> Option<Row> {
        self.lock().known.get(&call)?.row.clone()
    }

    /// What the call's agent will be shown.
    #[must_use]
    pub fn pop(&self, call: CallId) -> Option<Prepared> {
        self.lock().known.get(&call)?.pop.clone()
    }

    /// The call is like that now; one whose line is over is not spoken of any more.
    pub(super) fn put(&self, row: Row) {
        let (call, mut calls) = (row.id, self.lock());
        if row.facts.line_is_over() {
            calls.known.remove(&call);
        } else {
            calls.of(call).row = Some(row);
        }
    }

    /// What the call's agent will be shown is prepared.
    pub(super) fn put_pop(&self, call: CallId, pop: Prepared) {
        self.lock().of(call).pop = Some(pop);
    }

    /// The call has changed, nobody here knows how.
    pub(super) fn forget(&self, call: CallId) {
        if let Some(known) = self.lock().known.get_mut(&call) {
            known.row = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Calls {
    fn of(&mut self, call: CallId) -> &mut Known {
        if !self.known.contains_key(&call) {
            self.order.push_back(call);
            while self.order.len() > AT_MOST {
                let oldest = self.order.pop_front();
                oldest.and_then(|oldest| self.known.remove(&oldest));
            }
        }
        self.known.entry(call).or_default()
    }
}
