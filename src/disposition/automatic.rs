//! Dispositions of outcomes that no agent sees.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::{
    Consequence, Disposition,
    catalogue::{HUNG_UP, NOT_RECORDED},
    store,
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

/// Records the outcome in the transaction that found it: the automatic disposition of the campaign's set, and how long
/// the account rests (`campaign_account.not_before`). Where a disposition is recorded already, nothing changes.
///
/// # Errors
/// Those of Postgres.
pub async fn record(conn: &mut PgConnection, call: CallId, outcome: Outcome, now: DateTime<Utc>) -> Result<()> {
    record_code(conn, call, code_of(outcome), now).await
}

/// The wrap-up of a call ran out, or its agent is gone: records that nothing was recorded, and lets the call be done.
///
/// # Errors
/// Those of Postgres.
pub async fn give_up(conn: &mut PgConnection, call: CallId, now: DateTime<Utc>) -> Result<()> {
    let heard = Heard::own(Source::Service, call, "not disposed", now);
    tell_in(conn, call, &heard, &Event::Disposed).await?;
    record_code(conn, call, NOT_RECORDED, now).await
}

async fn record_code(conn: &mut PgConnection, id: CallId, code: &str, now: DateTime<Utc>) -> Result<()> {
    let call = store::lock_call(conn, id).await?.ok_or(Error::NotFound("call"))?;
    let set = &call.settings.disposition_set;
    let disposition = store::entry(&mut *conn, set, code).await?;
    let disposition =
        disposition.ok_or_else(|| Error::internal("recording an outcome")(format!("{set} has no {code}")))?;
    let record = store::NewRecord { call: id, set, disposition: &disposition, by: None, note: None, now };
    if !store::insert_record(conn, &record).await? {
        return Ok(());
    }
    let Some(account) = call.account else { return Ok(()) };
    if call.inbound {
        // We did not dial, so nothing has to rest; a callback that is owed to the caller stays due.
        return outbox::enqueue(conn, &[Effect::Requeue { account }], now).await;
    }
    let later = now + rest(&disposition, &call.settings.retry);
    if let Some(campaign) = call.campaign {
        store::rest(conn, campaign, account, code, Some(later), false).await?;
    }
    store::postpone_callbacks(conn, account, now, later).await?;
    outbox::enqueue(conn, &[Effect::Requeue { account }], now).await
}

/// How long an account rests after an automatic disposition.
fn rest(disposition: &Disposition, retry: &RetryMinutes) -> TimeDelta {
    let own = match disposition.consequence {
        Consequence::RetryAfter { minutes } => minutes,
        _ => None,
    };
    let of_campaign = match disposition.code.as_str() {
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
    use crate::disposition::{Category, catalogue};

    fn entry(code: &str, minutes: Option<u32>) -> Disposition {
        Disposition {
            code: code.to_owned(),
            label: code.to_owned(),
            category: Category::NoContact,
            required: Vec::new(),
            consequence: Consequence::RetryAfter { minutes },
            hotkey: None,
            automatic: true,
        }
    }

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
        assert_eq!(rest(&entry("busy", None), &retry), TimeDelta::minutes(30));
        assert_eq!(rest(&entry("busy", Some(5)), &retry), TimeDelta::minutes(5));
        assert_eq!(rest(&entry("abandoned", None), &retry), TimeDelta::minutes(4320));
        assert_eq!(rest(&entry(NOT_RECORDED, None), &retry), TimeDelta::minutes(99));
    }
}
