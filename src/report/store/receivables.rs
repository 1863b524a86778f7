//! What the ratios of a period are made of.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, Months, NaiveDate};
use sqlx::PgConnection;

use super::aging_totals;
use crate::{
    error::Result,
    ledger::store::stored_currency,
    money::Currency,
    report::{
        AgingBasis, AsOf, Receivables,
        aging::{Credits, Wanted},
        buckets::BucketSet,
        turnover::Period,
    },
};

/// Calendar months that are looked back through for the countback.
const MONTHS: u32 = 24;

/// The ratios of the `days` up to a day, for each currency.
///
/// # Errors
/// Those of Postgres.
pub async fn receivables(
    conn: &mut PgConnection,
    as_of: AsOf,
    days: u16,
    portfolio: Option<&str>,
) -> Result<Vec<Receivables>> {
    let beginning = as_of.day - Days::new(days.into());
    let sales = sales(conn, as_of, beginning, portfolio).await?;
    let wanted = Wanted {
        as_of,
        by: AgingBasis::Due,
        buckets: BucketSet { name: "due".to_owned(), ends: vec![0] },
        credits: Credits::Apart,
        portfolio: portfolio.map(str::to_owned),
    };
    let mut ratios = Vec::new();
    for total in aging_totals(conn, &wanted).await? {
        let sold = sales.get(&total.currency).cloned().unwrap_or_default();
        let period = Period {
            days,
            beginning_minor: sold.owed_before,
            ending_minor: total.control_minor,
            current_minor: total.parts.buckets[0] - total.parts.credit_minor - total.parts.unapplied_minor,
            sales_minor: sold.in_period,
            months: months(as_of.day).map(|(month, days)| (days, sold.of_month(month))).collect(),
        };
        ratios.push(period.ratios(total.currency));
    }
    Ok(ratios)
}

/// Sales in one currency, minor units.
#[derive(Clone, Debug, Default)]
struct Sales {
    owed_before: i64,
    in_period: i64,
    months: BTreeMap<NaiveDate, i64>,
}

impl Sales {
    fn of_month(&self, month: NaiveDate) -> i64 {
        self.months.get(&month).copied().unwrap_or_default()
    }
}

async fn sales(
    conn: &mut PgConnection,
    as_of: AsOf,
    beginning: NaiveDate,
    portfolio: Option<&str>,
) -> Result<BTreeMap<Currency, Sales>> {
    let rows = sqlx::query!(
        r#"SELECT currency::text AS "currency!", date_trunc('month', business_date)::date AS "month!",
                  coalesce(sum(amount_minor) FILTER (WHERE kind IN ('invoice', 'credit_note')), 0)::bigint AS "sold!",
                  coalesce(sum(amount_minor) FILTER (WHERE kind IN ('invoice', 'credit_note') AND business_date > $3),
                           0)::bigint AS "in_period!",
                  coalesce(sum(amount_minor) FILTER (WHERE business_date <= $3), 0)::bigint AS "before!"
           FROM posting WHERE business_date <= $1 AND recorded_at <= $2
             AND ($4::text IS NULL OR account_id IN (SELECT id FROM account WHERE portfolio = $4))
           GROUP BY 1, 2"#,
        as_of.day,
        as_of.known_at,
        beginning,
        portfolio
    )
    .fetch_all(conn)
    .await?;
    let mut sales = BTreeMap::<Currency, Sales>::new();
    for row in rows {
        let sold = sales.entry(stored_currency(&row.currency)?).or_default();
        sold.owed_before += row.before;
        sold.in_period += row.in_period;
        sold.months.insert(row.month, row.sold);
    }
    Ok(sales)
}

/// The first days of the latest months up to `day`, and how many of their days lie up to it.
fn months(day: NaiveDate) -> impl Iterator<Item = (NaiveDate, u16)> {
    let first = day.with_day(1).unwrap_or(day);
    (0..MONTHS).filter_map(move |back| {
        let month = first.checked_sub_months(Months::new(back))?;
        let last = day.min(month.checked_add_months(Months::new(1))?.pred_opt()?);
        Some((month, u16::try_from(last.day()).ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_go_back_from_the_begun_one() {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
        let latest: Vec<_> = months(day("2024-03-10")).take(3).collect();
        assert_eq!(latest, [(day("2024-03-01"), 10), (day("2024-02-01"), 29), (day("2024-01-01"), 31)]);
    }
}
