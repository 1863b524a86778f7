//! What is open and unapplied, read for many accounts at once.

pub mod differences;
pub mod lines;
pub mod payments;
pub mod policies;
pub mod runs;
pub(crate) mod taken_back;
pub mod tie;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use super::{Book, Planned, Unapplied};
use crate::{
    allocation::{Item, Policy, Remitted},
    error::{Error, Result},
    ids::{AccountId, InstalmentId, PaymentId, UserId},
    ledger::{part::Parts, store::stored_currency},
};

/// Locks the accounts, in order, so that nothing is applied meanwhile.
pub(super) async fn lock(conn: &mut PgConnection, accounts: &[AccountId]) -> Result<()> {
    let accounts: Vec<Uuid> = accounts.iter().map(|account| account.0).collect();
    sqlx::query!(
        "SELECT count(*) FROM (SELECT FROM account WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE) locked",
        &accounts
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

/// What the accounts have open, and their policies: three statements, however many accounts. The version is read before what
/// it stands for: what changes in between is noticed by it.
///
/// # Errors
/// Those of Postgres.
pub async fn books(conn: &mut PgConnection, accounts: &[AccountId]) -> Result<BTreeMap<AccountId, Book>> {
    let accounts: Vec<Uuid> = accounts.iter().map(|account| account.0).collect();
    let heads = sqlx::query!(
        r#"SELECT a.id AS "id: AccountId", a.currency::text AS "currency!", a.portfolio, a.party_kind,
                  coalesce(s.version, 0) AS "version!"
           FROM account a LEFT JOIN (SELECT account_id, version FROM account_standing WHERE account_id = ANY ($1)) s
                ON s.account_id = a.id
           WHERE a.id = ANY ($1)"#,
        &accounts
    )
    .fetch_all(&mut *conn)
    .await?;
    let kinds = heads.iter().map(|head| (head.portfolio.clone(), head.party_kind.clone())).collect();
    let policies = policies(conn, kinds).await?;
    let mut books = BTreeMap::new();
    for head in heads {
        let policy = policies.get(&(head.portfolio, head.party_kind));
        let policy = policy.ok_or_else(|| Error::internal("reading cash policies")("one is missing"))?;
        let currency = stored_currency(&head.currency)?;
        books.insert(head.id, Book { policy: policy.clone(), currency, version: head.version, items: Vec::new() });
    }
    let items = sqlx::query_file!("src/cash/store/open_parts.sql", &accounts).fetch_all(conn).await?;
    for row in items {
        if let Some(book) = books.get_mut(&AccountId(row.account)) {
            book.items.push(Item {
                instalment: InstalmentId(row.instalment),
                number: row.number,
                po_number: row.po_number,
                due_on: row.due_on,
                parts: Parts { principal: row.principal, interest: row.interest, fee: row.fee },
                disputed: row.disputed,
            });
        }
    }
    Ok(books)
}

/// The policies of portfolios and kinds of debtor.
async fn policies(
    conn: &mut PgConnection,
    of: BTreeSet<(String, String)>,
) -> Result<HashMap<(String, String), Arc<Policy>>> {
    let (portfolios, kinds): (Vec<String>, Vec<String>) = of.into_iter().unzip();
    let rows = sqlx::query!(
        r#"SELECT portfolio AS "portfolio!", party_kind AS "party_kind!",
                  (cash_policy_of(portfolio, party_kind)).body AS "body!: Json<Policy>"
           FROM unnest($1::text[], $2::text[]) AS k (portfolio, party_kind)"#,
        &portfolios,
        &kinds
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.portfolio, row.party_kind), Arc::new(row.body.0))).collect())
}

/// Payments with something left of them, of accounts of a portfolio with something open, after `after` by id; those of
/// one account the oldest first.
pub(super) async fn unapplied(
    conn: &mut PgConnection,
    portfolio: &str,
    after: Option<AccountId>,
    limit: i64,
) -> Result<Vec<Unapplied>> {
    let rows = sqlx::query!(
        r#"SELECT m.id AS "payment: PaymentId", m.account_id AS "account: AccountId", l.minor AS "minor!", m.reference,
                  m.remitted AS "remitted: Json<Vec<Remitted>>"
           FROM account_standing s
           JOIN account a ON a.id = s.account_id AND a.portfolio = $1
           JOIN payment m ON m.account_id = s.account_id AND m.state IN ('received', 'cleared')
           CROSS JOIN LATERAL (SELECT (-(SELECT coalesce(sum(amount_minor), 0) FROM posting WHERE payment_id = m.id)
               - (SELECT coalesce(sum(amount_minor), 0) FROM allocation WHERE payment_id = m.id))::bigint AS minor OFFSET 0) l
           WHERE s.unapplied_minor > 0 AND s.open_minor > 0 AND s.account_id > $2 AND m.account_id > $2 AND l.minor > 0
           ORDER BY s.account_id, m.received_on, m.id LIMIT $3"#,
        portfolio,
        after.map_or(Uuid::nil(), |after| after.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Unapplied {
            payment: row.payment,
            account: row.account,
            minor: row.minor,
            reference: row.reference,
            remitted: row.remitted.0,
        })
        .collect())
}

/// Those of the payments that have something left, in their order, with what is left now.
pub(super) async fn still_unapplied(conn: &mut PgConnection, shown: &[&Planned]) -> Result<Vec<Unapplied>> {
    let ids: Vec<Uuid> = shown.iter().map(|planned| planned.of.payment.0).collect();
    let rows = sqlx::query!(
        r#"SELECT id AS "id!: PaymentId", sum(minor)::bigint AS "minor!" FROM (
               SELECT payment_id AS id, -amount_minor AS minor FROM posting WHERE payment_id = ANY ($1)
               UNION ALL SELECT payment_id, -amount_minor FROM allocation WHERE payment_id = ANY ($1)) m
           GROUP BY id HAVING sum(minor) > 0"#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    let left: HashMap<PaymentId, i64> = rows.into_iter().map(|row| (row.id, row.minor)).collect();
    let still = shown.iter().filter_map(|planned| {
        left.get(&planned.of.payment).map(|minor| Unapplied { minor: *minor, ..planned.of.clone() })
    });
    Ok(still.collect())
}

/// Keeps with a payment what the payer said, and who recorded it.
pub(super) async fn note_received(
    conn: &mut PgConnection,
    payment: PaymentId,
    remitted: &[Remitted],
    by: UserId,
) -> Result<()> {
    sqlx::query!(
        "UPDATE payment SET remitted = $2, recorded_by = $3 WHERE id = $1",
        payment.0,
        Json(remitted) as _,
        by.0
    )
    .execute(conn)
    .await?;
    Ok(())
}
