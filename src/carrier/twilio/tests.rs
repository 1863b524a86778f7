use std::fs;

use chrono::{DateTime, Utc};

use super::*;
use crate::{carrier::Party, test_data};

fn read<T>(body: &str) -> T
where
    for<'a> T: TryFrom<&'a Params, Error = MissingId>,
{
    T::try_from(&Params::parse(body.as_bytes())).expect("it names its ids")
}

fn moment(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).expect(text).to_utc()
}

#[test]
fn a_status_is_read_with_everything_it_says() {
    let status: CallStatus = read(
        "CallSid=CA01&AccountSid=AC01&CallStatus=completed&SequenceNumber=3&CallDuration=49&Duration=1&\
         SipResponseCode=200&CallbackSource=call-progress-events&Timestamp=Sat%2C%207%20Nov%202026%2015%3A04%3A05%20%2B0000",
    );
    assert_eq!(status.status, Status::Completed);
    assert_eq!((status.sequence, status.seconds, status.sip_code), (Some(3), Some(49), Some(200)));
    assert_eq!(status.at, Some(moment("2026-11-07T15:04:05Z")));
    assert_eq!(status.dedupe_key(), "CA01/call-progress-events/3/Completed");
    assert_eq!(status.end(moment("2026-11-07T16:00:00Z")).map(|end| end.at), status.at);
}

#[test]
fn only_the_ids_are_needed() {
    let bare = "CallSid=CA01&AccountSid=AC01";
    assert_eq!(read::<CallStatus>(bare).status, Status::Other);
    assert_eq!(read::<VoiceRequest>(bare).from, None);
    assert_eq!(read::<AmdResult>(bare).answered_by, AnsweredBy::Unknown);
    assert_eq!(read::<DialResult>(bare).status, DialStatus::Other);
    assert_eq!(read::<ConferenceEvent>("ConferenceSid=CF01&AccountSid=AC01").kind, ConferenceEventKind::Other);
    assert_eq!(read::<RecordingEvent>("RecordingSid=RE01&AccountSid=AC01").status, RecordingStatus::Other);
}

#[test]
fn without_its_ids_a_request_is_refused_by_the_name_of_the_field() {
    let missing = |body: &str| CallStatus::try_from(&Params::parse(body.as_bytes())).err().map(|missing| missing.field);
    assert_eq!(missing("AccountSid=AC01"), Some("CallSid"));
    assert_eq!(missing("CallSid=&AccountSid=AC01"), Some("CallSid"));
    assert_eq!(missing("CallSid=CA01"), Some("AccountSid"));
}

#[test]
fn unknown_values_are_no_errors() {
    let status: CallStatus = read("CallSid=CA01&AccountSid=AC01&CallStatus=warming-up&CallDuration=x&Timestamp=soon");
    assert_eq!((status.status, status.seconds, status.at), (Status::Other, None, None));
    let event: ConferenceEvent =
        read("ConferenceSid=CF01&AccountSid=AC01&StatusCallbackEvent=participant-sneeze&ReasonParticipantLeft=why");
    assert_eq!((event.kind, event.left_because), (ConferenceEventKind::Other, Some(LeftBecause::Other)));
}

#[test]
fn every_verdict_has_its_meaning() {
    let verdict =
        |text: &str| read::<AmdResult>(&format!("CallSid=CA01&AccountSid=AC01&AnsweredBy={text}")).answered_by;
    assert_eq!(verdict("human"), AnsweredBy::Human);
    assert_eq!(verdict("fax"), AnsweredBy::Fax);
    assert_eq!(verdict("unknown"), AnsweredBy::Unknown);
    for machine in ["machine_start", "machine_end_beep", "machine_end_silence", "machine_end_other"] {
        assert_eq!(verdict(machine), AnsweredBy::Machine, "{machine}");
    }
}

#[test]
fn the_end_of_a_conference_names_who_ended_it() {
    let event: ConferenceEvent = read(
        "ConferenceSid=CF01&AccountSid=AC01&StatusCallbackEvent=conference-end&CallSidEndingConference=CA09&\
         ParticipantLabelEndingConference=agent&SequenceNumber=4",
    );
    assert_eq!(event.kind, ConferenceEventKind::Ended);
    assert_eq!(event.call.map(String::from), Some("CA09".into()));
    assert_eq!(event.label, Some("agent".into()));
}

/// A recorded body of the shared test data.
fn recorded(file: &str) -> Option<Params> {
    let path = test_data::path("twilio-webhooks")?.join(file);
    Some(Params::parse(fs::read(path).expect(file).trim_ascii()))
}

fn recorded_as<T>(file: &str) -> Option<T>
where
    for<'a> T: TryFrom<&'a Params, Error = MissingId>,
{
    recorded(file).map(|params| T::try_from(&params).unwrap_or_else(|missing| panic!("{file}: {missing}")))
}

