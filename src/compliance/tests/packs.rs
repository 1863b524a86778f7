//! The packs that are shipped: who is asked which, and each limit at its boundary.

use chrono::TimeDelta;

use super::{
    super::{pack::Says, *},
    questions::{allowed, at, consumer, past, policies, says},
};

fn asked(request: &PermitRequest, at: DateTime<Utc>) -> Vec<String> {
    let policies = policies();
    let packs = policies.book.packs_for(request, at).unwrap();
    packs.into_iter().map(|pack| pack.name.clone()).collect()
}

/// Nine in the morning in New York, a Thursday.
fn spring() -> DateTime<Utc> {
    at("2026-03-12T13:00:00Z")
}

/// One a day at the given days before [`spring`], newest first.
fn days_ago(days: impl IntoIterator<Item = i64>, reach: Reach) -> Vec<Past> {
    days.into_iter().map(|days| past(spring() - TimeDelta::days(days), reach)).collect()
}

#[test]
fn every_rule_says_where_it_comes_from_and_every_pack_that_it_is_no_legal_advice() {
    let book = Book::shipped().unwrap();
    for pack in book.packs() {
        assert!(pack.note.starts_with("Not legal advice."), "{}", pack.name);
        assert!(pack.rules.iter().all(|rule| rule.cite.len() > 8), "{}", pack.name);
        assert!(
            pack.is_base()
                || pack
                    .rules
                    .iter()
                    .any(|rule| matches!(rule.says, Says::Hours(_) | Says::Frequency(_) | Says::Quiet(_)))
                || !pack.prompts.is_empty(),
            "{} says something",
            pack.name
        );
    }
}

#[test]
fn packs_are_chosen_by_party_collector_place_purpose_and_day() {
    let (first, third) = (Collector::First, Collector::Third);
    assert_eq!(asked(&allowed(), spring()), ["house"], "a business in New York State");
    assert_eq!(
        asked(&consumer(&["US", "US-NY"], first), spring()),
        ["house", "house_people"],
        "a creditor in its own name"
    );
    assert_eq!(asked(&consumer(&["US", "US-NY"], third), spring()), ["house", "house_people", "us_reg_f"]);
    assert_eq!(asked(&consumer(&["US", "US-MA"], first), spring()), ["house", "house_people", "us_ma", "us_recording"]);
    assert_eq!(asked(&consumer(&["US", "US-WA"], first), spring()), ["house", "house_people", "us_recording"]);
    assert_eq!(
        asked(&consumer(&["US", "US-*"], third), spring()),
        ["house", "house_people", "us_ca", "us_fl", "us_ma", "us_recording", "us_reg_f", "us_wa_agencies"],
        "somewhere in the United States, before the rules of New York City"
    );
    assert_eq!(
        asked(&consumer(&["US", "US-WA"], third), spring()),
        ["house", "house_people", "us_recording", "us_reg_f", "us_wa_agencies"]
    );
    assert_eq!(asked(&consumer(&["GB"], first), spring()), ["house", "house_people", "uk_conc"]);
    assert_eq!(asked(&consumer(&["AU"], first), spring()), ["house", "au_rg96", "house_people"]);
    assert_eq!(asked(&consumer(&["CA", "CA-ON"], third), spring()), ["house", "ca_agencies", "house_people"]);
    assert_eq!(asked(&consumer(&["IN"], first), spring()), ["house", "house_people", "in_rbi"]);
    let sales = PermitRequest { purpose: Purpose::Sales, ..consumer(&["US", "US-FL"], first) };
    assert_eq!(
        asked(&sales, spring()),
        ["house", "house_people", "us_fl_solicitation", "us_recording", "us_solicitation"]
    );
}

