//! What calling has led to so far, as the limits of frequency count it: by what the carrier said, not by what was ticked.
//!
//! | event | counts as an attempt | opens the quiet period |
//! |---|---|---|
//! | busy, not in service, never connected | no | no |
//! | rang out, voicemail, abandoned, dropped | yes | no |
//! | under way, or nobody knows | yes | no |
//! | talk with the person | yes | yes |
//! | the person called us and talked | no | yes |

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    call::{Direction, Outcome},
    disposition::Category,
    ids::CallId,
    named::named,
};

/// How far back a history goes, in days: a calendar month, and a day for the zones.
pub const DAYS: u32 = 32;

/// A talk of this length is a conversation unless the agent says that somebody else was on the line.
const CONVERSATION: TimeDelta = TimeDelta::seconds(30);

/// What an attempt reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// The line was engaged.
    Busy,
    /// The carrier says that it was not connected to the number.
    NotConnected,
    /// Rang out.
    Ring,
    /// A machine, whether or not a message was left.
    Voicemail,
    /// A person answered, and no agent was there.
    Abandoned,
    /// A person answered: dropped, or not the one we wanted.
    Answered,
    /// The person, about the debt.
    Conversation,
    /// The debtor called us.
    Inbound,
    /// Under way, or nobody knows.
    Unknown,
}

impl Reach {
    /// What counts where a rule does not say otherwise (12 CFR 1006.14(b)(3)(ii)): everything that was, or may have
    /// been, connected to the number.
    pub const COUNTED: [Self; 6] =
        [Self::Ring, Self::Voicemail, Self::Abandoned, Self::Answered, Self::Conversation, Self::Unknown];
}

/// One attempt or call of the past, as it relates to the call that is asked about.
#[expect(clippy::struct_excessive_bools, reason = "each relation is one of its own")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// The call; `None`: another dialer made it.
    pub call: Option<CallId>,
    /// When the attempt was committed, or the call came in.
    pub at: DateTime<Utc>,
    /// What it reached.
    pub reach: Reach,
    /// When a conversation with the person began, if there was one.
    pub conversation_at: Option<DateTime<Utc>>,
    /// When the consent was given under which it was made.
    pub consented_at: Option<DateTime<Utc>>,
    /// To or from the same person; also where nobody knows who was called.
    pub same_person: bool,
    /// About the same account.
    pub same_account: bool,
    /// To or from the same number.
    pub same_number: bool,
    /// The number is a workplace's.
    pub at_work: bool,
}

/// A call as Postgres keeps it, and how it relates.
#[expect(clippy::struct_excessive_bools, reason = "each relation is one of its own")]
#[derive(Clone, Debug, Deserialize)]
pub struct Known {
    /// The call; `None`: another dialer made it.
    pub call: Option<CallId>,
    /// When it began.
    pub at: DateTime<Utc>,
    /// Who called whom.
    pub direction: Direction,
    /// What another dialer says that it reached.
    #[serde(default)]
    pub reach: Option<Reach>,
    /// How it ended, once it has.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// The carrier answered the request to dial.
    #[serde(default)]
    pub told: bool,
    /// It rang.
    #[serde(default)]
    pub rang: bool,
    /// When the debtor and the agent were connected.
    #[serde(default)]
    pub bridged_at: Option<DateTime<Utc>>,
    /// When the line went down.
    #[serde(default)]
    pub ended_at: Option<DateTime<Utc>>,
    /// What the agent said about who was reached.
    #[serde(default)]
    pub category: Option<Category>,
    /// See [`Past::consented_at`].
    #[serde(default)]
    pub consented_at: Option<DateTime<Utc>>,
    /// See [`Past::same_person`].
    pub same_person: bool,
    /// See [`Past::same_account`].
    pub same_account: bool,
    /// See [`Past::same_number`].
    pub same_number: bool,
    /// See [`Past::at_work`].
    pub at_work: bool,
}

impl Known {
    /// What the limits make of it.
    #[must_use]
    pub fn read(self) -> Past {
        let conversation_at = self.conversation_at();
        Past {
            call: self.call,
            at: self.at,
            reach: self.reached(conversation_at.is_some()),
            conversation_at,
            consented_at: self.consented_at,
            same_person: self.same_person,
            same_account: self.same_account,
            same_number: self.same_number,
            at_work: self.at_work,
        }
    }

