//! Telling a call what was heard: one transaction that stores the raw event once, steps the machine, keeps the facts,
//! moves the agent, disposes of what no agent will see, and enqueues what has to happen outside.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use tracing::{Instrument, debug, info_span};

pub use super::heard::{Heard, Source};
use super::{Create, Effect, Event, Facts, Ignored, Outcome, Step, machine, store};
use crate::{
    agent::{self, presence},
    app::App,
    disposition::{self, automatic::Unseen},
    error::{Error, Result},
    ids::{AccountId, CallId, CampaignId, UserId},
    outbox,
};

/// Time to record the disposition of a call that belongs to no campaign.
const WRAP_UP_WITHOUT_CAMPAIGN: TimeDelta = TimeDelta::seconds(60);

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The call learnt from it.
    Applied,
    /// Recorded, but it changes nothing.
    Ignored(Ignored),
    /// The same event had been recorded before; nothing was changed.
    Duplicate,
}

/// Tells a call `event` in a transaction of its own, and wakes the outbox after the commit.
///
/// # Errors
/// [`Error::NotFound`]; those of Postgres.
pub async fn tell(app: &App, call: CallId, heard: Heard, event: Event) -> Result<Verdict> {
    let span = info_span!("call", %call, source = heard.source.as_str());
    async {
        let mut tx = app.db.begin().await?;
        let verdict = tell_in(&mut tx, call, &heard, &event).await?;
        tx.commit().await?;
        app.outbox.ring();
        Ok(verdict)
    }
    .instrument(span)
    .await
}

/// As [`tell`], in the caller's transaction; ring the outbox after the commit.
///
/// Lock order: call, agent, account. Lock nothing of the agent's or the account's before.
///
/// # Errors
/// As [`tell`].
pub async fn tell_in(conn: &mut PgConnection, call: CallId, heard: &Heard, event: &Event) -> Result<Verdict> {
    let mut call = Locked::lock(conn, call).await?.ok_or(Error::NotFound("call"))?;
    call.learn(event, heard.at);
    Ok(call.keep(conn, heard).await?.verdict)
}

/// A call under lock, and what the transaction has learnt about it so far.
#[derive(Clone, Debug)]
pub struct Locked {
    /// As it was read, with the facts grown since.
    pub row: store::Row,
    before: Facts,
    effects: Vec<Effect>,
    ignored: Ignored,
}

/// A call as it was written back.
#[derive(Debug)]
pub struct Kept {
    /// The call.
    pub call: CallId,
    /// What became of the last event.
    pub verdict: Verdict,
    /// What is known now.
    pub facts: Facts,
    /// Conference of the call's agent.
    pub conference: Option<String>,
}

impl Locked {
    /// Locks a call until the transaction ends; `None`: there is no such call.
    ///
    /// # Errors
    /// Those of Postgres.
    pub async fn lock(conn: &mut PgConnection, call: CallId) -> Result<Option<Self>> {
        Ok(store::lock(conn, call).await?.map(Self::of))
    }

    /// A call whose row is locked, or is written only if its version is still the same.
    pub(super) fn of(row: store::Row) -> Self {
        Self { before: row.facts.clone(), row, effects: Vec::new(), ignored: Ignored::Known }
    }

    /// Steps the machine.
    pub fn learn(&mut self, event: &Event, at: DateTime<Utc>) {
        match machine::step(&self.row.facts, event, at) {
            Step::Next { facts, effects } => {
                debug!(?event, from = self.row.facts.state().as_str(), to = facts.state().as_str(), "told");
                self.row.facts = facts;
                self.effects.extend(effects);
            }
            Step::Ignored(why) => self.ignored = why,
        }
    }

    /// Reserves the agent and gives it the call; false: the call takes none, or the agent is not ready.
    ///
    /// # Errors
    /// Those of Postgres.
    pub async fn give_to(&mut self, conn: &mut PgConnection, agent: UserId, now: DateTime<Utc>) -> Result<bool> {
        if !self.row.facts.may_take_agent() {
            return Ok(false);
        }
        let reserved = agent::change(conn, agent, presence::Event::Reserved(self.row.id), now, None).await?;
        if reserved.is_some() {
            self.learn(&Event::AgentAssigned(agent), now);
        }
        Ok(reserved.is_some())
    }

    /// The answer to the carrier itself bridges the call: no need to have it moved.
    pub fn bridged_by_answer(&mut self) {
        self.effects.retain(|effect| !matches!(effect, Effect::Bridge(_)));
    }

