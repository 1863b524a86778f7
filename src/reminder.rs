//! Reminders of what is due, or soon will be: ladders of steps by segment, climbed by accounts.
//!
//! [`claim`] works out what may be asked for, [`ladder`] which step is due today, both pure and with their reasons. [`run`]
//! takes the steps: each account in a transaction of its own, decided on what is so in that moment.

pub mod claim;
pub mod ladder;
pub mod run;
pub mod store;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Notify;
use utoipa::ToSchema;
use uuid::Uuid;

use self::ladder::Ladder;
use crate::{
    account,
    app::App,
    error::{Error, Result},
    ids::{AccountId, InvoiceId, UserId},
    lifecycle::Lifecycle,
    worker,
};

/// A ladder with its place among the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ReminderLadder)]
pub struct Listed {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// An account climbs the first active ladder whose segment has it.
    pub position: i16,
    /// Whether it is climbed at all.
    pub active: bool,
    /// Segment, steps, limits.
    pub ladder: Ladder,
    /// When it was changed.
    pub changed_at: DateTime<Utc>,
}

/// A ladder to keep, in place of the one of its name.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewReminderLadder)]
pub struct NewLadder {
    /// 1 to 64 characters.
    pub name: String,
    /// An account climbs the first active ladder whose segment has it; 0 to 999.
    pub position: i16,
    /// Whether it is climbed at all.
    pub active: bool,
    /// Segment, steps, limits.
    pub ladder: Ladder,
}

/// A stop to set.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewReminderStop)]
pub struct NewStop {
    /// The invoice; absent: the whole account.
    #[serde(default)]
    pub invoice: Option<InvoiceId>,
    /// Why, 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    pub reason: String,
    /// The last day on which it is stopped; absent: until it is lifted.
    #[serde(default)]
    pub until_on: Option<NaiveDate>,
}

/// A stop, standing or over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ReminderStop)]
pub struct Stop {
    /// Its id.
    pub id: Uuid,
    /// Number of the invoice; `null`: the whole account.
    pub invoice: Option<String>,
    /// Why.
    pub reason: String,
    /// The last day on which it is stopped.
    pub until_on: Option<NaiveDate>,
    /// Name of who set it.
    pub by: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// When it was lifted.
    pub lifted_at: Option<DateTime<Utc>>,
    /// By whom.
    pub lifted_by: Option<String>,
}

/// Keeps a ladder.
///
/// # Errors
/// [`Error::Invalid`] naming the field; [`Error::NotFound`] for a template that there is not.
pub async fn keep(app: &App, by: UserId, new: &NewLadder) -> Result<Uuid> {
    if !(1..=64).contains(&new.name.trim().chars().count()) {
        return Err(Error::invalid("name", "1 to 64 characters"));
    }
    if !(0..=999).contains(&new.position) {
        return Err(Error::invalid("position", "0 to 999"));
    }
    if let Some((field, detail)) = new.ladder.fault() {
        return Err(Error::invalid(format!("ladder.{field}"), detail));
    }
    let mut tx = app.db.begin().await?;
    let now = app.clock.now();
    for step in &new.ladder.steps {
        if let Some(template) = &step.template {
            crate::message::store::newest_template(&mut tx, template, None).await?;
        }
    }
    let id = store::keep_ladder(&mut tx, by, new, now).await?;
    let detail = json!({ "name": new.name, "active": new.active, "ladder": new.ladder });
    account::store::audit_of(&mut tx, by, "ladder", ("ladder", &id.to_string()), detail, now).await?;
    tx.commit().await?;
    Ok(id)
}

/// Stops or pauses the reminders of an account or an invoice.
///
/// # Errors
/// [`Error::Invalid`] naming the field; [`Error::NotFound`] without the account, or the invoice at it.
pub async fn stop(app: &App, by: UserId, account: AccountId, new: &NewStop) -> Result<Uuid> {
    if !(1..=200).contains(&new.reason.trim().chars().count()) {
        return Err(Error::invalid("reason", "1 to 200 characters"));
    }
    if new.until_on.is_some_and(|day| day < app.clock.business_date()) {
        return Err(Error::invalid("until_on", "today or later"));
    }
    let mut tx = app.db.begin().await?;
    let now = app.clock.now();
    account::store::get(&mut tx, account).await?;
    let id = store::add_stop(&mut tx, by, account, new, now).await?;
    account::store::audit(&mut tx, by, "stop_reminders", account, json!({ "stop": id }), now).await?;
    tx.commit().await?;
    Ok(id)
}

/// Lifts a stop.
///
/// # Errors
/// [`Error::NotFound`] if it does not stand.
pub async fn lift(app: &App, by: UserId, stop: Uuid) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let now = app.clock.now();
    let account = store::lift_stop(&mut tx, by, stop, now).await?;
    account::store::audit(&mut tx, by, "lift_stop", account, json!({ "stop": stop }), now).await?;
    Ok(tx.commit().await?)
}

/// Starts the loop that takes the steps.
pub fn spawn(app: &App, lifecycle: &Lifecycle) {
    let app = app.clone();
    let wake = Arc::<Notify>::default();
    let again = Arc::clone(&wake);
    worker::spawn(lifecycle, "reminders", Duration::from_mins(10), wake, move || {
        let (app, again) = (app.clone(), Arc::clone(&again));
        async move {
            let ran = run::step(&app).await?;
            if ran.sent + ran.proposed > 0 {
                tracing::info!(ran.looked, ran.sent, ran.proposed, ran.failed, "reminders");
            }
            if ran.more {
                again.notify_one();
            }
            Ok(())
        }
    });
}
