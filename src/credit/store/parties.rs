//! Customers that belong together.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    credit::{NewParty, Party, PartySummary, rule::Exposure},
    error::{Error, Result},
    ids::AccountId,
    money::Currency,
};

/// The customer of an account.
///
/// # Errors
/// If Postgres is not available.
pub async fn party(conn: &mut PgConnection, account: AccountId, exposure: &Exposure) -> Result<Option<Party>> {
    let row = sqlx::query!(
        r#"WITH RECURSIVE above AS (
               SELECT p.id, p.parent_id, 1 AS depth FROM account a JOIN party p ON p.id = a.party_id WHERE a.id = $1
               UNION ALL SELECT p.id, p.parent_id, depth + 1 FROM party p JOIN above u ON p.id = u.parent_id WHERE depth < 20
           ), family AS (
               SELECT id, 1 AS depth FROM (SELECT id FROM above ORDER BY depth DESC LIMIT 1) top
               UNION ALL SELECT p.id, depth + 1 FROM party p JOIN family f ON p.parent_id = f.id WHERE depth < 20)
           SELECT p.id, p.name, p.parent_id, p.limit_minor, u.name AS "parent_name?",
                  (SELECT count(*) FROM account fa JOIN family f ON fa.party_id = f.id) AS "accounts!"
           FROM account a JOIN party p ON p.id = a.party_id LEFT JOIN party u ON u.id = p.parent_id WHERE a.id = $1"#,
        account.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Party {
        id: row.id,
        name: row.name,
        parent: row.parent_id,
        parent_name: row.parent_name,
        limit_minor: row.limit_minor,
        family_limit_minor: exposure.family_limit_minor,
        family_minor: exposure.family_minor,
        family_accounts: row.accounts,
    }))
}

/// Customers whose names begin like that, in any case; at most 20, by name.
///
/// # Errors
/// Those of Postgres.
pub async fn parties(conn: &mut PgConnection, beginning: &str) -> Result<Vec<PartySummary>> {
    let pattern = beginning.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_") + "%";
    Ok(sqlx::query_as!(
        PartySummary,
        r#"SELECT p.id, p.name, u.name AS "parent_name?",
                  (SELECT count(*) FROM account WHERE party_id = p.id) AS "accounts!"
           FROM party p LEFT JOIN party u ON u.id = p.parent_id
           WHERE lower(p.name) LIKE lower($1) ORDER BY lower(p.name), p.id LIMIT 20"#,
        pattern
    )
    .fetch_all(conn)
    .await?)
}

/// Makes or changes a customer. Gives its id.
///
/// # Errors
/// [`Error::NotFound`] without it, or the one above it.
pub async fn keep_party(
    conn: &mut PgConnection,
    new: &NewParty,
    currency: Currency,
    now: DateTime<Utc>,
) -> Result<Uuid> {
    let currency = new.limit_minor.map(|_| currency.as_str().to_owned());
    let kept = sqlx::query_scalar!(
        r#"WITH changed AS (UPDATE party SET name = $2, parent_id = $3, limit_minor = $4, currency = $5
                            WHERE id = $1 AND ($3::uuid IS NULL OR $3 <> $1) RETURNING id),
                made AS (INSERT INTO party (id, name, parent_id, limit_minor, currency, created_at)
                         SELECT $7, $2, $3, $4, $5, $6 WHERE $1::uuid IS NULL
                           AND ($3::uuid IS NULL OR EXISTS (SELECT FROM party WHERE id = $3)) RETURNING id)
           SELECT id AS "id!" FROM changed UNION ALL SELECT id FROM made"#,
        new.id,
        new.name.trim(),
        new.parent,
        new.limit_minor,
        currency,
        now,
        Uuid::now_v7()
    )
    .fetch_optional(conn)
    .await?;
    kept.ok_or(Error::NotFound("customer"))
}

/// Whether the customer stands above itself.
///
/// # Errors
/// If Postgres is not available.
pub async fn is_below_itself(conn: &mut PgConnection, party: Uuid) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"WITH RECURSIVE above AS (
               SELECT parent_id, 1 AS depth FROM party WHERE id = $1
               UNION ALL SELECT p.parent_id, depth + 1 FROM party p JOIN above u ON p.id = u.parent_id WHERE depth < 20)
           SELECT EXISTS (SELECT FROM above WHERE parent_id = $1 OR depth >= 20) AS "is!""#,
        party
    )
    .fetch_one(conn)
    .await?)
}

/// Puts an account under a customer, or under none; false: there is no such customer.
///
/// # Errors
/// Those of Postgres.
pub async fn join(
    conn: &mut PgConnection,
    account: AccountId,
    party: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<bool> {
    let joined = sqlx::query!(
        "UPDATE account SET party_id = $2, updated_at = $3
         WHERE id = $1 AND ($2::uuid IS NULL OR EXISTS (SELECT FROM party WHERE id = $2))",
        account.0,
        party,
        now
    )
    .execute(conn)
    .await?;
    Ok(joined.rows_affected() == 1)
}
