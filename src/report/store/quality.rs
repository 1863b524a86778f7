//! Disputes, and payers who are late, read from the ledger.

use sqlx::PgConnection;

use crate::{
    error::Result,
    ledger::store::stored_currency,
    money::Currency,
    report::{
        catalogue::Span,
        quality::{LATE_MEDIAN, LEAST_ITEMS},
        turnover::Ratio,
    },
};

/// Disputes of one reason, department and currency; amounts in minor units.
pub struct Disputes {
    /// Why.
    pub reason: String,
    /// Whose to answer.
    pub department: String,
    /// The currency.
    pub currency: Currency,
    /// How many were open at the end of the day.
    pub open: i64,
    /// What they contest, by their age: up to 7, 14, 30, 60 days, and older.
    pub by_age: [i64; 5],
    /// Age of the oldest, days.
    pub oldest_days: Option<i64>,
    /// How many were closed in the period.
    pub resolved: i64,
    /// How many days these had been open, together.
    pub days: i64,
}

/// Open disputes, and those that were closed in the period.
pub async fn disputes(conn: &mut PgConnection, span: &Span, portfolio: Option<&str>) -> Result<Vec<Disputes>> {
    let rows = sqlx::query!(
        r#"WITH one AS (
               SELECT d.reason, d.department, a.currency, extract(day FROM $2 - d.opened_at)::integer AS age,
                      d.closed_at IS NULL OR d.closed_at >= $2 AS open,
                      d.closed_at >= $1 AND d.closed_at < $2 AS resolved,
                      extract(day FROM d.closed_at - d.opened_at)::integer AS took,
                      coalesce((SELECT sum(i.amount_minor) FROM dispute_item i WHERE i.dispute_id = d.id), 0) AS minor
               FROM dispute d JOIN account a ON a.id = d.account_id
               WHERE d.opened_at < $2 AND ($3::text IS NULL OR a.portfolio = $3))
           SELECT reason AS "reason!", department AS "department!", currency::text AS "currency!",
                  count(*) FILTER (WHERE open) AS "open!",
                  coalesce(sum(minor) FILTER (WHERE open AND age <= 7), 0)::bigint AS "to_7!",
                  coalesce(sum(minor) FILTER (WHERE open AND age BETWEEN 8 AND 14), 0)::bigint AS "to_14!",
                  coalesce(sum(minor) FILTER (WHERE open AND age BETWEEN 15 AND 30), 0)::bigint AS "to_30!",
                  coalesce(sum(minor) FILTER (WHERE open AND age BETWEEN 31 AND 60), 0)::bigint AS "to_60!",
                  coalesce(sum(minor) FILTER (WHERE open AND age > 60), 0)::bigint AS "over_60!",
                  max(age) FILTER (WHERE open) AS oldest,
                  count(*) FILTER (WHERE resolved) AS "resolved!",
                  coalesce(sum(took) FILTER (WHERE resolved), 0)::bigint AS "days!"
           FROM one WHERE open OR resolved GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"#,
        span.from,
        span.to,
        portfolio
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Disputes {
                reason: row.reason,
                department: row.department,
                currency: stored_currency(&row.currency)?,
                open: row.open,
                by_age: [row.to_7, row.to_14, row.to_30, row.to_60, row.over_60],
                oldest_days: row.oldest.map(i64::from),
                resolved: row.resolved,
                days: row.days,
            })
        })
        .collect()
}

/// How an account has paid.
pub struct Payer {
    /// Its number.
    pub number: String,
    /// Its name.
    pub name: String,
    /// Its currency.
    pub currency: Currency,
    /// Items that were paid.
    pub items: i64,
    /// Of these after their due date.
    pub late_items: i64,
    /// The median of days late.
    pub median_days: i64,
    /// Days late times minor units.
    pub late_minor: i128,
    /// Minor units.
    pub paid_minor: i128,
    /// Sums over items of x (days since the period began), y (days late), x², xy.
    pub sums: [i64; 4],
    /// Promises broken.
    pub broken: i64,
    /// Past due at the end of the day, minor units.
    pub past_due_minor: i64,
}

impl Payer {
    /// The slope of the least-squares line; undefined where everything was paid on one day.
    #[must_use]
    pub fn slope(&self) -> Ratio {
        let n = i128::from(self.items);
        let [x, y, xx, xy] = self.sums.map(i128::from);
        Ratio::new(
            "(n Σxy − Σx Σy) / (n Σx² − (Σx)²), x the day of payment, y the days late",
            n * xy - x * y,
            n * xx - x * x,
        )
    }
}

