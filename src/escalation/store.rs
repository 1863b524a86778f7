//! The rows of escalations, and what is known of accounts that may have to go up.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{
    Escalation, Raise,
    ladder::{Contact, Facts},
};
use crate::{
    error::{Error, Result},
    ids::{AccountId, EscalationId, UserId},
};

pub(super) async fn insert(
    conn: &mut PgConnection,
    new: &Raise<'_>,
    hold: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<EscalationId> {
    let id = EscalationId::generate();
    sqlx::query!(
        "INSERT INTO escalation (id, account_id, level, contact, cause, reason, hold_id, by, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        id.0,
        new.account.0,
        new.level.code,
        new.level.contact.as_str(),
        new.cause,
        new.reason,
        hold,
        new.by.map(|by| by.0),
        now
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// The one that stands.
pub(super) async fn standing(conn: &mut PgConnection, account: AccountId) -> Result<Option<EscalationId>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT id AS "id: EscalationId" FROM escalation WHERE account_id = $1 AND ended_at IS NULL"#,
        account.0
    )
    .fetch_optional(conn)
    .await?)
}

/// Ends the one that stands; gives it and its hold.
pub(super) async fn end(
    conn: &mut PgConnection,
    account: AccountId,
    reason: &str,
    by: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<Option<(EscalationId, Option<Uuid>)>> {
    let row = sqlx::query!(
        r#"UPDATE escalation SET ended_at = $2, ended_by = $3, end_reason = $4 WHERE account_id = $1 AND ended_at IS NULL
           RETURNING id AS "id: EscalationId", hold_id"#,
        account.0,
        now,
        by.map(|by| by.0),
        reason
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.id, row.hold_id)))
}

/// Ends the hold of an escalation, if nobody has.
pub(super) async fn release(conn: &mut PgConnection, hold: Uuid, by: Option<UserId>, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "UPDATE account_hold SET released_at = $2, released_by = $3 WHERE id = $1 AND released_at IS NULL",
        hold,
        now,
        by.map(|by| by.0)
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn list(conn: &mut PgConnection, account: AccountId) -> Result<Vec<Escalation>> {
    let rows = sqlx::query!(
        r#"SELECT e.id AS "id: EscalationId", e.level, e.contact, e.cause, e.reason, e.at, e.ended_at, e.end_reason,
                  b.name AS "by?", d.name AS "ended_by?"
           FROM escalation e LEFT JOIN users b ON b.id = e.by LEFT JOIN users d ON d.id = e.ended_by
           WHERE e.account_id = $1 ORDER BY e.at DESC, e.id DESC LIMIT 100"#,
        account.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let unknown = || Error::internal("reading an escalation")(format!("unknown contact {}", row.contact));
            Ok(Escalation {
                contact: Contact::from_name(&row.contact).ok_or_else(unknown)?,
                id: row.id,
                level: row.level,
                cause: row.cause,
                reason: row.reason,
                by: row.by,
                at: row.at,
                ended_at: row.ended_at,
                ended_by: row.ended_by,
                end_reason: row.end_reason,
            })
        })
        .collect()
}

/// The account is on a level on which supervisors call, and the caller is one.
pub(super) async fn supervisor_may_call(conn: &mut PgConnection, account: AccountId, caller: UserId) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM escalation WHERE account_id = $1 AND ended_at IS NULL AND contact = 'supervisor_only')
               AND EXISTS (SELECT FROM users WHERE id = $2 AND role IN ('supervisor', 'admin')) AS "may!""#,
        account.0,
        caller.0
    )
    .fetch_one(conn)
    .await?)
}

