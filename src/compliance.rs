//! Whether a dial is allowed: the last look before the carrier is asked. Pure; fails closed.
//!
//! A call has to pass the [`rules`] that follow from the facts of its account, and every policy [`pack`] of the [`book`]
//! that applies to it: the campaign's own, and those of each jurisdiction that the number or the address points to. All
//! are asked, so the stricter wins. [`judge`] writes a [`Receipt`] of every verdict, refused or not; only a receipt that
//! is kept gives a [`DialPermit`](store::DialPermit), and nothing dials without. A policy that is not known forbids
//! everything. The rules are data and no legal advice.

pub mod attempts;
pub mod book;
pub mod calendar;
pub mod circumstances;
mod frequency;
pub mod history;
pub mod hours;
pub mod look;
pub mod may_contact;
pub mod migrate;
pub mod pack;
mod policy;
pub mod prompts;
pub mod replay;
mod rules;
pub mod scope;
pub mod store;
pub mod waterfall;
pub mod wish;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use chrono::{DateTime, NaiveDate, SubsecRound, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::store::DialPermit;
use self::{
    book::{Book, Policies},
    circumstances::Circumstances,
    history::{Past, Reach},
    rules::Moment,
    scope::{Collector, Party, Purpose},
    wish::Wish,
};
use crate::{
    campaign::{HoursRule, Limits, ListRule, Mode, Settings},
    ids::{AccountId, ContactPointId, DecisionId, PersonId},
    money::Currency,
    queue::{Hold, Standing},
};

/// What a rule knows about its finding, by name: counts, calls, zones.
pub type Facts = BTreeMap<String, serde_json::Value>;

/// How often the next allowed moment is looked for before it is given up: each look passes at least one rule.
const LOOKS: usize = 64;

/// The rule that forbids a dial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Refusal {
    /// Name of the rule, `calling_hours` or `us_reg_f/seven_in_seven`.
    pub rule: String,
    /// Where the rule comes from.
    pub cite: String,
    /// What it was found on.
    #[schema(value_type = Object)]
    pub facts: Facts,
    /// The first moment at which every rule would allow the call, if no fact changes; `None`: not before one does.
    pub next_allowed_at: Option<DateTime<Utc>>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "may not be called now: {} ({})", self.rule, self.cite)?;
        match self.next_allowed_at {
            Some(next) => write!(f, "; allowed from {}", next.format("%Y-%m-%d %H:%M UTC")),
            None => f.write_str("; not before a fact changes"),
        }
    }
}

/// What one rule says to a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// Name of the rule.
    pub rule: String,
    /// Where the rule comes from.
    pub cite: String,
    /// What it says.
    pub verdict: Verdict,
    /// What it was found on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Object)]
    pub facts: Facts,
}

/// What a rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Go.
    Allowed,
    /// Not before the given moment.
    Until(DateTime<Utc>),
    /// Not before a fact changes.
    Forbidden,
}

impl Verdict {
    /// The moment before which it forbids the call, if it names one.
    #[must_use]
    pub fn until(self) -> Option<DateTime<Utc>> {
        match self {
            Self::Until(moment) => Some(moment),
            Self::Allowed | Self::Forbidden => None,
        }
    }
}

/// A verdict with everything it was given on; immutable, and the same whenever it is given again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// What was asked.
    pub request: PermitRequest,
    /// The moment that was asked about.
    pub at: DateTime<Utc>,
    /// [`Book::version`] of the rules.
    pub policy_version: String,
    /// What every rule found, passed ones too.
    pub findings: Vec<Finding>,
    /// The rule that forbids the call longest; `None`: it may be placed.
    pub refusal: Option<Refusal>,
}

/// Everything a verdict depends on, as Postgres knows it at this moment. Kept with the verdict; holds no personal data
/// but ids.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PermitRequest {
    /// Id under which the verdict is kept.
    pub decision: DecisionId,
    /// Whose debt.
    pub account: AccountId,
    /// Whom to call.
    pub person: PersonId,
    /// Where.
    pub contact_point: ContactPointId,
    /// Name of the campaign's policy, a base pack.
    pub policy: String,
    /// Who owes.
    pub party: Party,
    /// Who collects.
    pub collector: Collector,
    /// What for.
    pub purpose: Purpose,
    /// Every jurisdiction that the number or the address points to; `US-*` where only the country is known.
    pub jurisdictions: BTreeSet<String>,
    /// Calling hours of the campaign.
    pub hours: Vec<HoursRule>,
    /// Bounds of the campaign.
    pub limits: Limits,
    /// Which accounts the campaign lists.
    pub list: ListRule,
    /// Languages that the campaign's agents speak (BCP 47); empty: any.
    pub languages: Vec<String>,
    /// An agent waits for this very call.
    pub agent_reserved: bool,
    /// The day at the office.
    pub business_date: NaiveDate,
    /// The account may still be worked on, and the campaign has not let go of it.
    pub open: bool,
    /// What is owed, minor units.
    pub open_minor: i64,
    /// Its currency.
    pub currency: Currency,
    /// What may be collected, minor units.
    pub collectible_minor: i64,
    /// Due date of an open promise.
    pub open_promise_on: Option<NaiveDate>,
    /// The strictest active hold, and its end.
    pub hold: Option<(Hold, Option<DateTime<Utc>>)>,
    /// A call to the account, the number or the person is live.
    pub in_call: bool,
    /// The number is valid and belongs to the person.
    pub callable: bool,
    /// The level of the do-not-call list that bars it.
    pub do_not_call: Option<String>,
    /// When the consent to be called on the number was withdrawn.
    #[serde(default)]
    pub consent_revoked_at: Option<DateTime<Utc>>,
    /// Label of the number, `work`, `mobile` …
    pub label: String,
    /// The number is a workplace's.
    pub at_work: bool,
    /// Language the debtor speaks (BCP 47).
    pub language: Option<String>,
    /// Times and places at which the debtor does not want to be called.
    pub wishes: Vec<Wish>,
    /// Every zone where the debtor may be.
    pub zones: Vec<Tz>,
    /// Attempts and calls of the last [`history::DAYS`] days, newest first.
    pub history: Vec<Past>,
    /// Attempts on the account in this campaign.
    pub account_attempts: u32,
    /// Earliest moment after the last outcome.
    pub not_before: Option<DateTime<Utc>>,
    /// The person asked to be called on this number at this time.
    pub at_debtors_wish: bool,
    /// When the debtor asked to be called (12 CFR 1006.14(b)(3)(i)).
    pub consented_at: Option<DateTime<Utc>>,
}

