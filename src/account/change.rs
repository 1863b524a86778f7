//! What staff change about an account: each change is one transaction with its row in the audit, and the accounts it
//! touches take their place in the queues anew.

use serde_json::json;
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use super::{DoNotCall, NewHold, NewPoint, store};
use crate::{
    app::App,
    compliance::{self, wish::Wish},
    error::{Error, Result},
    ids::{AccountId, ContactId, ContactPointId, NoteId, PersonId, UserId},
    outbox::{self, Effect},
    outgoing,
};

/// Adds a note.
///
/// # Errors
/// [`Error::Invalid`] unless it has 1 to 4000 characters; [`Error::NotFound`].
pub async fn add_note(app: &App, by: UserId, account: AccountId, body: &str) -> Result<NoteId> {
    let mut conn = app.db.acquire().await?;
    store::add_note(&mut conn, account, None, Some(by), body, app.clock.now()).await
}

/// Adds a person in a role to the account.
///
/// # Errors
/// [`Error::Invalid`], [`Error::NotFound`].
pub async fn add_contact(app: &App, by: UserId, account: AccountId, name: &str, role: &str) -> Result<ContactId> {
    let mut tx = app.db.begin().await?;
    let now = app.clock.now();
    let contact = store::add_contact(&mut tx, account, name, role, now).await?;
    store::audit(&mut tx, by, "add_contact", account, json!({ "contact": contact }), now).await?;
    tx.commit().await?;
    Ok(contact)
}

/// Adds a way to reach a contact.
///
/// # Errors
/// [`Error::Invalid`], [`Error::NotFound`], [`Error::Conflict`] if the contact has it.
pub async fn add_point(
    app: &App,
    by: UserId,
    account: AccountId,
    contact: ContactId,
    new: &NewPoint,
) -> Result<ContactPointId> {
    let mut tx = app.db.begin().await?;
    let now = app.clock.now();
    let row = store::get(&mut tx, account).await?;
    let point = store::add_point(&mut tx, &row, contact, new, now).await?;
    store::audit(&mut tx, by, "add_point", account, json!({ "contact": contact, "point": point }), now).await?;
    requeue_and_commit(app, tx, &[account]).await?;
    Ok(point)
}

/// Marks a contact point as of no use (1 to 200 characters why), or with `None` as usable again.
///
/// # Errors
/// [`Error::Invalid`], [`Error::NotFound`].
pub async fn set_point_invalid(app: &App, by: UserId, point: ContactPointId, reason: Option<&str>) -> Result<()> {
    if reason.is_some_and(|reason| !(1..=200).contains(&reason.trim().chars().count())) {
        return Err(Error::invalid("reason", "1 to 200 characters"));
    }
    let mut tx = app.db.begin().await?;
    let now = app.clock.now();
    let account = store::set_point_invalid(&mut tx, point, reason, now).await?;
    let action = if reason.is_some() { "point_invalid" } else { "point_valid" };
    store::audit(&mut tx, by, action, account, json!({ "point": point }), now).await?;
    requeue_and_commit(app, tx, &[account]).await
}

/// Records a wish not to be called.
///
/// # Errors
/// [`Error::Invalid`] unless the reason has 1 to 200 characters; [`Error::NotFound`].
pub async fn do_not_call(app: &App, by: UserId, account: AccountId, whom: &DoNotCall, reason: &str) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let now = app.clock.now();
    concerns(&mut tx, account, whom).await?;
    let touched = store::do_not_call(&mut tx, whom, reason, None, Some(by), now).await?;
    store::audit(&mut tx, by, "do_not_call", account, json!({ "scope": whom.stored().0 }), now).await?;
    requeue_and_commit(app, tx, &touched).await
}

/// Takes a wish not to be called back, because the debtor asked for it.
///
/// # Errors
/// [`Error::NotFound`] if no such wish stands.
pub async fn revoke_do_not_call(app: &App, by: UserId, account: AccountId, whom: &DoNotCall) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let now = app.clock.now();
    concerns(&mut tx, account, whom).await?;
    let touched = store::revoke_do_not_call(&mut tx, whom, by, now).await?;
    store::audit(&mut tx, by, "revoke_do_not_call", account, json!({ "scope": whom.stored().0 }), now).await?;
    requeue_and_commit(app, tx, &touched).await
}

