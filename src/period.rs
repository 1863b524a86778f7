//! Periods of the books: closed, a month or a year is what it is.
//!
//! Whatever posts asks [`refuse_closed`] first, for an error that says what to do. The database refuses on its own as
//! well, in a trigger on postings and allocations.

mod store;

pub use store::locked_through;

use chrono::NaiveDate;
use sqlx::PgConnection;

use crate::{
    error::{Error, Result},
    ids::AccountId,
};

/// Passes if something with this business date may be posted to the account.
///
/// # Errors
/// [`Error::Conflict`] that names the day through which the books of the account's portfolio are closed.
pub async fn refuse_closed(conn: &mut PgConnection, account: AccountId, business_date: NaiveDate) -> Result<()> {
    match store::locked_for(conn, account).await? {
        Some(through) if business_date <= through => Err(Error::Conflict(closed(business_date, through))),
        _ => Ok(()),
    }
}

/// Why nothing is posted to a day.
#[must_use]
pub fn closed(day: NaiveDate, through: NaiveDate) -> String {
    format!("{day} lies in a closed period: the books are closed through {through}")
}