    /// Writes back what was learnt and carries out what belongs to the same transaction. Where the event had been
    /// recorded before ([`Verdict::Duplicate`]) nothing is written: roll back, an agent may have been reserved.
    ///
    /// # Errors
    /// Those of Postgres.
    pub async fn keep(self, conn: &mut PgConnection, heard: &Heard) -> Result<Kept> {
        let (verdict, outside) = (self.verdict(&self.before), self.outside());
        let facts = self.learnt();
        let change = store::Change { heard, verdict: verdict.as_str(), facts, effects: &outside };
        let written = store::keep(conn, self.row.id, &change).await?;
        let counts = self.counts_attempt();
        let Self { row, before, effects, .. } = self;
        if !written.fresh {
            return Ok(Kept { call: row.id, verdict: Verdict::Duplicate, facts: before, conference: row.conference });
        }
        if let Some((campaign, account)) = counts {
            store::count_attempt(conn, campaign, account, heard.at).await?;
        }
        for effect in &effects {
            inside(conn, &row, effect, heard.at).await?;
        }
        Ok(Kept { call: row.id, verdict, facts: row.facts, conference: written.conference.or(row.conference) })
    }

    /// What became of what was told since the call was as in `before`.
    pub(super) fn verdict(&self, before: &Facts) -> Verdict {
        if self.row.facts == *before { Verdict::Ignored(self.ignored) } else { Verdict::Applied }
    }

    /// What is known now, if it is more than before.
    pub(super) fn learnt(&self) -> Option<&Facts> {
        (self.row.facts != self.before).then_some(&self.row.facts)
    }

    /// What has to happen after the commit.
    pub(super) fn outside(&self) -> Vec<outbox::Effect> {
        if self.learnt().is_some() { outside(&self.row, &self.before, &self.effects) } else { Vec::new() }
    }

    /// The outcome that no agent will see.
    pub(super) fn disposes(&self) -> Option<Outcome> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::DisposeAutomatically(outcome) => Some(*outcome),
            _ => None,
        })
    }

    /// Rows of others than the call and its account change with it: the agent's, the contact point's.
    pub(super) fn moves_others(&self) -> bool {
        let moves = |effect: &Effect| {
            matches!(
                effect,
                Effect::AgentTalks(_)
                    | Effect::AgentWrapsUp(_)
                    | Effect::ReleaseAgent(_)
                    | Effect::MarkNumberInvalid { .. }
            )
        };
        self.counts_attempt().is_some() || self.effects.iter().any(moves)
    }

    /// A preview is dialled: only now it counts as an attempt.
    fn counts_attempt(&self) -> Option<(CampaignId, AccountId)> {
        let dialled = self.before.create == Create::NotAsked && self.row.facts.create > Create::NotAsked;
        self.row.campaign.zip(self.row.account).filter(|_| dialled)
    }
}

impl Verdict {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Ignored(Ignored::Known) => "known",
            Self::Ignored(Ignored::Over) => "over",
            Self::Duplicate => "duplicate",
        }
    }
}

/// What has to happen after the commit.
fn outside(row: &store::Row, before: &Facts, effects: &[Effect]) -> Vec<outbox::Effect> {
    let call = row.id;
    let mut outside = vec![outbox::Effect::CallChanged { call }];
    if before.ringing_at.is_none() && row.facts.ringing_at.is_some() && row.facts.is_live() {
        outside.push(outbox::Effect::PreparePop { call });
    }
    for effect in effects {
        match effect {
            Effect::CancelLine => outside.push(outbox::Effect::CancelLine { call }),
            Effect::HangUp => outside.push(outbox::Effect::HangUp { call }),
            Effect::Bridge(_) => outside.push(outbox::Effect::Bridge { call }),
            Effect::Requeue => outside.extend(row.account.map(|account| outbox::Effect::Requeue { account })),
            Effect::AgentTalks(_)
            | Effect::AgentWrapsUp(_)
            | Effect::ReleaseAgent(_)
            | Effect::MarkNumberInvalid { .. }
            | Effect::DisposeAutomatically(_) => {}
        }
    }
    outside
}

/// What belongs to the same transaction.
async fn inside(conn: &mut PgConnection, row: &store::Row, effect: &Effect, now: DateTime<Utc>) -> Result<()> {
    let (agent, event) = match effect {
        Effect::AgentTalks(agent) => (*agent, presence::Event::Bridged(row.id)),
        Effect::AgentWrapsUp(agent) => (*agent, presence::Event::TalkEnded(row.id, now + wrap_up(conn, row).await?)),
        Effect::ReleaseAgent(agent) => (*agent, presence::Event::Released(row.id)),
        Effect::MarkNumberInvalid { code } => {
            let Some(point) = row.contact_point else { return Ok(()) };
            return store::mark_invalid(conn, point, &format!("carrier error {code}"), now).await;
        }
        Effect::DisposeAutomatically(outcome) => {
            let unseen = Unseen { call: row.id, outcome: *outcome, at: now };
            return disposition::automatic::record(conn, &[unseen]).await;
        }
        Effect::CancelLine | Effect::HangUp | Effect::Bridge(_) | Effect::Requeue => return Ok(()),
    };
    agent::change(conn, agent, event, now, None).await?;
    Ok(())
}

async fn wrap_up(conn: &mut PgConnection, row: &store::Row) -> Result<TimeDelta> {
    let Some(campaign) = row.campaign else { return Ok(WRAP_UP_WITHOUT_CAMPAIGN) };
    let seconds = store::settings(conn, campaign).await?.limits.wrap_up_seconds;
    Ok(TimeDelta::seconds(i64::from(seconds)))
}