#[test]
fn every_recorded_body_is_read_by_the_view_of_its_kind() {
    let Some(folder) = test_data::path("twilio-webhooks") else { return };
    let mut seen = 0;
    for entry in fs::read_dir(folder).expect("a folder") {
        let name = entry.expect("an entry").file_name().into_string().expect("a name");
        let Some(params) = recorded(&name).filter(|_| name != "index.json") else { continue };
        let problem = match name.get(..1) {
            Some("4") => ConferenceEvent::try_from(&params).err(),
            Some("5") => AmdResult::try_from(&params).err(),
            Some("6") => RecordingEvent::try_from(&params).err(),
            _ if name.contains("status") || name.contains("telnyx") => CallStatus::try_from(&params).err(),
            _ if name.contains("dial_action") => DialResult::try_from(&params).err(),
            _ => VoiceRequest::try_from(&params).err(),
        };
        assert_eq!(problem, None, "{name}");
        seen += 1;
    }
    assert_eq!(seen, 51);
}

#[test]
fn recorded_statuses() {
    let expected = [
        ("11_status_completed_seq3_answeredby.form", Status::Completed, Some(3), Some(49), None),
        ("12_status_busy_sip486.form", Status::Busy, Some(2), Some(0), Some(486)),
        ("13_status_noanswer_client_sip487.form", Status::NoAnswer, Some(0), Some(0), Some(487)),
        ("14_status_completed_seq0.form", Status::Completed, Some(0), Some(13), Some(200)),
        ("17_status_child_leg_in_progress_outbound_dial.form", Status::InProgress, Some(0), None, None),
        ("26_restcomm_lookalike_ringing.form", Status::Ringing, Some(1), None, None),
        ("90_telnyx_texml_initiated.form", Status::Initiated, Some(0), None, None),
        ("90_telnyx_texml_completed.form", Status::Completed, Some(3), Some(45), None),
        ("91_telnyx_texml_hangup_2021.form", Status::Completed, Some(0), Some(2), None),
    ];
    for (file, status, sequence, seconds, sip_code) in expected {
        let Some(told) = recorded_as::<CallStatus>(file) else { return };
        assert_eq!(
            (told.status, told.sequence, told.seconds, told.sip_code),
            (status, sequence, seconds, sip_code),
            "{file}"
        );
        assert!(told.at.is_some(), "{file}: its time is read");
    }
}

#[test]
fn recorded_requests() {
    let Some(answered) = recorded_as::<VoiceRequest>("07_twiml_outbound_api_in_progress.form") else { return };
    assert_eq!((answered.status, answered.direction), (Status::InProgress, Some(Direction::Outbound)));
    assert!(answered.to.is_some_and(|to| to.phone().is_some()));

    let softphone: VoiceRequest = recorded_as("02_twiml_client_originated_http_capture.form").expect("a body");
    assert_eq!((softphone.from, softphone.to), (Some(Party::Client("Anonymous".into())), None));

    let fallback: VoiceRequest = recorded_as("80_fallback_url.form").expect("a body");
    assert_eq!(fallback.error_code, Some(11_200));

    let gathered: VoiceRequest = recorded_as("20_gather_action_hash.form").expect("a body");
    assert_eq!(gathered.digits.as_deref(), Some("2"));
}

#[test]
fn recorded_dials_conferences_and_recordings() {
    let Some(dial) = recorded_as::<DialResult>("21_dial_action_completed_recording.form") else { return };
    assert_eq!((dial.status, dial.seconds), (DialStatus::Completed, Some(3)));
    assert!(dial.dialled.is_some() && dial.recording.is_some());
    let dial: DialResult = recorded_as("22_dial_action_noanswer.form").expect("a body");
    assert_eq!((dial.status, dial.bridged), (DialStatus::NoAnswer, Some(false)));

    let left: ConferenceEvent = recorded_as("43_conference_participant_add_failed.form").expect("a body");
    assert_eq!((left.kind, left.left_because), (ConferenceEventKind::Left, Some(LeftBecause::AddFailed)));
    assert_eq!(left.participant_status, Status::NoAnswer);
    let joined: ConferenceEvent = recorded_as("40_conference_participant_join.form").expect("a body");
    assert_eq!(joined.at, Some(moment("2017-06-01T20:48:32Z")), "a day of one digit");
    let held: ConferenceEvent = recorded_as("46_conference_participant_hold.form").expect("a body");
    assert_eq!((held.kind, held.hold, held.muted), (ConferenceEventKind::Held, Some(true), Some(false)));

    let recording: RecordingEvent = recorded_as("60_recording_status_completed.form").expect("a body");
    assert_eq!(
        (recording.status, recording.seconds, recording.channels),
        (RecordingStatus::Completed, Some(42), Some(2))
    );
    assert_eq!(recording.error_code, None, "0 is no error");
    let absent: RecordingEvent = recorded_as("61_recording_status_absent.form").expect("a body");
    assert_eq!((absent.status, absent.error_code), (RecordingStatus::Absent, Some(16_101)));
}
