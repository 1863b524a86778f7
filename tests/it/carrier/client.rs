//! What the client asks, what it makes of the answers, and when it asks again.

use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, Utc};
use ledgerline::carrier::{
    AddParticipant, CallUpdate, CreateCall, CreateResult, Error, Instructions, ListCalls, MachineDetection, NotPlaced,
    ParticipantUpdate, Party, Sid, Status, Trouble, Updated, Voice, client::Found,
};

use super::scripted::{Answer, Asked, Carrier, answer, client};

const CREATED: &str = r#"{"sid":"CA01","account_sid":"AC01","status":"queued","direction":"outbound-api",
    "date_created":null,"start_time":null,"end_time":null,"duration":null,"price":null,"something_new":{"a":[1]}}"#;

fn party(text: &str) -> Party {
    Party::read(text).expect("a party")
}

fn sid(text: &str) -> Sid {
    text.parse().expect("an id")
}

fn moment(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).expect(text).to_utc()
}

fn call() -> CreateCall {
    CreateCall {
        to: party("+12125550142"),
        from: party("+12125550100"),
        instructions: Instructions::Url("https://x.example/answer?call=1&t=a%2Bb#rc=3".into()),
        fallback_url: Some("https://x.example/fallback?call=1".into()),
        status_url: Some("https://x.example/status?call=1".into()),
        ring_seconds: 22,
        limit_seconds: Some(3600),
        machine_detection: Some(MachineDetection::reporting_to("https://x.example/amd?call=1")),
        recording_url: None,
    }
}

fn values<'a>(asked: &'a Asked, name: &str) -> Vec<&'a str> {
    asked.form.pairs().iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
}

#[tokio::test]
async fn a_create_says_everything_once() {
    let carrier = Carrier::with([answer(201, CREATED)]).await;
    assert_eq!(carrier.client().create_call(&call()).await, CreateResult::Accepted { sid: sid("CA01") });

    let asked = carrier.asked().remove(0);
    assert_eq!(
        (asked.method.as_str(), asked.path_and_query.as_str()),
        ("POST", "/2010-04-01/Accounts/AC01/Calls.json")
    );
    assert_eq!(asked.authorization, "Basic QUMwMTp0b2stMQ==", "AC01:tok-1");
    let expected = [
        ("To", "+12125550142"),
        ("From", "+12125550100"),
        ("Url", "https://x.example/answer?call=1&t=a%2Bb#rc=3"),
        ("FallbackUrl", "https://x.example/fallback?call=1"),
        ("StatusCallback", "https://x.example/status?call=1"),
        ("Timeout", "22"),
        ("TimeLimit", "3600"),
        ("MachineDetection", "Enable"),
        ("AsyncAmd", "true"),
        ("AsyncAmdStatusCallback", "https://x.example/amd?call=1"),
    ];
    for (name, value) in expected {
        assert_eq!(values(&asked, name), [value], "{name}");
    }
    assert_eq!(values(&asked, "StatusCallbackEvent"), ["initiated", "ringing", "answered", "completed"]);
    assert_eq!(asked.form.pairs().len(), expected.len() + 4, "and nothing else");
}

#[tokio::test]
async fn an_api_key_authenticates_while_the_account_stays_in_the_path() {
    let carrier = Carrier::with([answer(201, CREATED)]).await;
    let mut config = super::scripted::config(&carrier.address);
    config.api_key = Some("SK01".into());
    config.api_secret = Some("secret".into());
    let client = ledgerline::carrier::Client::new(&config).expect("a client");
    client.create_call(&call()).await;
    let asked = carrier.asked().remove(0);
    assert_eq!(asked.authorization, "Basic U0swMTpzZWNyZXQ=", "SK01:secret");
    assert_eq!(asked.path_and_query, "/2010-04-01/Accounts/AC01/Calls.json");
}

