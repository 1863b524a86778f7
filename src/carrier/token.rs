//! Access tokens of the browser softphone: a JWT that the carrier's voice SDK presents.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sha2::Sha256;

use crate::{config, error::Error, ids::UserId};

/// How long a token is valid; the page asks for another before. The carrier allows 24 hours.
pub const LIFETIME: TimeDelta = TimeDelta::hours(1);

/// The softphone identity of an agent: letters, digits and `_` only, since other characters mis-route.
#[must_use]
pub fn identity(agent: UserId) -> String {
    format!("agent_{}", agent.0.simple())
}

/// The agent of a softphone identity.
#[must_use]
pub fn agent(identity: &str) -> Option<UserId> {
    identity.strip_prefix("agent_")?.parse().ok()
}

/// A token with which `agent`'s browser may dial our application, and nothing else; valid for [`LIFETIME`] from `now`.
///
/// # Errors
/// Where the configuration has no API key or no application.
pub fn access_token(config: &config::Carrier, agent: UserId, now: DateTime<Utc>) -> Result<String, Error> {
    let (Some(key), Some(secret), Some(application)) = (&config.api_key, &config.api_secret, &config.twiml_app_sid)
    else {
        return Err(Error::Conflict(
            "the browser softphone needs CARRIER_API_KEY, CARRIER_API_SECRET and CARRIER_TWIML_APP_SID".into(),
        ));
    };
    let issued = now.timestamp();
    let header = json!({"alg": "HS256", "typ": "JWT", "cty": "twilio-fpa;v=1"});
    let payload = json!({
        "jti": format!("{key}-{issued}"),
        "iss": key,
        "sub": config.account_sid,
        "iat": issued,
        "nbf": issued,
        "exp": (now + LIFETIME).timestamp(),
        "grants": {
            "identity": identity(agent),
            "voice": {"incoming": {"allow": true}, "outgoing": {"application_sid": application}},
        },
    });
    Ok(signed(&header, &payload, secret))
}

fn signed(header: &serde_json::Value, payload: &serde_json::Value, secret: &SecretString) -> String {
    let encode = |json: &serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let text = format!("{}.{}", encode(header), encode(payload));
    let key = secret.expose_secret().as_bytes();
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    mac.update(text.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("{text}.{signature}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_leads_back_to_its_agent() {
        let id = UserId::generate();
        assert_eq!(agent(&identity(id)), Some(id));
        assert_eq!(agent("agent_17"), None);
        assert_eq!(agent("Anonymous"), None);
        assert!(identity(id).bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
    }

    /// The example of RFC 7515, appendix A.1, has line breaks in its JSON; this one was computed with `openssl`:
    /// `printf '%s' "$header.$payload" | openssl dgst -sha256 -hmac secret -binary | basenc --base64url`.
    #[test]
    fn signs_as_other_implementations_do() {
        let token = signed(&json!({"alg": "HS256"}), &json!({"sub": "x"}), &SecretString::from("secret"));
        assert_eq!(token, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.s-j4haezxh6wrOeRmpuRS-Rw8jJk0bExcSPOJv4OfXE");
    }
}
