//! Moments as carriers write them.

use chrono::{DateTime, NaiveDateTime, Utc};

/// Reads a moment: RFC 2822 (`Thu, 1 Jun 2017 20:48:32 +0000`, one or two digits of the day, or a zone of
/// `Etc/UTC`), RFC 3339, or `2021-04-28 21:51:18.731479Z`, in this order. The day of the week is not checked.
#[must_use]
pub fn read(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    rfc2822(text).or_else(|| rfc3339(text)).or_else(|| spaced(text))
}

fn rfc2822(text: &str) -> Option<DateTime<Utc>> {
    let day_first = text.split_once(',').map_or(text, |(_weekday, rest)| rest).trim_start();
    let numeric_zone = day_first.strip_suffix(" Etc/UTC").map(|date| format!("{date} +0000"));
    let moment = DateTime::parse_from_rfc2822(numeric_zone.as_deref().unwrap_or(day_first)).ok()?;
    Some(moment.to_utc())
}

fn rfc3339(text: &str) -> Option<DateTime<Utc>> {
    Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc())
}

fn spaced(text: &str) -> Option<DateTime<Utc>> {
    let local = text.strip_suffix('Z').unwrap_or(text);
    Some(NaiveDateTime::parse_from_str(local, "%Y-%m-%d %H:%M:%S%.f").ok()?.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form_seen() {
        let forms = [
            ("Thu, 1 Jun 2017 20:48:32 +0000", "2017-06-01T20:48:32Z"),
            ("Thu, 01 Jun 2017 20:48:32 +0000", "2017-06-01T20:48:32Z"),
            ("Fri, 01 Jun 2017 22:48:32 +0200", "2017-06-01T20:48:32Z"),
            ("Sun, 09 Feb 2020 09:30:03 Etc/UTC", "2020-02-09T09:30:03Z"),
            ("2024-01-15T10:30:26.028Z", "2024-01-15T10:30:26.028Z"),
            ("2021-04-28 21:51:18.731479Z", "2021-04-28T21:51:18.731479Z"),
            ("2021-04-28 21:51:18", "2021-04-28T21:51:18Z"),
        ];
        for (text, expected) in forms {
            let expected = DateTime::parse_from_rfc3339(expected).expect(expected).to_utc();
            assert_eq!(read(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_moment() {
        for text in ["", "yesterday", "2021-04-28", "32 Jun 2017 20:48:32 +0000"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
