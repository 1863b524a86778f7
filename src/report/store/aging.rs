//! The aging, from the parts that the database function `aging_parts` tells.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    ids::AccountId,
    ledger::store::stored_currency,
    report::{
        AccountAging, AgingBasis, AgingTotal,
        aging::{Credits, Parts, Wanted},
    },
};

/// Accounts that are looked at together for a page of those that owe something.
const AT_ONCE: i64 = 500;

/// The aging of everybody, a row a currency.
///
/// # Errors
/// Those of Postgres.
pub async fn aging_totals(conn: &mut PgConnection, wanted: &Wanted) -> Result<Vec<AgingTotal>> {
    let mut sums: BTreeMap<String, (i64, Parts)> = BTreeMap::new();
    let rows = sqlx::query!(
        r#"WITH part AS MATERIALIZED (SELECT * FROM aging_parts($1, $2, $3, $4, $5, $6, NULL)),
                owing AS (SELECT a.currency, count(*) AS accounts
                          FROM (SELECT DISTINCT account_id FROM part) p JOIN account a ON a.id = p.account_id GROUP BY 1)
           SELECT a.currency::text AS "currency!", o.accounts AS "accounts!", p.part AS "part!",
                  sum(p.minor)::bigint AS "minor!"
           FROM part p JOIN account a ON a.id = p.account_id JOIN owing o ON o.currency = a.currency GROUP BY 1, 2, 3"#,
        wanted.as_of.day,
        wanted.as_of.known_at,
        wanted.by == AgingBasis::Due,
        &wanted.buckets.ends,
        wanted.credits == Credits::Aged,
        wanted.portfolio
    )
    .fetch_all(&mut *conn)
    .await?;
    for row in rows {
        let sum = sums.entry(row.currency).or_insert_with(|| (row.accounts, Parts::empty(wanted.buckets.len())));
        sum.1.add(row.part, row.minor);
    }
    let mut totals = Vec::new();
    for (currency, control_minor) in control_totals(conn, wanted).await? {
        let (accounts, parts) = sums.remove(&currency).unwrap_or_else(|| (0, Parts::empty(wanted.buckets.len())));
        let difference_minor = parts.balance() - control_minor;
        let currency = stored_currency(&currency)?;
        totals.push(AgingTotal { currency, accounts, parts, control_minor, difference_minor });
    }
    Ok(totals)
}

/// The plain sums of postings, by currency: not made from what the aging is made of.
async fn control_totals(conn: &mut PgConnection, wanted: &Wanted) -> Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(
        r#"SELECT currency::text AS "currency!", sum(amount_minor)::bigint AS "minor!" FROM posting
           WHERE business_date <= $1 AND recorded_at <= $2
             AND ($3::text IS NULL OR account_id IN (SELECT id FROM account WHERE portfolio = $3))
           GROUP BY 1 ORDER BY 1"#,
        wanted.as_of.day,
        wanted.as_of.known_at,
        wanted.portfolio
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.currency, row.minor)).collect())
}

/// The aging of each account that owes or is owed, by id, after that of `after`; at most `limit`. Costs what the accounts
/// of the page cost, not what all of them do.
///
/// # Errors
/// Those of Postgres.
pub async fn aging_of_accounts(
    conn: &mut PgConnection,
    wanted: &Wanted,
    mut after: Option<AccountId>,
    limit: usize,
) -> Result<Vec<AccountAging>> {
    let mut found = Vec::new();
    while found.len() < limit {
        let accounts = next_accounts(conn, wanted.portfolio.as_deref(), after).await?;
        let Some(last) = accounts.last() else { break };
        after = Some(AccountId(*last));
        found.extend(aging_of(conn, wanted, &accounts).await?);
    }
    found.truncate(limit);
    Ok(found)
}

async fn next_accounts(
    conn: &mut PgConnection,
    portfolio: Option<&str>,
    after: Option<AccountId>,
) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        "SELECT id FROM account WHERE ($1::uuid IS NULL OR id > $1) AND ($2::text IS NULL OR portfolio = $2)
         ORDER BY id LIMIT $3",
        after.map(|after| after.0) as Option<Uuid>,
        portfolio,
        AT_ONCE
    )
    .fetch_all(conn)
    .await?)
}

/// The aging of these accounts, by id.
///
/// # Errors
/// Those of Postgres.
pub async fn aging_of(conn: &mut PgConnection, wanted: &Wanted, accounts: &[Uuid]) -> Result<Vec<AccountAging>> {
    let rows = sqlx::query!(
        r#"SELECT a.id AS "id: AccountId", a.number, a.name, a.currency::text AS "currency!", p.part AS "part!",
                  p.minor AS "minor!"
           FROM aging_parts($1, $2, $3, $4, $5, NULL, $6) p JOIN account a ON a.id = p.account_id ORDER BY a.id"#,
        wanted.as_of.day,
        wanted.as_of.known_at,
        wanted.by == AgingBasis::Due,
        &wanted.buckets.ends,
        wanted.credits == Credits::Aged,
        accounts
    )
    .fetch_all(conn)
    .await?;
    let mut found: Vec<AccountAging> = Vec::new();
    for row in rows {
        if found.last().is_none_or(|last| last.account != row.id) {
            found.push(AccountAging {
                account: row.id,
                number: row.number,
                name: row.name,
                currency: stored_currency(&row.currency)?,
                parts: Parts::empty(wanted.buckets.len()),
                balance_minor: 0,
            });
        }
        if let Some(last) = found.last_mut() {
            last.parts.add(row.part, row.minor);
            last.balance_minor = last.parts.balance();
        }
    }
    Ok(found)
}
