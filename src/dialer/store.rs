//! What the dialer reads of Postgres.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::{
    agent::ready,
    call::State,
    error::{Error, Result},
    ids::{AccountId, CallId, CampaignId, ContactPointId, UserId},
    phone::Phone,
};

/// Lines of a campaign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lines {
    /// Being dialled or ringing.
    pub(super) in_flight: u32,
    /// Answered, without an agent.
    pub(super) waiting: u32,
    /// All that are, or may be, up; accounts shown for preview among them.
    pub(super) live: u32,
}

/// Counts the campaign's lines.
pub(super) async fn lines(db: &PgPool, campaign: CampaignId) -> Result<Lines> {
    let row = sqlx::query!(
        r#"SELECT count(*) FILTER (WHERE state IN ('dialing', 'ringing')) AS "in_flight!",
                  count(*) FILTER (WHERE state IN ('answered', 'held') AND agent_id IS NULL) AS "waiting!",
                  count(*) AS "live!"
           FROM call WHERE live AND campaign_id = $1 AND direction = 'outbound'"#,
        campaign.0
    )
    .fetch_one(db)
    .await?;
    let count = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
    Ok(Lines { in_flight: count(row.in_flight), waiting: count(row.waiting), live: count(row.live) })
}

/// Lines of all campaigns that are, or may be, up; an account that is only shown has none.
pub(super) async fn lines_of_all(db: &PgPool) -> Result<u32> {
    let lines = sqlx::query_scalar!(
        r#"SELECT count(*) AS "lines!" FROM call
           WHERE live AND state IN ('dialing', 'ringing', 'answered', 'held', 'bridged')"#
    )
    .fetch_one(db)
    .await?;
    Ok(u32::try_from(lines).unwrap_or(u32::MAX))
}

/// Numbers of contact points; those that do not parse are left out.
pub(super) async fn phones(
    conn: &mut PgConnection,
    points: &[ContactPointId],
) -> Result<HashMap<ContactPointId, Phone>> {
    let points: Vec<Uuid> = points.iter().map(|point| point.0).collect();
    let rows = sqlx::query!(
        r#"SELECT id AS "id: ContactPointId", value FROM contact_point WHERE id = ANY ($1) AND kind = 'phone'"#,
        &points
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.id, row.value.parse().ok()?))).collect())
}

/// An account shown to an agent for preview.
pub(super) struct Planned {
    pub(super) campaign: CampaignId,
    pub(super) contact_point: ContactPointId,
    pub(super) to: Phone,
    pub(super) from: Phone,
}

/// The planned call, if `agent` is who decides about it.
///
/// # Errors
/// [`Error::NotFound`] if there is no such call for the agent; [`Error::Conflict`] if it has been decided already.
pub(super) async fn planned(db: &PgPool, call: CallId, agent: UserId) -> Result<Planned> {
    let row = sqlx::query!(
        r#"SELECT campaign_id AS "campaign: CampaignId", contact_point_id AS "contact_point: ContactPointId",
                  to_number, from_number, state
           FROM call WHERE id = $1 AND agent_id = $2"#,
        call.0,
        agent.0
    )
    .fetch_optional(db)
    .await?
    .ok_or(Error::NotFound("call of this agent"))?;
    if row.state != State::Planned.as_str() {
        return Err(Error::Conflict("the call is not waiting for a decision any more".to_owned()));
    }
    let (Some(campaign), Some(contact_point)) = (row.campaign, row.contact_point) else {
        return Err(Error::NotFound("call of a campaign"));
    };
    let phone = |text: &str| text.parse().map_err(Error::internal("reading the numbers of a call"));
    let (to, from) = (phone(&row.to_number)?, phone(&row.from_number)?);
    Ok(Planned { campaign, contact_point, to, from })
}

/// Whom the account is to reach at `now` ([`ready::preferred`]).
pub(super) async fn preferred(db: &PgPool, account: AccountId, now: DateTime<Utc>) -> Result<Vec<UserId>> {
    let row = sqlx::query!(
        r#"SELECT callback_agent(id, $2) AS "promised_by: UserId", owner_id AS "owner: UserId" FROM account WHERE id = $1"#,
        account.0,
        now
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map_or_else(Vec::new, |row| ready::preferred(row.promised_by, row.owner).collect()))
}
