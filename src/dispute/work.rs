//! What people do with disputes.

use serde::Serialize;
use serde_json::json;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Decided, Decision, Dispute, Event, Evidence, Item, NewDispute, Ruling, decide as rules_of, open, source, store,
};
use crate::{
    account,
    agent::{Principal, Role},
    agreement::{self, SUPERVISION},
    app::App,
    disposition::{self, DisputeOpened},
    error::{Error, Result},
    ids::{AccountId, DisputeId, InstalmentId, TaskId},
    ledger::{self, CreditNote},
    money::Money,
    outbox::{self, Effect},
    outgoing,
    task::{self, Rights},
};

/// The largest file that is kept with a dispute, in bytes; of a larger one, say where it is.
pub const MOST_BYTES: usize = 250_000;

/// A dispute with everything about it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = DisputeInFull)]
pub struct InFull {
    /// The dispute.
    pub dispute: Dispute,
    /// What is disputed of each item.
    pub items: Vec<Item>,
    /// What proves or disproves it.
    pub evidence: Vec<Evidence>,
    /// What happened to it, oldest first. Comments are with the task.
    pub events: Vec<Event>,
    /// The task to answer it; `null`: it was taken over from another system.
    pub task: Option<TaskId>,
    /// What a department has found, and somebody else has to agree to.
    pub proposal: Option<Decision>,
    /// You may decide it.
    pub may_decide: bool,
}

/// The account's disputes, newest first, those before `before` only.
///
/// # Errors
/// [`Error::NotFound`] without the account.
pub async fn of_account(app: &App, account: AccountId, before: Option<DisputeId>, limit: i64) -> Result<Vec<Dispute>> {
    let mut conn = app.db.acquire().await?;
    account::store::get(&mut conn, account).await?;
    store::list(&mut conn, account, before, limit).await
}

/// Opens a dispute that was told otherwise than on a call: in a letter, at the counter.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`] naming the field.
pub async fn open_by_hand(app: &App, by: &Principal, account: AccountId, opened: &DisputeOpened) -> Result<DisputeId> {
    let (today, now) = (app.clock.business_date(), app.clock.now());
    let mut tx = app.db.begin().await?;
    disposition::store::lock_account(&mut tx, account).await?;
    account::store::get(&mut tx, account).await?;
    disposition::check_dispute(opened, &ledger::store::open_items(&mut tx, account).await?)?;
    let rules = agreement::store::rules(&mut *tx).await?;
    let days = rules.business_days_here(&app.policies.book);
    let new = NewDispute { account, call: None, by: by.user, opened, rules: &rules, days: &days };
    let id = open(&mut tx, &new, today, now).await?;
    ledger::store::refresh_standing(&mut tx, &[account], now).await?;
    outbox::enqueue(&mut tx, &[Effect::Requeue { account }], now).await?;
    tx.commit().await?;
    app.outbox.ring();
    Ok(id)
}

/// A dispute with everything about it. Departments read those that they have or have had to answer.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`].
pub async fn read(app: &App, by: &Principal, id: DisputeId) -> Result<InFull> {
    let mut conn = app.db.acquire().await?;
    let (dispute, proposal) = store::get(&mut conn, id).await?.ok_or(Error::NotFound("dispute"))?;
    let rights = seen(&mut conn, by, id).await?;
    Ok(InFull {
        items: store::items(&mut conn, id).await?,
        evidence: store::evidence_of(&mut conn, id).await?,
        events: store::events(&mut conn, id).await?,
        task: rights.task,
        may_decide: dispute.status == "open" && rights.work,
        dispute,
        proposal,
    })
}

/// Decides a dispute: what is credited is posted, the rest may be collected again, the answer goes to whoever speaks with
/// the debtor next, and the account finds its place anew. What a department or a caller finds right, a supervisor has to
/// agree to: then it is a proposal, and the task goes to supervision.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] for others than who has to answer and supervisors (callers may note that the
/// debtor took it back); [`Error::Conflict`] if it is closed, or the credit is above your limit; [`Error::Invalid`].
pub async fn decide(app: &App, by: &Principal, id: DisputeId, decision: &Decision) -> Result<Decided> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let (dispute, _) = store::get(&mut tx, id).await?.ok_or(Error::NotFound("dispute"))?;
    let account = dispute.account;
    disposition::store::lock_account(&mut tx, account).await?;
    let rights = seen(&mut tx, by, id).await?;
    let by_caller = decision.ruling == Ruling::Withdrawn && by.role >= Role::Agent;
    if !rights.work && !by_caller {
        return Err(Error::Forbidden);
    }
    let open_items = ledger::store::open_items(&mut tx, account).await?;
    let open = |id| open_items.iter().find(|item| item.instalment == id).map_or(0, |item| item.open.minor);
    let credits = rules_of::credits(decision, &store::items(&mut tx, id).await?, open)?;
    if !credits.is_empty() && by.role < Role::Supervisor {
        propose(&mut tx, app, by, &dispute, decision, rights.task).await?;
        tx.commit().await?;
        return Ok(Decided::Proposed);
    }
    let number = credit_number(id, decision)?.filter(|_| !credits.is_empty());
    let closing =
        store::Closing { decision, credit_note: number.as_deref(), credited_minor: rules_of::total(&credits) };
    if !store::close(&mut tx, id, &closing, by.user, now).await? {
        return Err(Error::Conflict("this dispute is closed".to_owned()));
    }
    let detail = json!({ "ruling": decision.ruling, "credited_minor": closing.credited_minor, "credit_note": number });
    store::note(&mut tx, id, "decided", decision.answer.trim(), detail, by.user, now).await?;
    task::close_of(&mut tx, source(id), task::State::Done, decision.answer.trim(), Some(by.user), now).await?;
    if let Some(number) = number {
        credit(&mut tx, app, by, &dispute, number, credits).await?;
    }
    let data = json!({ "dispute": id, "ruling": decision.ruling });
    let event = outgoing::Event { kind: outgoing::Kind::Dispute, what: "closed", account, data };
    outgoing::tell(&mut tx, &event, now).await?;
    ledger::store::refresh_standing(&mut tx, &[account], now).await?;
    outbox::enqueue(&mut tx, &[Effect::Requeue { account }], now).await?;
    tx.commit().await?;
    app.outbox.ring();
    Ok(Decided::Closed)
}

