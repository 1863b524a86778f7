//! What a campaign's fields may be. Every refusal names the field and its range.

use std::ops::RangeInclusive;

use chrono::NaiveTime;

use super::{HoursRule, Limits, RetryMinutes, Settings, Weights, spoken};
use crate::{
    account,
    compliance::book::Book,
    error::{Error, Result},
};

/// Texts that are spoken or shown, in characters.
const TEXT: usize = 2000;
/// The only values that a law's own numbers allow are inside of these; see `Limits`.
const RING_SECONDS: RangeInclusive<u32> = 15..=60;

pub(super) fn name(name: &str) -> Result<()> {
    length("name", name, 1..=80)
}

pub(super) fn ratio(ratio_milli: u32) -> Result<()> {
    range("ratio_milli", ratio_milli, 1000..=5000)
}

pub(super) fn settings(settings: &Settings, book: &Book) -> Result<()> {
    weights(&settings.weights)?;
    limits(&settings.limits)?;
    retry(&settings.retry)?;
    for (index, rule) in settings.hours.iter().enumerate() {
        hours(index, rule)?;
    }
    if let Some(portfolio) = &settings.list.portfolio {
        length("settings.list.portfolio", portfolio, 1..=64)?;
    }
    if settings.list.min_collectible_minor < 1 {
        return Err(Error::invalid("settings.list.min_collectible_minor", "must be 1 or more minor units"));
    }
    if !book.bases().any(|name| name == settings.policy) {
        let known: Vec<&str> = book.bases().collect();
        let detail = format!("is no pack that a campaign may name; there is: {}", known.join(", "));
        return Err(Error::invalid("settings.policy", detail));
    }
    if settings.languages.len() > 50 {
        return Err(Error::invalid("settings.languages", "must hold at most 50"));
    }
    for (index, language) in settings.languages.iter().enumerate() {
        if !account::consent::is_language(language) {
            let field = format!("settings.languages[{index}]");
            return Err(Error::invalid(field, "must be a BCP 47 tag such as `es` or `fr-CA`"));
        }
    }
    length("settings.disposition_set", &settings.disposition_set, 1..=64)?;
    length("settings.script", &settings.script, 0..=10_000)?;
    length("settings.creditor_name", &settings.creditor_name, 0..=120)?;
    length("settings.abandoned_message", &settings.abandoned_message, 0..=TEXT)?;
    length("settings.machine_message", &settings.machine_message, 0..=TEXT)?;
    spoken::message("settings.abandoned_message", &settings.abandoned_message, settings)?;
    spoken::message("settings.machine_message", &settings.machine_message, settings)
}

/// What a campaign must have beyond valid settings before it may dial.
pub(super) fn startable(settings: &Settings) -> Result<()> {
    if settings.caller_ids.is_empty() {
        return Err(Error::invalid("settings.caller_ids", "must hold at least one number before the campaign dials"));
    }
    if settings.hours.is_empty() {
        return Err(Error::invalid("settings.hours", "must hold at least one span before the campaign dials"));
    }
    // 16 CFR 310.4(b)(4)(iii): who was left without an agent hears who called
    if settings.creditor_name.trim().is_empty() {
        let detail = "must be given before the campaign dials: whoever is left without an agent hears who called";
        return Err(Error::invalid("settings.creditor_name", detail));
    }
    Ok(())
}

fn weights(weights: &Weights) -> Result<()> {
    let Weights { balance, age, promise_history, freshness, reach, answer_chance } = *weights;
    let named = [
        ("balance", balance),
        ("age", age),
        ("promise_history", promise_history),
        ("freshness", freshness),
        ("reach", reach),
        ("answer_chance", answer_chance),
    ];
    named.into_iter().try_for_each(|(name, value)| range(&format!("settings.weights.{name}"), value.into(), 0..=1000))
}

fn limits(limits: &Limits) -> Result<()> {
    let named = [
        ("ring_seconds", u32::from(limits.ring_seconds), RING_SECONDS),
        ("hold_seconds", limits.hold_seconds.into(), 1..=10),
        ("wrap_up_seconds", limits.wrap_up_seconds.into(), 5..=600),
        ("max_lines", limits.max_lines.into(), 1..=1000),
        ("attempts_per_number_per_day", limits.attempts_per_number_per_day.into(), 1..=10),
        ("attempts_per_person_per_week", limits.attempts_per_person_per_week.into(), 1..=7),
        ("attempts_per_account", limits.attempts_per_account.into(), 1..=100),
        ("promise_grace_days", limits.promise_grace_days.into(), 0..=30),
        ("promise_tolerance_percent", limits.promise_tolerance_percent.into(), 0..=50),
        ("promise_tolerance_minor", limits.promise_tolerance_minor, 0..=1_000_000),
    ];
    named.into_iter().try_for_each(|(name, value, allowed)| range(&format!("settings.limits.{name}"), value, allowed))
}

