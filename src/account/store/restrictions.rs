//! Do-not-call and holds. Each gives the accounts whose place in the queue it changes; the caller enqueues
//! [`Effect::Requeue`](crate::outbox::Effect::Requeue) for them in the same transaction.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    account::{AccountHold, DoNotCall, HoldReason, NewHold},
    error::{Error, Result},
    ids::{AccountId, CallId, PersonId, UserId},
};

/// Records a wish not to be called; one that stands already stays as it was. Gives the accounts it touches.
///
/// # Errors
/// [`Error::Invalid`] unless the reason has 1 to 200 characters.
pub async fn do_not_call(
    conn: &mut PgConnection,
    whom: &DoNotCall,
    reason: &str,
    call: Option<CallId>,
    by: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<Vec<AccountId>> {
    if !(1..=200).contains(&reason.trim().chars().count()) {
        return Err(Error::invalid("reason", "1 to 200 characters"));
    }
    let (scope, value) = whom.stored();
    sqlx::query!(
        "INSERT INTO do_not_call (id, scope, value, reason, call_id, user_id, at) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (scope, value) WHERE revoked_at IS NULL DO NOTHING",
        Uuid::now_v7(),
        scope,
        value,
        reason.trim(),
        call.map(|call| call.0),
        by.map(|user| user.0),
        now
    )
    .execute(&mut *conn)
    .await?;
    touched(conn, whom).await
}

/// Takes the wish back, because the debtor asked for it. Gives the accounts it touches.
///
/// # Errors
/// [`Error::NotFound`] if no such wish stands.
pub async fn revoke_do_not_call(
    conn: &mut PgConnection,
    whom: &DoNotCall,
    by: UserId,
    now: DateTime<Utc>,
) -> Result<Vec<AccountId>> {
    let (scope, value) = whom.stored();
    let revoked = sqlx::query!(
        "UPDATE do_not_call SET revoked_at = $3, revoked_by = $4
         WHERE scope = $1 AND value = $2 AND revoked_at IS NULL",
        scope,
        value,
        now,
        by.0
    )
    .execute(&mut *conn)
    .await?;
    if revoked.rows_affected() == 0 {
        return Err(Error::NotFound("do-not-call entry"));
    }
    touched(conn, whom).await
}

async fn touched(conn: &mut PgConnection, whom: &DoNotCall) -> Result<Vec<AccountId>> {
    Ok(match whom {
        DoNotCall::Account(account) => vec![*account],
        DoNotCall::Person(person) => accounts_of(conn, *person).await?,
        DoNotCall::Number(phone) => {
            sqlx::query_scalar!(
                r#"SELECT DISTINCT account_id AS "account: AccountId" FROM contact_point WHERE kind = 'phone' AND value = $1"#,
                phone.as_str()
            )
            .fetch_all(conn)
            .await?
        }
        DoNotCall::House(value) => {
            sqlx::query_scalar!(
                r#"SELECT DISTINCT account_id AS "account: AccountId" FROM contact_point
                   WHERE kind = 'phone' AND value LIKE replace($1, '*', '%')"#,
                value
            )
            .fetch_all(conn)
            .await?
        }
    })
}

/// The accounts behind which a person stands.
///
/// # Errors
/// If Postgres fails.
pub async fn accounts_of(conn: &mut PgConnection, person: PersonId) -> Result<Vec<AccountId>> {
    let accounts = sqlx::query_scalar!(
        r#"SELECT DISTINCT account_id AS "account: AccountId" FROM contact WHERE person_id = $1"#,
        person.0
    );
    Ok(accounts.fetch_all(conn).await?)
}

/// The holds that stand at `now`, oldest first.
///
/// # Errors
/// If Postgres is not available.
pub async fn holds(conn: &mut PgConnection, account: AccountId, now: DateTime<Utc>) -> Result<Vec<AccountHold>> {
    Ok(sqlx::query_as!(
        AccountHold,
        r#"SELECT id, reason AS "reason: HoldReason", note, from_at, until_at FROM account_hold
           WHERE account_id = $1 AND released_at IS NULL AND (until_at IS NULL OR until_at > $2) ORDER BY from_at, id"#,
        account.0,
        now
    )
    .fetch_all(conn)
    .await?)
}

/// Puts the account on hold from `now` on.
///
/// # Errors
/// [`Error::Invalid`] for an end that is not after `now` or a note of more than 4000 characters; [`Error::NotFound`].
pub async fn place_hold(
    conn: &mut PgConnection,
    account: AccountId,
    hold: &NewHold,
    by: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<Uuid> {
    if hold.until_at.is_some_and(|until| until <= now) {
        return Err(Error::invalid("until_at", "later than now"));
    }
    if hold.note.chars().count() > 4000 {
        return Err(Error::invalid("note", "at most 4000 characters"));
    }
    let id = Uuid::now_v7();
    let placed = sqlx::query!(
        "INSERT INTO account_hold (id, account_id, reason, note, call_id, user_id, from_at, until_at)
         SELECT $1, id, $3, $4, $5, $6, $7, $8 FROM account WHERE id = $2",
        id,
        account.0,
        hold.reason as HoldReason,
        hold.note,
        hold.call.map(|call| call.0),
        by.map(|user| user.0),
        now,
        hold.until_at
    )
    .execute(conn)
    .await?;
    if placed.rows_affected() == 0 { Err(Error::NotFound("account")) } else { Ok(id) }
}

/// Ends a hold. Gives its account.
///
/// # Errors
/// [`Error::NotFound`] if it does not stand.
pub async fn release_hold(conn: &mut PgConnection, hold: Uuid, by: UserId, now: DateTime<Utc>) -> Result<AccountId> {
    sqlx::query_scalar!(
        r#"UPDATE account_hold SET released_at = $2, released_by = $3 WHERE id = $1 AND released_at IS NULL
           RETURNING account_id AS "account: AccountId""#,
        hold,
        now,
        by.0
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("hold"))
}
