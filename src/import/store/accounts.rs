//! Accounts, their contact and its points.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::{
    error::{Error, Result},
    import::record::AccountFacts,
    money::Currency,
};

/// What is known about an account and its contacts.
pub struct Known {
    /// Its id.
    pub id: Uuid,
    /// What the file may change.
    pub facts: AccountFacts,
    /// Its contacts, the oldest first.
    pub contacts: Vec<KnownContact>,
    /// Their phones and emails.
    pub points: Vec<KnownPoint>,
}

/// A contact of an account.
pub struct KnownContact {
    /// The contact.
    pub id: Uuid,
    /// The person.
    pub person: Uuid,
    /// The person's name.
    pub name: String,
    /// Role.
    pub role: String,
    /// How many points it has.
    pub points: i16,
}

/// A contact point as stored.
pub struct KnownPoint {
    /// Its id.
    pub id: Uuid,
    /// `phone` or `email`.
    pub kind: String,
    /// The number or address.
    pub value: String,
    /// The time zones that a number may be in.
    pub zones: Vec<String>,
}

/// Account facts to write.
#[derive(Serialize)]
pub struct AccountRow<'a> {
    /// Its id.
    pub id: Uuid,
    /// What the file says.
    #[serde(flatten)]
    pub facts: &'a AccountFacts,
}

/// A contact to write.
#[derive(Serialize)]
pub struct ContactRow<'a> {
    pub id: Uuid,
    pub account: Uuid,
    pub person: Uuid,
    pub name: &'a str,
    pub role: &'a str,
}

/// A contact point to write.
#[derive(Serialize)]
pub struct PointRow<'a> {
    pub id: Uuid,
    pub contact: Uuid,
    pub account: Uuid,
    pub kind: &'static str,
    pub value: &'a str,
    pub label: &'a str,
    pub country: Option<String>,
    pub zones: Vec<&'static str>,
    pub position: i16,
    /// What the contact has is tried after it.
    pub before_others: bool,
}

/// A number with the zones that it may be in now.
#[derive(Serialize)]
pub struct ZonesRow {
    pub id: Uuid,
    pub zones: Vec<&'static str>,
}

/// Those of these logins that an agent has.
pub async fn agents(conn: &mut PgConnection, logins: &[String]) -> Result<Vec<String>> {
    let found = sqlx::query_scalar!("SELECT login FROM users WHERE role = 'agent' AND login = ANY ($1)", logins);
    Ok(found.fetch_all(conn).await?)
}

/// The accounts of these numbers, locked in the order of their ids.
pub async fn known(conn: &mut PgConnection, portfolio: &str, numbers: &[String]) -> Result<HashMap<String, Known>> {
    let rows = sqlx::query!(
        r#"SELECT id, number, name, party_kind, currency::text AS "currency!", country::text, region, city, postal_code,
                  address_line, stated_zone, language, terms,
                  (SELECT u.login FROM users u WHERE u.id = owner_id) AS owner
           FROM account WHERE portfolio = $1 AND number = ANY ($2) ORDER BY id FOR UPDATE"#,
        portfolio,
        numbers
    )
    .fetch_all(&mut *conn)
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut contacts = contacts(conn, &ids).await?;
    let mut points = points(conn, &ids).await?;
    rows.into_iter()
        .map(|row| {
            let facts = AccountFacts {
                number: row.number.clone(),
                currency: Currency::parse(&row.currency).map_err(Error::internal("reading a stored currency"))?,
                name: row.name,
                kind: row.party_kind,
                country: row.country,
                region: row.region,
                city: row.city,
                postal_code: row.postal_code,
                address_line: row.address_line,
                zone: row.stated_zone,
                language: row.language,
                terms: row.terms,
                owner: row.owner,
            };
            let contacts = contacts.remove(&row.id).unwrap_or_default();
            let points = points.remove(&row.id).unwrap_or_default();
            Ok((row.number, Known { id: row.id, facts, contacts, points }))
        })
        .collect()
}

async fn contacts(conn: &mut PgConnection, accounts: &[Uuid]) -> Result<HashMap<Uuid, Vec<KnownContact>>> {
    let rows = sqlx::query!(
        r#"SELECT c.account_id, c.id, c.person_id, p.name, c.role,
                  (SELECT count(*)::smallint FROM contact_point t WHERE t.contact_id = c.id) AS "points!"
           FROM contact c JOIN person p ON p.id = c.person_id
           WHERE c.account_id = ANY ($1) ORDER BY c.account_id, c.created_at, c.id"#,
        accounts
    )
    .fetch_all(conn)
    .await?;
    let mut contacts: HashMap<Uuid, Vec<KnownContact>> = HashMap::new();
    for row in rows {
        let contact =
            KnownContact { id: row.id, person: row.person_id, name: row.name, role: row.role, points: row.points };
        contacts.entry(row.account_id).or_default().push(contact);
    }
    Ok(contacts)
}

