//! Settles promises when their day is over, or when enough has been paid.

use super::{settle, store};
use crate::{app::App, error::Result};

/// Accounts looked at in one step.
const BATCH: i64 = 200;

/// Settles what is due, at most 200 accounts, each in a transaction of its own. Gives how many promises' accounts were
/// settled.
///
/// # Errors
/// Those of Postgres.
pub async fn step(app: &App) -> Result<usize> {
    let today = app.clock.business_date();
    let accounts = store::to_settle(&app.db, today, BATCH).await?;
    let mut settled = 0;
    for account in accounts {
        let mut tx = app.db.begin().await?;
        store::lock_account(&mut tx, account).await?;
        if settle(&mut tx, account, today, app.clock.now()).await? {
            settled += 1;
        }
        tx.commit().await?;
    }
    if settled > 0 {
        app.outbox.ring();
    }
    Ok(settled)
}
