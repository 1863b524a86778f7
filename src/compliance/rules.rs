//! The rules of the policies. A policy pack is one more list.

use chrono::{DateTime, Days, TimeDelta, Utc};

use super::{PermitRequest, Refusal, attempts, hours};

/// A rule: its name, its source, and what it says.
pub struct Rule {
    /// Short name, stored with the verdict.
    pub name: &'static str,
    /// Where it comes from.
    pub cite: &'static str,
    check: fn(&PermitRequest, DateTime<Utc>) -> Verdict,
}

enum Verdict {
    Allowed,
    /// Not before the given moment.
    Until(DateTime<Utc>),
    /// Not before a fact changes.
    Forbidden,
}

/// How soon to ask again while somebody is on the line for another account.
const BUSY: TimeDelta = TimeDelta::minutes(2);

/// The rules of a policy; those of an unknown one forbid everything.
#[must_use]
pub fn of_policy(name: &str) -> &'static [Rule] {
    match name {
        "house" => HOUSE,
        _ => UNKNOWN,
    }
}

/// Whether there is such a policy.
#[must_use]
pub fn is_known(name: &str) -> bool {
    name == "house"
}

/// What every creditor keeps to, whatever the law of the place.
static HOUSE: &[Rule] = &[
    Rule {
        name: "account_open",
        cite: "house rule: closed and removed accounts are not called",
        check: |request, _| forbidden_unless(request.open),
    },
    Rule {
        name: "one_call_at_a_time",
        cite: "house rule: one live call to an account, a number and a person",
        check: |request, now| if request.in_call { Verdict::Until(now + BUSY) } else { Verdict::Allowed },
    },
    Rule {
        name: "hold",
        cite: "12 CFR 1006.6(b)(2), (c); 1006.22(f): attorney, cease; 11 USC 362: bankruptcy",
        check: |request, now| match request.hold {
            Some((_, Some(until))) => not_before(until, now),
            Some((_, None)) => Verdict::Forbidden,
            None => Verdict::Allowed,
        },
    },
    Rule {
        name: "callable_number",
        cite: "47 CFR 64.1200(a)(10), (d): numbers that are invalid or on a do-not-call list",
        check: |request, _| forbidden_unless(request.callable),
    },
    Rule {
        name: "something_to_collect",
        cite: "house rule: nobody is called about what is paid, disputed, or covered by cash on account",
        check: |request, _| forbidden_unless(request.collectible_minor >= request.list.min_collectible_minor.max(1)),
    },
    Rule { name: "open_promise", cite: "house rule: a promise is left alone until it is broken", check: open_promise },
    Rule {
        name: "calling_hours",
        cite: "12 CFR 1006.6(b)(1) and comment 6(b)(1)(i)-2: convenient at all indicated places",
        check: |request, now| match hours::next_open(&request.hours, &request.zones, now) {
            Some(open) => not_before(open, now),
            None => Verdict::Forbidden,
        },
    },
    Rule {
        name: "rest_after_outcome",
        cite: "house rule: delays by outcome; Ofcom practice of 72 hours after an abandoned call",
        check: |request, now| match request.not_before {
            Some(moment) if !request.at_debtors_wish => not_before(moment, now),
            _ => Verdict::Allowed,
        },
    },
    Rule {
        name: "attempts_per_number_per_day",
        cite: "house rule within 12 CFR 1006.14(b)",
        check: |request, now| {
            let PermitRequest { limits, zones, number_attempts, .. } = request;
            counted(request, now, attempts::number_allowed_at(limits, zones, number_attempts, now))
        },
    },
    Rule {
        name: "attempts_per_person_per_week",
        cite: "12 CFR 1006.14(b)(2)(i)(A): at most seven in seven consecutive days; the campaign may set fewer",
        check: |request, now| {
            counted(request, now, attempts::person_allowed_at(&request.limits, &request.person_attempts, now))
        },
    },
    Rule {
        name: "attempts_per_account",
        cite: "house rule: the campaign's limit",
        check: |request, _| forbidden_unless(request.account_attempts < u32::from(request.limits.attempts_per_account)),
    },
];

static UNKNOWN: &[Rule] = &[Rule {
    name: "known_policy",
    cite: "house rule: without a policy nothing is dialled",
    check: |_, _| Verdict::Forbidden,
}];

impl Rule {
    /// What the rule has against the call, if anything.
    #[must_use]
    pub fn refusal(&self, request: &PermitRequest, now: DateTime<Utc>) -> Option<Refusal> {
        let next_allowed_at = match (self.check)(request, now) {
            Verdict::Allowed => return None,
            Verdict::Until(moment) => Some(moment),
            Verdict::Forbidden => None,
        };
        Some(Refusal { rule: self.name.to_owned(), cite: self.cite.to_owned(), next_allowed_at })
    }
}

/// A call made at the debtor's wish is not counted, nor held back by those that were.
fn counted(request: &PermitRequest, now: DateTime<Utc>, allowed_at: DateTime<Utc>) -> Verdict {
    if request.at_debtors_wish { Verdict::Allowed } else { not_before(allowed_at, now) }
}

