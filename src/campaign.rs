//! A campaign: which accounts, how to dial them, and within which bounds.

mod check;
mod spoken;
mod steer;
pub mod store;

use chrono::{DateTime, NaiveTime, Utc, Weekday};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use self::steer::drained;
pub use self::steer::{NewCampaign, create, drain, pause, set_mode, set_ratio, start, update_settings};
use crate::{
    compliance::scope::{Collector, Purpose},
    ids::CampaignId,
    named::named,
    phone::Phone,
};

/// A campaign as stored.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Campaign {
    /// Its id.
    pub id: CampaignId,
    /// Unique name, 1 to 80 characters.
    pub name: String,
    /// Whether it dials.
    pub state: State,
    /// How it dials.
    pub mode: Mode,
    /// Lines per ready agent in thousandths, 1000 to 5000; used by [`Mode::Ratio`].
    pub ratio_milli: u32,
    /// Everything else.
    pub settings: Settings,
    /// Raised by every change.
    pub version: i64,
    /// Last change.
    pub updated_at: DateTime<Utc>,
}

/// Whether a campaign dials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CampaignState)]
pub enum State {
    /// No new calls; calls in progress go on.
    Paused,
    /// Dials.
    Running,
    /// No new calls; becomes `paused` by itself when the last call is done.
    Draining,
}

/// How a campaign dials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The agent sees the account first and decides to dial or to skip.
    Preview,
    /// One line for each ready agent.
    Progressive,
    /// A fixed number of lines for each ready agent.
    Ratio,
    /// As many lines as the risk of an abandoned call allows; see `docs/PACING.md`.
    Predictive,
}

/// The settings of a campaign that are data: kept as JSON, every field with a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Which accounts belong to it.
    pub list: ListRule,
    /// When the debtor may be called, in the debtor's own zones.
    pub hours: Vec<HoursRule>,
    /// Numbers it calls from, used in turn.
    pub caller_ids: Vec<Phone>,
    /// Weights of the score.
    pub weights: Weights,
    /// Bounds on time, lines and attempts.
    pub limits: Limits,
    /// How long an account rests after an outcome, in minutes.
    pub retry: RetryMinutes,
    /// Name of the base pack of rules that a dial has to pass; the packs of the debtor's place apply besides.
    pub policy: String,
    /// Who collects: the creditor in its own name, or an agency.
    pub collector: Collector,
    /// What the calls are for.
    pub purpose: Purpose,
    /// Languages that its agents speak (BCP 47); empty: any.
    pub languages: Vec<String>,
    /// Name of the disposition set.
    pub disposition_set: String,
    /// What the agent says; `{name}` and `{balance}` are filled in on the pop.
    pub script: String,
    /// Who is calling, spoken in the messages below.
    pub creditor_name: String,
    /// Spoken to a person for whom no agent was free: name and number, nothing about the debt.
    pub abandoned_message: String,
    /// Left on a machine; empty: hang up.
    pub machine_message: String,
}

/// Which accounts belong to a campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ListRule {
    /// Only this portfolio; `null`: all.
    pub portfolio: Option<String>,
    /// Only accounts with at least this much to collect, in minor units of their currency.
    pub min_collectible_minor: i64,
    /// Also accounts of which nothing is due yet.
    pub include_not_yet_due: bool,
    /// Also accounts with an open promise due today, as a reminder.
    pub remind_promises: bool,
}

/// A span of the week in which calling is allowed: from `from` (included) to `to` (excluded), local time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoursRule {
    /// Days of the week, `Mon` to `Sun`.
    #[schema(value_type = Vec<String>)]
    pub days: Vec<Weekday>,
    /// Start, `HH:MM:SS`.
    #[schema(value_type = String, example = "08:00:00")]
    pub from: NaiveTime,
    /// End, `HH:MM:SS`.
    #[schema(value_type = String, example = "20:00:00")]
    pub to: NaiveTime,
}

