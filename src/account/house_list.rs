//! The house's own do-not-call list: numbers, and with a trailing `*` all that begin so, whichever account has them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{DoNotCall, change::requeue_and_commit, store};
use crate::{
    app::App,
    error::{Error, Result},
    ids::UserId,
};

/// An entry of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = HouseListEntry)]
pub struct Entry {
    /// Its id.
    pub id: Uuid,
    /// `+12125550100`, or `+1900*`.
    pub value: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub at: DateTime<Utc>,
    /// Who put it down.
    pub by: Option<String>,
    /// When it was taken off.
    pub revoked_at: Option<DateTime<Utc>>,
    /// By whom.
    pub revoked_by: Option<String>,
}

/// Puts a number, or all that begin so, on the list; one that is on it stays as it was. Gives its id.
///
/// # Errors
/// [`Error::Invalid`] unless it is `+` and 7 to 15 digits, or `+`, 2 to 14 digits and `*`, and the reason has 1 to 200
/// characters.
pub async fn add(app: &App, by: UserId, value: &str, reason: &str) -> Result<Uuid> {
    let (now, whom) = (app.clock.now(), DoNotCall::House(checked(value)?));
    let mut tx = app.db.begin().await?;
    let touched = store::do_not_call(&mut tx, &whom, reason, None, Some(by), now).await?;
    let id = store::house_entry(&mut tx, value).await?;
    store::audit_of(&mut tx, by, "do_not_call", ("do_not_call", &id.to_string()), json!({ "scope": "house" }), now)
        .await?;
    requeue_and_commit(app, tx, &touched).await?;
    Ok(id)
}

/// Takes an entry off the list.
///
/// # Errors
/// [`Error::NotFound`] if it is not on it.
pub async fn remove(app: &App, by: UserId, id: Uuid) -> Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let value = store::house_value(&mut tx, id).await?;
    let touched = store::revoke_do_not_call(&mut tx, &DoNotCall::House(value), by, now).await?;
    let detail = json!({ "scope": "house" });
    store::audit_of(&mut tx, by, "revoke_do_not_call", ("do_not_call", &id.to_string()), detail, now).await?;
    requeue_and_commit(app, tx, &touched).await
}

fn checked(value: &str) -> Result<String> {
    let (digits, fewest) = value.strip_suffix('*').map_or((value, 7), |prefix| (prefix, 2));
    let digits = digits.strip_prefix('+').unwrap_or_default();
    if (fewest..=15).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit()) {
        Ok(value.to_owned())
    } else {
        Err(Error::invalid("value", "`+` and 7 to 15 digits, or `+`, at least 2 digits and `*`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_or_a_beginning_is_an_entry() {
        for value in ["+12125550100", "+1900*", "+44*", "+1234567"] {
            assert_eq!(checked(value).unwrap(), value);
        }
        for value in ["", "*", "+*", "+1*", "12125550100", "+1212%", "+1*2*", "+1212555010012345"] {
            assert!(checked(value).is_err(), "{value}");
        }
    }
}