#[test]
fn california_protects_guarantors_of_up_to_half_a_million() {
    let guarantor = |minor, currency| PermitRequest {
        party: Party::NaturalGuarantor,
        open_minor: minor,
        currency: Currency::parse(currency).unwrap(),
        ..consumer(&["US", "US-CA"], Collector::First)
    };
    let is_asked = |request: &PermitRequest, at| asked(request, at).contains(&"us_ca".to_owned());
    assert!(is_asked(&guarantor(50_000_000, "USD"), spring()));
    assert!(!is_asked(&guarantor(50_000_001, "USD"), spring()));
    assert!(is_asked(&guarantor(50_000_001, "EUR"), spring()), "not comparable: it is asked");
    // 1 July 2025 begins at 7 h UTC in Los Angeles, at 4 h in New York
    let los_angeles = PermitRequest { zones: vec![chrono_tz::America::Los_Angeles], ..guarantor(100, "USD") };
    assert!(!is_asked(&los_angeles, at("2025-07-01T06:59:59Z")));
    assert!(is_asked(&los_angeles, at("2025-07-01T07:00:00Z")));
    assert!(!is_asked(&PermitRequest { party: Party::Business, ..guarantor(100, "USD") }, spring()));
}

#[test]
fn new_york_city_counts_from_its_date_everything_that_was_tried() {
    let request = consumer(&["US", "US-NY", "US-NY-NYC"], Collector::First);
    assert!(!asked(&request, at("2026-09-01T03:59:59Z")).contains(&"us_nyc".to_owned()), "31 August there");
    let first = at("2026-09-01T13:00:00Z");
    let tried = |n: i64| (1..=n).map(|days| past(first - TimeDelta::days(days), Reach::Busy)).collect();
    let rule = "us_nyc/three_in_seven";
    assert_eq!(says(rule, &PermitRequest { history: tried(2), ..request.clone() }, first), Verdict::Allowed);
    let until = Verdict::Until(at("2026-09-05T04:00:00Z"));
    assert_eq!(says(rule, &PermitRequest { history: tried(3), ..request }, first), until);
}

#[test]
fn where_nothing_is_known_of_the_place_every_pack_is_asked() {
    let nowhere = consumer(&[], Collector::Third);
    assert_eq!(asked(&nowhere, at("2026-10-01T15:00:00Z")).len(), 13, "all but those for solicitations");
}

#[test]
fn seven_in_seven_is_by_person_and_debt_and_by_calendar_day() {
    let request = consumer(&["US"], Collector::Third);
    let rule = "us_reg_f/seven_in_seven";
    let with = |history| PermitRequest { history, ..request.clone() };
    let six = days_ago([0, 1, 2, 3, 4, 6], Reach::Ring);
    assert_eq!(says(rule, &with(six.clone()), spring()), Verdict::Allowed, "the seventh may be made");
    let seven = days_ago([0, 1, 2, 3, 4, 5, 6], Reach::Ring);
    // the oldest is of Friday 6 March and leaves with midnight before Friday the 13th
    let midnight = at("2026-03-13T04:00:00Z");
    assert_eq!(says(rule, &with(seven.clone()), spring()), Verdict::Until(midnight));
    assert_eq!(says(rule, &with(seven.clone()), midnight - TimeDelta::seconds(1)), Verdict::Until(midnight));
    assert_eq!(says(rule, &with(seven.clone()), midnight), Verdict::Allowed);
    let other_debt = seven.iter().map(|past| Past { same_account: false, ..past.clone() }).collect();
    assert_eq!(says(rule, &with(other_debt), spring()), Verdict::Allowed, "each debt for itself");
    let other_person = seven.iter().map(|past| Past { same_person: false, ..past.clone() }).collect();
    assert_eq!(says(rule, &with(other_person), spring()), Verdict::Allowed, "a spouse has a count of her own");
    let other_number = seven.into_iter().map(|past| Past { same_number: false, ..past }).collect();
    assert_eq!(
        says(rule, &with(other_number), spring()),
        Verdict::Until(midnight),
        "the same person at another number"
    );
}

#[test]
fn what_was_not_connected_does_not_count_and_what_nobody_knows_does() {
    let request = consumer(&["US"], Collector::Third);
    let verdict = |reach| {
        let history = days_ago([0, 1, 2, 3, 4, 5, 6], reach);
        says("us_reg_f/seven_in_seven", &PermitRequest { history, ..request.clone() }, spring())
    };
    for reach in [Reach::Busy, Reach::NotConnected, Reach::Inbound] {
        assert_eq!(verdict(reach), Verdict::Allowed, "{reach:?}");
    }
    for reach in [Reach::Ring, Reach::Voicemail, Reach::Abandoned, Reach::Answered, Reach::Unknown] {
        assert_ne!(verdict(reach), Verdict::Allowed, "{reach:?}");
    }
}

