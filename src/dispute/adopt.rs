//! Disputes that came with a file: they get a department, a day and a task like those that somebody opened here.

use super::{source, store};
use crate::{
    agreement::{self, SUPERVISION},
    app::App,
    error::Result,
    task::{self, NewTask, Owner, Priority},
};

/// Disputes looked at in one step.
const AT_ONCE: i64 = 500;

/// Business days for an answer where neither the reason nor the department is known.
const USUAL_DAYS: u8 = 5;

/// Opens the tasks of disputes that an import has opened, and closes those of disputes that an import has ended; at most 500
/// of each. Gives how many.
///
/// # Errors
/// Those of Postgres.
pub async fn step(app: &App) -> Result<usize> {
    let (today, now) = (app.clock.business_date(), app.clock.now());
    let mut tx = app.db.begin().await?;
    let rules = agreement::store::rules(&mut *tx).await?;
    let days = rules.business_days_here(&app.policies.book);
    let imported = store::imported(&mut tx, AT_ONCE).await?;
    for dispute in &imported {
        let reason = rules.dispute_reason(&dispute.reason);
        let department = rules.department(reason.map_or(&dispute.department, |reason| &reason.department));
        let answer_days = match (reason, department) {
            (Some(reason), _) => reason.answer_days,
            (None, Some(department)) => department.answer_days,
            (None, None) => USUAL_DAYS,
        };
        let department = department.map_or(SUPERVISION, |department| &department.code);
        let due_on = days.after(today, answer_days);
        store::adopt(&mut tx, dispute.id, department, due_on).await?;
        let name = reason.map_or(&dispute.reason, |reason| &reason.name);
        let task = NewTask {
            account: Some(dispute.account),
            kind: task::Kind::Answer,
            owner: Owner::Department(department.to_owned()),
            subject: format!("Dispute of {}: {name}", dispute.amount),
            due_on,
            priority: Priority::Normal,
            source: Some(source(dispute.id)),
            by: None,
        };
        task::open(&mut tx, &task, now).await?;
    }
    let ended = store::ended_elsewhere(&mut tx, AT_ONCE).await?;
    for dispute in &ended {
        task::close_of(&mut tx, source(*dispute), task::State::Cancelled, "settled elsewhere", None, now).await?;
    }
    tx.commit().await?;
    Ok(imported.len() + ended.len())
}
