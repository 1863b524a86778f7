//! The schedules in Postgres.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, types::Json};

use super::{Every, NewSchedule, Schedule};
use crate::{
    error::{Error, Result},
    ids::{ReportScheduleId, UserId},
    report::{
        catalogue::{Params, ReportKind},
        table::FileFormat,
    },
};

pub(super) async fn count(conn: &mut PgConnection) -> Result<i64> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM report_schedule WHERE ended_at IS NULL"#)
        .fetch_one(conn)
        .await?)
}

pub(super) async fn insert(
    conn: &mut PgConnection,
    id: ReportScheduleId,
    new: &NewSchedule,
    by: UserId,
    now: DateTime<Utc>,
) -> Result<Schedule> {
    sqlx::query!(
        "INSERT INTO report_schedule (id, report, params, format, every, hour, recipients, created_by, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        id.0,
        new.report.as_str(),
        Json(&new.params) as _,
        new.format.as_str(),
        new.every.as_str(),
        i16::from(new.hour),
        &new.recipients,
        by.0,
        now
    )
    .execute(&mut *conn)
    .await?;
    live(conn).await?.into_iter().find(|one| one.id == id).ok_or(Error::NotFound("schedule"))
}

/// Those that run.
pub(super) async fn live(conn: &mut PgConnection) -> Result<Vec<Schedule>> {
    waiting(conn, DateTime::<Utc>::MAX_UTC).await
}

/// Those that run and are not left alone at `now`.
pub(super) async fn waiting(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<Vec<Schedule>> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id: ReportScheduleId", report, params AS "params: Json<Params>", format, every, hour, recipients,
                  created_by AS "created_by: UserId", last_sent_on, last_error
           FROM report_schedule WHERE ended_at IS NULL AND (not_before IS NULL OR not_before <= $1) ORDER BY created_at, id"#,
        now.min(DateTime::<Utc>::from_timestamp(32_503_680_000, 0).unwrap_or(now))
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let unknown = || Error::internal("reading a schedule")("a name that is not known");
            Ok(Schedule {
                id: row.id,
                report: ReportKind::from_name(&row.report).ok_or_else(unknown)?,
                params: row.params.0,
                format: FileFormat::from_name(&row.format).ok_or_else(unknown)?,
                every: Every::from_name(&row.every).ok_or_else(unknown)?,
                hour: u8::try_from(row.hour).unwrap_or_default(),
                recipients: row.recipients,
                created_by: row.created_by,
                last_sent_on: row.last_sent_on,
                last_error: row.last_error,
            })
        })
        .collect()
}

/// Notes that it is sent today; `false` where that is noted already, or it has ended.
pub(super) async fn mark_sent(conn: &mut PgConnection, id: ReportScheduleId, today: NaiveDate) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE report_schedule SET last_sent_on = $2, not_before = NULL, last_error = NULL
         WHERE id = $1 AND ended_at IS NULL AND (last_sent_on IS NULL OR last_sent_on < $2)",
        id.0,
        today
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn failed(
    conn: &mut PgConnection,
    id: ReportScheduleId,
    error: &str,
    not_before: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!("UPDATE report_schedule SET last_error = $2, not_before = $3 WHERE id = $1", id.0, error, not_before)
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn end(conn: &mut PgConnection, id: ReportScheduleId, now: DateTime<Utc>) -> Result<()> {
    let ended = sqlx::query!("UPDATE report_schedule SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL", id.0, now)
        .execute(conn)
        .await?;
    if ended.rows_affected() == 0 { Err(Error::NotFound("schedule")) } else { Ok(()) }
}