/// Puts the account on hold.
///
/// # Errors
/// [`Error::Invalid`], [`Error::NotFound`].
pub async fn place_hold(app: &App, by: UserId, account: AccountId, hold: &NewHold) -> Result<Uuid> {
    let mut tx = app.db.begin().await?;
    let now = app.clock.now();
    let id = store::place_hold(&mut tx, account, hold, Some(by), now).await?;
    store::audit(&mut tx, by, "hold", account, json!({ "hold": id, "reason": hold.reason }), now).await?;
    requeue_and_commit(app, tx, &[account]).await?;
    Ok(id)
}

/// Ends a hold.
///
/// # Errors
/// [`Error::NotFound`] if it does not stand.
pub async fn release_hold(app: &App, by: UserId, hold: Uuid) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let now = app.clock.now();
    let account = store::release_hold(&mut tx, hold, by, now).await?;
    store::audit(&mut tx, by, "release_hold", account, json!({ "hold": hold }), now).await?;
    requeue_and_commit(app, tx, &[account]).await
}

/// Records a time or place at which a debtor does not want to be called.
///
/// # Errors
/// [`Error::NotFound`] without the account, or if the person is none of its own.
pub async fn add_wish(
    app: &App,
    by: UserId,
    account: AccountId,
    person: Option<PersonId>,
    wish: &Wish,
) -> Result<Uuid> {
    let mut tx = app.db.begin().await?;
    let now = app.clock.now();
    let id = compliance::store::add_wish(&mut tx, account, person, wish, by, now).await?;
    store::audit(&mut tx, by, "wish", account, json!({ "wish": id }), now).await?;
    let touched = touched_by_wish(&mut tx, account, person).await?;
    requeue_and_commit(app, tx, &touched).await?;
    Ok(id)
}

/// A person's wish counts at every account.
async fn touched_by_wish(
    conn: &mut PgConnection,
    account: AccountId,
    person: Option<PersonId>,
) -> Result<Vec<AccountId>> {
    match person {
        Some(person) => store::accounts_of(conn, person).await,
        None => Ok(vec![account]),
    }
}

/// Takes such a wish back.
///
/// # Errors
/// [`Error::NotFound`] if it does not stand.
pub async fn revoke_wish(app: &App, by: UserId, wish: Uuid) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let now = app.clock.now();
    let (account, person) = compliance::store::revoke_wish(&mut tx, wish, by, now).await?;
    store::audit(&mut tx, by, "revoke_wish", account, json!({ "wish": wish }), now).await?;
    let touched = touched_by_wish(&mut tx, account, person).await?;
    requeue_and_commit(app, tx, &touched).await
}

/// The number or the person has to be one of the account's: nobody bars a stranger by accident.
async fn concerns(tx: &mut Transaction<'_, Postgres>, account: AccountId, whom: &DoNotCall) -> Result<()> {
    store::get(tx, account).await?;
    let contacts = store::contacts(tx, account).await?;
    let known = match whom {
        DoNotCall::Number(phone) => {
            contacts.iter().flat_map(|contact| &contact.points).any(|point| point.value == phone.as_str())
        }
        DoNotCall::Person(person) => contacts.iter().any(|contact| contact.person == *person),
        DoNotCall::Account(whole) => *whole == account,
        DoNotCall::House(_) => false,
    };
    if known { Ok(()) } else { Err(Error::NotFound("number or person at this account")) }
}

/// The accounts take their place in the queues anew once the transaction is committed.
pub(super) async fn requeue_and_commit(
    app: &App,
    mut tx: Transaction<'_, Postgres>,
    touched: &[AccountId],
) -> Result<()> {
    let effects: Vec<Effect> = touched.iter().map(|account| Effect::Requeue { account: *account }).collect();
    outbox::enqueue(&mut tx, &effects, app.clock.now()).await?;
    outgoing::tell_changed(&mut tx, touched, app.clock.now()).await?;
    tx.commit().await?;
    app.outbox.ring();
    Ok(())
}
