//! The rules that every call has to pass whatever the policy: they follow from the facts of the account.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{Facts, Finding, PermitRequest, Verdict, attempts, hours};

/// How soon to ask again while somebody is on the line for another account.
pub(super) const BUSY: TimeDelta = TimeDelta::minutes(2);

/// The moment that is asked about: `at` is `asked` itself, or later when the next allowed moment is looked for.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    pub(super) asked: DateTime<Utc>,
    pub(super) at: DateTime<Utc>,
}

/// A rule: its name, its source, and what it says.
struct Rule {
    name: &'static str,
    cite: &'static str,
    check: fn(&PermitRequest, Moment) -> (Verdict, Value),
}

/// What each of the rules finds.
pub(super) fn findings(request: &PermitRequest, moment: Moment) -> impl Iterator<Item = Finding> {
    RULES.iter().map(move |rule| {
        let (verdict, facts) = (rule.check)(request, moment);
        let facts = match facts {
            Value::Object(facts) => facts.into_iter().collect(),
            _ => Facts::new(),
        };
        Finding { rule: rule.name.to_owned(), cite: rule.cite.to_owned(), verdict, facts }
    })
}

/// The finding on a policy that nobody knows.
pub(super) fn unknown_policy(name: &str) -> Finding {
    Finding {
        rule: "known_policy".to_owned(),
        cite: "house rule: without a policy nothing is dialled".to_owned(),
        verdict: Verdict::Forbidden,
        facts: Facts::from([("policy".to_owned(), name.into())]),
    }
}

