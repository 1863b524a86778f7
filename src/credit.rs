//! Credit: who the customer behind an account is, what may be owed, when deliveries are held, and how well it pays.
//!
//! A credit hold stops deliveries, not calls: what stops contact is an [`account::AccountHold`]. Holds are placed and
//! lifted by rule ([`rule::holds`]) or by hand, and released by a supervisor until a day; each is kept with the figures it was
//! placed on. Reviews are kept for ever, and a score that changed much becomes a task.

pub mod rule;
pub mod score;
pub mod store;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use tokio::sync::Notify;
use utoipa::ToSchema;
use uuid::Uuid;

use self::{
    rule::{Exposure, Reason, Rules},
    score::Score,
};
use crate::{
    account, agreement,
    app::App,
    error::{Error, Result},
    ids::{AccountId, UserId},
    ledger,
    lifecycle::Lifecycle,
    task, worker,
};

/// Accounts looked at in one step: some ten seconds' work.
const AT_ONCE: i64 = 1_000;

/// Everything about the credit of an account.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = AccountCredit)]
pub struct Credit {
    /// Terms of payment, by their code, `NET30`.
    pub terms: Option<String>,
    /// The customer's tax number.
    pub tax_id: String,
    /// Invoices have to name an order.
    pub po_required: bool,
    /// What may be owed, minor units; `null`: no limit.
    pub limit_minor: Option<i64>,
    /// What is owed less cash that is not applied, minor units.
    pub exposure_minor: i64,
    /// The customer, if one is known.
    pub party: Option<Party>,
    /// Holds that stand.
    pub holds: Vec<Hold>,
    /// The newest review.
    pub review: Option<Review>,
}

/// A customer with its family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Party {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The one above it.
    pub parent: Option<Uuid>,
    /// Name of the one above it.
    pub parent_name: Option<String>,
    /// Its own limit, minor units; absent: none.
    pub limit_minor: Option<i64>,
    /// Limit of the family at its top, minor units, in the account's currency.
    pub family_limit_minor: Option<i64>,
    /// What the family owes in the account's currency, minor units.
    pub family_minor: i64,
    /// Accounts of the family, in any currency.
    pub family_accounts: i64,
}

/// A customer to choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PartySummary {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Name of the one above it.
    pub parent_name: Option<String>,
    /// Accounts of its own.
    pub accounts: i64,
}

/// A credit hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = CreditHold)]
pub struct Hold {
    /// Its id.
    pub id: Uuid,
    /// Why.
    pub reason: Reason,
    /// What was said when it was placed by hand, or released.
    pub note: Option<String>,
    /// When it was placed.
    pub placed_at: DateTime<Utc>,
    /// Name of who placed it; `null`: the rules.
    pub by: Option<String>,
    /// When it was released.
    pub released_at: Option<DateTime<Utc>>,
    /// The rules do not place it again before the day after.
    pub released_until: Option<NaiveDate>,
    /// Name of who released it; `null`: the rules, when it was not needed any more.
    pub released_by: Option<String>,
}

/// A credit review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = CreditReview)]
pub struct Review {
    /// When.
    pub at: DateTime<Utc>,
    /// The score and its parts.
    pub score: Score,
    /// The score before.
    pub previous: Option<i16>,
    /// It changed so much that somebody should look at it.
    pub flagged: bool,
    /// A credit limit by rule, minor units.
    pub proposal_minor: Option<i64>,
    /// Name of who asked for it; `null`: the service.
    pub by: Option<String>,
}

/// What is changed of an account's terms; what is not said stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = NewTerms)]
pub struct NewTerms {
    /// Terms of payment, by their code, `NET30`.
    pub terms: Option<String>,
    /// Tax number, at most 40 characters.
    pub tax_id: Option<String>,
    /// Invoices have to name an order.
    pub po_required: Option<bool>,
    /// Minor units that may be owed, 0 or more.
    pub limit_minor: Option<i64>,
    /// There is no limit.
    pub no_limit: bool,
    /// Why, at most 200 characters.
    pub reason: String,
}

