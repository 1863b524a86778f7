//! The catalogue is data: a set is a TOML file, kept in the database.

use std::collections::HashSet;

use serde::Deserialize;
use sqlx::PgPool;

use super::{Consequence, Disposition, Field, store};
use crate::error::{Error, Result};

/// The set that every installation has.
const STANDARD: &str = include_str!("../../dispositions/standard.toml");

/// What a wrap-up that runs out is recorded as.
pub const NOT_RECORDED: &str = "not_recorded";

/// What a call is recorded as that was answered and hung up before an agent was there.
pub const HUNG_UP: &str = "hung_up";

/// Codes the service records by itself; every set has them, marked `automatic`.
pub const AUTOMATIC: [&str; 8] =
    ["busy", "no_answer", "failed", "canceled", "machine", "abandoned", HUNG_UP, NOT_RECORDED];

/// A set of dispositions as its file says it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Set {
    /// Its name, 1 to 64 characters of `a-z 0-9 _`.
    pub name: String,
    /// In the order in which they are shown; at most 200.
    #[serde(rename = "disposition")]
    pub dispositions: Vec<Disposition>,
}

/// Reads a set from TOML.
///
/// # Errors
/// [`Error::Invalid`] naming the disposition and the field.
pub fn read(text: &str) -> Result<Set> {
    let set: Set = toml::from_str(text).map_err(|error| Error::invalid("file", error.message().to_owned()))?;
    check(&set)?;
    Ok(set)
}

/// Puts a set into the database, in place of the one of its name. Codes that calls were recorded with cannot go: they
/// stay, and may not be chosen any more.
///
/// # Errors
/// Those of Postgres.
pub async fn load(db: &PgPool, set: &Set) -> Result<()> {
    let mut tx = db.begin().await?;
    store::replace_set(&mut tx, set).await?;
    Ok(tx.commit().await?)
}

/// Puts the standard set into a database that has none.
///
/// # Errors
/// Those of Postgres.
pub async fn seed(db: &PgPool) -> Result<()> {
    let standard = read(STANDARD)?;
    if store::set(db, &standard.name).await?.is_empty() { load(db, &standard).await } else { Ok(()) }
}

fn check(set: &Set) -> Result<()> {
    if !is_name(&set.name) {
        return Err(Error::invalid("name", "1 to 64 characters of a-z, 0-9 and _"));
    }
    if set.dispositions.len() > 200 {
        return Err(Error::invalid("disposition", "at most 200"));
    }
    let (mut codes, mut hotkeys) = (HashSet::new(), HashSet::new());
    for disposition in &set.dispositions {
        check_one(disposition)?;
        if !codes.insert(disposition.code.as_str()) {
            return Err(wrong(disposition, "code", "stands twice"));
        }
        if let Some(key) = &disposition.hotkey
            && !hotkeys.insert(key.as_str())
        {
            return Err(wrong(disposition, "hotkey", "belongs to another disposition"));
        }
    }
    let missing = AUTOMATIC.iter().find(|code| !set.dispositions.iter().any(|d| d.automatic && d.code == **code));
    match missing {
        Some(code) => Err(Error::invalid(*code, "every set needs this disposition, with automatic = true")),
        None => Ok(()),
    }
}

fn check_one(disposition: &Disposition) -> Result<()> {
    if !is_name(&disposition.code) {
        return Err(wrong(disposition, "code", "1 to 64 characters of a-z, 0-9 and _"));
    }
    if !(1..=80).contains(&disposition.label.trim().chars().count()) {
        return Err(wrong(disposition, "label", "1 to 80 characters"));
    }
    if disposition.hotkey.as_ref().is_some_and(|key| key.chars().count() != 1) {
        return Err(wrong(disposition, "hotkey", "one character"));
    }
    if disposition.automatic && !matches!(disposition.consequence, Consequence::RetryAfter { .. }) {
        return Err(wrong(disposition, "consequence", "an automatic disposition can only be retry_after"));
    }
    if disposition.automatic && !disposition.required.is_empty() {
        return Err(wrong(disposition, "required", "nobody fills in an automatic disposition"));
    }
    check_consequence(disposition)
}

fn check_consequence(disposition: &Disposition) -> Result<()> {
    let needs = |field: Field| {
        if disposition.required.contains(&field) {
            return Ok(());
        }
        Err(wrong(disposition, "required", &format!("its consequence needs {}", field.as_str())))
    };
    match &disposition.consequence {
        Consequence::RetryAfter { minutes: Some(minutes) } if !(1..=43_200).contains(minutes) => {
            Err(wrong(disposition, "consequence.minutes", "1 to 43200"))
        }
        Consequence::Hold { days: Some(days), .. } if !(1..=365).contains(days) => {
            Err(wrong(disposition, "consequence.days", "1 to 365"))
        }
        Consequence::CallbackAt => needs(Field::CallbackAt),
        Consequence::Promise => needs(Field::Promise),
        Consequence::Plan => needs(Field::Plan),
        Consequence::Dispute => needs(Field::Dispute),
        _ => Ok(()),
    }
}

fn wrong(disposition: &Disposition, field: &str, detail: &str) -> Error {
    Error::invalid(format!("{}.{field}", disposition.code), detail)
}

fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field_of(text: &str) -> String {
        match read(text) {
            Err(Error::Invalid { field, .. }) => field,
            other => panic!("{other:?}"),
        }
    }

    fn standard_with(extra: &str) -> String {
        format!("{STANDARD}\n[[disposition]]\n{extra}")
    }

    #[test]
    fn the_standard_set_is_valid() {
        let set = read(STANDARD).unwrap();
        assert_eq!(set.name, "standard");
        assert!(set.dispositions.iter().filter(|disposition| !disposition.automatic).count() >= 15);
    }

    #[test]
    fn a_wrong_entry_is_named() {
        let cases = [
            ("code = 'X'\nlabel = 'X'\ncategory = 'no_contact'\nconsequence = { then = 'stop' }", "X.code"),
            ("code = 'busy'\nlabel = 'X'\ncategory = 'no_contact'\nconsequence = { then = 'stop' }", "busy.code"),
            ("code = 'x'\nlabel = ' '\ncategory = 'no_contact'\nconsequence = { then = 'stop' }", "x.label"),
            (
                "code = 'x'\nlabel = 'X'\nhotkey = 'p'\ncategory = 'no_contact'\nconsequence = { then = 'stop' }",
                "x.hotkey",
            ),
            ("code = 'x'\nlabel = 'X'\ncategory = 'no_contact'\nconsequence = { then = 'promise' }", "x.required"),
            (
                "code = 'x'\nlabel = 'X'\ncategory = 'no_contact'\nconsequence = { then = 'retry_after', minutes = 0 }",
                "x.consequence.minutes",
            ),
            (
                "code = 'x'\nlabel = 'X'\ncategory = 'no_contact'\nconsequence = { then = 'hold', days = 366, reason = 'hold' }",
                "x.consequence.days",
            ),
            (
                "code = 'x'\nlabel = 'X'\nautomatic = true\ncategory = 'no_contact'\nconsequence = { then = 'stop' }",
                "x.consequence",
            ),
        ];
        for (extra, field) in cases {
            assert_eq!(field_of(&standard_with(extra)), field);
        }
    }

    #[test]
    fn a_set_without_the_automatic_ones_is_refused() {
        assert_eq!(field_of("name = 'x'\ndisposition = []"), "busy");
        assert_eq!(field_of("name = 'x'\ndispositions = []"), "file");
    }
}
