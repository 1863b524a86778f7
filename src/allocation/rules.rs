//! The rules one by one. Items come oldest due date first, and each has something that may be paid.

use super::{
    Item, Receipt, Step,
    combination::{self, Found},
    policy::Policy,
    reference,
};

/// What a rule says.
pub(super) enum Outcome {
    /// It fits.
    Fits(Hit),
    /// It does not fit; what a person should know of that.
    Passes(Option<String>),
    /// It does not fit, and no other rule may guess.
    Ends(String),
}

/// What a rule found.
pub(super) struct Hit {
    /// Place of an item and how much of it is paid, minor units; nothing for an item that was meant and not reached.
    pub shares: Vec<(usize, i64)>,
    /// Why.
    pub explanation: String,
    /// These very items were meant: what is missing is a difference.
    pub meant: bool,
}

pub(super) fn attempt(step: Step, policy: &Policy, receipt: &Receipt<'_>, items: &[&Item]) -> Outcome {
    match step {
        Step::Specified => specified(receipt, items),
        Step::Reference => referred(receipt, items),
        Step::Exact => exact(policy, receipt, items),
        Step::Combination => combined(policy, receipt, items),
        Step::ClearAccount => {
            cleared(policy, receipt, &(0..items.len()).collect::<Vec<_>>(), items, "It is all that may be asked for.")
        }
        Step::ClearPastDue => {
            let past: Vec<usize> = (0..items.len()).filter(|nth| items[*nth].due_on < receipt.today).collect();
            cleared(policy, receipt, &past, items, "It is all that is past due.")
        }
        Step::OldestFirst => oldest_first(receipt, items),
    }
}

fn specified(receipt: &Receipt<'_>, items: &[&Item]) -> Outcome {
    if receipt.remitted.is_empty() {
        return Outcome::Passes(None);
    }
    let mut left = receipt.minor;
    let mut paid = vec![None; items.len()];
    let mut unknown = Vec::new();
    for line in receipt.remitted {
        let named = named(items, &line.invoice);
        if named.is_empty() {
            unknown.push(line.invoice.trim());
        }
        let mut wanted = line.minor.unwrap_or(i64::MAX);
        for nth in named {
            let already = paid[nth].unwrap_or(0);
            let here = wanted.min(left).min(items[nth].free() - already).max(0);
            // An instalment that a given amount does not reach was not meant.
            if here > 0 || line.minor.is_none() {
                paid[nth] = Some(already + here);
            }
            wanted -= here;
            left -= here;
        }
    }
    let shares: Vec<(usize, i64)> =
        paid.iter().enumerate().filter_map(|(nth, minor)| minor.map(|minor| (nth, minor))).collect();
    let of_unknown = match unknown.as_slice() {
        [] => String::new(),
        names => format!(" Not open here: {}.", listed(names.iter().copied())),
    };
    if shares.iter().all(|(_, minor)| *minor == 0) {
        return Outcome::Ends(format!("The advice names nothing that may be paid.{of_unknown}"));
    }
    let numbers = shares.iter().map(|(nth, _)| items[*nth].number.as_str());
    let explanation = format!("The advice names {}.{of_unknown}", listed(numbers));
    Outcome::Fits(Hit { shares, explanation, meant: true })
}

/// The items of an invoice.
fn named(items: &[&Item], number: &str) -> Vec<usize> {
    let wanted = reference::key(number);
    (0..items.len()).filter(|nth| reference::key(&items[*nth].number) == wanted).collect()
}

fn referred(receipt: &Receipt<'_>, items: &[&Item]) -> Outcome {
    let named = reference::named(receipt.reference, items);
    if named.is_empty() {
        return Outcome::Passes(None);
    }
    let shares = fill(&named, receipt.minor, items);
    let numbers = named.iter().map(|nth| items[*nth].number.as_str());
    let explanation = format!("The reference names {}.", listed(numbers));
    Outcome::Fits(Hit { shares, explanation, meant: true })
}

