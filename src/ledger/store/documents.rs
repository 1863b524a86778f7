//! The documents behind postings, written with them, and taken back by mirrored postings.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::stored_currency;
use crate::{
    error::{Error, Result},
    ids::{AccountId, AdjustmentId, CreditNoteId, InstalmentId, PaymentId, RefundId, UserId},
    ledger::{
        document::{Adjustment, CreditNote, Document, PaymentState, Refund},
        part::Part,
        post::Authority,
    },
    money::Money,
};

pub(in crate::ledger) async fn insert_credit_note(
    conn: &mut PgConnection,
    note: &CreditNote,
    authority: Authority,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<CreditNoteId> {
    let id = CreditNoteId::generate();
    let inserted = sqlx::query!(
        "INSERT INTO credit_note (id, account_id, number, amount_minor, currency, issued_on, reason, dispute_id, posted_by,
                                  approved_by, limit_minor, recorded_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (account_id, number) DO NOTHING",
        id.0,
        note.account.0,
        note.number,
        note.amount.minor,
        note.amount.currency.as_str(),
        today,
        note.reason,
        note.dispute.map(|dispute| dispute.0),
        authority.by.0,
        authority.approved_by.map(|by| by.0),
        authority.limit_minor,
        now
    )
    .execute(&mut *conn)
    .await?;
    if inserted.rows_affected() == 0 {
        return Err(Error::Conflict("the account has a credit note of that number".to_owned()));
    }
    sqlx::query!(
        "INSERT INTO posting (account_id, kind, credit_note_id, amount_minor, currency, business_date, recorded_at, reason,
                              posted_by)
         VALUES ($1, 'credit_note', $2, -$3::bigint, $4, $5, $6, $7, $8)",
        note.account.0,
        id.0,
        note.amount.minor,
        note.amount.currency.as_str(),
        today,
        now,
        note.reason,
        authority.by.0
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// `laid`: what it changes on each part of the item, minor units, positive where more is owed.
pub(in crate::ledger) async fn insert_adjustment(
    conn: &mut PgConnection,
    new: &Adjustment,
    laid: &[(Part, i64)],
    authority: Authority,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<AdjustmentId> {
    let id = AdjustmentId::generate();
    let (parts, minors): (Vec<String>, Vec<i64>) =
        laid.iter().map(|(part, minor)| (part.as_str().to_owned(), *minor)).unzip();
    sqlx::query!(
        "WITH a AS (INSERT INTO adjustment (id, account_id, instalment_id, kind, amount_minor, currency, posted_on, reason,
                                            posted_by, approved_by, limit_minor, recorded_at)
                    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12))
         INSERT INTO posting (account_id, kind, instalment_id, adjustment_id, part, amount_minor, currency, business_date,
                              recorded_at, reason, posted_by)
         SELECT $2, 'adjustment', $3, $1, part, minor, $6, $7, $12, $8, $9
         FROM unnest($13::text[], $14::bigint[]) AS laid (part, minor)",
        id.0,
        new.account.0,
        new.instalment.0,
        new.kind.as_str(),
        new.amount.minor,
        new.amount.currency.as_str(),
        today,
        new.reason,
        authority.by.0,
        authority.approved_by.map(|by| by.0),
        authority.limit_minor,
        now,
        &parts,
        &minors
    )
    .execute(conn)
    .await?;
    Ok(id)
}

