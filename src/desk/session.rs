//! The session of a desk as a pure machine: what comes in goes in, what is to be done comes out. No socket, no clock.

use std::time::{Duration, Instant};

use axum::extract::ws::Utf8Bytes;

use super::protocol::{ClientMessage, VERSION};
use crate::ids::CallId;

/// A desk says hello within this time of connecting.
pub const HELLO_WITHIN: Duration = Duration::from_secs(10);

/// A sign of life is asked for after this long without one.
pub const PING_AFTER: Duration = Duration::from_secs(15);

/// It has to come within this time.
pub const PONG_WITHIN: Duration = Duration::from_secs(10);

/// Messages a desk may send within one second.
pub const MESSAGES_PER_SECOND: u32 = 20;

/// Why the service closes a connection: the WebSocket close code and its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// 4400: the first message was no hello, or none came in time.
    HelloMissing,
    /// 4406: the desk speaks another version of the protocol: reload the page.
    WrongVersion,
    /// 4408: no sign of life.
    Silent,
    /// 4409: another log-in has taken over: do not reconnect.
    TakenOver,
    /// 4410: the agent logged out: do not reconnect.
    LoggedOut,
    /// 4429: too many messages.
    TooMany,
    /// 1013: the service cannot serve it now: reconnect later.
    TryLater,
    /// 1001: the service stops: reconnect, another node may answer.
    GoingAway,
}

impl Close {
    /// The code sent in the close frame.
    #[must_use]
    pub fn code(self) -> u16 {
        match self {
            Self::HelloMissing => 4400,
            Self::WrongVersion => 4406,
            Self::Silent => 4408,
            Self::TakenOver => 4409,
            Self::LoggedOut => 4410,
            Self::TooMany => 4429,
            Self::TryLater => 1013,
            Self::GoingAway => 1001,
        }
    }

    /// The reason sent in the close frame.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::HelloMissing => "say hello first",
            Self::WrongVersion => "this service speaks version 1 of the desk protocol",
            Self::Silent => "no sign of life",
            Self::TakenOver => "another log-in has taken over",
            Self::LoggedOut => "logged out",
            Self::TooMany => "more than 20 messages a second",
            Self::TryLater => "try again later",
            Self::GoingAway => "the service stops",
        }
    }
}

/// What the desk wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Take calls.
    Ready,
    /// Take no calls.
    Pause(String),
    /// The pop is on the screen.
    PopShown(CallId),
    /// It is a person.
    HumanConfirmed(CallId),
    /// The agent knows who is speaking.
    IdentityConfirmed(CallId),
    /// Hang up.
    HangUp(CallId),
    /// Dial the previewed account.
    PreviewDial(CallId),
    /// Give it back.
    PreviewSkip(CallId),
    /// More time.
    ExtendWrapUp,
    /// Log out.
    LogOut,
}

/// Something that happens to a session.
#[derive(Debug)]
pub enum Input {
    /// A message of the desk; `Err`: why it could not be read.
    Heard(Result<ClientMessage, String>),
    /// A numbered message for the desk.
    Message {
        /// Its number.
        seq: u64,
        /// As it is sent.
        text: Utf8Bytes,
    },
    /// Messages may have been missed.
    CatchUp,
    /// A later log-in has taken over.
    TakenOver,
    /// Time has passed.
    Tick,
}

/// What is to be done because of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    Rest,
    /// Open the session and greet the desk, which has received messages up to this number.
    Open(Option<u64>),
    /// Send a numbered message.
    Forward(Utf8Bytes),
    /// Send what is kept after this number, or a snapshot.
    CatchUp(u64),
    /// Do what the desk asks.
    Do(Command),
    /// Tell the desk that its message could not be obeyed.
    Refuse(String),
    /// Ask for a sign of life.
    Ping,
    /// Tell the desk that it was taken over.
    SayTakenOver,
    /// Close.
    Close(Close),
}

/// The state of a session.
#[derive(Debug)]
pub struct Session {
    greeted: bool,
    /// Number of the last message sent.
    sent: u64,
    heard_at: Instant,
    pinged_at: Option<Instant>,
    second_began: Instant,
    in_second: u32,
}

