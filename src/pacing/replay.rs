//! What if: the recorded calls and agents of a day, dialled by another pacer.
//!
//! The n-th line that a pacer dials fares as the n-th recorded one did: the same outcome after the same ringing, and the
//! same talk and wrap-up if an agent gets to it. What no record can say is drawn from the record, by a seed and the number
//! of the call, so that every pacer meets the same (`docs/PACING.md` says what, exactly).

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    contender::Name,
    predictive::{Pacer, Resolution},
    share::Share,
    simulation::{Carrier, Conversation, Course, Fate, Number, Taken, simulate},
};
use crate::{answer::UNKNOWN, campaign::Limits};

const HOUR_MS: i64 = 3_600_000;
/// Recorded calls of an hour from which further calls of that hour are drawn; where there are fewer, the day's are.
const ENOUGH: usize = 30;
/// A machine that no agent ever heard occupies one for as long as detection takes.
const MACHINE: Conversation = Conversation { talk: 5_000, wrap: 0 };

/// A recorded day of a campaign; moments are milliseconds since the Unix epoch, spans are milliseconds.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// When the day began and ended.
    pub day: (i64, i64),
    /// When each agent worked for the campaign, in the order of time.
    pub shifts: Vec<(Uuid, Vec<(i64, i64)>)>,
    /// The calls it dialled, in the order of time.
    pub dialled: Vec<Recorded>,
    /// The calls that came in to it, in the order of time.
    pub came_in: Vec<Recorded>,
}

/// A recorded call.
#[derive(Clone, Copy, Debug)]
pub struct Recorded {
    /// When it was dialled or came in.
    pub at: i64,
    /// How it stopped ringing.
    pub how: Resolution,
    /// After how long.
    pub rang: i64,
    /// A person, not a machine, if anybody.
    pub person: bool,
    /// Nobody was there for a person who answered.
    pub abandoned: bool,
    /// What an agent made of it, if one got to it.
    pub spoken: Option<Conversation>,
}

/// Under which conditions the day is dialled again.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The campaign's limits.
    pub limits: Limits,
    /// Lines for each ready agent, of the pacer that keeps to a ratio.
    pub ratio: f64,
    /// Calls that the carrier starts a second.
    pub starts: u32,
    /// What is drawn depends on it.
    pub seed: u64,
}

/// What a day came to.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = PacingOutcome)]
pub struct Outcome {
    /// The pacer; `recorded` is the day as it was.
    pub pacer: &'static str,
    /// Lines dialled.
    pub dialled: u64,
    /// Minutes of talk for each hour that an agent was there.
    pub talk_minutes_an_hour: f64,
    /// Talk and wrap-up over the time that agents were there, 0 to 1.
    pub occupancy: f64,
    /// Answers by people and those of them abandoned.
    #[serde(flatten)]
    pub share: Share,
}

impl Recording {
    /// The longest time by which work can be bounded: hours that agents were there, all together.
    #[must_use]
    pub fn agent_hours(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a day's shifts")]
        let worked = self.shifts.iter().flat_map(|(_, shifts)| shifts).map(|(from, to)| to - from).sum::<i64>() as f64;
        worked / 3_600_000.0
    }

    /// What it came to.
    #[must_use]
    pub fn as_it_was(&self) -> Outcome {
        let spoken = self.dialled.iter().chain(&self.came_in).filter_map(|call| call.spoken);
        let (talk, wrap) =
            spoken.fold((0.0, 0.0), |(talk, wrap), call| (talk + hours(call.talk), wrap + hours(call.wrap)));
        let worked = self.agent_hours().max(1e-9);
        let answered = |call: &&Recorded| call.person && (call.abandoned || call.spoken.is_some());
        let answers = self.dialled.iter().filter(answered).count();
        let abandoned = self.dialled.iter().filter(|call| call.abandoned).count();
        Outcome {
            pacer: "recorded",
            dialled: self.dialled.len() as u64,
            talk_minutes_an_hour: 60.0 * talk / worked,
            occupancy: ((talk + wrap) / worked).min(1.0),
            share: Share::of(abandoned as u64, answers as u64),
        }
    }

    /// What it would have come to by another pacer. Ours begins as for an unknown list.
    ///
    /// # Errors
    /// What is missing from the record.
    pub fn by(&self, pacer: Name, terms: &Terms) -> Result<Outcome, &'static str> {
        let course = Replay::of(self, *terms)?;
        let limits = &terms.limits;
        let contender = pacer.contender(|| Pacer::of_unknown_list(limits, UNKNOWN, self.day.0), terms.ratio);
        let figures = simulate(&course, vec![contender]);
        let (answers, abandoned) = figures.answers();
        Ok(Outcome {
            pacer: pacer.as_str(),
            dialled: figures.dials.into(),
            talk_minutes_an_hour: figures.talk_minutes(),
            occupancy: figures.occupancy(),
            share: Share::of(abandoned.into(), answers.into()),
        })
    }
}

