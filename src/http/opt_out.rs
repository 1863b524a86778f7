//! The page on which the reader of a letter opts out. No log-in: the token in the address is the right to do this and
//! nothing else. Looking at the page changes nothing, for mail programs open links by themselves; a button does, and so
//! does the one-click request of RFC 8058.

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::get,
};

use crate::{
    app::App,
    error::Error,
    message::{deliver::OPT_OUT_PATH, opt_out},
};

use super::problem::Problem;

/// The page and its button.
pub(super) fn router(app: App) -> Router {
    Router::new().route(&format!("{OPT_OUT_PATH}{{token}}"), get(ask).post(done)).with_state(app)
}

async fn ask(State(app): State<App>, Path(token): Path<String>) -> Response {
    match opt_out::state(&app, &token).await {
        Ok(true) => page(StatusCode::OK, "This address gets no more mail from us."),
        Ok(false) => page(
            StatusCode::OK,
            "<form method=\"post\"><p>Shall we write to this address no more?</p>\
             <button class=\"main\">No more mail</button></form>",
        ),
        Err(error) => refused(error),
    }
}

async fn done(State(app): State<App>, Path(token): Path<String>) -> Response {
    match opt_out::opt_out(&app, &token).await {
        Ok(()) => page(StatusCode::OK, "Done. This address gets no more mail from us."),
        Err(error) => refused(error),
    }
}

fn refused(error: Error) -> Response {
    match error {
        Error::NotFound(_) => page(StatusCode::NOT_FOUND, "This link is not one of ours, or was cut off."),
        error => Problem::from(error).into_response(),
    }
}

fn page(status: StatusCode, inner: &str) -> Response {
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"robots\" content=\"noindex\">\
         <title>Mail from us</title><link rel=\"stylesheet\" href=\"/assets/base.css\">\
         <link rel=\"stylesheet\" href=\"/assets/login.css\"></head><body><main><section class=\"card stack\">\
         <h1>Mail from us</h1><div>{inner}</div></section></main></body></html>"
    );
    (status, Html(page)).into_response()
}
