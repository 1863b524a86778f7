//! Reports that are mailed to management by themselves, on business days, Mondays, or the first of the month.

mod store;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Timelike, Utc, Weekday};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    catalogue::{self, Params, ReportKind},
    table::{FileFormat, Table},
};
use crate::{
    agent::{Principal, Role},
    app::App,
    business_day::BusinessDays,
    error::{Error, Result},
    ids::{ReportScheduleId, UserId},
    lifecycle::Lifecycle,
    message::{self, Attachment, Notice},
    named::named,
    worker,
};

/// Schedules that run at the same time, at most.
const MOST: i64 = 500;

/// How long a report that could not be made is left alone.
const PAUSE: TimeDelta = TimeDelta::minutes(15);

/// On which days a report is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Every {
    /// Each business day.
    Day,
    /// Each Monday.
    Week,
    /// The first day of each month.
    Month,
}

named!(Every { Day => "day", Week => "week", Month => "month" });

impl Every {
    /// Whether it is sent on that day.
    #[must_use]
    pub fn falls_on(self, day: NaiveDate) -> bool {
        match self {
            Self::Day => BusinessDays::default().contains(day),
            Self::Week => day.weekday() == Weekday::Mon,
            Self::Month => day.day() == 1,
        }
    }
}

/// A report to send again and again.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSchedule {
    /// Which report.
    pub report: ReportKind,
    /// What it is asked for; without a day, that of the day before it is sent.
    #[serde(default)]
    pub params: Params,
    /// As which kind of file.
    pub format: FileFormat,
    /// On which days.
    pub every: Every,
    /// From which hour on, at the office, 0 to 23.
    pub hour: u8,
    /// 1 to 20 e-mail addresses.
    pub recipients: Vec<String>,
}

/// A report that is sent again and again.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Schedule {
    /// Its id.
    pub id: ReportScheduleId,
    /// Which report.
    pub report: ReportKind,
    /// What it is asked for.
    pub params: Params,
    /// As which kind of file.
    pub format: FileFormat,
    /// On which days.
    pub every: Every,
    /// From which hour on, at the office.
    pub hour: u8,
    /// To whom.
    pub recipients: Vec<String>,
    /// Who wanted it.
    pub created_by: UserId,
    /// When it was sent last.
    pub last_sent_on: Option<NaiveDate>,
    /// Why the last one could not be made; absent where it was.
    pub last_error: Option<String>,
}

impl Schedule {
    /// Whether it has to be sent now, `now` being the time at the office.
    #[must_use]
    pub fn is_due(&self, now: chrono::NaiveDateTime) -> bool {
        let today = now.date();
        self.every.falls_on(today)
            && now.hour() >= u32::from(self.hour)
            && self.last_sent_on.is_none_or(|last| last < today)
    }
}

/// Has a report sent from now on. By supervisors.
///
/// # Errors
/// [`Error::Invalid`] for hours, addresses or parameters out of their limits; [`Error::Conflict`] with 500 schedules.
pub async fn add(app: &App, by: &Principal, new: NewSchedule) -> Result<Schedule> {
    by.must_be(Role::Supervisor)?;
    if new.hour > 23 {
        return Err(Error::invalid("hour", "0 to 23"));
    }
    if !(1..=20).contains(&new.recipients.len()) {
        return Err(Error::invalid("recipients", "1 to 20 addresses"));
    }
    for address in &new.recipients {
        if address.parse::<lettre::Address>().is_err() {
            return Err(Error::invalid("recipients", "each an e-mail address"));
        }
    }
    // What cannot be made now could not be made then.
    catalogue::build(app, new.report, &new.params).await?;
    let mut conn = app.db.acquire().await?;
    if store::count(&mut conn).await? >= MOST {
        return Err(Error::Conflict(format!("there are {MOST} schedules: end one first")));
    }
    store::insert(&mut conn, ReportScheduleId::generate(), &new, by.user, app.clock.now()).await
}

/// Every schedule that runs, in the order in which they were added.
///
/// # Errors
/// Those of Postgres.
pub async fn list(app: &App) -> Result<Vec<Schedule>> {
    store::live(&mut *app.db.acquire().await?).await
}

/// Ends a schedule. By supervisors.
///
/// # Errors
/// [`Error::NotFound`] where none of that id runs.
pub async fn end(app: &App, by: &Principal, id: ReportScheduleId) -> Result<()> {
    by.must_be(Role::Supervisor)?;
    store::end(&mut *app.db.acquire().await?, id, app.clock.now()).await
}