async fn points(conn: &mut PgConnection, accounts: &[Uuid]) -> Result<HashMap<Uuid, Vec<KnownPoint>>> {
    let rows = sqlx::query!(
        "SELECT id, account_id, kind, value, zones FROM contact_point WHERE account_id = ANY ($1)",
        accounts
    )
    .fetch_all(conn)
    .await?;
    let mut points: HashMap<Uuid, Vec<KnownPoint>> = HashMap::new();
    for row in rows {
        let point = KnownPoint { id: row.id, kind: row.kind, value: row.value, zones: row.zones };
        points.entry(row.account_id).or_default().push(point);
    }
    Ok(points)
}

/// Adds accounts.
pub async fn insert(
    conn: &mut PgConnection,
    portfolio: &str,
    rows: &[AccountRow<'_>],
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO account (id, portfolio, number, name, party_kind, currency, country, region, city, postal_code,
                              address_line, stated_zone, language, terms, owner_id, created_at, updated_at)
         SELECT id, $2, number, name, kind, currency, country, region, city, postal_code, address_line, zone, language,
                terms, (SELECT u.id FROM users u WHERE u.login = a.owner), $3, $3
         FROM jsonb_to_recordset($1) AS a (id uuid, number text, name text, kind text, currency text, country text,
             region text, city text, postal_code text, address_line text, zone text, language text, terms text, owner text)",
        Json(rows) as _,
        portfolio,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Overwrites what the file says about accounts. That their terms of payment are others now is kept with what they were.
pub async fn update(conn: &mut PgConnection, rows: &[AccountRow<'_>], now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "WITH f AS (SELECT * FROM jsonb_to_recordset($1) AS f (id uuid, name text, kind text, country text, region text,
                        city text, postal_code text, address_line text, zone text, language text, terms text, owner text)),
              kept AS (INSERT INTO audit (at, action, object_kind, object_id, detail)
                       SELECT $2::timestamptz, 'terms', 'account', a.id::text,
                              jsonb_build_object('was', a.terms, 'now', coalesce(f.terms, 'not known'), 'reason', 'by an import')
                       FROM f JOIN account a ON a.id = f.id WHERE a.terms IS DISTINCT FROM f.terms)
         UPDATE account a SET name = f.name, party_kind = f.kind, country = f.country, region = f.region, city = f.city,
                postal_code = f.postal_code, address_line = f.address_line, stated_zone = f.zone, language = f.language,
                terms = f.terms, owner_id = (SELECT u.id FROM users u WHERE u.login = f.owner), updated_at = $2
         FROM f WHERE a.id = f.id",
        Json(rows) as _,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds contacts, each with a person of its own.
pub async fn insert_contacts(conn: &mut PgConnection, rows: &[ContactRow<'_>], now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "WITH f AS (SELECT * FROM jsonb_to_recordset($1)
                    AS f (id uuid, account uuid, person uuid, name text, role text)),
              p AS (INSERT INTO person (id, name, created_at) SELECT person, name, $2 FROM f)
         INSERT INTO contact (id, account_id, person_id, role, created_at) SELECT id, account, person, role, $2 FROM f",
        Json(rows) as _,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Overwrites name and role of contacts.
pub async fn update_contacts(conn: &mut PgConnection, rows: &[ContactRow<'_>]) -> Result<()> {
    sqlx::query!(
        "WITH f AS (SELECT * FROM jsonb_to_recordset($1) AS f (id uuid, person uuid, name text, role text)),
              p AS (UPDATE person SET name = f.name FROM f WHERE person.id = f.person)
         UPDATE contact SET role = f.role FROM f WHERE contact.id = f.id",
        Json(rows) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds contact points. Those that a contact had are kept, to be tried after the ones that come before others.
pub async fn insert_points(conn: &mut PgConnection, rows: &[PointRow<'_>], now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "UPDATE contact_point p SET position = p.position + f.taken
         FROM (SELECT contact, kind, (max(position) + 1)::smallint AS taken
               FROM jsonb_to_recordset($1) AS f (contact uuid, kind text, position smallint, before_others boolean)
               WHERE before_others GROUP BY contact, kind) f
         WHERE p.contact_id = f.contact AND p.kind = f.kind",
        Json(rows) as _
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO contact_point (id, contact_id, account_id, kind, value, label, country, zones, position, created_at)
         SELECT id, contact, account, kind, value, label, country, ARRAY(SELECT jsonb_array_elements_text(zones)), position, $2
         FROM jsonb_to_recordset($1) AS f (id uuid, contact uuid, account uuid, kind text, value text, label text,
             country text, zones jsonb, position smallint)
         ON CONFLICT (contact_id, kind, value) DO NOTHING",
        Json(rows) as _,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Overwrites the zones of numbers.
pub async fn rezone(conn: &mut PgConnection, rows: &[ZonesRow]) -> Result<()> {
    sqlx::query!(
        "UPDATE contact_point p SET zones = ARRAY(SELECT jsonb_array_elements_text(f.zones))
         FROM jsonb_to_recordset($1) AS f (id uuid, zones jsonb) WHERE p.id = f.id",
        Json(rows) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}
