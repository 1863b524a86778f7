//! Counting attempts: how many of the past count together, and when the count allows the next.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use super::{
    PermitRequest,
    history::Past,
    hours::start_of_day,
    pack::{Frequency, Per, Quiet, Span, Where},
};

/// What a limit found.
pub(super) struct Count {
    /// The attempts that count now, newest first, in the zone where they are most.
    pub(super) counted: Vec<Past>,
    /// The earliest moment, not before the one asked about, at which the count allows another.
    pub(super) allowed_at: DateTime<Utc>,
}

/// Counts the past against `limit` at a moment. `consent_days`: attempts made within so many days of being asked for do
/// not count (12 CFR 1006.14(b)(3)(i)).
pub(super) fn count(limit: &Frequency, consent_days: Option<u16>, request: &PermitRequest, at: DateTime<Utc>) -> Count {
    let elsewhere = limit.place.is_some_and(|place| (place == Where::Work) != request.at_work);
    if elsewhere {
        return Count { counted: Vec::new(), allowed_at: at };
    }
    let counts = |past: &&Past| {
        past.at <= at
            && limit.counts.contains(&past.reach)
            && concerns(limit.per, past)
            && (limit.place.is_none() || past.at_work == request.at_work)
            && !consent_days.is_some_and(|days| was_asked_for(past, days, request))
    };
    let past: Vec<&Past> = request.history.iter().filter(counts).collect();
    let mut found = Count { counted: Vec::new(), allowed_at: at };
    for zone in &request.zones {
        let counted: Vec<Past> =
            past.iter().filter(|past| limit.span.holds(past.at, *zone, at)).map(|past| (*past).clone()).collect();
        let oldest_in_the_way = usize::from(limit.at_most).checked_sub(1).and_then(|index| counted.get(index));
        let allowed_at = oldest_in_the_way.map_or(at, |past| limit.span.leaves(past.at, *zone));
        found.allowed_at = found.allowed_at.max(allowed_at);
        if counted.len() > found.counted.len() {
            found.counted = counted;
        }
    }
    found
}

/// The conversation that keeps quiet longest, and until when; `None`: nothing does.
pub(super) fn quiet_until(quiet: &Quiet, request: &PermitRequest, at: DateTime<Utc>) -> Option<(Past, DateTime<Utc>)> {
    let days = Days::new(quiet.days.into());
    let ends = request.history.iter().filter(|past| concerns(quiet.per, past)).flat_map(|past| {
        let ends = past
            .conversation_at
            .into_iter()
            .flat_map(|talk| request.zones.iter().map(move |zone| start_of_day(local_day(talk, *zone) + days, *zone)));
        ends.map(move |end| (past, end))
    });
    ends.filter(|(_, end)| *end > at).max_by_key(|(_, end)| *end).map(|(past, end)| (past.clone(), end))
}

/// Whether the consent given at `given` holds: so many days, the day it was given the first, and no conversation since.
pub(super) fn consent_holds(given: DateTime<Utc>, days: u16, request: &PermitRequest, at: DateTime<Utc>) -> bool {
    let within =
        request.zones.iter().all(|zone| local_day(at, *zone) < local_day(given, *zone) + Days::new(days.into()));
    let ended = request.history.iter().filter(|past| past.same_person).filter_map(|past| past.conversation_at);
    given <= at && within && !ended.clone().any(|talk| given < talk && talk < at)
}

fn was_asked_for(past: &Past, days: u16, request: &PermitRequest) -> bool {
    past.consented_at.is_some_and(|given| consent_holds(given, days, request, past.at))
}

fn concerns(per: Per, past: &Past) -> bool {
    match per {
        Per::Number => past.same_number,
        Per::Person => past.same_person,
        Per::Debt => past.same_person && past.same_account,
        Per::Account => past.same_account,
    }
}

impl Span {
    /// Whether an attempt at `past` lies in the span that ends `at`.
    fn holds(self, past: DateTime<Utc>, zone: Tz, at: DateTime<Utc>) -> bool {
        self.leaves(past, zone) > at
    }

    /// The first moment at which an attempt at `past` has left the span.
    fn leaves(self, past: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
        let day = local_day(past, zone);
        match self {
            Self::Days(days) => start_of_day(day + Days::new(days.into()), zone),
            Self::Hours(hours) => past + TimeDelta::hours(hours.into()),
            Self::Week => start_of_day(day + Days::new(u64::from(7 - day.weekday().num_days_from_monday())), zone),
            Self::Month => start_of_day(day.with_day(1).unwrap_or(day) + Months::new(1), zone),
        }
    }
}

fn local_day(at: DateTime<Utc>, zone: Tz) -> NaiveDate {
    at.with_timezone(&zone).date_naive()
}
