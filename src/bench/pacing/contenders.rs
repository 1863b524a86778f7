//! Who is compared with whom.

use super::{
    day::{Contender, MORNING},
    scenario::Scenario,
};
use crate::pacing::{
    baseline::{
        Baseline, Issabel, Vicidial, Webitel,
        vicidial::{Method, Settings},
    },
    predictive::{Aims, Pacer, RingPrior, ServicePrior},
};

/// A pacer by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// Ours, begun with a chance of an answer 1.3 times too high and talk 0.8 times too short.
    Predictive,
    /// One line an agent.
    Progressive,
    /// Two lines for each ready agent.
    Ratio,
    /// VICIDIAL as installed.
    Vicidial(Method),
    /// VICIDIAL as experienced administrators set it.
    VicidialTuned(Method),
    /// Webitel.
    Webitel,
    /// Issabel.
    Issabel,
}

/// All of them, ours first.
pub const ALL: [Name; 11] = [
    Name::Predictive,
    Name::Progressive,
    Name::Ratio,
    Name::Vicidial(Method::HardLimit),
    Name::Vicidial(Method::Average),
    Name::Vicidial(Method::Tapered),
    Name::VicidialTuned(Method::HardLimit),
    Name::VicidialTuned(Method::Average),
    Name::VicidialTuned(Method::Tapered),
    Name::Webitel,
    Name::Issabel,
];

impl Name {
    /// As printed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Predictive => "predictive",
            Self::Progressive => "progressive",
            Self::Ratio => "ratio 2.0",
            Self::Vicidial(Method::HardLimit) => "vicidial hard",
            Self::Vicidial(Method::Average) => "vicidial average",
            Self::Vicidial(Method::Tapered) => "vicidial tapered",
            Self::VicidialTuned(Method::HardLimit) => "vicidial hard, tuned",
            Self::VicidialTuned(Method::Average) => "vicidial average, tuned",
            Self::VicidialTuned(Method::Tapered) => "vicidial tapered, tuned",
            Self::Webitel => "webitel",
            Self::Issabel => "issabel",
        }
    }

    /// One for each campaign of a scenario.
    #[must_use]
    pub fn for_campaigns(self, scenario: &Scenario) -> Vec<Contender> {
        (0..scenario.campaigns()).map(|campaign| self.fresh(scenario, campaign)).collect()
    }

    fn fresh(self, scenario: &Scenario, campaign: usize) -> Contender {
        let vicidial = |settings| Baseline::Vicidial(Box::new(Vicidial::new(settings)));
        Contender::Other(match self {
            Self::Predictive => return Contender::Predictive(Box::new(predictive(scenario, campaign))),
            Self::Progressive => Baseline::Progressive,
            Self::Ratio => Baseline::Ratio(2.0),
            Self::Vicidial(method) => vicidial(Settings::default_of(method)),
            Self::VicidialTuned(method) => vicidial(Settings::tuned(method)),
            Self::Webitel => Baseline::Webitel(Webitel::default()),
            Self::Issabel => Baseline::Issabel(Issabel::default()),
        })
    }
}

/// Ours for a scenario, with wrong beliefs.
fn predictive(scenario: &Scenario, campaign: usize) -> Pacer {
    let mean = |(right, other): (f64, f64)| scenario.right_party * right + (1.0 - scenario.right_party) * other;
    let answer = (scenario.answer_at(0, 0, campaign) * 1.3).min(0.9);
    let (detection, grace) = scenario.detection();
    let aims = Aims { grace, detection, ..Aims::with_day(scenario.length()) };
    let ring = RingPrior { answer, machine: (1.0 - answer) * 0.4, timeout: super::world::TIMEOUT };
    let service = ServicePrior { talk: 0.8 * mean(scenario.talk), wrap: mean(scenario.wrap), wrap_limit: None };
    Pacer::new(aims, ring, service, MORNING)
}
