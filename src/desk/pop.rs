//! The screen-pop: everything the agent sees of the account, read in two queries.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use crate::{
    app::App,
    desk::protocol::Pop,
    error::Result,
    ids::{CallId, UserId},
};

/// Builds the pop of a call and keeps it in `call.pop`. Done while it rings, so that the answer only has to send it.
///
/// # Errors
/// [`Error::NotFound`](crate::error::Error::NotFound), those of Postgres.
pub async fn prepare(conn: &mut PgConnection, call: CallId, now: DateTime<Utc>, today: NaiveDate) -> Result<Pop> {
    todo!()
}

/// Sends the pop of a call to the agent's desk, building it where that has not happened yet; notes when it was sent.
///
/// # Errors
/// [`Error::NotFound`](crate::error::Error::NotFound), those of Postgres and Redis.
pub async fn send(app: &App, agent: UserId, call: CallId) -> Result<()> {
    todo!()
}
