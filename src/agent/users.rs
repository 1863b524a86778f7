//! Users: who may log in.

pub(super) mod store;

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use utoipa::ToSchema;

use crate::{
    agent::{Role, password},
    agreement,
    error::{Error, Result},
    ids::UserId,
};

/// A user to create.
#[derive(Debug)]
pub struct NewUser {
    /// Lower case, 1 to 64 characters of `a-z 0-9 . _ - @`.
    pub login: String,
    /// Name to show, 1 to 120 characters.
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// 10 to 200 characters.
    pub password: SecretString,
    /// Where the agent's voice leg rings: `+1555…`, `sip:…` or `client:…`; `None`: the softphone dials in.
    pub device: Option<String>,
    /// With the role `department`, and only then: a code of the agreement rules.
    pub department: Option<String>,
    /// What reports sum up by, 1 to 64 characters.
    pub team: Option<String>,
}

/// What an administrator may change of a user; what is `None` is taken away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UserChange)]
pub struct Change {
    /// Name to show, 1 to 120 characters.
    pub name: String,
    /// What the user may do; another role than before ends the user's sessions.
    pub role: Role,
    /// Where the voice leg rings: `+1555…`, `sip:…` or `client:…`; absent: the softphone dials in.
    #[serde(default)]
    pub device: Option<String>,
    /// With the role `department`, and only then: a code of the agreement rules.
    #[serde(default)]
    pub department: Option<String>,
    /// What reports sum up by, 1 to 64 characters.
    #[serde(default)]
    pub team: Option<String>,
}

/// A user as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Log-in name.
    pub login: String,
    /// Name to show.
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// Where the voice leg rings.
    pub device: Option<String>,
    /// Code of its department, with the role `department`.
    pub department: Option<String>,
    /// What reports sum up by.
    pub team: Option<String>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Since when it may not log in any more.
    pub disabled_at: Option<DateTime<Utc>>,
}

/// Creates a user.
///
/// # Errors
/// [`Error::Invalid`], [`Error::Conflict`] if the login is taken.
pub async fn create(db: &PgPool, new: NewUser, now: DateTime<Utc>) -> Result<User> {
    check(&new)?;
    check_department(db, new.role, new.department.as_deref()).await?;
    let user = User {
        id: UserId::generate(),
        login: new.login,
        name: new.name.trim().to_owned(),
        role: new.role,
        device: new.device,
        department: new.department,
        team: new.team.map(|team| team.trim().to_owned()),
        created_at: now,
        disabled_at: None,
    };
    let hash = password::hash(new.password).await?;
    if store::insert(db, &user, &hash).await? {
        Ok(user)
    } else {
        Err(Error::Conflict("this login is taken".to_owned()))
    }
}

/// Changes a user. What reports say of the past follows the user's present team.
///
/// # Errors
/// [`Error::Invalid`], [`Error::NotFound`]; [`Error::Conflict`] for an administrator who gives its own role away.
pub async fn change(db: &PgPool, by: UserId, user: UserId, change: Change) -> Result<User> {
    check_profile(&change.name, change.device.as_deref(), change.team.as_deref())?;
    check_department(db, change.role, change.department.as_deref()).await?;
    let mut tx = db.begin().await?;
    let before = store::lock(&mut tx, user).await?.ok_or(Error::NotFound("user"))?;
    if by == user && change.role != before.role {
        return Err(Error::Conflict("an administrator cannot give its own role away".to_owned()));
    }
    let after = User {
        name: change.name.trim().to_owned(),
        role: change.role,
        device: change.device,
        department: change.department,
        team: change.team.map(|team| team.trim().to_owned()),
        ..before.clone()
    };
    store::update(&mut tx, &after).await?;
    if (after.role, &after.department) != (before.role, &before.department) {
        store::end_sessions(&mut tx, user).await?;
    }
    tx.commit().await?;
    Ok(after)
}

/// All users, by login; at most 1000.
///
/// # Errors
/// Those of Postgres.
pub async fn list(db: &PgPool) -> Result<Vec<User>> {
    store::all(db).await
}

/// The department a user was put into.
///
/// # Errors
/// Those of Postgres.
pub async fn department(db: &PgPool, user: UserId) -> Result<Option<String>> {
    store::department(db, user).await
}

/// Sets a new password and ends the user's sessions.
///
/// # Errors
/// [`Error::Invalid`], [`Error::NotFound`].
pub async fn set_password(db: &PgPool, user: UserId, password: SecretString) -> Result<()> {
    check_password(&password)?;
    let hash = password::hash(password).await?;
    let mut tx = db.begin().await?;
    if !store::set_password(&mut tx, user, &hash).await? {
        return Err(Error::NotFound("user"));
    }
    store::end_sessions(&mut tx, user).await?;
    Ok(tx.commit().await?)
}

