//! The ledger in Postgres. Postings and allocations are only ever added; [`refresh_standing`] follows every change.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{AllocationMode, Figures, NewInvoice, NewPayment, OpenItem};
use crate::{
    error::{Error, Result},
    ids::{AccountId, InstalmentId, InvoiceId, PaymentId},
    money::{Currency, Money},
};

/// Works out the figures of `accounts` again, all in one statement. The only writer of `account_standing`: whatever
/// changes what is owed, disputed or promised calls it before it commits.
///
/// # Errors
/// If Postgres is not available.
pub async fn refresh_standing(conn: &mut PgConnection, accounts: &[AccountId], now: DateTime<Utc>) -> Result<()> {
    let accounts: Vec<Uuid> = accounts.iter().map(|account| account.0).collect();
    sqlx::query_file!("src/ledger/refresh_standing.sql", &accounts, now).execute(conn).await?;
    Ok(())
}

/// The account's figures; `None` for an account nothing was ever posted to.
///
/// # Errors
/// If Postgres is not available.
pub async fn figures(conn: &mut PgConnection, account: AccountId) -> Result<Option<Figures>> {
    let row = sqlx::query!(
        r#"SELECT s.*, a.currency::text AS "currency!" FROM account_standing s JOIN account a ON a.id = s.account_id
           WHERE s.account_id = $1"#,
        account.0
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        let currency = stored_currency(&row.currency)?;
        Ok(Figures {
            account,
            open_items: row.open_items,
            open: Money::new(row.open_minor, currency),
            unapplied: Money::new(row.unapplied_minor, currency),
            disputed: Money::new(row.disputed_minor, currency),
            collectible: Money::new(row.collectible_minor, currency),
            oldest_due_on: row.oldest_due_on,
            open_promise_on: row.open_promise_on,
            broken_promises: row.broken_promises,
            kept_promises: row.kept_promises,
            promise_broken: row.promise_broken,
            refreshed_at: row.refreshed_at,
        })
    })
    .transpose()
}

/// The account's open items, oldest due date first.
///
/// # Errors
/// If Postgres is not available.
pub async fn open_items(conn: &mut PgConnection, account: AccountId) -> Result<Vec<OpenItem>> {
    let rows = sqlx::query!(
        r#"SELECT instalment_id AS "instalment_id!", invoice_id AS "invoice_id!", invoice_number AS "invoice_number!",
                  seq AS "seq!", issued_on AS "issued_on!", due_on AS "due_on!", po_number,
                  currency::text AS "currency!", amount_minor AS "amount!", open_minor AS "open!",
                  disputed_minor AS "disputed!"
           FROM open_item WHERE account_id = $1 ORDER BY due_on, invoice_number, seq"#,
        account.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let currency = stored_currency(&row.currency)?;
            Ok(OpenItem {
                instalment: InstalmentId(row.instalment_id),
                invoice: InvoiceId(row.invoice_id),
                invoice_number: row.invoice_number,
                seq: row.seq,
                issued_on: row.issued_on,
                due_on: row.due_on,
                po_number: row.po_number,
                amount: Money::new(row.amount, currency),
                open: Money::new(row.open, currency),
                disputed: Money::new(row.disputed, currency),
            })
        })
        .collect()
}

