//! Cash to come: of promises, and of habits; and how good the same forecast was before.
//!
//! A *promise* brings what is still to come of it times the chance that its account keeps its promises ([`keeps`]). What is
//! open and not promised is paid as payers of that kind pay ([`habit::Habit`]). An amount to come is an estimate, rounded to minor
//! units; nothing is ever posted from it.

pub mod habit;

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use sqlx::PgConnection;

use self::habit::{Habit, Open};
use super::{
    AsOf,
    catalogue::Params,
    store::{forecast as read, promised},
    table::{Cell, ChartKind, Kind, Table},
    turnover::Ratio,
};
use crate::{
    app::App,
    error::Result,
    ids::{AccountId, InstalmentId},
    money::{Currency, Money},
};

/// Weeks that are forecast.
pub const WEEKS: usize = 8;

/// Weeks of a forecast that is compared with what came.
const COMPARED: u64 = 4;

/// How many forecasts of the past are compared.
const ORIGINS: u64 = 8;

/// How much of what everybody does counts for one account, in promises.
const PRIOR: f64 = 4.0;

/// A promise that is open, minor units.
#[derive(Clone, Debug)]
pub struct OpenPromise {
    /// Whose.
    pub account: AccountId,
    /// What it is for; empty: whatever is open.
    pub items: Vec<InstalmentId>,
    /// Its currency.
    pub currency: Currency,
    /// What is still to come of it.
    pub minor: i64,
    /// By when.
    pub deadline: NaiveDate,
    /// Promises that its account kept before.
    pub kept: i64,
    /// Promises of its account whose deadline has passed.
    pub matured: i64,
}

/// An open item of an account that has promised something.
#[derive(Clone, Copy, Debug)]
pub struct Item {
    /// Whose.
    pub account: AccountId,
    /// The item.
    pub instalment: InstalmentId,
    /// What is open of it.
    pub open: Open,
}

/// Lays promises on what is open, the first on the oldest: no promise brings more than is open, and what is left of an item
/// is promised by nobody. Gives the items, each in a promised part and the rest.
fn laid(promises: &mut [OpenPromise], items: Vec<Item>) -> Vec<Open> {
    let mut left: BTreeMap<AccountId, Vec<(Item, i64)>> = BTreeMap::new();
    for item in items {
        left.entry(item.account).or_default().push((item, item.open.minor));
    }
    for promise in promises {
        let mut to_come = promise.minor;
        for (item, minor) in left.get_mut(&promise.account).into_iter().flatten() {
            if promise.items.is_empty() || promise.items.contains(&item.instalment) {
                let part = to_come.min(*minor);
                *minor -= part;
                to_come -= part;
            }
        }
        promise.minor -= to_come;
    }
    let parts = left.into_values().flatten().flat_map(|(item, rest)| {
        let of = |promised, minor| Open { promised, minor, ..item.open };
        [of(true, item.open.minor - rest), of(false, rest)]
    });
    parts.filter(|part| part.minor > 0).collect()
}

/// The chance that a promise is kept: what the account did before, and, as if it were [`PRIOR`] more of its promises,
/// what all accounts did. Without any promise of the past, one half.
#[must_use]
pub fn keeps(kept: i64, matured: i64, kept_by_all: i64, matured_by_all: i64) -> f64 {
    let all = (count(kept_by_all) + 1.0) / (count(matured_by_all) + 2.0);
    (count(kept) + PRIOR * all) / (count(matured) + PRIOR)
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn count(n: i64) -> f64 {
    n as f64
}

/// An estimated part of an amount.
#[expect(clippy::cast_possible_truncation, reason = "a part is smaller than the amount")]
fn part(minor: i64, share: f64) -> i64 {
    (count(minor) * share).round() as i64
}

/// Cash expected in a week, minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Week {
    /// Promised for it.
    pub promised: i64,
    /// Of that expected.
    pub of_promises: i64,
    /// Expected of items that nobody has promised to pay.
    pub of_habits: i64,
}

