//! What people do with tasks.

use chrono::NaiveDate;
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::{Event, Kind, NewTask, Owner, Source, SourceKind, State, Task, What, ladder::Asking, store};
use crate::{
    agent::{Principal, Role},
    agreement::{self, Rules},
    app::App,
    error::{Error, Result},
    ids::{AccountId, TaskId, UserId},
    ledger::{self, OpenItem},
};

/// What to look for.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only this one.
    pub id: Option<TaskId>,
    /// Only of this department.
    pub department: Option<String>,
    /// Only what this person has taken.
    pub user: Option<UserId>,
    /// Only about this account.
    pub account: Option<AccountId>,
    /// Only of this kind.
    pub kind: Option<Kind>,
    /// Only what came of this.
    pub source: Option<Source>,
    /// `None`: in any state.
    pub state: Option<State>,
    /// Only what is overdue.
    pub overdue: bool,
    /// Only what this department has or has had.
    pub seen_by: Option<String>,
}

/// A task with everything about it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = TaskInFull)]
pub struct InFull {
    /// The task.
    pub task: Task,
    /// What happened to it, oldest first.
    pub events: Vec<Event>,
    /// The account's open items, oldest due date first; at most 200.
    pub open_items: Vec<OpenItem>,
    /// You may take it, finish it and hand it on.
    pub may_work: bool,
}

/// A task as it may be looked at by whoever asks.
struct Seen<'a> {
    asking: Asking<'a>,
    rules: Rules,
    task: Task,
}

/// At most `limit` tasks, most urgent first, those after `after` only (its rank, day and id). Departments are shown their
/// own.
///
/// # Errors
/// Those of Postgres.
pub async fn list(
    app: &App,
    by: &Principal,
    filter: Filter,
    after: Option<(i16, NaiveDate, TaskId)>,
    limit: i64,
) -> Result<Vec<Task>> {
    let mut conn = app.db.acquire().await?;
    let mut filter = filter;
    if by.role == Role::Department {
        filter.seen_by = Some(store::department_of(&mut conn, by.user).await?);
    }
    store::list(&mut conn, &filter, after, app.clock.business_date(), limit).await
}

/// A task with everything about it.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`] to a department that never had it.
pub async fn read(app: &App, by: &Principal, id: TaskId) -> Result<InFull> {
    const ITEMS: usize = 200;
    let mut conn = app.db.acquire().await?;
    let seen = see(app, &mut conn, by, id).await?;
    let mut open_items = match &seen.task.account {
        Some(about) => ledger::store::open_items(&mut conn, about.id).await?,
        None => Vec::new(),
    };
    open_items.truncate(ITEMS);
    let events = store::events(&mut conn, id).await?;
    let may_work = seen.task.state == State::Open && seen.asking.may_work(&seen.task, &seen.rules);
    Ok(InFull { task: seen.task, events, open_items, may_work })
}

/// Opens a task because a person asks for it.
///
/// # Errors
/// [`Error::Invalid`] for a subject that is empty or longer than 200 characters, a day that is over or more than a year
/// away, or an owner that is not there; [`Error::NotFound`] without the account.
pub async fn open_by_hand(app: &App, by: &Principal, new: &NewTask) -> Result<TaskId> {
    let (now, today) = (app.clock.now(), app.clock.business_date());
    if !(1..=200).contains(&new.subject.trim().chars().count()) {
        return Err(Error::invalid("subject", "1 to 200 characters"));
    }
    let last = today + chrono::Days::new(366);
    if !(today..=last).contains(&new.due_on) {
        return Err(Error::invalid("due_on", format!("{today} to {last}")));
    }
    let mut tx = app.db.begin().await?;
    let rules = agreement::store::rules(&mut *tx).await?;
    check_owner(&mut tx, &rules, &new.owner).await?;
    if let Some(account) = new.account {
        crate::account::store::get(&mut tx, account).await?;
    }
    let task = super::open(&mut tx, &NewTask { by: Some(by.user), ..new.clone() }, now).await?;
    tx.commit().await?;
    Ok(task)
}

