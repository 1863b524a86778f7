//! The ledger in Postgres. Postings and allocations are only ever added; [`refresh_standing`] follows every change.

pub mod approvals;
pub mod documents;
pub mod invoices;
pub mod postings;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::json;
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use super::{
    AllocationMode, Figures, NewInvoice, NewPayment, OpenItem, Source, Way,
    part::{Part, Parts},
};
use crate::{
    allocation::policy::Policy,
    db,
    error::{Error, Result},
    ids::{AccountId, InstalmentId, InvoiceId, PaymentId, UserId},
    money::{Currency, Money},
    outgoing::{self, Event, Kind},
};

/// Works out the figures of `accounts` again, all in one statement. The only writer of `account_standing`: whatever
/// changes what is owed, disputed or promised calls it before it commits. In a transaction: many accounts outside of one
/// would be joined as Postgres thinks best ([`db::plan_for_many`]), which may take for ever.
///
/// # Errors
/// If Postgres is not available.
pub async fn refresh_standing(conn: &mut PgConnection, accounts: &[AccountId], now: DateTime<Utc>) -> Result<()> {
    let accounts: Vec<Uuid> = accounts.iter().map(|account| account.0).collect();
    let many = accounts.len() >= db::MANY;
    if many {
        db::plan_for_many(conn).await?;
    }
    sqlx::query_file!("src/ledger/refresh_standing.sql", &accounts, now).execute(&mut *conn).await?;
    if many {
        db::plan_as_usual(conn).await?;
    }
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
    post_invoice_by(conn, new, None, now).await
}