#[test]
fn after_a_conversation_it_is_quiet_until_the_same_weekday() {
    // Monday evening, across the change of the clocks on 8 March 2026
    let monday = at("2026-03-03T01:30:00Z");
    let next_monday = at("2026-03-09T04:00:00Z");
    let request = consumer(&["US"], Collector::Third);
    let rule = "us_reg_f/quiet_after_conversation";
    let talked = PermitRequest { history: vec![past(monday, Reach::Conversation)], ..request.clone() };
    assert_eq!(says(rule, &talked, next_monday - TimeDelta::seconds(1)), Verdict::Until(next_monday));
    assert_eq!(says(rule, &talked, next_monday), Verdict::Allowed);
    let called_us = Past { reach: Reach::Inbound, conversation_at: Some(monday), ..past(monday, Reach::Inbound) };
    let inbound = PermitRequest { history: vec![called_us.clone()], ..request.clone() };
    assert_eq!(says(rule, &inbound, monday + TimeDelta::days(1)), Verdict::Until(next_monday));
    let other_debt = Past { same_account: false, ..called_us };
    let other = PermitRequest { history: vec![other_debt], ..request };
    assert_eq!(says(rule, &other, monday + TimeDelta::days(1)), Verdict::Allowed);
}

#[test]
fn consent_holds_for_seven_days_and_ends_with_the_conversation() {
    let given = spring();
    let history = vec![past(given - TimeDelta::hours(1), Reach::Conversation)];
    let asked = PermitRequest { history, consented_at: Some(given), ..consumer(&["US"], Collector::Third) };
    let rule = "us_reg_f/quiet_after_conversation";
    // given on Thursday the 12th, day 1; Wednesday the 18th is day 7, but the quiet lasts into it
    assert_eq!(says(rule, &asked, given + TimeDelta::hours(1)), Verdict::Allowed);
    assert_eq!(says(rule, &asked, at("2026-03-19T03:59:59Z")), Verdict::Allowed);
    let mut called = asked.clone();
    called.history.insert(0, past(given + TimeDelta::hours(2), Reach::Conversation));
    assert!(
        matches!(says(rule, &called, given + TimeDelta::hours(3)), Verdict::Until(_)),
        "they talked: it is used up"
    );
    let late = PermitRequest { consented_at: Some(given - TimeDelta::days(7)), ..asked };
    assert!(matches!(says(rule, &late, given), Verdict::Until(_)), "the eighth day");
}

#[test]
fn attempts_made_under_a_consent_do_not_count() {
    let asked_for = days_ago([0, 1, 2, 3, 4, 5, 6], Reach::Ring)
        .into_iter()
        .map(|past| Past { consented_at: Some(past.at - TimeDelta::days(6)), ..past })
        .collect::<Vec<_>>();
    let request = PermitRequest { history: asked_for.clone(), ..consumer(&["US"], Collector::Third) };
    assert_eq!(says("us_reg_f/seven_in_seven", &request, spring()), Verdict::Allowed);
    let too_old =
        asked_for.into_iter().map(|past| Past { consented_at: Some(past.at - TimeDelta::days(7)), ..past }).collect();
    let request = PermitRequest { history: too_old, ..request };
    assert_ne!(says("us_reg_f/seven_in_seven", &request, spring()), Verdict::Allowed);
}

