//! The board as supervisors get it, and the difference between two boards.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    agent::presence::Presence,
    call, campaign,
    ids::{CampaignId, UserId},
    money::Money,
    pacing::{
        reason::{Reason, STALE},
        share::Abandoned,
    },
};

use super::reducer::{Floor, FloorAgent, FloorCampaign, FloorQueue, Tally};

/// The live board.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FloorView {
    /// When it was made, by the service's clock.
    pub at: DateTime<Utc>,
    /// The office's day whose figures it shows.
    pub day: NaiveDate,
    /// All calls together.
    pub total: Figures,
    /// Every campaign, by name.
    pub campaigns: Vec<CampaignView>,
    /// Every agent who is at a desk, by name.
    pub agents: Vec<AgentView>,
}

/// Calls in progress, and the day's sums.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = FloorFigures)]
pub struct Figures {
    /// Calls in progress by state; states without calls are left out.
    pub calls: BTreeMap<call::State, u64>,
    /// Outbound calls placed today.
    pub attempts: u64,
    /// Of those, picked up by a person.
    pub answered: u64,
    /// Of those, picked up by a machine or a fax.
    pub machines: u64,
    /// Of the answered ones, without an agent within the limit.
    pub abandoned: u64,
    /// Of the attempts, the right party was reached.
    pub contacts: u64,
    /// Inbound calls today.
    pub inbound: u64,
    /// Promises taken today.
    pub promises: u64,
    /// What was promised today, an amount for each currency.
    pub promised: Vec<Money>,
    /// Answered by a person / attempts, 0 to 1; `null` without attempts.
    pub answer_rate: Option<f64>,
    /// Abandoned / answered by a person, 0 to 1; `null` without answers.
    pub abandon_rate: Option<f64>,
    /// Right party reached / attempts, 0 to 1; `null` without attempts.
    pub contact_rate: Option<f64>,
}

/// An agent.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AgentView {
    /// Who.
    pub id: UserId,
    /// Name to show.
    pub name: String,
    /// The campaign it takes calls of.
    pub campaign: Option<CampaignId>,
    /// A desk is connected.
    pub connected: bool,
    /// Its voice leg is up: without it no call can reach it.
    pub voice: bool,
    /// What it is doing, and since when.
    #[serde(flatten)]
    pub presence: Presence,
}

/// A campaign.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct CampaignView {
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
    /// Its queue; `null` while Redis does not answer.
    pub queue: Option<FloorQueue>,
    /// Its calls and sums.
    pub figures: Figures,
    /// Why it dials or not, in plain words.
    pub why: String,
    /// What the dialer did when it last looked, its inputs and its forecast; `null` if it never did.
    pub reason: Option<Reason>,
    /// Its abandoned calls of the last 24 hours and 30 days; worked out anew every minute.
    pub abandoned: Abandoned,
}

/// What changed from one board to the next; what did not change is left out.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Patch {
    /// When the later board was made.
    pub at: DateTime<Utc>,
    /// The day, if another one has begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<NaiveDate>,
    /// All calls together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<Figures>,
    /// Campaigns that are new or changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub campaigns: Vec<CampaignView>,
    /// Agents who are new or changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<AgentView>,
    /// Agents who left.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<UserId>,
}

impl FloorView {
    /// The board at `at`.
    #[must_use]
    pub fn of(floor: &Floor, at: DateTime<Utc>) -> Self {
        let campaign = |campaign: &FloorCampaign| CampaignView::of(campaign, &floor.tally(Some(campaign.id)), at);
        let mut campaigns: Vec<CampaignView> = floor.campaigns().map(campaign).collect();
        campaigns.sort_by(|a, b| a.name.cmp(&b.name));
        let mut agents: Vec<AgentView> = floor.agents().filter(|agent| agent.is_there()).map(AgentView::from).collect();
        agents.sort_by(|a, b| a.name.cmp(&b.name));
        Self { at, day: floor.day(), total: Figures::of(&floor.total()), campaigns, agents }
    }

    /// What turns `before` into `self`; `None` if nothing but the time changed.
    #[must_use]
    pub fn since(&self, before: &Self) -> Option<Patch> {
        let there: BTreeSet<UserId> = self.agents.iter().map(|agent| agent.id).collect();
        let patch = Patch {
            at: self.at,
            day: (self.day != before.day).then_some(self.day),
            total: (self.total != before.total).then(|| self.total.clone()),
            campaigns: changed(&self.campaigns, &before.campaigns),
            agents: changed(&self.agents, &before.agents),
            gone: before.agents.iter().map(|agent| agent.id).filter(|id| !there.contains(id)).collect(),
        };
        let nothing =
            Patch { at: self.at, day: None, total: None, campaigns: Vec::new(), agents: Vec::new(), gone: Vec::new() };
        (patch != nothing).then_some(patch)
    }
}

fn changed<T: PartialEq + Clone>(now: &[T], before: &[T]) -> Vec<T> {
    now.iter().filter(|item| !before.contains(item)).cloned().collect()
}

impl Figures {
    fn of(tally: &Tally) -> Self {
        Self {
            calls: tally.by_state.clone(),
            attempts: tally.attempts,
            answered: tally.answered,
            machines: tally.machines,
            abandoned: tally.abandoned,
            contacts: tally.contacts,
            inbound: tally.inbound,
            promises: tally.promises,
            promised: tally.promised.iter().map(|(currency, minor)| Money::new(*minor, *currency)).collect(),
            answer_rate: rate(tally.answered, tally.attempts),
            abandon_rate: rate(tally.abandoned, tally.answered),
            contact_rate: rate(tally.contacts, tally.attempts),
        }
    }
}

/// A part of a whole, to four decimals; undefined where there is no whole.
#[expect(clippy::cast_precision_loss, reason = "counts of a day stay far below 2^52")]
fn rate(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| (part as f64 / whole as f64 * 10_000.0).round() / 10_000.0)
}

impl CampaignView {
    fn of(campaign: &FloorCampaign, tally: &Tally, at: DateTime<Utc>) -> Self {
        Self {
            id: campaign.id,
            name: campaign.name.clone(),
            state: campaign.state,
            mode: campaign.mode,
            ratio_milli: campaign.ratio_milli,
            queue: campaign.queue.clone(),
            figures: Figures::of(tally),
            why: why(campaign, at),
            reason: campaign.latest.map(|(_, reason)| reason),
            abandoned: campaign.abandoned,
        }
    }
}

/// Why a campaign dials or not, in plain words.
fn why(campaign: &FloorCampaign, at: DateTime<Utc>) -> String {
    match (campaign.state, &campaign.latest) {
        (campaign::State::Paused, _) => "Paused: no calls are placed.".to_owned(),
        (campaign::State::Draining, _) => "Draining: no new calls; it pauses when the last one is done.".to_owned(),
        (campaign::State::Running, Some((looked, reason))) if at - *looked <= STALE => reason.in_words(),
        (campaign::State::Running, _) => {
            "Dials nothing: its queue is being built, or the dialer has not looked at it of late.".to_owned()
        }
    }
}

impl From<&FloorAgent> for AgentView {
    fn from(agent: &FloorAgent) -> Self {
        Self {
            id: agent.id,
            name: agent.name.clone(),
            campaign: agent.campaign,
            connected: agent.connected,
            voice: agent.voice,
            presence: agent.presence.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_of_nothing_is_undefined() {
        assert_eq!(rate(0, 0), None);
        assert_eq!(rate(0, 7), Some(0.0));
        assert_eq!(rate(1, 3), Some(0.3333));
        assert_eq!(rate(3, 3), Some(1.0));
    }
}
