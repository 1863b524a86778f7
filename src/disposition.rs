//! Dispositions: what a call led to, and what follows from it.

pub mod automatic;
pub mod catalogue;
mod check;
mod follow;
mod record;
pub(crate) mod store;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use self::check::{check_dispute, check_promise};
use crate::{
    account::HoldReason,
    agent::Principal,
    app::App,
    error::{Error, Result},
    ids::{CallId, CallbackId, DisputeId, InstalmentId, NoteId, PlanId, PromiseId},
    named::named,
    plan::PlanTaken,
};

/// Whom the call reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Nobody.
    NoContact,
    /// Somebody who has nothing to do with the account.
    WrongParty,
    /// Somebody who may take a message but owes nothing.
    ThirdParty,
    /// The debtor or who pays for it.
    RightParty,
}

/// A field that a disposition requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// A note.
    Note,
    /// Amount, date and items of a promise.
    Promise,
    /// When to call back.
    CallbackAt,
    /// Reason, amount and items of a dispute.
    Dispute,
    /// The items spoken about.
    Items,
    /// An instalment plan or a settlement.
    Plan,
}

/// What a disposition does to the account. Data of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "then", rename_all = "snake_case", deny_unknown_fields)]
pub enum Consequence {
    /// Rest, then queue again. `minutes: null`: the campaign's delay for the outcome.
    RetryAfter {
        /// Minutes, 1 to 43200.
        #[serde(default)]
        minutes: Option<u32>,
    },
    /// Queue at the time given by the agent.
    CallbackAt,
    /// Hold the account for a number of days.
    Hold {
        /// Days, 1 to 365; `null`: until released.
        #[serde(default)]
        days: Option<u16>,
        /// Reason of the hold.
        reason: HoldReason,
    },
    /// Take the account out of the campaign.
    Stop,
    /// Put the number on the do-not-call list.
    DoNotCall,
    /// Mark the number as invalid.
    NumberInvalid,
    /// Record the promise; hold until its date.
    Promise,
    /// Agree an instalment plan or a settlement; hold while it runs.
    Plan,
    /// Open a dispute.
    Dispute,
    /// Hand over to somebody else: hold with reason `escalated`.
    Escalate,
}

/// An entry of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Disposition {
    /// Unique in its set.
    pub code: String,
    /// What the agent reads.
    pub label: String,
    /// Whom it means was reached.
    pub category: Category,
    /// What has to be given.
    #[serde(default)]
    pub required: Vec<Field>,
    /// What follows.
    pub consequence: Consequence,
    /// Key that chooses it, one character.
    #[serde(default)]
    pub hotkey: Option<String>,
    /// Recorded by the service only.
    #[serde(default)]
    pub automatic: bool,
}

/// What the agent records. `POST /api/calls/{id}/disposition`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wrap {
    /// Code of the catalogue.
    pub code: String,
    /// Note on the account, at most 4000 characters.
    #[serde(default)]
    pub note: Option<String>,
    /// Open items spoken about.
    #[serde(default)]
    pub items: Vec<InstalmentId>,
    /// A promise to pay.
    #[serde(default)]
    pub promise: Option<PromiseTaken>,
    /// An instalment plan or a settlement, in place of a promise.
    #[serde(default)]
    pub plan: Option<PlanTaken>,
    /// When to call back.
    #[serde(default)]
    pub callback_at: Option<DateTime<Utc>>,
    /// The agent calls back in person: whoever answers the callback reaches this agent, if free then; else another.
    #[serde(default)]
    pub callback_mine: bool,
    /// A dispute.
    #[serde(default)]
    pub dispute: Option<DisputeOpened>,
    /// Also: never call this number again.
    #[serde(default)]
    pub do_not_call: bool,
    /// Also: this number does not work or belongs to somebody else.
    #[serde(default)]
    pub number_invalid: bool,
}

/// A promise as the agent took it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PromiseTaken {
    /// Minor units of the account's currency; more than 0, at most what is owed.
    pub amount_minor: i64,
    /// Today or later, at most as far away as the limits of whoever takes it allow.
    pub due_on: NaiveDate,
    /// Items it is for; empty: oldest first.
    #[serde(default)]
    pub items: Vec<InstalmentId>,
    /// The account's open promises stay besides it; else it takes their place.
    #[serde(default)]
    pub besides: bool,
}

/// A dispute as the agent opened it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DisputeOpened {
    /// A code of the agreement rules.
    pub reason: String,
    /// The disputed part of each item.
    pub items: Vec<DisputedItem>,
}

/// The disputed part of an open item.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DisputedItem {
    /// The item.
    pub id: InstalmentId,
    /// Minor units; more than 0, at most what is open.
    pub amount_minor: i64,
    /// Numbers of the lines of the invoice that it is about; empty: the item as a whole. At most 200.
    #[serde(default)]
    pub lines: Vec<i16>,
}

/// What was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Recorded {
    /// The call.
    pub call: CallId,
    /// Code of the disposition.
    pub code: String,
    /// Whom it means was reached.
    pub category: Category,
    /// The note.
    pub note: Option<NoteId>,
    /// The promise.
    pub promise: Option<PromiseId>,
    /// The plan.
    #[serde(default)]
    pub plan: Option<PlanId>,
    /// The callback.
    pub callback: Option<CallbackId>,
    /// The dispute.
    pub dispute: Option<DisputeId>,
    /// What the agent should know, e.g. that the callback falls outside of the debtor's calling hours.
    pub warnings: Vec<String>,
}

/// Records what a call led to, and everything that follows, in one transaction; frees the agent.
///
/// The same `idempotency_key` (1 to 128 characters) with the same body gets the same answer again.
///
/// # Errors
/// [`Error::Invalid`](crate::error::Error::Invalid) naming the field, [`Error::NotFound`](crate::error::Error::NotFound),
/// [`Error::Forbidden`](crate::error::Error::Forbidden) unless `by` is the call's agent or a supervisor,
/// [`Error::Conflict`](crate::error::Error::Conflict) if another disposition is recorded, or the key was used with
/// another body.
pub async fn record(app: &App, by: &Principal, call: CallId, wrap: Wrap, idempotency_key: &str) -> Result<Recorded> {
    record::record(app, by, call, &wrap, idempotency_key).await
}

/// The dispositions of a set, in the order in which they are shown.
///
/// # Errors
/// [`Error::NotFound`](crate::error::Error::NotFound) if there is no such set.
pub async fn of_set(app: &App, set: &str) -> Result<Vec<Disposition>> {
    let all = store::set(&app.db, set).await?;
    if all.is_empty() { Err(Error::NotFound("disposition set")) } else { Ok(all) }
}

named!(Category {
    NoContact => "no_contact", WrongParty => "wrong_party", ThirdParty => "third_party", RightParty => "right_party",
});
named!(Field {
    Note => "note", Promise => "promise", CallbackAt => "callback_at", Dispute => "dispute", Items => "items", Plan => "plan",
});