/// What is known of an account.
pub(super) async fn facts(
    conn: &mut PgConnection,
    account: AccountId,
    quiet_days: u16,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Facts> {
    let row = sqlx::query!(
        r#"SELECT (SELECT count(*) FROM promise p
                   WHERE p.account_id = $1 AND p.status = 'broken'
                     AND coalesce(p.settled_at, p.taken_at) > coalesce(
                         (SELECT max(ended_at) FROM escalation WHERE account_id = $1 AND end_reason <> 'raised'), '-infinity'))
                      AS "broken!",
                  EXISTS (SELECT FROM dispute WHERE account_id = $1 AND status = 'open' AND due_on < $2) AS "late!",
                  (SELECT $2 - oldest_due_on FROM account_standing WHERE account_id = $1) AS days,
                  coalesce((SELECT collectible_minor FROM account_standing WHERE account_id = $1), 0) AS "collectible!",
                  ARRAY(SELECT DISTINCT reason FROM account_hold
                        WHERE account_id = $1 AND released_at IS NULL AND from_at <= $3
                          AND (until_at IS NULL OR until_at > $3)) AS "holds!",
                  (SELECT level FROM escalation WHERE account_id = $1 AND ended_at IS NULL) AS at,
                  ARRAY(SELECT DISTINCT cause FROM escalation
                        WHERE account_id = $1 AND ended_at > $4 AND end_reason <> 'raised') AS "quiet!""#,
        account.0,
        today,
        now,
        now - TimeDelta::days(quiet_days.into())
    )
    .fetch_one(conn)
    .await?;
    Ok(Facts {
        broken: u32::try_from(row.broken).unwrap_or(u32::MAX),
        dispute_late: row.late,
        past_due_days: row.days.unwrap_or(0).into(),
        collectible_minor: row.collectible,
        disposition: None,
        holds: row.holds.into_iter().collect(),
        at: row.at,
        quiet: row.quiet.into_iter().collect(),
    })
}

/// For which accounts to look: those that are not on one of the levels `reached`, and did not go back down from `cause` since.
pub(super) struct Look {
    pub(super) cause: &'static str,
    pub(super) reached: Vec<String>,
    pub(super) since: DateTime<Utc>,
    pub(super) limit: i64,
}

/// With at least so many broken promises.
pub(super) async fn broken(db: &PgPool, look: &Look, count: i32) -> Result<Vec<AccountId>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT s.account_id AS "account: AccountId" FROM account_standing s
           WHERE s.broken_promises > 0 AND s.broken_promises >= $1 AND s.open_minor > 0
             AND NOT escalation_rests(s.account_id, $2, $3, $4) LIMIT $5"#,
        count,
        &look.reached,
        look.cause,
        look.since,
        look.limit
    )
    .fetch_all(db)
    .await?)
}

/// With a dispute that was not answered on its day.
pub(super) async fn dispute_late(db: &PgPool, look: &Look, today: NaiveDate) -> Result<Vec<AccountId>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT DISTINCT d.account_id AS "account: AccountId" FROM dispute d
           WHERE d.status = 'open' AND d.due_on < $1 AND NOT escalation_rests(d.account_id, $2, $3, $4) LIMIT $5"#,
        today,
        &look.reached,
        look.cause,
        look.since,
        look.limit
    )
    .fetch_all(db)
    .await?)
}

/// With something that was due before that day, and more than that to ask for.
pub(super) async fn past_due(db: &PgPool, look: &Look, before: NaiveDate, over_minor: i64) -> Result<Vec<AccountId>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT s.account_id AS "account: AccountId" FROM account_standing s
           WHERE s.oldest_due_on < $1 AND s.collectible_minor > 0 AND s.collectible_minor > $2
             AND NOT escalation_rests(s.account_id, $3, $4, $5) LIMIT $6"#,
        before,
        over_minor,
        &look.reached,
        look.cause,
        look.since,
        look.limit
    )
    .fetch_all(db)
    .await?)
}

/// With a hold whose reason is the cause.
pub(super) async fn on_hold(db: &PgPool, look: &Look, now: DateTime<Utc>) -> Result<Vec<AccountId>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT DISTINCT h.account_id AS "account: AccountId" FROM account_hold h
           WHERE h.released_at IS NULL AND h.reason = $2 AND (h.until_at IS NULL OR h.until_at > $4)
             AND NOT escalation_rests(h.account_id, $1, $2, $3) LIMIT $5"#,
        &look.reached,
        look.cause,
        look.since,
        now,
        look.limit
    )
    .fetch_all(db)
    .await?)
}
