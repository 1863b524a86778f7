//! A recorded day, read from the calls and from the log of presence.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    call::Outcome,
    campaign::Campaign,
    error::Result,
    ids::CampaignId,
    pacing::{predictive::Resolution, replay::Recorded, simulation::Conversation},
};

/// Who worked when the day began came at most this long before.
const LONGEST_SHIFT: TimeDelta = TimeDelta::hours(16);

struct Row {
    outbound: bool,
    created_at: DateTime<Utc>,
    answered_at: Option<DateTime<Utc>>,
    bridged_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    disposed_at: Option<DateTime<Utc>>,
    outcome: Option<String>,
}

/// The campaign's calls that began within a time and are over, dialled and come in, each in the order of time; at most
/// one more than `most`.
pub(super) async fn calls(
    db: &PgPool,
    campaign: &Campaign,
    (begins, ends): (DateTime<Utc>, DateTime<Utc>),
    most: u32,
) -> Result<(Vec<Recorded>, Vec<Recorded>)> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT c.direction = 'outbound' AS "outbound!", c.created_at, c.answered_at, c.bridged_at, c.ended_at,
                  d.at AS "disposed_at?", c.outcome
           FROM call c LEFT JOIN call_disposition d ON d.call_id = c.id
           WHERE c.campaign_id = $1 AND c.created_at >= $2 AND c.created_at < $3 AND c.ended_at IS NOT NULL
             AND (c.direction = 'inbound' OR c.facts -> 'create' ->> 'is' <> 'not_asked')
           ORDER BY c.created_at, c.id LIMIT $4"#,
        campaign.id.0,
        begins,
        ends,
        i64::from(most) + 1
    )
    .fetch_all(db)
    .await?;
    let rings_at_most = i64::from(campaign.settings.limits.ring_seconds) * 1000;
    let (out, inward): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.outbound);
    let read = |rows: Vec<Row>| rows.iter().map(|row| row.read(rings_at_most)).collect();
    Ok((read(out), read(inward)))
}

impl Row {
    fn read(&self, rings_at_most: i64) -> Recorded {
        let outcome = self.outcome.as_deref().and_then(Outcome::from_name);
        let how = match (self.answered_at, outcome) {
            (Some(_), _) => Resolution::Answered,
            (None, Some(Outcome::Busy)) => Resolution::Busy,
            // One that we gave up would have rung out.
            (None, Some(Outcome::NoAnswer | Outcome::Canceled)) => Resolution::NoAnswer,
            (None, _) => Resolution::Failed,
        };
        let given_up = outcome == Some(Outcome::Canceled) && self.answered_at.is_none();
        let stopped = self.answered_at.or(self.ended_at).unwrap_or(self.created_at);
        Recorded {
            at: self.created_at.timestamp_millis(),
            how,
            rang: if given_up { rings_at_most } else { span(self.created_at, stopped) },
            person: outcome != Some(Outcome::Machine),
            abandoned: outcome == Some(Outcome::Abandoned),
            spoken: self.spoken(),
        }
    }

    fn spoken(&self) -> Option<Conversation> {
        let (bridged, ended, disposed) = (self.bridged_at?, self.ended_at?, self.disposed_at?);
        Some(Conversation { talk: span(bridged, ended), wrap: span(ended, disposed) })
    }
}

fn span(from: DateTime<Utc>, to: DateTime<Utc>) -> i64 {
    (to - from).num_milliseconds().max(0)
}

/// When each agent worked for the campaign within a time: ready, in a call or writing it up.
pub(super) async fn shifts(
    db: &PgPool,
    campaign: CampaignId,
    (begins, ends): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<(Uuid, Vec<(i64, i64)>)>> {
    let rows = sqlx::query!(
        r#"SELECT user_id, at,
                  campaign_id IS NOT DISTINCT FROM $1 AND state IN ('ready', 'reserved', 'on_call', 'wrap_up') AS "works!"
           FROM agent_log WHERE at >= $2 AND at < $3 ORDER BY user_id, id"#,
        campaign.0,
        begins - LONGEST_SHIFT,
        ends
    )
    .fetch_all(db)
    .await?;
    let changes: Vec<_> = rows.into_iter().map(|row| (row.user_id, row.at.timestamp_millis(), row.works)).collect();
    let day = (begins.timestamp_millis(), ends.timestamp_millis());
    let agents = changes.chunk_by(|one, next| one.0 == next.0).map(|of| (of[0].0, at_work(of, day)));
    Ok(agents.filter(|(_, shifts)| !shifts.is_empty()).collect())
}

/// From an agent's changes of presence to the spans of work within the day.
fn at_work(changes: &[(Uuid, i64, bool)], (begins, ends): (i64, i64)) -> Vec<(i64, i64)> {
    let until = changes.iter().skip(1).map(|(_, at, _)| *at).chain([ends]);
    let spans = changes.iter().zip(until).filter(|((_, _, works), _)| *works);
    let mut shifts: Vec<(i64, i64)> = Vec::new();
    for (from, to) in spans.map(|((_, from, _), to)| (*from.max(&begins), to)).filter(|(from, to)| from < to) {
        match shifts.last_mut() {
            Some(last) if last.1 == from => last.1 = to,
            _ => shifts.push((from, to)),
        }
    }
    shifts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presence_becomes_spans_of_work_within_the_day() {
        let agent = Uuid::nil();
        // At work since before the day, a break, back, and away to another campaign.
        let changes =
            [(agent, 50, true), (agent, 90, true), (agent, 150, false), (agent, 180, true), (agent, 200, true)];
        assert_eq!(at_work(&changes, (100, 300)), [(100, 150), (180, 300)]);
        assert_eq!(at_work(&changes[..3], (160, 300)), []);
        assert_eq!(at_work(&[(agent, 250, true)], (100, 300)), [(250, 300)]);
    }
}
