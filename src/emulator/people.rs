//! The people and machines behind the numbers: seeded, so that the same number behaves the same in every run.

use std::time::Duration;

use clap::Args;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use rand_distr::{Distribution as _, Gamma, LogNormal};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What the population does, on average. Chances are 0 to 1; what is left over rings out.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
#[serde(default)]
pub struct Population {
    /// Chance that a person answers.
    #[arg(long = "human", default_value_t = 0.45)]
    pub human: f64,
    /// Chance that an answering machine answers.
    #[arg(long = "machine", default_value_t = 0.20)]
    pub machine: f64,
    /// Chance that the line is engaged.
    #[arg(long = "busy", default_value_t = 0.06)]
    pub busy: f64,
    /// Chance that the call cannot be completed.
    #[arg(long = "failed", default_value_t = 0.02)]
    pub failed: f64,
    /// Chance that the number is one which the carrier refuses at once.
    #[arg(long = "invalid", default_value_t = 0.0)]
    pub invalid: f64,
    /// Mean time until somebody answers, seconds.
    #[arg(long = "ring-seconds", default_value_t = 9.0)]
    pub ring_seconds: f64,
    /// Median time a person talks, seconds.
    #[arg(long = "talk-seconds", default_value_t = 75.0)]
    pub talk_seconds: f64,
    /// Spread of the time a person talks: standard deviation of its logarithm.
    #[arg(long = "talk-spread", default_value_t = 0.7)]
    pub talk_spread: f64,
    /// Mean time a person waits in silence before hanging up, seconds.
    #[arg(long = "patience-seconds", default_value_t = 12.0)]
    pub patience_seconds: f64,
    /// Mean time until machine detection speaks, seconds.
    #[arg(long = "detection-seconds", default_value_t = 3.5)]
    pub detection_seconds: f64,
    /// Chance that machine detection takes a person for a machine.
    #[arg(long = "mistaken", default_value_t = 0.02)]
    pub mistaken: f64,
}

impl Default for Population {
    fn default() -> Self {
        Self {
            human: 0.45,
            machine: 0.20,
            busy: 0.06,
            failed: 0.02,
            invalid: 0.0,
            ring_seconds: 9.0,
            talk_seconds: 75.0,
            talk_spread: 0.7,
            patience_seconds: 12.0,
            detection_seconds: 3.5,
            mistaken: 0.02,
        }
    }
}

/// How one call is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reaction {
    /// A person answers.
    Human,
    /// An answering machine answers.
    Machine,
    /// A fax answers.
    Fax,
    /// An agent's device answers, and stays until it is told to go.
    Device,
    /// Engaged.
    Busy,
    /// Nobody answers.
    NoAnswer,
    /// Cannot be completed.
    Failed,
    /// The carrier refuses the number when it is asked to dial.
    Invalid,
}

/// What the far end does in one call. All times are those of the people; the speed factor is applied by the line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Behaviour {
    /// How the call is taken.
    pub reaction: Reaction,
    /// From ringing to the answer.
    pub ring: Duration,
    /// From the start of a conversation to hanging up.
    pub talk: Duration,
    /// Without a conversation, from the answer to hanging up.
    pub patience: Duration,
    /// From the answer to the verdict of machine detection.
    pub detection: Duration,
    /// The verdict: a value of `AnsweredBy`.
    pub verdict: String,
    /// Keys pressed when asked for some.
    #[serde(default)]
    pub digits: String,
}

/// A machine takes a message of this length.
const MACHINE_LISTENS: Duration = Duration::from_secs(30);
/// Longer than any call lasts.
const FOREVER: Duration = Duration::from_hours(365 * 24);

/// Draws what happens the `nth` time that `number` is called.
pub(super) fn behaviour(population: &Population, seed: u64, number: &str, nth: u64) -> Behaviour {
    let mut rng = generator(seed, number, nth);
    let reaction = reaction(population, rng.random());
    let seconds = |value: f64| Duration::from_secs_f64(value.clamp(0.0, 3_600.0));
    let gamma = |rng: &mut StdRng, mean: f64| Gamma::new(4.0, mean / 4.0).map_or(mean, |spread| spread.sample(rng));
    let talk = LogNormal::new(population.talk_seconds.max(0.1).ln(), population.talk_spread)
        .map_or(population.talk_seconds, |spread| spread.sample(&mut rng));
    let answered_by_machine = reaction == Reaction::Machine || rng.random_bool(population.mistaken.clamp(0.0, 1.0));
    let verdict = match reaction {
        Reaction::Fax => "fax",
        _ if answered_by_machine => "machine_start",
        _ => "human",
    };
    Behaviour {
        reaction,
        ring: seconds(gamma(&mut rng, population.ring_seconds)),
        talk: seconds(talk.clamp(2.0, 1_800.0)),
        patience: match reaction {
            Reaction::Machine | Reaction::Fax => MACHINE_LISTENS,
            _ => seconds(gamma(&mut rng, population.patience_seconds)),
        },
        detection: seconds(gamma(&mut rng, population.detection_seconds)),
        verdict: verdict.to_owned(),
        digits: String::new(),
    }
}

impl Behaviour {
    /// An agent's device: answers after about a second and stays.
    pub(super) fn device() -> Self {
        Self {
            reaction: Reaction::Device,
            ring: Duration::from_secs(1),
            talk: FOREVER,
            patience: FOREVER,
            detection: Duration::from_secs(3),
            verdict: "human".to_owned(),
            digits: String::new(),
        }
    }
}

fn reaction(population: &Population, mut draw: f64) -> Reaction {
    let chances = [
        (population.human, Reaction::Human),
        (population.machine, Reaction::Machine),
        (population.busy, Reaction::Busy),
        (population.failed, Reaction::Failed),
        (population.invalid, Reaction::Invalid),
    ];
    for (chance, reaction) in chances {
        if draw < chance {
            return reaction;
        }
        draw -= chance;
    }
    Reaction::NoAnswer
}

/// A random generator of its own for each thing that is named, so that the order of calls does not matter.
pub(super) fn generator(seed: u64, name: &str, nth: u64) -> StdRng {
    let digest = Sha256::new()
        .chain_update(seed.to_le_bytes())
        .chain_update(nth.to_le_bytes())
        .chain_update(name.as_bytes())
        .finalize();
    StdRng::from_seed(digest.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_number_behaves_the_same_and_another_call_differs() {
        let population = Population::default();
        let first = behaviour(&population, 7, "+15555550100", 0);
        assert_eq!(first, behaviour(&population, 7, "+15555550100", 0));
        assert_ne!(first, behaviour(&population, 7, "+15555550100", 1));
        assert_ne!(first, behaviour(&population, 8, "+15555550100", 0));
    }

    #[test]
    fn chances_and_means_are_met() {
        let population = Population::default();
        let drawn: Vec<_> = (0..4_000).map(|nth| behaviour(&population, 1, &format!("+1555{nth:07}"), 0)).collect();
        let among = |reaction| drawn.iter().filter(|drawn| drawn.reaction == reaction).count();
        assert!((1_680..1_920).contains(&among(Reaction::Human)));
        assert!((680..920).contains(&among(Reaction::Machine)));
        assert!((960..1_200).contains(&among(Reaction::NoAnswer)));
        let mean_ring = drawn.iter().map(|drawn| drawn.ring.as_secs_f64()).sum::<f64>() / 4_000.0;
        assert!((mean_ring - 9.0).abs() < 0.4, "{mean_ring}");
    }
}
