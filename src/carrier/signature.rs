//! `X-Twilio-Signature`: proof that a request comes from someone who knows the auth token.
//!
//! base64(HMAC-SHA1(token, address + sorted unique names and values of a form body)). The address is put together
//! from the configured public address and the raw path and query of the request line, and is never parsed and
//! rebuilt: a changed case, escape or order would change the signature. `docs/CARRIERS.md` says which spellings of
//! an address are accepted, and why.

use std::{borrow::Cow, iter};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use url::form_urlencoded;

use super::params::Params;

/// Name of the header that carries the signature.
pub const HEADER: &str = "x-twilio-signature";
/// The names that carriers use for it.
pub const HEADERS: [&str; 2] = [HEADER, "x-signalwire-signature"];

/// Whether one of the `tokens` (the present one, and the previous one while they are rotated) signed this request.
///
/// `public_url` is the configured address without the path of the request, `path_and_query` is raw from the request
/// line, `body` is raw. Compares in constant time. An empty token signs nothing.
#[must_use]
pub fn verify<'a>(
    tokens: impl IntoIterator<Item = &'a SecretString>,
    public_url: &str,
    path_and_query: &str,
    content_type: Option<&str>,
    body: &[u8],
    header: &str,
) -> bool {
    let url = format!("{}{path_and_query}", public_url.trim_end_matches('/'));
    let Ok(signature) = STANDARD.decode(header) else { return false };
    let Some(signed_body) = signed_body(&url, content_type, body) else { return false };
    tokens
        .into_iter()
        .filter(|token| !token.expose_secret().is_empty())
        .any(|token| spellings(&url).any(|url| mac(token, &url, &signed_body).verify_slice(&signature).is_ok()))
}

/// The signature of a request to `url` with this form body, as a carrier makes it.
#[must_use]
pub fn sign(token: &SecretString, url: &str, form: &Params) -> String {
    let pairs = form.pairs().iter().map(|(name, value)| (name.into(), value.into()));
    STANDARD.encode(mac(token, url, &concatenated(pairs)).finalize().into_bytes())
}

fn mac(token: &SecretString, url: &str, signed_body: &str) -> Hmac<Sha1> {
    let key = token.expose_secret().as_bytes();
    let mut mac = Hmac::<Sha1>::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    mac.update(url.as_bytes());
    mac.update(signed_body.as_bytes());
    mac
}

/// What of the body is signed after the address; `None` where the body cannot be genuine.
///
/// A form is signed by its names and values. Any other body is signed by its hash, which is part of the address; a
/// body that neither covers is refused.
fn signed_body(url: &str, content_type: Option<&str>, body: &[u8]) -> Option<String> {
    if is_form(content_type) {
        return Some(concatenated(form_urlencoded::parse(body)));
    }
    match body_hash(url) {
        Some(expected) => (expected == hex(&Sha256::digest(body))).then(String::new),
        None => body.is_empty().then(String::new),
    }
}

fn is_form(content_type: Option<&str>) -> bool {
    let media_type = content_type.unwrap_or_default().split(';').next().unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

fn body_hash(url: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    Params::parse(query.as_bytes()).text("bodySHA256").map(str::to_ascii_lowercase)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Names in byte order, each followed by one of its values; values of one name are unique and in byte order.
fn concatenated<'a>(pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>) -> String {
    let mut pairs: Vec<_> = pairs.collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs.into_iter().flat_map(|(name, value)| [name, value]).collect()
}

/// The ways in which a carrier may have written the address before it signed it, the likeliest first.
fn spellings(url: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let ports = Address::split(url).into_iter().flat_map(|address| {
        address.port_variants().into_iter().chain(address.without_userinfo().port_variants()).map(Cow::Owned)
    });
    let quoted = url
        .split_once('?')
        .filter(|(_, query)| query.contains('\''))
        .map(|(path, query)| Cow::Owned(format!("{path}?{}", query.replace('\'', "%27"))));
    iter::once(Cow::Borrowed(url)).chain(ports).chain(quoted)
}

/// The pieces of an address, as they are written.
#[derive(Clone, Copy)]
struct Address<'a> {
    scheme: &'a str,
    userinfo: &'a str,
    host: &'a str,
    port: Option<&'a str>,
    rest: &'a str,
}

impl<'a> Address<'a> {
    fn split(url: &'a str) -> Option<Self> {
        let (scheme, after) = url.split_once("://")?;
        let end = after.find(['/', '?', '#']).unwrap_or(after.len());
        let (authority, rest) = after.split_at(end);
        let (userinfo, host_and_port) = match authority.rfind('@') {
            Some(at) => authority.split_at(at + 1),
            None => ("", authority),
        };
        let (host, port) = match host_and_port.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, Some(port)),
            _ => (host_and_port, None),
        };
        Some(Self { scheme, userinfo, host, port, rest })
    }

    /// Without a port, and with the given or the scheme's own.
    fn port_variants(self) -> [String; 2] {
        let Self { scheme, userinfo, host, port, rest } = self;
        let own = if scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("wss") { "443" } else { "80" };
        let port = port.unwrap_or(own);
        [format!("{scheme}://{userinfo}{host}{rest}"), format!("{scheme}://{userinfo}{host}:{port}{rest}")]
    }

    fn without_userinfo(self) -> Self {
        Self { userinfo: "", ..self }
    }
}

#[cfg(test)]
mod tests;
