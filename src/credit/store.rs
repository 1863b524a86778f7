//! Credit in Postgres.

use chrono::{DateTime, Months, NaiveDate, Utc};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use super::{
    Credit, Hold, NewParty, NewTerms, Party, Review,
    rule::{Exposure, Reason, Rules},
    score::{Paid, Score},
};
use crate::{
    error::{Error, Result},
    ids::{AccountId, UserId},
    money::Currency,
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

/// The rules of a portfolio, else those for all, else the default.
///
/// # Errors
/// If Postgres is not available.
pub async fn rules(conn: &mut PgConnection, portfolio: &str) -> Result<Rules> {
    let found = sqlx::query_scalar!(
        r#"SELECT body AS "body: Json<Rules>" FROM credit_rules WHERE portfolio IN ($1, '')
           ORDER BY portfolio = '' LIMIT 1"#,
        portfolio
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|rules| rules.0).unwrap_or_default())
}

/// Sets the rules of a portfolio.
///
/// # Errors
/// Those of Postgres.
pub async fn set_rules(
    conn: &mut PgConnection,
    by: UserId,
    portfolio: &str,
    rules: &Rules,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO credit_rules (portfolio, body, changed_by, changed_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (portfolio) DO UPDATE SET body = excluded.body, changed_by = excluded.changed_by,
             changed_at = excluded.changed_at",
        portfolio,
        Json(rules) as _,
        by.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What the rules look at.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn exposure(conn: &mut PgConnection, account: AccountId) -> Result<Exposure> {
    let row = sqlx::query!(
        r#"WITH RECURSIVE above AS (
               SELECT p.id, p.parent_id, 1 AS depth FROM account a JOIN party p ON p.id = a.party_id WHERE a.id = $1
               UNION ALL SELECT p.id, p.parent_id, depth + 1 FROM party p JOIN above u ON p.id = u.parent_id WHERE depth < 20
           ), top AS (SELECT id FROM above ORDER BY depth DESC LIMIT 1
           ), family AS (
               SELECT id, 1 AS depth FROM top
               UNION ALL SELECT p.id, depth + 1 FROM party p JOIN family f ON p.parent_id = f.id WHERE depth < 20)
           SELECT a.credit_limit_minor AS "limit?", coalesce(s.open_minor - s.unapplied_minor, 0) AS "own!",
                  coalesce((SELECT sum(fs.open_minor - fs.unapplied_minor)::bigint FROM family f
                            JOIN account fa ON fa.party_id = f.id AND fa.currency = a.currency
                            JOIN account_standing fs ON fs.account_id = fa.id),
                           s.open_minor - s.unapplied_minor, 0) AS "family!",
                  (SELECT t.limit_minor FROM top JOIN party t ON t.id = top.id WHERE t.currency = a.currency)
                      AS "family_limit?"
           FROM account a LEFT JOIN account_standing s ON s.account_id = a.id WHERE a.id = $1"#,
        account.0
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(Error::NotFound("account"))?;
    let items = sqlx::query!(
        r#"SELECT due_on AS "due_on!", (open_minor - disputed_minor) AS "minor!" FROM open_item
           WHERE account_id = $1 AND open_minor > disputed_minor"#,
        account.0
    )
    .fetch_all(conn)
    .await?;
    Ok(Exposure {
        own_minor: row.own,
        limit_minor: row.limit,
        family_minor: row.family,
        family_limit_minor: row.family_limit,
        items: items.into_iter().map(|item| (item.due_on, item.minor)).collect(),
    })
}

/// Terms and limit; what is worked out elsewhere is empty.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn terms(conn: &mut PgConnection, account: AccountId) -> Result<Credit> {
    let row =
        sqlx::query!("SELECT terms, tax_id, po_required, credit_limit_minor FROM account WHERE id = $1", account.0)
            .fetch_optional(conn)
            .await?
            .ok_or(Error::NotFound("account"))?;
    Ok(Credit {
        terms: row.terms,
        tax_id: row.tax_id,
        po_required: row.po_required,
        limit_minor: row.credit_limit_minor,
        exposure_minor: 0,
        party: None,
        holds: Vec::new(),
        review: None,
    })
}

/// Changes terms and limit. Gives what they were.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn change_terms(
    conn: &mut PgConnection,
    account: AccountId,
    new: &NewTerms,
    now: DateTime<Utc>,
) -> Result<serde_json::Value> {
    sqlx::query_scalar!(
        r#"WITH before AS (SELECT id, jsonb_build_object('terms', terms, 'tax_id', tax_id, 'po_required', po_required,
                                  'limit_minor', credit_limit_minor) AS was FROM account WHERE id = $1 FOR UPDATE)
           UPDATE account a SET terms = coalesce(nullif($2, ''), a.terms), tax_id = coalesce($3, a.tax_id),
               po_required = coalesce($4, a.po_required),
               credit_limit_minor = CASE WHEN $6 THEN NULL ELSE coalesce($5, a.credit_limit_minor) END, updated_at = $7
           FROM before WHERE a.id = before.id RETURNING before.was AS "was!""#,
        account.0,
        new.terms.as_deref().map(str::trim),
        new.tax_id.as_deref().map(str::trim),
        new.po_required,
        new.limit_minor,
        new.no_limit,
        now
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("account"))
}

