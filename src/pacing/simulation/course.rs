//! What a day brings to whoever paces it.

use uuid::Uuid;

use crate::pacing::predictive::Resolution;

/// What a day brings. Everything is drawn by what it is for and how many came before, so that every pacer meets the same.
/// Moments are milliseconds since the Unix epoch, spans are milliseconds.
pub trait Course {
    /// When the day begins.
    fn begins(&self) -> i64;

    /// When it ends.
    fn ends(&self) -> i64;

    /// Everybody who works at any time of the day.
    fn agents(&self) -> &[Uuid];

    /// Whether an agent, by position, is to be at work at a moment. Who is in a call then ends it and its wrap-up first.
    fn at_work(&self, agent: usize, at: i64) -> bool;

    /// What becomes of the `number`-th call of a campaign, dialled `at`.
    fn dial(&self, campaign: usize, number: u32, at: i64) -> Fate;

    /// The conversation that an agent has in a call.
    fn conversation(&self, call: &Taken) -> Conversation;

    /// When calls come in by themselves, in the order of time.
    fn calls_in(&self) -> &[i64] {
        &[]
    }

    /// The `number`-th toss: evenly distributed in 0..1.
    fn toss(&self, number: u64) -> f64;

    /// What the carrier allows.
    fn carrier(&self) -> Carrier;

    /// Entries that a campaign's list still holds after so many calls, and the chance of an answer of the next ones
    /// relative to the campaign's mean.
    fn list(&self, campaign: usize, dialled: u32) -> (u32, f64);
}

/// What stands between a decision and a ringing telephone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Carrier {
    /// Lines, talking ones included.
    pub lines: u32,
    /// Starts a second.
    pub starts: f64,
    /// How long detection takes between the answer and the need of an agent.
    pub detection: i64,
    /// How long an answered line may then wait for its agent.
    pub grace: i64,
}

/// How a call goes until an agent is needed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fate {
    /// How it stops ringing.
    pub how: Resolution,
    /// After how long.
    pub rings: i64,
    /// A person, not a machine: an agent is needed either way, but nobody is abandoned where nobody is there.
    pub person: bool,
    /// Detection takes the person for a machine.
    pub lost: bool,
    /// Chance of an answer relative to the campaign's mean, as the pacer is told.
    pub chance: f64,
}

/// Which of the day's calls it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// The n-th one that a campaign dialled.
    Out(usize, u32),
    /// The n-th one that came in.
    In(usize),
}

/// A call that an agent takes.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// Which.
    pub call: Number,
    /// A person, not a machine.
    pub person: bool,
    /// The agent, by position.
    pub agent: usize,
    /// Calls that agents took before it.
    pub before: u32,
}

/// A conversation and its wrap-up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conversation {
    /// Milliseconds of talk.
    pub talk: i64,
    /// Milliseconds of wrap-up.
    pub wrap: i64,
}
