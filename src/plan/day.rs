//! What is to be done for plans as the days go by: instalments are announced, and the rest of a settlement is written off.

use chrono::{Days, NaiveDate};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    judge::notice_window,
    letter, source,
    store::{self, Ahead, Rest},
};
use crate::{
    agreement::{self, Rules, SUPERVISION},
    app::App,
    business_day::BusinessDays,
    error::{Error, Result},
    ids::AdjustmentId,
    ledger::{self, Adjustment, AdjustmentKind, Document, Reversal},
    outbox::{self, Effect},
    task::{self, NewTask, Owner, Priority},
};

/// Instalments, and settlements, looked at in one step.
const BATCH: i64 = 200;

/// The furthest that anything is announced ahead, in calendar days: ten business days and any holidays.
const FURTHEST: Days = Days::new(24);

/// Announces instalments and closes settlements, at most 200 of each. Gives how many.
///
/// # Errors
/// Those of Postgres.
pub async fn step(app: &App) -> Result<usize> {
    let rules = agreement::store::rules(&app.db).await?;
    let mut done = 0;
    for ahead in store::ahead(&app.db, app.clock.business_date() + FURTHEST, BATCH).await? {
        done += usize::from(announce(app, &rules, &ahead).await?);
    }
    for rest in store::rests(&app.db, BATCH).await? {
        close(app, &rest).await?;
        done += 1;
    }
    if done > 0 {
        app.outbox.ring();
    }
    Ok(done)
}

/// Announces an instalment, and the deposit of its postdated instrument, where it is time.
async fn announce(app: &App, rules: &Rules, ahead: &Ahead) -> Result<bool> {
    let (today, now) = (app.clock.business_date(), app.clock.now());
    let days = rules.business_days(&app.policies.book, &ahead.portfolio, ahead.country.as_deref());
    let mut tx = app.db.begin().await?;
    let mut announced = false;
    let remind = !ahead.reminded && today >= days.before(ahead.due_on, rules.plan.remind_days);
    if remind && store::reminded(&mut tx, ahead.promise, now).await? {
        letter::reminder(&mut tx, ahead, today, now).await?;
        let subject = format!("Instalment {} of a plan: {} due on {}", ahead.seq, ahead.left, ahead.due_on);
        let new = NewTask { kind: task::Kind::Call, due_on: ahead.due_on, ..task_for(ahead, subject) };
        task::open(&mut tx, &new, now).await?;
        announced = true;
    }
    if let Some((until, open)) = notice(ahead, &days, today).filter(|_| ahead.to_notice)
        && open
        && store::noticed(&mut tx, ahead.promise, now).await?
    {
        let sent = letter::notice(&mut tx, ahead, today, now).await?;
        let what = if sent { "was sent by e-mail: see that it arrived" } else { "has to go out in writing" };
        let subject = format!("Notice of the deposit of {} on {} {what}", ahead.left, ahead.due_on);
        let new =
            NewTask { kind: task::Kind::Write, due_on: until, priority: Priority::Urgent, ..task_for(ahead, subject) };
        task::open(&mut tx, &new, now).await?;
        announced = true;
    }
    tx.commit().await?;
    Ok(announced)
}

/// The last day of the notice of a deposit, and whether its first one has come.
fn notice(ahead: &Ahead, days: &BusinessDays, today: NaiveDate) -> Option<(NaiveDate, bool)> {
    let window = notice_window(ahead.taken_at.date_naive(), ahead.due_on, days)?;
    Some((*window.end(), today >= *window.start()))
}

fn task_for(ahead: &Ahead, subject: String) -> NewTask {
    NewTask {
        account: Some(ahead.account),
        kind: task::Kind::Call,
        owner: Owner::User(ahead.taken_by),
        subject,
        due_on: ahead.due_on,
        priority: Priority::Normal,
        source: Some(task::Source { kind: task::SourceKind::Promise, id: ahead.promise.0 }),
        by: None,
    }
}

/// Writes off the rest of a settlement that was paid, or takes that back. Where nobody's limits reach, it becomes a task.
async fn close(app: &App, rest: &Rest) -> Result<()> {
    let (today, now) = (app.clock.business_date(), app.clock.now());
    let mut tx = app.db.begin().await?;
    crate::disposition::store::lock_account(&mut tx, rest.account).await?;
    let outcome =
        if rest.fulfilled { forgive(&mut tx, rest, today, now).await } else { revert(&mut tx, rest, today, now).await };
    match outcome {
        Ok(written_off) => {
            store::rest_done(&mut tx, rest.plan, rest.fulfilled, &written_off).await?;
            let what = if rest.fulfilled { "written_off" } else { "write_off_reversed" };
            store::note(&mut tx, rest.plan, what, "", None, now).await?;
            outbox::enqueue(&mut tx, &[Effect::Requeue { account: rest.account }], now).await?;
            Ok(tx.commit().await?)
        }
        Err(Error::Conflict(why)) => {
            // What was done of it is taken back with the transaction.
            tx.rollback().await?;
            by_hand(app, rest, &why).await
        }
        Err(error) => Err(error),
    }
}

/// Writes off what is open of the plan's items, no more than was forgiven.
async fn forgive(
    conn: &mut PgConnection,
    rest: &Rest,
    today: NaiveDate,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Vec<Uuid>> {
    let items = store::items(conn, rest.plan).await?;
    let (mut left, mut written_off) = (rest.forgiven_minor, Vec::new());
    for item in ledger::store::open_items(conn, rest.account).await? {
        let minor = left.min(item.open.minor);
        if minor <= 0 || !items.contains(&item.instalment) {
            continue;
        }
        left -= minor;
        let new = Adjustment {
            account: rest.account,
            instalment: item.instalment,
            kind: AdjustmentKind::WriteOff,
            amount: crate::money::Money::new(minor, item.open.currency),
            reason: "settlement paid: the rest is forgiven".to_owned(),
            approved_by: rest.approved_by,
        };
        written_off.push(ledger::adjust(conn, &new, rest.taken_by, today, now).await?.0);
    }
    Ok(written_off)
}

/// Takes the write-offs back: a payment of the settlement was returned.
async fn revert(
    conn: &mut PgConnection,
    rest: &Rest,
    today: NaiveDate,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Vec<Uuid>> {
    for adjustment in &rest.written_off {
        let reversal = Reversal {
            document: Document::Adjustment(AdjustmentId(*adjustment)),
            reason: "the settlement was not paid after all".to_owned(),
            returned: false,
        };
        ledger::reverse(conn, &reversal, rest.approved_by.unwrap_or(rest.taken_by), today, now).await?;
    }
    Ok(Vec::new())
}

async fn by_hand(app: &App, rest: &Rest, why: &str) -> Result<()> {
    let (today, now) = (app.clock.business_date(), app.clock.now());
    let what = if rest.fulfilled { "write off the rest" } else { "take the write-off back" };
    let mut conn = app.db.acquire().await?;
    let new = NewTask {
        account: Some(rest.account),
        kind: task::Kind::Reconcile,
        owner: Owner::Department(SUPERVISION.to_owned()),
        subject: format!("Settlement: {what} ({why})"),
        due_on: agreement::store::business_days(&mut conn, rest.account).await?.after(today, 2),
        priority: Priority::High,
        source: Some(source(rest.plan)),
        by: None,
    };
    task::open(&mut conn, &new, now).await.map(drop)
}
