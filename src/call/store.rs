//! The rows of calls and of what was heard about them.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};

use super::{CallbackToken, Facts, apply::Heard};
use crate::{
    error::{Error, Result},
    ids::{AccountId, CallId, CampaignId, ContactPointId, PersonId, UserId},
    outbox::Effect,
};

/// A call as its decisions need it.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its id.
    pub id: CallId,
    /// The campaign it belongs to; `None`: an inbound call that found none.
    pub campaign: Option<CampaignId>,
    /// The account; `None`: an inbound call from an unknown number.
    pub account: Option<AccountId>,
    /// The number that was dialled, as a contact point.
    pub contact_point: Option<ContactPointId>,
    /// The carrier's id of the customer's leg, once known.
    pub sid: Option<String>,
    /// Secret part of the callback addresses.
    pub token: CallbackToken,
    /// What has been learnt.
    pub facts: Facts,
    /// Conference the debtor is, or will be, in.
    pub conference: Option<String>,
    /// The same event had been recorded before.
    pub duplicate: bool,
}

/// An attempt to insert.
pub(super) struct NewCall<'a> {
    pub(super) id: CallId,
    pub(super) campaign: Option<CampaignId>,
    pub(super) account: Option<AccountId>,
    pub(super) person: Option<PersonId>,
    pub(super) contact_point: Option<ContactPointId>,
    pub(super) to: &'a str,
    pub(super) from: &'a str,
    pub(super) sid: Option<&'a str>,
    pub(super) token: &'a CallbackToken,
    pub(super) facts: &'a Facts,
    pub(super) decision: Option<crate::ids::DecisionId>,
    pub(super) lease: Option<crate::ids::LeaseId>,
    pub(super) queue_entry: Option<serde_json::Value>,
}

/// What a transaction writes back about a call.
pub(super) struct Change<'a> {
    pub(super) heard: &'a Heard,
    pub(super) facts: &'a Facts,
    pub(super) verdict: &'static str,
    pub(super) effects: &'a [Effect],
}
