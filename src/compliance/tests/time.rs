//! Hours at their boundary minutes in the debtor's zones, and what holds for whatever history.

use chrono::TimeDelta;
use proptest::prelude::*;

use super::{
    super::*,
    questions::{at, consumer, past, policies, says, without_house_limits},
};

const NEW_YORK: Tz = chrono_tz::America::New_York;
const LOS_ANGELES: Tz = chrono_tz::America::Los_Angeles;

fn open(rule: &str, request: &PermitRequest, moment: &str) -> bool {
    says(rule, request, at(moment)) == Verdict::Allowed
}

#[test]
fn each_window_opens_and_closes_on_its_minute_in_the_debtors_zone() {
    let american =
        |place: &str, collector| PermitRequest { zones: vec![NEW_YORK], ..consumer(&["US", place], collector) };
    let cases = [
        ("us_reg_f/hours", american("US-NY", Collector::Third), "2026-03-06T13:00:00Z", "2026-03-07T01:59:00Z"),
        // the clocks go forward on Sunday 8 March
        ("us_reg_f/hours", american("US-NY", Collector::Third), "2026-03-08T12:00:00Z", "2026-03-09T00:59:00Z"),
        // and back on Sunday 1 November
        ("us_reg_f/hours", american("US-NY", Collector::Third), "2026-11-01T13:00:00Z", "2026-11-02T01:59:00Z"),
        ("us_wa_agencies/hours", american("US-WA", Collector::Third), "2026-03-06T12:30:00Z", "2026-03-07T01:59:00Z"),
        ("us_ma/hours", american("US-MA", Collector::First), "2026-03-06T13:00:00Z", "2026-03-07T01:59:00Z"),
        (
            "in_rbi/hours",
            PermitRequest { zones: vec![chrono_tz::Asia::Kolkata], ..consumer(&["IN"], Collector::First) },
            "2026-03-06T02:30:00Z",
            "2026-03-06T13:29:00Z",
        ),
        (
            "uk_conc/hours",
            PermitRequest { zones: vec![chrono_tz::Europe::London], ..consumer(&["GB"], Collector::First) },
            // Saturday before and after the clocks go forward on 29 March
            "2026-03-28T09:00:00Z",
            "2026-03-28T16:59:00Z",
        ),
        (
            "au_rg96/hours",
            PermitRequest { zones: vec![chrono_tz::Australia::Sydney], ..consumer(&["AU"], Collector::First) },
            "2026-03-05T20:30:00Z",
            "2026-03-06T09:59:00Z",
        ),
    ];
    for (rule, request, opens, closes) in cases {
        let (opens, closes) = (at(opens), at(closes));
        let second = TimeDelta::seconds(1);
        let verdicts =
            [opens - second, opens, closes - second, closes].map(|at| says(rule, &request, at) == Verdict::Allowed);
        assert_eq!(verdicts, [false, true, true, false], "{rule} {opens}");
    }
}

#[test]
fn a_window_holds_in_every_zone_where_the_debtor_may_be() {
    let request = PermitRequest { zones: vec![NEW_YORK, LOS_ANGELES], ..consumer(&["US"], Collector::Third) };
    assert!(!open("us_reg_f/hours", &request, "2026-03-06T15:59:59Z"), "not eight yet in Los Angeles");
    assert!(open("us_reg_f/hours", &request, "2026-03-06T16:00:00Z"));
    assert!(open("us_reg_f/hours", &request, "2026-03-07T01:58:59Z"));
    assert!(!open("us_reg_f/hours", &request, "2026-03-07T01:59:00Z"), "nine in New York");
}

#[test]
fn the_stricter_of_two_places_wins() {
    let both = consumer(&["GB", "US", "US-MA"], Collector::First);
    let sunday_noon = at("2026-03-08T16:00:00Z");
    let refusal = judge(both, &policies(), sunday_noon).refusal.expect("the British rest on Sundays");
    assert_eq!(refusal.rule, "uk_conc/hours");
}

fn histories() -> impl Strategy<Value = Vec<Past>> {
    let reaches = [
        Reach::Busy,
        Reach::NotConnected,
        Reach::Ring,
        Reach::Voicemail,
        Reach::Abandoned,
        Reach::Answered,
        Reach::Conversation,
        Reach::Unknown,
    ];
    let one = (0_i64..30 * 24 * 60, 0..reaches.len(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        move |(minutes, reach, same_account, same_number, at_work)| {
            let made = at("2026-11-05T20:00:00Z") - TimeDelta::minutes(minutes);
            Past { same_account, same_number, at_work, ..past(made, reaches[reach]) }
        },
    );
    proptest::collection::vec(one, 0..24).prop_map(|mut history| {
        history.sort_by_key(|past| std::cmp::Reverse(past.at));
        history
    })
}

fn anywhere() -> impl Strategy<Value = PermitRequest> {
    let places = [
        &["US", "US-MA"][..],
        &["US", "US-NY", "US-NY-NYC"],
        &["US", "US-WA"],
        &["US", "US-CA", "US-FL"],
        &["GB"],
        &["AU"],
        &[],
    ];
    (0..places.len(), any::<bool>(), any::<bool>(), any::<bool>(), histories()).prop_map(
        move |(place, third, at_work, two_zones, history)| {
            let collector = if third { Collector::Third } else { Collector::First };
            let zones = if two_zones { vec![NEW_YORK, LOS_ANGELES] } else { vec![NEW_YORK] };
            PermitRequest { at_work, zones, history, ..consumer(places[place], collector) }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn at_the_next_allowed_moment_the_call_is_allowed(request in anywhere(), minutes in 0_i64..10 * 24 * 60) {
        let policies = policies();
        let asked = at("2026-10-28T20:00:00Z") + TimeDelta::minutes(minutes);
        let receipt = judge(request.clone(), &policies, asked);
        let Some(refusal) = receipt.refusal else { return Ok(()) };
        prop_assert!(receipt.findings.iter().any(|finding| finding.rule == refusal.rule));
        let next = refusal.next_allowed_at.expect("time alone forbids it");
        prop_assert!(next > asked);
        prop_assert_eq!(judge(request.clone(), &policies, next).refusal, None);
        prop_assert!(judge(request, &policies, next - TimeDelta::seconds(1)).refusal.is_some());
    }

    #[test]
    fn dialling_whenever_it_is_allowed_never_passes_seven_in_seven(steps in proptest::collection::vec(1_i64..1500, 40)) {
        let policies = without_house_limits();
        let mut request = PermitRequest { zones: vec![NEW_YORK], ..consumer(&["US"], Collector::Third) };
        let mut now = at("2026-10-20T12:00:00Z");
        for minutes in steps {
            now += TimeDelta::minutes(minutes);
            if judge(request.clone(), &policies, now).refusal.is_none() {
                request.history.insert(0, past(now, Reach::Ring));
            }
        }
        for one in &request.history {
            let first = one.at.with_timezone(&NEW_YORK).date_naive();
            let in_seven = request.history.iter().filter(|other| {
                let day = other.at.with_timezone(&NEW_YORK).date_naive();
                (first..first + chrono::Days::new(7)).contains(&day)
            });
            prop_assert!(in_seven.count() <= 7);
        }
    }
}
