//! The carrier's official Python library as the judge of signatures and access tokens.
//!
//! Runs where `twilio` can be imported by `python3`, or by the interpreter that `LEDGERLINE_PYTHON` names
//! (`python3 -m venv v && v/bin/pip install twilio`); elsewhere it says that it skipped.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use chrono::DateTime;
use ledgerline::{
    carrier::{
        Params,
        signature::{sign, verify},
        token,
    },
    ids::UserId,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use secrecy::SecretString;
use serde_json::{Value, json};
use url::form_urlencoded;

const SCRIPT: &str = include_str!("official_client.py");
const FORM: Option<&str> = Some("application/x-www-form-urlencoded");

/// What the library says to each case; `None` where there is no library.
fn judge(cases: &[Value]) -> Option<Vec<Value>> {
    let python = std::env::var("LEDGERLINE_PYTHON").unwrap_or_else(|_| "python3".into());
    let found = Command::new(&python).args(["-c", "import twilio"]).stderr(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) {
        println!("skipped: {python} cannot import twilio; name one that can in LEDGERLINE_PYTHON");
        return None;
    }
    let mut child = Command::new(python)
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it ran a moment ago");
    let lines = cases.iter().map(Value::to_string).collect::<Vec<_>>().join("\n") + "\n";
    let mut input = child.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()).expect("it reads"));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("all was written");
    assert!(output.status.success());
    let answers = String::from_utf8(output.stdout).expect("text");
    let answers: Vec<_> = answers.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(answers.len(), cases.len());
    Some(answers)
}

/// A request that a carrier might send.
struct Case {
    base: String,
    path: String,
    form: Vec<(String, String)>,
}

fn pick<'a>(random: &mut StdRng, from: &[&'a str]) -> &'a str {
    from[random.random_range(0..from.len())]
}

fn text(random: &mut StdRng) -> String {
    let letters =
        ["a", "Z", "0", " ", "+", "&", "=", "%", "%41", "ñ", "é", "日", "📞", "'", "\"", "\r\n", "<", ".", "_"];
    let length = random.random_range(0..8);
    (0..length).map(|_| pick(random, &letters)).collect()
}

fn case(random: &mut StdRng) -> Case {
    let scheme = pick(random, &["http", "https"]);
    let host = pick(random, &["x.example", "Calls.Example", "10.0.0.1"]);
    let port = pick(random, &["", "", ":80", ":443", ":8080"]);
    let path = pick(random, &["/", "/webhooks/twilio/status", "//a/b/", "/a%20b", "/a;b"]);
    let query = pick(random, &["", "?call=1&t=a%2Bb", "?a=hello%20world", "?a=b+c&a=", "?x=%c3%b1"]);
    let names = ["CallSid", "callSid", "Reason", "ReasonConferenceEnded", "Digits", "X.Y", "ñ"];
    let pairs = random.random_range(0..10);
    let form = (0..pairs).map(|_| (pick(random, &names).to_owned(), text(random))).collect();
    Case { base: format!("{scheme}://{host}{port}"), path: format!("{path}{query}"), form }
}

fn encoded(form: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}

#[test]
fn signs_and_accepts_as_the_official_library_does() {
    let mut random = StdRng::seed_from_u64(7);
    let token = SecretString::from("5f4dcc3b5aa765d61d8327deb882cf99");
    let cases: Vec<Case> = (0..500).map(|_| case(&mut random)).collect();
    let ours: Vec<String> = cases
        .iter()
        .map(|case| {
            let form = Params::parse(encoded(&case.form).as_bytes());
            sign(&token, &format!("{}{}", case.base, case.path), &form)
        })
        .collect();
    let asked: Vec<Value> = cases
        .iter()
        .zip(&ours)
        .map(|(case, signature)| {
            let url = format!("{}{}", case.base, case.path);
            json!({"judge": "request", "token": "5f4dcc3b5aa765d61d8327deb882cf99", "url": url, "form": case.form,
                   "signature": signature})
        })
        .collect();
    let Some(answers) = judge(&asked) else { return };

    for ((case, ours), answer) in cases.iter().zip(&ours).zip(&answers) {
        let what = format!("{}{} {:?}", case.base, case.path, case.form);
        assert_eq!(answer["accepted"], true, "{what}");
        assert_eq!(answer["signature"], json!(ours), "{what}");
        let body = encoded(&case.form);
        let check = |body: &str| verify([&token], &case.base, &case.path, FORM, body.as_bytes(), ours);
        assert!(check(&body), "{what}");
        assert!(!check(&format!("{body}&More=1")), "{what}");
    }
}

#[test]
fn accepts_json_bodies_as_the_official_library_does() {
    let token = SecretString::from("tok-1");
    let body = r#"{"property":"välue","list":[1,2]}"#;
    // printf '%s' BODY | sha256sum
    let right = "2e066efb9663b7c529f1c1b53dc88242ddca95b6262b5f835fc39c3f35c0ea66";
    let cases: Vec<(String, bool)> = [(right, true), (&right[..63], false), ("00", false)]
        .map(|(hash, valid)| (format!("/status?a=1&bodySHA256={hash}"), valid))
        .into();
    let sign = |path: &str| sign(&token, &format!("https://x.example{path}"), &Params::parse(b""));
    let asked: Vec<Value> = cases
        .iter()
        .map(|(path, _)| {
            json!({"judge": "json", "token": "tok-1", "url": format!("https://x.example{path}"), "body": body,
                   "signature": sign(path)})
        })
        .collect();
    for (path, valid) in &cases {
        let ours = verify([&token], "https://x.example", path, Some("application/json"), body.as_bytes(), &sign(path));
        assert_eq!(ours, *valid, "{path}");
    }
    let Some(answers) = judge(&asked) else { return };
    for ((path, valid), answer) in cases.iter().zip(&answers) {
        assert_eq!(answer["accepted"], *valid, "{path}");
    }
}

#[test]
fn access_tokens_are_what_the_official_library_makes() {
    let mut config = super::scripted::config("https://x.example");
    let secret = "a-secret-of-thirty-two-characters";
    config.api_key = Some("SK01".into());
    config.api_secret = Some(SecretString::from(secret));
    config.twiml_app_sid = Some("AP01".into());
    let agent = UserId::generate();
    let now = DateTime::from_timestamp(1_795_000_000, 0).expect("a moment");
    let jwt = token::access_token(&config, agent, now).expect("a token");
    let Some(answers) = judge(&[json!({"judge": "token", "jwt": jwt, "secret": secret})]) else { return };

    let payload = &answers[0]["payload"];
    assert_eq!(answers[0]["headers"], answers[0]["own_headers"]);
    assert_eq!((payload["iss"].as_str(), payload["sub"].as_str()), (Some("SK01"), Some("AC01")));
    assert_eq!((payload["nbf"].as_i64(), payload["exp"].as_i64()), (Some(1_795_000_000), Some(1_795_003_600)));
    assert_eq!(payload["grants"]["identity"], token::identity(agent));
    assert_eq!(payload["grants"]["voice"]["outgoing"]["application_sid"], "AP01");
}

#[test]
fn without_an_api_key_there_is_no_token() {
    let config = super::scripted::config("https://x.example");
    let now = DateTime::from_timestamp(1_795_000_000, 0).expect("a moment");
    assert!(token::access_token(&config, UserId::generate(), now).is_err());
}
