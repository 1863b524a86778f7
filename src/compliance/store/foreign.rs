//! Attempts that another dialer made.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{
    call::Direction,
    compliance::{history::Reach, migrate::Attempt},
    error::{Error, Result},
};

/// Adds attempts; those that are known of the same source stay as they were. Gives how many are new.
///
/// # Errors
/// [`Error::Invalid`] naming the column `account` where several portfolios have an account of the number that a row names;
/// or if Postgres fails.
pub async fn add_foreign(
    conn: &mut PgConnection,
    source: &str,
    attempts: &[Attempt],
    now: DateTime<Utc>,
) -> Result<u64> {
    let direction = |one: Direction| if one == Direction::Inbound { "inbound" } else { "outbound" }.to_owned();
    let numbers: Vec<String> = attempts.iter().map(|one| one.number.as_str().to_owned()).collect();
    let accounts: Vec<String> = attempts.iter().map(|one| one.account.clone().unwrap_or_default()).collect();
    let portfolios: Vec<String> = attempts.iter().map(|one| one.portfolio.clone().unwrap_or_default()).collect();
    refuse_ambiguous(conn, attempts, &accounts, &portfolios).await?;
    let moments: Vec<DateTime<Utc>> = attempts.iter().map(|one| one.at).collect();
    let directions: Vec<String> = attempts.iter().map(|one| direction(one.direction)).collect();
    let reaches: Vec<String> = attempts.iter().map(|one| Reach::as_str(one.reach).to_owned()).collect();
    let added = sqlx::query!(
        "INSERT INTO foreign_attempt (source, number, account_id, at, direction, reach, recorded_at)
         SELECT $1, f.number, (SELECT a.id FROM account a WHERE a.number = f.account AND f.account <> ''
                               AND (f.portfolio = '' OR a.portfolio = f.portfolio)),
                f.at, f.direction, f.reach, $7
         FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $8::text[])
              AS f(number, account, at, direction, reach, portfolio)
         ON CONFLICT (source, number, at) DO NOTHING",
        source,
        &numbers,
        &accounts,
        &moments,
        &directions,
        &reaches,
        now,
        &portfolios
    )
    .execute(conn)
    .await?;
    Ok(added.rows_affected())
}

/// An account number is unique in its portfolio only: an attempt that may be any of several accounts' is nobody's.
async fn refuse_ambiguous(
    conn: &mut PgConnection,
    attempts: &[Attempt],
    accounts: &[String],
    portfolios: &[String],
) -> Result<()> {
    let nth = sqlx::query_scalar!(
        r#"SELECT f.nth AS "nth!" FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS f(account, portfolio, nth)
           WHERE f.account <> '' AND 1 < (SELECT count(*) FROM account a WHERE a.number = f.account
                                          AND (f.portfolio = '' OR a.portfolio = f.portfolio))
           ORDER BY f.nth LIMIT 1"#,
        accounts,
        portfolios
    )
    .fetch_optional(conn)
    .await?;
    let Some(nth) = nth else { return Ok(()) };
    let line = usize::try_from(nth - 1).ok().and_then(|index| attempts.get(index)).map_or(0, |attempt| attempt.line);
    let detail = format!("line {line}: several portfolios have this account number; name one in a column portfolio");
    Err(Error::invalid("account", detail))
}
