//! Where an account belongs in a campaign's queue: pure, from its standing alone.
//!
//! Reasons to keep it out are looked at first, strictest first; then the lane; then which number is next and when.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::{Entry, Hold, Lane, Number, Placement, Standing, Wait, Window, score};
use crate::{campaign::Settings, compliance::attempts};

/// How soon a number is looked at again that was busy with a call for another account.
pub const BUSY_WITH_ANOTHER: TimeDelta = TimeDelta::minutes(2);

/// Where the account belongs at `now`, on the office's `business_date`.
#[must_use]
pub fn place(standing: &Standing, settings: &Settings, now: DateTime<Utc>, business_date: NaiveDate) -> Placement {
    if !standing.open || standing.open_minor <= 0 {
        return Placement::Absent;
    }
    if let Some(hold) = hold(standing, settings, business_date) {
        return Placement::Held(hold);
    }
    let listed = standing.collectible_minor >= settings.list.min_collectible_minor;
    let Some(lane) = lane(standing, settings, business_date).filter(|_| listed) else { return Placement::Absent };
    let Some(next) = next_number(standing, settings, lane, now) else {
        return Placement::Held(why_no_number(standing));
    };
    let entry = entry(standing, settings, lane, next.number, business_date);
    match waits(standing, lane, &next, now).into_iter().filter(|(until, _)| *until > now).max_by_key(|wait| wait.0) {
        Some((until, why)) => Placement::Waiting { until, why, entry },
        None => Placement::Ready(entry),
    }
}

/// Why no number is left that may ever be tried as things are.
fn why_no_number(standing: &Standing) -> Hold {
    if standing.all_do_not_call {
        Hold::DoNotCall
    } else if standing.numbers.iter().any(is_refused) {
        Hold::Policy
    } else {
        Hold::NoCallableNumber
    }
}

/// The last look forbids the number until a fact changes.
fn is_refused(number: &Number) -> bool {
    number.refused.as_ref().is_some_and(|refused| refused.until.is_none())
}

/// The strictest reason to keep the account out until a fact changes.
fn hold(standing: &Standing, settings: &Settings, business_date: NaiveDate) -> Option<Hold> {
    if standing.in_call {
        return Some(Hold::InCall);
    }
    if let Some((hold, None)) = standing.hold {
        return Some(hold);
    }
    if standing.removed {
        return Some(Hold::Removed);
    }
    let undisputed = standing.open_minor - standing.disputed_minor;
    if undisputed <= 0 {
        return Some(Hold::Disputed);
    }
    if standing.unapplied_minor >= undisputed {
        return Some(Hold::CoveredByUnappliedCash);
    }
    if promise_holds(standing, settings, business_date) {
        return Some(Hold::OpenPromise);
    }
    (standing.attempts >= u32::from(settings.limits.attempts_per_account)).then_some(Hold::AttemptsUsedUp)
}

/// An open promise is left alone until it is kept or broken, but for a reminder on its date.
fn promise_holds(standing: &Standing, settings: &Settings, business_date: NaiveDate) -> bool {
    let Some(due_on) = standing.open_promise_on else { return false };
    !(due_on == business_date && settings.list.remind_promises)
}

/// The lane of an account that nothing holds; `None` if the campaign does not list it.
fn lane(standing: &Standing, settings: &Settings, business_date: NaiveDate) -> Option<Lane> {
    let past_due = standing.oldest_due_on.is_some_and(|due| due < business_date);
    match standing.open_promise_on {
        _ if standing.callback_at.is_some() => Some(Lane::CallbackDue),
        Some(_) => Some(Lane::PromiseDue),
        None if standing.promise_broken => Some(Lane::PromiseBroken),
        None if standing.reminder_call => Some(Lane::ReminderDue),
        None if past_due => Some(Lane::PastDue),
        None => settings.list.include_not_yet_due.then_some(Lane::NotYetDue),
    }
}

/// A number, from when on it may be tried, and why not before.
struct Next<'a> {
    number: &'a Number,
    allowed_at: DateTime<Utc>,
    why: Wait,
}

/// The number to try next: the one that may be tried first; of those the one tried longest ago; of those the first.
fn next_number<'a>(standing: &'a Standing, settings: &Settings, lane: Lane, now: DateTime<Utc>) -> Option<Next<'a>> {
    let callable = standing.numbers.iter().filter(|number| !number.zones.is_empty() && !is_refused(number));
    let next = |number: &'a Number| {
        let (allowed_at, why) = allowed_at(number, settings, lane, now);
        Next { number, allowed_at, why }
    };
    let promised = callable.clone().find(|number| Some(number.contact_point) == standing.callback_number);
    if let (Lane::CallbackDue, Some(number)) = (lane, promised) {
        return Some(next(number));
    }
    callable.map(next).min_by_key(|next| (next.allowed_at, next.number.attempts.first().copied()))
}

/// The latest of what the last look said and what the limits allow.
fn allowed_at(number: &Number, settings: &Settings, lane: Lane, now: DateTime<Utc>) -> (DateTime<Utc>, Wait) {
    let by_limits = by_limits(number, settings, lane, now);
    match number.refused.as_ref().and_then(|refused| refused.until) {
        Some(until) if until > by_limits => (until, Wait::Policy),
        _ => (by_limits, Wait::Frequency),
    }
}

/// A callback comes up at its time. Whether it is made at the debtor's wish, so that the limits do not hold it back (12 CFR
/// 1006.14(b)(3)(i)), is for the last look to say.
fn by_limits(number: &Number, settings: &Settings, lane: Lane, now: DateTime<Utc>) -> DateTime<Utc> {
    let free_at = if number.in_call { now + BUSY_WITH_ANOTHER } else { now };
    if lane == Lane::CallbackDue {
        return free_at;
    }
    let limits = &settings.limits;
    free_at
        .max(attempts::number_allowed_at(limits, &number.zones, &number.attempts, now))
        .max(attempts::person_allowed_at(limits, &number.person_attempts, now))
}

/// Everything the account may have to wait for; past moments among them.
fn waits(standing: &Standing, lane: Lane, next: &Next<'_>, now: DateTime<Utc>) -> Vec<(DateTime<Utc>, Wait)> {
    let mut waits = vec![(next.allowed_at, next.why)];
    if lane == Lane::CallbackDue {
        waits.push((standing.callback_at.unwrap_or(now), Wait::Callback));
    } else if let Some(not_before) = standing.not_before {
        waits.push((not_before, Wait::RetryDelay));
    }
    if let Some((_, Some(until))) = standing.hold {
        waits.push((until, Wait::Hold));
    }
    waits
}

fn entry(standing: &Standing, settings: &Settings, lane: Lane, number: &Number, business_date: NaiveDate) -> Entry {
    let components = score::components(standing, number, settings, business_date);
    Entry {
        account: standing.account,
        person: number.person,
        contact_point: number.contact_point,
        lane,
        score: components.sum(),
        components,
        collectible_minor: standing.collectible_minor,
        window: Window::new(number.zones.iter().copied()),
    }
}

#[cfg(test)]
mod tests;