/// Holds that stand, by id and reason.
///
/// # Errors
/// If Postgres is not available.
pub async fn standing(conn: &mut PgConnection, account: AccountId) -> Result<Vec<(Uuid, Reason)>> {
    let rows =
        sqlx::query!("SELECT id, reason FROM credit_hold WHERE account_id = $1 AND released_at IS NULL", account.0)
            .fetch_all(conn)
            .await?;
    rows.into_iter().map(|row| Ok((row.id, reason(&row.reason)?))).collect()
}

/// Whether such a hold was released until a day that is not over.
///
/// # Errors
/// If Postgres is not available.
pub async fn is_released(
    conn: &mut PgConnection,
    account: AccountId,
    reason: Reason,
    today: NaiveDate,
) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM credit_hold WHERE account_id = $1 AND reason = $2 AND released_until >= $3) AS "is!""#,
        account.0,
        reason.as_str(),
        today
    )
    .fetch_one(conn)
    .await?)
}

/// Places a hold with the figures it is placed on; `None`: one of that reason stands.
///
/// # Errors
/// Those of Postgres.
pub async fn place(
    conn: &mut PgConnection,
    account: AccountId,
    reason: Reason,
    exposure: &Exposure,
    by: Option<UserId>,
    note: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Option<Uuid>> {
    let facts = serde_json::to_value(exposure).map_err(Error::internal("writing a credit hold"))?;
    Ok(sqlx::query_scalar!(
        "INSERT INTO credit_hold (id, account_id, reason, facts, placed_by, placed_at, note)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING id",
        Uuid::now_v7(),
        account.0,
        reason.as_str(),
        facts,
        by.map(|user| user.0),
        now,
        note
    )
    .fetch_optional(conn)
    .await?)
}

/// Releases a hold. Gives its account.
///
/// # Errors
/// [`Error::NotFound`] if it does not stand.
pub async fn release(
    conn: &mut PgConnection,
    hold: Uuid,
    by: Option<UserId>,
    until: Option<NaiveDate>,
    note: &str,
    now: DateTime<Utc>,
) -> Result<AccountId> {
    sqlx::query_scalar!(
        r#"UPDATE credit_hold SET released_by = $2, released_at = $3, released_until = $4, note = $5
           WHERE id = $1 AND released_at IS NULL RETURNING account_id AS "account: AccountId""#,
        hold,
        by.map(|user| user.0),
        now,
        until,
        note
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("credit hold that stands"))
}

/// Holds, those that stand first, then the newest; at most 50.
///
/// # Errors
/// If Postgres is not available.
pub async fn holds(conn: &mut PgConnection, account: AccountId) -> Result<Vec<Hold>> {
    let rows = sqlx::query!(
        r#"SELECT h.id, h.reason, h.note, h.placed_at, u.name AS "by?", h.released_at, h.released_until,
                  r.name AS "released_by?"
           FROM credit_hold h LEFT JOIN users u ON u.id = h.placed_by LEFT JOIN users r ON r.id = h.released_by
           WHERE h.account_id = $1 ORDER BY h.released_at IS NULL DESC, h.placed_at DESC LIMIT 50"#,
        account.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Hold {
                id: row.id,
                reason: reason(&row.reason)?,
                note: row.note,
                placed_at: row.placed_at,
                by: row.by,
                released_at: row.released_at,
                released_until: row.released_until,
                released_by: row.released_by,
            })
        })
        .collect()
}

fn reason(name: &str) -> Result<Reason> {
    Reason::from_name(name).ok_or_else(|| Error::internal("reading a credit hold")("unknown reason"))
}

/// What a review is made of.
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
           LEFT JOIN LATERAL (SELECT sum(amount_minor)::bigint AS minor, max(business_date) AS last_on FROM allocation
                              WHERE instalment_id = n.id) p ON true
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
           SELECT p.id, p.name, p.parent_id, u.name AS "parent_name?",
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
        family_limit_minor: exposure.family_limit_minor,
        family_minor: exposure.family_minor,
        family_accounts: row.accounts,
    }))
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

/// Puts an account under a customer.
///
/// # Errors
/// Those of Postgres.
pub async fn join(conn: &mut PgConnection, account: AccountId, party: Uuid, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!("UPDATE account SET party_id = $2, updated_at = $3 WHERE id = $1", account.0, party, now)
        .execute(conn)
        .await?;
    Ok(())
}
