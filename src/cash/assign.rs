//! Open differences are somebody's: each is a task with a day, which moves up when that is over.

use super::store::differences;
use crate::{
    agreement::{self, SUPERVISION},
    app::App,
    error::Result,
    ids::DifferenceId,
    task::{self, NewTask, Owner, Priority},
};

/// Differences looked at in one step.
const AT_ONCE: i64 = 500;

/// Business days to work a difference to an end.
const DAYS: u8 = 2;

/// Opens the tasks of differences that have none, and closes those of differences that were worked to an end; at most 500 of
/// each. Gives how many.
///
/// # Errors
/// Those of Postgres.
pub async fn step(app: &App) -> Result<usize> {
    let (today, now) = (app.clock.business_date(), app.clock.now());
    let mut tx = app.db.begin().await?;
    let rules = agreement::store::rules(&mut *tx).await?;
    let due_on = rules.business_days_here(&app.policies.book).after(today, DAYS);
    let nobodys = differences::nobodys(&mut tx, AT_ONCE).await?;
    for one in &nobodys {
        let task = NewTask {
            account: one.account,
            kind: task::Kind::Reconcile,
            owner: Owner::Department(SUPERVISION.to_owned()),
            subject: format!("Difference of {} ({})", one.amount, one.kind.as_str().replace('_', " ")),
            due_on,
            priority: Priority::Normal,
            source: Some(source(one.id)),
            by: None,
        };
        task::open(&mut tx, &task, now).await?;
    }
    let ended = differences::ended(&mut tx, AT_ONCE).await?;
    for one in &ended {
        task::close_of(&mut tx, source(one.id), task::State::Done, &one.note, one.by, now).await?;
    }
    tx.commit().await?;
    Ok(nobodys.len() + ended.len())
}

fn source(id: DifferenceId) -> task::Source {
    task::Source { kind: task::SourceKind::Difference, id: id.0 }
}