pub(in crate::ledger) async fn insert_refund(
    conn: &mut PgConnection,
    new: &Refund,
    authority: Authority,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<RefundId> {
    let id = RefundId::generate();
    sqlx::query!(
        "WITH r AS (INSERT INTO refund (id, account_id, payment_id, credit_note_id, amount_minor, currency, posted_on,
                                        reason, posted_by, approved_by, limit_minor, recorded_at)
                    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12))
         INSERT INTO posting (account_id, kind, refund_id, payment_id, credit_note_id, amount_minor, currency,
                              business_date, recorded_at, reason, posted_by)
         VALUES ($2, 'refund', $1, $3, $4, $5, $6, $7, $12, $8, $9)",
        id.0,
        new.account.0,
        new.source.payment().map(|payment| payment.0),
        new.source.credit_note().map(|note| note.0),
        new.amount.minor,
        new.amount.currency.as_str(),
        today,
        new.reason,
        authority.by.0,
        authority.approved_by.map(|by| by.0),
        authority.limit_minor,
        now
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// Whose document it is, and how much it is over.
pub(in crate::ledger) async fn head(conn: &mut PgConnection, document: Document) -> Result<(AccountId, Money)> {
    let (id, what) = of(document);
    let row = sqlx::query!(
        r#"SELECT account_id AS "account!: AccountId", amount_minor AS "minor!", currency AS "currency!" FROM (
               SELECT account_id, amount_minor, currency::text FROM payment WHERE id = $1
               UNION ALL SELECT account_id, amount_minor, currency::text FROM credit_note WHERE id = $1
               UNION ALL SELECT account_id, amount_minor, currency::text FROM adjustment WHERE id = $1
               UNION ALL SELECT account_id, amount_minor, currency::text FROM refund WHERE id = $1
               UNION ALL SELECT v.account_id, (SELECT coalesce(sum(p.amount_minor), 0)::bigint FROM posting p
                                               JOIN instalment i ON i.id = p.instalment_id
                                               WHERE i.invoice_id = v.id AND p.kind = 'invoice'), v.currency::text
                         FROM invoice v WHERE v.id = $1) d"#,
        id
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound(what))?;
    Ok((row.account, Money::new(row.minor, stored_currency(&row.currency)?)))
}

fn of(document: Document) -> (Uuid, &'static str) {
    match document {
        Document::Payment(id) => (id.0, "payment"),
        Document::CreditNote(id) => (id.0, "credit note"),
        Document::Adjustment(id) => (id.0, "adjustment"),
        Document::Refund(id) => (id.0, "refund"),
        Document::Invoice(id) => (id.0, "invoice"),
    }
}

/// What has to be taken back before the document is, if anything.
pub(in crate::ledger) async fn rests_on(conn: &mut PgConnection, document: Document) -> Result<Option<&'static str>> {
    let (id, _) = of(document);
    let found = match document {
        Document::Payment(_) | Document::CreditNote(_) => sqlx::query_scalar!(
            r#"SELECT coalesce(sum(amount_minor), 0) <> 0 AS "found!" FROM posting
                   WHERE (payment_id = $1 OR credit_note_id = $1) AND kind = 'refund'"#,
            id
        )
        .fetch_one(conn)
        .await?
        .then_some("take the refund back"),
        Document::Invoice(_) => sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM instalment i WHERE i.invoice_id = $1 AND (
                       (SELECT coalesce(sum(amount_minor), 0) FROM allocation WHERE instalment_id = i.id) <> 0
                       OR (SELECT coalesce(sum(amount_minor), 0) FROM posting
                           WHERE instalment_id = i.id AND kind = 'adjustment') <> 0)) AS "found!""#,
            id
        )
        .fetch_one(conn)
        .await?
        .then_some("take payments, credits and adjustments off the invoice"),
        Document::Adjustment(_) => sqlx::query_scalar!(
            r#"SELECT a.kind IN ('interest', 'fee') AND a.amount_minor
                       > (SELECT coalesce(sum(amount_minor), 0) FROM posting WHERE instalment_id = a.instalment_id)
                       - (SELECT coalesce(sum(amount_minor), 0) FROM allocation WHERE instalment_id = a.instalment_id)
                       AS "found!"
                   FROM adjustment a WHERE a.id = $1"#,
            id
        )
        .fetch_one(conn)
        .await?
        .then_some("take payments off the item"),
        Document::Refund(_) => None,
    };
    Ok(found)
}

