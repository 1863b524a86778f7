//! What follows from a disposition that has been checked: every consequence is written in the caller's transaction.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sqlx::PgConnection;

use super::{
    Category, Consequence, Disposition, Recorded, Wrap,
    store::{self, Call, NewCallback},
};
use crate::{
    account::{self, DoNotCall, NewHold},
    agent::Principal,
    agreement::{Basis, Rules},
    business_day::BusinessDays,
    dispute,
    error::{Error, Result},
    escalation,
    ids::{AccountId, InstalmentId},
    ledger::{self, OpenItem},
    money::Currency,
    outbox::{self, Effect},
    plan, promise, task,
};

/// A callback that is due within this time counts as made by the call.
const CALLBACK_SLACK: TimeDelta = TimeDelta::minutes(15);

/// What is being recorded, and for whom.
pub(super) struct Following<'a> {
    pub(super) call: &'a Call,
    pub(super) disposition: &'a Disposition,
    pub(super) by: &'a Principal,
    /// The account's open items, oldest first.
    pub(super) items: &'a [OpenItem],
    /// What may be asked for, minor units.
    pub(super) collectible_minor: i64,
    pub(super) rules: &'a Rules,
    /// The days on which the account's banks work.
    pub(super) days: &'a BusinessDays,
    pub(super) today: NaiveDate,
    pub(super) now: DateTime<Utc>,
}

pub(super) async fn follow(conn: &mut PgConnection, following: &Following<'_>, wrap: &Wrap) -> Result<Recorded> {
    let Following { call, disposition, by, now, .. } = *following;
    let mut recorded = Recorded {
        call: call.id,
        code: disposition.code.clone(),
        category: disposition.category,
        note: None,
        promise: None,
        plan: None,
        callback: None,
        dispute: None,
        warnings: Vec::new(),
    };
    let mut touched: Vec<AccountId> = call.account.into_iter().collect();
    if let Some(account) = call.account {
        on_account(conn, following, account, wrap, &mut recorded).await?;
    }
    touched.extend(on_number(conn, following, wrap).await?);
    let record = store::NewRecord {
        call: call.id,
        set: &call.settings.disposition_set,
        disposition,
        by: Some(by.user),
        note: recorded.note,
        now,
    };
    if !store::insert_record(conn, &record).await? {
        return Err(Error::Conflict("the disposition of this call is recorded already".to_owned()));
    }
    if let Some(account) = call.account {
        ledger::store::refresh_standing(conn, &[account], now).await?;
    }
    let mut effects: Vec<Effect> = touched.into_iter().map(|account| Effect::Requeue { account }).collect();
    effects.push(Effect::CallChanged { call: call.id });
    outbox::enqueue(conn, &effects, now).await?;
    Ok(recorded)
}

/// Note, items, promise, dispute, callback, hold and rest.
async fn on_account(
    conn: &mut PgConnection,
    following: &Following<'_>,
    account: AccountId,
    wrap: &Wrap,
    recorded: &mut Recorded,
) -> Result<()> {
    let Following { call, by, now, today, .. } = *following;
    if let Some(note) = wrap.note.as_deref().map(str::trim).filter(|note| !note.is_empty()) {
        recorded.note = Some(account::store::add_note(conn, account, Some(call.id), Some(by.user), note, now).await?);
    }
    if let Some(taken) = &wrap.promise {
        recorded.promise = Some(promise::take(conn, &basis(following, account)?, taken, today, now).await?);
    }
    if let Some(taken) = &wrap.plan {
        let (id, status) = plan::take(conn, &basis(following, account)?, taken, today, now).await?;
        recorded.plan = Some(id);
        if status == plan::Status::Proposed {
            recorded.warnings.push("The plan waits for somebody whose limits reach: a supervisor was asked".to_owned());
        }
    }
    if let Some(opened) = &wrap.dispute {
        let new = dispute::NewDispute {
            account,
            call: Some(call.id),
            by: by.user,
            opened,
            rules: following.rules,
            days: following.days,
        };
        recorded.dispute = Some(dispute::open(conn, &new, today, now).await?);
    }
    store::insert_items(conn, call.id, &discussed(wrap)).await?;
    let rest = rest_and_hold(conn, following, account).await?;
    calls_asked_for(conn, following, account, rest).await?;
    if let Some(due_at) = wrap.callback_at {
        let for_agent = wrap.callback_mine.then_some(call.agent.unwrap_or(by.user));
        recorded.callback =
            Some(store::insert_callback(conn, &NewCallback { call, account, for_agent, due_at, now }).await?);
    }
    Ok(())
}

