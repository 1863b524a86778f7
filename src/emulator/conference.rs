//! Conferences: who is in, when they start and end, and what is told about it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

use super::{
    exchange::{Books, Exchange, forget, new_sid},
    leg::{Callback, Command, RecordingOrder},
    params::{Params, rfc2822},
    post::Target,
    recording,
    twiml::Fault,
};

/// A conference.
#[derive(Clone, Debug)]
pub(super) struct Conference {
    pub(super) sid: String,
    pub(super) name: String,
    pub(super) status: ConferenceStatus,
    pub(super) participants: Vec<Participant>,
    pub(super) created: DateTime<Utc>,
    pub(super) updated: DateTime<Utc>,
    /// Why it ended, and which leg ended it.
    pub(super) ended: Option<(&'static str, Option<String>)>,
    /// Given by the first participant for all.
    callback: Option<Callback>,
    sequence: u32,
    pub(super) recording: Option<String>,
    posted: Arc<Notify>,
}

/// Where a conference stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConferenceStatus {
    /// Nobody can be heard yet.
    Init,
    /// Begun.
    InProgress,
    /// Over.
    Completed,
}

impl ConferenceStatus {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
        }
    }
}

/// A leg in a conference.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the carrier's own switches, each set apart from the others")]
pub(super) struct Participant {
    pub(super) call_sid: String,
    pub(super) label: Option<String>,
    pub(super) muted: bool,
    pub(super) hold: bool,
    /// The leg that alone hears this one.
    pub(super) coaches: Option<String>,
    pub(super) start_on_enter: bool,
    pub(super) end_on_exit: bool,
    pub(super) joined: DateTime<Utc>,
}

/// How a leg wants to take part.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) participant: Participant,
    pub(super) callback: Option<Callback>,
    pub(super) recording: Option<RecordingOrder>,
    pub(super) most: usize,
}

/// What follows from a change: told once the books are closed.
#[derive(Default)]
struct News {
    posts: Vec<(Target, Params, Arc<Notify>)>,
    commands: Vec<(String, Command)>,
    recording_over: Option<String>,
}

/// Coached leg is not in the conference.
const NOBODY_TO_COACH: Fault = Fault(13240);
/// The conference is full.
const FULL: Fault = Fault(16020);

impl Conference {
    pub(super) fn is_over(&self) -> bool {
        self.status == ConferenceStatus::Completed
    }

    /// People hear each other.
    fn is_heard(&self) -> bool {
        self.status == ConferenceStatus::InProgress && self.participants.len() > 1
    }

    pub(super) fn participant(&self, sid_or_label: &str) -> Option<&Participant> {
        let named = |participant: &&Participant| {
            participant.call_sid == sid_or_label || participant.label.as_deref() == Some(sid_or_label)
        };
        self.participants.iter().find(named)
    }

    /// Notes an event to be posted, if it is subscribed to.
    fn event(&mut self, account: &str, now: DateTime<Utc>, name: &str, about: Params, news: &mut News) {
        let Some(target) = self.callback.as_ref().and_then(|callback| callback.wants(subscription(name))) else {
            return;
        };
        let params = Params::default()
            .with("ConferenceSid", &self.sid)
            .with("FriendlyName", &self.name)
            .with("AccountSid", account)
            .with("SequenceNumber", self.sequence + 1)
            .with("Timestamp", rfc2822(now))
            .with("StatusCallbackEvent", name)
            .and(about);
        news.posts.push((target.clone(), params, Arc::clone(&self.posted)));
        self.sequence += 1;
    }

    /// Tells every line whether somebody can be heard.
    fn hearing(&self, news: &mut News) {
        let heard = self.is_heard();
        let commands = self.participants.iter().map(|each| (each.call_sid.clone(), Command::Talking(heard)));
        news.commands.extend(commands);
    }