/// What a random number is for.
#[derive(Clone, Copy, Debug)]
enum Purpose {
    Dial = 1,
    Talk = 2,
    Toss = 3,
}

/// A recorded day as a course to dial.
struct Replay<'a> {
    recording: &'a Recording,
    terms: Terms,
    agents: Vec<Uuid>,
    calls_in: Vec<i64>,
    /// Conversations with people and with machines.
    people: Vec<Conversation>,
    machines: Vec<Conversation>,
}

impl<'a> Replay<'a> {
    fn of(recording: &'a Recording, terms: Terms) -> Result<Self, &'static str> {
        let calls = || recording.dialled.iter().chain(&recording.came_in);
        let spoken =
            |person: bool| calls().filter(|call| call.person == person).filter_map(|call| call.spoken).collect();
        let people: Vec<Conversation> = spoken(true);
        if recording.shifts.is_empty() {
            return Err("no agent worked for the campaign on that day");
        }
        if recording.dialled.is_empty() || people.is_empty() {
            return Err("no call with a conversation is recorded on that day");
        }
        Ok(Self {
            recording,
            terms,
            agents: recording.shifts.iter().map(|(agent, _)| *agent).collect(),
            calls_in: recording.came_in.iter().map(|call| call.at).collect(),
            people,
            machines: spoken(false),
        })
    }

    fn draw(&self, purpose: Purpose, number: u64) -> StdRng {
        StdRng::seed_from_u64((self.terms.seed << 44) ^ ((purpose as u64) << 40) ^ number)
    }

    /// The `number`-th recorded call; beyond the last one, one of the same hour of the day.
    fn recorded(&self, number: u32, at: i64) -> &Recorded {
        let calls = &self.recording.dialled;
        if let Some(call) = usize::try_from(number).ok().and_then(|number| calls.get(number)) {
            return call;
        }
        let hour = (at - self.recording.day.0) / HOUR_MS;
        let begins = self.recording.day.0 + hour * HOUR_MS;
        let from = calls.partition_point(|call| call.at < begins);
        let to = calls.partition_point(|call| call.at < begins + HOUR_MS);
        let among = if to - from >= ENOUGH { &calls[from..to] } else { calls };
        &among[self.draw(Purpose::Dial, number.into()).random_range(0..among.len())]
    }
}

impl Course for Replay<'_> {
    fn begins(&self) -> i64 {
        self.recording.shifts.iter().filter_map(|(_, shifts)| shifts.first()).map(|(from, _)| *from).min().unwrap_or(0)
    }

    fn ends(&self) -> i64 {
        self.recording.shifts.iter().filter_map(|(_, shifts)| shifts.last()).map(|(_, to)| *to).max().unwrap_or(0)
    }

    fn agents(&self) -> &[Uuid] {
        &self.agents
    }

    fn at_work(&self, agent: usize, at: i64) -> bool {
        self.recording.shifts[agent].1.iter().any(|(from, to)| (*from..*to).contains(&at))
    }

    fn dial(&self, _campaign: usize, number: u32, at: i64) -> Fate {
        let Recorded { how, rang, person, .. } = *self.recorded(number, at);
        Fate { how, rings: rang, person, lost: false, chance: 1.0 }
    }

    fn conversation(&self, call: &Taken) -> Conversation {
        let (own, number) = match call.call {
            Number::Out(_, number) => {
                (usize::try_from(number).ok().and_then(|n| self.recording.dialled.get(n)), u64::from(number))
            }
            Number::In(number) => (self.recording.came_in.get(number), (1 << 39) + number as u64),
        };
        if let Some(spoken) = own.and_then(|call| call.spoken) {
            return spoken;
        }
        let among = if call.person { &self.people } else { &self.machines };
        if among.is_empty() {
            return MACHINE;
        }
        among[self.draw(Purpose::Talk, number).random_range(0..among.len())]
    }

    fn calls_in(&self) -> &[i64] {
        &self.calls_in
    }

    fn toss(&self, number: u64) -> f64 {
        self.draw(Purpose::Toss, number).random()
    }

    fn carrier(&self) -> Carrier {
        Carrier {
            lines: self.terms.limits.max_lines.into(),
            starts: self.terms.starts.into(),
            detection: 0,
            grace: i64::from(self.terms.limits.hold_seconds) * 1000,
        }
    }

    /// Nobody recorded how long the list was: it never ends.
    fn list(&self, _campaign: usize, _dialled: u32) -> (u32, f64) {
        (u32::MAX, 1.0)
    }
}

fn hours(span: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a day")]
    let span = span as f64;
    span / 3_600_000.0
}

#[cfg(test)]
mod tests;
