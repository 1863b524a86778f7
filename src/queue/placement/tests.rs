use chrono::Days;
use chrono_tz::Tz;
use proptest::prelude::*;

use super::*;
use crate::{
    ids::{AccountId, ContactPointId, PersonId},
    queue::Refused,
};

const NEW_YORK: Tz = chrono_tz::America::New_York;

fn now() -> DateTime<Utc> {
    "2026-03-10T15:00:00Z".parse().unwrap()
}

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, 10).unwrap()
}

fn number() -> Number {
    Number {
        contact_point: ContactPointId::generate(),
        person: PersonId::generate(),
        zones: vec![NEW_YORK],
        attempts: Vec::new(),
        person_attempts: Vec::new(),
        in_call: false,
        reach_milli: 1000,
        refused: None,
    }
}

/// An account that owes 500.00, ten days past due, with one number and no history.
fn plain() -> Standing {
    Standing {
        account: AccountId::generate(),
        open: true,
        collectible_minor: 50_000,
        open_minor: 50_000,
        unapplied_minor: 0,
        disputed_minor: 0,
        oldest_due_on: Some(today() - Days::new(10)),
        open_promise_on: None,
        promise_broken: false,
        broken_promises: 0,
        kept_promises: 0,
        hold: None,
        callback_at: None,
        callback_number: None,
        reminder_call: false,
        not_before: None,
        attempts: 0,
        removed: false,
        in_call: false,
        numbers: vec![number()],
        all_do_not_call: false,
    }
}

fn placed(standing: &Standing) -> Placement {
    place(standing, &Settings::default(), now(), today())
}

fn ready_lane(standing: &Standing) -> Lane {
    match placed(standing) {
        Placement::Ready(entry) => entry.lane,
        other => panic!("not ready: {other:?}"),
    }
}

fn wait(standing: &Standing) -> (DateTime<Utc>, Wait) {
    match placed(standing) {
        Placement::Waiting { until, why, .. } => (until, why),
        other => panic!("not waiting: {other:?}"),
    }
}

fn hold_of(standing: &Standing) -> Hold {
    match placed(standing) {
        Placement::Held(hold) => hold,
        other => panic!("not held: {other:?}"),
    }
}

#[test]
fn an_account_past_due_is_ready() {
    assert_eq!(ready_lane(&plain()), Lane::PastDue);
}

#[test]
fn an_item_due_today_is_not_past_due() {
    let due_today = Standing { oldest_due_on: Some(today()), ..plain() };
    assert_eq!(placed(&due_today), Placement::Absent);
    let mut settings = Settings::default();
    settings.list.include_not_yet_due = true;
    let Placement::Ready(entry) = place(&due_today, &settings, now(), today()) else { panic!("not listed") };
    assert_eq!(entry.lane, Lane::NotYetDue);
}

#[test]
fn a_promise_due_today_is_reminded_of_where_the_campaign_allows_it() {
    let promised = Standing { open_promise_on: Some(today()), ..plain() };
    assert_eq!(ready_lane(&promised), Lane::PromiseDue);
    let mut settings = Settings::default();
    settings.list.remind_promises = false;
    assert_eq!(place(&promised, &settings, now(), today()), Placement::Held(Hold::OpenPromise));
}

#[test]
fn a_reminder_that_asks_for_a_call_lists_what_is_not_due_yet_and_bypasses_no_limit() {
    let not_due = Standing { oldest_due_on: Some(today() + Days::new(3)), reminder_call: true, ..plain() };
    assert_eq!(ready_lane(&not_due), Lane::ReminderDue);
    let resting = Standing { not_before: Some(now() + TimeDelta::hours(2)), ..not_due.clone() };
    assert!(matches!(placed(&resting), Placement::Waiting { why: Wait::RetryDelay, .. }), "a rest is kept");
    let broken = Standing { promise_broken: true, ..not_due.clone() };
    assert_eq!(ready_lane(&broken), Lane::PromiseBroken);
    let promised = Standing { open_promise_on: Some(today() + Days::new(1)), ..not_due };
    assert_eq!(hold_of(&promised), Hold::OpenPromise, "a promise is left alone");
}

