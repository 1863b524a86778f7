//! The tallies as stored, and the calls they are learnt from.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sqlx::{PgConnection, PgPool};

use super::{Book, HourOfWeek, OfNumber, Segment, Tally, learn::Tallies};
use crate::{error::Result, ids::AccountId, phone::Phone, queue::Lane};

/// Seconds after which a call counts for 1/e of a new one: four weeks.
const FADES: f64 = 28.0 * 86_400.0;

/// A call that has had the time to be answered.
pub(super) struct Matured {
    pub(super) account: Option<AccountId>,
    pub(super) number: Phone,
    pub(super) dialled_at: DateTime<Utc>,
    /// The first zone of its window.
    pub(super) zone: Option<Tz>,
    pub(super) lane: Lane,
    pub(super) answered: bool,
    pub(super) person: bool,
}

/// The book of all segments.
///
/// # Errors
/// Those of Postgres.
pub async fn load(db: &PgPool) -> Result<Book> {
    let rows =
        sqlx::query!("SELECT segment, hour_of_week, dials, answered, people FROM answer_segment").fetch_all(db).await?;
    Ok(Book::of(rows.into_iter().map(|row| {
        let tally = Tally { dials: row.dials, answered: row.answered, people: row.people };
        (Segment(row.segment), usize::try_from(row.hour_of_week).unwrap_or(0), tally)
    })))
}

/// What is known of a number.
///
/// # Errors
/// Those of Postgres.
pub async fn of_number(conn: &mut PgConnection, number: &Phone, hour: HourOfWeek) -> Result<OfNumber> {
    let rows = sqlx::query!(
        "SELECT hour_of_week, dials, answered, people FROM answer_number WHERE number = $1",
        number.as_str()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().fold(OfNumber::default(), |known, row| {
        let tally = Tally { dials: row.dials, answered: row.answered, people: row.people };
        let here = usize::try_from(row.hour_of_week).is_ok_and(|of| of == hour.index());
        OfNumber { all: known.all.and(tally), hour: if here { tally } else { known.hour } }
    }))
}

/// Up to when calls have been learnt from, locked until the transaction ends; `None`: another node is at it.
pub(super) async fn lock_learnt(conn: &mut PgConnection) -> Result<Option<DateTime<Utc>>> {
    let until = sqlx::query_scalar!("SELECT until FROM answer_learnt FOR UPDATE SKIP LOCKED");
    Ok(until.fetch_optional(conn).await?)
}

pub(super) async fn set_learnt(conn: &mut PgConnection, until: DateTime<Utc>) -> Result<()> {
    sqlx::query!("UPDATE answer_learnt SET until = $1", until).execute(conn).await?;
    Ok(())
}

/// Calls from a queue dialled after `since`, up to and including `until`, in the order of time: at least `some` of them,
/// if there are so many, and all of the last moment. A line that we gave up says nothing.
pub(super) async fn matured(
    conn: &mut PgConnection,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    some: i64,
) -> Result<Vec<Matured>> {
    let rows = sqlx::query!(
        r#"SELECT account_id AS "account: AccountId", to_number, created_at, queue_entry -> 'window' ->> 0 AS zone, queue_entry ->> 'lane' AS lane,
                  answered_at IS NOT NULL AS "answered!",
                  answered_at IS NOT NULL AND outcome IS DISTINCT FROM 'machine' AS "person!"
           FROM call
           WHERE created_at > $1 AND created_at <= $2 AND direction = 'outbound' AND queue_entry IS NOT NULL
             AND facts -> 'create' ->> 'is' = 'accepted' AND outcome IS DISTINCT FROM 'canceled'
           ORDER BY created_at FETCH FIRST $3 ROWS WITH TIES"#,
        since,
        until,
        some
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            Some(Matured {
                account: row.account,
                number: row.to_number.parse().ok()?,
                dialled_at: row.created_at,
                zone: row.zone.and_then(|zone| zone.parse().ok()),
                lane: Lane::ALL.into_iter().find(|lane| row.lane.as_deref() == Some(lane.as_str()))?,
                answered: row.answered,
                person: row.person,
            })
        })
        .collect())
}

/// Tallies as columns.
struct Columns {
    keys: Vec<String>,
    hours: Vec<i16>,
    dials: Vec<f64>,
    answered: Vec<f64>,
    people: Vec<f64>,
}

impl Columns {
    fn of(tallies: &Tallies<String>) -> Self {
        let of = |count: fn(&Tally) -> f64| tallies.values().map(count).collect();
        Self {
            keys: tallies.keys().map(|(key, _)| key.clone()).collect(),
            hours: tallies.keys().map(|(_, hour)| i16::from(hour.0)).collect(),
            dials: of(|tally| tally.dials),
            answered: of(|tally| tally.answered),
            people: of(|tally| tally.people),
        }
    }
}

/// Adds to what is known of segments, which fades meanwhile.
pub(super) async fn add_to_segments(
    conn: &mut PgConnection,
    tallies: &Tallies<String>,
    now: DateTime<Utc>,
) -> Result<()> {
    let Columns { keys, hours, dials, answered, people } = Columns::of(tallies);
    sqlx::query!(
        "INSERT INTO answer_segment AS known (segment, hour_of_week, dials, answered, people, at)
         SELECT *, $6::timestamptz FROM unnest($1::text[], $2::int2[], $3::float8[], $4::float8[], $5::float8[])
         ON CONFLICT (segment, hour_of_week) DO UPDATE SET
             dials = known.dials * exp(extract(epoch FROM known.at - excluded.at)::float8 / $7) + excluded.dials,
             answered = known.answered * exp(extract(epoch FROM known.at - excluded.at)::float8 / $7) + excluded.answered,
             people = known.people * exp(extract(epoch FROM known.at - excluded.at)::float8 / $7) + excluded.people,
             at = excluded.at",
        &keys,
        &hours,
        &dials,
        &answered,
        &people,
        now,
        FADES
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The same for numbers.
pub(super) async fn add_to_numbers(
    conn: &mut PgConnection,
    tallies: &Tallies<String>,
    now: DateTime<Utc>,
) -> Result<()> {
    let Columns { keys, hours, dials, answered, people } = Columns::of(tallies);
    sqlx::query!(
        "INSERT INTO answer_number AS known (number, hour_of_week, dials, answered, people, at)
         SELECT *, $6::timestamptz FROM unnest($1::text[], $2::int2[], $3::float8[], $4::float8[], $5::float8[])
         ON CONFLICT (number, hour_of_week) DO UPDATE SET
             dials = known.dials * exp(extract(epoch FROM known.at - excluded.at)::float8 / $7) + excluded.dials,
             answered = known.answered * exp(extract(epoch FROM known.at - excluded.at)::float8 / $7) + excluded.answered,
             people = known.people * exp(extract(epoch FROM known.at - excluded.at)::float8 / $7) + excluded.people,
             at = excluded.at",
        &keys,
        &hours,
        &dials,
        &answered,
        &people,
        now,
        FADES
    )
    .execute(conn)
    .await?;
    Ok(())
}
