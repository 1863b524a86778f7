//! What the callers did: attempts, contacts, promises, and the cash that came of it.
//!
//! **To whom cash is counted.** A payment counts for the last right-party contact with its account that an agent had on
//! the day of the payment or up to [`WINDOW_DAYS`] days before; to that agent, its team, and the campaign and hour of that
//! call, whole. What is taken back of it is taken off there. A payment without such a contact is nobody's, and has a row
//! of its own. So each cent is counted once in every grouping, and the rows sum to the payments of the period.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;

use super::{
    catalogue::{GroupBy, Params, Span},
    store::activity as read,
    table::{Cell, ChartKind, Kind, Table},
    turnover::Ratio,
};
use crate::{
    app::App,
    error::Result,
    money::{Currency, Money},
};

/// How long after a contact a payment may come and still count for it, days.
pub const WINDOW_DAYS: i32 = 14;

/// What one agent, team, campaign or hour did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Outbound calls placed.
    pub attempts: i64,
    /// Calls answered by a person.
    pub connects: i64,
    /// Calls whose disposition says that the right party was reached.
    pub right_party: i64,
    /// Promises taken.
    pub promises: i64,
    /// Promises whose deadline lay in the period, cancelled ones left out.
    pub matured: i64,
    /// Of these kept.
    pub kept: i64,
    /// Of these kept in part.
    pub partly_kept: i64,
    /// What the matured promises were for, credits taken off, minor units.
    pub matured_value: BTreeMap<Currency, i64>,
    /// What was paid on them in time, minor units.
    pub kept_value: BTreeMap<Currency, i64>,
    /// Logged in, seconds; of all portfolios, and 0 where only one was asked for.
    pub seconds: i64,
    /// Promised, minor units.
    pub promised: BTreeMap<Currency, i64>,
    /// Attributed cash, minor units.
    pub cash: BTreeMap<Currency, i64>,
}

impl Line {
    fn currencies(&self) -> impl Iterator<Item = Currency> + '_ {
        [&self.cash, &self.promised, &self.matured_value].into_iter().flat_map(BTreeMap::keys).copied()
    }
}

/// The table.
///
/// # Errors
/// Those of Postgres.
pub async fn table(app: &App, conn: &mut PgConnection, params: &Params) -> Result<Table> {
    let (as_of, days) = (params.as_of(app), params.days(30)?);
    let asked = read::Asked {
        span: Span::new(app, as_of, days),
        group_by: params.group_by,
        zone: app.clock.house_zone().name(),
        portfolio: params.portfolio.as_deref(),
    };
    let lines = read::lines(conn, &asked).await?;
    let currencies: BTreeSet<Currency> = lines.values().flat_map(Line::currencies).collect();
    let mut table = columns(Table::new("activity", "Collection activity", as_of), params.group_by, &currencies)
        .note(format!("A payment counts whole for the last right-party contact an agent had with its account on the day it was received or up to {WINDOW_DAYS} days before; one without such a contact is counted in the row of nobody. Each cent is in one row."))
        .note("Hours are those logged in, whatever was done in them. Promises count where their deadline lies in the period, cancelled ones left out.");
    table.about = format!("the {days} days up to the day, by {}", params.group_by.as_str());
    let by_hour = params.portfolio.is_none();
    if !by_hour {
        table = table.note("Hours are not split by portfolio: whoever is logged in may work on several. So hours and cash an hour are given for all portfolios together only.");
    }
    table.rows = lines.iter().map(|(name, line)| row(name, line, &currencies, by_hour)).collect();
    Ok(table.chart(ChartKind::Bars, "name", &["attempts", "connects", "right_party", "promises"]))
}

fn columns(table: Table, by: GroupBy, currencies: &BTreeSet<Currency>) -> Table {
    let title = match by {
        GroupBy::Agent => "Agent",
        GroupBy::Team => "Team",
        GroupBy::Campaign => "Campaign",
        GroupBy::Hour => "Hour",
    };
    let mut table = table
        .column("name", title, Kind::Text)
        .column("attempts", "Attempts", Kind::Count)
        .column("connects", "Connects", Kind::Count)
        .column("connect_rate", "Connect rate", Kind::Percent)
        .column("right_party", "Right-party contacts", Kind::Count)
        .column("right_party_rate", "Right party of connects", Kind::Percent)
        .column("promises", "Promises", Kind::Count)
        .column("promise_rate", "Promises of right-party contacts", Kind::Percent)
        .column("kept_rate", "Promises kept", Kind::Percent)
        .column("partly_kept_rate", "Kept in part", Kind::Percent)
        .column("hours", "Hours logged in", Kind::Ratio);
    for currency in currencies {
        let key = currency.as_str().to_lowercase();
        table = table
            .column(format!("promised_{key}"), format!("Promised, {currency}"), Kind::Money)
            .column(format!("kept_value_{key}"), format!("Kept by value, {currency}"), Kind::Percent)
            .column(format!("cash_{key}"), format!("Cash, {currency}"), Kind::Money)
            .column(format!("cash_per_hour_{key}"), format!("Cash an hour, {currency}"), Kind::Rate);
    }
    table
}

/// `by_hour`: the hours are known.
fn row(name: &str, line: &Line, currencies: &BTreeSet<Currency>, by_hour: bool) -> Vec<Cell> {
    let of = |definition, above: i64, below: i64| Cell::from(Ratio::new(definition, above.into(), below.into()));
    let mut row: Vec<Cell> = vec![
        if name.is_empty() { "(nobody)" } else { name }.into(),
        line.attempts.into(),
        line.connects.into(),
        of("calls answered by a person / outbound calls placed", line.connects, line.attempts),
        line.right_party.into(),
        of("right-party contacts / calls answered by a person", line.right_party, line.connects),
        line.promises.into(),
        of("promises taken / right-party contacts", line.promises, line.right_party),
        of(
            "promises kept / promises whose deadline lay in the period, cancelled ones left out",
            line.kept,
            line.matured,
        ),
        of("promises kept in part / promises whose deadline lay in the period", line.partly_kept, line.matured),
        if by_hour { of("seconds logged in / 3600", line.seconds, 3600) } else { Cell::Empty },
    ];
    for currency in currencies {
        let sum = |sums: &BTreeMap<Currency, i64>| sums.get(currency).copied().unwrap_or_default();
        let (cash, scale) = (sum(&line.cash), 10_i64.pow(currency.decimals()));
        row.push(Money::new(sum(&line.promised), *currency).into());
        row.push(of(
            "paid in time on promises whose deadline lay in the period / what they were for less credits, cancelled ones left out; minor units",
            sum(&line.kept_value),
            sum(&line.matured_value),
        ));
        row.push(Money::new(cash, *currency).into());
        let an_hour = Ratio::new(
            "attributed cash in minor units × 3600 / (seconds logged in × minor units in a major one)",
            i128::from(cash) * 3600,
            i128::from(line.seconds) * i128::from(scale),
        );
        row.push(if by_hour { an_hour.into() } else { Cell::Empty });
    }
    row
}
