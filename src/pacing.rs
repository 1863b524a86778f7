//! Pacing: how many lines to start now. Pure; the decision says what limited it.

pub mod baseline;
pub mod contender;
pub mod predictive;
pub mod reason;
pub mod replay;
pub mod share;
pub mod simulation;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::campaign::Mode;

/// What a pacing decision depends on; counts of one campaign at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacingInput {
    /// How the campaign dials.
    pub mode: Mode,
    /// Lines per ready agent in thousandths; used by [`Mode::Ratio`].
    pub ratio_milli: u32,
    /// Agents who are ready, their voice leg up.
    pub idle: u32,
    /// Lines that may still be answered: being dialled or ringing.
    pub in_flight: u32,
    /// Answered lines without an agent yet.
    pub waiting: u32,
    /// All lines of the campaign, talking ones included.
    pub lines: u32,
    /// The most lines it may have.
    pub max_lines: u32,
}

/// How many lines to start, and why not more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PacingDecision {
    /// Lines to start now; in preview, accounts to show to an agent.
    pub dial: u32,
    /// What limited it.
    pub limited_by: LimitedBy,
}

/// What keeps a campaign from starting more lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LimitedBy {
    /// No agent is ready.
    NoIdleAgent,
    /// Enough lines are on their way for the agents who are ready.
    LinesInFlight,
    /// One line for each ready agent.
    IdleAgents,
    /// The ratio of lines to ready agents.
    Ratio,
    /// The campaign's lines.
    MaxLines,
    /// One more line would risk too much that an answer finds nobody.
    Risk,
    /// The budget of abandoned calls is nearly spent, which lowers the accepted risk.
    Budget,
    /// Too little is known of the list: one line for each ready agent.
    WarmUp,
    /// The lines of the trunk, which all campaigns share.
    Trunk,
    /// The carrier's calls per second.
    Starts,
    /// The carrier is not ready to place calls.
    Carrier,
    /// No more entries of the queue may be dialled now.
    List,
    /// The queue will be through before its hours end: no risk is worth taking.
    Unhurried,
}

/// How many lines to start now.
///
/// An answered line without an agent takes the next agent who gets ready, so it counts like one in flight.
#[must_use]
pub fn plan(input: &PacingInput) -> PacingDecision {
    let (wanted, by) = match input.mode {
        // The predictive pacer decides by itself; this is what it begins with.
        Mode::Preview | Mode::Progressive | Mode::Predictive => (input.idle, LimitedBy::IdleAgents),
        Mode::Ratio => (lines_at_ratio(input.idle, input.ratio_milli), LimitedBy::Ratio),
    };
    let missing = wanted.saturating_sub(input.in_flight.saturating_add(input.waiting));
    let free = input.max_lines.saturating_sub(input.lines);
    let limited_by = if input.idle == 0 {
        LimitedBy::NoIdleAgent
    } else if missing == 0 {
        LimitedBy::LinesInFlight
    } else if free < missing {
        LimitedBy::MaxLines
    } else {
        by
    };
    PacingDecision { dial: missing.min(free), limited_by }
}

fn lines_at_ratio(idle: u32, ratio_milli: u32) -> u32 {
    u32::try_from(u64::from(idle) * u64::from(ratio_milli) / 1000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn input(mode: Mode) -> PacingInput {
        PacingInput { mode, ratio_milli: 1500, idle: 4, in_flight: 0, waiting: 0, lines: 0, max_lines: 100 }
    }

    #[test]
    fn progressive_starts_one_line_for_each_ready_agent() {
        let plan = plan(&input(Mode::Progressive));
        assert_eq!(plan, PacingDecision { dial: 4, limited_by: LimitedBy::IdleAgents });
    }

    #[test]
    fn a_ratio_starts_more_rounded_down() {
        let three = PacingInput { idle: 3, ..input(Mode::Ratio) };
        assert_eq!(plan(&three), PacingDecision { dial: 4, limited_by: LimitedBy::Ratio });
    }

    #[test]
    fn lines_on_their_way_and_waiting_people_count() {
        let busy = PacingInput { in_flight: 2, waiting: 1, lines: 3, ..input(Mode::Progressive) };
        assert_eq!(plan(&busy).dial, 1);
        let enough = PacingInput { in_flight: 3, waiting: 1, lines: 4, ..input(Mode::Progressive) };
        assert_eq!(plan(&enough), PacingDecision { dial: 0, limited_by: LimitedBy::LinesInFlight });
    }

    #[test]
    fn nobody_is_called_when_nobody_is_ready() {
        let alone = PacingInput { idle: 0, ..input(Mode::Ratio) };
        assert_eq!(plan(&alone), PacingDecision { dial: 0, limited_by: LimitedBy::NoIdleAgent });
    }

    #[test]
    fn the_campaign_keeps_to_its_lines() {
        let full = PacingInput { lines: 9, max_lines: 10, ..input(Mode::Progressive) };
        assert_eq!(plan(&full), PacingDecision { dial: 1, limited_by: LimitedBy::MaxLines });
    }

    proptest! {
        #[test]
        fn a_plan_never_exceeds_lines_or_ratio(
            idle in 0_u32..2000, ratio_milli in 1000_u32..=5000, in_flight in 0_u32..2000, waiting in 0_u32..100,
            talking in 0_u32..2000, max_lines in 1_u32..=1000,
        ) {
            let lines = in_flight + waiting + talking;
            let decision = plan(&PacingInput { mode: Mode::Ratio, ratio_milli, idle, in_flight, waiting, lines, max_lines });
            prop_assert!(decision.dial == 0 || lines + decision.dial <= max_lines);
            prop_assert!(decision.dial == 0 || in_flight + waiting + decision.dial <= idle * ratio_milli / 1000);
        }
    }
}