/// Changes terms and limit. Each change is kept with what it was before.
///
/// # Errors
/// [`Error::Invalid`] naming the field; [`Error::NotFound`].
pub async fn change_terms(app: &App, by: UserId, account: AccountId, new: &NewTerms) -> Result<()> {
    let texts = [
        ("terms", new.terms.as_deref(), 64),
        ("tax_id", new.tax_id.as_deref(), 40),
        ("reason", Some(&*new.reason), 200),
    ];
    for (field, text, most) in texts {
        if text.is_some_and(|text| text.chars().count() > most) {
            return Err(Error::invalid(field, format!("at most {most} characters")));
        }
    }
    if new.limit_minor.is_some_and(|limit| limit < 0) || new.limit_minor.is_some() && new.no_limit {
        return Err(Error::invalid("limit_minor", "0 or more minor units, and not together with `no_limit`"));
    }
    let mut tx = app.db.begin().await?;
    let now = app.clock.now();
    if let Some(terms) = new.terms.as_deref().map(str::trim).filter(|terms| !terms.is_empty())
        && ledger::store::invoices::terms(&mut tx, terms).await?.is_none()
    {
        return Err(Error::invalid("terms", "are not known"));
    }
    let before = store::change_terms(&mut tx, account, new, now).await?;
    let mut detail = json!({ "before": before, "terms": new.terms, "tax_id": new.tax_id,
                             "po_required": new.po_required, "limit_minor": new.limit_minor,
                             "no_limit": new.no_limit, "reason": new.reason });
    let after = json!(store::terms(&mut tx, account).await?.terms);
    if before["terms"] != after {
        detail["was"] = before["terms"].clone();
        detail["now"] = after;
    }
    account::store::audit(&mut tx, by, "terms", account, detail, now).await?;
    apply_rules(app, &mut tx, account, now).await?;
    Ok(tx.commit().await?)
}

/// Places a credit hold by hand.
///
/// # Errors
/// [`Error::Invalid`] unless the note has 1 to 200 characters; [`Error::Conflict`] if one by hand stands.
pub async fn hold(app: &App, by: UserId, account: AccountId, note: &str) -> Result<Uuid> {
    check_note(note)?;
    let mut tx = app.db.begin().await?;
    let now = app.clock.now();
    account::store::get(&mut tx, account).await?;
    let exposure = store::exposure(&mut tx, account).await?;
    let placed = store::place(&mut tx, account, Reason::ByHand, &exposure, Some(by), Some(note), now).await?;
    let id = placed.ok_or_else(|| Error::Conflict("a hold by hand stands already".to_owned()))?;
    account::store::audit(&mut tx, by, "credit_hold", account, json!({ "hold": id }), now).await?;
    tx.commit().await?;
    Ok(id)
}

/// Releases a credit hold until a day: the rules do not place it again before the day after.
///
/// # Errors
/// [`Error::Invalid`] for the note or a day that is over or more than a year ahead; [`Error::NotFound`] if it does not
/// stand.
pub async fn release(app: &App, by: UserId, hold: Uuid, until: NaiveDate, note: &str) -> Result<()> {
    check_note(note)?;
    let today = app.clock.business_date();
    if !(0..=366).contains(&(until - today).num_days()) {
        return Err(Error::invalid("until", "today or later, at most 366 days ahead"));
    }
    let mut tx = app.db.begin().await?;
    let now = app.clock.now();
    let account = store::release(&mut tx, hold, Some(by), Some(until), note, now).await?;
    let source = task::Source { kind: task::SourceKind::Credit, id: hold };
    task::close_of(&mut tx, source, task::State::Done, "the hold was released", Some(by), now).await?;
    account::store::audit(&mut tx, by, "release_credit_hold", account, json!({ "hold": hold, "until": until }), now)
        .await?;
    Ok(tx.commit().await?)
}

fn check_note(note: &str) -> Result<()> {
    let fits = (1..=200).contains(&note.trim().chars().count());
    if fits { Ok(()) } else { Err(Error::invalid("note", "1 to 200 characters")) }
}

