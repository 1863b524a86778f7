//! Brings a plan up to date with its instalments.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use super::{
    OnBreak, Status,
    judge::{Course, judge},
    source, store,
};
use crate::{
    agreement::{self, SUPERVISION},
    error::Result,
    ids::{AccountId, PlanId},
    promise::{self, evaluate::CancelReason},
    task::{self, NewTask, Owner, Priority},
};

/// Judges the account's plans anew, in the transaction in which their instalments were judged. A break does what was agreed;
/// a payment that is taken back takes the plan back, too. An account has one plan at a time: where another one is in
/// force, a plan that is not fulfilled after all is broken.
///
/// # Errors
/// Those of Postgres.
pub(crate) async fn follow(
    conn: &mut PgConnection,
    account: AccountId,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<()> {
    for plan in store::judged(conn, account).await? {
        let becomes = match (plan.status, judge(&store::instalments(conn, plan.id).await?)) {
            (Status::Active | Status::Fulfilled, Course::Broken) => match plan.on_break {
                OnBreak::HoldRest => Status::Held,
                OnBreak::FullBalance => Status::Broken,
            },
            (Status::Active | Status::Held, Course::Fulfilled) => Status::Fulfilled,
            (Status::Held | Status::Fulfilled, Course::Running) => Status::Active,
            _ => continue,
        };
        let in_force = store::live(conn, account).await?.is_some_and(|live| live != plan.id);
        if in_force && becomes != Status::Fulfilled {
            let note = "a payment came back, and another plan is in force";
            turn(conn, account, plan.id, (Status::Broken, note), today, now).await?;
        } else {
            turn(conn, account, plan.id, (becomes, ""), today, now).await?;
        }
    }
    Ok(())
}

/// Does what goes with a plan's new status.
async fn turn(
    conn: &mut PgConnection,
    account: AccountId,
    plan: PlanId,
    (becomes, note): (Status, &str),
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<()> {
    if becomes == Status::Broken {
        promise::end_plan(conn, plan, CancelReason::PlanEnded, None, today, now).await?;
    }
    if becomes == Status::Held {
        let task = NewTask {
            account: Some(account),
            kind: task::Kind::FollowUp,
            owner: Owner::Department(SUPERVISION.to_owned()),
            subject: "An instalment was not paid: resume the plan, or end it".to_owned(),
            due_on: agreement::store::business_days(conn, account).await?.after(today, 2),
            priority: Priority::High,
            source: Some(source(plan)),
            by: None,
        };
        task::open(conn, &task, now).await?;
    } else {
        task::close_of(conn, source(plan), task::State::Cancelled, "", None, now).await?;
    }
    store::set_status(conn, plan, becomes, now).await?;
    store::note(conn, plan, becomes.as_str(), note, None, now).await
}
