//! Every rule of every shipped pack at its boundary second and day, in the debtor's zone, across a change of the clocks.

use chrono::{Datelike, Days, Months, NaiveTime, TimeDelta, TimeZone};

use super::{
    super::{
        pack::{Applies, Frequency, Pack, Rule, Says, Span, Where},
        *,
    },
    questions::{allowed, at, consumer, past, policies},
};
use crate::queue::Hold;

const SECOND: TimeDelta = TimeDelta::seconds(1);
/// No ring takes longer in these requests.
const MARGIN: TimeDelta = TimeDelta::seconds(60);

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A zone where the pack applies, and two days on which its clocks change, if they do.
fn there(jurisdiction: &str) -> (Tz, [NaiveDate; 2]) {
    match jurisdiction {
        "AU" => (chrono_tz::Australia::Sydney, [day("2026-10-04"), day("2027-04-04")]),
        "GB" => (chrono_tz::Europe::London, [day("2026-10-25"), day("2027-03-28")]),
        "IN" => (chrono_tz::Asia::Kolkata, [day("2026-10-25"), day("2027-03-28")]),
        "CA" => (chrono_tz::America::Toronto, [day("2026-11-01"), day("2027-03-14")]),
        "US-CA" => (chrono_tz::America::Los_Angeles, [day("2026-11-01"), day("2027-03-14")]),
        _ => (chrono_tz::America::New_York, [day("2026-11-01"), day("2027-03-14")]),
    }
}

/// Somebody whom the pack protects.
fn protected(pack: &Pack) -> (PermitRequest, Tz, [NaiveDate; 2]) {
    let place = |applies: &Applies| applies.jurisdictions.first().filter(|place| *place != "*").cloned();
    let jurisdiction = pack.applies.as_ref().and_then(place).unwrap_or_else(|| "US".to_owned());
    let (zone, changes) = there(&jurisdiction);
    let request = PermitRequest { zones: vec![zone], ..consumer(&[&jurisdiction], Collector::First) };
    let request = match &pack.applies {
        Some(applies) => PermitRequest {
            party: applies.parties[0],
            collector: applies.collectors[0],
            purpose: applies.purposes[0],
            ..request
        },
        None => request,
    };
    (request, zone, changes)
}

/// Each rule of each shipped pack, with somebody it protects, around each change of the clocks.
fn each(mut check: impl FnMut(&str, &Rule, PermitRequest, Tz, NaiveDate)) {
    for pack in policies().book.packs() {
        let (request, zone, changes) = protected(pack);
        for (rule, change) in pack.rules.iter().flat_map(|rule| changes.map(|change| (rule, change))) {
            check(&format!("{}/{}", pack.name, rule.id), rule, request.clone(), zone, change);
        }
    }
}

fn finding(rule: &str, request: &PermitRequest, at: DateTime<Utc>) -> Finding {
    let receipt = judge(request.clone(), &policies(), at);
    let found = receipt.findings.into_iter().find(|finding| finding.rule == rule);
    found.unwrap_or_else(|| panic!("{rule} was not asked at {at}"))
}

fn verdict(rule: &str, request: &PermitRequest, at: DateTime<Utc>) -> Verdict {
    finding(rule, request, at).verdict
}

/// The moment of a local time that exists.
fn local(zone: Tz, day: NaiveDate, time: NaiveTime) -> DateTime<Utc> {
    zone.from_local_datetime(&day.and_time(time)).earliest().expect("it exists").to_utc()
}

fn midnight(zone: Tz, day: NaiveDate) -> DateTime<Utc> {
    local(zone, day, NaiveTime::MIN)
}

fn time(hour: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, 0, 0).unwrap()
}

/// Forbidden until the very second, and allowed from then on.
fn ends_at(rule: &str, request: &PermitRequest, end: DateTime<Utc>) {
    assert_eq!(verdict(rule, request, end - SECOND), Verdict::Until(end), "{rule}");
    assert_eq!(verdict(rule, request, end), Verdict::Allowed, "{rule}");
}

