//! The ledger of abandoned calls: what was answered by people within a time, and what of it found nobody.
//!
//! Nothing is counted along the way: every figure is worked out from the stored calls when it is asked for.

mod store;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use sqlx::{PgConnection, PgPool};

use crate::{
    call::{Facts, Outcome},
    error::{Error, Result},
    ids::{CallId, CampaignId},
    pacing::share::Abandoned,
};

/// Answers that one file may hold.
const AT_MOST: u32 = 200_000;

/// An answer by a person.
#[derive(Clone, Debug)]
pub struct Answer {
    call: CallId,
    dialled_at: DateTime<Utc>,
    facts: Facts,
}

/// Columns of the file.
pub const COLUMNS: [&str; 9] = [
    "call_id",
    "dialled_at",
    "answered_at",
    "connected_at",
    "hold_expired_at",
    "ended_at",
    "limit_ms",
    "waited_ms",
    "abandoned",
];

/// Abandoned calls of a campaign, as of `now`.
///
/// # Errors
/// If Postgres fails.
pub async fn shares(db: &PgPool, campaign: CampaignId, now: DateTime<Utc>) -> Result<Abandoned> {
    Ok(Abandoned {
        day: store::share(db, campaign, now - TimeDelta::hours(24)).await?,
        month: store::share(db, campaign, now - TimeDelta::days(30)).await?,
    })
}

/// Answers by people between two moments and those of them abandoned: a row a campaign that had any, by name.
///
/// # Errors
/// If Postgres fails.
pub async fn by_campaign(
    conn: &mut PgConnection,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<(String, i64, i64)>> {
    store::by_campaign(conn, from, to).await
}

/// Every answer by a person since a moment, in the order of time, with the moments by which it is judged.
///
/// # Errors
/// [`Error::Invalid`] naming `hours` if there are more than 200,000; those of Postgres.
pub async fn answers(db: &PgPool, campaign: CampaignId, since: DateTime<Utc>) -> Result<Vec<Answer>> {
    let answers = store::answers(db, campaign, since, AT_MOST).await?;
    if answers.len() > AT_MOST as usize {
        return Err(Error::invalid("hours", format!("more than {AT_MOST} answers: ask for fewer hours")));
    }
    Ok(answers)
}

impl Answer {
    /// Nobody was there, or nobody in time: judged anew from the moments that are stored.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.facts.outcome() == Some(Outcome::Abandoned) || self.facts.was_connected_late()
    }

    /// The cells of its row, in the order of [`COLUMNS`].
    #[must_use]
    pub fn cells(&self) -> [String; 9] {
        let moment = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let maybe = |at: Option<DateTime<Utc>>| at.map(moment).unwrap_or_default();
        let facts = &self.facts;
        let answered = facts.answered_at.or(facts.joined_at);
        let ended = facts.end.map(|end| end.at);
        let connected = facts.joined_at.filter(|_| facts.agent.is_some());
        let waited = answered.zip(connected.or(ended)).map(|(from, to)| (to - from).num_milliseconds().max(0));
        [
            self.call.to_string(),
            moment(self.dialled_at),
            maybe(answered),
            maybe(connected),
            maybe(facts.hold_expired_at),
            maybe(ended),
            facts.bridge_limit_ms.to_string(),
            waited.map(|waited| waited.to_string()).unwrap_or_default(),
            if self.is_abandoned() { "yes" } else { "no" }.to_owned(),
        ]
    }
}
