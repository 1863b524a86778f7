//! The samples of `webhooks/` against the service: what is answered where nothing is known of the call or the agent.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use ledgerline::{
    carrier::{
        Params,
        samples::{self, Sample, Samples},
        signature,
    },
    http,
};
use quick_xml::{Reader, events::Event};
use tower::ServiceExt;

use crate::harness::TestApp;

/// Posts a sample; gives the status and the body of the answer.
async fn post(router: &Router, sample: &Sample, signature: Option<String>) -> (u16, String) {
    let mut request =
        Request::post(&sample.path).header("content-type", "application/x-www-form-urlencoded; charset=UTF-8");
    if let Some(signature) = signature {
        request = request.header("x-twilio-signature", signature);
    }
    let request = request.body(Body::from(sample.body.clone())).expect("a request");
    let answer = router.clone().oneshot(request).await.expect("an answer");
    let status = answer.status().as_u16();
    let body = to_bytes(answer.into_body(), 1 << 20).await.expect("a short body");
    (status, String::from_utf8(body.into()).expect("text"))
}

fn signed(test: &TestApp, sample: &Sample) -> String {
    let base = test.app.config.public_url.as_str().trim_end_matches('/');
    let form = Params::parse(sample.body.as_bytes());
    signature::sign(&test.app.config.carrier.auth_token, &format!("{base}{}", sample.path), &form)
}

/// The verbs of a document, in order.
fn verbs(document: &str) -> Vec<String> {
    let mut reader = Reader::from_str(document);
    let mut verbs = Vec::new();
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(element) | Event::Empty(element) => verbs.push(element.name().0.to_owned()),
            Event::Eof => return verbs,
            _ => {}
        }
    }
}

async fn rows(test: &TestApp) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM call_event").fetch_one(&test.app.db).await.expect("a count")
}

#[tokio::test]
async fn every_sample_gets_what_the_contract_says() {
    let test = TestApp::start().await;
    let router = http::router(test.app.clone());
    for sample in Samples::load().expect("the samples").events {
        let (status, body) = post(&router, &sample, Some(signed(&test, &sample))).await;
        assert_eq!(status, sample.status, "{}: {body}", sample.name);
        let expected: Vec<_> = sample.twiml.iter().map(|name| verbs(&samples::document(name).expect(name))).collect();
        if expected.is_empty() {
            assert_eq!(body, "", "{}", sample.name);
        } else {
            assert!(expected.contains(&verbs(&body)), "{}: {body} is none of {expected:?}", sample.name);
        }
    }
    test.finish().await;
}

#[tokio::test]
async fn without_a_good_signature_nothing_is_stored() {
    let test = TestApp::start().await;
    let router = http::router(test.app.clone());
    for sample in Samples::load().expect("the samples").events {
        let good = signed(&test, &sample);
        let changed = Sample { body: format!("{}&Digits=1", sample.body), ..sample.clone() };
        let elsewhere = Sample {
            path: format!("{}{}x=1", sample.path, if sample.path.contains('?') { '&' } else { '?' }),
            ..sample.clone()
        };
        for (request, signature) in [
            (&sample, None),
            (&sample, Some(String::new())),
            (&changed, Some(good.clone())),
            (&elsewhere, Some(good.clone())),
        ] {
            assert_eq!(post(&router, request, signature).await.0, 403, "{}", sample.name);
        }
    }
    assert_eq!(rows(&test).await, 0);
    test.finish().await;
}

#[tokio::test]
async fn what_can_never_be_understood_names_the_field() {
    let test = TestApp::start().await;
    let router = http::router(test.app.clone());
    let samples = Samples::load().expect("the samples");
    let named = |name: &str| samples.events.iter().find(|sample| sample.name == name).expect(name).clone();
    for (name, field) in [
        ("status-ringing", "CallSid"),
        ("amd-human", "CallSid"),
        ("answer", "CallSid"),
        ("conference-start", "ConferenceSid"),
        ("recording-completed", "RecordingSid"),
    ] {
        let sample = Sample { body: "AccountSid=AC01".to_owned(), ..named(name) };
        let (status, body) = post(&router, &sample, Some(signed(&test, &sample))).await;
        assert_eq!(status, 422, "{name}: {body}");
        assert!(body.contains(field), "{name}: {body}");
    }
    let long = Sample { body: format!("CallSid={}", "1".repeat(70_000)), ..named("status-ringing") };
    assert_eq!(post(&router, &long, Some(signed(&test, &long))).await.0, 413);
    assert_eq!(rows(&test).await, 0);
    test.finish().await;
}