#[test]
fn hours_open_and_close_on_their_second_on_every_day_around_a_change_of_the_clocks() {
    let mut seen = 0;
    each(|name, rule, request, zone, change| {
        let Says::Hours(hours) = &rule.says else { return };
        for day in (0..8).map(|days| change - Days::new(3) + Days::new(days)) {
            let mut spans = hours.windows.iter().filter(|window| window.days.contains(&day.weekday()));
            let Some(window) = spans.next() else {
                assert_ne!(verdict(name, &request, local(zone, day, time(12))), Verdict::Allowed, "{name} on {day}");
                continue;
            };
            let (opens, closes) = (local(zone, day, window.from), local(zone, day, window.to) - MARGIN);
            let found = [opens - SECOND, opens, closes - SECOND, closes].map(|at| verdict(name, &request, at));
            assert_eq!(found.map(|found| found == Verdict::Allowed), [false, true, true, false], "{name} on {day}");
            assert_eq!(found[0], Verdict::Until(opens), "{name} on {day}");
            seen += 1;
        }
    });
    assert!(seen > 100, "{seen}");
}

/// When an attempt at 10 h of `day` leaves the span.
fn leaves(span: Span, zone: Tz, day: NaiveDate) -> DateTime<Utc> {
    match span {
        Span::Days(days) => midnight(zone, day + Days::new(days.into())),
        Span::Hours(hours) => local(zone, day, time(10)) + TimeDelta::hours(hours.into()),
        Span::Week => midnight(zone, day + Days::new(7 - u64::from(day.weekday().num_days_from_monday()))),
        Span::Month => midnight(zone, day.with_day(1).unwrap() + Months::new(1)),
    }
}

/// So many attempts that count, a second apart, the oldest at 10 h.
fn tried(limit: &Frequency, zone: Tz, day: NaiveDate, attempts: u16) -> Vec<Past> {
    let reach = *limit.counts.iter().find(|reach| **reach != Reach::Conversation).expect("something without a talk");
    let moments = (0..attempts).rev().map(|nth| local(zone, day, time(10)) + SECOND * nth.into());
    let at_work = limit.place == Some(Where::Work);
    moments.map(|at| Past { at_work, ..past(at, reach) }).collect()
}

#[test]
fn limits_of_frequency_count_to_the_day_or_the_second_and_one_below_allows() {
    let mut seen = 0;
    each(|name, rule, request, zone, change| {
        let Says::Frequency(limit) = &rule.says else { return };
        let day = change - Days::new(1);
        let at_work = limit.place == Some(Where::Work);
        let with = |attempts| {
            let history = tried(limit, zone, day, attempts);
            PermitRequest { at_work, history, ..request.clone() }
        };
        let end = leaves(limit.span, zone, day);
        let soon = local(zone, day, time(11));
        assert_eq!(verdict(name, &with(limit.at_most), soon), Verdict::Until(end), "{name}");
        assert_eq!(verdict(name, &with(limit.at_most - 1), soon), Verdict::Allowed, "{name}");
        ends_at(name, &with(limit.at_most), end);
        seen += 1;
    });
    assert!(seen >= 20, "{seen}");
}

#[test]
fn a_quiet_period_ends_with_its_last_day() {
    let mut seen = 0;
    each(|name, rule, request, zone, change| {
        let Says::Quiet(quiet) = &rule.says else { return };
        let first = change - Days::new(1);
        let late = midnight(zone, first + Days::new(1)) - SECOND;
        let request = PermitRequest { history: vec![past(late, Reach::Conversation)], ..request };
        ends_at(name, &request, midnight(zone, first + Days::new(quiet.days.into())));
        seen += 1;
    });
    assert!(seen >= 4, "{seen}");
}

#[test]
fn a_consent_holds_for_its_days_the_day_of_asking_the_first() {
    let mut seen = 0;
    each(|name, rule, request, zone, change| {
        let Says::Consent { days } = rule.says else { return };
        let given = local(zone, change - Days::new(1), time(15));
        let request = PermitRequest { consented_at: Some(given), ..request };
        let end = midnight(zone, change - Days::new(1) + Days::new(days.into()));
        let holds = |at| finding(name, &request, at).facts["holds"].as_bool();
        assert_eq!(
            [given - SECOND, given, end - SECOND, end].map(holds),
            [false, true, true, false].map(Some),
            "{name}"
        );
        seen += 1;
    });
    assert!(seen >= 8, "{seen}");
}

