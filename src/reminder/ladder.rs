//! A ladder of reminders, and what is due on it today. Pure.
//!
//! A ladder is climbed by an account: every step speaks of what is claimable, and is anchored on the open item that has
//! been due longest. An item takes the steps one after the other: a step goes out only when every step before it was
//! delivered with that item in it, or its time is over (steps before and on the due date). So whatever is paid, disputed or
//! promised meanwhile, no item gets a step twice, none goes backwards, and none is skipped without being told. A mail that
//! did not arrive is tried again at the pace of the ladder, and becomes a call when it has failed often enough.

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::claim::{Claim, LeftOut};
use crate::{business_day::BusinessDays, campaign::HoursRule, ids::InstalmentId};

/// Steps of a ladder at most.
pub const MOST_STEPS: usize = 20;

/// Tries of a step by mail; then it is a call.
pub const MOST_TRIES: usize = 3;

/// A ladder, as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ladder {
    /// Whom it is for.
    #[serde(default)]
    pub segment: Segment,
    /// In the order of their days; at most 20.
    pub steps: Vec<Step>,
    /// Days from one step to the next at least, whatever the steps say; 1 to 90.
    pub min_days_between: u8,
    /// Minor units below which an item is left alone, 0 or more.
    pub tolerance_minor: i64,
    /// A supervisor looks at each day's reminders before they go out.
    #[serde(default)]
    pub approval: bool,
    /// When mail may go out, in every zone the debtor may be in; empty: at any time.
    #[serde(default)]
    pub hours: Vec<HoursRule>,
}

/// Which accounts climb a ladder; what is not said does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// Portfolios; empty: all.
    #[serde(default)]
    pub portfolios: Vec<String>,
    /// `consumer` or `commercial`.
    #[serde(default)]
    pub party_kind: Option<String>,
    /// ISO 3166-1 alpha-2; empty: all.
    #[serde(default)]
    pub countries: Vec<String>,
    /// Minor units that may be collected, at least.
    #[serde(default)]
    pub from_minor: Option<i64>,
    /// The same, at most.
    #[serde(default)]
    pub to_minor: Option<i64>,
}

/// A step of a ladder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its name in the ladder, `a-z 0-9 _`, 1 to 40 characters; kept when its days or words change.
    pub key: String,
    /// Days after the due date; negative: before; −90 to 365.
    pub days: i16,
    /// What is done.
    pub channel: Channel,
    /// Name of the template that the mail is made from; not for a call.
    #[serde(default)]
    pub template: Option<String>,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ReminderChannel)]
pub enum Channel {
    /// A mail; where the account has no address that may be written to, a call.
    Email,
    /// A task to call.
    Call,
}

/// What an account is for its segment.
#[derive(Clone, Debug)]
pub struct Debtor<'a> {
    /// Its portfolio.
    pub portfolio: &'a str,
    /// `consumer` or `commercial`.
    pub party_kind: &'a str,
    /// ISO 3166-1 alpha-2.
    pub country: Option<&'a str>,
    /// Minor units that may be collected.
    pub collectible_minor: i64,
}

/// A step that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The reminder.
    pub id: Uuid,
    /// Key of the step.
    pub step: String,
    /// The items it spoke of.
    pub items: Vec<InstalmentId>,
    /// The day it was decided.
    pub on: NaiveDate,
    /// What became of it.
    pub reached: Reached,
}

/// Whether a reminder has reached the debtor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// As far as is known.
    Yes,
    /// Waits for approval or for the mail server.
    NotYet,
    /// Failed, bounced, or was not sent; the next mail would go to the same address.
    No,
    /// The same, and the next one would go to another address, or be a call.
    NotThere,
}

/// What is due today.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
#[schema(as = ReminderDecision)]
pub enum Decision {
    /// A step.
    Due(Due),
    /// Nothing, and why.
    Nothing {
        /// Why.
        why: Why,
        /// The first day on which it may be otherwise, as far as time alone decides.
        until: Option<NaiveDate>,
        /// What is open and not asked for.
        left_out: Vec<LeftOut>,
    },
}

/// A step that is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = DueReminder)]
pub struct Due {
    /// Key of the step.
    pub step: String,
    /// What it does.
    pub channel: Channel,
    /// Template of its mail.
    pub template: Option<String>,
    /// The item that has been due longest.
    pub anchor: InstalmentId,
    /// What it asks for.
    pub items: Vec<Claim>,
    /// Their sum, minor units.
    pub total_minor: i64,
    /// Steps whose time was over before they could be taken.
    pub passed: Vec<String>,
    /// Mails of this step that did not reach the debtor.
    pub tries: usize,
    /// A reminder of this step that did not reach the debtor and is replaced.
    pub replaces: Option<Uuid>,
    /// What is open and not asked for.
    pub left_out: Vec<LeftOut>,
}

/// Why nothing is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = NoReminder)]
pub enum Why {
    /// No ladder is for this account.
    NoLadder,
    /// Nothing is open that may be asked for.
    NothingClaimable,
    /// The next step's day has not come.
    NotYet,
    /// The last step is too recent, or the last mail that did not arrive.
    TooSoon,
    /// The last step waits for approval or for the mail server.
    LastNotDelivered,
    /// Every step was taken.
    Finished,
    /// Stopped or paused.
    Paused,
    /// The account may not be reminded.
    Barred,
    /// Not a business day.
    Holiday,
    /// Not at this hour.
    QuietHours,
}

