//! The time line of an account: everything that happened with it, in one order.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::ids::DecisionId;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = TimelineEntry)]
pub struct Entry {
    /// When.
    pub at: DateTime<Utc>,
    /// `call`, `message`, `note`, `promise`, `payment`, `credit_note`, `adjustment`, `dispute`, `approval`, `hold`, `consent`,
    /// `task`, `credit`, `decision` …
    pub kind: String,
    /// What happened to it: `sent`, `kept`, `reversed` …, or the label of a call's disposition.
    pub what: String,
    /// The id of the call, message, promise …
    pub id: Option<Uuid>,
    /// What was said, written, or named.
    pub text: Option<String>,
    /// Minor units; of money, positive where the debtor owes less.
    pub minor: Option<i64>,
    /// Name of who did it; `null`: the service or the debtor.
    pub by: Option<String>,
    /// Of a call that we made: the receipt of the last look that permitted it, `/api/decisions/{id}`.
    pub decision: Option<DecisionId>,
    /// Its place among what happened at the same moment.
    #[serde(skip)]
    pub key: String,
}

/// A place in the time line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place(pub DateTime<Utc>, pub String);