#[test]
fn massachusetts_counts_home_and_work_apart() {
    let home = consumer(&["US", "US-MA"], Collector::First);
    let work = PermitRequest { at_work: true, label: "work".to_owned(), ..home.clone() };
    let tried = |days: [i64; 2], at_work| -> Vec<Past> {
        days_ago(days, Reach::Ring).into_iter().map(|past| Past { at_work, ..past }).collect()
    };
    let (at_home, elsewhere) = ("us_ma/two_in_seven", "us_ma/two_in_thirty_elsewhere");
    let held = PermitRequest { history: tried([1, 6], false), ..home.clone() };
    assert_eq!(says(at_home, &held, spring()), Verdict::Until(at("2026-03-13T04:00:00Z")));
    let free = PermitRequest { history: tried([1, 7], false), ..home.clone() };
    assert_eq!(says(at_home, &free, spring()), Verdict::Allowed);
    let at_work = PermitRequest { history: tried([1, 29], true), ..work.clone() };
    assert_eq!(says(elsewhere, &at_work, spring()), Verdict::Until(at("2026-03-13T04:00:00Z")));
    assert_eq!(says(at_home, &at_work, spring()), Verdict::Allowed);
    let older = PermitRequest { history: tried([1, 30], true), ..work };
    assert_eq!(says(elsewhere, &older, spring()), Verdict::Allowed);
    let mixed = PermitRequest { history: tried([1, 6], true), ..home };
    assert_eq!(says(at_home, &mixed, spring()), Verdict::Allowed, "calls to work are not calls home");
}

#[test]
fn washington_allows_one_call_a_week_at_work() {
    let work = PermitRequest { at_work: true, ..consumer(&["US", "US-WA"], Collector::Third) };
    let tried = Past { at_work: true, ..past(spring() - TimeDelta::days(6), Reach::Ring) };
    let held = PermitRequest { history: vec![tried], ..work };
    assert_eq!(says("us_wa_agencies/one_a_week_at_work", &held, spring()), Verdict::Until(at("2026-03-13T04:00:00Z")));
    assert_eq!(says("us_wa_agencies/three_a_week", &held, spring()), Verdict::Allowed);
}

#[test]
fn florida_solicitations_are_three_in_twenty_four_hours_to_the_second() {
    let sales = PermitRequest { purpose: Purpose::Sales, ..consumer(&["US", "US-FL"], Collector::First) };
    let tried = [1, 2, 23].map(|hours| past(spring() - TimeDelta::hours(hours), Reach::Ring)).to_vec();
    let held = PermitRequest { history: tried, ..sales };
    let rule = "us_fl_solicitation/three_in_a_day";
    let free = spring() + TimeDelta::hours(1);
    assert_eq!(says(rule, &held, free - TimeDelta::seconds(1)), Verdict::Until(free));
    assert_eq!(says(rule, &held, free), Verdict::Allowed);
}

#[test]
fn australia_counts_contacts_by_calendar_week_and_month() {
    const SYDNEY: Tz = chrono_tz::Australia::Sydney;
    // Thursday 12 March 2026, 10 h in Sydney
    let thursday = at("2026-03-11T23:00:00Z");
    let request = PermitRequest { zones: vec![SYDNEY], ..consumer(&["AU"], Collector::First) };
    let talks = |n: i64, reach| (1..=n).map(|hours| past(thursday - TimeDelta::hours(hours), reach)).collect();
    let with = |history| PermitRequest { history, ..request.clone() };
    let rule = "au_rg96/three_a_week";
    assert_eq!(says(rule, &with(talks(9, Reach::Ring)), thursday), Verdict::Allowed, "nobody was reached");
    assert_eq!(says(rule, &with(talks(2, Reach::Answered)), thursday), Verdict::Allowed);
    let monday = at("2026-03-15T13:00:00Z");
    assert_eq!(says(rule, &with(talks(3, Reach::Answered)), thursday), Verdict::Until(monday));
    let month = "au_rg96/ten_a_month";
    // summer time ends on 5 April, so April begins eleven hours ahead of UTC
    assert_eq!(says(month, &with(talks(10, Reach::Answered)), thursday), Verdict::Until(at("2026-03-31T13:00:00Z")));
}

#[test]
fn holidays_are_those_of_the_debtors_zone() {
    const SYDNEY: Tz = chrono_tz::Australia::Sydney;
    let request = PermitRequest { zones: vec![SYDNEY], ..consumer(&["AU"], Collector::First) };
    let rule = "au_rg96/holidays";
    // Good Friday 3 April 2026 begins at 13 h UTC of the day before; Saturday is none, Monday is
    assert_eq!(says(rule, &request, at("2026-04-02T12:59:59Z")), Verdict::Allowed);
    assert_eq!(says(rule, &request, at("2026-04-02T13:00:00Z")), Verdict::Until(at("2026-04-03T13:00:00Z")));
    assert_eq!(says(rule, &request, at("2026-04-03T13:00:00Z")), Verdict::Allowed);
    assert_eq!(says(rule, &request, at("2026-04-06T02:00:00Z")), Verdict::Until(at("2026-04-06T14:00:00Z")));
}

