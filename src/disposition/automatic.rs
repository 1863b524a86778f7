//! Dispositions of outcomes that no agent sees.

mod store;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use self::store::{Found, Record, Rest};
use super::{
    Consequence,
    catalogue::{HUNG_UP, NOT_RECORDED},
};
use crate::{
    call::{
        Event, Outcome,
        apply::{Heard, Source, tell_in},
    },
    campaign::RetryMinutes,
    error::{Error, Result},
    ids::CallId,
    outbox::{self, Effect},
};

/// A call that ended in a way that no agent sees.
#[derive(Clone, Copy, Debug)]
pub struct Unseen {
    /// Which; its row is locked.
    pub call: CallId,
    /// How it ended.
    pub outcome: Outcome,
    /// When that was heard.
    pub at: DateTime<Utc>,
}

/// Records outcomes in the transaction that found them: the automatic disposition of each campaign's set, and how long
/// the account rests (`campaign_account.not_before`). Where a disposition is recorded already, nothing changes.
///
/// # Errors
/// Those of Postgres.
pub async fn record(conn: &mut PgConnection, unseen: &[Unseen]) -> Result<()> {
    let codes: Vec<Coded> = unseen.iter().map(|one| (one.call, code_of(one.outcome), one.at)).collect();
    record_codes(conn, &codes).await
}

/// The wrap-up of a call ran out, or its agent is gone: records that nothing was recorded, and lets the call be done.
///
/// # Errors
/// Those of Postgres.
pub async fn give_up(conn: &mut PgConnection, call: CallId, now: DateTime<Utc>) -> Result<()> {
    let heard = Heard::own(Source::Service, call, "not disposed", now);
    tell_in(conn, call, &heard, &Event::Disposed).await?;
    record_codes(conn, &[(call, NOT_RECORDED, now)]).await
}

/// A call, the code it gets, and when.
type Coded = (CallId, &'static str, DateTime<Utc>);

async fn record_codes(conn: &mut PgConnection, codes: &[Coded]) -> Result<()> {
    let Some(now) = codes.iter().map(|(.., at)| *at).max() else { return Ok(()) };
    let found = store::entries(conn, codes).await?;
    if found.len() < codes.len() {
        return Err(Error::internal("recording an outcome")("a call is gone, or its set has no such code"));
    }
    let records: Vec<Record> = found.into_iter().map(Record::from).collect();
    let touched = store::insert(conn, &records).await?;
    let effects: Vec<Effect> = touched.into_iter().map(|account| Effect::Requeue { account }).collect();
    outbox::enqueue(conn, &effects, now).await
}

impl From<Found> for Record {
    fn from(found: Found) -> Self {
        let Found { call, campaign, account, inbound, retry, set, code, category, consequence, at } = found;
        let retry = retry.map(|retry| retry.0).unwrap_or_default();
        let later = at + rest(&code, &consequence.0, &retry);
        // After an inbound call nothing has to rest: we did not dial, and a callback owed to the caller stays due.
        let rest = account.filter(|_| !inbound).map(|account| Rest { account, campaign, later });
        Self { call, account, set, code, category, at, rest }
    }
}

/// How long an account rests after an automatic disposition.
fn rest(code: &str, consequence: &Consequence, retry: &RetryMinutes) -> TimeDelta {
    let own = match *consequence {
        Consequence::RetryAfter { minutes } => minutes,
        _ => None,
    };
    let of_campaign = match code {
        "busy" => retry.busy,
        "no_answer" | HUNG_UP => retry.no_answer,
        "machine" => retry.machine,
        "failed" => retry.failed,
        "abandoned" => retry.abandoned,
        "canceled" => retry.canceled,
        _ => retry.contact,
    };
    TimeDelta::minutes(own.map_or(i64::from(of_campaign), i64::from))
}

fn code_of(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Completed => HUNG_UP,
        Outcome::Busy
        | Outcome::NoAnswer
        | Outcome::Failed
        | Outcome::Canceled
        | Outcome::Machine
        | Outcome::Abandoned => outcome.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disposition::catalogue;

    #[test]
    fn every_outcome_has_a_code_that_every_set_has() {
        let outcomes = [
            Outcome::Busy,
            Outcome::NoAnswer,
            Outcome::Failed,
            Outcome::Canceled,
            Outcome::Machine,
            Outcome::Abandoned,
            Outcome::Completed,
        ];
        for outcome in outcomes {
            assert!(catalogue::AUTOMATIC.contains(&code_of(outcome)), "{outcome:?}");
        }
    }

    #[test]
    fn the_rest_is_the_catalogues_else_the_campaigns() {
        let retry = RetryMinutes { busy: 30, abandoned: 4320, contact: 99, ..RetryMinutes::default() };
        let rest = |code, minutes| rest(code, &Consequence::RetryAfter { minutes }, &retry);
        assert_eq!(rest("busy", None), TimeDelta::minutes(30));
        assert_eq!(rest("busy", Some(5)), TimeDelta::minutes(5));
        assert_eq!(rest("abandoned", None), TimeDelta::minutes(4320));
        assert_eq!(rest(NOT_RECORDED, None), TimeDelta::minutes(99));
    }
}