#[test]
fn who_was_abandoned_is_left_alone_to_the_second_across_the_change() {
    let mut seen = 0;
    each(|name, rule, request, zone, change| {
        let Says::AfterAbandoned { hours, .. } = rule.says else { return };
        let then = local(zone, change - Days::new(1), time(18));
        let request = PermitRequest { history: vec![past(then, Reach::Abandoned)], ..request };
        ends_at(name, &request, then + TimeDelta::hours(hours.into()));
        seen += 1;
    });
    assert!(seen >= 4, "{seen}");
}

#[test]
fn holidays_last_from_midnight_to_midnight_of_the_debtor() {
    let book = policies().book;
    let mut seen = 0;
    each(|name, rule, request, zone, _| {
        let Says::Holidays { calendar } = &rule.says else { return };
        let is_free = |day| book.holiday(calendar, day).is_some();
        for day in day("2026-01-02").iter_days().take(364).filter(|day| is_free(*day)) {
            let found = [midnight(zone, day), midnight(zone, day + Days::new(1)) - SECOND];
            assert!(found.iter().all(|at| verdict(name, &request, *at) != Verdict::Allowed), "{name} on {day}");
            for other in [day - Days::new(1), day + Days::new(1)].into_iter().filter(|other| !is_free(*other)) {
                let ends = [midnight(zone, other), midnight(zone, other + Days::new(1)) - SECOND];
                assert!(ends.iter().all(|at| verdict(name, &request, *at) == Verdict::Allowed), "{name} on {other}");
            }
            seen += 1;
        }
    });
    assert!(seen >= 40, "{seen}");
}

#[test]
fn the_campaigns_own_rules_hold_to_their_second_across_the_change() {
    const NEW_YORK: Tz = chrono_tz::America::New_York;
    // clocks go back on Sunday 1 November 2026; the campaign calls on weekdays from 8 h to 20 h
    let friday = day("2026-10-30");
    let request = || PermitRequest { limits: allowed().limits, ..allowed() };
    let monday_at_eight = at("2026-11-02T13:00:00Z");
    ends_at("calling_hours", &request(), monday_at_eight);
    let closes = local(NEW_YORK, friday, time(20)) - MARGIN;
    assert_eq!(verdict("calling_hours", &request(), closes - SECOND), Verdict::Allowed);
    assert_eq!(verdict("calling_hours", &request(), closes), Verdict::Until(monday_at_eight));

    let late = midnight(NEW_YORK, day("2026-11-01")) - SECOND;
    let tried = |at| PermitRequest { history: vec![past(at, Reach::Ring)], ..request() };
    let saturday = tried(late);
    assert_eq!(verdict("attempts_per_number_per_day", &saturday, late + SECOND), Verdict::Allowed);
    // the Sunday has 25 hours
    ends_at("attempts_per_number_per_day", &tried(late + SECOND), late + SECOND + TimeDelta::hours(25));

    let week = PermitRequest { history: vec![past(late, Reach::Ring); 3], ..request() };
    ends_at("attempts_per_person_per_week", &week, late + TimeDelta::days(7));

    let lunch = Wish::NotAt { days: vec![chrono::Weekday::Sun], from: time(0), to: time(4) };
    let unwanted = PermitRequest { wishes: vec![lunch], ..request() };
    let begins = midnight(NEW_YORK, day("2026-11-01"));
    assert_eq!(verdict("inconvenient_time", &unwanted, begins - SECOND), Verdict::Allowed);
    ends_at("inconvenient_time", &unwanted, begins + TimeDelta::hours(5));

    let end = at("2026-11-01T06:30:00Z");
    ends_at("rest_after_outcome", &PermitRequest { not_before: Some(end), ..request() }, end);
    ends_at("hold", &PermitRequest { hold: Some((Hold::OnHold, Some(end))), ..request() }, end);
}

#[test]
fn every_refusal_names_its_rule_and_where_that_comes_from() {
    each(|_, _, request, zone, change| {
        for hour in 0..24 {
            let receipt = judge(request.clone(), &policies(), midnight(zone, change) + TimeDelta::hours(hour));
            let Some(refusal) = receipt.refusal else { continue };
            let found = receipt.findings.iter().find(|finding| finding.rule == refusal.rule).expect("it was found");
            assert!(!refusal.rule.is_empty() && !refusal.cite.is_empty());
            assert_eq!((&found.cite, &found.facts), (&refusal.cite, &refusal.facts));
            assert_ne!(found.verdict, Verdict::Allowed);
        }
    });
}
