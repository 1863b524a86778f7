//! Facts about a debtor that staff change.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{
    account::facts::{Address, PartyKind},
    error::Result,
    ids::{AccountId, UserId},
};

/// Sets the zone that the debtor stated.
///
/// # Errors
/// If Postgres fails.
pub async fn set_zone(
    conn: &mut PgConnection,
    account: AccountId,
    zone: Option<&str>,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!("UPDATE account SET stated_zone = $2, updated_at = $3 WHERE id = $1", account.0, zone, now)
        .execute(conn)
        .await?;
    Ok(())
}

/// Sets the address.
///
/// # Errors
/// If Postgres fails.
pub async fn set_address(
    conn: &mut PgConnection,
    account: AccountId,
    address: &Address,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE account SET country = $2, region = $3, city = $4, postal_code = $5, address_line = $6, updated_at = $7
         WHERE id = $1",
        account.0,
        address.country,
        address.region,
        address.city,
        address.postal_code,
        address.address_line,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Sets who owes.
///
/// # Errors
/// If Postgres fails.
pub async fn set_party_kind(
    conn: &mut PgConnection,
    account: AccountId,
    kind: PartyKind,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!("UPDATE account SET party_kind = $2, updated_at = $3 WHERE id = $1", account.0, kind.as_str(), now)
        .execute(conn)
        .await?;
    Ok(())
}

/// Sets the owner.
///
/// # Errors
/// If Postgres fails.
pub async fn set_owner(
    conn: &mut PgConnection,
    account: AccountId,
    owner: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<()> {
    let owner = owner.map(|owner| owner.0);
    sqlx::query!("UPDATE account SET owner_id = $2, updated_at = $3 WHERE id = $1", account.0, owner, now)
        .execute(conn)
        .await?;
    Ok(())
}

/// The name of an agent who may log in.
///
/// # Errors
/// If Postgres fails.
pub async fn agent_name(conn: &mut PgConnection, agent: UserId) -> Result<Option<String>> {
    let name =
        sqlx::query_scalar!("SELECT name FROM users WHERE id = $1 AND role = 'agent' AND disabled_at IS NULL", agent.0);
    Ok(name.fetch_optional(conn).await?)
}

/// Agents who may own accounts, id and name, by name; at most 1000.
///
/// # Errors
/// If Postgres fails.
pub async fn agents(conn: &mut PgConnection) -> Result<Vec<(UserId, String)>> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id: UserId", name FROM users WHERE role = 'agent' AND disabled_at IS NULL
           ORDER BY name, id LIMIT 1000"#
    );
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.id, row.name)).collect())
}
