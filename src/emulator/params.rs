//! What the carrier tells about a call, in its own words.

use std::fmt::Display;

use chrono::{DateTime, Utc};

use super::leg::{Direction, Leg};

/// Names and values in the order in which they are sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// Adds a value.
    pub(super) fn with(mut self, name: &str, value: impl Display) -> Self {
        self.0.push((name.to_owned(), format!("{value}")));
        self
    }

    /// Adds a value where there is one.
    pub(super) fn with_some(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Adds all of another list.
    pub(super) fn and(mut self, more: Self) -> Self {
        self.0.extend(more.0);
        self
    }

    /// Names and values.
    pub(super) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// As the body of a form or the query of an address.
    pub(super) fn encoded(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}

/// The base set that comes with every voice request and every status callback.
pub(super) fn base(account_sid: &str, leg: &Leg) -> Params {
    let mut params = Params::default()
        .with("CallSid", &leg.sid)
        .with("AccountSid", account_sid)
        .with("From", &leg.from)
        .with("To", &leg.to)
        .with("CallStatus", leg.status.told())
        .with("ApiVersion", "2010-04-01")
        .with("Direction", leg.direction.name())
        .with_some("ParentCallSid", leg.parent.as_ref())
        .with_some("AnsweredBy", leg.answered_by.as_ref().filter(|_| leg.tells_answered_by));
    if leg.direction == Direction::Inbound {
        params = params.with("CallerName", "").with("StirVerstat", "TN-Validation-Passed-A");
    }
    params.and(place("From", &leg.from)).and(place("To", &leg.to)).and(legacy(leg))
}

/// The names of earlier versions, which still come.
fn legacy(leg: &Leg) -> Params {
    Params::default()
        .with("Caller", &leg.from)
        .with("Called", &leg.to)
        .and(place("Caller", &leg.from))
        .and(place("Called", &leg.to))
}

fn place(prefix: &str, number: &str) -> Params {
    ["City", "State", "Zip"]
        .into_iter()
        .fold(Params::default(), |params, part| params.with(&format!("{prefix}{part}"), ""))
        .with(&format!("{prefix}Country"), country(number))
}

/// Enough to look like the carrier; nobody decides by it.
fn country(number: &str) -> &'static str {
    const CODES: [(&str, &str); 7] =
        [("+1", "US"), ("+44", "GB"), ("+49", "DE"), ("+33", "FR"), ("+34", "ES"), ("+39", "IT"), ("+31", "NL")];
    CODES.iter().find(|(code, _)| number.starts_with(code)).map_or("", |(_, country)| country)
}

/// RFC 2822 with the day in two digits, e.g. `Thu, 01 Jun 2017 20:48:33 +0000`.
pub(super) fn rfc2822(at: DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S +0000").to_string()
}