/// Takes a task.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`], [`Error::Conflict`] if somebody else has it or it is closed.
pub async fn claim(app: &App, by: &Principal, id: TaskId) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let seen = work(app, &mut tx, by, id).await?;
    match seen.task.user {
        Some(user) if user == by.user => return Ok(()),
        Some(_) if by.role < Role::Supervisor => {
            return Err(Error::Conflict("somebody else has taken this task".to_owned()));
        }
        _ => {}
    }
    store::assign(&mut tx, id, &seen.task.department, Some(by.user), seen.task.due_on).await?;
    store::note(&mut tx, id, What::Claimed, "", Some(by.user), None, app.clock.now()).await?;
    Ok(tx.commit().await?)
}

/// Gives a task back to its department.
///
/// # Errors
/// As [`claim`].
pub async fn release(app: &App, by: &Principal, id: TaskId) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let seen = work(app, &mut tx, by, id).await?;
    store::assign(&mut tx, id, &seen.task.department, None, seen.task.due_on).await?;
    store::note(&mut tx, id, What::Released, "", Some(by.user), None, app.clock.now()).await?;
    Ok(tx.commit().await?)
}

/// Says something about a task; 1 to 4000 characters. Whoever sees it may, also when it is closed.
///
/// # Errors
/// [`Error::Invalid`], [`Error::NotFound`], [`Error::Forbidden`].
pub async fn comment(app: &App, by: &Principal, id: TaskId, body: &str) -> Result<()> {
    let body = said("body", body)?;
    let mut tx = app.db.begin().await?;
    see(app, &mut tx, by, id).await?;
    store::note(&mut tx, id, What::Commented, body, Some(by.user), None, app.clock.now()).await?;
    Ok(tx.commit().await?)
}

/// Whether the task is closed by what is done elsewhere about what it came of.
fn closed_elsewhere(task: &Task) -> bool {
    let of_difference = task.source.is_some_and(|source| source.kind == SourceKind::Difference);
    of_difference || (matches!(task.kind, Kind::Answer | Kind::Approve) && task.source.is_some())
}

/// Says what was done, and closes the task. A task to answer a dispute, to approve something, or to clear a difference is
/// closed by the answer.
///
/// # Errors
/// As [`claim`]; [`Error::Invalid`] unless the note has 1 to 4000 characters.
pub async fn finish(app: &App, by: &Principal, id: TaskId, note: &str) -> Result<()> {
    let note = said("note", note)?;
    let mut tx = app.db.begin().await?;
    let seen = work(app, &mut tx, by, id).await?;
    if closed_elsewhere(&seen.task) {
        return Err(Error::Conflict("give the answer where it belongs: that closes the task".to_owned()));
    }
    super::close(&mut tx, id, State::Done, note, Some(by.user), app.clock.now()).await?;
    Ok(tx.commit().await?)
}

/// Gives a task to another department or person, with a note of 1 to 4000 characters why. A department gets its own time
/// for it.
///
/// # Errors
/// As [`claim`]; [`Error::Invalid`] for an owner that is not there.
pub async fn hand_on(app: &App, by: &Principal, id: TaskId, to: &Owner, note: &str) -> Result<()> {
    let note = said("note", note)?;
    let mut tx = app.db.begin().await?;
    let seen = work(app, &mut tx, by, id).await?;
    check_owner(&mut tx, &seen.rules, to).await?;
    let (department, user) = match to {
        Owner::Department(code) => (code.clone(), None),
        Owner::User(user) => (store::department_of(&mut tx, *user).await?, Some(*user)),
    };
    let days = seen.rules.business_days_here(&app.policies.book);
    let own_time = seen.rules.department(&department).filter(|next| next.code != seen.task.department);
    let due_on = own_time.map_or(seen.task.due_on, |next| days.after(app.clock.business_date(), next.answer_days));
    store::assign(&mut tx, id, &department, user, due_on).await?;
    let to = Some((department.as_str(), user));
    store::note(&mut tx, id, What::HandedOn, note, Some(by.user), to, app.clock.now()).await?;
    Ok(tx.commit().await?)
}

