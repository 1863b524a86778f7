//! Payments recorded here that may have to be written.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    ids::{AccountId, PaymentId},
    quickbooks::payment::Face,
};

/// A payment that may have to be written.
pub struct Candidate {
    pub payment: PaymentId,
    pub account: AccountId,
    pub wanted: Face,
    /// Numbers of invoices that are not there.
    pub unknown: Vec<String>,
    pub reversed: bool,
}

/// Which payments are looked at.
#[derive(Clone, Copy)]
pub enum Which {
    /// Those about which something was recorded since.
    Since(DateTime<Utc>),
    /// This one.
    One(PaymentId),
}

/// Payments that were recorded here while the company was connected.
pub async fn candidates(conn: &mut PgConnection, realm: &str, which: Which) -> Result<Vec<Candidate>> {
    let (since, one) = match which {
        Which::Since(since) => (Some(since), None),
        Which::One(payment) => (None, Some(payment.0)),
    };
    let rows = sqlx::query!(
        r#"SELECT p.id AS "id: PaymentId", a.id AS "account: AccountId", p.amount_minor, p.received_on,
                  p.state IN ('returned', 'reversed') AS "reversed!"
           FROM quickbooks_connection c JOIN account a ON a.portfolio = c.portfolio JOIN payment p ON p.account_id = a.id
           WHERE c.realm = $1 AND p.imported_for IS NULL AND p.recorded_at >= c.write_since
             AND ($3::uuid IS NULL OR p.id = $3)
             AND ($2::timestamptz IS NULL OR p.recorded_at >= $2
                  OR EXISTS (SELECT FROM allocation n WHERE n.payment_id = p.id AND n.recorded_at >= $2)
                  OR EXISTS (SELECT FROM posting s WHERE s.payment_id = p.id AND s.recorded_at >= $2))
           ORDER BY p.id"#,
        realm,
        since,
        one
    )
    .fetch_all(&mut *conn)
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id.0).collect();
    let mut lines = lines(conn, realm, &ids).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let (known, unknown): (Vec<Line>, Vec<Line>) =
                lines.remove(&row.id.0).unwrap_or_default().into_iter().partition(|line| line.there.is_some());
            let lines = known.into_iter().filter_map(|line| Some((line.there?, line.minor))).collect();
            let face = Face { total: row.amount_minor, on: row.received_on, lines };
            Candidate {
                payment: row.id,
                account: row.account,
                wanted: if row.reversed { Face::void(row.received_on) } else { face },
                unknown: unknown.into_iter().map(|line| line.number).collect(),
                reversed: row.reversed,
            }
        })
        .collect())
}

struct Line {
    number: String,
    there: Option<String>,
    minor: i64,
}

/// What each payment pays of which invoice. Interest and fees are billed here only: what pays them is unapplied there.
async fn lines(conn: &mut PgConnection, realm: &str, payments: &[Uuid]) -> Result<HashMap<Uuid, Vec<Line>>> {
    let rows = sqlx::query!(
        r#"SELECT n.payment_id AS "payment!", v.number, max(o.id) AS there, sum(n.amount_minor)::bigint AS "minor!"
           FROM allocation n JOIN instalment i ON i.id = n.instalment_id JOIN invoice v ON v.id = i.invoice_id
           JOIN account a ON a.id = v.account_id
           LEFT JOIN quickbooks_object o ON o.realm = $1 AND o.kind = 'Invoice' AND o.customer = a.number
                AND o.number = v.number AND NOT o.deleted
           WHERE n.payment_id = ANY ($2) AND n.part = 'principal'
           GROUP BY n.payment_id, v.id, v.number HAVING sum(n.amount_minor) <> 0"#,
        realm,
        payments
    )
    .fetch_all(conn)
    .await?;
    let mut lines: HashMap<Uuid, Vec<Line>> = HashMap::new();
    for row in rows {
        lines.entry(row.payment).or_default().push(Line { number: row.number, there: row.there, minor: row.minor });
    }
    Ok(lines)
}

/// From when on payments are looked through; `None`: not before everything was read once.
pub async fn looked_at(conn: &mut PgConnection, realm: &str) -> Result<Option<DateTime<Utc>>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT coalesce(looked_at, write_since) AS "since!" FROM quickbooks_connection
           WHERE realm = $1 AND cursor_at IS NOT NULL"#,
        realm
    )
    .fetch_optional(conn)
    .await?)
}

/// Payments were looked through up to then.
pub async fn set_looked_at(conn: &mut PgConnection, realm: &str, at: DateTime<Utc>) -> Result<()> {
    sqlx::query!("UPDATE quickbooks_connection SET looked_at = $2 WHERE realm = $1", realm, at).execute(conn).await?;
    Ok(())
}
