//! Lines, terms and attachments of invoices.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::{
    error::{Error, Result},
    ids::{InvoiceId, UserId},
    ledger::{
        invoice::{Attachment, InvoiceDraft, InvoiceLine},
        terms::Terms,
    },
};

/// The payment terms of a code.
///
/// # Errors
/// Those of Postgres.
pub async fn terms(conn: &mut PgConnection, code: &str) -> Result<Option<Terms>> {
    let body = sqlx::query_scalar!("SELECT body FROM payment_terms WHERE code = $1", code).fetch_optional(conn).await?;
    body.map(serde_json::from_value).transpose().map_err(Error::internal("reading payment terms"))
}

/// All payment terms by code.
///
/// # Errors
/// Those of Postgres.
pub async fn all_terms(conn: &mut PgConnection) -> Result<Vec<(String, Terms)>> {
    let rows = sqlx::query!(r#"SELECT code, body AS "body: Json<Terms>" FROM payment_terms ORDER BY code"#)
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(|row| (row.code, row.body.0)).collect())
}

/// Sets the payment terms of a code; invoices that were issued by it before stay as they are. Gives what they were.
///
/// # Errors
/// [`Error::Invalid`] for terms that are not in order.
pub async fn set_terms(conn: &mut PgConnection, code: &str, new: &Terms) -> Result<Option<Terms>> {
    if !(1..=32).contains(&code.chars().count()) {
        return Err(Error::invalid("code", "1 to 32 characters"));
    }
    if let Some(fault) = new.fault() {
        return Err(Error::invalid("parts", fault));
    }
    let was = terms(&mut *conn, code).await?;
    sqlx::query!(
        "INSERT INTO payment_terms (code, body) VALUES ($1, $2) ON CONFLICT (code) DO UPDATE SET body = excluded.body",
        code,
        Json(new) as _
    )
    .execute(conn)
    .await?;
    Ok(was)
}

pub(in crate::ledger) async fn insert_details(
    conn: &mut PgConnection,
    invoice: InvoiceId,
    draft: &InvoiceDraft,
    by: UserId,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!("UPDATE invoice SET terms = $2 WHERE id = $1", invoice.0, draft.terms).execute(&mut *conn).await?;
    sqlx::query!(
        "INSERT INTO invoice_line (invoice_id, nth, description, quantity_milli, net_minor, tax_rate_bp, tax_minor)
         SELECT $1, nth, (line ->> 'description'), (line ->> 'quantity_milli')::bigint, (line ->> 'net_minor')::bigint,
                (line ->> 'tax_rate_bp')::integer, (line ->> 'tax_minor')::bigint
         FROM jsonb_array_elements($2) WITH ORDINALITY AS l (line, nth)",
        invoice.0,
        Json(&draft.lines) as _
    )
    .execute(&mut *conn)
    .await?;
    for attachment in &draft.attachments {
        attach(conn, invoice, attachment, Some(by), now).await?;
    }
    Ok(())
}

/// Encloses something with an invoice.
///
/// # Errors
/// [`Error::Invalid`], or [`Error::NotFound`] if there is no such invoice.
pub async fn attach(
    conn: &mut PgConnection,
    invoice: InvoiceId,
    attachment: &Attachment,
    by: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<Uuid> {
    if !(1..=200).contains(&attachment.name.chars().count()) {
        return Err(Error::invalid("name", "1 to 200 characters"));
    }
    if !(1..=1000).contains(&attachment.reference.chars().count()) {
        return Err(Error::invalid("reference", "1 to 1000 characters"));
    }
    let id = Uuid::now_v7();
    let inserted = sqlx::query!(
        "INSERT INTO invoice_attachment (id, invoice_id, name, reference, media_type, added_by, added_at)
         SELECT $1, id, $3, $4, $5, $6, $7 FROM invoice WHERE id = $2",
        id,
        invoice.0,
        attachment.name,
        attachment.reference,
        attachment.media_type,
        by.map(|by| by.0),
        now
    )
    .execute(conn)
    .await?;
    if inserted.rows_affected() == 0 {
        return Err(Error::NotFound("invoice"));
    }
    Ok(id)
}

/// Passes if there is such an invoice.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn must_exist(conn: &mut PgConnection, invoice: InvoiceId) -> Result<()> {
    let found = sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM invoice WHERE id = $1) AS "found!""#, invoice.0);
    if found.fetch_one(conn).await? { Ok(()) } else { Err(Error::NotFound("invoice")) }
}

/// The lines of an invoice, in order; none for one that was imported.
///
/// # Errors
/// Those of Postgres.
pub async fn lines(conn: &mut PgConnection, invoice: InvoiceId) -> Result<Vec<InvoiceLine>> {
    Ok(sqlx::query_as!(
        InvoiceLine,
        "SELECT description, quantity_milli, net_minor, tax_rate_bp, tax_minor FROM invoice_line
         WHERE invoice_id = $1 ORDER BY nth",
        invoice.0
    )
    .fetch_all(conn)
    .await?)
}

/// What is enclosed with an invoice.
///
/// # Errors
/// Those of Postgres.
pub async fn attachments(conn: &mut PgConnection, invoice: InvoiceId) -> Result<Vec<Attachment>> {
    Ok(sqlx::query_as!(
        Attachment,
        "SELECT name, reference, media_type FROM invoice_attachment WHERE invoice_id = $1 ORDER BY id",
        invoice.0
    )
    .fetch_all(conn)
    .await?)
}
