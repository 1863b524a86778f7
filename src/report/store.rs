//! What reports are made of, read from postings.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, Months, NaiveDate};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    AccountAging, AgingBasis, AgingTotal, AsOf,
    turnover::{Period, Receivables},
};
use crate::{
    error::{Error, Result},
    ids::AccountId,
    ledger::{Aging, store::stored_currency},
    money::Currency,
};

/// Calendar months that are looked back through for the countback.
const MONTHS: u32 = 24;

/// The aging of everybody, a row a currency.
///
/// # Errors
/// Those of Postgres.
pub async fn aging_totals(conn: &mut PgConnection, as_of: AsOf, by: AgingBasis) -> Result<Vec<AgingTotal>> {
    let rows = sqlx::query!(
        r#"SELECT p.currency AS "currency!", p.minor AS "control!", coalesce(g.accounts, 0) AS "accounts!",
                  coalesce(g.buckets, '{0,0,0,0,0,0}') AS "buckets!", coalesce(g.open, 0) AS "open!",
                  coalesce(g.unapplied, 0) AS "unapplied!"
           FROM (SELECT currency::text, sum(amount_minor)::bigint AS minor FROM posting
                 WHERE business_date <= $1 AND recorded_at <= $2 GROUP BY 1) p
           LEFT JOIN (SELECT currency, count(*) AS accounts,
                             ARRAY[sum(current_minor)::bigint, sum(to_30)::bigint, sum(to_60)::bigint,
                                   sum(to_90)::bigint, sum(to_120)::bigint, sum(over_120)::bigint] AS buckets,
                             sum(open_minor)::bigint AS open, sum(unapplied_minor)::bigint AS unapplied
                      FROM aging($1, $2, $3) GROUP BY currency) g ON g.currency = p.currency
           ORDER BY 1"#,
        as_of.day,
        as_of.known_at,
        by == AgingBasis::Due
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(AgingTotal {
                currency: stored_currency(&row.currency)?,
                accounts: row.accounts,
                buckets: buckets(&row.buckets)?,
                open_minor: row.open,
                unapplied_minor: row.unapplied,
                control_minor: row.control,
                difference_minor: row.open - row.unapplied - row.control,
            })
        })
        .collect()
}

/// The aging of each account, by id, after that of `after`; at most `limit`.
///
/// # Errors
/// Those of Postgres.
pub async fn aging_of_accounts(
    conn: &mut PgConnection,
    as_of: AsOf,
    by: AgingBasis,
    after: Option<AccountId>,
    limit: i64,
) -> Result<Vec<AccountAging>> {
    let rows = sqlx::query!(
        r#"SELECT a.id AS "id: AccountId", a.number, a.name, g.currency AS "currency!",
                  ARRAY[g.current_minor, g.to_30, g.to_60, g.to_90, g.to_120, g.over_120] AS "buckets!",
                  g.open_minor AS "open!", g.unapplied_minor AS "unapplied!", g.balance_minor AS "balance!"
           FROM aging($1, $2, $3) g JOIN account a ON a.id = g.account_id
           WHERE $4::uuid IS NULL OR a.id > $4 ORDER BY a.id LIMIT $5"#,
        as_of.day,
        as_of.known_at,
        by == AgingBasis::Due,
        after.map(|after| after.0) as Option<Uuid>,
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(AccountAging {
                account: row.id,
                number: row.number,
                name: row.name,
                currency: stored_currency(&row.currency)?,
                buckets: buckets(&row.buckets)?,
                open_minor: row.open,
                unapplied_minor: row.unapplied,
                balance_minor: row.balance,
            })
        })
        .collect()
}

/// The ratios of the `days` up to a day, for each currency.
///
/// # Errors
/// Those of Postgres.
pub async fn receivables(conn: &mut PgConnection, as_of: AsOf, days: u16) -> Result<Vec<Receivables>> {
    let beginning = as_of.day - Days::new(days.into());
    let sales = sales(conn, as_of, beginning).await?;
    let mut ratios = Vec::new();
    for total in aging_totals(conn, as_of, AgingBasis::Due).await? {
        let sold = sales.get(&total.currency).cloned().unwrap_or_default();
        let period = Period {
            days,
            beginning_minor: sold.owed_before,
            ending_minor: total.control_minor,
            current_minor: total.buckets.0[0] - total.unapplied_minor,
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

async fn sales(conn: &mut PgConnection, as_of: AsOf, beginning: NaiveDate) -> Result<BTreeMap<Currency, Sales>> {
    let rows = sqlx::query!(
        r#"SELECT currency::text AS "currency!", date_trunc('month', business_date)::date AS "month!",
                  coalesce(sum(amount_minor) FILTER (WHERE kind IN ('invoice', 'credit_note')), 0)::bigint AS "sold!",
                  coalesce(sum(amount_minor) FILTER (WHERE kind IN ('invoice', 'credit_note') AND business_date > $3),
                           0)::bigint AS "in_period!",
                  coalesce(sum(amount_minor) FILTER (WHERE business_date <= $3), 0)::bigint AS "before!"
           FROM posting WHERE business_date <= $1 AND recorded_at <= $2 GROUP BY 1, 2"#,
        as_of.day,
        as_of.known_at,
        beginning
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

fn buckets(minor: &[i64]) -> Result<Aging> {
    minor.try_into().map(Aging).map_err(Error::internal("reading an aging"))
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
