//! Password hashes: argon2id with the parameters OWASP recommends (19 MiB, 2 passes), computed off the async threads.

use std::sync::{Arc, OnceLock};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::error::{Error, Result};

/// Hashes at the same time, each with 19 MiB: a storm of log-ins waits instead of filling the memory.
const AT_ONCE: usize = 4;

static SLOTS: Semaphore = Semaphore::const_new(AT_ONCE);

/// Hashes a password with a random salt, as a PHC string.
///
/// # Errors
/// If the system has no randomness or memory to give.
pub async fn hash(password: SecretString) -> Result<String> {
    aside(move || hash_now(&password)).await?.map_err(Error::internal("hashing a password"))
}

/// Whether `password` belongs to `hash`. Without a hash it works as long and says no, so that the time an answer takes
/// does not tell which logins exist.
///
/// # Errors
/// If a stored hash is malformed.
pub async fn matches(password: SecretString, hash: Option<String>) -> Result<bool> {
    aside(move || {
        let known = hash.is_some();
        let hash = match hash {
            Some(hash) => hash,
            None => nobodys_hash()?,
        };
        let parsed = PasswordHash::new(&hash).map_err(argon2::password_hash::Error::from)?;
        let same = Argon2::default().verify_password(password.expose_secret().as_bytes(), &parsed).is_ok();
        Ok(known && same)
    })
    .await?
    .map_err(|source: argon2::password_hash::Error| Error::internal("checking a password")(source))
}

async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let _slot = SLOTS.acquire().await.map_err(Error::internal("waiting to hash a password"))?;
    tokio::task::spawn_blocking(work).await.map_err(Error::internal("hashing a password"))
}

fn hash_now(password: &SecretString) -> argon2::password_hash::Result<String> {
    let hash: PasswordHash = Argon2::default().hash_password(password.expose_secret().as_bytes())?;
    Ok(hash.to_string())
}

fn nobodys_hash() -> argon2::password_hash::Result<String> {
    static HASH: OnceLock<Arc<str>> = OnceLock::new();
    if let Some(hash) = HASH.get() {
        return Ok(hash.to_string());
    }
    let made = hash_now(&SecretString::from("nobody"))?;
    Ok(HASH.get_or_init(|| made.into()).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_a_known_user_matches() {
        let stored = hash("a long password".into()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(matches("a long password".into(), Some(stored.clone())).await.unwrap());
        assert!(!matches("another password".into(), Some(stored)).await.unwrap());
        assert!(!matches("nobody".into(), None).await.unwrap());
    }

    #[tokio::test]
    async fn a_malformed_hash_is_an_error_not_a_no() {
        assert!(matches("x".into(), Some("plain".to_owned())).await.is_err());
    }
}