#[test]
fn who_was_left_without_an_agent_is_left_alone_for_three_days() {
    let then = spring();
    let mut request = consumer(&["GB"], Collector::First);
    request.history = vec![past(then, Reach::Abandoned)];
    let free = then + TimeDelta::hours(72);
    assert_eq!(says("uk_conc/after_abandoned", &request, free - TimeDelta::seconds(1)), Verdict::Until(free));
    assert_eq!(says("uk_conc/after_abandoned", &request, free), Verdict::Allowed);
    request.agent_reserved = true;
    assert_eq!(says("uk_conc/after_abandoned", &request, then + TimeDelta::hours(2)), Verdict::Allowed);
}

#[test]
fn a_wrong_pack_is_refused_with_its_file_and_key() {
    let good = "name = 'one'\nversion = 1\ntitle = 'One'\nnote = 'Not legal advice.'\nbase = true\n";
    let refused = |text: String| match Book::read([("policies/one.toml", text.as_str())]) {
        Err(crate::error::Error::Invalid { field, detail }) => (field, detail),
        other => panic!("not refused: {other:?}"),
    };
    assert!(Book::read([("policies/one.toml", good)]).is_ok());
    let key = |field: &str| format!("policies/one.toml: {field}");
    let rule = |says: &str| format!("{good}\n[[rule]]\nid = 'a'\ncite = 'somewhere'\n{says}\n");
    assert_eq!(refused(good.replace("'one'", "'two'")).0, key("name"));
    assert_eq!(refused(good.replace("version = 1", "version = 'x'")).0, key("version"));
    assert_eq!(refused(good.replace("Not legal advice.", "Believe me.")).0, key("note"));
    assert_eq!(refused(rule("")).0, key("rule[0]"));
    assert_eq!(
        refused(rule("quiet = { days = 40, per = 'debt' }")),
        (key("rule[0].quiet.days"), "must be 1 to 31".into())
    );
    assert_eq!(
        refused(rule("frequency = { at_most = 0, days = 7, per = 'debt' }")).0,
        key("rule[0].frequency.at_most")
    );
    assert_eq!(refused(rule("frequency = { at_most = 3, per = 'debt' }")).0, key("rule[0].frequency"));
    assert!(refused(rule("frequency = { at_most = 3, days = 7, per = 'debtor' }")).0.starts_with(&key("rule[0]")));
    assert_eq!(refused(rule("holidays = 'atlantis'")).1, "calendars.toml has no atlantis");
    let spans = "hours = { windows = [{ days = ['Mon'], from = '09:00:00', to = '08:00:00' }] }";
    assert_eq!(refused(rule(spans)).0, key("rule[0].hours.windows[0].to"));
    let other_key = refused(format!("{good}colour = 'red'\n"));
    assert!(other_key.0.starts_with("policies/one.toml"), "{other_key:?}");
}

#[test]
fn the_agent_is_told_what_the_packs_ask() {
    let book = Book::shipped().unwrap();
    let ids = |request: &PermitRequest, first| {
        let asked = prompts::asked(&book, request, first, spring());
        (asked.prompts.into_iter().map(|prompt| prompt.id).collect::<Vec<_>>(), asked.identity_first)
    };
    let business = (vec!["house/who_calls".to_owned()], false);
    assert_eq!(ids(&allowed(), true), business);
    let agency = consumer(&["US", "US-PA"], Collector::Third);
    let (first, identity) = ids(&agency, true);
    assert_eq!(first, ["us_recording/recording", "house/who_calls", "us_reg_f/mini_miranda", "us_reg_f/validation"]);
    assert!(identity);
    assert_eq!(ids(&agency, false).0[2..], ["us_reg_f/mini_miranda_later"]);
}