    fn end(
        &mut self,
        account: &str,
        now: DateTime<Utc>,
        reason: &'static str,
        by: Option<&Participant>,
        news: &mut News,
    ) {
        for each in std::mem::take(&mut self.participants) {
            let why = match reason {
                "conference-ended-via-api" => "conference_ended_via_api",
                _ => "moderator_ended_conference",
            };
            self.event(account, now, "participant-leave", left(&each, why, "in-progress"), news);
            news.commands.push((each.call_sid, Command::Removed));
        }
        self.status = ConferenceStatus::Completed;
        self.ended = Some((reason, by.map(|by| by.call_sid.clone())));
        self.updated = now;
        let about = Params::default()
            .with_some("CallSidEndingConference", by.map(|by| &by.call_sid))
            .with_some("ParticipantLabelEndingConference", by.and_then(|by| by.label.as_ref()))
            .with("ReasonConferenceEnded", reason)
            .with("Reason", reason.replace('-', " "));
        self.event(account, now, "conference-end", about, news);
        news.recording_over = self.recording.take();
    }
}

impl Exchange {
    /// The SID of the open conference of a name, made if there is none.
    pub(super) fn open_conference(&self, name: &str) -> String {
        let now = self.clock.now();
        let mut books = self.books();
        find_or_open(&mut books, name, now).sid.clone()
    }

    /// A leg enters; the first one brings the conference's callback.
    pub(super) fn join(self: &Arc<Self>, entry: Entry) -> Result<String, Fault> {
        let now = self.clock.now();
        let account = &self.config.account_sid;
        let mut news = News::default();
        let mut books = self.books();
        let conference = find_or_open(&mut books, &entry.name, now);
        let sid = conference.sid.clone();
        let first = conference.participants.is_empty() && conference.sequence == 0;
        if first {
            conference.callback = entry.callback;
        }
        let nobody =
            entry.participant.coaches.as_ref().is_some_and(|coached| conference.participant(coached).is_none());
        let refused = if nobody { Some(NOBODY_TO_COACH) } else { None };
        let refused = refused.or((conference.participants.len() >= entry.most).then_some(FULL));
        if let Some(fault) = refused {
            let about = left(&entry.participant, "participant_add_failed", "in-progress");
            conference.event(account, now, "participant-leave", about, &mut news);
            drop(books);
            self.publish(news);
            return Err(fault);
        }
        let call_sid = entry.participant.call_sid.clone();
        let about = taking_part(&entry.participant);
        conference.participants.push(entry.participant);
        conference.updated = now;
        conference.event(account, now, "participant-join", about, &mut news);
        let starts = conference.status == ConferenceStatus::Init
            && conference.participants.len() > 1
            && conference.participants.iter().any(|each| each.start_on_enter);
        if starts {
            conference.status = ConferenceStatus::InProgress;
            conference.event(account, now, "conference-start", Params::default(), &mut news);
        }
        conference.hearing(&mut news);
        drop(books);
        self.publish(news);
        if let Some(order) = entry.recording.filter(|_| first) {
            let recording = recording::begin(self, &call_sid, Some(sid.clone()), order);
            if let Some(conference) = self.books().conferences.get_mut(&sid) {
                conference.recording = Some(recording);
            }
        }
        Ok(sid)
    }

    /// A leg leaves, for `reason` in the carrier's words; `kicked` says that it was made to.
    pub(super) fn leave(self: &Arc<Self>, sid: &str, call_sid: &str, reason: &str, call_status: &str, kicked: bool) {
        let now = self.clock.now();
        let account = &self.config.account_sid;
        let mut news = News::default();
        {
            let mut books = self.books();
            let Some(conference) = books.conferences.get_mut(sid) else { return };
            let Some(at) = conference.participants.iter().position(|each| each.call_sid == call_sid) else { return };
            let gone = conference.participants.remove(at);
            conference.updated = now;
            conference.event(account, now, "participant-leave", left(&gone, reason, call_status), &mut news);
            let ends = match (gone.end_on_exit, conference.participants.is_empty(), kicked) {
                (true, _, false) => Some("participant-with-end-conference-on-exit-left"),
                (true, _, true) => Some("participant-with-end-conference-on-exit-kicked"),
                (false, true, false) => Some("last-participant-left"),
                (false, true, true) => Some("last-participant-kicked"),
                (false, false, _) => None,
            };
            match ends {
                Some(reason) => conference.end(account, now, reason, Some(&gone), &mut news),
                None => conference.hearing(&mut news),
            }
        }
        if kicked {
            news.commands.push((call_sid.to_owned(), Command::Removed));
        }
        self.publish(news);
    }

