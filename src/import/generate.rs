//! A made-up portfolio as a file: log-normal amounts, ages with a long tail, part payments, disputes, promises. Nobody in it
//! exists, and its telephone numbers belong to nobody.

use std::io::{self, Write};

use chrono::{NaiveDate, TimeDelta};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, LogNormal};
use serde::Serialize;

use crate::phone::fictional;

/// What to make up.
#[derive(Clone, Copy, Debug)]
pub struct Portfolio {
    /// How many accounts.
    pub accounts: u64,
    /// The same seed gives the same file.
    pub seed: u64,
    /// The portfolio's day: ages count from it.
    pub as_of: NaiveDate,
}

/// A line of the file; mapping `portfolio` reads it.
#[derive(Clone, Default, Serialize)]
struct Line {
    account: String,
    name: String,
    kind: &'static str,
    currency: &'static str,
    country: &'static str,
    region: &'static str,
    contact: String,
    role: &'static str,
    phone: String,
    invoice: String,
    issued_on: NaiveDate,
    due_on: NaiveDate,
    amount: String,
    disputed: &'static str,
    dispute_reason: &'static str,
    paid_on: Option<NaiveDate>,
    paid: String,
    promise_taken_on: Option<NaiveDate>,
    promise_due_on: Option<NaiveDate>,
    promise_amount: String,
    promise_status: &'static str,
}

const TRADES: [&str; 12] = [
    "Supply", "Works", "Freight", "Foods", "Print", "Tools", "Clinic", "Studio", "Timber", "Textiles", "Parts", "Labs",
];

const DISPUTES: [&str; 5] = ["price", "quantity", "quality", "not_delivered", "paid_already"];

/// Writes the portfolio to `out`; gives the number of invoices.
///
/// # Errors
/// If `out` cannot be written to.
pub fn generate(portfolio: Portfolio, out: impl Write) -> io::Result<u64> {
    let mut writer = csv::Writer::from_writer(out);
    let mut rng = StdRng::seed_from_u64(portfolio.seed);
    let mut invoices = 0;
    for index in 0..portfolio.accounts {
        let lines = account(portfolio, index, &mut rng);
        invoices += lines.len() as u64;
        for line in lines {
            writer.serialize(line)?;
        }
    }
    writer.flush()?;
    Ok(invoices)
}

fn account(portfolio: Portfolio, index: u64, rng: &mut StdRng) -> Vec<Line> {
    let consumer = rng.random_ratio(35, 100);
    let (phone, region) = fictional::nth(index.wrapping_add(portfolio.seed.wrapping_mul(1009)) % fictional::COUNT);
    let debtor = format!("Debtor {:04}", index + 1);
    let head = Line {
        account: format!("{:06}", 100_000 + index),
        name: if consumer { debtor.clone() } else { format!("{debtor} {}", pick(&TRADES, rng)) },
        kind: if consumer { "consumer" } else { "commercial" },
        currency: "USD",
        country: "US",
        region,
        contact: if consumer { debtor } else { "Accounts payable".to_owned() },
        role: if consumer { "debtor" } else { "payables" },
        phone: phone.as_str().to_owned(),
        disputed: "no",
        ..Line::default()
    };
    let count = if consumer { rng.random_range(1..=3) } else { rng.random_range(1..=12) };
    let mut open = 0;
    let mut lines: Vec<Line> = (0..count)
        .map(|nth| {
            let (line, left) = invoice(portfolio.as_of, &head, nth, consumer, rng);
            open += left;
            line
        })
        .collect();
    if let Some(first) = lines.first_mut() {
        promise(portfolio.as_of, first, open, rng);
    }
    lines
}

/// An invoice, and what is left to pay of it in cents.
fn invoice(as_of: NaiveDate, head: &Line, nth: u32, consumer: bool, rng: &mut StdRng) -> (Line, i64) {
    let days = |days: i64| TimeDelta::days(days);
    let age =
        if rng.random_ratio(25, 100) { -rng.random_range(0..=30) } else { log_normal(25, 120, rng).clamp(1, 720) };
    let due_on = as_of - days(age);
    let terms = if consumer { 14 } else { pick(&[30, 30, 45, 60], rng) };
    let cents =
        if consumer { log_normal(24_000, 80, rng) } else { log_normal(180_000, 110, rng) }.clamp(500, 500_000_000);
    let issued_on = (due_on - days(terms)).min(as_of);
    let mut line = Line {
        invoice: format!("{}-{:02}", head.account, nth + 1),
        issued_on,
        due_on,
        amount: decimal(cents),
        ..head.clone()
    };
    let held_for = (as_of - issued_on).num_days();
    let paid = match rng.random_range(0..100) {
        0..20 => cents,
        20..28 => cents * rng.random_range(10..=80) / 100,
        _ => 0,
    };
    if paid > 0 {
        line.paid_on = Some(as_of - days(rng.random_range(0..=held_for)));
        line.paid = decimal(paid);
    }
    let left = cents - paid;
    if left > 0 && rng.random_ratio(4, 100) {
        line.disputed = "yes";
        line.dispute_reason = pick(&DISPUTES, rng);
    }
    (line, left)
}

/// One account in seven has promised something before: kept, broken, or still to come.
fn promise(as_of: NaiveDate, line: &mut Line, open: i64, rng: &mut StdRng) {
    let (status, from_today) = match rng.random_range(0..100) {
        0..5 => ("kept", -rng.random_range(5..=40)),
        5..11 => ("broken", -rng.random_range(2..=20)),
        11..15 => ("open", rng.random_range(0..=10)),
        _ => return,
    };
    let cents = open * rng.random_range(3..=10) / 10;
    if cents > 0 {
        let due_on = as_of + TimeDelta::days(from_today);
        line.promise_due_on = Some(due_on);
        line.promise_taken_on = Some((due_on - TimeDelta::days(7)).min(as_of));
        line.promise_amount = decimal(cents);
        line.promise_status = status;
    }
}

/// A whole number from a log-normal distribution with that median; `sigma` in hundredths.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a random draw: nothing is computed from an amount"
)]
fn log_normal(median: i64, sigma: i32, rng: &mut StdRng) -> i64 {
    LogNormal::new((median as f64).ln(), f64::from(sigma) / 100.0).map_or(median, |law| law.sample(rng) as i64)
}

fn pick<T: Copy>(from: &[T], rng: &mut StdRng) -> T {
    from[rng.random_range(0..from.len())]
}

fn decimal(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(seed: u64) -> String {
        let as_of = NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
        let mut out = Vec::new();
        generate(Portfolio { accounts: 300, seed, as_of }, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_seed_decides_every_byte() {
        assert_eq!(file(1), file(1));
        assert_ne!(file(1), file(2));
    }

    #[test]
    fn it_has_a_bit_of_everything() {
        let file = file(3);
        for part in ["consumer", "commercial", ",kept", ",broken", ",open", ",yes,"] {
            assert!(file.contains(part), "{part}");
        }
        let mut rows = csv::Reader::from_reader(file.as_bytes());
        let column = rows.headers().unwrap().iter().position(|name| name == "region").unwrap();
        let states: std::collections::BTreeSet<String> =
            rows.records().map(|row| row.unwrap()[column].to_owned()).collect();
        assert!(states.len() > 20, "{states:?}");
    }
}