/// Mirrors the standing postings of a document; gives how many.
pub(in crate::ledger) async fn reverse_postings(
    conn: &mut PgConnection,
    document: Document,
    reason: &str,
    by: UserId,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<u64> {
    let (id, _) = of(document);
    let standing = match document {
        Document::Payment(_) => {
            sqlx::query_scalar!("SELECT id FROM posting WHERE payment_id = $1 AND kind = 'payment'", id)
                .fetch_all(&mut *conn)
                .await?
        }
        Document::CreditNote(_) => {
            sqlx::query_scalar!("SELECT id FROM posting WHERE credit_note_id = $1 AND kind = 'credit_note'", id)
                .fetch_all(&mut *conn)
                .await?
        }
        Document::Adjustment(_) => {
            sqlx::query_scalar!("SELECT id FROM posting WHERE adjustment_id = $1", id).fetch_all(&mut *conn).await?
        }
        Document::Refund(_) => {
            sqlx::query_scalar!("SELECT id FROM posting WHERE refund_id = $1", id).fetch_all(&mut *conn).await?
        }
        Document::Invoice(_) => {
            sqlx::query_scalar!(
                "SELECT p.id FROM posting p JOIN instalment i ON i.id = p.instalment_id
                 WHERE i.invoice_id = $1 AND p.kind = 'invoice'",
                id
            )
            .fetch_all(&mut *conn)
            .await?
        }
    };
    mirror(conn, &standing, reason, by, today, now).await
}

/// Mirrors those of `postings` that stand.
async fn mirror(
    conn: &mut PgConnection,
    postings: &[i64],
    reason: &str,
    by: UserId,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<u64> {
    let reversed = sqlx::query!(
        "INSERT INTO posting (account_id, kind, instalment_id, payment_id, credit_note_id, adjustment_id, refund_id, part,
                              amount_minor, currency, business_date, recorded_at, reverses, reason, posted_by)
         SELECT account_id, kind, instalment_id, payment_id, credit_note_id, adjustment_id, refund_id, part,
                -amount_minor, currency, greatest($2, business_date), $3, id, $4, $5
         FROM posting p
         WHERE id = ANY ($1) AND reverses IS NULL AND NOT EXISTS (SELECT FROM posting r WHERE r.reverses = p.id)",
        postings,
        today,
        now,
        reason,
        by.0
    )
    .execute(conn)
    .await?;
    Ok(reversed.rows_affected())
}

/// Mirrors the adjustments that a payment had left over as too little to ask for.
pub(in crate::ledger) async fn reverse_left_over(
    conn: &mut PgConnection,
    payment: PaymentId,
    reason: &str,
    by: UserId,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<()> {
    reverse_left_over_on(conn, payment, None, reason, by, today, now).await
}

/// As [`reverse_left_over`], on one item where one is given.
pub(in crate::ledger) async fn reverse_left_over_on(
    conn: &mut PgConnection,
    payment: PaymentId,
    instalment: Option<InstalmentId>,
    reason: &str,
    by: UserId,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<()> {
    let standing = sqlx::query_scalar!(
        "SELECT p.id FROM adjustment a JOIN posting p ON p.adjustment_id = a.id
         WHERE a.payment_id = $1 AND ($2::uuid IS NULL OR a.instalment_id = $2)",
        payment.0,
        instalment.map(|instalment| instalment.0)
    )
    .fetch_all(&mut *conn)
    .await?;
    mirror(conn, &standing, reason, by, today, now).await?;
    Ok(())
}

/// Changes the state of a payment that still stands, and keeps that it did.
pub(in crate::ledger) async fn set_state(
    conn: &mut PgConnection,
    payment: PaymentId,
    state: PaymentState,
    reason: &str,
    by: Option<UserId>,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<()> {
    let changed = sqlx::query!(
        "UPDATE payment SET state = $2 WHERE id = $1 AND state IN ('received', 'cleared') AND state <> $2",
        payment.0,
        state.as_str()
    )
    .execute(&mut *conn)
    .await?;
    if changed.rows_affected() == 0 {
        return Err(Error::Conflict("the payment is in that state, or was taken back".to_owned()));
    }
    sqlx::query!(
        "INSERT INTO payment_event (payment_id, state, reason, on_day, user_id, at) VALUES ($1, $2, $3, $4, $5, $6)",
        payment.0,
        state.as_str(),
        reason,
        today,
        by.map(|by| by.0),
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}
