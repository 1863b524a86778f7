//! Asking Postgres everything that a verdict depends on, under locks where an attempt follows from it.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use super::{
    PermitRequest,
    book::Book,
    prompts::{self, Asked},
    store::{self, Subject},
};
use crate::{
    campaign::{self, Campaign},
    error::Result,
    ids::{AccountId, CallId, ContactPointId, PersonId},
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

/// What the agents have to say and do in calls: by their receipts; in calls that came in, as if we called back now.
/// Calls that have neither are left out. Of each: whether nobody has talked about the account before.
///
/// # Errors
/// If Postgres fails.
pub async fn prompts(
    conn: &mut PgConnection,
    calls: &[(CallId, bool)],
    now: DateTime<Utc>,
    today: NaiveDate,
) -> Result<HashMap<CallId, Asked>> {
    let first: HashMap<CallId, bool> = calls.iter().copied().collect();
    let ids: Vec<CallId> = calls.iter().map(|(call, _)| *call).collect();
    let mut books: HashMap<Option<String>, Book> = HashMap::new();
    let mut asked = HashMap::with_capacity(calls.len());
    for Subject { call, request, policy_version, campaign, contact_point, inbound } in
        store::subjects(conn, &ids).await?
    {
        let request = match (request, campaign, contact_point) {
            (Some(request), ..) => Some(request.0),
            (None, Some(campaign), Some(point)) if inbound => {
                let campaign = campaign::store::get(conn, campaign).await?;
                requests(conn, &campaign, &[point], now, today).await?.remove(&point)
            }
            _ => None,
        };
        let Some(request) = request else { continue };
        if !books.contains_key(&policy_version) {
            let book = store::book(conn, policy_version.as_deref()).await?;
            books.insert(policy_version.clone(), book);
        }
        let Some(book) = books.get(&policy_version) else { continue };
        asked.insert(call, prompts::asked(book, &request, first.get(&call) == Some(&true), now));
    }
    Ok(asked)
}

/// Until the transaction ends, nobody else counts the attempts on this account, person or number with the intention to
/// add one: what is counted now is what counts when the attempt is committed.
///
/// # Errors
/// If Postgres fails.
pub async fn lock(conn: &mut PgConnection, account: AccountId, person: PersonId, number: &Phone) -> Result<()> {
    store::lock(conn, &[account.to_string(), person.to_string(), number.as_str().to_owned()]).await
}
