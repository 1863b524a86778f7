//! Who paces: ours and those it is compared with, by name.

use super::{
    baseline::{
        Baseline, Issabel, Vicidial, Webitel,
        vicidial::{Method, Settings},
    },
    predictive::{Heard, Pacer, Scene},
};
use crate::named::named;

/// Who decides how many lines to dial.
#[derive(Clone, Debug)]
pub enum Contender {
    /// Ours.
    Predictive(Box<Pacer>),
    /// Another.
    Other(Baseline),
}

impl Contender {
    /// Hears what happened, in the order of time.
    pub fn hear(&mut self, heard: Heard) {
        match self {
            Self::Predictive(pacer) => pacer.hear(heard),
            Self::Other(law) => law.hear(&heard),
        }
    }

    /// Lines to dial now, and positions in [`Scene::lines`] of those to give up.
    pub fn plan(&mut self, scene: &Scene<'_>) -> (u32, Vec<usize>) {
        match self {
            Self::Predictive(pacer) => {
                let decision = pacer.plan(scene);
                (decision.dial, decision.give_up)
            }
            Self::Other(law) => (law.plan(scene), Vec::new()),
        }
    }
}

/// A pacer by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// Ours.
    Predictive,
    /// One line for each ready agent.
    Progressive,
    /// So many lines for each ready agent.
    Ratio,
    /// VICIDIAL as installed, hard limit.
    VicidialHard,
    /// VICIDIAL as installed, average.
    VicidialAverage,
    /// VICIDIAL as installed, tapered.
    VicidialTapered,
    /// VICIDIAL as experienced administrators set it, hard limit.
    VicidialHardTuned,
    /// VICIDIAL as experienced administrators set it, average.
    VicidialAverageTuned,
    /// VICIDIAL as experienced administrators set it, tapered.
    VicidialTaperedTuned,
    /// Webitel's predictive queue.
    Webitel,
    /// Issabel's call centre.
    Issabel,
}

named!(Name {
    Predictive => "predictive",
    Progressive => "progressive",
    Ratio => "ratio",
    VicidialHard => "vicidial_hard",
    VicidialAverage => "vicidial_average",
    VicidialTapered => "vicidial_tapered",
    VicidialHardTuned => "vicidial_hard_tuned",
    VicidialAverageTuned => "vicidial_average_tuned",
    VicidialTaperedTuned => "vicidial_tapered_tuned",
    Webitel => "webitel",
    Issabel => "issabel",
});

/// All of them, ours first.
pub const ALL: [Name; 11] = [
    Name::Predictive,
    Name::Progressive,
    Name::Ratio,
    Name::VicidialHard,
    Name::VicidialAverage,
    Name::VicidialTapered,
    Name::VicidialHardTuned,
    Name::VicidialAverageTuned,
    Name::VicidialTaperedTuned,
    Name::Webitel,
    Name::Issabel,
];

impl Name {
    /// All names, to say what may be asked for.
    #[must_use]
    pub fn list() -> String {
        ALL.map(Self::as_str).join(", ")
    }

    /// One that knows nothing yet: ours begins as `predictive`, the ratio is `ratio` lines for each ready agent.
    #[must_use]
    pub fn contender(self, predictive: impl FnOnce() -> Pacer, ratio: f64) -> Contender {
        let installed = |method| Baseline::Vicidial(Box::new(Vicidial::new(Settings::default_of(method))));
        let tuned = |method| Baseline::Vicidial(Box::new(Vicidial::new(Settings::tuned(method))));
        Contender::Other(match self {
            Self::Predictive => return Contender::Predictive(Box::new(predictive())),
            Self::Progressive => Baseline::Progressive,
            Self::Ratio => Baseline::Ratio(ratio),
            Self::VicidialHard => installed(Method::HardLimit),
            Self::VicidialAverage => installed(Method::Average),
            Self::VicidialTapered => installed(Method::Tapered),
            Self::VicidialHardTuned => tuned(Method::HardLimit),
            Self::VicidialAverageTuned => tuned(Method::Average),
            Self::VicidialTaperedTuned => tuned(Method::Tapered),
            Self::Webitel => Baseline::Webitel(Webitel::default()),
            Self::Issabel => Baseline::Issabel(Issabel::default()),
        })
    }
}
