//! Promises to pay: taken on a call, kept or broken by what is paid.

mod by_hand;
pub mod day_roll;
pub mod evaluate;
mod settle;
mod store;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::json;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use self::evaluate::CancelReason;
pub(crate) use self::{
    by_hand::of_plan,
    settle::settle_all,
    store::paid::{Until, credited, paid},
};
pub use self::{
    by_hand::{approve, cancel, of_account, take_by_hand},
    settle::settle,
};
use crate::{
    agent::Role,
    agreement::{Basis, authority::Wanted},
    app::App,
    campaign::Limits,
    disposition::PromiseTaken,
    error::{Error, Result},
    ids::{CallId, InstalmentId, PlanId, PromiseId, UserId},
    ledger::OpenItem,
    lifecycle::Lifecycle,
    money::Money,
    outgoing, worker,
};

/// A promise as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Promise {
    /// Its id.
    pub id: PromiseId,
    /// What was promised.
    pub amount: Money,
    /// The promised day.
    pub due_on: NaiveDate,
    /// The last day on which a payment keeps it.
    pub deadline_on: NaiveDate,
    /// `open`, `kept`, `partially_kept`, `broken` or `cancelled`.
    pub status: String,
    /// What was paid in time, minor units.
    pub paid_minor: i64,
    /// What was credited since: that much less is promised; minor units.
    pub credited_minor: i64,
    /// The day on which the money came that kept it.
    pub kept_on: Option<NaiveDate>,
    /// Why it was cancelled.
    pub cancel_reason: Option<String>,
    /// How many promises for the same item were not kept before it, and one.
    pub level: i16,
    /// Name of who took it.
    pub taken_by: Option<String>,
    /// When it was taken.
    pub taken_at: DateTime<Utc>,
    /// The role whose limits it was taken under.
    pub limit_role: Option<String>,
    /// Name of who allowed it, where it was outside of the limits of whoever took it.
    pub approved_by: Option<String>,
    /// The call on which it was taken.
    pub call: Option<CallId>,
}