/// As [`post_invoice`]; `by` is who posts it, `None`: no person.
///
/// # Errors
/// As [`post_invoice`].
pub async fn post_invoice_by(
    conn: &mut PgConnection,
    new: &NewInvoice,
    by: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<InvoiceId> {
    if new.instalments.is_empty() || new.instalments.iter().any(|(_, minor)| *minor <= 0) {
        return Err(Error::invalid("instalments", "at least one, each with an amount of more than 0"));
    }
    let invoice = InvoiceId::generate();
    let inserted = sqlx::query!(
        "INSERT INTO invoice (id, account_id, number, issued_on, currency, po_number, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account_id, number, series) DO NOTHING",
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
             INSERT INTO posting (account_id, kind, instalment_id, amount_minor, currency, business_date, recorded_at,
                                  posted_by)
             VALUES ($3, 'invoice', $1, $6, $7, $8, $9, $10)",
            InstalmentId::generate().0,
            invoice.0,
            new.account.0,
            seq,
            due_on,
            minor,
            new.currency.as_str(),
            new.issued_on,
            now,
            by.map(|by| by.0)
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(invoice)
}

/// Records money received, as yet not applied to any item. It counts for the day on which it was received.
///
/// # Errors
/// [`Error::Invalid`] if the amount is not positive.
pub async fn record_payment(conn: &mut PgConnection, new: &NewPayment, now: DateTime<Utc>) -> Result<PaymentId> {
    record_payment_on(conn, new, new.received_on, now).await
}

/// As [`record_payment`], posted to another day: that on which it was received lies in a closed period.
///
/// # Errors
/// As [`record_payment`].
pub async fn record_payment_on(
    conn: &mut PgConnection,
    new: &NewPayment,
    business_date: NaiveDate,
    now: DateTime<Utc>,
) -> Result<PaymentId> {
    if new.amount.minor <= 0 {
        return Err(Error::invalid("amount", "more than 0"));
    }
    let payment = PaymentId::generate();
    sqlx::query!(
        "WITH paid AS (INSERT INTO payment
             (id, account_id, amount_minor, currency, received_on, method, reference, recorded_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8))
         INSERT INTO posting (account_id, kind, payment_id, amount_minor, currency, business_date, recorded_at)
         VALUES ($2, 'payment', $1, -$3::bigint, $4, $9, $8)",
        payment.0,
        new.account.0,
        new.amount.minor,
        new.amount.currency.as_str(),
        new.received_on,
        new.method,
        new.reference,
        now,
        business_date
    )
    .execute(&mut *conn)
    .await?;
    let data = json!({
        "payment": payment,
        "amount": new.amount,
        "received_on": new.received_on,
    });
    outgoing::tell(conn, &Event { kind: Kind::Payment, what: "received", account: new.account, data }, now).await?;
    Ok(payment)
}

/// Applies `minor` units of a payment to an instalment of the same account.
///
/// # Errors
/// As [`allocate_with`].
pub async fn allocate(
    conn: &mut PgConnection,
    payment: PaymentId,
    instalment: InstalmentId,
    minor: i64,
    mode: AllocationMode,
    business_date: NaiveDate,
    now: DateTime<Utc>,
) -> Result<()> {
    let way = Way { mode, explanation: String::new(), by: None };
    allocate_with(conn, payment.into(), instalment, minor, &way, business_date, now).await
}

/// Applies `minor` units of a payment or credit note to an instalment of the same account, on its parts in the order of
/// the account's policy. The caller refreshes what hangs on it.
///
/// # Errors
/// [`Error::NotFound`], or [`Error::Invalid`] if that is not positive, more than is left of the source, or more than is
/// open; of a payment also if the policy forbids it for what is disputed.
pub async fn allocate_with(
    conn: &mut PgConnection,
    source: Source,
    instalment: InstalmentId,
    minor: i64,
    way: &Way,
    business_date: NaiveDate,
    now: DateTime<Utc>,
) -> Result<()> {
    let account = account_of(conn, source).await?;
    lock_account(conn, account).await?;
    let left = left_of(conn, account, source).await?.unwrap_or(0);
    let (policy, spare_disputed) = cash_policy(conn, account).await?;
    let parts = parts(conn, account, instalment).await?.unwrap_or_default();
    let disputed = match source {
        Source::Payment(_) if spare_disputed => disputed_of(conn, instalment).await?,
        _ => 0,
    };
    let most = left.min(parts.total() - disputed).max(0);
    if minor <= 0 || minor > most {
        let detail =
            format!("1 to {most} minor units: left of the source and open on the item, less what the policy spares");
        return Err(Error::invalid("amount", detail));
    }
    let (names, minors): (Vec<String>, Vec<i64>) =
        parts.spread(&policy.order, minor).into_iter().map(|(part, minor)| (part.as_str().to_owned(), minor)).unzip();
    sqlx::query!(
        "INSERT INTO allocation (account_id, payment_id, credit_note_id, instalment_id, part, amount_minor, mode,
                                 explanation, applied_by, business_date, recorded_at)
         SELECT $1, $2, $3, $4, part, minor, $5, $6, $7, $8, $9 FROM unnest($10::text[], $11::bigint[]) AS laid (part, minor)",
        account.0,
        source.payment().map(|payment| payment.0),
        source.credit_note().map(|note| note.0),
        instalment.0,
        way.mode.as_str(),
        way.explanation,
        way.by.map(|by| by.0),
        business_date,
        now,
        &names,
        &minors
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Reverses the standing allocations of a source, on one item where one is given; gives how many.
pub(super) async fn unapply(
    conn: &mut PgConnection,
    source: Source,
    instalment: Option<InstalmentId>,
    by: Option<UserId>,
    business_date: NaiveDate,
    now: DateTime<Utc>,
) -> Result<u64> {
    let reversed = sqlx::query!(
        "INSERT INTO allocation (account_id, payment_id, credit_note_id, instalment_id, part, amount_minor, mode,
                                 applied_by, business_date, recorded_at, reverses)
         SELECT account_id, payment_id, credit_note_id, instalment_id, part, -amount_minor, mode, $4,
                greatest($5, business_date), $6, id
         FROM allocation a
         WHERE (payment_id = $1 OR credit_note_id = $2) AND ($3::uuid IS NULL OR instalment_id = $3)
           AND reverses IS NULL AND NOT EXISTS (SELECT FROM allocation r WHERE r.reverses = a.id)",
        source.payment().map(|payment| payment.0),
        source.credit_note().map(|note| note.0),
        instalment.map(|instalment| instalment.0),
        by.map(|by| by.0),
        business_date,
        now
    )
    .execute(conn)
    .await?;
    Ok(reversed.rows_affected())
}

/// Whose payment or credit note it is.
pub(super) async fn account_of(conn: &mut PgConnection, source: Source) -> Result<AccountId> {
    sqlx::query_scalar!(
        r#"SELECT account_id AS "account!: AccountId" FROM payment WHERE id = $1
           UNION ALL SELECT account_id FROM credit_note WHERE id = $2"#,
        source.payment().map(|payment| payment.0),
        source.credit_note().map(|note| note.0)
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("payment or credit note"))
}

/// What is left of a payment or credit note of the account, minor units; `None` if it has none such.
pub(super) async fn left_of(conn: &mut PgConnection, account: AccountId, source: Source) -> Result<Option<i64>> {
    Ok(sqlx::query_scalar!(
        "SELECT (-sum(p.amount_minor) - (SELECT coalesce(sum(amount_minor), 0) FROM allocation
                                         WHERE payment_id = $2 OR credit_note_id = $3))::bigint
         FROM posting p WHERE p.account_id = $1 AND (p.payment_id = $2 OR p.credit_note_id = $3)",
        account.0,
        source.payment().map(|payment| payment.0),
        source.credit_note().map(|note| note.0)
    )
    .fetch_one(conn)
    .await?)
}

