//! Tasks: what somebody in the house has to do by a day. A task always has a department; a person of it may have taken
//! it. What is overdue goes to the next department of the ladder, and nothing ever vanishes.

mod inbox;
mod ladder;
pub mod overdue;
pub mod store;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

pub use self::inbox::{
    Filter, InFull, claim, comment, finish, hand_on, list, open_by_hand, read, release, reopen, who_may_own,
};
pub(crate) use self::inbox::{Rights, rights};
use crate::{
    agreement::{self, SUPERVISION},
    app::App,
    error::{Error, Result},
    ids::{AccountId, TaskId, UserId},
    lifecycle::Lifecycle,
    money::Money,
    named::named,
    outbox::{self, Effect},
    worker,
};

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TaskKind)]
pub enum Kind {
    /// Speak to the debtor.
    Call,
    /// Find out, and say what is so.
    Answer,
    /// Look after what went another way than agreed.
    FollowUp,
    /// Say yes or no to what somebody else wants to agree to.
    Approve,
    /// Find out where a difference comes from, and clear it.
    Reconcile,
    /// Look whether something is still right.
    Review,
    /// Write, or send something.
    Write,
    /// What the subject says.
    Other,
}

/// What a task came of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TaskSource)]
pub enum SourceKind {
    /// A promise to pay.
    Promise,
    /// A dispute.
    Dispute,
    /// An instalment plan or a settlement.
    Plan,
    /// An account that went up the escalation ladder.
    Escalation,
    /// A step of a ladder of reminders.
    Reminder,
    /// A difference between what came and what was expected.
    Difference,
    /// A credit review or a credit hold.
    Credit,
    /// A posting above the limit of whoever asked for it.
    Posting,
}

/// How soon it matters; sorts before the day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Before everything else.
    Urgent,
    /// Before the usual.
    High,
    /// The usual.
    #[default]
    Normal,
    /// When there is time.
    Low,
}

/// Whether it is still to be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TaskState)]
pub enum State {
    /// To be done.
    #[default]
    Open,
    /// Somebody did it.
    Done,
    /// Not needed any more.
    Cancelled,
}

/// What happened to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TaskEventKind)]
pub enum What {
    /// It came up.
    Opened,
    /// A person took it.
    Claimed,
    /// The person gave it back to the department.
    Released,
    /// Somebody said something about it.
    Commented,
    /// It was given to somebody else.
    HandedOn,
    /// It was overdue and went up the ladder.
    MovedUp,
    /// It is done.
    Done,
    /// It is not needed any more.
    Cancelled,
    /// It was not done after all.
    Reopened,
}

named!(Kind {
    Call => "call", Answer => "answer", FollowUp => "follow_up", Approve => "approve", Reconcile => "reconcile",
    Review => "review", Write => "write", Other => "other",
});
named!(SourceKind {
    Promise => "promise", Dispute => "dispute", Plan => "plan", Escalation => "escalation", Reminder => "reminder",
    Difference => "difference", Credit => "credit", Posting => "posting",
});
named!(State { Open => "open", Done => "done", Cancelled => "cancelled" });
named!(What {
    Opened => "opened", Claimed => "claimed", Released => "released", Commented => "commented",
    HandedOn => "handed_on", MovedUp => "moved_up", Done => "done", Cancelled => "cancelled", Reopened => "reopened",
});

/// What a task came of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[schema(as = TaskOrigin)]
pub struct Source {
    /// Promise, dispute …
    pub kind: SourceKind,
    /// Its id.
    pub id: Uuid,
}

/// Who is to do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Whoever of the department takes it; a code of [`agreement::Rules::departments`].
    Department(String),
    /// This person; the department is the person's.
    User(UserId),
}

/// A task to open.
#[derive(Clone, Debug)]
pub struct NewTask {
    /// The account it is about, if it is about one.
    pub account: Option<AccountId>,
    /// What is to be done.
    pub kind: Kind,
    /// Who is to do it. A department that is not there any more: supervision.
    pub owner: Owner,
    /// What it is about, 1 to 200 characters; longer ones are cut.
    pub subject: String,
    /// The day by which it is to be done.
    pub due_on: NaiveDate,
    /// How soon it matters.
    pub priority: Priority,
    /// What it came of.
    pub source: Option<Source>,
    /// Who asks for it; `None`: the service.
    pub by: Option<UserId>,
}

/// A task as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// The account it is about.
    pub account: Option<About>,
    /// What is to be done.
    pub kind: Kind,
    /// What it is about.
    pub subject: String,
    /// Code of the department that has it.
    pub department: String,
    /// The person who has taken it.
    pub user: Option<UserId>,
    /// The person's name.
    pub user_name: Option<String>,
    /// The day by which it is to be done.
    pub due_on: NaiveDate,
    /// That day is over.
    pub overdue: bool,
    /// How soon it matters.
    pub priority: Priority,
    /// What it came of.
    pub source: Option<Source>,
    /// Whether it is still to be done.
    pub state: State,
    /// How often it was overdue and went up the ladder.
    pub moved_up: i16,
    /// When it came up.
    pub opened_at: DateTime<Utc>,
    /// Name of who asked for it; `null`: the service.
    pub opened_by: Option<String>,
    /// When it was done or not needed any more.
    pub closed_at: Option<DateTime<Utc>>,
    /// Name of who closed it; `null`: the service.
    pub closed_by: Option<String>,
    /// Departments that have had it.
    #[serde(skip)]
    pub seen_by: Vec<String>,
}

