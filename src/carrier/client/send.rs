//! One request, repeated where that is safe.

use std::time::{Duration, Instant};

use reqwest::{Method, Response, StatusCode, header};
use secrecy::ExposeSecret;
use serde_json::Value;
use url::Url;

use super::{Client, backoff};
use crate::carrier::{
    circuit::Trouble,
    error::{Error, Meaning},
    twilio::rest::{Form, error_code},
};

/// The longest answer that is read, in bytes; a page of 200 lines has about 300 kB.
const LONGEST_ANSWER: usize = 4 << 20;

/// A request.
pub(super) struct Ask {
    method: Method,
    url: Url,
    form: Form,
}

/// What one sending of a request came to.
struct Attempt {
    result: Result<Value, Error>,
    /// What `Retry-After` says.
    asked_to_wait: Option<Duration>,
}

impl Ask {
    pub(super) fn get(url: Url) -> Self {
        Self { method: Method::GET, url, form: Form::new() }
    }

    pub(super) fn post(url: Url, form: Form) -> Self {
        Self { method: Method::POST, url, form }
    }

    pub(super) fn delete(url: Url) -> Self {
        Self { method: Method::DELETE, url, form: Form::new() }
    }

    /// Whether sending it again cannot do anything twice.
    fn may_repeat_after(&self, error: &Error) -> bool {
        match error {
            Error::Unreachable(_) => true,
            // Refused at the door; other kinds of busy (too many lines at once) do not pass within seconds.
            Error::Busy { code } => matches!(code, 429 | 20_429),
            Error::Unclear(_) => self.method == Method::GET,
            Error::Refused(_) | Error::NotFound | Error::Rejected { .. } => false,
        }
    }
}

impl Client {
    /// Sends a request, unless the circuit is open, and opens the circuit where the carrier does not know us.
    pub(super) async fn ask(&self, ask: Ask) -> Result<Value, Error> {
        if let Some(trouble) = self.check().await {
            return Err(Error::Refused(trouble));
        }
        let mut repeats = 0;
        loop {
            let attempt = self.send_once(&ask).await;
            let error = match attempt.result {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let jitter = rand::random_range(-1.0..=1.0);
            match backoff::wait(repeats, jitter, attempt.asked_to_wait).filter(|_| ask.may_repeat_after(&error)) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(error),
            }
            repeats += 1;
        }
    }

    /// Sends a request once, whatever the state of the circuit.
    pub(super) async fn ask_once(&self, ask: &Ask) -> Result<Value, Error> {
        self.send_once(ask).await.result
    }

    async fn send_once(&self, ask: &Ask) -> Attempt {
        let begun = Instant::now();
        let mut request = self
            .0
            .http
            .request(ask.method.clone(), ask.url.clone())
            .basic_auth(&self.0.user, Some(self.0.password.expose_secret()));
        if ask.method == Method::POST {
            request = request.form(&ask.form);
        }
        let attempt = match request.send().await {
            Ok(response) => self.read(response).await,
            Err(error) if error.is_connect() => Attempt::failed(Error::Unreachable(error.without_url())),
            Err(error) => Attempt::failed(Error::Unclear(error.without_url().to_string())),
        };
        let result = if attempt.result.is_ok() { "ok" } else { "error" };
        metrics::histogram!("ledgerline_carrier_request_seconds", "method" => ask.method.to_string(), "result" => result)
            .record(begun.elapsed().as_secs_f64());
        attempt
    }

    async fn read(&self, response: Response) -> Attempt {
        let status = response.status();
        let asked_to_wait = retry_after(&response);
        let body = match read_body(response).await {
            Ok(body) => body,
            Err(error) => return Attempt::failed(error),
        };
        // Gateways answer with HTML or nothing.
        let json: Value = serde_json::from_slice(&body).unwrap_or_default();
        let result = if status.is_success() { Ok(json) } else { Err(self.refusal(status, &json)) };
        Attempt { result, asked_to_wait }
    }

    fn refusal(&self, status: StatusCode, json: &Value) -> Error {
        let code = error_code(json, status.as_u16());
        if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
            return Error::Unclear(format!("HTTP {status}, code {code}"));
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Error::Busy { code };
        }
        match Meaning::of(code) {
            Meaning::Unauthorized => self.not_known(code),
            _ if status == StatusCode::UNAUTHORIZED => self.not_known(code),
            Meaning::Busy => Error::Busy { code },
            Meaning::NotFound => Error::NotFound,
            _ => Error::Rejected { code },
        }
    }

    fn not_known(&self, code: u32) -> Error {
        tracing::error!(code, "the carrier does not accept our credentials: no calls until they are put right");
        self.0.circuit.open(Trouble::Unauthorized, Instant::now());
        Error::Refused(Trouble::Unauthorized)
    }
}

impl Attempt {
    fn failed(error: Error) -> Self {
        Self { result: Err(error), asked_to_wait: None }
    }
}

async fn read_body(mut response: Response) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > LONGEST_ANSWER => {
                return Err(Error::Unclear(format!("more than {LONGEST_ANSWER} bytes")));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(error) => return Err(Error::Unclear(error.without_url().to_string())),
        }
    }
}

/// `Retry-After` in seconds; the form with a date is not used by carriers.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}
