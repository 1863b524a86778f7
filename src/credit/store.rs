//! Credit in Postgres: the rules, the terms and what is owed.

mod holds;
mod parties;
mod reviews;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, types::Json};

pub use self::{
    holds::{holds, is_released, place, release, standing},
    parties::{is_below_itself, join, keep_party, parties, party},
    reviews::{History, history, keep_review, newest_review, to_look_at},
};
use super::{
    Credit, NewTerms,
    rule::{Exposure, Rules},
};
use crate::{
    error::{Error, Result},
    ids::{AccountId, UserId},
};

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
