//! Committing an attempt: the verdict and the call in one transaction.

use chrono::TimeDelta;

use super::{look::Looked, place::Begun};
use crate::{
    app::App,
    call::attempt::{self, Attempt},
    campaign::Campaign,
    compliance,
    error::{Error, Result},
    ids::UserId,
    queue,
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
    let Looked { leased, request, permit, to, from, person } = looked;
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
    compliance::store::insert_decision(&mut tx, campaign.id, &request, None, now).await?;
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
