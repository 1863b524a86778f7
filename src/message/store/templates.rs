//! Versions of templates.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    error::{Error, Result},
    ids::UserId,
    message::library::{NewTemplate, Template},
};

/// A template in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ListedTemplate)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// BCP 47.
    pub language: String,
    /// The version in use.
    pub version: i32,
    /// Its subject.
    pub subject: String,
    /// When it was written.
    pub created_at: DateTime<Utc>,
}

/// The templates in use, by name; at most 500.
///
/// # Errors
/// Those of Postgres.
pub async fn templates(conn: &mut PgConnection) -> Result<Vec<Listed>> {
    Ok(sqlx::query_as!(
        Listed,
        "SELECT DISTINCT ON (name, language) name, language, version, subject, created_at FROM template
         ORDER BY name, language, version DESC LIMIT 500"
    )
    .fetch_all(conn)
    .await?)
}

/// Every version of a template, newest first, in all languages; at most 200.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn versions(conn: &mut PgConnection, name: &str) -> Result<Vec<Template>> {
    let found = sqlx::query_as!(
        Template,
        r#"SELECT t.id, t.name, language, version, subject, body, u.name AS "by?", t.created_at
           FROM template t LEFT JOIN users u ON u.id = t.created_by
           WHERE t.name = $1 ORDER BY language, version DESC LIMIT 200"#,
        name
    )
    .fetch_all(conn)
    .await?;
    if found.is_empty() { Err(Error::NotFound("template")) } else { Ok(found) }
}

/// The newest version in the language asked for, else in its main language, else in English, else in any.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn newest_template(conn: &mut PgConnection, name: &str, language: Option<&str>) -> Result<Template> {
    let wanted = language.unwrap_or("en");
    let main = wanted.split('-').next().unwrap_or(wanted);
    sqlx::query_as!(
        Template,
        r#"SELECT t.id, t.name, language, version, subject, body, u.name AS "by?", t.created_at
           FROM template t LEFT JOIN users u ON u.id = t.created_by WHERE t.name = $1
           ORDER BY lower(language) = lower($2) DESC, lower(language) = lower($3) DESC, language = 'en' DESC, language,
                    version DESC LIMIT 1"#,
        name,
        wanted,
        main
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::NotFound("template"))
}

/// Adds the first version of a template, unless there is one.
///
/// # Errors
/// Those of Postgres.
pub async fn seed_template(conn: &mut PgConnection, new: &NewTemplate, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "INSERT INTO template (id, name, language, version, subject, body, created_at) VALUES ($1, $2, $3, 1, $4, $5, $6)
         ON CONFLICT (name, language, version) DO NOTHING",
        Uuid::now_v7(),
        new.name,
        new.language,
        new.subject.trim(),
        new.body,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds a version, one above the highest.
///
/// # Errors
/// [`Error::Conflict`] where somebody adds one at the same moment.
pub async fn add_template(
    conn: &mut PgConnection,
    by: UserId,
    new: &NewTemplate,
    now: DateTime<Utc>,
) -> Result<Template> {
    sqlx::query_as!(
        Template,
        r#"WITH new AS (
               INSERT INTO template (id, name, language, version, subject, body, created_by, created_at)
               SELECT $1, $2, $3, coalesce(max(version), 0) + 1, $4, $5, $6, $7 FROM template
               WHERE name = $2 AND language = $3
               ON CONFLICT (name, language, version) DO NOTHING RETURNING *)
           SELECT new.id AS "id!", new.name AS "name!", language AS "language!", version AS "version!",
                  subject AS "subject!", body AS "body!", u.name AS "by?", new.created_at AS "created_at!"
           FROM new JOIN users u ON u.id = new.created_by"#,
        Uuid::now_v7(),
        new.name,
        new.language,
        new.subject.trim(),
        new.body,
        by.0,
        now
    )
    .fetch_optional(conn)
    .await?
    .ok_or_else(|| Error::Conflict("somebody else changed it at this moment: look at it again".to_owned()))
}