/// The forecast from the end of a day, week by week, for each currency.
///
/// # Errors
/// Those of Postgres.
pub async fn forecast(
    conn: &mut PgConnection,
    as_of: AsOf,
    portfolio: Option<&str>,
) -> Result<BTreeMap<Currency, [Week; WEEKS]>> {
    let mut weeks: BTreeMap<Currency, [Week; WEEKS]> = BTreeMap::new();
    let mut promises = promised::open_promises(conn, as_of, portfolio).await?;
    let accounts = promises.iter().map(|promise| promise.account).collect();
    let read::Habits { paid, mut open, of_promisers } = read::habits(conn, as_of, portfolio, &accounts).await?;
    open.extend(laid(&mut promises, of_promisers));
    let (kept, matured) = read::kept_by_all(conn, as_of, portfolio).await?;
    for promise in &promises {
        let days = (promise.deadline - as_of.day).num_days().max(1);
        let Some(week) = usize::try_from((days - 1) / 7).ok().filter(|week| *week < WEEKS) else { continue };
        let week = &mut weeks.entry(promise.currency).or_default()[week];
        week.promised += promise.minor;
        week.of_promises += part(promise.minor, keeps(promise.kept, promise.matured, kept, matured));
    }
    let habits = Habit::of_classes(&paid, &open);
    for item in open.iter().filter(|item| !item.promised) {
        let habit = habits.get(&item.class).unwrap_or(&habits[&habit::EVERYBODY]);
        for (nth, week) in weeks.entry(item.currency).or_default().iter_mut().enumerate() {
            let from = item.days_late + i32::try_from(nth).unwrap_or(0) * 7;
            week.of_habits += part(item.minor, habit.share_between(item.days_late, from, from + 7));
        }
    }
    Ok(weeks)
}

/// The forecast as a table.
///
/// # Errors
/// Those of Postgres.
pub async fn table(app: &App, conn: &mut PgConnection, params: &Params) -> Result<Table> {
    let as_of = params.as_of(app);
    let mut table = Table::new("cash_forecast", "Cash forecast", as_of)
        .column("week", "Up to", Kind::Date)
        .column("currency", "Currency", Kind::Text)
        .column("promised", "Promised", Kind::Money)
        .column("of_promises", "Expected of promises", Kind::Money)
        .column("kept_share", "Expected share of promised", Kind::Percent)
        .column("of_habits", "Expected of habits", Kind::Money)
        .column("expected", "Expected", Kind::Money)
        .note("Promises: what is promised times the chance that the account keeps its promises, learnt from its own past ones and, as if it were four more of its own, from those of all accounts.")
        .note("Habits: what is open and not promised is paid as payers of that kind paid in the last 365 days; kinds are told apart by their mean days late. Items that are still unpaid count as such. How good this was before is in the calibration.");
    for (currency, weeks) in forecast(conn, as_of, params.portfolio.as_deref()).await? {
        for (week, until) in weeks.iter().zip((1_u64..).map(|nth| as_of.day + Days::new(nth * 7))) {
            let money = |minor| Cell::from(Money::new(minor, currency));
            table.rows.push(vec![
                until.into(),
                currency.to_string().into(),
                money(week.promised),
                money(week.of_promises),
                Ratio::new("expected of promises / promised", week.of_promises.into(), week.promised.into()).into(),
                money(week.of_habits),
                money(week.of_promises + week.of_habits),
            ]);
        }
    }
    Ok(table.chart(ChartKind::Stacked, "week", &["of_promises", "of_habits"]))
}

