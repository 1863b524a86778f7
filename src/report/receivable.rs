//! The tables about what is owed: aging, ratios of the trade, roll rates.

use chrono::Days;
use sqlx::PgConnection;

use super::{
    aging::{AgingBasis, Parts, Wanted},
    catalogue::Params,
    store,
    table::{Cell, ChartKind, Kind, Table},
    turnover::Ratio,
};
use crate::{
    app::App,
    error::Result,
    money::{Currency, Money},
};

/// Rows of the aging by account at most; there is the API for more.
const MOST_ACCOUNTS: usize = 100_000;

/// What is owed by age, a row a currency.
///
/// # Errors
/// Those of Postgres.
pub async fn aging(app: &App, conn: &mut PgConnection, params: &Params) -> Result<Table> {
    let wanted = params.wanted(conn, app).await?;
    let table = Table::new("aging", "Aging", wanted.as_of).column("currency", "Currency", Kind::Text).column(
        "accounts",
        "Accounts",
        Kind::Count,
    );
    let mut table = part_columns(table, &wanted)
        .column("control", "Control total", Kind::Money)
        .column("difference", "Difference", Kind::Money)
        .column("current_share", "Not past due", Kind::Percent)
        .note("The buckets less credits less unapplied cash are the balance; the control total is the plain sum of all postings, and the difference is 0 in books that tie.");
    table.about = about(&wanted);
    for total in store::aging_totals(conn, &wanted).await? {
        let money = |minor| Cell::from(Money::new(minor, total.currency));
        let mut row: Vec<Cell> = vec![total.currency.to_string().into(), total.accounts.into()];
        row.extend(part_cells(&total.parts, total.currency));
        row.extend([money(total.control_minor), money(total.difference_minor)]);
        let current = total.parts.buckets.first().copied().unwrap_or_default();
        row.push(
            Ratio::new("open items in the first bucket / open items", current.into(), total.parts.open_minor.into())
                .into(),
        );
        table.rows.push(row);
    }
    Ok(stacked(table, &wanted, "currency"))
}

/// What each account owes by age.
///
/// # Errors
/// Those of Postgres.
pub async fn aging_accounts(app: &App, conn: &mut PgConnection, params: &Params) -> Result<Table> {
    let wanted = params.wanted(conn, app).await?;
    let table = Table::new("aging_accounts", "Aging by account", wanted.as_of)
        .column("account", "Account", Kind::Text)
        .column("name", "Name", Kind::Text)
        .column("currency", "Currency", Kind::Text);
    let mut table = part_columns(table, &wanted).note(format!(
        "The first {MOST_ACCOUNTS} accounts that owe or are owed, in the order in which they were added."
    ));
    table.about = about(&wanted);
    for account in store::aging_of_accounts(conn, &wanted, None, MOST_ACCOUNTS).await? {
        let mut row: Vec<Cell> = vec![account.number.into(), account.name.into(), account.currency.to_string().into()];
        row.extend(part_cells(&account.parts, account.currency));
        table.rows.push(row);
    }
    Ok(table)
}

fn part_columns(mut table: Table, wanted: &Wanted) -> Table {
    for (nth, label) in wanted.buckets.labels().into_iter().enumerate() {
        table = table.column(format!("bucket_{nth}"), label, Kind::Money);
    }
    table
        .column("open", "Open", Kind::Money)
        .column("credits", "Credits", Kind::Money)
        .column("unapplied", "Unapplied cash", Kind::Money)
        .column("balance", "Balance", Kind::Money)
}

fn part_cells(parts: &Parts, currency: Currency) -> Vec<Cell> {
    let others = [parts.open_minor, parts.credit_minor, parts.unapplied_minor, parts.balance()];
    parts.buckets.iter().copied().chain(others).map(|minor| Money::new(minor, currency).into()).collect()
}

fn stacked(table: Table, wanted: &Wanted, along: &str) -> Table {
    let keys: Vec<String> = (0..wanted.buckets.len()).map(|nth| format!("bucket_{nth}")).collect();
    table.chart(ChartKind::Stacked, along, &keys.iter().map(String::as_str).collect::<Vec<_>>())
}

