//! How customers have paid, and what was made of it.

use chrono::{DateTime, Months, NaiveDate, Utc};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::{
    credit::{
        Review,
        score::{Paid, Score},
    },
    error::Result,
    ids::{AccountId, UserId},
};

/// Months of history that a score is made of.
const MONTHS: u32 = 12;

/// What a review is made of.
#[derive(Debug)]
pub struct History {
    /// Items that fell due in the last twelve months.
    pub paid: Vec<Paid>,
    /// Promises kept.
    pub kept: u32,
    /// Promises broken.
    pub broken: u32,
    /// What was billed in a month on average, minor units.
    pub billed_a_month_minor: i64,
}

/// What a review is made of. An item was paid on the day on which the last of its money came, whenever that was applied; one
/// that was credited as a whole, when it was.
///
/// # Errors
/// If Postgres is not available.
pub async fn history(conn: &mut PgConnection, account: AccountId, today: NaiveDate) -> Result<History> {
    let since = today.checked_sub_months(Months::new(MONTHS)).unwrap_or(today);
    let rows = sqlx::query!(
        r#"SELECT n.due_on AS "due_on!", b.minor AS "minor!",
                  CASE WHEN coalesce(p.minor, 0) >= b.minor THEN p.last_on END AS "paid_on?"
           FROM instalment n
           CROSS JOIN LATERAL (SELECT sum(amount_minor)::bigint AS minor FROM posting WHERE instalment_id = n.id) b
           LEFT JOIN LATERAL (SELECT sum(a.amount_minor)::bigint AS minor,
                                     coalesce(max(m.received_on), max(a.business_date)) AS last_on
                              FROM allocation a LEFT JOIN payment m ON m.id = a.payment_id
                              WHERE a.instalment_id = n.id AND a.reverses IS NULL
                                AND NOT EXISTS (SELECT FROM allocation r WHERE r.reverses = a.id)) p ON true
           WHERE n.account_id = $1 AND n.due_on BETWEEN $2 AND $3 AND b.minor > 0 ORDER BY n.due_on LIMIT 20000"#,
        account.0,
        since,
        today
    )
    .fetch_all(&mut *conn)
    .await?;
    let standing =
        sqlx::query!("SELECT kept_promises, broken_promises FROM account_standing WHERE account_id = $1", account.0)
            .fetch_optional(conn)
            .await?;
    let count = |count: i32| u32::try_from(count).unwrap_or(0);
    Ok(History {
        billed_a_month_minor: rows.iter().map(|row| row.minor).sum::<i64>() / i64::from(MONTHS),
        paid: rows.into_iter().map(|row| Paid { due_on: row.due_on, paid_on: row.paid_on, minor: row.minor }).collect(),
        kept: standing.as_ref().map_or(0, |row| count(row.kept_promises)),
        broken: standing.as_ref().map_or(0, |row| count(row.broken_promises)),
    })
}

/// Keeps a review. Gives its id.
///
/// # Errors
/// Those of Postgres.
pub async fn keep_review(
    conn: &mut PgConnection,
    account: AccountId,
    review: &Review,
    by: Option<UserId>,
) -> Result<Uuid> {
    let id = Uuid::now_v7();
    sqlx::query!(
        "INSERT INTO credit_review (id, account_id, at, score, parts, previous, flagged, proposal_minor, user_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        id,
        account.0,
        review.at,
        review.score.score,
        Json(&review.score) as _,
        review.previous,
        review.flagged,
        review.proposal_minor,
        by.map(|user| user.0)
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// The newest review.
///
/// # Errors
/// If Postgres is not available.
pub async fn newest_review(conn: &mut PgConnection, account: AccountId) -> Result<Option<Review>> {
    let row = sqlx::query!(
        r#"SELECT r.at, r.parts AS "parts: Json<Score>", r.previous, r.flagged, r.proposal_minor, u.name AS "by?"
           FROM credit_review r LEFT JOIN users u ON u.id = r.user_id
           WHERE r.account_id = $1 ORDER BY r.at DESC, r.id DESC LIMIT 1"#,
        account.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Review {
        at: row.at,
        score: row.parts.0,
        previous: row.previous,
        flagged: row.flagged,
        proposal_minor: row.proposal_minor,
        by: row.by,
    }))
}

/// Accounts after `after` that owe something, have a limit, or have a hold by rule, and whether their review is due; in the
/// order of their ids.
///
/// # Errors
/// If Postgres is not available.
pub async fn to_look_at(
    conn: &mut PgConnection,
    after: AccountId,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<(AccountId, bool)>> {
    let rows = sqlx::query!(
        r#"SELECT a.id AS "id: AccountId",
                  (r.at IS NULL OR r.at <= $2::timestamptz - make_interval(days => coalesce(
                      (SELECT (c.body ->> 'review_days')::integer FROM credit_rules c WHERE c.portfolio IN (a.portfolio, '')
                       ORDER BY c.portfolio = '' LIMIT 1), 30))) AS "due!"
           FROM account a LEFT JOIN account_standing s ON s.account_id = a.id
           LEFT JOIN LATERAL (SELECT at FROM credit_review r WHERE r.account_id = a.id ORDER BY at DESC LIMIT 1) r ON true
           WHERE a.id > $1 AND a.status = 'open'
             AND (coalesce(s.open_minor, 0) > 0 OR a.credit_limit_minor IS NOT NULL
                  OR EXISTS (SELECT FROM credit_hold h WHERE h.account_id = a.id AND h.released_at IS NULL))
           ORDER BY a.id LIMIT $3"#,
        after.0,
        now,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.due)).collect())
}
