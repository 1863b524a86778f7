//! What the queue reads of Postgres: the standing of accounts, of a few or of all.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use futures_util::TryStream;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    Hold, Number, Refused, Standing,
    copy::{self, Malformed, Value, optional, present},
};
use crate::{
    answer::{self, Tally},
    campaign::Campaign,
    error::{Error, Result},
    ids::{AccountId, ContactPointId, PersonId},
};

/// Attempts of the last seven days are read; no limit of frequency looks further back.
const ATTEMPTS_COUNT_FOR: TimeDelta = TimeDelta::days(7);

/// Memory that each sort and each hash table of a rebuild may take in Postgres before it goes to disk.
const REBUILD_WORK_MEM: &str = "64MB";

/// An account with one of its numbers, or with none.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Row {
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
    reminder_call: bool,
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
    refused_rule: Option<String>,
    refused_until: Option<DateTime<Utc>>,
    number_dials: Option<f64>,
    number_people: Option<f64>,
    all_dials: Option<f64>,
    all_people: Option<f64>,
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
    let (mut grouping, mut zones) = (Grouping::default(), Zones::default());
    let seen = rows.into_iter().map(|row| row.seen(&mut zones));
    let mut standings: Vec<Standing> = seen.filter_map(|seen| grouping.add(seen)).collect();
    standings.extend(grouping.finish());
    Ok(standings)
}

/// What was read of an account and of one of its numbers.
pub(super) struct Seen {
    /// Without its numbers.
    standing: Standing,
    number: Option<Number>,
    /// The number is on a do-not-call list.
    do_not_call: bool,
}

/// Begins to read every account that a campaign may list as of `now`, by account: chunks for [`Scan`].
///
/// # Errors
/// If Postgres fails.
pub(super) async fn scan<'a>(
    conn: &'a mut PgConnection,
    campaign: &Campaign,
    now: DateTime<Utc>,
) -> Result<impl TryStream<Ok = impl AsRef<[u8]> + use<>, Error = sqlx::Error> + use<'a>> {
    sqlx::query!(
        "SELECT set_config('queue.campaign', $1, true) AS a, set_config('queue.portfolio', $2, true) AS b,
                set_config('queue.now', $3, true) AS c, set_config('queue.since', $4, true) AS d,
                set_config('work_mem', $5, true) AS e",
        campaign.id.to_string(),
        campaign.settings.list.portfolio.as_deref().unwrap_or_default(),
        now.to_rfc3339(),
        (now - ATTEMPTS_COUNT_FOR).to_rfc3339(),
        REBUILD_WORK_MEM
    )
    .fetch_one(&mut *conn)
    .await?;
    // Not a checked query: COPY cannot be prepared. A test compares what it gives with standings_of.
    Ok(conn.copy_out_raw(include_str!("sql/copy_standings.sql")).await?)
}

/// Reads the chunks of [`scan`].
#[derive(Default)]
pub(super) struct Scan {
    rows: copy::Rows<32>,
    zones: Zones,
    grouping: Grouping,
}

impl Scan {
    /// Takes the next chunk, and hands on every standing that it completes.
    pub(super) fn add(&mut self, chunk: &[u8], mut each: impl FnMut(&Standing)) -> Result<()> {
        let broken = Error::internal("reading every account's standing");
        self.rows.add(chunk);
        loop {
            match self.rows.next().and_then(|row| row.map(|row| seen(&row, &mut self.zones)).transpose()) {
                Ok(Some(seen)) => self.grouping.add(seen).iter().for_each(&mut each),
                Ok(None) => return Ok(()),
                Err(error) => return Err(broken(error)),
            }
        }
    }

    /// The last standing.
    pub(super) fn finish(self) -> Option<Standing> {
        self.grouping.finish()
    }
}

