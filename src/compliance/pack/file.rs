//! How a pack is written: TOML, one file a pack. A rule holds exactly one of the tables that say what it says.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, de::DeserializeOwned};

use super::{Applies, Frequency, Hours, Pack, Per, Prompt, Quiet, Rule, Says, Span, Where, check};
use crate::{
    compliance::{calendar, history::Reach},
    error::{Error, Result},
};

/// Reads and checks the pack of a file called `file`.
///
/// # Errors
/// [`Error::Invalid`] naming the file and the key.
pub(in crate::compliance) fn read(file: &str, text: &str) -> Result<Pack> {
    let written: Written = parse(file, text)?;
    let pack = written.pack().map_err(|(key, detail)| Error::invalid(format!("{file}: {key}"), detail))?;
    check::pack(file, &pack).map_err(|(key, detail)| Error::invalid(format!("{file}: {key}"), detail))?;
    Ok(pack)
}

/// Reads TOML; a refusal names the file and the key.
pub(in crate::compliance) fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<T> {
    let wrong = |key: &str, detail: &str| Error::invalid(format!("{file}: {key}"), detail.to_owned());
    let toml = toml::Deserializer::parse(text).map_err(|error| wrong("file", error.message()))?;
    serde_path_to_error::deserialize(toml).map_err(|error| {
        let key = error.path().to_string();
        wrong(&key, error.inner().message())
    })
}

/// What is wrong: the key, and how.
pub(super) type Fault = (String, String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    version: u32,
    title: String,
    note: String,
    from: Option<NaiveDate>,
    until: Option<NaiveDate>,
    #[serde(default)]
    base: bool,
    applies: Option<Applies>,
    #[serde(default)]
    identity_first: bool,
    #[serde(default)]
    rule: Vec<WrittenRule>,
    #[serde(default)]
    prompt: Vec<Prompt>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    id: String,
    cite: String,
    #[serde(default)]
    note: String,
    hours: Option<Hours>,
    holidays: Option<String>,
    frequency: Option<WrittenFrequency>,
    quiet: Option<Quiet>,
    consent_days: Option<u16>,
    after_abandoned: Option<AfterAbandoned>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFrequency {
    at_most: u16,
    days: Option<u16>,
    hours: Option<u16>,
    calendar: Option<Calendar>,
    per: Per,
    #[serde(default = "counted")]
    counts: Vec<Reach>,
    place: Option<Where>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Calendar {
    Week,
    Month,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AfterAbandoned {
    hours: u16,
    #[serde(default)]
    unless_agent_reserved: bool,
}

fn counted() -> Vec<Reach> {
    Reach::COUNTED.to_vec()
}

impl Written {
    fn pack(self) -> Result<Pack, Fault> {
        if self.base == self.applies.is_some() {
            return Err(("applies".to_owned(), "either `base = true` or a table `applies`".to_owned()));
        }
        let rules =
            self.rule.into_iter().enumerate().map(|(index, rule)| rule.read(index)).collect::<Result<_, _>>()?;
        Ok(Pack {
            name: self.name,
            version: self.version,
            title: self.title,
            note: self.note,
            from: self.from,
            until: self.until,
            applies: self.applies,
            rules,
            prompts: self.prompt,
            identity_first: self.identity_first,
        })
    }
}

impl WrittenRule {
    fn read(self, index: usize) -> Result<Rule, Fault> {
        let frequency = self.frequency.map(|written| written.read(index)).transpose()?;
        let said = [
            self.hours.map(Says::Hours),
            self.holidays.map(|calendar| Says::Holidays { calendar }),
            frequency.map(Says::Frequency),
            self.quiet.map(Says::Quiet),
            self.consent_days.map(|days| Says::Consent { days }),
            self.after_abandoned.map(|AfterAbandoned { hours, unless_agent_reserved }| Says::AfterAbandoned {
                hours,
                unless_agent_reserved,
            }),
        ];
        let mut said = said.into_iter().flatten();
        let (Some(says), None) = (said.next(), said.next()) else {
            let one_of = "exactly one of hours, holidays, frequency, quiet, consent_days, after_abandoned";
            return Err((format!("rule[{index}]"), one_of.to_owned()));
        };
        Ok(Rule { id: self.id, cite: self.cite, note: self.note, says })
    }
}

impl WrittenFrequency {
    fn read(self, index: usize) -> Result<Frequency, Fault> {
        let span = match (self.days, self.hours, self.calendar) {
            (Some(days), None, None) => Span::Days(days),
            (None, Some(hours), None) => Span::Hours(hours),
            (None, None, Some(Calendar::Week)) => Span::Week,
            (None, None, Some(Calendar::Month)) => Span::Month,
            _ => {
                let detail = "exactly one of days, hours, calendar".to_owned();
                return Err((format!("rule[{index}].frequency"), detail));
            }
        };
        let Self { at_most, per, counts, place, .. } = self;
        Ok(Frequency { at_most, span, per, counts, place })
    }
}

/// Reads and checks the calendars of holidays.
///
/// # Errors
/// [`Error::Invalid`] naming the file and the key.
pub(in crate::compliance) fn read_calendars(file: &str, text: &str) -> Result<BTreeMap<String, calendar::Calendar>> {
    let calendars: BTreeMap<String, calendar::Calendar> = parse(file, text)?;
    for (name, calendar) in &calendars {
        if let Some(wrong) = calendar.days.iter().find(|day| !day.rule.is_possible()) {
            return Err(Error::invalid(format!("{file}: {name}"), format!("there is no such day: {}", wrong.name)));
        }
    }
    Ok(calendars)
}
