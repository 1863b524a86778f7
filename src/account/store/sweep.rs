//! Where a loop that goes through all accounts has come to, so that the next step goes on there.

use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::{error::Result, ids::AccountId};

/// The last account that the loop of that name has looked at; the nil id: it begins anew.
///
/// # Errors
/// If Postgres is not available.
pub async fn sweep_place(conn: &mut PgConnection, name: &str) -> Result<AccountId> {
    let found = sqlx::query_scalar!(
        r#"SELECT value AS "place: Json<AccountId>" FROM setting WHERE key = 'sweep ' || $1"#,
        name
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map_or(AccountId(Uuid::nil()), |place| place.0))
}

/// Notes how far the loop has come.
///
/// # Errors
/// If Postgres is not available.
pub async fn keep_sweep_place(conn: &mut PgConnection, name: &str, place: AccountId) -> Result<()> {
    sqlx::query!(
        "INSERT INTO setting (key, value) VALUES ('sweep ' || $1, $2)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        name,
        Json(place) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}
