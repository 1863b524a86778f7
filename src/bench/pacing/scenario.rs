//! The days that are simulated.

/// A simulated day.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Short name.
    pub id: &'static str,
    /// What is special about it.
    pub about: &'static str,
    /// How long it is.
    pub minutes: u32,
    /// Agents at the start.
    pub agents: u32,
    /// Chance that a person answers.
    pub answer: f64,
    /// Seconds of talk: the right party, anybody else.
    pub talk: (f64, f64),
    /// Share of the right party among those who answer.
    pub right_party: f64,
    /// Seconds of wrap-up: after the right party, after anybody else.
    pub wrap: (f64, f64),
    /// Standard deviation of the agents' paces, in logarithms.
    pub paces: f64,
    /// What happens during the day.
    pub change: Change,
    /// What the carrier does to it.
    pub carrier: Carrier,
    /// Occupancy of one line an agent and of the reference's predictive pacer, in percent, where it gives them.
    pub reference: Option<(f64, f64)>,
}

/// What happens during a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// Nothing.
    None,
    /// From this hour on answers are so many times as likely.
    Answers(f64, f64),
    /// At this hour all but so many agents ask for a break.
    Staff(f64, u32),
    /// The chance of an answer swings by this share, with this period in hours.
    Wave(f64, f64),
    /// So many entries; the chance of an answer falls to this share over the last fifth.
    List(u32, f64),
    /// A second campaign with this chance of an answer has the same agents.
    Shared(f64),
}

/// What stands between the dialer and a person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Carrier {
    /// Seconds that detection takes, and the share of people taken for machines.
    pub detection: Option<(f64, f64)>,
    /// Lines, talking ones included.
    pub trunk: u32,
    /// Starts a second.
    pub starts: f64,
}

/// What a person says before a call counts as abandoned two seconds later; only where detection listens to it.
const GREETING: i64 = 2_000;
const GRACE: i64 = 2_000;

const OPEN: Carrier = Carrier { detection: None, trunk: u32::MAX, starts: f64::INFINITY };

/// S5, on which the others are built.
pub const BASE: Scenario = Scenario {
    id: "S5",
    about: "base",
    minutes: 480,
    agents: 50,
    answer: 0.25,
    talk: (240.0, 45.0),
    right_party: 0.35,
    wrap: (60.0, 15.0),
    paces: 0.2,
    change: Change::None,
    carrier: OPEN,
    reference: Some((66.6, 93.4)),
};

/// All of them, S1 to S15.
pub const ALL: [Scenario; 16] = [
    Scenario { id: "S1", about: "micro", agents: 3, answer: 0.30, reference: Some((71.3, 78.0)), ..BASE },
    Scenario { id: "S2", about: "small", agents: 5, answer: 0.20, reference: Some((61.2, 77.2)), ..BASE },
    Scenario {
        id: "S3",
        about: "low contact, short calls",
        agents: 10,
        answer: 0.10,
        talk: (180.0, 30.0),
        right_party: 0.25,
        wrap: (40.0, 10.0),
        reference: Some((30.9, 77.2)),
        ..BASE
    },
    Scenario {
        id: "S4",
        about: "business debtors, long calls",
        agents: 20,
        answer: 0.45,
        talk: (360.0, 60.0),
        right_party: 0.55,
        wrap: (90.0, 20.0),
        reference: Some((88.8, 93.0)),
        ..BASE
    },
    BASE,
    Scenario { id: "S6", about: "large", agents: 100, answer: 0.15, reference: Some((53.3, 95.8)), ..BASE },
    Scenario { id: "S7", about: "very large", agents: 300, reference: Some((66.9, 98.5)), ..BASE },
    Scenario {
        id: "S8",
        about: "twice the answers from hour 2",
        agents: 30,
        answer: 0.15,
        change: Change::Answers(2.0, 2.0),
        reference: Some((66.9, 90.9)),
        ..BASE
    },
    Scenario {
        id: "S8b",
        about: "0.4 times the answers from hour 2",
        agents: 30,
        answer: 0.40,
        change: Change::Answers(2.0, 0.4),
        reference: Some((61.1, 90.7)),
        ..BASE
    },
    Scenario {
        id: "S9",
        about: "half of the agents leave at hour 3",
        agents: 30,
        change: Change::Staff(3.0, 15),
        reference: Some((67.0, 89.0)),
        ..BASE
    },
    Scenario {
        id: "S10",
        about: "waves of 2 hours, uneven agents",
        agents: 40,
        paces: 0.5,
        change: Change::Wave(0.4, 2.0),
        reference: Some((61.8, 91.8)),
        ..BASE
    },
    Scenario {
        id: "S11",
        about: "hot and short",
        agents: 10,
        answer: 0.60,
        talk: (120.0, 20.0),
        wrap: (20.0, 5.0),
        reference: Some((72.9, 82.6)),
        ..BASE
    },
    Scenario {
        id: "S12",
        about: "detection takes 3 s, 3 % of people lost to it",
        agents: 20,
        carrier: Carrier { detection: Some((3.0, 0.03)), ..OPEN },
        reference: None,
        ..BASE
    },
    Scenario {
        id: "S13",
        about: "60 lines, 1.2 starts a second",
        agents: 40,
        answer: 0.15,
        carrier: Carrier { trunk: 60, starts: 1.2, ..OPEN },
        reference: None,
        ..BASE
    },
    Scenario {
        id: "S14",
        about: "the list gets thin",
        agents: 20,
        change: Change::List(12_000, 0.3),
        reference: None,
        ..BASE
    },
    Scenario {
        id: "S15",
        about: "two campaigns share the agents",
        agents: 20,
        change: Change::Shared(0.12),
        reference: None,
        ..BASE
    },
];

