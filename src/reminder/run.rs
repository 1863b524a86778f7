//! Takes the steps that are due.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::json;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Listed,
    claim::claims,
    ladder::{self, Channel, Debtor, Decision, Due, Why},
    store::{self, Facts},
};
use crate::{
    account::{self, Account},
    agreement,
    app::App,
    business_day::BusinessDays,
    compliance::hours,
    error::{Error, Result},
    ids::{AccountId, ContactPointId, MessageId, TaskId, UserId},
    message::{self, NewMessage, Purpose, facts::item, permit},
    money::Money,
    outbox::{self, Effect},
    phone::zones,
    task,
};

/// Accounts read together.
const AT_ONCE: i64 = 100;
/// Accounts looked at in one step: some ten seconds' work.
const MOST: usize = 1_000;

/// What a step did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// Accounts it looked at.
    pub looked: usize,
    /// Reminders that went out, or became a task to call.
    pub sent: usize,
    /// Reminders that wait for a supervisor.
    pub proposed: usize,
    /// Accounts that could not be reminded; the log says why.
    pub failed: usize,
    /// It has not come to the last account: the next step goes on.
    pub more: bool,
}

/// What a run would do with an account today.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ReminderOutlook)]
pub struct Outlook {
    /// The account.
    pub account: AccountId,
    /// Customer number.
    pub number: String,
    /// Debtor's name.
    pub name: String,
    /// Currency of the amounts.
    pub currency: crate::money::Currency,
    /// Name of the ladder it climbs.
    pub ladder: Option<String>,
    /// What is due, or why nothing is.
    pub decision: Decision,
    /// The rule that forbids a reminder, in words.
    pub barred: Option<String>,
    /// The address it would go to; none: it becomes a call.
    pub to: Option<String>,
}

/// Everything a decision is made of.
struct Look {
    account: Account,
    facts: Facts,
    ladder: Option<Listed>,
    days: BusinessDays,
    decision: Decision,
    barred: Option<permit::Bar>,
}

/// Looks at accounts that may have something to be reminded of, at most 1,000, going on where the step before stopped, and
/// takes the steps that are due. A ladder whose steps are mailed waits while mail is off.
///
/// # Errors
/// If Postgres is not available.
pub async fn step(app: &App) -> Result<Ran> {
    let mut ran = Ran::default();
    let mut conn = app.db.acquire().await?;
    let ladders = store::ladders(&mut conn).await?;
    if !ladders.iter().any(|ladder| ladder.active) {
        return Ok(ran);
    }
    let mut after = account::store::sweep_place(&mut conn, "reminders").await?;
    drop(conn);
    loop {
        let mut conn = app.db.acquire().await?;
        let accounts = store::candidates(&mut conn, after, AT_ONCE).await?;
        after = accounts.last().copied().unwrap_or(AccountId(Uuid::nil()));
        account::store::keep_sweep_place(&mut conn, "reminders", after).await?;
        drop(conn);
        if accounts.is_empty() {
            return Ok(ran);
        }
        for account in &accounts {
            ran.looked += 1;
            match one(app, &ladders, *account).await {
                Ok(Some(true)) => ran.sent += 1,
                Ok(Some(false)) => ran.proposed += 1,
                Ok(None) => {}
                // A template that misses a key, an address that is none: the others are not kept waiting.
                Err(error @ (Error::Invalid { .. } | Error::Conflict(_) | Error::NotFound(_))) => {
                    ran.failed += 1;
                    tracing::warn!(%account, %error, "an account could not be reminded");
                }
                Err(error) => return Err(error),
            }
        }
        app.outbox.ring();
        if ran.looked >= MOST {
            return Ok(Ran { more: true, ..ran });
        }
    }
}

/// What a run would do today with the accounts after `after`, at most `limit`; sends nothing.
///
/// # Errors
/// If Postgres is not available.
pub async fn preview(app: &App, after: Option<AccountId>, limit: i64) -> Result<Vec<Outlook>> {
    let mut conn = app.db.acquire().await?;
    let ladders = store::ladders(&mut conn).await?;
    let accounts = store::candidates(&mut conn, after.unwrap_or(AccountId(Uuid::nil())), limit).await?;
    let mut found = Vec::new();
    for account in accounts {
        found.push(outlook(app, &mut conn, &ladders, account).await?);
    }
    Ok(found)
}

