//! The pages, each a plain file of our own, embedded in the binary; no build step, no script from elsewhere. A page is the
//! same for everybody: what it shows it asks the API for.

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rust_embed::RustEmbed;

use crate::{
    agent::{Role, session},
    app::App,
};

#[derive(RustEmbed)]
#[folder = "src/web/assets/"]
struct Assets;

/// The routes of the pages.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/login", get(async |headers: HeaderMap| asset("login.html", &headers)))
        .route("/desk", get(async |headers: HeaderMap| asset("desk.html", &headers)))
        .route("/floor", get(async |headers: HeaderMap| asset("floor.html", &headers)))
        .route("/campaigns", get(async |headers: HeaderMap| asset("campaigns.html", &headers)))
        .route("/accounts", get(async |headers: HeaderMap| asset("accounts.html", &headers)))
        .route("/accounts/{id}", get(async |headers: HeaderMap| asset("account.html", &headers)))
        .route("/reminders", get(async |headers: HeaderMap| asset("reminders.html", &headers)))
        .route("/templates", get(async |headers: HeaderMap| asset("templates.html", &headers)))
        .route("/receipts/{id}", get(async |headers: HeaderMap| asset("receipt.html", &headers)))
        .route("/policy", get(async |headers: HeaderMap| asset("policy.html", &headers)))
        .route("/tasks", get(async |headers: HeaderMap| asset("tasks.html", &headers)))
        .route("/agreements", get(async |headers: HeaderMap| asset("agreements.html", &headers)))
        .route("/reports", get(async |headers: HeaderMap| asset("reports.html", &headers)))
        .route("/connections", get(async |headers: HeaderMap| asset("connections.html", &headers)))
        .route("/close", get(async |headers: HeaderMap| asset("close.html", &headers)))
        .route("/cash", get(async |headers: HeaderMap| asset("cash.html", &headers)))
        .route("/settings", get(async |headers: HeaderMap| asset("settings.html", &headers)))
        .route("/users", get(async |headers: HeaderMap| asset("users.html", &headers)))
        .route("/api", get(async |headers: HeaderMap| asset("api.html", &headers)))
        .route("/assets/{file}", get(file))
        .with_state(app)
}

/// Leads to the page of the role.
async fn home(State(app): State<App>, headers: HeaderMap) -> Redirect {
    let principal = match session::token_of(&headers) {
        Some(session::Token::Bearer(token) | session::Token::Cookie(token)) => {
            session::authenticate(&app, token).await.ok()
        }
        None => None,
    };
    Redirect::to(match principal.map(|principal| principal.role) {
        None => "/login",
        Some(Role::Department) => "/tasks",
        Some(Role::Agent) => "/desk",
        Some(Role::Supervisor | Role::Admin) => "/floor",
    })
}

async fn file(Path(file): Path<String>, headers: HeaderMap) -> Response {
    asset(&file, &headers)
}

/// An embedded file; the browser keeps it and asks whether it is still the same.
fn asset(name: &str, headers: &HeaderMap) -> Response {
    let Some(file) = Assets::get(name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(file.metadata.sha256_hash()));
    let same = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes());
    let mut response =
        if same { StatusCode::NOT_MODIFIED.into_response() } else { file.data.into_owned().into_response() };
    let answer = response.headers_mut();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        answer.insert(header::ETAG, etag);
    }
    response
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The content security policy forbids them, so they would silently do nothing.
    #[test]
    fn no_page_has_inline_code_or_a_file_from_elsewhere() {
        for name in Assets::iter() {
            let text = String::from_utf8(Assets::get(&name).expect("it is listed").data.into_owned()).expect("UTF-8");
            for forbidden in [" style=\"", " onclick=", "javascript:", "<script>", "<style", "https://"] {
                assert!(!text.contains(forbidden), "{name} contains {forbidden}");
            }
        }
    }

    #[test]
    fn every_file_that_a_page_names_is_there() {
        for name in Assets::iter().filter(|name| name.ends_with(".html") || name.ends_with(".js")) {
            let text = String::from_utf8(Assets::get(&name).expect("it is listed").data.into_owned()).expect("UTF-8");
            for part in text.split("/assets/").skip(1) {
                let file: String =
                    part.chars().take_while(|c| c.is_ascii_alphanumeric() || ".-_".contains(*c)).collect();
                assert!(Assets::get(&file).is_some(), "{name} names {file}");
            }
        }
    }
}
