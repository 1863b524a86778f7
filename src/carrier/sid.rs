//! The carrier's ids.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The carrier's id of an account, a call, a conference or a recording.
///
/// 1 to 128 visible ASCII characters. It is opaque: `CA` and 32 hexadecimal digits at Twilio, a UUID or
/// `v3:…` at others, so nothing may be read from its form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(try_from = "String", into = "String")]
#[sqlx(transparent)]
pub struct Sid(String);

/// The text is no carrier id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a carrier id has 1 to 128 visible ASCII characters")]
pub struct SidError;

impl Sid {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Sid {
    type Err = SidError;

    fn from_str(text: &str) -> Result<Self, SidError> {
        text.to_owned().try_into()
    }
}

impl TryFrom<String> for Sid {
    type Error = SidError;

    fn try_from(text: String) -> Result<Self, SidError> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        // An id of dots would be a step up in the path of a request.
        let names_something = text.bytes().any(|byte| byte != b'.');
        if text.len() <= 128 && visible && names_something { Ok(Self(text)) } else { Err(SidError) }
    }
}

impl From<Sid> for String {
    fn from(sid: Sid) -> Self {
        sid.0
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_ids_of_look_alikes() {
        for text in
            ["CA00000000000000000000000000000001", "v3:9X2-vx_PD", "AC****", "f5586561-8ff0-4291-a51b-c7dfe4139ff9"]
        {
            assert_eq!(text.parse::<Sid>().expect(text).as_str(), text);
        }
    }

    #[test]
    fn refuses_what_would_not_be_an_id_in_a_path() {
        for text in ["", ".", "..", "a b", "a\nb", "é", &"x".repeat(129)] {
            assert_eq!(text.parse::<Sid>(), Err(SidError), "{text:?}");
        }
    }
}
