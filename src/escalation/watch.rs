//! Looks for accounts that have reached a level of the ladder.

use super::{Raise, raise, store};
use crate::{agreement, app::App, disposition, error::Result, escalation::ladder::When, ids::AccountId};

/// Accounts looked at for each trigger in one step.
const BATCH: i64 = 500;

/// Raises accounts that have reached a level, at most 500 for each trigger. Gives how many.
///
/// # Errors
/// Those of Postgres.
pub async fn step(app: &App) -> Result<usize> {
    let today = app.clock.business_date();
    let rules = agreement::store::rules(&app.db).await?;
    let mut found: Vec<AccountId> = Vec::new();
    for trigger in &rules.escalation.triggers {
        let above = rules.escalation.levels.iter().skip_while(|level| level.code != trigger.level);
        let look = store::Look {
            cause: trigger.when.cause(),
            reached: above.map(|level| level.code.clone()).collect(),
            since: app.clock.now() - chrono::TimeDelta::days(rules.escalation.quiet_days.into()),
            limit: BATCH,
        };
        found.extend(match trigger.when {
            When::BrokenPromises { count } => store::broken(&app.db, &look, count.into()).await?,
            When::DisputeLate => store::dispute_late(&app.db, &look, today).await?,
            When::PastDue { days, over_minor } => {
                let before = today - chrono::Days::new(days.into());
                store::past_due(&app.db, &look, before, over_minor).await?
            }
            When::Attorney | When::Bankruptcy => store::on_hold(&app.db, &look, app.clock.now()).await?,
            // Seen when the call is recorded.
            When::Disposition { .. } => Vec::new(),
        });
    }
    found.sort_unstable();
    found.dedup();
    let mut raised = 0;
    for account in found {
        raised += usize::from(look_at(app, account).await?);
    }
    if raised > 0 {
        app.outbox.ring();
    }
    Ok(raised)
}

/// Raises the account if what is known of it leads to a higher level.
async fn look_at(app: &App, account: AccountId) -> Result<bool> {
    let (today, now) = (app.clock.business_date(), app.clock.now());
    let mut tx = app.db.begin().await?;
    disposition::store::lock_account(&mut tx, account).await?;
    let rules = agreement::store::rules(&mut *tx).await?;
    let facts = store::facts(&mut tx, account, rules.escalation.quiet_days, today, now).await?;
    let Some((level, when)) = rules.escalation.reached(&facts) else { return Ok(false) };
    let days = rules.business_days_here(&app.policies.book);
    let new = Raise { account, level, cause: when.cause(), reason: &when.reason(), by: None, call: None };
    raise(&mut tx, &new, &rules, &days, today, now).await?;
    tx.commit().await?;
    Ok(true)
}
