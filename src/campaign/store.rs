//! Campaigns in Postgres.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, types::Json};

use super::{Campaign, Mode, Settings, State};
use crate::{
    error::{Error, Result},
    ids::{CampaignId, UserId},
};

struct Row {
    id: CampaignId,
    name: String,
    state: String,
    mode: String,
    ratio_milli: i32,
    settings: Json<Settings>,
    version: i64,
    updated_at: DateTime<Utc>,
}

/// The campaign.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(conn: &mut PgConnection, campaign: CampaignId) -> Result<Campaign> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: CampaignId", name, state, mode, ratio_milli, settings AS "settings: Json<Settings>",
                  version, updated_at
           FROM campaign WHERE id = $1"#,
        campaign.0
    )
    .fetch_optional(conn)
    .await?;
    row.ok_or(Error::NotFound("campaign"))?.try_into()
}

/// The campaign, locked until the transaction ends.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn lock(conn: &mut PgConnection, campaign: CampaignId) -> Result<Campaign> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: CampaignId", name, state, mode, ratio_milli, settings AS "settings: Json<Settings>",
                  version, updated_at
           FROM campaign WHERE id = $1 FOR UPDATE"#,
        campaign.0
    )
    .fetch_optional(conn)
    .await?;
    row.ok_or(Error::NotFound("campaign"))?.try_into()
}

/// All campaigns by name; there are tens of them, not thousands.
///
/// # Errors
/// If Postgres fails.
pub async fn list(conn: &mut PgConnection) -> Result<Vec<Campaign>> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: CampaignId", name, state, mode, ratio_milli, settings AS "settings: Json<Settings>",
                  version, updated_at
           FROM campaign ORDER BY name"#
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Campaign::try_from).collect()
}

/// Adds a campaign.
///
/// # Errors
/// [`Error::Invalid`] if the name is taken.
pub async fn insert(conn: &mut PgConnection, campaign: &Campaign) -> Result<()> {
    let inserted = sqlx::query!(
        "INSERT INTO campaign (id, name, state, mode, ratio_milli, settings, version, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) ON CONFLICT (name) DO NOTHING",
        campaign.id.0,
        campaign.name,
        campaign.state.as_str(),
        campaign.mode.as_str(),
        i32::try_from(campaign.ratio_milli).unwrap_or(i32::MAX),
        Json(&campaign.settings) as _,
        campaign.version,
        campaign.updated_at,
    )
    .execute(conn)
    .await?;
    if inserted.rows_affected() == 0 {
        return Err(Error::invalid("name", "is taken by another campaign"));
    }
    Ok(())
}

/// Writes what may change, if nobody changed it since `campaign.version` was read; that version is raised.
///
/// # Errors
/// [`Error::Conflict`] if somebody did.
pub async fn update(conn: &mut PgConnection, campaign: &mut Campaign) -> Result<()> {
    let updated = sqlx::query!(
        "UPDATE campaign SET state = $3, mode = $4, ratio_milli = $5, settings = $6, updated_at = $7,
                version = version + 1
         WHERE id = $1 AND version = $2",
        campaign.id.0,
        campaign.version,
        campaign.state.as_str(),
        campaign.mode.as_str(),
        i32::try_from(campaign.ratio_milli).unwrap_or(i32::MAX),
        Json(&campaign.settings) as _,
        campaign.updated_at,
    )
    .execute(conn)
    .await?;
    if updated.rows_affected() == 0 {
        return Err(Error::Conflict("the campaign was changed by somebody else; read it again".to_owned()));
    }
    campaign.version += 1;
    Ok(())
}

/// Records who changed a campaign, and how.
///
/// # Errors
/// If Postgres fails.
pub async fn audit(
    conn: &mut PgConnection,
    by: Option<UserId>,
    action: &str,
    campaign: &Campaign,
    detail: serde_json::Value,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO audit (at, user_id, action, object_kind, object_id, detail)
         VALUES ($1, $2, $3, 'campaign', $4, $5)",
        campaign.updated_at,
        by.map(|by| by.0),
        action,
        campaign.id.to_string(),
        detail,
    )
    .execute(conn)
    .await?;
    Ok(())
}

impl TryFrom<Row> for Campaign {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let unknown = |what: String| Error::internal("reading a campaign")(format!("unknown {what:?}"));
        Ok(Self {
            id: row.id,
            name: row.name,
            state: State::from_name(&row.state).ok_or_else(|| unknown(row.state))?,
            mode: Mode::from_name(&row.mode).ok_or_else(|| unknown(row.mode))?,
            ratio_milli: u32::try_from(row.ratio_milli).unwrap_or(1000),
            settings: row.settings.0,
            version: row.version,
            updated_at: row.updated_at,
        })
    }
}
