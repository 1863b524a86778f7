//! What was read, and which of it waits to be taken in.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sqlx::{PgConnection, types::Json};

use crate::{
    error::{Error, Result},
    quickbooks::object::{Kind, Object},
};

#[derive(Serialize)]
struct Row<'a> {
    kind: &'static str,
    id: &'a str,
    sync_token: i64,
    customer: &'a str,
    called: &'a str,
    on_day: Option<NaiveDate>,
    body: &'a str,
}

#[derive(Serialize)]
struct LinkRow<'a> {
    payment: &'a str,
    invoice: &'a str,
}

/// Keeps objects as they were read; those that differ wait to be taken in from `today` on. One that belongs to another
/// customer by now leaves its former self behind as deleted. An older version than the known one is passed over.
pub async fn keep(
    conn: &mut PgConnection,
    realm: &str,
    objects: &[Object],
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<()> {
    if objects.is_empty() {
        return Ok(());
    }
    let rows: Vec<Row<'_>> = objects.iter().map(row).collect();
    sqlx::query!(
        "UPDATE quickbooks_object o SET id = o.id || '@' || o.customer || '@' || o.sync_token, deleted = true, pending_on = $3
         FROM jsonb_to_recordset($2) AS f (kind text, id text, customer text)
         WHERE o.realm = $1 AND o.kind = f.kind AND o.id = f.id AND o.customer <> f.customer",
        realm,
        Json(&rows) as _,
        today
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO quickbooks_object AS o (realm, kind, id, sync_token, customer, called, on_day, body, read_at, pending_on)
         SELECT $1, kind, id, sync_token, customer, called, on_day, body, $4, $3 FROM jsonb_to_recordset($2)
         AS f (kind text, id text, sync_token bigint, customer text, called text, on_day date, body text)
         ON CONFLICT (realm, kind, id) DO UPDATE SET sync_token = excluded.sync_token, called = excluded.called,
             on_day = excluded.on_day, deleted = false, body = excluded.body, read_at = excluded.read_at,
             pending_on = CASE WHEN o.deleted OR o.body <> excluded.body THEN excluded.pending_on ELSE o.pending_on END
         WHERE o.sync_token <= excluded.sync_token",
        realm,
        Json(&rows) as _,
        today,
        now
    )
    .execute(&mut *conn)
    .await?;
    link(conn, realm, objects).await?;
    number(conn, realm).await
}

fn row(object: &Object) -> Row<'_> {
    Row {
        kind: object.kind.as_str(),
        id: &object.id,
        sync_token: object.sync_token,
        customer: &object.customer,
        called: &object.called,
        on_day: object.on,
        body: &object.body,
    }
}

