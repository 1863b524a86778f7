//! 3 · Whether a dial is allowed: hours now, the policy packs later. Pure; fails closed.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, ContactPointId, DecisionId};

/// Proof that a dial was looked at and allowed. Only [`permit`](crate::compliance) makes one, and nothing dials without.
#[derive(Debug)]
pub struct DialPermit {
    pub(crate) decision: DecisionId,
    pub(crate) account: AccountId,
    pub(crate) contact_point: ContactPointId,
}

/// The rule that forbids a dial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Name of the rule, e.g. `calling_hours`.
    pub rule: String,
    /// Where the rule comes from.
    pub cite: String,
    /// When the dial may be tried again; `None`: not before a fact changes.
    pub next_allowed_at: Option<DateTime<Utc>>,
}