/// What a run would do with one account.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn preview_of(app: &App, account: AccountId) -> Result<Outlook> {
    let mut conn = app.db.acquire().await?;
    let ladders = store::ladders(&mut conn).await?;
    outlook(app, &mut conn, &ladders, account).await
}

async fn outlook(app: &App, conn: &mut PgConnection, ladders: &[Listed], id: AccountId) -> Result<Outlook> {
    let look = look(app, conn, ladders, id).await?;
    Ok(Outlook {
        account: id,
        number: look.account.number,
        name: look.account.name,
        currency: look.account.currency,
        ladder: look.ladder.map(|ladder| ladder.name),
        decision: look.decision,
        barred: look.barred.map(|bar| bar.to_string()),
        to: look.facts.address.map(|(_, address)| address),
    })
}

/// Sends a proposed reminder, if it is still due as it was proposed; else it is dropped. Gives whether it was sent.
///
/// # Errors
/// [`Error::NotFound`] unless it is proposed.
pub async fn approve(app: &App, by: UserId, reminder: Uuid) -> Result<bool> {
    let mut tx = app.db.begin().await?;
    let now = app.clock.now();
    let (account, listed, step) = store::proposed(&mut tx, reminder).await?;
    store::lock_account(&mut tx, account).await?;
    store::close_proposal(&mut tx, reminder, "looked at again when it was approved", Some(by), now).await?;
    let look = look(app, &mut tx, std::slice::from_ref(&listed), account).await?;
    let sent = match &look.decision {
        Decision::Due(due) if due.step == step && look.barred.is_none() => {
            take(&mut tx, &listed, &look, due, false, Some(by), app.clock.business_date(), now).await?;
            true
        }
        _ => false,
    };
    tx.commit().await?;
    app.outbox.ring();
    Ok(sent)
}

/// Drops a proposed reminder; the account is not reminded for `days` days.
///
/// # Errors
/// [`Error::NotFound`] unless it is proposed; [`Error::Invalid`] for the reason or the days.
pub async fn reject(app: &App, by: UserId, reminder: Uuid, reason: &str, days: u8) -> Result<()> {
    if !(1..=90).contains(&days) {
        return Err(Error::invalid("days", "1 to 90"));
    }
    let mut tx = app.db.begin().await?;
    let (account, ..) = store::proposed(&mut tx, reminder).await?;
    store::close_proposal(&mut tx, reminder, reason, Some(by), app.clock.now()).await?;
    tx.commit().await?;
    let until = app.clock.business_date() + chrono::Days::new(u64::from(days) - 1);
    let stop = super::NewStop { invoice: None, reason: reason.to_owned(), until_on: Some(until) };
    super::stop(app, by, account, &stop).await.map(drop)
}

/// `Some(true)`: sent, `Some(false)`: proposed.
async fn one(app: &App, ladders: &[Listed], account: AccountId) -> Result<Option<bool>> {
    let mut tx = app.db.begin().await?;
    // Whatever changes what the account owes takes this lock as well: what is decided is so.
    store::lock_account(&mut tx, account).await?;
    let look = look(app, &mut tx, ladders, account).await?;
    let (Decision::Due(due), Some(ladder), None) = (&look.decision, &look.ladder, look.barred) else { return Ok(None) };
    let now = app.clock.now();
    if due.channel == Channel::Email && !app.mail.is_on() {
        return Ok(None);
    }
    let proposed = ladder.ladder.approval;
    take(&mut tx, ladder, &look, due, proposed, None, app.clock.business_date(), now).await?;
    tx.commit().await?;
    Ok(Some(!proposed))
}

async fn look(app: &App, conn: &mut PgConnection, ladders: &[Listed], id: AccountId) -> Result<Look> {
    let (now, today) = (app.clock.now(), app.clock.business_date());
    let account = account::store::get(conn, id).await?;
    let facts = store::facts(conn, id, today, now).await?;
    let debtor = Debtor {
        portfolio: &account.portfolio,
        party_kind: &account.party_kind,
        country: account.country.as_deref(),
        collectible_minor: facts.collectible_minor,
    };
    let ladder = ladders.iter().find(|one| one.active && one.ladder.segment.has(&debtor)).cloned();
    let rules = agreement::store::rules(&mut *conn).await?;
    let days = rules.business_days_of(&app.policies.book, &account);
    let barred = permit::look(&facts.bars, Purpose::Reminder).err();
    let mut decision = match &ladder {
        None => nothing(Why::NoLadder),
        Some(listed) => {
            let (claims, left_out) = claims(&facts.items, &facts.agreed, facts.unapplied_minor);
            ladder::due(&listed.ladder, &claims, &left_out, &facts.history, &days, today)
        }
    };
    if facts.account_stopped {
        decision = nothing(Why::Paused);
    } else if barred.is_some() {
        decision = nothing(Why::Barred);
    } else if let (Decision::Due(_), Some(listed)) = (&decision, &ladder)
        && !may_mail_now(&listed.ladder, &account, now)
    {
        decision = nothing(Why::QuietHours);
    }
    Ok(Look { account, facts, ladder, days, decision, barred })
}

