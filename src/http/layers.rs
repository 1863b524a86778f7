//! What every request passes: an id and a span, limits on time and size, the check that it comes from our own pages,
//! and headers that keep a browser strict (the carrier is none, and is spared them).

use std::time::Duration;

use axum::{
    Router,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use tower_http::{catch_panic::CatchPanicLayer, limit::RequestBodyLimitLayer, timeout::TimeoutLayer};
use tracing::{Instrument, field::Empty};
use url::Url;
use uuid::Uuid;

use crate::{agent::session, app::App, call::callbacks, cash::statement};

use super::problem::Problem;

/// Largest body in bytes.
pub const BODY_LIMIT: usize = 256 * 1024;
/// Largest file in bytes, where a route takes one.
pub const UPLOAD_LIMIT: usize = statement::MOST_BYTES;
/// Longest time for an answer.
const TIME_LIMIT: Duration = Duration::from_secs(30);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The policy of the pages: nothing but our own files, no inline script, no frame around us.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Around what browsers and programs of the house ask for. The carrier signs its requests, and its handlers limit them.
pub fn of_the_house(router: Router, app: App) -> Router {
    router.layer(middleware::from_fn_with_state(app, same_origin)).layer(RequestBodyLimitLayer::new(BODY_LIMIT))
}

/// Around what takes whole files: as around the rest of the house, with room for one.
pub fn of_uploads(router: Router, app: App) -> Router {
    router
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(app, same_origin))
        .layer(RequestBodyLimitLayer::new(UPLOAD_LIMIT))
}

/// Around everything; the last one added is passed first.
pub fn around(router: Router) -> Router {
    router
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, TIME_LIMIT))
        .layer(CatchPanicLayer::new())
        .layer(middleware::from_fn(observe))
}

/// Gives the request an id and a span, counts and times it, and makes every refusal a problem with that id.
async fn observe(request: Request, next: Next) -> Response {
    let request_id = request_id(request.headers());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let by_browser = !route.starts_with(callbacks::PATH);
    let span = tracing::info_span!("request", %method, route, request_id, user = Empty, call = Empty);
    let started = tokio::time::Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let status = response.status();
    span.in_scope(|| tracing::debug!(status = status.as_u16(), elapsed_ms = started.elapsed().as_millis(), "answered"));
    metrics::histogram!("ledgerline_http_seconds", "method" => method_label(&method), "route" => route,
        "status" => status.as_u16().to_string())
    .record(started.elapsed());
    if status.is_client_error() || status.is_server_error() {
        response = as_problem(response, &request_id);
    }
    if by_browser {
        harden(response.headers_mut());
    }
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// The method as a label: `other` for one that somebody has made up, which would be a series of its own for ever.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// The id the client or the proxy gave, if it is a plain one, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| (1..=64).contains(&id.len()) && id.bytes().all(plain))
        .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

/// The refusals of axum and tower are plain text or empty; the headers of theirs that mean something are kept.
fn as_problem(response: Response, request_id: &str) -> Response {
    let problem = match response.extensions().get::<Problem>() {
        Some(problem) => problem.clone(),
        None if is_ours(&response) => return response,
        None => Problem::new(response.status(), detail_of(response.status())),
    };
    let mut answer = Problem { request_id: Some(request_id.to_owned()), ..problem }.into_response();
    for name in [header::ALLOW, header::RETRY_AFTER, header::SET_COOKIE] {
        if let Some(value) = response.headers().get(&name) {
            answer.headers_mut().insert(name, value.clone());
        }
    }
    answer
}

/// Answers of `/readyz`, of the carrier's webhooks and of the pages say themselves what is wrong.
fn is_ours(response: &Response) -> bool {
    let content_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|mime| !mime.starts_with("text/plain"))
}

fn detail_of(status: StatusCode) -> String {
    match status {
        StatusCode::NOT_FOUND => "nothing is served at this address".to_owned(),
        StatusCode::METHOD_NOT_ALLOWED => "the `allow` header says which methods are served here".to_owned(),
        StatusCode::PAYLOAD_TOO_LARGE => format!("a body has at most {BODY_LIMIT} bytes, a file {UPLOAD_LIMIT}"),
        StatusCode::SERVICE_UNAVAILABLE => format!("it took longer than {} s; try again", TIME_LIMIT.as_secs()),
        StatusCode::INTERNAL_SERVER_ERROR => "the request id leads to the reason in the log".to_owned(),
        status => status.canonical_reason().unwrap_or("refused").to_lowercase(),
    }
}

fn harden(headers: &mut HeaderMap) {
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(self)"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// A browser sends the session cookie along with whatever another site makes it ask: what changes something, and a
/// socket, must come from our own pages. Programs use a bearer token and are not concerned.
async fn same_origin(State(app): State<App>, request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let concerned = !reads || request.uri().path().starts_with("/ws/");
    if concerned && is_foreign(request.headers(), &app.config.public_url) {
        return Problem::new(StatusCode::FORBIDDEN, "a session cookie counts only on requests from our own pages")
            .at("origin")
            .into_response();
    }
    next.run(request).await
}

/// Whether the request carries a cookie and does not say that it comes from our own pages.
fn is_foreign(headers: &HeaderMap, public_url: &Url) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let by_cookie = matches!(session::token_of(headers), Some(session::Token::Cookie(_)));
    if let Some(origin) = text(header::ORIGIN) {
        let host = origin.split_once("://").map(|(_, host)| host);
        return host != text(header::HOST) && Some(origin) != Some(&public_url.origin().ascii_serialization());
    }
    match text(HeaderName::from_static("sec-fetch-site")) {
        Some(site) => !matches!(site, "same-origin" | "none"),
        None => by_cookie,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_cookie_counts_only_from_our_own_pages() {
        let public = Url::parse("https://calls.example").expect("an address");
        let cookie = ("cookie", "ledgerline_session=abc");
        let cases: [(&[(&'static str, &'static str)], bool); 8] = [
            (&[cookie, ("host", "here"), ("origin", "http://here")], false),
            (&[cookie, ("host", "inside:8080"), ("origin", "https://calls.example")], false),
            (&[cookie, ("host", "here"), ("origin", "https://evil.example")], true),
            (&[cookie, ("host", "here"), ("origin", "null")], true),
            (&[cookie, ("host", "here"), ("sec-fetch-site", "cross-site")], true),
            (&[cookie, ("host", "here"), ("sec-fetch-site", "same-origin")], false),
            (&[cookie, ("host", "here")], true),
            (&[("host", "here"), ("authorization", "Bearer abc")], false),
        ];
        for (pairs, foreign) in cases {
            assert_eq!(is_foreign(&headers(pairs), &public), foreign, "{pairs:?}");
        }
    }

    #[test]
    fn only_a_plain_request_id_is_taken_over() {
        assert_eq!(request_id(&headers(&[("x-request-id", "edge-17.a_b")])), "edge-17.a_b");
        assert_eq!(request_id(&headers(&[("x-request-id", "a b")])).len(), 36);
        assert_eq!(request_id(&headers(&[])).len(), 36);
    }
}
