//! Questions to the last look, made for tests.

use super::super::*;
use crate::{campaign::Settings, ids::CallId};

pub(super) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Tuesday, 11 h in New York.
pub(super) fn now() -> DateTime<Utc> {
    at("2026-03-10T15:00:00Z")
}

pub(super) fn policies() -> Policies {
    Policies::of(Book::shipped().unwrap())
}

/// A business in New York State that may be called at [`now`].
pub(super) fn allowed() -> PermitRequest {
    let settings = Settings::default();
    PermitRequest {
        decision: DecisionId::generate(),
        account: AccountId::generate(),
        person: PersonId::generate(),
        contact_point: ContactPointId::generate(),
        policy: settings.policy,
        party: Party::Business,
        collector: Collector::First,
        purpose: Purpose::Collection,
        jurisdictions: ["US", "US-NY"].map(str::to_owned).into(),
        hours: settings.hours,
        limits: settings.limits,
        list: settings.list,
        languages: Vec::new(),
        agent_reserved: false,
        business_date: now().date_naive(),
        open: true,
        open_minor: 100,
        currency: Currency::USD,
        collectible_minor: 1,
        open_promise_on: None,
        hold: None,
        in_call: false,
        callable: true,
        do_not_call: None,
        consent_revoked_at: None,
        label: "work".to_owned(),
        at_work: true,
        language: None,
        wishes: Vec::new(),
        zones: vec![chrono_tz::America::New_York],
        history: Vec::new(),
        account_attempts: 0,
        not_before: None,
        at_debtors_wish: false,
        consented_at: None,
    }
}

/// A consumer at the mobile number, whom the house's own limits hardly hold back.
pub(super) fn consumer(jurisdictions: &[&str], collector: Collector) -> PermitRequest {
    let mut request = allowed();
    request.party = Party::Consumer;
    request.collector = collector;
    request.jurisdictions = jurisdictions.iter().map(|place| (*place).to_owned()).collect();
    request.limits.attempts_per_number_per_day = 10;
    request.limits.attempts_per_person_per_week = 200;
    request.limits.attempts_per_account = 100;
    request.hours = vec![HoursRule {
        days: [0, 1, 2, 3, 4, 5, 6].map(|day| chrono::Weekday::try_from(day).unwrap()).to_vec(),
        from: "06:00:00".parse().unwrap(),
        to: "23:00:00".parse().unwrap(),
    }];
    request.label = "mobile".to_owned();
    request.at_work = false;
    request
}

/// The book without the house's own limits, so that those of the others show.
pub(super) fn without_house_limits() -> Policies {
    let house = "name = 'house'\nversion = 9\ntitle = 'bare'\nnote = 'Not legal advice.'\nbase = true\n";
    Policies::of(Book::shipped().unwrap().with([("house.toml", house)]).unwrap())
}

/// An attempt on the same person at the same number about the same account.
pub(super) fn past(at: DateTime<Utc>, reach: Reach) -> Past {
    Past {
        call: Some(CallId::generate()),
        at,
        reach,
        conversation_at: (reach == Reach::Conversation).then_some(at),
        consented_at: None,
        same_person: true,
        same_account: true,
        same_number: true,
        at_work: false,
    }
}

/// Rule and next moment of the refusal at [`now`].
pub(super) fn refused(request: &PermitRequest) -> (String, Option<DateTime<Utc>>) {
    let refusal = judge(request.clone(), &policies(), now()).refusal.expect("allowed");
    (refusal.rule, refusal.next_allowed_at)
}

/// What a rule of a pack says at a moment, whatever the others do.
pub(super) fn says(rule: &str, request: &PermitRequest, at: DateTime<Utc>) -> Verdict {
    let receipt = judge(request.clone(), &without_house_limits(), at);
    let found = receipt.findings.iter().find(|finding| finding.rule == rule);
    found.unwrap_or_else(|| panic!("{rule} was not asked")).verdict
}
