//! What the packs that apply to a call find.

use chrono::{DateTime, Days, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::json;

use super::{
    Facts, Finding, PermitRequest, Verdict,
    book::Book,
    frequency,
    history::{Past, Reach},
    hours,
    pack::{Frequency, Pack, Rule, Says},
    rules::not_before,
};

/// A holiday is followed by another at most so many days in a row.
const HOLIDAYS_IN_A_ROW: u64 = 14;

/// What every rule of a pack finds at a moment.
pub(super) fn findings(pack: &Pack, book: &Book, request: &PermitRequest, at: DateTime<Utc>) -> Vec<Finding> {
    let consent = pack.rules.iter().find_map(|rule| match rule.says {
        Says::Consent { days } => Some(days),
        _ => None,
    });
    let case = Case { book, request, at, consent };
    pack.rules
        .iter()
        .map(|rule| {
            let (verdict, facts) = case.check(rule);
            Finding { rule: format!("{}/{}", pack.name, rule.id), cite: rule.cite.clone(), verdict, facts }
        })
        .collect()
}

struct Case<'a> {
    book: &'a Book,
    request: &'a PermitRequest,
    at: DateTime<Utc>,
    consent: Option<u16>,
}

impl Case<'_> {
    fn check(&self, rule: &Rule) -> (Verdict, Facts) {
        let Self { request, at, .. } = *self;
        match &rule.says {
            Says::Hours(spans) => {
                let margin = request.margin(TimeDelta::seconds(spans.margin_seconds.into()));
                let open = hours::next_open_for(&spans.windows, &request.zones, margin, at);
                (open.map_or(Verdict::Forbidden, |open| not_before(open, at)), Facts::new())
            }
            Says::Holidays { calendar } => self.holiday(calendar),
            Says::Frequency(limit) => self.frequency(limit),
            Says::Quiet(quiet) => {
                let held = frequency::quiet_until(quiet, request, at).filter(|_| !self.is_asked_for());
                match held {
                    Some((talk, until)) => {
                        let facts = [("conversation_at", json!(talk.conversation_at)), ("call", json!(talk.call))];
                        (Verdict::Until(until), named(facts))
                    }
                    None => (Verdict::Allowed, Facts::new()),
                }
            }
            Says::Consent { .. } => {
                let facts = [("given_at", json!(request.consented_at)), ("holds", json!(self.is_asked_for()))];
                (Verdict::Allowed, named(facts))
            }
            Says::AfterAbandoned { hours, unless_agent_reserved } => {
                if *unless_agent_reserved && request.agent_reserved {
                    return (Verdict::Allowed, Facts::new());
                }
                let last = request.history.iter().find(|past| past.same_number && past.reach == Reach::Abandoned);
                let until = last.map(|past| past.at + TimeDelta::hours((*hours).into()));
                (until.map_or(Verdict::Allowed, |until| not_before(until, at)), Facts::new())
            }
        }
    }

    /// The person asked for the call, and the consent holds for the limits of this pack.
    fn is_asked_for(&self) -> bool {
        let given = self.consent.zip(self.request.consented_at);
        given.is_some_and(|(days, given)| frequency::consent_holds(given, days, self.request, self.at))
    }

    fn frequency(&self, limit: &Frequency) -> (Verdict, Facts) {
        let found = frequency::count(limit, self.consent, self.request, self.at);
        let calls: Vec<_> = found.counted.iter().filter_map(|past: &Past| past.call).collect();
        let facts = named([
            ("counted", json!(found.counted.len())),
            ("at_most", json!(limit.at_most)),
            ("oldest_at", json!(found.counted.last().map(|past| past.at))),
            ("calls", json!(calls)),
        ]);
        if self.is_asked_for() {
            return (Verdict::Allowed, facts);
        }
        (not_before(found.allowed_at, self.at), facts)
    }

    fn holiday(&self, calendar: &str) -> (Verdict, Facts) {
        let ends = self.request.zones.iter().filter_map(|zone| self.holiday_ends(calendar, *zone));
        match ends.max_by_key(|(end, _)| *end) {
            Some((end, name)) => (Verdict::Until(end), named([("holiday", json!(name))])),
            None => (Verdict::Allowed, Facts::new()),
        }
    }

    /// The start of the first day in `zone` that is no holiday, and the name of the present one.
    fn holiday_ends(&self, calendar: &str, zone: Tz) -> Option<(DateTime<Utc>, &str)> {
        let today = self.at.with_timezone(&zone).date_naive();
        let name = self.book.holiday(calendar, today)?;
        let working = (1..=HOLIDAYS_IN_A_ROW)
            .map(|days| today + Days::new(days))
            .find(|day| self.book.holiday(calendar, *day).is_none());
        Some((hours::start_of_day(working.unwrap_or(today + Days::new(HOLIDAYS_IN_A_ROW)), zone), name))
    }
}

fn named<const N: usize>(facts: [(&str, serde_json::Value); N]) -> Facts {
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
