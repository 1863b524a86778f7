//! Money in integer minor units with its currency; never a float.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

/// An ISO 4217 currency code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "USD")]
pub struct Currency([u8; 3]);

/// An amount: `minor` units (cents where the currency has two decimals) of `currency`. May be negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct Money {
    /// Minor units.
    pub minor: i64,
    /// The currency they are counted in.
    pub currency: Currency,
}

/// How a file writes decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecimalStyle {
    /// Between units and decimals: `.` or `,`.
    pub point: char,
    /// Between thousands, if the file uses one.
    pub group: Option<char>,
}

/// Why a text is no amount.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MoneyError {
    /// Not three capital letters.
    #[error("{0:?} is not an ISO 4217 currency code")]
    Currency(String),
    /// Not a decimal number in the expected style.
    #[error("{0:?} is not an amount")]
    Amount(String),
    /// More decimals than the currency has.
    #[error("{text:?} has more than {decimals} decimals")]
    Decimals {
        /// The text as read.
        text: String,
        /// Decimals of the currency.
        decimals: u32,
    },
    /// Outside of what 64 bits hold.
    #[error("{0:?} is too large")]
    TooLarge(String),
}

impl Currency {
    /// US dollar.
    pub const USD: Self = Self(*b"USD");

    /// Parses a code such as `EUR`.
    ///
    /// # Errors
    /// [`MoneyError::Currency`] unless it is three ASCII capitals.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        match text.as_bytes() {
            [a, b, c] if [a, b, c].iter().all(|byte| byte.is_ascii_uppercase()) => Ok(Self([*a, *b, *c])),
            _ => Err(MoneyError::Currency(text.to_owned())),
        }
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only ASCII capitals come in: the other branch, ISO 4217's word for no currency, is never taken.
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// Digits after the decimal point (ISO 4217 minor unit).
    #[must_use]
    pub fn decimals(&self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF" | b"UGX"
            | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            _ => 2,
        }
    }
}

impl Money {
    /// The amount without its currency, such as `-1250.00`.
    #[must_use]
    pub fn decimal(&self) -> String {
        let places = self.currency.decimals();
        let scale = 10_u64.pow(places);
        let (units, decimals) = (self.minor.unsigned_abs() / scale, self.minor.unsigned_abs() % scale);
        let sign = if self.minor < 0 { "-" } else { "" };
        if places == 0 {
            format!("{sign}{units}")
        } else {
            format!("{sign}{units}.{decimals:0width$}", width = places as usize)
        }
    }

    /// `minor` units of `currency`.
    #[must_use]
    pub fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Reads a decimal text such as `1,234.50`, `(12.00)` or `12.00-` exactly.
    ///
    /// # Errors
    /// If the text is no number in `style`, has more decimals than the currency, or does not fit.
    pub fn parse(text: &str, currency: Currency, style: DecimalStyle) -> Result<Self, MoneyError> {
        let bad = || MoneyError::Amount(text.to_owned());
        let (negative, digits) = split_sign(text.trim());
        let (units, decimals) = digits.split_once(style.point).unwrap_or((digits, ""));
        let units: String = without_groups(units, style.group).ok_or_else(bad)?;
        if units.is_empty() && decimals.is_empty() || !all_digits(&units) || !all_digits(decimals) {
            return Err(bad());
        }
        let places = currency.decimals() as usize;
        let significant = decimals.trim_end_matches('0');
        if significant.len() > places {
            return Err(MoneyError::Decimals { text: text.to_owned(), decimals: currency.decimals() });
        }
        let minor: i64 =
            format!("{units}{significant:0<places$}").parse().map_err(|_| MoneyError::TooLarge(text.to_owned()))?;
        Ok(Self::new(if negative { -minor } else { minor }, currency))
    }
}

/// Accounting files mark a credit by a leading or trailing minus, or by brackets.
fn split_sign(text: &str) -> (bool, &str) {
    if let Some(inner) = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        (true, inner.trim())
    } else if let Some(rest) = text.strip_prefix('-').or_else(|| text.strip_suffix('-')) {
        (true, rest.trim())
    } else {
        (false, text.strip_prefix('+').unwrap_or(text))
    }
}

/// `1,234,567` without its separators; `None` where a separator stands in the wrong place.
fn without_groups(units: &str, group: Option<char>) -> Option<String> {
    let Some(separator) = group else { return Some(units.to_owned()) };
    let mut parts = units.split(separator);
    let first = parts.next().unwrap_or("");
    let rest: Vec<&str> = parts.collect();
    let well_placed = rest.is_empty() || (1..=3).contains(&first.len()) && rest.iter().all(|part| part.len() == 3);
    well_placed.then(|| units.replace(separator, ""))
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for Currency {
    type Error = MoneyError;

    fn try_from(text: String) -> Result<Self, MoneyError> {
        Self::parse(&text)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.as_str().to_owned()
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.decimal(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const US: DecimalStyle = DecimalStyle { point: '.', group: Some(',') };
    const DE: DecimalStyle = DecimalStyle { point: ',', group: Some('.') };

    fn usd(text: &str) -> Result<i64, MoneyError> {
        Money::parse(text, Currency::USD, US).map(|money| money.minor)
    }

    #[test]
    fn reads_the_usual_spellings() {
        for (text, minor) in [
            ("0", 0),
            ("55.94", 5594),
            ("1,234.5", 123_450),
            (" 12 ", 1200),
            (".5", 50),
            ("5.", 500),
            ("+3.10", 310),
            ("-3.10", -310),
            ("3.10-", -310),
            ("(3.10)", -310),
            ("1.5000", 150),
        ] {
            assert_eq!(usd(text), Ok(minor), "{text:?}");
        }
        assert_eq!(Money::parse("1.234,56", Currency::USD, DE).map(|money| money.minor), Ok(123_456));
    }

    #[test]
    fn refuses_what_is_no_amount() {
        for text in ["", "-", ".", "1.2.3", "12,34.00", "1,23", ",123", "1e3", "0x10", "12 34", "١٢", "--1", "NaN"] {
            assert!(matches!(usd(text), Err(MoneyError::Amount(_))), "{text:?} gave {:?}", usd(text));
        }
    }

    #[test]
    fn refuses_more_decimals_than_the_currency_has() {
        assert!(matches!(usd("1.005"), Err(MoneyError::Decimals { decimals: 2, .. })));
        let yen = Currency::parse("JPY").expect("a code");
        assert!(matches!(Money::parse("1.5", yen, US), Err(MoneyError::Decimals { decimals: 0, .. })));
        let dinar = Currency::parse("KWD").expect("a code");
        assert_eq!(Money::parse("1.005", dinar, US).map(|money| money.minor), Ok(1005));
    }

    #[test]
    fn the_largest_amount_fits_and_the_next_does_not() {
        assert_eq!(usd("92233720368547758.07"), Ok(i64::MAX));
        assert!(matches!(usd("92233720368547758.08"), Err(MoneyError::TooLarge(_))));
    }

    #[test]
    fn a_currency_is_three_capitals() {
        for text in ["usd", "US", "USDX", "U$D", ""] {
            assert!(Currency::parse(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(minor in any::<i64>().prop_filter("negatable", |minor| *minor != i64::MIN),
                                    code in prop::sample::select(vec!["USD", "JPY", "KWD"])) {
            let money = Money::new(minor, Currency::parse(code).expect("a code"));
            let shown = money.to_string();
            let digits = shown.strip_suffix(code).expect("ends in the code").trim();
            prop_assert_eq!(Money::parse(digits, money.currency, US), Ok(money));
        }
    }
}
