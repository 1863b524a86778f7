//! Which disposition a simulated agent records. Pure: pop, catalogue and a random generator in, [`Wrap`] out.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rand::{Rng, RngExt as _, seq::IndexedRandom as _};

use super::Habits;
use crate::{
    desk::protocol::{Pop, PopItem},
    disposition::{Category, Consequence, Disposition, DisputeOpened, DisputedItem, Field, PromiseTaken, Wrap},
};

/// When it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// By the service's clock.
    pub(super) now: DateTime<Utc>,
    /// At the office.
    pub(super) business_date: NaiveDate,
}

/// Chooses among what the pop allows; `None` where the catalogue has nothing that fits.
pub(super) fn choose(
    rng: &mut impl Rng,
    habits: Habits,
    catalogue: &[Disposition],
    pop: Option<&Pop>,
    moment: Moment,
) -> Option<Wrap> {
    let items = pop.and_then(|pop| pop.account.as_ref()).map_or(&[][..], |account| &account.open_items[..]);
    let owed: Vec<&PopItem> = items.iter().filter(|item| item.open.minor > item.disputed.minor).collect();
    let possible: Vec<&Disposition> = catalogue
        .iter()
        .filter(|each| !each.required.iter().any(|field| needs_items(*field)) || !owed.is_empty())
        .filter(|each| pop.is_some_and(|pop| pop.account.is_some()) || each.required.is_empty())
        .filter(|each| pop.is_none_or(|pop| pop.ask_for.is_none()) || each.category != Category::RightParty)
        .collect();
    let chosen = possible.choose_weighted(rng, |each| weight(habits, each, catalogue)).ok()?;
    Some(fill(rng, chosen, &owed, moment))
}

fn needs_items(field: Field) -> bool {
    matches!(field, Field::Promise | Field::Dispute | Field::Items)
}

/// The habit of a kind is shared by the entries of that kind.
fn weight(habits: Habits, disposition: &Disposition, catalogue: &[Disposition]) -> f64 {
    // Simulated agents agree no plans: what they would have to know of the account is not on the pop.
    if disposition.consequence == Consequence::Plan {
        return 0.0;
    }
    let kind = |each: &Disposition| match each.consequence {
        Consequence::Promise => (0, habits.promise),
        Consequence::CallbackAt => (1, habits.callback),
        Consequence::RetryAfter { minutes: None } => (2, habits.retry),
        Consequence::Dispute => (3, habits.dispute),
        _ => (4, habits.end),
    };
    let (this, habit) = kind(disposition);
    let alike = catalogue.iter().filter(|each| kind(each).0 == this).count();
    f64::from(habit) / f64::from(u32::try_from(alike.max(1)).unwrap_or(u32::MAX))
}

fn fill(rng: &mut impl Rng, disposition: &Disposition, owed: &[&PopItem], moment: Moment) -> Wrap {
    let wants = |field| disposition.required.contains(&field);
    let count = rng.random_range(1..=owed.len().clamp(1, 3));
    let spoken: Vec<&PopItem> = owed.iter().take(count).copied().collect();
    let items = spoken.iter().map(|item| item.id).collect::<Vec<_>>();
    let promised = matches!(disposition.consequence, Consequence::Promise) || wants(Field::Promise);
    let disputed = matches!(disposition.consequence, Consequence::Dispute) || wants(Field::Dispute);
    let later = matches!(disposition.consequence, Consequence::CallbackAt) || wants(Field::CallbackAt);
    Wrap {
        code: disposition.code.clone(),
        note: (wants(Field::Note) || rng.random_bool(0.3)).then(|| note(rng, disposition)),
        promise: promised.then(|| PromiseTaken {
            amount_minor: spoken.iter().map(|item| item.open.minor - item.disputed.minor).sum(),
            due_on: moment.business_date + TimeDelta::days(rng.random_range(2..=14)),
            items: items.clone(),
            besides: false,
        }),
        plan: None,
        callback_at: later.then(|| moment.now + TimeDelta::minutes(rng.random_range(5..=40))),
        callback_mine: later && rng.random_bool(0.2),
        dispute: disputed.then(|| dispute(rng, &spoken)),
        items,
        do_not_call: false,
        number_invalid: false,
    }
}

fn dispute(rng: &mut impl Rng, spoken: &[&PopItem]) -> DisputeOpened {
    const REASONS: [&str; 4] = ["price", "quantity", "not_delivered", "already_paid"];
    let reason = REASONS.choose(rng).copied().unwrap_or("price");
    let items = spoken.iter().take(1).map(|item| DisputedItem {
        id: item.id,
        amount_minor: item.open.minor - item.disputed.minor,
        lines: Vec::new(),
    });
    DisputeOpened { reason: reason.to_owned(), items: items.collect() }
}

fn note(rng: &mut impl Rng, disposition: &Disposition) -> String {
    const TAILS: [&str; 4] = [
        "Spoke to payables.",
        "Copy of the invoice asked for.",
        "Will check with the manager.",
        "Payment run is on Thursdays.",
    ];
    format!("{}. {}", disposition.label, TAILS.choose(rng).copied().unwrap_or_default())
}
