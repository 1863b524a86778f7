//! What a carrier posts: names and values, in order, blanks and duplicates kept.

use std::fmt;

use url::form_urlencoded;

use super::{Party, Sid};

/// The names and values of a form body or a query, decoded once.
///
/// The signature covers every pair, so nothing is trimmed, dropped or merged here. `Debug` shows the names only.
#[derive(Clone, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Decodes `name=value&…` as browsers do: `+` is a space, `%41` is `A`, what is no UTF-8 becomes U+FFFD.
    #[must_use]
    pub fn parse(raw: &[u8]) -> Self {
        Self(form_urlencoded::parse(raw).into_owned().collect())
    }

    /// The pairs as they came.
    #[must_use]
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// The first value of `name` that is not blank, trimmed.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.trim()).find(|value| !value.is_empty())
    }

    /// A whole number; what is none, or out of range, counts as absent. A fraction is cut off.
    #[must_use]
    pub fn number<T: TryFrom<i64>>(&self, name: &str) -> Option<T> {
        self.text(name).and_then(whole_number)
    }

    /// `true` or `false` in any case, `1` or `0`; anything else counts as absent.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.text(name)?.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }

    /// The carrier's id of something; what is none counts as absent.
    #[must_use]
    pub fn sid(&self, name: &str) -> Option<Sid> {
        self.text(name).and_then(|text| text.parse().ok())
    }

    /// Who is at an end of the line.
    #[must_use]
    pub fn party(&self, name: &str) -> Option<Party> {
        self.text(name).and_then(Party::read)
    }
}

/// A whole number as carriers write it: `42`, `42.7`, ` 42 `.
pub(super) fn whole_number<T: TryFrom<i64>>(text: &str) -> Option<T> {
    let text = text.trim();
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    T::try_from(whole.parse::<i64>().ok()?).ok()
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_blanks_duplicates_and_order() {
        let params = Params::parse(b"b=2&a=&b=1&ForwardedFrom&a=x+y%2Bz");
        let expected = [("b", "2"), ("a", ""), ("b", "1"), ("ForwardedFrom", ""), ("a", "x y+z")];
        assert_eq!(params.pairs(), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn numbers_and_flags_are_read_leniently() {
        let params = Params::parse(b"a=42&b=42.7&c=x&d=-1&e=True&f=maybe&g=70000");
        assert_eq!(params.number::<u32>("a"), Some(42));
        assert_eq!(params.number::<u32>("b"), Some(42));
        assert_eq!(params.number::<u32>("c"), None);
        assert_eq!(params.number::<u32>("d"), None);
        assert_eq!(params.number::<u16>("g"), None);
        assert_eq!(params.flag("e"), Some(true));
        assert_eq!(params.flag("f"), None);
    }

    #[test]
    fn does_not_print_values() {
        assert_eq!(format!("{:?}", Params::parse(b"From=%2B12125550142")), r#"["From"]"#);
    }
}
