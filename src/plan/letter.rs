//! What is written to the debtor about a plan, by e-mail.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Map, Value, json};
use sqlx::PgConnection;

use super::{Plan, store, store::Ahead};
use crate::{
    error::{Error, Result},
    ids::{AccountId, UserId},
    message::{self, NewMessage, Purpose},
    money::Money,
    task::{self, NewTask, Owner, Priority},
};

/// Confirms what was agreed; where the debtor cannot be written to by e-mail, a task says so.
pub(super) async fn confirm(
    conn: &mut PgConnection,
    plan: &Plan,
    by: UserId,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<()> {
    let currency = plan.total.currency;
    let parts: Vec<Value> = plan
        .parts
        .iter()
        .map(|part| json!({ "due_on": part.due_on, "amount": Money::new(part.amount_minor, currency).to_string() }))
        .collect();
    let settles = (plan.covers.minor > plan.total.minor).then(|| plan.covers.to_string());
    let facts = json!({ "plan": { "total": plan.total.to_string(), "settles": settles, "parts": parts } });
    if write(conn, plan.account, "plan_agreed", Purpose::Letter, facts, Some(by), today, now).await? {
        return store::note(conn, plan.id, "confirmed", "by e-mail", None, now).await;
    }
    let new = NewTask {
        account: Some(plan.account),
        kind: task::Kind::Write,
        owner: Owner::User(plan.taken_by),
        subject: "Confirm the plan in writing: it cannot be done by e-mail".to_owned(),
        due_on: today + chrono::Days::new(1),
        priority: Priority::High,
        source: Some(super::source(plan.id)),
        by: None,
    };
    task::open(conn, &new, now).await.map(drop)
}

/// Announces an instalment. False: the debtor cannot be written to.
pub(super) async fn reminder(
    conn: &mut PgConnection,
    ahead: &Ahead,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<bool> {
    write(conn, ahead.account, "plan_reminder", Purpose::Reminder, part(ahead), None, today, now).await
}

/// Announces the deposit of a postdated instrument. False: the debtor cannot be written to.
pub(super) async fn notice(
    conn: &mut PgConnection,
    ahead: &Ahead,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<bool> {
    write(conn, ahead.account, "deposit_notice", Purpose::Letter, part(ahead), None, today, now).await
}

fn part(ahead: &Ahead) -> Value {
    json!({ "part": { "due_on": ahead.due_on, "amount": ahead.left.to_string() } })
}

#[expect(clippy::too_many_arguments, reason = "what a letter is made of, and when")]
async fn write(
    conn: &mut PgConnection,
    account: AccountId,
    template: &str,
    purpose: Purpose,
    facts: Value,
    by: Option<UserId>,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<bool> {
    let Some(contact_point) = store::email(conn, account).await? else { return Ok(false) };
    let facts: Map<String, Value> = facts.as_object().cloned().unwrap_or_default();
    let new = NewMessage {
        account,
        contact_point,
        purpose,
        template: template.to_owned(),
        facts,
        attachments: Vec::new(),
        today,
        by,
    };
    match message::send(conn, &new, now).await {
        Ok(_) => Ok(true),
        // The debtor may not be written to.
        Err(Error::Conflict(_)) => Ok(false),
        Err(error) => Err(error),
    }
}