    /// REST ends a conference.
    pub(super) fn end_conference(self: &Arc<Self>, sid: &str) {
        let now = self.clock.now();
        let mut news = News::default();
        if let Some(conference) = self.books().conferences.get_mut(sid).filter(|conference| !conference.is_over()) {
            conference.end(&self.config.account_sid, now, "conference-ended-via-api", None, &mut news);
        }
        self.publish(news);
    }

    /// REST changes a participant; returns it as it is then.
    pub(super) fn change_participant(
        self: &Arc<Self>,
        sid: &str,
        sid_or_label: &str,
        change: impl FnOnce(&mut Participant),
    ) -> Option<Participant> {
        let now = self.clock.now();
        let mut news = News::default();
        let changed = {
            let mut books = self.books();
            let conference = books.conferences.get_mut(sid)?;
            let call_sid = conference.participant(sid_or_label)?.call_sid.clone();
            let participant = conference.participants.iter_mut().find(|each| each.call_sid == call_sid)?;
            let before = participant.clone();
            change(participant);
            let after = participant.clone();
            for event in differences(&before, &after) {
                conference.event(&self.config.account_sid, now, event, taking_part(&after), &mut news);
            }
            after
        };
        self.publish(news);
        Some(changed)
    }

    fn publish(self: &Arc<Self>, news: News) {
        for (target, params, posted) in news.posts {
            self.post("conference", target, params, posted);
        }
        for (sid, command) in news.commands {
            self.command(&sid, command);
        }
        if let Some(recording) = news.recording_over {
            recording::end(self, &recording);
        }
    }
}

fn find_or_open<'books>(books: &'books mut Books, name: &str, now: DateTime<Utc>) -> &'books mut Conference {
    let open = books.conferences.values().rev().find(|conference| conference.name == name && !conference.is_over());
    let sid = open.map_or_else(|| new_sid("CF"), |conference| conference.sid.clone());
    forget(&mut books.conferences, Conference::is_over);
    books.conferences.entry(sid.clone()).or_insert_with(|| Conference {
        sid,
        name: name.to_owned(),
        status: ConferenceStatus::Init,
        participants: Vec::new(),
        created: now,
        updated: now,
        ended: None,
        callback: None,
        sequence: 0,
        recording: None,
        posted: Arc::new(Notify::new()),
    })
}

/// The event's name in a subscription.
fn subscription(event: &str) -> &'static str {
    match event {
        "conference-start" => "start",
        "conference-end" => "end",
        "participant-join" => "join",
        "participant-leave" => "leave",
        "participant-mute" | "participant-unmute" => "mute",
        "participant-hold" | "participant-unhold" => "hold",
        _ => "modify",
    }
}

fn differences(before: &Participant, after: &Participant) -> Vec<&'static str> {
    let mut events = Vec::new();
    if before.muted != after.muted {
        events.push(if after.muted { "participant-mute" } else { "participant-unmute" });
    }
    if before.hold != after.hold {
        events.push(if after.hold { "participant-hold" } else { "participant-unhold" });
    }
    if (before.end_on_exit, &before.coaches) != (after.end_on_exit, &after.coaches) {
        events.push("participant-modify");
    }
    events
}

fn taking_part(participant: &Participant) -> Params {
    Params::default()
        .with("CallSid", &participant.call_sid)
        .with("Muted", participant.muted)
        .with("Hold", participant.hold)
        .with("Coaching", participant.coaches.is_some())
        .with("EndConferenceOnExit", participant.end_on_exit)
        .with("StartConferenceOnEnter", participant.start_on_enter)
        .with_some("ParticipantLabel", participant.label.as_ref())
}

fn left(participant: &Participant, reason: &str, call_status: &str) -> Params {
    taking_part(participant).with("ReasonParticipantLeft", reason).with("ParticipantCallStatus", call_status)
}