static RULES: &[Rule] = &[
    Rule {
        name: "account_open",
        cite: "house rule: closed and removed accounts are not called",
        check: |request, _| (forbidden_unless(request.open), Value::Null),
    },
    Rule {
        name: "one_call_at_a_time",
        cite: "house rule: one live call to an account, a number and a person",
        check: |request, moment| {
            let free_at = moment.asked + BUSY;
            (if request.in_call { not_before(free_at, moment.at) } else { Verdict::Allowed }, Value::Null)
        },
    },
    Rule {
        name: "hold",
        cite: "12 CFR 1006.6(b)(2), (c); 1006.22(f): attorney, cease; 11 USC 362: bankruptcy; FCA CONC 7.2, 7.3: \
               vulnerability, hardship",
        check: |request, moment| match request.hold {
            Some((hold, until)) => {
                let verdict = until.map_or(Verdict::Forbidden, |until| not_before(until, moment.at));
                (verdict, json!({ "reason": hold.as_str() }))
            }
            None => (Verdict::Allowed, Value::Null),
        },
    },
    Rule {
        name: "callable_number",
        cite: "house rule: only valid numbers of the account's own people are called",
        check: |request, _| (forbidden_unless(request.callable), Value::Null),
    },
    Rule {
        name: "do_not_call",
        cite: "47 CFR 64.1200(a)(10), (d); 12 CFR 1006.14(h): number, person, account or house list",
        check: |request, _| match &request.do_not_call {
            Some(level) => (Verdict::Forbidden, json!({ "level": level })),
            None => (Verdict::Allowed, Value::Null),
        },
    },
    Rule {
        name: "consent",
        cite: "47 CFR 64.1200(a)(10): consent to be called may be withdrawn by any reasonable means",
        check: |request, _| match request.consent_revoked_at {
            Some(revoked_at) => (Verdict::Forbidden, json!({ "revoked_at": revoked_at })),
            None => (Verdict::Allowed, Value::Null),
        },
    },
    Rule {
        name: "something_to_collect",
        cite: "house rule: nobody is called about what is paid, disputed, or covered by cash on account",
        check: |request, _| {
            let least = request.list.min_collectible_minor.max(1);
            let facts = json!({ "collectible_minor": request.collectible_minor, "at_least_minor": least });
            (forbidden_unless(request.collectible_minor >= least), facts)
        },
    },
    Rule { name: "open_promise", cite: "house rule: a promise is left alone until it is broken", check: open_promise },
    Rule {
        name: "language",
        cite: "house rule: a debtor is called in a language that somebody here speaks",
        check: |request, _| match &request.language {
            Some(language) => {
                let spoken =
                    request.languages.is_empty() || request.languages.iter().any(|one| same_language(one, language));
                (forbidden_unless(spoken), json!({ "language": language }))
            }
            None => (Verdict::Allowed, Value::Null),
        },
    },
    Rule {
        name: "calling_hours",
        cite: "12 CFR 1006.6(b)(1) and comment 6(b)(1)(i)-2: convenient at all indicated places; the campaign's hours",
        check: |request, moment| {
            let zones: Vec<&str> = request.zones.iter().map(|zone| zone.name()).collect();
            let open = hours::next_open_for(&request.hours, &request.zones, request.margin(hours::MARGIN), moment.at);
            (open.map_or(Verdict::Forbidden, |open| not_before(open, moment.at)), json!({ "zones": zones }))
        },
    },
    Rule {
        name: "inconvenient_time",
        cite: "12 CFR 1006.6(b)(1)(i), (b)(3); FCA CONC 7.9.3: a time the debtor does not want",
        check: |request, moment| {
            let ends = request.wishes.iter().filter_map(|wish| wish.until(&request.zones, moment.at));
            (ends.max().map_or(Verdict::Allowed, Verdict::Until), Value::Null)
        },
    },
    Rule {
        name: "inconvenient_place",
        cite: "12 CFR 1006.6(b)(1)(ii), (b)(3): a place the debtor or the employer does not want",
        check: |request, _| {
            let unwanted = request.wishes.iter().any(|wish| wish.is_place(&request.label));
            (forbidden_unless(!unwanted), json!({ "label": request.label }))
        },
    },
    Rule {
        name: "rest_after_outcome",
        cite: "house rule: the campaign's delays by outcome",
        check: |request, moment| match request.not_before {
            Some(rest) if !request.at_debtors_wish => (not_before(rest, moment.at), Value::Null),
            _ => (Verdict::Allowed, Value::Null),
        },
    },
    Rule {
        name: "attempts_per_number_per_day",
        cite: "house rule within 12 CFR 1006.14(b)",
        check: |request, moment| {
            let tried = request.counted(|past| past.same_number);
            let allowed_at = attempts::number_allowed_at(&request.limits, &request.zones, &tried, moment.at);
            let facts = json!({ "at_most": request.limits.attempts_per_number_per_day });
            (request.counted_verdict(moment.at, allowed_at), facts)
        },
    },
    Rule {
        name: "attempts_per_person_per_week",
        cite: "house rule within 12 CFR 1006.14(b)(2)(i)(A)",
        check: |request, moment| {
            let tried = request.counted(|past| past.same_person);
            let allowed_at = attempts::person_allowed_at(&request.limits, &tried, moment.at);
            let facts = json!({ "at_most": request.limits.attempts_per_person_per_week });
            (request.counted_verdict(moment.at, allowed_at), facts)
        },
    },
    Rule {
        name: "attempts_per_account",
        cite: "house rule: the campaign's limit",
        check: |request, _| {
            let most = request.limits.attempts_per_account;
            let facts = json!({ "counted": request.account_attempts, "at_most": most });
            (forbidden_unless(request.account_attempts < u32::from(most)), facts)
        },
    },
];

impl PermitRequest {
    /// A call made at the debtor's wish is not held back by the house's own counts.
    fn counted_verdict(&self, at: DateTime<Utc>, allowed_at: DateTime<Utc>) -> Verdict {
        if self.at_debtors_wish { Verdict::Allowed } else { not_before(allowed_at, at) }
    }
}

fn open_promise(request: &PermitRequest, _: Moment) -> (Verdict, Value) {
    let Some(due_on) = request.open_promise_on else { return (Verdict::Allowed, Value::Null) };
    let verdict = forbidden_unless(due_on == request.business_date && request.list.remind_promises);
    (verdict, json!({ "due_on": due_on }))
}

/// Whether two tags mean the same language, `en-US` and `en`.
fn same_language(one: &str, other: &str) -> bool {
    let primary = |tag: &str| tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    primary(one) == primary(other)
}

pub(super) fn not_before(moment: DateTime<Utc>, now: DateTime<Utc>) -> Verdict {
    if moment > now { Verdict::Until(moment) } else { Verdict::Allowed }
}

fn forbidden_unless(allowed: bool) -> Verdict {
    if allowed { Verdict::Allowed } else { Verdict::Forbidden }
}
