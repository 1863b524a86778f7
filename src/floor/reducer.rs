//! The pure fold from what happened to the board.
//!
//! Every event carries the present state of one thing, with a version. The newest version of each thing is kept and
//! the sums are corrected by the difference, so any order and any repetition of events ends in the same floor.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    agent::presence::{Presence, State},
    call::{self, Direction},
    campaign,
    ids::{CallId, CampaignId, UserId},
    money::{Currency, Money},
    pacing::{reason::Reason, share::Abandoned},
    queue::{Hold, Lane, Wait},
};

/// The board.
#[derive(Clone, Debug, PartialEq)]
pub struct Floor {
    day: NaiveDate,
    agents: BTreeMap<UserId, FloorAgent>,
    campaigns: BTreeMap<CampaignId, FloorCampaign>,
    calls: HashMap<CallId, FloorCall>,
    tallies: BTreeMap<Option<CampaignId>, Tally>,
}

/// Something that changes the board.
#[derive(Clone, Debug, PartialEq)]
pub enum FloorEvent {
    /// The office's calendar day; a new one starts the day's sums afresh.
    Day(NaiveDate),
    /// An agent as it is now.
    Agent(FloorAgent),
    /// A call as it is now.
    Call(FloorCall),
    /// A campaign and its queue as they are now.
    Campaign(FloorCampaign),
}

/// An agent on the board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FloorAgent {
    /// Who.
    pub id: UserId,
    /// Name to show.
    pub name: String,
    /// The campaign it takes calls of.
    pub campaign: Option<CampaignId>,
    /// What it is doing, and since when.
    pub presence: Presence,
    /// A desk is connected.
    pub connected: bool,
    /// Its voice leg is up.
    pub voice: bool,
    /// When the row was read, by the service's clock: of two readings the later one counts.
    pub read_at: DateTime<Utc>,
}

/// A call on the board: only what is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FloorCall {
    /// Which.
    pub id: CallId,
    /// `call.version`: of two states the higher one counts.
    pub version: i64,
    /// Its campaign.
    pub campaign: Option<CampaignId>,
    /// The office's day on which it began.
    pub day: NaiveDate,
    /// Who called whom.
    pub direction: Direction,
    /// Where it stands.
    pub state: call::State,
    /// How it ended.
    pub outcome: Option<call::Outcome>,
    /// The carrier was, or may have been, asked to dial it.
    pub placed: bool,
    /// Who picked up; a person as long as nothing else is known.
    pub picked_up: Option<PickedUp>,
    /// The disposition says that the debtor, or who pays for it, was on the line.
    pub contact: bool,
    /// The payment promised in it.
    pub promised: Option<Money>,
}

impl FloorAgent {
    /// It is at a desk.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.presence.state != State::Offline
    }
}

/// Who picked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PickedUp {
    /// A person.
    Person,
    /// An answering machine or a fax.
    Machine,
}

/// A campaign on the board.
#[derive(Clone, Debug, PartialEq)]
pub struct FloorCampaign {
    /// Which.
    pub id: CampaignId,
    /// Name.
    pub name: String,
    /// Whether it dials.
    pub state: campaign::State,
    /// How it dials.
    pub mode: campaign::Mode,
    /// Lines per ready agent, in thousandths.
    pub ratio_milli: u32,
    /// Its queue; `None` while Redis does not answer.
    pub queue: Option<FloorQueue>,
    /// When the dialer last looked at it, what it did and why; `None`: never yet.
    pub latest: Option<(DateTime<Utc>, Reason)>,
    /// Its abandoned calls.
    pub abandoned: Abandoned,
    /// When it was read, by the service's clock: of two readings the later one counts.
    pub read_at: DateTime<Utc>,
}

/// How many accounts are where in a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FloorQueue {
    /// Entries that may be dialled while their window is open, by lane.
    pub ready: BTreeMap<Lane, u64>,
    /// Entries that wait for a moment, by why they do.
    pub waiting: BTreeMap<Wait, u64>,
    /// Accounts kept out, by reason.
    pub held: BTreeMap<Hold, u64>,
}

/// The day's sums of one campaign, and its calls in progress.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls that are not done, by state, of whichever day.
    pub by_state: BTreeMap<call::State, u64>,
    /// Outbound calls placed today.
    pub attempts: u64,
    /// Of those, picked up by a person.
    pub answered: u64,
    /// Of those, picked up by a machine or a fax.
    pub machines: u64,
    /// Of those answered, without an agent within the limit.
    pub abandoned: u64,
    /// Of those attempts, the ones in which the right party was reached.
    pub contacts: u64,
    /// Inbound calls of today.
    pub inbound: u64,
    /// Promises taken today.
    pub promises: u64,
    /// Amounts promised today, minor units by currency.
    pub promised: BTreeMap<Currency, i64>,
}

/// Folds one event into the board.
pub fn reduce(floor: &mut Floor, event: &FloorEvent) {
    match event {
        FloorEvent::Day(day) => floor.start_day(*day),
        FloorEvent::Agent(agent) => floor.put_agent(agent),
        FloorEvent::Call(call) => floor.put_call(call),
        FloorEvent::Campaign(campaign) => floor.put_campaign(campaign),
    }
}

