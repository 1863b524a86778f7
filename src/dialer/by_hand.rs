//! A call that an agent makes by hand: the same lease, the same last look, the same receipt.

use super::{
    begin::{self, NotBegun},
    look::{self, Looked, PERSON_RIGHT_MS},
    place, store,
};
use crate::{
    agent,
    app::App,
    call::attempt::Taker,
    campaign::{self, Campaign, Mode},
    compliance::{self, PermitRequest},
    desk,
    error::{Error, Result},
    ids::{AccountId, CallId, CampaignId, ContactPointId, UserId},
    phone::Phone,
    queue::{self, right::Right},
    tempo,
};

/// Calls a number of an account for an agent who waits for it, as a call of `campaign`, or of the agent's own.
///
/// # Errors
/// [`Error::Refused`] by the last look; [`Error::Conflict`] if the agent is not free, somebody else is calling the account
/// or the person, or no line is free at this moment; [`Error::NotFound`].
pub async fn dial(
    app: &App,
    agent: UserId,
    account: AccountId,
    point: ContactPointId,
    campaign: Option<CampaignId>,
) -> Result<CallId> {
    let campaign = campaign_of(app, agent, campaign).await?;
    let (request, to) = facts(app, &campaign, account, point).await?;
    let from = look::caller_id(&campaign, account, request.account_attempts)
        .ok_or_else(|| Error::Conflict("the campaign has no number to call from".to_owned()))?;
    if app.lifecycle.claiming().is_cancelled() {
        return Err(Error::Conflict("the service is stopping; try again in a moment".to_owned()));
    }
    place::a_line(app).await?;
    let person = Right::new(tempo::person_key(request.person));
    if !person.take(app, PERSON_RIGHT_MS).await? {
        return Err(Error::Conflict("somebody else is calling this person at this moment".to_owned()));
    }
    let Some(leased) = queue::take(app, &campaign, queue::Entry::by_hand(&request)).await? else {
        person.let_go(app).await?;
        return Err(Error::Conflict("the dialer is calling this account at this moment".to_owned()));
    };
    let looked = Looked { leased, to, from, person };
    let begun = begin::commit(app, &campaign, looked, Taker::ByHand(agent)).await?.map_err(why_not)?;
    let call = begun.call;
    // The attempt stands: whoever answers is connected, and what the desk has not shown by then is sent again.
    if let Err(error) = desk::pop::send(app, agent, call).await {
        tracing::warn!(%call, %error, "the account of a call by hand was not shown yet");
    }
    app.lifecycle.tasks().spawn(place::place(app.clone(), begun));
    Ok(call)
}

/// The campaign that the call is made for. An agent waits for it, as in a preview.
async fn campaign_of(app: &App, agent: UserId, wanted: Option<CampaignId>) -> Result<Campaign> {
    let who = agent::store::get(&app.db, agent).await?;
    let who = who.ok_or_else(|| Error::Conflict("open your desk first".to_owned()))?;
    who.may_call_by_hand().map_err(|why| Error::Conflict(why.to_owned()))?;
    let campaign = wanted.or(who.campaign);
    let campaign =
        campaign.ok_or_else(|| Error::Conflict("no campaign is assigned to you: ask a supervisor".to_owned()))?;
    let campaign = campaign::store::get(&mut *app.db.acquire().await?, campaign).await?;
    Ok(Campaign { mode: Mode::Preview, ..campaign })
}

async fn facts(
    app: &App,
    campaign: &Campaign,
    account: AccountId,
    point: ContactPointId,
) -> Result<(PermitRequest, Phone)> {
    let (now, today) = (app.clock.now(), app.clock.business_date());
    let mut conn = app.db.acquire().await?;
    let request = compliance::look::requests(&mut conn, campaign, &[point], now, today).await?.remove(&point);
    let phone = store::phones(&mut conn, &[point]).await?.remove(&point);
    let found = request.filter(|request| request.account == account).zip(phone);
    found.ok_or(Error::NotFound("number at this account that the campaign lists"))
}

fn why_not(why: NotBegun) -> Error {
    match why {
        NotBegun::Refused(refusal) => Error::Refused(Box::new(refusal)),
        NotBegun::Unlisted => Error::Conflict("the campaign does not list the account any more".to_owned()),
        NotBegun::Busy => Error::Conflict("you are not free, or somebody else is calling them".to_owned()),
        NotBegun::Lapsed => Error::Conflict("that took too long; try again".to_owned()),
    }
}
