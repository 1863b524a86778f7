//! Invoices, instalments, postings, payments, allocations, disputes and promises of a batch.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::{
    error::Result,
    import::plan::{Dispute, Known, Payment, Posting},
};

/// An instalment to look up.
#[derive(Serialize)]
pub struct Wanted<'a> {
    /// Place in the batch.
    pub nth: usize,
    /// The account.
    pub account: Uuid,
    /// Invoice number.
    pub number: &'a str,
    /// What its source counts it by; empty: the file does not say.
    pub series: &'a str,
    /// Invoice date.
    pub issued_on: NaiveDate,
    /// Instalment.
    pub seq: i16,
}

/// What was found.
pub struct Found {
    /// Place in the batch.
    pub nth: usize,
    /// The invoice, if it is known.
    pub invoice: Option<Uuid>,
    /// The instalment, if it is known.
    pub known: Option<Known>,
}

/// Looks instalments up with their postings, imported payments and imported disputes.
pub async fn known(conn: &mut PgConnection, wanted: &[Wanted<'_>]) -> Result<Vec<Found>> {
    let rows = sqlx::query_file!("src/import/store/known_items.sql", Json(wanted) as _).fetch_all(conn).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let dispute = match (row.dispute, row.dispute_status.as_deref()) {
                (Some(id), Some("open")) => Dispute::Open(id, row.dispute_minor.unwrap_or(0)),
                (Some(_), _) => Dispute::Closed,
                (None, _) => Dispute::None,
            };
            let known = row.instalment.zip(row.invoice).zip(row.issued_on).zip(row.due_on);
            let known = known.map(|(((instalment, invoice), issued_on), due_on)| Known {
                instalment,
                invoice,
                series: row.series.unwrap_or_default(),
                issued_on,
                po_number: row.po_number,
                due_on,
                posting: row.posting.zip(row.posted_minor).map(|(id, minor)| Posting { id, minor }),
                paid: row.payment.zip(row.paid_on).zip(row.paid_minor).map(|((id, on), minor)| Payment {
                    id,
                    on,
                    minor,
                }),
                allocated_minor: row.allocated_minor,
                dispute,
            });
            Found { nth: usize::try_from(row.nth).unwrap_or_default(), invoice: row.invoice, known }
        })
        .collect())
}

/// The changes of a batch, by table. Everything is minor units.
#[derive(Default)]
pub struct Changes {
    /// Invoices to add.
    pub invoices: Vec<InvoiceRow>,
    /// Invoice heads to overwrite.
    pub headers: Vec<InvoiceRow>,
    /// Instalments to add.
    pub instalments: Vec<InstalmentRow>,
    /// Due dates to overwrite.
    pub due: Vec<InstalmentRow>,
    /// Postings that no longer stand.
    pub unpost: Vec<i64>,
    /// Amounts to post.
    pub post: Vec<PostingRow>,
    /// Payments that no longer stand.
    pub unpay: Vec<Uuid>,
    /// Instalments that less is owed on now than was applied to them: all of it is unapplied.
    pub unapply: Vec<Uuid>,
    /// Payments to record and allocate.
    pub pay: Vec<PaymentRow>,
    /// Disputes to open.
    pub disputes: Vec<DisputeRow>,
    /// Disputes that cover another amount now.
    pub resized: Vec<DisputeRow>,
    /// Disputes to end.
    pub ended: Vec<Uuid>,
    /// Promises to add.
    pub promises: Vec<PromiseRow>,
    /// Why something is reversed, where it is not that a row has changed.
    pub reason: &'static str,
}

/// A row of invoice.
#[derive(Serialize)]
pub struct InvoiceRow {
    pub id: Uuid,
    pub account: Uuid,
    pub number: String,
    pub series: String,
    pub issued_on: NaiveDate,
    pub currency: String,
    pub po_number: Option<String>,
}

/// A row of instalment.
#[derive(Serialize)]
pub struct InstalmentRow {
    pub id: Uuid,
    pub invoice: Uuid,
    pub account: Uuid,
    pub seq: i16,
    pub due_on: NaiveDate,
}

/// A row of posting.
#[derive(Serialize)]
pub struct PostingRow {
    pub account: Uuid,
    pub instalment: Uuid,
    pub kind: &'static str,
    pub minor: i64,
    pub currency: String,
    pub on: NaiveDate,
}

/// A payment with its posting and its allocation.
#[derive(Serialize)]
pub struct PaymentRow {
    pub id: Uuid,
    pub account: Uuid,
    pub instalment: Uuid,
    pub minor: i64,
    pub applied_minor: i64,
    pub currency: String,
    pub on: NaiveDate,
    pub reference: String,
}

/// A dispute over one item.
#[derive(Serialize)]
pub struct DisputeRow {
    pub id: Uuid,
    pub account: Uuid,
    pub instalment: Uuid,
    pub reason: String,
    pub minor: i64,
}

