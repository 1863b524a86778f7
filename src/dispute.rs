//! Disputes: an amount the debtor contests, carved out of what may be collected until a department has answered. The
//! rest of the item stays collectible.

pub mod adopt;
mod decide;
mod store;
mod work;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

pub use self::work::{InFull, MOST_BYTES, NewEvidence, add_evidence, decide, evidence, of_account, open_by_hand, read};
use crate::{
    agreement::Rules,
    app::App,
    business_day::BusinessDays,
    disposition::DisputeOpened,
    error::{Error, Result},
    ids::{AccountId, CallId, DisputeId, InstalmentId, UserId},
    lifecycle::Lifecycle,
    money::Money,
    named::named,
    outgoing,
    task::{self, NewTask, Owner, Priority},
    worker,
};

/// How a dispute ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ruling {
    /// The debtor was right: what was disputed is credited.
    Valid,
    /// The debtor was wrong: it is collected again.
    Invalid,
    /// Both in part: a part is credited.
    Partial,
    /// The debtor took it back.
    Withdrawn,
}

named!(Ruling { Valid => "valid", Invalid => "invalid", Partial => "partial", Withdrawn => "withdrawn" });

/// What a department has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DisputeDecision)]
pub struct Decision {
    /// How it ends.
    pub ruling: Ruling,
    /// What the caller tells the debtor, 1 to 4000 characters.
    pub answer: String,
    /// With `partial`: what is credited of each item, minor units. With `valid` all of it is.
    #[serde(default)]
    pub credited: Vec<Credited>,
    /// Number of the credit note, 1 to 64 characters; absent: one is made up.
    #[serde(default)]
    pub credit_note: Option<String>,
}

/// What is credited of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreditedOfDispute)]
pub struct Credited {
    /// The item.
    pub id: InstalmentId,
    /// Minor units, more than 0, at most what is disputed.
    pub amount_minor: i64,
}

/// What became of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decided {
    /// The dispute is closed.
    Closed,
    /// Somebody who may post credit notes has to agree: it went to supervision.
    Proposed,
}

/// A dispute as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Dispute {
    /// Its id.
    pub id: DisputeId,
    /// Whose.
    pub account: AccountId,
    /// Code of the reason.
    pub reason: String,
    /// Code of the department that has to answer.
    pub department: String,
    /// `open`, `valid`, `invalid`, `partial` or `withdrawn`.
    pub status: String,
    /// What is disputed altogether.
    pub amount: Money,
    /// The day by which it is to be answered.
    pub due_on: Option<NaiveDate>,
    /// The answer, once there is one.
    pub answer: String,
    /// Number of the credit note that followed.
    pub credit_note: Option<String>,
    /// What was credited, minor units.
    pub credited_minor: i64,
    /// Name of who opened it; `null`: taken over from another system.
    pub opened_by: Option<String>,
    /// When.
    pub opened_at: DateTime<Utc>,
    /// Name of who closed it.
    pub closed_by: Option<String>,
    /// When.
    pub closed_at: Option<DateTime<Utc>>,
    /// The call on which it was opened.
    pub call: Option<CallId>,
}

/// A disputed item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ItemOfDispute)]
pub struct Item {
    /// The item.
    pub id: InstalmentId,
    /// Number of the invoice.
    pub invoice: String,
    /// Which instalment of it, 1 first.
    pub seq: i16,
    /// What is disputed of it, minor units.
    pub amount_minor: i64,
    /// Lines of the invoice; empty: the item as a whole.
    pub lines: Vec<i16>,
}

/// What proves or disproves a dispute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Evidence {
    /// Its id.
    pub id: Uuid,
    /// Name of the file or document.
    pub name: String,
    /// Where it is, if it is kept elsewhere.
    pub reference: Option<String>,
    /// Bytes, if it is kept here.
    pub bytes: Option<i32>,
    /// Name of who added it.
    pub by: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// Something that happened to a dispute.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = DisputeEvent)]
pub struct Event {
    /// When.
    pub at: DateTime<Utc>,
    /// Name of who did it.
    pub by: Option<String>,
    /// `opened`, `evidence`, `proposed` or `decided`.
    pub what: String,
    /// What was said.
    pub body: String,
    /// Amounts and ids.
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
}

/// A dispute to open, whose items have been checked.
pub(crate) struct NewDispute<'a> {
    /// Whose.
    pub account: AccountId,
    /// On which call.
    pub call: Option<CallId>,
    /// Who opens it.
    pub by: UserId,
    /// What is contested.
    pub opened: &'a DisputeOpened,
    /// Reasons and departments.
    pub rules: &'a Rules,
    /// The house's business days.
    pub days: &'a BusinessDays,
}

/// Opens a dispute, and a task for the department that has to answer; the caller refreshes the account's standing.
///
/// # Errors
/// [`Error::Invalid`] for a reason that is none of the rules'.
pub(crate) async fn open(
    conn: &mut PgConnection,
    new: &NewDispute<'_>,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<DisputeId> {
    let Some(reason) = new.rules.dispute_reason(new.opened.reason.trim()) else {
        let codes: Vec<&str> = new.rules.dispute_reasons.iter().map(|reason| reason.code.as_str()).collect();
        return Err(Error::invalid("dispute.reason", format!("one of {}", codes.join(", "))));
    };
    let due_on = new.days.after(today, reason.answer_days);
    let id = store::insert(conn, new, reason, due_on, now).await?;
    let amount: i64 = new.opened.items.iter().map(|item| item.amount_minor).sum();
    let account = crate::account::store::get(conn, new.account).await?;
    let task = NewTask {
        account: Some(new.account),
        kind: task::Kind::Answer,
        owner: Owner::Department(reason.department.clone()),
        subject: format!("Dispute of {}: {}", Money::new(amount, account.currency), reason.name),
        due_on,
        priority: Priority::Normal,
        source: Some(source(id)),
        by: Some(new.by),
    };
    task::open(conn, &task, now).await?;
    let data = json!({ "dispute": id, "reason": reason.code, "due_on": due_on });
    outgoing::tell(
        conn,
        &outgoing::Event { kind: outgoing::Kind::Dispute, what: "opened", account: new.account, data },
        now,
    )
    .await?;
    Ok(id)
}

fn source(dispute: DisputeId) -> task::Source {
    task::Source { kind: task::SourceKind::Dispute, id: dispute.0 }
}

/// Starts the loop that looks for disputes that came with a file.
pub fn spawn(app: &App, lifecycle: &Lifecycle) {
    let app = app.clone();
    worker::spawn(lifecycle, "imported disputes", Duration::from_secs(30), Arc::default(), move || {
        let app = app.clone();
        async move { adopt::step(&app).await.map(drop) }
    });
}
