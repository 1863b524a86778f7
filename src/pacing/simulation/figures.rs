//! What a simulated day came to.

/// Figures of one day.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Seconds that agents were there, talked, and wrote up.
    pub staffed: f64,
    /// Seconds of talk.
    pub talk: f64,
    /// Seconds of wrap-up.
    pub wrap: f64,
    /// Answers and abandoned calls of each hour.
    pub hours: Vec<(u32, u32)>,
    /// People lost to detection.
    pub taken_for_machines: u32,
    /// Calls dialled.
    pub dials: u32,
    /// Conversations.
    pub conversations: u32,
    /// Lines given up while they rang.
    pub given_up: u32,
}

impl Figures {
    /// Talk and wrap-up over the time agents were there.
    #[must_use]
    pub fn occupancy(&self) -> f64 {
        (self.talk + self.wrap) / self.staffed.max(1.0)
    }

    /// Minutes of talk for each hour of an agent.
    #[must_use]
    pub fn talk_minutes(&self) -> f64 {
        60.0 * self.talk / self.staffed.max(1.0)
    }

    /// Seconds between calls.
    #[must_use]
    pub fn gap(&self) -> f64 {
        (self.staffed - self.talk - self.wrap) / f64::from(self.conversations.max(1))
    }

    /// Answers by people, and those of them abandoned.
    #[must_use]
    pub fn answers(&self) -> (u32, u32) {
        self.hours.iter().fold((0, 0), |(answers, abandoned), hour| (answers + hour.0, abandoned + hour.1))
    }

    /// Share of the answers that were abandoned.
    #[must_use]
    pub fn abandoned(&self) -> f64 {
        share(self.answers())
    }

    /// The same for the worst hour with at least thirty answers.
    #[must_use]
    pub fn worst_hour(&self) -> f64 {
        self.hours.iter().filter(|hour| hour.0 >= 30).map(|&hour| share(hour)).fold(0.0, f64::max)
    }
}

fn share((answers, abandoned): (u32, u32)) -> f64 {
    f64::from(abandoned) / f64::from(answers.max(1))
}
