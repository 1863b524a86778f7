//! The signature of Standard Webhooks: HMAC-SHA256 over id, time and body. Pure.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::SecretString;
use sha2::Sha256;

/// The value of `webhook-signature`: a signature for each secret, so that either side of a rotation finds its own.
#[must_use]
pub fn signatures<S: AsRef<[u8]>>(secrets: &[S], id: &str, timestamp: i64, body: &str) -> String {
    let of = |secret: &S| format!("v1,{}", sign(secret.as_ref(), id, timestamp, body));
    secrets.iter().map(of).collect::<Vec<_>>().join(" ")
}

fn sign(secret: &[u8], id: &str, timestamp: i64, body: &str) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return String::new() };
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// A secret as it is handed over: `whsec_` and Base64.
#[must_use]
pub fn written(secret: &[u8]) -> SecretString {
    SecretString::from(format!("whsec_{}", STANDARD.encode(secret)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::ExposeSecret;
    use standardwebhooks::Webhook;

    use super::*;

    /// What the reference implementation signs.
    fn reference(secret: &[u8], id: &str, timestamp: i64, body: &str) -> String {
        let webhook = Webhook::new(written(secret).expose_secret()).expect("a secret");
        webhook.sign(id, timestamp, body.as_bytes()).expect("a signature")
    }

    #[test]
    fn another_time_message_body_or_secret_is_another_signature() {
        let of = |secret: u8, id, at, body| signatures(&[[secret; 32]], id, at, body);
        let signature = of(7, "a", 1_773_000_000, "{}");
        assert_eq!(signature, reference(&[7; 32], "a", 1_773_000_000, "{}"));
        for other in [
            of(8, "a", 1_773_000_000, "{}"),
            of(7, "b", 1_773_000_000, "{}"),
            of(7, "a", 1, "{}"),
            of(7, "a", 1_773_000_000, ""),
        ] {
            assert_ne!(signature, other);
        }
    }

    proptest! {
        #[test]
        fn both_secrets_of_a_rotation_sign_as_the_reference_does(old: [u8; 32], new: [u8; 32], body in ".{0,200}", at in 0_i64..4_000_000_000) {
            let expected = format!("{} {}", reference(&new, "msg", at, &body), reference(&old, "msg", at, &body));
            prop_assert_eq!(signatures(&[new, old], "msg", at, &body), expected);
        }
    }
}