/// What is open of each part of an item of the account; `None` if it has none such.
pub(super) async fn parts(
    conn: &mut PgConnection,
    account: AccountId,
    instalment: InstalmentId,
) -> Result<Option<Parts>> {
    let rows = sqlx::query!(
        r#"SELECT part AS "part!", sum(minor)::bigint AS "minor!" FROM (
               SELECT part, amount_minor AS minor FROM posting WHERE instalment_id = $1 AND account_id = $2
               UNION ALL SELECT part, -amount_minor FROM allocation WHERE instalment_id = $1 AND account_id = $2) p
           GROUP BY part"#,
        instalment.0,
        account.0
    )
    .fetch_all(conn)
    .await?;
    let mut parts = Parts::default();
    for row in &rows {
        let part = Part::from_name(&row.part).ok_or_else(|| Error::internal("reading an item")("unknown part"))?;
        *parts.of(part) += row.minor;
    }
    Ok((!rows.is_empty()).then_some(parts))
}

async fn disputed_of(conn: &mut PgConnection, instalment: InstalmentId) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"SELECT coalesce(sum(i.amount_minor), 0)::bigint AS "minor!" FROM dispute_item i
           JOIN dispute d ON d.id = i.dispute_id AND d.status = 'open' WHERE i.instalment_id = $1"#,
        instalment.0
    )
    .fetch_one(conn)
    .await?)
}

/// How cash of the account is applied, and whether what is disputed is spared whoever asks.
pub(crate) async fn cash_policy(conn: &mut PgConnection, account: AccountId) -> Result<(Policy, bool)> {
    let row = sqlx::query!(
        r#"SELECT p.body AS "body!: Json<Policy>", p.spare_disputed AS "spare!"
           FROM account a, LATERAL cash_policy_of(a.portfolio, a.party_kind) p WHERE a.id = $1"#,
        account.0
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("account"))?;
    Ok((row.body.0, row.spare))
}

/// The account row serialises everything that changes what the account owes. Gives its currency.
pub(crate) async fn lock_account(conn: &mut PgConnection, account: AccountId) -> Result<Currency> {
    let code =
        sqlx::query_scalar!(r#"SELECT currency::text AS "currency!" FROM account WHERE id = $1 FOR UPDATE"#, account.0)
            .fetch_optional(conn)
            .await?
            .ok_or(Error::NotFound("account"))?;
    stored_currency(&code)
}

/// A currency code as Postgres gives it back.
pub(crate) fn stored_currency(code: &str) -> Result<Currency> {
    Currency::parse(code).map_err(Error::internal("reading a stored currency"))
}
