//! Answers by people, read from the calls. One that was answered within a time was dialled at most minutes before. Who
//! was given an agent too late counts as abandoned.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, PgPool, types::Json};

use super::Answer;
use crate::{
    call::Facts,
    error::Result,
    ids::{CallId, CampaignId},
    pacing::share::Share,
};

/// No line rings longer.
const RINGS: TimeDelta = TimeDelta::minutes(5);

/// Answers since a moment, and those of them abandoned.
pub(super) async fn share(db: &PgPool, campaign: CampaignId, since: DateTime<Utc>) -> Result<Share> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "answers!", count(*) FILTER (WHERE outcome = 'abandoned' OR connected_late) AS "abandoned!"
           FROM call WHERE campaign_id = $1 AND direction = 'outbound' AND created_at > $2
             AND answered_at > $3 AND outcome IN ('abandoned', 'completed')"#,
        campaign.0,
        since - RINGS,
        since
    )
    .fetch_one(db)
    .await?;
    let count = |count: i64| u64::try_from(count).unwrap_or(0);
    Ok(Share::of(count(row.abandoned), count(row.answers)))
}

/// Answers from a moment to another, and those of them abandoned, a row a campaign that had any.
pub(super) async fn by_campaign(
    conn: &mut PgConnection,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<(String, i64, i64)>> {
    let rows = sqlx::query!(
        r#"SELECT m.name, count(*) AS "answers!",
                  count(*) FILTER (WHERE c.outcome = 'abandoned' OR c.connected_late) AS "abandoned!"
           FROM call c JOIN campaign m ON m.id = c.campaign_id
           WHERE c.direction = 'outbound' AND c.created_at > $1 AND c.created_at < $3
             AND c.answered_at > $2 AND c.answered_at <= $3 AND c.outcome IN ('abandoned', 'completed')
           GROUP BY 1 ORDER BY 1"#,
        from - RINGS,
        from,
        to
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.name, row.answers, row.abandoned)).collect())
}

/// The answers one by one; at most one more than `most`.
pub(super) async fn answers(db: &PgPool, campaign: CampaignId, since: DateTime<Utc>, most: u32) -> Result<Vec<Answer>> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id: CallId", created_at, facts AS "facts: Json<Facts>"
           FROM call WHERE campaign_id = $1 AND direction = 'outbound' AND created_at > $2
             AND answered_at > $3 AND outcome IN ('abandoned', 'completed')
           ORDER BY answered_at, id LIMIT $4"#,
        campaign.0,
        since - RINGS,
        since,
        i64::from(most) + 1
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| Answer { call: row.id, dialled_at: row.created_at, facts: row.facts.0 }).collect())
}
