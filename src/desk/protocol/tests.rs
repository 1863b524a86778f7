//! The page `docs/DESK.md` and the types say the same.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;

use super::*;

const PAGE: &str = include_str!("../../../docs/DESK.md");

/// The JSON examples of a section of the page.
fn examples(heading: &str) -> Vec<serde_json::Value> {
    let section = PAGE.split("\n## ").find(|section| section.starts_with(heading)).expect("the section is there");
    let blocks = section.split("```json\n").skip(1);
    let texts = blocks.map(|block| block.split("```").next().expect("the block has an end"));
    texts.map(|text| serde_json::from_str(text).expect("an example is JSON")).collect()
}

/// Each example is a message, and says every field of it.
fn check<T: DeserializeOwned + Serialize>(examples: &[serde_json::Value]) -> BTreeSet<String> {
    for example in examples {
        let message: T = serde_json::from_value(example.clone()).unwrap_or_else(|error| panic!("{error}: {example}"));
        assert_eq!(&serde_json::to_value(&message).expect("a message is JSON"), example);
    }
    examples.iter().map(|example| example["type"].as_str().expect("a message has a type").to_owned()).collect()
}

fn names<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

/// Fails to compile when a message is added that the page does not have yet.
fn name_of_client_message(message: &ClientMessage) -> &'static str {
    match message {
        ClientMessage::Hello { .. } => "hello",
        ClientMessage::Ready => "ready",
        ClientMessage::Pause { .. } => "pause",
        ClientMessage::PopShown { .. } => "pop_shown",
        ClientMessage::HumanConfirmed { .. } => "human_confirmed",
        ClientMessage::IdentityConfirmed { .. } => "identity_confirmed",
        ClientMessage::HangUp { .. } => "hang_up",
        ClientMessage::PreviewDial { .. } => "preview_dial",
        ClientMessage::PreviewSkip { .. } => "preview_skip",
        ClientMessage::ExtendWrapUp => "extend_wrap_up",
        ClientMessage::LogOut => "log_out",
        ClientMessage::Pong => "pong",
    }
}

/// Fails to compile when a message is added that the page does not have yet.
fn name_of_body(body: &Body) -> &'static str {
    match body {
        Body::Hello { .. } => "hello",
        Body::Snapshot { .. } => "snapshot",
        Body::Presence { .. } => "presence",
        Body::Pop { .. } => "pop",
        Body::Call { .. } => "call",
        Body::TakenOver => "taken_over",
        Body::Notice { .. } => "notice",
        Body::Error { .. } => "error",
        Body::Ping => "ping",
    }
}

#[test]
fn the_page_has_an_example_of_every_message_of_the_desk() {
    let examples = examples("From the desk");
    let all = names([
        "hello",
        "ready",
        "pause",
        "pop_shown",
        "human_confirmed",
        "identity_confirmed",
        "hang_up",
        "preview_dial",
        "preview_skip",
        "extend_wrap_up",
        "log_out",
        "pong",
    ]);
    assert_eq!(check::<ClientMessage>(&examples), all);
    for example in examples {
        let message: ClientMessage = serde_json::from_value(example.clone()).expect("checked above");
        assert_eq!(example["type"], name_of_client_message(&message));
    }
}

#[test]
fn the_page_has_an_example_of_every_message_of_the_service() {
    let examples = examples("From the service");
    let all = names(["hello", "snapshot", "presence", "pop", "call", "taken_over", "notice", "error", "ping"]);
    assert_eq!(check::<ServerMessage>(&examples), all);
    for example in examples {
        let message: ServerMessage = serde_json::from_value(example.clone()).expect("checked above");
        assert_eq!(example["type"], name_of_body(&message.body));
    }
}

#[test]
fn the_page_names_every_reason_to_close() {
    use crate::desk::session::Close;
    let all = [
        Close::HelloMissing,
        Close::WrongVersion,
        Close::Silent,
        Close::TakenOver,
        Close::LoggedOut,
        Close::TooMany,
        Close::TryLater,
        Close::GoingAway,
    ];
    for close in all {
        assert!(PAGE.contains(&format!("| {} |", close.code())), "{close:?}");
    }
}

#[test]
fn an_unknown_field_or_type_is_refused() {
    for text in [r#"{"type":"hello","protocol":1,"extra":1}"#, r#"{"type":"dance"}"#, r#"{"protocol":1}"#, "[]", "1"] {
        assert!(serde_json::from_str::<ClientMessage>(text).is_err(), "{text}");
    }
}