#[test]
fn a_promise_due_tomorrow_holds() {
    assert_eq!(hold_of(&Standing { open_promise_on: Some(today() + Days::new(1)), ..plain() }), Hold::OpenPromise);
}

#[test]
fn a_promise_holds_until_it_is_found_broken() {
    let past_its_day = Standing { open_promise_on: Some(today() - Days::new(4)), ..plain() };
    assert_eq!(hold_of(&past_its_day), Hold::OpenPromise, "a weekend and the grace may lie between");
    let broken = Standing { promise_broken: true, ..plain() };
    assert_eq!(ready_lane(&broken), Lane::PromiseBroken);
}

#[test]
fn a_callback_exactly_now_is_due_and_a_second_later_it_waits() {
    assert_eq!(ready_lane(&Standing { callback_at: Some(now()), ..plain() }), Lane::CallbackDue);
    let later = now() + TimeDelta::seconds(1);
    assert_eq!(wait(&Standing { callback_at: Some(later), ..plain() }), (later, Wait::Callback));
}

#[test]
fn a_callback_goes_to_its_number_in_spite_of_rest_and_frequency() {
    let mut callback = Standing { callback_at: Some(now()), not_before: Some(now() + TimeDelta::hours(3)), ..plain() };
    let mut second = number();
    second.attempts = vec![now() - TimeDelta::hours(1)];
    callback.callback_number = Some(second.contact_point);
    callback.numbers.push(second);
    let Placement::Ready(entry) = placed(&callback) else { panic!("not ready") };
    assert_eq!(Some(entry.contact_point), callback.callback_number);
}

#[test]
fn attempts_exactly_at_the_limit_are_used_up() {
    let limit = u32::from(Settings::default().limits.attempts_per_account);
    assert_eq!(ready_lane(&Standing { attempts: limit - 1, ..plain() }), Lane::PastDue);
    assert_eq!(hold_of(&Standing { attempts: limit, ..plain() }), Hold::AttemptsUsedUp);
}

#[test]
fn a_rest_that_ends_now_is_over() {
    assert_eq!(ready_lane(&Standing { not_before: Some(now()), ..plain() }), Lane::PastDue);
    let later = now() + TimeDelta::seconds(1);
    assert_eq!(wait(&Standing { not_before: Some(later), ..plain() }), (later, Wait::RetryDelay));
}

#[test]
fn a_person_waits_seven_days_to_the_second() {
    let limit = usize::from(Settings::default().limits.attempts_per_person_per_week);
    let tried = |oldest: DateTime<Utc>| {
        let mut standing = plain();
        standing.numbers[0].person_attempts = vec![now() - TimeDelta::days(1); limit - 1];
        standing.numbers[0].person_attempts.push(oldest);
        standing
    };
    let seven_days_ago = now() - TimeDelta::days(7);
    assert_eq!(ready_lane(&tried(seven_days_ago)), Lane::PastDue);
    let a_second_younger = seven_days_ago + TimeDelta::seconds(1);
    assert_eq!(wait(&tried(a_second_younger)), (now() + TimeDelta::seconds(1), Wait::Frequency));
}

#[test]
fn numbers_take_turns_and_a_number_tried_today_is_passed_over() {
    let mut standing = plain();
    standing.numbers = vec![number(), number(), number()];
    standing.numbers[0].attempts = vec![now() - TimeDelta::hours(1)];
    standing.numbers[1].attempts = vec![now() - TimeDelta::days(2)];
    let next = |standing: &Standing| match placed(standing) {
        Placement::Ready(entry) => entry.contact_point,
        other => panic!("not ready: {other:?}"),
    };
    assert_eq!(next(&standing), standing.numbers[2].contact_point, "never tried goes first");
    standing.numbers[2].attempts = vec![now() - TimeDelta::days(1)];
    assert_eq!(next(&standing), standing.numbers[1].contact_point, "then the one tried longest ago");
}

