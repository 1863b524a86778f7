use serde_json::Value;
use url::form_urlencoded;

use super::*;
use crate::test_data;

const FORM: Option<&str> = Some("application/x-www-form-urlencoded; charset=UTF-8");
const JSON: Option<&str> = Some("application/json");
const BASE: &str = "https://calls.ledgerline.example";
const PATH: &str = "/webhooks/twilio/status?call=0190&t=abc%2Bd";

fn accepts(path: &str, content_type: Option<&str>, body: &str, header: &str) -> bool {
    verify(&[SecretString::from("tok-1")], BASE, path, content_type, body.as_bytes(), header)
}

// The signatures below were computed from the published rule with Python's hmac, not with this module.

#[test]
fn a_form_is_signed_by_its_decoded_names_and_values() {
    let body = "To=%2B12125550142&CallStatus=ringing&CallSid=CA01&AccountSid=AC01&Digits=";
    assert!(accepts(PATH, FORM, body, "T+LgmerZ+e6Iqm+AkDADJyySwdM="));
    assert!(accepts(PATH, FORM, "Body=+%C3%B1%20%26+%C3%A9", "W0/DGEWKaZNsKn9zGqIND1bo2vQ="));
}

#[test]
fn values_of_one_name_are_unique_and_sorted() {
    assert!(accepts(PATH, FORM, "Digits=5&Digits=12&Digits=5", "xpJo9I7mGM/mVx3MGDUdngtI4h4="));
}

#[test]
fn names_are_sorted_without_their_values() {
    let body = "ReasonConferenceEnded=a&Reason=z";
    assert!(accepts(PATH, FORM, body, "f9xYwwrwf+swFmwZHZfGbRgH85I="));
    assert!(!accepts(PATH, FORM, body, "7C4+Jvr4LsbEwqKNuHKuvMxRl9Q="), "sorted as name and value in one");
}

#[test]
fn a_get_is_signed_by_its_address() {
    assert!(accepts(PATH, None, "", "FUYLyw9w7ZDUyluDEUnl9TMmL/0="));
    let decoded = PATH.replace("%2B", "+");
    assert!(!accepts(&decoded, None, "", "FUYLyw9w7ZDUyluDEUnl9TMmL/0="), "another spelling of the query");
}

