//! What people do with promises apart from a call.

use chrono::{NaiveDate, TimeDelta};
use serde_json::json;
use sqlx::PgConnection;

use super::{Promise, evaluate::CancelReason, settle, store, take};
use crate::{
    account,
    agent::{Principal, Role},
    agreement::{self, Basis, authority::Wanted},
    app::App,
    campaign::Limits,
    disposition::{self, PromiseTaken},
    error::{Error, Result},
    ids::{AccountId, PlanId, PromiseId},
    ledger,
    outbox::{self, Effect},
};

/// Takes an open promise back, for a reason. One whose time is over was broken, and cannot be.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Conflict`] if it is not open; [`Error::Forbidden`] for a mistake, unless by a supervisor.
pub async fn cancel(app: &App, by: &Principal, promise: PromiseId, reason: CancelReason) -> Result<()> {
    let (today, now) = (app.clock.business_date(), app.clock.now());
    by.must_be(if reason == CancelReason::Withdrawn { Role::Agent } else { Role::Supervisor })?;
    let mut tx = app.db.begin().await?;
    let (account, of_plan) = store::account_of(&mut tx, promise).await?.ok_or(Error::NotFound("promise"))?;
    if of_plan {
        return Err(Error::Conflict("this is an instalment of a plan: end the plan".to_owned()));
    }
    store::lock_account(&mut tx, account).await?;
    settle(&mut tx, account, today, now).await?;
    if !store::cancel(&mut tx, promise, reason, Some(by.user), today, now).await? {
        return Err(Error::Conflict("only an open promise can be cancelled".to_owned()));
    }
    ledger::store::refresh_standing(&mut tx, &[account], now).await?;
    outbox::enqueue(&mut tx, &[Effect::Requeue { account }], now).await?;
    tx.commit().await?;
    app.outbox.ring();
    Ok(())
}

/// How long an approval lasts.
const APPROVED_FOR: TimeDelta = TimeDelta::hours(24);

/// Allows one promise on an account that is outside of a caller's limits, within those of `by`: at least so much, by that
/// day at the latest. It lasts for a day. Whether it stands besides others is known when it is taken, and asked then.
///
/// # Errors
/// [`Error::Invalid`] if it is outside of the limits of `by`; [`Error::Forbidden`], [`Error::NotFound`].
pub async fn approve(
    app: &App,
    by: &Principal,
    account: AccountId,
    least_minor: i64,
    last_due_on: NaiveDate,
) -> Result<()> {
    by.must_be(Role::Supervisor)?;
    let (today, now) = (app.clock.business_date(), app.clock.now());
    let mut tx = app.db.begin().await?;
    account::store::get(&mut tx, account).await?;
    let rules = agreement::store::rules(&mut *tx).await?;
    let collectible_minor = ledger::store::figures(&mut tx, account).await?.map_or(0, |f| f.collectible.minor);
    let wanted = Wanted { amount_minor: least_minor, due_on: last_due_on, besides: 0, collectible_minor };
    rules.authority.of(by.role).ok_or(Error::Forbidden)?.promise.allow(&wanted, today)?;
    store::approve(&mut tx, account, &wanted, by, now, now + APPROVED_FOR).await?;
    let detail = json!({ "least_minor": least_minor, "last_due_on": last_due_on, "limit_of": by.role });
    account::store::audit(&mut tx, by.user, "approve_promise", account, detail, now).await?;
    Ok(tx.commit().await?)
}

/// Takes a promise that was given otherwise than on a call: in a letter, at the door.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`] naming the field.
pub async fn take_by_hand(app: &App, by: &Principal, account: AccountId, taken: &PromiseTaken) -> Result<PromiseId> {
    let (today, now) = (app.clock.business_date(), app.clock.now());
    let mut tx = app.db.begin().await?;
    store::lock_account(&mut tx, account).await?;
    let row = account::store::get(&mut tx, account).await?;
    let open_items = ledger::store::open_items(&mut tx, account).await?;
    let collectible_minor = ledger::store::figures(&mut tx, account).await?.map_or(0, |f| f.collectible.minor);
    disposition::check_promise(taken, &open_items, collectible_minor, today)?;
    let rules = agreement::store::rules(&mut *tx).await?;
    let on = Basis {
        account,
        call: None,
        by,
        currency: row.currency,
        open_items: &open_items,
        collectible_minor,
        limits: &Limits::default(),
        rules: &rules,
        days: &rules.business_days_of(&app.policies.book, &row),
    };
    let id = take(&mut tx, &on, taken, today, now).await?;
    ledger::store::refresh_standing(&mut tx, &[account], now).await?;
    outbox::enqueue(&mut tx, &[Effect::Requeue { account }], now).await?;
    tx.commit().await?;
    app.outbox.ring();
    Ok(id)
}

/// The account's promises, newest first, those before `before` only.
///
/// # Errors
/// [`Error::NotFound`] without the account.
pub async fn of_account(app: &App, account: AccountId, before: Option<PromiseId>, limit: i64) -> Result<Vec<Promise>> {
    let mut conn = app.db.acquire().await?;
    account::store::get(&mut conn, account).await?;
    store::list(&mut conn, account, None, before, limit).await
}

/// The instalments of a plan as promises, newest first.
///
/// # Errors
/// Those of Postgres.
pub(crate) async fn of_plan(conn: &mut PgConnection, account: AccountId, plan: PlanId) -> Result<Vec<Promise>> {
    store::list(conn, account, Some(plan), None, 500).await
}
