//! Number ranges, and invoices as they went out.

use chrono::{DateTime, NaiveDate, Utc};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use super::NumberRange;
use crate::{
    error::{Error, Result},
    ids::{AccountId, ContactPointId, InvoiceId, UserId},
    message::store::Issuer,
};

/// What an account's invoices need.
#[derive(Debug)]
pub struct Needs {
    /// The customer's tax number.
    pub tax_id: String,
    /// They have to name an order.
    pub po_required: bool,
    /// Where they go.
    pub billing_point: Option<ContactPointId>,
}

/// The next number of a portfolio's range, and its place; taken for good when the transaction commits. A portfolio that has
/// no range gets one.
///
/// # Errors
/// Those of Postgres.
pub async fn next_number(conn: &mut PgConnection, portfolio: &str) -> Result<(i64, String)> {
    let row = sqlx::query!(
        r#"INSERT INTO number_range AS r (portfolio, next) VALUES ($1, 2)
           ON CONFLICT (portfolio) DO UPDATE SET next = r.next + 1 RETURNING r.next - 1 AS "nth!", prefix, width"#,
        portfolio
    )
    .fetch_one(conn)
    .await?;
    let width = usize::try_from(row.width).unwrap_or(1);
    Ok((row.nth, format!("{}{:0width$}", row.prefix, row.nth)))
}

/// Whether the account has an invoice of that number.
///
/// # Errors
/// Those of Postgres.
pub async fn is_taken(conn: &mut PgConnection, account: AccountId, number: &str) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM invoice WHERE account_id = $1 AND number = $2) AS "taken!""#,
        account.0,
        number
    )
    .fetch_one(conn)
    .await?)
}

/// The range of a portfolio.
///
/// # Errors
/// Those of Postgres.
pub async fn range(conn: &mut PgConnection, portfolio: &str) -> Result<NumberRange> {
    let found =
        sqlx::query_as!(NumberRange, "SELECT prefix, width, next FROM number_range WHERE portfolio = $1", portfolio);
    let found = found.fetch_optional(conn).await?;
    Ok(found.unwrap_or(NumberRange { prefix: String::new(), width: 6, next: 1 }))
}

/// Sets the range of a portfolio; its next number can only rise.
///
/// # Errors
/// [`Error::Invalid`] for a next number that was given already, or a prefix or width out of range.
pub async fn set_range(conn: &mut PgConnection, portfolio: &str, new: &NumberRange) -> Result<()> {
    if new.prefix.chars().count() > 20 || !(1..=12).contains(&new.width) || new.next < 1 {
        return Err(Error::invalid("range", "a prefix of at most 20 characters, 1 to 12 digits, a next number from 1"));
    }
    let set = sqlx::query!(
        "INSERT INTO number_range AS r (portfolio, prefix, width, next) VALUES ($1, $2, $3, $4)
         ON CONFLICT (portfolio) DO UPDATE SET prefix = excluded.prefix, width = excluded.width, next = excluded.next
         WHERE r.next <= excluded.next",
        portfolio,
        new.prefix,
        new.width,
        new.next
    )
    .execute(conn)
    .await?;
    if set.rows_affected() == 0 { Err(Error::invalid("next", "must not be lower than it is")) } else { Ok(()) }
}

/// Sets who writes and bills for a portfolio.
///
/// # Errors
/// [`Error::Invalid`] unless the name has 1 to 120 characters and the rest at most 400.
pub async fn set_issuer(
    conn: &mut PgConnection,
    by: UserId,
    portfolio: &str,
    new: &Issuer,
    now: DateTime<Utc>,
) -> Result<()> {
    if !(1..=120).contains(&new.name.trim().chars().count()) {
        return Err(Error::invalid("name", "1 to 120 characters"));
    }
    for (field, text) in [
        ("address", &new.address),
        ("email", &new.email),
        ("phone", &new.phone),
        ("tax_id", &new.tax_id),
        ("bank", &new.bank),
    ] {
        if text.chars().count() > 400 {
            return Err(Error::invalid(field, "at most 400 characters"));
        }
    }
    sqlx::query!(
        "INSERT INTO issuer (portfolio, name, address, email, phone, tax_id, bank, updated_by, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (portfolio) DO UPDATE SET name = excluded.name, address = excluded.address, email = excluded.email,
             phone = excluded.phone, tax_id = excluded.tax_id, bank = excluded.bank, updated_by = excluded.updated_by,
             updated_at = excluded.updated_at",
        portfolio,
        new.name.trim(),
        new.address,
        new.email,
        new.phone,
        new.tax_id,
        new.bank,
        by.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What the invoices of an account need.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn needs(conn: &mut PgConnection, account: AccountId) -> Result<Needs> {
    sqlx::query_as!(
        Needs,
        r#"SELECT tax_id, po_required,
                  (SELECT p.id FROM contact_point p JOIN contact c ON c.id = p.contact_id
                   WHERE p.account_id = a.id AND p.kind = 'email' AND p.invalid_at IS NULL
                     AND messages_revoked_at(p.value) IS NULL
                   ORDER BY p.label = 'billing' DESC, c.role = 'payables' DESC, p.position, p.id LIMIT 1)
                      AS "billing_point: ContactPointId"
           FROM account a WHERE id = $1"#,
        account.0
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("account"))
}

/// Due date and minor units of each instalment, in order.
///
/// # Errors
/// Those of Postgres.
pub async fn instalments(conn: &mut PgConnection, invoice: InvoiceId) -> Result<Vec<(NaiveDate, i64)>> {
    let rows = sqlx::query!(
        r#"SELECT n.due_on, sum(p.amount_minor)::bigint AS "minor!" FROM instalment n JOIN posting p ON p.instalment_id = n.id
           WHERE n.invoice_id = $1 GROUP BY n.id, n.due_on, n.seq ORDER BY n.seq"#,
        invoice.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.due_on, row.minor)).collect())
}

/// Keeps the file of an invoice as it goes out.
///
/// # Errors
/// Those of Postgres.
pub async fn keep_file(
    conn: &mut PgConnection,
    invoice: InvoiceId,
    account: AccountId,
    (portfolio, nth): (&str, i64),
    file: &[u8],
    by: UserId,
    now: DateTime<Utc>,
) -> Result<()> {
    let sha256: [u8; 32] = Sha256::digest(file).into();
    sqlx::query!(
        "INSERT INTO issued_invoice (invoice_id, account_id, portfolio, nth, file, sha256, issued_by, issued_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        invoice.0,
        account.0,
        portfolio,
        nth,
        file,
        &sha256[..],
        by.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Account, number and file of an invoice that was issued here.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn file(conn: &mut PgConnection, invoice: InvoiceId) -> Result<(AccountId, String, Vec<u8>)> {
    let row = sqlx::query!(
        r#"SELECT i.account_id AS "account: AccountId", v.number, i.file
           FROM issued_invoice i JOIN invoice v ON v.id = i.invoice_id WHERE i.invoice_id = $1"#,
        invoice.0
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("file of this invoice"))?;
    Ok((row.account, row.number, row.file))
}
