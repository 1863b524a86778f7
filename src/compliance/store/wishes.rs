//! Wishes of debtors, and attempts that another dialer made.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::{
    compliance::wish::Wish,
    error::{Error, Result},
    ids::{AccountId, PersonId, UserId},
};

/// Records a wish of everybody at the account, or of one of its persons wherever that one is called.
///
/// # Errors
/// [`Error::NotFound`] without the account, or if the person is none of its own.
pub async fn add_wish(
    conn: &mut PgConnection,
    account: AccountId,
    person: Option<PersonId>,
    wish: &Wish,
    by: UserId,
    now: DateTime<Utc>,
) -> Result<Uuid> {
    let id = Uuid::now_v7();
    let added = sqlx::query!(
        "INSERT INTO contact_wish (id, account_id, person_id, body, user_id, at)
         SELECT $1, a.id, $3, $4, $5, $6 FROM account a
         WHERE a.id = $2 AND ($3::uuid IS NULL OR EXISTS (SELECT FROM contact WHERE account_id = a.id AND person_id = $3))",
        id,
        account.0,
        person.map(|person| person.0),
        Json(wish) as _,
        by.0,
        now
    )
    .execute(conn)
    .await?;
    if added.rows_affected() == 0 { Err(Error::NotFound("account, or person at it")) } else { Ok(id) }
}

/// Takes a wish back. Gives its account, and the person whose it was.
///
/// # Errors
/// [`Error::NotFound`] if it does not stand.
pub async fn revoke_wish(
    conn: &mut PgConnection,
    wish: Uuid,
    by: UserId,
    now: DateTime<Utc>,
) -> Result<(AccountId, Option<PersonId>)> {
    let row = sqlx::query!(
        r#"UPDATE contact_wish SET revoked_at = $2, revoked_by = $3 WHERE id = $1 AND revoked_at IS NULL
           RETURNING account_id AS "account: AccountId", person_id AS "person: PersonId""#,
        wish,
        now,
        by.0
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("wish"))?;
    Ok((row.account, row.person))
}

/// The wishes that stand at an account, its persons' among them, oldest first.
///
/// # Errors
/// If Postgres fails.
pub async fn wishes(conn: &mut PgConnection, account: AccountId) -> Result<Vec<(Uuid, Option<PersonId>, Wish)>> {
    let rows = sqlx::query!(
        r#"SELECT id, person_id AS "person: PersonId", body AS "body: Json<Wish>" FROM contact_wish
           WHERE revoked_at IS NULL AND (account_id = $1 OR person_id IN (SELECT person_id FROM contact WHERE account_id = $1))
           ORDER BY id"#,
        account.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.person, row.body.0)).collect())
}
