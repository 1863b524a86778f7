//! Time-lines against a small application: what it is told, in which order, and how the lines end.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use chrono_tz::UTC;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Config, Emulator, Forced, faults::Faults, people::Reaction};
use crate::{carrier::signature, clock::Clock};

/// A request as the application got it.
#[derive(Clone, Debug)]
struct Told {
    path: String,
    params: BTreeMap<String, String>,
    genuine: bool,
}

#[derive(Clone)]
struct Application {
    address: String,
    documents: Arc<BTreeMap<&'static str, String>>,
    told: Arc<Mutex<Vec<Told>>>,
}

/// An application with documents at some paths (`{base}` is its address), and a carrier forty times as fast.
async fn start(documents: &[(&'static str, &str)]) -> (Application, Emulator) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let filled = documents.iter().map(|(path, xml)| (*path, xml.replace("{base}", &address))).collect();
    let application = Application { address, documents: Arc::new(filled), told: Arc::default() };
    let router = Router::new().fallback(answer).with_state(application.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let line = ["emulator", "--listen", "127.0.0.1:0", "--speed", "40", "--calls-per-second", "100"];
    let emulator = super::start(Config::parse_line(line).unwrap(), Clock::system(UTC)).await.unwrap();
    (application, emulator)
}

async fn answer(State(application): State<Application>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let text = |name| headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok()).unwrap_or("");
    let token = SecretString::from("emulated-auth-token");
    let genuine = signature::verify(
        [&token],
        &application.address,
        &uri.to_string(),
        Some(text("content-type")),
        &body,
        text(signature::HEADERS[0]),
    );
    let params = url::form_urlencoded::parse(&body).into_owned().collect();
    application.told.lock().unwrap().push(Told { path: uri.path().to_owned(), params, genuine });
    match application.documents.get(uri.path()) {
        Some(document) if document == "500" => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Some(document) => ([(header::CONTENT_TYPE, "text/xml")], document.clone()).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    }
}

impl Application {
    /// What one parameter said in the requests to a path, in order of arrival.
    fn told(&self, path: &str, name: &str) -> Vec<String> {
        let told = self.told.lock().unwrap();
        let those = told.iter().filter(|told| told.path == path);
        those.map(|told| told.params.get(name).cloned().unwrap_or_default()).collect()
    }

    /// Waits until so many requests reached a path.
    async fn wait_for(&self, path: &str, count: usize) {
        let reached = async {
            while self.told(path, "CallSid").len() < count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), reached).await;
        assert!(waited.is_ok(), "{path} was to be asked {count} times: {:?}", self.told.lock().unwrap());
    }
}

async fn rest(emulator: &Emulator, method: reqwest::Method, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
    let account = "AC00000000000000000000000000000001";
    let url = format!("{}2010-04-01/Accounts/{account}/{path}", emulator.base_url);
    let request = reqwest::Client::new().request(method, url).basic_auth(account, Some("emulated-auth-token"));
    let response = request.form(form).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap_or_default())
}

async fn create(emulator: &Emulator, application: &Application, to: &str, more: &[(&str, &str)]) -> (u16, Value) {
    let base = &application.address;
    let (url, status) = (format!("{base}/answer"), format!("{base}/status?call=1#rc=2&rp=5xx"));
    let mut form =
        vec![("To", to), ("From", "+15555550100"), ("Url", url.as_str()), ("StatusCallback", status.as_str())];
    form.extend(["initiated", "ringing", "answered", "completed"].map(|event| ("StatusCallbackEvent", event)));
    form.extend_from_slice(more);
    rest(emulator, reqwest::Method::POST, "Calls.json", &form).await
}

fn person(talk_ms: u64) -> Forced {
    Forced { reaction: Some(Reaction::Human), ring_ms: Some(4_000), talk_ms: Some(talk_ms), ..Forced::default() }
}

const PARKED: &str = "<Response><Dial><Conference startConferenceOnEnter=\"false\" participantLabel=\"agent\" \
    statusCallback=\"{base}/conference\" statusCallbackEvent=\"start end join leave\">desk-1</Conference></Dial></Response>";
const JOIN: &str = "<Response><Dial action=\"/dial\"><Conference participantLabel=\"debtor\" \
    statusCallback=\"{base}/other\">desk-1</Conference></Dial></Response>";

#[tokio::test]
async fn a_call_that_is_bridged_is_told_from_ring_to_end() {
    let (application, emulator) = start(&[("/agent", PARKED), ("/answer", JOIN), ("/dial", "<Response/>")]).await;
    let agent = format!("{}/agent", application.address);
    let form = [("To", "client:agent_1"), ("From", "+15555550100"), ("Url", agent.as_str())];
    rest(&emulator, reqwest::Method::POST, "Calls.json", &form).await;
    application.wait_for("/conference", 1).await;

    emulator.force(person(20_000));
    let amd = format!("{}/amd", application.address);
    let more = [("MachineDetection", "Enable"), ("AsyncAmd", "true"), ("AsyncAmdStatusCallback", amd.as_str())];
    let (code, created) = create(&emulator, &application, "+15555550123", &more).await;
    assert_eq!((code, &created["status"], &created["date_created"]), (201, &json!("queued"), &Value::Null));
    application.wait_for("/dial", 1).await;
    application.wait_for("/conference", 4).await;
    application.wait_for("/amd", 1).await;

    let mut events = application.told("/conference", "StatusCallbackEvent");
    events.sort();
    assert_eq!(events, ["conference-start", "participant-join", "participant-join", "participant-leave"]);
    assert_eq!(application.told("/other", "CallSid"), Vec::<String>::new(), "the first participant's callback wins");
    assert_eq!(application.told("/dial", "DialCallStatus"), ["answered"]);
    assert_eq!(application.told("/amd", "AnsweredBy"), ["human"]);
    application.wait_for("/status", 4).await;
    let sequence = application.told("/status", "SequenceNumber");
    let statuses = application.told("/status", "CallStatus");
    let mut ordered: Vec<_> =
        sequence.iter().zip(&statuses).map(|(number, status)| format!("{number} {status}")).collect();
    ordered.sort();
    assert_eq!(ordered, ["0 initiated", "1 ringing", "2 in-progress", "3 completed"]);
    assert!(application.told.lock().unwrap().iter().all(|told| told.genuine), "every request is signed");
    emulator.stop().await;
}