fn about(wanted: &Wanted) -> String {
    let by = match wanted.by {
        AgingBasis::Due => "due date",
        AgingBasis::Issued => "invoice date",
    };
    format!("by {by}, buckets {}", wanted.buckets.name)
}

/// DSO and its relatives, a row a currency.
///
/// # Errors
/// Those of Postgres.
pub async fn receivables(app: &App, conn: &mut PgConnection, params: &Params) -> Result<Table> {
    let (as_of, days) = (params.as_of(app), params.days(90)?);
    let mut table = Table::new("receivables", "How quickly sales are paid", as_of)
        .column("currency", "Currency", Kind::Text)
        .column("receivables", "Receivables", Kind::Money)
        .column("current", "Not past due", Kind::Money)
        .column("sales", "Sales of the period", Kind::Money)
        .column("dso", "DSO, days", Kind::Ratio)
        .column("countback_dso", "Countback DSO, days", Kind::Ratio)
        .column("best_possible_dso", "Best possible DSO, days", Kind::Ratio)
        .column("average_days_delinquent", "Average days delinquent", Kind::Ratio)
        .column("collection_effectiveness", "Collection effectiveness, %", Kind::Ratio)
        .note(
            "Sales are invoices less credit notes. Credits and cash that are applied to nothing lower the receivables.",
        );
    table.about = format!("the {days} days up to the day");
    for of in store::receivables(conn, as_of, days, params.portfolio.as_deref()).await? {
        let money = |minor| Cell::from(Money::new(minor, of.currency));
        table.rows.push(vec![
            of.currency.to_string().into(),
            money(of.receivables_minor),
            money(of.current_minor),
            money(of.sales_minor),
            of.dso.into(),
            of.countback_dso.into(),
            of.best_possible_dso.into(),
            of.average_days_delinquent.into(),
            of.collection_effectiveness.into(),
        ]);
    }
    Ok(table.chart(
        ChartKind::Bars,
        "currency",
        &["dso", "countback_dso", "best_possible_dso", "average_days_delinquent"],
    ))
}

/// What became of each bucket in the days up to the day, by cohort.
///
/// # Errors
/// Those of Postgres.
pub async fn roll_rates(app: &App, conn: &mut PgConnection, params: &Params) -> Result<Table> {
    let days = params.days(30)?;
    let wanted = params.wanted(conn, app).await?;
    let before = wanted.as_of.day - Days::new(days.into());
    let mut table = Table::new("roll_rates", "Roll rates", wanted.as_of)
        .column("bucket", "Bucket", Kind::Text)
        .column("currency", "Currency", Kind::Text)
        .column("opening", "Opening", Kind::Money)
        .column("next", "Rolled to the next", Kind::Percent)
        .column("further", "Rolled further", Kind::Percent)
        .column("stayed", "Stayed", Kind::Percent)
        .column("back", "Rolled back", Kind::Percent)
        .column("cured", "Cured", Kind::Percent)
        .note("By cohort: of what was open in the bucket then, how much of the same items is open now, and in which bucket. The five shares sum to 100 %.");
    table.about = format!("from {before} to {}; {}", wanted.as_of.day, about(&wanted));
    let labels = wanted.buckets.labels();
    for roll in store::rolls::rolls(conn, &wanted, before).await? {
        let share = |definition, minor: i64| Cell::from(Ratio::new(definition, minor.into(), roll.opening.into()));
        let label = labels.get(roll.bucket).cloned().unwrap_or_default();
        table.rows.push(vec![
            label.into(),
            roll.currency.to_string().into(),
            Money::new(roll.opening, roll.currency).into(),
            share("open in the next bucket now / open in the bucket then", roll.next),
            share("open in a later bucket than the next now / open in the bucket then", roll.further),
            share("open in the same bucket now / open in the bucket then", roll.stayed),
            share("open in an earlier bucket now / open in the bucket then", roll.back),
            share("no longer open / open in the bucket then", roll.cured()),
        ]);
    }
    Ok(table.chart(ChartKind::Stacked, "bucket", &["next", "further", "stayed", "back", "cured"]))
}