/// Accounts that were late for good, the latest first. An item was paid on the day on which the last of the money came
/// that is applied to it.
pub async fn late_payers(
    conn: &mut PgConnection,
    span: &Span,
    portfolio: Option<&str>,
    most: i64,
) -> Result<Vec<Payer>> {
    let rows = sqlx::query!(
        r#"WITH item AS (
               SELECT n.account_id, n.id, n.due_on, max(m.received_on) AS paid_on, sum(a.amount_minor) AS minor
               FROM allocation a JOIN payment m ON m.id = a.payment_id JOIN instalment n ON n.id = a.instalment_id
               WHERE a.business_date <= $2 AND a.recorded_at <= $3 AND a.reverses IS NULL
                 AND NOT EXISTS (SELECT FROM allocation r WHERE r.reverses = a.id AND r.business_date <= $2
                                                            AND r.recorded_at <= $3)
                 AND ($4::text IS NULL OR a.account_id IN (SELECT id FROM account WHERE portfolio = $4))
               GROUP BY 1, 2, 3 HAVING max(m.received_on) >= $1
           ), payer AS (
               SELECT account_id, count(*) AS items, count(*) FILTER (WHERE paid_on > due_on) AS late,
                      percentile_disc(0.5) WITHIN GROUP (ORDER BY paid_on - due_on) AS median,
                      sum((paid_on - due_on) * minor) AS late_minor, sum(minor) AS minor,
                      sum(paid_on - $1) AS x, sum(paid_on - due_on) AS y,
                      sum((paid_on - $1) * (paid_on - $1)) AS xx, sum((paid_on - $1) * (paid_on - due_on)) AS xy
               FROM item GROUP BY 1
               HAVING count(*) >= $5 AND count(*) FILTER (WHERE paid_on > due_on) * 2 >= count(*)
                  AND percentile_disc(0.5) WITHIN GROUP (ORDER BY paid_on - due_on) > $6::bigint
               ORDER BY median DESC, account_id LIMIT $7
           )
           SELECT a.number, a.name, a.currency::text AS "currency!", p.items AS "items!", p.late AS "late!",
                  p.median AS "median!", p.late_minor::text AS "late_minor!", p.minor::text AS "minor!",
                  p.x AS "x!", p.y AS "y!", p.xx AS "xx!", p.xy AS "xy!",
                  (SELECT count(*) FROM promise r WHERE r.account_id = a.id AND r.status = 'broken' AND r.deadline_on <= $2) AS "broken!",
                  coalesce((SELECT sum(g.minor) FROM aging_parts($2, $3, true, '{0}', false, NULL, ARRAY[a.id]) g WHERE g.part = 1),
                           0)::bigint AS "past_due!"
           FROM payer p JOIN account a ON a.id = p.account_id ORDER BY p.median DESC, a.number"#,
        span.first,
        span.as_of.day,
        span.as_of.known_at,
        portfolio,
        LEAST_ITEMS,
        LATE_MEDIAN,
        most
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Payer {
                number: row.number,
                name: row.name,
                currency: stored_currency(&row.currency)?,
                items: row.items,
                late_items: row.late,
                median_days: i64::from(row.median),
                late_minor: row.late_minor.parse().map_err(crate::error::Error::internal("reading a sum"))?,
                paid_minor: row.minor.parse().map_err(crate::error::Error::internal("reading a sum"))?,
                sums: [row.x, row.y, row.xx, row.xy],
                broken: row.broken,
                past_due_minor: row.past_due,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payer_who_gets_later_has_a_slope_above_zero() {
        // days 0, 10, 20; 5, 10, 15 days late: half a day later each day
        let payer = Payer {
            number: String::new(),
            name: String::new(),
            currency: Currency::USD,
            items: 3,
            late_items: 3,
            median_days: 10,
            late_minor: 0,
            paid_minor: 0,
            sums: [30, 30, 500, 400],
            broken: 0,
            past_due_minor: 0,
        };
        assert_eq!(payer.slope().value, Some(0.5));
        assert_eq!(Payer { items: 1, sums: [5, 5, 25, 25], ..payer }.slope().value, None);
    }
}