/// Invoices that a payment was linked to stay on record: they change when it is taken off them.
async fn link(conn: &mut PgConnection, realm: &str, objects: &[Object]) -> Result<()> {
    let of = |object: &'_ Object| {
        object.invoices.iter().map(|invoice| (object.id.clone(), invoice.clone())).collect::<Vec<_>>()
    };
    let links: Vec<(String, String)> = objects.iter().flat_map(of).collect();
    if links.is_empty() {
        return Ok(());
    }
    let rows: Vec<LinkRow<'_>> = links.iter().map(|(payment, invoice)| LinkRow { payment, invoice }).collect();
    sqlx::query!(
        "INSERT INTO quickbooks_link (realm, payment, invoice) SELECT $1, payment, invoice
         FROM jsonb_to_recordset($2) AS f (payment text, invoice text) ON CONFLICT DO NOTHING",
        realm,
        Json(rows) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives new objects their number in the ledger: their own, unless another one of the customer has it; the number of one
/// that was deleted is free.
async fn number(conn: &mut PgConnection, realm: &str) -> Result<()> {
    sqlx::query!(
        "UPDATE quickbooks_object d SET number = NULL FROM quickbooks_object n
         WHERE n.realm = $1 AND n.number IS NULL AND NOT n.deleted AND n.kind <> 'Customer'
           AND d.realm = $1 AND d.customer = n.customer AND d.number = n.called AND d.deleted",
        realm
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE quickbooks_object o SET number = CASE
             WHEN n.nth = 1 AND NOT EXISTS (SELECT FROM quickbooks_object x
                                            WHERE x.realm = $1 AND x.customer = o.customer AND x.number = o.called)
             THEN o.called ELSE left(o.called, 40) || ' (' || o.id || ')' END
         FROM (SELECT kind, id, row_number() OVER (PARTITION BY customer, called ORDER BY kind, id) AS nth
               FROM quickbooks_object WHERE realm = $1 AND number IS NULL AND NOT deleted AND kind <> 'Customer') n
         WHERE o.realm = $1 AND o.kind = n.kind AND o.id = n.id",
        realm
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that objects were deleted; those that are not known are passed over.
pub async fn delete(
    conn: &mut PgConnection,
    realm: &str,
    deleted: &[(Kind, String)],
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<()> {
    let (kinds, ids): (Vec<String>, Vec<String>) =
        deleted.iter().map(|(kind, id)| (kind.as_str().to_owned(), id.clone())).unzip();
    sqlx::query!(
        "UPDATE quickbooks_object o SET deleted = true, pending_on = $4, read_at = $5
         FROM unnest($2::text[], $3::text[]) AS f (kind, id)
         WHERE o.realm = $1 AND o.kind = f.kind AND o.id = f.id AND NOT o.deleted",
        realm,
        &kinds,
        &ids,
        today,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Everything of a kind was read since a moment: what was not met is not there any more. `there` is how many `QuickBooks`
/// counts. False: more than were met, and nothing is changed.
pub async fn only_met(
    conn: &mut PgConnection,
    (realm, kind): (&str, Kind),
    there: i64,
    since: DateTime<Utc>,
    today: NaiveDate,
) -> Result<bool> {
    let met = sqlx::query_scalar!(
        r#"SELECT count(*) AS "met!" FROM quickbooks_object
           WHERE realm = $1 AND kind = $2 AND NOT deleted AND read_at >= $3"#,
        realm,
        kind.as_str(),
        since
    )
    .fetch_one(&mut *conn)
    .await?;
    if met < there {
        return Ok(false);
    }
    sqlx::query!(
        "UPDATE quickbooks_object SET deleted = true, pending_on = $4
         WHERE realm = $1 AND kind = $2 AND NOT deleted AND read_at < $3",
        realm,
        kind.as_str(),
        since,
        today
    )
    .execute(conn)
    .await?;
    Ok(true)
}

/// An object to take in.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// What it is.
    pub kind: Kind,
    /// Its id.
    pub id: String,
    /// Whose.
    pub customer: String,
    /// Its number in the ledger; a deleted one whose number another has by now has none.
    pub number: Option<String>,
    /// Its day.
    pub on_day: Option<NaiveDate>,
    /// It is not there any more.
    pub deleted: bool,
    /// Word for word.
    pub body: String,
    /// It waits itself; the others come along because it is linked to them.
    pub pending: bool,
}

/// Objects that wait, at most `most`, and what is linked to them: the invoices of payments, all payments of those invoices,
/// an invoice of customers that changed, and the customers.
pub async fn waiting(conn: &mut PgConnection, realm: &str, today: NaiveDate, most: i64) -> Result<Vec<Waiting>> {
    let rows = sqlx::query!(
        r#"WITH first AS MATERIALIZED (
               SELECT kind, id, customer FROM quickbooks_object WHERE realm = $1 AND pending_on <= $2
               ORDER BY customer, kind, id LIMIT $3
           ), invoices AS (
               SELECT id FROM first WHERE kind = 'Invoice'
               UNION SELECT l.invoice FROM first f JOIN quickbooks_link l ON l.realm = $1 AND l.payment = f.id
                     WHERE f.kind = 'Payment'
               UNION SELECT (SELECT max(o.id) FROM quickbooks_object o
                             WHERE o.realm = $1 AND o.customer = f.id AND o.kind = 'Invoice' AND NOT o.deleted)
                     FROM first f WHERE f.kind = 'Customer'
           ), together AS (
               SELECT kind, id FROM first
               UNION SELECT 'Invoice', id FROM invoices
               UNION SELECT 'Payment', l.payment FROM invoices i JOIN quickbooks_link l ON l.realm = $1 AND l.invoice = i.id
           ), documents AS (
               SELECT o.* FROM together t JOIN quickbooks_object o ON o.realm = $1 AND o.kind = t.kind AND o.id = t.id
           ), everything AS (
               SELECT * FROM documents
               UNION SELECT c.* FROM (SELECT DISTINCT customer FROM documents) d
                     JOIN quickbooks_object c ON c.realm = $1 AND c.kind = 'Customer' AND c.id = d.customer
           )
           SELECT e.kind AS "kind!", e.id AS "id!", e.customer AS "customer!", e.number, e.on_day, e.deleted AS "deleted!",
                  e.body AS "body!", EXISTS (SELECT FROM first f WHERE f.kind = e.kind AND f.id = e.id) AS "pending!"
           FROM everything e ORDER BY e.kind, e.id"#,
        realm,
        today,
        most
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let kind = Kind::from_name(&row.kind);
            Ok(Waiting {
                kind: kind.ok_or_else(|| Error::internal("reading an object")("a kind that is not known"))?,
                id: row.id,
                customer: row.customer,
                number: row.number,
                on_day: row.on_day,
                deleted: row.deleted,
                body: row.body,
                pending: row.pending,
            })
        })
        .collect()
}

/// What has become of an object that was taken in.
#[derive(Serialize)]
pub struct Taken {
    /// What it is.
    pub kind: Kind,
    /// Its id.
    pub id: String,
    /// From which day on it waits again: it is of that day, or could not be taken in.
    pub pending_on: Option<NaiveDate>,
    /// Why it could not be taken in.
    pub problem: Option<String>,
}

/// Notes what has become of objects.
pub async fn taken(conn: &mut PgConnection, realm: &str, all: &[Taken]) -> Result<()> {
    sqlx::query!(
        "UPDATE quickbooks_object o SET pending_on = f.pending_on, problem = f.problem
         FROM jsonb_to_recordset($2) AS f (kind text, id text, pending_on date, problem text)
         WHERE o.realm = $1 AND o.kind = f.kind AND o.id = f.id",
        realm,
        Json(all) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Payments and credit memos that were written from here, as the import asks for them.
pub async fn ours(conn: &mut PgConnection, realm: &str) -> Result<HashSet<String>> {
    let ids = sqlx::query_scalar!(
        r#"SELECT 'Payment ' || qbo_id AS "id!" FROM quickbooks_write WHERE realm = $1 AND qbo_id IS NOT NULL"#,
        realm
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().collect())
}

/// An object that could not be taken in.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = QuickBooksProblem)]
pub struct Problem {
    /// What it is.
    pub kind: String,
    /// Its id at `QuickBooks`.
    pub id: String,
    /// Its number.
    pub number: String,
    /// Why it could not be taken in.
    pub problem: String,
    /// When that is tried again, unless it is changed before.
    pub again_on: Option<NaiveDate>,
}

/// Objects that could not be taken in, at most 200.
///
/// # Errors
/// Those of Postgres.
pub async fn problems(conn: &mut PgConnection, realm: &str) -> Result<Vec<Problem>> {
    Ok(sqlx::query_as!(
        Problem,
        r#"SELECT kind, id, called AS number, problem AS "problem!", pending_on AS again_on FROM quickbooks_object
           WHERE realm = $1 AND problem IS NOT NULL ORDER BY kind, id LIMIT 200"#,
        realm
    )
    .fetch_all(conn)
    .await?)
}