/// Writes a promise, whose amount, date and items have been checked against what is owed. Unless it is taken besides them, it takes the place of the account's open ones, which are cancelled;
/// those whose time is over are broken first, and stay so.
///
/// # Errors
/// [`Error::Invalid`] if it is outside of the limits and nobody approved it.
pub(crate) async fn take(
    conn: &mut PgConnection,
    on: &Basis<'_>,
    taken: &PromiseTaken,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<PromiseId> {
    settle(conn, on.account, today, now).await?;
    let open = store::open(conn, on.account).await?;
    if !taken.besides && open.iter().any(|promise| promise.of_plan) {
        return Err(Error::Conflict("the account has a plan: end it first, or promise besides it".to_owned()));
    }
    let wanted = Wanted {
        amount_minor: taken.amount_minor,
        due_on: taken.due_on,
        besides: if taken.besides { open.len() } else { 0 },
        collectible_minor: on.collectible_minor,
    };
    let under = authorized(conn, on, &wanted, today, now).await?;
    if taken.besides {
        let promised: i64 = open.iter().map(|promise| promise.left_minor).sum();
        let most = on.collectible_minor - promised;
        if taken.amount_minor > most {
            let left = format!("1 to {} minor units, which are not promised yet", most.max(0));
            return Err(Error::invalid("promise.amount_minor", left));
        }
    } else {
        for promise in &open {
            store::cancel(conn, promise.id, CancelReason::Replaced, Some(on.by.user), today, now).await?;
        }
    }
    let items = covered(taken, on.open_items);
    let level = evaluate::level(&items, &store::earlier(conn, on.account).await?);
    let written = store::Written {
        deadline: on.days.after(taken.due_on, on.limits.promise_grace_days),
        tolerance_minor: tolerance(on.limits, taken.amount_minor),
        level: i16::try_from(level).unwrap_or(i16::MAX),
        items: &items,
        limit_role: under.role,
        approved_by: under.approved.map(|(_, by)| by),
        plan: None,
    };
    let id = store::insert(conn, on, taken, &written, now).await?;
    if let Some((approval, _)) = under.approved {
        store::use_approval(conn, approval, id).await?;
    }
    outgoing::tell(conn, &told(on, id, taken, &written), now).await?;
    Ok(id)
}

/// What is told of a promise that was taken.
fn told(on: &Basis<'_>, id: PromiseId, taken: &PromiseTaken, written: &store::Written<'_>) -> outgoing::Event {
    let amount = Money::new(taken.amount_minor, on.currency);
    let mut data = json!({ "promise": id, "amount": amount, "due_on": taken.due_on, "deadline_on": written.deadline });
    if let Some((plan, seq)) = written.plan {
        data["plan"] = json!(plan);
        data["instalment"] = json!(seq);
    }
    outgoing::Event { kind: outgoing::Kind::Promise, what: "taken", account: on.account, data }
}

/// Writes the instalments of a plan, which has been allowed under the limits of a role or by somebody. They take the place
/// of the account's open promises.
///
/// # Errors
/// Those of Postgres.
pub(crate) async fn take_plan(
    conn: &mut PgConnection,
    on: &Basis<'_>,
    parts: &[PromiseTaken],
    plan: PlanId,
    (limit_role, approved_by): (Role, Option<UserId>),
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<()> {
    settle(conn, on.account, today, now).await?;
    for promise in store::open(conn, on.account).await? {
        store::cancel(conn, promise.id, CancelReason::Replaced, Some(on.by.user), today, now).await?;
    }
    let earlier = store::earlier(conn, on.account).await?;
    let mut events = Vec::with_capacity(parts.len());
    for (seq, taken) in (1..).zip(parts) {
        let level = evaluate::level(&taken.items, &earlier);
        let written = store::Written {
            deadline: on.days.after(taken.due_on, on.limits.promise_grace_days),
            tolerance_minor: tolerance(on.limits, taken.amount_minor),
            level: i16::try_from(level).unwrap_or(i16::MAX),
            items: &taken.items,
            limit_role,
            approved_by,
            plan: Some((plan, seq)),
        };
        let id = store::insert(conn, on, taken, &written, now).await?;
        events.push(told(on, id, taken, &written));
    }
    outgoing::tell_all(conn, &events, now).await
}

/// Cancels the open instalments of a plan, and gives what was outstanding of each, by its day, minor units.
///
/// # Errors
/// Those of Postgres.
pub(crate) async fn end_plan(
    conn: &mut PgConnection,
    plan: PlanId,
    reason: CancelReason,
    by: Option<UserId>,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Vec<(NaiveDate, i64)>> {
    let open = store::open_of_plan(conn, plan).await?;
    for part in &open {
        store::cancel(conn, part.id, reason, by, today, now).await?;
    }
    Ok(open.into_iter().map(|part| (part.due_on, part.left_minor)).collect())
}

/// Under whose limits a promise is taken.
struct Under {
    role: Role,
    approved: Option<(Uuid, UserId)>,
}

/// The limits of whoever takes it, else an approval that covers it. Since it was given more may be owed, and others may
/// have been promised besides: so the promise is within the limits of whoever gave it as well.
async fn authorized(
    conn: &mut PgConnection,
    on: &Basis<'_>,
    wanted: &Wanted,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Under> {
    let own = on.rules.authority.of(on.by.role).ok_or(Error::Forbidden)?;
    match own.promise.allow(wanted, today) {
        Ok(()) => Ok(Under { role: on.by.role, approved: None }),
        Err(mut refused) => {
            for (approval, role, by) in store::approvals(conn, on.account, wanted, now).await? {
                match on.rules.authority.of(role).ok_or(Error::Forbidden)?.promise.allow(wanted, today) {
                    Ok(()) => return Ok(Under { role, approved: Some((approval, by)) }),
                    Err(beyond) => refused = beyond,
                }
            }
            Err(refused)
        }
    }
}

/// How much may be missing: the higher of the amount and the share.
fn tolerance(limits: &Limits, amount_minor: i64) -> i64 {
    let share = i128::from(amount_minor) * i128::from(limits.promise_tolerance_percent) / 100;
    i64::from(limits.promise_tolerance_minor).max(i64::try_from(share).unwrap_or(0))
}

/// Which items a promise is for: the named ones, else the oldest that its amount reaches.
fn covered(taken: &PromiseTaken, open_items: &[OpenItem]) -> Vec<InstalmentId> {
    if !taken.items.is_empty() {
        return taken.items.clone();
    }
    let mut left = taken.amount_minor;
    let reached = open_items.iter().take_while(|item| {
        let reached = left > 0;
        left -= item.open.minor;
        reached
    });
    reached.map(|item| item.instalment).collect()
}

/// Starts the loop that settles promises.
pub fn spawn(app: &App, lifecycle: &Lifecycle) {
    let app = app.clone();
    worker::spawn(lifecycle, "promises", Duration::from_mins(1), Arc::default(), move || {
        let app = app.clone();
        async move { day_roll::step(&app).await.map(drop) }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ids::InvoiceId, money::Currency};

    fn item(open: i64) -> OpenItem {
        let money = Money::new(open, Currency::USD);
        let due_on = NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
        OpenItem {
            instalment: InstalmentId::generate(),
            invoice: InvoiceId::generate(),
            invoice_number: "1".to_owned(),
            seq: 1,
            issued_on: due_on,
            due_on,
            po_number: None,
            amount: money,
            open: money,
            disputed: Money::new(0, Currency::USD),
        }
    }

    fn promise(amount_minor: i64, items: Vec<InstalmentId>) -> PromiseTaken {
        PromiseTaken { amount_minor, due_on: NaiveDate::from_ymd_opt(2026, 3, 9).unwrap(), items, besides: false }
    }

    #[test]
    fn a_promise_without_items_is_for_the_oldest_it_reaches() {
        let items = [item(100), item(200), item(300)];
        let reached = |amount| covered(&promise(amount, Vec::new()), &items).len();
        assert_eq!((reached(1), reached(100), reached(101), reached(300), reached(301)), (1, 1, 2, 2, 3));
    }

    #[test]
    fn named_items_stay() {
        let items = [item(100), item(200)];
        let named = vec![items[1].instalment];
        assert_eq!(covered(&promise(50, named.clone()), &items), named);
    }
}
