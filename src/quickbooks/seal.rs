//! Tokens at rest: encrypted with the configured key, or where there is none, as they are.

use base64::{Engine, engine::general_purpose::STANDARD};
use rand::RngExt;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, Result};

/// The first byte of what is stored says how it is closed.
const PLAIN: u8 = 0;
const SEALED: u8 = 1;

/// Closes and opens tokens.
pub struct Seal(Option<LessSafeKey>);

impl Seal {
    /// A seal with that key: 32 bytes in Base64.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is not.
    pub fn new(key: Option<&SecretString>) -> Result<Self> {
        let Some(key) = key else { return Ok(Self(None)) };
        let bytes = STANDARD.decode(key.expose_secret().trim()).ok();
        let key = bytes.and_then(|bytes| UnboundKey::new(&AES_256_GCM, &bytes).ok());
        let key = key.ok_or_else(|| Error::invalid("QUICKBOOKS_TOKEN_KEY", "expected 32 bytes in Base64"))?;
        Ok(Self(Some(LessSafeKey::new(key))))
    }

    /// What is stored in place of the token.
    ///
    /// # Errors
    /// Only a defect.
    pub fn close(&self, token: &SecretString) -> Result<Vec<u8>> {
        let token = token.expose_secret().as_bytes();
        let Some(key) = &self.0 else { return Ok([&[PLAIN], token].concat()) };
        let nonce: [u8; NONCE_LEN] = rand::rng().random();
        let mut sealed = token.to_vec();
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed)
            .map_err(|_| Error::internal("sealing a token")("it is too long"))?;
        Ok([&[SEALED][..], &nonce, &sealed].concat())
    }

    /// The token that was stored; what was stored before there was a key opens as well.
    ///
    /// # Errors
    /// [`Error::Conflict`] if the key is another one by now.
    pub fn open(&self, stored: &[u8]) -> Result<SecretString> {
        let lost = || Error::Conflict("the key of the stored tokens is another one by now: connect again".to_owned());
        let token = match (stored.split_first(), &self.0) {
            (Some((&PLAIN, token)), _) => token.to_vec(),
            (Some((&SEALED, rest)), Some(key)) => {
                let (nonce, sealed) = rest.split_at_checked(NONCE_LEN).ok_or_else(lost)?;
                let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| lost())?;
                let mut sealed = sealed.to_vec();
                key.open_in_place(nonce, Aad::empty(), &mut sealed).map_err(|_| lost())?.to_vec()
            }
            _ => return Err(lost()),
        };
        String::from_utf8(token).map(SecretString::from).map_err(|_| lost())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(byte: u8) -> Seal {
        Seal::new(Some(&SecretString::from(STANDARD.encode([byte; 32])))).expect("a key")
    }

    #[test]
    fn a_token_is_read_back_with_its_own_key_only() {
        let token = SecretString::from("a token");
        let stored = seal(1).close(&token).expect("sealed");
        assert!(!stored.windows(5).any(|part| part == b"token"), "it is not there in the open");
        assert_ne!(stored, seal(1).close(&token).expect("sealed"), "a nonce of its own");
        assert_eq!(seal(1).open(&stored).expect("opened").expose_secret(), "a token");
        let mut broken = stored.clone();
        broken[20] ^= 1;
        for (key, stored) in [(seal(2), &stored), (Seal(None), &stored), (seal(1), &broken), (seal(1), &vec![])] {
            assert!(key.open(stored).is_err());
        }
        let open = Seal(None).close(&token).expect("stored");
        assert_eq!(seal(1).open(&open).expect("from before there was a key").expose_secret(), "a token");
    }

    #[test]
    fn a_key_has_thirty_two_bytes() {
        for key in ["", "short", "AAAA"] {
            assert!(Seal::new(Some(&SecretString::from(key))).is_err(), "{key:?}");
        }
    }
}