/// A row of promise.
#[derive(Serialize)]
pub struct PromiseRow {
    pub id: Uuid,
    pub account: Uuid,
    pub currency: String,
    pub minor: i64,
    pub taken_at: DateTime<Utc>,
    pub due_on: NaiveDate,
    pub status: String,
}

/// What was written besides.
pub struct Written {
    /// Accounts that got a new promise.
    pub promised: Vec<Uuid>,
    /// Payments that no longer stand.
    pub taken_back: Vec<TakenBack>,
}

/// A payment that no longer stands.
pub struct TakenBack {
    pub payment: Uuid,
    pub account: Uuid,
}

impl Changes {
    /// Whether anything that stood is taken back.
    pub fn take_back(&self) -> bool {
        !(self.unpost.is_empty() && self.unpay.is_empty() && self.unapply.is_empty())
    }

    fn why(&self) -> &'static str {
        if self.reason.is_empty() { "changed by an import" } else { self.reason }
    }
}

/// Writes the changes of a batch; what is reversed is reversed on `as_of`.
pub async fn write(
    conn: &mut PgConnection,
    changes: &Changes,
    as_of: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Written> {
    write_invoices(conn, changes, now).await?;
    let taken_back = reverse(conn, changes, as_of, now).await?;
    post(conn, changes, now).await?;
    write_disputes(conn, changes, now).await?;
    Ok(Written { promised: write_promises(conn, &changes.promises).await?, taken_back })
}

async fn write_invoices(conn: &mut PgConnection, changes: &Changes, now: DateTime<Utc>) -> Result<()> {
    if !changes.instalments.is_empty() {
        sqlx::query!(
            "INSERT INTO invoice (id, account_id, number, series, issued_on, currency, po_number, created_at)
             SELECT id, account, number, series, issued_on, currency, po_number, $2 FROM jsonb_to_recordset($1)
             AS v (id uuid, account uuid, number text, series text, issued_on date, currency text, po_number text)",
            Json(&changes.invoices) as _,
            now
        )
        .execute(&mut *conn)
        .await?;
        sqlx::query!(
            "INSERT INTO instalment (id, invoice_id, account_id, seq, due_on, listed)
             SELECT id, invoice, account, seq, due_on, true
             FROM jsonb_to_recordset($1) AS i (id uuid, invoice uuid, account uuid, seq smallint, due_on date)",
            Json(&changes.instalments) as _
        )
        .execute(&mut *conn)
        .await?;
    }
    if !changes.headers.is_empty() {
        sqlx::query!(
            "UPDATE invoice SET issued_on = f.issued_on, po_number = f.po_number,
                    series = coalesce(nullif(f.series, ''), invoice.series)
             FROM jsonb_to_recordset($1) AS f (id uuid, series text, issued_on date, po_number text)
             WHERE invoice.id = f.id",
            Json(&changes.headers) as _
        )
        .execute(&mut *conn)
        .await?;
    }
    if !changes.due.is_empty() {
        sqlx::query!(
            "UPDATE instalment SET due_on = f.due_on FROM jsonb_to_recordset($1) AS f (id uuid, due_on date)
             WHERE instalment.id = f.id",
            Json(&changes.due) as _
        )
        .execute(conn)
        .await?;
    }
    Ok(())
}

async fn reverse(
    conn: &mut PgConnection,
    changes: &Changes,
    as_of: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Vec<TakenBack>> {
    if !changes.take_back() {
        return Ok(Vec::new());
    }
    sqlx::query!(
        "INSERT INTO allocation
             (account_id, payment_id, credit_note_id, instalment_id, part, amount_minor, mode, business_date, recorded_at,
              reverses)
         SELECT account_id, payment_id, credit_note_id, instalment_id, part, -amount_minor, mode, $3, $4, id
         FROM allocation a
         WHERE (payment_id = ANY ($1) OR instalment_id = ANY ($2)) AND reverses IS NULL
           AND NOT EXISTS (SELECT FROM allocation r WHERE r.reverses = a.id)",
        &changes.unpay,
        &changes.unapply,
        as_of,
        now
    )
    .execute(&mut *conn)
    .await?;
    let reversed = sqlx::query!(
        r#"INSERT INTO posting (account_id, kind, instalment_id, payment_id, amount_minor, currency, business_date,
                                recorded_at, reverses, reason)
           SELECT account_id, kind, instalment_id, payment_id, -amount_minor, currency, $3, $4, id, $5
           FROM posting p
           WHERE (id = ANY ($1) OR (payment_id = ANY ($2) AND kind = 'payment')) AND reverses IS NULL
             AND NOT EXISTS (SELECT FROM posting r WHERE r.reverses = p.id)
           RETURNING account_id, CASE WHEN kind = 'payment' THEN payment_id END AS "payment""#,
        &changes.unpost,
        &changes.unpay,
        as_of,
        now,
        changes.why()
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!(
        "WITH gone AS (UPDATE payment SET state = 'reversed'
                       WHERE id = ANY ($1) AND state IN ('received', 'cleared') RETURNING id)
         INSERT INTO payment_event (payment_id, state, reason, on_day, at) SELECT id, 'reversed', $2, $3, $4 FROM gone",
        &changes.unpay,
        changes.why(),
        as_of,
        now
    )
    .execute(conn)
    .await?;
    let payments = reversed.into_iter().filter_map(|row| Some((row.payment?, row.account_id)));
    Ok(payments.map(|(payment, account)| TakenBack { payment, account }).collect())
}

async fn post(conn: &mut PgConnection, changes: &Changes, now: DateTime<Utc>) -> Result<()> {
    if !changes.post.is_empty() {
        sqlx::query!(
            r#"INSERT INTO posting (account_id, kind, instalment_id, amount_minor, currency, business_date, recorded_at)
               SELECT account, kind, instalment, minor, currency, "on", $2 FROM jsonb_to_recordset($1)
               AS p (account uuid, kind text, instalment uuid, minor bigint, currency text, "on" date)"#,
            Json(&changes.post) as _,
            now
        )
        .execute(&mut *conn)
        .await?;
    }
    if !changes.pay.is_empty() {
        sqlx::query!(
            r#"WITH f AS (SELECT * FROM jsonb_to_recordset($1) AS f (id uuid, account uuid, instalment uuid, minor bigint,
                              applied_minor bigint, currency text, "on" date, reference text)),
                    paid AS (INSERT INTO payment (id, account_id, amount_minor, currency, received_on, method, reference,
                                                  imported_for, recorded_at)
                             SELECT id, account, minor, currency, "on", 'import', reference, instalment, $2 FROM f),
                    posted AS (INSERT INTO posting
                                   (account_id, kind, payment_id, amount_minor, currency, business_date, recorded_at)
                               SELECT account, 'payment', id, -minor, currency, "on", $2 FROM f)
               INSERT INTO allocation
                   (account_id, payment_id, instalment_id, amount_minor, mode, business_date, recorded_at)
               SELECT account, id, instalment, applied_minor, 'imported', "on", $2 FROM f WHERE applied_minor > 0"#,
            Json(&changes.pay) as _,
            now
        )
        .execute(conn)
        .await?;
    }
    Ok(())
}

