//! The error of every use case: what was being done, whose fault it is, whether to try again.

use thiserror::Error;

use crate::compliance::Refusal;

/// SQLSTATE with which the database refuses what the ledger does not allow, such as a posting into a closed period; its
/// message is for the user.
const LEDGER_REFUSES: &str = "LL001";

/// Result of a use case.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a use case was not carried out. Nothing was changed. Never holds personal data.
#[derive(Debug, Error)]
pub enum Error {
    /// The request is wrong: which field, and how. HTTP 422.
    #[error("{field}: {detail}")]
    Invalid {
        /// Path of the field, e.g. `promise.amount_minor`.
        field: String,
        /// What is wrong with it, with the allowed range.
        detail: String,
    },
    /// There is no such thing. HTTP 404.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// It does not fit the present state, or was done already. HTTP 409.
    #[error("{0}")]
    Conflict(String),
    /// The last look forbids the call: by which rule, and when it will be allowed. HTTP 409.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// Nobody is logged in. HTTP 401.
    #[error("log in first")]
    Unauthenticated,
    /// The role does not allow it. HTTP 403.
    #[error("not allowed for this role")]
    Forbidden,
    /// Too many tries; wait. HTTP 429.
    #[error("too many attempts: try again in {seconds} s")]
    Throttled {
        /// Seconds to wait.
        seconds: u64,
    },
    /// A dependency is down or busy; try again. HTTP 503.
    #[error("{what} is not available")]
    Unavailable {
        /// Postgres, Redis, carrier …
        what: &'static str,
        /// What it said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A defect of ours. HTTP 500.
    #[error("{doing}")]
    Internal {
        /// What was being done.
        doing: &'static str,
        /// What went wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// A wrong field.
    pub fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), detail: detail.into() }
    }

    /// For `map_err`: a defect while `doing` something.
    pub fn internal<E>(doing: &'static str) -> impl FnOnce(E) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        move |source| Self::Internal { doing, source: source.into() }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => {
                Self::Unavailable { what: "Postgres", source: error.into() }
            }
            sqlx::Error::Database(refusal) if refusal.code().as_deref() == Some(LEDGER_REFUSES) => {
                Self::Conflict(refusal.message().to_owned())
            }
            other => Self::Internal { doing: "talking to Postgres", source: other.into() },
        }
    }
}

impl From<redis::RedisError> for Error {
    fn from(error: redis::RedisError) -> Self {
        Self::Unavailable { what: "Redis", source: error.into() }
    }
}