/// Posts an invoice with its instalments.
///
/// # Errors
/// [`Error::Invalid`] without instalments or with an amount that is not positive; [`Error::Conflict`] if the account has
/// an invoice of that number.
pub async fn post_invoice(conn: &mut PgConnection, new: &NewInvoice, now: DateTime<Utc>) -> Result<InvoiceId> {
    if new.instalments.is_empty() || new.instalments.iter().any(|(_, minor)| *minor <= 0) {
        return Err(Error::invalid("instalments", "at least one, each with an amount of more than 0"));
    }
    let invoice = InvoiceId::generate();
    let inserted = sqlx::query!(
        "INSERT INTO invoice (id, account_id, number, issued_on, currency, po_number, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account_id, number) DO NOTHING",
        invoice.0,
        new.account.0,
        new.number,
        new.issued_on,
        new.currency.as_str(),
        new.po_number,
        now
    )
    .execute(&mut *conn)
    .await?;
    if inserted.rows_affected() == 0 {
        return Err(Error::Conflict("the account has an invoice of that number".to_owned()));
    }
    for (seq, (due_on, minor)) in (1_i16..).zip(&new.instalments) {
        sqlx::query!(
            "WITH part AS (INSERT INTO instalment (id, invoice_id, account_id, seq, due_on) VALUES ($1, $2, $3, $4, $5))
             INSERT INTO posting (account_id, kind, instalment_id, amount_minor, currency, business_date, recorded_at)
             VALUES ($3, 'invoice', $1, $6, $7, $8, $9)",
            InstalmentId::generate().0,
            invoice.0,
            new.account.0,
            seq,
            due_on,
            minor,
            new.currency.as_str(),
            new.issued_on,
            now
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(invoice)
}

/// Records money received, as yet not applied to any item.
///
/// # Errors
/// [`Error::Invalid`] if the amount is not positive.
pub async fn record_payment(conn: &mut PgConnection, new: &NewPayment, now: DateTime<Utc>) -> Result<PaymentId> {
    if new.amount.minor <= 0 {
        return Err(Error::invalid("amount", "more than 0"));
    }
    let payment = PaymentId::generate();
    sqlx::query!(
        "WITH paid AS (INSERT INTO payment
             (id, account_id, amount_minor, currency, received_on, method, reference, recorded_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8))
         INSERT INTO posting (account_id, kind, payment_id, amount_minor, currency, business_date, recorded_at)
         VALUES ($2, 'payment', $1, -$3::bigint, $4, $5, $8)",
        payment.0,
        new.account.0,
        new.amount.minor,
        new.amount.currency.as_str(),
        new.received_on,
        new.method,
        new.reference,
        now
    )
    .execute(conn)
    .await?;
    Ok(payment)
}

/// Applies `minor` units of a payment to an instalment of the same account.
///
/// # Errors
/// [`Error::Invalid`] if that is not positive, more than is left of the payment, or more than is open.
pub async fn allocate(
    conn: &mut PgConnection,
    payment: PaymentId,
    instalment: InstalmentId,
    minor: i64,
    mode: AllocationMode,
    business_date: NaiveDate,
    now: DateTime<Utc>,
) -> Result<()> {
    let account = lock_account_of(conn, payment).await?;
    let limits = sqlx::query!(
        r#"SELECT (-(SELECT coalesce(sum(amount_minor), 0) FROM posting WHERE payment_id = $1)
                  - (SELECT coalesce(sum(amount_minor), 0) FROM allocation WHERE payment_id = $1))::bigint AS "left!",
                  coalesce((SELECT open_minor FROM open_item WHERE instalment_id = $2 AND account_id = $3), 0) AS "open!""#,
        payment.0,
        instalment.0,
        account
    )
    .fetch_one(&mut *conn)
    .await?;
    let most = limits.left.min(limits.open);
    if minor <= 0 || minor > most {
        return Err(Error::invalid(
            "amount",
            format!("1 to {most} minor units: left of the payment and open on the item"),
        ));
    }
    sqlx::query!(
        "INSERT INTO allocation (account_id, payment_id, instalment_id, amount_minor, mode, business_date, recorded_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        account,
        payment.0,
        instalment.0,
        minor,
        mode.name(),
        business_date,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a payment back (a bounced cheque, a mistake): its allocations and its posting are reversed.
///
/// # Errors
/// [`Error::NotFound`], or [`Error::Conflict`] if it was reversed before.
pub async fn reverse_payment(
    conn: &mut PgConnection,
    payment: PaymentId,
    business_date: NaiveDate,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    lock_account_of(conn, payment).await?;
    sqlx::query!(
        "INSERT INTO allocation
             (account_id, payment_id, instalment_id, amount_minor, mode, business_date, recorded_at, reverses)
         SELECT account_id, payment_id, instalment_id, -amount_minor, mode, $2, $3, id FROM allocation a
         WHERE payment_id = $1 AND reverses IS NULL AND NOT EXISTS (SELECT FROM allocation r WHERE r.reverses = a.id)",
        payment.0,
        business_date,
        now
    )
    .execute(&mut *conn)
    .await?;
    let reversed = sqlx::query!(
        "INSERT INTO posting
             (account_id, kind, payment_id, amount_minor, currency, business_date, recorded_at, reverses, reason)
         SELECT account_id, kind, payment_id, -amount_minor, currency, $2, $3, id, $4 FROM posting p
         WHERE payment_id = $1 AND reverses IS NULL AND NOT EXISTS (SELECT FROM posting r WHERE r.reverses = p.id)",
        payment.0,
        business_date,
        now,
        reason
    )
    .execute(conn)
    .await?;
    if reversed.rows_affected() == 0 {
        return Err(Error::Conflict("the payment was reversed before".to_owned()));
    }
    Ok(())
}

/// The account row serialises everything that changes what the account owes.
async fn lock_account_of(conn: &mut PgConnection, payment: PaymentId) -> Result<Uuid> {
    sqlx::query_scalar!(
        "SELECT a.id FROM account a JOIN payment p ON p.account_id = a.id WHERE p.id = $1 FOR UPDATE OF a",
        payment.0
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("payment"))
}

/// A currency code as Postgres gives it back.
pub(crate) fn stored_currency(code: &str) -> Result<Currency> {
    Currency::parse(code).map_err(Error::internal("reading a stored currency"))
}
