//! Preview: a ready agent sees the account first, and decides to dial or to give it back.

use super::{begin, look, place, store};
use crate::{
    agent::{self, ready},
    app::App,
    call::{
        self, Event,
        apply::{self, Heard, Source, Verdict},
        attempt::Taker,
    },
    campaign::{self, Campaign},
    compliance, desk,
    error::{Error, Result},
    ids::{CallId, UserId},
};

/// Shows a permitted entry to the agent who promised the callback or owns the account, if ready, else to the one who has
/// been ready longest; `None`, and the entry goes back, if there is none.
pub(super) async fn offer(app: &App, campaign: &Campaign, looked: look::Looked) -> Result<Option<CallId>> {
    let preferred = store::preferred(&app.db, looked.leased.entry.account, app.clock.now()).await?;
    let Some(agent) = ready::pick(app, campaign.id, preferred).await? else {
        looked.give_back(app, campaign).await?;
        return Ok(None);
    };
    let Ok(begun) = begin::commit(app, campaign, looked, Taker::Preview(agent)).await? else {
        // Picked and not reserved: offer the agent again.
        agent::agent_changed(app, agent).await?;
        return Ok(None);
    };
    desk::pop::send(app, agent, begun.call).await?;
    Ok(Some(begun.call))
}

/// The agent dials the account it was shown. Postgres is asked again: the account may have paid since.
///
/// # Errors
/// [`Error::NotFound`] if the agent was not shown it; [`Error::Refused`] by the last look (it is given back then);
/// [`Error::Conflict`] if it was decided already, or no line is free at this moment.
pub async fn dial(app: &App, agent: UserId, call: CallId) -> Result<()> {
    let planned = store::planned(&app.db, call, agent).await?;
    let campaign = campaign::store::get(&mut *app.db.acquire().await?, planned.campaign).await?;
    let row = call::store::get(&app.db, call).await?.ok_or(Error::NotFound("call"))?;
    permit_again(app, &campaign, &planned, agent, call).await?;
    place::a_line(app).await?;
    let now = app.clock.now();
    // Of two who dial the same call one is told first, and only that one asks the carrier.
    if apply::tell(app, call, Heard::own(Source::Desk, call, "dialed", now), Event::Dialed).await? != Verdict::Applied {
        return Err(Error::Conflict("the call is not waiting for a decision any more".to_owned()));
    }
    let ring_seconds = campaign.settings.limits.ring_seconds;
    let begun = place::Begun {
        campaign: planned.campaign,
        call,
        token: row.token,
        to: planned.to,
        from: planned.from,
        ring_seconds,
    };
    app.lifecycle.tasks().spawn(place::place(app.clone(), begun));
    Ok(())
}

/// The agent gives the account back; it rests as after a call that we gave up.
///
/// # Errors
/// As [`dial`].
pub async fn skip(app: &App, agent: UserId, call: CallId) -> Result<()> {
    store::planned(&app.db, call, agent).await?;
    give_up(app, call).await
}

async fn give_up(app: &App, call: CallId) -> Result<()> {
    let heard = Heard::own(Source::Desk, call, "skipped", app.clock.now());
    apply::tell(app, call, heard, Event::EndAsked).await.map(|_| ())
}

/// The last look at the moment of dialling; its verdict is stored beside the one of the moment of showing.
async fn permit_again(
    app: &App,
    campaign: &Campaign,
    planned: &store::Planned,
    agent: UserId,
    call: CallId,
) -> Result<()> {
    let (now, today) = (app.clock.now(), app.clock.business_date());
    let mut conn = app.db.acquire().await?;
    let mut requests = compliance::look::requests(&mut conn, campaign, &[planned.contact_point], now, today).await?;
    let refused = match requests.remove(&planned.contact_point) {
        Some(mut request) => {
            // The live call is this very one: Postgres lets nobody else have another, so nobody else can count.
            request.in_call = false;
            let receipt = compliance::judge(request, &app.policies, now);
            let kept = compliance::store::keep(&mut conn, campaign.id, receipt).await?;
            kept.err().map(|refusal| Error::Refused(Box::new(refusal)))
        }
        None => Some(Error::Conflict("the campaign does not list the account any more".to_owned())),
    };
    drop(conn);
    let Some(refused) = refused else { return Ok(()) };
    tracing::info!(%agent, %call, %refused, "a previewed call is not dialled");
    give_up(app, call).await?;
    Err(refused)
}