impl Floor {
    /// An empty board of `day`.
    #[must_use]
    pub fn new(day: NaiveDate) -> Self {
        Self {
            day,
            agents: BTreeMap::new(),
            campaigns: BTreeMap::new(),
            calls: HashMap::new(),
            tallies: BTreeMap::new(),
        }
    }

    /// The office's day whose sums it shows.
    #[must_use]
    pub fn day(&self) -> NaiveDate {
        self.day
    }

    /// Every agent it has heard of.
    pub fn agents(&self) -> impl Iterator<Item = &FloorAgent> {
        self.agents.values()
    }

    /// Every campaign.
    pub fn campaigns(&self) -> impl Iterator<Item = &FloorCampaign> {
        self.campaigns.values()
    }

    /// The calls it takes to be in progress.
    pub fn unfinished(&self) -> impl Iterator<Item = CallId> {
        self.calls.values().filter(|call| call.state != call::State::Done).map(|call| call.id)
    }

    /// The sums of one campaign, or of the calls without one.
    #[must_use]
    pub fn tally(&self, campaign: Option<CampaignId>) -> Tally {
        self.tallies.get(&campaign).cloned().unwrap_or_default()
    }

    /// The sums of all calls.
    #[must_use]
    pub fn total(&self) -> Tally {
        self.tallies.values().fold(Tally::default(), Tally::plus)
    }

    fn start_day(&mut self, day: NaiveDate) {
        if day <= self.day {
            return;
        }
        self.day = day;
        self.calls.retain(|_, call| !is_past(call, day));
        self.tallies.clear();
        for call in self.calls.values() {
            self.tallies.entry(call.campaign).or_default().add(call, day);
        }
        self.tallies.retain(|_, tally| *tally != Tally::default());
    }

    fn put_agent(&mut self, agent: &FloorAgent) {
        if self.agents.get(&agent.id).is_none_or(|known| known.read_at <= agent.read_at) {
            self.agents.insert(agent.id, agent.clone());
        }
    }

    fn put_campaign(&mut self, campaign: &FloorCampaign) {
        if self.campaigns.get(&campaign.id).is_none_or(|known| known.read_at <= campaign.read_at) {
            self.campaigns.insert(campaign.id, campaign.clone());
        }
    }

    fn put_call(&mut self, call: &FloorCall) {
        if self.calls.get(&call.id).is_some_and(|known| known.version >= call.version) {
            return;
        }
        let day = self.day;
        if let Some(known) = self.calls.insert(call.id, call.clone()) {
            self.correct(known.campaign, |tally| tally.remove(&known, day));
        }
        self.correct(call.campaign, |tally| tally.add(call, day));
    }

    /// Changes a tally; one that holds nothing is not kept, so that equal floors compare equal.
    fn correct(&mut self, campaign: Option<CampaignId>, change: impl FnOnce(&mut Tally)) {
        let tally = self.tallies.entry(campaign).or_default();
        change(tally);
        if *tally == Tally::default() {
            self.tallies.remove(&campaign);
        }
    }
}

/// Done, and begun before yesterday: forgotten. Yesterday's calls are remembered, so that a late event of one that is
/// done cannot bring it back to life.
fn is_past(call: &FloorCall, day: NaiveDate) -> bool {
    call.state == call::State::Done && call.day.succ_opt().is_some_and(|next| next < day)
}

impl Tally {
    fn add(&mut self, call: &FloorCall, day: NaiveDate) {
        self.apply(call, day, 1);
    }

    fn remove(&mut self, call: &FloorCall, day: NaiveDate) {
        self.apply(call, day, -1);
    }

    fn apply(&mut self, call: &FloorCall, day: NaiveDate, sign: i64) {
        let count = |counter: &mut u64, applies: bool| {
            if applies {
                *counter = counter.saturating_add_signed(sign);
            }
        };
        if call.state != call::State::Done {
            let counter = self.by_state.entry(call.state).or_default();
            count(counter, true);
            self.by_state.retain(|_, count| *count > 0);
        }
        if call.day != day {
            return;
        }
        let outbound = call.direction == Direction::Outbound;
        count(&mut self.attempts, outbound && call.placed);
        count(&mut self.answered, outbound && call.picked_up == Some(PickedUp::Person));
        count(&mut self.machines, outbound && call.picked_up == Some(PickedUp::Machine));
        count(&mut self.abandoned, outbound && call.outcome == Some(call::Outcome::Abandoned));
        count(&mut self.contacts, outbound && call.contact);
        count(&mut self.inbound, !outbound);
        count(&mut self.promises, call.promised.is_some());
        if let Some(promised) = call.promised {
            *self.promised.entry(promised.currency).or_default() += sign * promised.minor;
            self.promised.retain(|_, minor| *minor != 0);
        }
    }

    /// Adds another tally to this one.
    #[must_use]
    pub fn plus(mut self, other: &Self) -> Self {
        for (state, count) in &other.by_state {
            *self.by_state.entry(*state).or_default() += count;
        }
        self.attempts += other.attempts;
        self.answered += other.answered;
        self.machines += other.machines;
        self.abandoned += other.abandoned;
        self.contacts += other.contacts;
        self.inbound += other.inbound;
        self.promises += other.promises;
        for (currency, minor) in &other.promised {
            *self.promised.entry(*currency).or_default() += minor;
        }
        self
    }
}

#[cfg(test)]
mod tests;
