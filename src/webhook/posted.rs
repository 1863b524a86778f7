//! A request whose signature is good, and the ways in which one is refused.

use axum::{
    body::to_bytes,
    extract::{FromRequest, OriginalUri, Request},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use tracing::{error, warn};

use super::BODY_LIMIT;
use crate::{
    app::App,
    call::apply::{Heard, Source},
    carrier::{Params, Sid, signature, twiml},
    error::Error,
    http::problem::Problem,
    ids::{CallId, UserId},
};

/// A request that the carrier signed.
#[derive(Debug)]
pub(super) struct Posted {
    /// What our own address says.
    pub(super) query: Params,
    /// What the carrier says.
    pub(super) form: Params,
    /// When it came.
    pub(super) at: DateTime<Utc>,
    body: String,
}

/// The call that the address of a request names.
pub(super) struct Named<'a> {
    pub(super) call: CallId,
    pub(super) token: &'a str,
}

/// Why a request is not obeyed.
#[derive(Debug)]
pub(super) enum Refused {
    /// Not signed by the carrier, or not with the call's token. 403.
    Forbidden,
    /// Longer than [`BODY_LIMIT`]. 413.
    TooLarge,
    /// 422 for what can never be understood, else 503: the carrier asks again.
    Failed(Error),
}

impl FromRequest<App> for Posted {
    type Rejection = Refused;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refused> {
        let (parts, body) = request.into_parts();
        let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
        let path_and_query = uri.path_and_query().map_or("/", |raw| raw.as_str());
        let body = to_bytes(body, BODY_LIMIT).await.map_err(|_| Refused::TooLarge)?;
        if !is_signed(app, path_and_query, &parts.headers, &body) {
            warn!(path = uri.path(), "a webhook without a good signature");
            metrics::counter!("ledgerline_webhooks_total", "kind" => "any", "verdict" => "bad_signature").increment(1);
            return Err(Refused::Forbidden);
        }
        Ok(Self {
            query: Params::parse(uri.query().unwrap_or_default().as_bytes()),
            form: Params::parse(&body),
            at: app.clock.now(),
            body: String::from_utf8_lossy(&body).replace('\0', "\u{fffd}"),
        })
    }
}

fn is_signed(app: &App, path_and_query: &str, headers: &HeaderMap, body: &[u8]) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(given) = signature::HEADERS.into_iter().find_map(text) else { return false };
    let carrier = &app.config.carrier;
    let tokens = [&carrier.auth_token].into_iter().chain(&carrier.previous_auth_token);
    let content_type = text(CONTENT_TYPE.as_str());
    signature::verify(tokens, app.config.public_url.as_str(), path_and_query, content_type, body, given)
}

impl Posted {
    /// The call named by the address.
    pub(super) fn named(&self) -> Option<Named<'_>> {
        let call = self.query.text("call")?.parse().ok()?;
        Some(Named { call, token: self.query.text("t").unwrap_or_default() })
    }

    /// The agent named by the address.
    pub(super) fn agent(&self) -> Option<UserId> {
        self.query.text("agent")?.parse().ok()
    }

    /// As it is stored. `key` identifies it within its source.
    pub(super) fn heard(&self, source: Source, key: &str, line: Option<&Sid>) -> Heard {
        Heard {
            source,
            dedupe_key: format!("{}/{key}", source.as_str()),
            body: self.body.clone(),
            at: self.at,
            sid: line.map(|sid| sid.as_str().to_owned()),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Forbidden => StatusCode::FORBIDDEN.into_response(),
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
            Self::Failed(wrong @ Error::Invalid { .. }) => Problem::from(wrong).into_response(),
            Self::Failed(failed) => {
                error!(
                    error = &failed as &dyn std::error::Error,
                    "a webhook could not be stored; the carrier repeats it"
                );
                StatusCode::SERVICE_UNAVAILABLE.into_response()
            }
        }
    }
}

impl<E: Into<Error>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// An instruction for a line.
pub(super) struct Document(pub(super) twiml::Response);

impl IntoResponse for Document {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, twiml::MEDIA_TYPE)], self.0.to_xml()).into_response()
    }
}
