//! The queue: which account is called next, and why.
//!
//! Postgres knows the facts of every account; [`placement::place`] turns them into a [`Placement`]; Redis keeps the
//! placements in calling order and lends them out one lease at a time. Losing Redis costs seconds, never a fact.

mod bucket;
mod copy;
mod lend;
pub mod placement;
pub mod rank;
mod rebuild;
mod requeue;
pub mod right;
pub mod score;
mod script;
pub mod store;
mod supply;
mod text;
mod view;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::{
    bucket::Buckets,
    lend::{LEASE, claim, reap, release, settle, take},
    rebuild::{Rebuilt, forget, forget_all, rebuild},
    requeue::{give_back, promote, refuse, replace, requeue},
    supply::{Supply, supply},
    view::{PAGE, Page, Upcoming, depth, held, held_accounts, leased, next, waiting},
};
use crate::{
    app::App,
    campaign::Campaign,
    compliance::PermitRequest,
    error::Result,
    ids::{AccountId, ContactPointId, LeaseId, PersonId},
};

/// Keeps a campaign's queue in order: builds it where it is missing, lets entries in whose moment has come, and looks
/// after lapsed leases and changes that could not be carried out. False while somebody else is building it.
///
/// # Errors
/// If Postgres or Redis fails.
pub async fn keep_up(app: &App, campaign: &Campaign) -> Result<bool> {
    if !rebuild::ensure_built(app, campaign).await? {
        return Ok(false);
    }
    promote(app, campaign.id).await?;
    reap(app, campaign).await?;
    requeue::clean(app, campaign).await?;
    Ok(true)
}

/// Groups of entries, first come first: every entry of a lane goes before every entry of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// A callback that is due.
    CallbackDue,
    /// The last promise was broken.
    PromiseBroken,
    /// A promise falls due today: a reminder, where the campaign allows it.
    PromiseDue,
    /// A step of a ladder of reminders asks for a call.
    ReminderDue,
    /// Something is past due.
    PastDue,
    /// Nothing is due yet.
    NotYetDue,
}

impl Lane {
    /// The name used in metrics and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CallbackDue => "callback_due",
            Self::PromiseBroken => "promise_broken",
            Self::PromiseDue => "promise_due",
            Self::ReminderDue => "reminder_due",
            Self::PastDue => "past_due",
            Self::NotYetDue => "not_yet_due",
        }
    }
}

/// The points that make up a score; each 0 to the campaign's weight for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Components {
    /// For the collectible amount.
    pub balance: u16,
    /// For the age of the oldest item.
    pub age: u16,
    /// For broken and kept promises.
    pub promise_history: u16,
    /// For not having been tried often.
    pub freshness: u16,
    /// For how often people have answered at the number.
    pub reach: u16,
    /// For the chance of an answer at this hour; the hour passes while an entry waits, so it is worked out for a whole
    /// window at the moment of claiming and is 0 before.
    pub answer_chance: u16,
}

/// The zones in all of which calling must be allowed: entries with the same window open and close together.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Window(Vec<Tz>);

/// An account's place in a campaign's queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The account.
    pub account: AccountId,
    /// The person behind the contact point: never called twice at a time.
    pub person: PersonId,
    /// The number to try next.
    pub contact_point: ContactPointId,
    /// Its lane.
    pub lane: Lane,
    /// Sum of the components.
    pub score: u32,
    /// Why the score is what it is.
    pub components: Components,
    /// What may be collected, in minor units: the larger one goes first where lane and score are equal, and of equal
    /// ones the older account.
    pub collectible_minor: i64,
    /// When it may be called.
    pub window: Window,
}

impl Entry {
    /// The entry of an account that somebody calls by hand: it has no place in the order.
    #[must_use]
    pub fn by_hand(request: &PermitRequest) -> Self {
        Self {
            account: request.account,
            person: request.person,
            contact_point: request.contact_point,
            lane: Lane::NotYetDue,
            score: 0,
            components: Components::default(),
            collectible_minor: request.collectible_minor,
            window: Window::new(request.zones.iter().copied()),
        }
    }
}

/// Where an account belongs at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placement {
    /// May be dialled whenever its window is open.
    Ready(Entry),
    /// May not be dialled before `until`; then it takes its place as `entry`.
    Waiting {
        /// The moment.
        until: DateTime<Utc>,
        /// Why it waits.
        why: Wait,
        /// Its place then.
        entry: Entry,
    },
    /// Kept out until a fact changes.
    Held(Hold),
    /// Not in this campaign's list at all.
    Absent,
}

/// Why an entry waits for a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// A callback was agreed.
    Callback,
    /// It rests after an outcome.
    RetryDelay,
    /// The limit of attempts in a period is reached; it may be tried again then.
    Frequency,
    /// A hold with an end.
    Hold,
    /// The last look refused it; by its rules it may be called then.
    Policy,
}