impl Session {
    /// A session of a socket that was opened at `now`.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self { greeted: false, sent: 0, heard_at: now, pinged_at: None, second_began: now, in_second: 0 }
    }

    /// What to do because of `input`.
    pub fn step(&mut self, input: Input, now: Instant) -> Action {
        match input {
            Input::Heard(message) => self.hear(message, now),
            Input::Message { seq, text } => self.forward(seq, text),
            Input::CatchUp => Action::CatchUp(self.sent),
            Input::TakenOver => Action::SayTakenOver,
            Input::Tick => self.tick(now),
        }
    }

    /// Everything up to number `seq` has been sent.
    pub fn has_sent(&mut self, seq: u64) {
        self.sent = seq;
    }

    /// When [`Input::Tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        match self.pinged_at {
            _ if !self.greeted => self.heard_at + HELLO_WITHIN,
            None => self.heard_at + PING_AFTER,
            Some(pinged_at) => pinged_at + PONG_WITHIN,
        }
    }

    fn hear(&mut self, message: Result<ClientMessage, String>, now: Instant) -> Action {
        if self.is_too_much(now) {
            return Action::Close(Close::TooMany);
        }
        if !self.greeted {
            return self.greet(&message, now);
        }
        self.heard_at = now;
        self.pinged_at = None;
        match message {
            Ok(message) => obey(message),
            Err(why) => Action::Refuse(why),
        }
    }

    fn greet(&mut self, message: &Result<ClientMessage, String>, now: Instant) -> Action {
        match message {
            Ok(ClientMessage::Hello { protocol: VERSION, last_seq }) => {
                self.greeted = true;
                self.heard_at = now;
                Action::Open(*last_seq)
            }
            Ok(ClientMessage::Hello { .. }) => Action::Close(Close::WrongVersion),
            _ => Action::Close(Close::HelloMissing),
        }
    }

    /// In order and once: what comes twice is dropped, a gap is filled from the log.
    fn forward(&mut self, seq: u64, text: Utf8Bytes) -> Action {
        if seq == self.sent + 1 {
            self.sent = seq;
            Action::Forward(text)
        } else if seq <= self.sent {
            Action::Rest
        } else {
            Action::CatchUp(self.sent)
        }
    }

    fn tick(&mut self, now: Instant) -> Action {
        if !self.greeted {
            return Action::Close(Close::HelloMissing);
        }
        if self.pinged_at.is_some() {
            return Action::Close(Close::Silent);
        }
        self.pinged_at = Some(now);
        Action::Ping
    }

    fn is_too_much(&mut self, now: Instant) -> bool {
        if now - self.second_began >= Duration::from_secs(1) {
            self.second_began = now;
            self.in_second = 0;
        }
        self.in_second += 1;
        self.in_second > MESSAGES_PER_SECOND
    }
}

