//! Users: who may log in.

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;

use crate::{agent::Role, error::Result, ids::UserId};

/// A user to create.
#[derive(Debug)]
pub struct NewUser {
    /// Lower case, 1 to 64 characters of `a-z 0-9 . _ - @`.
    pub login: String,
    /// Name to show, 1 to 120 characters.
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// 10 to 200 characters.
    pub password: SecretString,
    /// Where the agent's voice leg rings: `+1555…`, `sip:…` or `client:…`; `None`: the softphone dials in.
    pub device: Option<String>,
}

/// A user as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Log-in name.
    pub login: String,
    /// Name to show.
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// Where the voice leg rings.
    pub device: Option<String>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Since when it may not log in any more.
    pub disabled_at: Option<DateTime<Utc>>,
}

/// Creates a user.
///
/// # Errors
/// [`Error::Invalid`](crate::error::Error::Invalid), [`Error::Conflict`](crate::error::Error::Conflict) if the login is taken.
pub async fn create(db: &PgPool, new: NewUser, now: DateTime<Utc>) -> Result<User> {
    todo!()
}

/// All users, by login; at most 1000.
///
/// # Errors
/// Those of Postgres.
pub async fn list(db: &PgPool) -> Result<Vec<User>> {
    todo!()
}

/// Sets a new password and ends the user's sessions.
///
/// # Errors
/// [`Error::Invalid`](crate::error::Error::Invalid), [`Error::NotFound`](crate::error::Error::NotFound).
pub async fn set_password(db: &PgPool, user: UserId, password: SecretString) -> Result<()> {
    todo!()
}

/// Lets the user log in no more, and ends its sessions.
///
/// # Errors
/// [`Error::NotFound`](crate::error::Error::NotFound).
pub async fn disable(db: &PgPool, user: UserId, now: DateTime<Utc>) -> Result<()> {
    todo!()
}
