mod boundaries;
mod packs;
mod questions;
mod time;

use chrono::{Days, TimeDelta};

use self::questions::{allowed, at, now, past, policies, refused};
use super::*;
use crate::queue::Hold;

#[test]
fn each_fact_alone_forbids_the_call_and_names_its_rule() {
    let in_three_days = Some(now().date_naive() + Days::new(3));
    let cases = [
        ("known_policy", PermitRequest { policy: "no such".to_owned(), ..allowed() }),
        ("known_policy", PermitRequest { policy: "us_reg_f".to_owned(), ..allowed() }),
        ("account_open", PermitRequest { open: false, ..allowed() }),
        ("hold", PermitRequest { hold: Some((Hold::Attorney, None)), ..allowed() }),
        ("hold", PermitRequest { hold: Some((Hold::Vulnerable, None)), ..allowed() }),
        ("callable_number", PermitRequest { callable: false, ..allowed() }),
        ("do_not_call", PermitRequest { do_not_call: Some("house".to_owned()), ..allowed() }),
        ("consent", PermitRequest { consent_revoked_at: Some(now()), ..allowed() }),
        ("something_to_collect", PermitRequest { collectible_minor: 0, ..allowed() }),
        ("open_promise", PermitRequest { open_promise_on: in_three_days, ..allowed() }),
        ("calling_hours", PermitRequest { zones: Vec::new(), ..allowed() }),
        ("calling_hours", PermitRequest { hours: Vec::new(), ..allowed() }),
        ("attempts_per_account", PermitRequest { account_attempts: 12, ..allowed() }),
        ("inconvenient_place", PermitRequest { wishes: vec![Wish::NotWhere { label: "work".into() }], ..allowed() }),
        (
            "language",
            PermitRequest { language: Some("fr-CA".into()), languages: vec!["en".into(), "es".into()], ..allowed() },
        ),
    ];
    for (rule, request) in cases {
        assert_eq!(refused(&request), (rule.to_owned(), None));
    }
    let spoken = PermitRequest { language: Some("fr-CA".into()), languages: vec!["FR".into()], ..allowed() };
    assert_eq!(judge(spoken, &policies(), now()).refusal, None);
}

#[test]
fn a_receipt_holds_every_rule_that_was_asked_and_what_it_was_found_on() {
    let receipt = judge(allowed(), &policies(), now());
    assert_eq!(receipt.refusal, None);
    let passed: Vec<&str> = receipt.findings.iter().map(|finding| finding.rule.as_str()).collect();
    for rule in ["hold", "calling_hours", "house/daytime", "house/three_in_seven"] {
        assert!(passed.contains(&rule), "{rule} of {passed:?}");
    }
    assert!(receipt.findings.iter().all(|finding| !finding.cite.is_empty()));
    let limit = receipt.findings.iter().find(|finding| finding.rule == "house/three_in_seven").unwrap();
    assert_eq!((limit.facts["counted"].as_u64(), limit.facts["at_most"].as_u64()), (Some(0), Some(3)));
}

#[test]
fn a_receipt_comes_back_from_json_and_is_given_again_the_same() {
    let tried = PermitRequest { history: vec![past(now() - TimeDelta::hours(1), Reach::Ring)], ..allowed() };
    let receipt = judge(tried, &policies(), now());
    let text = serde_json::to_string(&receipt).unwrap();
    let back: Receipt = serde_json::from_str(&text).unwrap();
    assert_eq!(back, receipt);
    let book: Book = serde_json::from_str(&serde_json::to_string(&*policies().book).unwrap()).unwrap();
    assert_eq!(book.version(), receipt.policy_version);
    assert_eq!(judge(back.request, &Policies::of(book), receipt.at), receipt);
}

#[test]
fn a_refusal_says_when_every_rule_would_allow_the_call() {
    let busy = PermitRequest { in_call: true, ..allowed() };
    assert_eq!(refused(&busy), ("one_call_at_a_time".to_owned(), Some(now() + rules::BUSY)));
    let honolulu = PermitRequest { zones: vec![chrono_tz::Pacific::Honolulu], ..allowed() };
    assert_eq!(refused(&honolulu), ("calling_hours".to_owned(), Some(at("2026-03-10T18:00:00Z"))));
    // until midnight by the count, until 8 in the morning by the hours
    let tried = PermitRequest { history: vec![past(now() - TimeDelta::hours(1), Reach::Ring)], ..allowed() };
    assert_eq!(refused(&tried), ("attempts_per_number_per_day".to_owned(), Some(at("2026-03-11T12:00:00Z"))));
}

#[test]
fn of_several_refusals_the_longest_is_given() {
    let until = now() + TimeDelta::days(9);
    let both = PermitRequest { in_call: true, hold: Some((Hold::OnHold, Some(until))), ..allowed() };
    assert_eq!(refused(&both), ("hold".to_owned(), Some(until)));
    assert_eq!(refused(&PermitRequest { open: false, ..both }), ("account_open".to_owned(), None));
}

#[test]
fn a_call_at_the_debtors_wish_is_not_held_back_by_counts_but_by_hours() {
    let tried = vec![past(now() - TimeDelta::hours(1), Reach::Ring); 3];
    let wished = PermitRequest {
        at_debtors_wish: true,
        consented_at: Some(now() - TimeDelta::hours(2)),
        history: tried,
        not_before: Some(now() + TimeDelta::hours(1)),
        ..allowed()
    };
    assert_eq!(judge(wished.clone(), &policies(), now()).refusal, None);
    assert!(judge(wished, &policies(), at("2026-03-10T11:00:00Z")).refusal.is_some());
}

#[test]
fn ringing_ends_before_the_window_does() {
    let slow = Limits { ring_seconds: 60, ..Limits::default() };
    let last = |limits: Limits| {
        let open = |second: i64| {
            let at = at("2026-03-11T00:00:00Z") - TimeDelta::seconds(second);
            judge(PermitRequest { limits, ..allowed() }, &policies(), at).refusal.is_none()
        };
        (1..120).find(|second| open(*second))
    };
    assert_eq!(last(Limits::default()), Some(61), "a minute before eight in the evening");
    assert_eq!(last(slow), Some(66), "a line that rings for a minute needs more");
}
