//! Connection overrides: the fragment of a callback address, e.g. `#rc=3&rp=ct,rt,5xx`. Not sent and not signed.

use std::time::Duration;

/// How a request to the application is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a set of conditions, each of which is on or off")]
pub(super) struct Overrides {
    /// Tries after the first; 0 to 5.
    pub(super) retries: u8,
    /// Time to connect and to answer, together.
    pub(super) patience: Duration,
    /// Retry when the connection fails.
    on_connect: bool,
    /// Retry when no answer comes in time.
    on_timeout: bool,
    /// Retry after an answer of 400 to 499.
    on_4xx: bool,
    /// Retry after an answer of 500 to 599.
    on_5xx: bool,
}

/// What became of one try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tried {
    /// The application answered with this status.
    Answered(u16),
    /// Nobody took the connection.
    NoConnection,
    /// No answer in time.
    TimedOut,
}

/// Splits an address as it was configured into what is requested and signed, and how.
pub(super) fn split(url: &str) -> (&str, Overrides) {
    let (url, fragment) = url.split_once('#').unwrap_or((url, ""));
    (url, Overrides::parse(fragment))
}

impl Overrides {
    fn parse(fragment: &str) -> Self {
        let value = |key: &str| {
            fragment.split('&').filter_map(|part| part.split_once('=')).find(|(name, _)| *name == key).map(|(_, v)| v)
        };
        let number = |key: &str, default: u64| value(key).and_then(|text| text.parse().ok()).unwrap_or(default);
        let millis = |key, default, most| number(key, default).clamp(100, most);
        let policy = value("rp").unwrap_or("ct");
        let listed = |name| policy.split(',').any(|part| part == name || part == "all");
        let patience = (millis("ct", 5_000, 10_000) + millis("rt", 15_000, 15_000)).min(millis("tt", 15_000, 15_000));
        Self {
            retries: u8::try_from(number("rc", 1).min(5)).unwrap_or(5),
            patience: Duration::from_millis(patience),
            on_connect: listed("ct"),
            on_timeout: listed("rt"),
            on_4xx: listed("4xx"),
            on_5xx: listed("5xx"),
        }
    }

    /// Whether a try that went like this is worth another.
    pub(super) fn retry_after(&self, tried: Tried) -> bool {
        match tried {
            Tried::NoConnection => self.on_connect,
            Tried::TimedOut => self.on_timeout,
            Tried::Answered(status) => match status {
                400..=499 => self.on_4xx,
                500..=599 => self.on_5xx,
                _ => false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_fragment_only_a_failed_connection_is_retried_once() {
        let (url, overrides) = split("http://app/status?call=1");
        assert_eq!(url, "http://app/status?call=1");
        assert_eq!(overrides.retries, 1);
        assert!(overrides.retry_after(Tried::NoConnection));
        assert!(!overrides.retry_after(Tried::TimedOut));
        assert!(!overrides.retry_after(Tried::Answered(500)));
    }

    #[test]
    fn the_fragment_is_cut_off_and_obeyed_within_its_ranges() {
        let (url, overrides) = split("http://app/status?call=1#rc=9&rp=rt,5xx&ct=1&rt=3000");
        assert_eq!(url, "http://app/status?call=1");
        assert_eq!(overrides.retries, 5);
        assert_eq!(overrides.patience, Duration::from_millis(3_100));
        assert!(overrides.retry_after(Tried::Answered(503)));
        assert!(overrides.retry_after(Tried::TimedOut));
        assert!(!overrides.retry_after(Tried::NoConnection));
        assert!(!overrides.retry_after(Tried::Answered(403)));
    }
}