    fn reached(&self, conversation: bool) -> Reach {
        if self.direction == Direction::Inbound {
            return Reach::Inbound;
        }
        if let Some(reach) = self.reach {
            return reach;
        }
        match self.outcome {
            _ if conversation => Reach::Conversation,
            Some(Outcome::Busy) if self.told => Reach::Busy,
            // What rang was connected, whatever became of it then.
            Some(Outcome::Failed) if self.told && !self.rang => Reach::NotConnected,
            Some(Outcome::NoAnswer) => Reach::Ring,
            Some(Outcome::Canceled) if self.rang => Reach::Ring,
            Some(Outcome::Machine) => Reach::Voicemail,
            Some(Outcome::Abandoned) => Reach::Abandoned,
            Some(Outcome::Completed) => Reach::Answered,
            Some(Outcome::Busy | Outcome::Failed | Outcome::Canceled) | None => Reach::Unknown,
        }
    }

    /// The line and the agent's word decide; the doubtful case counts as a conversation.
    fn conversation_at(&self) -> Option<DateTime<Utc>> {
        if self.reach == Some(Reach::Conversation) {
            return Some(self.at);
        }
        let bridged = self.bridged_at?;
        let long = self.ended_at.is_none_or(|end| end - bridged >= CONVERSATION);
        let talked = match self.category {
            Some(Category::RightParty) => true,
            Some(Category::WrongParty | Category::ThirdParty) => false,
            Some(Category::NoContact) | None => long,
        };
        talked.then_some(bridged)
    }
}

named!(Reach {
    Busy => "busy", NotConnected => "not_connected", Ring => "ring", Voicemail => "voicemail",
    Abandoned => "abandoned", Answered => "answered", Conversation => "conversation", Inbound => "inbound",
    Unknown => "unknown",
});

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn ended(outcome: Outcome) -> Known {
        Known {
            call: None,
            at: at("2026-03-10T15:00:00Z"),
            direction: Direction::Outbound,
            reach: None,
            outcome: Some(outcome),
            told: true,
            rang: false,
            bridged_at: None,
            ended_at: None,
            category: None,
            consented_at: None,
            same_person: true,
            same_account: true,
            same_number: true,
            at_work: false,
        }
    }

    fn talked(seconds: i64, category: Option<Category>) -> Known {
        let bridged = at("2026-03-10T15:00:10Z");
        Known {
            bridged_at: Some(bridged),
            ended_at: Some(bridged + TimeDelta::seconds(seconds)),
            category,
            ..ended(Outcome::Completed)
        }
    }

    #[test]
    fn what_the_carrier_says_decides_what_counts() {
        let cases = [
            (ended(Outcome::Busy), Reach::Busy, false),
            (ended(Outcome::Failed), Reach::NotConnected, false),
            (Known { rang: true, ..ended(Outcome::Failed) }, Reach::Unknown, true),
            (Known { told: false, ..ended(Outcome::Failed) }, Reach::Unknown, true),
            (ended(Outcome::NoAnswer), Reach::Ring, true),
            (ended(Outcome::Machine), Reach::Voicemail, true),
            (ended(Outcome::Abandoned), Reach::Abandoned, true),
            (Known { rang: true, ..ended(Outcome::Canceled) }, Reach::Ring, true),
            (ended(Outcome::Canceled), Reach::Unknown, true),
            (Known { outcome: None, ..ended(Outcome::Completed) }, Reach::Unknown, true),
            (Known { direction: Direction::Inbound, ..talked(60, None) }, Reach::Inbound, false),
        ];
        for (known, reach, counts) in cases {
            let past = known.clone().read();
            assert_eq!((past.reach, Reach::COUNTED.contains(&past.reach)), (reach, counts), "{known:?}");
        }
    }

    #[test]
    fn a_conversation_is_the_right_party_or_a_long_talk_that_nobody_disowns() {
        let opens = |known: Known| known.read().conversation_at.is_some();
        assert!(opens(talked(5, Some(Category::RightParty))));
        assert!(!opens(talked(300, Some(Category::WrongParty))));
        assert!(!opens(talked(300, Some(Category::ThirdParty))));
        assert!(opens(talked(30, Some(Category::NoContact))), "the line decides, not the tick");
        assert!(!opens(talked(29, Some(Category::NoContact))));
        assert!(opens(Known { ended_at: None, ..talked(0, None) }), "under way");
        assert!(opens(Known { direction: Direction::Inbound, ..talked(60, None) }));
        assert!(!opens(ended(Outcome::Machine)));
    }
}
