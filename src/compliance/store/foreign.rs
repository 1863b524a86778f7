//! Attempts that another dialer made.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{
    call::Direction,
    compliance::{history::Reach, migrate::Attempt},
    error::Result,
};

/// Adds attempts; those that are known of the same source stay as they were. Gives how many are new.
///
/// # Errors
/// If Postgres fails.
pub async fn add_foreign(
    conn: &mut PgConnection,
    source: &str,
    attempts: &[Attempt],
    now: DateTime<Utc>,
) -> Result<u64> {
    let direction = |one: Direction| if one == Direction::Inbound { "inbound" } else { "outbound" }.to_owned();
    let numbers: Vec<String> = attempts.iter().map(|one| one.number.as_str().to_owned()).collect();
    let accounts: Vec<String> = attempts.iter().map(|one| one.account.clone().unwrap_or_default()).collect();
    let moments: Vec<DateTime<Utc>> = attempts.iter().map(|one| one.at).collect();
    let directions: Vec<String> = attempts.iter().map(|one| direction(one.direction)).collect();
    let reaches: Vec<String> = attempts.iter().map(|one| Reach::as_str(one.reach).to_owned()).collect();
    let added = sqlx::query!(
        "INSERT INTO foreign_attempt (source, number, account_id, at, direction, reach, recorded_at)
         SELECT $1, f.number, (SELECT a.id FROM account a WHERE a.number = f.account AND f.account <> '' ORDER BY a.id LIMIT 1),
                f.at, f.direction, f.reach, $7
         FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[])
              AS f(number, account, at, direction, reach)
         ON CONFLICT (source, number, at) DO NOTHING",
        source,
        &numbers,
        &accounts,
        &moments,
        &directions,
        &reaches,
        now
    )
    .execute(conn)
    .await?;
    Ok(added.rows_affected())
}
