//! What the fields of a pack may be. Every refusal names the key and its range.

use std::{collections::HashSet, ops::RangeInclusive};

use super::{Applies, Frequency, Hours, Pack, Rule, Says, Span, file::Fault};
use crate::compliance::{book::ANYWHERE, history};

/// Days that a rule may look back: what a history holds, less a day for the zones.
const DAYS: RangeInclusive<u32> = 1..=history::DAYS - 1;

pub(super) fn pack(file: &str, pack: &Pack) -> Result<(), Fault> {
    if format!("{}.toml", pack.name) != file.rsplit('/').next().unwrap_or_default() {
        return Err(fault("name", "must be the name of the file, without .toml"));
    }
    range("version", pack.version, 1..=u32::MAX)?;
    filled("title", &pack.title)?;
    if !pack.note.to_lowercase().contains("not legal advice") {
        return Err(fault("note", "must say that the pack is not legal advice"));
    }
    if pack.from.zip(pack.until).is_some_and(|(from, until)| from > until) {
        return Err(fault("until", "must not be before `from`"));
    }
    if let Some(applies) = &pack.applies {
        scope(applies)?;
    }
    let mut ids = HashSet::new();
    for (index, rule) in pack.rules.iter().enumerate() {
        one(index, rule)?;
        if !ids.insert(rule.id.as_str()) {
            return Err(fault(format!("rule[{index}].id"), "stands twice"));
        }
    }
    for (index, prompt) in pack.prompts.iter().enumerate() {
        let key = |name: &str| format!("prompt[{index}].{name}");
        name(key("id"), &prompt.id)?;
        filled(key("text"), &prompt.text)?;
        filled(key("cite"), &prompt.cite)?;
        if !ids.insert(prompt.id.as_str()) {
            return Err(fault(key("id"), "stands twice"));
        }
    }
    Ok(())
}

fn scope(applies: &Applies) -> Result<(), Fault> {
    let empty = [
        ("applies.parties", applies.parties.is_empty()),
        ("applies.collectors", applies.collectors.is_empty()),
        ("applies.purposes", applies.purposes.is_empty()),
        ("applies.jurisdictions", applies.jurisdictions.is_empty()),
    ];
    if let Some((key, _)) = empty.into_iter().find(|(_, empty)| *empty) {
        return Err(fault(key, "must name at least one"));
    }
    let well_formed = |place: &String| {
        let parts: Vec<&str> = place.split('-').collect();
        parts[0].len() == 2 && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_uppercase()))
    };
    if !applies.jurisdictions.iter().all(|place| place == ANYWHERE || well_formed(place)) {
        return Err(fault("applies.jurisdictions", "must be written as US, US-MA or US-NY-NYC; `*`: anywhere"));
    }
    if applies.debt_at_most.as_ref().is_some_and(|limit| limit.minor <= 0 || limit.currency.len() != 3) {
        return Err(fault("applies.debt_at_most", "must be more than 0 minor units of an ISO 4217 currency"));
    }
    Ok(())
}

fn one(index: usize, rule: &Rule) -> Result<(), Fault> {
    let key = |name: &str| format!("rule[{index}].{name}");
    name(key("id"), &rule.id)?;
    filled(key("cite"), &rule.cite)?;
    match &rule.says {
        Says::Hours(hours) => windows(&key("hours"), hours),
        Says::Holidays { calendar } => filled(key("holidays"), calendar),
        Says::Frequency(limit) => frequency(&key("frequency"), limit),
        Says::Quiet(quiet) => range(key("quiet.days"), quiet.days.into(), DAYS),
        Says::Consent { days } => range(key("consent_days"), (*days).into(), DAYS),
        Says::AfterAbandoned { hours, .. } => {
            range(key("after_abandoned.hours"), (*hours).into(), 1..=*DAYS.end() * 24)
        }
    }
}

fn windows(key: &str, hours: &Hours) -> Result<(), Fault> {
    if hours.windows.is_empty() {
        return Err(fault(format!("{key}.windows"), "must hold at least one span"));
    }
    for (index, window) in hours.windows.iter().enumerate() {
        if window.days.is_empty() {
            return Err(fault(format!("{key}.windows[{index}].days"), "must name at least one day, Mon to Sun"));
        }
        if window.from >= window.to {
            return Err(fault(format!("{key}.windows[{index}].to"), "must be later than `from`, on the same day"));
        }
    }
    range(format!("{key}.margin_seconds"), hours.margin_seconds.into(), 0..=3600)
}

fn frequency(key: &str, limit: &Frequency) -> Result<(), Fault> {
    range(format!("{key}.at_most"), limit.at_most.into(), 1..=1000)?;
    if limit.counts.is_empty() {
        return Err(fault(format!("{key}.counts"), "must name at least one kind of attempt"));
    }
    match limit.span {
        Span::Days(days) => range(format!("{key}.days"), days.into(), DAYS),
        Span::Hours(hours) => range(format!("{key}.hours"), hours.into(), 1..=*DAYS.end() * 24),
        Span::Week | Span::Month => Ok(()),
    }
}

fn name(key: String, text: &str) -> Result<(), Fault> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
        return Ok(());
    }
    Err(fault(key, "must have 1 to 64 characters of a-z, 0-9 and _"))
}

fn filled(key: impl Into<String>, text: &str) -> Result<(), Fault> {
    if text.trim().is_empty() { Err(fault(key, "must not be empty")) } else { Ok(()) }
}

fn range(key: impl Into<String>, value: u32, allowed: RangeInclusive<u32>) -> Result<(), Fault> {
    if allowed.contains(&value) {
        return Ok(());
    }
    Err(fault(key, format!("must be {} to {}", allowed.start(), allowed.end())))
}

fn fault(key: impl Into<String>, detail: impl Into<String>) -> Fault {
    (key.into(), detail.into())
}