/// Reviews the credit of an account: works the score out, keeps it, and opens a task where it changed much.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn review(app: &App, by: Option<UserId>, account: AccountId) -> Result<Review> {
    let mut tx = app.db.begin().await?;
    let (now, today) = (app.clock.now(), app.clock.business_date());
    let row = account::store::get(&mut tx, account).await?;
    let rules = store::rules(&mut tx, &row.portfolio).await?;
    let history = store::history(&mut tx, account, today).await?;
    let score = score::score(&history.paid, history.kept, history.broken, today);
    let previous = store::newest_review(&mut tx, account).await?.and_then(|review| review.score.score);
    let flagged = rule::is_flagged(&rules, previous, score.score);
    let proposal_minor = Some(rule::proposal(&rules, score.score, history.billed_a_month_minor));
    let review = Review { at: now, score, previous, flagged, proposal_minor, by: None };
    let id = store::keep_review(&mut tx, account, &review, by).await?;
    if flagged {
        let (before, after) = (previous.unwrap_or(0), score.score.unwrap_or(0));
        let subject = format!("Credit score changed from {before} to {after}: is the limit still right?");
        open_task(app, &mut tx, account, id, subject, now).await?;
    }
    tx.commit().await?;
    Ok(review)
}

/// Places and lifts the holds that the rules ask for now.
async fn apply_rules(app: &App, conn: &mut PgConnection, account: AccountId, now: DateTime<Utc>) -> Result<usize> {
    let today = app.clock.business_date();
    let row = account::store::get(conn, account).await?;
    let rules = store::rules(conn, &row.portfolio).await?;
    let exposure = store::exposure(conn, account).await?;
    let wanted = rule::holds(&rules, &exposure, today);
    let standing = store::standing(conn, account).await?;
    let mut changed = 0;
    for (id, reason) in &standing {
        if *reason != Reason::ByHand && !wanted.contains(reason) {
            store::release(conn, *id, None, None, "not needed any more", now).await?;
            let source = task::Source { kind: task::SourceKind::Credit, id: *id };
            task::close_of(conn, source, task::State::Cancelled, "the hold is not needed any more", None, now).await?;
            changed += 1;
        }
    }
    for reason in wanted {
        if standing.iter().any(|(_, stands)| *stands == reason)
            || store::is_released(conn, account, reason, today).await?
        {
            continue;
        }
        if let Some(id) = store::place(conn, account, reason, &exposure, None, None, now).await? {
            let what = if reason == Reason::OverLimit { "over its limit" } else { "too long overdue" };
            open_task(app, conn, account, id, format!("Deliveries are held: {what}"), now).await?;
            changed += 1;
        }
    }
    Ok(changed)
}

async fn open_task(
    app: &App,
    conn: &mut PgConnection,
    account: AccountId,
    source: Uuid,
    subject: String,
    now: DateTime<Utc>,
) -> Result<()> {
    let rules = agreement::store::rules(&mut *conn).await?;
    let days = rules.business_days_here(&app.policies.book);
    let new = task::NewTask {
        account: Some(account),
        kind: task::Kind::Review,
        owner: task::Owner::Department(agreement::SUPERVISION.to_owned()),
        subject,
        due_on: days.after(app.clock.business_date(), 2),
        priority: task::Priority::Normal,
        source: Some(task::Source { kind: task::SourceKind::Credit, id: source }),
        by: None,
    };
    task::open(conn, &new, now).await.map(drop)
}

/// What a step did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stepped {
    /// Holds placed or lifted.
    pub changed: usize,
    /// Reviews made.
    pub reviewed: usize,
    /// It has not come to the last account: the next step goes on.
    pub more: bool,
}

/// Applies the rules to accounts, at most 1,000, going on where the step before stopped, and reviews those whose last
/// review is too old.
///
/// # Errors
/// If Postgres is not available.
pub async fn step(app: &App) -> Result<Stepped> {
    let mut conn = app.db.acquire().await?;
    let after = account::store::sweep_place(&mut conn, "credit").await?;
    let batch = store::to_look_at(&mut conn, after, app.clock.now(), AT_ONCE).await?;
    let more = i64::try_from(batch.len()).is_ok_and(|found| found == AT_ONCE);
    let last = batch.last().filter(|_| more).map_or(AccountId(Uuid::nil()), |(account, _)| *account);
    account::store::keep_sweep_place(&mut conn, "credit", last).await?;
    drop(conn);
    let mut stepped = Stepped { more, ..Stepped::default() };
    for (account, due_for_review) in batch {
        let mut tx = app.db.begin().await?;
        stepped.changed += apply_rules(app, &mut tx, account, app.clock.now()).await?;
        tx.commit().await?;
        if due_for_review {
            review(app, None, account).await?;
            stepped.reviewed += 1;
        }
    }
    Ok(stepped)
}