#[tokio::test]
async fn a_line_that_is_not_answered_ends_as_it_should() {
    let (application, emulator) = start(&[("/answer", "<Response/>")]).await;
    for (reaction, status, sip) in
        [(Reaction::Busy, "busy", "486"), (Reaction::NoAnswer, "no-answer", "487"), (Reaction::Failed, "failed", "404")]
    {
        application.told.lock().unwrap().clear();
        emulator.force(Forced { reaction: Some(reaction), ..Forced::default() });
        create(&emulator, &application, "+15555550124", &[("Timeout", "15")]).await;
        let count = if reaction == Reaction::NoAnswer { 3 } else { 2 };
        application.wait_for("/status", count).await;
        assert!(application.told("/status", "CallStatus").contains(&status.to_owned()));
        assert!(application.told("/status", "SipResponseCode").contains(&sip.to_owned()));
        assert_eq!(application.told("/answer", "CallSid").len(), 0);
    }
    emulator.stop().await;
}

#[tokio::test]
async fn what_fails_falls_back_and_is_retried_as_the_address_asks() {
    let (application, emulator) = start(&[
        ("/answer", "<Response><Oops/></Response>"),
        ("/fallback", "<Response><Hangup/></Response>"),
        ("/status", "500"),
    ])
    .await;
    emulator.force(person(1_000));
    let fallback = format!("{}/fallback", application.address);
    create(&emulator, &application, "+15555550125", &[("FallbackUrl", &fallback)]).await;
    application.wait_for("/fallback", 1).await;
    assert_eq!(application.told("/fallback", "ErrorCode"), ["12200"]);
    // Four events, each tried three times because the address asks for two retries after 5xx.
    application.wait_for("/status", 12).await;
    emulator.stop().await;
}

#[tokio::test]
async fn a_call_in_the_wrong_state_is_neither_cancelled_nor_redirected() {
    let (application, emulator) = start(&[("/answer", "<Response><Pause length=\"600\"/></Response>")]).await;
    emulator.force(Forced { patience_ms: Some(600_000), ..person(1_000) });
    let (_, created) = create(&emulator, &application, "+15555550126", &[]).await;
    let path = format!("Calls/{}.json", created["sid"].as_str().unwrap());
    let redirect = [("Twiml", "<Response><Hangup/></Response>")];
    let (code, refused) = rest(&emulator, reqwest::Method::POST, &path, &redirect).await;
    assert_eq!((code, &refused["code"]), (400, &json!(21220)), "it still rings");
    application.wait_for("/answer", 1).await;
    let (code, refused) = rest(&emulator, reqwest::Method::POST, &path, &[("Status", "canceled")]).await;
    assert_eq!((code, &refused["code"]), (400, &json!(21220)), "it is answered");
    let (code, _) = rest(&emulator, reqwest::Method::POST, &path, &redirect).await;
    assert_eq!(code, 200);
    application.wait_for("/status", 4).await;
    let (_, fetched) = rest(&emulator, reqwest::Method::GET, &path, &[]).await;
    assert_eq!(fetched["status"], "completed");
    emulator.stop().await;
}

#[tokio::test]
async fn faults_double_and_drop_what_is_told() {
    let (application, emulator) = start(&[("/answer", "<Response/>")]).await;
    emulator.set_faults(Faults { duplicate: 1.0, ..Faults::default() });
    emulator.force(person(1_000));
    create(&emulator, &application, "+15555550127", &[]).await;
    application.wait_for("/status", 8).await;
    assert_eq!(application.told("/answer", "CallSid").len(), 2, "the document was asked for twice");

    emulator.set_faults(Faults { drop: 1.0, ..Faults::default() });
    application.told.lock().unwrap().clear();
    emulator.force(person(1_000));
    create(&emulator, &application, "+15555550128", &[]).await;
    application.wait_for("/answer", 1).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(application.told("/status", "CallSid").len(), 0);

    emulator.set_faults(Faults { too_many: 1.0, ..Faults::default() });
    let (code, refused) = create(&emulator, &application, "+15555550129", &[]).await;
    assert_eq!((code, &refused["code"]), (429, &json!(20429)));
    emulator.stop().await;
}

#[tokio::test]
async fn calls_beyond_the_rate_are_taken_and_queued() {
    let (application, fast) = start(&[("/answer", "<Response/>")]).await;
    fast.stop().await;
    let line = ["emulator", "--listen", "127.0.0.1:0", "--calls-per-second", "2"];
    let emulator = super::start(Config::parse_line(line).unwrap(), Clock::system(UTC)).await.unwrap();
    let mut waits = Vec::new();
    let began = Instant::now();
    for nth in 0..5 {
        let (_, created) = create(&emulator, &application, &format!("+1555555013{nth}"), &[]).await;
        waits.push(created["queue_time"].as_str().unwrap().parse::<u64>().unwrap());
    }
    assert_eq!(waits[0], 0);
    let fifth = began.elapsed() + Duration::from_millis(waits[4]);
    assert!(fifth > Duration::from_secs(1), "the fifth call at two a second is dialled that late: {waits:?}");
    emulator.stop().await;
}
