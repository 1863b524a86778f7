//! Disputes: an amount the debtor contests, carved out of what may be collected until it is closed.

mod store;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{
    disposition::DisputeOpened,
    error::{Error, Result},
    ids::{AccountId, CallId, DisputeId, UserId},
    ledger,
    outbox::{self, Effect},
};

/// How a dispute ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ruling {
    /// The debtor was right.
    Valid,
    /// The debtor was wrong.
    Invalid,
    /// Both in part.
    Partial,
    /// The debtor took it back.
    Withdrawn,
}

impl Ruling {
    /// The name used in the database and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid => "invalid",
            Self::Partial => "partial",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// Opens a dispute whose items have been checked; the caller refreshes the account's standing.
///
/// # Errors
/// Those of Postgres.
pub(crate) async fn open(
    conn: &mut PgConnection,
    account: AccountId,
    call: Option<CallId>,
    by: UserId,
    opened: &DisputeOpened,
    now: DateTime<Utc>,
) -> Result<DisputeId> {
    store::insert(conn, account, call, by, opened, now).await
}

/// Closes an open dispute: its amount may be collected again, and the account is placed anew.
///
/// # Errors
/// [`Error::NotFound`] if there is no such open dispute.
pub async fn close(conn: &mut PgConnection, dispute: DisputeId, ruling: Ruling, now: DateTime<Utc>) -> Result<()> {
    let account = store::close(conn, dispute, ruling, now).await?.ok_or(Error::NotFound("open dispute"))?;
    ledger::store::refresh_standing(conn, &[account], now).await?;
    outbox::enqueue(conn, &[Effect::Requeue { account }], now).await
}
