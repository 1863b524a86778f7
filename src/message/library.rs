//! The templates: those that every installation begins with, and new versions of them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    store,
    template::{self, Source},
};
use crate::{
    account::consent::is_language,
    error::{Error, Result},
    ids::UserId,
};

/// Name and text of the templates that an installation begins with; the first line is the subject.
const BUILT_IN: [(&str, &str); 10] = [
    ("letter", include_str!("../../templates/letter.txt")),
    ("statement", include_str!("../../templates/statement.txt")),
    ("invoice", include_str!("../../templates/invoice.txt")),
    ("before_due", include_str!("../../templates/before_due.txt")),
    ("reminder_1", include_str!("../../templates/reminder_1.txt")),
    ("reminder_2", include_str!("../../templates/reminder_2.txt")),
    ("final_notice", include_str!("../../templates/final_notice.txt")),
    ("plan_agreed", include_str!("../../templates/plan_agreed.txt")),
    ("plan_reminder", include_str!("../../templates/plan_reminder.txt")),
    ("deposit_notice", include_str!("../../templates/deposit_notice.txt")),
];

/// A version of a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Template {
    /// Its id.
    pub id: Uuid,
    /// `a-z 0-9 _`, 1 to 64 characters.
    pub name: String,
    /// BCP 47.
    pub language: String,
    /// From 1; the highest is in use.
    pub version: i32,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// Who wrote it; `None`: it came with the service.
    pub by: Option<String>,
    /// When.
    pub created_at: DateTime<Utc>,
}

impl Template {
    /// Its text.
    #[must_use]
    pub fn source(&self) -> Source {
        Source { subject: self.subject.clone(), body: self.body.clone() }
    }
}

/// A new version of a template, or a new template.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTemplate {
    /// `a-z 0-9 _`, 1 to 64 characters.
    pub name: String,
    /// BCP 47; `en` unless given.
    #[serde(default = "english")]
    pub language: String,
    /// One line, 1 to 200 characters.
    pub subject: String,
    /// Plain text, 1 to 20,000 characters.
    pub body: String,
}

fn english() -> String {
    "en".to_owned()
}

/// Puts the built-in templates into a database that does not have them.
///
/// # Errors
/// Those of Postgres.
pub async fn seed(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<()> {
    for (name, text) in BUILT_IN {
        let (subject, body) = text.split_once('\n').unwrap_or((text, ""));
        let new = NewTemplate {
            name: name.to_owned(),
            language: english(),
            subject: subject.to_owned(),
            body: body.trim_start().to_owned(),
        };
        store::seed_template(conn, &new, now).await?;
    }
    Ok(())
}

/// Adds a version; it is used from now on. Gives it back.
///
/// # Errors
/// [`Error::Invalid`] naming the field, and the line of the template.
pub async fn add(conn: &mut PgConnection, by: UserId, new: &NewTemplate, now: DateTime<Utc>) -> Result<Template> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !(1..=64).contains(&new.name.len()) || !new.name.bytes().all(plain) {
        return Err(Error::invalid("name", "1 to 64 characters of a-z, 0-9 and _"));
    }
    if !is_language(&new.language) {
        return Err(Error::invalid("language", "a BCP 47 tag such as `es` or `fr-CA`"));
    }
    for (field, text, most) in [("subject", &new.subject, 200), ("body", &new.body, 20_000)] {
        if !(1..=most).contains(&text.trim().chars().count()) {
            return Err(Error::invalid(field, format!("1 to {most} characters")));
        }
    }
    if new.subject.contains(['\n', '\r']) {
        return Err(Error::invalid("subject", "one line"));
    }
    let source = Source { subject: new.subject.clone(), body: new.body.clone() };
    template::check(&source).map_err(|fault| Error::invalid(fault.field, fault.detail))?;
    store::add_template(conn, by, new, now).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_templates_can_be_filled_in() {
        for (name, text) in BUILT_IN {
            let (subject, body) = text.split_once('\n').expect("a subject and a body");
            let source = Source { subject: subject.to_owned(), body: body.to_owned() };
            assert_eq!(template::check(&source), Ok(()), "{name}");
        }
    }
}
