//! Instalment plans and settlements: a debt paid in parts, or for less. Each instalment is a promise; the plan is judged by
//! what becomes of them.

mod by_hand;
pub mod day;
mod follow;
pub mod judge;
mod letter;
pub mod schedule;
mod store;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

pub(crate) use self::follow::follow;
pub use self::{
    by_hand::{InFull, Preview, agree, approve, end, of_account, preview, read, refuse, resume},
    schedule::{Due, Rhythm},
};
use crate::{
    agent::Role,
    agreement::{Basis, SUPERVISION},
    app::App,
    disposition::PromiseTaken,
    error::{Error, Result},
    ids::{AccountId, InstalmentId, PlanId, UserId},
    ledger::OpenItem,
    lifecycle::Lifecycle,
    money::Money,
    named::named,
    promise,
    task::{self, NewTask, Owner, Priority},
    worker,
};

/// A plan as it was agreed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanTaken {
    /// What will be paid altogether, minor units of the account's currency.
    pub total_minor: i64,
    /// What is settled by that, minor units; absent: the same. More makes it a settlement: the rest is written off when
    /// all of it has been paid.
    #[serde(default)]
    pub covers_minor: Option<i64>,
    /// Paid at the beginning, minor units; 0: nothing.
    #[serde(default)]
    pub down_minor: i64,
    /// When; absent: today.
    #[serde(default)]
    pub down_on: Option<NaiveDate>,
    /// The day of the first instalment; days that are no business days are rolled on.
    pub first_on: NaiveDate,
    /// How often.
    pub rhythm: Rhythm,
    /// How many besides the down payment, 1 to 250. The last one takes what is left over.
    pub instalments: u16,
    /// Items it is for; empty: oldest first.
    #[serde(default)]
    pub items: Vec<InstalmentId>,
    /// Paid by instruments that we hold and deposit on their days: each deposit is announced in writing.
    #[serde(default)]
    pub postdated: bool,
    /// What a break does; absent: what the rules say.
    #[serde(default)]
    pub on_break: Option<OnBreak>,
}

/// What it does to a plan that an instalment is not paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnBreak {
    /// The later instalments wait until somebody resumes or ends the plan.
    HoldRest,
    /// The plan ends, and everything is due again.
    FullBalance,
}

/// Where a plan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PlanStatus)]
pub enum Status {
    /// Waits for somebody whose limits reach.
    Proposed,
    /// Runs.
    Active,
    /// An instalment was not paid; the later ones wait.
    Held,
    /// All of it was paid.
    Fulfilled,
    /// An instalment was not paid, and everything is due again.
    Broken,
    /// Nobody agreed to it.
    Refused,
    /// Ended by a person.
    Cancelled,
}

named!(OnBreak { HoldRest => "hold_rest", FullBalance => "full_balance" });
named!(Status {
    Proposed => "proposed", Active => "active", Held => "held", Fulfilled => "fulfilled", Broken => "broken",
    Refused => "refused", Cancelled => "cancelled",
});

/// A plan as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Plan {
    /// Its id.
    pub id: PlanId,
    /// Whose.
    pub account: AccountId,
    /// Where it is.
    pub status: Status,
    /// What will be paid.
    pub total: Money,
    /// What is settled by that.
    pub covers: Money,
    /// As it was agreed.
    pub terms: PlanTaken,
    /// Down payment and instalments as they were worked out.
    pub parts: Vec<Due>,
    /// What a break does.
    pub on_break: OnBreak,
    /// Who agreed it.
    pub taken_by: UserId,
    /// That person's name.
    pub taken_by_name: String,
    /// When.
    pub taken_at: DateTime<Utc>,
    /// The role whose limits it was agreed under.
    pub limit_role: Option<String>,
    /// Name of who approved it.
    pub approved_by: Option<String>,
    /// The rest of the settlement was written off.
    pub written_off: bool,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
}

/// Something that happened to a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = PlanEvent)]
pub struct Event {
    /// When.
    pub at: DateTime<Utc>,
    /// Name of who did it; `null`: the service.
    pub by: Option<String>,
    /// What: `proposed`, `active`, `held` …
    pub what: String,
    /// What was said.
    pub note: String,
}