/// A row in the order of `copy_standings.sql`.
fn seen(row: &copy::Fields<'_, 32>, zones: &mut Zones) -> Result<Seen, Malformed> {
    let count = |field| Ok(optional::<i32>(field)?.unwrap_or(0).unsigned_abs());
    let standing = Standing {
        account: AccountId(present(row[0])?),
        open: true,
        open_minor: present(row[1])?,
        unapplied_minor: present(row[2])?,
        disputed_minor: present(row[3])?,
        collectible_minor: present(row[4])?,
        oldest_due_on: optional(row[5])?,
        open_promise_on: optional(row[6])?,
        promise_broken: present(row[7])?,
        broken_promises: count(row[8])?,
        kept_promises: count(row[9])?,
        hold: optional::<String>(row[10])?.map(|reason| Ok((hold(&reason), optional(row[11])?))).transpose()?,
        callback_at: optional(row[12])?,
        callback_number: optional(row[13])?.map(ContactPointId),
        reminder_call: present(row[31])?,
        not_before: optional(row[14])?,
        attempts: count(row[15])?,
        removed: present(row[16])?,
        in_call: present(row[17])?,
        numbers: Vec::new(),
        all_do_not_call: false,
    };
    let do_not_call = optional(row[21])?.unwrap_or(false);
    let Some(contact_point) = optional(row[18])?.filter(|_| !do_not_call) else {
        return Ok(Seen { standing, number: None, do_not_call });
    };
    let number = Number {
        contact_point: ContactPointId(contact_point),
        person: PersonId(present(row[19])?),
        zones: zones.of_array(row[20].unwrap_or_default()),
        attempts: optional(row[22])?.unwrap_or_default(),
        person_attempts: optional(row[23])?.unwrap_or_default(),
        in_call: optional(row[24])?.unwrap_or(false),
        reach_milli: reach((optional(row[27])?, optional(row[28])?), (optional(row[29])?, optional(row[30])?)),
        refused: optional::<String>(row[25])?
            .map(|rule| Ok(Refused { rule, until: optional(row[26])? }))
            .transpose()?,
    };
    Ok(Seen { standing, number: Some(number), do_not_call })
}

/// Puts the rows of one account together.
#[derive(Default)]
struct Grouping {
    present: Option<Standing>,
}

impl Grouping {
    /// Takes the next row; gives the standing of the account before once another begins.
    fn add(&mut self, seen: Seen) -> Option<Standing> {
        let begins = self.present.as_ref().is_none_or(|standing| standing.account != seen.standing.account);
        let finished = if begins { self.present.replace(seen.standing) } else { None };
        if let Some(present) = &mut self.present {
            present.all_do_not_call |= seen.do_not_call;
            present.numbers.extend(seen.number);
        }
        finished.map(settled)
    }

    /// The last standing.
    fn finish(self) -> Option<Standing> {
        self.present.map(settled)
    }
}

/// While rows are added, `all_do_not_call` says that some number is on a list; it is meant only if no other is left.
fn settled(standing: Standing) -> Standing {
    Standing { all_do_not_call: standing.all_do_not_call && standing.numbers.is_empty(), ..standing }
}

/// Zones by name, and by the array of names; a portfolio has few, and a lookup in the table of all zones for each row
/// costs more than the row.
#[derive(Default)]
struct Zones {
    by_name: HashMap<String, Option<Tz>>,
    by_array: HashMap<Vec<u8>, Vec<Tz>>,
}

impl Zones {
    /// The zones of `names`; none at all if one is not known, so that nothing is called at a wrong hour.
    fn of(&mut self, names: Vec<String>) -> Vec<Tz> {
        let zones = names.into_iter().map(|name| match self.by_name.get(&name) {
            Some(zone) => *zone,
            None => *self.by_name.entry(name.clone()).or_insert(name.parse().ok()),
        });
        zones.collect::<Option<Vec<Tz>>>().unwrap_or_default()
    }

    /// As [`Zones::of`], of a `text[]` in binary format.
    fn of_array(&mut self, array: &[u8]) -> Vec<Tz> {
        if let Some(zones) = self.by_array.get(array) {
            return zones.clone();
        }
        let zones = self.of(Vec::read(array).unwrap_or_default());
        self.by_array.insert(array.to_vec(), zones.clone());
        zones
    }
}

impl Row {
    fn seen(self, zones: &mut Zones) -> Seen {
        let standing = Standing {
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
            reminder_call: self.reminder_call,
            not_before: self.not_before,
            attempts: self.attempts.unsigned_abs(),
            removed: self.removed,
            in_call: self.in_call,
            numbers: Vec::new(),
            all_do_not_call: false,
        };
        let do_not_call = self.do_not_call == Some(true);
        let number = match (self.contact_point, self.person, self.do_not_call) {
            (Some(contact_point), Some(person), Some(false)) => Some(Number {
                contact_point,
                person,
                zones: zones.of(self.zones.unwrap_or_default()),
                attempts: self.number_attempts.unwrap_or_default(),
                person_attempts: self.person_attempts.unwrap_or_default(),
                in_call: self.number_in_call.unwrap_or(false),
                reach_milli: reach((self.number_dials, self.number_people), (self.all_dials, self.all_people)),
                refused: self.refused_rule.map(|rule| Refused { rule, until: self.refused_until }),
            }),
            _ => None,
        };
        Seen { standing, number, do_not_call }
    }
}

/// From the calls of a number and all calls: how many, and how many of them people answered; `None`: there was none.
fn reach(of_number: (Option<f64>, Option<f64>), of_all: (Option<f64>, Option<f64>)) -> u32 {
    let people =
        |(dials, people): (Option<f64>, Option<f64>)| Tally::of_people(dials.unwrap_or(0.0), people.unwrap_or(0.0));
    answer::reach(people(of_number), people(of_all))
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