/// Lets the user log in no more, and ends its sessions.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn disable(db: &PgPool, user: UserId, now: DateTime<Utc>) -> Result<()> {
    let mut tx = db.begin().await?;
    if !store::disable(&mut tx, user, now).await? {
        return Err(Error::NotFound("user"));
    }
    store::end_sessions(&mut tx, user).await?;
    Ok(tx.commit().await?)
}

/// Lets a user who was disabled log in again.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn enable(db: &PgPool, user: UserId) -> Result<()> {
    if store::enable(db, user).await? { Ok(()) } else { Err(Error::NotFound("user")) }
}

fn check(new: &NewUser) -> Result<()> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-@".contains(&byte);
    if !(1..=64).contains(&new.login.len()) || !new.login.bytes().all(plain) {
        return Err(Error::invalid("login", "1 to 64 characters of a-z, 0-9 and . _ - @"));
    }
    check_password(&new.password)?;
    check_profile(&new.name, new.device.as_deref(), new.team.as_deref())
}

fn check_profile(name: &str, device: Option<&str>, team: Option<&str>) -> Result<()> {
    if !(1..=120).contains(&name.trim().chars().count()) {
        return Err(Error::invalid("name", "1 to 120 characters"));
    }
    if team.is_some_and(|team| !(1..=64).contains(&team.trim().chars().count())) {
        return Err(Error::invalid("team", "1 to 64 characters"));
    }
    device.map_or(Ok(()), check_device)
}

/// A department has log-ins of its own unless everybody of a role belongs to it.
async fn check_department(db: &PgPool, role: Role, department: Option<&str>) -> Result<()> {
    match (department, role) {
        (None, Role::Department) => Err(Error::invalid("department", "is required with the role department")),
        (Some(code), Role::Department) => {
            let rules = agreement::store::rules(db).await?;
            match rules.department(code) {
                Some(department) if department.staffed_by.is_none() => Ok(()),
                Some(_) => Err(Error::invalid("department", "everybody of a role belongs to it: give that role")),
                None => Err(Error::invalid("department", "there is no such department")),
            }
        }
        (Some(_), _) => Err(Error::invalid("department", "only with the role department")),
        (None, _) => Ok(()),
    }
}

fn check_password(password: &SecretString) -> Result<()> {
    if (10..=200).contains(&password.expose_secret().chars().count()) {
        Ok(())
    } else {
        Err(Error::invalid("password", "10 to 200 characters"))
    }
}

/// What the carrier can call: a number, a SIP address, or a registered softphone.
fn check_device(device: &str) -> Result<()> {
    let named = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic());
    let callable = match (device.strip_prefix("sip:"), device.strip_prefix("client:")) {
        (Some(rest), _) | (_, Some(rest)) => device.len() <= 255 && named(rest),
        _ => device.parse::<crate::phone::Phone>().is_ok(),
    };
    if callable {
        Ok(())
    } else {
        Err(Error::invalid("device", "an E.164 number, sip:… or client:…, at most 255 characters"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(login: &str, password: &str, device: Option<&str>) -> NewUser {
        NewUser {
            login: login.to_owned(),
            name: "Agent 1".to_owned(),
            role: Role::Agent,
            password: password.into(),
            device: device.map(str::to_owned),
            department: None,
            team: None,
        }
    }

    fn wrong_field(new: &NewUser) -> Option<String> {
        match check(new) {
            Err(Error::Invalid { field, .. }) => Some(field),
            _ => None,
        }
    }

    #[test]
    fn a_wrong_field_is_named() {
        assert_eq!(wrong_field(&new("agent.1", "long enough", None)), None);
        assert_eq!(wrong_field(&new("Agent", "long enough", None)).as_deref(), Some("login"));
        assert_eq!(wrong_field(&new("", "long enough", None)).as_deref(), Some("login"));
        assert_eq!(wrong_field(&new("agent", "too short", None)).as_deref(), Some("password"));
        assert_eq!(
            wrong_field(&NewUser { name: "  ".to_owned(), ..new("a", "long enough", None) }).as_deref(),
            Some("name")
        );
        let team = Some("t".repeat(65));
        assert_eq!(wrong_field(&NewUser { team, ..new("a", "long enough", None) }).as_deref(), Some("team"));
    }

    #[test]
    fn a_device_is_something_the_carrier_can_call() {
        for good in ["+15555550100", "sip:agent1@pbx.example", "client:agent_1"] {
            assert_eq!(wrong_field(&new("agent", "long enough", Some(good))), None, "{good}");
        }
        for bad in ["5555550100", "sip:", "client:two words", "tel:+15555550100", ""] {
            assert_eq!(wrong_field(&new("agent", "long enough", Some(bad))).as_deref(), Some("device"), "{bad}");
        }
    }
}
