//! From verbs to XML.

use std::borrow::Cow;

use quick_xml::{
    Writer,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event, attributes::Attribute},
    name::QName,
};

use super::{Beep, Callee, Conference, Dial, DialTo, Gather, Play, Prompt, Record, Reject, Say, Verb, Wait};
use crate::{carrier::Sid, phone::Phone};

const CONFERENCE_EVENTS: &str = "start end join leave mute hold";
const CALL_EVENTS: &str = "initiated ringing answered completed";

/// An element being put together.
struct Element {
    tag: &'static str,
    attributes: Vec<(&'static str, String)>,
    content: Content,
}

enum Content {
    Text(String),
    Elements(Vec<Element>),
}

/// The document of `verbs`.
pub(super) fn document(verbs: &[Verb]) -> String {
    let root = Element::of("Response").with(verbs.iter().map(verb).collect());
    let mut writer = Writer::new(Vec::new());
    emit(&mut writer, Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
    root.write(&mut writer);
    String::from_utf8(writer.into_inner()).unwrap_or_else(|_| unreachable!("only text was written"))
}

fn verb(verb: &Verb) -> Element {
    match verb {
        Verb::Say(verb) => say(verb),
        Verb::Play(verb) => play(verb),
        Verb::Pause { seconds } => pause(*seconds),
        Verb::Redirect { url } => Element::of("Redirect").text(url),
        Verb::Gather(verb) => gather(verb),
        Verb::Record(verb) => record(verb),
        Verb::Dial(verb) => dial(verb),
        Verb::Hangup => Element::of("Hangup"),
        Verb::Reject(reason) => Element::of("Reject").set(
            "reason",
            match reason {
                Reject::Rejected => "rejected",
                Reject::Busy => "busy",
            },
        ),
    }
}

fn say(say: &Say) -> Element {
    Element::of("Say").maybe("language", say.language.as_deref()).maybe("voice", say.voice.as_deref()).text(&say.text)
}

fn play(play: &Play) -> Element {
    let times = (play.times != 1).then(|| play.times.to_string());
    Element::of("Play").maybe("loop", times).text(&play.url)
}

fn pause(seconds: u32) -> Element {
    Element::of("Pause").set("length", seconds.to_string())
}

fn gather(gather: &Gather) -> Element {
    let prompt = gather.prompt.iter().map(|prompt| match prompt {
        Prompt::Say(prompt) => say(prompt),
        Prompt::Play(prompt) => play(prompt),
        Prompt::Pause { seconds } => pause(*seconds),
    });
    Element::of("Gather")
        .set("input", "dtmf")
        .set("action", &gather.action)
        .set("timeout", gather.timeout_seconds.to_string())
        .maybe("numDigits", gather.digits.map(|digits| digits.to_string()))
        .maybe("finishOnKey", gather.finish_key)
        .with(prompt.collect())
}

fn record(record: &Record) -> Element {
    Element::of("Record")
        .set("action", &record.action)
        .set("maxLength", record.limit_seconds.to_string())
        .set("timeout", record.silence_seconds.to_string())
        .set("playBeep", truth(record.beep))
        .maybe("recordingStatusCallback", record.status_url.as_deref())
}

fn dial(dial: &Dial) -> Element {
    Element::of("Dial")
        .maybe("action", dial.action.as_deref())
        .maybe("callerId", dial.caller_id.as_ref().map(Phone::as_str))
        .maybe("timeout", dial.ring_seconds.map(|seconds| seconds.to_string()))
        .maybe("timeLimit", dial.limit_seconds.map(|seconds| seconds.to_string()))
        .maybe("record", dial.recording_url.as_ref().map(|_| "record-from-answer-dual"))
        .maybe("recordingStatusCallback", dial.recording_url.as_deref())
        .with(vec![match &dial.to {
            DialTo::Conference(to) => conference(to),
            DialTo::Number(callee) => called("Number", callee).text(callee.to.as_str()),
            DialTo::Client(callee) => called("Client", callee).text(&callee.to),
        }])
}

fn called<T>(tag: &'static str, callee: &Callee<T>) -> Element {
    Element::of(tag)
        .maybe("statusCallbackEvent", callee.status_url.as_ref().map(|_| CALL_EVENTS))
        .maybe("statusCallback", callee.status_url.as_deref())
}

fn conference(conference: &Conference) -> Element {
    let wait = match &conference.wait {
        Wait::Silence => Some(""),
        Wait::Music => None,
        Wait::Url(url) => Some(url.as_str()),
    };
    let beep = match conference.beep {
        Beep::Never => "false",
        Beep::OnEnter => "onEnter",
        Beep::OnExit => "onExit",
        Beep::Both => "true",
    };
    Element::of("Conference")
        .set("beep", beep)
        .set("startConferenceOnEnter", truth(conference.start_on_enter))
        .set("endConferenceOnExit", truth(conference.end_on_exit))
        .maybe("muted", conference.muted.then_some("true"))
        .maybe("coach", conference.coach.as_ref().map(Sid::as_str))
        .maybe("participantLabel", conference.label.as_deref())
        .maybe("waitUrl", wait)
        // The carrier's own buffer adds up to a second before the parties hear each other.
        .set("jitterBufferSize", "small")
        .maybe("statusCallbackEvent", conference.status_url.as_ref().map(|_| CONFERENCE_EVENTS))
        .maybe("statusCallback", conference.status_url.as_deref())
        .text(&conference.name)
}

fn truth(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

impl Element {
    fn of(tag: &'static str) -> Self {
        Self { tag, attributes: Vec::new(), content: Content::Elements(Vec::new()) }
    }

    fn set(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    fn maybe(self, name: &'static str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.set(name, value),
            None => self,
        }
    }

    fn text(mut self, text: &str) -> Self {
        self.content = Content::Text(text.to_owned());
        self
    }

    fn with(mut self, elements: Vec<Self>) -> Self {
        self.content = Content::Elements(elements);
        self
    }

    fn write(&self, writer: &mut Writer<Vec<u8>>) {
        let mut start = BytesStart::new(self.tag);
        for (name, value) in &self.attributes {
            start.push_attribute(Attribute { key: QName(name), value: Cow::Owned(escape(value)) });
        }
        match &self.content {
            Content::Elements(elements) if elements.is_empty() => return emit(writer, Event::Empty(start)),
            Content::Elements(elements) => {
                emit(writer, Event::Start(start));
                for element in elements {
                    element.write(writer);
                }
            }
            Content::Text(text) => {
                emit(writer, Event::Start(start));
                emit(writer, Event::Text(BytesText::from_escaped(escape(text))));
            }
        }
        emit(writer, Event::End(BytesEnd::new(self.tag)));
    }
}

fn emit(writer: &mut Writer<Vec<u8>>, event: Event) {
    // A vector takes everything.
    let _ = writer.write_event(event);
}

/// Escapes markup and white space that a parser would otherwise change (`\r`, and in attributes `\n` and `\t`), and
/// drops what XML 1.0 forbids.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\t' => escaped.push_str("&#9;"),
            '\n' => escaped.push_str("&#10;"),
            '\r' => escaped.push_str("&#13;"),
            allowed if is_allowed(allowed) => escaped.push(allowed),
            _ => {}
        }
    }
    escaped
}

/// The characters of XML 1.0, section 2.2.
pub(super) fn is_allowed(char: char) -> bool {
    matches!(char, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
}
