//! Moves overdue tasks up.

use super::{ladder, store};
use crate::{agreement, app::App, error::Result};

/// Tasks looked at in one step.
const BATCH: i64 = 200;

/// Gives overdue tasks, at most 200, to the next department of the ladder. Gives how many.
///
/// # Errors
/// Those of Postgres.
pub async fn step(app: &App) -> Result<usize> {
    let (now, today) = (app.clock.now(), app.clock.business_date());
    let rules = agreement::store::rules(&app.db).await?;
    let days = rules.business_days_here(&app.policies.book);
    let below_the_top = rules.departments.iter().filter(|department| department.moves_up_to.is_some());
    let codes: Vec<String> = below_the_top.map(|department| department.code.clone()).collect();
    let mut tx = app.db.begin().await?;
    let overdue = store::overdue(&mut tx, &codes, today, BATCH).await?;
    for late in &overdue {
        if let Some(up) = ladder::up(&rules, &late.department, late.priority, today, &days) {
            store::move_up(&mut tx, late.id, &up, now).await?;
        }
    }
    tx.commit().await?;
    Ok(overdue.len())
}