/// Opens a task anew that was done or cancelled, with a note of 1 to 4000 characters why.
///
/// # Errors
/// As [`finish`]; [`Error::Conflict`] if it is open, or another one has taken its place.
pub async fn reopen(app: &App, by: &Principal, id: TaskId, note: &str) -> Result<()> {
    let note = said("note", note)?;
    let mut tx = app.db.begin().await?;
    let seen = see(app, &mut tx, by, id).await?;
    if !seen.asking.may_work(&seen.task, &seen.rules) {
        return Err(Error::Forbidden);
    }
    let answered = closed_elsewhere(&seen.task);
    let replaced = store::open_of(&mut tx, seen.task.source, seen.task.kind).await?.is_some();
    if answered || replaced || !store::reopen(&mut tx, id).await? {
        return Err(Error::Conflict("this task cannot be opened anew".to_owned()));
    }
    store::note(&mut tx, id, What::Reopened, note, Some(by.user), None, app.clock.now()).await?;
    Ok(tx.commit().await?)
}

/// Everybody a task can be given to in person: id, name, and the department it then has.
///
/// # Errors
/// Those of Postgres.
pub async fn who_may_own(app: &App) -> Result<Vec<(UserId, String, String)>> {
    store::owners(&app.db).await
}

/// What somebody may do with what a task came of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rights {
    /// The newest task that came of it.
    pub(crate) task: Option<TaskId>,
    /// Read it, and add to it.
    pub(crate) see: bool,
    /// Decide it.
    pub(crate) work: bool,
}

/// What `by` may do with what came of `source`, by the task that is open for it, else by the newest one. Without a task
/// callers see it and supervisors decide it.
pub(crate) async fn rights(conn: &mut PgConnection, by: &Principal, source: Source) -> Result<Rights> {
    let department = match by.role {
        Role::Department => Some(store::department_of(conn, by.user).await?),
        _ => None,
    };
    let asking = Asking { by, department };
    let rules = agreement::store::rules(&mut *conn).await?;
    let filter = Filter { source: Some(source), ..Filter::default() };
    // The day only says whether it is overdue, which does not matter here.
    let mut tasks = store::list(conn, &filter, None, NaiveDate::default(), 200).await?;
    tasks.sort_by_key(|task| (task.state == State::Open, task.opened_at));
    Ok(match tasks.last() {
        Some(task) => Rights {
            task: Some(task.id),
            see: asking.may_see(task),
            work: task.state == State::Open && asking.may_work(task, &rules),
        },
        None => Rights { task: None, see: by.role >= Role::Agent, work: by.role >= Role::Supervisor },
    })
}

async fn see<'a>(app: &App, conn: &mut PgConnection, by: &'a Principal, id: TaskId) -> Result<Seen<'a>> {
    store::lock(conn, id).await?;
    let department = match by.role {
        Role::Department => Some(store::department_of(conn, by.user).await?),
        _ => None,
    };
    let asking = Asking { by, department };
    let filter = Filter { id: Some(id), ..Filter::default() };
    let found = store::list(conn, &filter, None, app.clock.business_date(), 1).await?;
    let task = found.into_iter().next().ok_or(Error::NotFound("task"))?;
    if !asking.may_see(&task) {
        return Err(Error::Forbidden);
    }
    Ok(Seen { asking, rules: agreement::store::rules(conn).await?, task })
}

/// As [`see`], a task that is open and that whoever asks may do.
async fn work<'a>(app: &App, conn: &mut PgConnection, by: &'a Principal, id: TaskId) -> Result<Seen<'a>> {
    let seen = see(app, conn, by, id).await?;
    if !seen.asking.may_work(&seen.task, &seen.rules) {
        return Err(Error::Forbidden);
    }
    if seen.task.state != State::Open {
        return Err(Error::Conflict("this task is closed".to_owned()));
    }
    Ok(seen)
}

async fn check_owner(conn: &mut PgConnection, rules: &Rules, owner: &Owner) -> Result<()> {
    match owner {
        Owner::Department(code) if rules.department(code).is_none() => {
            Err(Error::invalid("department", "there is no such department"))
        }
        Owner::User(user) if !store::may_log_in(conn, *user).await? => {
            Err(Error::invalid("user", "there is no such user"))
        }
        _ => Ok(()),
    }
}

fn said<'a>(field: &str, text: &'a str) -> Result<&'a str> {
    let text = text.trim();
    if (1..=4000).contains(&text.chars().count()) {
        Ok(text)
    } else {
        Err(Error::invalid(field, "1 to 4000 characters"))
    }
}
