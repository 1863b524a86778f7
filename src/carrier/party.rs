//! Who is at an end of a line.

use std::fmt;

use crate::phone::Phone;

/// One end of a line. `Debug` shows the kind only: numbers and names are personal data.
#[derive(Clone, PartialEq, Eq)]
pub enum Party {
    /// A telephone.
    Phone(Phone),
    /// A browser softphone, by its identity.
    Client(String),
    /// A SIP device, by its address with the `sip:`.
    Sip(String),
    /// The caller's number is withheld or unknown to the carrier.
    Withheld,
    /// Something else, for instance a number in national form.
    Other(String),
}

/// How carriers say that there is no caller id. The last is `ANONYMOUS` on a telephone's keypad.
const WITHHELD: [&str; 7] = ["anonymous", "unknown", "restricted", "private", "unavailable", "withheld", "+266696687"];

impl Party {
    /// The party a carrier names; `None` where it names nobody.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        if WITHHELD.iter().any(|word| text.eq_ignore_ascii_case(word)) {
            return Some(Self::Withheld);
        }
        if let Some(identity) = text.strip_prefix("client:") {
            return Some(Self::Client(identity.to_owned()));
        }
        if text.starts_with("sip:") || text.starts_with("sips:") {
            return Some(Self::Sip(text.to_owned()));
        }
        Some(text.parse().map_or_else(|_| Self::Other(text.to_owned()), Self::Phone))
    }

    /// The telephone number, if it is one.
    #[must_use]
    pub fn phone(&self) -> Option<&Phone> {
        if let Self::Phone(phone) = self { Some(phone) } else { None }
    }

    /// How the carrier is asked to dial it.
    #[must_use]
    pub fn address(&self) -> String {
        match self {
            Self::Phone(phone) => phone.as_str().to_owned(),
            Self::Client(identity) => format!("client:{identity}"),
            Self::Sip(address) | Self::Other(address) => address.clone(),
            Self::Withheld => "anonymous".to_owned(),
        }
    }
}

impl From<Phone> for Party {
    fn from(phone: Phone) -> Self {
        Self::Phone(phone)
    }
}

impl fmt::Debug for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Phone(_) => "Phone",
            Self::Client(_) => "Client",
            Self::Sip(_) => "Sip",
            Self::Withheld => "Withheld",
            Self::Other(_) => "Other",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form_a_carrier_uses() {
        let phone: Phone = "+12125550142".parse().expect("a number");
        assert_eq!(Party::read("+12125550142"), Some(Party::Phone(phone)));
        assert_eq!(Party::read("client:agent_17"), Some(Party::Client("agent_17".into())));
        assert_eq!(Party::read("sip:desk@pbx.example"), Some(Party::Sip("sip:desk@pbx.example".into())));
        assert_eq!(Party::read("Anonymous"), Some(Party::Withheld));
        assert_eq!(Party::read("+266696687"), Some(Party::Withheld));
        assert_eq!(Party::read("2125550142"), Some(Party::Other("2125550142".into())));
        assert_eq!(Party::read(" "), None);
    }

    #[test]
    fn what_is_read_is_dialled_the_same_way() {
        for text in ["+12125550142", "client:agent_17", "sip:desk@pbx.example", "anonymous"] {
            assert_eq!(Party::read(text).expect(text).address(), text);
        }
    }

    #[test]
    fn does_not_print_itself() {
        assert_eq!(format!("{:?}", Party::read("+12125550142")), "Some(Phone)");
    }
}
