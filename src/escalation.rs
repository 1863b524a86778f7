//! Escalations: an account goes to somebody higher up, which gets a task; what that does to calls is done by a hold, so that
//! the queue and the last look obey.

pub mod ladder;
mod store;
pub mod watch;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::json;
use sqlx::PgConnection;
use utoipa::ToSchema;

use self::ladder::{Contact, Level};
use crate::{
    account::{self, HoldReason, NewHold},
    agent::{Principal, Role},
    agreement::{self, Rules},
    app::App,
    business_day::BusinessDays,
    compliance::PermitRequest,
    disposition,
    error::{Error, Result},
    ids::{AccountId, CallId, EscalationId, UserId},
    lifecycle::Lifecycle,
    outbox::{self, Effect},
    queue::Hold,
    task::{self, NewTask, Owner, Priority},
    worker,
};

/// An escalation as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Escalation {
    /// Its id.
    pub id: EscalationId,
    /// Code of the level.
    pub level: String,
    /// What it does to calls.
    pub contact: Contact,
    /// `by_hand`, or the kind of the trigger.
    pub cause: String,
    /// Why.
    pub reason: String,
    /// Name of who did it; `null`: the service.
    pub by: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// When it went up or back down.
    pub ended_at: Option<DateTime<Utc>>,
    /// Name of who ended it.
    pub ended_by: Option<String>,
    /// `raised`, or why it went back down.
    pub end_reason: Option<String>,
}

/// An escalation to make.
struct Raise<'a> {
    account: AccountId,
    level: &'a Level,
    cause: &'a str,
    reason: &'a str,
    by: Option<UserId>,
    call: Option<CallId>,
}

