//! Recording what a call led to: one transaction, from the question whether the request is a repetition to the answer.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;

use super::{
    Disposition, Recorded, Wrap,
    check::{Situation, check},
    follow::{Following, follow},
    store::{self, Call},
};
use crate::{
    account,
    agent::{Principal, Role},
    agreement,
    app::App,
    business_day::BusinessDays,
    call::{
        Event,
        apply::{Heard, Source, tell_in},
    },
    compliance::hours,
    error::{Error, Result},
    ids::CallId,
    ledger, outgoing,
};

pub(super) async fn record(app: &App, by: &Principal, id: CallId, wrap: &Wrap, key: &str) -> Result<Recorded> {
    check_key(key)?;
    let hash = request_hash(id, wrap)?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    // The call's lock comes first: a repetition that runs at the same time waits here for the first one's answer.
    let call = store::lock_call(&mut tx, id).await?.ok_or(Error::NotFound("call"))?;
    if let Some((earlier, answer)) = store::earlier_answer(&mut tx, by.user, key).await? {
        return repeat(&earlier, &hash, answer);
    }
    may_record(by, &call)?;
    let disposition = chosen(&mut tx, &call, &wrap.code).await?;
    let heard = Heard::own(Source::Desk, id, "disposed", now);
    tell_in(&mut tx, id, &heard, &Event::Disposed).await?;
    let recorded = write(app, &mut tx, by, &call, &disposition, wrap, now).await?;
    let answer = serde_json::to_value(&recorded).map_err(Error::internal("keeping an answer"))?;
    if !store::keep_answer(&mut tx, by.user, key, &hash, &answer, now).await? {
        return Err(other_body());
    }
    tx.commit().await?;
    app.outbox.ring();
    Ok(recorded)
}

/// Checks against the account as it is, its row locked, and writes everything.
async fn write(
    app: &App,
    conn: &mut PgConnection,
    by: &Principal,
    call: &Call,
    disposition: &Disposition,
    wrap: &Wrap,
    now: DateTime<Utc>,
) -> Result<Recorded> {
    let rules = agreement::store::rules(&mut *conn).await?;
    let (mut items, mut days, mut owed_minor, mut collectible_minor) = (None, BusinessDays::default(), 0, 0);
    if let Some(account) = call.account {
        store::lock_account(conn, account).await?;
        days = rules.business_days_of(&app.policies.book, &account::store::get(conn, account).await?);
        items = Some(ledger::store::open_items(conn, account).await?);
        if let Some(figures) = ledger::store::figures(conn, account).await? {
            owed_minor = figures.open.minor - figures.unapplied.minor;
            collectible_minor = figures.collectible.minor;
        }
    }
    let today = app.clock.business_date();
    let situation = Situation {
        disposition,
        items: items.as_deref(),
        owed_minor,
        stranger: call.stranger,
        number_is_known: call.contact_point.is_some(),
        now,
        today,
    };
    check(wrap, &situation)?;
    let following = Following {
        call,
        disposition,
        by,
        items: items.as_deref().unwrap_or_default(),
        collectible_minor,
        rules: &rules,
        days: &days,
        today,
        now,
    };
    let mut recorded = follow(conn, &following, wrap).await?;
    recorded.warnings.extend(warnings(call, wrap));
    if let Some(account) = call.account {
        let data = json!({ "call": call.id, "code": disposition.code, "category": disposition.category });
        let event = outgoing::Event { kind: outgoing::Kind::Disposition, what: "recorded", account, data };
        outgoing::tell(conn, &event, now).await?;
    }
    Ok(recorded)
}

/// The agent who talked may record, and any supervisor; only an agent's call has something to record.
fn may_record(by: &Principal, call: &Call) -> Result<()> {
    if call.agent != Some(by.user) {
        by.must_be(Role::Supervisor)?;
    }
    if call.agent.is_none() {
        return Err(Error::Conflict("no agent was on this call".to_owned()));
    }
    if call.recorded_by_person {
        return Err(Error::Conflict("the disposition of this call is recorded already".to_owned()));
    }
    Ok(())
}

async fn chosen(conn: &mut PgConnection, call: &Call, code: &str) -> Result<Disposition> {
    let set = &call.settings.disposition_set;
    match store::entry(conn, set, code).await? {
        Some(entry) if !entry.automatic => Ok(entry),
        Some(_) => Err(Error::invalid("code", "this one is recorded by the service only")),
        None => Err(Error::invalid("code", format!("no disposition of the set {set}"))),
    }
}

/// What does not forbid anything, but the agent should know.
fn warnings(call: &Call, wrap: &Wrap) -> Vec<String> {
    let Some(at) = wrap.callback_at else { return Vec::new() };
    let zones: Vec<Tz> = call.zones.iter().filter_map(|name| name.parse().ok()).collect();
    if zones.is_empty() || hours::is_open(&call.settings.hours, &zones, at) {
        return Vec::new();
    }
    let when = hours::next_open(&call.settings.hours, &zones, at).map_or_else(String::new, |open| {
        format!(": the call will be made from {} on", open.with_timezone(&zones[0]).format("%Y-%m-%d %H:%M %Z"))
    });
    vec![format!("The callback lies outside of the debtor's calling hours{when}")]
}

fn check_key(key: &str) -> Result<()> {
    if (1..=128).contains(&key.chars().count()) && key.chars().all(|letter| letter.is_ascii_graphic()) {
        Ok(())
    } else {
        Err(Error::invalid("Idempotency-Key", "1 to 128 visible ASCII characters"))
    }
}

fn request_hash(call: CallId, wrap: &Wrap) -> Result<Vec<u8>> {
    let body = serde_json::to_vec(&("disposition", call, wrap)).map_err(Error::internal("reading a disposition"))?;
    Ok(Sha256::digest(&body).to_vec())
}

fn repeat(earlier: &[u8], hash: &[u8], answer: serde_json::Value) -> Result<Recorded> {
    if earlier == hash {
        serde_json::from_value(answer).map_err(Error::internal("repeating an answer"))
    } else {
        Err(other_body())
    }
}

fn other_body() -> Error {
    Error::Conflict("this Idempotency-Key was used for another request".to_owned())
}
