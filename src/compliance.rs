//! Whether a dial is allowed: the last look before the carrier is asked. Pure; fails closed.
//!
//! A policy is a list of [`rules::Rule`]s, each with its name and where it comes from; every verdict is stored with
//! the facts it was given on. A policy that is not known forbids everything.

pub mod attempts;
pub mod hours;
pub mod rules;
pub mod store;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::{
    campaign::{HoursRule, Limits, ListRule, Settings},
    ids::{AccountId, ContactPointId, DecisionId},
    queue::{Entry, Hold, Lane, Standing},
};

/// Proof that a dial was looked at and allowed. Only [`permit`] makes one, and nothing dials without.
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

/// Everything a verdict depends on, as Postgres knows it at this moment. Stored with the verdict.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Debug, Serialize)]
pub struct PermitRequest {
    /// Id under which the verdict is stored.
    pub decision: DecisionId,
    /// Whom to call.
    pub account: AccountId,
    /// Where.
    pub contact_point: ContactPointId,
    /// Name of the policy.
    pub policy: String,
    /// Calling hours of the campaign.
    pub hours: Vec<HoursRule>,
    /// Bounds of the campaign.
    pub limits: Limits,
    /// Which accounts the campaign lists.
    pub list: ListRule,
    /// The day at the office.
    pub business_date: NaiveDate,
    /// The account may still be worked on, and the campaign has not let go of it.
    pub open: bool,
    /// What may be collected, minor units.
    pub collectible_minor: i64,
    /// Due date of an open promise.
    pub open_promise_on: Option<NaiveDate>,
    /// The strictest active hold, and its end.
    pub hold: Option<(Hold, Option<DateTime<Utc>>)>,
    /// A call to the account, the number or the person is live.
    pub in_call: bool,
    /// The number is valid and on no do-not-call list.
    pub callable: bool,
    /// Zones of the number.
    pub zones: Vec<Tz>,
    /// Attempts on the number in the last seven days, newest first.
    pub number_attempts: Vec<DateTime<Utc>>,
    /// Attempts on the person in the last seven days, newest first.
    pub person_attempts: Vec<DateTime<Utc>>,
    /// Attempts on the account in this campaign.
    pub account_attempts: u32,
    /// Earliest moment after the last outcome.
    pub not_before: Option<DateTime<Utc>>,
    /// The debtor asked to be called at this time: limits on frequency do not apply (12 CFR 1006.14(b)(3)(i)).
    pub at_debtors_wish: bool,
}

impl PermitRequest {
    /// The question whether `entry` may be dialled, given the account's standing as just read.
    #[must_use]
    pub fn new(standing: &Standing, entry: &Entry, settings: &Settings, now: DateTime<Utc>, today: NaiveDate) -> Self {
        let number = standing.numbers.iter().find(|number| number.contact_point == entry.contact_point);
        Self {
            decision: DecisionId::generate(),
            account: entry.account,
            contact_point: entry.contact_point,
            policy: settings.policy.clone(),
            hours: settings.hours.clone(),
            limits: settings.limits,
            list: settings.list.clone(),
            business_date: today,
            open: standing.open && !standing.removed,
            collectible_minor: standing.collectible_minor,
            open_promise_on: standing.open_promise_on,
            hold: standing.hold,
            in_call: standing.in_call || number.is_some_and(|number| number.in_call),
            callable: number.is_some_and(|number| number.person == entry.person),
            zones: number.map(|number| number.zones.clone()).unwrap_or_default(),
            number_attempts: number.map(|number| number.attempts.clone()).unwrap_or_default(),
            person_attempts: number.map(|number| number.person_attempts.clone()).unwrap_or_default(),
            account_attempts: standing.attempts,
            not_before: standing.not_before,
            at_debtors_wish: entry.lane == Lane::CallbackDue && standing.callback_at.is_some_and(|at| at <= now),
        }
    }
}

/// Whether the call may be placed `now`.
///
/// # Errors
/// The refusal that lasts longest, if any rule forbids it.
pub fn permit(request: &PermitRequest, now: DateTime<Utc>) -> Result<DialPermit, Refusal> {
    let rules = rules::of_policy(&request.policy);
    let refusals = rules.iter().filter_map(|rule| rule.refusal(request, now));
    match refusals.max_by_key(|refusal| refusal.next_allowed_at.unwrap_or(DateTime::<Utc>::MAX_UTC)) {
        Some(refusal) => Err(refusal),
        None => Ok(DialPermit {
            decision: request.decision,
            account: request.account,
            contact_point: request.contact_point,
        }),
    }
}
