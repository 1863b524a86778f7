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
    ids::AccountId,
    promise::{self, evaluate::CancelReason},
    task::{self, NewTask, Owner, Priority},
};

/// Judges the account's plan anew, in the transaction in which its instalments were judged. A break does what was agreed;
/// a payment that is taken back takes the plan back, too.
///
/// # Errors
/// Those of Postgres.
pub(crate) async fn follow(
    conn: &mut PgConnection,
    account: AccountId,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<()> {
    let Some(plan) = store::judged(conn, account).await? else { return Ok(()) };
    let becomes = match (plan.status, judge(&store::instalments(conn, plan.id).await?)) {
        (Status::Active | Status::Fulfilled, Course::Broken) => match plan.on_break {
            OnBreak::HoldRest => Status::Held,
            OnBreak::FullBalance => Status::Broken,
        },
        (Status::Active | Status::Held, Course::Fulfilled) => Status::Fulfilled,
        (Status::Held | Status::Fulfilled, Course::Running) => Status::Active,
        _ => return Ok(()),
    };
    if becomes == Status::Broken {
        promise::end_plan(conn, plan.id, CancelReason::PlanEnded, None, today, now).await?;
    }
    if becomes == Status::Held {
        let task = NewTask {
            account: Some(account),
            kind: task::Kind::FollowUp,
            owner: Owner::Department(SUPERVISION.to_owned()),
            subject: "An instalment was not paid: resume the plan, or end it".to_owned(),
            due_on: agreement::store::business_days(conn, account).await?.after(today, 2),
            priority: Priority::High,
            source: Some(source(plan.id)),
            by: None,
        };
        task::open(conn, &task, now).await?;
    } else {
        task::close_of(conn, source(plan.id), task::State::Cancelled, "", None, now).await?;
    }
    store::set_status(conn, plan.id, becomes, now).await?;
    store::note(conn, plan.id, becomes.as_str(), "", None, now).await
}