impl Scenario {
    /// Chance of an answer `at` so many milliseconds into the day, for the `dial`-th entry of `campaign`.
    #[must_use]
    pub fn answer_at(&self, at: i64, dial: u32, campaign: usize) -> f64 {
        let hours = hours(at);
        match self.change {
            Change::Answers(from, factor) if hours >= from => self.answer * factor,
            Change::Wave(depth, period) => self.answer * (1.0 + depth * (std::f64::consts::TAU * hours / period).sin()),
            Change::List(..) => self.answer * self.tail(dial),
            Change::Shared(other) if campaign == 1 => other,
            _ => self.answer,
        }
    }

    /// How the chance of the `dial`-th entry compares with the first ones'.
    #[must_use]
    pub fn tail(&self, dial: u32) -> f64 {
        let Change::List(entries, last) = self.change else { return 1.0 };
        let through = f64::from(dial) / f64::from(entries);
        1.0 - (1.0 - last) * ((through - 0.8) / 0.2).clamp(0.0, 1.0)
    }

    /// Entries of the list.
    #[must_use]
    pub fn entries(&self) -> u32 {
        if let Change::List(entries, _) = self.change { entries } else { u32::MAX }
    }

    /// Agents who should be there at a moment.
    #[must_use]
    pub fn staff(&self, at: i64) -> u32 {
        match self.change {
            Change::Staff(from, left) if hours(at) >= from => left,
            _ => self.agents,
        }
    }

    /// Milliseconds of the day.
    #[must_use]
    pub fn length(&self) -> i64 {
        i64::from(self.minutes) * 60_000
    }

    /// Campaigns that dial.
    #[must_use]
    pub fn campaigns(&self) -> usize {
        if matches!(self.change, Change::Shared(_)) { 2 } else { 1 }
    }

    /// Stretches of the day: hours, agents, chance of an answer.
    #[must_use]
    pub fn stretches(&self) -> Vec<(f64, u32, f64)> {
        let (agents, answer) = (self.agents, self.answer);
        match self.change {
            Change::Answers(from, factor) => vec![(from, agents, answer), (8.0 - from, agents, answer * factor)],
            Change::Staff(from, left) => vec![(from, agents, answer), (8.0 - from, left, answer)],
            Change::Wave(depth, _) => {
                let phase = |eighth: u32| 1.0 + depth * (std::f64::consts::TAU * (f64::from(eighth) + 0.5) / 8.0).sin();
                (0..8).map(|eighth| (1.0, agents, answer * phase(eighth))).collect()
            }
            Change::Shared(other) => vec![(4.0, agents, answer), (4.0, agents, other)],
            Change::None | Change::List(..) => vec![(8.0, agents, answer)],
        }
    }

    /// Milliseconds that detection takes, and how long an agent may then take.
    #[must_use]
    pub fn detection(&self) -> (i64, i64) {
        #[expect(clippy::cast_possible_truncation, reason = "a few seconds")]
        let delay = self.carrier.detection.map_or(0, |(seconds, _)| (seconds * 1000.0).round() as i64);
        if delay == 0 { (0, GRACE) } else { (delay, (GREETING + GRACE - delay).max(0)) }
    }

    /// Mean seconds of a call with its wrap-up.
    #[must_use]
    pub fn handling(&self) -> f64 {
        let mean = |(right, other): (f64, f64)| self.right_party * right + (1.0 - self.right_party) * other;
        mean(self.talk) + mean(self.wrap)
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52 milliseconds")]
fn hours(at: i64) -> f64 {
    at as f64 / 3_600_000.0
}
