//! Accounts in Postgres.

mod audit;
mod consents;
mod facts;
mod house_list;
mod points;
mod restrictions;
mod sweep;
mod timeline;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

pub use self::{
    audit::{audit, audit_of},
    consents::{record_consent, restrictions, set_language},
    facts::{agent_name, agents, set_address, set_owner, set_party_kind, set_zone},
    house_list::{house_entries, house_entry, house_value},
    points::{add_contact, add_point, contacts, rezone, set_point_invalid},
    restrictions::{accounts_of, do_not_call, holds, place_hold, release_hold, revoke_do_not_call},
    sweep::{keep_sweep_place, sweep_place},
    timeline::timeline,
};
use super::{Account, Note, PastCall, Search, Summary};
use crate::{
    call,
    error::{Error, Result},
    ids::{AccountId, CallId, NoteId, UserId},
    ledger::store::stored_currency,
    phone::Phone,
};

/// The account.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(conn: &mut PgConnection, account: AccountId) -> Result<Account> {
    let row = sqlx::query!(
        r#"SELECT id AS "id: AccountId", portfolio, number, name, party_kind, currency::text AS "currency!",
                  country::text, region, city, postal_code, address_line, stated_zone, language, terms,
                  owner_id AS "owner: UserId", status, created_at, updated_at
           FROM account WHERE id = $1"#,
        account.0
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("account"))?;
    Ok(Account {
        id: row.id,
        portfolio: row.portfolio,
        number: row.number,
        name: row.name,
        party_kind: row.party_kind,
        currency: stored_currency(&row.currency)?,
        country: row.country,
        region: row.region,
        city: row.city,
        postal_code: row.postal_code,
        address_line: row.address_line,
        stated_zone: row.stated_zone,
        language: row.language,
        terms: row.terms,
        owner: row.owner,
        status: row.status,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

/// At most `limit` accounts that match, in the order in which they were taken in, those after `after` only.
///
/// # Errors
/// If Postgres is not available.
pub async fn search(
    conn: &mut PgConnection,
    search: &Search,
    after: Option<AccountId>,
    limit: i64,
) -> Result<Vec<Summary>> {
    let ids = matching(conn, search, after, limit).await?;
    by_id(conn, &ids).await
}

/// The accounts of those ids that exist, in the order of their ids.
///
/// # Errors
/// If Postgres is not available.
pub async fn summaries(conn: &mut PgConnection, accounts: &[AccountId]) -> Result<Vec<Summary>> {
    let ids: Vec<uuid::Uuid> = accounts.iter().map(|account| account.0).collect();
    by_id(conn, &ids).await
}

async fn by_id(conn: &mut PgConnection, ids: &[uuid::Uuid]) -> Result<Vec<Summary>> {
    let rows = sqlx::query!(
        r#"SELECT a.id AS "id: AccountId", a.portfolio, a.number, a.name, a.currency::text AS "currency!", a.status,
                  coalesce(s.open_minor, 0) AS "open_minor!", coalesce(s.collectible_minor, 0) AS "collectible_minor!",
                  s.oldest_due_on AS "oldest_due_on?"
           FROM account a LEFT JOIN account_standing s ON s.account_id = a.id
           WHERE a.id = ANY ($1) ORDER BY a.id"#,
        ids
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Summary {
                id: row.id,
                portfolio: row.portfolio,
                number: row.number,
                name: row.name,
                currency: stored_currency(&row.currency)?,
                status: row.status,
                open_minor: row.open_minor,
                collectible_minor: row.collectible_minor,
                oldest_due_on: row.oldest_due_on,
            })
        })
        .collect()
}

/// One query for each kind of search, so that each runs on its own index.
async fn matching(
    conn: &mut PgConnection,
    search: &Search,
    after: Option<AccountId>,
    limit: i64,
) -> Result<Vec<uuid::Uuid>> {
    let after = after.map_or(uuid::Uuid::nil(), |account| account.0);
    let ids = match search {
        Search::All => {
            sqlx::query_scalar!("SELECT id FROM account WHERE id > $1 ORDER BY id LIMIT $2", after, limit)
                .fetch_all(conn)
                .await?
        }
        Search::Number(number) => {
            sqlx::query_scalar!(
                "SELECT id FROM account WHERE number = $3 AND id > $1 ORDER BY id LIMIT $2",
                after,
                limit,
                number
            )
            .fetch_all(conn)
            .await?
        }
        Search::Name(start) => {
            sqlx::query_scalar!(
                "SELECT id FROM account WHERE lower(name) LIKE lower($3) || '%' AND id > $1 ORDER BY id LIMIT $2",
                after,
                limit,
                escaped(start)
            )
            .fetch_all(conn)
            .await?
        }
        Search::Phone(phone) => {
            sqlx::query_scalar!(
                "SELECT DISTINCT account_id FROM contact_point
                 WHERE kind = 'phone' AND value = $3 AND account_id > $1 ORDER BY account_id LIMIT $2",
                after,
                limit,
                phone.as_str()
            )
            .fetch_all(conn)
            .await?
        }
    };
    Ok(ids)
}

