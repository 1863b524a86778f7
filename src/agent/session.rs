//! Who is logged in: session cookies for people, bearer tokens for programs.

use axum::http::HeaderMap;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;

use crate::{agent::Principal, app::App, error::Result, ids::UserId};

/// Name of the session cookie.
pub const COOKIE: &str = "ledgerline_session";

/// A log-in that succeeded.
#[derive(Debug)]
pub struct Session {
    /// 32 random bytes in URL-safe Base64; the service keeps only its SHA-256.
    pub token: SecretString,
    /// When it ends unless it is used before.
    pub expires_at: DateTime<Utc>,
    /// Who it belongs to.
    pub principal: Principal,
}

/// Logs in with a password.
///
/// # Errors
/// [`Error::Unauthenticated`](crate::error::Error::Unauthenticated) for a wrong login or password (the two cannot be
/// told apart), [`Error::Throttled`](crate::error::Error::Throttled) after too many failures.
pub async fn log_in(app: &App, login: &str, password: &SecretString) -> Result<Session> {
    todo!()
}

/// Who a token belongs to; a cookie's session is prolonged by use.
///
/// # Errors
/// [`Error::Unauthenticated`](crate::error::Error::Unauthenticated).
pub async fn authenticate(app: &App, token: &str) -> Result<Principal> {
    todo!()
}

/// Ends the session of `token`; a token that is unknown is no error.
///
/// # Errors
/// Those of Postgres.
pub async fn log_out(app: &App, token: &str) -> Result<()> {
    todo!()
}

/// Makes a bearer token for a program that acts for `user`.
///
/// # Errors
/// Those of Postgres.
pub async fn issue_bearer(app: &App, user: UserId, label: &str, lifetime: TimeDelta) -> Result<Session> {
    todo!()
}

/// The token a request carries: `Authorization: Bearer …`, else the session cookie.
#[must_use]
pub fn token_of(headers: &HeaderMap) -> Option<Token<'_>> {
    todo!()
}

/// A token as a request carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// From the `Authorization` header.
    Bearer(&'a str),
    /// From the cookie: requests that change something must come from our own pages.
    Cookie(&'a str),
}
