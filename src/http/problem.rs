//! Errors as the client sees them: `application/problem+json` (RFC 9457).

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use crate::{compliance::Refusal, error::Error};

/// Result of a handler.
pub type Result<T, E = Problem> = std::result::Result<T, E>;

/// Why a request was not carried out. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// Kind of problem; the page behind this address explains it.
    #[serde(rename = "type")]
    #[schema(example = "/api#invalid")]
    pub kind: &'static str,
    /// The kind in words.
    #[schema(example = "The request is wrong")]
    pub title: &'static str,
    /// The HTTP status.
    #[schema(example = 422)]
    pub status: u16,
    /// What is wrong in this request.
    pub detail: String,
    /// The wrong field, e.g. `promise.amount_minor`; `body` for the body as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The rule that forbids a call, where it comes from, and when the call will be allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Box<Refusal>>,
    /// The id of the request, as in the `x-request-id` header and in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// What every route may answer besides its result.
#[derive(IntoResponses)]
pub enum Problems {
    /// The body is no JSON at all.
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(#[to_schema] Problem),
    /// Nobody is logged in.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(#[to_schema] Problem),
    /// The role does not allow it, or the request comes from another site.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(#[to_schema] Problem),
    /// There is no such thing.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(#[to_schema] Problem),
    /// It does not fit the present state.
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(#[to_schema] Problem),
    /// A field is wrong; `field` says which.
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(#[to_schema] Problem),
    /// Something we need is down; try again.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(#[to_schema] Problem),
}

impl Problem {
    /// The problem of a status, with its detail.
    #[must_use]
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let (kind, title) = kind_of(status);
        Self {
            kind,
            title,
            status: status.as_u16(),
            detail: detail.into(),
            field: None,
            refusal: None,
            request_id: None,
        }
    }

    /// A wrong field.
    #[must_use]
    pub fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail).at(field)
    }

    /// The same, naming the field.
    #[must_use]
    pub fn at(self, field: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// Address of the explanation, and the title, of each status that we answer.
fn kind_of(status: StatusCode) -> (&'static str, &'static str) {
    match status {
        StatusCode::BAD_REQUEST => ("/api#malformed", "The request cannot be read"),
        StatusCode::UNAUTHORIZED => ("/api#unauthenticated", "Nobody is logged in"),
        StatusCode::FORBIDDEN => ("/api#forbidden", "Not allowed"),
        StatusCode::NOT_FOUND => ("/api#not-found", "There is no such thing"),
        StatusCode::METHOD_NOT_ALLOWED => ("/api#method-not-allowed", "Not with this method"),
        StatusCode::CONFLICT => ("/api#conflict", "It does not fit the present state"),
        StatusCode::PAYLOAD_TOO_LARGE => ("/api#too-large", "The body is too large"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("/api#media-type", "The body is not JSON"),
        StatusCode::UNPROCESSABLE_ENTITY => ("/api#invalid", "The request is wrong"),
        StatusCode::TOO_MANY_REQUESTS => ("/api#too-many", "Too many tries"),
        StatusCode::SERVICE_UNAVAILABLE => ("/api#unavailable", "Something we need is not available"),
        status if status.is_client_error() => ("/api#malformed", "The request cannot be read"),
        _ => ("/api#internal", "A defect of the service"),
    }
}

impl From<Error> for Problem {
    /// The one place where the error of a use case is handled, and so where a defect is logged.
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid { field, detail } => Self::invalid(field, detail),
            Error::NotFound(_) => Self::new(StatusCode::NOT_FOUND, error.to_string()),
            Error::Conflict(_) => Self::new(StatusCode::CONFLICT, error.to_string()),
            Error::Refused(refusal) => {
                let detail = refusal.to_string();
                Self { refusal: Some(refusal), ..Self::new(StatusCode::CONFLICT, detail) }
            }
            Error::Unauthenticated => Self::new(StatusCode::UNAUTHORIZED, error.to_string()),
            Error::Forbidden => Self::new(StatusCode::FORBIDDEN, error.to_string()),
            Error::Throttled { .. } => Self::new(StatusCode::TOO_MANY_REQUESTS, error.to_string()),
            Error::Unavailable { what, ref source } => {
                tracing::warn!(what, source = %source, "a dependency is not available");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, format!("{error}; try again"))
            }
            Error::Internal { doing, ref source } => {
                tracing::error!(doing, source = %source, "a request failed");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the request id leads to the reason in the log")
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(&self)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response.extensions_mut().insert(self);
        response
    }
}