/// Posts the credit note of a dispute that was found right.
async fn credit(
    conn: &mut PgConnection,
    app: &App,
    by: &Principal,
    dispute: &Dispute,
    number: String,
    items: Vec<(InstalmentId, i64)>,
) -> Result<()> {
    let note = CreditNote {
        account: dispute.account,
        number,
        amount: Money::new(rules_of::total(&items), dispute.amount.currency),
        items,
        reason: format!("dispute upheld: {}", dispute.reason),
        dispute: Some(dispute.id),
    };
    ledger::credit(conn, &note, by.user, app.clock.business_date(), app.clock.now()).await.map(drop)
}

async fn propose(
    conn: &mut PgConnection,
    app: &App,
    by: &Principal,
    dispute: &Dispute,
    decision: &Decision,
    task: Option<TaskId>,
) -> Result<()> {
    let now = app.clock.now();
    if !store::propose(conn, dispute.id, decision).await? {
        return Err(Error::Conflict("this dispute is closed".to_owned()));
    }
    let detail = json!({ "ruling": decision.ruling, "credited": decision.credited });
    store::note(conn, dispute.id, "proposed", decision.answer.trim(), detail, by.user, now).await?;
    match task {
        Some(task) => {
            let due_on = app.clock.business_date() + chrono::Days::new(2);
            task::send_to(conn, task, SUPERVISION, due_on, decision.answer.trim(), by.user, now).await
        }
        None => Ok(()),
    }
}

/// The number given, else one made of the dispute's id.
fn credit_number(id: DisputeId, decision: &Decision) -> Result<Option<String>> {
    let digits = id.0.simple().to_string();
    let number = decision.credit_note.clone().unwrap_or_else(|| format!("D-{}", &digits[digits.len() - 12..]));
    if (1..=64).contains(&number.trim().chars().count()) {
        Ok(Some(number.trim().to_owned()))
    } else {
        Err(Error::invalid("credit_note", "1 to 64 characters"))
    }
}

/// A piece of evidence to add.
#[derive(Clone, Debug)]
pub enum NewEvidence {
    /// It is kept elsewhere: an address, or the id of a document store; 1 to 1000 characters.
    Reference(String),
    /// A file of at most 250,000 bytes, with its media type.
    File(String, Vec<u8>),
}

/// Adds evidence; `name`: 1 to 200 characters. At most 50 pieces a dispute.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`], [`Error::Invalid`].
pub async fn add_evidence(app: &App, by: &Principal, id: DisputeId, name: &str, new: &NewEvidence) -> Result<Uuid> {
    const MOST: usize = 50;
    let now = app.clock.now();
    if !(1..=200).contains(&name.trim().chars().count()) || name.chars().any(char::is_control) {
        return Err(Error::invalid("name", "1 to 200 characters"));
    }
    match new {
        NewEvidence::Reference(at) if !(1..=1000).contains(&at.trim().chars().count()) => {
            return Err(Error::invalid("reference", "1 to 1000 characters"));
        }
        NewEvidence::File(_, bytes) if !(1..=MOST_BYTES).contains(&bytes.len()) => {
            return Err(Error::invalid("body", format!("1 to {MOST_BYTES} bytes; of a larger file say where it is")));
        }
        _ => {}
    }
    let mut tx = app.db.begin().await?;
    store::get(&mut tx, id).await?.ok_or(Error::NotFound("dispute"))?;
    seen(&mut tx, by, id).await?;
    if store::evidence_of(&mut tx, id).await?.len() >= MOST {
        return Err(Error::Conflict("a dispute has at most 50 pieces of evidence".to_owned()));
    }
    let evidence = store::insert_evidence(&mut tx, id, name.trim(), new, by.user, now).await?;
    store::note(&mut tx, id, "evidence", "", json!({ "evidence": evidence }), by.user, now).await?;
    tx.commit().await?;
    Ok(evidence)
}

/// A file that is kept with a dispute: its name, media type and bytes.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Forbidden`].
pub async fn evidence(app: &App, by: &Principal, id: Uuid) -> Result<(String, String, Vec<u8>)> {
    let mut conn = app.db.acquire().await?;
    let (dispute, file) = store::file(&mut conn, id).await?.ok_or(Error::NotFound("file"))?;
    seen(&mut conn, by, dispute).await?;
    Ok(file)
}

/// What whoever asks may do with a dispute; refused to a department that never had to answer it.
async fn seen(conn: &mut PgConnection, by: &Principal, id: DisputeId) -> Result<Rights> {
    let rights = task::rights(conn, by, source(id)).await?;
    if rights.see { Ok(rights) } else { Err(Error::Forbidden) }
}
