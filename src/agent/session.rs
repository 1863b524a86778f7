//! Who is logged in: session cookies for people, bearer tokens for programs.
//!
//! A token is 32 random bytes; the database holds its SHA-256, so that a stolen copy logs nobody in. A cookie's session
//! ends 12 hours after its last use; a program's token at the moment it was given.

use axum::http::{HeaderMap, header};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use rand::Rng as _;
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};

use crate::{
    agent::{Principal, password, throttle, users::store},
    app::App,
    error::{Error, Result},
    ids::UserId,
};

/// Name of the session cookie.
pub const COOKIE: &str = "ledgerline_session";

/// How long a cookie's session lasts after its last use.
pub const LIFETIME: TimeDelta = TimeDelta::hours(12);

/// Use prolongs a session only by at least this much: not every request writes.
const PROLONG_BY: TimeDelta = TimeDelta::minutes(5);

/// The longest life of a program's token.
const BEARER_LIFETIME_DAYS: i64 = 366;

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
/// [`Error::Unauthenticated`] for a wrong login or password (the two cannot be told apart), [`Error::Throttled`] after
/// too many failures.
pub async fn log_in(app: &App, login: &str, password: &SecretString) -> Result<Session> {
    let login = login.trim().to_lowercase();
    throttle::attempt(app, &login).await?;
    let known = store::credentials(&app.db, &login).await?;
    let hash = known.as_ref().map(|(_, hash)| hash.clone());
    let right = password::matches(password.clone(), hash).await?;
    let Some((principal, _)) = known.filter(|_| right) else {
        return Err(Error::Unauthenticated);
    };
    throttle::succeeded(app, &login).await?;
    open(app, principal, Kind::Cookie, "", LIFETIME).await
}

/// Who a token belongs to; a cookie's session is prolonged by use.
///
/// # Errors
/// [`Error::Unauthenticated`].
pub async fn authenticate(app: &App, token: &str) -> Result<Principal> {
    let now = app.clock.now();
    let hash = hash_of(token);
    let found = store::session(&app.db, &hash, now).await?.ok_or(Error::Unauthenticated)?;
    let until = now + LIFETIME;
    if found.prolongs && until - found.expires_at >= PROLONG_BY {
        store::prolong(&app.db, &hash, until).await?;
    }
    Ok(found.principal)
}

/// Ends the session of `token`; a token that is unknown is no error.
///
/// # Errors
/// Those of Postgres.
pub async fn log_out(app: &App, token: &str) -> Result<()> {
    store::end_session(&app.db, &hash_of(token)).await
}

/// Makes a bearer token for a program that acts for `user`, valid for `lifetime`, one minute to 366 days.
///
/// # Errors
/// [`Error::Invalid`], [`Error::NotFound`] if there is no such user or it is disabled.
pub async fn issue_bearer(app: &App, user: UserId, label: &str, lifetime: TimeDelta) -> Result<Session> {
    if lifetime < TimeDelta::minutes(1) || lifetime > TimeDelta::days(BEARER_LIFETIME_DAYS) {
        return Err(Error::invalid("lifetime", "1 minute to 366 days"));
    }
    if label.chars().count() > 120 {
        return Err(Error::invalid("label", "at most 120 characters"));
    }
    let principal = store::principal(&app.db, user).await?.ok_or(Error::NotFound("user"))?;
    open(app, principal, Kind::Bearer, label, lifetime).await
}

/// The token a request carries: `Authorization: Bearer …`, else the session cookie.
#[must_use]
pub fn token_of(headers: &HeaderMap) -> Option<Token<'_>> {
    if let Some(authorization) = headers.get(header::AUTHORIZATION) {
        let (scheme, token) = authorization.to_str().ok()?.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then(|| Token::Bearer(token.trim()));
    }
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, token)| Token::Cookie(token))
}

/// A token as a request carries it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Token<'a> {
    /// From the `Authorization` header.
    Bearer(&'a str),
    /// From the cookie: requests that change something must come from our own pages.
    Cookie(&'a str),
}

impl<'a> Token<'a> {
    /// The token itself.
    #[must_use]
    pub fn secret(self) -> &'a str {
        match self {
            Self::Bearer(token) | Self::Cookie(token) => token,
        }
    }
}

impl std::fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Bearer(_) => "Bearer(…)",
            Self::Cookie(_) => "Cookie(…)",
        })
    }
}

/// How a token reaches us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Cookie,
    Bearer,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Cookie => "cookie",
            Self::Bearer => "bearer",
        }
    }
}

async fn open(app: &App, principal: Principal, kind: Kind, label: &str, lifetime: TimeDelta) -> Result<Session> {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    let token = URL_SAFE_NO_PAD.encode(bytes);
    let now = app.clock.now();
    let session = store::NewSession {
        hash: &hash_of(&token),
        user: principal.user,
        kind,
        label,
        created_at: now,
        expires_at: now + lifetime,
    };
    store::insert_session(&app.db, &session).await?;
    let expires_at = session.expires_at;
    Ok(Session { token: token.into(), expires_at, principal })
}

fn hash_of(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), header::HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_token_is_found_in_header_or_cookie() {
        let bearer = headers(&[(header::AUTHORIZATION, "bearer abc"), (header::COOKIE, "ledgerline_session=x")]);
        assert_eq!(token_of(&bearer), Some(Token::Bearer("abc")));
        let cookie = headers(&[(header::COOKIE, "a=b; ledgerline_session=abc; c=d")]);
        assert_eq!(token_of(&cookie), Some(Token::Cookie("abc")));
        assert_eq!(token_of(&headers(&[(header::COOKIE, "not_ledgerline_session=abc")])), None);
        assert_eq!(token_of(&headers(&[(header::AUTHORIZATION, "Basic abc")])), None);
        assert_eq!(token_of(&HeaderMap::new()), None);
    }

    #[test]
    fn a_token_does_not_print() {
        assert_eq!(format!("{:?}", Token::Bearer("abc")), "Bearer(…)");
    }
}
