//! TwiML: what a line is told to do, as XML that cannot be malformed.
//!
//! Documents are put together from typed verbs; texts and addresses are escaped here, and characters that XML 1.0
//! forbids are dropped.

mod write;

use super::Sid;
use crate::phone::Phone;

/// Media type of a document.
pub const MEDIA_TYPE: &str = "text/xml; charset=utf-8";

/// A document: verbs that the line obeys in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Response(Vec<Verb>);

/// Something a line does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Speaks a text.
    Say(Say),
    /// Plays a sound.
    Play(Play),
    /// Waits.
    Pause {
        /// For how many seconds.
        seconds: u32,
    },
    /// Asks another address.
    Redirect {
        /// The address.
        url: String,
    },
    /// Listens for keys.
    Gather(Gather),
    /// Records what is said.
    Record(Record),
    /// Connects the line with somebody.
    Dial(Dial),
    /// Hangs up.
    Hangup,
    /// Refuses an inbound call without answering it, where it comes first.
    Reject(Reject),
}

/// A text to speak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Say {
    /// The text.
    pub text: String,
    /// Language tag, e.g. `en-US`; the carrier's own where absent.
    pub language: Option<String>,
    /// Voice, e.g. `Polly.Joanna`; the carrier's own where absent.
    pub voice: Option<String>,
}

/// A sound to play.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Play {
    /// Address of the sound.
    pub url: String,
    /// How often; 0 is without end.
    pub times: u16,
}

/// Listens for keys, while it plays or speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gather {
    /// Asked what to do with the keys; not asked where none was pressed: then the next verb follows.
    pub action: String,
    /// Seconds to wait for the next key.
    pub timeout_seconds: u16,
    /// How many keys end it; any number where absent.
    pub digits: Option<u8>,
    /// The key that ends it, `#` where absent.
    pub finish_key: Option<char>,
    /// What is heard meanwhile.
    pub prompt: Vec<Prompt>,
}

/// What may be heard during a gather.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// A text.
    Say(Say),
    /// A sound.
    Play(Play),
    /// Silence.
    Pause {
        /// For how many seconds.
        seconds: u32,
    },
}

/// Records what is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Asked what to do afterwards.
    pub action: String,
    /// Longest recording in seconds, 1 to 14,400.
    pub limit_seconds: u32,
    /// Seconds of silence that end it.
    pub silence_seconds: u16,
    /// Whether a beep comes before it.
    pub beep: bool,
    /// Told when the recording is ready.
    pub status_url: Option<String>,
}

/// Connects the line with somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dial {
    /// With whom.
    pub to: DialTo,
    /// Asked what to do with the line afterwards; without it the next verb follows.
    pub action: Option<String>,
    /// Caller id shown to a number; the line's own where absent.
    pub caller_id: Option<Phone>,
    /// How long a number or a softphone rings, in seconds, 5 to 600.
    pub ring_seconds: Option<u16>,
    /// Longest connection in seconds; the carrier's 4 h where absent.
    pub limit_seconds: Option<u32>,
    /// Told of the recording of both sides, one channel each; without it nothing is recorded.
    pub recording_url: Option<String>,
}

/// Whom a line is connected with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DialTo {
    /// Everybody in a conference.
    Conference(Conference),
    /// A telephone.
    Number(Callee<Phone>),
    /// A browser softphone, by its identity.
    Client(Callee<String>),
}

/// A party that is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callee<T> {
    /// Whom.
    pub to: T,
    /// Told of the line's progress.
    pub status_url: Option<String>,
}

/// A conference to enter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conference {
    /// Its name, at most 128 characters: never personal data, never used again for other people.
    pub name: String,
    /// A name for this participant, unique in the conference, at most 128 characters.
    pub label: Option<String>,
    /// Who hears a beep.
    pub beep: Beep,
    /// Whether the others begin to hear each other when this participant comes.
    pub start_on_enter: bool,
    /// Whether the conference ends when this participant leaves.
    pub end_on_exit: bool,
    /// Whether this participant cannot be heard.
    pub muted: bool,
    /// Heard by the participant of this line only.
    pub coach: Option<Sid>,
    /// What is heard until it begins.
    pub wait: Wait,
    /// Told of start, end, join, leave, mute and hold; the first participant's address counts for all.
    pub status_url: Option<String>,
}

/// When a beep is heard in a conference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beep {
    /// Never.
    Never,
    /// When this participant enters.
    OnEnter,
    /// When this participant leaves.
    OnExit,
    /// On both.
    Both,
}

/// What is heard before a conference begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Nothing.
    Silence,
    /// The carrier's music.
    Music,
    /// What this address says.
    Url(String),
}

/// What a refused caller hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reject {
    /// That the number is not in service.
    Rejected,
    /// The busy tone.
    Busy,
}

impl Response {
    /// A document without verbs: the line hangs up.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a verb.
    pub fn then(mut self, verb: Verb) -> Self {
        self.0.push(verb);
        self
    }

    /// Speaks a text in the carrier's own voice.
    pub fn say(self, text: impl Into<String>) -> Self {
        self.then(Verb::Say(Say::plain(text)))
    }

    /// Plays a sound once.
    pub fn play(self, url: impl Into<String>) -> Self {
        self.then(Verb::Play(Play { url: url.into(), times: 1 }))
    }

    /// Waits.
    pub fn pause(self, seconds: u32) -> Self {
        self.then(Verb::Pause { seconds })
    }

    /// Asks another address.
    pub fn redirect(self, url: impl Into<String>) -> Self {
        self.then(Verb::Redirect { url: url.into() })
    }

    /// Connects the line.
    pub fn dial(self, dial: Dial) -> Self {
        self.then(Verb::Dial(dial))
    }

    /// Hangs up.
    pub fn hangup(self) -> Self {
        self.then(Verb::Hangup)
    }

    /// The document as XML.
    #[must_use]
    pub fn to_xml(&self) -> String {
        write::document(&self.0)
    }
}

impl Say {
    /// A text in the carrier's own voice.
    #[must_use]
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), language: None, voice: None }
    }
}

impl Dial {
    /// Connects with `to`, without limits of our own and without a recording.
    #[must_use]
    pub fn to(to: DialTo) -> Self {
        Self { to, action: None, caller_id: None, ring_seconds: None, limit_seconds: None, recording_url: None }
    }
}

impl Conference {
    /// A conference that a participant enters silently, starts, and does not end by leaving.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            label: None,
            beep: Beep::Never,
            start_on_enter: true,
            end_on_exit: false,
            muted: false,
            coach: None,
            wait: Wait::Silence,
            status_url: None,
        }
    }
}

#[cfg(test)]
mod tests;