impl PermitRequest {
    /// The question whether a number of the account may be dialled, given what was just read.
    #[must_use]
    pub fn new(
        standing: &Standing,
        found: Circumstances,
        settings: &Settings,
        mode: Mode,
        now: DateTime<Utc>,
        today: NaiveDate,
    ) -> Self {
        let number = standing.numbers.iter().find(|number| number.contact_point == found.contact_point);
        let agreed_at = found.callback_made_at.filter(|_| standing.callback_at.is_some_and(|at| at <= now));
        let at_debtors_wish = agreed_at.is_some();
        let consented_at = found.asked_at.max(agreed_at);
        Self {
            decision: DecisionId::generate(),
            account: found.account,
            person: found.person,
            contact_point: found.contact_point,
            policy: settings.policy.clone(),
            party: found.party,
            collector: settings.collector,
            purpose: settings.purpose,
            jurisdictions: found.jurisdictions,
            hours: settings.hours.clone(),
            limits: settings.limits,
            list: settings.list.clone(),
            languages: settings.languages.clone(),
            agent_reserved: mode == Mode::Preview,
            business_date: today,
            open: standing.open && !standing.removed,
            open_minor: standing.open_minor,
            currency: found.currency,
            collectible_minor: standing.collectible_minor,
            open_promise_on: standing.open_promise_on,
            hold: standing.hold,
            in_call: standing.in_call || number.is_some_and(|number| number.in_call),
            callable: found.valid,
            do_not_call: found.do_not_call,
            consent_revoked_at: found.consent_revoked_at,
            at_work: found.label == "work",
            label: found.label,
            language: found.language,
            wishes: found.wishes,
            zones: found.zones,
            history: found.history,
            account_attempts: standing.attempts,
            not_before: standing.not_before,
            at_debtors_wish,
            consented_at,
        }
    }

    /// When the attempts were made that count, newest first, of those that `concern` it.
    fn counted(&self, concern: impl Fn(&Past) -> bool) -> Vec<DateTime<Utc>> {
        let counts = |past: &&Past| Reach::COUNTED.contains(&past.reach) && concern(past);
        self.history.iter().filter(counts).map(|past| past.at).collect()
    }

    /// How long before the end of a span no call is placed: at least until it has rung out.
    fn margin(&self, least: TimeDelta) -> TimeDelta {
        least.max(TimeDelta::seconds(i64::from(self.limits.ring_seconds) + 5))
    }
}

/// Judges the call at `now` by the rules of `policies`.
#[must_use]
pub fn judge(request: PermitRequest, policies: &Policies, now: DateTime<Utc>) -> Receipt {
    // As exact as Postgres keeps it, so that the verdict is the same when it is given again.
    let now = now.trunc_subsecs(6);
    let findings = findings(&request, &policies.book, Moment { asked: now, at: now });
    let refusal = worst(&findings).map(|finding| Refusal {
        rule: finding.rule.clone(),
        cite: finding.cite.clone(),
        facts: finding.facts.clone(),
        next_allowed_at: next_allowed_at(&request, &policies.book, now),
    });
    Receipt { request, at: now, policy_version: policies.version.to_string(), findings, refusal }
}

fn findings(request: &PermitRequest, book: &Book, moment: Moment) -> Vec<Finding> {
    let Some(packs) = book.packs_for(request, moment.at) else {
        return vec![rules::unknown_policy(&request.policy)];
    };
    let of_packs = packs.into_iter().flat_map(|pack| policy::findings(pack, book, request, moment.at));
    rules::findings(request, moment).chain(of_packs).collect()
}

/// The finding that forbids the call longest; of equal ones the first.
fn worst(findings: &[Finding]) -> Option<&Finding> {
    let forbids = |finding: &&Finding| finding.verdict != Verdict::Allowed;
    findings.iter().rev().filter(forbids).max_by_key(|finding| match finding.verdict {
        Verdict::Until(moment) => moment,
        Verdict::Allowed | Verdict::Forbidden => DateTime::<Utc>::MAX_UTC,
    })
}

/// The first moment after `now` at which no rule forbids the call, as far as time alone decides.
fn next_allowed_at(request: &PermitRequest, book: &Book, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let mut at = now;
    for _ in 0..LOOKS {
        let findings = findings(request, book, Moment { asked: now, at });
        match worst(&findings).map(|finding| finding.verdict) {
            None | Some(Verdict::Allowed) => return Some(at),
            Some(Verdict::Forbidden) => return None,
            Some(Verdict::Until(later)) => at = later,
        }
    }
    None
}

#[cfg(test)]
mod tests;
