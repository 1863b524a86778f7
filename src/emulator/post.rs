//! Requests to the application: signed, retried as its addresses ask, and remembered.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use reqwest::header::{self, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use uuid::Uuid;

use super::{
    overrides::{self, Tried},
    params::Params,
    signature,
    twiml::{self, Element, Fault},
};
use crate::clock::Clock;

/// Requests kept for inspection.
const KEPT: usize = 10_000;
/// The largest document the carrier reads, bytes.
const DOCUMENT_LIMIT: usize = 64 * 1024;

/// An address of the application and the method it wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// As it was given, with its fragment.
    pub(super) url: String,
    /// GET instead of POST.
    pub(super) get: bool,
}

/// A request that was made.
#[derive(Clone, Debug, Serialize)]
pub struct Posted {
    /// When, by the emulator's clock.
    pub at: DateTime<Utc>,
    /// `voice`, `status`, `amd`, `conference` or `recording`.
    pub kind: &'static str,
    /// The address without its fragment.
    pub url: String,
    /// What was sent.
    pub params: Vec<(String, String)>,
    /// What came back; `None`: nothing.
    pub status: Option<u16>,
    /// How often it was tried.
    pub tries: u8,
    /// The same for all tries of one request.
    pub idempotency_token: Uuid,
    /// Until the answer, milliseconds.
    pub took_ms: u64,
}

/// An answer of the application.
struct Answer {
    tried: Tried,
    content_type: String,
    body: String,
}

/// Makes the requests.
pub(super) struct Poster {
    http: reqwest::Client,
    auth_token: SecretString,
    clock: Clock,
    history: Mutex<VecDeque<Posted>>,
}

impl Poster {
    /// A poster that signs with `auth_token`.
    pub(super) fn new(auth_token: SecretString, clock: Clock) -> anyhow::Result<Self> {
        // An error says that a provider was chosen already, which will do as well.
        rustls::crypto::ring::default_provider().install_default().ok();
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=259200"));
        let http = reqwest::Client::builder().user_agent("TwilioProxy/1.1").default_headers(headers).build()?;
        Ok(Self { http, auth_token, clock, history: Mutex::default() })
    }

    /// Posts an event; whatever comes back is of no interest.
    pub(super) async fn tell(&self, kind: &'static str, target: &Target, params: &Params) {
        self.request(kind, target, params, Uuid::now_v7()).await;
    }

    /// Posts the same event twice, as after an answer that got lost.
    pub(super) async fn tell_twice(&self, kind: &'static str, target: &Target, params: &Params) {
        let token = Uuid::now_v7();
        self.request(kind, target, params, token).await;
        self.request(kind, target, params, token).await;
    }

    /// Fetches a document and reads it.
    pub(super) async fn fetch(&self, target: &Target, params: &Params) -> Result<Vec<Element>, Fault> {
        let answer = self.request("voice", target, params, Uuid::now_v7()).await;
        match answer.tried {
            Tried::NoConnection => return Err(Fault(11205)),
            Tried::TimedOut => return Err(Fault(11203)),
            Tried::Answered(status) if !(200..300).contains(&status) => return Err(Fault(11200)),
            Tried::Answered(_) => {}
        }
        let kind = answer.content_type.split(';').next().unwrap_or("").trim();
        if answer.body.len() > DOCUMENT_LIMIT {
            Err(Fault(11750))
        } else if !answer.body.trim().is_empty() && !["text/xml", "application/xml", "text/html"].contains(&kind) {
            Err(Fault(12300))
        } else {
            twiml::parse(&answer.body)
        }
    }

    /// The requests that are kept, oldest first.
    pub(super) fn history(&self) -> Vec<Posted> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    async fn request(&self, kind: &'static str, target: &Target, params: &Params, token: Uuid) -> Answer {
        let (url, overrides) = overrides::split(&target.url);
        let (at, began) = (self.clock.now(), Instant::now());
        let mut tries = 0;
        let answer = loop {
            tries += 1;
            let answer = self.try_once(url, target.get, params, token, overrides.patience).await;
            if tries > overrides.retries || !overrides.retry_after(answer.tried) {
                break answer;
            }
            tokio::time::sleep(Duration::from_millis(50 << tries)).await;
        };
        let status = match answer.tried {
            Tried::Answered(status) => Some(status),
            Tried::NoConnection | Tried::TimedOut => None,
        };
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let params = params.pairs().to_vec();
        self.remember(Posted {
            at,
            kind,
            url: url.to_owned(),
            params,
            status,
            tries,
            idempotency_token: token,
            took_ms,
        });
        answer
    }

    async fn try_once(&self, url: &str, get: bool, params: &Params, token: Uuid, patience: Duration) -> Answer {
        let secret = self.auth_token.expose_secret();
        let request = if get {
            let joint = if url.contains('?') { '&' } else { '?' };
            let url = format!("{url}{joint}{}", params.encoded());
            self.http.get(&url).header("X-Twilio-Signature", signature::sign(secret, &url, &[]))
        } else {
            self.http
                .post(url)
                .header("X-Twilio-Signature", signature::sign(secret, url, params.pairs()))
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=UTF-8")
                .body(params.encoded())
        };
        match request.header("I-Twilio-Idempotency-Token", token.to_string()).timeout(patience).send().await {
            Ok(response) => Answer::read(response).await,
            Err(error) if error.is_timeout() => Answer::none(Tried::TimedOut),
            Err(_) => Answer::none(Tried::NoConnection),
        }
    }

    fn remember(&self, posted: Posted) {
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        if history.len() == KEPT {
            history.pop_front();
        }
        history.push_back(posted);
    }
}

impl Answer {
    fn none(tried: Tried) -> Self {
        Self { tried, content_type: String::new(), body: String::new() }
    }

    async fn read(response: reqwest::Response) -> Self {
        let tried = Tried::Answered(response.status().as_u16());
        let content_type = response.headers().get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
        match response.text().await {
            Ok(body) => Self { tried, content_type, body },
            Err(error) if error.is_timeout() => Self::none(Tried::TimedOut),
            Err(_) => Self::none(Tried::NoConnection),
        }
    }
}
