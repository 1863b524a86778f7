//! Dispositions of outcomes that no agent sees.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{call::Outcome, error::Result, ids::CallId};

/// Records the outcome in the transaction that found it: the automatic disposition of the campaign's set, and how long
/// the account rests (`campaign_account.not_before`). Where a disposition is recorded already, nothing changes.
///
/// # Errors
/// Those of Postgres.
pub async fn record(conn: &mut PgConnection, call: CallId, outcome: Outcome, now: DateTime<Utc>) -> Result<()> {
    todo!()
}
