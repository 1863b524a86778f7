//! A scenario's day, drawn from one seed.

use uuid::Uuid;

use super::{
    scenario::Scenario,
    world::{MORNING, World},
};
use crate::pacing::{
    contender::{Contender, Name},
    predictive::{Aims, Pacer, RingPrior, ServicePrior},
    simulation::{Carrier, Conversation, Course, Fate, Number, Taken},
};

/// Lines for each ready agent, of the pacer that keeps to a ratio.
const RATIO: f64 = 2.0;

/// One day of a scenario.
#[derive(Clone, Debug)]
pub struct MadeUp {
    scenario: Scenario,
    world: World,
    agents: Vec<Uuid>,
    /// How much longer than everybody each agent takes.
    paces: Vec<f64>,
}

impl MadeUp {
    /// The day of one seed.
    #[must_use]
    pub fn new(scenario: &Scenario, seed: u64) -> Self {
        let world = World::new(seed);
        let numbers = 0..scenario.agents;
        Self {
            scenario: *scenario,
            world,
            agents: numbers.clone().map(|number| Uuid::from_u128(number.into())).collect(),
            paces: numbers.map(|number| world.pace(scenario, number)).collect(),
        }
    }
}

impl Course for MadeUp {
    fn begins(&self) -> i64 {
        MORNING
    }

    fn ends(&self) -> i64 {
        MORNING + self.scenario.length()
    }

    fn agents(&self) -> &[Uuid] {
        &self.agents
    }

    fn at_work(&self, agent: usize, at: i64) -> bool {
        u32::try_from(agent).is_ok_and(|agent| agent < self.scenario.staff(at - MORNING))
    }

    fn dial(&self, campaign: usize, number: u32, at: i64) -> Fate {
        let answer = self.scenario.answer_at(at - MORNING, number, campaign);
        let (how, rings) = self.world.dial(campaign, number, answer);
        let detection = self.scenario.carrier.detection;
        let lost = detection.is_some_and(|(_, lost)| self.world.toss((1 << 39) + u64::from(number)) < lost);
        Fate { how, rings, person: true, lost, chance: self.scenario.tail(number) }
    }

    fn conversation(&self, call: &Taken) -> Conversation {
        debug_assert!(matches!(call.call, Number::Out(..)), "nobody calls in");
        let spoken = self.world.conversation(&self.scenario, call.before);
        let pace = self.paces[call.agent];
        Conversation { talk: whole(spoken.talk * pace), wrap: whole(spoken.wrap * pace) }
    }

    fn toss(&self, number: u64) -> f64 {
        self.world.toss(number)
    }

    fn carrier(&self) -> Carrier {
        let (detection, grace) = self.scenario.detection();
        Carrier { lines: self.scenario.carrier.trunk, starts: self.scenario.carrier.starts, detection, grace }
    }

    fn list(&self, _campaign: usize, dialled: u32) -> (u32, f64) {
        (self.scenario.entries().saturating_sub(dialled), self.scenario.tail(dialled))
    }
}

/// A pacer for each campaign of a scenario.
#[must_use]
pub fn contenders(name: Name, scenario: &Scenario) -> Vec<Contender> {
    let campaigns = 0..scenario.campaigns();
    campaigns.map(|campaign| name.contender(|| mistaken(scenario, campaign), RATIO)).collect()
}

/// Ours, begun with a chance of an answer 1.3 times too high and talk 0.8 times too short.
#[must_use]
pub fn mistaken(scenario: &Scenario, campaign: usize) -> Pacer {
    let mean = |(right, other): (f64, f64)| scenario.right_party * right + (1.0 - scenario.right_party) * other;
    let answer = (scenario.answer_at(0, 0, campaign) * 1.3).min(0.9);
    let (detection, grace) = scenario.detection();
    let aims = Aims { grace, detection, ..Aims::with_day(scenario.length()) };
    let ring = RingPrior { answer, machine: (1.0 - answer) * 0.4, timeout: super::world::TIMEOUT };
    let service = ServicePrior { talk: 0.8 * mean(scenario.talk), wrap: mean(scenario.wrap), wrap_limit: None };
    Pacer::new(aims, ring, service, MORNING)
}

#[expect(clippy::cast_possible_truncation, reason = "milliseconds of a day")]
fn whole(value: f64) -> i64 {
    value.round() as i64
}