/// Why an account is kept out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// Payment is promised and the date has not come.
    OpenPromise,
    /// Everything that is owed is disputed.
    Disputed,
    /// Cash that is not applied yet covers what is owed.
    CoveredByUnappliedCash,
    /// No valid number that may be called.
    NoCallableNumber,
    /// All attempts of the campaign are used up.
    AttemptsUsedUp,
    /// The debtor asked us to stop.
    Cease,
    /// Represented by an attorney.
    Attorney,
    /// Bankrupt.
    Bankruptcy,
    /// Deceased.
    Deceased,
    /// In a vulnerable situation: stop, and look after it.
    Vulnerable,
    /// In financial hardship.
    Hardship,
    /// On the do-not-call list.
    DoNotCall,
    /// With another department or authority.
    Escalated,
    /// A disposition or a supervisor put it on hold.
    OnHold,
    /// Being called right now.
    InCall,
    /// A disposition took it out of this campaign.
    Removed,
    /// The last look refused every number, and will until a fact changes.
    Policy,
}

/// An entry lent to one dial attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leased {
    /// The exclusive right; settling or releasing needs it.
    pub lease: LeaseId,
    /// What was lent.
    pub entry: Entry,
    /// When the right lapses.
    pub expires_at: DateTime<Utc>,
}

/// Everything the placement of one account in one campaign depends on, read from Postgres in one query.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Debug)]
pub struct Standing {
    /// The account.
    pub account: AccountId,
    /// `account.status = 'open'`.
    pub open: bool,
    /// Sum of open items less unapplied cash less disputed amounts, minor units.
    pub collectible_minor: i64,
    /// Sum of open items, minor units.
    pub open_minor: i64,
    /// Cash not applied, minor units.
    pub unapplied_minor: i64,
    /// Disputed amounts, minor units.
    pub disputed_minor: i64,
    /// Earliest due date among items with an undisputed part.
    pub oldest_due_on: Option<NaiveDate>,
    /// Due date of the open promise.
    pub open_promise_on: Option<NaiveDate>,
    /// The newest promise was broken.
    pub promise_broken: bool,
    /// Promises broken so far.
    pub broken_promises: u32,
    /// Promises kept so far.
    pub kept_promises: u32,
    /// The strictest active hold, and when it ends.
    pub hold: Option<(Hold, Option<DateTime<Utc>>)>,
    /// Earliest open callback.
    pub callback_at: Option<DateTime<Utc>>,
    /// The number that callback was promised on.
    pub callback_number: Option<ContactPointId>,
    /// A step of a ladder of reminders has asked for a call that nobody has made.
    pub reminder_call: bool,
    /// Rest after the last outcome.
    pub not_before: Option<DateTime<Utc>>,
    /// Attempts so far in this campaign.
    pub attempts: u32,
    /// Taken out of the campaign.
    pub removed: bool,
    /// A call to it is live.
    pub in_call: bool,
    /// Its valid numbers that are on no do-not-call list, in order of position.
    pub numbers: Vec<Number>,
    /// It has numbers, but all of those are on a do-not-call list.
    pub all_do_not_call: bool,
}

/// A number of an account that may be called.
#[derive(Clone, Debug)]
pub struct Number {
    /// The contact point.
    pub contact_point: ContactPointId,
    /// Who is reached there.
    pub person: PersonId,
    /// Every zone it may be in, those of the address included.
    pub zones: Vec<Tz>,
    /// Attempts that count, on this number, newest first, at most the last seven days.
    pub attempts: Vec<DateTime<Utc>>,
    /// Attempts that count, on this person at any number, newest first, at most the last seven days.
    pub person_attempts: Vec<DateTime<Utc>>,
    /// A call to this number or to this person is live, for whichever account.
    pub in_call: bool,
    /// How often people answer there, in thousandths of what is usual; see [`crate::answer::reach`].
    pub reach_milli: u32,
    /// The last look refused it, and nothing about the account has changed since.
    pub refused: Option<Refused>,
}

/// What the last look said to a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The rule.
    pub rule: String,
    /// From when on the number may be offered again; `None`: not before a fact changes.
    pub until: Option<DateTime<Utc>>,
}

impl Window {
    /// A window of the given zones; order and repetition do not matter.
    #[must_use]
    pub fn new(zones: impl IntoIterator<Item = Tz>) -> Self {
        let mut zones: Vec<Tz> = zones.into_iter().collect();
        zones.sort_by_key(|zone| zone.name());
        zones.dedup();
        Self(zones)
    }

    /// The zones, sorted by name.
    #[must_use]
    pub fn zones(&self) -> &[Tz] {
        &self.0
    }
}
