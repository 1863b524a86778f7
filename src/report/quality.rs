//! The tables about what goes wrong: disputes, payers who are always late, abandoned calls.

use sqlx::PgConnection;

use super::{
    catalogue::{Params, Span},
    store::quality as read,
    table::{Cell, ChartKind, Kind, Table},
    turnover::Ratio,
};
use crate::{app::App, dialer::abandoned, error::Result, money::Money, pacing::share::Share};

/// Items that were paid before a payer can be called late.
pub const LEAST_ITEMS: i64 = 5;

/// A payer is late for good whose median is later than that, days …
pub const LATE_MEDIAN: i64 = 10;

/// Payers that are listed at most.
const MOST_PAYERS: i64 = 1000;

/// Open disputes by reason, department and age, and how long those of the period took.
///
/// # Errors
/// Those of Postgres.
pub async fn disputes(app: &App, conn: &mut PgConnection, params: &Params) -> Result<Table> {
    let (as_of, days) = (params.as_of(app), params.days(30)?);
    let span = Span::new(app, as_of, days);
    let mut table = Table::new("dispute_ageing", "Disputes by age", as_of)
        .column("reason", "Reason", Kind::Text)
        .column("department", "Department", Kind::Text)
        .column("currency", "Currency", Kind::Text)
        .column("open", "Open", Kind::Count)
        .column("amount", "Disputed", Kind::Money)
        .column("to_7", "0-7 days", Kind::Money)
        .column("to_14", "8-14 days", Kind::Money)
        .column("to_30", "15-30 days", Kind::Money)
        .column("to_60", "31-60 days", Kind::Money)
        .column("over_60", "Over 60 days", Kind::Money)
        .column("oldest", "Oldest, days", Kind::Count)
        .column("resolved", "Resolved in the period", Kind::Count)
        .column("mean_days", "Mean days to resolve", Kind::Ratio);
    table.about = format!("resolved in the {days} days up to the day");
    for row in read::disputes(conn, &span, params.portfolio.as_deref()).await? {
        let money = |minor| Cell::from(Money::new(minor, row.currency));
        let mut cells: Vec<Cell> =
            vec![row.reason.into(), row.department.into(), row.currency.to_string().into(), row.open.into()];
        cells.push(money(row.by_age.iter().sum()));
        cells.extend(row.by_age.map(money));
        cells.push(row.oldest_days.into());
        cells.push(row.resolved.into());
        cells.push(
            Ratio::new("days from opening to closing / disputes closed", row.days.into(), row.resolved.into()).into(),
        );
        table.rows.push(cells);
    }
    Ok(table.chart(ChartKind::Stacked, "reason", &["to_7", "to_14", "to_30", "to_60", "over_60"]))
}

/// Accounts that keep paying late, the latest first.
///
/// # Errors
/// Those of Postgres.
pub async fn late_payers(app: &App, conn: &mut PgConnection, params: &Params) -> Result<Table> {
    let (as_of, days) = (params.as_of(app), params.days(365)?);
    let span = Span::new(app, as_of, days);
    let mut table = Table::new("late_payers", "Chronic late payers", as_of)
        .column("account", "Account", Kind::Text)
        .column("name", "Name", Kind::Text)
        .column("currency", "Currency", Kind::Text)
        .column("items", "Items paid", Kind::Count)
        .column("median", "Median days late", Kind::Count)
        .column("weighted", "Days late, by amount", Kind::Ratio)
        .column("late_share", "Paid late", Kind::Percent)
        .column("slope", "Days later each day", Kind::Ratio)
        .column("broken", "Broken promises", Kind::Count)
        .column("past_due", "Past due now", Kind::Money)
        .note(format!("Accounts with at least {LEAST_ITEMS} items paid in the period, whose median is more than {LATE_MEDIAN} days late and of whose items at least half were paid late; at most {MOST_PAYERS}."))
        .note("The slope is that of the least-squares line of days late over the day of payment: above 0 the account pays later and later.");
    table.about = format!("paid in the {days} days up to the day");
    for payer in read::late_payers(conn, &span, params.portfolio.as_deref(), MOST_PAYERS).await? {
        table.rows.push(vec![
            payer.number.clone().into(),
            payer.name.clone().into(),
            payer.currency.to_string().into(),
            payer.items.into(),
            payer.median_days.into(),
            Ratio::new("days late × amount paid / amount paid", payer.late_minor, payer.paid_minor).into(),
            Ratio::new("items paid after their due date / items paid", payer.late_items.into(), payer.items.into())
                .into(),
            payer.slope().into(),
            payer.broken.into(),
            Money::new(payer.past_due_minor, payer.currency).into(),
        ]);
    }
    Ok(table.chart(ChartKind::Bars, "account", &["median", "weighted"]))
}

/// The record of abandoned calls, a row a campaign.
///
/// # Errors
/// Those of Postgres.
pub async fn abandoned(app: &App, conn: &mut PgConnection, params: &Params) -> Result<Table> {
    let (as_of, days) = (params.as_of(app), params.days(30)?);
    let span = Span::new(app, as_of, days);
    let mut table = Table::new("abandoned", "Abandoned calls", as_of)
        .column("campaign", "Campaign", Kind::Text)
        .column("answers", "Answered by a person", Kind::Count)
        .column("abandoned", "Abandoned", Kind::Count)
        .column("share", "Share", Kind::Percent)
        .column("at_most", "At most, with 95 % confidence", Kind::Text)
        .note("Abandoned: a person answered and nobody was on the line within the campaign's limit. The calls one by one are in the campaign's own file.");
    table.about = format!("the {days} days up to the day");
    for (campaign, answers, gone) in abandoned::by_campaign(conn, span.from, span.to).await? {
        let unsigned = |count: i64| u64::try_from(count).unwrap_or(0);
        let bound = Share::of(unsigned(gone), unsigned(answers)).at_most;
        table.rows.push(vec![
            campaign.into(),
            answers.into(),
            gone.into(),
            Ratio::new("abandoned calls / calls answered by a person", gone.into(), answers.into()).into(),
            if answers == 0 { Cell::Empty } else { format!("{:.2} %", bound * 100.0).into() },
        ]);
    }
    Ok(table.chart(ChartKind::Bars, "campaign", &["share"]))
}
