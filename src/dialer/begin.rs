//! Committing an attempt: the last look, its receipt and the call in one transaction, under locks on the account, the
//! person and the number. However many nodes claim, no attempt is counted that is not there, and none is there uncounted.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::{
    look::{self, Looked},
    place::Begun,
};
use crate::{
    answer::{self, HourOfWeek, Segment},
    app::App,
    call::attempt::{self, Attempt, Taker},
    campaign::Campaign,
    compliance::{self, DialPermit, Refusal},
    error::{Error, Result},
    escalation,
    phone::Phone,
    queue::{self, Leased},
};

/// A lease about to lapse is not dialled any more: somebody else may claim the entry before the commit.
const LEASE_MARGIN: TimeDelta = TimeDelta::seconds(5);
/// Somebody else is calling the account, the person or the number.
const BUSY: TimeDelta = TimeDelta::minutes(2);

/// Why an attempt was not committed. Its entry is back in the queue.
#[derive(Debug)]
pub(super) enum NotBegun {
    /// The lease has all but lapsed.
    Lapsed,
    /// The last look forbids it.
    Refused(Refusal),
    /// The campaign does not list the account any more.
    Unlisted,
    /// A call to the account, the person or the number is live, or the agent is not free.
    Busy,
}

/// Commits the attempt and settles its lease.
pub(super) async fn commit(
    app: &App,
    campaign: &Campaign,
    looked: Looked,
    taker: Taker,
) -> Result<std::result::Result<Begun, NotBegun>> {
    let Looked { leased, to, from, person } = looked;
    let now = app.clock.now();
    let tried = if leased.expires_at - LEASE_MARGIN <= now {
        Err(NotBegun::Lapsed)
    } else {
        let limits = &campaign.settings.limits;
        let attempt = Attempt {
            campaign: campaign.id,
            leased: &leased,
            to: &to,
            from: &from,
            bridge_limit_ms: u32::from(limits.hold_seconds) * 1000,
            answer_chance: answer_chance(app, &leased, &to, now).await?,
            taker,
        };
        in_one_go(app, campaign, &attempt, now).await?
    };
    let begun = match tried {
        Ok(begun) => begun,
        Err(why) => {
            person.let_go(app).await?;
            put_back(app, campaign, &leased, taker, &why).await?;
            return Ok(Err(why));
        }
    };
    app.outbox.ring();
    metrics::counter!("ledgerline_attempts_total").increment(1);
    let call = begun.call;
    // The attempt stands: if Redis fails now, the lapsed lease is looked at and the account found to be in a call.
    if let Err(error) = queue::settle(app, campaign, &[leased]).await {
        tracing::warn!(%call, %error, "the lease of a committed attempt was not settled");
    }
    if let Err(error) = person.let_go(app).await {
        tracing::warn!(%call, %error, "the right to a person lapses by itself");
    }
    let ring_seconds = campaign.settings.limits.ring_seconds;
    Ok(Ok(Begun { campaign: campaign.id, call, token: begun.token, to, from, ring_seconds }))
}

/// Chance that the number answers at this hour, relative to the mean of all calls.
async fn answer_chance(app: &App, leased: &Leased, to: &Phone, now: DateTime<Utc>) -> Result<f64> {
    let zone = leased.entry.window.zones().first().copied().unwrap_or(app.clock.house_zone());
    let hour = HourOfWeek::of(now, zone);
    let known = answer::of_number(&mut *app.db.acquire().await?, to, hour).await?;
    Ok(app.answers.book().relative(&Segment::of(to, leased.entry.lane), hour, &known))
}

/// The last look, its receipt and the attempt: all of it, or of a refusal the receipt.
async fn in_one_go(
    app: &App,
    campaign: &Campaign,
    attempt: &Attempt<'_>,
    now: DateTime<Utc>,
) -> Result<std::result::Result<attempt::Begun, NotBegun>> {
    let mut tx = app.db.begin().await?;
    let permit = match last_look(app, &mut tx, campaign, attempt).await? {
        Ok(permit) => permit,
        Err(why) => {
            tx.commit().await?;
            return Ok(Err(why));
        }
    };
    match attempt::begin(&mut tx, permit, attempt, now).await {
        Ok(begun) => {
            tx.commit().await?;
            Ok(Ok(begun))
        }
        Err(Error::Conflict(_)) => {
            tx.rollback().await?;
            Ok(Err(NotBegun::Busy))
        }
        Err(error) => Err(error),
    }
}

/// What was not dialled by hand keeps its place: the queue would have chosen another number, or another moment.
async fn put_back(app: &App, campaign: &Campaign, leased: &Leased, taker: Taker, why: &NotBegun) -> Result<()> {
    if let Taker::ByHand(_) = taker {
        return queue::give_back(app, campaign, leased).await;
    }
    match why {
        NotBegun::Lapsed => queue::release(app, campaign, std::slice::from_ref(leased)).await,
        NotBegun::Refused(refusal) => queue::refuse(app, campaign, leased, refusal.next_allowed_at).await,
        NotBegun::Unlisted => queue::refuse(app, campaign, leased, None).await,
        NotBegun::Busy => queue::refuse(app, campaign, leased, Some(app.clock.now() + BUSY)).await,
    }
}

/// Asks once more, at the moment of dialling; the receipt is kept either way.
async fn last_look(
    app: &App,
    conn: &mut PgConnection,
    campaign: &Campaign,
    attempt: &Attempt<'_>,
) -> Result<std::result::Result<DialPermit, NotBegun>> {
    let entry = &attempt.leased.entry;
    compliance::look::lock(conn, entry.account, entry.person, attempt.to).await?;
    let (now, today) = (app.clock.now(), app.clock.business_date());
    let mut requests = compliance::look::requests(conn, campaign, &[entry.contact_point], now, today).await?;
    let Some(mut request) = requests.remove(&entry.contact_point) else { return Ok(Err(NotBegun::Unlisted)) };
    if let Taker::ByHand(caller) = attempt.taker {
        escalation::let_supervisor_call(conn, &mut request, caller).await?;
    }
    let receipt = compliance::judge(request, &app.policies, now);
    look::count(&receipt);
    let kept = compliance::store::keep(conn, campaign.id, receipt).await?;
    Ok(kept.map_err(NotBegun::Refused))
}