#[test]
fn a_json_body_is_signed_by_its_hash_in_the_address() {
    let path = format!("{PATH}&bodySHA256=015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862");
    assert!(accepts(&path, JSON, r#"{"a":1}"#, "F9IEIuGEpnDn4sen8qTdfEJ0ySY="));
    assert!(!accepts(&path, JSON, r#"{"a":2}"#, "F9IEIuGEpnDn4sen8qTdfEJ0ySY="));
    assert!(!accepts(PATH, JSON, r#"{"a":1}"#, "FUYLyw9w7ZDUyluDEUnl9TMmL/0="), "a body that nothing covers");
}

#[test]
fn the_port_may_have_been_added_before_signing() {
    assert!(accepts(PATH, FORM, "CallSid=CA01", "hry4LyDULZSwvZrkMsPM1VRGFzE="));
}

#[test]
fn the_previous_token_is_accepted_when_it_is_given() {
    let tokens = [SecretString::from("tok-1"), SecretString::from("tok-0")];
    let check = |tokens: &[SecretString], header| verify(tokens, BASE, PATH, FORM, b"CallSid=CA01", header);
    assert!(check(&tokens, "0vDkAxI1nrf95ZVhxRD1+phvnc0="));
    assert!(check(&tokens, "uWWEPHQkZq2FJkCbr4V8xdyRkd4="));
    assert!(!check(&tokens[..1], "uWWEPHQkZq2FJkCbr4V8xdyRkd4="));
    assert!(!check(&[], "0vDkAxI1nrf95ZVhxRD1+phvnc0="));
}

#[test]
fn an_empty_token_signs_nothing() {
    let empty = SecretString::from("");
    let header = sign(&empty, &format!("{BASE}{PATH}"), &Params::parse(b""));
    assert!(!verify([&empty], BASE, PATH, None, b"", &header));
}

#[test]
fn what_is_no_signature_is_refused() {
    for header in ["", "=", "ä", "0vDkAxI1nrf95ZVhxRD1+phvnc0", "0vDkAxI1nrf95ZVhxRD1+phvnc0=\n", "0vDkAxI1nrc="] {
        assert!(!accepts(PATH, FORM, "CallSid=CA01", header), "{header:?}");
    }
}

#[test]
fn the_public_address_may_end_with_a_slash() {
    let tokens = [SecretString::from("tok-1")];
    let base = format!("{BASE}/");
    assert!(verify(&tokens, &base, PATH, FORM, b"CallSid=CA01", "0vDkAxI1nrf95ZVhxRD1+phvnc0="));
}

#[test]
fn splits_addresses_that_have_colons_elsewhere() {
    let ports = |url| Address::split(url).map(Address::port_variants);
    assert_eq!(ports("http://[::1]:8080/a:b"), Some(["http://[::1]/a:b".into(), "http://[::1]:8080/a:b".into()]));
    assert_eq!(ports("http://[::1]/x"), Some(["http://[::1]/x".into(), "http://[::1]:80/x".into()]));
    assert_eq!(ports("https://u:1@h"), Some(["https://u:1@h".into(), "https://u:1@h:443".into()]));
    assert_eq!(ports("no address"), None);
}

/// One vector of the shared file.
struct Vector {
    name: String,
    class: String,
    valid: bool,
    accepted: bool,
}

fn vectors() -> Option<Vec<Vector>> {
    let text = std::fs::read(test_data::path("twilio-signature-vectors.json")?).expect("the file can be read");
    let vectors: Vec<Value> = serde_json::from_slice(&text).expect("the file is JSON");
    Some(vectors.iter().map(run).collect())
}

fn run(vector: &Value) -> Vector {
    let text = |key: &str| vector[key].as_str().unwrap_or_default();
    let mut form = form_urlencoded::Serializer::new(String::new());
    for pair in vector["params"].as_array().into_iter().flatten() {
        form.append_pair(pair[0].as_str().unwrap_or_default(), pair[1].as_str().unwrap_or_default());
    }
    let form = form.finish();
    let (content_type, body) = match vector["body"].as_str() {
        Some(body) => (JSON, body),
        None => (FORM, form.as_str()),
    };
    let tokens = [SecretString::from(text("auth_token"))];
    let accepted = verify(&tokens, text("url"), "", content_type, body.as_bytes(), text("signature"));
    Vector {
        name: text("name").to_owned(),
        class: text("class").to_owned(),
        valid: vector["expect_valid"] == true,
        accepted,
    }
}

#[test]
fn the_41_core_vectors_of_the_shared_file() {
    let Some(vectors) = vectors() else { return };
    let core: Vec<_> = vectors.iter().filter(|vector| vector.class == "core").collect();
    assert_eq!(core.len(), 41);
    for vector in core {
        assert_eq!(vector.accepted, vector.valid, "{}", vector.name);
    }
}

/// The official libraries disagree on these; `docs/CARRIERS.md` gives the reasons for each answer.
#[test]
fn the_policy_for_the_edge_vectors_of_the_shared_file() {
    let Some(vectors) = vectors() else { return };
    let accepted: Vec<_> = vectors
        .iter()
        .filter(|vector| vector.class == "edge")
        .map(|vector| (vector.name.as_str(), vector.accepted))
        .collect();
    let policy = [
        ("legacy_querystring_special_chars", true),
        ("json_body_but_no_bodySHA256", false),
        ("csharp_mixed_case_host_lower_sig", false),
        ("csharp_creds_uppercase_scheme", true),
    ];
    assert_eq!(accepted, policy);
}

/// The same policy on addresses of our own, signed by hand with [`mac`].
#[test]
fn the_policy_for_addresses_on_which_libraries_disagree() {
    let token = SecretString::from("tok-1");
    let signed = |url: &str| sign(&token, url, &Params::parse(b""));
    let check = |base: &str, path: &str, url: &str| verify([&token], base, path, None, b"", &signed(url));

    assert!(check(BASE, "/a?b=it's", "https://calls.ledgerline.example/a?b=it%27s"), "' written as %27");
    assert!(check("HTTPS://u:p@Host.example", "/a", "HTTPS://u:p@Host.example/a"), "as configured, whatever its case");
    assert!(check("https://u:p@host.example", "/a", "https://host.example/a"), "credentials dropped");
    assert!(!check("https://Host.example", "/a", "https://host.example/a"), "another case of the host");
}
