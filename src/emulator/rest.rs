//! The REST API: who may use it, its forms, its errors and its lists.

mod calls;
mod conferences;
mod form;
mod list;
mod participants;
mod recordings;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{control, exchange::Exchange};

/// A refusal in the carrier's shape.
#[derive(Debug)]
struct Refused {
    status: StatusCode,
    code: u32,
    message: String,
}

impl Refused {
    /// A bad parameter.
    fn bad(code: u32, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message: message.into() }
    }

    fn not_found(what: &str) -> Self {
        let message = format!("The requested resource {what} was not found");
        Self { status: StatusCode::NOT_FOUND, code: 20404, message }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = json!({
            "code": self.code,
            "message": self.message,
            "more_info": format!("https://www.twilio.com/docs/errors/{}", self.code),
            "status": self.status.as_u16(),
        });
        (self.status, Json(body)).into_response()
    }
}

/// Everything the emulator serves.
pub(super) fn router(exchange: &Arc<Exchange>) -> Router {
    let rest = Router::new()
        .route("/Calls.json", get(calls::list).post(calls::create))
        .route("/Calls/{file}", get(calls::fetch).post(calls::update).delete(calls::delete))
        .route("/Calls/{sid}/Events.json", get(calls::events))
        .route("/Calls/{sid}/Recordings.json", get(recordings::of_call).post(recordings::start))
        .route("/Calls/{sid}/Recordings/{file}", get(recordings::fetch_of_call).post(recordings::update))
        .route("/Conferences.json", get(conferences::list))
        .route("/Conferences/{file}", get(conferences::fetch).post(conferences::update))
        .route("/Conferences/{sid}/Participants.json", get(participants::list).post(participants::create))
        .route(
            "/Conferences/{sid}/Participants/{file}",
            get(participants::fetch).post(participants::update).delete(participants::remove),
        )
        .route("/Recordings.json", get(recordings::list))
        .route("/Recordings/{file}", get(recordings::fetch).delete(recordings::delete))
        .fallback(|request: Request| async move { Refused::not_found(request.uri().path()) });
    Router::new()
        .nest("/2010-04-01/Accounts/{account}", rest)
        .layer(middleware::from_fn_with_state(Arc::clone(exchange), authenticate))
        .merge(control::router())
        .with_state(Arc::clone(exchange))
}

/// Basic authentication with the account's SID and token, or with an API key.
async fn authenticate(
    State(exchange): State<Arc<Exchange>>,
    Path(parts): Path<std::collections::HashMap<String, String>>,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Response {
    if !is_allowed(&exchange, &headers) {
        let refused = Refused { status: StatusCode::UNAUTHORIZED, code: 20003, message: "Authenticate".to_owned() };
        return refused.into_response();
    }
    if parts.get("account").is_some_and(|account| *account != exchange.config.account_sid) {
        return Refused::not_found(request.uri().path()).into_response();
    }
    next.run(request).await
}

fn is_allowed(exchange: &Exchange, headers: &HeaderMap) -> bool {
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Basic "))
        .and_then(|encoded| STANDARD.decode(encoded).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let Some((user, secret)) = given.as_deref().and_then(|pair| pair.split_once(':')) else { return false };
    let config = &exchange.config;
    let account = user == config.account_sid && secret == config.auth_token.expose_secret();
    let key = config.api_key.as_deref() == Some(user)
        && config.api_secret.as_ref().is_some_and(|known| known.expose_secret() == secret);
    account || key
}

/// `CA….json` as the last part of a path.
fn without_suffix(file: &str) -> Result<&str, Refused> {
    file.strip_suffix(".json").ok_or_else(|| Refused::not_found(file))
}