async fn write_disputes(conn: &mut PgConnection, changes: &Changes, now: DateTime<Utc>) -> Result<()> {
    if !changes.disputes.is_empty() {
        sqlx::query!(
            "WITH f AS (SELECT * FROM jsonb_to_recordset($1)
                        AS f (id uuid, account uuid, instalment uuid, reason text, minor bigint)),
                  d AS (INSERT INTO dispute (id, account_id, reason, status, note, opened_at)
                        SELECT id, account, reason, 'open', 'imported', $2 FROM f)
             INSERT INTO dispute_item (dispute_id, instalment_id, amount_minor) SELECT id, instalment, minor FROM f",
            Json(&changes.disputes) as _,
            now
        )
        .execute(&mut *conn)
        .await?;
    }
    if !changes.resized.is_empty() {
        sqlx::query!(
            "UPDATE dispute_item d SET amount_minor = f.minor
             FROM jsonb_to_recordset($1) AS f (id uuid, instalment uuid, minor bigint)
             WHERE d.dispute_id = f.id AND d.instalment_id = f.instalment",
            Json(&changes.resized) as _
        )
        .execute(&mut *conn)
        .await?;
    }
    if !changes.ended.is_empty() {
        sqlx::query!(
            "UPDATE dispute SET status = 'withdrawn', closed_at = $2 WHERE id = ANY ($1) AND status = 'open'",
            &changes.ended,
            now
        )
        .execute(conn)
        .await?;
    }
    Ok(())
}

/// A promise is known by its account, the day on which it was taken and the day it was for.
async fn write_promises(conn: &mut PgConnection, promises: &[PromiseRow]) -> Result<Vec<Uuid>> {
    if promises.is_empty() {
        return Ok(Vec::new());
    }
    Ok(sqlx::query_scalar!(
        "INSERT INTO promise (id, account_id, amount_minor, currency, due_on, deadline_on, status, taken_at, settled_at)
         SELECT DISTINCT ON (f.account, f.taken_at, f.due_on) f.id, f.account, f.minor, f.currency, f.due_on, f.due_on, f.status,
                f.taken_at, CASE WHEN f.status = 'open' THEN NULL ELSE f.due_on AT TIME ZONE 'UTC' END
         FROM jsonb_to_recordset($1) AS f (id uuid, account uuid, minor bigint, currency text, due_on date, status text,
                                          taken_at timestamptz)
         WHERE NOT EXISTS (SELECT FROM promise p WHERE p.account_id = f.account AND p.taken_at = f.taken_at
                           AND p.due_on = f.due_on)
         RETURNING account_id",
        Json(promises) as _
    )
    .fetch_all(conn)
    .await?)
}