fn obey(message: ClientMessage) -> Action {
    Action::Do(match message {
        ClientMessage::Hello { .. } => return Action::Refuse("hello was said already".to_owned()),
        ClientMessage::Pong => return Action::Rest,
        ClientMessage::Ready => Command::Ready,
        ClientMessage::Pause { reason } => Command::Pause(reason),
        ClientMessage::PopShown { call } => Command::PopShown(call),
        ClientMessage::HumanConfirmed { call } => Command::HumanConfirmed(call),
        ClientMessage::IdentityConfirmed { call } => Command::IdentityConfirmed(call),
        ClientMessage::HangUp { call } => Command::HangUp(call),
        ClientMessage::PreviewDial { call } => Command::PreviewDial(call),
        ClientMessage::PreviewSkip { call } => Command::PreviewSkip(call),
        ClientMessage::ExtendWrapUp => Command::ExtendWrapUp,
        ClientMessage::LogOut => Command::LogOut,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(protocol: u16, last_seq: Option<u64>) -> Input {
        Input::Heard(Ok(ClientMessage::Hello { protocol, last_seq }))
    }

    fn message(seq: u64) -> Input {
        Input::Message { seq, text: seq.to_string().into() }
    }

    /// A session that has been greeted, and has sent everything up to number 10.
    fn open(now: Instant) -> Session {
        let mut session = Session::new(now);
        assert_eq!(session.step(hello(VERSION, Some(7)), now), Action::Open(Some(7)));
        session.has_sent(10);
        session
    }

    #[test]
    fn nothing_goes_before_hello() {
        let now = Instant::now();
        let firsts = [ClientMessage::Ready, ClientMessage::Pong, ClientMessage::LogOut];
        for first in firsts {
            let action = Session::new(now).step(Input::Heard(Ok(first)), now);
            assert_eq!(action, Action::Close(Close::HelloMissing));
        }
        let garbage = Session::new(now).step(Input::Heard(Err("no JSON".to_owned())), now);
        assert_eq!(garbage, Action::Close(Close::HelloMissing));
    }

    #[test]
    fn another_version_is_told_so() {
        let now = Instant::now();
        for version in [0, VERSION + 1] {
            assert_eq!(Session::new(now).step(hello(version, None), now), Action::Close(Close::WrongVersion));
        }
    }

    #[test]
    fn hello_is_waited_for_ten_seconds() {
        let now = Instant::now();
        let mut session = Session::new(now);
        assert_eq!(session.deadline(), now + HELLO_WITHIN);
        assert_eq!(session.step(Input::Tick, now + HELLO_WITHIN), Action::Close(Close::HelloMissing));
    }

    #[test]
    fn messages_go_out_once_and_in_order() {
        let now = Instant::now();
        let mut session = open(now);
        assert_eq!(session.step(message(10), now), Action::Rest, "sent already");
        assert_eq!(session.step(message(11), now), Action::Forward("11".into()));
        assert_eq!(session.step(message(13), now), Action::CatchUp(11), "12 is missing");
        session.has_sent(13);
        assert_eq!(session.step(message(12), now), Action::Rest);
        assert_eq!(session.step(message(14), now), Action::Forward("14".into()));
        assert_eq!(session.step(Input::CatchUp, now), Action::CatchUp(14));
    }

    #[test]
    fn silence_is_asked_about_and_then_ended() {
        let now = Instant::now();
        let mut session = open(now);
        let ping_at = now + PING_AFTER;
        assert_eq!(session.deadline(), ping_at);
        assert_eq!(session.step(Input::Tick, ping_at), Action::Ping);
        assert_eq!(session.deadline(), ping_at + PONG_WITHIN);
        let answered_at = ping_at + Duration::from_secs(9);
        assert_eq!(session.step(Input::Heard(Ok(ClientMessage::Pong)), answered_at), Action::Rest);
        assert_eq!(session.deadline(), answered_at + PING_AFTER);
        let again = answered_at + PING_AFTER;
        assert_eq!(session.step(Input::Tick, again), Action::Ping);
        assert_eq!(session.step(Input::Tick, again + PONG_WITHIN), Action::Close(Close::Silent));
    }

    #[test]
    fn what_the_service_sends_is_no_sign_of_life() {
        let now = Instant::now();
        let mut session = open(now);
        session.step(message(11), now + Duration::from_secs(14));
        assert_eq!(session.deadline(), now + PING_AFTER);
    }

    #[test]
    fn a_second_hello_and_garbage_change_nothing() {
        let now = Instant::now();
        let mut session = open(now);
        assert!(matches!(session.step(hello(VERSION, None), now), Action::Refuse(_)));
        assert_eq!(session.step(Input::Heard(Err("why".to_owned())), now), Action::Refuse("why".to_owned()));
        assert_eq!(session.step(message(11), now), Action::Forward("11".into()));
    }

    #[test]
    fn too_many_messages_close_the_connection() {
        let now = Instant::now();
        let mut session = open(now);
        for _ in 1..MESSAGES_PER_SECOND {
            assert_eq!(session.step(Input::Heard(Ok(ClientMessage::Pong)), now), Action::Rest);
        }
        let one_more = session.step(Input::Heard(Ok(ClientMessage::Pong)), now);
        assert_eq!(one_more, Action::Close(Close::TooMany));
        let later = session.step(Input::Heard(Ok(ClientMessage::Pong)), now + Duration::from_secs(1));
        assert_eq!(later, Action::Rest, "the next second is counted anew");
    }

    #[test]
    fn every_wish_becomes_its_command() {
        let (now, call) = (Instant::now(), CallId::generate());
        let wishes = [
            (ClientMessage::Ready, Command::Ready),
            (ClientMessage::Pause { reason: "lunch".to_owned() }, Command::Pause("lunch".to_owned())),
            (ClientMessage::PopShown { call }, Command::PopShown(call)),
            (ClientMessage::HumanConfirmed { call }, Command::HumanConfirmed(call)),
            (ClientMessage::IdentityConfirmed { call }, Command::IdentityConfirmed(call)),
            (ClientMessage::HangUp { call }, Command::HangUp(call)),
            (ClientMessage::PreviewDial { call }, Command::PreviewDial(call)),
            (ClientMessage::PreviewSkip { call }, Command::PreviewSkip(call)),
            (ClientMessage::ExtendWrapUp, Command::ExtendWrapUp),
            (ClientMessage::LogOut, Command::LogOut),
        ];
        let mut session = open(now);
        for (wish, command) in wishes {
            assert_eq!(session.step(Input::Heard(Ok(wish)), now), Action::Do(command));
        }
    }

    #[test]
    fn a_takeover_is_said() {
        let now = Instant::now();
        assert_eq!(open(now).step(Input::TakenOver, now), Action::SayTakenOver);
    }
}