/// Puts an account on a level: the one before ends, its hold with it, the new one's hold and task are made. The caller has
/// the account's row locked.
async fn raise(
    conn: &mut PgConnection,
    new: &Raise<'_>,
    rules: &Rules,
    days: &BusinessDays,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<EscalationId> {
    end(conn, new.account, "raised", new.by, now).await?;
    let hold = match new.level.contact {
        Contact::Keeps => None,
        Contact::SupervisorOnly | Contact::Stops => {
            let note = format!("{}: {}", new.level.name, new.reason);
            let hold = NewHold { reason: HoldReason::Escalated, note, until_at: None, call: new.call };
            Some(account::store::place_hold(conn, new.account, &hold, new.by, now).await?)
        }
    };
    let id = store::insert(conn, new, hold, now).await?;
    let answer_days = rules.department(&new.level.department).map_or(2, |department| department.answer_days);
    let task = NewTask {
        account: Some(new.account),
        kind: task::Kind::FollowUp,
        owner: Owner::Department(new.level.department.clone()),
        subject: format!("Escalated to {}: {}", new.level.name, new.reason),
        due_on: days.after(today, answer_days),
        priority: Priority::High,
        source: Some(source(id)),
        by: new.by,
    };
    task::open(conn, &task, now).await?;
    outbox::enqueue(conn, &[Effect::Requeue { account: new.account }], now).await?;
    Ok(id)
}

/// Ends the escalation that stands, with its hold and its task. False: none stands.
async fn end(
    conn: &mut PgConnection,
    account: AccountId,
    reason: &str,
    by: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<bool> {
    let Some((id, hold)) = store::end(conn, account, reason, by, now).await? else { return Ok(false) };
    if let Some(hold) = hold {
        store::release(conn, hold, by, now).await?;
    }
    task::close_of(conn, source(id), task::State::Cancelled, reason, by, now).await?;
    outbox::enqueue(conn, &[Effect::Requeue { account }], now).await?;
    Ok(true)
}

fn source(id: EscalationId) -> task::Source {
    task::Source { kind: task::SourceKind::Escalation, id: id.0 }
}

/// A call that was recorded.
pub(crate) struct Recorded<'a> {
    /// With whom.
    pub account: AccountId,
    /// The call.
    pub call: CallId,
    /// Code and label of its disposition.
    pub disposition: (&'a str, &'a str),
    /// The disposition hands the account over.
    pub hand_over: bool,
    /// Who recorded it.
    pub by: UserId,
    /// The ladder.
    pub rules: &'a Rules,
    /// The house's business days.
    pub days: &'a BusinessDays,
}

/// Hands an account over to the next level, because an agent recorded a call so; where the disposition leads to a higher level of
/// its own, to that. On the highest it stays, and whoever has the task is told.
///
/// # Errors
/// Those of Postgres.
pub(crate) async fn recorded(
    conn: &mut PgConnection,
    told: &Recorded<'_>,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<()> {
    let Recorded { account, call, disposition: (code, label), hand_over, by, rules, days } = *told;
    let mut facts = store::facts(conn, account, rules.escalation.quiet_days, today, now).await?;
    facts.disposition = Some(code.to_owned());
    let reached = rules.escalation.reached(&facts);
    let next = rules.escalation.next_above(facts.at.as_deref()).filter(|_| hand_over);
    let Some(level) = reached.map(|(level, _)| level).or(next) else {
        if let (true, Some(stands)) = (hand_over, store::standing(conn, account).await?) {
            task::remark(conn, source(stands), &format!("Recorded again: {label}"), by, now).await?;
        }
        return Ok(());
    };
    let reason = reached.map_or_else(|| label.to_owned(), |(_, when)| when.reason());
    let cause = reached.map_or("by_hand", |(_, when)| when.cause());
    let new = Raise { account, level, cause, reason: &reason, by: Some(by), call: Some(call) };
    raise(conn, &new, rules, days, today, now).await.map(drop)
}

/// Puts an account on a level by hand, with a reason of 1 to 1000 characters. Callers raise, supervisors also lower.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`]; [`Error::Forbidden`] if a caller would lower it; [`Error::Conflict`] if it is
/// there already.
pub async fn by_hand(app: &App, by: &Principal, account: AccountId, level: &str, reason: &str) -> Result<EscalationId> {
    let (today, now) = (app.clock.business_date(), app.clock.now());
    let reason = said(reason)?;
    let mut tx = app.db.begin().await?;
    disposition::store::lock_account(&mut tx, account).await?;
    account::store::get(&mut tx, account).await?;
    let rules = agreement::store::rules(&mut *tx).await?;
    let Some(wanted) = rules.escalation.level(level) else {
        let codes: Vec<&str> = rules.escalation.levels.iter().map(|level| level.code.as_str()).collect();
        return Err(Error::invalid("level", format!("one of {}", codes.join(", "))));
    };
    let at = store::facts(&mut tx, account, rules.escalation.quiet_days, today, now).await?.at;
    if at.as_deref() == Some(level) {
        return Err(Error::Conflict("the account is on this level".to_owned()));
    }
    if !rules.escalation.is_above(level, at.as_deref()) {
        by.must_be(Role::Supervisor)?;
    }
    let days = rules.business_days_here(&app.policies.book);
    let new = Raise { account, level: wanted, cause: "by_hand", reason, by: Some(by.user), call: None };
    let id = raise(&mut tx, &new, &rules, &days, today, now).await?;
    account::store::audit(&mut tx, by.user, "escalate", account, json!({ "level": level }), now).await?;
    tx.commit().await?;
    app.outbox.ring();
    Ok(id)
}

/// Takes an account back down, with a reason of 1 to 1000 characters: callers look after it again.
///
/// # Errors
/// [`Error::Forbidden`] but for supervisors; [`Error::Conflict`] if it is on no level; [`Error::Invalid`].
pub async fn back_down(app: &App, by: &Principal, account: AccountId, reason: &str) -> Result<()> {
    by.must_be(Role::Supervisor)?;
    let now = app.clock.now();
    let reason = said(reason)?;
    let mut tx = app.db.begin().await?;
    disposition::store::lock_account(&mut tx, account).await?;
    if !end(&mut tx, account, reason, Some(by.user), now).await? {
        return Err(Error::Conflict("the account is not escalated".to_owned()));
    }
    account::store::audit(&mut tx, by.user, "back_down", account, json!({}), now).await?;
    tx.commit().await?;
    app.outbox.ring();
    Ok(())
}

/// The account's escalations, newest first; at most 100.
///
/// # Errors
/// [`Error::NotFound`] without the account.
pub async fn of_account(app: &App, account: AccountId) -> Result<Vec<Escalation>> {
    let mut conn = app.db.acquire().await?;
    account::store::get(&mut conn, account).await?;
    store::list(&mut conn, account).await
}

/// Before the last look at a call by hand: a level that lets supervisors call does not hold a supervisor's call.
///
/// # Errors
/// Those of Postgres.
pub(crate) async fn let_supervisor_call(
    conn: &mut PgConnection,
    request: &mut PermitRequest,
    caller: UserId,
) -> Result<()> {
    let escalated = matches!(request.hold, Some((Hold::Escalated, _)));
    if escalated && store::supervisor_may_call(conn, request.account, caller).await? {
        request.hold = None;
    }
    Ok(())
}

fn said(reason: &str) -> Result<&str> {
    let reason = reason.trim();
    if (1..=1000).contains(&reason.chars().count()) {
        Ok(reason)
    } else {
        Err(Error::invalid("reason", "1 to 1000 characters"))
    }
}

/// Starts the loop that looks for accounts that have reached a level.
pub fn spawn(app: &App, lifecycle: &Lifecycle) {
    let app = app.clone();
    worker::spawn(lifecycle, "escalations", Duration::from_mins(5), Arc::default(), move || {
        let app = app.clone();
        async move { watch::step(&app).await.map(drop) }
    });
}
