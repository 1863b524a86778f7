//! Limits how fast passwords may be guessed, per login and altogether.
//!
//! An attempt counts before the password is looked at, so that guesses in parallel do not slip through; one that
//! succeeds takes its count back.

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use redis::Script;
use sha2::{Digest as _, Sha256};

use crate::{
    app::App,
    error::{Error, Result},
};

/// Failures of one login within [`LOGIN_WINDOW_S`].
const PER_LOGIN: u32 = 10;
/// Seconds over which a login's failures count.
const LOGIN_WINDOW_S: u64 = 900;
/// Failures of everybody within [`ALL_WINDOW_S`].
const ALTOGETHER: u32 = 300;
/// Seconds over which everybody's failures count.
const ALL_WINDOW_S: u64 = 60;

const ALL: &str = "ll:{login}:all";

static ATTEMPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/login_attempt.lua")));

/// Counts an attempt to log in as `login`.
///
/// # Errors
/// [`Error::Throttled`] above the limits, those of Redis.
pub(super) async fn attempt(app: &App, login: &str) -> Result<()> {
    let wait: u64 = ATTEMPT
        .key(key(login))
        .key(ALL)
        .arg(PER_LOGIN)
        .arg(LOGIN_WINDOW_S)
        .arg(ALTOGETHER)
        .arg(ALL_WINDOW_S)
        .invoke_async(&mut app.redis.clone())
        .await?;
    if wait == 0 { Ok(()) } else { Err(Error::Throttled { seconds: wait }) }
}

/// The attempt was a good one: it does not count, and forgives the failures before it.
///
/// # Errors
/// Those of Redis.
pub(super) async fn succeeded(app: &App, login: &str) -> Result<()> {
    let mut redis = app.redis.clone();
    Ok(redis::pipe().del(key(login)).ignore().decr(ALL, 1).ignore().query_async(&mut redis).await?)
}

/// Logins are personal data: the key holds a hash.
fn key(login: &str) -> String {
    let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(login.as_bytes()));
    format!("ll:{{login}}:{hash}")
}
