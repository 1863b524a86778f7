//! Consent and its withdrawal, and the language of a debtor.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{PointKind, change::requeue_and_commit, store};
use crate::{
    app::App,
    error::{Error, Result},
    ids::{AccountId, ContactPointId, UserId},
};

/// What a debtor consents to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = ConsentPurpose)]
pub enum Purpose {
    /// Being called on this number at all; withdrawn, nobody calls it (47 CFR 64.1200(a)(10)).
    Calls,
    /// Being called more often for the days that a policy grants (12 CFR 1006.14(b)(3)(i)).
    Frequency,
    /// Being written to at this e-mail address; withdrawn, nobody writes to it.
    Messages,
}

impl Purpose {
    /// The way of contact that it is about.
    #[must_use]
    pub fn channel(self) -> PointKind {
        match self {
            Self::Calls | Self::Frequency => PointKind::Phone,
            Self::Messages => PointKind::Email,
        }
    }
}

/// Given or withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = ConsentAction)]
pub enum Action {
    /// Given.
    Granted,
    /// Withdrawn.
    Revoked,
}

/// What a debtor said about being called on a number, or written to at an address.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewConsent)]
pub struct NewConsent {
    /// The number or address, one of the account's.
    pub contact_point: ContactPointId,
    /// To what.
    pub purpose: Purpose,
    /// Given or withdrawn.
    pub action: Action,
    /// How we know, 1 to 200 characters: a call, a letter, a form.
    #[schema(min_length = 1, max_length = 200)]
    pub source: String,
    /// When the debtor said it; absent: now. Not in the future.
    #[serde(default)]
    pub at: Option<DateTime<Utc>>,
}

/// Records what a debtor said; of two, the one that was said later counts.
///
/// # Errors
/// [`Error::Invalid`] for the source or the moment; [`Error::NotFound`] without the number or address at the account.
pub async fn record(app: &App, by: UserId, account: AccountId, consent: &NewConsent) -> Result<()> {
    let now = app.clock.now();
    if !(1..=200).contains(&consent.source.trim().chars().count()) {
        return Err(Error::invalid("source", "1 to 200 characters"));
    }
    if consent.at.is_some_and(|at| at > now) {
        return Err(Error::invalid("at", "not in the future"));
    }
    let mut tx = app.db.begin().await?;
    let touched = store::record_consent(&mut tx, account, consent, by, now).await?;
    let detail = json!({ "point": consent.contact_point, "purpose": consent.purpose, "action": consent.action });
    store::audit(&mut tx, by, "consent", account, detail, now).await?;
    requeue_and_commit(app, tx, &touched).await
}

/// Sets the language a debtor speaks (BCP 47); `None`: not known.
///
/// # Errors
/// [`Error::Invalid`] for what is no language tag; [`Error::NotFound`].
pub async fn set_language(app: &App, by: UserId, account: AccountId, language: Option<&str>) -> Result<()> {
    if language.is_some_and(|tag| !is_language(tag)) {
        return Err(Error::invalid("language", "a BCP 47 tag such as `es` or `fr-CA`"));
    }
    let mut tx = app.db.begin().await?;
    let now = app.clock.now();
    store::set_language(&mut tx, account, language, now).await?;
    store::audit(&mut tx, by, "language", account, json!({ "language": language }), now).await?;
    requeue_and_commit(app, tx, &[account]).await
}

/// A language of two or three letters, and parts of up to eight letters or digits after it.
pub(crate) fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let language = parts.next().unwrap_or_default();
    let letters = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphabetic());
    (2..=3).contains(&language.len())
        && letters(language)
        && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_a_tag() {
        for tag in ["en", "fr-CA", "zh-Hant-TW", "yue"] {
            assert!(is_language(tag), "{tag}");
        }
        for tag in ["", "e", "english", "en_US", "en-", "e1", "fr CA"] {
            assert!(!is_language(tag), "{tag}");
        }
    }
}
