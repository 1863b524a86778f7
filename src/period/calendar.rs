//! Months and years. Pure.

use std::{fmt, str::FromStr};

use chrono::{Datelike, Months, NaiveDate};
use serde::{Deserialize, Serialize};

/// A month or a year; as text `2026-02` or `2026`, of the years 1900 to 2199.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Period {
    /// The month that begins on this day.
    Month(NaiveDate),
    /// The year that begins on this day.
    Year(NaiveDate),
}

impl Period {
    /// The month that a day lies in.
    #[must_use]
    pub fn month_of(day: NaiveDate) -> Self {
        Self::Month(day.with_day(1).unwrap_or(day))
    }

    /// Its first day.
    #[must_use]
    pub fn first_day(self) -> NaiveDate {
        match self {
            Self::Month(first) | Self::Year(first) => first,
        }
    }

    /// Its last day.
    #[must_use]
    pub fn last_day(self) -> NaiveDate {
        let months = match self {
            Self::Month(_) => 1,
            Self::Year(_) => 12,
        };
        let next = self.first_day().checked_add_months(Months::new(months));
        next.and_then(|next| next.pred_opt()).unwrap_or(NaiveDate::MAX)
    }

    /// `month` or `year`.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Month(_) => "month",
            Self::Year(_) => "year",
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Month(first) => write!(f, "{}", first.format("%Y-%m")),
            Self::Year(first) => write!(f, "{}", first.format("%Y")),
        }
    }
}

impl FromStr for Period {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "expected a month such as 2026-02 or a year such as 2026";
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        let (year, month) = match text.split_once('-') {
            Some((year, month)) if year.len() == 4 && month.len() == 2 => (digits(year), digits(month)),
            None if text.len() == 4 => (digits(text), Some(0)),
            _ => (None, None),
        };
        let year = year.filter(|year| (1900..2200).contains(year)).ok_or(WRONG)?;
        let first =
            |month| i32::try_from(year).ok().and_then(|year| NaiveDate::from_ymd_opt(year, month, 1)).ok_or(WRONG);
        match month {
            Some(0) if text.len() == 4 => first(1).map(Self::Year),
            Some(month) => first(month).map(Self::Month),
            None => Err(WRONG),
        }
    }
}

impl TryFrom<String> for Period {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_read_and_written() {
        for (text, first, last) in [
            ("2024-02", "2024-02-01", "2024-02-29"),
            ("2026-12", "2026-12-01", "2026-12-31"),
            ("2026", "2026-01-01", "2026-12-31"),
        ] {
            let period: Period = text.parse().expect("a period");
            assert_eq!(period.to_string(), text);
            assert_eq!(
                (period.first_day().to_string(), period.last_day().to_string()),
                (first.to_owned(), last.to_owned())
            );
        }
    }

    #[test]
    fn what_is_no_period_is_refused() {
        for text in ["", "2026-13", "2026-00", "2026-2", "26", "2026-02-01", "+202", "1899", "2200-01", "20a6"] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
    }
}
