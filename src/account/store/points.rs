//! Contacts and the ways to reach them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    account::{Account, Contact, ContactPoint, NewPoint, PointKind},
    error::{Error, Result},
    ids::{AccountId, ContactId, ContactPointId, PersonId},
    phone::{Phone, zones},
};

/// The contacts of the account with their points in the order in which they are tried.
///
/// # Errors
/// If Postgres is not available.
pub async fn contacts(conn: &mut PgConnection, account: AccountId) -> Result<Vec<Contact>> {
    let contacts = sqlx::query!(
        r#"SELECT c.id AS "id: ContactId", c.person_id AS "person: PersonId", p.name, c.role
           FROM contact c JOIN person p ON p.id = c.person_id WHERE c.account_id = $1 ORDER BY c.created_at, c.id"#,
        account.0
    )
    .fetch_all(&mut *conn)
    .await?;
    let points = sqlx::query_as!(
        ContactPoint,
        r#"SELECT p.id AS "id: ContactPointId", p.contact_id AS "contact: ContactId", p.kind AS "kind: PointKind", p.value,
                  p.label, p.zones, p.position, p.invalid_reason,
                  do_not_call_scope(p.value, c.person_id, p.account_id) IS NOT NULL AS "do_not_call!",
                  p.kind = 'email' AND messages_revoked_at(p.value) IS NOT NULL AS "opted_out!"
           FROM contact_point p JOIN contact c ON c.id = p.contact_id
           WHERE p.account_id = $1 ORDER BY p.position, p.id"#,
        account.0
    )
    .fetch_all(conn)
    .await?;
    let of = |contact: ContactId| points.iter().filter(|point| point.contact == contact).cloned().collect();
    Ok(contacts
        .into_iter()
        .map(|row| Contact { id: row.id, person: row.person, name: row.name, role: row.role, points: of(row.id) })
        .collect())
}

/// Adds a person in a role to the account.
///
/// # Errors
/// [`Error::Invalid`] for an empty or overlong name or role; [`Error::NotFound`] without the account.
pub async fn add_contact(
    conn: &mut PgConnection,
    account: AccountId,
    name: &str,
    role: &str,
    now: DateTime<Utc>,
) -> Result<ContactId> {
    for (field, text, most) in [("name", name, 120), ("role", role, 40)] {
        if !(1..=most).contains(&text.trim().chars().count()) {
            return Err(Error::invalid(field, format!("1 to {most} characters")));
        }
    }
    let contact = ContactId::generate();
    let added = sqlx::query!(
        "WITH known AS (SELECT id FROM account WHERE id = $1),
              human AS (INSERT INTO person (id, name, created_at) SELECT $3, $4, $6 FROM known RETURNING id)
         INSERT INTO contact (id, account_id, person_id, role, created_at) SELECT $2, $1, id, $5, $6 FROM human",
        account.0,
        contact.0,
        PersonId::generate().0,
        name.trim(),
        role.trim(),
        now
    )
    .execute(conn)
    .await?;
    if added.rows_affected() == 0 { Err(Error::NotFound("account")) } else { Ok(contact) }
}

/// Adds a way to reach a contact of `account`, tried after those it has. A phone gets its zones.
///
/// # Errors
/// [`Error::Invalid`] for a phone that is not E.164, an e-mail that is none, or a value that is empty or longer than 200 characters;
/// [`Error::NotFound`] without the contact; [`Error::Conflict`] if the contact has it.
pub async fn add_point(
    conn: &mut PgConnection,
    account: &Account,
    contact: ContactId,
    new: &NewPoint,
    now: DateTime<Utc>,
) -> Result<ContactPointId> {
    let (country, zones) = match new.kind {
        PointKind::Phone => {
            let phone: Phone =
                new.value.parse().map_err(|error| Error::invalid("value", format!("{error}, such as +12125550100")))?;
            (phone.country(), names(&zones::of_point(&phone, account.place())))
        }
        PointKind::Email if new.value.parse::<lettre::Address>().is_err() => {
            return Err(Error::invalid("value", "is no e-mail address, such as accounts@example.com"));
        }
        PointKind::Email | PointKind::Postal => (None, Vec::new()),
    };
    for (field, text, most) in [("value", &new.value, 200), ("label", &new.label, 20)] {
        if !(1..=most).contains(&text.chars().count()) {
            return Err(Error::invalid(field, format!("1 to {most} characters")));
        }
    }
    if !is_contact_of(conn, account.id, contact).await? {
        return Err(Error::NotFound("contact"));
    }
    let point = ContactPointId::generate();
    let added = sqlx::query!(
        "INSERT INTO contact_point (id, contact_id, account_id, kind, value, label, country, zones, position, created_at)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, coalesce(max(position) + 1, 0), $9
         FROM contact_point WHERE account_id = $3
         ON CONFLICT (contact_id, kind, value) DO NOTHING",
        point.0,
        contact.0,
        account.id.0,
        new.kind as PointKind,
        new.value,
        new.label,
        country,
        &zones,
        now
    )
    .execute(conn)
    .await?;
    if added.rows_affected() == 0 { Err(Error::Conflict("the contact has it already".to_owned())) } else { Ok(point) }
}

/// Marks a contact point as of no use (`reason`, 1 to 200 characters), or with `None` as usable again. Gives its account.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn set_point_invalid(
    conn: &mut PgConnection,
    point: ContactPointId,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<AccountId> {
    sqlx::query_scalar!(
        r#"UPDATE contact_point SET invalid_reason = $2, invalid_at = CASE WHEN $2::text IS NULL THEN NULL ELSE $3::timestamptz END
           WHERE id = $1 RETURNING account_id AS "account: AccountId""#,
        point.0,
        reason,
        now
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("contact point"))
}

/// Works out the zones of every phone of the account again, after its address changed.
///
/// # Errors
/// If Postgres is not available.
pub async fn rezone(conn: &mut PgConnection, account: &Account) -> Result<()> {
    let phones =
        sqlx::query!("SELECT id, value FROM contact_point WHERE account_id = $1 AND kind = 'phone'", account.id.0)
            .fetch_all(&mut *conn)
            .await?;
    for row in phones {
        let phone: Phone = row.value.parse().map_err(Error::internal("reading a stored number"))?;
        let zones = names(&zones::of_point(&phone, account.place()));
        sqlx::query!("UPDATE contact_point SET zones = $2 WHERE id = $1 AND zones <> $2", row.id, &zones)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

async fn is_contact_of(conn: &mut PgConnection, account: AccountId, contact: ContactId) -> Result<bool> {
    let found: Option<Uuid> =
        sqlx::query_scalar!("SELECT id FROM contact WHERE id = $1 AND account_id = $2", contact.0, account.0)
            .fetch_optional(conn)
            .await?;
    Ok(found.is_some())
}

fn names(zones: &[chrono_tz::Tz]) -> Vec<String> {
    zones.iter().map(|zone| zone.name().to_owned()).collect()
}
