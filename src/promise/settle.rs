//! Brings promises up to date with what was posted.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::json;
use sqlx::PgConnection;

use super::{
    evaluate::{self, Judged, Status},
    store::{self, paid},
};
use crate::{
    agreement::{self, COLLECTIONS},
    error::Result,
    ids::AccountId,
    ledger,
    money::Money,
    outbox::{self, Effect},
    outgoing, plan,
    task::{self, NewTask, Owner, Priority},
};

/// Works out anew what has become of the account's promises by `today`, and has the account placed anew if that is
/// another thing than before: a payment that is taken back takes back what it had kept. One that was not kept makes a task
/// for whoever took it. Gives whether anything became of one. Whatever posts or allocates calls it before it commits, with
/// the account's row locked.
///
/// # Errors
/// Those of Postgres.
pub async fn settle(conn: &mut PgConnection, account: AccountId, today: NaiveDate, now: DateTime<Utc>) -> Result<bool> {
    let promises = store::of_account(conn, account).await?;
    if promises.is_empty() {
        return Ok(false);
    }
    let (paid, credited) = (paid::paid(conn, &[account], None).await?, paid::credited(conn, &[account], None).await?);
    let terms: Vec<_> = promises.iter().map(|promise| promise.terms.clone()).collect();
    let mut settled = false;
    for (known, judged) in promises.iter().zip(evaluate::evaluate(&terms, &paid, &credited, today)) {
        if known.judged != judged {
            store::settle(conn, known, &judged, now).await?;
        }
        if known.judged.status != judged.status {
            follow_up(conn, account, known, &judged, today, now).await?;
            let data = json!({ "promise": known.terms.id, "before": known.judged.status.as_str() });
            let event = outgoing::Event { kind: outgoing::Kind::Promise, what: judged.status.as_str(), account, data };
            outgoing::tell(conn, &event, now).await?;
            settled = true;
        }
    }
    if settled && promises.iter().any(|promise| promise.plan.is_some()) {
        plan::follow(conn, account, today, now).await?;
    }
    if settled {
        ledger::store::refresh_standing(conn, &[account], now).await?;
        outbox::enqueue(conn, &[Effect::Requeue { account }], now).await?;
    }
    Ok(settled)
}

/// A promise that was not kept is looked after by whoever took it; one that is kept after all needs nobody.
async fn follow_up(
    conn: &mut PgConnection,
    account: AccountId,
    known: &store::Known,
    judged: &Judged,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<()> {
    let source = task::Source { kind: task::SourceKind::Promise, id: known.terms.id.0 };
    if !matches!(judged.status, Status::Broken | Status::PartiallyKept) {
        return task::close_of(conn, source, task::State::Cancelled, "", None, now).await;
    }
    let money = |minor| Money::new(minor, known.currency);
    let missing = known.terms.amount_minor - judged.credited_minor - judged.paid_minor;
    let new = NewTask {
        account: Some(account),
        kind: task::Kind::FollowUp,
        owner: known.taken_by.map_or_else(|| Owner::Department(COLLECTIONS.to_owned()), Owner::User),
        subject: format!("Promise of {} not kept: {} missing", money(known.terms.amount_minor), money(missing)),
        due_on: agreement::store::business_days(conn, account).await?.after(today, 1),
        priority: Priority::High,
        source: Some(source),
        by: None,
    };
    task::open(conn, &new, now).await.map(drop)
}

/// As [`settle`], for those of `accounts` that have promised something.
///
/// # Errors
/// Those of Postgres.
pub(crate) async fn settle_all(
    conn: &mut PgConnection,
    accounts: &[AccountId],
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<()> {
    for account in store::promisers(conn, accounts).await? {
        settle(conn, account, today, now).await?;
    }
    Ok(())
}
