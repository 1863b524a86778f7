//! A debtor calls us: the account is found by the number, and reaches its owner or the longest idle agent with the
//! same screen-pop; where nobody is free, a callback is recorded, and the caller is told so.

use axum::extract::State;
use tracing::{Instrument, info_span};

use super::{
    posted::{Document, Posted, Refused},
    store::{self, Caller},
};
use crate::{
    app::App,
    call::{
        self, CallbackToken, Facts,
        apply::Source,
        connect::{self, Moment},
    },
    carrier::{Party, VoiceRequest},
    error::{Error, Result},
    ids::CallId,
    outbox,
};

/// Within how many milliseconds an agent should be with a caller: only measured, a caller is not held.
const LIMIT_MS: u32 = 2_000;

/// A line that comes in on one of our numbers.
pub(super) async fn inbound(State(app): State<App>, posted: Posted) -> Result<Document, Refused> {
    let request = VoiceRequest::try_from(&posted.form)?;
    let heard = posted.heard(Source::Inbound, request.call.as_str(), Some(&request.call));
    let call = match call::store::id_of_sid(&app.db, request.call.as_str()).await? {
        Some(call) => call,
        None => begin(&app, &request, &posted).await?,
    };
    let row = call::store::get(&app.db, call).await?.ok_or(Error::NotFound("call"))?;
    let span = info_span!("webhook", source = "inbound", %call);
    let document = connect::connect(&app, &row, &heard, Moment::Answered).instrument(span).await?;
    record_callback(&app, &row).await?;
    Ok(Document(document))
}

/// Inserts the call with the account it seems to be about.
async fn begin(app: &App, request: &VoiceRequest, posted: &Posted) -> Result<CallId> {
    let number = |party: &Option<Party>| party.as_ref().map(Party::address).unwrap_or_default();
    let (from, to) = (number(&request.from), number(&request.to));
    let caller = match request.from.as_ref().and_then(Party::phone) {
        Some(phone) => store::caller(&app.db, phone).await?,
        None => None,
    };
    let campaign = match caller.as_ref().and_then(|caller| caller.campaign) {
        Some(campaign) => Some(campaign),
        None => store::campaign_of_number(&app.db, &to).await?,
    };
    let mut tx = app.db.begin().await?;
    let (token, facts) = (CallbackToken::generate(), Facts::inbound(LIMIT_MS, posted.at));
    let new = call::store::NewCall {
        id: CallId::generate(),
        campaign,
        account: caller.as_ref().map(|caller: &Caller| caller.account),
        person: caller.as_ref().map(|caller| caller.person),
        contact_point: caller.as_ref().map(|caller| caller.contact_point),
        to: &to,
        from: &from,
        sid: Some(request.call.as_str()),
        token: &token,
        facts: &facts,
        decision: None,
        lease: None,
        queue_entry: None,
        answer_chance: 1.0,
    };
    if !call::store::insert(&mut tx, &new, posted.at).await? {
        // The same request, a moment earlier.
        drop(tx);
        let earlier = call::store::id_of_sid(&app.db, request.call.as_str()).await?;
        return earlier.ok_or(Error::NotFound("call"));
    }
    outbox::enqueue(&mut tx, &[outbox::Effect::CallChanged { call: new.id }], posted.at).await?;
    tx.commit().await?;
    app.outbox.ring();
    Ok(new.id)
}

/// Nobody was free for a caller whose account is known: call back as soon as somebody is.
async fn record_callback(app: &App, row: &call::store::Row) -> Result<()> {
    let Some(now) = call::store::get(&app.db, row.id).await? else { return Ok(()) };
    let (Some(account), None, Some(since)) = (now.account, now.facts.agent, now.facts.hold_expired_at) else {
        return Ok(());
    };
    let mut tx = app.db.begin().await?;
    if store::record_callback(&mut tx, &now, account, since).await? {
        outbox::enqueue(&mut tx, &[outbox::Effect::Requeue { account }], since).await?;
    }
    tx.commit().await?;
    app.outbox.ring();
    Ok(())
}
