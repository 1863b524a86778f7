//! Creating, changing and steering a campaign; every change leaves a row in the audit.

use serde_json::json;

use super::{Campaign, Mode, Settings, State, check, store};
use crate::{
    app::App,
    compliance,
    error::{Error, Result},
    ids::{CampaignId, UserId},
    queue,
};

/// A campaign to be created; it starts paused.
#[derive(Clone, Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCampaign {
    /// Unique name, 1 to 80 characters.
    pub name: String,
    /// How it dials.
    pub mode: Mode,
    /// Lines per ready agent in thousandths, 1000 to 5000.
    pub ratio_milli: u32,
    /// Everything else.
    #[serde(default)]
    pub settings: Settings,
}

/// Creates a campaign, paused.
///
/// # Errors
/// [`Error::Invalid`] names the field and its range.
pub async fn create(app: &App, by: Option<UserId>, new: NewCampaign) -> Result<Campaign> {
    check::name(&new.name)?;
    check::ratio(new.ratio_milli)?;
    check::settings(&new.settings, &app.policies.book)?;
    let campaign = Campaign {
        id: CampaignId::generate(),
        name: new.name,
        state: State::Paused,
        mode: new.mode,
        ratio_milli: new.ratio_milli,
        settings: new.settings,
        version: 1,
        updated_at: app.clock.now(),
    };
    let mut tx = app.db.begin().await?;
    store::insert(&mut tx, &campaign).await?;
    store::audit(&mut tx, by, "create", &campaign, json!({ "name": campaign.name })).await?;
    tx.commit().await?;
    Ok(campaign)
}

/// Replaces the settings. `version` is the one that the change was made on; the queue is built anew.
///
/// # Errors
/// [`Error::Invalid`] names the field and its range; [`Error::Conflict`] if the campaign was changed since.
pub async fn update_settings(
    app: &App,
    by: Option<UserId>,
    id: CampaignId,
    version: i64,
    settings: Settings,
) -> Result<Campaign> {
    check::settings(&settings, &app.policies.book)?;
    let campaign = change(app, by, id, "settings", |campaign| {
        if campaign.version != version {
            return Err(Error::Conflict(format!("changed meanwhile: version {} now", campaign.version)));
        }
        if campaign.state == State::Running {
            check::startable(&settings)?;
        }
        campaign.settings = settings;
        Ok(())
    })
    .await?;
    compliance::store::forget_refusals_of(&mut *app.db.acquire().await?, Some(id)).await?;
    queue::forget(app, id).await?;
    Ok(campaign)
}

/// Starts dialling.
///
/// # Errors
/// [`Error::Invalid`] if a setting that dialling needs is missing.
pub async fn start(app: &App, by: Option<UserId>, id: CampaignId) -> Result<Campaign> {
    let campaign = change(app, by, id, "start", |campaign| {
        check::startable(&campaign.settings)?;
        campaign.state = State::Running;
        Ok(())
    })
    .await?;
    app.dialer.ring();
    Ok(campaign)
}

/// Places no new calls; calls in progress go on.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn pause(app: &App, by: Option<UserId>, id: CampaignId) -> Result<Campaign> {
    change(app, by, id, "pause", |campaign| {
        campaign.state = State::Paused;
        Ok(())
    })
    .await
}

/// Places no new calls, and pauses when the last call is done. A paused campaign stays paused.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn drain(app: &App, by: Option<UserId>, id: CampaignId) -> Result<Campaign> {
    change(app, by, id, "drain", |campaign| {
        if campaign.state == State::Running {
            campaign.state = State::Draining;
        }
        Ok(())
    })
    .await
}

/// The last call of a draining campaign is done: it pauses.
pub(crate) async fn drained(app: &App, id: CampaignId) -> Result<()> {
    let paused = change(app, None, id, "drained", |campaign| {
        if campaign.state == State::Draining {
            campaign.state = State::Paused;
        }
        Ok(())
    });
    paused.await.map(|_| ())
}

/// Sets the lines per ready agent, in thousandths.
///
/// # Errors
/// [`Error::Invalid`] outside of 1000 to 5000.
pub async fn set_ratio(app: &App, by: Option<UserId>, id: CampaignId, ratio_milli: u32) -> Result<Campaign> {
    check::ratio(ratio_milli)?;
    let campaign = change(app, by, id, "ratio", |campaign| {
        campaign.ratio_milli = ratio_milli;
        Ok(())
    })
    .await?;
    app.dialer.ring();
    Ok(campaign)
}

/// Sets how the campaign dials.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn set_mode(app: &App, by: Option<UserId>, id: CampaignId, mode: Mode) -> Result<Campaign> {
    let campaign = change(app, by, id, "mode", |campaign| {
        campaign.mode = mode;
        Ok(())
    })
    .await?;
    app.dialer.ring();
    Ok(campaign)
}

/// Changes a campaign in one transaction, with its row in the audit. What changes nothing leaves no trace.
async fn change(
    app: &App,
    by: Option<UserId>,
    id: CampaignId,
    action: &'static str,
    apply: impl FnOnce(&mut Campaign) -> Result<()>,
) -> Result<Campaign> {
    let mut tx = app.db.begin().await?;
    let before = store::lock(&mut tx, id).await?;
    let mut after = before.clone();
    apply(&mut after)?;
    if difference(&before, &after).as_object().is_none_or(serde_json::Map::is_empty) {
        return Ok(before);
    }
    after.updated_at = app.clock.now();
    store::update(&mut tx, &mut after).await?;
    store::audit(&mut tx, by, action, &after, difference(&before, &after)).await?;
    tx.commit().await?;
    Ok(after)
}

/// What a change changed: each field with its value before and after.
fn difference(before: &Campaign, after: &Campaign) -> serde_json::Value {
    let mut changed = serde_json::Map::new();
    if before.state != after.state {
        changed.insert("state".to_owned(), json!([before.state, after.state]));
    }
    if before.mode != after.mode {
        changed.insert("mode".to_owned(), json!([before.mode, after.mode]));
    }
    if before.ratio_milli != after.ratio_milli {
        changed.insert("ratio_milli".to_owned(), json!([before.ratio_milli, after.ratio_milli]));
    }
    if before.settings != after.settings {
        changed.insert("settings".to_owned(), json!([before.settings, after.settings]));
    }
    changed.into()
}