fn retry(retry: &RetryMinutes) -> Result<()> {
    let RetryMinutes { busy, no_answer, machine, failed, abandoned, canceled, contact } = *retry;
    let named = [
        ("busy", busy),
        ("no_answer", no_answer),
        ("machine", machine),
        ("failed", failed),
        ("abandoned", abandoned),
        ("canceled", canceled),
        ("contact", contact),
    ];
    named.into_iter().try_for_each(|(name, value)| range(&format!("settings.retry.{name}"), value.into(), 1..=43_200))
}

fn hours(index: usize, rule: &HoursRule) -> Result<()> {
    let field = |name: &str| format!("settings.hours[{index}].{name}");
    if rule.days.is_empty() {
        return Err(Error::invalid(field("days"), "must name at least one day, Mon to Sun"));
    }
    if rule.from >= rule.to {
        return Err(Error::invalid(field("to"), "must be later than `from`, on the same day"));
    }
    // 47 CFR 64.1200(c)(1), 12 CFR 1006.6(b)(1): no call before 8 or after 21 h
    let (earliest, latest) = (NaiveTime::from_hms_opt(8, 0, 0), NaiveTime::from_hms_opt(21, 0, 0));
    if Some(rule.from) < earliest {
        return Err(Error::invalid(field("from"), "must be 08:00:00 or later"));
    }
    if Some(rule.to) > latest {
        return Err(Error::invalid(field("to"), "must be 21:00:00 or earlier"));
    }
    Ok(())
}

fn range(field: &str, value: u32, allowed: RangeInclusive<u32>) -> Result<()> {
    if allowed.contains(&value) {
        return Ok(());
    }
    Err(Error::invalid(field, format!("must be {} to {}", allowed.start(), allowed.end())))
}

fn length(field: &str, text: &str, allowed: RangeInclusive<usize>) -> Result<()> {
    if allowed.contains(&text.chars().count()) {
        return Ok(());
    }
    Err(Error::invalid(field, format!("must have {} to {} characters", allowed.start(), allowed.end())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut Settings)) -> (String, String) {
        let mut changed = Settings::default();
        change(&mut changed);
        match settings(&changed, &Book::shipped().unwrap()) {
            Err(Error::Invalid { field, detail }) => (field, detail),
            other => panic!("not refused: {other:?}"),
        }
    }

    #[test]
    fn the_defaults_are_valid_but_lack_a_caller_id() {
        assert!(settings(&Settings::default(), &Book::shipped().unwrap()).is_ok());
        assert!(
            matches!(startable(&Settings::default()), Err(Error::Invalid { field, .. }) if field == "settings.caller_ids")
        );
    }

    #[test]
    fn a_refusal_names_the_field_and_its_range() {
        let ring = refused(|settings| settings.limits.ring_seconds = 14);
        assert_eq!(ring, ("settings.limits.ring_seconds".to_owned(), "must be 15 to 60".to_owned()));
        let weight = refused(|settings| settings.weights.age = 1001);
        assert_eq!(weight, ("settings.weights.age".to_owned(), "must be 0 to 1000".to_owned()));
        let rest = refused(|settings| settings.retry.busy = 0);
        assert_eq!(rest, ("settings.retry.busy".to_owned(), "must be 1 to 43200".to_owned()));
    }

    #[test]
    fn calling_hours_keep_within_the_law() {
        let before_eight = refused(|settings| settings.hours[0].from = NaiveTime::from_hms_opt(7, 59, 59).unwrap());
        assert_eq!(before_eight.0, "settings.hours[0].from");
        let after_nine = refused(|settings| settings.hours[0].to = NaiveTime::from_hms_opt(21, 0, 1).unwrap());
        assert_eq!(after_nine.0, "settings.hours[0].to");
        assert_eq!(refused(|settings| settings.hours[0].days.clear()).0, "settings.hours[0].days");
    }

    #[test]
    fn a_campaign_that_dials_says_who_calls_and_speaks_languages_by_their_tags() {
        let number = "+15555550100".parse().unwrap();
        let nameless = Settings { caller_ids: vec![number], ..Settings::default() };
        assert!(matches!(startable(&nameless), Err(Error::Invalid { field, .. }) if field == "settings.creditor_name"));
        assert!(startable(&Settings { creditor_name: "Example".to_owned(), ..nameless }).is_ok());
        assert_eq!(refused(|settings| settings.languages = vec!["Spanish".to_owned()]).0, "settings.languages[0]");
        assert_eq!(refused(|settings| settings.abandoned_message = "Bye.".to_owned()).0, "settings.abandoned_message");
    }

    #[test]
    fn an_unknown_policy_is_refused() {
        assert_eq!(refused(|settings| settings.policy = "anything".to_owned()).0, "settings.policy");
    }
}
