use std::collections::BTreeSet;

use quick_xml::{Reader, events::Event};
use secrecy::SecretString;

use super::*;
use crate::carrier::{
    AmdResult, CallStatus, ConferenceEvent, ConferenceEventKind as Kind, DialResult, Params, Party, RecordingEvent,
    Status, VoiceRequest,
    signature::{self, verify},
    twilio::MissingId,
};

fn samples() -> Samples {
    Samples::load().expect("the folder agrees with itself")
}

/// The last segment of the path: which handler it is for.
fn kind(sample: &Sample) -> &str {
    sample.path.split('?').next().and_then(|path| path.rsplit('/').next()).unwrap_or_default()
}

#[test]
fn every_file_is_named_and_every_name_is_a_file() {
    let samples = samples();
    let mut named: BTreeSet<String> = ["index.toml", "status-ringing.http"].map(str::to_owned).into();
    named.extend(samples.events.iter().map(|event| format!("{}.form", event.name)));
    named.extend(samples.events.iter().flat_map(|event| event.twiml.iter().cloned()));
    let files: BTreeSet<String> = Files::iter().map(std::borrow::Cow::into_owned).collect();
    assert_eq!(files, named);
}

#[test]
fn every_body_is_read_by_its_view() {
    for sample in samples().events {
        let params = Params::parse(sample.body.as_bytes());
        let read: Result<(), MissingId> = match kind(&sample) {
            "status" => CallStatus::try_from(&params).map(drop),
            "amd" => AmdResult::try_from(&params).map(drop),
            "conference" => ConferenceEvent::try_from(&params).map(drop),
            "dial" => DialResult::try_from(&params).map(drop),
            "recording" => RecordingEvent::try_from(&params).map(drop),
            "answer" | "agent" | "inbound" | "fallback" | "hold" => VoiceRequest::try_from(&params).map(drop),
            other => panic!("{}: {other} is no handler", sample.name),
        };
        assert_eq!(read, Ok(()), "{}", sample.name);
        assert_eq!(
            (sample.status == 204, sample.method.as_str()),
            (sample.twiml.is_empty(), "POST"),
            "{}",
            sample.name
        );
    }
}

#[test]
fn every_value_that_the_service_tells_apart_has_a_sample() {
    let mut statuses = Vec::new();
    let mut conferences = Vec::new();
    for sample in samples().events {
        let params = Params::parse(sample.body.as_bytes());
        match kind(&sample) {
            "status" => statuses.extend(CallStatus::try_from(&params).map(|status| status.status)),
            "conference" => conferences.extend(ConferenceEvent::try_from(&params).map(|event| event.kind)),
            _ => {}
        }
    }
    for status in [
        Status::Initiated,
        Status::Ringing,
        Status::InProgress,
        Status::Completed,
        Status::Busy,
        Status::NoAnswer,
        Status::Failed,
        Status::Canceled,
    ] {
        assert!(statuses.contains(&status), "{status:?}");
    }
    for kind in
        [Kind::Started, Kind::Ended, Kind::Joined, Kind::Left, Kind::Muted, Kind::Unmuted, Kind::Held, Kind::Unheld]
    {
        assert!(conferences.contains(&kind), "{kind:?}");
    }
    assert!(!statuses.contains(&Status::Other) && !conferences.contains(&Kind::Other));
}

#[test]
fn the_whole_request_is_signed() {
    let samples = samples();
    let request = file("status-ringing.http").expect("it is there");
    let (head, body) = request.split_once("\n\n").expect("a head and a body");
    let value = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    let path = value("POST ").trim_end_matches(" HTTP/1.1");
    let token = SecretString::from(samples.sample["auth_token"].clone());
    let header = value("X-Twilio-Signature: ");
    let public_url = &samples.sample["public_url"];
    assert!(verify([&token], public_url, path, Some(value("Content-Type: ")), body.as_bytes(), header));
    assert_eq!(signature::sign(&token, &format!("{public_url}{path}"), &Params::parse(body.as_bytes())), header);
    let sample = samples.events.iter().find(|event| event.name == "status-ringing").expect("it is listed");
    assert_eq!((sample.path.as_str(), sample.body.as_str()), (path, body));
}

#[test]
fn every_document_is_well_formed() {
    for name in Files::iter().filter(|name| name.strip_suffix(".xml").is_some()) {
        let text = document(&name).expect("it is there");
        let mut reader = Reader::from_str(&text);
        reader.config_mut().expand_empty_elements = true;
        let mut first = None;
        loop {
            match reader.read_event().unwrap_or_else(|error| panic!("{name}: {error}")) {
                Event::Start(start) if first.is_none() => first = Some(start.name().0.to_owned()),
                Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(first.as_deref(), Some("Response"), "{name}");
    }
}

#[test]
fn nobody_can_be_called_at_these_numbers() {
    for sample in samples().events {
        let params = Params::parse(sample.body.as_bytes());
        for name in ["From", "To", "Caller", "Called"] {
            let Some(Party::Phone(phone)) = params.party(name) else { continue };
            assert!(phone.as_str().starts_with("+121255501"), "{}: 555-01xx is nobody's number", sample.name);
        }
    }
}

#[test]
fn own_ids_take_the_place_of_the_samples() {
    let samples = samples();
    let sample = samples.events.iter().find(|event| event.name == "answer").expect("it is listed");
    let own = BTreeMap::from([
        ("call", "019a9000-0000-7000-8000-00000000000f".to_owned()),
        ("token", "own-token".to_owned()),
        ("call_sid", "CA0f".to_owned()),
        ("debtor_number", "+12125550199".to_owned()),
    ]);
    let filled = samples.with_ids(sample, &own);
    assert_eq!(filled.path, "/webhooks/twilio/answer?call=019a9000-0000-7000-8000-00000000000f&t=own-token");
    let request = VoiceRequest::try_from(&Params::parse(filled.body.as_bytes())).expect("it names its ids");
    assert_eq!(request.call.as_str(), "CA0f");
    assert_eq!(request.to, Party::read("+12125550199"));
}
