//! OAuth 2 as Intuit does it: an administrator grants access on its page, the code that comes back is changed for tokens, and
//! each refresh brings a refresh token that replaces the one before.

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::{
    client::{Client, Credentials},
    trouble::{Asked, Trouble},
};
use crate::outgoing::deliver::reason;

/// What is asked for: the books, and nothing else.
const SCOPE: &str = "com.intuit.quickbooks.accounting";

/// A pair of tokens.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Sent with every request.
    pub access: SecretString,
    /// Until when it counts; an hour.
    pub access_until: DateTime<Utc>,
    /// Brings the next pair, once.
    pub refresh: SecretString,
    /// Until when it counts; some hundred days.
    pub refresh_until: DateTime<Utc>,
}

#[derive(Deserialize)]
struct Answer {
    access_token: SecretString,
    expires_in: i64,
    refresh_token: SecretString,
    x_refresh_token_expires_in: i64,
}

/// The page on which access is granted; it sends the browser back to `redirect` with `state`.
#[must_use]
pub fn page(client: &Client, credentials: &Credentials, redirect: &str, state: &str) -> Url {
    let mut url = client.config().authorize_url.clone();
    url.query_pairs_mut()
        .append_pair("client_id", &credentials.id)
        .append_pair("response_type", "code")
        .append_pair("scope", SCOPE)
        .append_pair("redirect_uri", redirect)
        .append_pair("state", state);
    url
}

/// Changes the code that came back for tokens.
///
/// # Errors
/// [`Trouble::NotGranted`] if the code is not, or no longer, one.
pub async fn exchange(client: &Client, code: &str, redirect: &str, now: DateTime<Utc>) -> Asked<Tokens> {
    ask(client, &[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect)], now).await
}

/// Changes a refresh token for the next pair.
///
/// # Errors
/// [`Trouble::NotGranted`] if it was used before, has run out, or access was taken back.
pub async fn refresh(client: &Client, token: &SecretString, now: DateTime<Utc>) -> Asked<Tokens> {
    ask(client, &[("grant_type", "refresh_token"), ("refresh_token", token.expose_secret())], now).await
}

async fn ask(client: &Client, form: &[(&str, &str)], now: DateTime<Utc>) -> Asked<Tokens> {
    let credentials = client.credentials()?;
    let request = client
        .http()
        .post(client.config().token_url.clone())
        .basic_auth(&credentials.id, Some(credentials.secret.expose_secret()))
        .header("accept", "application/json")
        .form(form);
    let answer = request.send().await.map_err(|error| Trouble::Away(reason(&error.without_url())))?;
    let status = answer.status();
    if status == StatusCode::BAD_REQUEST || status == StatusCode::UNAUTHORIZED {
        return Err(Trouble::NotGranted);
    }
    if !status.is_success() {
        return Err(Trouble::Away(format!("the token endpoint answered {}", status.as_u16())));
    }
    let answer: Answer = answer.json().await.map_err(|_| Trouble::odd("the token endpoint sent no tokens"))?;
    Ok(Tokens {
        access: answer.access_token,
        access_until: now + TimeDelta::seconds(answer.expires_in.clamp(0, 86_400)),
        refresh: answer.refresh_token,
        refresh_until: now + TimeDelta::seconds(answer.x_refresh_token_expires_in.clamp(0, 400 * 86_400)),
    })
}

/// Gives access back.
///
/// # Errors
/// If Intuit cannot be reached; a token that counts no more is no error.
pub async fn revoke(client: &Client, token: &SecretString) -> Asked<()> {
    let credentials = client.credentials()?;
    let request = client
        .http()
        .post(client.config().revoke_url.clone())
        .basic_auth(&credentials.id, Some(credentials.secret.expose_secret()))
        .header("accept", "application/json")
        .json(&serde_json::json!({ "token": token.expose_secret() }));
    let answer = request.send().await.map_err(|error| Trouble::Away(reason(&error.without_url())))?;
    match answer.status() {
        status if status.is_success() || status == StatusCode::BAD_REQUEST => Ok(()),
        status => Err(Trouble::Away(format!("the revocation endpoint answered {}", status.as_u16()))),
    }
}
