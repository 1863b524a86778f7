//! Committing an attempt: the last look, its receipt and the call in one transaction, under locks on the account, the
//! person and the number. However many nodes claim, no attempt is counted that is not there, and none is there uncounted.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::{
    look::{self, Looked},
    place::Begun,
};
use crate::{
    app::App,
    call::attempt::{self, Attempt},
    campaign::Campaign,
    compliance::{self, DialPermit},
    error::{Error, Result},
    ids::UserId,
    phone::Phone,
    queue::{self, Leased},
};

/// A lease about to lapse is not dialled any more: somebody else may claim the entry before the commit.
const LEASE_MARGIN: TimeDelta = TimeDelta::seconds(5);
/// Somebody else is calling the account, the person or the number.
const BUSY: TimeDelta = TimeDelta::minutes(2);

/// Commits the attempt and settles its lease; `None` if a call was live after all, or the lease has all but lapsed.
pub(super) async fn commit(
    app: &App,
    campaign: &Campaign,
    looked: Looked,
    preview_for: Option<UserId>,
) -> Result<Option<Begun>> {
    let Looked { leased, to, from, person } = looked;
    let now = app.clock.now();
    if leased.expires_at - LEASE_MARGIN <= now {
        person.let_go(app).await?;
        queue::release(app, campaign, &[leased]).await?;
        return Ok(None);
    }
    let limits = &campaign.settings.limits;
    let attempt = Attempt {
        campaign: campaign.id,
        leased: &leased,
        to: &to,
        from: &from,
        bridge_limit_ms: u32::from(limits.hold_seconds) * 1000,
        preview_for,
    };
    let mut tx = app.db.begin().await?;
    let permit = match last_look(app, &mut tx, campaign, &leased, &to).await? {
        Ok(permit) => permit,
        Err(next_allowed_at) => {
            tx.commit().await?;
            person.let_go(app).await?;
            queue::refuse(app, campaign, &leased, next_allowed_at).await?;
            return Ok(None);
        }
    };
    let begun = match attempt::begin(&mut tx, permit, &attempt, now).await {
        Ok(begun) => begun,
        Err(Error::Conflict(_)) => {
            tx.rollback().await?;
            person.let_go(app).await?;
            queue::refuse(app, campaign, &leased, Some(now + BUSY)).await?;
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    tx.commit().await?;
    app.outbox.ring();
    metrics::counter!("ledgerline_attempts_total").increment(1);
    let begun = Begun {
        campaign: campaign.id,
        call: begun.call,
        token: begun.token,
        to,
        from,
        ring_seconds: limits.ring_seconds,
    };
    // The attempt stands: if Redis fails now, the lapsed lease is looked at and the account found to be in a call.
    if let Err(error) = queue::settle(app, campaign, &[leased]).await {
        tracing::warn!(call = %begun.call, %error, "the lease of a committed attempt was not settled");
    }
    if let Err(error) = person.let_go(app).await {
        tracing::warn!(call = %begun.call, %error, "the right to a person lapses by itself");
    }
    Ok(Some(begun))
}

/// Asks once more, at the moment of dialling; the receipt is kept either way. Refused: when to ask again, if that is
/// known.
async fn last_look(
    app: &App,
    conn: &mut PgConnection,
    campaign: &Campaign,
    leased: &Leased,
    to: &Phone,
) -> Result<std::result::Result<DialPermit, Option<DateTime<Utc>>>> {
    let entry = &leased.entry;
    compliance::look::lock(conn, entry.account, entry.person, to).await?;
    let (now, today) = (app.clock.now(), app.clock.business_date());
    let mut requests = compliance::look::requests(conn, campaign, &[entry.contact_point], now, today).await?;
    let Some(request) = requests.remove(&entry.contact_point) else { return Ok(Err(None)) };
    let receipt = compliance::judge(request, &app.policies, now);
    look::count(&receipt);
    let kept = compliance::store::keep(conn, campaign.id, receipt).await?;
    Ok(kept.map_err(|refusal| refusal.next_allowed_at))
}
