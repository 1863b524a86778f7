//! Asking the carrier to place a committed attempt, and telling the call what came of it.

use tracing::Instrument;

use super::store;
use crate::{
    app::App,
    call::{
        CallbackToken, Event,
        apply::{self, Heard},
        callbacks,
    },
    campaign,
    carrier::{
        CreateCall, CreateResult, Instructions, MachineDetection, Meaning, Party,
        limit::{self, Limit},
    },
    error::{Error, Result},
    ids::{CallId, CampaignId},
    phone::Phone,
};

/// A committed attempt.
pub(super) struct Begun {
    pub(super) campaign: CampaignId,
    pub(super) call: CallId,
    pub(super) token: CallbackToken,
    pub(super) to: Phone,
    pub(super) from: Phone,
    pub(super) ring_seconds: u16,
}

/// Lines that the trunk still carries.
///
/// # Errors
/// Those of Postgres.
pub(super) async fn free_lines(app: &App) -> Result<u32> {
    let Some(most) = app.config.carrier.max_lines else { return Ok(u32::MAX) };
    Ok(most.saturating_sub(store::lines_of_all(&app.db).await?))
}

/// Takes a line for a call that an agent asks for.
///
/// # Errors
/// [`Error::Conflict`] if the carrier takes no calls, or none at this moment.
pub(super) async fn a_line(app: &App) -> Result<()> {
    if let Some(trouble) = app.carrier.check().await {
        return Err(Error::Conflict(trouble.to_string()));
    }
    if free_lines(app).await? == 0 || limit::take(&app.redis, Limit::of(&app.config.carrier), 1).await? == 0 {
        return Err(Error::Conflict("no line is free at this moment; try again".to_owned()));
    }
    Ok(())
}

/// Asks the carrier once (its client retries what certainly was not placed), and tells the call.
///
/// If the answer cannot be kept, the sweeper asks the carrier what became of the call.
pub(super) async fn place(app: App, begun: Begun) {
    let span = tracing::info_span!("dial", call = %begun.call);
    async {
        let result = app.carrier.create_call(&request(&app, &begun)).await;
        let (event, sid) = match result {
            CreateResult::Accepted { sid } => (Event::CreateAccepted, Some(sid.as_str().to_owned())),
            CreateResult::Rejected { code, bad_number } => {
                stop_if_hopeless(&app, begun.campaign, code).await;
                (Event::CreateRejected { code, bad_number }, None)
            }
            CreateResult::NotPlaced(why) => {
                tracing::warn!(?why, "not placed");
                (Event::CreateRejected { code: 0, bad_number: false }, None)
            }
            CreateResult::Unknown => (Event::CreateUnknown, None),
        };
        let heard = Heard::create(begun.call, sid, app.clock.now());
        if let Err(error) = apply::tell(&app, begun.call, heard, event).await {
            tracing::error!(%error, "the carrier's answer was not kept");
        }
    }
    .instrument(span)
    .await;
}

/// Pauses a campaign whose next call would be refused for the same reason: its caller id, or our configuration.
async fn stop_if_hopeless(app: &App, campaign: CampaignId, code: u32) {
    let meaning = Meaning::of(code);
    if !meaning.stops_campaign() {
        return;
    }
    tracing::error!(%campaign, code, ?meaning, "the carrier refuses every call of this campaign: it is paused");
    if let Err(error) = campaign::pause(app, None, campaign).await {
        tracing::error!(%campaign, %error, "the campaign was not paused");
    }
}

fn request(app: &App, begun: &Begun) -> CreateCall {
    let Begun { call, token, .. } = begun;
    CreateCall {
        to: Party::Phone(begun.to.clone()),
        from: Party::Phone(begun.from.clone()),
        instructions: Instructions::Url(callbacks::answer_url(&app.config, *call, token)),
        fallback_url: Some(callbacks::fallback_url(&app.config, *call, token)),
        status_url: Some(callbacks::status_url(&app.config, *call, token)),
        ring_seconds: begun.ring_seconds,
        limit_seconds: None,
        machine_detection: Some(MachineDetection::reporting_to(callbacks::amd_url(&app.config, *call, token))),
        recording_url: None,
    }
}