impl Segment {
    /// Whether it has the account.
    #[must_use]
    pub fn has(&self, debtor: &Debtor<'_>) -> bool {
        let one_of = |list: &[String], value: Option<&str>| {
            list.is_empty() || value.is_some_and(|value| list.iter().any(|one| one == value))
        };
        one_of(&self.portfolios, Some(debtor.portfolio))
            && one_of(&self.countries, debtor.country)
            && self.party_kind.as_deref().is_none_or(|kind| kind == debtor.party_kind)
            && self.from_minor.is_none_or(|least| debtor.collectible_minor >= least)
            && self.to_minor.is_none_or(|most| debtor.collectible_minor <= most)
    }
}

impl Ladder {
    /// What is wrong with it, if anything: the field and how.
    #[must_use]
    pub fn fault(&self) -> Option<(String, &'static str)> {
        if !(1..=MOST_STEPS).contains(&self.steps.len()) {
            return Some(("steps".to_owned(), "1 to 20"));
        }
        if !(1..=90).contains(&self.min_days_between) {
            return Some(("min_days_between".to_owned(), "1 to 90 days"));
        }
        if self.tolerance_minor < 0 {
            return Some(("tolerance_minor".to_owned(), "0 or more minor units"));
        }
        self.steps.iter().enumerate().find_map(|(index, step)| {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            let at = |field: &str| format!("steps[{index}].{field}");
            if !(1..=40).contains(&step.key.len()) || !step.key.bytes().all(plain) {
                return Some((at("key"), "1 to 40 characters of a-z, 0-9 and _"));
            }
            if self.steps[..index].iter().any(|before| before.key == step.key) {
                return Some((at("key"), "stands twice"));
            }
            if !(-90..=365).contains(&step.days) {
                return Some((at("days"), "-90 to 365"));
            }
            if index > 0 && self.steps[index - 1].days >= step.days {
                return Some((at("days"), "must be later than the step before"));
            }
            if (step.channel == Channel::Email) != step.template.is_some() {
                return Some((at("template"), "is for steps by e-mail, and for each of them"));
            }
            None
        })
    }
}

/// What is due today for an account that climbs `ladder`: `claims` are what may be asked for, worked out by
/// [`super::claim::claims`], `history` the steps taken so far, in any order.
#[must_use]
pub fn due(
    ladder: &Ladder,
    claims: &[Claim],
    left_out: &[LeftOut],
    history: &[Taken],
    days: &BusinessDays,
    today: NaiveDate,
) -> Decision {
    let nothing = |why, until| Decision::Nothing { why, until, left_out: left_out.to_vec() };
    let worth: Vec<Claim> =
        claims.iter().copied().filter(|claim| claim.minor >= ladder.tolerance_minor.max(1)).collect();
    let Some(anchor) = worth.iter().min_by_key(|claim| (claim.due_on, claim.instalment)) else {
        return nothing(Why::NothingClaimable, None);
    };
    if !days.contains(today) {
        return nothing(Why::Holiday, Some(days.roll(today)));
    }
    if history.iter().any(|taken| taken.reached == Reached::NotYet) {
        return nothing(Why::LastNotDelivered, None);
    }
    let late = today > anchor.due_on;
    let delivered = |step: &Step| {
        let is_it = |taken: &&Taken| taken.step == step.key && taken.items.contains(&anchor.instalment);
        history.iter().filter(is_it).any(|taken| taken.reached == Reached::Yes)
    };
    let mut passed = Vec::new();
    let next = ladder.steps.iter().find(|step| {
        if delivered(step) {
            return false;
        }
        // What would have come before or on the due date makes no sense after it.
        let over = late && step.days <= 0;
        if over {
            passed.push(step.key.clone());
        }
        !over
    });
    let Some(step) = next else { return nothing(Why::Finished, None) };
    let on = shifted(anchor.due_on, step.days);
    if today < on {
        return nothing(Why::NotYet, Some(days.roll(on)));
    }
    let earliest = history.iter().filter_map(|taken| rests_until(ladder, taken)).max();
    if let Some(earliest) = earliest.filter(|earliest| today < *earliest) {
        return nothing(Why::TooSoon, Some(days.roll(earliest)));
    }
    let failed: Vec<&Taken> = history
        .iter()
        .filter(|taken| matches!(taken.reached, Reached::No | Reached::NotThere))
        .filter(|taken| taken.step == step.key && taken.items.contains(&anchor.instalment))
        .collect();
    let gives_up = failed.len() >= MOST_TRIES;
    let goes_with = |claim: &&Claim| if late { claim.due_on < today } else { claim.due_on == anchor.due_on };
    let items: Vec<Claim> = worth.iter().filter(goes_with).copied().collect();
    Decision::Due(Due {
        step: step.key.clone(),
        channel: if gives_up { Channel::Call } else { step.channel },
        template: step.template.clone().filter(|_| !gives_up),
        anchor: anchor.instalment,
        total_minor: items.iter().map(|claim| claim.minor).sum(),
        items,
        passed,
        tries: failed.len(),
        replaces: failed.last().map(|taken| taken.id),
        left_out: left_out.to_vec(),
    })
}

/// Before which day nothing follows on a step that was taken: another address may be tried on the next day.
fn rests_until(ladder: &Ladder, taken: &Taken) -> Option<NaiveDate> {
    let days = match taken.reached {
        Reached::Yes | Reached::No => ladder.min_days_between.max(1),
        Reached::NotThere => 1,
        Reached::NotYet => return None,
    };
    Some(taken.on + Days::new(days.into()))
}

fn shifted(day: NaiveDate, days: i16) -> NaiveDate {
    let by = Days::new(days.unsigned_abs().into());
    let moved = if days < 0 { day.checked_sub_days(by) } else { day.checked_add_days(by) };
    moved.unwrap_or(day)
}

#[cfg(test)]
mod tests;
