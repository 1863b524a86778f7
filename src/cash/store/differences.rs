//! The rows of differences.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    allocation::DifferenceKind,
    cash::{
        Planned,
        difference::{Difference, Outcome},
    },
    error::{Error, Result},
    ids::{AccountId, BankLineId, DifferenceId, InstalmentId, PaymentId, UserId},
    ledger::store::stored_currency,
    money::Money,
};

/// A payment of the same amount and reference so many days before is the same one.
pub(super) const TWICE_WITHIN_DAYS: i32 = 10;

/// A difference to open.
pub(in crate::cash) struct New<'a> {
    pub portfolio: &'a str,
    pub kind: DifferenceKind,
    pub account: Option<AccountId>,
    pub payment: Option<PaymentId>,
    pub line: Option<BankLineId>,
    pub amount: Money,
}

/// Opens a difference, unless the same is open.
pub(in crate::cash) async fn open(conn: &mut PgConnection, new: &New<'_>, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "INSERT INTO difference (id, portfolio, kind, account_id, payment_id, bank_line_id, amount_minor, currency, opened_at)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9
         WHERE NOT EXISTS (SELECT FROM difference WHERE closed_at IS NULL AND kind = $3
                           AND (payment_id = $5 OR bank_line_id = $6))",
        Uuid::now_v7(),
        new.portfolio,
        new.kind.as_str(),
        new.account.map(|id| id.0),
        new.payment.map(|id| id.0),
        new.line.map(|id| id.0),
        new.amount.minor,
        new.amount.currency.as_str(),
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a payment leaves over.
pub(super) struct LeftOver {
    pub payment: PaymentId,
    pub kind: DifferenceKind,
    pub instalment: Option<InstalmentId>,
    pub minor: i64,
}

/// Opens what applications leave over.
pub(in crate::cash) async fn open_left_over(
    conn: &mut PgConnection,
    planned: &[Planned],
    now: DateTime<Utc>,
) -> Result<()> {
    let left: Vec<LeftOver> = planned
        .iter()
        .flat_map(|planned| planned.proposal.differences.iter().map(move |left| (planned.of.payment, left)))
        .map(|(payment, left)| LeftOver { payment, kind: left.kind, instalment: left.instalment, minor: left.minor })
        .collect();
    insert_left_over(conn, &left, now).await
}

/// Opens what is left over, unless the same is open.
pub(super) async fn insert_left_over(conn: &mut PgConnection, left: &[LeftOver], now: DateTime<Utc>) -> Result<()> {
    if left.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = left.iter().map(|_| Uuid::now_v7()).collect();
    let payments: Vec<Uuid> = left.iter().map(|left| left.payment.0).collect();
    let kinds: Vec<String> = left.iter().map(|left| left.kind.as_str().to_owned()).collect();
    let items: Vec<Option<Uuid>> = left.iter().map(|left| left.instalment.map(|id| id.0)).collect();
    let minors: Vec<i64> = left.iter().map(|left| left.minor).collect();
    sqlx::query!(
        "INSERT INTO difference (id, portfolio, kind, account_id, payment_id, instalment_id, amount_minor, currency, opened_at)
         SELECT l.id, a.portfolio, l.kind, a.id, m.id, l.instalment, l.minor, m.currency, $6
         FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::bigint[]) AS l (id, payment, kind, instalment, minor)
         JOIN payment m ON m.id = l.payment JOIN account a ON a.id = m.account_id
         WHERE NOT EXISTS (SELECT FROM difference d WHERE d.payment_id = m.id AND d.kind = l.kind AND d.closed_at IS NULL
                           AND d.instalment_id IS NOT DISTINCT FROM l.instalment)",
        &ids,
        &payments,
        &kinds,
        &items as &[Option<Uuid>],
        &minors,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Opens a difference if the account paid the same amount with the same reference a few days before.
pub(in crate::cash) async fn open_if_twice(
    conn: &mut PgConnection,
    payment: PaymentId,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO difference (id, portfolio, kind, account_id, payment_id, amount_minor, currency, opened_at)
         SELECT $2, a.portfolio, 'duplicate', a.id, m.id, m.amount_minor, m.currency, $3
         FROM payment m JOIN account a ON a.id = m.account_id
         WHERE m.id = $1 AND m.reference <> '' AND EXISTS (
             SELECT FROM payment o WHERE o.account_id = m.account_id AND o.id <> m.id AND o.amount_minor = m.amount_minor
               AND o.reference = m.reference AND o.state IN ('received', 'cleared')
               AND abs(o.received_on - m.received_on) <= $4)",
        payment.0,
        Uuid::now_v7(),
        now,
        TWICE_WITHIN_DAYS
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Closes what postings have settled: a short payment whose item is paid, and what was left of a payment and is no more.
pub(crate) async fn close_settled(conn: &mut PgConnection, accounts: &[AccountId], now: DateTime<Utc>) -> Result<()> {
    let accounts: Vec<Uuid> = accounts.iter().map(|account| account.0).collect();
    sqlx::query!(
        "UPDATE difference d SET closed_at = $2, note = 'settled by what was posted',
                outcome = CASE WHEN d.kind = 'short_pay' THEN 'collected' ELSE 'applied' END
         WHERE d.account_id = ANY ($1) AND d.closed_at IS NULL AND CASE d.kind
             WHEN 'short_pay' THEN (SELECT coalesce(sum(amount_minor), 0) FROM posting WHERE instalment_id = d.instalment_id)
                 <= (SELECT coalesce(sum(amount_minor), 0) FROM allocation WHERE instalment_id = d.instalment_id)
             WHEN 'overpay' THEN -(SELECT coalesce(sum(amount_minor), 0) FROM posting WHERE payment_id = d.payment_id)
                 <= (SELECT coalesce(sum(amount_minor), 0) FROM allocation WHERE payment_id = d.payment_id)
             ELSE false END",
        &accounts,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An open difference that was given to nobody.
pub(in crate::cash) struct Nobodys {
    pub id: DifferenceId,
    pub account: Option<AccountId>,
    pub kind: DifferenceKind,
    pub amount: Money,
}

/// Open differences that were never given to anybody, the oldest first.
pub(in crate::cash) async fn nobodys(conn: &mut PgConnection, limit: i64) -> Result<Vec<Nobodys>> {
    let rows = sqlx::query!(
        r#"SELECT d.id AS "id: DifferenceId", d.account_id AS "account: AccountId", d.kind, d.amount_minor,
                  d.currency::text AS "currency!"
           FROM difference d
           WHERE d.closed_at IS NULL
             AND NOT EXISTS (SELECT FROM task t WHERE t.source_kind = 'difference' AND t.source_id = d.id)
           ORDER BY d.id LIMIT $1"#,
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let amount = Money::new(row.amount_minor, stored_currency(&row.currency)?);
            Ok(Nobodys { id: row.id, account: row.account, kind: kind(&row.kind)?, amount })
        })
        .collect()
}

/// A difference that was worked to an end.
pub(in crate::cash) struct Ended {
    pub id: DifferenceId,
    pub note: String,
    pub by: Option<UserId>,
}

/// Differences that were worked to an end, and that somebody still has as a task.
pub(in crate::cash) async fn ended(conn: &mut PgConnection, limit: i64) -> Result<Vec<Ended>> {
    Ok(sqlx::query_as!(
        Ended,
        r#"SELECT d.id AS "id: DifferenceId", d.note, d.closed_by AS "by: UserId"
           FROM task t JOIN difference d ON d.id = t.source_id
           WHERE t.source_kind = 'difference' AND t.state = 'open' AND d.closed_at IS NOT NULL ORDER BY d.id LIMIT $1"#,
        limit
    )
    .fetch_all(conn)
    .await?)
}

fn kind(name: &str) -> Result<DifferenceKind> {
    DifferenceKind::from_name(name).ok_or_else(|| Error::internal("reading a difference")("unknown kind"))
}

pub(in crate::cash) async fn close(
    conn: &mut PgConnection,
    id: DifferenceId,
    outcome: &str,
    note: &str,
    by: UserId,
    now: DateTime<Utc>,
) -> Result<bool> {
    let closed = sqlx::query!(
        "UPDATE difference SET outcome = $2, note = $3, closed_by = $4, closed_at = $5 WHERE id = $1 AND closed_at IS NULL",
        id.0,
        outcome,
        note,
        by.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(closed.rows_affected() > 0)
}

pub(in crate::cash) async fn close_of_line(
    conn: &mut PgConnection,
    line: BankLineId,
    outcome: &str,
    note: &str,
    by: UserId,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE difference SET outcome = $2, note = $3, closed_by = $4, closed_at = $5
         WHERE bank_line_id = $1 AND kind IN ('unidentified', 'corrected') AND closed_at IS NULL",
        line.0,
        outcome,
        note,
        by.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::cash) async fn close_of_payment(
    conn: &mut PgConnection,
    payment: PaymentId,
    outcome: &str,
    note: &str,
    by: UserId,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE difference SET outcome = $2, note = $3, closed_by = $4, closed_at = $5
         WHERE payment_id = $1 AND closed_at IS NULL",
        payment.0,
        outcome,
        note,
        by.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A payment as it was recorded.
pub(in crate::cash) struct Was {
    pub account: AccountId,
    pub portfolio: String,
    pub amount: Money,
    pub received_on: NaiveDate,
    pub method: String,
    pub reference: String,
}

pub(in crate::cash) async fn payment(conn: &mut PgConnection, payment: PaymentId) -> Result<Option<Was>> {
    let row = sqlx::query!(
        r#"SELECT m.account_id AS "account: AccountId", a.portfolio, m.amount_minor, m.currency::text AS "currency!",
                  m.received_on, m.method, m.reference
           FROM payment m JOIN account a ON a.id = m.account_id WHERE m.id = $1"#,
        payment.0
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(Was {
            account: row.account,
            portfolio: row.portfolio,
            amount: Money::new(row.amount_minor, stored_currency(&row.currency)?),
            received_on: row.received_on,
            method: row.method,
            reference: row.reference,
        })
    })
    .transpose()
}

/// The bank line of a payment that was moved belongs to the new one.
pub(in crate::cash) async fn relink_line(
    conn: &mut PgConnection,
    from: PaymentId,
    to: PaymentId,
    account: AccountId,
) -> Result<()> {
    sqlx::query!(
        "UPDATE bank_line SET payment_id = $2, account_id = $3 WHERE payment_id = $1 AND state = 'posted'",
        from.0,
        to.0,
        account.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Differences of a portfolio or account, the oldest first, after that of `after`.
///
/// # Errors
/// Those of Postgres.
pub async fn list(
    conn: &mut PgConnection,
    portfolio: Option<&str>,
    account: Option<AccountId>,
    open_only: bool,
    after: Option<DifferenceId>,
    limit: i64,
) -> Result<Vec<Difference>> {
    let rows = sqlx::query!(
        r#"SELECT d.id AS "id: DifferenceId", d.portfolio, d.kind, d.account_id AS "account: AccountId",
                  a.number AS "number?", d.payment_id AS "payment: PaymentId", d.instalment_id AS "instalment: InstalmentId",
                  d.bank_line_id AS "line: BankLineId", d.amount_minor, d.currency::text AS "currency!", d.opened_at,
                  d.outcome, d.note, d.closed_by AS "closed_by: UserId", d.closed_at
           FROM difference d LEFT JOIN account a ON a.id = d.account_id
           WHERE ($1::text IS NULL OR d.portfolio = $1) AND ($2::uuid IS NULL OR d.account_id = $2)
             AND (NOT $3 OR d.closed_at IS NULL) AND ($4::uuid IS NULL OR d.id > $4)
           ORDER BY d.id LIMIT $5"#,
        portfolio,
        account.map(|account| account.0),
        open_only,
        after.map(|after| after.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Difference {
                id: row.id,
                portfolio: row.portfolio,
                kind: kind(&row.kind)?,
                account: row.account,
                account_number: row.number,
                payment: row.payment,
                instalment: row.instalment,
                bank_line: row.line,
                amount: Money::new(row.amount_minor, stored_currency(&row.currency)?),
                opened_at: row.opened_at,
                outcome: row.outcome.as_deref().and_then(Outcome::from_name),
                note: row.note,
                closed_by: row.closed_by,
                closed_at: row.closed_at,
            })
        })
        .collect()
}
