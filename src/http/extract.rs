//! What a handler takes from a request; every refusal is a [`Problem`] that names the field.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// A JSON body.
pub struct Body<T>(pub T);

/// A query string.
pub struct Query<T>(pub T);

/// The id in the path, named `id`.
pub struct Id<T>(pub T);

/// The `Idempotency-Key` header: 1 to 128 visible ASCII characters.
pub struct IdempotencyKey(pub String);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            let detail = "send the body with Content-Type: application/json";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail).at("content-type"));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            Problem::new(rejection.status(), "the body could not be read to its end").at("body")
        })?;
        // serde takes an empty array for an object all of whose fields may be left out.
        if bytes.trim_ascii_start().starts_with(b"[") && is_readable(&bytes) {
            return Err(Problem::invalid("body", "expected an object"));
        }
        let mut json = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut json).map_err(|error| wrong_json(&bytes, &error))?;
        json.end().map_err(|error| malformed(&error))?;
        Ok(Self(value))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = serde_urlencoded::Deserializer::new(url::form_urlencoded::parse(query.as_bytes()));
        serde_path_to_error::deserialize(pairs)
            .map(Self)
            .map_err(|error| wrong_field(&error.path().to_string(), "query", &error.inner().to_string()))
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Path::from_request_parts(parts, state)
            .await
            .map(|Path(id)| Self(id))
            .map_err(|_| Problem::invalid("id", "expected a UUID, such as 01931b7e-0000-7000-8000-000000000000"))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let wrong = |detail| Problem::invalid("idempotency-key", detail);
        let value = parts.headers.get("idempotency-key").ok_or_else(|| wrong("this header is required"))?;
        let key = value.to_str().map_err(|_| wrong("expected visible ASCII characters"))?;
        if (1..=128).contains(&key.len()) {
            Ok(Self(key.to_owned()))
        } else {
            Err(wrong("expected 1 to 128 characters"))
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.split(';').next().is_some_and(|mime| mime.trim().eq_ignore_ascii_case("application/json"))
}

fn wrong_json(body: &[u8], error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    // An array where a name is expected counts as a syntax error for serde_json; a body that can be read is not one.
    if error.inner().is_data() || is_readable(body) {
        wrong_field(&error.path().to_string(), "body", &error.inner().to_string())
    } else {
        malformed(error.inner())
    }
}

fn is_readable(body: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}

fn malformed(error: &serde_json::Error) -> Problem {
    let detail = format!("not JSON at line {}, column {}", error.line(), error.column());
    Problem::new(StatusCode::BAD_REQUEST, detail).at("body")
}

/// Turns serde's message into one that names the field and what was expected, and never repeats the value: that may be
/// personal data.
fn wrong_field(path: &str, whole: &str, message: &str) -> Problem {
    let message = message.split(" at line ").next().unwrap_or(message);
    let quoted = || message.split('`').nth(1).unwrap_or_default();
    let parent = if path == "." || path == "?" { "" } else { path };
    let under = |name: &str| if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") };
    let here = || if parent.is_empty() { whole.to_owned() } else { parent.to_owned() };
    if message.starts_with("missing field") {
        return Problem::invalid(under(quoted()), "is required");
    }
    if message.starts_with("unknown field") {
        let name = quoted();
        let field = if parent == name || parent.ends_with(&format!(".{name}")) { here() } else { under(name) };
        let known = message.split_once(", ").map_or("there are no fields here", |(_, known)| known);
        return Problem::invalid(field, format!("unknown field; {known}"));
    }
    if message.starts_with("duplicate field") {
        return Problem::invalid(under(quoted()), "is given twice");
    }
    match message.rsplit_once("expected ") {
        Some((_, "value")) => Problem::invalid(here(), "expected another type of value"),
        Some((_, expected)) => Problem::invalid(here(), format!("expected {}", in_words(expected))),
        None => Problem::invalid(here(), message),
    }
}

fn in_words(expected: &str) -> &str {
    match expected {
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" | "usize" => "a whole number, 0 or more",
        other if other.starts_with("struct ") => "an object",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::disposition::Wrap;

    fn refusal(body: &str) -> (u16, String, String) {
        let mut json = serde_json::Deserializer::from_str(body);
        let error = serde_path_to_error::deserialize::<_, Wrap>(&mut json).expect_err("the body is wrong");
        let problem = wrong_json(body.as_bytes(), &error);
        (problem.status, problem.field.unwrap_or_default(), problem.detail)
    }

    #[test]
    fn a_wrong_body_is_told_by_its_field_and_without_its_value() {
        let cases = [
            ("{", 400, "body"),
            ("[]", 422, "body"),
            ("{}", 422, "code"),
            (
                r#"{"code":"ptp","promise":{"amount_minor":"secret","due_on":"2026-01-01"}}"#,
                422,
                "promise.amount_minor",
            ),
            (r#"{"code":"ptp","promise":{"due_on":"2026-01-01"}}"#, 422, "promise.amount_minor"),
            (r#"{"code":"ptp","promise":{"amount_minor":1,"due_on":"secret"}}"#, 422, "promise.due_on"),
            (r#"{"code":"ptp","colour":"secret"}"#, 422, "colour"),
            (r#"{"code":"ptp","items":["secret"]}"#, 422, "items[0]"),
        ];
        for (body, status, field) in cases {
            let (got_status, got_field, detail) = refusal(body);
            assert_eq!((got_status, got_field.as_str()), (status, field), "{body}: {detail}");
            assert!(!detail.contains("secret"), "{body}: {detail}");
        }
    }

    #[test]
    fn a_wrong_query_is_told_by_its_field() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Paging {
            #[expect(dead_code, reason = "only read by serde")]
            limit: Option<u32>,
        }
        for (query, field) in [("limit=many", "limit"), ("colour=red", "colour")] {
            let pairs = serde_urlencoded::Deserializer::new(url::form_urlencoded::parse(query.as_bytes()));
            let error = serde_path_to_error::deserialize::<_, Paging>(pairs).expect_err("the query is wrong");
            let problem = wrong_field(&error.path().to_string(), "query", &error.inner().to_string());
            assert_eq!(problem.field.as_deref(), Some(field), "{}", problem.detail);
        }
    }
}
