//! What people do with plans.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::json;
use sqlx::{PgConnection, Postgres, Transaction};
use utoipa::ToSchema;

use super::{Due, Event, Plan, PlanTaken, Status, Under, letter, promise_parts, schedule, source, store, take};
use crate::{
    account::{self, Account},
    agent::{Principal, Role},
    agreement::{self, Basis, Rules},
    app::App,
    business_day::BusinessDays,
    campaign::Limits,
    error::{Error, Result},
    ids::{AccountId, PlanId},
    ledger::{self, OpenItem},
    outbox::{self, Effect},
    promise::{self, Promise, evaluate::CancelReason},
    task,
};

/// What a plan would look like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = PlanPreview)]
pub struct Preview {
    /// Down payment and instalments.
    pub parts: Vec<Due>,
    /// The role whose limits it needs; yours, if you may agree to it.
    pub needs: Role,
    /// Why it needs more than your limits.
    pub why: Option<String>,
}

/// A plan with everything about it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PlanInFull)]
pub struct InFull {
    /// The plan.
    pub plan: Plan,
    /// Its instalments as promises, newest first.
    pub promises: Vec<Promise>,
    /// What happened to it, oldest first.
    pub events: Vec<Event>,
}

/// What has to be known of an account to agree a plan with it; its row is locked.
struct Ground {
    row: Account,
    open_items: Vec<OpenItem>,
    collectible_minor: i64,
    rules: Rules,
    days: BusinessDays,
    limits: Limits,
}

impl Ground {
    async fn of(app: &App, conn: &mut PgConnection, account: AccountId) -> Result<Self> {
        crate::disposition::store::lock_account(conn, account).await?;
        let row = account::store::get(conn, account).await?;
        let rules = agreement::store::rules(&mut *conn).await?;
        Ok(Self {
            open_items: ledger::store::open_items(conn, account).await?,
            collectible_minor: ledger::store::figures(conn, account).await?.map_or(0, |f| f.collectible.minor),
            days: rules.business_days_of(&app.policies.book, &row),
            rules,
            row,
            limits: Limits::default(),
        })
    }

    fn basis<'a>(&'a self, by: &'a Principal) -> Basis<'a> {
        Basis {
            account: self.row.id,
            call: None,
            by,
            currency: self.row.currency,
            open_items: &self.open_items,
            collectible_minor: self.collectible_minor,
            limits: &self.limits,
            rules: &self.rules,
            days: &self.days,
        }
    }
}

/// Works out a plan and agrees to nothing.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`] naming the field, also for what nobody may agree to.
pub async fn preview(app: &App, by: &Principal, account: AccountId, taken: &PlanTaken) -> Result<Preview> {
    let today = app.clock.business_date();
    let mut conn = app.db.acquire().await?;
    let ground = Ground::of(app, &mut conn, account).await?;
    super::covered(&ground.basis(by), taken)?;
    let parts = schedule::schedule(taken, &ground.days, today)?;
    let roles = [Role::Agent, Role::Supervisor, Role::Admin].into_iter().filter(|role| *role >= by.role);
    let (mut why, mut last) = (None, None);
    for role in roles {
        let authority = ground.rules.authority.of(role).ok_or(Error::Forbidden)?;
        match authority.allow_plan(taken, &parts, today) {
            Ok(()) => return Ok(Preview { parts, needs: role, why }),
            Err(refused) => {
                why = why.or_else(|| Some(refused.to_string()));
                last = Some(refused);
            }
        }
    }
    Err(last.unwrap_or(Error::Forbidden))
}

/// Agrees a plan otherwise than on a call; see [`super::take`].
///
/// # Errors
/// As [`super::take`]; [`Error::NotFound`].
pub async fn agree(app: &App, by: &Principal, account: AccountId, taken: &PlanTaken) -> Result<(PlanId, Status)> {
    let (today, now) = (app.clock.business_date(), app.clock.now());
    let mut tx = app.db.begin().await?;
    let ground = Ground::of(app, &mut tx, account).await?;
    let agreed = take(&mut tx, &ground.basis(by), taken, today, now).await?;
    finish(app, tx, account, now).await?;
    Ok(agreed)
}

/// The account's plans, newest first; at most 50.
///
/// # Errors
/// [`Error::NotFound`] without the account.
pub async fn of_account(app: &App, account: AccountId) -> Result<Vec<Plan>> {
    let mut conn = app.db.acquire().await?;
    account::store::get(&mut conn, account).await?;
    store::list(&mut conn, account).await
}

/// A plan with everything about it.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn read(app: &App, id: PlanId) -> Result<InFull> {
    let mut conn = app.db.acquire().await?;
    let plan = store::get(&mut conn, id).await?.ok_or(Error::NotFound("plan"))?;
    let promises = promise::of_plan(&mut conn, plan.account, id).await?;
    Ok(InFull { events: store::events(&mut conn, id).await?, promises, plan })
}

/// Agrees to a plan that somebody else has proposed: its instalments are promised now.
///
/// # Errors
/// [`Error::Forbidden`] for whoever proposed it, and if your limits do not reach; [`Error::Conflict`] if it is not proposed;
/// [`Error::Invalid`] if its days are over or what it settles is not owed any more.
pub async fn approve(app: &App, by: &Principal, id: PlanId) -> Result<()> {
    by.must_be(Role::Supervisor)?;
    let (today, now) = (app.clock.business_date(), app.clock.now());
    let (mut tx, plan, ground) = open(app, id, &[Status::Proposed]).await?;
    if plan.taken_by == by.user {
        return Err(Error::Forbidden);
    }
    let basis = ground.basis(by);
    let items = super::covered(&basis, &plan.terms)?;
    let parts = schedule::schedule(&plan.terms, &ground.days, today)?;
    ground.rules.authority.of(by.role).ok_or(Error::Forbidden)?.allow_plan(&plan.terms, &parts, today)?;
    store::approve(&mut tx, id, &parts, by).await?;
    let under = Under { role: by.role, approved_by: Some(by.user) };
    promise_parts(&mut tx, &basis, id, &parts, &items, under, today, now).await?;
    changed(&mut tx, by, &plan, Status::Active, "approved", now).await?;
    let agreed = store::get(&mut tx, id).await?.ok_or(Error::NotFound("plan"))?;
    letter::confirm(&mut tx, &agreed, by.user, today, now).await?;
    finish(app, tx, plan.account, now).await
}