#[test]
fn unapplied_cash_equal_to_what_is_owed_covers_it() {
    let owed = plain().open_minor;
    let with = |unapplied| Standing { unapplied_minor: unapplied, collectible_minor: owed - unapplied, ..plain() };
    assert_eq!(hold_of(&with(owed)), Hold::CoveredByUnappliedCash);
    assert_eq!(ready_lane(&with(owed - 1)), Lane::PastDue);
}

#[test]
fn a_dispute_of_everything_holds_and_cash_may_cover_the_rest() {
    let with = |disputed, unapplied| Standing {
        disputed_minor: disputed,
        unapplied_minor: unapplied,
        collectible_minor: 50_000 - disputed - unapplied,
        ..plain()
    };
    assert_eq!(hold_of(&with(50_000, 0)), Hold::Disputed);
    assert_eq!(hold_of(&with(30_000, 20_000)), Hold::CoveredByUnappliedCash);
    assert_eq!(ready_lane(&with(30_000, 19_999)), Lane::PastDue);
}

#[test]
fn a_hold_with_an_end_waits_and_one_without_holds() {
    let until = now() + TimeDelta::days(30);
    assert_eq!(wait(&Standing { hold: Some((Hold::Cease, Some(until))), ..plain() }), (until, Wait::Hold));
    assert_eq!(hold_of(&Standing { hold: Some((Hold::Cease, None)), ..plain() }), Hold::Cease);
}

#[test]
fn of_several_waits_the_longest_counts() {
    let until = now() + TimeDelta::days(2);
    let rest = Some(now() + TimeDelta::hours(4));
    let both = Standing { hold: Some((Hold::OnHold, Some(until))), not_before: rest, ..plain() };
    assert_eq!(wait(&both), (until, Wait::Hold));
}

#[test]
fn without_a_number_the_reason_is_shown() {
    assert_eq!(hold_of(&Standing { numbers: Vec::new(), ..plain() }), Hold::NoCallableNumber);
    assert_eq!(hold_of(&Standing { numbers: Vec::new(), all_do_not_call: true, ..plain() }), Hold::DoNotCall);
    let mut nowhere = plain();
    nowhere.numbers[0].zones.clear();
    assert_eq!(hold_of(&nowhere), Hold::NoCallableNumber, "a number without a zone has no calling hours");
}

#[test]
fn a_number_busy_for_another_account_is_looked_at_again_soon() {
    let mut busy = plain();
    busy.numbers[0].in_call = true;
    assert_eq!(wait(&busy), (now() + BUSY_WITH_ANOTHER, Wait::Frequency));
}

#[test]
fn paid_and_closed_accounts_are_not_listed() {
    assert_eq!(placed(&Standing { open_minor: 0, collectible_minor: 0, ..plain() }), Placement::Absent);
    assert_eq!(placed(&Standing { open: false, ..plain() }), Placement::Absent);
    let mut settings = Settings::default();
    settings.list.min_collectible_minor = 50_001;
    assert_eq!(place(&plain(), &settings, now(), today()), Placement::Absent);
}