/// The amount of one item, or of all instalments of one invoice.
fn exact(policy: &Policy, receipt: &Receipt<'_>, items: &[&Item]) -> Outcome {
    let mut groups: Vec<Vec<usize>> = (0..items.len()).map(|nth| vec![nth]).collect();
    let mut by_number: Vec<usize> = (0..items.len()).collect();
    by_number.sort_by_key(|nth| &items[*nth].number);
    let whole = by_number.chunk_by(|a, b| items[*a].number == items[*b].number).filter(|group| group.len() > 1);
    groups.extend(whole.map(<[usize]>::to_vec));
    let sum = |group: &[usize]| group.iter().map(|nth| items[*nth].free()).sum::<i64>();

    let fitting = |test: &dyn Fn(i64) -> bool| -> Vec<&Vec<usize>> {
        groups.iter().filter(|group| test(sum(group))).take(2).collect()
    };
    let same = fitting(&|sum| sum == receipt.minor);
    let (found, how) = if same.is_empty() {
        (fitting(&|sum| policy.tolerates(sum - receipt.minor, sum)), "is open with nearly this amount")
    } else {
        (same, "is open with exactly this amount")
    };
    match found.as_slice() {
        [] => Outcome::Passes(None),
        [group] => {
            let explanation = format!("Only {} {how}.", listed(group.iter().map(|nth| items[*nth].number.as_str())));
            Outcome::Fits(Hit { shares: fill(group, receipt.minor, items), explanation, meant: true })
        }
        _ => Outcome::Passes(Some("Several items have this amount, so it was not taken for any of them.".to_owned())),
    }
}

fn combined(policy: &Policy, receipt: &Receipt<'_>, items: &[&Item]) -> Outcome {
    if items.len() < 3 {
        return Outcome::Passes(None);
    }
    if items.len() > policy.combination_items {
        let remark = format!("With {} open items no combination was looked for.", items.len());
        return Outcome::Passes(Some(remark));
    }
    let amounts: Vec<i64> = items.iter().map(|item| item.free()).collect();
    match combination::only(&amounts, receipt.minor, policy.combination_steps) {
        Found::One(places) => {
            let explanation =
                format!("Only one combination of open items comes to this amount: {} items.", places.len());
            Outcome::Fits(Hit { shares: fill(&places, receipt.minor, items), explanation, meant: true })
        }
        Found::Several => {
            Outcome::Passes(Some("Several combinations come to this amount, so none was taken.".to_owned()))
        }
        Found::GivenUp => Outcome::Passes(Some("Too many combinations to try them all, so none was taken.".to_owned())),
        Found::None => Outcome::Passes(None),
    }
}

fn cleared(policy: &Policy, receipt: &Receipt<'_>, places: &[usize], items: &[&Item], why: &str) -> Outcome {
    let sum: i64 = places.iter().map(|nth| items[*nth].free()).sum();
    let last = places.last().map_or(0, |nth| items[*nth].free());
    let fits = sum == receipt.minor || policy.tolerates(sum - receipt.minor, last);
    if places.is_empty() || !fits {
        return Outcome::Passes(None);
    }
    Outcome::Fits(Hit { shares: fill(places, receipt.minor, items), explanation: why.to_owned(), meant: true })
}

fn oldest_first(receipt: &Receipt<'_>, items: &[&Item]) -> Outcome {
    let mut shares = fill(&(0..items.len()).collect::<Vec<_>>(), receipt.minor, items);
    shares.retain(|(_, minor)| *minor > 0);
    if shares.is_empty() {
        return Outcome::Passes(None);
    }
    let in_part = shares.iter().filter(|(nth, minor)| *minor < items[*nth].free()).count();
    let whole = shares.len() - in_part;
    let explanation = format!("Oldest due date first: {whole} in full, {in_part} in part.");
    Outcome::Fits(Hit { shares, explanation, meant: false })
}

/// Pays the items at `places` one after the other until nothing is left.
fn fill(places: &[usize], minor: i64, items: &[&Item]) -> Vec<(usize, i64)> {
    let mut left = minor;
    places
        .iter()
        .map(|nth| {
            let here = left.min(items[*nth].free());
            left -= here;
            (*nth, here)
        })
        .collect()
}

/// Names for people: the first few, each once.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const MOST: usize = 5;
    let mut once: Vec<&str> = Vec::new();
    for name in names {
        if !once.contains(&name) {
            once.push(name);
        }
    }
    let more = once.len().saturating_sub(MOST);
    once.truncate(MOST);
    let shown = once.join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}
