//! What can go wrong with a request to the carrier, and what each of its codes means for us.

use thiserror::Error;

use super::circuit::Trouble;

/// Why a request to the carrier brought no answer. Never holds a number.
#[derive(Debug, Error)]
pub enum Error {
    /// Nobody took the connection; nothing was sent.
    #[error("nobody took the connection to the carrier")]
    Unreachable(#[source] reqwest::Error),
    /// Too many requests, also after waiting; nothing was done.
    #[error("the carrier is busy (code {code})")]
    Busy {
        /// The carrier's error code, the HTTP status where it gave none.
        code: u32,
    },
    /// The circuit is open; nothing was sent, or nothing was done.
    #[error("{0}")]
    Refused(Trouble),
    /// The carrier has no such thing.
    #[error("the carrier has no such thing")]
    NotFound,
    /// The carrier refused; nothing was done.
    #[error("the carrier refused with code {code}")]
    Rejected {
        /// The carrier's error code, the HTTP status where it gave none.
        code: u32,
    },
    /// The answer did not come in time, or says that the carrier failed: it may have been done.
    #[error("the carrier gave no clear answer ({0})")]
    Unclear(String),
}

impl From<Error> for crate::error::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::NotFound("thing at the carrier"),
            Error::Rejected { .. } => Self::Internal { doing: "asking the carrier", source: error.into() },
            other => Self::Unavailable { what: "the carrier", source: other.into() },
        }
    }
}

/// What a refusal means for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// There is no such number: never call it again.
    BadNumber,
    /// The carrier does not let us call this number (premium rate, country, blocked): never call it again.
    NumberNotAllowed,
    /// The caller id is not ours: stop the campaign that uses it.
    CallerId,
    /// An address or application of ours is wrong, or the account is on trial: stop until it is put right.
    Configuration,
    /// The account is suspended or may not make calls: stop everything.
    Account,
    /// The carrier does not accept our key or token: the circuit opens.
    Unauthorized,
    /// Too much at once; nothing was done, so ask again later.
    Busy,
    /// The line is over, or not in a state for this.
    WrongState,
    /// The carrier has no such thing.
    NotFound,
    /// We sent something that the carrier does not understand: a defect of ours.
    Defect,
    /// The carrier failed: it may have been done.
    Fault,
    /// A code that this service does not know.
    Unknown,
}

impl Meaning {
    /// What a code means. Carriers answer with a code of their own or, from a gateway, with the HTTP status alone.
    #[must_use]
    pub fn of(code: u32) -> Self {
        match code {
            13_223 | 13_224 | 21_211 | 21_214 | 21_217 => Self::BadNumber,
            13_225 | 13_227 | 21_202 | 21_203 | 21_215 | 21_216 => Self::NumberNotAllowed,
            21_210 | 21_212 | 21_213 => Self::CallerId,
            11_100 | 21_205 | 21_218 | 21_219 => Self::Configuration,
            10_001 | 10_005 => Self::Account,
            401 | 20_003 => Self::Unauthorized,
            429 | 10_004 | 20_429 | 22_005 => Self::Busy,
            409 | 20_409 | 21_220 => Self::WrongState,
            404 | 20_404 => Self::NotFound,
            20_001 | 20_422 | 21_201 | 21_206 | 21_208 | 21_209 | 21_234 | 21_262 | 21_263 | 21_626 => Self::Defect,
            408 | 500..=599 | 20_500..=20_599 => Self::Fault,
            _ => Self::Unknown,
        }
    }

    /// Whether the number itself cannot be called.
    #[must_use]
    pub fn is_bad_number(self) -> bool {
        matches!(self, Self::BadNumber | Self::NumberNotAllowed)
    }

    /// Whether the next call of the same campaign would fail the same way.
    #[must_use]
    pub fn stops_campaign(self) -> bool {
        matches!(self, Self::CallerId | Self::Configuration | Self::Account | Self::Unauthorized | Self::Defect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_one_consequence() {
        for code in [21_211, 21_214, 21_217, 21_215, 21_216, 21_202, 21_203] {
            assert!(Meaning::of(code).is_bad_number(), "{code}");
            assert!(!Meaning::of(code).stops_campaign(), "{code}");
        }
        for code in [21_210, 21_212, 21_213, 21_205, 21_219, 10_001, 10_005, 20_003, 21_201] {
            assert!(Meaning::of(code).stops_campaign(), "{code}");
            assert!(!Meaning::of(code).is_bad_number(), "{code}");
        }
        for code in [20_429, 429, 22_005, 10_004] {
            assert_eq!(Meaning::of(code), Meaning::Busy, "{code}");
        }
        assert_eq!(Meaning::of(21_220), Meaning::WrongState);
        assert_eq!(Meaning::of(502), Meaning::Fault);
        assert_eq!(Meaning::of(99_999), Meaning::Unknown);
    }
}
