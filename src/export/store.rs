//! What was recorded here since a moment.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{Record, What};
use crate::{
    error::{Error, Result},
    ledger::store::stored_currency,
    money::Money,
};

/// Records in the order in which they were made, at most one more than `most`. They are read from the postings: what was
/// posted and taken back since then came to nothing and is no record, what was posted before and taken back since is one.
/// A payment has a row for each invoice it was applied to, and one for what is left; interest and fees are billed here only,
/// so that what pays or lowers them is left of the payment, or no record. What another system brought in is not told back
/// to it.
pub async fn records(
    conn: &mut PgConnection,
    since: DateTime<Utc>,
    portfolio: Option<&str>,
    most: usize,
) -> Result<Vec<Record>> {
    let rows = sqlx::query_file!(
        "src/export/records.sql",
        since,
        portfolio,
        i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1)
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let currency = stored_currency(&row.currency)?;
            let what = What::from_name(&row.what);
            Ok(Record {
                what: what.ok_or_else(|| Error::internal("reading a record")("a kind that is not known"))?,
                id: row.id,
                account: row.number,
                name: row.name,
                on: row.day,
                amount: row.minor.map(|minor| Money::new(minor, currency)),
                invoice: row.invoice,
                series: row.series,
                kind: row.kind,
                text: row.body,
            })
        })
        .collect()
}
