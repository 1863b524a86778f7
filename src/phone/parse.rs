//! Telephone numbers as people and files write them, to E.164.

use phonenumber::country::Id;

use super::{Phone, PhoneError};

impl Phone {
    /// Reads a number in national or international form; `country` (ISO 3166-1 alpha-2) says what a national form means.
    ///
    /// Accepted are numbers that libphonenumber's metadata call valid, and of the North American plan also those of the
    /// fictional range 555-0100 to 555-0199, which belong to nobody and are what demonstrations and tests call.
    ///
    /// # Errors
    /// [`PhoneError`] if it is neither; the text is not repeated in it.
    pub fn parse(text: &str, country: Option<&str>) -> Result<Self, PhoneError> {
        let country: Option<Id> = country.and_then(|code| code.parse().ok());
        let number = phonenumber::parse(country, text.trim()).map_err(|_| PhoneError)?;
        let phone: Self = format!("+{}{}", number.code().value(), national(&number)).parse()?;
        if phone.is_fictional() || number.is_valid() { Ok(phone) } else { Err(PhoneError) }
    }

    /// The country the number belongs to (ISO 3166-1 alpha-2), if its plan tells.
    #[must_use]
    pub fn country(&self) -> Option<String> {
        let number = phonenumber::parse(None, self.as_str()).ok()?;
        number.country().id().map(|id| id.as_ref().to_owned())
    }

    /// What kind of line it is, as far as the number's plan tells: `mobile`, `fixed`, `either` (as everywhere in North
    /// America), or `other`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        use phonenumber::Type;
        let kind =
            phonenumber::parse(None, self.as_str()).map(|number| number.number_type(&phonenumber::metadata::DATABASE));
        match kind {
            Ok(Type::Mobile) => "mobile",
            Ok(Type::FixedLine) => "fixed",
            Ok(Type::FixedLineOrMobile) => "either",
            _ => "other",
        }
    }

    /// Whether it is `+1`, an area code, and 555-0100 to 555-0199: reserved for fiction, never connected.
    #[must_use]
    pub fn is_fictional(&self) -> bool {
        let Some(national) = self.as_str().strip_prefix("+1") else { return false };
        national.len() == 10
            && national.starts_with(|first: char| ('2'..='9').contains(&first))
            && national[3..].starts_with("55501")
    }
}

/// The digits after the country code, with the leading zeros that belong to some plans' numbers (Italy's).
fn national(number: &phonenumber::PhoneNumber) -> String {
    let national = number.national();
    format!("{}{}", "0".repeat(usize::from(national.zeros())), national.value())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn e164(text: &str, country: &str) -> Option<String> {
        Phone::parse(text, Some(country)).ok().map(String::from)
    }

    #[test]
    fn the_plan_tells_the_kind_of_line_where_it_can() {
        let kind = |text: &str| text.parse::<Phone>().expect("E.164").kind();
        assert_eq!(kind("+442079460018"), "fixed");
        assert_eq!(kind("+447912345678"), "mobile");
        assert_eq!(kind("+12125551234"), "either");
    }

    #[test]
    fn national_forms_take_the_country_that_is_given() {
        assert_eq!(e164("(212) 555-0123", "US").as_deref(), Some("+12125550123"));
        assert_eq!(e164("1-212-555-0123", "US").as_deref(), Some("+12125550123"));
        assert_eq!(e164("030 23125 000", "DE").as_deref(), Some("+493023125000"));
        assert_eq!(e164("020 7946 0018", "GB").as_deref(), Some("+442079460018"));
        assert_eq!(e164("02 1234 5678", "IT").as_deref(), Some("+390212345678"));
    }

    #[test]
    fn international_forms_need_no_country() {
        assert_eq!(Phone::parse("+49 30 23125-000", None).map(String::from), Ok("+493023125000".to_owned()));
        assert_eq!(Phone::parse("+1 (555) 555-0100", None).map(String::from), Ok("+15555550100".to_owned()));
    }

    #[test]
    fn what_cannot_be_called_is_refused() {
        for text in ["", "n/a", "555-0123", "212 555 012", "12345678901234567890", "(123) 456-7890", "0000000000"] {
            assert_eq!(e164(text, "US"), None, "{text}");
        }
        assert_eq!(Phone::parse("212 555 0123", None), Err(PhoneError), "a national form without a country");
    }

    #[test]
    fn only_the_hundred_numbers_after_555_01_are_fictional() {
        assert!(Phone::parse("212-555-0100", Some("US")).is_ok_and(|phone| phone.is_fictional()));
        assert!(Phone::parse("212-555-0199", Some("US")).is_ok_and(|phone| phone.is_fictional()));
        assert!(Phone::parse("212-555-0200", Some("US")).is_ok_and(|phone| !phone.is_fictional()));
    }

    #[test]
    fn the_country_is_read_off_the_plan() {
        let country = |text: &str| Phone::parse(text, None).ok().and_then(|phone| phone.country());
        assert_eq!(country("+1 604 555 0123").as_deref(), Some("CA"));
        assert_eq!(country("+1 212 555 0123").as_deref(), Some("US"));
        assert_eq!(country("+49 30 23125000").as_deref(), Some("DE"));
    }
}