/// Starts the loop that sends what is due.
pub fn spawn(app: &App, lifecycle: &Lifecycle) {
    let app = app.clone();
    worker::spawn(lifecycle, "reports by mail", Duration::from_mins(1), Arc::default(), move || {
        let app = app.clone();
        async move { step(&app).await.map(drop) }
    });
}

/// Sends what is due; gives how many reports that were. One that cannot be made is left alone for a quarter of an hour.
///
/// # Errors
/// Those of Postgres.
pub async fn step(app: &App) -> Result<usize> {
    let now = app.clock.now();
    let local = now.with_timezone(&app.clock.house_zone()).naive_local();
    let mut sent = 0;
    let waiting = store::waiting(&mut *app.db.acquire().await?, now).await?;
    for schedule in waiting.iter().filter(|one| one.is_due(local)) {
        match send(app, schedule, local.date(), now).await {
            Ok(true) => sent += 1,
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(%error, schedule = %schedule.id, "a report could not be sent");
                store::failed(&mut *app.db.acquire().await?, schedule.id, &error.to_string(), now + PAUSE).await?;
            }
        }
    }
    if sent > 0 {
        app.outbox.ring();
    }
    Ok(sent)
}

/// Makes the report and has it mailed; `false` where another node has done so.
async fn send(app: &App, schedule: &Schedule, today: NaiveDate, now: DateTime<Utc>) -> Result<bool> {
    let mut params = schedule.params.clone();
    params.as_of = params.as_of.or_else(|| today.pred_opt());
    let table = catalogue::build(app, schedule.report, &params).await?;
    let file = Attachment {
        file_name: format!("{}-{}.{}", table.report, table.as_of, schedule.format.as_str()),
        media_type: schedule.format.media_type().to_owned(),
        bytes: schedule.format.write(&table)?,
    };
    let mut tx = app.db.begin().await?;
    if !store::mark_sent(&mut tx, schedule.id, today).await? {
        return Ok(false);
    }
    for to in &schedule.recipients {
        let notice = Notice {
            to: to.clone(),
            subject: format!("{} as of {}", table.title, table.as_of),
            body: body(&table),
            attachments: vec![file.clone()],
            by: Some(schedule.created_by),
        };
        message::tell(&mut tx, &notice, now).await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// The words of the mail: what the report is of, and what its figures mean.
fn body(table: &Table) -> String {
    let head = format!(
        "{} as of {}, as known at {}.\n{}.\n{} rows are in the attached file.\n",
        table.title,
        table.as_of,
        table.known_at.format("%Y-%m-%d %H:%M UTC"),
        table.about,
        table.rows.len()
    );
    let definitions = table
        .definitions()
        .into_iter()
        .map(|(title, text)| if title.is_empty() { format!("\n{text}") } else { format!("\n{title}: {text}") });
    std::iter::once(head).chain(definitions).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(every: Every, last: Option<&str>) -> Schedule {
        Schedule {
            id: ReportScheduleId::generate(),
            report: ReportKind::Aging,
            params: Params::default(),
            format: FileFormat::Xlsx,
            every,
            hour: 7,
            recipients: Vec::new(),
            created_by: UserId::generate(),
            last_sent_on: last.map(|day| day.parse().expect("a day")),
            last_error: None,
        }
    }

    fn due(every: Every, last: Option<&str>, now: &str) -> bool {
        schedule(every, last).is_due(now.parse().expect("a local time"))
    }

    #[test]
    fn a_report_is_due_once_on_its_day_from_its_hour_on() {
        assert!(!due(Every::Day, None, "2026-03-10T06:59:59"));
        assert!(due(Every::Day, None, "2026-03-10T07:00:00"));
        assert!(due(Every::Day, Some("2026-03-09"), "2026-03-10T23:00:00"), "the service was down in the morning");
        assert!(!due(Every::Day, Some("2026-03-10"), "2026-03-10T08:00:00"), "sent already");
        assert!(!due(Every::Day, None, "2026-03-14T08:00:00"), "a Saturday");
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first() {
        assert!(due(Every::Week, None, "2026-03-09T07:00:00") && !due(Every::Week, None, "2026-03-10T07:00:00"));
        assert!(due(Every::Month, None, "2026-03-01T07:00:00") && !due(Every::Month, None, "2026-03-02T07:00:00"));
    }
}
