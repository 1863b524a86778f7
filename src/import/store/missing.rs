//! What a file that is to list all that is open does not list.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Result;

/// An open item that earlier files have listed and this one has not.
pub struct Missing {
    /// Whose.
    pub account: Uuid,
    /// The account's currency.
    pub currency: String,
    /// Number of its invoice.
    pub number: String,
    /// What its source counts it by; empty where no file has said.
    pub series: String,
    /// Its date.
    pub issued_on: NaiveDate,
    /// Which instalment.
    pub seq: i16,
}

/// The items of a portfolio, open debts and credits, that an import has added and the one of this `batch` has not met.
pub async fn missing(conn: &mut PgConnection, portfolio: &str, batch: Uuid) -> Result<Vec<Missing>> {
    Ok(sqlx::query_as!(
        Missing,
        r#"SELECT a.id AS account, a.currency::text AS "currency!", v.number, v.series, v.issued_on, n.seq
           FROM account a JOIN invoice v ON v.account_id = a.id JOIN instalment n ON n.invoice_id = v.id AND n.listed
           WHERE a.portfolio = $1
             AND NOT EXISTS (SELECT FROM import_seen s WHERE s.batch_id = $2 AND s.account = a.number
                             AND s.seq = n.seq
                             AND s.invoice = v.number)
             AND (v.series = '' OR NOT EXISTS (SELECT FROM import_seen s WHERE s.batch_id = $2 AND s.account = a.number
                             AND s.seq = n.seq AND s.invoice = v.series || '/' || v.number))
             AND (SELECT coalesce(sum(amount_minor), 0) FROM posting WHERE instalment_id = n.id)
                 <> (SELECT coalesce(sum(amount_minor), 0) FROM allocation WHERE instalment_id = n.id)
           ORDER BY a.id, v.number, n.seq"#,
        portfolio,
        batch
    )
    .fetch_all(conn)
    .await?)
}