/// Weights of the components of a score, in points at the component's maximum; 0 to 1000 each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Weights {
    /// The collectible amount, logarithmic.
    pub balance: u16,
    /// Age of the oldest collectible item.
    pub age: u16,
    /// Broken promises raise, kept ones lower.
    pub promise_history: u16,
    /// Few attempts so far raise.
    pub freshness: u16,
    /// People who have answered at the number before raise, calls in vain lower.
    pub reach: u16,
    /// The chance of an answer at this hour.
    pub answer_chance: u16,
}

/// Bounds; each with its unit in the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// How long a line rings before it is given up; 15 to 60 (TSR: at least 15).
    pub ring_seconds: u16,
    /// Within which time of the answer an agent must be on the line; 1 to 10 (TSR: 2).
    pub hold_seconds: u8,
    /// Time to record the disposition; 5 to 600.
    pub wrap_up_seconds: u16,
    /// Lines of this campaign at the same time, talking ones included; 1 to 1000.
    pub max_lines: u16,
    /// Attempts on one number within one local day; 1 to 10.
    pub attempts_per_number_per_day: u8,
    /// Attempts on one person within seven consecutive days; 1 to 7.
    pub attempts_per_person_per_week: u8,
    /// Attempts on one account in this campaign altogether; 1 to 100.
    pub attempts_per_account: u8,
    /// Grace after a promise's date before it is broken, in business days; 0 to 30.
    pub promise_grace_days: u8,
    /// How much may be missing of a promise that is kept all the same, in minor units; 0 to 1000000.
    pub promise_tolerance_minor: u32,
    /// The same in per cent of what was promised; the higher of the two applies; 0 to 50.
    pub promise_tolerance_percent: u8,
    /// Only money that has cleared keeps a promise; else what was received does.
    pub promise_cleared_only: bool,
}

/// Minutes of rest after each outcome; 1 to 43200 (30 days).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RetryMinutes {
    /// Engaged.
    pub busy: u16,
    /// Rang out.
    pub no_answer: u16,
    /// Machine.
    pub machine: u16,
    /// The carrier could not place it.
    pub failed: u16,
    /// Nobody was free for the person who answered (UK practice: 72 hours).
    pub abandoned: u16,
    /// We gave it up ourselves.
    pub canceled: u16,
    /// After a conversation that settled nothing.
    pub contact: u16,
}

named!(State { Paused => "paused", Running => "running", Draining => "draining" });

named!(Mode { Preview => "preview", Progressive => "progressive", Ratio => "ratio", Predictive => "predictive" });

impl Default for Settings {
    fn default() -> Self {
        Self {
            list: ListRule::default(),
            hours: vec![HoursRule {
                days: vec![Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri],
                from: NaiveTime::from_hms_opt(8, 0, 0).unwrap_or_default(),
                to: NaiveTime::from_hms_opt(20, 0, 0).unwrap_or_default(),
            }],
            caller_ids: Vec::new(),
            weights: Weights::default(),
            limits: Limits::default(),
            retry: RetryMinutes::default(),
            policy: "house".to_owned(),
            collector: Collector::default(),
            purpose: Purpose::default(),
            languages: Vec::new(),
            disposition_set: "standard".to_owned(),
            script: String::new(),
            creditor_name: String::new(),
            abandoned_message: String::new(),
            machine_message: String::new(),
        }
    }
}

impl Default for ListRule {
    fn default() -> Self {
        Self { portfolio: None, min_collectible_minor: 1, include_not_yet_due: false, remind_promises: true }
    }
}

impl Default for Weights {
    fn default() -> Self {
        Self { balance: 400, age: 300, promise_history: 100, freshness: 100, reach: 100, answer_chance: 100 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            ring_seconds: 22,
            hold_seconds: 2,
            wrap_up_seconds: 60,
            max_lines: 100,
            attempts_per_number_per_day: 1,
            attempts_per_person_per_week: 3,
            attempts_per_account: 12,
            promise_grace_days: 1,
            promise_tolerance_minor: 0,
            promise_tolerance_percent: 0,
            promise_cleared_only: false,
        }
    }
}

impl Default for RetryMinutes {
    fn default() -> Self {
        Self { busy: 30, no_answer: 240, machine: 1440, failed: 1440, abandoned: 4320, canceled: 15, contact: 10080 }
    }
}