/// Sets the rules of a portfolio; the empty name is for all others.
///
/// # Errors
/// [`Error::Invalid`] naming the field.
pub async fn set_rules(app: &App, by: UserId, portfolio: &str, rules: &Rules) -> Result<()> {
    if let Some((field, detail)) = rules.fault() {
        return Err(Error::invalid(field, detail));
    }
    let mut tx = app.db.begin().await?;
    let now = app.clock.now();
    store::set_rules(&mut tx, by, portfolio, rules, now).await?;
    account::store::audit_of(&mut tx, by, "credit_rules", ("portfolio", portfolio), json!(rules), now).await?;
    Ok(tx.commit().await?)
}

/// Makes, or changes, a customer, and puts the account under it.
///
/// # Errors
/// [`Error::Invalid`] for the name, the limit, or a parent that is below it; [`Error::NotFound`].
pub async fn set_party(app: &App, by: UserId, account: AccountId, new: &NewParty) -> Result<Uuid> {
    if !(1..=120).contains(&new.name.trim().chars().count()) {
        return Err(Error::invalid("name", "1 to 120 characters"));
    }
    if new.limit_minor.is_some_and(|limit| limit < 0) {
        return Err(Error::invalid("limit_minor", "0 or more minor units"));
    }
    let mut tx = app.db.begin().await?;
    let now = app.clock.now();
    let row = account::store::get(&mut tx, account).await?;
    let id = store::keep_party(&mut tx, new, row.currency, now).await?;
    if store::is_below_itself(&mut tx, id).await? {
        return Err(Error::invalid("parent", "is below the customer itself"));
    }
    store::join(&mut tx, account, Some(id), now).await?;
    account::store::audit(&mut tx, by, "party", account, json!({ "party": id, "parent": new.parent }), now).await?;
    apply_rules(app, &mut tx, account, now).await?;
    tx.commit().await?;
    Ok(id)
}

/// Puts the account under a customer, which stays as it is; `None`: it belongs to none any more.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn join_party(app: &App, by: UserId, account: AccountId, party: Option<Uuid>) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let now = app.clock.now();
    account::store::get(&mut tx, account).await?;
    if !store::join(&mut tx, account, party, now).await? {
        return Err(Error::NotFound("customer"));
    }
    account::store::audit(&mut tx, by, "party", account, json!({ "party": party }), now).await?;
    apply_rules(app, &mut tx, account, now).await?;
    Ok(tx.commit().await?)
}

/// A customer to make, or to change.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewParty {
    /// The customer, if it is known.
    #[serde(default)]
    pub id: Option<Uuid>,
    /// 1 to 120 characters.
    pub name: String,
    /// The one above it.
    #[serde(default)]
    pub parent: Option<Uuid>,
    /// Limit of the whole family, minor units of the account's currency; absent: none.
    #[serde(default)]
    pub limit_minor: Option<i64>,
}

/// Starts the loop that applies the rules.
pub fn spawn(app: &App, lifecycle: &Lifecycle) {
    let app = app.clone();
    let wake = Arc::<Notify>::default();
    let again = Arc::clone(&wake);
    worker::spawn(lifecycle, "credit", Duration::from_mins(30), wake, move || {
        let (app, again) = (app.clone(), Arc::clone(&again));
        async move {
            if step(&app).await?.more {
                again.notify_one();
            }
            Ok(())
        }
    });
}

/// What the account page shows of the credit of an account.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn of(conn: &mut PgConnection, account: AccountId) -> Result<Credit> {
    let mut credit = store::terms(conn, account).await?;
    let exposure: Exposure = store::exposure(conn, account).await?;
    credit.exposure_minor = exposure.own_minor;
    credit.party = store::party(conn, account, &exposure).await?;
    credit.holds = store::holds(conn, account).await?;
    credit.review = store::newest_review(conn, account).await?;
    Ok(credit)
}