/// The account of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = TaskAccount)]
pub struct About {
    /// Its id.
    pub id: AccountId,
    /// Customer number.
    pub number: String,
    /// Debtor's name.
    pub name: String,
    /// Open items less unapplied cash.
    pub balance: Money,
    /// Of that, disputed.
    pub disputed: Money,
}

/// Something that happened to a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = TaskEvent)]
pub struct Event {
    /// When.
    pub at: DateTime<Utc>,
    /// Name of who did it; `null`: the service.
    pub by: Option<String>,
    /// What.
    pub what: What,
    /// What was said.
    pub body: String,
    /// Code of the department that it went to.
    pub department: Option<String>,
    /// Name of the person that it went to.
    pub user: Option<String>,
}

/// Opens a task, in the transaction of what leads to it. If there is an open one of that kind that came of the same, it
/// is that one.
///
/// # Errors
/// Those of Postgres.
pub async fn open(conn: &mut PgConnection, new: &NewTask, now: DateTime<Utc>) -> Result<TaskId> {
    if let Some(known) = store::open_of(conn, new.source, new.kind).await? {
        return Ok(known);
    }
    let rules = agreement::store::rules(&mut *conn).await?;
    let (department, user) = match &new.owner {
        Owner::Department(code) => (code.clone(), None),
        Owner::User(user) => (store::department_of(conn, *user).await?, Some(*user)),
    };
    let department = rules.department(&department).map_or(SUPERVISION, |department| &department.code);
    store::insert(conn, new, department, user, now).await
}

/// Closes a task, in the transaction of what makes it done or unnecessary. `by`: who did it; `None`: the service.
/// One that is closed already stays as it is.
///
/// # Errors
/// Those of Postgres.
pub async fn close(
    conn: &mut PgConnection,
    task: TaskId,
    state: State,
    note: &str,
    by: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<()> {
    let what = match state {
        State::Done => What::Done,
        State::Cancelled => What::Cancelled,
        State::Open => return Err(Error::internal("closing a task")("to close it leaves it open")),
    };
    if store::close(conn, task, state, by, now).await? {
        store::note(conn, task, what, note, by, None, now).await?;
        if let Some(account) = store::reminded(conn, task).await? {
            outbox::enqueue(conn, &[Effect::Requeue { account }], now).await?;
        }
    }
    Ok(())
}

/// Somebody was reached: the calls that reminders have asked for are made.
///
/// # Errors
/// Those of Postgres.
pub(crate) async fn called(conn: &mut PgConnection, account: AccountId, by: UserId, now: DateTime<Utc>) -> Result<()> {
    for task in store::reminder_calls(conn, account).await? {
        close(conn, task, State::Done, "", Some(by), now).await?;
    }
    Ok(())
}

/// As [`close`], every open task that came of `source`.
///
/// # Errors
/// Those of Postgres.
pub async fn close_of(
    conn: &mut PgConnection,
    source: Source,
    state: State,
    note: &str,
    by: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<()> {
    for task in store::all_of(conn, source).await? {
        close(conn, task, state, note, by, now).await?;
    }
    Ok(())
}

/// Says something on every open task that came of `source`.
///
/// # Errors
/// Those of Postgres.
pub(crate) async fn remark(
    conn: &mut PgConnection,
    source: Source,
    body: &str,
    by: UserId,
    now: DateTime<Utc>,
) -> Result<()> {
    for task in store::all_of(conn, source).await? {
        store::note(conn, task, What::Commented, body, Some(by), None, now).await?;
    }
    Ok(())
}

/// Gives a task to another department, because of what was found.
///
/// # Errors
/// Those of Postgres.
pub(crate) async fn send_to(
    conn: &mut PgConnection,
    task: TaskId,
    department: &str,
    due_on: NaiveDate,
    note: &str,
    by: UserId,
    now: DateTime<Utc>,
) -> Result<()> {
    store::assign(conn, task, department, None, due_on).await?;
    store::note(conn, task, What::HandedOn, note, Some(by), Some((department, None)), now).await
}

/// Starts the loop that moves overdue tasks up.
pub fn spawn(app: &App, lifecycle: &Lifecycle) {
    let app = app.clone();
    worker::spawn(lifecycle, "overdue tasks", Duration::from_mins(1), Arc::default(), move || {
        let app = app.clone();
        async move { overdue::step(&app).await.map(drop) }
    });
}

impl Priority {
    /// 1 to 4, as stored.
    #[must_use]
    pub fn rank(self) -> i16 {
        match self {
            Self::Urgent => 1,
            Self::High => 2,
            Self::Normal => 3,
            Self::Low => 4,
        }
    }

    /// What has been stored.
    #[must_use]
    pub fn of_rank(rank: i16) -> Self {
        match rank {
            ..=1 => Self::Urgent,
            2 => Self::High,
            3 => Self::Normal,
            4.. => Self::Low,
        }
    }

    /// The next one before.
    #[must_use]
    pub fn raised(self) -> Self {
        Self::of_rank(self.rank() - 1)
    }
}
