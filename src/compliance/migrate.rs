//! Attempts of another dialer, taken over so that counts do not begin at zero.
//!
//! A CSV file with a header: `number` (E.164), `at` (RFC 3339), `result`, and where known `account` (account number),
//! `portfolio` (where several have that account number) and `direction` (`outbound` unless given). An attempt counts for
//! its account, and for every account and person with its number.

use std::io::Read;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use super::history::Reach;
use crate::{
    call::Direction,
    error::{Error, Result},
    phone::Phone,
};

/// How far back attempts are taken, in days: no limit of a pack looks further.
const DAYS: i64 = 31;

/// An attempt of another dialer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Line of the file.
    pub line: u64,
    /// The debtor's number.
    pub number: Phone,
    /// Number of the account.
    pub account: Option<String>,
    /// Portfolio of the account.
    pub portfolio: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// Who called whom.
    pub direction: Direction,
    /// What it reached.
    pub reach: Reach,
}

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Attempts of the last 31 days.
    pub attempts: Vec<Attempt>,
    /// Rows that are older: they count for nothing any more.
    pub too_old: u64,
    /// Lines that cannot be used, and why; never the contents.
    pub refused: Vec<(u64, &'static str)>,
}

#[derive(Deserialize)]
struct Line {
    number: String,
    at: String,
    result: String,
    #[serde(default)]
    account: Option<String>,
    #[serde(default)]
    portfolio: Option<String>,
    #[serde(default)]
    direction: Option<String>,
}

/// Reads a file as of `now`.
///
/// # Errors
/// [`Error::Invalid`] if it is no CSV file with the columns it needs.
pub fn read(file: impl Read, now: DateTime<Utc>) -> Result<Found> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
    let header = reader.headers().map_err(|_| Error::invalid("file", "is no CSV file with a header"))?.clone();
    if let Some(missing) = ["number", "at", "result"].iter().find(|name| !header.iter().any(|column| column == **name))
    {
        return Err(Error::invalid("file", format!("has no column {missing}")));
    }
    let mut found = Found::default();
    for record in reader.records() {
        let (line, row) = match record {
            Ok(record) => (record.position().map_or(0, csv::Position::line), record.deserialize(Some(&header))),
            Err(error) => (error.position().map_or(0, csv::Position::line), Err(error)),
        };
        match row.map_err(|_| "cannot be read").and_then(|row: Line| row.read(line)) {
            Ok(attempt) if attempt.at > now => found.refused.push((line, "at is in the future")),
            Ok(attempt) if attempt.at < now - TimeDelta::days(DAYS) => found.too_old += 1,
            Ok(attempt) => found.attempts.push(attempt),
            Err(why) => found.refused.push((line, why)),
        }
    }
    Ok(found)
}

impl Line {
    fn read(self, line: u64) -> std::result::Result<Attempt, &'static str> {
        let direction = match self.direction.as_deref().unwrap_or_default().to_ascii_lowercase().as_str() {
            "" | "outbound" | "out" => Direction::Outbound,
            "inbound" | "in" => Direction::Inbound,
            _ => return Err("direction is neither outbound nor inbound"),
        };
        let at = DateTime::parse_from_rfc3339(&self.at).map_err(|_| "at is no moment such as 2026-03-10T15:00:00Z")?;
        Ok(Attempt {
            line,
            number: self.number.parse().map_err(|_| "number is not in E.164 form")?,
            account: self.account.filter(|account| !account.is_empty()),
            portfolio: self.portfolio.filter(|portfolio| !portfolio.is_empty()),
            at: at.to_utc(),
            direction,
            reach: reach(&self.result),
        })
    }
}

/// What a result of another dialer says; what nobody knows counts as an attempt.
fn reach(result: &str) -> Reach {
    let name = result.to_ascii_lowercase().replace([' ', '-'], "_");
    match name.as_str() {
        "b" | "ab" => Reach::Busy,
        "na" | "n" | "no_answer" | "noanswer" => Reach::Ring,
        "a" | "aa" | "am" | "al" | "machine" | "answering_machine" => Reach::Voicemail,
        "dc" | "adc" | "disconnected" | "not_in_service" | "invalid" => Reach::NotConnected,
        "drop" | "pdrop" => Reach::Abandoned,
        "rpc" | "right_party" | "contact" | "promise" | "ptp" => Reach::Conversation,
        "wrong_party" | "third_party" | "hung_up" => Reach::Answered,
        _ => Reach::from_name(&name).unwrap_or(Reach::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_refused_or_too_old() {
        let now: DateTime<Utc> = "2026-03-10T15:00:00Z".parse().unwrap();
        let file = "number,at,result,account,direction\n\
                    +12125550100,2026-03-09T15:00:00Z,No Answer,A-1,\n\
                    +12125550100,2026-03-09T10:00:00-05:00,something new,,\n\
                    +12125550101,2026-03-01T15:00:00Z,conversation,,inbound\n\
                    +12125550100,2026-01-01T15:00:00Z,busy,,\n\
                    555,2026-03-09T15:00:00Z,busy,,\n\
                    +12125550100,yesterday,busy,,\n\
                    +12125550100,2026-03-11T15:00:00Z,busy,,\n\
                    +12125550100,2026-03-09T15:00:00Z,busy,,sideways\n";
        let found = read(file.as_bytes(), now).unwrap();
        let reaches: Vec<Reach> = found.attempts.iter().map(|attempt| attempt.reach).collect();
        assert_eq!(reaches, [Reach::Ring, Reach::Unknown, Reach::Conversation]);
        assert_eq!(found.attempts[0].account.as_deref(), Some("A-1"));
        assert_eq!(found.attempts[1].at, found.attempts[0].at);
        assert_eq!(found.attempts[2].direction, Direction::Inbound);
        assert_eq!(found.too_old, 1);
        assert_eq!(found.refused.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [6, 7, 8, 9]);
    }

    #[test]
    fn a_file_without_a_column_is_refused() {
        let refused = read("number,result\n".as_bytes(), DateTime::UNIX_EPOCH);
        assert!(matches!(refused, Err(Error::Invalid { detail, .. }) if detail == "has no column at"));
    }
}
