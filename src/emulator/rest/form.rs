//! Forms and queries as the carrier reads them: names are case-sensitive and may be repeated.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::Method,
    response::{IntoResponse, Response},
};

use super::Refused;
use crate::emulator::{leg::Callback, post::Target};

/// Names and values of a form (POST) or of the query (any other method).
#[derive(Clone, Debug, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let pairs = |raw: &[u8]| url::form_urlencoded::parse(raw).into_owned().collect();
        if request.method() == Method::POST {
            let body = Bytes::from_request(request, state).await.map_err(IntoResponse::into_response)?;
            Ok(Self(pairs(&body)))
        } else {
            Ok(Self(pairs(request.uri().query().unwrap_or("").as_bytes())))
        }
    }
}

impl Form {
    /// All pairs.
    pub(super) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// The first value of a name, unless it is empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// All values of a name.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }

    /// A boolean.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.get(name).map(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A number within a range, refused with `code` otherwise.
    pub(super) fn number(
        &self,
        name: &str,
        range: std::ops::RangeInclusive<u64>,
        code: u32,
    ) -> Result<Option<u64>, Refused> {
        let Some(text) = self.get(name) else { return Ok(None) };
        match text.parse() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            _ => Err(Refused::bad(code, format!("{name} is not valid"))),
        }
    }

    /// An address with the method given beside it.
    pub(super) fn target(&self, name: &str, method: &str) -> Result<Option<Target>, Refused> {
        let Some(url) = self.get(name) else { return Ok(None) };
        let parsed = url::Url::parse(url).ok().filter(|parsed| matches!(parsed.scheme(), "http" | "https"));
        // The carrier takes no underscore in the host of a callback.
        if parsed.and_then(|parsed| parsed.host_str().map(|host| host.contains('_'))) != Some(false) {
            return Err(Refused::bad(21205, format!("{name} is not a valid URL")));
        }
        let get = match self.get(method).unwrap_or("POST") {
            "GET" => true,
            "POST" => false,
            _ => return Err(Refused::bad(21209, format!("{method} is not valid"))),
        };
        Ok(Some(Target { url: url.to_owned(), get }))
    }

    /// A callback with the names of its events. Names that are unknown, also because several were written into one
    /// field, subscribe to nothing; the carrier only warns of that in its debugger.
    pub(super) fn callback(&self, prefix: &str, known: &[&str], default: &[&str]) -> Result<Option<Callback>, Refused> {
        let Some(target) = self.target(prefix, &format!("{prefix}Method"))? else { return Ok(None) };
        let asked = self.all(&format!("{prefix}Event"));
        let events = if asked.is_empty() {
            default.iter().map(|event| (*event).to_owned()).collect()
        } else {
            asked.into_iter().filter(|event| known.contains(&event.as_str())).collect()
        };
        Ok(Some(Callback { target, events }))
    }
}
