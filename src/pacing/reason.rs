//! Why a campaign dials as it does, in plain words.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{LimitedBy, predictive::Because};

/// A reason that is older says nothing about the present.
pub const STALE: TimeDelta = TimeDelta::seconds(15);

/// What the dialer did when it last looked at a campaign, and why.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = PacingReason)]
pub struct Reason {
    /// Lines dialled; in preview, accounts shown.
    pub dialled: u32,
    /// Ringing lines given up, because the agents they were dialled for have left.
    pub gave_up: u32,
    /// Entries that the last look refused.
    pub refused: u32,
    /// What kept it from dialling more.
    pub limited_by: LimitedBy,
    /// Agents who were ready.
    pub idle: u32,
    /// Lines that were on their way.
    pub in_flight: u32,
    /// Answered lines without an agent.
    pub waiting: u32,
    /// Inputs and forecast of the predictive pacer; `null` in other modes.
    pub because: Option<Because>,
}

impl Reason {
    /// As a supervisor reads it: what was done, what limited it, and what is expected.
    #[must_use]
    pub fn in_words(&self) -> String {
        let done = match self.dialled {
            0 => "Dials nothing".to_owned(),
            1 => "Dials 1 line".to_owned(),
            lines => format!("Dials {lines} lines"),
        };
        let refused =
            told(self.refused, "The last look refused one account.", "accounts were refused by the last look.");
        let given_up = told(self.gave_up, "One ringing line was given up.", "ringing lines were given up.");
        let ahead = self.because.as_ref().map(ahead).unwrap_or_default();
        format!("{done}: {}.{refused}{given_up}{ahead}", self.limit())
    }

    fn limit(&self) -> String {
        let Self { idle, in_flight, waiting, .. } = self;
        match self.limited_by {
            LimitedBy::NoIdleAgent if self.because.is_some() => "nobody is there to take a call".to_owned(),
            LimitedBy::NoIdleAgent => "no agent is ready".to_owned(),
            LimitedBy::LinesInFlight => {
                let lines = counted(*in_flight, "line is on its way", "lines are on their way");
                format!("for {}, {lines} and {waiting} answered ones wait", ready(*idle))
            }
            LimitedBy::IdleAgents => format!("one line for each of {}", ready(*idle)),
            LimitedBy::Ratio => format!("the ratio of lines to {} is reached", ready(*idle)),
            LimitedBy::MaxLines => "all lines that the campaign may have are up".to_owned(),
            LimitedBy::Risk => self.risk(),
            LimitedBy::Budget => format!("{}, because the budget of abandoned calls is nearly spent", self.risk()),
            LimitedBy::WarmUp => {
                "one line for each ready agent until enough calls have shown what to expect of the list".to_owned()
            }
            LimitedBy::Trunk => "all lines of the trunk are up".to_owned(),
            LimitedBy::Starts => "the carrier takes no more calls in this second".to_owned(),
            LimitedBy::Carrier => "the carrier is not ready to place calls".to_owned(),
            LimitedBy::Unhurried => {
                format!("{}, because the list will be through before its hours end", self.risk())
            }
            LimitedBy::List => "no more accounts may be called at this moment".to_owned(),
        }
    }

    fn risk(&self) -> String {
        let (risk, accepted) = self.because.map_or((0.0, 0.0), |because| (because.risk, because.accepted));
        let [risk, accepted] = [risk, accepted].map(percent);
        format!("the answer to one more would find nobody with a chance of {risk} %, and {accepted} % is accepted")
    }
}