/// Gives the end of the rest, if there is one.
async fn rest_and_hold(
    conn: &mut PgConnection,
    following: &Following<'_>,
    account: AccountId,
) -> Result<Option<DateTime<Utc>>> {
    let Following { call, disposition, by, now, .. } = *following;
    let not_before = match disposition.consequence {
        Consequence::RetryAfter { minutes } => {
            let minutes = minutes.map_or(i64::from(call.settings.retry.contact), i64::from);
            Some(now + TimeDelta::minutes(minutes))
        }
        _ => None,
    };
    if let Some(campaign) = call.campaign {
        let removed = disposition.consequence == Consequence::Stop;
        store::rest(conn, campaign, account, &disposition.code, not_before, removed).await?;
    }
    let hold = match disposition.consequence {
        Consequence::Hold { days, reason } => Some((reason, days.map(|days| now + TimeDelta::days(i64::from(days))))),
        _ => None,
    };
    if let Some((reason, until_at)) = hold {
        let hold = NewHold { reason, note: String::new(), until_at, call: Some(call.id) };
        account::store::place_hold(conn, account, &hold, Some(by.user), now).await?;
    }
    let told = escalation::Recorded {
        account,
        call: call.id,
        disposition: (&disposition.code, &disposition.label),
        hand_over: disposition.consequence == Consequence::Escalate,
        by: by.user,
        rules: following.rules,
        days: following.days,
    };
    escalation::recorded(conn, &told, following.today, now).await?;
    Ok(not_before)
}

/// Callbacks, and calls that reminders ask for: done if somebody was reached; else callbacks wait until the account may be tried
/// again.
async fn calls_asked_for(
    conn: &mut PgConnection,
    following: &Following<'_>,
    account: AccountId,
    rest: Option<DateTime<Utc>>,
) -> Result<()> {
    let Following { disposition, by, now, .. } = *following;
    if disposition.category == Category::NoContact {
        let later = rest.unwrap_or(now + CALLBACK_SLACK);
        return store::postpone_callbacks(conn, account, now, later).await;
    }
    store::finish_callbacks(conn, account, now + CALLBACK_SLACK).await?;
    task::called(conn, account, by.user, now).await
}

/// Do-not-call and invalid numbers. Gives the accounts they touch.
async fn on_number(conn: &mut PgConnection, following: &Following<'_>, wrap: &Wrap) -> Result<Vec<AccountId>> {
    let Following { call, disposition, by, now, .. } = *following;
    let mut touched = Vec::new();
    let label = &disposition.label;
    if wrap.do_not_call || disposition.consequence == Consequence::DoNotCall {
        let number =
            call.number.parse().map_err(|_| Error::invalid("do_not_call", "the caller's number is unknown"))?;
        let whom = DoNotCall::Number(number);
        touched.extend(account::store::do_not_call(conn, &whom, label, Some(call.id), Some(by.user), now).await?);
    }
    if let Some(point) = call.contact_point
        && (wrap.number_invalid || disposition.consequence == Consequence::NumberInvalid)
    {
        touched.push(account::store::set_point_invalid(conn, point, Some(label), now).await?);
    }
    Ok(touched)
}

/// Every item that was spoken about, promised or disputed.
fn discussed(wrap: &Wrap) -> Vec<InstalmentId> {
    let mut items = wrap.items.clone();
    items.extend(wrap.promise.iter().flat_map(|promise| &promise.items));
    items.extend(wrap.plan.iter().flat_map(|plan| &plan.items));
    items.extend(wrap.dispute.iter().flat_map(|dispute| &dispute.items).map(|item| item.id));
    items.sort_unstable();
    items.dedup();
    items
}

fn basis<'a>(following: &Following<'a>, account: AccountId) -> Result<Basis<'a>> {
    let call = following.call;
    let currency = call.currency.as_deref().unwrap_or_default();
    Ok(Basis {
        account,
        call: Some(call.id),
        by: following.by,
        currency: Currency::parse(currency).map_err(Error::internal("reading the account's currency"))?,
        open_items: following.items,
        collectible_minor: following.collectible_minor,
        limits: &call.settings.limits,
        rules: following.rules,
        days: following.days,
    })
}