prop_compose! {
    fn any_standing()(
        open_minor in -100_i64..100_000, unapplied_minor in 0_i64..60_000, disputed_minor in 0_i64..60_000,
        due in prop::option::of(-100_i64..100), promise in prop::option::of(-5_i64..5), promise_broken: bool,
        hold in prop::option::of((prop::sample::select(vec![Hold::Cease, Hold::OnHold]), prop::option::of(-9_i64..9))),
        callback in prop::option::of(-9_i64..9), rest in prop::option::of(-9_i64..9), attempts in 0_u32..15,
        flags in (any::<bool>(), any::<bool>(), any::<bool>()), tried in prop::collection::vec(0_i64..200, 0..5),
    ) -> Standing {
        let hours = |hours: i64| now() + TimeDelta::hours(hours);
        let mut tried: Vec<_> = tried.into_iter().map(|ago| hours(-ago)).collect();
        tried.sort_unstable_by(|a, b| b.cmp(a));
        Standing {
            open_minor, unapplied_minor, disputed_minor, promise_broken, attempts,
            collectible_minor: open_minor - unapplied_minor - disputed_minor,
            oldest_due_on: due.map(|days| today() + TimeDelta::days(days)),
            open_promise_on: promise.map(|days| today() + TimeDelta::days(days)),
            hold: hold.map(|(reason, until)| (reason, until.map(hours))),
            callback_at: callback.map(hours),
            not_before: rest.map(hours),
            removed: flags.0 && flags.1,
            in_call: flags.1 && flags.2,
            numbers: vec![Number { attempts: tried.clone(), person_attempts: tried, ..number() }],
            ..plain()
        }
    }
}

proptest! {
    #[test]
    fn nothing_that_is_held_is_ever_ready(standing in any_standing()) {
        let settings = Settings::default();
        let limits = settings.limits;
        let Placement::Ready(entry) = placed(&standing) else { return Ok(()) };
        prop_assert!(!standing.removed && !standing.in_call);
        prop_assert!(standing.hold.is_none_or(|(_, until)| until.is_some_and(|until| until <= now())));
        prop_assert!(standing.collectible_minor > 0);
        prop_assert!(standing.attempts < u32::from(limits.attempts_per_account));
        prop_assert!(standing.open_promise_on.is_none_or(|due| due <= today()));
        if entry.lane == Lane::CallbackDue {
            prop_assert!(standing.callback_at.is_some_and(|at| at <= now()));
        } else {
            prop_assert!(standing.not_before.is_none_or(|at| at <= now()));
            let week = now() - TimeDelta::days(7);
            let in_week = standing.numbers[0].person_attempts.iter().filter(|at| **at > week).count();
            prop_assert!(in_week < usize::from(limits.attempts_per_person_per_week));
        }
    }

    #[test]
    fn the_score_is_the_sum_of_its_components(standing in any_standing()) {
        if let Placement::Ready(entry) | Placement::Waiting { entry, .. } = placed(&standing) {
            prop_assert_eq!(entry.score, entry.components.sum());
            prop_assert!(entry.score <= super::super::rank::MAX_SCORE);
        }
    }

    #[test]
    fn waiting_ends_later_and_then_leads_on(standing in any_standing()) {
        if let Placement::Waiting { until, .. } = placed(&standing) {
            prop_assert!(until > now());
        }
    }
}

#[test]
fn what_the_last_look_refused_waits_for_its_moment_and_no_longer() {
    let refused = |until| Some(Refused { rule: "us_ma/two_in_seven".to_owned(), until });
    let later = now() + TimeDelta::hours(30);
    let waits = Standing { numbers: vec![Number { refused: refused(Some(later)), ..number() }], ..plain() };
    let Placement::Waiting { until, why, .. } = placed(&waits) else { panic!("it waits") };
    assert_eq!((until, why), (later, Wait::Policy));
    assert!(matches!(place(&waits, &Settings::default(), later, today()), Placement::Ready(_)));

    let never = Number { refused: refused(None), ..number() };
    let held = Standing { numbers: vec![never.clone()], ..plain() };
    assert_eq!(placed(&held), Placement::Held(Hold::Policy));
    let other = number();
    let two = Standing { numbers: vec![never.clone(), other.clone()], ..plain() };
    let Placement::Ready(entry) = placed(&two) else { panic!("the other number may be called") };
    assert_eq!(entry.contact_point, other.contact_point);
    let callback = Standing { callback_at: Some(now()), callback_number: Some(never.contact_point), ..two };
    let Placement::Ready(entry) = placed(&callback) else { panic!("a callback on the other number") };
    assert_eq!(entry.contact_point, other.contact_point);
}