fn ahead(because: &Because) -> String {
    let Because { idle, busy, leaving, in_flight, waiting, coming_free, coming_answers, answer_chance, .. } = because;
    let leaving = if *leaving > 0 { format!(" ({leaving} more are leaving)") } else { String::new() };
    let elsewhere = if because.from_elsewhere >= 0.05 {
        format!(" {:.1} callbacks and callers are expected.", because.from_elsewhere)
    } else {
        String::new()
    };
    let left = if because.budget_left >= 1.0 {
        format!("{:.0} more calls may be abandoned under the cap", because.budget_left.floor())
    } else {
        "no more calls may be abandoned under the cap".to_owned()
    };
    format!(
        " {} ready and {busy} busy{leaving}; within 10 s {coming_free:.1} come free, and of {in_flight} lines \
         {coming_answers:.1} are answered; {waiting} waiting.{elsewhere} A new line is answered with a chance of {} %; {left}.",
        counted(*idle, "agent is", "agents are"),
        percent(*answer_chance)
    )
}

/// A sentence about `count` of something; nothing about none.
fn told(count: u32, one: &str, many: &str) -> String {
    match count {
        0 => String::new(),
        1 => format!(" {one}"),
        _ => format!(" {count} {many}"),
    }
}

fn ready(agents: u32) -> String {
    counted(agents, "ready agent", "ready agents")
}

fn counted(count: u32, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A share in percent, to one decimal.
fn percent(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pacing::predictive::Limit;

    const REASON: Reason = Reason {
        dialled: 0,
        gave_up: 0,
        refused: 0,
        limited_by: LimitedBy::NoIdleAgent,
        idle: 3,
        in_flight: 2,
        waiting: 1,
        because: None,
    };

    const BECAUSE: Because = Because {
        idle: 3,
        busy: 9,
        leaving: 0,
        in_flight: 2,
        waiting: 1,
        coming_free: 1.24,
        coming_answers: 0.44,
        from_elsewhere: 0.0,
        answer_chance: 0.25,
        risk: 0.041,
        accepted: 0.02,
        budget_left: 7.9,
        limited_by: Limit::Risk,
    };

    #[test]
    fn it_says_what_is_done_and_what_limits_it() {
        assert_eq!(REASON.in_words(), "Dials nothing: no agent is ready.");
        let some = Reason { dialled: 2, refused: 1, limited_by: LimitedBy::List, ..REASON };
        let words = "Dials 2 lines: no more accounts may be called at this moment. The last look refused one account.";
        assert_eq!(some.in_words(), words);
        let fewer = Reason { gave_up: 2, ..REASON };
        assert_eq!(fewer.in_words(), "Dials nothing: no agent is ready. 2 ringing lines were given up.");
        let one = Reason { limited_by: LimitedBy::LinesInFlight, idle: 1, in_flight: 1, waiting: 0, ..REASON };
        assert_eq!(one.in_words(), "Dials nothing: for 1 ready agent, 1 line is on its way and 0 answered ones wait.");
    }

    #[test]
    fn the_predictive_pacer_tells_its_forecast() {
        let reason = Reason { dialled: 1, limited_by: LimitedBy::Risk, because: Some(BECAUSE), ..REASON };
        let words = "Dials 1 line: the answer to one more would find nobody with a chance of 4.1 %, and 2.0 % is accepted. \
                     3 agents are ready and 9 busy; within 10 s 1.2 come free, and of 2 lines 0.4 are answered; 1 \
                     waiting. A new line is answered with a chance of 25.0 %; 7 more calls may be abandoned under the cap.";
        assert_eq!(reason.in_words(), words);
        let spent =
            Because { budget_left: -0.3, leaving: 2, from_elsewhere: 0.52, limited_by: Limit::Budget, ..BECAUSE };
        let words = Reason { limited_by: LimitedBy::Budget, because: Some(spent), ..reason }.in_words();
        let calm = Reason { limited_by: LimitedBy::Unhurried, ..reason }.in_words();
        assert!(calm.contains("because the list will be through before its hours end."), "{calm}");
        assert!(words.contains("because the budget of abandoned calls is nearly spent."), "{words}");
        assert!(
            words.contains("0.5 callbacks and callers are expected.")
                && words.contains("(2 more are leaving)")
                && words.ends_with("no more calls may be abandoned under the cap.")
        );
    }
}