/// Agrees a plan. Outside of the limits of whoever agrees it, it is proposed to somebody whose limits reach, and nothing is
/// promised before that one approves it. The caller refreshes the account's standing.
///
/// # Errors
/// [`Error::Invalid`] naming the field, also for what nobody may agree to; [`Error::Conflict`] if the account has a plan.
pub(crate) async fn take(
    conn: &mut PgConnection,
    on: &Basis<'_>,
    taken: &PlanTaken,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<(PlanId, Status)> {
    let items = covered(on, taken)?;
    let parts = schedule::schedule(taken, on.days, today)?;
    let own = on.rules.authority.of(on.by.role).ok_or(Error::Forbidden)?.allow_plan(taken, &parts, today);
    if own.is_err() {
        on.rules.authority.admin.allow_plan(taken, &parts, today)?;
    }
    if store::live(conn, on.account).await?.is_some() {
        return Err(Error::Conflict("the account has a plan: end it first".to_owned()));
    }
    let status = if own.is_ok() { Status::Active } else { Status::Proposed };
    let role = own.is_ok().then_some(on.by.role);
    let id = store::insert(conn, on, taken, &parts, &items, (status, role), now).await?;
    store::note(conn, id, status.as_str(), "", Some(on.by.user), now).await?;
    if status == Status::Proposed {
        ask(conn, on, taken, id, today, now).await?;
    } else {
        let under = Under { role: on.by.role, approved_by: None };
        promise_parts(conn, on, id, &parts, &items, under, today, now).await?;
        let plan = store::get(conn, id).await?.ok_or(Error::NotFound("plan"))?;
        letter::confirm(conn, &plan, on.by.user, today, now).await?;
    }
    Ok((id, status))
}

/// Under whose limits a plan is agreed.
#[derive(Clone, Copy)]
struct Under {
    role: Role,
    approved_by: Option<UserId>,
}

/// Each part becomes a promise; the account's open promises are replaced.
#[expect(clippy::too_many_arguments, reason = "what was agreed, what came of it, and when")]
async fn promise_parts(
    conn: &mut PgConnection,
    on: &Basis<'_>,
    plan: PlanId,
    parts: &[Due],
    items: &[InstalmentId],
    under: Under,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<()> {
    let taken = parts.iter().map(|part| PromiseTaken {
        amount_minor: part.amount_minor,
        due_on: part.due_on,
        items: items.to_vec(),
        besides: true,
    });
    let taken: Vec<PromiseTaken> = taken.collect();
    promise::take_plan(conn, on, &taken, plan, (under.role, under.approved_by), today, now).await
}

/// Which items a plan is for: the named ones, else the oldest that it reaches. What it settles is owed.
fn covered(on: &Basis<'_>, taken: &PlanTaken) -> Result<Vec<InstalmentId>> {
    let covers = taken.covers_minor.unwrap_or(taken.total_minor);
    let named = &taken.items;
    let known = |id: &InstalmentId| on.open_items.iter().any(|item| item.instalment == *id);
    if let Some(foreign) = named.iter().find(|id| !known(id)) {
        return Err(Error::invalid("plan.items", format!("{foreign} is no open item of the account")));
    }
    let of_plan = |item: &&OpenItem| named.is_empty() || named.contains(&item.instalment);
    let undisputed = |item: &OpenItem| item.open.minor - item.disputed.minor;
    let most = on.open_items.iter().filter(of_plan).map(undisputed).sum::<i64>().min(on.collectible_minor);
    if taken.total_minor < 1 || taken.total_minor > covers {
        return Err(Error::invalid("plan.total_minor", format!("1 to {} minor units", covers.max(1))));
    }
    if covers > most {
        let field = if taken.covers_minor.is_some() { "plan.covers_minor" } else { "plan.total_minor" };
        return Err(Error::invalid(field, format!("at most {most} minor units, which may be asked for")));
    }
    let mut left = covers;
    let reached = on.open_items.iter().filter(of_plan).filter(|item| undisputed(item) > 0).take_while(|item| {
        let reached = left > 0;
        left -= undisputed(item);
        reached
    });
    Ok(reached.map(|item| item.instalment).collect())
}

/// A task for somebody whose limits reach.
async fn ask(
    conn: &mut PgConnection,
    on: &Basis<'_>,
    taken: &PlanTaken,
    plan: PlanId,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<()> {
    let total = Money::new(taken.total_minor, on.currency);
    let subject = match taken.covers_minor {
        Some(covers) if covers > taken.total_minor => {
            format!("May {} be settled for {total}?", Money::new(covers, on.currency))
        }
        _ => format!("May {total} be paid in {} instalments?", taken.instalments),
    };
    let task = NewTask {
        account: Some(on.account),
        kind: task::Kind::Approve,
        owner: Owner::Department(SUPERVISION.to_owned()),
        subject,
        due_on: on.days.roll(today),
        priority: Priority::Urgent,
        source: Some(source(plan)),
        by: Some(on.by.user),
    };
    task::open(conn, &task, now).await.map(drop)
}

fn source(plan: PlanId) -> task::Source {
    task::Source { kind: task::SourceKind::Plan, id: plan.0 }
}

/// Starts the loop that announces instalments and closes settlements.
pub fn spawn(app: &App, lifecycle: &Lifecycle) {
    let app = app.clone();
    worker::spawn(lifecycle, "plans", Duration::from_mins(1), Arc::default(), move || {
        let app = app.clone();
        async move { day::step(&app).await.map(drop) }
    });
}