/// The same forecast made at days of the past, beside what came.
///
/// # Errors
/// Those of Postgres.
pub async fn calibration(app: &App, conn: &mut PgConnection, params: &Params) -> Result<Table> {
    let as_of = params.as_of(app);
    let mut table = Table::new("forecast_calibration", "How good the forecast was", as_of)
        .column("from", "Forecast at the end of", Kind::Date)
        .column("until", "For the days up to", Kind::Date)
        .column("currency", "Currency", Kind::Text)
        .column("expected", "Expected", Kind::Money)
        .column("came", "Came", Kind::Money)
        .column("ratio", "Came of expected", Kind::Percent)
        .note("Four weeks of the same forecast, worked out as of a day of the past, and what was paid in these weeks on items that were open at its end. Payments of invoices that came later are not part of either.");
    for back in (0..ORIGINS).rev() {
        let origin = as_of.day - Days::new(7 * (COMPARED + back));
        let until = origin + Days::new(7 * COMPARED);
        let then = AsOf { day: origin, known_at: as_of.known_at };
        let came = read::came(conn, then, until, params.portfolio.as_deref()).await?;
        let mut expected: BTreeMap<Currency, i64> = came.keys().map(|currency| (*currency, 0)).collect();
        for (currency, weeks) in forecast(conn, then, params.portfolio.as_deref()).await? {
            let of_weeks = weeks.iter().take(usize::try_from(COMPARED).unwrap_or(WEEKS));
            expected.insert(currency, of_weeks.map(|week| week.of_promises + week.of_habits).sum());
        }
        for (currency, expected) in expected {
            let came = came.get(&currency).copied().unwrap_or_default();
            table.rows.push(vec![
                origin.into(),
                until.into(),
                currency.to_string().into(),
                Money::new(expected, currency).into(),
                Money::new(came, currency).into(),
                Ratio::new("came / expected", came.into(), expected.into()).into(),
            ]);
        }
    }
    Ok(table.chart(ChartKind::Bars, "from", &["expected", "came"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_believed_more_the_more_it_has_promised() {
        assert!((keeps(0, 0, 0, 0) - 0.5).abs() < 1e-12, "nothing is known");
        let good = keeps(10, 10, 50, 100);
        let new = keeps(0, 0, 50, 100);
        let bad = keeps(0, 10, 50, 100);
        assert!(bad < new && new < good && good < 1.0, "{bad} {new} {good}");
    }

    fn item(account: AccountId, days_late: i32, minor: i64) -> Item {
        let open = Open { class: 0, currency: Currency::USD, days_late, promised: false, minor };
        Item { account, instalment: InstalmentId::generate(), open }
    }

    fn promise(account: AccountId, items: &[Item], minor: i64) -> OpenPromise {
        OpenPromise {
            account,
            items: items.iter().map(|item| item.instalment).collect(),
            currency: Currency::USD,
            minor,
            deadline: NaiveDate::from_ymd_opt(2026, 3, 10).unwrap(),
            kept: 0,
            matured: 0,
        }
    }

    #[test]
    fn what_is_not_promised_of_an_item_is_left_to_habits_and_no_promise_brings_more_than_is_open() {
        let (one, other) = (AccountId::generate(), AccountId::generate());
        let items = [item(one, 30, 10_000), item(one, 10, 500), item(other, 5, 70)];
        let mut promises = [
            promise(one, &items[..1], 100),
            promise(one, &items[1..2], 400),
            promise(one, &items[1..2], 300),
            promise(other, &[], 90),
        ];
        let parts: Vec<_> = laid(&mut promises, items.to_vec())
            .iter()
            .map(|part| (part.days_late, part.promised, part.minor))
            .collect();
        assert_eq!(parts, [(30, true, 100), (30, false, 9_900), (10, true, 500), (5, true, 70)]);
        assert_eq!(promises.map(|promise| promise.minor), [100, 400, 100, 70]);
    }

    #[test]
    fn a_part_is_rounded_to_minor_units() {
        assert_eq!([part(1001, 0.5), part(999, 1.0), part(5, 0.0)], [501, 999, 0]);
    }
}