fn nothing(why: Why) -> Decision {
    Decision::Nothing { why, until: None, left_out: Vec::new() }
}

/// In every zone where the debtor may be.
fn may_mail_now(ladder: &ladder::Ladder, account: &Account, now: DateTime<Utc>) -> bool {
    let place = account.place();
    let zones =
        place.stated.map_or_else(|| zones::of_region(place.country, place.region, place.postal), |zone| vec![zone]);
    ladder.hours.is_empty() || zones.is_empty() || hours::is_open(&ladder.hours, &zones, now)
}

/// Keeps the reminder, and with it the mail or the task.
#[expect(clippy::too_many_arguments, reason = "what is decided, for whom, by whom and when")]
async fn take(
    conn: &mut PgConnection,
    ladder: &Listed,
    look: &Look,
    due: &Due,
    proposed: bool,
    by: Option<UserId>,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<()> {
    if let Some(replaced) = due.replaces {
        store::replace(conn, replaced).await?;
    }
    let id = Uuid::now_v7();
    let (message, task) = if proposed {
        (None, None)
    } else {
        match (due.channel, &look.facts.address) {
            (Channel::Email, Some((point, _))) => (Some(mail(conn, look, due, *point, today, now).await?), None),
            (Channel::Email, None) | (Channel::Call, _) => (None, Some(call(conn, look, due, id, today, now).await?)),
        }
    };
    if task.is_some() {
        // The call has a place in the queues as well; the last look decides as for any other.
        outbox::enqueue(conn, &[Effect::Requeue { account: look.account.id }], now).await?;
    }
    let kept = store::Kept { id, account: look.account.id, ladder: ladder.id, due, proposed, message, task, by };
    store::insert(conn, &kept, today, now).await
}

async fn mail(
    conn: &mut PgConnection,
    look: &Look,
    due: &Due,
    point: ContactPointId,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<MessageId> {
    let open = crate::ledger::store::open_items(conn, look.account.id).await?;
    let claimed = |one: &crate::ledger::OpenItem| due.items.iter().find(|claim| claim.instalment == one.instalment);
    let items: Vec<_> = open
        .iter()
        .filter_map(|one| {
            let mut told = item(one, today);
            told["claimed"] = json!(Money::new(claimed(one)?.minor, look.account.currency));
            Some(told)
        })
        .collect();
    let facts =
        json!({ "step": due.step, "items": items, "total": Money::new(due.total_minor, look.account.currency) });
    let new = NewMessage {
        account: look.account.id,
        contact_point: point,
        purpose: Purpose::Reminder,
        template: due.template.clone().unwrap_or_default(),
        facts: facts.as_object().cloned().unwrap_or_default(),
        attachments: Vec::new(),
        today,
        by: None,
    };
    message::send(conn, &new, now).await
}

async fn call(
    conn: &mut PgConnection,
    look: &Look,
    due: &Due,
    reminder: Uuid,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<TaskId> {
    let asked = message::template::grouped(&Money::new(due.total_minor, look.account.currency));
    let why = match (due.channel, due.tries) {
        (Channel::Email, _) => ": no e-mail address",
        (Channel::Call, 1..) => ": its mails did not arrive",
        (Channel::Call, 0) => "",
    };
    let new = task::NewTask {
        account: Some(look.account.id),
        kind: task::Kind::Call,
        owner: task::Owner::Department(agreement::COLLECTIONS.to_owned()),
        subject: format!("Reminder step {}{why}: {asked} is open", due.step),
        due_on: look.days.after(today, 1),
        priority: task::Priority::Normal,
        source: Some(task::Source { kind: task::SourceKind::Reminder, id: reminder }),
        by: None,
    };
    task::open(conn, &new, now).await
}