/// Refuses a plan that was proposed, with a note of at most 4000 characters why.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`], [`Error::Conflict`].
pub async fn refuse(app: &App, by: &Principal, id: PlanId, note: &str) -> Result<()> {
    by.must_be(Role::Supervisor)?;
    let now = app.clock.now();
    let (mut tx, plan, _) = open(app, id, &[Status::Proposed]).await?;
    changed(&mut tx, by, &plan, Status::Refused, note, now).await?;
    finish(app, tx, plan.account, now).await
}

/// Ends a plan: what is outstanding of it is due again.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`], [`Error::Conflict`] if it has ended.
pub async fn end(app: &App, by: &Principal, id: PlanId, note: &str) -> Result<()> {
    by.must_be(Role::Supervisor)?;
    let (today, now) = (app.clock.business_date(), app.clock.now());
    let (mut tx, plan, _) = open(app, id, &[Status::Proposed, Status::Active, Status::Held]).await?;
    promise::end_plan(&mut tx, id, CancelReason::PlanEnded, Some(by.user), today, now).await?;
    changed(&mut tx, by, &plan, Status::Cancelled, note, now).await?;
    finish(app, tx, plan.account, now).await
}

/// Goes on with a plan whose later instalments wait: they are promised anew, and what is missing is added to the last one.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`], [`Error::Conflict`] if it does not wait or no instalment is left.
pub async fn resume(app: &App, by: &Principal, id: PlanId, note: &str) -> Result<()> {
    by.must_be(Role::Supervisor)?;
    let (today, now) = (app.clock.business_date(), app.clock.now());
    let (mut tx, plan, ground) = open(app, id, &[Status::Held]).await?;
    let missing = store::missing(&mut tx, id).await?;
    let left = promise::end_plan(&mut tx, id, CancelReason::Replaced, Some(by.user), today, now).await?;
    let mut parts = ahead(&left, &ground.days, today);
    let Some(last) = parts.last_mut() else {
        return Err(Error::Conflict("no instalment is left: end the plan".to_owned()));
    };
    last.amount_minor += missing;
    let items = store::items(&mut tx, id).await?;
    store::resumed(&mut tx, id, now).await?;
    let under = Under { role: by.role, approved_by: None };
    let basis = ground.basis(by);
    promise_parts(&mut tx, &basis, id, &parts, &items, under, today, now).await?;
    changed(&mut tx, by, &plan, Status::Active, note, now).await?;
    finish(app, tx, plan.account, now).await
}

/// What is outstanding, none of it in the past, on days that rise strictly.
fn ahead(left: &[(NaiveDate, i64)], days: &BusinessDays, today: NaiveDate) -> Vec<Due> {
    let mut parts: Vec<Due> = Vec::with_capacity(left.len());
    for (due_on, amount_minor) in left.iter().filter(|(_, minor)| *minor > 0) {
        let earliest = parts.last().map_or(today, |before| before.due_on + chrono::Days::new(1));
        parts.push(Due { due_on: days.roll((*due_on).max(earliest)), amount_minor: *amount_minor });
    }
    parts
}

/// The plan and its account, locked, if it is in one of these states.
async fn open(app: &App, id: PlanId, states: &[Status]) -> Result<(Transaction<'static, Postgres>, Plan, Ground)> {
    let mut tx = app.db.begin().await?;
    let account = store::get(&mut tx, id).await?.ok_or(Error::NotFound("plan"))?.account;
    let ground = Ground::of(app, &mut tx, account).await?;
    promise::settle(&mut tx, account, app.clock.business_date(), app.clock.now()).await?;
    let plan = store::get(&mut tx, id).await?.ok_or(Error::NotFound("plan"))?;
    if states.contains(&plan.status) {
        Ok((tx, plan, ground))
    } else {
        Err(Error::Conflict(format!("this plan is {}", plan.status.as_str())))
    }
}

async fn changed(
    conn: &mut PgConnection,
    by: &Principal,
    plan: &Plan,
    status: Status,
    note: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    if note.chars().count() > 4000 {
        return Err(Error::invalid("note", "at most 4000 characters"));
    }
    store::set_status(conn, plan.id, status, now).await?;
    store::note(conn, plan.id, status.as_str(), note.trim(), Some(by.user), now).await?;
    task::close_of(conn, source(plan.id), task::State::Done, note.trim(), Some(by.user), now).await?;
    let detail = json!({ "plan": plan.id, "status": status });
    account::store::audit(conn, by.user, "plan", plan.account, detail, now).await
}

/// Figures and places in the queues follow, and the transaction is committed.
async fn finish(app: &App, mut tx: Transaction<'_, Postgres>, account: AccountId, now: DateTime<Utc>) -> Result<()> {
    ledger::store::refresh_standing(&mut tx, &[account], now).await?;
    outbox::enqueue(&mut tx, &[Effect::Requeue { account }], now).await?;
    tx.commit().await?;
    app.outbox.ring();
    Ok(())
}
