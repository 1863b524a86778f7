//! A policy pack: the rules of one law, code of practice or house, as data. `docs/POLICY.md` describes every key.

mod check;
mod file;

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(super) use self::file::{read, read_calendars};
use super::{
    history::Reach,
    scope::{Collector, Party, Purpose},
};
use crate::campaign::HoursRule;

/// A pack as checked at load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pack {
    /// Unique name; the name of its file.
    pub name: String,
    /// Raised by every change of its rules.
    pub version: u32,
    /// What it is, for people.
    pub title: String,
    /// What to know about it; says that it is not legal advice.
    pub note: String,
    /// First day in force, in the debtor's zone.
    pub from: Option<NaiveDate>,
    /// Last day in force.
    pub until: Option<NaiveDate>,
    /// Whom it applies to; `None`: a base pack, which a campaign names as its policy.
    pub applies: Option<Applies>,
    /// Its rules.
    pub rules: Vec<Rule>,
    /// What the agent has to say or do.
    pub prompts: Vec<Prompt>,
    /// The agent confirms who is speaking before anything about the debt is shown.
    pub identity_first: bool,
}

/// Whom a pack applies to: every list has to contain the case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Applies {
    /// Kinds of debtor.
    pub parties: Vec<Party>,
    /// Roles of the collector.
    pub collectors: Vec<Collector>,
    /// Purposes of the call.
    #[serde(default = "collection")]
    pub purposes: Vec<Purpose>,
    /// Jurisdictions, `US`, `US-MA`, `US-NY-NYC`; one of the case's is enough.
    pub jurisdictions: BTreeSet<String>,
    /// Only debts up to this amount.
    #[serde(default)]
    pub debt_at_most: Option<DebtLimit>,
}

/// An amount up to which a pack applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DebtLimit {
    /// Minor units.
    pub minor: i64,
    /// ISO 4217; a debt in another currency counts as below the limit.
    pub currency: String,
}

/// A rule: what it says, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Unique in its pack.
    pub id: String,
    /// Where it comes from.
    pub cite: String,
    /// How the pack reads it, where that is not obvious.
    pub note: String,
    /// What it says.
    pub says: Says,
}

/// What a rule says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Says {
    /// Calls are placed inside these spans only, in every zone where the debtor may be.
    Hours(Hours),
    /// No calls on these days.
    Holidays {
        /// Name of a calendar in `policies/calendars.toml`.
        calendar: String,
    },
    /// So many attempts in a span of time, and no more.
    Frequency(Frequency),
    /// No call for some days after a conversation.
    Quiet(Quiet),
    /// The limits on frequency of this pack do not bind for some days after the person asked to be called.
    Consent {
        /// Days, the day of asking the first; a conversation ends the consent.
        days: u16,
    },
    /// No call for some hours after a person was left without an agent.
    AfterAbandoned {
        /// Hours.
        hours: u16,
        /// A call for which an agent waits is allowed.
        #[serde(default)]
        unless_agent_reserved: bool,
    },
}

/// Spans of the week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// The spans.
    pub windows: Vec<HoursRule>,
    /// How long before the end of a span no call is placed any more, in seconds; never less than the campaign's ring
    /// time and five seconds.
    #[serde(default = "a_minute")]
    pub margin_seconds: u16,
}

/// A limit of frequency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frequency {
    /// Attempts allowed in the span.
    pub at_most: u16,
    /// The span.
    pub span: Span,
    /// What is counted together.
    pub per: Per,
    /// What counts.
    pub counts: Vec<Reach>,
    /// Only calls at, or away from, a workplace.
    pub place: Option<Where>,
}

/// A quiet period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quiet {
    /// Days, the day of the conversation the first.
    pub days: u16,
    /// Conversations about what.
    pub per: Per,
}

/// A span of time that attempts are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// So many consecutive days of the debtor's calendar, today the last.
    Days(u16),
    /// So many hours, to the second.
    Hours(u16),
    /// The calendar week, from Monday.
    Week,
    /// The calendar month.
    Month,
}

/// What is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// The number, whoever is reached there.
    Number,
    /// The person, at any number and about any account.
    Person,
    /// The person about this account.
    Debt,
    /// This account, whoever is reached.
    Account,
}

/// Where a number rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Where {
    /// At a workplace.
    Work,
    /// Anywhere else.
    NotWork,
}

/// Something that the agent has to say or do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Prompt {
    /// Unique in its pack.
    pub id: String,
    /// When.
    pub when: When,
    /// It is due before anybody knows who is speaking: it may say nothing about a debt.
    #[serde(default)]
    pub before_identity: bool,
    /// What; `{creditor}` and `{name}` are filled in.
    pub text: String,
    /// Where it comes from.
    pub cite: String,
}

/// When a prompt is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// In every conversation.
    Each,
    /// In the first conversation about the account.
    First,
    /// In every conversation but the first.
    Later,
}

fn collection() -> Vec<Purpose> {
    vec![Purpose::Collection]
}

fn a_minute() -> u16 {
    60
}
