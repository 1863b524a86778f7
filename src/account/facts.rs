//! Facts about a debtor that rules depend on, as staff learn them: zone, address, kind of party, owner.

use std::fmt::Display;

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{Postgres, Transaction};
use utoipa::ToSchema;

use super::{Account, change::requeue_and_commit, store};
use crate::{
    app::App,
    error::{Error, Result},
    ids::{AccountId, UserId},
    named::named,
};

/// Where a debtor is. What is absent or blank is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccountAddress)]
pub struct Address {
    /// ISO 3166-1 alpha-2.
    #[serde(default)]
    pub country: Option<String>,
    /// State or province, by code or English name; at most 64 characters.
    #[serde(default)]
    pub region: Option<String>,
    /// At most 120 characters.
    #[serde(default)]
    pub city: Option<String>,
    /// At most 20 characters.
    #[serde(default)]
    pub postal_code: Option<String>,
    /// Street and house, at most 200 characters.
    #[serde(default)]
    pub address_line: Option<String>,
}

/// Who owes, which decides on the law that applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartyKind {
    /// A natural person.
    Consumer,
    /// A business.
    Commercial,
}

named!(PartyKind { Consumer => "consumer", Commercial => "commercial" });

/// Sets the zone that the debtor stated (IANA); `None`: none. Calls are allowed only where it allows them, too.
///
/// # Errors
/// [`Error::Invalid`] for what is no zone; [`Error::NotFound`].
pub async fn set_zone(app: &App, by: UserId, account: AccountId, zone: Option<&str>) -> Result<()> {
    if zone.is_some_and(|name| name.parse::<Tz>().is_err()) {
        return Err(Error::invalid("zone", "an IANA time zone such as `America/Chicago`"));
    }
    let mut tx = app.db.begin().await?;
    let before = store::get(&mut tx, account).await?;
    store::set_zone(&mut tx, account, zone, app.clock.now()).await?;
    rezone(&mut tx, account).await?;
    noted(app, tx, by, "zone", &before, before.stated_zone.as_deref(), zone).await
}

/// Sets the address, all of it.
///
/// # Errors
/// [`Error::Invalid`] naming the field; [`Error::NotFound`].
pub async fn set_address(app: &App, by: UserId, account: AccountId, address: &Address) -> Result<()> {
    let address = address.checked()?;
    let mut tx = app.db.begin().await?;
    let before = store::get(&mut tx, account).await?;
    store::set_address(&mut tx, account, &address, app.clock.now()).await?;
    rezone(&mut tx, account).await?;
    let (was, is) = (Address::of(&before).in_a_line(), address.in_a_line());
    noted(app, tx, by, "address", &before, was.as_deref(), is.as_deref()).await
}

/// Sets who owes.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn set_party_kind(app: &App, by: UserId, account: AccountId, kind: PartyKind) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let before = store::get(&mut tx, account).await?;
    store::set_party_kind(&mut tx, account, kind, app.clock.now()).await?;
    noted(app, tx, by, "party_kind", &before, Some(before.party_kind.as_str()), Some(kind.as_str())).await
}

/// Gives the account to an agent, who is preferred when the debtor answers; `None`: to nobody.
///
/// # Errors
/// [`Error::Invalid`] unless it is an agent who may log in; [`Error::NotFound`].
pub async fn set_owner(app: &App, by: UserId, account: AccountId, owner: Option<UserId>) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let before = store::get(&mut tx, account).await?;
    let name = match owner {
        Some(agent) => Some(
            store::agent_name(&mut tx, agent)
                .await?
                .ok_or_else(|| Error::invalid("owner", "an agent who may log in, by id"))?,
        ),
        None => None,
    };
    store::set_owner(&mut tx, account, owner, app.clock.now()).await?;
    noted(app, tx, by, "owner", &before, before.owner, name).await
}

/// The account's numbers may be in other zones than before.
async fn rezone(tx: &mut Transaction<'_, Postgres>, account: AccountId) -> Result<()> {
    let now = store::get(tx, account).await?;
    store::rezone(tx, &now).await
}

/// Keeps what was and what is in the account's history, and has the queues look again.
async fn noted(
    app: &App,
    mut tx: Transaction<'_, Postgres>,
    by: UserId,
    what: &str,
    account: &Account,
    was: Option<impl Display>,
    is: Option<impl Display>,
) -> Result<()> {
    let text = |value: Option<String>| value.unwrap_or_else(|| "not known".to_owned());
    let (was, is) = (was.map(|value| value.to_string()), is.map(|value| value.to_string()));
    let detail = json!({ "was": was, "now": text(is) });
    store::audit(&mut tx, by, what, account.id, detail, app.clock.now()).await?;
    requeue_and_commit(app, tx, &[account.id]).await
}

impl Address {
    fn of(account: &Account) -> Self {
        Self {
            country: account.country.clone(),
            region: account.region.clone(),
            city: account.city.clone(),
            postal_code: account.postal_code.clone(),
            address_line: account.address_line.clone(),
        }
    }

    /// Trimmed, the country in capitals.
    fn checked(&self) -> Result<Self> {
        let country = bounded("country", self.country.as_deref(), 2)?.map(|code| code.to_ascii_uppercase());
        if country.as_ref().is_some_and(|code| code.parse::<phonenumber::country::Id>().is_err()) {
            return Err(Error::invalid("country", "an ISO 3166-1 code of two letters"));
        }
        Ok(Self {
            country,
            region: bounded("region", self.region.as_deref(), 64)?,
            city: bounded("city", self.city.as_deref(), 120)?,
            postal_code: bounded("postal_code", self.postal_code.as_deref(), 20)?,
            address_line: bounded("address_line", self.address_line.as_deref(), 200)?,
        })
    }

    fn in_a_line(&self) -> Option<String> {
        let parts = [&self.address_line, &self.city, &self.region, &self.postal_code, &self.country];
        let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

fn bounded(field: &'static str, text: Option<&str>, most: usize) -> Result<Option<String>> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    if text.is_some_and(|text| text.chars().count() > most || text.contains('\0')) {
        return Err(Error::invalid(field, format!("at most {most} characters")));
    }
    Ok(text.map(str::to_owned))
}
