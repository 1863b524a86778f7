//! What the queue reads of Postgres: the standing of accounts, of a few or of all.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use futures_util::{Stream, TryStreamExt};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{Hold, Number, Standing};
use crate::{
    campaign::Campaign,
    error::Result,
    ids::{AccountId, ContactPointId, PersonId},
};

/// Attempts of the last seven days are read; no limit of frequency looks further back.
const ATTEMPTS_COUNT_FOR: TimeDelta = TimeDelta::days(7);

/// An account with one of its numbers, or with none.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Row {
    account: AccountId,
    open: bool,
    open_minor: i64,
    unapplied_minor: i64,
    disputed_minor: i64,
    collectible_minor: i64,
    oldest_due_on: Option<NaiveDate>,
    open_promise_on: Option<NaiveDate>,
    promise_broken: bool,
    broken_promises: i32,
    kept_promises: i32,
    hold_reason: Option<String>,
    hold_until: Option<DateTime<Utc>>,
    callback_at: Option<DateTime<Utc>>,
    callback_number: Option<ContactPointId>,
    not_before: Option<DateTime<Utc>>,
    attempts: i32,
    removed: bool,
    in_call: bool,
    contact_point: Option<ContactPointId>,
    person: Option<PersonId>,
    zones: Option<Vec<String>>,
    do_not_call: Option<bool>,
    number_attempts: Option<Vec<DateTime<Utc>>>,
    person_attempts: Option<Vec<DateTime<Utc>>>,
    number_in_call: Option<bool>,
}

/// The standing of some accounts in a campaign as of `now`; those the campaign's portfolio does not hold are left out.
///
/// # Errors
/// If Postgres fails.
pub async fn standings_of(
    conn: &mut PgConnection,
    campaign: &Campaign,
    accounts: &[AccountId],
    now: DateTime<Utc>,
) -> Result<Vec<Standing>> {
    let accounts: Vec<Uuid> = accounts.iter().map(|account| account.0).collect();
    let portfolio = campaign.settings.list.portfolio.as_deref();
    let rows = sqlx::query_file_as!(
        Row,
        "src/queue/sql/standings_of.sql",
        campaign.id.0,
        &accounts,
        now,
        portfolio,
        now - ATTEMPTS_COUNT_FOR
    )
    .fetch_all(conn)
    .await?;
    let mut grouping = Grouping::default();
    let mut standings: Vec<Standing> = rows.into_iter().filter_map(|row| grouping.add(row)).collect();
    standings.extend(grouping.finish());
    Ok(standings)
}

/// The rows of every account that a campaign may list, by account; [`Grouping`] makes standings of them.
pub(super) fn all_rows<'a>(
    pool: &'a PgPool,
    campaign: &'a Campaign,
    now: DateTime<Utc>,
) -> impl Stream<Item = Result<Row>> + 'a {
    sqlx::query_file_as!(
        Row,
        "src/queue/sql/all_standings.sql",
        campaign.id.0,
        now,
        campaign.settings.list.portfolio.as_deref(),
        now - ATTEMPTS_COUNT_FOR
    )
    .fetch(pool)
    .map_err(Into::into)
}

/// Puts the rows of one account together.
#[derive(Default)]
pub(super) struct Grouping {
    present: Option<Standing>,
    zones: Zones,
}

impl Grouping {
    /// Takes the next row; gives the standing of the account before once another begins.
    pub(super) fn add(&mut self, mut row: Row) -> Option<Standing> {
        let begins = self.present.as_ref().is_none_or(|standing| standing.account != row.account);
        let finished = if begins { self.present.replace(row.standing()) } else { None };
        if let Some(present) = &mut self.present {
            present.all_do_not_call |= row.do_not_call == Some(true);
            present.numbers.extend(row.number(&mut self.zones));
        }
        finished.map(settled)
    }

    /// The last standing.
    pub(super) fn finish(self) -> Option<Standing> {
        self.present.map(settled)
    }
}

/// While rows are added, `all_do_not_call` says that some number is on a list; it is meant only if no other is left.
fn settled(standing: Standing) -> Standing {
    Standing { all_do_not_call: standing.all_do_not_call && standing.numbers.is_empty(), ..standing }
}

/// Zones by name; a portfolio has few, and a lookup in the table of all zones for each row costs more than the row.
#[derive(Default)]
struct Zones(HashMap<String, Option<Tz>>);

impl Zones {
    /// The zones of `names`; none at all if one is not known, so that nothing is called at a wrong hour.
    fn of(&mut self, names: Vec<String>) -> Vec<Tz> {
        let zones = names.into_iter().map(|name| match self.0.get(&name) {
            Some(zone) => *zone,
            None => *self.0.entry(name.clone()).or_insert(name.parse().ok()),
        });
        zones.collect::<Option<Vec<Tz>>>().unwrap_or_default()
    }
}

impl Row {
    fn standing(&mut self) -> Standing {
        Standing {
            account: self.account,
            open: self.open,
            collectible_minor: self.collectible_minor,
            open_minor: self.open_minor,
            unapplied_minor: self.unapplied_minor,
            disputed_minor: self.disputed_minor,
            oldest_due_on: self.oldest_due_on,
            open_promise_on: self.open_promise_on,
            promise_broken: self.promise_broken,
            broken_promises: self.broken_promises.unsigned_abs(),
            kept_promises: self.kept_promises.unsigned_abs(),
            hold: self.hold_reason.as_deref().map(|reason| (hold(reason), self.hold_until)),
            callback_at: self.callback_at,
            callback_number: self.callback_number,
            not_before: self.not_before,
            attempts: self.attempts.unsigned_abs(),
            removed: self.removed,
            in_call: self.in_call,
            numbers: Vec::new(),
            all_do_not_call: false,
        }
    }

    fn number(&mut self, zones: &mut Zones) -> Option<Number> {
        let (Some(contact_point), Some(person), Some(false)) = (self.contact_point, self.person, self.do_not_call)
        else {
            return None;
        };
        Some(Number {
            contact_point,
            person,
            zones: zones.of(self.zones.take().unwrap_or_default()),
            attempts: self.number_attempts.take().unwrap_or_default(),
            person_attempts: self.person_attempts.take().unwrap_or_default(),
            in_call: self.number_in_call.unwrap_or(false),
        })
    }
}

/// The hold of a stored reason; an unknown one holds as well.
pub(crate) fn hold(reason: &str) -> Hold {
    match reason {
        "cease" => Hold::Cease,
        "attorney" => Hold::Attorney,
        "bankruptcy" => Hold::Bankruptcy,
        "deceased" => Hold::Deceased,
        "vulnerable" => Hold::Vulnerable,
        "hardship" => Hold::Hardship,
        "escalated" => Hold::Escalated,
        _ => Hold::OnHold,
    }
}