/// The open accounts that a number may belong to, for an inbound call.
///
/// # Errors
/// If Postgres is not available.
pub async fn by_phone(conn: &mut PgConnection, phone: &Phone) -> Result<Vec<AccountId>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT DISTINCT a.id AS "id: AccountId" FROM contact_point p JOIN account a ON a.id = p.account_id
           WHERE p.kind = 'phone' AND p.value = $1 AND a.status = 'open' ORDER BY 1"#,
        phone.as_str()
    )
    .fetch_all(conn)
    .await?)
}

/// At most `limit` notes, newest first, those before `before` only.
///
/// # Errors
/// If Postgres is not available.
pub async fn notes(
    conn: &mut PgConnection,
    account: AccountId,
    before: Option<NoteId>,
    limit: i64,
) -> Result<Vec<Note>> {
    Ok(sqlx::query_as!(
        Note,
        r#"SELECT n.id AS "id: NoteId", n.at, u.name AS "by?", n.call_id AS "call: CallId", n.body
           FROM note n LEFT JOIN users u ON u.id = n.user_id
           WHERE n.account_id = $1
             AND ($2::uuid IS NULL OR (n.at, n.id) < (SELECT b.at, b.id FROM note b WHERE b.id = $2))
           ORDER BY n.at DESC, n.id DESC LIMIT $3"#,
        account.0,
        before.map(|note| note.0),
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// Writes a note.
///
/// # Errors
/// [`Error::Invalid`] unless the text has 1 to 4000 characters; [`Error::NotFound`] without the account.
pub async fn add_note(
    conn: &mut PgConnection,
    account: AccountId,
    call: Option<CallId>,
    by: Option<UserId>,
    body: &str,
    now: DateTime<Utc>,
) -> Result<NoteId> {
    if !(1..=4000).contains(&body.trim().chars().count()) {
        return Err(Error::invalid("note", "1 to 4000 characters"));
    }
    let note = NoteId::generate();
    let added = sqlx::query!(
        "INSERT INTO note (id, account_id, call_id, user_id, body, at) SELECT $1, id, $3, $4, $5, $6 FROM account WHERE id = $2",
        note.0,
        account.0,
        call.map(|call| call.0),
        by.map(|user| user.0),
        body.trim(),
        now
    )
    .execute(conn)
    .await?;
    if added.rows_affected() == 0 { Err(Error::NotFound("account")) } else { Ok(note) }
}

/// At most `limit` calls of the account, newest first, those before `before` only.
///
/// # Errors
/// If Postgres is not available.
pub async fn calls(
    conn: &mut PgConnection,
    account: AccountId,
    before: Option<CallId>,
    limit: i64,
) -> Result<Vec<PastCall>> {
    let rows = sqlx::query!(
        r#"SELECT c.id AS "id: CallId", c.created_at, c.direction, c.outcome, c.bridged_at, c.ended_at,
                  d.label AS "disposition?", u.name AS "agent?",
                  ARRAY(SELECT DISTINCT v.number FROM call_item ci JOIN instalment i ON i.id = ci.instalment_id
                        JOIN invoice v ON v.id = i.invoice_id WHERE ci.call_id = c.id ORDER BY 1) AS "invoices!"
           FROM call c
           LEFT JOIN call_disposition cd ON cd.call_id = c.id
           LEFT JOIN disposition d ON d.set_name = cd.set_name AND d.code = cd.code
           LEFT JOIN users u ON u.id = c.agent_id
           WHERE c.account_id = $1
             AND ($2::uuid IS NULL OR (c.created_at, c.id) < (SELECT b.created_at, b.id FROM call b WHERE b.id = $2))
           ORDER BY c.created_at DESC, c.id DESC LIMIT $3"#,
        account.0,
        before.map(|call| call.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(PastCall {
                id: row.id,
                at: row.created_at,
                direction: named::<call::Direction>(&row.direction)?,
                outcome: row.outcome.as_deref().map(named::<call::Outcome>).transpose()?,
                disposition: row.disposition,
                agent: row.agent,
                bridged_at: row.bridged_at,
                ended_at: row.ended_at,
                invoices: row.invoices,
            })
        })
        .collect()
}

/// A value stored by its serialised name.
fn named<T: serde::de::DeserializeOwned>(name: &str) -> Result<T> {
    serde_json::from_value(name.into()).map_err(Error::internal("reading a stored call"))
}

/// `text` as a LIKE pattern that matches only itself.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
