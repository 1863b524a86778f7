//! The reports there are, and what each may be asked.

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::{
    AgingBasis, AsOf, activity,
    aging::{Credits, Wanted},
    forecast, quality, receivable, store,
    table::Table,
};
use crate::{
    app::App,
    error::{Error, Result},
    named::named,
};

/// A report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportKind {
    /// What is owed by age, all accounts together, tied to the control total.
    Aging,
    /// What each account owes by age.
    AgingAccounts,
    /// DSO, countback DSO, best possible DSO, average days delinquent, collection effectiveness.
    Receivables,
    /// What became of each bucket: rolled on, stayed, rolled back, cured.
    RollRates,
    /// Cash expected of promises and of habits, by week.
    CashForecast,
    /// What was forecast before, and what came.
    ForecastCalibration,
    /// Attempts, contacts, promises and cash, by agent, team, campaign or hour.
    Activity,
    /// Open disputes by age, and how long they take.
    DisputeAgeing,
    /// Accounts that keep paying late.
    LatePayers,
    /// Abandoned calls by campaign.
    Abandoned,
}

named!(ReportKind {
    Aging => "aging",
    AgingAccounts => "aging_accounts",
    Receivables => "receivables",
    RollRates => "roll_rates",
    CashForecast => "cash_forecast",
    ForecastCalibration => "forecast_calibration",
    Activity => "activity",
    DisputeAgeing => "dispute_ageing",
    LatePayers => "late_payers",
    Abandoned => "abandoned",
});

/// What the rows of the activity stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    /// Who spoke.
    #[default]
    Agent,
    /// The team of who spoke.
    Team,
    /// The campaign.
    Campaign,
    /// The hour of the day at the office.
    Hour,
}

named!(GroupBy { Agent => "agent", Team => "team", Campaign => "campaign", Hour => "hour" });

/// What a report is asked for; each has a default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// The day, today unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<NaiveDate>,
    /// What was recorded later is left out; now unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_at: Option<DateTime<Utc>>,
    /// Days of the period that ends on the day, 1 to 366; 90 for receivables, 365 for late payers, else 30.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u16>,
    /// From which date ages are counted.
    pub by: AgingBasis,
    /// Name of the set of buckets; `standard` unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buckets: Option<String>,
    /// Where credits stand in an aging.
    pub credits: Credits,
    /// Only this portfolio.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub portfolio: Option<String>,
    /// What the rows of the activity stand for.
    pub group_by: GroupBy,
}

impl Params {
    /// Which day, as known when.
    #[must_use]
    pub fn as_of(&self, app: &App) -> AsOf {
        AsOf {
            day: self.as_of.unwrap_or_else(|| app.clock.business_date()),
            known_at: self.known_at.unwrap_or_else(|| app.clock.now()),
        }
    }

    /// The length of the period.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming `days`.
    pub fn days(&self, unless_given: u16) -> Result<u16> {
        let days = self.days.unwrap_or(unless_given);
        if (1..=366).contains(&days) { Ok(days) } else { Err(Error::invalid("days", "expected 1 to 366")) }
    }

    /// The aging that is asked for.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a set of buckets that there is not.
    pub async fn wanted(&self, conn: &mut PgConnection, app: &App) -> Result<Wanted> {
        Ok(Wanted {
            as_of: self.as_of(app),
            by: self.by,
            buckets: store::sets::choose(conn, self.buckets.as_deref()).await?,
            credits: self.credits,
            portfolio: self.portfolio.clone(),
        })
    }

    /// The parameters in words.
    #[must_use]
    pub fn about(&self) -> String {
        self.portfolio.as_ref().map_or_else(|| "all portfolios".to_owned(), |name| format!("portfolio {name}"))
    }
}

/// A period of days, with its moments at the office.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// Its last day.
    pub as_of: AsOf,
    /// Its first day.
    pub first: NaiveDate,
    /// When it begins.
    pub from: DateTime<Utc>,
    /// When it ends, or now where that comes first.
    pub to: DateTime<Utc>,
}

impl Span {
    /// The `days` up to a day.
    #[must_use]
    pub fn new(app: &App, as_of: AsOf, days: u16) -> Self {
        let first = as_of.day - Days::new(u64::from(days) - 1);
        let end = app.clock.start_of(as_of.day + Days::new(1));
        Self { as_of, first, from: app.clock.start_of(first), to: end.min(app.clock.now()).min(as_of.known_at) }
    }
}

/// Makes a report.
///
/// # Errors
/// [`Error::Invalid`] or [`Error::NotFound`] for what cannot be asked; those of Postgres.
pub async fn build(app: &App, report: ReportKind, params: &Params) -> Result<Table> {
    let mut conn = app.db.acquire().await?;
    let mut table = match report {
        ReportKind::Aging => receivable::aging(app, &mut conn, params).await?,
        ReportKind::AgingAccounts => receivable::aging_accounts(app, &mut conn, params).await?,
        ReportKind::Receivables => receivable::receivables(app, &mut conn, params).await?,
        ReportKind::RollRates => receivable::roll_rates(app, &mut conn, params).await?,
        ReportKind::CashForecast => forecast::table(app, &mut conn, params).await?,
        ReportKind::ForecastCalibration => forecast::calibration(app, &mut conn, params).await?,
        ReportKind::Activity => activity::table(app, &mut conn, params).await?,
        ReportKind::DisputeAgeing => quality::disputes(app, &mut conn, params).await?,
        ReportKind::LatePayers => quality::late_payers(app, &mut conn, params).await?,
        ReportKind::Abandoned => quality::abandoned(app, &mut conn, params).await?,
    };
    let about = params.about();
    table.about = if table.about.is_empty() { about } else { format!("{}; {about}", table.about) };
    Ok(table)
}