#[tokio::test]
async fn a_refusal_of_the_number_marks_the_number() {
    let body = r#"{"code":21211,"message":"Invalid 'To'","status":400}"#;
    let carrier = Carrier::with([answer(400, body), answer(400, r#"{"code":"21210"}"#)]).await;
    let client = carrier.client();
    assert_eq!(client.create_call(&call()).await, CreateResult::Rejected { code: 21_211, bad_number: true });
    assert_eq!(client.create_call(&call()).await, CreateResult::Rejected { code: 21_210, bad_number: false });
    assert_eq!(carrier.asked().len(), 2, "a refusal is not repeated");
}

#[tokio::test]
async fn busy_then_accepted_places_one_call() {
    let busy = || answer(429, r#"{"code":20429,"status":429}"#);
    let carrier = Carrier::with([busy(), busy(), answer(201, CREATED)]).await;
    let begun = Instant::now();
    assert_eq!(carrier.client().create_call(&call()).await, CreateResult::Accepted { sid: sid("CA01") });
    assert_eq!(carrier.asked().len(), 3);
    assert!(begun.elapsed() >= Duration::from_millis(270), "100 ms and 200 ms, less a tenth");
}

#[tokio::test]
async fn busy_waits_as_long_as_the_carrier_asks() {
    let carrier = Carrier::with([answer(429, "").with("retry-after", "1"), answer(201, CREATED)]).await;
    let begun = Instant::now();
    assert_eq!(carrier.client().create_call(&call()).await, CreateResult::Accepted { sid: sid("CA01") });
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn always_busy_is_not_placed_after_five_repetitions() {
    let carrier = Carrier::with(vec![answer(429, ""); 10]).await;
    assert_eq!(carrier.client().create_call(&call()).await, CreateResult::NotPlaced(NotPlaced::Busy));
    assert_eq!(carrier.asked().len(), 6);
}

#[tokio::test]
async fn too_many_lines_at_once_is_not_repeated_at_once() {
    let carrier = Carrier::with([answer(400, r#"{"code":10004}"#)]).await;
    assert_eq!(carrier.client().create_call(&call()).await, CreateResult::NotPlaced(NotPlaced::Busy));
    assert_eq!(carrier.asked().len(), 1);
}

#[tokio::test]
async fn a_fault_of_the_carrier_leaves_a_create_unknown() {
    let html = "<html><body>502 Bad Gateway</body></html>";
    for fault in [answer(502, html), answer(500, r#"{"code":20500,"status":500}"#), answer(503, ""), answer(201, html)]
    {
        let carrier = Carrier::with([fault, answer(201, CREATED)]).await;
        assert_eq!(carrier.client().create_call(&call()).await, CreateResult::Unknown);
        assert_eq!(carrier.asked().len(), 1, "it is never sent twice");
    }
}

#[tokio::test]
async fn a_create_that_is_not_answered_in_time_is_unknown_and_found_later() {
    let listed = r#"{"calls":[
        {"sid":"CA09","status":"completed","direction":"outbound-api","start_time":"Sat, 21 Nov 2026 08:00:00 +0000"},
        {"sid":"CA08","status":"in-progress","direction":"inbound","start_time":null},
        {"sid":"CA07","status":"ringing","direction":"outbound-api","date_created":"Sat, 21 Nov 2026 15:00:02 +0000"}
    ],"next_page_uri":null}"#;
    let carrier = Carrier::with([answer(201, CREATED).after(Duration::from_secs(30)), answer(200, listed)]).await;
    let client = carrier.client();
    let begun = Instant::now();
    assert_eq!(client.create_call(&call()).await, CreateResult::Unknown);
    assert!((9..13).contains(&begun.elapsed().as_secs()));
    assert_eq!(carrier.asked().len(), 1);

    let asked_at = moment("2026-11-21T15:00:00Z");
    let found = client.find_unknown(&call().to, &call().from, asked_at, &[]).await.expect("an answer");
    let Found::One(record) = found else { panic!("{found:?}") };
    assert_eq!((record.sid, record.status), (sid("CA07"), Status::Ringing));
    assert_eq!(
        carrier.asked()[1].path_and_query,
        "/2010-04-01/Accounts/AC01/Calls.json?PageSize=200&To=%2B12125550142&From=%2B12125550100&StartTime%3E=2026-11-21"
    );
}

#[tokio::test]
async fn looking_for_a_lost_call_does_not_guess() {
    let line = |sid: &str| format!(r#"{{"sid":"{sid}","status":"queued","direction":"outbound-api"}}"#);
    let two = format!(r#"{{"calls":[{},{}]}}"#, line("CA01"), line("CA02"));
    let carrier = Carrier::with([answer(200, &two), answer(200, &two), answer(200, r#"{"calls":[]}"#)]).await;
    let client = carrier.client();
    let look = async |known: &[Sid]| {
        client.find_unknown(&call().to, &call().from, moment("2026-11-21T15:00:00Z"), known).await.expect("an answer")
    };
    assert_eq!(look(&[]).await, Found::Several);
    assert!(matches!(look(&[sid("CA02")]).await, Found::One(record) if record.sid == sid("CA01")));
    assert_eq!(look(&[]).await, Found::None);
}

#[tokio::test]
async fn nobody_listening_means_not_placed() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let result = client(&address).create_call(&call()).await;
    assert_eq!(result, CreateResult::NotPlaced(NotPlaced::Unreachable));
}

#[tokio::test]
async fn unknown_credentials_open_the_circuit() {
    let body = r#"{"code":20003,"message":"Authenticate","status":401}"#;
    let carrier = Carrier::with([answer(401, body), answer(201, CREATED)]).await;
    let client = carrier.client();
    assert_eq!(client.trouble(), None);
    let refused = CreateResult::NotPlaced(NotPlaced::Refused(Trouble::Unauthorized));
    assert_eq!(client.create_call(&call()).await, refused);
    assert_eq!(client.trouble(), Some(Trouble::Unauthorized));
    assert_eq!(client.create_call(&call()).await, refused);
    assert!(matches!(client.fetch_call(&sid("CA01")).await, Err(Error::Refused(Trouble::Unauthorized))));
    assert_eq!(carrier.asked().len(), 1, "nothing is sent through an open circuit");
}

#[tokio::test]
async fn without_an_account_nothing_is_sent() {
    let carrier = Carrier::with([answer(201, CREATED)]).await;
    let mut config = super::scripted::config(&carrier.address);
    config.account_sid = String::new();
    let client = ledgerline::carrier::Client::new(&config).expect("a client");
    assert_eq!(client.check().await, Some(Trouble::NotConfigured));
    assert_eq!(client.create_call(&call()).await, CreateResult::NotPlaced(NotPlaced::Refused(Trouble::NotConfigured)));
    assert_eq!(carrier.asked().len(), 0);
}

#[tokio::test]
async fn reading_is_repeated_over_faults() {
    let carrier = Carrier::with([answer(503, "<html>"), answer(500, ""), answer(200, CREATED)]).await;
    let record = carrier.client().fetch_call(&sid("CA01")).await.expect("a call");
    assert_eq!((record.sid, record.status, record.created_at), (sid("CA01"), Status::Queued, None));
    assert_eq!(carrier.asked()[2].path_and_query, "/2010-04-01/Accounts/AC01/Calls/CA01.json");
    assert_eq!(carrier.asked().len(), 3);
}

#[tokio::test]
async fn numbers_may_come_as_text_or_as_numbers() {
    let record = |body: &str| answer(200, body);
    let carrier = Carrier::with([
        record(r#"{"sid":"CA01","status":"completed","duration":"49","queue_time":"12","end_time":"Sat, 21 Nov 2026 15:00:00 +0000"}"#),
        record(r#"{"sid":"f5586561-8ff0-4291-a51b-c7dfe4139ff9","status":"warming-up","duration":49.0,"queue_time":12}"#),
    ])
    .await;
    let client = carrier.client();
    let first = client.fetch_call(&sid("CA01")).await.expect("a call");
    assert_eq!((first.seconds, first.queued_ms), (Some(49), Some(12)));
    assert_eq!(first.ended_at, Some(moment("2026-11-21T15:00:00Z")));
    let second = client.fetch_call(&sid("CA01")).await.expect("a call");
    assert_eq!((second.seconds, second.queued_ms, second.status), (Some(49), Some(12), Status::Other));
}

#[tokio::test]
async fn a_list_follows_the_pages() {
    let page = |sids: &[&str], next: &str| {
        let calls: Vec<_> = sids.iter().map(|sid| format!(r#"{{"sid":"{sid}","status":"completed"}}"#)).collect();
        answer(200, format!(r#"{{"calls":[{}],"page_size":2,"next_page_uri":{next}}}"#, calls.join(",")))
    };
    let carrier = Carrier::with([
        page(&["CA01", "CA02"], r#""/2010-04-01/Accounts/AC01/Calls.json?PageSize=2&Page=1&PageToken=PA%2B1""#),
        page(&["CA03"], "null"),
    ])
    .await;
    let wanted = ListCalls {
        status: Some(Status::Completed),
        started_since: NaiveDate::from_ymd_opt(2026, 11, 21),
        ..ListCalls::default()
    };
    let calls = carrier.client().list_calls(&wanted).await.expect("a list");
    assert_eq!(calls.iter().map(|call| call.sid.as_str()).collect::<Vec<_>>(), ["CA01", "CA02", "CA03"]);
    assert_eq!(
        carrier.asked()[1].path_and_query,
        "/2010-04-01/Accounts/AC01/Calls.json?PageSize=2&Page=1&PageToken=PA%2B1"
    );
}

#[tokio::test]
async fn pages_stay_below_a_base_address_with_a_path() {
    let first = answer(200, r#"{"calls":[],"next_page_uri":"/2010-04-01/Accounts/AC01/Calls.json?Page=1"}"#);
    let second = answer(200, r#"{"calls":[],"next_page_uri":"/api/laml/2010-04-01/Accounts/AC01/Calls.json?Page=2"}"#);
    let carrier = Carrier::with([first, second, answer(200, r#"{"calls":[],"next_page_uri":""}"#)]).await;
    let client = client(&format!("{}/api/laml", carrier.address));
    client.list_calls(&ListCalls::default()).await.expect("a list");
    let paths: Vec<_> = carrier.asked().into_iter().map(|asked| asked.path_and_query).collect();
    assert_eq!(
        paths,
        [
            "/api/laml/2010-04-01/Accounts/AC01/Calls.json?PageSize=200",
            "/api/laml/2010-04-01/Accounts/AC01/Calls.json?Page=1",
            "/api/laml/2010-04-01/Accounts/AC01/Calls.json?Page=2",
        ]
    );
}

#[tokio::test]
async fn credentials_do_not_follow_a_page_to_another_host() {
    let elsewhere = Carrier::with([]).await;
    let next = format!(r#"{{"calls":[],"next_page_uri":"{}/steal"}}"#, elsewhere.address);
    let carrier = Carrier::with([answer(200, next), answer(302, "").with("location", "/elsewhere")]).await;
    let client = carrier.client();
    assert!(matches!(client.list_calls(&ListCalls::default()).await, Err(Error::Unclear(_))));
    assert!(matches!(client.fetch_call(&sid("CA01")).await, Err(Error::Rejected { code: 302 })));
    assert_eq!((elsewhere.asked().len(), carrier.asked().len()), (0, 2));
}

#[tokio::test]
async fn updates_say_one_thing_and_a_line_that_is_over_is_no_error() {
    let carrier = Carrier::with([
        answer(200, r#"{"sid":"CA01","status":"completed"}"#),
        answer(400, r#"{"code":21220,"status":400}"#),
        answer(200, r#"{"sid":"CA01","status":"in-progress"}"#),
        answer(200, r#"{"sid":"CA01","status":"in-progress"}"#),
        answer(502, "<html>"),
    ])
    .await;
    let client = carrier.client();
    let line = sid("CA01");
    let update = async |change| client.update_call(&line, &change).await;
    assert_eq!(update(CallUpdate::Complete).await.expect("done"), Updated::Done(Status::Completed));
    assert_eq!(update(CallUpdate::Cancel).await.expect("done"), Updated::WrongState);
    update(CallUpdate::Redirect { url: "https://x.example/hold?a=1".into() }).await.expect("done");
    update(CallUpdate::Twiml("<Response/>".into())).await.expect("done");
    assert!(matches!(update(CallUpdate::Complete).await, Err(Error::Unclear(_))));
    assert!(matches!(update(CallUpdate::Complete).await, Err(Error::NotFound)), "the script is over");

    let asked = carrier.asked();
    let said: Vec<_> = asked.iter().map(|asked| asked.form.pairs().to_vec()).collect();
    let one = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    assert_eq!(said[0], one("Status", "completed"));
    assert_eq!(said[1], one("Status", "canceled"));
    assert_eq!(said[2], one("Url", "https://x.example/hold?a=1"));
    assert_eq!(said[3], one("Twiml", "<Response/>"));
    assert_eq!(said.len(), 6, "a change that may have been made is not repeated here");
}

#[tokio::test]
async fn listen_whisper_barge_and_leave() {
    let participant = r#"{"call_sid":"CA05","conference_sid":"CF01","label":"supervisor","status":"queued"}"#;
    let fine = || answer(200, participant);
    let carrier = Carrier::with([answer(201, participant), fine(), fine(), fine(), answer(204, "")]).await;
    let client = carrier.client();
    let (conference, line) = (sid("CF01"), sid("CA05"));
    let supervisor = AddParticipant {
        to: party("client:supervisor_1"),
        from: party("+12125550100"),
        voice: Voice::Listen,
        label: Some("supervisor".into()),
        ring_seconds: 20,
        status_url: None,
        ends_conference: false,
    };
    assert_eq!(client.add_participant("desk-7f3c", &supervisor).await.expect("a line"), line);
    let whisper = ParticipantUpdate::Voice(Voice::Whisper { to: sid("CA02") });
    client.update_participant(&conference, &line, &whisper).await.expect("done");
    client.update_participant(&conference, &line, &ParticipantUpdate::Voice(Voice::Talk)).await.expect("done");
    client.update_participant(&conference, &line, &ParticipantUpdate::Hold { music_url: None }).await.expect("done");
    client.remove_participant(&conference, &line).await.expect("done");
    client.remove_participant(&conference, &line).await.expect("one that has left is removed");

    let asked = carrier.asked();
    assert_eq!(asked[0].path_and_query, "/2010-04-01/Accounts/AC01/Conferences/desk-7f3c/Participants.json");
    assert_eq!((values(&asked[0], "Muted"), values(&asked[0], "Coaching")), (vec!["true"], vec!["false"]));
    assert_eq!(asked[1].path_and_query, "/2010-04-01/Accounts/AC01/Conferences/CF01/Participants/CA05.json");
    assert_eq!(values(&asked[1], "CallSidToCoach"), ["CA02"]);
    assert_eq!((values(&asked[1], "Muted"), values(&asked[1], "Coaching")), (vec!["false"], vec!["true"]));
    assert_eq!((values(&asked[2], "Muted"), values(&asked[2], "Coaching")), (vec!["false"], vec!["false"]));
    assert_eq!(values(&asked[3], "Hold"), ["true"]);
    assert_eq!(asked[4].method, "DELETE");
}

#[tokio::test]
async fn conferences_are_found_by_name_listed_and_ended() {
    let found = r#"{"conferences":[{"sid":"CF02","friendly_name":"desk-7f3c","status":"in-progress"},
        {"sid":"CF01","friendly_name":"desk-7f3c","status":"completed"}],"next_page_uri":null}"#;
    let inside = r#"{"participants":[{"call_sid":"CA02","label":"agent","muted":false,"hold":false,"coaching":false},
        {"call_sid":"CA05","label":"supervisor","muted":true,"hold":false,"coaching":true}],"next_page_uri":null}"#;
    let one = r#"{"sid":"CF02","friendly_name":"desk-7f3c","status":"init"}"#;
    let carrier = Carrier::with([answer(200, found), answer(200, inside), answer(200, one), answer(200, "{}")]).await;
    let client = carrier.client();
    let conferences = client.find_conferences("desk-7f3c").await.expect("a list");
    assert_eq!(conferences.iter().map(|found| found.over).collect::<Vec<_>>(), [false, true]);
    let participants = client.list_participants(&sid("CF02")).await.expect("a list");
    assert_eq!(participants.iter().map(|inside| inside.muted).collect::<Vec<_>>(), [false, true]);
    assert!(!client.fetch_conference(&sid("CF02")).await.expect("a conference").over);
    client.end_conference(&sid("CF02")).await.expect("done");
    client.end_conference(&sid("CF02")).await.expect("one that is gone is ended");
    let asked = carrier.asked();
    assert_eq!(
        asked[0].path_and_query,
        "/2010-04-01/Accounts/AC01/Conferences.json?FriendlyName=desk-7f3c&PageSize=20"
    );
    assert_eq!(values(&asked[3], "Status"), ["completed"]);
}

#[tokio::test]
async fn recordings_are_paused_and_deleted() {
    let carrier = Carrier::with([answer(200, "{}"), answer(200, "{}"), answer(204, "")]).await;
    let client = carrier.client();
    client.pause_recording(&sid("CA01"), true).await.expect("done");
    client.pause_recording(&sid("CA01"), false).await.expect("done");
    client.delete_recording(&sid("RE01")).await.expect("done");
    client.delete_recording(&sid("RE01")).await.expect("one that is gone is deleted");
    let asked = carrier.asked();
    assert_eq!(asked[0].path_and_query, "/2010-04-01/Accounts/AC01/Calls/CA01/Recordings/Twilio.CURRENT.json");
    assert_eq!((values(&asked[0], "Status"), values(&asked[1], "Status")), (vec!["paused"], vec!["in-progress"]));
    assert_eq!(
        (asked[2].method.as_str(), asked[2].path_and_query.as_str()),
        ("DELETE", "/2010-04-01/Accounts/AC01/Recordings/RE01.json")
    );
}

#[tokio::test]
async fn an_endless_answer_is_not_read() {
    let carrier = Carrier::with(vec![endless(); 6]).await;
    assert!(matches!(carrier.client().update_call(&sid("CA01"), &CallUpdate::Complete).await, Err(Error::Unclear(_))));
}

fn endless() -> Answer {
    answer(200, "x".repeat(5 << 20))
}
