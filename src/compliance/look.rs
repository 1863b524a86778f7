//! Asking Postgres everything that a verdict depends on, under locks where an attempt follows from it.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use super::{PermitRequest, store};
use crate::{
    campaign::Campaign,
    error::Result,
    ids::{AccountId, ContactPointId, PersonId},
    phone::Phone,
    queue,
};

/// The questions whether numbers may be dialled for a campaign, by number, on what Postgres knows at `now`. Numbers of
/// accounts that the campaign does not list are left out.
///
/// # Errors
/// If Postgres fails.
pub async fn requests(
    conn: &mut PgConnection,
    campaign: &Campaign,
    points: &[ContactPointId],
    now: DateTime<Utc>,
    today: NaiveDate,
) -> Result<HashMap<ContactPointId, PermitRequest>> {
    let found = store::circumstances(conn, points, now).await?;
    let mut accounts: Vec<AccountId> = found.iter().map(|found| found.account).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let standings = queue::store::standings_of(conn, campaign, &accounts, now).await?;
    let standings: HashMap<_, _> = standings.iter().map(|standing| (standing.account, standing)).collect();
    let asked = found.into_iter().filter_map(|found| {
        let standing = standings.get(&found.account)?;
        let point = found.contact_point;
        Some((point, PermitRequest::new(standing, found, &campaign.settings, campaign.mode, now, today)))
    });
    Ok(asked.collect())
}

/// Until the transaction ends, nobody else counts the attempts on this account, person or number with the intention to
/// add one: what is counted now is what counts when the attempt is committed.
///
/// # Errors
/// If Postgres fails.
pub async fn lock(conn: &mut PgConnection, account: AccountId, person: PersonId, number: &Phone) -> Result<()> {
    store::lock(conn, &[account.to_string(), person.to_string(), number.as_str().to_owned()]).await
}
