//! Why something asked of `QuickBooks` was not done.

use std::{fmt, time::Duration};

use serde::Deserialize;

use crate::error::Error;

/// Somebody changed the object meanwhile: the `SyncToken` that was sent is an old one.
const STALE: &str = "5010";
/// There is no such object.
const NOT_FOUND: &str = "610";

/// Why something asked of `QuickBooks` was not done.
#[derive(Debug)]
pub enum Trouble {
    /// No answer, or one that says that it failed: what was asked may have been done all the same.
    Away(String),
    /// Too many requests: nothing was done, and nothing will be for so long.
    Throttled(Duration),
    /// Access was taken back, or has run out: somebody has to connect again.
    NotGranted,
    /// Refused, with the code and the name of the fault; nothing was done.
    Fault {
        /// Such as `5010`.
        code: String,
        /// Its name, such as `Stale Object Error`.
        name: String,
    },
    /// Another node works at it by now.
    TakenOver,
    /// Something of ours failed.
    Ours(Error),
}

/// Result of asking `QuickBooks`.
pub type Asked<T> = Result<T, Trouble>;

impl Trouble {
    /// An answer that is not what the documentation says.
    pub fn odd(what: impl Into<String>) -> Self {
        Self::Away(what.into())
    }

    /// The object was changed by somebody else.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        matches!(self, Self::Fault { code, .. } if code == STALE)
    }

    /// There is no such object, or no more.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Fault { code, .. } if code == NOT_FOUND)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Away(why) => write!(f, "QuickBooks does not answer as it should: {why}"),
            Self::Throttled(wait) => write!(f, "QuickBooks wants {} s of rest", wait.as_secs()),
            Self::NotGranted => f.write_str("QuickBooks takes our tokens no more: connect again"),
            Self::Fault { code, name } => write!(f, "QuickBooks refused: {name} ({code})"),
            Self::TakenOver => f.write_str("another node has taken over"),
            Self::Ours(error) => error.fmt(f),
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        Self::Ours(error.into())
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(alias = "fault", rename = "Fault")]
    fault: Faults,
}

#[derive(Deserialize)]
struct Faults {
    #[serde(alias = "error", rename = "Error")]
    error: Vec<One>,
}

#[derive(Deserialize)]
struct One {
    code: String,
    #[serde(alias = "message", rename = "Message", default)]
    message: String,
}

/// The first fault that an answer names. Its details are left out: they may hold names.
#[must_use]
pub fn fault(body: &str) -> Option<Trouble> {
    let answer: Answer = serde_json::from_str(body).ok()?;
    let one = answer.fault.error.into_iter().next()?;
    Some(Trouble::Fault { code: one.code, name: one.message.chars().take(120).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_read_in_either_spelling_and_without_its_details() {
        let stale = r#"{"Fault":{"Error":[{"Message":"Stale Object Error","Detail":"Debtor Ltd","code":"5010"}],"type":"ValidationFault"}}"#;
        let read = fault(stale).expect("a fault");
        assert!(read.is_stale() && !read.to_string().contains("Debtor"), "{read}");
        let gone = r#"{"fault":{"error":[{"message":"Object Not Found","code":"610"}]}}"#;
        assert!(fault(gone).expect("a fault").is_not_found());
        assert!(fault("<html>").is_none());
    }
}
