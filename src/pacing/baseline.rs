//! Other dialers' ways of pacing, to compare with: written from a description of their laws.
//!
//! Each is asked like the predictive pacer, with a [`Scene`], and hears the same things. None of them dials for real.

pub mod issabel;
pub mod vicidial;
pub mod webitel;

pub use self::{issabel::Issabel, vicidial::Vicidial, webitel::Webitel};
use super::predictive::{Doing, Heard, Scene};

/// A way of pacing to compare with.
#[derive(Clone, Debug)]
pub enum Baseline {
    /// One line for each ready agent.
    Progressive,
    /// So many lines for each ready agent, whatever happens.
    Ratio(f64),
    /// VICIDIAL's adaptive methods.
    Vicidial(Box<Vicidial>),
    /// Webitel's predictive queue.
    Webitel(Webitel),
    /// Issabel's call centre.
    Issabel(Issabel),
}

impl Baseline {
    /// Hears what happened, in the order of time.
    pub fn hear(&mut self, heard: &Heard) {
        match self {
            Self::Progressive | Self::Ratio(_) => {}
            Self::Vicidial(law) => law.hear(heard),
            Self::Webitel(law) => law.hear(heard),
            Self::Issabel(law) => law.hear(heard),
        }
    }

    /// Lines to dial now.
    pub fn plan(&mut self, scene: &Scene<'_>) -> u32 {
        let wanted = match self {
            Self::Progressive => lines_for(scene, 1.0),
            Self::Ratio(ratio) => lines_for(scene, *ratio),
            Self::Vicidial(law) => law.plan(scene),
            Self::Webitel(law) => law.plan(scene),
            Self::Issabel(law) => law.plan(scene),
        };
        wanted.min(scene.bounds.lines).min(scene.bounds.starts).min(scene.bounds.list)
    }
}

/// `ratio` lines for each ready agent, less those on their way.
fn lines_for(scene: &Scene<'_>, ratio: f64) -> u32 {
    whole(f64::from(ready(scene)) * ratio).saturating_sub(in_flight(scene) + scene.waiting)
}

fn ready(scene: &Scene<'_>) -> u32 {
    number(scene.agents.iter().filter(|agent| agent.doing == Doing::Idle && !agent.leaving).count())
}

fn talking(scene: &Scene<'_>) -> u32 {
    number(scene.agents.iter().filter(|agent| agent.doing == Doing::Talking).count())
}

fn in_flight(scene: &Scene<'_>) -> u32 {
    number(scene.lines.len())
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The whole part of something small that is not negative.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float to integer cast saturates")]
fn whole(value: f64) -> u32 {
    value as u32
}

/// Milliseconds that passed, as seconds.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52 milliseconds")]
fn in_seconds(span: i64) -> f64 {
    span as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::{
        super::predictive::{Agent, Bounds, Demand},
        *,
    };

    #[test]
    fn a_ratio_counts_what_is_on_its_way() {
        let agent = Agent { id: uuid::Uuid::nil(), doing: Doing::Idle, since: 0, leaving: false };
        let agents = [agent, agent, agent, Agent { leaving: true, ..agent }];
        let bounds = Bounds::default();
        let scene =
            Scene { now: 0, agents: &agents, lines: &[], waiting: 1, others: &Demand::default(), bounds, coin: 0.0 };
        assert_eq!(Baseline::Ratio(2.5).plan(&scene), 6);
        assert_eq!(Baseline::Progressive.plan(&scene), 2);
        let few = Scene { bounds: Bounds { list: 1, ..bounds }, ..scene };
        assert_eq!(Baseline::Progressive.plan(&few), 1);
    }
}