fn open_promise(request: &PermitRequest, _: DateTime<Utc>) -> Verdict {
    let Some(due_on) = request.open_promise_on else { return Verdict::Allowed };
    let reminder = due_on == request.business_date && request.list.remind_promises;
    let grace = Days::new(u64::from(request.limits.promise_grace_days));
    forbidden_unless(reminder || request.business_date > due_on + grace)
}

fn not_before(moment: DateTime<Utc>, now: DateTime<Utc>) -> Verdict {
    if moment > now { Verdict::Until(moment) } else { Verdict::Allowed }
}

fn forbidden_unless(allowed: bool) -> Verdict {
    if allowed { Verdict::Allowed } else { Verdict::Forbidden }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        campaign::{Limits, ListRule, Settings},
        compliance::permit,
        ids::{AccountId, ContactPointId, DecisionId},
        queue::Hold,
    };

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// Tuesday, 11 h in New York.
    fn now() -> DateTime<Utc> {
        at("2026-03-10T15:00:00Z")
    }

    fn allowed() -> PermitRequest {
        PermitRequest {
            decision: DecisionId::generate(),
            account: AccountId::generate(),
            contact_point: ContactPointId::generate(),
            policy: "house".to_owned(),
            hours: Settings::default().hours,
            limits: Limits::default(),
            list: ListRule::default(),
            business_date: now().date_naive(),
            open: true,
            collectible_minor: 1,
            open_promise_on: None,
            hold: None,
            in_call: false,
            callable: true,
            zones: vec![chrono_tz::America::New_York],
            number_attempts: Vec::new(),
            person_attempts: Vec::new(),
            account_attempts: 0,
            not_before: None,
            at_debtors_wish: false,
        }
    }

    fn refused(request: &PermitRequest) -> (String, Option<DateTime<Utc>>) {
        let refusal = permit(request, now()).expect_err("allowed");
        (refusal.rule, refusal.next_allowed_at)
    }

    fn forbidden(rule: &str) -> (String, Option<DateTime<Utc>>) {
        (rule.to_owned(), None)
    }

    #[test]
    fn a_permit_names_what_it_is_for() {
        let request = allowed();
        let permit = permit(&request, now()).expect("refused");
        assert_eq!(
            (permit.decision, permit.account, permit.contact_point),
            (request.decision, request.account, request.contact_point)
        );
    }

    #[test]
    fn each_fact_alone_forbids_the_call() {
        let yesterday = Some(now().date_naive() + Days::new(3));
        let cases = [
            ("known_policy", PermitRequest { policy: "no such".to_owned(), ..allowed() }),
            ("account_open", PermitRequest { open: false, ..allowed() }),
            ("hold", PermitRequest { hold: Some((Hold::Attorney, None)), ..allowed() }),
            ("callable_number", PermitRequest { callable: false, ..allowed() }),
            ("something_to_collect", PermitRequest { collectible_minor: 0, ..allowed() }),
            ("open_promise", PermitRequest { open_promise_on: yesterday, ..allowed() }),
            ("calling_hours", PermitRequest { zones: Vec::new(), ..allowed() }),
            ("calling_hours", PermitRequest { hours: Vec::new(), ..allowed() }),
            ("attempts_per_account", PermitRequest { account_attempts: 12, ..allowed() }),
        ];
        for (rule, request) in cases {
            assert_eq!(refused(&request), forbidden(rule));
        }
    }

    #[test]
    fn a_refusal_says_when_to_try_again() {
        let busy = PermitRequest { in_call: true, ..allowed() };
        assert_eq!(refused(&busy), ("one_call_at_a_time".to_owned(), Some(now() + BUSY)));
        let los_angeles = PermitRequest { zones: vec![chrono_tz::Pacific::Honolulu], ..allowed() };
        assert_eq!(refused(&los_angeles), ("calling_hours".to_owned(), Some(at("2026-03-10T18:00:00Z"))));
        let tried = PermitRequest { number_attempts: vec![now() - TimeDelta::hours(1)], ..allowed() };
        assert_eq!(refused(&tried), ("attempts_per_number_per_day".to_owned(), Some(at("2026-03-11T04:00:00Z"))));
    }

    #[test]
    fn of_several_refusals_the_longest_is_given() {
        let until = now() + TimeDelta::days(9);
        let both = PermitRequest { in_call: true, hold: Some((Hold::OnHold, Some(until))), ..allowed() };
        assert_eq!(refused(&both), ("hold".to_owned(), Some(until)));
        assert_eq!(refused(&PermitRequest { open: false, ..both }), forbidden("account_open"));
    }

    #[test]
    fn a_call_at_the_debtors_wish_is_not_held_back_by_counts_but_by_hours() {
        let tried = vec![now() - TimeDelta::hours(1); 3];
        let wished = PermitRequest {
            at_debtors_wish: true,
            number_attempts: tried.clone(),
            person_attempts: tried,
            not_before: Some(now() + TimeDelta::hours(1)),
            ..allowed()
        };
        assert!(permit(&wished, now()).is_ok());
        assert!(permit(&wished, at("2026-03-10T11:00:00Z")).is_err());
    }
}
